//! Days that segments cannot carry: several windows, pauses, traffic by the hour.
//!
//! Such days are driven stop by stop. Segments over the hull of each stop's windows, without
//! pauses and at the fastest hour, stay a lower bound, so that most moves are refused in O(1).

use super::price::Cost;
use super::space::Space;
use crate::instance::{Instance, Openings, Rep};

/// Where a day stands with a number of pauses taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    warp: i64,
    time: i64,
    cost: i64,
}

type States = [Option<State>; crate::Problem::MAX_BREAKS + 1];

/// Cost of a rep's day with the given stops in order, late visits moved back to their windows.
///
/// For each number of pauses taken, the state with the least warp and then the earliest time is
/// kept: without a traffic profile a day without warp is driven at its best. With one, a cheaper
/// course may exist; the plan made in the end takes the best.
pub(super) fn cost(space: &Space<'_>, rep: usize, stops: &[usize]) -> Cost {
    let Some(day) = space.instance.reps.get(rep) else {
        return Cost::default();
    };
    if stops.is_empty() {
        return Cost::of_day(space, rep, 0, day.from, 0);
    }
    let driver = Driver {
        instance: space.instance,
        rep: day,
    };
    let end = driver.drive(stops);
    Cost::of_day(space, rep, end.cost, end.time, end.warp)
}

struct Driver<'a> {
    instance: &'a Instance,
    rep: &'a Rep,
}

impl Driver<'_> {
    fn drive(&self, stops: &[usize]) -> State {
        let mut states: States = [None; crate::Problem::MAX_BREAKS + 1];
        states[0] = Some(State {
            warp: 0,
            time: self.rep.from,
            cost: 0,
        });
        let mut from = self.rep.start;
        for &stop in stops {
            self.take_pauses(&mut states);
            states = self.visit(&states, from, stop);
            from = stop;
        }
        self.take_pauses(&mut states);
        self.end(&states, from)
    }

    /// Adds the states after pauses taken here.
    fn take_pauses(&self, states: &mut States) {
        for taken in 0..self.rep.pauses.len() {
            let Some(state) = states.get(taken).copied().flatten() else {
                continue;
            };
            if let Some(next) = self.pause(taken, state) {
                improve(states, taken + 1, next);
            }
        }
    }

    fn pause(&self, taken: usize, state: State) -> Option<State> {
        let pause = self.rep.pauses.get(taken)?;
        let (start, warp) = open(&pause.openings, state.time);
        Some(State {
            warp: state.warp + warp,
            time: start + pause.duration,
            cost: state.cost,
        })
    }

    fn visit(&self, states: &States, from: usize, stop: usize) -> States {
        let mut next: States = [None; crate::Problem::MAX_BREAKS + 1];
        for (taken, state) in states.iter().enumerate() {
            if let Some(state) = state {
                self.visit_from(*state, taken, from, stop, &mut next);
            }
        }
        next
    }

    /// Drives to a stop, takes any number of pauses there, visits it.
    fn visit_from(&self, state: State, taken: usize, from: usize, stop: usize, next: &mut States) {
        let Some(node) = self.instance.stops.get(stop) else {
            return;
        };
        let leg = self.instance.leg(from, stop);
        let seconds = i64::from(leg.seconds);
        let charge = i64::from(leg.cost) - seconds;
        let arrival = self.instance.clock.arrival(state.time, seconds);
        let (mut here, mut meets) = (
            State {
                time: arrival,
                ..state
            },
            None,
        );
        for count in taken..=self.rep.pauses.len() {
            let (start, warp) = open(&node.openings, here.time);
            let drive = self.driven(from, state.time, arrival, meets.unwrap_or(start), seconds);
            improve(
                next,
                count,
                State {
                    warp: here.warp + warp,
                    time: start + node.service,
                    cost: state.cost + charge + drive,
                },
            );
            let Some(rested) = self.pause(count, here) else {
                return;
            };
            meets = meets.or(self.rep.pauses.get(count).map(|p| rested.time - p.duration));
            here = rested;
        }
    }

    fn driven(&self, from: usize, ready: i64, arrival: i64, meets: i64, seconds: i64) -> i64 {
        let clock = &self.instance.clock;
        if clock.is_even() {
            return seconds;
        }
        if from != self.rep.start || meets < arrival {
            return arrival - ready;
        }
        let leaves = clock.departure(meets, seconds).max(ready);
        clock.arrival(leaves, seconds) - leaves
    }

    fn end(&self, states: &States, from: usize) -> State {
        let seconds = i64::from(self.instance.leg(from, self.rep.end).seconds);
        let ends = states.iter().enumerate().filter_map(|(taken, state)| {
            let state = (*state)?;
            let time = self.instance.clock.arrival(state.time, seconds);
            let late = (time - self.rep.to).max(0);
            let missed = self
                .rep
                .pauses
                .get(taken)
                .map_or(0, |p| (time - p.latest).max(0));
            Some(State {
                warp: state.warp + late + missed,
                time: time - late,
                cost: state.cost + time - state.time,
            })
        });
        ends.min().unwrap_or(State {
            warp: 0,
            time: self.rep.from,
            cost: 0,
        })
    }
}

fn improve(states: &mut States, taken: usize, state: State) {
    if let Some(known) = states.get_mut(taken)
        && known.is_none_or(|known| state < known)
    {
        *known = Some(state);
    }
}

/// When something starts, and by how much it is late then.
fn open(openings: &Openings, at: i64) -> (i64, i64) {
    match openings.start(at) {
        Some(start) => (start, 0),
        None => {
            let last = openings.last().unwrap_or(at);
            (last, at - last)
        }
    }
}
