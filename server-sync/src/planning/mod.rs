//! Planning on the server, with the planner that runs on phones: problems on request, each rep's
//! day every morning, and which leads can be reached.

mod forget;
mod job;
pub mod nightly;
mod reach;
mod request;

pub use forget::{forget, forget_lead};
pub use job::{DayError, DayJob, StoredDay, day_plan_id, is_planned, leads_of, route_id};
pub use reach::reachable;
pub use request::{Kind, PlanError, PlanLimits, Planned, kind_of, plan, replan};
