//! A problem as the solvers see it: dense numbers, times from the first shift's start.

use crate::profile::Clock;
use crate::travel::NO_WAY;
use crate::{Objective, Problem, ProblemError, RepDay, Stop, Window};

/// Seconds of a leg that does not exist: beyond every horizon, and small enough to add up.
pub(crate) const NEVER_S: i32 = 1 << 30;

/// One way between two nodes: what the clock takes and what the objective counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leg {
    pub(crate) seconds: i32,
    pub(crate) cost: i32,
}

/// A moment after all that can happen.
pub(crate) const FOREVER: i64 = 1 << 40;

const NO_LEG: Leg = Leg {
    seconds: NEVER_S,
    cost: NEVER_S,
};

/// When something may start, in order, without overlaps; empty means never.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Openings(Box<[Window]>);

impl Openings {
    /// Open at any time.
    pub(crate) fn always() -> Self {
        Self(Box::new([Window::new(0, FOREVER)]))
    }

    /// Windows counted from `base`, without what lies before it.
    fn from_base(windows: &[Window], base: i64) -> Self {
        let shifted = windows.iter().map(|w| {
            let clamp = |at: i64| at.saturating_sub(base).clamp(-1, FOREVER);
            Window::new(clamp(w.from).max(0), clamp(w.to))
        });
        Self(shifted.filter(|w| w.from <= w.to).collect())
    }

    pub(crate) fn windows(&self) -> &[Window] {
        &self.0
    }

    /// The first moment from `at` on; none if it is too late.
    #[inline]
    pub(crate) fn start(&self, at: i64) -> Option<i64> {
        let open = self.0.iter().find(|w| at <= w.to)?;
        Some(at.max(open.from))
    }

    /// The last moment up to `by`; none if it opens later.
    #[inline]
    pub(crate) fn last_start(&self, by: i64) -> Option<i64> {
        let open = self.0.iter().rev().find(|w| w.from <= by)?;
        Some(by.min(open.to))
    }

    pub(crate) fn first(&self) -> Option<i64> {
        self.0.first().map(|w| w.from)
    }

    pub(crate) fn last(&self) -> Option<i64> {
        self.0.last().map(|w| w.to)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Longest time between two windows.
    fn gap(&self) -> i64 {
        let gaps = self.0.iter().zip(self.0.iter().skip(1));
        gaps.map(|(a, b)| b.from - a.to).max().unwrap_or(0)
    }
}

/// A stop of the problem.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) place: usize,
    pub(crate) service: i64,
    pub(crate) openings: Openings,
    /// What leaving it out costs.
    pub(crate) prize: i64,
}

impl Node {
    /// Whether a window touches a rep's shift.
    fn opens_within(&self, rep: &Rep) -> bool {
        let open = self.openings.start(rep.from);
        open.is_some_and(|start| start <= rep.to)
    }
}

/// A pause of a rep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pause {
    /// Index in the rep's list.
    pub(crate) index: usize,
    pub(crate) openings: Openings,
    pub(crate) latest: i64,
    pub(crate) duration: i64,
}

/// A rep's day.
#[derive(Debug, Clone)]
pub(crate) struct Rep {
    /// Index in the problem.
    pub(crate) index: usize,
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) from: i64,
    pub(crate) to: i64,
    /// In the order of their last starts.
    pub(crate) pauses: Vec<Pause>,
    pub(crate) capacity: Vec<i64>,
    pub(crate) pinned: Vec<usize>,
    /// Reps with equal days that may serve the same stops have the same kind.
    pub(crate) kind: usize,
}

impl Rep {
    /// Whether a rep who is still out at `time` with `taken` pauses behind has missed one.
    #[inline]
    pub(crate) fn missed(&self, taken: u8, time: i64) -> bool {
        self.pauses
            .get(usize::from(taken))
            .is_some_and(|pause| time > pause.latest)
    }

    /// When the next pause starts and ends if the rep is free at `time`.
    #[inline]
    pub(crate) fn pause(&self, taken: u8, time: i64) -> Option<(i64, i64)> {
        let pause = self.pauses.get(usize::from(taken))?;
        let start = pause.openings.start(time)?;
        Some((start, start + pause.duration))
    }
}

/// What the objective makes of driving, finishing and leaving out, in one number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weights {
    /// Cost of a second later finish.
    pub(crate) finish: i64,
    priority: i64,
    mandatory: i64,
}

impl Weights {
    /// Cost of leaving out a mandatory stop, less its priority.
    pub(crate) const fn mandatory(&self) -> i64 {
        self.mandatory
    }
}

/// What a change of order against an earlier plan costs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stability {
    /// For each stop of the problem, where the earlier plan has it: rep and position.
    pub(crate) before: Vec<Option<(usize, usize)>>,
    /// Seconds of driving a changed succession is worth.
    pub(crate) seconds: i32,
}

