//! Keeps promises: makes stops that must come first fit, whatever time it is.

use crate::instance::{Instance, Rep};
use crate::replan::Change;
use crate::walk::{Walker, course};
use crate::{Problem, ProblemError};

/// Widens windows, shifts and drops breaks until the first stops of every rep fit.
pub(crate) fn keep_promises(problem: &mut Problem) -> Result<Vec<Change>, ProblemError> {
    let mut changes = Vec::new();
    for index in 0..problem.reps.len() {
        if problem
            .reps
            .get(index)
            .is_some_and(|rep| !rep.first.is_empty())
        {
            keep(problem, index, &mut changes)?;
        }
    }
    Ok(changes)
}

fn keep(
    problem: &mut Problem,
    index: usize,
    changes: &mut Vec<Change>,
) -> Result<(), ProblemError> {
    if fits(problem, index)? {
        return Ok(());
    }
    widen(problem, index, changes)?;
    let breaks = |problem: &Problem| problem.reps.get(index).map_or(0, |rep| rep.breaks.len());
    while breaks(problem) > 0 && !fits(problem, index)? {
        let Some(rep) = problem.reps.get_mut(index) else {
            break;
        };
        let last = |at: &usize| rep.breaks.get(*at).and_then(|b| Some(b.windows.last()?.to));
        let Some(first) = (0..rep.breaks.len()).min_by_key(last) else {
            break;
        };
        rep.breaks.remove(first);
        changes.push(Change::BreakDropped {
            rep: rep.id.clone(),
            index: first,
        });
    }
    Ok(())
}

fn fits(problem: &Problem, index: usize) -> Result<bool, ProblemError> {
    let instance = Instance::new(problem)?;
    let rep = instance.reps.get(index);
    Ok(rep.is_some_and(|rep| course(Walker::new(&instance, rep), &rep.pinned).is_some()))
}

/// Lets the first stops begin when the rep gets there, and the shift end when the rep is back.
fn widen(
    problem: &mut Problem,
    index: usize,
    changes: &mut Vec<Change>,
) -> Result<(), ProblemError> {
    let instance = Instance::new(problem)?;
    let Some(rep) = instance.reps.get(index) else {
        return Ok(());
    };
    let drive = Drive {
        instance: &instance,
        rep,
    };
    let (starts, finish) = drive.run();
    for (&stop, start) in rep.pinned.iter().zip(starts) {
        let Some(stop) = problem.stops.get_mut(stop) else {
            continue;
        };
        let Some(last) = stop.windows.last_mut() else {
            continue;
        };
        let seconds = start + instance.base - last.to;
        if seconds > 0 {
            last.to += seconds;
            changes.push(Change::Late {
                stop: stop.id.clone(),
                seconds,
            });
        }
    }
    let seconds = finish - rep.to;
    if let Some(rep) = problem.reps.get_mut(index).filter(|_| seconds > 0) {
        rep.shift.to += seconds;
        changes.push(Change::Overtime {
            rep: rep.id.clone(),
            seconds,
        });
    }
    Ok(())
}

/// Drives the first stops without breaks, late where it must be.
struct Drive<'a> {
    instance: &'a Instance,
    rep: &'a Rep,
}

impl Drive<'_> {
    fn run(&self) -> (Vec<i64>, i64) {
        let (mut now, mut from) = (self.rep.from, self.rep.start);
        let mut starts = Vec::new();
        for &stop in &self.rep.pinned {
            now = self.arrival(now, from, stop);
            if let Some(node) = self.instance.stops.get(stop) {
                now = node.openings.start(now).unwrap_or(now);
                starts.push(now);
                now += node.service;
            }
            from = stop;
        }
        (starts, self.arrival(now, from, self.rep.end))
    }

    fn arrival(&self, now: i64, from: usize, to: usize) -> i64 {
        let seconds = i64::from(self.instance.leg(from, to).seconds);
        self.instance.clock.arrival(now, seconds)
    }
}
