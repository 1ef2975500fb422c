//! How a day goes, hop by hop: the one place that knows windows, pauses and traffic.

use crate::instance::{Instance, Rep};

/// Where a rep stands after a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Label {
    /// When the rep is free to leave.
    pub(crate) time: i64,
    /// Cost of the legs so far.
    pub(crate) cost: i64,
    /// Pauses taken so far.
    pub(crate) taken: u8,
}

/// A label and how it was reached from the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hop {
    pub(crate) label: Label,
    /// Pauses taken before leaving.
    pub(crate) before: u8,
    /// Pauses taken on arrival, before the visit.
    pub(crate) after: u8,
}

/// Walks one rep through an instance.
///
/// The rules: a rep leaves as soon as possible, except that the first leg starts as late as it
/// can without delaying what comes first on arrival; a visit starts at the first moment a window
/// allows; pauses stand between legs and visits, in their order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Walker<'a> {
    pub(crate) instance: &'a Instance,
    pub(crate) rep: &'a Rep,
}

impl<'a> Walker<'a> {
    pub(crate) const fn new(instance: &'a Instance, rep: &'a Rep) -> Self {
        Self { instance, rep }
    }

    /// At the start place at the beginning of the shift.
    pub(crate) const fn start(&self) -> Label {
        Label {
            time: self.rep.from,
            cost: 0,
            taken: 0,
        }
    }

    /// All ways to go from a node to a stop and visit it, pauses included. Those that take fewer
    /// pauses before leaving come first.
    #[inline]
    pub(crate) fn hops(&self, label: Label, from: usize, stop: usize, mut found: impl FnMut(Hop)) {
        let Some(node) = self.instance.stops.get(stop) else {
            return;
        };
        let leg = self.instance.leg(from, stop);
        let seconds = i64::from(leg.seconds);
        let charge = i64::from(leg.cost) - seconds;
        let (mut ready, mut before) = (label.time, 0);
        loop {
            let arrival = self.instance.clock.arrival(ready, seconds);
            let (mut at, mut after, mut meets) = (arrival, 0, None);
            while let Some(start) = node.openings.start(at) {
                let taken = label.taken + before + after;
                let time = start + node.service;
                if !self.rep.missed(taken, time) {
                    let driven = self.driven(from, ready, arrival, meets.unwrap_or(start), seconds);
                    let cost = label.cost + charge + driven;
                    let label = Label { time, cost, taken };
                    found(Hop {
                        label,
                        before,
                        after,
                    });
                }
                let Some((pause, end)) = self.rep.pause(taken, at) else {
                    break;
                };
                meets = meets.or(Some(pause));
                (at, after) = (end, after + 1);
            }
            match self.rep.pause(label.taken + before, ready) {
                Some((_, end)) => (ready, before) = (end, before + 1),
                None => return,
            }
        }
    }

    /// Seconds on the road for a leg that must be there by `meets`.
    #[inline]
    fn driven(&self, from: usize, ready: i64, arrival: i64, meets: i64, seconds: i64) -> i64 {
        let clock = &self.instance.clock;
        if clock.is_even() {
            return seconds;
        }
        if from != self.rep.start {
            return arrival - ready;
        }
        let leaves = self.leaves(ready, meets, seconds);
        clock.arrival(leaves, seconds) - leaves
    }

    /// When the first leg starts: as late as it can to be there by `meets`.
    pub(crate) fn leaves(&self, ready: i64, meets: i64, seconds: i64) -> i64 {
        self.instance.clock.departure(meets, seconds).max(ready)
    }

    /// All ways to end the day after a node within the shift, with no pause missed.
    #[inline]
    pub(crate) fn ends(&self, label: Label, from: usize, mut found: impl FnMut(Hop)) {
        let leg = self.instance.leg(from, self.rep.end);
        let (mut ready, mut before) = (label.time, 0);
        loop {
            let time = self.instance.clock.arrival(ready, i64::from(leg.seconds));
            let taken = label.taken + before;
            if time > self.rep.to {
                return;
            }
            if !self.rep.missed(taken, time) {
                let cost = label.cost + time - ready;
                found(Hop {
                    label: Label { time, cost, taken },
                    before,
                    after: 0,
                });
            }
            match self.rep.pause(taken, ready) {
                Some((_, end)) => (ready, before) = (end, before + 1),
                None => return,
            }
        }
    }