/// How many seconds of driving a second of finish is worth where changes of order are charged.
const FINISH_WITH_CHARGES: i64 = 8;

impl Stability {
    /// Charges `seconds` for each changed succession, in the unit of the objective.
    pub(crate) fn new(
        problem: &Problem,
        before: Vec<Option<(usize, usize)>>,
        seconds: u32,
    ) -> Self {
        let unit = match problem.objective {
            Objective::FinishEarly => FINISH_WITH_CHARGES,
            Objective::MostPriority | Objective::LeastDriving { .. } => 1,
        };
        let most = i64::from(Problem::MAX_DURATION_S);
        let seconds = (i64::from(seconds) * unit).min(most);
        Self {
            before,
            seconds: seconds as i32,
        }
    }

    fn charge(&self, from: usize, to: usize) -> i32 {
        let at = |stop: usize| self.before.get(stop).copied().flatten();
        match (at(from), at(to)) {
            (Some((r, p)), Some((s, q))) if r != s || q <= p => self.seconds,
            _ => 0,
        }
    }
}

/// A problem as the solvers see it. Nodes are the stops, then the places where days start and end.
#[derive(Debug, Clone)]
pub(crate) struct Instance {
    pub(crate) stops: Vec<Node>,
    pub(crate) reps: Vec<Rep>,
    pub(crate) clock: Clock,
    /// The problem's time at the instance's zero.
    pub(crate) base: i64,
    pub(crate) weights: Weights,
    /// Whether every stop has one window, no rep a pause, and traffic is even.
    pub(crate) plain: bool,
    /// How much longer than it is behind a rep can become by waiting for later windows.
    pub(crate) gaps: i64,
    pub(crate) loads: usize,
    nodes: usize,
    legs: Vec<Leg>,
    allowed: Vec<bool>,
    demand: Vec<i64>,
}

impl Instance {
    /// The whole problem.
    pub(crate) fn new(problem: &Problem) -> Result<Self, ProblemError> {
        Self::with_stability(problem, &Stability::default())
    }

    /// The whole problem, with changes against an earlier plan charged.
    pub(crate) fn with_stability(
        problem: &Problem,
        stability: &Stability,
    ) -> Result<Self, ProblemError> {
        problem.validate()?;
        let base = problem.reps.iter().map(|r| r.shift.from).min().unwrap_or(0);
        let mut depots = Depots::default();
        let count = problem.stops.len();
        let mut reps: Vec<Rep> = (problem.reps.iter().enumerate())
            .map(|(index, rep)| make_rep(problem, index, rep, base, count, &mut depots))
            .collect();
        let stops: Vec<Node> = problem
            .stops
            .iter()
            .map(|stop| make_node(stop, base))
            .collect();
        let allowed = allowed(problem, &reps, &stops);
        number_kinds(&mut reps, &allowed, count);
        let (nodes, legs) = make_legs(problem, &depots, stability);
        let charges = count as i64 * i64::from(stability.seconds);
        let weights = weigh(problem, &legs, charges)?;
        let clock = Clock::new(problem.travel.profile(), base)?;
        let pauses = || reps.iter().flat_map(|rep| &rep.pauses);
        let plain = clock.is_even()
            && pauses().next().is_none()
            && stops.iter().all(|stop| stop.openings.count() <= 1);
        let gaps = stops.iter().map(|s| s.openings.gap()).sum::<i64>()
            + pauses().map(|p| p.openings.gap()).sum::<i64>();
        let loads = problem.loads();
        let mut instance = Self {
            demand: demand(problem, loads),
            stops,
            reps,
            clock,
            base,
            weights,
            plain,
            gaps,
            loads,
            nodes,
            legs,
            allowed,
        };
        instance.set_prizes(problem);
        Ok(instance)
    }

    /// The same instance with the weights and prizes of another of the same problem.
    pub(crate) fn with_weights_of(&self, other: &Self) -> Self {
        let mut changed = self.clone();
        changed.weights = other.weights;
        for (node, like) in changed.stops.iter_mut().zip(&other.stops) {
            node.prize = like.prize;
        }
        changed
    }

    fn set_prizes(&mut self, problem: &Problem) {
        for (node, stop) in self.stops.iter_mut().zip(&problem.stops) {
            let rank = if stop.mandatory {
                self.weights.mandatory
            } else {
                0
            };
            node.prize = rank + i64::from(stop.priority) * self.weights.priority;
        }
    }

    /// Number of nodes, stops and others.
    pub(crate) const fn nodes(&self) -> usize {
        self.nodes
    }

    #[inline]
    pub(crate) fn leg(&self, from: usize, to: usize) -> Leg {
        self.legs
            .get(from * self.nodes + to)
            .copied()
            .unwrap_or(NO_LEG)
    }

