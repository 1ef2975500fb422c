//! When to take the next fix, and how good it must be.
//!
//! # What is guaranteed
//! Let `T` be [`SamplerConfig::stay_ms`] ([`SamplerConfig::saver_stay_ms`] while the battery
//! saver is on) and `v` be [`SamplerConfig::max_speed_mps`]. If the rep never moves faster than
//! `v`, fixes come when asked for, and each lies within twice its stated accuracy of the truth,
//! then a fix is taken within every circle in which the rep stays longer than `T`.
//!
//! For if no circle that may still be entered begins within `c` metres of a fix, none is entered
//! before `c / v` has passed, so the next fix after `c / v + T` comes at most `T` after any entry.
//! While the phone waits for motion the same holds if it wakes within `T` of setting off.
//!
//! A pass straight through the middle of the smallest circle, of radius
//! [`SamplerConfig::min_radius_m`] `= r`, lasts longer than `T` at any speed below `2 r / T`. The
//! accuracy asked for near circles is `r / 4`, so that a fix can be surely inside.

use crate::proximity::ConfigError;
use fieldfare_geo::distance_m;
use fieldfare_model::{Fix, LatLng, TimestampMs};
use serde::{Deserialize, Serialize};

/// The true position is taken to lie within this many times the stated accuracy.
const DOUBT_FACTOR: f64 = 2.0;
/// Far from every circle the accuracy asked for is this part of the way to the nearest.
const ACCURACY_PART: f64 = 0.1;
const COARSEST_ACCURACY_M: f64 = 500.0;
const TRACKING_ACCURACY_M: f64 = 50.0;
/// Reported speeds from here on are movement, wherever the fixes lie.
const MOVING_MPS: f64 = 1.0;

/// How often fixes are taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SamplerConfig {
    /// The fastest a rep moves, metres per second. A higher reported speed counts instead.
    pub max_speed_mps: f64,
    /// The longest stay in a circle that may go unseen, milliseconds.
    pub stay_ms: i64,
    /// The same while the battery saver is on.
    pub saver_stay_ms: i64,
    /// The smallest circle's radius, metres.
    pub min_radius_m: f64,
    /// Never ask sooner than this, milliseconds; at most `stay_ms`.
    pub min_interval_ms: i64,
    /// Never ask later than this, milliseconds; at least `saver_stay_ms`.
    pub max_interval_ms: i64,
    /// How often to look while inside a circle whose alert is still to come, milliseconds.
    pub dwell_interval_ms: i64,
    /// The same while not moving.
    pub still_dwell_interval_ms: i64,
    /// How often to look for live tracking, milliseconds.
    pub tracking_interval_ms: i64,
    /// How long without movement counts as still, milliseconds.
    pub still_after_ms: i64,
    /// Fixes no farther apart than this many metres, or than their accuracy, are no movement.
    pub still_distance_m: f64,
    /// How soon after setting off the platform wakes the app, milliseconds; none if it can not,
    /// and not used if it takes longer than the stay that may go unseen.
    pub motion_wake_ms: Option<i64>,
}

impl Default for SamplerConfig {
    fn default() -> Self {
        Self {
            max_speed_mps: 42.0,
            stay_ms: 20_000,
            saver_stay_ms: 60_000,
            min_radius_m: 50.0,
            min_interval_ms: 1_000,
            max_interval_ms: 600_000,
            dwell_interval_ms: 10_000,
            still_dwell_interval_ms: 60_000,
            tracking_interval_ms: 60_000,
            still_after_ms: 120_000,
            still_distance_m: 30.0,
            motion_wake_ms: None,
        }
    }
}

