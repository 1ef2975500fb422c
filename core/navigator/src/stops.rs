//! Arriving at stops, staying there, and leaving.

use crate::motion::Moment;
use crate::state::{State, StayState};
use crate::track::Foot;
use crate::vector::Vector;
use crate::{Event, FollowConfig, Itinerary, Phase, Stay, WaypointKind};
use fieldfare_model::TimestampMs;

/// At this speed a driver is on the way, metres per second.
const DRIVING_MPS: f64 = 2.5;
/// Metres into the next leg at which a driver has left the stop, with a perfect fix.
const LEAVING_M: f64 = 12.0;
/// Consecutive fixes that make a departure.
const LEAVING_FIXES: u32 = 2;
/// So long without a fix is a silence, milliseconds.
const SILENCE_MS: i64 = 5_000;
/// Being beside a stop counts as arrival when this much of the route or less is left to it,
/// metres: a route may pass its stop long before it ends there.
const SHORT_CUT_M: f64 = 200.0;

/// Where the driver is relative to the stop they stay at.
pub(crate) enum Staying {
    Still,
    Left,
    /// Away from the stop and not on the next leg, having stayed too short for a visit.
    PassedBy,
}

/// Whether the driver is on the next leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Onward {
    No,
    /// On its road.
    There,
    /// On its road, driving in its direction.
    Driving,
}

fn goes_with(moment: &Moment, foot: &Foot) -> bool {
    let agree = match (moment.course, foot.course) {
        (Some(course), Some(road)) => road.agreement(course) > 0.7,
        _ => false,
    };
    agree && moment.speed >= DRIVING_MPS
}

impl State {
    /// The next place where the driver stops.
    pub(crate) fn next_stop(&self, itinerary: &Itinerary) -> Option<usize> {
        itinerary.next_break(self.waypoint)
    }

    /// The place of the route that is not passed before the next stop is reached.
    pub(crate) fn gate(&self, itinerary: &Itinerary) -> f64 {
        match self.next_stop(itinerary) {
            Some(stop) => itinerary.waypoint_at(stop),
            None => itinerary.length_m(),
        }
    }

    /// Where the current leg begins.
    pub(crate) fn leg_start(&self, itinerary: &Itinerary) -> f64 {
        itinerary.step_start(itinerary.route().leg_steps(self.leg).start)
    }

    /// Passes the places before `along` where the driver does not stop.
    pub(crate) fn pass_vias(&mut self, itinerary: &Itinerary, events: &mut Vec<Event>) {
        while let Some(place) = itinerary.route().waypoints().get(self.waypoint)
            && place.kind == WaypointKind::Via
            && self.along >= itinerary.waypoint_at(self.waypoint)
        {
            events.push(Event::ViaPassed {
                waypoint: self.waypoint,
            });
            self.waypoint += 1;
        }
    }

    /// Whether the driver has reached the next stop: by road, or by halting beside it near the end
    /// of the leg, or by staying there.
    pub(crate) fn reaches_stop(
        &mut self,
        itinerary: &Itinerary,
        config: &FollowConfig,
        moment: &Moment,
        on_route: bool,
    ) -> Option<usize> {
        let stop = self.next_stop(itinerary)?;
        let left = itinerary.waypoint_at(stop) - self.along;
        let slack = moment.reading.accuracy.min(20.0);
        let beside = distance_to(itinerary, stop, moment) <= config.arrival_radius_m + slack;
        self.near_stop_ms = if beside {
            self.near_stop_ms.saturating_add(moment.dt_ms)
        } else {
            0
        };
        // Where nothing is off the route, being at its end says nothing of where the driver is.
        let at_its_end = config.keeps_to_the_road() || beside;
        let by_road = on_route && left <= config.arrival_radius_m && at_its_end;
        let reached = by_road
            || (beside && left <= SHORT_CUT_M && moment.speed <= DRIVING_MPS)
            || (beside && self.near_stop_ms >= config.dwell_ms);
        reached.then_some(stop)
    }

    /// Begins a stay.
    pub(crate) fn arrive(&mut self, itinerary: &Itinerary, stop: usize, at: TimestampMs) {
        self.waypoint = stop;
        self.near_stop_ms = 0;
        self.along = itinerary.waypoint_at(stop);
        self.peak = self.along;
        self.stay = Some(StayState {
            stop,
            arrived_at: at,
            seen_at: at,
            dwell_ms: 0,
            proposed: false,
            away: 0,
            leaving: 0,
        });
    }

    /// Counts time at a stop that nobody saw.
    pub(crate) fn stay_unseen(
        &mut self,
        itinerary: &Itinerary,
        config: &FollowConfig,
        dwell_ms: i64,
        events: &mut Vec<Event>,
    ) {
        let Some(stay) = &mut self.stay else { return };
        stay.dwell_ms = dwell_ms.max(0);
        stay.arrived_at = stay.seen_at.plus(-stay.dwell_ms);
        if stay.dwell_ms >= config.dwell_ms {
            stay.proposed = true;
            events.push(Event::VisitProposed(told(itinerary, stay)));
        }
    }

