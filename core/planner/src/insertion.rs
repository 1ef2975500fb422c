use crate::assemble::order_of;
use crate::instance::{Instance, Node, Rep, carries, make_node, suits};
use crate::timeline::Timeline;
use crate::walk::{Walker, course};
use crate::{Plan, Problem, ProblemError, Stop};
use serde::{Deserialize, Serialize};

/// What it takes to visit one more lead today.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detour {
    /// Which of the candidates.
    pub candidate: usize,
    /// Who would go.
    pub rep: String,
    /// Behind how many of the rep's visits.
    pub position: usize,
    /// More driving, seconds.
    pub detour_s: i64,
    /// More driving, metres.
    pub metres: i64,
    /// How much later the day is over, seconds.
    pub later_s: i64,
}

/// Which leads are worth telling a rep about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NearRule {
    /// Longest detour, seconds.
    pub most_detour_s: i64,
    /// Least priority.
    pub least_priority: u32,
}

impl Default for NearRule {
    /// Within 30 minutes, whatever the priority.
    fn default() -> Self {
        Self {
            most_detour_s: 1_800,
            least_priority: 0,
        }
    }
}

/// The cheapest way to visit each candidate beside a plan, with everything planned still on time
/// and in its order; `None` for what fits nowhere.
///
/// Candidates are stops whose places are in the problem's matrix; they need not be stops of the
/// problem, and each is looked at by itself. The detour is exact: it is what planning the same
/// order with the candidate in it and all times new would give. Cheapest is the least driving,
/// then the first position. O(1) for each position, O(visits) for each candidate; with a traffic
/// profile O(visits) for each position that fits.
///
/// # Errors
/// [`ProblemError`] if problem or candidates are not valid, or if the plan is not one for the
/// problem.
pub fn detours(
    problem: &Problem,
    plan: &Plan,
    candidates: &[Stop],
) -> Result<Vec<Option<Detour>>, ProblemError> {
    for (index, stop) in candidates.iter().enumerate() {
        problem.check_stop(index, stop, problem.loads())?;
    }
    let instance = Instance::new(problem)?;
    let days = days(problem, &instance, plan)?;
    let guests = candidates.iter().enumerate().map(|(index, given)| Guest {
        index,
        given,
        node: make_node(given, instance.base),
    });
    let guests: Vec<Guest<'_>> = guests.collect();
    if instance.clock.is_even() {
        let best = |guest: &Guest<'_>| days.iter().filter_map(|day| day.cheapest(guest)).min();
        return Ok(guests
            .iter()
            .map(|g| best(g).map(|p| p.detour(g)))
            .collect());
    }
    retimed(problem, plan, &guests)
}

/// The candidates near today's route: those that [`detours`] finds room for within a rule, the
/// most important first, then the shortest detour.
///
/// # Errors
/// As [`detours`].
pub fn near_route(
    problem: &Problem,
    plan: &Plan,
    candidates: &[Stop],
    rule: &NearRule,
) -> Result<Vec<Detour>, ProblemError> {
    let priority = |at: usize| candidates.get(at).map_or(0, |stop| stop.priority);
    let all = detours(problem, plan, candidates)?;
    let mut near: Vec<Detour> = all
        .into_iter()
        .flatten()
        .filter(|d| d.detour_s <= rule.most_detour_s)
        .filter(|d| priority(d.candidate) >= rule.least_priority)
        .collect();
    near.sort_by_key(|d| {
        (
            std::cmp::Reverse(priority(d.candidate)),
            d.detour_s,
            d.candidate,
        )
    });
    Ok(near)
}

/// A candidate.
struct Guest<'a> {
    index: usize,
    given: &'a Stop,
    node: Node,
}

/// A rep's planned day.
struct Day<'a> {
    problem: &'a Problem,
    rep: &'a Rep,
    line: Timeline<'a>,
    loads: Vec<i64>,
    finish: i64,
}

/// A place for a candidate, compared by detour, rep and position.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Placing {
    seconds: i64,
    rep: usize,
    at: usize,
    metres: i64,
    later: i64,
    id: String,
}

impl Placing {
    fn detour(self, guest: &Guest<'_>) -> Detour {
        Detour {
            candidate: guest.index,
            rep: self.id,
            position: self.at,
            detour_s: self.seconds,
            metres: self.metres,
            later_s: self.later,
        }
    }
}

