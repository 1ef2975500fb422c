//! An independent check of plans: it shares no code with the solvers, only the public types.

use crate::{Activity, DayPlan, Plan, Problem, RepDay, Step, Stop, Totals, Window};
use thiserror::Error;

/// Something a plan says that the problem does not bear out. Days, steps and stops are counted
/// from 0.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Violation {
    /// Days and reps do not match one to one.
    #[error("day {day} is not that of the rep in the same place of the problem")]
    Day {
        /// The day.
        day: usize,
    },
    /// A stop that the problem does not have.
    #[error("step {step} of day {day} visits a stop that is not in the problem")]
    UnknownStop {
        /// The day.
        day: usize,
        /// The step.
        step: usize,
    },
    /// A stop in two places of the plan, or in none.
    #[error("stop {stop} stands {times} times in the plan instead of once")]
    Times {
        /// The stop.
        stop: usize,
        /// How often it is planned or left out.
        times: usize,
    },
    /// A stop by a rep who must not come.
    #[error("step {step} of day {day}: the rep lacks a skill, or the stop is for another")]
    Rep {
        /// The day.
        day: usize,
        /// The step.
        step: usize,
    },
    /// A time or length that does not follow from the one before.
    #[error("step {step} of day {day}: {what} does not add up")]
    Time {
        /// The day.
        day: usize,
        /// The step; one past the last for the way to the end.
        step: usize,
        /// Which number.
        what: &'static str,
    },
    /// A visit or break that starts outside its windows.
    #[error("step {step} of day {day} starts outside its windows")]
    Window {
        /// The day.
        day: usize,
        /// The step.
        step: usize,
    },
    /// A day that begins before the shift or is over after it.
    #[error("day {day} leaves the shift")]
    Shift {
        /// The day.
        day: usize,
    },
    /// A break that is missing, repeated or out of order.
    #[error("breaks of day {day} are missing, repeated or out of order")]
    Breaks {
        /// The day.
        day: usize,
    },
    /// More load than the rep can take.
    #[error("day {day} has too much of load {load}")]
    Capacity {
        /// The day.
        day: usize,
        /// Dimension of the load.
        load: usize,
    },
    /// Stops that must come first do not.
    #[error("day {day} does not begin with the stops that come first")]
    First {
        /// The day.
        day: usize,
    },
    /// Sums that are not the sums of the parts.
    #[error("totals of {of} do not add up")]
    Totals {
        /// `plan` or `day`.
        of: &'static str,
    },
}

