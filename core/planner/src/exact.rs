//! The best day of one rep, with proof: dynamic programming over subsets of stops.
//!
//! For each set of visited stops and each last one, the labels (time free, cost of legs, pauses
//! taken) that no other dominates are kept (Held and Karp 1962; labels as in Dumas, Desrosiers,
//! Gélinas and Solomon 1995). Sets grow by one stop, so all of a set's predecessors are complete
//! before it. A label is dropped when even a bound on what can follow it is worse than a plan
//! already known. Stops may be left out: every set may end the day.

use crate::instance::{Instance, Rep};
use crate::walk::{Label, Walker};

/// Most stops the tables are built for: 2^18 sets.
pub(crate) const MOST_STOPS: usize = 18;

/// An order of stops and what it costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) stops: Vec<usize>,
    /// Cost with what is left out, then the finish.
    pub(crate) value: Value,
}

/// What two days of the same rep are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Value {
    pub(crate) cost: i64,
    pub(crate) finish: i64,
}

/// How the search for a proof ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// No day is better than this one; none if that holds for the one given.
    Proved(Option<Found>),
    /// More labels would have been needed than allowed.
    GaveUp,
}

/// Finds the best day of a rep with the stops of `pool`, if it is better than `known`.
///
/// Gives up beyond `most_labels` labels (24 bytes each) or [`MOST_STOPS`] stops.
pub(crate) fn best_day(
    instance: &Instance,
    rep: &Rep,
    pool: &[usize],
    known: Value,
    most_labels: usize,
) -> Outcome {
    let free: Vec<usize> = pool
        .iter()
        .copied()
        .filter(|s| !rep.pinned.contains(s))
        .collect();
    if free.len() > MOST_STOPS {
        return Outcome::GaveUp;
    }
    let walker = Walker::new(instance, rep);
    let Some((from, starts)) = pinned_labels(walker) else {
        return Outcome::Proved(None);
    };
    let mut search = Search {
        walker,
        bounds: Bounds::new(walker, &free, from),
        free,
        from,
        starts,
        lists: Vec::new(),
        labels: Vec::new(),
        best: known,
        best_end: None,
        fresh: Vec::new(),
    };
    if search.run(most_labels).is_none() {
        return Outcome::GaveUp;
    }
    Outcome::Proved(search.found())
}

/// Labels after the pinned stops; none if they cannot be kept.
fn pinned_labels(walker: Walker<'_>) -> Option<(usize, Vec<Label>)> {
    let mut from = walker.rep.start;
    let mut labels = vec![walker.start()];
    for &stop in &walker.rep.pinned {
        let mut next = Vec::new();
        for &label in &labels {
            walker.hops(label, from, stop, |hop| next.push(hop.label));
        }
        keep_best(walker, &mut next);
        (from, labels) = (stop, next);
    }
    (!labels.is_empty()).then_some((from, labels))
}

/// Drops dominated labels; the rest stands in order of time.
fn keep_best(walker: Walker<'_>, labels: &mut Vec<Label>) {
    labels.sort_unstable_by_key(|l| (l.time, l.cost, std::cmp::Reverse(l.taken)));
    // When labels differ in time and cost alone, the last one kept is the cheapest so far.
    let one_is_enough = walker.rep.pauses.is_empty() && walker.instance.clock.is_even();
    let compared = if one_is_enough { 1 } else { labels.len() };
    let mut kept = 0;
    for at in 0..labels.len() {
        let Some(&label) = labels.get(at) else { break };
        let front = labels.get(..kept).unwrap_or(&[]);
        let mut rivals = front.iter().rev().take(compared);
        if rivals.any(|known| walker.dominates(known, &label)) {
            continue;
        }
        labels.swap(kept, at);
        kept += 1;
    }
    labels.truncate(kept);
}

struct Search<'a> {
    walker: Walker<'a>,
    free: Vec<usize>,
    bounds: Bounds,
    from: usize,
    starts: Vec<Label>,
    /// Where the labels of each set and last stop begin.
    lists: Vec<u32>,
    labels: Vec<Label>,
    best: Value,
    best_end: Option<End>,
    fresh: Vec<Label>,
}

/// Where a day ends.
#[derive(Debug, Clone, Copy)]
struct End {
    set: usize,
    last: usize,
    label: Label,
}

