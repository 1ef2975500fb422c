//! A rep's working day: from when to when it lasts, and which leads are worth a visit on it.
//!
//! The server plans days by night and phones plan them anew during the day; both choose by this
//! code, so that both choose the same.

mod choose;
mod civil;

pub use choose::{Sketch, Wish, guest, priority, sketch, sketch_with};
pub use civil::{Day, is_time_zone, local};

use crate::Profile;
use fieldfare_model::{ContactHours, LatLng};
use serde::{Deserialize, Serialize};

/// A rep's working day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkDay {
    /// Working hours, such as `Mo-Fr 08:00-17:00`; a pause between two spans of a day is a break.
    pub hours: ContactHours,
    /// The rep's IANA time zone.
    pub time_zone: String,
    /// Where the day begins.
    pub start: LatLng,
    /// Where it ends; without one where it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<LatLng>,
    /// Minutes of a visit.
    #[serde(default = "default_visit")]
    pub visit_minutes: u32,
    /// From how many leads the day is chosen.
    #[serde(default = "default_candidates")]
    pub candidates: usize,
    /// Breaks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub breaks: Vec<BreakRule>,
    /// How fast traffic is in each of the 24 hours, in thousandths of what the travel times say:
    /// 700 is slower. Empty for the same at any time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub traffic: Vec<u16>,
}

/// A break.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BreakRule {
    /// When it may begin, in the form of working hours: `Mo-Fr 12:00-13:00`.
    pub begins: ContactHours,
    /// How long it is.
    pub minutes: u32,
}

const fn default_visit() -> u32 {
    30
}

const fn default_candidates() -> usize {
    40
}

/// The planner takes eight, and some are needed for pauses.
const MAX_BREAKS: usize = 4;
const MAX_CANDIDATES: usize = 100;
const MAX_MINUTES: u32 = 8 * 60;

/// What is wrong with a working day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct WorkDayError {
    /// The field.
    pub field: &'static str,
    /// What it must be.
    pub problem: &'static str,
}

impl WorkDay {
    /// Whether the fields make sense.
    ///
    /// # Errors
    /// [`WorkDayError`] naming the first that does not.
    pub fn check(&self) -> Result<(), WorkDayError> {
        let minutes = |n: u32| (1..=MAX_MINUTES).contains(&n);
        let breaks = &self.breaks;
        let named = |pause: &BreakRule| !pause.begins.windows().is_empty();
        must(
            is_time_zone(&self.time_zone),
            "time_zone",
            "must be an IANA name such as Europe/Helsinki",
        )?;
        must(
            !self.hours.windows().is_empty(),
            "hours",
            "must name working hours, such as Mo-Fr 08:00-17:00",
        )?;
        must(
            minutes(self.visit_minutes),
            "visit_minutes",
            "must be between 1 and 480",
        )?;
        must(
            (1..=MAX_CANDIDATES).contains(&self.candidates),
            "candidates",
            "must be between 1 and 100",
        )?;
        must(
            breaks.len() <= MAX_BREAKS && breaks.iter().all(|b| named(b) && minutes(b.minutes)),
            "breaks",
            "must be at most four, each with hours in which it begins and 1 to 480 minutes",
        )?;
        let factor = |factor: &u16| Profile::FACTORS.contains(factor);
        must(
            matches!(self.traffic.len(), 0 | 24) && self.traffic.iter().all(factor),
            "traffic",
            "must be 24 numbers between 100 and 3000, one for each hour",
        )
    }

    /// The traffic as the planner takes it; the planner's zero is midnight.
    fn profile(&self) -> Option<Profile> {
        (!self.traffic.is_empty()).then(|| Profile {
            factors: self.traffic.clone(),
            zero_second_of_day: 0,
        })
    }
}

const fn must(holds: bool, field: &'static str, problem: &'static str) -> Result<(), WorkDayError> {
    if holds {
        return Ok(());
    }
    Err(WorkDayError { field, problem })
}
