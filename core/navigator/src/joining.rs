//! Finding the place on the whole route, at the start, after a pause and after a detour.
//!
//! A route may pass a place many times. So a few candidates are kept and weighed fix by fix: by
//! distance, by course, by whether they follow from a candidate of the fix before, and by where
//! the driver was last. The route is joined when one of them leads clearly, or after a few fixes.

use crate::Itinerary;
use crate::matching::{direction_cost, offset_cost};
use crate::motion::Moment;
use crate::track::Foot;

/// A place where the driver may be.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Candidate {
    pub(crate) along: f64,
    pub(crate) offset: f64,
    /// Sum over the fixes so far, lower is likelier.
    pub(crate) cost: f64,
}

const KEPT: usize = 8;

/// The candidates of the last fix, in order of place.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Beam {
    pub(crate) candidates: [Candidate; KEPT],
    pub(crate) count: usize,
    pub(crate) fixes: u32,
}

/// What is known beforehand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prior {
    /// Nothing before this place comes into question.
    pub(crate) from: f64,
    /// Where the driver was last, or where the route starts.
    pub(crate) last: f64,
    /// Places beyond this one are less likely: a stop lies between.
    pub(crate) gate: f64,
}

/// Segments looked at for one fix.
pub(crate) const BUDGET: usize = 2048;
/// Places closer than this along the route are one, metres.
const BESIDE_M: f64 = 50.0;
/// A candidate that follows from none before.
const NEWCOMER_COST: f64 = 9.0;
/// A lead that decides.
const CLEAR_LEAD: f64 = 4.5;
/// Fixes after which the best is taken, and how many more while nothing tells the direction.
const PATIENCE: u32 = 4;
const PATIENCE_UNDIRECTED: u32 = 15;

impl Beam {
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    fn list(&self) -> &[Candidate] {
        self.candidates.get(..self.count).unwrap_or(&[])
    }

    /// Weighs a fix. Returns the place once it is clear, with its lead over the next.
    pub(crate) fn weigh(
        &mut self,
        itinerary: &Itinerary,
        moment: &Moment,
        reach_m: f64,
        moved: f64,
        prior: &Prior,
    ) -> Option<(Candidate, f64)> {
        let mut next = Self {
            fixes: self.fixes + 1,
            ..Self::default()
        };
        let mut valleys = Valleys::default();
        let mut see = |foot: Foot| {
            let here = offset_cost(foot.offset, moment.reading.accuracy)
                + direction_cost(moment, foot.course);
            let fits = foot.offset <= reach_m && foot.along >= prior.from;
            if let Some((foot, here)) = valleys.pass(fits.then_some((foot, here))) {
                next.add(self.weighed(&foot, here, moment, moved, prior));
            }
        };
        let track = &itinerary.track;
        track.within(&moment.frame, reach_m, BUDGET, &mut see);
        if let Some((foot, here)) = valleys.pass(None) {
            next.add(self.weighed(&foot, here, moment, moved, prior));
        }
        if next.count == 0 {
            self.clear();
            return None;
        }
        *self = next;
        let patience = if moment.sure_course().is_some() {
            PATIENCE
        } else {
            PATIENCE_UNDIRECTED
        };
        self.decided(patience)
    }

    fn weighed(
        &self,
        foot: &Foot,
        here: f64,
        moment: &Moment,
        moved: f64,
        prior: &Prior,
    ) -> Candidate {
        let accuracy = moment.reading.accuracy;
        let before = self
            .list()
            .iter()
            .map(|c| c.cost + transition_cost(foot.along - c.along, moved, accuracy))
            .fold(NEWCOMER_COST, f64::min);
        let history = if self.fixes == 0 {
            prior.cost(foot.along)
        } else {
            before
        };
        Candidate {
            along: foot.along,
            offset: foot.offset,
            cost: here + history,
        }
    }

    /// Adds a candidate unless a better one is beside it; drops the worst when there are too many.
    fn add(&mut self, new: Candidate) {
        let list = self.candidates.get_mut(..self.count).unwrap_or(&mut []);
        let beside = |c: &&mut Candidate| (c.along - new.along).abs() <= BESIDE_M;
        if let Some(old) = list.iter_mut().find(beside) {
            if new.cost < old.cost {
                *old = new;
            }
            return;
        }
        if let Some(free) = self.candidates.get_mut(self.count) {
            *free = new;
            self.count += 1;
            return;
        }
        let worst = self
            .candidates
            .iter_mut()
            .max_by(|a, b| a.cost.total_cmp(&b.cost));
        if let Some(worst) = worst.filter(|worst| new.cost < worst.cost) {
            *worst = new;
        }
    }

    fn decided(&self, patience: u32) -> Option<(Candidate, f64)> {
        let by_cost = |a: &&Candidate, b: &&Candidate| {
            a.cost.total_cmp(&b.cost).then(a.along.total_cmp(&b.along))
        };
        let best = *self.list().iter().min_by(by_cost)?;
        let others = self.list().iter().filter(|c| c.along != best.along);
        let second = others.map(|c| c.cost).fold(f64::INFINITY, f64::min);
        let lead = second - best.cost;
        let decided = lead >= CLEAR_LEAD || self.fixes >= patience;
        decided.then_some((best, lead))
    }
}

/// The places along a stretch of road against which least counts: a road that runs through the
/// reach of a fix is one candidate, not one for each of its segments.
#[derive(Default)]
struct Valleys {
    last: Option<(Foot, f64)>,
    falling: bool,
}

impl Valleys {
    /// Takes the next place, or none where the road leaves the reach; gives the place before if it
    /// is the lowest of its surroundings.
    fn pass(&mut self, next: Option<(Foot, f64)>) -> Option<(Foot, f64)> {
        let before = std::mem::replace(&mut self.last, next);
        let Some((old, cost)) = before else {
            self.falling = true;
            return None;
        };
        let goes_on = next.filter(|(foot, _)| foot.segment <= old.segment + 1);
        let was_falling = self.falling;
        self.falling = goes_on.is_none_or(|(_, here)| here < cost);
        let lowest = was_falling && goes_on.is_none_or(|(_, here)| here >= cost);
        lowest.then_some((old, cost))
    }
}

impl Prior {
    fn cost(&self, along: f64) -> f64 {
        let away = (along - self.last).abs();
        let beyond = if along > self.gate { 3.0 } else { 0.0 };
        (away / 400.0).min(5.0) + beyond
    }
}

/// Moving other than measured costs; going back costs a little more.
fn transition_cost(step: f64, moved: f64, accuracy: f64) -> f64 {
    let off = step - moved;
    let spread = 10.0 + accuracy + 0.5 * moved;
    (off * off / (spread * spread)).min(NEWCOMER_COST) + if step < -spread { 2.0 } else { 0.0 }
}
