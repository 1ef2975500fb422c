//! How early each point of a day in a fixed order can be reached and how late it may be, so that
//! whether something fits in between is known without driving the rest of the day.

use crate::instance::{FOREVER, Instance, Openings, Rep};

/// A moment for each number of pauses taken.
type Moments = [i64; crate::Problem::MAX_BREAKS + 1];

/// After all time: a number of pauses that cannot be had.
const NEVER: i64 = FOREVER;
/// Before all time: a number of pauses with which nothing holds.
const TOO_LATE: i64 = -FOREVER;

/// Earliest and latest moments along one rep's day.
#[derive(Debug, Clone)]
pub(crate) struct Timeline<'a> {
    instance: &'a Instance,
    rep: &'a Rep,
    /// Start, stops, end.
    nodes: Vec<usize>,
    /// Earliest moments to leave each node but the end, pauses there behind.
    leave: Vec<Moments>,
    /// Latest arrivals at each node but the start, pauses there still to come.
    arrive: Vec<Moments>,
}

impl<'a> Timeline<'a> {
    /// A day with the given stops in the given order, which must fit. O(stops) times the square
    /// of the pauses.
    pub(crate) fn new(instance: &'a Instance, rep: &'a Rep, stops: &[usize]) -> Self {
        let ends = std::iter::once(rep.start);
        let nodes: Vec<usize> = ends.chain(stops.iter().copied()).chain([rep.end]).collect();
        let mut line = Self {
            instance,
            rep,
            leave: Vec::with_capacity(nodes.len()),
            arrive: Vec::with_capacity(nodes.len()),
            nodes,
        };
        line.look_ahead();
        line.look_back();
        line
    }

