//! Why stops are in no day, and what would make them fit.

use crate::exchange::{Exchange, cheapest_exchange};
use crate::instance::{Instance, NEVER_S, Node, carries, suits};
use crate::timeline::Timeline;
use crate::{LeftOut, Objective, Problem, Reason, Remedy, RepDay, Stop};

/// Explains every stop that is in none of the orders.
///
/// O(stops left out × reps × the square of the stops in a day).
pub(crate) fn left_out(
    problem: &Problem,
    instance: &Instance,
    orders: &[Vec<usize>],
) -> Vec<LeftOut> {
    let lines: Vec<Timeline<'_>> = (instance.reps.iter().zip(orders))
        .map(|(rep, stops)| Timeline::new(problem, instance, rep, stops))
        .collect();
    let mut planned = vec![false; instance.stops.len()];
    for &stop in orders.iter().flatten() {
        if let Some(flag) = planned.get_mut(stop) {
            *flag = true;
        }
    }
    let stops = problem.stops.iter().zip(&instance.stops).enumerate();
    let absent = stops.filter(|(stop, _)| planned.get(*stop) == Some(&false));
    let cases = absent.map(|(index, (given, node))| Case {
        problem,
        instance,
        lines: &lines,
        index,
        given,
        node,
    });
    cases.map(|case| case.explain()).collect()
}

/// One stop that is in no day.
struct Case<'a> {
    problem: &'a Problem,
    instance: &'a Instance,
    lines: &'a [Timeline<'a>],
    index: usize,
    given: &'a Stop,
    node: &'a Node,
}

/// A rep whose day is looked at.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    index: usize,
    given: &'a RepDay,
    line: &'a Timeline<'a>,
    /// Stops at the front that stay.
    pinned: usize,
}

impl Candidate<'_> {
    /// Every gap between neighbours where something may be put in.
    fn gaps(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        (self.pinned..=self.line.len()).map(|at| (at, at + 1))
    }
}

impl<'a> Case<'a> {
    fn explain(&self) -> LeftOut {
        let suited: Vec<Candidate<'a>> = self.candidates(|rep| suits(rep, self.given));
        let able: Vec<Candidate<'a>> = suited
            .iter()
            .copied()
            .filter(|c| carries(c.given, self.given))
            .collect();
        let (reason, remedies) = if suited.is_empty() {
            (Reason::Skills, self.skills())
        } else if able.is_empty() {
            (
                Reason::Capacity,
                self.capacity(&suited).into_iter().collect(),
            )
        } else {
            self.among(&able)
        };
        LeftOut {
            stop: self.given.id.clone(),
            reason,
            remedies,
        }
    }

