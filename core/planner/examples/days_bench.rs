//! Generated days of reps: how often the plan is the best there is, how often that is proven, and
//! what it costs in CPU time.
//!
//! `cargo run --release -p fieldfare-planner --example days_bench -- [DAYS] [OUT.jsonl]`
//!
//! DAYS instances (12 if not given) of 8, 10, 12, 14 and 16 stops, normal and overloaded. With
//! OUT, every problem and its best value is written there as a line of JSON, for other solvers to
//! be run on the same days (`tests/benches/planner/days.py`).

mod common;

use common::{quantile, timed};
use fieldfare_planner::generate::{DaySpec, rep_day};
use fieldfare_planner::{Options, Plan, Problem, Proof, check, solve};
use std::io::Write as _;

/// The default, the search alone, and the truth (an exact solve of any length).
struct Run {
    problem: Problem,
    stops: usize,
    plan: Plan,
    ms: f64,
    search: Plan,
    search_ms: f64,
    truth: Plan,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let days: u64 = arguments.next().and_then(|a| a.parse().ok()).unwrap_or(12);
    let mut out = arguments
        .next()
        .and_then(|path| std::fs::File::create(path).ok());
    let mut all = Vec::new();
    for stops in [8, 10, 12, 14, 16] {
        let runs: Vec<Run> = (0..days * 2)
            .filter_map(|seed| run(seed / 2, stops, seed % 2 == 1))
            .collect();
        print(&stops.to_string(), &runs);
        all.extend(runs);
    }
    print("all", &all);
    for run in &all {
        if let Some(file) = &mut out {
            let line = serde_json::json!({
                "stops": run.stops,
                "problem": run.problem,
                "priority": run.truth.totals.priority,
                "driving_s": run.truth.totals.driving_s,
                "visits": run.truth.totals.visits,
                "proven": run.plan.proof == Proof::Optimal,
                "cpu_ms": run.ms,
                "optimal": value(&run.plan) == value(&run.truth),
            });
            if writeln!(file, "{line}").is_err() {
                eprintln!("the days could not be written");
                std::process::exit(1);
            }
        }
    }
}

fn run(seed: u64, stops: usize, overloaded: bool) -> Option<Run> {
    let problem = rep_day(
        seed * 1_000 + stops as u64,
        &DaySpec::rep(stops, overloaded),
    )
    .ok()?;
    let options = Options::default();
    let (plan, ms) = timed(|| solve(&problem, &options).ok());
    let alone = Options {
        exact_up_to: 0,
        iterations: Some(1_000),
        ..options
    };
    let (search, search_ms) = timed(|| solve(&problem, &alone).ok());
    let exact = Options {
        exact_up_to: 18,
        exact_labels: 100_000_000,
        ..options
    };
    let truth = solve(&problem, &exact).ok()?;
    let (plan, search) = (plan?, search?);
    for found in [&plan, &search, &truth] {
        if check(&problem, found).is_err() {
            eprintln!("day {seed} with {stops} stops: the plan does not hold");
            std::process::exit(1);
        }
    }
    Some(Run {
        problem,
        stops,
        plan,
        ms,
        search,
        search_ms,
        truth,
    })
}

/// More priority first, then less driving.
fn value(plan: &Plan) -> (i64, i64) {
    (-plan.totals.priority, plan.totals.driving_s)
}

fn print(name: &str, runs: &[Run]) {
    let share = |good: &dyn Fn(&Run) -> bool| runs.iter().filter(|run| good(run)).count();
    let ms: Vec<f64> = runs.iter().map(|run| run.ms).collect();
    let search_ms: Vec<f64> = runs.iter().map(|run| run.search_ms).collect();
    println!(
        "{name:>3} stops, {} days: optimal {}, proven {}, CPU ms median {:.1} max {:.1}; search alone: optimal {}, median {:.1} max {:.1}",
        runs.len(),
        share(&|run| value(&run.plan) == value(&run.truth)),
        share(&|run| run.plan.proof == Proof::Optimal),
        quantile(&ms, 50),
        quantile(&ms, 100),
        share(&|run| value(&run.search) == value(&run.truth)),
        quantile(&search_ms, 50),
        quantile(&search_ms, 100),
    );
}
