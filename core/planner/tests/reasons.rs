//! Reasons and remedies of stops that were left out, each carried out and tried.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod common;

use common::{fits, fits_somewhere, orders};
use fieldfare_planner::generate::{DaySpec, rep_day};
use fieldfare_planner::{
    LeftOut, Objective, Options, Plan, Problem, Reason, Remedy, RepDay, Stop, Travel, Window,
    check, solve,
};
use proptest::prelude::*;

/// A problem and plan, and where a stop would go.
struct Case<'a> {
    problem: &'a Problem,
    orders: Vec<Vec<usize>>,
    stop: usize,
}

impl Case<'_> {
    fn rep(&self, id: &str) -> usize {
        self.problem.reps.iter().position(|r| r.id == id).unwrap()
    }

    fn fits_with(&self, rep: usize, change: impl FnOnce(&mut Problem)) -> bool {
        let mut changed = self.problem.clone();
        change(&mut changed);
        changed.validate().unwrap();
        fits_somewhere(&changed, &changed.reps[rep], &self.orders[rep], self.stop)
    }

    fn fits_anywhere(&self) -> bool {
        (0..self.problem.reps.len()).any(|rep| self.fits_with(rep, |_| ()))
    }

    fn fits_alone(&self) -> bool {
        self.problem.reps.iter().any(|rep| {
            let index = |id: &String| self.problem.stops.iter().position(|s| s.id == *id).unwrap();
            let mut order: Vec<usize> = rep.first.iter().map(index).collect();
            order.push(self.stop);
            fits(self.problem, rep, &order)
        })
    }

    /// With the window before `to` open until then; with the windows as they are if none ends earlier.
    fn until(&self, rep: usize, to: i64) -> bool {
        self.fits_with(rep, |problem| {
            let windows = &mut problem.stops[self.stop].windows;
            let Some(before) = windows.iter().rposition(|w| w.to < to) else {
                return;
            };
            windows[before].to = to;
            windows.truncate(before + 1);
        })
    }

    /// With the window after `from` open from then; with the windows as they are if none begins later.
    fn from(&self, rep: usize, from: i64) -> bool {
        self.fits_with(rep, |problem| {
            let windows = &mut problem.stops[self.stop].windows;
            let Some(after) = windows.iter().position(|w| w.from > from) else {
                return;
            };
            windows[after].from = from;
            windows.drain(..after);
        })
    }

    fn longer(&self, rep: usize, seconds: i64) -> bool {
        self.fits_with(rep, |problem| problem.reps[rep].shift.to += seconds)
    }

    /// Carries out a remedy; where there is a least one, one less must not do.
    fn check(&self, remedy: &Remedy) -> Result<(), TestCaseError> {
        match remedy {
            Remedy::WindowUntil { rep, to } => {
                prop_assert!(self.until(self.rep(rep), *to));
                prop_assert!(!self.until(self.rep(rep), *to - 1));
            }
            Remedy::WindowFrom { rep, from } => {
                prop_assert!(self.from(self.rep(rep), *from));
                prop_assert!(!self.from(self.rep(rep), *from + 1));
            }
            Remedy::LongerShift { rep, seconds } => {
                prop_assert!(self.longer(self.rep(rep), *seconds));
                prop_assert!(!self.longer(self.rep(rep), *seconds - 1));
            }
            Remedy::InsteadOf { rep, stops } => {
                let rep = self.rep(rep);
                let gone = |s: &usize| stops.contains(&self.problem.stops[*s].id);
                let rest: Vec<usize> = self.orders[rep]
                    .iter()
                    .copied()
                    .filter(|s| !gone(s))
                    .collect();
                prop_assert_eq!(rest.len() + stops.len(), self.orders[rep].len());
                prop_assert!(fits_somewhere(
                    self.problem,
                    &self.problem.reps[rep],
                    &rest,
                    self.stop
                ));
            }
            Remedy::Skills { missing } => {
                let helped = |rep: usize| {
                    self.fits_with(rep, |p| p.reps[rep].skills.extend(missing.iter().cloned()))
                };
                prop_assert!((0..self.problem.reps.len()).any(helped));
            }
            Remedy::MoreCapacity { rep, load, by } => {
                let rep = self.rep(rep);
                let more =
                    |by: i64| self.fits_with(rep, |p| p.reps[rep].capacity[*load] += by as u32);
                prop_assert!(more(*by));
                prop_assert!(!more(*by - 1));
            }
            Remedy::MorePriority { .. } => prop_assert!(self.fits_anywhere()),
        }
        Ok(())
    }

    fn check_reason(&self, left: &LeftOut) -> Result<(), TestCaseError> {
        let fits = self.fits_anywhere();
        let alone = self.fits_alone();
        match &left.reason {
            Reason::DetourTooLong { .. } => prop_assert!(fits),
            Reason::LowerPriority { displaces } => {
                prop_assert!(alone && !fits && !displaces.is_empty());
            }
            _ => prop_assert!(!alone),
        }
        Ok(())
    }
}

