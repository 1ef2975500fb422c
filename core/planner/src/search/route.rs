use super::general;
use super::price::{Cost, Prices};
use super::segment::Segment;
use super::space::Space;

/// One rep's day in a search: start, stops, end, and sums from both ends.
#[derive(Debug, Clone, Default)]
pub(super) struct Route {
    pub(super) rep: usize,
    pub(super) kind: usize,
    /// Stops at the front that stay where they are.
    pub(super) pinned: usize,
    /// Start, stops, end.
    pub(super) nodes: Vec<usize>,
    /// From the start up to each position.
    pub(super) heads: Vec<Segment>,
    /// From each position to the end.
    pub(super) tails: Vec<Segment>,
    /// Loads from the start up to each position, `loads` numbers each.
    pub(super) carried: Vec<i64>,
    /// Cost of the legs by their least costs.
    pub(super) legs: i64,
    /// Cost as it is.
    pub(super) cost: Cost,
}

impl Route {
    pub(super) fn new(space: &Space<'_>, rep: usize) -> Self {
        let mut route = Self {
            rep,
            kind: rep,
            ..Self::default()
        };
        if let Some(day) = space.instance.reps.get(rep) {
            route.kind = day.kind;
            route.pinned = day.pinned.len();
            route.nodes.push(day.start);
            route.nodes.extend(&day.pinned);
            route.nodes.push(day.end);
        }
        route.update(space);
        route
    }

    /// Number of stops.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.nodes.len().saturating_sub(2)
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Start, stops, end by position.
    #[inline]
    pub(super) fn node(&self, at: usize) -> usize {
        self.nodes.get(at).copied().unwrap_or(0)
    }

    #[inline]
    pub(super) fn head(&self, at: usize) -> Segment {
        self.heads.get(at).copied().unwrap_or_default()
    }

    #[inline]
    pub(super) fn tail(&self, at: usize) -> Segment {
        self.tails.get(at).copied().unwrap_or_default()
    }

    /// Load of a dimension from the start up to a position.
    #[inline]
    pub(super) fn load(&self, at: usize, dimension: usize, loads: usize) -> i64 {
        self.carried
            .get(at * loads + dimension)
            .copied()
            .unwrap_or(0)
    }

    pub(super) fn stops(&self) -> &[usize] {
        self.nodes
            .get(1..self.nodes.len().saturating_sub(1))
            .unwrap_or(&[])
    }

    /// What a move could take off beyond legs at their least costs.
    #[inline]
    pub(super) fn beyond_legs(&self, prices: &Prices) -> i64 {
        prices.of(&self.cost) - self.legs
    }

    /// Recomputes the sums after the nodes changed. O(stops).
    pub(super) fn update(&mut self, space: &Space<'_>) {
        self.sum_up(space);
        self.cost = if space.instance.plain {
            self.plain_cost(space)
        } else {
            general::cost(space, self.rep, self.stops())
        };
        self.cost.excess = self.excess(space);
    }

    fn sum_up(&mut self, space: &Space<'_>) {
        let (depot, last) = (space.depot(self.rep), self.nodes.len().saturating_sub(1));
        let visit = |at: usize, node: usize| match at {
            0 => depot,
            at if at == last => depot,
            _ => space.visit(node),
        };
        self.heads.clear();
        self.carried.clear();
        self.legs = 0;
        let mut before: Option<(usize, Segment)> = None;
        for (at, &node) in self.nodes.iter().enumerate() {
            let own = visit(at, node);
            let head = match before {
                Some((from, head)) => {
                    let leg = space.leg(from, node);
                    self.legs += i64::from(leg.cost);
                    head.then(i64::from(leg.seconds), own)
                }
                None => own,
            };
            self.heads.push(head);
            before = Some((node, head));
            for dimension in 0..space.loads {
                let so_far = at
                    .checked_sub(1)
                    .map_or(0, |b| self.load(b, dimension, space.loads));
                let own = space.instance.demand(node).get(dimension).copied();
                self.carried.push(so_far + own.unwrap_or(0));
            }
        }
        self.tails.clear();
        let mut after: Option<(usize, Segment)> = None;
        for (at, &node) in self.nodes.iter().enumerate().rev() {
            let own = visit(at, node);
            let tail = after.map_or(own, |(to, tail)| own.then(space.seconds(node, to), tail));
            self.tails.push(tail);
            after = Some((node, tail));
        }
        self.tails.reverse();
    }

    fn plain_cost(&self, space: &Space<'_>) -> Cost {
        let whole = self.tail(0);
        Cost::of_day(space, self.rep, self.legs, whole.finish(), whole.warp)
    }

