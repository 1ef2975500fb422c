use crate::assemble::day_plan;
use crate::exact::{self, Outcome, Value};
use crate::instance::{Instance, Rep};
use crate::search::{self, Start};
use crate::walk::{Walker, course};
use crate::{Plan, Problem, ProblemError, Proof, Totals, polish, reasons};

/// How much work goes into a plan. Two calls with equal options give equal plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Seed of the search.
    pub seed: u64,
    /// Iterations of the search; `None` chooses by the number of stops.
    pub iterations: Option<u64>,
    /// The day of a rep whose stops nobody else may serve is solved to proven optimality if there
    /// are at most this many. Above 18 no proof is tried.
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
    let solved = orders_of(problem, &instance, options, &start)?;
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
        polished(problem, &instance, search, step)
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
    problem: &Problem,
    instance: &Instance,
    options: &Options,
    start: &Start,
) -> Result<Solved, ProblemError> {
    let pools: Vec<Option<Vec<usize>>> = (0..instance.reps.len())
        .map(|rep| provable(instance, rep, options.exact_up_to))
        .collect();
    let reps = pools.iter().flatten().count();
    search::with_search(instance, start, |search| {
        search.run(BEFORE_PROOF * reps as u64);
        let mut proved: Vec<Option<Vec<usize>>> = vec![None; pools.len()];
        for ((pool, rep), proved) in pools.iter().zip(&instance.reps).zip(&mut proved) {
            if let Some(pool) = pool {
                let known = search.best().and_then(|best| best.orders.get(rep.index));
                *proved = prove(instance, rep, pool, known, options.exact_labels)?;
            }
        }
        if let Some(orders) = proved.iter().cloned().collect() {
            return Ok(Solved {
                orders,
                proof: Proof::Optimal,
            });
        }
        let iterations = options.iterations(instance.stops.len());
        search.run(iterations);
        let mut solved = polished(problem, instance, search, iterations / 4)?;
        for (order, proved) in solved.orders.iter_mut().zip(proved) {
            *order = proved.unwrap_or_else(|| order.clone());
        }
        polish::polish(problem, instance, &mut solved.orders);
        Ok(solved)
    })
}

/// How often the search goes on from a solution that could be polished.
const POLISHINGS: u32 = 3;

/// The best solution of a search, polished; while that helps, the search goes on from there.
fn polished(
    problem: &Problem,
    instance: &Instance,
    search: &mut search::Search<'_>,
    iterations: u64,
) -> Result<Solved, ProblemError> {
    for _ in 0..POLISHINGS {
        let mut solved = heuristic(search)?;
        if !polish::polish(problem, instance, &mut solved.orders) {
            return Ok(solved);
        }
        search.adopt(&solved.orders);
        search.run(iterations);
    }
    let mut solved = heuristic(search)?;
    polish::polish(problem, instance, &mut solved.orders);
    Ok(solved)
}

/// The stops of a rep whose best day can be proven: those nobody else may serve, if they are few
/// and never too much to carry.
fn provable(instance: &Instance, rep: usize, most: usize) -> Option<Vec<usize>> {
    let mine = |stop: &usize| instance.allowed(rep, *stop);
    let pool: Vec<usize> = (0..instance.stops.len()).filter(mine).collect();
    let others = (0..instance.reps.len()).filter(|&other| other != rep);
    let alone = others
        .flat_map(|other| pool.iter().map(move |&stop| (other, stop)))
        .all(|(other, stop)| !instance.allowed(other, stop));
    (pool.len() <= most && alone && instance.fits_in(rep, &pool)).then_some(pool)
}

fn prove(
    instance: &Instance,
    rep: &Rep,
    pool: &[usize],
    known: Option<&Vec<usize>>,
    labels: usize,
) -> Result<Option<Vec<usize>>, ProblemError> {
    let value = known.and_then(|order| {
        let course = course(Walker::new(instance, rep), order)?;
        let lost = instance.lost(|stop| order.contains(&stop));
        Some(Value {
            cost: lost + instance.day_cost(rep, course.legs, course.finish),
            finish: course.finish,
        })
    });
    match exact::best_day(instance, rep, pool, value.unwrap_or(WORST), labels) {
        Outcome::GaveUp => Ok(None),
        Outcome::Proved(Some(found)) => Ok(Some(found.stops)),
        Outcome::Proved(None) => {
            let known = known.filter(|_| value.is_some());
            Ok(Some(known.ok_or(ProblemError::FirstDoNotFit)?.clone()))
        }
    }
}

const WORST: Value = Value {
    cost: i64::MAX,
    finish: i64::MAX,
};

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
