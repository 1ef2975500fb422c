use crate::assemble::day_plan;
use crate::exact::{self, Outcome, Value};
use crate::instance::Instance;
use crate::search::{self, Start};
use crate::{Plan, Problem, ProblemError, Proof, Totals, reasons};

/// How much work goes into a plan. Two calls with equal options give equal plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Seed of the search.
    pub seed: u64,
    /// Iterations of the search; `None` chooses by the number of stops.
    pub iterations: Option<u64>,
    /// One rep's day with at most this many stops is solved to proven optimality. Above 18 no
    /// proof is tried.
    pub exact_up_to: usize,
    /// The proof is given up beyond this many labels of 24 bytes; the search decides then.
    pub exact_labels: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            iterations: None,
            exact_up_to: 14,
            exact_labels: 4_000_000,
        }
    }
}

impl Options {
    fn iterations(&self, stops: usize) -> u64 {
        self.iterations.unwrap_or(match stops {
            0..=30 => 3_000,
            31..=100 => 6_000,
            _ => 10_000,
        })
    }
}

/// Iterations that look for a good plan before a proof is tried.
const BEFORE_PROOF: u64 = 60;

/// Plans the days of a problem.
///
/// # Errors
/// [`ProblemError`] if the problem is not valid, or if the stops that must come first do not fit.
pub fn solve(problem: &Problem, options: &Options) -> Result<Plan, ProblemError> {
    solve_from(problem, options, &[])
}

/// As [`solve`], starting from known orders: for each rep the ids of its stops. What is unknown
/// or not allowed is passed over.
///
/// # Errors
/// As [`solve`].
pub fn solve_from(
    problem: &Problem,
    options: &Options,
    orders: &[Vec<String>],
) -> Result<Plan, ProblemError> {
    let instance = Instance::new(problem)?;
    let start = Start {
        seed: options.seed,
        orders: orders.iter().map(|ids| indices(problem, ids)).collect(),
    };
    let solved = orders_of(&instance, options, &start)?;
    plan(problem, &instance, &solved)
}

/// How far a search is; see [`solve_while`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Iterations so far.
    pub iterations: u64,
    /// Seconds driven in the best plan so far, summed over the legs of the matrix.
    pub driving_s: i64,
    /// Stops in the best plan so far.
    pub visits: usize,
}

/// As [`solve_from`] by search alone, for as long as `more` says: it is asked again after every
/// `step` iterations. How long that is in time, or whether someone is still waiting, is the
/// caller's to know; the plan depends on nothing but the number of iterations.
///
/// # Errors
/// As [`solve`].
pub fn solve_while(
    problem: &Problem,
    seed: u64,
    orders: &[Vec<String>],
    step: u64,
    mut more: impl FnMut(&Progress) -> bool,
) -> Result<Plan, ProblemError> {
    let instance = Instance::new(problem)?;
    let start = Start {
        seed,
        orders: orders.iter().map(|ids| indices(problem, ids)).collect(),
    };
    let solved = search::with_search(&instance, &start, |search| {
        while more(&progress(&instance, search)) {
            search.run(step.max(1));
        }
        heuristic(search)
    })?;
    plan(problem, &instance, &solved)
}

fn progress(instance: &Instance, search: &search::Search<'_>) -> Progress {
    let orders = search.best().map_or(&[][..], |best| &best.orders);
    let driving = orders.iter().zip(&instance.reps).map(|(stops, rep)| {
        let ends = std::iter::once(rep.start).chain(stops.iter().copied());
        let legs = ends.zip(stops.iter().copied().chain([rep.end]));
        legs.map(|(a, b)| i64::from(instance.leg(a, b).seconds))
            .sum::<i64>()
    });
    Progress {
        iterations: search.iterations,
        driving_s: driving.sum(),
        visits: orders.iter().map(Vec::len).sum(),
    }
}

fn heuristic(search: &search::Search<'_>) -> Result<Solved, ProblemError> {
    let best = search.best().ok_or(ProblemError::FirstDoNotFit)?;
    Ok(Solved {
        orders: best.orders.clone(),
        proof: Proof::Heuristic {
            iterations: search.iterations,
        },
    })
}

fn indices(problem: &Problem, ids: &[String]) -> Vec<usize> {
    let index = |id: &String| problem.stops.iter().position(|stop| stop.id == *id);
    ids.iter().filter_map(index).collect()
}

/// Orders of stops for each rep, and what is known about them.
#[derive(Debug, Clone)]
pub(crate) struct Solved {
    pub(crate) orders: Vec<Vec<usize>>,
    pub(crate) proof: Proof,
}

/// Finds the orders: search first, then a proof where one is in reach.
pub(crate) fn orders_of(
    instance: &Instance,
    options: &Options,
    start: &Start,
) -> Result<Solved, ProblemError> {
    let pool: Vec<usize> = match instance.reps.as_slice() {
        [_] => (0..instance.stops.len())
            .filter(|&s| instance.allowed(0, s))
            .collect(),
        _ => Vec::new(),
    };
    let provable = instance.reps.len() == 1 && pool.len() <= options.exact_up_to;
    let provable = provable && instance.fits_in(0, &pool);
    search::with_search(instance, start, |search| {
        if provable {
            search.run(BEFORE_PROOF);
            if let Some(proved) = prove(instance, &pool, search, options.exact_labels)? {
                return Ok(proved);
            }
        }
        search.run(options.iterations(instance.stops.len()));
        heuristic(search)
    })
}

fn prove(
    instance: &Instance,
    pool: &[usize],
    search: &search::Search<'_>,
    labels: usize,
) -> Result<Option<Solved>, ProblemError> {
    let Some(rep) = instance.reps.first() else {
        return Ok(None);
    };
    let known = search.best();
    let value = known.map_or(WORST, |best| Value {
        cost: best.value.0 + outside(instance),
        finish: best.value.1,
    });
    let orders = match exact::best_day(instance, rep, pool, value, labels) {
        Outcome::GaveUp => return Ok(None),
        Outcome::Proved(Some(found)) => vec![found.stops],
        Outcome::Proved(None) => known.ok_or(ProblemError::FirstDoNotFit)?.orders.clone(),
    };
    Ok(Some(Solved {
        orders,
        proof: Proof::Optimal,
    }))
}

const WORST: Value = Value {
    cost: i64::MAX,
    finish: i64::MAX,
};

/// Cost of stops that no rep may serve, which the search does not count.
fn outside(instance: &Instance) -> i64 {
    instance.lost(|stop| (0..instance.reps.len()).any(|rep| instance.allowed(rep, stop)))
}

/// The plan with the given orders.
pub(crate) fn plan(
    problem: &Problem,
    instance: &Instance,
    solved: &Solved,
) -> Result<Plan, ProblemError> {
    let days = instance.reps.iter().zip(&solved.orders);
    let days: Option<Vec<_>> = days
        .map(|(rep, stops)| day_plan(problem, instance, rep, stops))
        .collect();
    let days = days.ok_or(ProblemError::FirstDoNotFit)?;
    let mut totals = Totals::default();
    for day in &days {
        totals.add(&day.totals);
    }
    Ok(Plan {
        left_out: reasons::left_out(problem, instance, &solved.orders),
        days,
        totals,
        proof: solved.proof,
        travel: problem.travel.provenance().clone(),
    })
}
