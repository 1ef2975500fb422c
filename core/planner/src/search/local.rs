//! Perturbation and local search around what it touched.

use super::moves::{Judge, Move};
use super::pairs::{At, Best, try_pair};
use super::price::Prices;
use super::route::Solution;
use super::single::{empty_routes, try_insert, try_remove, try_replace};
use super::space::Space;
use crate::Rng;

/// Most stops taken out or put in before a local search.
const MOST_TOUCHED: usize = 25;

/// Descends from a solution to one that no move improves.
#[derive(Debug)]
pub(super) struct LocalSearch<'a> {
    space: &'a Space<'a>,
    /// Order in which stops are looked at.
    order: Vec<usize>,
    /// Stops worth looking at.
    promising: Vec<bool>,
    /// For each stop, the solution's clock when it was last tried.
    tried: Vec<u64>,
    written: Vec<usize>,
}

impl<'a> LocalSearch<'a> {
    pub(super) fn new(space: &'a Space<'a>) -> Self {
        let stops = space.instance.stops.len();
        Self {
            space,
            order: space.stops.clone(),
            promising: vec![false; stops],
            tried: vec![0; stops],
            written: Vec::new(),
        }
    }

    /// Takes out or puts in some stops near each other, then descends.
    pub(super) fn perturbed(&mut self, solution: &mut Solution, prices: &Prices, rng: &mut Rng) {
        rng.shuffle(&mut self.order);
        self.promising.fill(false);
        let most = MOST_TOUCHED.min(self.order.len().div_ceil(2)).max(1);
        let count = 1 + rng.below(most as u64) as usize;
        self.perturb(solution, prices, count);
        self.descend(solution, prices);
    }

    /// Descends with every stop looked at.
    pub(super) fn thorough(&mut self, solution: &mut Solution, prices: &Prices) {
        self.promising.fill(true);
        self.descend(solution, prices);
    }

    fn mark(&mut self, solution: &Solution, stop: usize) {
        let mut mark = |stop: usize| {
            if let Some(flag) = self.promising.get_mut(stop) {
                *flag = true;
            }
        };
        mark(stop);
        if let Some((route, at)) = solution.place(stop)
            && let Some(route) = solution.route(route)
        {
            mark(route.node(at - 1));
            mark(route.node(at + 1));
        }
    }

    /// Goes through the neighbourhood of random stops, route by route: what is planned is taken
    /// out, what is not is put in where it costs least.
    fn perturb(&mut self, solution: &mut Solution, prices: &Prices, count: usize) {
        let mut left = count;
        let mut touched = vec![false; self.promising.len()];
        for seed in self.order.clone() {
            let near = std::iter::once(seed).chain(self.space.neighbours(seed).iter().copied());
            let fresh = near.filter(|&s| !touched.get(s).copied().unwrap_or(true));
            for (route, stops) in by_route(solution, fresh) {
                let stops = stops.get(..left.min(stops.len())).unwrap_or(&[]);
                for &stop in stops {
                    if let Some(flag) = touched.get_mut(stop) {
                        *flag = true;
                    }
                    self.mark(solution, stop);
                }
                match route {
                    Some(route) => take_out(self.space, solution, route, stops),
                    None => stops.iter().for_each(|&s| self.put_in(solution, prices, s)),
                }
                left -= stops.len();
                if left == 0 {
                    return;
                }
            }
        }
    }

    fn put_in(&mut self, solution: &mut Solution, prices: &Prices, stop: usize) {
        let mut best = Best::new(i64::MAX);
        try_insert(&self.judge(solution, prices), stop, &mut best);
        self.apply(solution, best.change, &[stop]);
    }

    fn judge<'b>(&self, solution: &'b Solution, prices: &'b Prices) -> Judge<'b>
    where
        'a: 'b,
    {
        Judge {
            space: self.space,
            prices,
            solution,
        }
    }

    fn apply(&mut self, solution: &mut Solution, change: Option<Move>, around: &[usize]) -> bool {
        let Some(change) = change else {
            return false;
        };
        around.iter().for_each(|&stop| self.mark(solution, stop));
        let mut written = std::mem::take(&mut self.written);
        written.clear();
        let prices = Prices::free();
        let judge = Judge {
            space: self.space,
            prices: &prices,
            solution,
        };
        judge.write(&change.first, &mut written);
        let cut = written.len();
        if let Some(second) = &change.second {
            judge.write(second, &mut written);
        }
        for stop in leaving(solution, &change) {
            self.mark(solution, stop);
            solution.forget(stop);
        }
        let (first, second) = written.split_at_checked(cut).unwrap_or((&[], &[]));
        solution.set(self.space, change.first.route, first);
        if let Some(half) = &change.second {
            solution.set(self.space, half.route, second);
        }
        self.written = written;
        around.iter().for_each(|&stop| self.mark(solution, stop));
        true
    }

