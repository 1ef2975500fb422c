//! What a fix means while a route is followed.

use crate::advance::AdvanceFacts;
use crate::deviation::{Heading, OnRoad};
use crate::joining::{BUDGET, Prior};
use crate::matching::{Scan, Window, confidence, scan};
use crate::motion::Moment;
use crate::stops::Staying;
use crate::track::Foot;
use crate::{DeviationKind, Event, Phase, RouteSession, WaypointKind};
use fieldfare_model::TimestampMs;

/// Steps entered one by one at one fix; beyond that the driver is taken to the right one at once.
const MOST_STEPS: usize = 64;
/// A stretch shorter than this is the arrival at the end of a leg, metres.
const NO_LENGTH_M: f64 = 1.0;
/// Coming back to the route this much behind the farthest place reached is another pass, metres.
const WENT_BACK_M: f64 = 50.0;
/// Coming back to the route so far from where it was left needs some metres of proof.
const ELSEWHERE_M: f64 = 500.0;
const UNDIRECTED_PROOF_M: f64 = 40.0;
const ELSEWHERE_PROOF_M: f64 = 80.0;
/// Without a fix for so long a stop may have been passed unseen, milliseconds.
const SILENCE_MS: i64 = 5_000;
/// By how much less must count against a place to believe that a stop was passed.
const CLEARLY: f64 = 2.0;
/// Fixes and metres in the direction of a later pass of the route that make a driver who went back
/// one who goes on.
const LATER_FIXES: u32 = 3;
const LATER_M: f64 = 25.0;
/// Metres before the start of a leg at which a driver who went back is still found, metres.
const BEFORE_LEG_M: f64 = 300.0;
/// Metres along a later leg before a driver is taken to have left a stop out.
const BEYOND_STOP_M: f64 = 300.0;
/// Time without a match counts for the search window up to here, seconds.
const LONGEST_GAP_S: f64 = 900.0;
/// At this speed a course tells a direction of travel, metres per second.
const DRIVING_MPS: f64 = 2.0;

impl RouteSession {
    /// Looks for the place on the route.
    pub(crate) fn join(&mut self, moment: &Moment, events: &mut Vec<Event>) {
        if self.state.stay.is_some() {
            // The driver paused at a stop, or the app was restarted there.
            self.state.phase = Phase::Navigating;
            return self.navigate(moment, events);
        }
        let prior = self.prior();
        let reach = self.config.threshold_m(moment.reading.accuracy) + 10.0;
        let moved = moment.speed * moment.dt_ms as f64 / 1000.0;
        let found = self
            .state
            .beam
            .weigh(&self.itinerary, moment, reach, moved, &prior);
        match found {
            Some((place, lead)) => {
                self.state.phase = Phase::Navigating;
                self.state.offset = place.offset;
                self.state.confidence = confidence(place.offset, moment.reading.accuracy, lead);
                self.locate(place.along, false, events);
                self.check_arrival(moment, true, events);
            }
            None => {
                self.check_arrival(moment, false, events);
            }
        }
    }

    fn prior(&self) -> Prior {
        Prior {
            from: self.state.leg_start(&self.itinerary) - BEFORE_LEG_M,
            last: self.state.along,
            gate: self.state.gate(&self.itinerary),
        }
    }

    /// Takes the driver to a place that does not follow from the one before.
    fn locate(&mut self, along: f64, again: bool, events: &mut Vec<Event>) {
        let itinerary = self.itinerary.clone();
        events.push(Event::Joined {
            along_m: along,
            again,
        });
        self.pass_missed(along, events);
        let state = &mut self.state;
        let went_back = along + WENT_BACK_M < state.peak;
        state.located = true;
        state.along = along;
        state.peak = along;
        state.watch = crate::deviation::Watch::default();
        state.motion.matched();
        let steps = itinerary.route().leg_steps(state.leg);
        let last = steps.end.saturating_sub(1);
        let mut step = itinerary.step_at(along, steps.clone());
        // The arrival is entered by arriving.
        if step == last && step > steps.start && is_arrival(&itinerary, step) {
            step -= 1;
        }
        if step != state.step || !again {
            state.enter_step(step, events);
        }
        state.realign_speech(&itinerary, went_back, events);
        state.announce(&itinerary, events);
        state.show(&itinerary, events);
    }

