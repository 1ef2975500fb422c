//! A day with all that is needed to plan it anew.

use crate::day::{DaySource, unreadable};
use crate::{EngineError, EngineResult};
use fieldfare_model::{CalendarDate, DayPlanRow, LeadId, TimestampMs};
use fieldfare_planner::workday::Day;
use fieldfare_planner::{Plan, Problem};
use serde::{Deserialize, Serialize};

/// How far a day has come, without any place where the rep was.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// In the order of the visits.
    pub visited: Vec<LeadId>,
    pub committed: Vec<LeadId>,
    pub cancelled: Vec<LeadId>,
    pub breaks_taken: Vec<usize>,
}

/// A planned day, from the server or this phone's own.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DayData {
    pub date: CalendarDate,
    pub time_zone: String,
    pub zero_at: TimestampMs,
    pub source: DaySource,
    pub computed_at: TimestampMs,
    /// The whole day: every lead that was to be planned, and the places but the rep's own.
    pub problem: Problem,
    /// The plan for what is still to come.
    pub plan: Plan,
    /// Whether the plan is one for the rest of the day, no longer one for `problem`.
    pub is_rest: bool,
    pub progress: Progress,
}

/// The form in which this phone keeps its own days.
#[derive(Serialize, Deserialize)]
pub(crate) struct Kept {
    form: u32,
    date: CalendarDate,
    time_zone: String,
    zero_at: TimestampMs,
    computed_at: TimestampMs,
    problem: Problem,
    plan: Plan,
    is_rest: bool,
    progress: Progress,
    by_server: bool,
}

const FORM: u32 = 1;

impl DayData {
    /// A day as the server planned it.
    pub fn of_row(row: DayPlanRow) -> EngineResult<Self> {
        let read = |_| unreadable("the planned day");
        Ok(Self {
            date: row.date,
            time_zone: row.time_zone,
            zero_at: row.zero_at,
            source: DaySource::Server,
            computed_at: row.computed_at,
            problem: serde_json::from_str(&row.problem).map_err(read)?,
            plan: serde_json::from_str(&row.plan).map_err(read)?,
            is_rest: false,
            progress: Progress::default(),
        })
    }

    /// The moment of a second of the day.
    pub fn moment(&self, second: i64) -> TimestampMs {
        self.zero_at.plus(second.saturating_mul(1_000))
    }

    /// The second of the day of a moment, rounded down.
    pub fn second(&self, at: TimestampMs) -> i64 {
        at.since(self.zero_at).div_euclid(1_000)
    }

    /// The date and zone, to turn hours into moments by.
    pub fn day(&self) -> EngineResult<Day> {
        Day::new(self.date, &self.time_zone).ok_or_else(|| unreadable("the day's time zone"))
    }

    /// The leads still to be visited, in order.
    pub fn order(&self) -> Vec<LeadId> {
        let days = self.plan.days.iter();
        days.flat_map(|day| day.stops().filter_map(|stop| stop.parse().ok()))
            .collect()
    }

    /// Whether a lead is to be visited, or was considered.
    pub fn names(&self, lead: LeadId) -> bool {
        let id = lead.to_string();
        self.problem.stops.iter().any(|stop| stop.id == id)
    }

    pub fn to_bytes(&self) -> EngineResult<Vec<u8>> {
        let kept = Kept {
            form: FORM,
            date: self.date,
            time_zone: self.time_zone.clone(),
            zero_at: self.zero_at,
            computed_at: self.computed_at,
            problem: self.problem.clone(),
            plan: self.plan.clone(),
            is_rest: self.is_rest,
            progress: self.progress.clone(),
            by_server: self.source == DaySource::Server,
        };
        serde_json::to_vec(&kept).map_err(|_| EngineError::Storage {
            detail: "the day cannot be written".to_owned(),
        })
    }

    /// None for a form this build does not know: the server's day is shown then.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let kept: Kept = serde_json::from_slice(bytes).ok()?;
        (kept.form == FORM).then_some(Self {
            date: kept.date,
            time_zone: kept.time_zone,
            zero_at: kept.zero_at,
            source: match kept.by_server {
                true => DaySource::Server,
                false => DaySource::Phone,
            },
            computed_at: kept.computed_at,
            problem: kept.problem,
            plan: kept.plan,
            is_rest: kept.is_rest,
            progress: kept.progress,
        })
    }
}
