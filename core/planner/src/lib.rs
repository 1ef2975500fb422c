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
pub mod generate;
mod instance;
mod plan;
mod problem;
mod profile;
mod reasons;
mod rng;
mod search;
mod solve;
mod timeline;
mod travel;
mod validate;
mod walk;

pub use check::{Violation, check};
pub use error::ProblemError;
pub use plan::{Activity, DayPlan, LeftOut, Plan, Proof, Reason, Remedy, Step, Totals};
pub use problem::{Break, Objective, Problem, RepDay, Stop, Window};
pub use profile::Profile;
pub use rng::Rng;
pub use solve::{Options, Progress, solve, solve_from, solve_while};
pub use travel::{Provenance, Travel};
