//! Proximity alerts from a stream of fixes.
//!
//! [`Proximity::on_fix`] takes a fix under a grant for
//! [`Purpose::ProximityAlerts`](fieldfare_model::Purpose::ProximityAlerts) and answers what came of
//! it. Time is the fix's own; the same fixes and leads give the same events.

mod config;
mod hours;
mod leads;
mod state;
mod watch;

#[cfg(test)]
mod tests;

pub use config::{ConfigError, ProximityConfig};
pub use leads::{LeadsNear, NearLead};
pub use state::ProximityState;
pub use watch::{Proximity, ProximityError, ProximityEvent};
