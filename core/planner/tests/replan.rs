//! Re-planning in the day: what is behind stays behind, what is promised comes first, and the
//! order changes no more than it pays.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use fieldfare_planner::generate::{DaySpec, rep_day};
use fieldfare_planner::{
    Activity, Change, DayState, Options, Plan, Problem, RepState, Replanned, Stop, Window, check,
    replan, solve,
};
use proptest::prelude::*;

fn quick() -> Options {
    Options {
        iterations: Some(80),
        ..Options::default()
    }
}

fn day(seed: u64, stops: usize, reps: usize, flags: &[bool]) -> (Problem, Plan) {
    let spec = DaySpec {
        reps,
        overloaded: flags[0],
        breaks: flags[1],
        several_windows: flags[2],
        traffic: flags[3],
        mandatory_percent: 20,
        ..DaySpec::rep(stops, false)
    };
    let problem = rep_day(seed, &spec).unwrap();
    let plan = solve(&problem, &quick()).unwrap();
    (problem, plan)
}

/// The state of a day in which the first rep has done `done` steps and runs `late` seconds late.
fn after(problem: &Problem, plan: &Plan, done: usize, late: i64) -> DayState {
    let day = &plan.days[0];
    let steps = &day.steps[..done.min(day.steps.len())];
    let mut state = RepState {
        rep: day.rep.clone(),
        place: problem.reps[0].start,
        ..RepState::default()
    };
    for step in steps {
        match &step.what {
            Activity::Visit { stop } => state.visited.push(stop.clone()),
            Activity::Break { index } => state.breaks_taken.push(*index),
        }
        state.place = step.place;
        state.free_from = step.departure + late;
    }
    let next = day
        .stops()
        .find(|id| !state.visited.iter().any(|v| v == id));
    state.committed = next.into_iter().map(str::to_owned).collect();
    let now = state.free_from.max(problem.reps[0].shift.from + late);
    let mut all = DayState::at(now);
    all.reps.push(state);
    all
}

fn holds(result: &Replanned) -> Result<(), TestCaseError> {
    prop_assert_eq!(check(&result.problem, &result.plan), Ok(()));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn nothing_new_changes_nothing(
        seed in any::<u64>(), stops in 2usize..9, flags in prop::collection::vec(any::<bool>(), 4),
        done in 0usize..4,
    ) {
        let (problem, plan) = day(seed, stops, 1, &flags);
        let state = after(&problem, &plan, done, 0);
        let result = replan(&problem, &plan, &state, &quick()).unwrap();
        holds(&result)?;
        prop_assert_eq!(result.moved, 0);
        let odd = |c: &&Change| !matches!(c, Change::Added { .. });
        prop_assert_eq!(result.changes.iter().find(odd), None);
    }

    #[test]
    fn visited_stays_behind_and_promised_comes_first(
        seed in any::<u64>(), stops in 3usize..11, reps in 1usize..3, done in 0usize..5,
        flags in prop::collection::vec(any::<bool>(), 4), late in 0i64..9_000,
    ) {
        let (problem, plan) = day(seed, stops, reps, &flags);
        let mut state = after(&problem, &plan, done, late);
        let gone = plan.days[0].stops().last().map(str::to_owned);
        let gone = gone.filter(|id| !state.reps[0].committed.contains(id) && !state.reps[0].visited.contains(id));
        state.cancelled.extend(gone);
        let result = replan(&problem, &plan, &state, &quick()).unwrap();
        holds(&result)?;
        let rest: Vec<&str> = result.plan.days[0].stops().collect();
        let promised = &state.reps[0].committed;
        prop_assert_eq!(&rest[..promised.len()], promised.as_slice());
        let behind = |id: &&String| {
            result.plan.days.iter().any(|d| d.stops().any(|s| s == id.as_str()))
                || result.plan.left_out.iter().any(|l| l.stop == **id)
        };
        let old = state.reps[0].visited.iter().chain(&state.cancelled);
        prop_assert_eq!(old.clone().find(behind), None);
        prop_assert!(result.plan.days[0].departure >= state.now);
    }

    #[test]
    fn stability_costs_no_priority_and_a_dearer_change_moves_no_more(
        seed in any::<u64>(), stops in 4usize..10, flags in prop::collection::vec(any::<bool>(), 4),
        late in 0i64..9_000,
    ) {
        let (problem, plan) = day(seed, stops, 1, &flags);
        let with = |stability_s: u32| {
            let state = DayState { stability_s, ..after(&problem, &plan, 1, late) };
            replan(&problem, &plan, &state, &quick()).unwrap()
        };
        let (free, dear) = (with(0), with(100_000));
        holds(&free)?;
        holds(&dear)?;
        let best = solve(&free.problem, &quick()).unwrap().totals;
        for result in [&free, &dear] {
            let totals = result.plan.totals;
            prop_assert_eq!((totals.mandatory, totals.priority), (best.mandatory, best.priority));
        }
        prop_assert!(dear.moved <= free.moved);
    }

    #[test]
    fn the_others_take_over_from_a_sick_rep(
        seed in any::<u64>(), stops in 4usize..12, flags in prop::collection::vec(any::<bool>(), 4),
    ) {
        let (mut problem, _) = day(seed, stops, 3, &flags);
        problem.stops[0].rep = Some("rep-1".into());
        let plan = solve(&problem, &quick()).unwrap();
        let mut state = DayState::at(problem.reps[0].shift.from);
        state.reps.push(RepState { rep: "rep-1".into(), absent: true, ..RepState::default() });
        let result = replan(&problem, &plan, &state, &quick()).unwrap();
        holds(&result)?;
        prop_assert_eq!(result.problem.reps.len(), 2);
        // What one rep alone was to do counts for the others like any stop.
        let alone = solve(&result.problem, &quick()).unwrap().totals;
        prop_assert!(result.plan.totals.mandatory >= alone.mandatory.min(plan.totals.mandatory));
        for change in &result.changes {
            if let Change::Reassigned { to, .. } = change {
                prop_assert!(to != "rep-1");
            }
        }
    }
}