impl SamplerConfig {
    /// Checks every setting.
    ///
    /// # Errors
    /// [`ConfigError`] naming the first that makes no sense.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let positive = |metres: f64| metres > 0.0 && metres.is_finite();
        let rules = [
            (positive(self.max_speed_mps), "max_speed_mps", "more than 0"),
            (positive(self.min_radius_m), "min_radius_m", "more than 0"),
            (
                positive(self.still_distance_m),
                "still_distance_m",
                "more than 0",
            ),
            (
                (1..=self.stay_ms).contains(&self.min_interval_ms),
                "min_interval_ms",
                "at least 1 and at most stay_ms",
            ),
            (
                self.saver_stay_ms >= self.stay_ms,
                "saver_stay_ms",
                "at least stay_ms",
            ),
            (
                self.max_interval_ms >= self.saver_stay_ms,
                "max_interval_ms",
                "at least saver_stay_ms",
            ),
            (
                self.dwell_interval_ms > 0,
                "dwell_interval_ms",
                "more than 0",
            ),
            (
                self.still_dwell_interval_ms >= self.dwell_interval_ms,
                "still_dwell_interval_ms",
                "at least dwell_interval_ms",
            ),
            (
                self.tracking_interval_ms > 0,
                "tracking_interval_ms",
                "more than 0",
            ),
            (self.still_after_ms > 0, "still_after_ms", "more than 0"),
            (
                self.motion_wake_ms.is_none_or(|ms| ms >= 0),
                "motion_wake_ms",
                "0 or more",
            ),
        ];
        match rules.into_iter().find(|(holds, _, _)| !holds) {
            Some((_, setting, expected)) => Err(ConfigError { setting, expected }),
            None => Ok(()),
        }
    }

    /// The longest stay in a circle that may go unseen, milliseconds: `T` of the guarantee.
    pub const fn guaranteed_stay_ms(&self, battery_saver: bool) -> i64 {
        if battery_saver {
            self.saver_stay_ms
        } else {
            self.stay_ms
        }
    }
}

/// What fixes may be used for just now, as the consent gate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allowed {
    /// Proximity alerts.
    pub alerts: bool,
    /// Live tracking.
    pub tracking: bool,
}

/// The circles of the leads of value around a fix: those that could still alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Surroundings {
    edges_m: Vec<f64>,
    horizon_m: f64,
}

impl Surroundings {
    /// From the distance and radius of each lead of value within `searched_m` metres of the fix,
    /// in any order, no radius in the whole store being larger than `max_radius_m`.
    ///
    /// From a search for the k nearest, `searched_m` is the distance of the k-th, and infinite if
    /// there are fewer.
    pub fn new(
        leads: impl IntoIterator<Item = (f64, f64)>,
        searched_m: f64,
        max_radius_m: f64,
    ) -> Self {
        Self {
            edges_m: leads
                .into_iter()
                .map(|(distance, radius)| distance - radius)
                .collect(),
            horizon_m: searched_m - max_radius_m,
        }
    }

    /// No circle that the rep may be outside of begins nearer than this, metres.
    fn clear_m(&self, doubt_m: f64) -> f64 {
        let may_enter = self
            .edges_m
            .iter()
            .copied()
            .filter(|edge| *edge >= -doubt_m);
        (may_enter.fold(self.horizon_m, f64::min) - doubt_m).max(0.0)
    }

    fn is_inside_any(&self) -> bool {
        self.edges_m.iter().any(|edge| *edge <= 0.0)
    }
}

/// What the sampler looks at.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// The fix just taken.
    pub fix: &'a Fix,
    /// The circles around it.
    pub around: &'a Surroundings,
    /// What fixes may be used for.
    pub allowed: Allowed,
    /// Whether the phone saves battery.
    pub battery_saver: bool,
    /// Whether the fix was taken because the platform noticed motion.
    pub woken_by_motion: bool,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NextFix {
    /// Take no fixes: nothing is allowed. Ask again when consent changes.
    Stop,
    /// Take a fix after a time.
    After {
        /// Milliseconds from the fix just taken.
        ms: i64,
        /// The accuracy to ask the platform for, metres.
        accuracy_m: f64,
    },
    /// Take a fix when the phone moves, or after a time if it does not.
    OnMotion {
        /// Milliseconds from the fix just taken.
        at_latest_ms: i64,
        /// The accuracy to ask the platform for, metres.
        accuracy_m: f64,
    },
}

/// Decides when to take the next fix. Begin with one fix at once, and ask again out of turn when
/// leads, consent or the battery saver change.
#[derive(Debug, Clone)]
pub struct Sampler {
    config: SamplerConfig,
    anchor: Option<Anchor>,
}

/// Where, and since when, the phone has not moved.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    position: LatLng,
    since: TimestampMs,
}

impl Sampler {
    /// A sampler that knows of no movement yet.
    ///
    /// # Errors
    /// [`ConfigError`] naming a setting that makes no sense.
    pub fn new(config: SamplerConfig) -> Result<Self, ConfigError> {
        config.validate()?;
        Ok(Self {
            config,
            anchor: None,
        })
    }

