//! Whether a problem can be planned as it stands.

use crate::instance::suits;
use crate::{Break, Problem, ProblemError, RepDay, Stop, Window};
use std::collections::BTreeMap;

impl Problem {
    /// Whether the problem can be planned. Every function that takes a problem checks this first.
    ///
    /// # Errors
    /// The first thing found that is wrong. That a stop cannot be served is no error: the plan
    /// says so.
    pub fn validate(&self) -> Result<(), ProblemError> {
        self.check_sizes()?;
        let reps = unique_ids("rep", self.reps.iter().map(|rep| rep.id.as_str()))?;
        let stops = unique_ids("stop", self.stops.iter().map(|stop| stop.id.as_str()))?;
        let loads = self.loads();
        for (index, rep) in self.reps.iter().enumerate() {
            self.check_rep(index, rep, loads)?;
            self.check_first(index, rep, &stops)?;
        }
        for (index, stop) in self.stops.iter().enumerate() {
            self.check_stop(index, stop, loads)?;
            if stop.rep.as_deref().is_some_and(|id| !reps.contains_key(id)) {
                return Err(ProblemError::UnknownRep { index });
            }
        }
        self.check_span()
    }

    /// Number of load dimensions.
    pub(crate) fn loads(&self) -> usize {
        let of_reps = self.reps.iter().map(|rep| rep.capacity.len());
        let of_stops = self.stops.iter().map(|stop| stop.load.len());
        of_reps.chain(of_stops).max().unwrap_or(0)
    }

    fn check_sizes(&self) -> Result<(), ProblemError> {
        at_most("reps", self.reps.len(), Self::MAX_REPS)?;
        at_most("stops", self.stops.len(), Self::MAX_STOPS)?;
        at_most("loads", self.loads(), Self::MAX_LOADS)?;
        if self.reps.is_empty() {
            return Err(ProblemError::NoReps);
        }
        let (found, expected) = (self.positions.len(), self.travel.places());
        if found != 0 && found != expected {
            return Err(ProblemError::Positions { found, expected });
        }
        Ok(())
    }

    fn check_place(
        &self,
        what: &'static str,
        index: usize,
        place: usize,
    ) -> Result<(), ProblemError> {
        let places = self.travel.places();
        if place < places {
            return Ok(());
        }
        Err(ProblemError::Place {
            what,
            index,
            place,
            places,
        })
    }

    fn check_rep(&self, index: usize, rep: &RepDay, loads: usize) -> Result<(), ProblemError> {
        for place in rep.start.iter().chain(&rep.end) {
            self.check_place("rep", index, *place)?;
        }
        if rep.shift.from > rep.shift.to {
            return Err(ProblemError::Shift { index });
        }
        at_most("breaks", rep.breaks.len(), Self::MAX_BREAKS)?;
        for pause in &rep.breaks {
            check_break(index, pause)?;
        }
        check_loads("rep", index, rep.capacity.len(), loads)
    }

    fn check_first(
        &self,
        index: usize,
        rep: &RepDay,
        stops: &BTreeMap<&str, usize>,
    ) -> Result<(), ProblemError> {
        for (position, id) in rep.first.iter().enumerate() {
            let known = stops.get(id.as_str()).and_then(|&i| self.stops.get(i));
            let own = known.is_some_and(|stop| suits(rep, stop));
            let again = rep.first.iter().take(position).any(|earlier| earlier == id);
            let elsewhere = self.reps.iter().take(index).any(|r| r.first.contains(id));
            if !own || again || elsewhere {
                return Err(ProblemError::First { index, position });
            }
        }
        Ok(())
    }

    pub(crate) fn check_stop(
        &self,
        index: usize,
        stop: &Stop,
        loads: usize,
    ) -> Result<(), ProblemError> {
        self.check_place("stop", index, stop.place)?;
        check_windows("stop", index, &stop.windows)?;
        within("service_s", index, stop.service_s, Self::MAX_DURATION_S)?;
        within("priority", index, stop.priority, Self::MAX_PRIORITY)?;
        check_loads("stop", index, stop.load.len(), loads)
    }

    fn check_span(&self) -> Result<(), ProblemError> {
        let from = self.reps.iter().map(|rep| rep.shift.from).min();
        let to = self.reps.iter().map(|rep| rep.shift.to).max();
        let span = to.zip(from).and_then(|(to, from)| to.checked_sub(from));
        match span {
            Some(span) if span <= Self::MAX_SPAN_S => Ok(()),
            _ => Err(ProblemError::Span {
                most: Self::MAX_SPAN_S,
            }),
        }
    }
}

fn at_most(what: &'static str, count: usize, most: usize) -> Result<(), ProblemError> {
    if count <= most {
        return Ok(());
    }
    Err(ProblemError::TooMany { what, count, most })
}

fn within(what: &'static str, index: usize, value: u32, most: u32) -> Result<(), ProblemError> {
    if value <= most {
        return Ok(());
    }
    Err(ProblemError::TooLarge { what, index, most })
}

fn unique_ids<'a>(
    what: &'static str,
    ids: impl Iterator<Item = &'a str>,
) -> Result<BTreeMap<&'a str, usize>, ProblemError> {
    let mut seen = BTreeMap::new();
    for (index, id) in ids.enumerate() {
        if seen.insert(id, index).is_some() {
            return Err(ProblemError::SameId { what, index });
        }
    }
    Ok(seen)
}

fn check_windows(what: &'static str, index: usize, windows: &[Window]) -> Result<(), ProblemError> {
    let upright = windows.iter().all(|w| w.from <= w.to);
    let ordered = windows
        .iter()
        .zip(windows.iter().skip(1))
        .all(|(a, b)| a.to < b.from);
    if upright && ordered {
        return Ok(());
    }
    Err(ProblemError::Windows { what, index })
}

fn check_break(index: usize, pause: &Break) -> Result<(), ProblemError> {
    if pause.windows.is_empty() {
        return Err(ProblemError::Windows {
            what: "breaks of rep",
            index,
        });
    }
    check_windows("breaks of rep", index, &pause.windows)?;
    within(
        "duration_s",
        index,
        pause.duration_s,
        Problem::MAX_DURATION_S,
    )
}

fn check_loads(
    what: &'static str,
    index: usize,
    found: usize,
    expected: usize,
) -> Result<(), ProblemError> {
    if found == 0 || found == expected {
        return Ok(());
    }
    Err(ProblemError::Loads {
        what,
        index,
        found,
        expected,
    })
}
