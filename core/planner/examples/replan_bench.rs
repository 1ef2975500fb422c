//! Re-plans of days with 25 visits, and looks for leads near such days' routes: CPU time beside planning
//! anew and beside trying every place by driving the whole day.
//!
//! `cargo run --release -p fieldfare-planner --example replan_bench -- [DAYS]`
//!
//! Prints tables in Markdown. Leaves with an error if an answer is not right.

mod common;

use common::{quantile, timed};
use fieldfare_planner::generate::{DaySpec, rep_day};
use fieldfare_planner::{
    Activity, DayState, Detour, Options, Plan, Problem, RepState, Stop, check, detours, replan,
    solve,
};
use std::process::ExitCode;

/// Visits of a day.
const VISITS: usize = 25;
/// Leads that are offered for the route.
const LEADS: usize = 200;
const HOUR: i64 = 3_600;

/// A day and its plan, and leads around.
struct Day {
    problem: Problem,
    plan: Plan,
    leads: Vec<Stop>,
}

fn main() -> ExitCode {
    let given = std::env::args().nth(1).and_then(|a| a.parse().ok());
    let days: Vec<Day> = (0..given.unwrap_or(40)).filter_map(day).collect();
    if days.is_empty() {
        eprintln!("no day could be planned");
        return ExitCode::FAILURE;
    }
    let done = replans(&days).and_then(|()| insertions(&days));
    match done {
        Some(()) => ExitCode::SUCCESS,
        None => ExitCode::FAILURE,
    }
}

/// Short visits, so that the day holds them all; leads are where stops could have been.
fn day(seed: u64) -> Option<Day> {
    let spec = DaySpec::rep(VISITS + LEADS, false);
    let mut problem = rep_day(7_000 + seed, &spec).ok()?;
    problem.stops.iter_mut().for_each(|stop| {
        stop.service_s = 300;
        stop.windows.retain(|window| window.to > window.from);
    });
    let leads = problem.stops.split_off(VISITS);
    let plan = solve(&problem, &Options::default()).ok()?;
    let full = plan.days.first()?.stops().count() == VISITS;
    full.then_some(Day {
        problem,
        plan,
        leads,
    })
}

/// Half an hour late, two stops cancelled and a new lead: soon after the start and at noon.
fn replans(days: &[Day]) -> Option<()> {
    println!(
        "| re-plan of a day of {VISITS} stops | days | still open | CPU ms median | max | planning anew, median | ratio | stops moved, mean |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (name, hours) in [("after an hour", 9), ("at noon", 12)] {
        let (mut ours, mut anew, mut moved, mut open) = (vec![], vec![], 0, 0);
        for day in days {
            let (state, problem) = late(day, hours * HOUR)?;
            let options = Options::default();
            let (rest, ms) = timed(|| replan(&problem, &day.plan, &state, &options).ok());
            let rest = rest?;
            if let Err(found) = check(&rest.problem, &rest.plan) {
                eprintln!("a re-plan does not hold: {found:?}");
                return None;
            }
            let (_, again) = timed(|| solve(&rest.problem, &options).ok());
            ours.push(ms);
            anew.push(again);
            moved += rest.moved;
            open += rest.problem.stops.len();
        }
        let (median, plain) = (quantile(&ours, 50), quantile(&anew, 50));
        println!(
            "| {name} | {} | {:.1} | {median:.1} | {:.1} | {plain:.1} | {:.2} | {:.1} |",
            days.len(),
            open as f64 / days.len() as f64,
            quantile(&ours, 100),
            plain / median,
            moved as f64 / days.len() as f64,
        );
    }
    println!();
    Some(())
}

fn late(day: &Day, now: i64) -> Option<(DayState, Problem)> {
    let plan = day.plan.days.first()?;
    let mut rep = RepState {
        rep: plan.rep.clone(),
        ..RepState::default()
    };
    for step in plan.steps.iter().filter(|step| step.departure <= now) {
        rep.place = step.place;
        rep.free_from = now + HOUR / 2;
        if let Activity::Visit { stop } = &step.what {
            rep.visited.push(stop.clone());
        }
    }
    let mut state = DayState::at(now);
    let visits: Vec<&str> = plan.stops().collect();
    state.cancelled = visits
        .iter()
        .rev()
        .take(2)
        .map(|&id| id.to_owned())
        .collect();
    state.reps.push(rep);
    let mut problem = day.problem.clone();
    problem.stops.extend(day.leads.first().cloned());
    Some((state, problem))
}

fn insertions(days: &[Day]) -> Option<()> {
    let (mut ours, mut naive, mut found) = (vec![], vec![], 0);
    for day in days {
        let (ways, ms) = timed(|| detours(&day.problem, &day.plan, &day.leads).ok());
        let (slow, slow_ms) = timed(|| by_driving(day));
        let (ways, slow) = (ways?, slow?);
        let seconds = |way: &Option<Detour>| way.as_ref().map(|d| d.detour_s);
        if ways.iter().map(seconds).ne(slow.iter().copied()) {
            eprintln!("detours differ from those found by driving the day");
            return None;
        }
        found += ways.iter().flatten().count();
        ours.push(ms);
        naive.push(slow_ms);
    }
    let (median, plain) = (quantile(&ours, 50), quantile(&naive, 50));
    println!(
        "| {LEADS} leads offered to a route of {VISITS} stops | days | fit, mean | CPU ms median | max | driving the day for each place, median | ratio |"
    );
    println!("|---|---|---|---|---|---|---|");
    println!(
        "| exact detours | {} | {:.0} | {median:.3} | {:.3} | {plain:.3} | {:.1} |",
        days.len(),
        found as f64 / days.len() as f64,
        quantile(&ours, 100),
        plain / median,
    );
    Some(())
}

/// The least detour of each lead, by driving the day with the lead at every place.
fn by_driving(day: &Day) -> Option<Vec<Option<i64>>> {
    let plan = day.plan.days.first()?;
    let known = |id: &str| day.problem.stops.iter().find(|stop| stop.id == id);
    let order: Vec<&Stop> = plan.stops().filter_map(known).collect();
    let before = driven(&day.problem, order.iter().copied())?;
    let least = |lead: &Stop| {
        let places = (0..=order.len()).filter_map(|at| {
            let (head, tail) = order.split_at(at);
            driven(
                &day.problem,
                head.iter()
                    .copied()
                    .chain([lead])
                    .chain(tail.iter().copied()),
            )
        });
        places.min().map(|after| after - before)
    };
    Some(day.leads.iter().map(least).collect())
}

/// Seconds driven in that order; none if something is late.
fn driven<'a>(problem: &Problem, order: impl Iterator<Item = &'a Stop>) -> Option<i64> {
    let rep = problem.reps.first()?;
    let (mut at, mut now, mut driving) = (rep.start?, rep.shift.from, 0);
    for stop in order {
        let leg = i64::from(problem.travel.seconds(at, stop.place)?);
        driving += leg;
        let open = stop
            .windows
            .iter()
            .filter(|w| w.to >= now + leg)
            .min_by_key(|w| w.from);
        let start = match open {
            Some(window) => (now + leg).max(window.from),
            None if stop.windows.is_empty() => now + leg,
            None => return None,
        };
        (at, now) = (stop.place, start + i64::from(stop.service_s));
    }
    let leg = i64::from(problem.travel.seconds(at, rep.end?)?);
    (now + leg <= rep.shift.to).then_some(driving + leg)
}
