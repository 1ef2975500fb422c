use fieldfare_model::{Fix, LatLng, TimestampMs};

/// A fix with the direction of travel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CourseFix {
    /// The reading.
    pub fix: Fix,
    /// Direction of travel in degrees clockwise from north, where the platform gives it.
    pub course_deg: Option<f64>,
}

impl From<Fix> for CourseFix {
    fn from(fix: Fix) -> Self {
        Self {
            fix,
            course_deg: None,
        }
    }
}

/// What a fix was good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FixQuality {
    /// Used.
    Good,
    /// Too inaccurate to follow a road by; only its time was used.
    Inaccurate,
    /// Older than a fix before it; not used.
    OutOfOrder,
    /// Farther from the fix before it than anybody drives; not used, unless the next agrees.
    Jump,
}

/// A fix made safe: accuracy, speed and course are numbers that make sense.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Reading {
    pub(crate) position: LatLng,
    pub(crate) at: TimestampMs,
    pub(crate) accuracy: f64,
    pub(crate) speed: Option<f64>,
    pub(crate) course_deg: Option<f64>,
}

/// The accuracy of a fix that does not say a sensible one, metres.
const UNKNOWN_ACCURACY_M: f64 = 50.0;
/// No positioning system is better than this, whatever it says.
const BEST_ACCURACY_M: f64 = 3.0;
/// Faster than any car, metres per second.
pub(crate) const TOP_SPEED_MPS: f64 = 75.0;
/// Below this speed a course is noise.
const COURSE_SPEED_MPS: f64 = 1.5;

impl From<&CourseFix> for Reading {
    fn from(source: &CourseFix) -> Self {
        let fix = &source.fix;
        let sensible = fix.accuracy_m.is_finite() && fix.accuracy_m > 0.0;
        let speed = fix.speed_mps.filter(|v| (0.0..=TOP_SPEED_MPS).contains(v));
        let moving = speed.is_none_or(|v| v >= COURSE_SPEED_MPS);
        Self {
            position: fix.position,
            at: fix.at,
            accuracy: if sensible {
                fix.accuracy_m.max(BEST_ACCURACY_M)
            } else {
                UNKNOWN_ACCURACY_M
            },
            speed,
            course_deg: source.course_deg.filter(|c| c.is_finite() && moving),
        }
    }
}
