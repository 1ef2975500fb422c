//! Turns orders of stops into days with times.

use crate::instance::{Instance, Openings, Rep};
use crate::walk::{Walker, course};
use crate::{Activity, DayPlan, Problem, Step, Totals};

/// The day of one rep with the given stops in the given order; none if it does not fit.
pub(crate) fn day_plan(
    problem: &Problem,
    instance: &Instance,
    rep: &Rep,
    stops: &[usize],
) -> Option<DayPlan> {
    let course = course(Walker::new(instance, rep), stops)?;
    let mut day = Day::new(problem, instance, rep);
    for (&stop, &(before, after)) in stops.iter().zip(&course.pauses) {
        day.go(stop, before, after)?;
    }
    if !stops.is_empty() {
        day.end(course.last)?;
        day.give_slack();
    }
    Some(day.finish())
}

/// The stops of a day as indices of the problem; none if one is unknown.
pub(crate) fn order_of(problem: &Problem, day: &DayPlan) -> Option<Vec<usize>> {
    let index = |id: &str| problem.stops.iter().position(|stop| stop.id == id);
    day.stops().map(index).collect()
}

/// What a step does, as the instance knows it.
#[derive(Debug, Clone, Copy)]
enum Does {
    Visit(usize),
    Pause(usize),
}

/// A leg from one node to another.
#[derive(Debug, Clone, Copy, Default)]
struct Travelled {
    nodes: Option<(usize, usize)>,
    seconds: i64,
    metres: i64,
}

#[derive(Debug)]
struct Entry {
    does: Does,
    leg: Travelled,
    place: Option<usize>,
    arrival: i64,
    start: i64,
    end: i64,
    slack: i64,
}

/// A day being written, times counted from the instance's zero.
struct Day<'a> {
    problem: &'a Problem,
    instance: &'a Instance,
    rep: &'a Rep,
    node: usize,
    time: i64,
    taken: usize,
    departure: i64,
    entries: Vec<Entry>,
    last: Travelled,
}

impl<'a> Day<'a> {
    fn new(problem: &'a Problem, instance: &'a Instance, rep: &'a Rep) -> Self {
        Self {
            problem,
            instance,
            rep,
            node: rep.start,
            time: rep.from,
            taken: 0,
            departure: rep.from,
            entries: Vec::new(),
            last: Travelled::default(),
        }
    }

    fn place(&self, node: usize) -> Option<usize> {
        if let Some(stop) = self.instance.stops.get(node) {
            return Some(stop.place);
        }
        let given = self.problem.reps.get(self.rep.index)?;
        if node == self.rep.start {
            given.start
        } else {
            given.end
        }
    }

    fn seconds(&self, to: usize) -> i64 {
        i64::from(self.instance.leg(self.node, to).seconds)
    }

    fn travelled(&self, to: usize, seconds: i64) -> Travelled {
        let ends = self.place(self.node).zip(self.place(to));
        let metres = ends.and_then(|(from, to)| self.problem.travel.metres(from, to));
        Travelled {
            nodes: Some((self.node, to)),
            seconds,
            metres: i64::from(metres.unwrap_or(0)),
        }
    }

    /// Pauses before leaving, the leg, pauses on arrival, the visit.
    fn go(&mut self, stop: usize, before: u8, after: u8) -> Option<()> {
        self.pauses(before, Travelled::default())?;
        let leaves = self.leaves(stop, after)?;
        let arrival = self.instance.clock.arrival(leaves, self.seconds(stop));
        let mut leg = self.travelled(stop, arrival - leaves);
        (self.node, self.time) = (stop, arrival);
        if after > 0 {
            self.pauses(after, leg)?;
            leg = Travelled::default();
        }
        let node = self.instance.stops.get(stop)?;
        let start = node.openings.start(self.time)?;
        self.push(Does::Visit(stop), leg, start, start + node.service);
        Some(())
    }

    /// When the leg to a stop starts: now, or for the first leg as late as what comes first on
    /// arrival allows.
    fn leaves(&mut self, stop: usize, after: u8) -> Option<i64> {
        if self.node != self.rep.start {
            return Some(self.time);
        }
        let seconds = self.seconds(stop);
        let arrival = self.instance.clock.arrival(self.time, seconds);
        let meets = if after > 0 {
            self.rep.pause(self.taken as u8, arrival)?.0
        } else {
            self.instance.stops.get(stop)?.openings.start(arrival)?
        };
        self.departure = Walker::new(self.instance, self.rep).leaves(self.time, meets, seconds);
        Some(self.departure)
    }

