//! Detours against timing the whole day anew for every position.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod common;

use common::{courses, fits, orders};
use fieldfare_planner::generate::{DaySpec, rep_day};
use fieldfare_planner::{
    Detour, NearRule, Options, Plan, Problem, ProblemError, Stop, detours, near_route, solve,
};
use proptest::prelude::*;

/// The cheapest insertion by trying every position of every rep: detour, rep, position, later.
fn by_trying(problem: &Problem, plan: &Plan, stop: usize) -> Option<(i64, usize, usize, i64)> {
    let orders = orders(problem, plan);
    let mut best = None;
    for (index, rep) in problem.reps.iter().enumerate() {
        let order = &orders[index];
        let (before, ended) = match order.is_empty() {
            true => (0, rep.shift.from),
            false => courses(problem, rep, order).into_iter().min().unwrap(),
        };
        for at in rep.first.len()..=order.len() {
            let mut with = order.clone();
            with.insert(at, stop);
            if fits(problem, rep, &with) {
                let (driving, finish) = courses(problem, rep, &with).into_iter().min().unwrap();
                let found = (driving - before, index, at, finish - ended);
                best = best.into_iter().chain([found]).min();
            }
        }
    }
    best
}

fn as_found(problem: &Problem, detour: &Detour) -> (i64, usize, usize, i64) {
    let rep = problem
        .reps
        .iter()
        .position(|r| r.id == detour.rep)
        .unwrap();
    (detour.detour_s, rep, detour.position, detour.later_s)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn detours_are_those_of_timing_the_day_anew(
        seed in any::<u64>(), stops in 1usize..10, reps in 1usize..3, candidates in 1usize..8,
        flags in prop::collection::vec(any::<bool>(), 5),
    ) {
        let spec = DaySpec {
            reps,
            overloaded: flags[0],
            breaks: flags[1],
            several_windows: flags[2],
            traffic: flags[3],
            team_rules: flags[4],
            ..DaySpec::rep(stops + candidates, false)
        };
        let all = rep_day(seed, &spec).unwrap();
        let mut problem = all.clone();
        let extra: Vec<Stop> = problem.stops.split_off(stops);
        let options = Options { iterations: Some(60), ..Options::default() };
        let mut plan = solve(&problem, &options).unwrap();
        // Pins only what comes first anyway.
        for (rep, day) in problem.reps.iter_mut().zip(&plan.days) {
            rep.first = day.stops().take(1).map(str::to_owned).collect();
        }
        plan = solve(&problem, &options).unwrap();
        let mut with = problem.clone();
        with.stops.extend(extra.iter().cloned());
        let found = detours(&problem, &plan, &extra).unwrap();
        for (index, detour) in found.iter().enumerate() {
            let truth = by_trying(&with, &plan, stops + index);
            prop_assert_eq!(detour.as_ref().map(|d| as_found(&with, d)), truth);
        }
    }
}

#[test]
fn the_rule_keeps_what_is_near_and_matters_and_ranks_it() {
    let spec = DaySpec::rep(30, false);
    let mut problem = rep_day(7, &spec).unwrap();
    let leads = problem.stops.split_off(6);
    let plan = solve(&problem, &Options::default()).unwrap();
    let rule = NearRule {
        most_detour_s: 900,
        least_priority: 5,
    };
    let near = near_route(&problem, &plan, &leads, &rule).unwrap();
    let all = detours(&problem, &plan, &leads).unwrap();
    let keeps = |d: &&Detour| d.detour_s <= 900 && leads[d.candidate].priority >= 5;
    assert_eq!(near.len(), all.iter().flatten().filter(keeps).count());
    assert!(!near.is_empty() && near.len() < leads.len());
    let ranks = |d: &Detour| (-i64::from(leads[d.candidate].priority), d.detour_s);
    assert!(near.is_sorted_by_key(ranks));
}

#[test]
fn a_candidate_off_the_matrix_is_an_error() {
    let problem = rep_day(7, &DaySpec::rep(3, false)).unwrap();
    let plan = solve(&problem, &Options::default()).unwrap();
    let stray = Stop::optional("x", 99, 60, 1);
    let error = detours(&problem, &plan, &[stray]).unwrap_err();
    assert!(matches!(
        error,
        ProblemError::Place {
            index: 0,
            place: 99,
            ..
        }
    ));
}