    /// Goes on to the leg that holds a place; stops before it have been missed.
    fn pass_missed(&mut self, along: f64, events: &mut Vec<Event>) {
        let waypoints = self.itinerary.route().waypoints();
        while let Some(place) = waypoints.get(self.state.waypoint) {
            let at = self.itinerary.waypoint_at(self.state.waypoint);
            let last = self.state.waypoint + 1 == waypoints.len();
            match place.kind {
                WaypointKind::Via if at < along => {}
                WaypointKind::Break if at + self.config.arrival_radius_m < along && !last => {
                    events.push(Event::StopMissed {
                        stop: self.state.waypoint,
                    });
                    self.state.leg += 1;
                }
                _ => break,
            }
            self.state.waypoint += 1;
        }
    }

    /// Goes on along the route.
    pub(crate) fn navigate(&mut self, moment: &Moment, events: &mut Vec<Event>) {
        if self.state.stay.is_some() {
            let itinerary = self.itinerary.clone();
            match self.state.stay(&itinerary, &self.config, moment, events) {
                Staying::Still => return,
                Staying::Left => self.state.depart(&self.itinerary.clone(), events),
                Staying::PassedBy => self.pass_by(events),
            }
            if self.state.phase != Phase::Navigating {
                return;
            }
        }
        let threshold = self.config.threshold_m(moment.reading.accuracy);
        let window = self.window(moment);
        let seen = scan(&self.itinerary, moment, &window);
        let near = seen.and_then(|seen| within(&seen, threshold).map(|foot| (seen, foot)));
        if let Some((_, foot)) = near
            && self.state.watch.withholds(foot.offset)
        {
            return;
        }
        let cost = near.map_or(f64::INFINITY, |(seen, _)| seen.cost);
        let off = self.state.watch.kind == Some(DeviationKind::OffRoute);
        if !off && self.passed_unseen(moment, &window, cost, events) {
            return;
        }
        match near {
            Some((seen, foot)) if !off => {
                self.on_road(moment, &seen, foot, events);
            }
            _ => {
                let offset = seen.map_or(f64::MAX, |seen| seen.nearest.offset);
                self.beyond(moment, offset, threshold, events);
            }
        }
    }

    /// The driver may have come to the next stop and gone on while nothing was received. Then the
    /// time that driving does not explain was spent there. The road beyond the stop must fit better
    /// than the road before it, against which `cost` counts.
    fn passed_unseen(
        &mut self,
        moment: &Moment,
        window: &Window,
        cost: f64,
        events: &mut Vec<Event>,
    ) -> bool {
        if moment.dt_ms < SILENCE_MS {
            return false;
        }
        let itinerary = self.itinerary.clone();
        let gate = self.state.gate(&itinerary);
        let Some(stop) = self.state.next_stop(&itinerary) else {
            return false;
        };
        let after = itinerary.next_break(stop + 1);
        let Some(after) = after.filter(|_| window.reach > gate) else {
            return false;
        };
        let beyond = Window {
            from: gate,
            to: window.reach.min(itinerary.waypoint_at(after)),
            // However long the stay, every place beyond is as likely.
            variance: f64::MAX,
            ..*window
        };
        let threshold = self.config.threshold_m(moment.reading.accuracy);
        let seen = scan(&itinerary, moment, &beyond);
        let seen = seen.filter(|seen| seen.cost + CLEARLY < cost);
        let foot = seen.and_then(|seen| within(&seen, threshold));
        let Some(foot) = foot.filter(|foot| heading(moment, foot) != Heading::Against) else {
            return false;
        };
        let planned = itinerary.time_at_any(foot.along) - itinerary.time_at_any(self.state.along);
        let dwell_ms = self.state.motion.unmatched_ms - planned as i64;
        self.reach(stop, moment.reading.at, true, events);
        self.state
            .stay_unseen(&itinerary, &self.config, dwell_ms, events);
        self.state.depart(&itinerary, events);
        self.state.motion.matched();
        self.state.leave_unsaid(&itinerary, events);
        self.navigate(moment, events);
        true
    }