    fn pauses(&mut self, count: u8, mut leg: Travelled) -> Option<()> {
        for _ in 0..count {
            let (start, end) = self.rep.pause(self.taken as u8, self.time)?;
            self.push(Does::Pause(self.taken), leg, start, end);
            self.taken += 1;
            leg = Travelled::default();
        }
        Some(())
    }

    fn push(&mut self, does: Does, leg: Travelled, start: i64, end: i64) {
        self.entries.push(Entry {
            does,
            leg,
            place: self.place(self.node),
            arrival: self.time,
            start,
            end,
            slack: 0,
        });
        self.time = end;
    }

    fn end(&mut self, pauses: u8) -> Option<()> {
        self.pauses(pauses, Travelled::default())?;
        let arrival = self
            .instance
            .clock
            .arrival(self.time, self.seconds(self.rep.end));
        self.last = self.travelled(self.rep.end, arrival - self.time);
        self.time = arrival;
        Some(())
    }

    /// Walks back from the latest end to the latest arrival at each step.
    fn give_slack(&mut self) {
        let untaken = self.rep.pauses.get(self.taken);
        let mut latest = untaken.map_or(self.rep.to, |pause| pause.latest.min(self.rep.to));
        let mut next = self.last;
        let (instance, rep) = (self.instance, self.rep);
        for entry in self.entries.iter_mut().rev() {
            if let Some((from, to)) = next.nodes {
                let seconds = i64::from(instance.leg(from, to).seconds);
                latest = instance.clock.departure(latest, seconds);
            }
            let last = openings(instance, rep, entry.does)
                .and_then(|open| open.last_start(latest - (entry.end - entry.start)));
            latest = last.unwrap_or(entry.start);
            entry.slack = latest - entry.arrival;
            next = entry.leg;
        }
    }

    fn finish(self) -> DayPlan {
        let base = self.instance.base;
        let given = self.problem.reps.get(self.rep.index);
        DayPlan {
            rep: given.map(|rep| rep.id.clone()).unwrap_or_default(),
            departure: self.departure + base,
            steps: self.entries.iter().filter_map(|e| self.step(e)).collect(),
            arrival: self.time + base,
            travel_s: self.last.seconds,
            metres: self.last.metres,
            totals: self.totals(),
        }
    }

    fn step(&self, entry: &Entry) -> Option<Step> {
        let base = self.instance.base;
        let what = match entry.does {
            Does::Visit(stop) => Activity::Visit {
                stop: self.problem.stops.get(stop)?.id.clone(),
            },
            Does::Pause(pause) => Activity::Break {
                index: self.rep.pauses.get(pause)?.index,
            },
        };
        Some(Step {
            what,
            place: entry.place,
            travel_s: entry.leg.seconds,
            metres: entry.leg.metres,
            arrival: entry.arrival + base,
            wait_s: entry.start - entry.arrival,
            start: entry.start + base,
            departure: entry.end + base,
            slack_s: entry.slack,
        })
    }

    fn totals(&self) -> Totals {
        let mut totals = Totals {
            driving_s: self.last.seconds,
            metres: self.last.metres,
            ..Totals::default()
        };
        for entry in &self.entries {
            totals.driving_s += entry.leg.seconds;
            totals.metres += entry.leg.metres;
            totals.waiting_s += entry.start - entry.arrival;
            let lasts = entry.end - entry.start;
            match entry.does {
                Does::Pause(_) => totals.break_s += lasts,
                Does::Visit(stop) => {
                    totals.service_s += lasts;
                    totals.visits += 1;
                    if let Some(stop) = self.problem.stops.get(stop) {
                        totals.mandatory += i64::from(stop.mandatory);
                        totals.priority += i64::from(stop.priority);
                    }
                }
            }
        }
        totals
    }
}

fn openings<'a>(instance: &'a Instance, rep: &'a Rep, does: Does) -> Option<&'a Openings> {
    match does {
        Does::Visit(stop) => instance.stops.get(stop).map(|stop| &stop.openings),
        Does::Pause(pause) => rep.pauses.get(pause).map(|pause| &pause.openings),
    }
}