    fn excess(&self, space: &Space<'_>) -> i64 {
        let Some(rep) = space.instance.reps.get(self.rep) else {
            return 0;
        };
        let last = self.nodes.len().saturating_sub(1);
        let over = |(dimension, most): (usize, &i64)| {
            (self.load(last, dimension, space.loads) - most).max(0)
        };
        rep.capacity.iter().enumerate().map(over).sum()
    }
}

/// Where a stop is: route and position, or in none.
pub(super) type Place = Option<(usize, usize)>;

/// All routes of a search, and what is left out.
#[derive(Debug, Clone, Default)]
pub(super) struct Solution {
    pub(super) routes: Vec<Route>,
    pub(super) places: Vec<Place>,
    /// For each route, when it last changed.
    pub(super) changed: Vec<u64>,
    /// Counts changes.
    pub(super) clock: u64,
}

impl Solution {
    /// The pinned stops alone.
    pub(super) fn new(space: &Space<'_>) -> Self {
        let reps = space.instance.reps.len();
        let mut solution = Self {
            routes: (0..reps).map(|rep| Route::new(space, rep)).collect(),
            places: vec![None; space.instance.stops.len()],
            changed: vec![0; reps],
            clock: 0,
        };
        for route in 0..reps {
            solution.index(route);
        }
        solution
    }

    #[inline]
    pub(super) fn route(&self, route: usize) -> Option<&Route> {
        self.routes.get(route)
    }

    #[inline]
    pub(super) fn place(&self, stop: usize) -> Place {
        self.places.get(stop).copied().flatten()
    }

    #[inline]
    pub(super) fn changed_at(&self, route: usize) -> u64 {
        self.changed.get(route).copied().unwrap_or(0)
    }

    /// Gives a route new stops. Places of stops that leave must be cleared before.
    pub(super) fn set(&mut self, space: &Space<'_>, route: usize, stops: &[usize]) {
        self.clock += 1;
        if let Some(changed) = self.changed.get_mut(route) {
            *changed = self.clock;
        }
        if let Some(r) = self.routes.get_mut(route) {
            let end = r.nodes.pop();
            r.nodes.truncate(1);
            r.nodes.extend_from_slice(stops);
            r.nodes.extend(end);
            r.update(space);
        }
        self.index(route);
    }

    /// Gives every route the stops of `orders` that its rep may serve and no route has yet.
    pub(super) fn load(&mut self, space: &Space<'_>, orders: &[Vec<usize>]) {
        self.places.fill(None);
        for route in 0..self.routes.len() {
            self.index_pinned(space, route);
        }
        for (route, order) in orders.iter().enumerate() {
            let Some(rep) = space.instance.reps.get(route) else {
                return;
            };
            let mut stops = rep.pinned.clone();
            for &stop in order {
                let free = self.place(stop).is_none() && !stops.contains(&stop);
                if free && space.instance.allowed(route, stop) {
                    stops.push(stop);
                }
            }
            self.set(space, route, &stops);
        }
    }

    fn index_pinned(&mut self, space: &Space<'_>, route: usize) {
        let pinned = space.instance.reps.get(route).map(|rep| rep.pinned.clone());
        self.set(space, route, &pinned.unwrap_or_default());
    }

    /// Takes a stop out of its route's list of places; the route itself is set by the caller.
    pub(super) fn forget(&mut self, stop: usize) {
        if let Some(place) = self.places.get_mut(stop) {
            *place = None;
        }
    }

    fn index(&mut self, route: usize) {
        let Some(r) = self.routes.get(route) else {
            return;
        };
        for (at, &stop) in r.stops().iter().enumerate() {
            if let Some(place) = self.places.get_mut(stop) {
                *place = Some((route, at + 1));
            }
        }
    }

    /// Takes over the routes of `other` that differ from this one's since `since`.
    pub(super) fn copy_changed(&mut self, other: &Self, since: u64, of: &[u64]) {
        for (route, &changed) in of.iter().enumerate() {
            if changed <= since {
                continue;
            }
            if let Some((to, from)) = self.routes.get_mut(route).zip(other.routes.get(route)) {
                to.nodes.clone_from(&from.nodes);
                to.heads.clone_from(&from.heads);
                to.tails.clone_from(&from.tails);
                to.carried.clone_from(&from.carried);
                (to.legs, to.cost) = (from.legs, from.cost);
            }
        }
        self.places.clone_from(&other.places);
    }

    /// Cost, warp and excess of all days and of what is left out.
    pub(super) fn cost(&self, space: &Space<'_>) -> Cost {
        let mut cost = Cost::default();
        for route in &self.routes {
            cost.add(&route.cost);
        }
        for &stop in &space.stops {
            if self.place(stop).is_none() {
                cost.plain += space.prize(stop);
            }
        }
        cost
    }

    /// The stops of each rep.
    pub(super) fn orders(&self) -> Vec<Vec<usize>> {
        self.routes
            .iter()
            .map(|route| route.stops().to_vec())
            .collect()
    }
}