    /// Goes on with a stay.
    pub(crate) fn stay(
        &mut self,
        itinerary: &Itinerary,
        config: &FollowConfig,
        moment: &Moment,
        events: &mut Vec<Event>,
    ) -> Staying {
        let onward = self.onward(itinerary, config, moment);
        let leaving = onward == Onward::Driving;
        let Some(stay) = &mut self.stay else {
            return Staying::Left;
        };
        let slack = moment.reading.accuracy.min(30.0);
        let near = distance_to_road_or_place(itinerary, stay.stop, moment);
        if near <= config.stay_radius_m + slack {
            stay.away = 0;
            self.motion.matched();
            stay.seen_at = moment.reading.at;
            stay.dwell_ms = stay.dwell_ms.saturating_add(moment.dt_ms);
        } else if moment.dt_ms >= SILENCE_MS && near > 2.0 * config.stay_radius_m + slack {
            // Who is that far away after a silence needs no second fix.
            stay.away = LEAVING_FIXES;
        } else {
            stay.away = stay.away.saturating_add(1);
        }
        stay.leaving = if leaving { stay.leaving + 1 } else { 0 };
        if stay.dwell_ms >= config.dwell_ms && !stay.proposed {
            stay.proposed = true;
            events.push(Event::VisitProposed(told(itinerary, stay)));
        }
        let visited = stay.dwell_ms >= config.dwell_ms;
        if stay.leaving >= LEAVING_FIXES {
            Staying::Left
        } else if stay.away < LEAVING_FIXES {
            Staying::Still
        } else if visited || onward != Onward::No {
            Staying::Left
        } else {
            Staying::PassedBy
        }
    }

    /// Whether the driver is on the next leg.
    fn onward(&self, itinerary: &Itinerary, config: &FollowConfig, moment: &Moment) -> Onward {
        if self.phase == Phase::Complete {
            return Onward::No;
        }
        let accuracy = moment.reading.accuracy;
        let moved = moment.speed * moment.dt_ms as f64 / 1000.0;
        let gate = self.along;
        let from = gate + LEAVING_M + 2.0 * accuracy;
        let to = from + config.stay_radius_m + 3.0 * moved;
        let mut nearest: Option<Foot> = None;
        itinerary.track.feet(&moment.frame, gate, to, |foot| {
            if nearest.is_none_or(|best| foot.offset < best.offset) {
                nearest = Some(foot);
            }
        });
        let threshold = config.threshold_m(accuracy);
        let on = |foot: &Foot| foot.along >= from && foot.along <= to && foot.offset <= threshold;
        match nearest.filter(on) {
            None => Onward::No,
            Some(foot) if goes_with(moment, &foot) => Onward::Driving,
            Some(_) => Onward::There,
        }
    }

    /// Ends the stay and begins the next leg, if there is one.
    pub(crate) fn depart(&mut self, itinerary: &Itinerary, events: &mut Vec<Event>) {
        let Some(stay) = self.stay.take() else { return };
        events.push(Event::Departed(told(itinerary, &stay)));
        self.waypoint = stay.stop + 1;
        if self.leg + 1 < itinerary.route().leg_count() {
            self.leg += 1;
            self.enter_step(itinerary.route().leg_steps(self.leg).start, events);
        }
    }

    pub(crate) fn enter_step(&mut self, step: usize, events: &mut Vec<Event>) {
        self.step = step;
        self.entered = 0;
        events.push(Event::StepEntered { step });
    }
}

fn told(itinerary: &Itinerary, stay: &StayState) -> Stay {
    let place = itinerary.route().waypoints().get(stay.stop);
    Stay {
        stop: stay.stop,
        lead: place.and_then(|place| place.lead),
        arrived_at: stay.arrived_at,
        seen_at: stay.seen_at,
        dwell_ms: stay.dwell_ms,
    }
}

/// Metres to a stop, as the crow flies.
fn distance_to(itinerary: &Itinerary, stop: usize, moment: &Moment) -> f64 {
    let place = itinerary.route().waypoints().get(stop);
    place.map_or(f64::INFINITY, |place| {
        Vector::from(place.position).metres_to(moment.frame.up)
    })
}

/// Metres to a stop or to the place of the road where the leg ends, whichever is nearer.
fn distance_to_road_or_place(itinerary: &Itinerary, stop: usize, moment: &Moment) -> f64 {
    let along = itinerary.waypoint_at(stop);
    let road = itinerary.track.vector_at(along);
    let to_road = road.map_or(f64::INFINITY, |road| moment.frame.flat(road).level());
    to_road.min(distance_to(itinerary, stop, moment))
}
