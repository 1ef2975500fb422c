//! The HTTP side: routes, limits, errors.

mod admin;
mod bootstraps;
mod days;
mod device;
mod error;
mod head;
mod limits;
mod observe;
mod openapi;
mod plan;
mod reroute;
mod routes;
mod session;
mod sync;

pub use bootstraps::Bootstraps;
pub use error::{ApiError, JsonError};
pub use head::Waiting;
pub use limits::RateLimits;
pub use openapi::document;
pub use routes::{Access, Listener, ROUTES, Route, admin_app, app};
pub use sync::{PingBatch, PingReply, PingResult};
