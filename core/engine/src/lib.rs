//! The engine: everything an app for field sales needs on the phone, behind one [`Engine`].
//!
//! It puts the pure crates and the store together and owns what they leave out: the clock,
//! randomness, threads and the connection to the server. Its calls block for micro- to
//! milliseconds and work without a connection; only [`Engine::enrol`], [`Engine::sync`] and
//! [`Engine::wait_for_news`] talk to the server, and those are async.
//!
//! The API is coarse on purpose, as it is called from Kotlin and Swift: owned records, pages and
//! batches, one flat error type.
#![forbid(unsafe_code)]

mod clock;
mod config;
mod consenting;
mod conversion;
mod day;
mod edits;
mod engine;
mod error;
mod export;
mod leads;
mod lifecycle;
mod location;
mod map;
mod nearby;
mod news;
mod observers;
mod operations;
mod pings;
mod route;
mod session;
mod signing_in;
mod status;
mod syncing;
mod transport;
mod visits;

pub mod consent;
pub mod proximity;
pub mod sampler;

pub use clock::{Clock, SystemClock};
pub use config::{ANDROID_FENCE_LIMIT, EngineConfig, IOS_FENCE_LIMIT, Parts};
pub use consenting::{ConsentRecord, ConsentState, LedgerState, PurposeState};
pub use day::{
    BreakTime, DayChange, DayEvent, DayObjective, DayRecord, DayRemedy, DaySource, DayStep,
    DayStepKind, DayTotals, DayUpdate, LeftOutLead, LeftOutReason, NearDay, NearDayQuery, NearLead,
    PlanDay, ReplannedDay, RouteNote, StopWish, TimeWindow, TravelNote, WorkHours,
};
pub use edits::{LeadEdit, NewLead};
pub use engine::Engine;
pub use error::{EngineError, EngineResult};
pub use leads::{LeadPage, LeadPin, LeadRecord, MAX_PAGE, Viewport};
pub use location::{FenceArea, Fences, FixContext, FixOutcome};
pub use nearby::{Nearby, NearbyFilter, NearbyLead, NearbyQuery};
pub use news::NewsOptions;
pub use observers::{ChangeNotice, ChangeObserver, ObserverToken};
pub use operations::{ConflictRecord, FieldChange, OperationRecord, RefusedRecord};
pub use route::{
    DeviationKind, DrivingSide, FixQuality, FollowConfig, FollowDay, ManoeuvreKind, Phase,
    RankedAlternative, RouteAdvice, RouteBanner, RouteBannerLine, RouteDeviation, RouteEvent,
    RouteKind, RouteMap, RouteMapStep, RouteMapStop, RouteProgress, RouteRejoin, RouteSession,
    RouteSpot, RouteStay, RouteUpdate, SpeedLimit, TripRecord, Turn, WaypointKind,
};
pub use session::Enrolment;
pub use status::{EngineStatus, RowCounts};
pub use syncing::{SyncHandle, SyncObserver, SyncOptions, SyncProgress, SyncReport};
pub use transport::{
    HttpHeader, HttpMethod, HttpRequest, HttpResponse, HttpTransport, HttpsTransport,
    TransportError,
};
pub use visits::{NewVisit, VisitRecord};

pub use fieldfare_store::{
    DataKey, FileKeyVault, FileReport, KeyVault, LeadFilter, LeadOrder, MemoryKeyVault, OpenReport,
    PageEnd, Salvage, VaultError,
};
pub use fieldfare_sync::Backoff;