    fn candidates(&self, keep: impl Fn(&RepDay) -> bool) -> Vec<Candidate<'a>> {
        let reps = self.problem.reps.iter().zip(self.lines).enumerate();
        let kept = reps.filter(|(_, (given, _))| keep(given));
        kept.map(|(index, (given, line))| Candidate {
            index,
            given,
            line,
            pinned: given.first.len(),
        })
        .collect()
    }

    fn among(&self, able: &[Candidate<'a>]) -> (Reason, Vec<Remedy>) {
        if let Some(detour_s) = self.detour(able) {
            return (Reason::DetourTooLong { detour_s }, self.priority(detour_s));
        }
        let exchange = able.iter().filter_map(|c| self.exchange(c)).min();
        let reason = match &exchange {
            Some(exchange) => Reason::LowerPriority {
                displaces: self.displaced(exchange),
            },
            None => self.alone(able),
        };
        let mut remedies = self.windows(able);
        remedies.extend(self.longer_shift(able));
        remedies.extend(exchange.map(|exchange| self.instead_of(&exchange)));
        remedies.extend(self.capacity(able));
        (reason, remedies)
    }

    /// The least detour with which the stop fits as things are.
    fn detour(&self, able: &[Candidate<'a>]) -> Option<i64> {
        let fitting = able.iter().filter(|c| self.has_room(c)).flat_map(|c| {
            let gaps = c.gaps().filter(|(a, b)| c.line.fits(self.node, *a, *b));
            gaps.map(|(after, before)| c.line.detour(self.node, after, before).0)
        });
        fitting.min()
    }

    fn priority(&self, detour_s: i64) -> Vec<Remedy> {
        let priority = match self.problem.objective {
            Objective::LeastDriving {
                seconds_per_priority: 0,
            } => return Vec::new(),
            Objective::LeastDriving {
                seconds_per_priority,
            } => detour_s.max(0) as u64 / u64::from(seconds_per_priority) + 1,
            Objective::MostPriority | Objective::FinishEarly => 1,
        };
        vec![Remedy::MorePriority { priority }]
    }

    /// By how much the stop's loads would exceed a rep's capacities: dimension and amount.
    fn overload(&self, candidate: &Candidate<'_>, stops: &[usize]) -> Vec<(usize, i64)> {
        let capacity = self.instance.reps.get(candidate.index);
        let capacity = capacity.map_or(&[][..], |rep| &rep.capacity);
        let with = || stops.iter().copied().chain([self.index]);
        let over = |(load, most): (usize, &i64)| {
            let demand = with().filter_map(|s| self.instance.demand(s).get(load));
            let over = demand.sum::<i64>() - most;
            (over > 0).then_some((load, over))
        };
        capacity.iter().enumerate().filter_map(over).collect()
    }

    fn has_room(&self, candidate: &Candidate<'_>) -> bool {
        let line = candidate.line;
        self.overload(candidate, line.stops(1, line.len()))
            .is_empty()
    }

    /// The least valuable stops in a row of a day whose place would do.
    fn exchange(&self, candidate: &Candidate<'_>) -> Option<Exchange> {
        let rep = self.instance.reps.get(candidate.index)?;
        cheapest_exchange(self.instance, rep, candidate.line, self.index)
    }

    fn displaced(&self, exchange: &Exchange) -> Vec<String> {
        let line = self.lines.get(exchange.rep);
        let stops = line.map_or(&[][..], |line| {
            line.stops(exchange.after + 1, exchange.after + exchange.count)
        });
        let ids = stops
            .iter()
            .filter_map(|&stop| self.problem.stops.get(stop));
        ids.map(|stop| stop.id.clone()).collect()
    }

    fn instead_of(&self, exchange: &Exchange) -> Remedy {
        let rep = self.problem.reps.get(exchange.rep);
        Remedy::InsteadOf {
            rep: rep.map(|rep| rep.id.clone()).unwrap_or_default(),
            stops: self.displaced(exchange),
        }
    }

    /// Why the stop does not fit even where all stops that may go have gone.
    fn alone(&self, able: &[Candidate<'_>]) -> Reason {
        let no_way = |c: &Candidate<'_>| {
            let Some(rep) = self.instance.reps.get(c.index) else {
                return true;
            };
            let there = self.instance.leg(c.line.node(c.pinned), self.index).seconds;
            let back = self.instance.leg(self.index, rep.end).seconds;
            there >= NEVER_S || back >= NEVER_S
        };
        if able.iter().all(no_way) {
            return Reason::Unreachable;
        }
        let in_a_window = |c: &Candidate<'_>| {
            let end = c.line.len() + 1;
            let to = self.instance.reps.get(c.index).map_or(0, |rep| rep.to);
            let early = c.line.earliest(self.node, c.pinned);
            let start = early.and_then(|at| self.node.openings.start(at));
            start.is_some_and(|start| start <= to)
                && c.line.finish_with(self.node, c.pinned, end).is_some()
        };
        if able.iter().any(in_a_window) {
            Reason::ShiftEnds
        } else {
            Reason::NoWindowFits
        }
    }

    /// The smallest changes of the stop's windows that would do.
    fn windows(&self, able: &[Candidate<'a>]) -> Vec<Remedy> {
        let base = self.instance.base;
        let mut until: Option<(i64, i64, usize)> = None;
        let mut from: Option<(i64, i64, usize)> = None;
        for candidate in able.iter().filter(|c| self.has_room(c)) {
            let spans = candidate
                .gaps()
                .flat_map(|(after, before)| candidate.line.starts(self.node, after, before));
            for span in spans {
                let (later, earlier) = self.stretch(span);
                let of = |(by, at)| (by, at, candidate.index);
                until = until.into_iter().chain(later.map(of)).min();
                from = from.into_iter().chain(earlier.map(of)).min();
            }
        }
        let id = |index: usize| self.problem.reps.get(index).map(|rep| rep.id.clone());
        let until = until.and_then(|(_, at, rep)| {
            let (rep, to) = (id(rep)?, at + base);
            Some(Remedy::WindowUntil { rep, to })
        });
        let from = from.and_then(|(_, at, rep)| {
            let (rep, from) = (id(rep)?, at + base);
            Some(Remedy::WindowFrom { rep, from })
        });
        until.into_iter().chain(from).collect()
    }

    /// How much a window must end later or begin earlier to meet a span of starts, and to when.
    fn stretch(&self, (first, last): (i64, i64)) -> (Option<Stretch>, Option<Stretch>) {
        let windows = self.node.openings.windows();
        let later = windows.iter().rev().find(|w| w.to < first);
        let earlier = windows.iter().find(|w| w.from > last);
        (
            later.map(|w| (first - w.to, first)),
            earlier.map(|w| (w.from - last, last)),
        )
    }

    fn longer_shift(&self, able: &[Candidate<'a>]) -> Option<Remedy> {
        let shifts = able.iter().filter(|c| self.has_room(c)).flat_map(|c| {
            let to = self.instance.reps.get(c.index).map_or(0, |rep| rep.to);
            let ends = c
                .gaps()
                .filter_map(|(a, b)| c.line.finish_with(self.node, a, b));
            ends.map(move |end| (end - to, c.index))
        });
        let (seconds, rep) = shifts
            .filter(|(by, _)| (1..MOST_OVERTIME_S).contains(by))
            .min()?;
        let rep = self.problem.reps.get(rep)?.id.clone();
        Some(Remedy::LongerShift { rep, seconds })
    }

    /// More capacity, where the way and the windows leave room and one load alone does not.
    fn capacity(&self, suited: &[Candidate<'a>]) -> Option<Remedy> {
        let short = suited
            .iter()
            .filter(|c| self.fits_somewhere(c))
            .filter_map(|c| {
                let over = self.overload(c, c.line.stops(1, c.line.len()));
                match over.as_slice() {
                    [(load, by)] => Some((*by, c.index, *load)),
                    _ => None,
                }
            });
        let (by, rep, load) = short.min()?;
        let rep = self.problem.reps.get(rep)?.id.clone();
        Some(Remedy::MoreCapacity { rep, load, by })
    }

    fn fits_somewhere(&self, candidate: &Candidate<'_>) -> bool {
        let mut gaps = candidate.gaps();
        gaps.any(|(after, before)| candidate.line.fits(self.node, after, before))
    }

    /// Skills that would let in a rep who has room.
    fn skills(&self) -> Vec<Remedy> {
        let may = |rep: &RepDay| self.given.rep.as_ref().is_none_or(|id| *id == rep.id);
        let roomy = self.candidates(may).into_iter();
        let roomy = roomy.filter(|c| self.has_room(c) && self.fits_somewhere(c));
        let missing = roomy.map(|c| {
            let lacks = |skill: &&String| !c.given.skills.contains(skill);
            let skills = self.given.skills.iter().filter(lacks).cloned();
            skills.collect::<Vec<String>>()
        });
        let fewest = missing.min_by_key(Vec::len);
        fewest
            .map(|missing| Remedy::Skills { missing })
            .into_iter()
            .collect()
    }
}

/// By how much a window is moved, and to where.
type Stretch = (i64, i64);

/// Longer shifts than this are no advice.
const MOST_OVERTIME_S: i64 = 6 * 3_600;