#[test]
fn a_new_lead_is_added_where_it_costs_least_and_the_rest_stays() {
    let (mut problem, plan) = day(11, 6, 1, &[false; 4]);
    let place = problem.stops[2].place;
    problem.stops.push(Stop::optional("new", place, 300, 10));
    let state = DayState::at(problem.reps[0].shift.from);
    let result = replan(&problem, &plan, &state, &quick()).unwrap();
    assert_eq!(result.moved, 0);
    let rep = "rep-0".to_owned();
    assert_eq!(
        result.changes,
        vec![Change::Added {
            stop: "new".into(),
            rep
        }]
    );
}

#[test]
fn a_late_rep_keeps_the_promise_and_says_by_how_much() {
    let (mut problem, _) = day(5, 3, 1, &[false; 4]);
    let shift = problem.reps[0].shift;
    problem.stops[0].windows = vec![Window::new(shift.from, shift.from + 100)];
    problem.stops[0].mandatory = true;
    problem.stops[0].place = 0;
    let plan = solve(&problem, &quick()).unwrap();
    let mut state = DayState::at(shift.from + 700);
    state.reps.push(RepState {
        rep: "rep-0".into(),
        free_from: shift.from + 700,
        committed: vec!["stop-0".into()],
        ..RepState::default()
    });
    let result = replan(&problem, &plan, &state, &quick()).unwrap();
    check(&result.problem, &result.plan).unwrap();
    let stop = "stop-0".to_owned();
    assert!(
        result
            .changes
            .contains(&Change::Late { stop, seconds: 600 })
    );
    assert_eq!(result.plan.days[0].stops().next(), Some("stop-0"));
}

#[test]
fn a_day_that_is_over_keeps_only_what_was_promised() {
    let (problem, plan) = day(5, 5, 1, &[true, true, false, false]);
    let end = problem.reps[0].shift.to;
    let first = plan.days[0].stops().next().unwrap().to_owned();
    let mut state = DayState::at(end - 60);
    state.reps.push(RepState {
        rep: "rep-0".into(),
        free_from: end - 60,
        committed: vec![first.clone()],
        ..RepState::default()
    });
    let result = replan(&problem, &plan, &state, &quick()).unwrap();
    check(&result.problem, &result.plan).unwrap();
    assert_eq!(
        result.plan.days[0].stops().collect::<Vec<_>>(),
        vec![first.as_str()]
    );
    assert!(
        result
            .changes
            .iter()
            .any(|c| matches!(c, Change::Overtime { .. }))
    );
}