    fn window(&self, moment: &Moment) -> Window {
        let accuracy = moment.reading.accuracy;
        let motion = &self.state.motion;
        let seconds = (motion.unmatched_ms as f64 / 1000.0).min(LONGEST_GAP_S);
        let planned = self.itinerary.planned_speed(self.state.step);
        let fastest = moment.speed.max(planned).max(3.0);
        let travelled = (moment.speed * seconds).max(motion.unmatched_m.min(fastest * seconds));
        let back = self.state.along - 30.0 - 2.0 * accuracy;
        let start = self.state.leg_start(&self.itinerary);
        let gate = self.state.gate(&self.itinerary);
        let spread = (0.4 * travelled, 1.5 * accuracy);
        let reach = self.state.along + 60.0 + 2.0 * accuracy + 1.6 * fastest * seconds;
        Window {
            // Only who went back before the start of the leg is looked for there.
            from: if self.state.along < start {
                back
            } else {
                back.max(start)
            },
            to: reach.min(gate),
            reach,
            expected: self.state.along + travelled,
            variance: spread.0 * spread.0 + spread.1 * spread.1 + 64.0,
        }
    }

    /// A fix near the road where the driver is expected.
    fn on_road(&mut self, moment: &Moment, seen: &Scan, foot: Foot, events: &mut Vec<Event>) {
        let heading = heading(moment, &foot);
        let retreat = self.state.peak - foot.along;
        let accuracy = moment.reading.accuracy;
        let was_wrong = self.state.watch.kind == Some(DeviationKind::WrongWay);
        let verdict =
            self.state
                .watch
                .on_road(&self.config, heading, retreat, accuracy, moment.dt_ms);
        self.state.offset = foot.offset;
        self.state.watch.offset = foot.offset;
        self.state.confidence = confidence(foot.offset, accuracy, seen.lead);
        let doubtful = was_wrong || verdict != OnRoad::Fine;
        if doubtful && self.turn_around(moment, heading, foot.along, was_wrong, events) {
            return;
        }
        self.state.motion.matched();
        if verdict == OnRoad::WrongWay {
            self.deviate(DeviationKind::WrongWay, foot.offset, events);
        }
        if self.state.watch.kind.is_some() {
            self.state.along = foot.along;
            return;
        }
        self.go_to(foot.along, moment);
        self.advance_steps(moment, events);
        self.state.pass_vias(&self.itinerary, events);
        if !self.check_arrival(moment, true, events) {
            self.state.announce(&self.itinerary, events);
        }
        self.state.show(&self.itinerary, events);
    }

    /// Going back on the road may be going on: the route itself comes back here a little later, or
    /// the driver has turned again.
    fn turn_around(
        &mut self,
        moment: &Moment,
        heading: Heading,
        along: f64,
        was_wrong: bool,
        events: &mut Vec<Event>,
    ) -> bool {
        let (onward, needed, far) = if heading == Heading::With {
            (was_wrong.then_some(along), 2, 0.0)
        } else {
            let far = LATER_M + moment.reading.accuracy;
            (self.later_pass(moment), LATER_FIXES, far)
        };
        let Some(place) = onward else {
            self.state.watch.return_fixes = 0;
            return false;
        };
        let moved = moment.speed * moment.dt_ms as f64 / 1000.0;
        let often = self.state.watch.may_return(place, moved, needed);
        if !often || self.state.watch.return_progress() < far {
            return false;
        }
        self.locate(place, was_wrong, events);
        true
    }

    /// The next place ahead, before the next stop, where the route passes here in the direction of
    /// travel.
    fn later_pass(&self, moment: &Moment) -> Option<f64> {
        let course = moment.course.filter(|_| moment.speed >= DRIVING_MPS)?;
        let threshold = self.config.threshold_m(moment.reading.accuracy);
        let from = self.state.along;
        let to = (from + self.config.look_ahead_m).min(self.state.gate(&self.itinerary));
        let mut found: Option<Foot> = None;
        self.itinerary.track.feet(&moment.frame, from, to, |foot| {
            let with = foot.course.is_some_and(|road| road.agreement(course) > 0.7);
            let fits = with && foot.offset <= threshold && foot.along >= from && foot.along <= to;
            if fits && found.is_none_or(|best| foot.offset < best.offset) {
                found = Some(foot);
            }
        });
        found.map(|foot| foot.along)
    }

    fn deviate(&mut self, kind: DeviationKind, offset_m: f64, events: &mut Vec<Event>) {
        let deviations = &mut self.state.summary.deviations;
        *deviations = deviations.saturating_add(1);
        events.push(Event::Deviated { kind, offset_m });
    }