    /// Whether whatever can follow `b` can follow `a` at no more cost and no later.
    ///
    /// With even traffic that is so if `a` is nowhere worse. With a profile, `a` may drive in
    /// denser traffic than `b`; all it can lose that way is its lead in time, plus what waiting
    /// for later windows adds to it.
    #[inline]
    pub(crate) fn dominates(&self, a: &Label, b: &Label) -> bool {
        if a.time > b.time {
            return false;
        }
        if self.instance.clock.is_even() {
            return a.cost <= b.cost && a.taken >= b.taken;
        }
        let same = a.time == b.time && a.cost <= b.cost;
        let lead = b.time - a.time + self.instance.gaps;
        a.taken == b.taken && (same || a.cost + lead <= b.cost)
    }
}

/// A day in a fixed order at its best: which pauses stand where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Course {
    /// For each stop, pauses before the leg to it and on arrival.
    pub(crate) pauses: Vec<(u8, u8)>,
    /// Pauses before the last leg.
    pub(crate) last: u8,
    /// Cost of the legs.
    pub(crate) legs: i64,
    /// When the day is over.
    pub(crate) finish: i64,
}

/// The best course of a day with the given stops in the given order; none if it does not fit.
///
/// Best is the cheapest, then the earliest. Loads are not looked at. O(stops) without pauses and
/// profile.
pub(crate) fn course(walker: Walker<'_>, stops: &[usize]) -> Option<Course> {
    let mut layers: Vec<Vec<(Hop, usize)>> = Vec::with_capacity(stops.len());
    let mut front = vec![walker.start()];
    let mut from = walker.rep.start;
    for &stop in stops {
        let mut layer: Vec<(Hop, usize)> = Vec::new();
        for (parent, label) in front.iter().enumerate() {
            walker.hops(*label, from, stop, |hop| {
                keep(walker, &mut layer, hop, parent)
            });
        }
        if layer.is_empty() {
            return None;
        }
        front = layer.iter().map(|(hop, _)| hop.label).collect();
        from = stop;
        layers.push(layer);
    }
    finish(walker, stops, &layers, &front, from)
}

fn keep(walker: Walker<'_>, layer: &mut Vec<(Hop, usize)>, hop: Hop, parent: usize) {
    let beaten = |(known, _): &(Hop, usize)| walker.dominates(&known.label, &hop.label);
    if layer.iter().any(beaten) {
        return;
    }
    layer.retain(|(known, _)| !walker.dominates(&hop.label, &known.label));
    layer.push((hop, parent));
}

fn finish(
    walker: Walker<'_>,
    stops: &[usize],
    layers: &[Vec<(Hop, usize)>],
    front: &[Label],
    from: usize,
) -> Option<Course> {
    if stops.is_empty() {
        return Some(Course {
            pauses: Vec::new(),
            last: 0,
            legs: 0,
            finish: walker.rep.from,
        });
    }
    let mut best: Option<(i64, i64, usize, Hop)> = None;
    for (parent, label) in front.iter().enumerate() {
        walker.ends(*label, from, |hop| {
            let end = hop.label;
            let cost = walker.instance.day_cost(walker.rep, end.cost, end.time);
            if best.is_none_or(|(c, t, ..)| (cost, end.time) < (c, t)) {
                best = Some((cost, end.time, parent, hop));
            }
        });
    }
    let (_, _, mut parent, end) = best?;
    let mut pauses = Vec::with_capacity(stops.len());
    for layer in layers.iter().rev() {
        let (hop, before) = layer.get(parent)?;
        pauses.push((hop.before, hop.after));
        parent = *before;
    }
    pauses.reverse();
    Some(Course {
        pauses,
        last: end.before,
        legs: end.label.cost,
        finish: end.label.time,
    })
}