/// Checks a plan against a problem from first principles: every stop once, only reps who may
/// come, travel times, windows, breaks, shifts, loads, slack and sums.
///
/// Whether it is a good plan is not looked at, nor the reasons for what is left out.
///
/// # Errors
/// Everything found, in the order of the plan.
pub fn check(problem: &Problem, plan: &Plan) -> Result<(), Vec<Violation>> {
    let mut found = Vec::new();
    if plan.days.len() != problem.reps.len() {
        let day = plan.days.len().min(problem.reps.len());
        found.push(Violation::Day { day });
    }
    check_once(problem, plan, &mut found);
    for (day, (planned, rep)) in plan.days.iter().zip(&problem.reps).enumerate() {
        if planned.rep != rep.id {
            found.push(Violation::Day { day });
        }
        let mut checker = DayChecker {
            problem,
            rep,
            plan: planned,
            day,
            found: &mut found,
        };
        checker.run();
    }
    if plan.totals != sum(plan.days.iter().map(|day| day.totals)) {
        found.push(Violation::Totals { of: "plan" });
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

fn sum(parts: impl Iterator<Item = Totals>) -> Totals {
    parts.fold(Totals::default(), |a, b| Totals {
        visits: a.visits + b.visits,
        mandatory: a.mandatory + b.mandatory,
        priority: a.priority + b.priority,
        driving_s: a.driving_s + b.driving_s,
        metres: a.metres + b.metres,
        service_s: a.service_s + b.service_s,
        waiting_s: a.waiting_s + b.waiting_s,
        break_s: a.break_s + b.break_s,
    })
}

fn check_once(problem: &Problem, plan: &Plan, found: &mut Vec<Violation>) {
    for (stop, given) in problem.stops.iter().enumerate() {
        let visited = plan.days.iter().flat_map(DayPlan::stops);
        let left = plan.left_out.iter().map(|left| left.stop.as_str());
        let times = visited.chain(left).filter(|id| *id == given.id).count();
        if times != 1 {
            found.push(Violation::Times { stop, times });
        }
    }
}

struct DayChecker<'a> {
    problem: &'a Problem,
    rep: &'a RepDay,
    plan: &'a DayPlan,
    day: usize,
    found: &'a mut Vec<Violation>,
}

impl DayChecker<'_> {
    fn run(&mut self) {
        if self.plan.steps.is_empty() {
            return self.check_empty();
        }
        self.check_steps();
        self.check_breaks();
        self.check_loads();
        self.check_first();
        self.check_slack();
        if self.plan.totals != self.totals() {
            self.found.push(Violation::Totals { of: "day" });
        }
    }

    fn check_empty(&mut self) {
        let plan = self.plan;
        let still = plan.departure == plan.arrival && plan.travel_s == 0 && plan.metres == 0;
        if !still || plan.totals != Totals::default() {
            self.found.push(Violation::Totals { of: "day" });
        }
        if !self.rep.first.is_empty() {
            self.found.push(Violation::First { day: self.day });
        }
    }

    fn time(&mut self, step: usize, what: &'static str, right: bool) {
        if !right {
            let day = self.day;
            self.found.push(Violation::Time { day, step, what });
        }
    }

    fn stop_of(&self, step: &Step) -> Option<&Stop> {
        match &step.what {
            Activity::Visit { stop } => self.problem.stops.iter().find(|s| s.id == *stop),
            Activity::Break { .. } => None,
        }
    }

    fn check_steps(&mut self) {
        let plan = self.plan;
        let mut here = self.rep.start;
        let mut free = self.rep.shift.from;
        let mut left = false;
        for (index, step) in plan.steps.iter().enumerate() {
            let visit = matches!(step.what, Activity::Visit { .. });
            let sets_out = !left && (visit || step.arrival == plan.departure);
            let moves = step.place != here || sets_out;
            let leaves = if moves && !left { plan.departure } else { free };
            left |= moves;
            if leaves < free {
                self.found.push(Violation::Shift { day: self.day });
            }
            self.check_leg(index, step, here, leaves, moves);
            self.check_step(index, step);
            here = step.place;
            free = step.departure;
        }
        self.check_end(here, free);
    }

    fn check_leg(
        &mut self,
        index: usize,
        step: &Step,
        here: Option<usize>,
        leaves: i64,
        moves: bool,
    ) {
        let seconds = if moves {
            self.travel_at(here, step.place, leaves)
        } else {
            Some(0)
        };
        self.time(index, "travel time", seconds == Some(step.travel_s));
        self.time(index, "arrival", leaves + step.travel_s == step.arrival);
        let metres = if moves {
            self.metres(here, step.place)
        } else {
            0
        };
        self.time(index, "metres", metres == step.metres);
    }

    fn check_end(&mut self, here: Option<usize>, free: i64) {
        let plan = self.plan;
        let last = plan.steps.len();
        let (seconds, metres) = match self.rep.end {
            Some(_) => (
                self.travel_at(here, self.rep.end, free),
                self.metres(here, self.rep.end),
            ),
            None => (Some(0), 0),
        };
        self.time(last, "travel time", seconds == Some(plan.travel_s));
        self.time(last, "metres", metres == plan.metres);
        self.time(last, "arrival", free + plan.travel_s == plan.arrival);
        let shift = self.rep.shift;
        if plan.departure < shift.from || plan.arrival > shift.to {
            self.found.push(Violation::Shift { day: self.day });
        }
    }

    /// Seconds of a leg that starts at `leaves`, driven hour by hour.
    fn travel_at(&self, from: Option<usize>, to: Option<usize>, leaves: i64) -> Option<i64> {
        let Some((from, to)) = from.zip(to) else {
            return Some(0);
        };
        let base = i64::from(self.problem.travel.seconds(from, to)?);
        let Some(profile) = self.problem.travel.profile() else {
            return Some(base);
        };
        let (mut now, mut left) = (leaves, base * 1_000);
        while left > 0 {
            let second = (now + i64::from(profile.zero_second_of_day)).rem_euclid(86_400);
            let hour = usize::try_from(second / 3_600).ok()?;
            let speed = i64::from(*profile.factors.get(hour)?);
            let until_full_hour = 3_600 - second % 3_600;
            let needed = (left + speed - 1) / speed;
            let driven = needed.min(until_full_hour);
            now += driven;
            left -= driven * speed;
        }
        Some(now - leaves)
    }

    fn metres(&self, from: Option<usize>, to: Option<usize>) -> i64 {
        let ends = from.zip(to);
        let metres = ends.and_then(|(from, to)| self.problem.travel.metres(from, to));
        metres.map_or(0, i64::from)
    }

    fn check_step(&mut self, index: usize, step: &Step) {
        self.time(
            index,
            "wait",
            step.arrival + step.wait_s == step.start && step.wait_s >= 0,
        );
        let (lasts, windows) = match &step.what {
            Activity::Break { index: pause } => {
                let Some(pause) = self.rep.breaks.get(*pause) else {
                    self.found.push(Violation::Breaks { day: self.day });
                    return;
                };
                (pause.duration_s, pause.windows.as_slice())
            }
            Activity::Visit { .. } => {
                let Some(stop) = self.stop_of(step) else {
                    let day = self.day;
                    self.found.push(Violation::UnknownStop { day, step: index });
                    return;
                };
                let (lasts, place) = (stop.service_s, stop.place);
                let windows = self.problem.stops.iter().find(|s| s.id == stop.id);
                let windows = windows.map_or(&[][..], |s| s.windows.as_slice());
                let may = self.may_come(stop);
                self.time(index, "place", step.place == Some(place));
                if !may {
                    let day = self.day;
                    self.found.push(Violation::Rep { day, step: index });
                }
                (lasts, windows)
            }
        };
        let end = step.start + i64::from(lasts);
        self.time(index, "duration", end == step.departure);
        if !opens(windows, step.start) {
            let day = self.day;
            self.found.push(Violation::Window { day, step: index });
        }
    }

    fn may_come(&self, stop: &Stop) -> bool {
        let named = stop.rep.as_ref().is_none_or(|rep| *rep == self.rep.id);
        let pinned_elsewhere = self.problem.reps.iter().enumerate();
        let pinned_elsewhere = pinned_elsewhere
            .filter(|(index, _)| *index != self.day)
            .any(|(_, rep)| rep.first.contains(&stop.id));
        let skilled = stop.skills.iter().all(|s| self.rep.skills.contains(s));
        named && skilled && !pinned_elsewhere
    }

    fn check_breaks(&mut self) {
        let taken: Vec<usize> = (self.plan.steps.iter())
            .filter_map(|step| match step.what {
                Activity::Break { index } => Some(index),
                Activity::Visit { .. } => None,
            })
            .collect();
        let mut due: Vec<(i64, usize)> = (self.rep.breaks.iter().enumerate())
            .filter_map(|(index, pause)| Some((pause.windows.last()?.to, index)))
            .filter(|(latest, _)| *latest >= self.rep.shift.from)
            .collect();
        due.sort_unstable();
        let in_order = taken.iter().zip(&due).all(|(a, (_, b))| a == b);
        let home_in_time = |(latest, _): &(i64, usize)| self.plan.arrival <= *latest;
        let rest_needless = due.iter().skip(taken.len()).all(home_in_time);
        if !in_order || taken.len() > due.len() || !rest_needless {
            self.found.push(Violation::Breaks { day: self.day });
        }
    }

    fn check_loads(&mut self) {
        for (load, &most) in self.rep.capacity.iter().enumerate() {
            let stops = self.plan.steps.iter().filter_map(|step| self.stop_of(step));
            let loaded: u64 = stops
                .filter_map(|stop| stop.load.get(load))
                .map(|&amount| u64::from(amount))
                .sum();
            if loaded > u64::from(most) {
                let day = self.day;
                self.found.push(Violation::Capacity { day, load });
            }
        }
    }

    fn check_first(&mut self) {
        let planned: Vec<&str> = self.plan.stops().take(self.rep.first.len()).collect();
        if planned != self.rep.first {
            self.found.push(Violation::First { day: self.day });
        }
    }

    /// Arriving later by the slack holds, by a second more does not.
    fn check_slack(&mut self) {
        for (index, step) in self.plan.steps.iter().enumerate() {
            let holds = self.holds_from(index, step.arrival + step.slack_s);
            let breaks = !self.holds_from(index, step.arrival + step.slack_s + 1);
            self.time(index, "slack", step.slack_s >= 0 && holds && breaks);
        }
    }

    /// Whether the day holds, in its order, if the rep is at a step at `arrival`.
    fn holds_from(&self, index: usize, arrival: i64) -> bool {
        let mut now = arrival;
        let mut here = None;
        for (offset, step) in self.plan.steps.iter().skip(index).enumerate() {
            if offset > 0 && step.place != here {
                match self.travel_at(here, step.place, now) {
                    Some(seconds) => now += seconds,
                    None => return false,
                }
            }
            here = step.place;
            let windows = match &step.what {
                Activity::Break { index } => match self.rep.breaks.get(*index) {
                    Some(pause) => pause.windows.as_slice(),
                    None => return false,
                },
                Activity::Visit { .. } => match self.stop_of(step) {
                    Some(stop) => stop.windows.as_slice(),
                    None => return false,
                },
            };
            match next_opening(windows, now) {
                Some(start) => now = start + (step.departure - step.start),
                None => return false,
            }
        }
        let last = match self.rep.end {
            Some(_) => self.travel_at(here, self.rep.end, now),
            None => Some(0),
        };
        let Some(seconds) = last else { return false };
        let arrival = now + seconds;
        arrival <= self.rep.shift.to && self.skipped_breaks_allow(arrival)
    }

    fn skipped_breaks_allow(&self, arrival: i64) -> bool {
        let taken = |index: usize| {
            let same = |step: &Step| step.what == (Activity::Break { index });
            self.plan.steps.iter().any(same)
        };
        self.rep.breaks.iter().enumerate().all(|(index, pause)| {
            let latest = pause.windows.last().map_or(i64::MAX, |w| w.to);
            taken(index) || latest < self.rep.shift.from || arrival <= latest
        })
    }

    fn totals(&self) -> Totals {
        let plan = self.plan;
        let mut totals = Totals {
            driving_s: plan.travel_s,
            metres: plan.metres,
            ..Totals::default()
        };
        for step in &plan.steps {
            totals.driving_s += step.travel_s;
            totals.metres += step.metres;
            totals.waiting_s += step.wait_s;
            match self.stop_of(step) {
                Some(stop) => {
                    totals.visits += 1;
                    totals.mandatory += i64::from(stop.mandatory);
                    totals.priority += i64::from(stop.priority);
                    totals.service_s += i64::from(stop.service_s);
                }
                None => totals.break_s += step.departure - step.start,
            }
        }
        totals
    }
}

fn opens(windows: &[Window], at: i64) -> bool {
    windows.is_empty() || windows.iter().any(|w| w.from <= at && at <= w.to)
}

fn next_opening(windows: &[Window], at: i64) -> Option<i64> {
    if windows.is_empty() {
        return Some(at);
    }
    let starts = windows.iter().filter(|w| at <= w.to);
    starts.map(|w| at.max(w.from)).min()
}