    /// A fix away from where the driver is expected.
    fn beyond(&mut self, moment: &Moment, offset: f64, threshold: f64, events: &mut Vec<Event>) {
        let confirmed = self
            .state
            .watch
            .beyond(&self.config, offset, threshold, moment.dt_ms);
        self.state.confidence = 0.0;
        if confirmed {
            self.deviate(DeviationKind::OffRoute, offset, events);
        }
        let arrived = self.check_arrival(moment, false, events);
        let off = self.state.watch.kind == Some(DeviationKind::OffRoute);
        if off && !arrived {
            self.come_back(moment, threshold, events);
        }
    }

    /// Looks for a place to join the route again.
    fn come_back(&mut self, moment: &Moment, threshold: f64, events: &mut Vec<Event>) {
        let reach = 0.7 * threshold;
        let Some(place) = self.place_to_return(moment, reach) else {
            self.state.watch.return_fixes = 0;
            return;
        };
        let needed = if moment.sure_course().is_some() { 2 } else { 3 };
        let moved = moment.speed * moment.dt_ms as f64 / 1000.0;
        let often = self.state.watch.may_return(place.along, moved, needed);
        if often && self.state.watch.return_progress() >= self.proof_to_return(&place, moment) {
            self.state.offset = place.offset;
            self.state.confidence = confidence(place.offset, moment.reading.accuracy, 4.0);
            self.locate(place.along, true, events);
            self.check_arrival(moment, true, events);
        }
    }

    /// Metres to go along a stretch of route before it is believed to be the one: none where the
    /// driver was expected, some far from there or where the direction is not known, many where a
    /// stop would be left out.
    fn proof_to_return(&self, place: &Foot, moment: &Moment) -> f64 {
        if place.along > self.state.gate(&self.itinerary) {
            BEYOND_STOP_M
        } else if (place.along - self.state.along).abs() > ELSEWHERE_M {
            ELSEWHERE_PROOF_M + moment.reading.accuracy
        } else if moment.sure_course().is_none() {
            UNDIRECTED_PROOF_M + moment.reading.accuracy
        } else {
            0.0
        }
    }

    /// The place near the fix that costs least to go on from: ahead rather than behind, near
    /// rather than far, and before the next stop rather than beyond it.
    fn place_to_return(&self, moment: &Moment, reach: f64) -> Option<Foot> {
        let prior = self.prior();
        let watch = &self.state.watch;
        let from = if watch.return_fixes > 0 {
            watch.return_along
        } else {
            self.state.along
        };
        let cost = |foot: &Foot| {
            let step = foot.along - from;
            let way = if step >= 0.0 { step } else { -2.0 * step };
            let beyond = if foot.along > prior.gate {
                20_000.0
            } else {
                0.0
            };
            way + beyond + 5.0 * foot.offset
        };
        let mut best: Option<(Foot, f64)> = None;
        let mut see = |foot: Foot| {
            let with = match (moment.sure_course(), foot.course) {
                (Some(course), Some(road)) => road.agreement(course) > 0.5,
                _ => true,
            };
            let eligible = with && foot.offset <= reach && foot.along >= prior.from;
            let cost = cost(&foot);
            if eligible && best.is_none_or(|(_, lowest)| cost < lowest) {
                best = Some((foot, cost));
            }
        };
        let track = &self.itinerary.track;
        track.within(&moment.frame, reach, BUDGET, &mut see);
        best.map(|(foot, _)| foot)
    }

    /// Moves on along the route and counts what was driven.
    fn go_to(&mut self, along: f64, moment: &Moment) {
        let state = &mut self.state;
        let mut planned = 0.0;
        if along > state.peak {
            state.summary.on_route_m += along - state.peak;
            planned = self.itinerary.time_at_any(along) - self.itinerary.time_at_any(state.peak);
            state.peak = along;
        }
        state.along = along;
        state.pace.add(moment.dt_ms as f64, planned);
    }

    /// Whether the step after the current one is the arrival, or there is none.
    pub(crate) fn before_arrival(&self) -> bool {
        let next = self.state.step + 1;
        let end = self.itinerary.route().leg_steps(self.state.leg).end;
        next >= end || (next + 1 == end && is_arrival(&self.itinerary, next))
    }

    fn advance_steps(&mut self, moment: &Moment, events: &mut Vec<Event>) {
        for _ in 0..MOST_STEPS {
            if self.before_arrival() || !self.step_ends(moment) {
                return;
            }
            self.state.enter_step(self.state.step + 1, events);
        }
        let steps = self.itinerary.route().leg_steps(self.state.leg);
        let step = self.itinerary.step_at(self.state.along, steps);
        if step > self.state.step {
            self.state.enter_step(step, events);
        }
    }

