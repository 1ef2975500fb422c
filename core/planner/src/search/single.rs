//! Moves of one stop in and out of the solution: insertion, replacement, removal.

use super::moves::{Half, Judge, Move, Piece};
use super::pairs::Best;

/// The best way to put a stop that is in no route into one; only below `best`'s limit.
///
/// Positions before and after its neighbours are tried, and one empty route of each kind.
pub(super) fn try_insert(judge: &Judge<'_>, stop: usize, best: &mut Best) {
    for &near in judge.space.neighbours(stop) {
        if let Some((route, at)) = judge.solution.place(near) {
            insert(judge, stop, route, at, best);
            insert(judge, stop, route, at - 1, best);
        }
    }
    for route in empty_routes(judge) {
        insert(judge, stop, route, 0, best);
    }
}

/// The routes without stops that can be changed, one of each kind.
pub(super) fn empty_routes<'a>(judge: &Judge<'a>) -> impl Iterator<Item = usize> + use<'a> {
    let routes = &judge.solution.routes;
    let empty = routes
        .iter()
        .enumerate()
        .filter(|(_, route)| route.is_empty());
    let mut seen: Vec<usize> = Vec::new();
    empty.filter_map(move |(index, route)| {
        let new = !seen.contains(&route.kind);
        if new {
            seen.push(route.kind);
        }
        new.then_some(index)
    })
}

fn insert(judge: &Judge<'_>, stop: usize, index: usize, at: usize, best: &mut Best) {
    let Some(route) = judge.solution.route(index) else {
        return;
    };
    if at < route.pinned || !judge.space.instance.allowed(route.rep, stop) {
        return;
    }
    let (before, after) = (route.node(at), route.node(at + 1));
    let cost = |from, to| judge.space.cost(from, to);
    best.offer(
        judge,
        Move {
            first: Half {
                route: index,
                pieces: [
                    Piece::Head(index, at),
                    Piece::Stop(stop),
                    Piece::Tail(index, at + 1),
                    Piece::None,
                    Piece::None,
                ],
            },
            second: None,
            legs: cost(before, stop) + cost(stop, after) - cost(before, after),
            prizes: -judge.space.prize(stop),
            leaves: None,
        },
    );
}

/// Most stops in a row that one may replace.
const LONGEST: usize = 4;

/// The best way to put a stop that is in no route in the place of a neighbour, or of a few stops
/// from a neighbour on.
pub(super) fn try_replace(judge: &Judge<'_>, stop: usize, best: &mut Best) {
    for &near in judge.space.neighbours(stop) {
        let Some((index, at)) = judge.solution.place(near) else {
            continue;
        };
        let Some(route) = judge.solution.route(index) else {
            continue;
        };
        if at <= route.pinned || !judge.space.instance.allowed(route.rep, stop) {
            continue;
        }
        let mut gone = 0;
        for last in at..route.len().min(at + LONGEST - 1) + 1 {
            gone += judge.space.prize(route.node(last));
            best.offer(judge, replace(judge, stop, (index, at, last), gone));
        }
    }
}

fn replace(judge: &Judge<'_>, stop: usize, run: (usize, usize, usize), gone: i64) -> Move {
    let (index, first, last) = run;
    let node = |at: usize| {
        judge
            .solution
            .route(index)
            .map_or(0, |route| route.node(at))
    };
    let cost = |from, to| judge.space.cost(from, to);
    let old: i64 = (first..=last + 1)
        .map(|at| cost(node(at - 1), node(at)))
        .sum();
    Move {
        first: Half {
            route: index,
            pieces: [
                Piece::Head(index, first - 1),
                Piece::Stop(stop),
                Piece::Tail(index, last + 1),
                Piece::None,
                Piece::None,
            ],
        },
        second: None,
        legs: cost(node(first - 1), stop) + cost(stop, node(last + 1)) - old,
        prizes: gone - judge.space.prize(stop),
        leaves: Some(run),
    }
}

/// Leaving out a stop.
pub(super) fn try_remove(judge: &Judge<'_>, stop: usize, best: &mut Best) {
    let Some((index, at)) = judge.solution.place(stop) else {
        return;
    };
    let Some(route) = judge.solution.route(index).filter(|r| at > r.pinned) else {
        return;
    };
    let (before, after) = (route.node(at - 1), route.node(at + 1));
    let cost = |from, to| judge.space.cost(from, to);
    let change = Move {
        first: Half {
            route: index,
            pieces: [
                Piece::Head(index, at - 1),
                Piece::Tail(index, at + 1),
                Piece::None,
                Piece::None,
                Piece::None,
            ],
        },
        second: None,
        legs: cost(before, after) - cost(before, stop) - cost(stop, after),
        prizes: judge.space.prize(stop),
        leaves: Some((index, at, at)),
    };
    best.offer(judge, change);
}
