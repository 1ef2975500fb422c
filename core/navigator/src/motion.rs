//! What a fix says by itself: whether to trust it, how far and which way the driver has moved.

use crate::fix::{Reading, TOP_SPEED_MPS};
use crate::state::{LastFix, Motion};
use crate::vector::{Course, Frame, Vector};
use crate::{FixQuality, TripSummary};
use fieldfare_geo::{bearing_deg, distance_m};

/// A fix at which following goes on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) reading: Reading,
    pub(crate) frame: Frame,
    /// Milliseconds since the fix before, 0 for the first; not more than [`LONGEST_MS`].
    pub(crate) dt_ms: i64,
    /// Metres per second.
    pub(crate) speed: f64,
    /// The direction of travel, if the driver moves and it is known.
    pub(crate) course: Option<Course>,
    /// How much the direction counts, 0 to 1: one taken from fixes is late in bends.
    pub(crate) course_trust: f64,
}

/// A clock that goes back by more than this was set; by less, fixes came out of order.
const CLOCK_SET_MS: i64 = 60_000;
/// Time between fixes counts up to here: half a day.
const LONGEST_MS: i64 = 43_200_000;
/// Time that is taken to have passed when the clock was set back.
const USUAL_MS: i64 = 1_000;
/// Metres of way, and accuracies, after which the driver has surely moved.
const ANCHOR_M: f64 = 12.0;
const ANCHOR_ACCURACIES: f64 = 3.0;
/// How much a direction taken from fixes counts.
const DERIVED_TRUST: f64 = 0.1;
/// Below this speed nobody drives, metres per second.
const STANDING_MPS: f64 = 1.5;
/// Slack in metres for telling a jump from a move.
const JUMP_SLACK_M: f64 = 20.0;

impl Moment {
    /// The direction of travel, if the receiver told it.
    pub(crate) fn sure_course(&self) -> Option<Course> {
        self.course.filter(|_| self.course_trust >= 1.0)
    }
}

impl Motion {
    /// Judges a fix against the one before.
    pub(crate) fn judge(&mut self, reading: &Reading, max_accuracy: f64) -> FixQuality {
        if reading.accuracy > max_accuracy {
            return FixQuality::Inaccurate;
        }
        let Some(last) = self.last else {
            return FixQuality::Good;
        };
        let dt = reading.at.since(last.at);
        if dt <= 0 && dt > -CLOCK_SET_MS {
            return FixQuality::OutOfOrder;
        }
        if !leaps(&last, reading) {
            self.jump = None;
            return FixQuality::Good;
        }
        let confirmed = self.jump.is_some_and(|jump| !leaps(&jump, reading));
        if confirmed {
            self.jump = None;
            return FixQuality::Good;
        }
        self.jump = Some(remembered(reading, last.speed));
        FixQuality::Jump
    }

    /// Takes a good fix in. `count` adds the way to a summary.
    pub(crate) fn take(&mut self, reading: &Reading, count: Option<&mut TripSummary>) -> Moment {
        let frame = Frame::at(reading.position);
        let dt_ms = self.last.map_or(0, |last| elapsed(reading, &last));
        let moved = self
            .last
            .map_or(0.0, |last| frame.flat(Vector::from(last.position)).level());
        self.anchored_ms = self.anchored_ms.saturating_add(dt_ms);
        let way = self.drag_anchor(reading);
        let speed = reading
            .speed
            .unwrap_or_else(|| self.measured_speed(reading));
        if let Some(summary) = count {
            summary.raw_m += way;
            if speed >= STANDING_MPS {
                summary.moving_ms += dt_ms;
            }
        }
        self.unmatched_ms = self.unmatched_ms.saturating_add(dt_ms);
        self.unmatched_m += moved;
        self.last = Some(remembered(reading, speed));
        Moment {
            reading: *reading,
            frame,
            dt_ms,
            speed,
            course: self.course(reading, speed),
            course_trust: if reading.course_deg.is_some() {
                1.0
            } else {
                DERIVED_TRUST
            },
        }
    }

    fn course(&self, reading: &Reading, speed: f64) -> Option<Course> {
        let own = self.course_deg.filter(|_| speed >= STANDING_MPS);
        reading.course_deg.or(own).map(Course::from_degrees)
    }

    /// The speed from anchor to anchor, or less if the driver has not come far since: trembling of
    /// a standing receiver is no movement.
    fn measured_speed(&self, reading: &Reading) -> f64 {
        let away = self
            .anchor
            .map_or(0.0, |anchor| distance_m(anchor, reading.position));
        let most = (away + reading.accuracy) * 1000.0 / self.anchored_ms.max(1_000) as f64;
        self.anchor_speed.min(most).min(TOP_SPEED_MPS)
    }

    /// Moves the anchor when the driver is surely elsewhere; returns the metres it moved.
    fn drag_anchor(&mut self, reading: &Reading) -> f64 {
        let Some(anchor) = self.anchor else {
            self.anchor = Some(reading.position);
            self.anchored_ms = 0;
            return 0.0;
        };
        let way = distance_m(anchor, reading.position);
        if way < ANCHOR_M.max(ANCHOR_ACCURACIES * reading.accuracy) {
            return 0.0;
        }
        self.course_deg = Some(bearing_deg(anchor, reading.position));
        self.anchor_speed = way * 1000.0 / self.anchored_ms.max(1) as f64;
        self.anchor = Some(reading.position);
        self.anchored_ms = 0;
        way
    }

    /// The last fix was matched to the route.
    pub(crate) fn matched(&mut self) {
        self.unmatched_ms = 0;
        self.unmatched_m = 0.0;
    }
}

fn leaps(from: &LastFix, to: &Reading) -> bool {
    let seconds = elapsed(to, from) as f64 / 1000.0;
    let reach = TOP_SPEED_MPS * seconds + 3.0 * (from.accuracy + to.accuracy) + JUMP_SLACK_M;
    distance_m(from.position, to.position) > reach
}

fn elapsed(now: &Reading, before: &LastFix) -> i64 {
    let dt = now.at.since(before.at);
    if dt < 0 { USUAL_MS } else { dt.min(LONGEST_MS) }
}

fn remembered(reading: &Reading, speed: f64) -> LastFix {
    LastFix {
        position: reading.position,
        at: reading.at,
        accuracy: reading.accuracy,
        speed,
    }
}