    fn step_ends(&mut self, moment: &Moment) -> bool {
        let step = self.state.step;
        let end = self.itinerary.step_end(step);
        let to_end = end - self.state.along;
        let on_next = to_end < 0.0;
        let facts = AdvanceFacts {
            to_end,
            from_step: if on_next {
                self.distance_from(moment, step)
            } else {
                self.state.offset
            },
            on_next,
            accuracy: moment.reading.accuracy,
        };
        self.config.advance.holds(&facts, &mut self.state.entered)
    }

    /// Metres from the last stretch of a step.
    fn distance_from(&self, moment: &Moment, step: usize) -> f64 {
        let end = self.itinerary.step_end(step);
        let start = self.itinerary.step_start(step).max(end - 200.0);
        let mut nearest = f64::INFINITY;
        // The end itself would belong to the segment that begins there.
        let before_end = (end - 0.001).max(start);
        let track = &self.itinerary.track;
        track.feet(&moment.frame, start, before_end, |foot| {
            nearest = nearest.min(foot.offset);
        });
        nearest
    }

    /// Arrives at the next stop if the driver is there.
    fn check_arrival(&mut self, moment: &Moment, on_route: bool, events: &mut Vec<Event>) -> bool {
        let itinerary = self.itinerary.clone();
        let reached = self
            .state
            .reaches_stop(&itinerary, &self.config, moment, on_route);
        let Some(stop) = reached else {
            return false;
        };
        self.reach(stop, moment.reading.at, on_route, events);
        self.state.announce(&itinerary, events);
        if stop + 1 == itinerary.route().waypoints().len() {
            self.complete(moment.reading.at, events);
        }
        true
    }

    fn reach(&mut self, stop: usize, at: TimestampMs, on_route: bool, events: &mut Vec<Event>) {
        let itinerary = self.itinerary.clone();
        self.state.watch = crate::deviation::Watch::default();
        self.state.located = true;
        self.state.phase = Phase::Navigating;
        self.state.beam.clear();
        let last = itinerary.route().leg_steps(self.state.leg).end - 1;
        if self.state.step < last {
            self.state.enter_step(last, events);
        }
        let driven = itinerary.waypoint_at(stop) - self.state.peak;
        self.state.summary.on_route_m += if on_route { driven.max(0.0) } else { 0.0 };
        self.state.arrive(&itinerary, stop, at);
        events.push(Event::Arrived { stop });
    }

    fn complete(&mut self, at: TimestampMs, events: &mut Vec<Event>) {
        self.state.phase = Phase::Complete;
        self.state.summary.ended_at = Some(at);
        events.push(Event::TripCompleted(self.state.summary));
    }

    /// Takes an arrival back.
    fn pass_by(&mut self, events: &mut Vec<Event>) {
        if let Some(stay) = self.state.stay.take() {
            events.push(Event::PassedBy { stop: stay.stop });
        }
        let steps = self.itinerary.route().leg_steps(self.state.leg);
        let before = steps.end.saturating_sub(2).max(steps.start);
        if self.state.step != before {
            self.state.enter_step(before, events);
        }
    }

    /// After the last stop: the stay there is still watched, for the visit.
    pub(crate) fn linger(&mut self, moment: &Moment, events: &mut Vec<Event>) {
        if self.state.stay.is_none() {
            return;
        }
        let itinerary = self.itinerary.clone();
        match self.state.stay(&itinerary, &self.config, moment, events) {
            Staying::Still => {}
            Staying::Left | Staying::PassedBy => self.state.depart(&itinerary, events),
        }
    }
}

fn is_arrival(itinerary: &crate::Itinerary, step: usize) -> bool {
    itinerary.step_end(step) - itinerary.step_start(step) < NO_LENGTH_M
}

/// The likeliest place if it is near enough, else the nearest one if that is.
fn within(seen: &Scan, threshold: f64) -> Option<Foot> {
    [seen.best, seen.nearest]
        .into_iter()
        .find(|foot| foot.offset <= threshold)
}

fn heading(moment: &Moment, foot: &Foot) -> Heading {
    let course = moment.course.filter(|_| moment.speed >= DRIVING_MPS);
    match (course, foot.course) {
        (Some(course), Some(road)) => match road.agreement(course) {
            c if c > 0.5 => Heading::With,
            c if c < -0.5 => Heading::Against,
            _ => Heading::Unknown,
        },
        _ => Heading::Unknown,
    }
}
