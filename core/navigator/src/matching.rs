//! Finding the place on the route within a window around the last one.
//!
//! Every segment in the window offers its nearest place. Three things count against it: how far it
//! is from the fix, how far its direction is from the course, and how far it is from where the
//! driver should be by now. The first is measured in the fix's own accuracy. That is what tells
//! the carriageways of a road apart, and the passes of a route that meets itself.

use crate::Itinerary;
use crate::motion::Moment;
use crate::track::Foot;
use crate::vector::Course;

/// What a window holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scan {
    /// The likeliest place.
    pub(crate) best: Foot,
    /// The nearest place.
    pub(crate) nearest: Foot,
    /// What counts against it.
    pub(crate) cost: f64,
    /// By how much the likeliest place beats the best one that is not beside it.
    pub(crate) lead: f64,
}

/// Where to look and what to expect.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) from: f64,
    pub(crate) to: f64,
    /// Where the driver could be at most, were there no stop before.
    pub(crate) reach: f64,
    /// Where the driver should be.
    pub(crate) expected: f64,
    /// How far off that may be, metres squared.
    pub(crate) variance: f64,
}

/// A direction against the course costs as much as this many squared accuracies of distance, half
/// of it for a right angle.
const COURSE_COST: f64 = 8.0;
/// Being elsewhere than expected costs at most this.
const MOST_FOR_PLACE: f64 = 12.0;
/// Places closer than this along the route are one place, metres.
const BESIDE_M: f64 = 50.0;

pub(crate) fn direction_cost(moment: &Moment, road: Option<Course>) -> f64 {
    match (moment.course, road) {
        (Some(course), Some(road)) => {
            moment.course_trust * COURSE_COST / 2.0 * (1.0 - course.agreement(road))
        }
        _ => 0.0,
    }
}

pub(crate) fn offset_cost(offset: f64, accuracy: f64) -> f64 {
    let sigma = accuracy.max(5.0);
    offset * offset / (sigma * sigma)
}

pub(crate) fn scan(itinerary: &Itinerary, moment: &Moment, window: &Window) -> Option<Scan> {
    let accuracy = moment.reading.accuracy;
    let mut contest = Contest::default();
    let track = &itinerary.track;
    track.feet(&moment.frame, window.from, window.to, |foot| {
        let held = held_in(foot, window);
        let off = held.along - window.expected.min(window.to);
        let place = (off * off / window.variance).min(MOST_FOR_PLACE);
        let cost = offset_cost(held.offset, accuracy) + direction_cost(moment, held.course) + place;
        contest.enter(held, cost);
    });
    contest.result()
}

/// A segment may stick out of the window: what counts is the part inside. Its nearest place inside
/// is the end of the window, at a distance that is bounded from below by the foot's.
fn held_in(foot: Foot, window: &Window) -> Foot {
    let along = foot.along.clamp(window.from, window.to);
    let over = (along - foot.along).abs();
    Foot {
        along,
        offset: libm::sqrt(foot.offset * foot.offset + over * over),
        ..foot
    }
}

#[derive(Default)]
struct Contest {
    best: Option<(Foot, f64)>,
    nearest: Option<Foot>,
    second: Option<f64>,
}

impl Contest {
    fn enter(&mut self, foot: Foot, cost: f64) {
        if self.nearest.is_none_or(|n| foot.offset < n.offset) {
            self.nearest = Some(foot);
        }
        let Some((best, lowest)) = self.best else {
            self.best = Some((foot, cost));
            return;
        };
        let apart = (foot.along - best.along).abs() > BESIDE_M;
        let (better, loser) = if cost < lowest {
            (true, lowest)
        } else {
            (false, cost)
        };
        if apart && self.second.is_none_or(|second| loser < second) {
            self.second = Some(loser);
        }
        if better {
            self.best = Some((foot, cost));
        }
    }

    fn result(self) -> Option<Scan> {
        let (best, lowest) = self.best?;
        Some(Scan {
            best,
            nearest: self.nearest?,
            cost: lowest,
            lead: self.second.map_or(f64::INFINITY, |s| (s - lowest).max(0.0)),
        })
    }
}

/// How well a fix fits a place, 0 to 1, given the lead over the next best place.
pub(crate) fn confidence(offset: f64, accuracy: f64, lead: f64) -> f64 {
    let misfit = offset / (accuracy + 10.0);
    let separate = if lead.is_finite() {
        lead / (lead + 4.0)
    } else {
        1.0
    };
    separate / (1.0 + misfit * misfit)
}
