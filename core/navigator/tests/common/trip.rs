//! Trips of every kind, each told by a seed.

use super::at;
use fieldfare_model::LatLng;
use fieldfare_navigator::simulate::{
    Detour, DriveScript, Outage, Receiver, RouteShape, SimRng, UTurn, shaped_route,
};
use fieldfare_navigator::{Itinerary, WaypointKind};
use std::sync::Arc;

pub struct Trip {
    pub seed: u64,
    pub shape: RouteShape,
    pub itinerary: Arc<Itinerary>,
    pub script: DriveScript,
}

/// Ordinary places, and the edges of every map.
const PLACES: [(f64, f64); 8] = [
    (60.17, 24.94),
    (47.4, 8.5),
    (-33.9, 151.2),
    (0.001, 0.001),
    (-16.8, 179.998),
    (65.0, -179.999),
    (89.99, 40.0),
    (-89.985, -120.0),
];

pub fn start(rng: &mut SimRng) -> LatLng {
    let (lat, lon) = PLACES[rng.below(PLACES.len())];
    at(lat, lon)
}

pub fn trip(seed: u64) -> Trip {
    let mut rng = SimRng::new(seed ^ 0x7269_7074);
    let shape = RouteShape::ALL[rng.below(RouteShape::ALL.len())];
    let start = start(&mut rng);
    let route = shaped_route(shape, start, rng.bits()).unwrap();
    let itinerary = Arc::new(Itinerary::new(route));
    let script = script(&itinerary, shape, &mut rng);
    Trip {
        seed,
        shape,
        itinerary,
        script,
    }
}

fn script(itinerary: &Itinerary, shape: RouteShape, rng: &mut SimRng) -> DriveScript {
    let length = itinerary.length_m();
    let stops = stops(itinerary);
    let mut script = DriveScript::plain(rng.bits());
    script.interval_ms = [1000, 1000, 1000, 2000, 3000][rng.below(5)];
    script.haste = rng.within(0.7, 1.25);
    script.receiver = Receiver {
        accuracy_m: rng.within(3.0, 20.0),
        persistence: rng.within(0.0, 0.95),
        bias_m: rng.within(-4.0, 6.0),
        reports_motion: rng.chance(0.85),
        jumps: if rng.chance(0.3) { 0.005 } else { 0.0 },
        nonsense: if rng.chance(0.3) { 0.01 } else { 0.0 },
        swaps: if rng.chance(0.3) { 0.005 } else { 0.0 },
    };
    // Nobody can tell which lap a driver is on who begins on the second.
    if rng.chance(0.15) && shape != RouteShape::Laps {
        script.start_m = away_from(&stops, rng.within(0.1, 0.6) * length);
    }
    if rng.chance(0.3) {
        let from_m = rng.within(0.1, 0.8) * length;
        let to_m = from_m + rng.within(50.0, 300.0);
        script.outages.push(Outage { from_m, to_m });
    }
    if rng.chance(0.35) {
        let at_m = away_from(&stops, rng.within(0.15, 0.75) * length);
        let skip_m = before_next_stop(itinerary, at_m, rng.within(0.0, 400.0));
        script.detours.push(Detour {
            at_m,
            away_m: rng.within(120.0, 500.0),
            skip_m,
        });
    } else if rng.chance(0.35) && shape != RouteShape::Roundabouts {
        // Nobody drives backwards around a roundabout.
        script.u_turns.push(UTurn {
            at_m: away_from(&stops, rng.within(0.3, 0.9) * length),
            back_m: rng.within(60.0, 250.0),
        });
    }
    // What happens in a tunnel nobody can follow.
    let busy: Vec<f64> = script
        .detours
        .iter()
        .flat_map(|d| [d.at_m, d.at_m + d.skip_m])
        .chain(script.u_turns.iter().map(|u| u.at_m))
        .collect();
    script.outages.retain(|o| {
        let apart = |at: &f64| *at < o.from_m - 400.0 || *at > o.to_m + 400.0;
        busy.iter().all(apart)
    });
    script
}

fn stops(itinerary: &Itinerary) -> Vec<f64> {
    let ruler = super::ruler::Ruler::new(itinerary.route());
    let waypoints = itinerary.route().waypoints().iter();
    let stops = waypoints.filter(|w| w.kind == WaypointKind::Break);
    stops.map(|w| ruler.at_point(w.point)).collect()
}

/// Who turns around a few metres before a stop looks as if they had been there.
fn away_from(stops: &[f64], at_m: f64) -> f64 {
    let near = stops.iter().find(|stop| (*stop - at_m).abs() < 150.0);
    near.map_or(at_m, |stop| stop + 150.0)
}

/// A detour that leaves out a stop would be another story.
fn before_next_stop(itinerary: &Itinerary, at_m: f64, skip_m: f64) -> f64 {
    let next = stops(itinerary).into_iter().find(|place| *place > at_m);
    let next = next.unwrap_or(itinerary.length_m());
    skip_m.min((next - at_m - 120.0).max(0.0))
}
