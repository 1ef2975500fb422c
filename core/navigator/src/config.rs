//! The numbers that decide how a route is followed.

use crate::StepAdvance;

/// Who may be farther than this from a route does not keep to its roads, metres.
const DIRECTION_M: f64 = 10_000.0;

/// How to follow a route. The defaults suit a car.
#[derive(Debug, Clone, PartialEq)]
pub struct FollowConfig {
    /// Metres from the route, with a perfect fix, beyond which a driver is off it. Above 10 km the
    /// route is taken for a direction and not for a road: stops are then reached beside them alone.
    pub deviation_base_m: f64,
    /// Metres added to that for each metre of a fix's accuracy.
    pub deviation_per_accuracy: f64,
    /// Fixes beyond the threshold before it is said.
    pub deviation_fixes: u32,
    /// Milliseconds beyond the threshold after which two fixes are enough.
    pub deviation_ms: i64,
    /// Metres beyond the threshold at which two fixes are enough.
    pub deviation_far_m: f64,
    /// Fixes with a worse accuracy, in metres, are not followed.
    pub max_accuracy_m: f64,
    /// Metres driven backwards before wrong way is said.
    pub wrong_way_m: f64,
    /// Metres ahead within which a route that comes back to the same place is looked for, so that
    /// a driver may turn early or cut a corner.
    pub look_ahead_m: f64,
    /// Metres from a stop within which the driver has arrived.
    pub arrival_radius_m: f64,
    /// Metres from a stop beyond which the driver has left it.
    pub stay_radius_m: f64,
    /// Milliseconds near a stop after which a visit is proposed.
    pub dwell_ms: i64,
    /// When a step ends.
    pub advance: StepAdvance,
}

impl Default for FollowConfig {
    fn default() -> Self {
        Self {
            deviation_base_m: 20.0,
            deviation_per_accuracy: 2.0,
            deviation_fixes: 3,
            deviation_ms: 6_000,
            deviation_far_m: 40.0,
            max_accuracy_m: 150.0,
            wrong_way_m: 25.0,
            look_ahead_m: 1_000.0,
            arrival_radius_m: 30.0,
            stay_radius_m: 80.0,
            dwell_ms: 60_000,
            advance: StepAdvance::default(),
        }
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A number is negative, NaN or beyond any sense.
    #[error("{field} must be a finite number within 0 and a million")]
    Number {
        /// Which.
        field: &'static str,
    },
    /// The radius for leaving a stop is smaller than the one for arriving.
    #[error("stay_radius_m must not be smaller than arrival_radius_m")]
    Radii,
    /// Conditions nested or listed beyond the limit.
    #[error("step advance conditions may be nested 4 deep and number 32 at most")]
    Advance,
}

impl FollowConfig {
    /// Checks that every number makes sense.
    ///
    /// # Errors
    /// [`ConfigError`] naming the first that does not.
    pub fn check(&self) -> Result<(), ConfigError> {
        if !self.advance.is_well_formed() {
            return Err(ConfigError::Advance);
        }
        for (field, number) in self.numbers() {
            if !(0.0..=1e6).contains(&number) {
                return Err(ConfigError::Number { field });
            }
        }
        if self.stay_radius_m < self.arrival_radius_m {
            return Err(ConfigError::Radii);
        }
        Ok(())
    }

    fn numbers(&self) -> [(&'static str, f64); 12] {
        [
            ("deviation_base_m", self.deviation_base_m),
            ("deviation_per_accuracy", self.deviation_per_accuracy),
            ("deviation_fixes", f64::from(self.deviation_fixes)),
            ("deviation_ms", self.deviation_ms as f64),
            ("deviation_far_m", self.deviation_far_m),
            ("max_accuracy_m", self.max_accuracy_m),
            ("wrong_way_m", self.wrong_way_m),
            ("look_ahead_m", self.look_ahead_m),
            ("arrival_radius_m", self.arrival_radius_m),
            ("stay_radius_m", self.stay_radius_m),
            ("dwell_ms", self.dwell_ms as f64),
            ("numbers of advance", self.advance.largest_number()),
        ]
    }

    /// Whether who follows the route is on its roads.
    pub(crate) fn keeps_to_the_road(&self) -> bool {
        self.deviation_base_m <= DIRECTION_M
    }

    /// Metres from the route beyond which a fix of an accuracy is off it.
    pub fn threshold_m(&self, accuracy_m: f64) -> f64 {
        self.deviation_base_m + self.deviation_per_accuracy * accuracy_m
    }
}
