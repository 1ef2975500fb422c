//! The rep's planned day: what came by sync, planned here without a connection, planned anew in the
//! course of the day, and which leads lie near it.
//!
//! Times in the planner are seconds from the day's midnight; everything an app sees is a moment.

mod changes;
mod keep;
mod matrix;
mod near;
mod own;
mod plan;
mod read;
mod record;
mod replan;
mod request;

pub use changes::DayEvent;
pub(crate) use own::DayData;
pub(crate) use read::leads_through;

pub use near::{NearDay, NearDayQuery, NearLead};
pub use record::{
    DayChange, DayRecord, DayRemedy, DaySource, DayStep, DayStepKind, DayTotals, LeftOutLead,
    LeftOutReason, RouteNote, TravelNote,
};
pub use replan::{DayUpdate, ReplannedDay};
pub use request::{BreakTime, DayObjective, PlanDay, StopWish, TimeWindow, WorkHours};

use crate::EngineError;
use fieldfare_planner::ProblemError;

impl From<ProblemError> for EngineError {
    fn from(error: ProblemError) -> Self {
        Self::invalid(error.to_string())
    }
}

fn unreadable(what: &str) -> EngineError {
    EngineError::Storage {
        detail: format!("{what} cannot be read: sync, or update the app"),
    }
}
