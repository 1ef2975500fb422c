//! VROOM's input and output, so that its clients can use this planner unchanged.
//!
//! Read: `jobs`, `vehicles` with time windows, breaks, skills, capacities, `max_tasks` and initial
//! `steps`, and `matrices` (or `location`s, if a [`MatrixSource`](crate::MatrixSource) is given).
//! As there, priorities come first, then the number of jobs, then travel time. What VROOM knows
//! and this planner does not is refused by name: shipments, custom costs, pickups beside
//! deliveries, limits of travel time or distance, several profiles. Unknown fields are passed over,
//! as VROOM does.

mod input;
mod output;

pub use input::{Request, VroomError};