    /// What a leg takes and costs at least, at whatever hour.
    #[inline]
    pub(crate) fn least_leg(&self, from: usize, to: usize) -> Leg {
        let leg = self.leg(from, to);
        if self.clock.is_even() || leg.seconds >= NEVER_S {
            return leg;
        }
        let seconds = self.clock.shortest(i64::from(leg.seconds)) as i32;
        Leg {
            seconds,
            cost: leg.cost - leg.seconds + seconds,
        }
    }

    /// Whether a rep may serve a stop, as far as skills, assignment and single loads go.
    #[inline]
    pub(crate) fn allowed(&self, rep: usize, stop: usize) -> bool {
        self.allowed
            .get(rep * self.stops.len() + stop)
            .copied()
            .unwrap_or(false)
    }

    /// Loads of a stop, one for each dimension.
    #[inline]
    pub(crate) fn demand(&self, stop: usize) -> &[i64] {
        self.demand
            .get(stop * self.loads..(stop + 1) * self.loads)
            .unwrap_or(&[])
    }

    /// Whether a rep's capacities hold all stops of a list.
    pub(crate) fn fits_in(&self, rep: usize, stops: &[usize]) -> bool {
        let capacity = self.reps.get(rep).map_or(&[][..], |rep| &rep.capacity);
        capacity.iter().enumerate().all(|(dimension, most)| {
            let loads = stops.iter().filter_map(|&s| self.demand(s).get(dimension));
            loads.sum::<i64>() <= *most
        })
    }

    /// Cost of leaving out what is not in `served`.
    pub(crate) fn lost(&self, served: impl Fn(usize) -> bool) -> i64 {
        let left_out = self.stops.iter().enumerate().filter(|(i, _)| !served(*i));
        left_out.map(|(_, stop)| stop.prize).sum()
    }

    /// Cost of one rep's day by what its legs cost and when it is over.
    #[inline]
    pub(crate) fn day_cost(&self, rep: &Rep, legs: i64, finish: i64) -> i64 {
        legs + self.weights.finish * (finish - rep.from)
    }
}

/// Nodes for the places where days start and end; one for "anywhere".
#[derive(Debug, Default)]
struct Depots(Vec<Option<usize>>);

impl Depots {
    fn node(&mut self, place: Option<usize>, stops: usize) -> usize {
        let at = self.0.iter().position(|known| *known == place);
        let at = at.unwrap_or_else(|| {
            self.0.push(place);
            self.0.len() - 1
        });
        stops + at
    }
}

fn make_rep(
    problem: &Problem,
    index: usize,
    rep: &RepDay,
    base: i64,
    stops: usize,
    depots: &mut Depots,
) -> Rep {
    let from = rep.shift.from - base;
    let mut pauses: Vec<Pause> = (rep.breaks.iter().enumerate())
        .filter_map(|(index, pause)| {
            let openings = Openings::from_base(&pause.windows, base);
            let latest = openings.last().filter(|&latest| latest >= from)?;
            Some(Pause {
                index,
                latest,
                openings,
                duration: i64::from(pause.duration_s),
            })
        })
        .collect();
    pauses.sort_by_key(|pause| (pause.latest, pause.index));
    let pinned = rep
        .first
        .iter()
        .filter_map(|id| problem.stops.iter().position(|stop| stop.id == *id));
    Rep {
        index,
        start: depots.node(rep.start, stops),
        end: depots.node(rep.end, stops),
        from,
        to: rep.shift.to - base,
        pauses,
        capacity: rep.capacity.iter().copied().map(i64::from).collect(),
        pinned: pinned.collect(),
        kind: index,
    }
}

/// A stop as the solvers see it, without a prize.
pub(crate) fn make_node(stop: &Stop, base: i64) -> Node {
    let openings = if stop.windows.is_empty() {
        Openings::always()
    } else {
        Openings::from_base(&stop.windows, base)
    };
    Node {
        place: stop.place,
        service: i64::from(stop.service_s),
        openings,
        prize: 0,
    }
}

fn allowed(problem: &Problem, reps: &[Rep], nodes: &[Node]) -> Vec<bool> {
    let pinned_to = |stop: usize| reps.iter().position(|rep| rep.pinned.contains(&stop));
    let owners: Vec<Option<usize>> = (0..nodes.len()).map(pinned_to).collect();
    let mut table = Vec::with_capacity(reps.len() * nodes.len());
    for (given, rep) in problem.reps.iter().zip(reps) {
        for ((stop, node), owner) in problem.stops.iter().zip(nodes).zip(&owners) {
            let able = suits(given, stop) && owner.is_none_or(|owner| owner == rep.index);
            table.push(able && node.opens_within(rep) && carries(given, stop));
        }
    }
    table
}

