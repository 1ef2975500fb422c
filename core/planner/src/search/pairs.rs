//! Moves that bring one stop behind another: relocation, swaps of short stretches, swaps of tails.

use super::moves::{Half, Judge, Move, Piece};
use super::route::Route;

/// Lengths of the stretches exchanged, the longer first.
const SWAPS: [(usize, usize); 6] = [(1, 1), (2, 1), (2, 2), (3, 1), (3, 2), (3, 3)];
/// Longest stretch relocated.
const LONGEST: usize = 3;

/// A node in a route.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) route: &'a Route,
    pub(super) index: usize,
    pub(super) at: usize,
}

impl At<'_> {
    #[inline]
    fn node(&self, offset: usize) -> usize {
        self.route.node(self.at + offset)
    }

    #[inline]
    fn before(&self) -> usize {
        self.route.node(self.at.wrapping_sub(1))
    }
}

/// The best move found so far for a pair of nodes.
#[derive(Debug)]
pub(super) struct Best {
    pub(super) delta: i64,
    pub(super) change: Option<Move>,
}

impl Best {
    pub(super) const fn new(limit: i64) -> Self {
        Self {
            delta: limit,
            change: None,
        }
    }

    #[inline]
    pub(super) fn offer(&mut self, judge: &Judge<'_>, change: Move) {
        if let Some(delta) = judge.delta(&change, self.delta) {
            self.delta = delta;
            self.change = Some(change);
        }
    }
}

/// Tries all moves of the stop at `u` behind the node at `v`.
pub(super) fn try_pair(judge: &Judge<'_>, u: At<'_>, v: At<'_>, best: &mut Best) {
    if u.at <= u.route.pinned || v.at < v.route.pinned {
        return;
    }
    let reward = u.route.beyond_legs(judge.prices)
        + if u.index == v.index {
            0
        } else {
            v.route.beyond_legs(judge.prices)
        };
    let pair = Pair {
        judge,
        u,
        v,
        reward,
    };
    for length in 1..=LONGEST {
        pair.relocate(length, best);
    }
    if v.at > v.route.pinned {
        for (longer, shorter) in SWAPS {
            pair.swap(longer, shorter, best);
        }
    }
    if u.index != v.index {
        pair.tails(best);
    }
}

struct Pair<'a> {
    judge: &'a Judge<'a>,
    u: At<'a>,
    v: At<'a>,
    /// The most that can be gained beyond legs.
    reward: i64,
}

