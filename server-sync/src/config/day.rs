use crate::config::ConfigError;
use fieldfare_model::{ContactHours, LatLng};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// When days are planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlanningConfig {
    /// Hour of the rep's morning from which the day is planned, 0 to 23.
    pub from_hour: i8,
}

impl Default for PlanningConfig {
    fn default() -> Self {
        Self { from_hour: 3 }
    }
}

/// A rep's working day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayConfig {
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
    pub breaks: Vec<BreakConfig>,
}

/// A break.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BreakConfig {
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

impl PlanningConfig {
    /// Whether the settings make sense.
    ///
    /// # Errors
    /// [`ConfigError::Value`] naming the setting.
    pub fn check(&self) -> Result<(), ConfigError> {
        must(
            (0..24).contains(&self.from_hour),
            "planning.from_hour",
            "must be between 0 and 23",
        )
    }
}

impl DayConfig {
    /// The rep's time zone, if it is known.
    pub fn zone(&self) -> Option<TimeZone> {
        TimeZone::get(&self.time_zone).ok()
    }

    /// Whether the settings make sense; `what` names them in errors.
    ///
    /// # Errors
    /// [`ConfigError::Value`] naming the setting.
    pub fn check(&self, what: &str) -> Result<(), ConfigError> {
        let minutes = |n: u32| (1..=MAX_MINUTES).contains(&n);
        must(
            self.zone().is_some(),
            &format!("time_zone of {what}"),
            "must be an IANA name such as Europe/Helsinki",
        )?;
        must(
            !self.hours.windows().is_empty(),
            &format!("hours of {what}"),
            "must name working hours, such as Mo-Fr 08:00-17:00",
        )?;
        must(
            minutes(self.visit_minutes),
            &format!("visit_minutes of {what}"),
            "must be between 1 and 480",
        )?;
        must(
            (1..=MAX_CANDIDATES).contains(&self.candidates),
            &format!("candidates of {what}"),
            "must be between 1 and 100",
        )?;
        let breaks = &self.breaks;
        let named = |pause: &BreakConfig| !pause.begins.windows().is_empty();
        must(
            breaks.len() <= MAX_BREAKS && breaks.iter().all(|b| named(b) && minutes(b.minutes)),
            &format!("breaks of {what}"),
            "must be at most four, each with hours in which it begins and 1 to 480 minutes",
        )
    }
}

fn must(holds: bool, setting: &str, problem: &str) -> Result<(), ConfigError> {
    if holds {
        return Ok(());
    }
    Err(ConfigError::Value {
        setting: setting.to_owned(),
        problem: problem.to_owned(),
    })
}
