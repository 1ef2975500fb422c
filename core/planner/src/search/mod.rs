//! Iterated local search for teams and long days.
//!
//! Each iteration takes some stops near each other out of the current solution (or puts some in),
//! descends by local search around what was touched, and keeps the result if it is better than
//! the current solution or than the one some iterations ago (late acceptance, Burke and Bykov
//! 2017). Windows and loads may be broken at a price that moves so that about two in three
//! solutions are feasible. The way of PyVRP 0.13 and later (Wouda, Lan and Kool 2024), written
//! anew; integers only, so that the same seed gives the same solution everywhere.

mod general;
mod local;
mod moves;
mod pairs;
mod price;
mod route;
mod segment;
mod single;
mod space;

use crate::Rng;
use crate::instance::Instance;
use local::LocalSearch;
use price::{Cost, Prices};
use route::Solution;
use space::Space;

/// Solutions remembered for late acceptance.
const HISTORY: usize = 300;
/// Iterations without a new best after which the search goes back to it.
const PATIENCE: u64 = 50_000;

/// How often prices are doubled before the search begins.
const MOST_DOUBLINGS: u32 = 40;

/// The best orders found, one list of stops for each rep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Best {
    pub(crate) orders: Vec<Vec<usize>>,
    /// Cost, then the sum of the finishes.
    pub(crate) value: (i64, i64),
}

/// What a search starts from and how it is guided.
#[derive(Debug, Clone, Default)]
pub(crate) struct Start {
    pub(crate) seed: u64,
    /// Orders to start from, one for each rep; pinned stops are put first in any case.
    pub(crate) orders: Vec<Vec<usize>>,
}

/// Runs `work` with a search on an instance. The search borrows what is built here.
pub(crate) fn with_search<T>(
    instance: &Instance,
    start: &Start,
    work: impl FnOnce(&mut Search<'_>) -> T,
) -> T {
    let space = Space::new(instance);
    let mut search = Search::new(&space, start);
    work(&mut search)
}

/// A search that can be continued.
#[derive(Debug)]
pub(crate) struct Search<'a> {
    space: &'a Space<'a>,
    local: LocalSearch<'a>,
    prices: Prices,
    rng: Rng,
    /// The solution being changed.
    work: Solution,
    /// The one to go back to.
    current: Solution,
    current_cost: Cost,
    first_cost: Cost,
    history: Vec<Option<Cost>>,
    slot: usize,
    idle: u64,
    pub(crate) iterations: u64,
    best: Option<Best>,
}

impl<'a> Search<'a> {
    fn new(space: &'a Space<'a>, start: &Start) -> Self {
        let prices = Prices::new(space);
        let mut work = Solution::new(space);
        work.clock = 1;
        work.changed.fill(1);
        let mut search = Self {
            local: LocalSearch::new(space),
            prices,
            rng: Rng::new(start.seed),
            current: work.clone(),
            current_cost: Cost::default(),
            first_cost: Cost::default(),
            history: vec![None; HISTORY],
            slot: 0,
            idle: 0,
            iterations: 0,
            best: None,
            space,
            work,
        };
        search.note_best();
        search.work.load(space, &start.orders);
        search.note_best();
        search.first_descent();
        search.start_here();
        search
    }

    /// Descends from the start, with prices doubled until that ends in a feasible solution.
    fn first_descent(&mut self) {
        for _ in 0..MOST_DOUBLINGS {
            self.local.thorough(&mut self.work, &self.prices);
            self.note_best();
            let cost = self.work.cost(self.space);
            if cost.is_feasible() {
                return;
            }
            self.prices.double(&cost);
        }
    }

    /// The best feasible solution so far; none only if pinned stops do not fit.
    pub(crate) fn best(&self) -> Option<&Best> {
        self.best.as_ref()
    }

    /// Goes on from other orders.
    pub(crate) fn adopt(&mut self, orders: &[Vec<usize>]) {
        self.work.load(self.space, orders);
        self.note_best();
        self.start_here();
    }

    /// Goes on for some iterations.
    pub(crate) fn run(&mut self, iterations: u64) {
        for _ in 0..iterations {
            self.iterate();
        }
    }

    fn iterate(&mut self) {
        self.iterations += 1;
        self.idle += 1;
        if self.idle > PATIENCE {
            self.restart();
        }
        let since = self.work.clock;
        self.local
            .perturbed(&mut self.work, &self.prices, &mut self.rng);
        let mut cost = self.work.cost(self.space);
        self.prices.register(&cost);
        if self.note_best() {
            self.idle = 0;
            self.local.thorough(&mut self.work, &self.prices);
            self.note_best();
            cost = self.work.cost(self.space);
        }
        self.accept(&cost, since);
    }

    /// Remembers the working solution if it is feasible and better than any before.
    fn note_best(&mut self) -> bool {
        let cost = self.work.cost(self.space);
        let value = (cost.plain, cost.finish);
        let better = self.best.as_ref().is_none_or(|best| value < best.value);
        if cost.is_feasible() && better {
            self.best = Some(Best {
                orders: self.work.orders(),
                value,
            });
            return true;
        }
        false
    }

    fn accept(&mut self, cost: &Cost, since: u64) {
        let late = self.history.get(self.slot).copied().flatten();
        let late_price = self.prices.of(&late.unwrap_or(self.first_cost));
        let price = self.prices.of(cost);
        if price < late_price || price < self.prices.of(&self.current_cost) {
            self.current
                .copy_changed(&self.work, since, &self.work.changed);
            self.current_cost = *cost;
        } else {
            let changed = std::mem::take(&mut self.work.changed);
            self.work.copy_changed(&self.current, since, &changed);
            self.work.changed = changed;
        }
        let better = late.is_none() || self.prices.of(&self.current_cost) < late_price;
        if let Some(slot) = self.history.get_mut(self.slot).filter(|_| better) {
            *slot = Some(self.current_cost);
        }
        self.slot = (self.slot + 1) % HISTORY;
    }

    fn restart(&mut self) {
        self.idle = 0;
        if let Some(best) = &self.best {
            self.work.load(self.space, &best.orders);
        }
        self.start_here();
    }

    fn start_here(&mut self) {
        self.history.fill(None);
        self.current = self.work.clone();
        self.current_cost = self.current.cost(self.space);
        self.first_cost = self.current_cost;
    }
}
