//! The HTTP side: routes, limits, errors.

mod admin;
mod days;
mod device;
mod error;
mod limits;
mod observe;
mod openapi;
mod plan;
mod reroute;
mod routes;
mod session;
mod sync;

pub use error::{ApiError, JsonError};
pub use limits::RateLimits;
pub use openapi::document;
pub use routes::{Access, Listener, ROUTES, Route, admin_app, app};
pub use sync::{PingBatch, PingReply, PingResult};
