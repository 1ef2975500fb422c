use crate::instance::{Instance, Stability};
use crate::pins::keep_promises;
use crate::search::Start;
use crate::solve::{Solved, orders_of, plan};
use crate::walk::{Walker, course};
use crate::{Options, Plan, Problem, ProblemError, Proof, RepDay, polish};
use serde::{Deserialize, Serialize};

/// How far a day has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayState {
    /// Now, in the problem's seconds. Nothing is planned before.
    pub now: i64,
    /// Reps whose day has begun, or who are not there. Others are planned from their start.
    #[serde(default)]
    pub reps: Vec<RepState>,
    /// Ids of stops that will not take place: no-shows, cancellations.
    #[serde(default)]
    pub cancelled: Vec<String>,
    /// How many seconds of driving must be saved for each stop that changes its turn or its rep.
    #[serde(default = "DayState::default_stability_s")]
    pub stability_s: u32,
}

impl DayState {
    /// Ten minutes.
    pub const fn default_stability_s() -> u32 {
        600
    }

    /// Nothing has happened yet.
    pub const fn at(now: i64) -> Self {
        Self {
            now,
            reps: Vec::new(),
            cancelled: Vec::new(),
            stability_s: Self::default_stability_s(),
        }
    }
}

/// Where one rep's day stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepState {
    /// The rep.
    pub rep: String,
    /// Place in the matrix where the rep is, or will be when free; none keeps the start place.
    #[serde(default)]
    pub place: Option<usize>,
    /// When the rep is free to leave there; at `now` if earlier.
    #[serde(default)]
    pub free_from: i64,
    /// Ids of stops that have been visited, or are being visited until `free_from`.
    #[serde(default)]
    pub visited: Vec<String>,
    /// Ids of stops that come next in this order, whatever happens: the one being driven to, or
    /// what has been promised. Where they are late, their windows are widened.
    #[serde(default)]
    pub committed: Vec<String>,
    /// Breaks that have been taken.
    #[serde(default)]
    pub breaks_taken: Vec<usize>,
    /// The rep does not work any more today: the other reps take over the stops.
    #[serde(default)]
    pub absent: bool,
}

/// The rest of a day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Replanned {
    /// What was left to plan: the reps who still work, from where they are; the stops that are
    /// not behind them. The plan is one for this problem.
    pub problem: Problem,
    /// The rest of the day.
    pub plan: Plan,
    /// What is different from the earlier plan, in the order of the problem's stops and reps.
    pub changes: Vec<Change>,
    /// Stops that have changed their turn or their rep.
    pub moved: usize,
}

/// A difference from the earlier plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Change {
    /// A stop that was in no day is in one.
    Added {
        /// The stop.
        stop: String,
        /// Whose day.
        rep: String,
    },
    /// A stop is no longer in a day.
    Dropped {
        /// The stop.
        stop: String,
    },
    /// Another rep comes.
    Reassigned {
        /// The stop.
        stop: String,
        /// Who was to come.
        from: String,
        /// Who comes.
        to: String,
    },
    /// The stop has another turn among those that stay.
    Reordered {
        /// The stop.
        stop: String,
    },
    /// A committed stop begins after its windows.
    Late {
        /// The stop.
        stop: String,
        /// By how many seconds.
        seconds: i64,
    },
    /// Committed stops take longer than the shift.
    Overtime {
        /// The rep.
        rep: String,
        /// By how many seconds.
        seconds: i64,
    },
    /// Committed stops leave no time for a break.
    BreakDropped {
        /// The rep.
        rep: String,
        /// The break's place in the rep's list, those taken or dropped before left out.
        index: usize,
    },
}

/// Plans the rest of a day.
///
/// `problem` is the day's problem as it is now: new leads are added to its stops, and its matrix
/// knows the places where reps are. Visited and cancelled stops are gone, committed ones come
/// first. Of the plans for the rest, the one is taken that is best by the objective once each stop
/// that has changed its turn or rep is charged [`DayState::stability_s`]; so the earlier order
/// stays unless a change pays. Priorities still come before stability.
///
/// # Errors
/// [`ProblemError`] if the problem is not valid, if a state names an unknown rep or stop, or if no
/// rep is left.
pub fn replan(
    problem: &Problem,
    earlier: &Plan,
    state: &DayState,
    options: &Options,
) -> Result<Replanned, ProblemError> {
    problem.validate()?;
    check_state(problem, state)?;
    let mut rest = remaining(problem, state);
    let mut changes = keep_promises(&mut rest)?;
    let before = Before::new(&rest, earlier);
    let instance = Instance::new(&rest)?;
    let stability = Stability::new(&rest, before.places.clone(), state.stability_s);
    let charged = Instance::with_stability(&rest, &stability)?;
    let kept = kept_order(&rest, &instance, &before);
    let fresh = fresh_order(&rest, &before, &charged, state, options)?;
    let value = |solved: &Solved| {
        let unchanged = instance.with_weights_of(&charged);
        before.value(&unchanged, &solved.orders, i64::from(stability.seconds))
    };
    let chosen = if value(&fresh) < value(&kept) {
        fresh
    } else {
        kept
    };
    let plan = plan(&rest, &instance, &chosen)?;
    changes.extend(before.changes(&rest, &chosen.orders));
    Ok(Replanned {
        moved: before.moved(&chosen.orders).len(),
        plan,
        changes,
        problem: rest,
    })
}

