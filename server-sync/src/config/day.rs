use crate::config::ConfigError;
use fieldfare_planner::workday::WorkDay;
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

/// Whether the settings of a working day make sense; `what` names them in errors.
///
/// # Errors
/// [`ConfigError::Value`] naming the setting.
pub fn check_day(day: &WorkDay, what: &str) -> Result<(), ConfigError> {
    day.check().map_err(|error| ConfigError::Value {
        setting: format!("{} of {what}", error.field),
        problem: error.problem.to_owned(),
    })
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