impl Search<'_> {
    fn run(&mut self, most_labels: usize) -> Option<()> {
        self.try_pinned_only();
        let count = self.free.len();
        self.lists.reserve((1 << count) * count.max(1) + 1);
        self.lists.extend(std::iter::repeat_n(0, count));
        for set in 1..1usize << count {
            for last in 0..count {
                self.lists.push(u32::try_from(self.labels.len()).ok()?);
                if set >> last & 1 == 1 {
                    self.fill(set, last);
                }
            }
            if self.labels.len() > most_labels {
                return None;
            }
        }
        self.lists.push(u32::try_from(self.labels.len()).ok()?);
        Some(())
    }

    /// The day with the pinned stops alone.
    fn try_pinned_only(&mut self) {
        let lost = self.bounds.left_out(0);
        if self.walker.rep.pinned.is_empty() {
            let value = Value {
                cost: lost,
                finish: self.walker.rep.from,
            };
            self.offer(value, None);
            return;
        }
        for label in self.starts.clone() {
            let (mut offered, rep) = (None, self.walker.rep);
            self.walker.ends(label, self.from, |hop| {
                let end = hop.label;
                let cost = lost + self.walker.instance.day_cost(rep, end.cost, end.time);
                let value = Value {
                    cost,
                    finish: end.time,
                };
                offered = offered.into_iter().chain([value]).min();
            });
            if let Some(value) = offered {
                self.offer(value, None);
            }
        }
    }

    fn offer(&mut self, value: Value, end: Option<End>) {
        if value < self.best {
            self.best = value;
            self.best_end = Some(end.unwrap_or(End {
                set: 0,
                last: 0,
                label: self.walker.start(),
            }));
        }
    }

    fn list(&self, set: usize, last: usize) -> &[Label] {
        let at = set * self.free.len() + last;
        let ends = self.lists.get(at).zip(self.lists.get(at + 1));
        let (from, to) = ends.map_or((0, 0), |(a, b)| (*a as usize, *b as usize));
        self.labels.get(from..to).unwrap_or(&[])
    }

    /// All labels of a set with its last stop, from those of the set without it.
    fn fill(&mut self, set: usize, last: usize) {
        let mut fresh = std::mem::take(&mut self.fresh);
        fresh.clear();
        self.predecessors(set, last, |walker, label, from, stop| {
            walker.hops(label, from, stop, |hop| fresh.push(hop.label));
        });
        let best = self.best;
        fresh.retain(|label| self.bounds.least(set, last, label) <= best.cost);
        keep_best(self.walker, &mut fresh);
        for &label in &fresh {
            self.end_day(set, last, label);
        }
        self.labels.extend_from_slice(&fresh);
        self.fresh = fresh;
    }

    /// Calls `each` with every label from which `last` could be the next stop.
    fn predecessors(
        &self,
        set: usize,
        last: usize,
        mut each: impl FnMut(Walker<'_>, Label, usize, usize),
    ) {
        let Some(&stop) = self.free.get(last) else {
            return;
        };
        let rest = set & !(1 << last);
        if rest == 0 {
            for &label in &self.starts {
                each(self.walker, label, self.from, stop);
            }
        }
        for (before, &from) in self.free.iter().enumerate() {
            if rest >> before & 1 == 1 {
                let deadline = self.bounds.deadline(before, last);
                let in_time = self.list(rest, before).iter();
                for &label in in_time.take_while(|label| label.time <= deadline) {
                    each(self.walker, label, from, stop);
                }
            }
        }
    }

    fn end_day(&mut self, set: usize, last: usize, label: Label) {
        let Some(&stop) = self.free.get(last) else {
            return;
        };
        let lost = self.bounds.left_out(set);
        let mut best: Option<Value> = None;
        let walker = self.walker;
        walker.ends(label, stop, |hop| {
            let end = hop.label;
            let value = Value {
                cost: lost + walker.instance.day_cost(walker.rep, end.cost, end.time),
                finish: end.time,
            };
            best = best.into_iter().chain([value]).min();
        });
        if let Some(value) = best {
            self.offer(value, Some(End { set, last, label }));
        }
    }

    /// The order of the best day, read backwards from its end.
    fn found(&self) -> Option<Found> {
        let mut end = self.best_end?;
        let mut stops = Vec::new();
        while end.set != 0 {
            stops.push(*self.free.get(end.last)?);
            end = self.before(&end)?;
        }
        stops.extend(self.walker.rep.pinned.iter().rev());
        stops.reverse();
        Some(Found {
            stops,
            value: self.best,
        })
    }

    /// A label from which the given one follows.
    fn before(&self, end: &End) -> Option<End> {
        let set = end.set & !(1 << end.last);
        let stop = *self.free.get(end.last)?;
        let leads = |label: Label, from: usize| {
            let mut leads = false;
            self.walker
                .hops(label, from, stop, |hop| leads |= hop.label == end.label);
            leads
        };
        if set == 0 {
            let label = *self.starts.iter().find(|l| leads(**l, self.from))?;
            return Some(End {
                set,
                last: 0,
                label,
            });
        }
        let lasts = self
            .free
            .iter()
            .enumerate()
            .filter(|(last, _)| set >> last & 1 == 1);
        for (last, &from) in lasts {
            if let Some(&label) = self.list(set, last).iter().find(|l| leads(**l, from)) {
                return Some(End { set, last, label });
            }
        }
        None
    }
}

