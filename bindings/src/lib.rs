//! The engine for Kotlin and Swift, by UniFFI.
//!
//! A thin layer without rules of its own: it converts records, catches panics, and turns every
//! error into one [`FieldfareError`]. Calls are coarse on purpose: Kotlin pays for each call, Swift
//! for each record, so lists come in pages and notices in batches, and what runs all day
//! ([`FieldfareEngine::fix`], [`RouteSession::update`]) takes and gives small records.
//!
//! Numbers are signed, as Kotlin's unsigned ones are awkward; ids are UUIDs in text; moments and
//! spans become each language's own types.
#![allow(
    unsafe_code,
    reason = "UniFFI's macros expand to extern functions; there is no unsafe code by hand"
)]

mod consent;
mod day_plan;
mod day_request;
mod engine;
mod error;
mod foreign;
mod leads;
mod location;
mod logging;
mod operations;
mod planning;
mod route;
mod route_map;
mod route_update;
mod status;
mod values;
mod visits;

pub use consent::{ConsentEntry, ConsentState, PurposeState};
pub use day_plan::{
    DayChange, DayPlan, DayRemedy, DayStep, DayTotals, LeftOutLead, NearDay, NearDayLead,
    ReplannedDay, RouteNote, TravelNote,
};
pub use day_request::{
    BreakTime, DayEvent, DayObjective, DayUpdate, NearDayQuery, PlanDay, StopWish, TimeWindow,
    WorkHours,
};
pub use engine::{ChangeSubscription, FieldfareEngine, default_proximity_config, library_version};
pub use error::{FfiResult, FieldfareError};
pub use foreign::{
    CallbackError, ChangeListener, ChangeNotice, HttpExchange, HttpHeader, HttpMethod, HttpRequest,
    HttpResponse, HttpTransport, KeyVault, SyncListener, TransportError, VaultError, WallClock,
};
pub use leads::{
    Address, Geocode, Lead, LeadEdit, LeadFilter, LeadOrder, LeadPage, LeadPin, Nearby, NearbyId,
    NearbyLead, NearbyQuery, NewLead, Territory, Viewport,
};
pub use location::{FenceArea, Fences, Fix, FixContext, FixOutcome, NextFix, ProximityEvent};
pub use logging::{LogEntry, LogLevel, LogSink, Logging, start_logging};
pub use operations::{Conflict, FieldChange, FieldValue, PendingChange, RefusedChange};
pub use route::RouteSession;
pub use route_map::{
    RouteAlternative, RouteMap, RouteMapStep, RouteMapStop, RoutePlace, RouteQuery,
};
pub use route_update::{
    RouteAdvice, RouteBanner, RouteBannerLine, RouteDeviation, RouteEvent, RouteProgress,
    RouteRejoin, RouteSpot, RouteStay, RouteUpdate, SpeedLimit, Trip,
};
pub use status::{
    EngineConfig, EngineStatus, Enrolment, FileReport, OpenReport, ProximityConfig, Rep, RowCounts,
    Salvage, SyncCancel, SyncOptions, SyncProgress, SyncReport,
};
pub use values::LatLng;
pub use visits::{NewVisit, Visit};

uniffi::setup_scaffolding!();
