//! Oracles that share no code with the planner: they try everything, second by second rules.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use fieldfare_planner::{Objective, Plan, Problem, RepDay, Stop, Window};

/// What plans are compared by, the first number first: less is better.
pub type Score = (i64, i64, i64, i64);

/// Ranks a day by the objective: mandatory stops left out, then what the objective says.
pub fn rank(problem: &Problem, served: impl Fn(usize) -> bool, driving: i64, finish: i64) -> Score {
    let (mut mandatory, mut points) = (0, 0);
    for (index, stop) in problem.stops.iter().enumerate() {
        if !served(index) {
            mandatory += i64::from(stop.mandatory);
            points += i64::from(stop.priority);
        }
    }
    match problem.objective {
        Objective::MostPriority => (mandatory, points, driving, finish),
        Objective::FinishEarly => (mandatory, points, finish, driving),
        Objective::LeastDriving {
            seconds_per_priority,
        } => (
            mandatory,
            driving + points * i64::from(seconds_per_priority),
            finish,
            0,
        ),
    }
}

/// The rank of a plan, by what it says of itself.
pub fn score(problem: &Problem, plan: &Plan) -> Score {
    let served = |index: usize| {
        let id = &problem.stops[index].id;
        plan.days
            .iter()
            .any(|day| day.stops().any(|stop| stop == id))
    };
    let finish = |(day, rep): (&fieldfare_planner::DayPlan, &RepDay)| day.arrival - rep.shift.from;
    let finish = plan.days.iter().zip(&problem.reps).map(finish).sum();
    rank(problem, served, plan.totals.driving_s, finish)
}

/// The best rank any order of any stops of the first rep gives, pauses anywhere.
pub fn best_by_trying(problem: &Problem) -> Score {
    let mut best = rank(problem, |_| false, 0, 0);
    let mut order = Vec::new();
    extend(problem, &mut order, &mut best);
    best
}

fn extend(problem: &Problem, order: &mut Vec<usize>, best: &mut Score) {
    for stop in 0..problem.stops.len() {
        if order.contains(&stop) {
            continue;
        }
        order.push(stop);
        for (driving, finish) in courses(problem, &problem.reps[0], order) {
            let finish = finish - problem.reps[0].shift.from;
            *best = (*best).min(rank(problem, |s| order.contains(&s), driving, finish));
        }
        extend(problem, order, best);
        order.pop();
    }
}

/// Arrival after a leg, driven from full hour to full hour.
pub fn arrive(
    problem: &Problem,
    from: Option<usize>,
    to: Option<usize>,
    leaves: i64,
) -> Option<i64> {
    let Some((from, to)) = from.zip(to) else {
        return Some(leaves);
    };
    let base = i64::from(problem.travel.seconds(from, to)?);
    let Some(profile) = problem.travel.profile() else {
        return Some(leaves + base);
    };
    let (mut now, mut left) = (leaves, base * 1_000);
    while left > 0 {
        let second = (now + i64::from(profile.zero_second_of_day)).rem_euclid(86_400);
        let speed = i64::from(profile.factors[(second / 3_600) as usize]);
        let driven = ((left + speed - 1) / speed).min(3_600 - second % 3_600);
        left -= driven * speed;
        now += driven;
    }
    Some(now)
}

/// The last departure not before `ready` that is there by `meets`.
fn last_departure(
    problem: &Problem,
    from: Option<usize>,
    to: usize,
    ready: i64,
    meets: i64,
) -> i64 {
    let there = |leaves| arrive(problem, from, Some(to), leaves).unwrap() <= meets;
    let (mut good, mut bad) = (ready, meets + 1);
    while bad - good > 1 {
        let middle = (good + bad) / 2;
        if there(middle) {
            good = middle;
        } else {
            bad = middle;
        }
    }
    good
}

pub fn opening(windows: &[Window], at: i64) -> Option<i64> {
    if windows.is_empty() {
        return Some(at);
    }
    windows.iter().find(|w| at <= w.to).map(|w| at.max(w.from))
}