impl Pair<'_> {
    #[inline]
    fn cost(&self, from: usize, to: usize) -> i64 {
        self.judge.space.cost(from, to)
    }

    /// Whether the rep of a route may serve the stops of a stretch of another.
    fn may_serve(&self, to: &At<'_>, from: &At<'_>, first: usize, last: usize) -> bool {
        if to.route.kind == from.route.kind {
            return true;
        }
        let stops = from.route.nodes.get(first..last + 1).unwrap_or(&[]);
        stops
            .iter()
            .all(|&stop| self.judge.space.instance.allowed(to.route.rep, stop))
    }

    /// Moves `length` stops from `u` on behind `v`.
    fn relocate(&self, length: usize, best: &mut Best) {
        let (u, v) = (&self.u, &self.v);
        let last = u.at + length - 1;
        let same = u.index == v.index;
        if last > u.route.len() || (same && v.at + 1 >= u.at && v.at <= last) {
            return;
        }
        let (a, s, e, b) = (u.before(), u.node(0), u.node(length - 1), u.node(length));
        let (x, y) = (v.node(0), v.node(1));
        let legs =
            self.cost(a, b) - self.cost(a, s) - self.cost(e, b) + self.cost(x, s) + self.cost(e, y)
                - self.cost(x, y);
        if legs - self.reward >= best.delta {
            return;
        }
        let moved = Piece::Range(u.index, u.at, last);
        let change = if same {
            self.within(moved, last, legs)
        } else {
            if !self.may_serve(v, u, u.at, last) {
                return;
            }
            let rest = [
                Piece::Head(u.index, u.at - 1),
                Piece::Tail(u.index, last + 1),
                Piece::None,
                Piece::None,
                Piece::None,
            ];
            let longer = [
                Piece::Head(v.index, v.at),
                moved,
                Piece::Tail(v.index, v.at + 1),
                Piece::None,
                Piece::None,
            ];
            self.across(rest, longer, legs)
        };
        best.offer(self.judge, change);
    }

    /// A stretch of `u`'s route moved behind `v` in the same route.
    fn within(&self, moved: Piece, last: usize, legs: i64) -> Move {
        let (u, v, route) = (&self.u, &self.v, self.u.index);
        let pieces = if v.at > last {
            [
                Piece::Head(route, u.at - 1),
                Piece::Range(route, last + 1, v.at),
                moved,
                Piece::Tail(route, v.at + 1),
                Piece::None,
            ]
        } else {
            [
                Piece::Head(route, v.at),
                moved,
                Piece::Range(route, v.at + 1, u.at - 1),
                Piece::Tail(route, last + 1),
                Piece::None,
            ]
        };
        one(route, pieces, legs)
    }

    fn across(&self, of_u: [Piece; 5], of_v: [Piece; 5], legs: i64) -> Move {
        Move {
            first: Half {
                route: self.u.index,
                pieces: of_u,
            },
            second: Some(Half {
                route: self.v.index,
                pieces: of_v,
            }),
            legs,
            prizes: 0,
            leaves: None,
        }
    }

    /// Exchanges `longer` stops from `u` on with `shorter` stops from `v` on.
    fn swap(&self, longer: usize, shorter: usize, best: &mut Best) {
        let (u, v) = (&self.u, &self.v);
        let (last_u, last_v) = (u.at + longer - 1, v.at + shorter - 1);
        if last_u > u.route.len() || last_v > v.route.len() {
            return;
        }
        let same = u.index == v.index;
        if same && v.at <= last_u + 1 && u.at <= last_v + 1 {
            return;
        }
        let (a, s, e, b) = (u.before(), u.node(0), u.node(longer - 1), u.node(longer));
        let (c, t, f, d) = (v.before(), v.node(0), v.node(shorter - 1), v.node(shorter));
        let legs = self.cost(a, t) + self.cost(f, b) + self.cost(c, s) + self.cost(e, d)
            - self.cost(a, s)
            - self.cost(e, b)
            - self.cost(c, t)
            - self.cost(f, d);
        if legs - self.reward >= best.delta {
            return;
        }
        let of_u = Piece::Range(u.index, u.at, last_u);
        let of_v = Piece::Range(v.index, v.at, last_v);
        let change = if same {
            let (lead, first, middle, second, rest) = if u.at < v.at {
                (u.at - 1, of_v, (last_u + 1, v.at - 1), of_u, last_v + 1)
            } else {
                (v.at - 1, of_u, (last_v + 1, u.at - 1), of_v, last_u + 1)
            };
            let pieces = [
                Piece::Head(u.index, lead),
                first,
                Piece::Range(u.index, middle.0, middle.1),
                second,
                Piece::Tail(u.index, rest),
            ];
            one(u.index, pieces, legs)
        } else {
            if !self.may_serve(v, u, u.at, last_u) || !self.may_serve(u, v, v.at, last_v) {
                return;
            }
            let new_u = [
                Piece::Head(u.index, u.at - 1),
                of_v,
                Piece::Tail(u.index, last_u + 1),
                Piece::None,
                Piece::None,
            ];
            let new_v = [
                Piece::Head(v.index, v.at - 1),
                of_u,
                Piece::Tail(v.index, last_v + 1),
                Piece::None,
                Piece::None,
            ];
            self.across(new_u, new_v, legs)
        };
        best.offer(self.judge, change);
    }

    /// Lets `v` go on with `u` and what follows, and `u`'s route with what followed `v`.
    fn tails(&self, best: &mut Best) {
        let (u, v) = (&self.u, &self.v);
        let (a, s, x, y) = (u.before(), u.node(0), v.node(0), v.node(1));
        let last_u = u.route.len();
        let last_v = v.route.len();
        let joins = if v.at < last_v {
            y
        } else {
            u.route.node(last_u + 1)
        };
        let mut legs = self.cost(a, joins) + self.cost(x, s) - self.cost(a, s) - self.cost(x, y);
        let twins = u.route.kind == v.route.kind;
        if !twins {
            let (end_u, end_v) = (u.route.node(last_u + 1), v.route.node(last_v + 1));
            let e = u.route.node(last_u);
            legs += self.cost(e, end_v) - self.cost(e, end_u);
            if v.at < last_v {
                let e = v.route.node(last_v);
                legs += self.cost(e, end_u) - self.cost(e, end_v);
            }
        }
        if legs - self.reward >= best.delta {
            return;
        }
        if !self.may_serve(v, u, u.at, last_u) || !self.may_serve(u, v, v.at + 1, last_v) {
            return;
        }
        let mut of_u = [
            Piece::Head(u.index, u.at - 1),
            Piece::None,
            Piece::None,
            Piece::None,
            Piece::None,
        ];
        let mut of_v = [
            Piece::Head(v.index, v.at),
            Piece::None,
            Piece::None,
            Piece::None,
            Piece::None,
        ];
        if twins {
            of_u[1] = Piece::Tail(v.index, v.at + 1);
            of_v[1] = Piece::Tail(u.index, u.at);
        } else {
            of_u[1] = Piece::Range(v.index, v.at + 1, last_v);
            of_u[2] = Piece::End(u.index);
            of_v[1] = Piece::Range(u.index, u.at, last_u);
            of_v[2] = Piece::End(v.index);
        }
        best.offer(self.judge, self.across(of_u, of_v, legs));
    }
}

fn one(route: usize, pieces: [Piece; 5], legs: i64) -> Move {
    Move {
        first: Half { route, pieces },
        second: None,
        legs,
        prizes: 0,
        leaves: None,
    }
}
