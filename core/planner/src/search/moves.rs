//! Moves as pieces of routes put together anew, and what they change.

use super::general;
use super::price::{Cost, Prices};
use super::route::{Route, Solution};
use super::segment::Segment;
use super::space::Space;

/// A stretch of an old route in a new one, by positions.
#[derive(Debug, Clone, Copy)]
pub(super) enum Piece {
    /// From the start up to a position.
    Head(usize, usize),
    /// From one position to another, both included; nothing if the second comes first.
    Range(usize, usize, usize),
    /// A stop that was in no route.
    Stop(usize),
    /// From a position to the end.
    Tail(usize, usize),
    /// The end of a route's day, where its tail belongs to another.
    End(usize),
    /// Nothing.
    None,
}

/// A new order for one route.
#[derive(Debug, Clone, Copy)]
pub(super) struct Half {
    pub(super) route: usize,
    pub(super) pieces: [Piece; 5],
}

/// A change of one or two routes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Move {
    pub(super) first: Half,
    pub(super) second: Option<Half>,
    /// Change of the legs at their least costs.
    pub(super) legs: i64,
    /// Change of the cost of what is left out.
    pub(super) prizes: i64,
    /// Stops that are in no route afterwards: route, first and last position.
    pub(super) leaves: Option<(usize, usize, usize)>,
}

/// Prices moves on a solution.
#[derive(Debug, Clone, Copy)]
pub(super) struct Judge<'a> {
    pub(super) space: &'a Space<'a>,
    pub(super) prices: &'a Prices,
    pub(super) solution: &'a Solution,
}

impl<'a> Judge<'a> {
    /// What a move changes, if that is less than `limit`.
    pub(super) fn delta(&self, change: &Move, limit: i64) -> Option<i64> {
        let halves = || std::iter::once(&change.first).chain(&change.second);
        let mut delta = change.legs + change.prizes;
        for half in halves() {
            delta -= self.solution.route(half.route)?.beyond_legs(self.prices);
        }
        if delta >= limit {
            return None;
        }
        for half in halves() {
            delta += self.beyond_legs(half);
            if delta >= limit {
                return None;
            }
        }
        if self.space.instance.plain {
            return Some(delta);
        }
        let exact = change.prizes + halves().map(|half| self.exact(half)).sum::<i64>();
        (exact < limit).then_some(exact)
    }

    /// A lower bound of what a new order costs beyond its legs; exact on plain instances.
    fn beyond_legs(&self, half: &Half) -> i64 {
        let whole = self.join(half);
        let mut cost = Cost::of_day(self.space, half.route, 0, whole.finish(), whole.warp);
        cost.excess = self.excess(half);
        self.prices.of(&cost)
    }

    fn exact(&self, half: &Half) -> i64 {
        let mut stops = Vec::new();
        self.write(half, &mut stops);
        let mut cost = general::cost(self.space, half.route, &stops);
        cost.excess = self.excess(half);
        let before = self.solution.route(half.route);
        self.prices.of(&cost) - before.map_or(0, |route| self.prices.of(&route.cost))
    }

    fn join(&self, half: &Half) -> Segment {
        let mut joint = Joint {
            space: self.space,
            sum: None,
        };
        for piece in &half.pieces {
            match *piece {
                Piece::Head(route, to) => {
                    joint.add_from(self.solution.route(route), |r| (r.head(to), 0, r.node(to)))
                }
                Piece::Range(route, from, to) => {
                    let route = self.solution.route(route);
                    let nodes = route.and_then(|r| r.nodes.get(from..to + 1)).unwrap_or(&[]);
                    for &node in nodes {
                        joint.add(self.space.visit(node), node, node);
                    }
                }
                Piece::Stop(stop) => joint.add(self.space.visit(stop), stop, stop),
                Piece::Tail(route, from) => joint.add_from(self.solution.route(route), |r| {
                    (r.tail(from), r.node(from), 0)
                }),
                Piece::End(route) => joint.add_from(self.solution.route(route), |r| {
                    (self.space.depot(r.rep), r.node(r.len() + 1), 0)
                }),
                Piece::None => {}
            }
        }
        joint.sum.map_or(Segment::default(), |(sum, _)| sum)
    }

    fn excess(&self, half: &Half) -> i64 {
        if self.space.loads == 0 {
            return 0;
        }
        let Some(rep) = self.space.instance.reps.get(half.route) else {
            return 0;
        };
        let over = |(dimension, most): (usize, &i64)| {
            let load: i64 = half.pieces.iter().map(|p| self.load(p, dimension)).sum();
            (load - most).max(0)
        };
        rep.capacity.iter().enumerate().map(over).sum()
    }

    fn load(&self, piece: &Piece, dimension: usize) -> i64 {
        let loads = self.space.loads;
        let between = |route: usize, from: usize, to: usize| {
            self.solution.route(route).map_or(0, |route| {
                let before = from
                    .checked_sub(1)
                    .map_or(0, |b| route.load(b, dimension, loads));
                route.load(to.min(route.len()), dimension, loads) - before
            })
        };
        match *piece {
            Piece::Head(route, to) => between(route, 0, to),
            Piece::Range(route, from, to) if from <= to => between(route, from, to),
            Piece::Tail(route, from) => between(route, from, usize::MAX),
            Piece::Stop(stop) => {
                let own = self.space.instance.demand(stop).get(dimension).copied();
                own.unwrap_or(0)
            }
            Piece::Range(..) | Piece::End(_) | Piece::None => 0,
        }
    }

    /// Appends the stops of a new order.
    pub(super) fn write(&self, half: &Half, out: &mut Vec<usize>) {
        for piece in &half.pieces {
            let (route, from, to) = match *piece {
                Piece::Head(route, to) => (route, 1, to),
                Piece::Range(route, from, to) => (route, from, to),
                Piece::Tail(route, from) => match self.solution.route(route) {
                    Some(r) => (route, from, r.len()),
                    None => continue,
                },
                Piece::Stop(stop) => {
                    out.push(stop);
                    continue;
                }
                Piece::End(_) | Piece::None => continue,
            };
            let nodes = self.solution.route(route).map_or(&[][..], |r| &r.nodes);
            out.extend_from_slice(nodes.get(from..to + 1).unwrap_or(&[]));
        }
    }
}

struct Joint<'a> {
    space: &'a Space<'a>,
    sum: Option<(Segment, usize)>,
}

impl Joint<'_> {
    #[inline]
    fn add(&mut self, part: Segment, first: usize, last: usize) {
        let sum = match self.sum {
            None => part,
            Some((sum, before)) => sum.then(self.space.seconds(before, first), part),
        };
        self.sum = Some((sum, last));
    }

    #[inline]
    fn add_from(
        &mut self,
        route: Option<&Route>,
        part: impl Fn(&Route) -> (Segment, usize, usize),
    ) {
        if let Some(route) = route {
            let (part, first, last) = part(route);
            self.add(part, first, last);
        }
    }
}
