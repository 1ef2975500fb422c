//! Choosing among cached routes when the driver is off the one they follow and there is no
//! connection.

use crate::track::Foot;
use crate::vector::{Course, Frame};
use crate::{CourseFix, Itinerary, RouteSession, WaypointKind};
use fieldfare_geo::distance_m;
use fieldfare_model::LatLng;

/// How well a cached route would do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankedRoute {
    /// Index into the candidates.
    pub index: usize,
    /// Where it would be joined, metres from its start.
    pub join_m: f64,
    /// Where that is.
    pub position: LatLng,
    /// Metres to there as the crow flies.
    pub gap_m: f64,
    /// Stops still to visit that it does not serve from there on.
    pub missing_stops: usize,
    /// Milliseconds to its end: the way there at town speed, and the plan from there on.
    pub total_ms: i64,
}

/// Roads are longer than the crow's way, and the way there is driven at town speed.
const DETOUR_FACTOR: f64 = 1.4;
const TOWN_MPS: f64 = 8.0;
/// A road that leads the other way costs this much turning around, milliseconds.
const TURNING_MS: f64 = 60_000.0;
/// A route serves a stop that it passes within this distance, metres.
const SERVES_M: f64 = 150.0;
/// Places up to this much farther than the nearest one are weighed too, metres.
const SPREAD_M: f64 = 300.0;
const BUDGET: usize = 4096;

/// Ranks routes for a driver who is at a fix and still has stops to visit: those that serve most
/// stops first, then the quickest, then the first of them. Takes O(log n) a route where roads are
/// as they are, and never more than a bounded number of segments.
pub fn rank_routes(
    fix: &CourseFix,
    pending: &[LatLng],
    candidates: &[&Itinerary],
) -> Vec<RankedRoute> {
    let ranked = candidates.iter().enumerate();
    let mut ranked: Vec<RankedRoute> = ranked
        .filter_map(|(index, itinerary)| rank(index, itinerary, fix, pending))
        .collect();
    ranked.sort_by_key(|route| (route.missing_stops, route.total_ms, route.index));
    ranked
}

impl RouteSession {
    /// Where the stops are that have not been reached, in order.
    pub fn pending_stops(&self) -> Vec<LatLng> {
        let waypoints = self.itinerary.route().waypoints();
        let first = self.state.waypoint + usize::from(self.state.stay.is_some());
        let rest = waypoints.iter().skip(first);
        rest.filter(|place| place.kind == WaypointKind::Break)
            .map(|place| place.position)
            .collect()
    }
}

fn rank(
    index: usize,
    itinerary: &Itinerary,
    fix: &CourseFix,
    pending: &[LatLng],
) -> Option<RankedRoute> {
    let frame = Frame::at(fix.fix.position);
    let course = fix.course_deg.filter(|c| c.is_finite());
    let course = course.map(Course::from_degrees);
    let nearest = itinerary.track.nearest(&frame)?;
    let served = served(itinerary, pending);
    let mut best: Option<(Foot, usize, f64)> = None;
    let mut see = |foot: Foot| {
        let missing = served.iter().filter(|at| **at < foot.along).count();
        let total = total_ms(itinerary, &foot, course);
        let better = best.is_none_or(|(_, fewest, least)| {
            missing < fewest || (missing == fewest && total < least)
        });
        if better && foot.offset <= nearest.offset + SPREAD_M {
            best = Some((foot, missing, total));
        }
    };
    see(nearest);
    let reach = nearest.offset + SPREAD_M;
    itinerary.track.within(&frame, reach, BUDGET, &mut see);
    let (foot, missing, total) = best?;
    Some(RankedRoute {
        index,
        join_m: foot.along,
        position: itinerary.track.place(foot.along)?,
        gap_m: foot.offset,
        missing_stops: missing + (pending.len() - served.len()),
        total_ms: total as i64,
    })
}

fn total_ms(itinerary: &Itinerary, foot: &Foot, course: Option<Course>) -> f64 {
    let gap = foot.offset * DETOUR_FACTOR / TOWN_MPS * 1000.0;
    let against = match (course, foot.course) {
        (Some(course), Some(road)) => road.agreement(course) < -0.3,
        _ => false,
    };
    let whole = itinerary.route().duration_ms() as f64;
    let left = whole - itinerary.time_at_any(foot.along);
    gap + left.max(0.0) + if against { TURNING_MS } else { 0.0 }
}

/// The last place of the route where each stop is served, for those that are.
fn served(itinerary: &Itinerary, pending: &[LatLng]) -> Vec<f64> {
    let place_of = |stop: &LatLng| {
        let waypoints = itinerary.route().waypoints().iter().enumerate();
        waypoints
            .filter(|(_, place)| {
                place.kind == WaypointKind::Break && distance_m(place.position, *stop) <= SERVES_M
            })
            .map(|(i, _)| itinerary.waypoint_at(i))
            .next_back()
    };
    pending.iter().filter_map(place_of).collect()
}