fn days<'a>(
    problem: &'a Problem,
    instance: &'a Instance,
    plan: &Plan,
) -> Result<Vec<Day<'a>>, ProblemError> {
    let mut days = Vec::with_capacity(instance.reps.len());
    for (index, rep) in instance.reps.iter().enumerate() {
        let unknown = || ProblemError::Unknown { what: "day", index };
        let planned = plan.days.get(index).ok_or_else(unknown)?;
        let order = order_of(problem, planned).ok_or_else(unknown)?;
        let line = Timeline::new(problem, instance, rep, &order);
        let load = |dimension: usize| {
            let demand = order
                .iter()
                .filter_map(|&s| instance.demand(s).get(dimension));
            demand.sum()
        };
        days.push(Day {
            problem,
            rep,
            finish: line.finish_now().ok_or_else(unknown)?,
            line,
            loads: (0..instance.loads).map(load).collect(),
        });
    }
    Ok(days)
}

impl Day<'_> {
    fn may_serve(&self, guest: &Guest<'_>) -> bool {
        let given = self.problem.reps.get(self.rep.index);
        given.is_some_and(|rep| suits(rep, guest.given) && carries(rep, guest.given))
            && self.has_room(guest)
    }

    fn has_room(&self, guest: &Guest<'_>) -> bool {
        let loads = self.loads.iter().zip(&guest.given.load);
        let mut capacity = loads.zip(&self.rep.capacity);
        capacity.all(|((load, more), most)| load + i64::from(*more) <= *most)
    }

    fn gaps(&self) -> std::ops::RangeInclusive<usize> {
        self.rep.pinned.len()..=self.line.len()
    }

    fn cheapest(&self, guest: &Guest<'_>) -> Option<Placing> {
        if !self.may_serve(guest) {
            return None;
        }
        let mut best: Option<(i64, i64, usize)> = None;
        for after in self.gaps() {
            let (seconds, metres) = self.line.detour(&guest.node, after, after + 1);
            let better = best.is_none_or(|(least, ..)| seconds < least);
            if better && self.line.fits(&guest.node, after, after + 1) {
                best = Some((seconds, metres, after));
            }
        }
        let (seconds, metres, at) = best?;
        let finish = self.line.finish_with(&guest.node, at, at + 1)?;
        Some(Placing {
            seconds,
            rep: self.rep.index,
            at,
            metres,
            later: finish - self.finish,
            id: self.problem.reps.get(self.rep.index)?.id.clone(),
        })
    }
}

/// With traffic by the hour, a detour changes the legs behind it too: the day is timed anew for
/// every position that fits.
fn retimed(
    problem: &Problem,
    plan: &Plan,
    guests: &[Guest<'_>],
) -> Result<Vec<Option<Detour>>, ProblemError> {
    let with: Problem = with_guests(problem, guests);
    let instance = Instance::new(&with)?;
    let days = days(&with, &instance, plan)?;
    let count = problem.stops.len();
    let mut found = Vec::with_capacity(guests.len());
    for guest in guests {
        let able = days.iter().filter(|day| day.may_serve(guest));
        let best = able.filter_map(|day| day.retimed(&instance, guest, count + guest.index));
        found.push(best.min().map(|placing| placing.detour(guest)));
    }
    Ok(found)
}

/// The problem with the candidates as stops that nobody has to visit.
fn with_guests(problem: &Problem, guests: &[Guest<'_>]) -> Problem {
    let mut with = problem.clone();
    for guest in guests {
        with.stops.push(Stop {
            id: format!("\u{0}{}", guest.index),
            mandatory: false,
            priority: 0,
            ..guest.given.clone()
        });
    }
    with
}

impl Day<'_> {
    fn retimed(&self, instance: &Instance, guest: &Guest<'_>, stop: usize) -> Option<Placing> {
        let walker = Walker::new(instance, self.rep);
        let order = self.line.stops(1, self.line.len());
        let before = course(walker, order)?;
        let fitting = self
            .gaps()
            .filter(|&at| self.line.fits(&guest.node, at, at + 1));
        let timed = fitting.filter_map(|at| {
            let mut with = order.to_vec();
            with.insert(at, stop);
            let after = course(walker, &with)?;
            Some(Placing {
                seconds: after.legs - before.legs,
                rep: self.rep.index,
                at,
                metres: self.line.detour(&guest.node, at, at + 1).1,
                later: after.finish - before.finish,
                id: self.problem.reps.get(self.rep.index)?.id.clone(),
            })
        });
        timed.min()
    }
}