fn check_all(problem: &Problem, plan: &Plan) -> Result<(), TestCaseError> {
    for left in &plan.left_out {
        let case = Case {
            problem,
            orders: orders(problem, plan),
            stop: problem
                .stops
                .iter()
                .position(|s| s.id == left.stop)
                .unwrap(),
        };
        case.check_reason(left)?;
        for remedy in &left.remedies {
            case.check(remedy)
                .map_err(|e| TestCaseError::fail(format!("{left:?}: {e}")))?;
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn every_remedy_helps_and_the_smallest_is_named(
        seed in any::<u64>(), stops in 4usize..12, reps in 1usize..3,
        flags in prop::collection::vec(any::<bool>(), 4), rate in prop::option::of(100u32..1_000),
    ) {
        let spec = DaySpec {
            reps,
            breaks: flags[0],
            several_windows: flags[1],
            traffic: flags[2],
            team_rules: flags[3],
            objective: rate.map_or(Objective::MostPriority, |seconds_per_priority| {
                Objective::LeastDriving { seconds_per_priority }
            }),
            ..DaySpec::rep(stops, true)
        };
        let mut problem = rep_day(seed, &spec).unwrap();
        for rep in &mut problem.reps {
            rep.shift.to -= 3 * 3_600;
        }
        let options = Options { iterations: Some(100), ..Options::default() };
        let plan = solve(&problem, &options).unwrap();
        prop_assert_eq!(check(&problem, &plan), Ok(()));
        check_all(&problem, &plan)?;
    }
}

fn two_places(stops: Vec<Stop>) -> Problem {
    let travel = Travel::from_fn(3, |from, to| match (from, to) {
        (2, _) | (_, 2) => None,
        _ => Some((600, 5_000)),
    });
    Problem {
        objective: Objective::MostPriority,
        reps: vec![RepDay::round_trip("r", 0, Window::new(0, 3_600))],
        stops,
        travel: travel.unwrap(),
        positions: Vec::new(),
    }
}

fn reason(stop: Stop) -> (Reason, Vec<Remedy>) {
    let plan = solve(&two_places(vec![stop]), &Options::default()).unwrap();
    (
        plan.left_out[0].reason.clone(),
        plan.left_out[0].remedies.clone(),
    )
}

#[test]
fn a_visit_that_outlasts_the_shift_asks_for_a_longer_one() {
    let (why, what) = reason(Stop::optional("a", 1, 3_000, 1));
    assert_eq!(why, Reason::ShiftEnds);
    let seconds = 600;
    assert_eq!(
        what,
        vec![Remedy::LongerShift {
            rep: "r".into(),
            seconds
        }]
    );
}

#[test]
fn a_window_before_the_first_arrival_asks_for_a_later_end() {
    let mut stop = Stop::optional("a", 1, 60, 1);
    stop.windows = vec![Window::new(-500, 500)];
    let (why, what) = reason(stop);
    assert_eq!(why, Reason::NoWindowFits);
    assert_eq!(
        what,
        vec![Remedy::WindowUntil {
            rep: "r".into(),
            to: 600
        }]
    );
}

#[test]
fn a_window_after_the_shift_asks_for_an_earlier_start_or_a_longer_shift() {
    let mut stop = Stop::optional("a", 1, 60, 1);
    stop.windows = vec![Window::new(4_000, 5_000)];
    let (why, what) = reason(stop);
    assert_eq!(why, Reason::NoWindowFits);
    let rep = || "r".to_owned();
    assert_eq!(
        what,
        vec![
            Remedy::WindowFrom {
                rep: rep(),
                from: 2_940
            },
            Remedy::LongerShift {
                rep: rep(),
                seconds: 1_060
            },
        ]
    );
}

#[test]
fn no_way_no_skill_and_too_much_load_are_told_apart() {
    assert_eq!(reason(Stop::optional("a", 2, 60, 1)).0, Reason::Unreachable);
    let mut skilled = Stop::optional("a", 1, 60, 1);
    skilled.skills = vec!["dairy".into()];
    let missing = skilled.skills.clone();
    assert_eq!(
        reason(skilled),
        (Reason::Skills, vec![Remedy::Skills { missing }])
    );
    let mut heavy = two_places(vec![Stop::optional("a", 1, 60, 1)]);
    heavy.reps[0].capacity = vec![5];
    heavy.stops[0].load = vec![8];
    let plan = solve(&heavy, &Options::default()).unwrap();
    assert_eq!(plan.left_out[0].reason, Reason::Capacity);
    let (rep, load, by) = ("r".into(), 0, 3);
    assert_eq!(
        plan.left_out[0].remedies,
        vec![Remedy::MoreCapacity { rep, load, by }]
    );
}

#[test]
fn a_full_day_names_what_would_have_to_go() {
    let stops = vec![
        Stop::optional("a", 1, 2_400, 1),
        Stop::optional("b", 1, 2_400, 2),
    ];
    let plan = solve(&two_places(stops), &Options::default()).unwrap();
    let left = &plan.left_out[0];
    assert_eq!(left.stop, "a");
    assert_eq!(
        left.reason,
        Reason::LowerPriority {
            displaces: vec!["b".into()]
        }
    );
    let (rep, stops) = ("r".into(), vec!["b".into()]);
    assert!(left.remedies.contains(&Remedy::InsteadOf { rep, stops }));
}
