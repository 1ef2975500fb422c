//! How early each point of a day in a fixed order can be reached and how late it may be, so that
//! whether something fits in between is known without driving the rest of the day.

use crate::instance::{FOREVER, Instance, NEVER_S, Node, Rep};
use crate::{Problem, Travel};

/// A moment for each number of pauses taken.
type Moments = [i64; Problem::MAX_BREAKS + 1];

/// After all time: a number of pauses that cannot be had.
const NEVER: i64 = FOREVER;
/// Before all time: a number of pauses with which nothing holds.
const TOO_LATE: i64 = -FOREVER;

/// Earliest and latest moments along one rep's day.
#[derive(Debug, Clone)]
pub(crate) struct Timeline<'a> {
    instance: &'a Instance,
    rep: &'a Rep,
    travel: &'a Travel,
    /// Start, stops, end.
    nodes: Vec<usize>,
    places: Vec<Option<usize>>,
    /// Earliest moments to leave each node but the end, pauses there behind.
    leave: Vec<Moments>,
    /// Latest arrivals at each node but the start, pauses there still to come.
    arrive: Vec<Moments>,
}

impl<'a> Timeline<'a> {
    /// A day with the given stops in the given order, which must fit. O(stops) times the square
    /// of the pauses.
    pub(crate) fn new(
        problem: &'a Problem,
        instance: &'a Instance,
        rep: &'a Rep,
        stops: &[usize],
    ) -> Self {
        let given = problem.reps.get(rep.index);
        let start = std::iter::once((rep.start, given.and_then(|rep| rep.start)));
        let visits = stops.iter().map(|&stop| {
            let node = instance.stops.get(stop);
            (stop, node.map(|node| node.place))
        });
        let end = std::iter::once((rep.end, given.and_then(|rep| rep.end)));
        let (nodes, places): (Vec<_>, Vec<_>) = start.chain(visits).chain(end).unzip();
        let mut line = Self {
            instance,
            rep,
            travel: &problem.travel,
            leave: Vec::with_capacity(nodes.len()),
            arrive: Vec::with_capacity(nodes.len()),
            nodes,
            places,
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

    fn place(&self, at: usize) -> Option<usize> {
        self.places.get(at).copied().flatten()
    }

    /// Seconds of the leg between two places, without traffic.
    #[inline]
    fn seconds(&self, from: Option<usize>, to: Option<usize>) -> i64 {
        match from.zip(to) {
            Some((from, to)) => {
                let way = self.travel.seconds(from, to);
                way.map_or(i64::from(NEVER_S), i64::from)
            }
            None => 0,
        }
    }

    /// Seconds and metres a visit between two positions adds to the day, without traffic.
    #[inline]
    pub(crate) fn detour(&self, guest: &Node, after: usize, before: usize) -> (i64, i64) {
        let (from, by, to) = (self.place(after), Some(guest.place), self.place(before));
        let direct = self.len() > 0;
        let metres = |a: Option<usize>, b: Option<usize>| {
            let way = a.zip(b).and_then(|(a, b)| self.travel.metres(a, b));
            i64::from(way.unwrap_or(0))
        };
        let saved = if direct {
            (self.seconds(from, to), metres(from, to))
        } else {
            (0, 0)
        };
        (
            self.seconds(from, by) + self.seconds(by, to) - saved.0,
            metres(from, by) + metres(by, to) - saved.1,
        )
    }

    /// Stops between two positions, both included.
    pub(crate) fn stops(&self, from: usize, to: usize) -> &[usize] {
        self.nodes.get(from..to + 1).unwrap_or(&[])
    }

    fn look_ahead(&mut self) {
        let mut here = [NEVER; Problem::MAX_BREAKS + 1];
        here[0] = self.rep.from;
        self.rest(&mut here);
        self.leave.push(here);
        for at in 1..=self.len() {
            if let Some(node) = self.instance.stops.get(self.node(at)) {
                here = self.visit(&here, self.place(at - 1), node);
            }
            self.leave.push(here);
        }
    }

    fn look_back(&mut self) {
        let mut arrive = self.latest_end();
        let mut all = vec![arrive];
        for at in (1..=self.len()).rev() {
            let leave = self.latest_leave(self.place(at), self.place(at + 1), &arrive);
            if let Some(node) = self.instance.stops.get(self.node(at)) {
                arrive = self.latest_arrival(node, &leave);
            }
            all.push(arrive);
        }
        all.push([TOO_LATE; Problem::MAX_BREAKS + 1]);
        all.reverse();
        self.arrive = all;
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

    /// Earliest moments to leave a stop that is reached from a place.
    fn visit(&self, leave: &Moments, from: Option<usize>, stop: &Node) -> Moments {
        let mut here = self.drive(leave, from, Some(stop.place));
        self.rest(&mut here);
        for (taken, at) in here.iter_mut().enumerate() {
            let start = stop.openings.start(*at).filter(|_| *at != NEVER);
            let end = start.map(|start| start + stop.service);
            *at = end
                .filter(|&end| !self.rep.missed(taken as u8, end))
                .unwrap_or(NEVER);
        }
        self.rest(&mut here);
        here
    }

    fn drive(&self, leave: &Moments, from: Option<usize>, to: Option<usize>) -> Moments {
        let seconds = self.seconds(from, to);
        leave.map(|at| match at {
            NEVER => NEVER,
            at => self.instance.clock.arrival(at, seconds),
        })
    }

    fn latest_end(&self) -> Moments {
        let mut latest = [TOO_LATE; Problem::MAX_BREAKS + 1];
        for (taken, at) in latest.iter_mut().enumerate().take(self.pauses() + 1) {
            let pause = self.rep.pauses.get(taken);
            *at = pause.map_or(self.rep.to, |pause| pause.latest.min(self.rep.to));
        }
        latest
    }

    /// Latest moments to be free at a place from which another must be reached by `arrive`.
    fn latest_leave(&self, from: Option<usize>, to: Option<usize>, arrive: &Moments) -> Moments {
        let seconds = self.seconds(from, to);
        let mut latest = arrive.map(|at| match at {
            TOO_LATE => TOO_LATE,
            at => self.instance.clock.departure(at, seconds),
        });
        self.rest_before(&mut latest);
        latest
    }

    /// Latest arrivals at a stop that must be left by `leave`.
    fn latest_arrival(&self, stop: &Node, leave: &Moments) -> Moments {
        let mut latest = leave.map(|at| {
            let start = stop.openings.last_start(at - stop.service);
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
        let never = [NEVER; Problem::MAX_BREAKS + 1];
        self.leave.get(at).copied().unwrap_or(never)
    }

    fn arrivals(&self, at: usize) -> Moments {
        let late = [TOO_LATE; Problem::MAX_BREAKS + 1];
        self.arrive.get(at).copied().unwrap_or(late)
    }

    /// Whether a visit fits between two positions, what is between them left out.
    #[inline]
    pub(crate) fn fits(&self, guest: &Node, after: usize, before: usize) -> bool {
        if self.pauses() == 0 {
            return self.fits_without_pauses(guest, after, before);
        }
        let leave = self.visit(&self.leaves(after), self.place(after), guest);
        let reached = self.drive(&leave, Some(guest.place), self.place(before));
        let latest = self.arrivals(before);
        let mut pairs = reached.iter().zip(&latest);
        pairs.any(|(at, latest)| *at != NEVER && at <= latest)
    }

    #[inline]
    fn fits_without_pauses(&self, guest: &Node, after: usize, before: usize) -> bool {
        let (Some(leave), Some(latest)) = (self.leave.get(after), self.arrive.get(before)) else {
            return false;
        };
        let (clock, by) = (&self.instance.clock, Some(guest.place));
        let arrival = clock.arrival(leave[0], self.seconds(self.place(after), by));
        let Some(start) = guest.openings.start(arrival) else {
            return false;
        };
        let onward = self.seconds(by, self.place(before));
        clock.arrival(start + guest.service, onward) <= latest[0]
    }

    /// The earliest arrival at a stop behind a position; none if it cannot be reached at all.
    pub(crate) fn earliest(&self, guest: &Node, after: usize) -> Option<i64> {
        let here = self.drive(&self.leaves(after), self.place(after), Some(guest.place));
        here.into_iter().min().filter(|&at| at != NEVER)
    }

    /// The spans of starts with which a visit between two positions would hold, windows of the
    /// stop itself aside: one for each number of pauses before the visit.
    pub(crate) fn starts(
        &self,
        guest: &Node,
        after: usize,
        before: usize,
    ) -> impl Iterator<Item = (i64, i64)> + use<> {
        let by = Some(guest.place);
        let mut here = self.drive(&self.leaves(after), self.place(after), by);
        self.rest(&mut here);
        let leave = self.latest_leave(by, self.place(before), &self.arrivals(before));
        let service = guest.service;
        let spans = here.into_iter().zip(leave);
        let spans = spans.map(move |(at, leave)| (at, leave - service));
        spans.filter(|(from, to)| from <= to)
    }

    /// When the day would be over with a visit between two positions and no end to the shift; none
    /// if a window or pause would be missed.
    pub(crate) fn finish_with(&self, guest: &Node, after: usize, before: usize) -> Option<i64> {
        let mut leave = self.visit(&self.leaves(after), self.place(after), guest);
        let mut from = Some(guest.place);
        for at in before..=self.len() {
            let next = self.instance.stops.get(self.node(at))?;
            leave = self.visit(&leave, from, next);
            from = Some(next.place);
        }
        self.finish(&leave, from)
    }

    /// When the day is over; none if a pause is missed.
    pub(crate) fn finish_now(&self) -> Option<i64> {
        let last = self.len();
        if last == 0 {
            return Some(self.rep.from);
        }
        self.finish(&self.leaves(last), self.place(last))
    }

    fn finish(&self, leave: &Moments, from: Option<usize>) -> Option<i64> {
        let ends = self.drive(leave, from, self.place(self.len() + 1));
        let kept = ends.iter().enumerate();
        let kept = kept.filter(|(taken, at)| **at != NEVER && !self.rep.missed(*taken as u8, **at));
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
