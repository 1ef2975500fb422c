use super::SimRng;

/// How a simulated receiver errs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Receiver {
    /// Radius of 68 % confidence, metres: what it reports, and how it errs.
    pub accuracy_m: f64,
    /// How much of an error the next one keeps, 0 to below 1: real errors wander.
    pub persistence: f64,
    /// Metres to the right of the road, as of a wide road whose middle is the route.
    pub bias_m: f64,
    /// Whether it reports speed and course.
    pub reports_motion: bool,
    /// Probability that a fix lies far away.
    pub jumps: f64,
    /// Probability that a fix carries nonsense: a negative accuracy, a NaN speed or course.
    pub nonsense: f64,
    /// Probability that a fix comes after the one that follows it.
    pub swaps: f64,
}

impl Receiver {
    /// A receiver of an accuracy without other faults.
    pub const fn of(accuracy_m: f64) -> Self {
        Self {
            accuracy_m,
            persistence: 0.8,
            bias_m: 0.0,
            reports_motion: true,
            jumps: 0.0,
            nonsense: 0.0,
            swaps: 0.0,
        }
    }
}

/// The wandering error of a receiver: metres east and north. Never beyond twice the accuracy.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Error {
    pub(crate) east: f64,
    pub(crate) north: f64,
}

impl Error {
    pub(crate) fn wander(&mut self, receiver: &Receiver, accuracy: f64, rng: &mut SimRng) {
        // 68 % of a two-dimensional normal distribution lie within 1.51 deviations.
        let deviation = accuracy / 1.51;
        let keep = receiver.persistence;
        let fresh = deviation * libm::sqrt(1.0 - keep * keep);
        self.east = self.east * keep + fresh * rng.normal();
        self.north = self.north * keep + fresh * rng.normal();
        let size = libm::sqrt(self.east * self.east + self.north * self.north);
        let most = 2.0 * accuracy;
        if size > most {
            self.east *= most / size;
            self.north *= most / size;
        }
    }
}
