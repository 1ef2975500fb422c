use super::segment::Segment;
use crate::instance::{Instance, Leg};

/// Stops with which a stop is tried in moves.
const NEIGHBOURS: usize = 40;

/// What does not change during a search: the instance, bounds of its legs, and who is near whom.
#[derive(Debug)]
pub(super) struct Space<'a> {
    pub(super) instance: &'a Instance,
    /// Stops some rep may serve.
    pub(super) stops: Vec<usize>,
    pub(super) loads: usize,
    nodes: usize,
    legs: Vec<Leg>,
    visits: Vec<Segment>,
    neighbours: Vec<Vec<usize>>,
}

impl<'a> Space<'a> {
    pub(super) fn new(instance: &'a Instance) -> Self {
        let nodes = instance.nodes();
        let pairs = (0..nodes).flat_map(|i| (0..nodes).map(move |j| (i, j)));
        let legs = pairs.map(|(i, j)| instance.least_leg(i, j)).collect();
        let visit = |node: &crate::instance::Node| {
            let early = node.openings.first().unwrap_or(0);
            Segment::visit(early, node.openings.last().unwrap_or(0), node.service)
        };
        let served = |stop: &usize| (0..instance.reps.len()).any(|r| instance.allowed(r, *stop));
        let stops: Vec<usize> = (0..instance.stops.len()).filter(served).collect();
        let mut space = Self {
            instance,
            stops,
            loads: instance.loads,
            nodes,
            legs,
            visits: instance.stops.iter().map(visit).collect(),
            neighbours: Vec::new(),
        };
        space.neighbours = (0..instance.stops.len())
            .map(|u| space.nearest(u))
            .collect();
        space
    }

    /// Least seconds and cost of a leg; exact when traffic is even.
    #[inline]
    pub(super) fn leg(&self, from: usize, to: usize) -> Leg {
        self.legs
            .get(from * self.nodes + to)
            .copied()
            .unwrap_or(Leg {
                seconds: 0,
                cost: 0,
            })
    }

    #[inline]
    pub(super) fn cost(&self, from: usize, to: usize) -> i64 {
        i64::from(self.leg(from, to).cost)
    }

    #[inline]
    pub(super) fn seconds(&self, from: usize, to: usize) -> i64 {
        i64::from(self.leg(from, to).seconds)
    }

    #[inline]
    pub(super) fn visit(&self, stop: usize) -> Segment {
        self.visits.get(stop).copied().unwrap_or_default()
    }

    #[inline]
    pub(super) fn prize(&self, stop: usize) -> i64 {
        self.instance.stops.get(stop).map_or(0, |node| node.prize)
    }

    #[inline]
    pub(super) fn neighbours(&self, stop: usize) -> &[usize] {
        self.neighbours.get(stop).map_or(&[], Vec::as_slice)
    }

    /// The start or the end of a rep's day.
    pub(super) fn depot(&self, rep: usize) -> Segment {
        let day = self.instance.reps.get(rep);
        day.map_or(Segment::default(), |r| Segment::visit(r.from, r.to, 0))
    }

    /// Stops near another in way, waiting and warp, whichever of the two comes first.
    fn nearest(&self, stop: usize) -> Vec<usize> {
        if !self.stops.contains(&stop) {
            return Vec::new();
        }
        let others = self.stops.iter().copied().filter(|&other| other != stop);
        let mut near: Vec<(i64, usize)> = others
            .map(|o| (self.distance(stop, o).min(self.distance(o, stop)), o))
            .collect();
        near.sort_unstable();
        near.truncate(NEIGHBOURS);
        near.into_iter().map(|(_, other)| other).collect()
    }

    /// Cost of a leg plus a fifth of the least waiting plus the least warp, in fifths.
    fn distance(&self, from: usize, to: usize) -> i64 {
        let (a, b) = (self.visit(from), self.visit(to));
        let lead = a.duration + self.seconds(from, to);
        let wait = (b.early - lead - a.late).max(0);
        let warp = (a.early + lead - b.late).max(0);
        5 * self.cost(from, to) + wait + 5 * warp
    }
}