    /// Number of stops.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len().saturating_sub(2)
    }

    pub(crate) fn node(&self, at: usize) -> usize {
        self.nodes.get(at).copied().unwrap_or(self.rep.end)
    }

    /// Stops between two positions, both included.
    pub(crate) fn stops(&self, from: usize, to: usize) -> &[usize] {
        self.nodes.get(from..to + 1).unwrap_or(&[])
    }

    fn look_ahead(&mut self) {
        let mut here = [NEVER; crate::Problem::MAX_BREAKS + 1];
        here[0] = self.rep.from;
        self.rest(&mut here);
        self.leave.push(here);
        for pair in 1..self.nodes.len().saturating_sub(1) {
            let (from, stop) = (self.node(pair - 1), self.node(pair));
            here = self.visit(&here, from, stop, self.openings(stop));
            self.leave.push(here);
        }
    }

    fn look_back(&mut self) {
        let mut arrive = self.latest_end();
        let mut all = vec![arrive];
        for at in (1..self.nodes.len().saturating_sub(1)).rev() {
            let leave = self.latest_leave(self.node(at), self.node(at + 1), &arrive);
            arrive = self.latest_arrival(self.node(at), &leave);
            all.push(arrive);
        }
        all.push([TOO_LATE; crate::Problem::MAX_BREAKS + 1]);
        all.reverse();
        self.arrive = all;
    }

    fn openings(&self, stop: usize) -> Option<&'a Openings> {
        self.instance.stops.get(stop).map(|node| &node.openings)
    }

    fn pauses(&self) -> usize {
        self.rep.pauses.len()
    }

    /// Adds the moments after pauses taken here.
    fn rest(&self, moments: &mut Moments) {
        for taken in 0..self.pauses() {
            let at = moment(moments, taken);
            if at == NEVER {
                continue;
            }
            if let Some((_, end)) = self.rep.pause(taken as u8, at) {
                lower(moments, taken + 1, end);
            }
        }
    }

    /// Earliest moments to leave a stop that is reached from another node.
    fn visit(&self, leave: &Moments, from: usize, stop: usize, open: Option<&Openings>) -> Moments {
        let mut here = self.drive(leave, from, stop);
        self.rest(&mut here);
        let service = self.instance.stops.get(stop).map_or(0, |node| node.service);
        for (taken, at) in here.iter_mut().enumerate() {
            let start = open
                .and_then(|open| open.start(*at))
                .filter(|_| *at != NEVER);
            let end = start.map(|start| start + service);
            *at = end
                .filter(|&end| !self.rep.missed(taken as u8, end))
                .unwrap_or(NEVER);
        }
        self.rest(&mut here);
        here
    }

    fn drive(&self, leave: &Moments, from: usize, to: usize) -> Moments {
        let seconds = i64::from(self.instance.leg(from, to).seconds);
        leave.map(|at| match at {
            NEVER => NEVER,
            at => self.instance.clock.arrival(at, seconds),
        })
    }

    fn latest_end(&self) -> Moments {
        let mut latest = [TOO_LATE; crate::Problem::MAX_BREAKS + 1];
        for (taken, at) in latest.iter_mut().enumerate().take(self.pauses() + 1) {
            let pause = self.rep.pauses.get(taken);
            *at = pause.map_or(self.rep.to, |pause| pause.latest.min(self.rep.to));
        }
        latest
    }

    /// Latest moments to be free at a node from which another must be reached by `arrive`.
    fn latest_leave(&self, from: usize, to: usize, arrive: &Moments) -> Moments {
        let seconds = i64::from(self.instance.leg(from, to).seconds);
        let mut latest = arrive.map(|at| match at {
            TOO_LATE => TOO_LATE,
            at => self.instance.clock.departure(at, seconds),
        });
        self.rest_before(&mut latest);
        latest
    }

    /// Latest arrivals at a stop that must be left by `leave`.
    fn latest_arrival(&self, stop: usize, leave: &Moments) -> Moments {
        let service = self.instance.stops.get(stop).map_or(0, |node| node.service);
        let mut latest = leave.map(|at| {
            let start = self
                .openings(stop)
                .and_then(|open| open.last_start(at - service));
            start.filter(|_| at != TOO_LATE).unwrap_or(TOO_LATE)
        });
        self.rest_before(&mut latest);
        latest
    }

    /// Allows pauses to be taken here.
    fn rest_before(&self, latest: &mut Moments) {
        for taken in (0..self.pauses()).rev() {
            let (Some(pause), after) = (self.rep.pauses.get(taken), moment(latest, taken + 1))
            else {
                continue;
            };
            let start = pause.openings.last_start(after - pause.duration);
            if let (Some(start), Some(known)) = (start, latest.get_mut(taken))
                && after != TOO_LATE
            {
                *known = (*known).max(start);
            }
        }
    }

    fn leaves(&self, at: usize) -> Moments {
        let never = [NEVER; crate::Problem::MAX_BREAKS + 1];
        self.leave.get(at).copied().unwrap_or(never)
    }

    fn arrivals(&self, at: usize) -> Moments {
        let late = [TOO_LATE; crate::Problem::MAX_BREAKS + 1];
        self.arrive.get(at).copied().unwrap_or(late)
    }

    /// Whether a stop fits between two positions, what is between them left out.
    #[inline]
    pub(crate) fn fits(&self, stop: usize, after: usize, before: usize) -> bool {
        if self.pauses() == 0 {
            return self.fits_without_pauses(stop, after, before);
        }
        let leave = self.visit(
            &self.leaves(after),
            self.node(after),
            stop,
            self.openings(stop),
        );
        self.in_time(&leave, stop, before)
    }

    #[inline]
    fn fits_without_pauses(&self, stop: usize, after: usize, before: usize) -> bool {
        let (Some(leave), Some(latest)) = (self.leave.get(after), self.arrive.get(before)) else {
            return false;
        };
        let Some(node) = self.instance.stops.get(stop) else {
            return false;
        };
        let seconds = |from, to| i64::from(self.instance.leg(from, to).seconds);
        let clock = &self.instance.clock;
        let arrival = clock.arrival(leave[0], seconds(self.node(after), stop));
        let Some(start) = node.openings.start(arrival) else {
            return false;
        };
        let onward = seconds(stop, self.node(before));
        clock.arrival(start + node.service, onward) <= latest[0]
    }

    fn in_time(&self, leave: &Moments, stop: usize, before: usize) -> bool {
        let reached = self.drive(leave, stop, self.node(before));
        let latest = self.arrivals(before);
        reached
            .iter()
            .zip(&latest)
            .any(|(at, latest)| *at != NEVER && at <= latest)
    }

    /// The earliest arrival at a stop behind a position; none if it cannot be reached at all.
    pub(crate) fn earliest(&self, stop: usize, after: usize) -> Option<i64> {
        let here = self.drive(&self.leaves(after), self.node(after), stop);
        here.into_iter().min().filter(|&at| at != NEVER)
    }

    /// The spans of starts with which a visit between two positions would hold, windows of the
    /// stop itself aside: one for each number of pauses before the visit.
    pub(crate) fn starts(
        &self,
        stop: usize,
        after: usize,
        before: usize,
    ) -> impl Iterator<Item = (i64, i64)> + use<> {
        let mut here = self.drive(&self.leaves(after), self.node(after), stop);
        self.rest(&mut here);
        let leave = self.latest_leave(stop, self.node(before), &self.arrivals(before));
        let service = self.instance.stops.get(stop).map_or(0, |node| node.service);
        let spans = here
            .into_iter()
            .zip(leave)
            .map(move |(at, leave)| (at, leave - service));
        spans.filter(|(from, to)| from <= to)
    }

    /// When the day would be over with a stop between two positions and no end to the shift; none
    /// if a window or pause would be missed.
    pub(crate) fn finish_with(&self, stop: usize, after: usize, before: usize) -> Option<i64> {
        let first = self.node(after);
        let mut leave = self.visit(&self.leaves(after), first, stop, self.openings(stop));
        let mut from = stop;
        for &next in self.stops(before, self.len()) {
            leave = self.visit(&leave, from, next, self.openings(next));
            from = next;
        }
        let ends = self.drive(&leave, from, self.rep.end);
        let kept = ends
            .iter()
            .enumerate()
            .filter(|(taken, at)| **at != NEVER && !self.rep.missed(*taken as u8, **at));
        kept.map(|(_, at)| *at).min()
    }
}

#[inline]
fn moment(moments: &Moments, taken: usize) -> i64 {
    moments.get(taken).copied().unwrap_or(NEVER)
}

fn lower(moments: &mut Moments, taken: usize, at: i64) {
    if let Some(known) = moments.get_mut(taken) {
        *known = (*known).min(at);
    }
}
