//! Following a cached road route with no connection.
//!
//! A [`Route`] is read from a routing service's answer by [`parse_routes`], kept as bytes, and
//! prepared once as an [`Itinerary`]. A [`RouteSession`] then takes fixes and tells where on the
//! route the driver is, what to say and show, when stops are reached and left, and when the driver
//! is not where the route wants them. It states facts; reactions are the caller's.
//!
//! Everything is a pure function of its arguments: no clock, no I/O, no randomness, trigonometry
//! through `libm`. The same route and the same fixes give the same answers, bit for bit, on every
//! platform.
#![forbid(unsafe_code)]

mod adapter;
mod advance;
mod alternatives;
mod announce;
mod codec;
mod config;
mod config_bytes;
mod deviation;
mod draft;
mod error;
mod eta;
mod event;
mod fix;
mod follow;
mod geometry;
mod gpx;
mod itinerary;
mod joining;
mod manoeuvre;
mod matching;
mod motion;
mod navigate;
mod osrm;
mod parse;
mod phrases;
mod recalc;
mod recording;
mod report;
mod route;
mod route_bytes;
mod session;
mod session_bytes;
pub mod simulate;
mod speed_limit;
mod state;
mod stops;
mod summary;
mod track;
mod track_tree;
mod valhalla;
mod vector;

pub use adapter::{
    OsrmAdapter, QueryPlace, RouteAdapter, RouteQuery, RouteRequest, ValhallaAdapter,
};
pub use advance::StepAdvance;
pub use alternatives::{RankedRoute, rank_routes};
pub use config::{ConfigError, FollowConfig};
pub use draft::{
    BannerDraft, LegDraft, MAX_POINTS, MAX_STEPS, RouteDraft, SpokenDraft, StepDraft, WaypointDraft,
};
pub use error::{BytesError, RouteError};
pub use event::{
    Deviation, DeviationKind, Event, Phase, Progress, RejoinHint, SkipReason, Snapped, Stay,
    Update, UtteranceId,
};
pub use fix::{CourseFix, FixQuality};
pub use follow::{Followed, FollowedEvent, describe, follow};
pub use gpx::{GpxError, GpxOptions, read_gpx, write_gpx};
pub use itinerary::Itinerary;
pub use manoeuvre::{DrivingSide, Manoeuvre, ManoeuvreKind, Turn};
pub use parse::parse_routes;
pub use recalc::{Recalc, RecalcAnswer, RecalcConfig, RecalcPolicy};
pub use recording::{Entry, Recording, Replayed};
pub use route::{
    Banner, BannerLine, LimitRun, Route, RouteSource, Spoken, Step, Waypoint, WaypointKind,
};
pub use session::RouteSession;
pub use session_bytes::RestoreError;
pub use speed_limit::SpeedLimit;
pub use summary::TripSummary;