    /// The settings.
    pub const fn config(&self) -> &SamplerConfig {
        &self.config
    }

    /// What to do after a fix. O(k) for k leads around.
    pub fn next(&mut self, reading: &Reading<'_>) -> NextFix {
        if !reading.allowed.alerts && !reading.allowed.tracking {
            self.anchor = None;
            return NextFix::Stop;
        }
        let is_still = self.note_movement(reading);
        let doubt_m = DOUBT_FACTOR * accuracy_of(reading.fix);
        let clear_m = reading.around.clear_m(doubt_m);
        let accuracy_m = self.accuracy(reading, clear_m);
        if is_still && self.motion_wakes_in_time(reading.battery_saver) {
            return NextFix::OnMotion {
                at_latest_ms: self.while_still(reading),
                accuracy_m,
            };
        }
        NextFix::After {
            ms: self.while_moving(reading, clear_m, is_still),
            accuracy_m,
        }
    }

    fn while_moving(&self, reading: &Reading<'_>, clear_m: f64, is_still: bool) -> i64 {
        let mut ms = self.config.max_interval_ms;
        if reading.allowed.alerts {
            let stay = self.config.guaranteed_stay_ms(reading.battery_saver);
            ms = ms.min(self.travel_ms(clear_m, reading.fix).saturating_add(stay));
            if reading.around.is_inside_any() {
                ms = ms.min(self.dwell_ms(is_still));
            }
        }
        if reading.allowed.tracking {
            ms = ms.min(self.config.tracking_interval_ms);
        }
        ms.max(self.config.min_interval_ms)
    }

    fn while_still(&self, reading: &Reading<'_>) -> i64 {
        if reading.allowed.alerts && reading.around.is_inside_any() {
            let longest = self.config.max_interval_ms;
            self.dwell_ms(true)
                .clamp(self.config.min_interval_ms, longest)
        } else {
            self.config.max_interval_ms
        }
    }

    const fn dwell_ms(&self, is_still: bool) -> i64 {
        if is_still {
            self.config.still_dwell_interval_ms
        } else {
            self.config.dwell_interval_ms
        }
    }

    /// The least time in which the rep can cover a distance, rounded down. Saturates.
    fn travel_ms(&self, metres: f64, fix: &Fix) -> i64 {
        let reported = fix
            .speed_mps
            .filter(|speed| speed.is_finite())
            .unwrap_or(0.0);
        (metres / self.config.max_speed_mps.max(reported) * 1000.0) as i64
    }

    fn accuracy(&self, reading: &Reading<'_>, clear_m: f64) -> f64 {
        let finest = self.config.min_radius_m / 4.0;
        let mut accuracy_m = COARSEST_ACCURACY_M;
        if reading.allowed.alerts {
            accuracy_m = accuracy_m.min(clear_m * ACCURACY_PART);
            if reading.around.is_inside_any() {
                accuracy_m = finest;
            }
        }
        if reading.allowed.tracking {
            accuracy_m = accuracy_m.min(TRACKING_ACCURACY_M);
        }
        accuracy_m.max(finest)
    }

    fn motion_wakes_in_time(&self, battery_saver: bool) -> bool {
        let stay = self.config.guaranteed_stay_ms(battery_saver);
        self.config.motion_wake_ms.is_some_and(|wake| wake <= stay)
    }

    /// Answers whether the phone has not moved for long enough to count as still.
    fn note_movement(&mut self, reading: &Reading<'_>) -> bool {
        let fix = reading.fix;
        let stayed = self.anchor.filter(|anchor| {
            let noise = accuracy_of(fix).min(COARSEST_ACCURACY_M);
            let reach = self.config.still_distance_m.max(noise);
            !reading.woken_by_motion
                && fix.speed_mps.is_none_or(|speed| speed < MOVING_MPS)
                && fix.at >= anchor.since
                && distance_m(anchor.position, fix.position) <= reach
        });
        let anchor = stayed.unwrap_or(Anchor {
            position: fix.position,
            since: fix.at,
        });
        self.anchor = Some(anchor);
        fix.at.since(anchor.since) >= self.config.still_after_ms
    }
}

/// A fix without a usable accuracy may be anywhere.
fn accuracy_of(fix: &Fix) -> f64 {
    if fix.accuracy_m >= 0.0 {
        fix.accuracy_m
    } else {
        f64::INFINITY
    }
}

#[cfg(test)]
mod tests;
