use super::space::Space;

/// Cost of a day or of all: what counts, and what a feasible one has none of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Cost {
    /// Legs, finish and what is left out.
    pub(super) plain: i64,
    /// Seconds by which windows are missed.
    pub(super) warp: i64,
    /// Loads above capacities.
    pub(super) excess: i64,
    /// Sum of the finishes, to break ties.
    pub(super) finish: i64,
}

impl Cost {
    pub(super) fn of_day(space: &Space<'_>, rep: usize, legs: i64, finish: i64, warp: i64) -> Self {
        let plain = space.instance.reps.get(rep);
        let plain = plain.map_or(legs, |rep| space.instance.day_cost(rep, legs, finish));
        Self {
            plain,
            warp,
            excess: 0,
            finish,
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.plain += other.plain;
        self.warp += other.warp;
        self.excess += other.excess;
        self.finish += other.finish;
    }

    pub(super) const fn is_feasible(&self) -> bool {
        self.warp == 0 && self.excess == 0
    }
}

/// Prices of what is not allowed, moved so that about two in three solutions are feasible.
#[derive(Debug, Clone)]
pub(super) struct Prices {
    warp: Price,
    excess: Price,
}

#[derive(Debug, Clone)]
struct Price {
    /// In 1/64 of a cost unit.
    value: i64,
    most: i64,
    feasible: u32,
    seen: u32,
}

const UNIT_BITS: u32 = 6;
/// Solutions between two moves of a price.
const PERIOD: u32 = 250;
/// Shares of feasible solutions, in percent, between which a price stays.
const TARGET: std::ops::RangeInclusive<u32> = 60..=70;

impl Price {
    fn new(value: i64, most: i64) -> Self {
        Self {
            value: (value << UNIT_BITS).clamp(1, most),
            most,
            feasible: 0,
            seen: 0,
        }
    }

    fn register(&mut self, feasible: bool) {
        self.seen += 1;
        self.feasible += u32::from(feasible);
        if self.seen < PERIOD {
            return;
        }
        let percent = self.feasible * 100 / self.seen;
        (self.seen, self.feasible) = (0, 0);
        if percent < *TARGET.start() {
            self.value = (self.value + self.value / 2 + 1).min(self.most);
        } else if percent > *TARGET.end() {
            self.value = (self.value - self.value / 10).max(1);
        }
    }
}

impl Prices {
    pub(super) fn new(space: &Space<'_>) -> Self {
        let instance = space.instance;
        let optional = space.stops.iter().map(|&s| space.prize(s));
        let dearest = optional.filter(|&p| p < instance.weights.mandatory()).max();
        let warp = 1 + dearest.unwrap_or(0) / WARP_FOR_A_STOP_S;
        let legs = space
            .stops
            .iter()
            .map(|&s| space.neighbours(s).first().map_or(0, |&n| space.cost(s, n)));
        let (legs, count) = (legs.sum::<i64>(), space.stops.len().max(1) as i64);
        let loads: i64 = space.stops.iter().flat_map(|&s| instance.demand(s)).sum();
        let excess = 1 + (5 * legs + dearest.unwrap_or(0) * count) / loads.max(1);
        let span = instance.reps.iter().map(|r| r.to).max().unwrap_or(1).max(1);
        let most_warp = span.saturating_mul(4 * (instance.stops.len() as i64 + 2));
        Self {
            warp: Price::new(warp, (1 << 61) / most_warp),
            excess: Price::new(excess, (1 << 61) / (2 * loads + 1)),
        }
    }

    /// Prices of nothing, for where none is asked.
    pub(super) const fn free() -> Self {
        const NOTHING: Price = Price {
            value: 0,
            most: 1,
            feasible: 0,
            seen: 0,
        };
        Self {
            warp: NOTHING,
            excess: NOTHING,
        }
    }

    /// Plain cost plus the price of what is not allowed.
    #[inline]
    pub(super) const fn of(&self, cost: &Cost) -> i64 {
        cost.plain
            + ((cost.warp * self.warp.value) >> UNIT_BITS)
            + ((cost.excess * self.excess.value) >> UNIT_BITS)
    }

    /// Doubles the prices of what a solution does against the rules.
    pub(super) fn double(&mut self, cost: &Cost) {
        if cost.warp > 0 {
            self.warp.value = (self.warp.value * 2).min(self.warp.most);
        }
        if cost.excess > 0 {
            self.excess.value = (self.excess.value * 2).min(self.excess.most);
        }
    }

    pub(super) fn register(&mut self, cost: &Cost) {
        self.warp.register(cost.warp == 0);
        self.excess.register(cost.excess == 0);
    }
}

/// At first, missing windows by this much costs as much as the dearest optional stop.
const WARP_FOR_A_STOP_S: i64 = 300;