    fn descend(&mut self, solution: &mut Solution, prices: &Prices) {
        self.tried.fill(0);
        let order = std::mem::take(&mut self.order);
        for &stop in &order {
            if self.is_promising(stop) && solution.place(stop).is_none() {
                self.try_left_out(solution, prices, stop);
            }
        }
        let mut improved = true;
        while improved {
            improved = false;
            for &stop in &order {
                if self.is_promising(stop) {
                    improved |= self.improve(solution, prices, stop);
                }
            }
        }
        self.order = order;
    }

    fn is_promising(&self, stop: usize) -> bool {
        self.promising.get(stop).copied().unwrap_or(false)
    }

    /// Tries all moves of a stop; whether one was made.
    fn improve(&mut self, solution: &mut Solution, prices: &Prices, stop: usize) -> bool {
        let tried = self.tried.get(stop).copied().unwrap_or(0);
        if let Some(last) = self.tried.get_mut(stop) {
            *last = solution.clock;
        }
        if solution.place(stop).is_none() {
            return tried < solution.clock && self.try_left_out(solution, prices, stop);
        }
        let mut improved = false;
        if self.changed_since(solution, stop, tried) {
            let mut best = Best::new(0);
            try_remove(&self.judge(solution, prices), stop, &mut best);
            if self.apply(solution, best.change, &[stop]) {
                return true;
            }
        }
        let space = self.space;
        for &near in space.neighbours(stop) {
            improved |= self.try_near(solution, prices, stop, near, tried);
        }
        improved | self.try_empty(solution, prices, stop, tried)
    }

    fn changed_since(&self, solution: &Solution, stop: usize, tried: u64) -> bool {
        let place = solution.place(stop);
        place.is_some_and(|(route, _)| solution.changed_at(route) > tried)
    }

    fn try_left_out(&mut self, solution: &mut Solution, prices: &Prices, stop: usize) -> bool {
        let mut best = Best::new(0);
        let judge = self.judge(solution, prices);
        try_insert(&judge, stop, &mut best);
        if best.change.is_none() {
            try_replace(&judge, stop, &mut best);
        }
        self.apply(solution, best.change, &[stop])
    }

    fn try_near(
        &mut self,
        solution: &mut Solution,
        prices: &Prices,
        stop: usize,
        near: usize,
        tried: u64,
    ) -> bool {
        let fresh =
            self.changed_since(solution, stop, tried) || self.changed_since(solution, near, tried);
        let Some((route, at)) = solution.place(near).filter(|_| fresh) else {
            return false;
        };
        if self.try_behind(solution, prices, stop, (route, at), near) {
            return true;
        }
        at == 1 && self.try_behind(solution, prices, stop, (route, 0), near)
    }

    fn try_behind(
        &mut self,
        solution: &mut Solution,
        prices: &Prices,
        stop: usize,
        (route, at): (usize, usize),
        near: usize,
    ) -> bool {
        let mut best = Best::new(0);
        let places = solution
            .place(stop)
            .map(|(index, at)| (solution.route(index), index, at));
        let (Some((Some(own), index, own_at)), Some(other)) = (places, solution.route(route))
        else {
            return false;
        };
        let u = At {
            route: own,
            index,
            at: own_at,
        };
        let v = At {
            route: other,
            index: route,
            at,
        };
        try_pair(&self.judge(solution, prices), u, v, &mut best);
        self.apply(solution, best.change, &[stop, near])
    }

    fn try_empty(
        &mut self,
        solution: &mut Solution,
        prices: &Prices,
        stop: usize,
        tried: u64,
    ) -> bool {
        if !self.changed_since(solution, stop, tried) {
            return false;
        }
        let empty: Vec<usize> = empty_routes(&self.judge(solution, prices)).collect();
        for route in empty {
            if self.try_behind(solution, prices, stop, (route, 0), stop) {
                return true;
            }
        }
        false
    }
}

/// The stops that are in no route after a move.
fn leaving(solution: &Solution, change: &Move) -> Vec<usize> {
    let Some((route, first, last)) = change.leaves else {
        return Vec::new();
    };
    let nodes = solution.route(route).map_or(&[][..], |route| &route.nodes);
    nodes.get(first..last + 1).unwrap_or(&[]).to_vec()
}

/// Groups stops by the route they are in, in the order in which routes first appear.
fn by_route(
    solution: &Solution,
    stops: impl Iterator<Item = usize>,
) -> Vec<(Option<usize>, Vec<usize>)> {
    let mut groups: Vec<(Option<usize>, Vec<usize>)> = Vec::new();
    for stop in stops {
        let place = solution.place(stop);
        let pinned = place.and_then(|(route, at)| Some(at <= solution.route(route)?.pinned));
        if pinned == Some(true) {
            continue;
        }
        let route = place.map(|(route, _)| route);
        match groups.iter_mut().find(|(known, _)| *known == route) {
            Some((_, group)) => group.push(stop),
            None => groups.push((route, vec![stop])),
        }
    }
    groups
}

fn take_out(space: &Space<'_>, solution: &mut Solution, route: usize, stops: &[usize]) {
    let old = solution.route(route).map_or(&[][..], |r| r.stops());
    let rest: Vec<usize> = old.iter().copied().filter(|s| !stops.contains(s)).collect();
    stops.iter().for_each(|&stop| solution.forget(stop));
    solution.set(space, route, &rest);
}