/// What can still follow a label, at best.
struct Bounds {
    count: usize,
    /// Last moment to leave one stop so as to reach another in time.
    deadlines: Vec<i64>,
    /// For each last stop: deadlines in rising order, each with the set still in reach up to it.
    reach: Vec<Vec<(i64, usize)>>,
    /// For each set: cost of leaving its members out.
    prizes: Vec<i64>,
    /// For each set: the least its members can cost, visited or not, if all are in reach.
    least: Vec<i64>,
    /// Cost of stops that are neither free nor pinned.
    outside: i64,
    /// Least cost of a last leg.
    home: i64,
    finish: i64,
    from: i64,
}

impl Bounds {
    fn new(walker: Walker<'_>, free: &[usize], start: usize) -> Self {
        let instance = walker.instance;
        let count = free.len();
        let pinned = &walker.rep.pinned;
        let deadlines = deadlines(walker, free);
        let prize = |stop: usize| instance.stops.get(stop).map_or(0, |node| node.prize);
        let visit: Vec<i64> = free
            .iter()
            .map(|&stop| least_visit(walker, free, start, stop))
            .collect();
        let prize_of: Vec<i64> = free.iter().map(|&stop| prize(stop)).collect();
        let cheaper: Vec<i64> = visit
            .iter()
            .zip(&prize_of)
            .map(|(v, p)| *v.min(p))
            .collect();
        let home = free
            .iter()
            .map(|&stop| instance.least_leg(stop, walker.rep.end).cost);
        let shortest = i64::from(home.min().unwrap_or(0));
        Self {
            reach: (0..count)
                .map(|last| reach(&deadlines, last, count))
                .collect(),
            deadlines,
            prizes: sums(&prize_of),
            least: sums(&cheaper),
            outside: instance.lost(|stop| free.contains(&stop) || pinned.contains(&stop)),
            home: shortest * (1 + instance.weights.finish),
            finish: instance.weights.finish,
            from: walker.rep.from,
            count,
        }
    }

    fn deadline(&self, from: usize, to: usize) -> i64 {
        let cell = self.deadlines.get(from * self.count + to);
        cell.copied().unwrap_or(i64::MAX)
    }

    /// Cost of all stops left out when a set is visited.
    fn left_out(&self, set: usize) -> i64 {
        let rest = (self.prizes.len() - 1) & !set;
        self.outside + self.prizes.get(rest).copied().unwrap_or(0)
    }

    /// No day that follows a label costs less than this.
    #[inline]
    fn least(&self, set: usize, last: usize, label: &Label) -> i64 {
        let rest = (self.prizes.len() - 1) & !set;
        let within = self.reach.get(last).map_or(rest, |steps| {
            let at = steps.partition_point(|(deadline, _)| *deadline < label.time);
            rest & steps.get(at).map_or(0, |(_, set)| *set)
        });
        let gone = self.prizes.get(rest & !within).copied().unwrap_or(0);
        let open = self.least.get(within).copied().unwrap_or(0);
        let so_far = label.cost + self.finish * (label.time - self.from);
        self.outside + gone + open + so_far + self.home
    }
}

fn deadlines(walker: Walker<'_>, free: &[usize]) -> Vec<i64> {
    let latest = |from: usize, to: usize| {
        let last = walker
            .instance
            .stops
            .get(to)
            .and_then(|n| n.openings.last());
        let seconds = i64::from(walker.instance.least_leg(from, to).seconds);
        last.map_or(-1, |last| last - seconds)
    };
    let rows = free
        .iter()
        .flat_map(|&from| free.iter().map(move |&to| latest(from, to)));
    rows.collect()
}

/// Deadlines of the ways from one stop in rising order, each with all stops in reach up to it.
fn reach(deadlines: &[i64], last: usize, count: usize) -> Vec<(i64, usize)> {
    let row = deadlines
        .get(last * count..(last + 1) * count)
        .unwrap_or(&[]);
    let mut steps: Vec<(i64, usize)> = row.iter().enumerate().map(|(to, d)| (*d, to)).collect();
    steps.sort_unstable();
    let mut set = 0;
    for (_, to) in steps.iter_mut().rev() {
        set |= 1 << *to;
        *to = set;
    }
    steps
}

/// The least a visit adds to a day: the shortest way there, and the visit where lateness counts.
fn least_visit(walker: Walker<'_>, free: &[usize], start: usize, stop: usize) -> i64 {
    let instance = walker.instance;
    let others = free.iter().copied().filter(|&other| other != stop);
    let ways = others
        .chain([start])
        .map(|from| instance.least_leg(from, stop).cost);
    let way = i64::from(ways.min().unwrap_or(0));
    let service = instance.stops.get(stop).map_or(0, |node| node.service);
    way + instance.weights.finish * (way + service)
}

/// For each set, the sum of its members' values.
fn sums(values: &[i64]) -> Vec<i64> {
    let mut sums = vec![0];
    for &value in values {
        let with: Vec<i64> = sums.iter().map(|sum| sum + value).collect();
        sums.extend(with);
    }
    sums
}