/// Whether a rep has a stop's skills and is the one it is for.
pub(crate) fn suits(rep: &RepDay, stop: &Stop) -> bool {
    stop.rep.as_ref().is_none_or(|id| *id == rep.id)
        && stop.skills.iter().all(|skill| rep.skills.contains(skill))
}

/// Whether a rep could take a stop's loads if there were no others.
pub(crate) fn carries(rep: &RepDay, stop: &Stop) -> bool {
    rep.capacity.is_empty() || stop.load.iter().zip(&rep.capacity).all(|(l, c)| l <= c)
}

fn demand(problem: &Problem, loads: usize) -> Vec<i64> {
    let row = |stop: &Stop| {
        let mut row: Vec<i64> = stop.load.iter().copied().map(i64::from).collect();
        row.resize(loads, 0);
        row
    };
    problem.stops.iter().flat_map(row).collect()
}

fn number_kinds(reps: &mut [Rep], allowed: &[bool], stops: usize) {
    let row = |rep: usize| allowed.get(rep * stops..(rep + 1) * stops);
    for later in 1..reps.len() {
        let (before, rest) = reps.split_at_mut(later);
        let Some(rep) = rest.first_mut() else { break };
        let twin = before
            .iter()
            .find(|other| same_day(other, rep) && row(other.index) == row(rep.index));
        rep.kind = twin.map_or(later, |twin| twin.kind);
    }
}

fn same_day(a: &Rep, b: &Rep) -> bool {
    let places = (a.start, a.end) == (b.start, b.end);
    let hours = (a.from, a.to) == (b.from, b.to) && a.pauses == b.pauses;
    places && hours && a.capacity == b.capacity && a.pinned.is_empty() && b.pinned.is_empty()
}

fn make_legs(problem: &Problem, depots: &Depots, stability: &Stability) -> (usize, Vec<Leg>) {
    let stops = problem.stops.iter().map(|stop| Some(stop.place));
    let places: Vec<Option<usize>> = stops.chain(depots.0.iter().copied()).collect();
    let mut legs = Vec::with_capacity(places.len() * places.len());
    for (i, from) in places.iter().enumerate() {
        for (j, to) in places.iter().enumerate() {
            // From depot to depot goes only a day without stops, which costs nothing.
            let idle = i >= problem.stops.len() && j >= problem.stops.len();
            let seconds = match from.zip(*to).filter(|_| !idle) {
                Some((from, to)) => problem.travel.seconds(from, to).unwrap_or(NO_WAY),
                None => 0,
            };
            let seconds = i32::try_from(seconds).unwrap_or(NEVER_S);
            legs.push(Leg {
                seconds,
                cost: seconds.saturating_add(stability.charge(i, j)),
            });
        }
    }
    (places.len(), legs)
}

/// Weights such that each rank of the objective outweighs all below it together.
fn weigh(problem: &Problem, legs: &[Leg], charges: i64) -> Result<Weights, ProblemError> {
    const MOST: i64 = 1 << 60;
    let shifts: i64 = problem.reps.iter().map(|r| r.shift.to - r.shift.from).sum();
    let longest = legs.iter().map(|leg| leg.seconds).filter(|&s| s < NEVER_S);
    let longest = i64::from(longest.max().unwrap_or(0)).saturating_mul(slowest(problem));
    let hops = (problem.stops.len() + problem.reps.len()) as i64;
    let driving = shifts.min(hops.saturating_mul(longest)) + charges;
    let finish = match problem.objective {
        // With changes charged, finish and order are weighed against each other.
        Objective::FinishEarly if charges > 0 => FINISH_WITH_CHARGES,
        Objective::FinishEarly => driving + 1,
        _ => 0,
    };
    let day = finish
        .checked_mul(shifts)
        .map(|late| late.saturating_add(driving));
    let day = day.filter(|&day| day < MOST).ok_or(ProblemError::Weights)?;
    let priority = match problem.objective {
        Objective::LeastDriving {
            seconds_per_priority,
        } => i64::from(seconds_per_priority),
        _ => day + 1,
    };
    let points: i64 = problem.stops.iter().map(|s| i64::from(s.priority)).sum();
    let optional = priority.checked_mul(points).filter(|&all| all < MOST);
    let mandatory = optional.ok_or(ProblemError::Weights)? + day + 1;
    let count = problem.stops.iter().filter(|s| s.mandatory).count() as i64 + 1;
    mandatory
        .checked_mul(count)
        .filter(|&all| all < MOST)
        .ok_or(ProblemError::Weights)?;
    Ok(Weights {
        finish,
        priority,
        mandatory,
    })
}

/// By how much the profile can stretch a leg, rounded up.
fn slowest(problem: &Problem) -> i64 {
    let factors = problem.travel.profile().map(|p| p.factors.as_slice());
    let least = factors
        .and_then(|f| f.iter().min())
        .copied()
        .unwrap_or(1_000);
    (1_000 / i64::from(least).max(1)) + 1
}
