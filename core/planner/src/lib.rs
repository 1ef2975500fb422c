//! Plans the days of field reps: which stops, in which order, when.
//!
//! A [`Problem`] goes in, a [`Plan`] comes out. Days of one rep with up to about 14 stops are
//! solved to proven optimality; longer ones and teams by a search with a fixed number of
//! iterations. Everything is a pure function of its arguments, in integers: the same problem and
//! [`Options`] give the same bytes on every platform.
#![forbid(unsafe_code)]

mod assemble;
mod canonical;
mod check;
mod error;
mod exact;
mod exchange;
pub mod generate;
mod insertion;
mod instance;
mod pins;
mod plan;
mod polish;
mod problem;
mod profile;
mod reasons;
mod replan;
mod rng;
mod search;
mod solve;
mod source;
mod svg;
mod text;
mod timeline;
mod travel;
mod validate;
pub mod vroom;
mod walk;
pub mod workday;

pub use check::{Violation, check};
pub use error::ProblemError;
pub use insertion::{Detour, NearRule, detours, near_route};
pub use plan::{Activity, DayPlan, LeftOut, Plan, Proof, Reason, Remedy, Step, Totals};
pub use problem::{Break, Objective, Problem, RepDay, Stop, Window};
pub use profile::Profile;
pub use replan::{Change, DayState, RepState, Replanned, orders_of_plan, replan};
pub use rng::Rng;
pub use solve::{Options, Progress, solve, solve_from, solve_while};
pub use source::{CachedMatrix, GreatCircle, MatrixSource};
pub use svg::svg;
pub use text::explain;
pub use travel::{Provenance, Travel};
