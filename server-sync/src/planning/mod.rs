//! Planning on the server, with the planner that runs on phones.

mod request;

pub use request::{Kind, PlanError, PlanLimits, Planned, kind_of, plan};