fn check_state(problem: &Problem, state: &DayState) -> Result<(), ProblemError> {
    for (index, rep) in state.reps.iter().enumerate() {
        let unknown = |what| ProblemError::Unknown { what, index };
        if !problem.reps.iter().any(|known| known.id == rep.rep) {
            return Err(unknown("rep state"));
        }
        let stop = |id: &String| problem.stops.iter().any(|stop| stop.id == *id);
        if !rep.committed.iter().all(stop) {
            return Err(unknown("a committed stop of rep state"));
        }
        if let Some(place) = rep.place.filter(|&place| place >= problem.travel.places()) {
            return Err(ProblemError::Place {
                what: "rep state",
                index,
                place,
                places: problem.travel.places(),
            });
        }
    }
    Ok(())
}

/// The problem without what is behind the reps.
fn remaining(problem: &Problem, state: &DayState) -> Problem {
    let of = |id: &str| state.reps.iter().find(|rep| rep.rep == id);
    let absent = |id: &str| of(id).is_some_and(|rep| rep.absent);
    let visited = |id: &String| state.reps.iter().any(|rep| rep.visited.contains(id));
    let mut rest = problem.clone();
    rest.stops
        .retain(|stop| !visited(&stop.id) && !state.cancelled.contains(&stop.id));
    for stop in &mut rest.stops {
        if stop.rep.as_deref().is_some_and(absent) {
            stop.rep = None;
        }
    }
    rest.reps.retain(|rep| !absent(&rep.id));
    let there: Vec<String> = rest.stops.iter().map(|stop| stop.id.clone()).collect();
    for rep in &mut rest.reps {
        begin(rep, of(&rep.id.clone()), state.now);
        rep.first.retain(|id| there.contains(id));
    }
    rest
}

/// Lets a rep's day begin where it stands.
fn begin(rep: &mut RepDay, state: Option<&RepState>, now: i64) {
    let from = state.map_or(now, |state| state.free_from.max(now));
    rep.shift.from = rep.shift.from.max(from);
    rep.shift.to = rep.shift.to.max(rep.shift.from);
    let Some(state) = state else { return };
    if state.place.is_some() {
        rep.start = state.place;
    }
    let mut first = state.committed.clone();
    first.extend(
        rep.first
            .iter()
            .filter(|id| !state.committed.contains(id))
            .cloned(),
    );
    rep.first = first;
    let taken = |index: usize| state.breaks_taken.contains(&index);
    let mut index = 0;
    rep.breaks.retain(|_| {
        index += 1;
        !taken(index - 1)
    });
}

/// The earlier plan, as far as it still stands.
struct Before {
    /// Remaining stops of each remaining rep in their order.
    orders: Vec<Vec<usize>>,
    /// For each stop of the rest, its rep's id in the earlier plan.
    reps: Vec<Option<String>>,
    places: Vec<Option<(usize, usize)>>,
}

impl Before {
    fn new(rest: &Problem, earlier: &Plan) -> Self {
        let index = |id: &str| rest.stops.iter().position(|stop| stop.id == id);
        let day = |rep: &RepDay| earlier.days.iter().find(|day| day.rep == rep.id);
        let orders: Vec<Vec<usize>> = (rest.reps.iter())
            .map(|rep| day(rep).map_or(Vec::new(), |d| d.stops().filter_map(index).collect()))
            .collect();
        let mut reps = vec![None; rest.stops.len()];
        for day in &earlier.days {
            for stop in day.stops().filter_map(index) {
                if let Some(rep) = reps.get_mut(stop) {
                    *rep = Some(day.rep.clone());
                }
            }
        }
        let mut places = vec![None; rest.stops.len()];
        for (rep, order) in orders.iter().enumerate() {
            for (at, &stop) in order.iter().enumerate() {
                if let Some(place) = places.get_mut(stop) {
                    *place = Some((rep, at));
                }
            }
        }
        Self {
            orders,
            reps,
            places,
        }
    }

    /// Stops of both plans that have changed their turn or their rep; those of reps who are gone
    /// do not count.
    fn moved(&self, orders: &[Vec<usize>]) -> Vec<usize> {
        let mut moved = Vec::new();
        for (rep, order) in orders.iter().enumerate() {
            let known = order.iter().filter_map(|&stop| {
                let (before, at) = self.places.get(stop).copied().flatten()?;
                Some((stop, before, at))
            });
            let (own, others): (Vec<_>, Vec<_>) = known.partition(|(_, before, _)| *before == rep);
            moved.extend(others.iter().map(|(stop, ..)| *stop));
            let turns: Vec<usize> = own.iter().map(|(_, _, at)| *at).collect();
            let stays = longest_rising(&turns);
            moved.extend(
                own.iter()
                    .filter(|(_, _, at)| !stays.contains(at))
                    .map(|(s, ..)| *s),
            );
        }
        moved.sort_unstable();
        moved
    }