/// All (driving, finish) of a day with the given order, over all places for pauses.
pub fn courses(problem: &Problem, rep: &RepDay, order: &[usize]) -> Vec<(i64, i64)> {
    let mut ends = Vec::new();
    let stops: Vec<&Stop> = order.iter().map(|&s| &problem.stops[s]).collect();
    let mut pauses: Vec<&fieldfare_planner::Break> = rep.breaks.iter().collect();
    pauses.sort_by_key(|p| p.windows.last().unwrap().to);
    pauses.retain(|p| p.windows.last().unwrap().to >= rep.shift.from);
    let trial = Trial {
        problem,
        rep,
        pauses,
    };
    trial.go(&stops, rep.start, rep.shift.from, 0, 0, true, &mut ends);
    ends
}

struct Trial<'a> {
    problem: &'a Problem,
    rep: &'a RepDay,
    pauses: Vec<&'a fieldfare_planner::Break>,
}

impl Trial<'_> {
    fn pause(&self, taken: usize, at: i64) -> Option<(i64, i64)> {
        let pause = self.pauses.get(taken)?;
        let start = opening(&pause.windows, at)?;
        Some((start, start + i64::from(pause.duration_s)))
    }

    #[allow(clippy::too_many_arguments)]
    fn go(
        &self,
        stops: &[&Stop],
        here: Option<usize>,
        now: i64,
        driving: i64,
        taken: usize,
        first: bool,
        ends: &mut Vec<(i64, i64)>,
    ) {
        // A pause here first.
        if let Some((_, end)) = self.pause(taken, now) {
            self.go(stops, here, end, driving, taken + 1, first, ends);
        }
        let Some((stop, rest)) = stops.split_first() else {
            let to = self.rep.end;
            let Some(finish) = arrive(self.problem, here.filter(|_| to.is_some()), to, now) else {
                return;
            };
            let missed = self
                .pauses
                .get(taken)
                .is_some_and(|p| finish > p.windows.last().unwrap().to);
            if finish <= self.rep.shift.to && !missed {
                ends.push((driving + finish - now, finish));
            }
            return;
        };
        let Some(arrival) = arrive(self.problem, here, Some(stop.place), now) else {
            return;
        };
        // Any number of pauses on arrival.
        let (mut at, mut taken_here, mut meets) = (arrival, taken, None);
        loop {
            if let Some(start) = opening(&stop.windows, at) {
                let meets = meets.unwrap_or(start);
                let leaves = if first {
                    last_departure(self.problem, here, stop.place, now, meets)
                } else {
                    now
                };
                let drive = arrive(self.problem, here, Some(stop.place), leaves).unwrap() - leaves;
                let drive = if here.is_none() { 0 } else { drive };
                let end = start + i64::from(stop.service_s);
                self.go(
                    rest,
                    Some(stop.place),
                    end,
                    driving + drive,
                    taken_here,
                    false,
                    ends,
                );
            }
            let Some((start, end)) = self.pause(taken_here, at) else {
                return;
            };
            meets = meets.or(Some(start));
            at = end;
            taken_here += 1;
        }
    }
}

/// Whether a rep may serve an order of stops, in time and with room for their loads.
pub fn fits(problem: &Problem, rep: &RepDay, order: &[usize]) -> bool {
    let stops = || order.iter().map(|&s| &problem.stops[s]);
    let able = stops().all(|stop| {
        stop.rep.as_ref().is_none_or(|id| *id == rep.id)
            && stop.skills.iter().all(|s| rep.skills.contains(s))
    });
    let room = rep.capacity.iter().enumerate().all(|(load, most)| {
        let amounts = stops().filter_map(|stop| stop.load.get(load));
        amounts.sum::<u32>() <= *most
    });
    able && room && !courses(problem, rep, order).is_empty()
}

/// The orders of a plan, as indices.
pub fn orders(problem: &Problem, plan: &Plan) -> Vec<Vec<usize>> {
    let index = |id: &str| problem.stops.iter().position(|s| s.id == id).unwrap();
    plan.days
        .iter()
        .map(|day| day.stops().map(index).collect())
        .collect()
}

/// Whether a stop fits anywhere into an order, behind the pinned stops.
pub fn fits_somewhere(problem: &Problem, rep: &RepDay, order: &[usize], stop: usize) -> bool {
    (rep.first.len()..=order.len()).any(|at| {
        let mut with = order.to_vec();
        with.insert(at, stop);
        fits(problem, rep, &with)
    })
}
