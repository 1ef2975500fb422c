//! How fast the driver is compared with the plan, and what that means for the time left.

/// The pace of late: milliseconds driven and planned over the last minutes, old ones fading.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Pace {
    pub(crate) driven_ms: f64,
    pub(crate) planned_ms: f64,
}

/// Time in which half of the past is forgotten, seconds.
const HALF_LIFE_S: f64 = 150.0;
/// As much of the plan counts as if it had been driven as planned, milliseconds: a few seconds of
/// driving change little.
const PRIOR_MS: f64 = 60_000.0;
/// For how much of the plan ahead the pace of late is believed, milliseconds.
const HORIZON_MS: f64 = 900_000.0;

impl Pace {
    /// Adds some driving.
    pub(crate) fn add(&mut self, driven_ms: f64, planned_ms: f64) {
        let keep = fade(driven_ms / 1000.0);
        self.driven_ms = self.driven_ms * keep + driven_ms;
        self.planned_ms = self.planned_ms * keep + planned_ms.max(0.0);
    }

    /// Time taken for planned time: above 1 when slower than planned.
    fn factor(&self) -> f64 {
        let factor = (self.driven_ms + PRIOR_MS) / (self.planned_ms + PRIOR_MS);
        factor.clamp(0.5, 4.0)
    }

    /// Milliseconds for what the plan gives `planned_ms`.
    ///
    /// The pace of late counts fully here and less and less ahead, to nothing at the horizon.
    pub(crate) fn remaining_ms(&self, planned_ms: f64) -> f64 {
        let near = planned_ms.min(HORIZON_MS);
        let weight = near - near * near / (2.0 * HORIZON_MS);
        planned_ms + (self.factor() - 1.0) * weight
    }
}

/// What is left of 1 after some seconds; a rational curve, since every processor divides alike.
fn fade(seconds: f64) -> f64 {
    let parts = (seconds / HALF_LIFE_S).clamp(0.0, 100.0);
    1.0 / (1.0 + parts * core::f64::consts::LN_2)
}