    /// What two plans for the rest are compared by.
    fn value(&self, instance: &Instance, orders: &[Vec<usize>], charge: i64) -> (i64, i64) {
        let served = |stop: usize| orders.iter().any(|order| order.contains(&stop));
        let mut cost = instance.lost(served) + charge * self.moved(orders).len() as i64;
        let mut finish = 0;
        for (rep, order) in instance.reps.iter().zip(orders) {
            match course(Walker::new(instance, rep), order) {
                Some(day) => {
                    cost += instance.day_cost(rep, day.legs, day.finish);
                    finish += day.finish;
                }
                None => return (i64::MAX, i64::MAX),
            }
        }
        (cost, finish)
    }

    fn changes(&self, rest: &Problem, orders: &[Vec<usize>]) -> Vec<Change> {
        let moved = self.moved(orders);
        let change = |(index, stop): (usize, &crate::Stop)| {
            let now = orders.iter().position(|order| order.contains(&index));
            let now = now.and_then(|rep| Some(rest.reps.get(rep)?.id.clone()));
            let before = self.reps.get(index).cloned().flatten();
            let stop = stop.id.clone();
            match (before, now) {
                (None, Some(rep)) => Some(Change::Added { stop, rep }),
                (Some(_), None) => Some(Change::Dropped { stop }),
                (Some(from), Some(to)) if from != to => Some(Change::Reassigned { stop, from, to }),
                (Some(_), Some(_)) if moved.contains(&index) => Some(Change::Reordered { stop }),
                _ => None,
            }
        };
        rest.stops.iter().enumerate().filter_map(change).collect()
    }
}

/// A longest rising part of a list (patience sorting, O(n log n)).
fn longest_rising(list: &[usize]) -> Vec<usize> {
    let mut tops: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(list.len());
    let value = |at: usize| list.get(at).copied().unwrap_or(usize::MAX);
    for (at, &item) in list.iter().enumerate() {
        let pile = tops.partition_point(|&top| value(top) < item);
        before.push(pile.checked_sub(1).and_then(|left| tops.get(left).copied()));
        match tops.get_mut(pile) {
            Some(top) => *top = at,
            None => tops.push(at),
        }
    }
    let mut rising = Vec::with_capacity(tops.len());
    let mut at = tops.last().copied();
    while let Some(index) = at {
        rising.push(value(index));
        at = before.get(index).copied().flatten();
    }
    rising
}

/// The earlier order without what no longer fits, and with what fits beside it.
fn kept_order(rest: &Problem, instance: &Instance, before: &Before) -> Solved {
    let mut orders: Vec<Vec<usize>> = Vec::with_capacity(instance.reps.len());
    for (rep, order) in instance.reps.iter().zip(&before.orders) {
        let mut kept = rep.pinned.clone();
        let free = order.iter().filter(|&&s| instance.allowed(rep.index, s));
        kept.extend(free.filter(|s| !rep.pinned.contains(s)));
        orders.push(polish::shrink(instance, rep, &kept));
    }
    polish::polish(rest, instance, &mut orders);
    Solved {
        orders,
        proof: Proof::Heuristic { iterations: 0 },
    }
}

/// The best order found with changes charged leg by leg.
fn fresh_order(
    rest: &Problem,
    before: &Before,
    charged: &Instance,
    state: &DayState,
    options: &Options,
) -> Result<Solved, ProblemError> {
    let start = Start {
        seed: options.seed,
        orders: before.orders.clone(),
    };
    let options = Options {
        iterations: Some(options.iterations.unwrap_or(REPLAN_ITERATIONS)),
        ..*options
    };
    let mut solved = orders_of(rest, charged, &options, &start)?;
    if state.stability_s > 0 && solved.proof == Proof::Optimal {
        solved.proof = Proof::Heuristic { iterations: 0 };
    }
    Ok(solved)
}

/// Iterations of a re-plan if the options name none.
const REPLAN_ITERATIONS: u64 = 1_000;

/// The ids of the stops of each day of a plan, for [`crate::solve_from`].
pub fn orders_of_plan(plan: &Plan) -> Vec<Vec<String>> {
    let ids = |day: &crate::DayPlan| day.stops().map(str::to_owned).collect();
    plan.days.iter().map(ids).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn by_trying(list: &[usize]) -> usize {
        let subsets = 0u32..1 << list.len();
        let pick = |set: u32| {
            (0..list.len())
                .filter(move |i| set >> i & 1 == 1)
                .map(|i| list[i])
        };
        let rising = subsets.filter(|&set| pick(set).is_sorted());
        rising.map(|set| set.count_ones() as usize).max().unwrap()
    }

    proptest! {
        #[test]
        fn finds_a_longest_rising_part(list in Just((0..9usize).collect::<Vec<_>>()).prop_shuffle(), cut in 0usize..9) {
            let list = &list[cut..];
            let found = longest_rising(list);
            prop_assert_eq!(found.len(), by_trying(list));
            let places = found.iter().rev().map(|v| list.iter().position(|w| w == v).unwrap());
            prop_assert!(places.is_sorted());
        }
    }
}
