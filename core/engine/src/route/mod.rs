//! Following the day's route.
//!
//! The navigator states facts; what becomes of them is decided here: other routes, visits to
//! propose, and what is kept.

mod fetch;
mod guide;
mod keep;
mod record;
mod session;
mod start;
mod update;

pub use record::{
    RouteAdvice, RouteBanner, RouteBannerLine, RouteDeviation, RouteEvent, RouteKind, RouteMap,
    RouteMapStep, RouteMapStop, RouteProgress, RouteRejoin, RouteSpot, RouteStay, RouteUpdate,
    TripRecord,
};
pub use session::{RankedAlternative, RouteSession};
pub use start::FollowDay;

pub use fieldfare_navigator::{
    DeviationKind, DrivingSide, FixQuality, FollowConfig, ManoeuvreKind, Phase, SpeedLimit, Turn,
    WaypointKind,
};

use crate::EngineError;
use fieldfare_navigator::{ConfigError, RouteError};

impl From<RouteError> for EngineError {
    fn from(error: RouteError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<ConfigError> for EngineError {
    fn from(error: ConfigError) -> Self {
        Self::invalid(error.to_string())
    }
}
