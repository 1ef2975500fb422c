//! Following a route of 500 km and 50,000 points, beside the `ferrostar` crate:
//! `tests/benches/navigator/run`.
//!
//! Both read the same OSRM answer and take the same noisy fixes, a second apart. Times are CPU
//! time of one thread for one fix.

use cpu_time::ThreadTime;
use ferrostar::deviation_detection::RouteDeviationTracking;
use ferrostar::models::{CourseOverGround, GeographicCoordinate, Speed, UserLocation};
use ferrostar::navigation_controller::models::{
    CourseFiltering, NavState, NavigationControllerConfig, WaypointAdvanceMode,
};
use ferrostar::navigation_controller::step_advance::conditions::DistanceToEndOfStepCondition;
use ferrostar::navigation_controller::{NavigationController, Navigator};
use ferrostar::routing_adapters::RouteResponseParser;
use ferrostar::routing_adapters::osrm::OsrmResponseParser;
use fieldfare_geo::{Precision, destination, encode_polyline};
use fieldfare_model::LatLng;
use fieldfare_navigator::simulate::{DriveScript, SimRng, drive};
use fieldfare_navigator::{
    CourseFix, Event, FollowConfig, Itinerary, Route, RouteSession, parse_routes,
};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

const POINTS: usize = 50_000;
const SPACING_M: f64 = 10.0;
const POINTS_A_STEP: usize = 100;
/// Ferrostar is slow at the start of a long route, so it takes some fixes at several places.
const PEER_FIXES: usize = 60;
/// What a fix may take on such a route.
const MOST_US: f64 = 5.0;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let answer = osrm_answer()?;
    let itinerary = Arc::new(Itinerary::new(
        parse_routes(answer.as_bytes())?.swap_remove(0),
    ));
    let route = itinerary.route();
    println!(
        "A route of {:.0} km, {} points and {} steps; {} kB as OSRM tells it, {} kB stored.",
        itinerary.length_m() / 1000.0,
        route.path().len(),
        route.steps().len(),
        answer.len() / 1000,
        route.to_bytes().len() / 1000
    );
    let fixes: Vec<CourseFix> = drive(&itinerary, &DriveScript::plain(1))
        .iter()
        .map(|seen| seen.fix)
        .collect();
    let (ours, mean) = follow(&itinerary, &fixes)?;
    let off = off_route(&itinerary)?;
    println!("\n| us a fix, median | Fieldfare | ferrostar 0.59 | ratio |\n|---|---|---|---|");
    for (place, part) in [("start", 0.0), ("middle", 0.5), ("last tenth", 0.9)] {
        let own = part_of(&ours, part);
        let peer = peer(&answer, &fixes, part)?;
        println!(
            "| on the route, {place} | {own:.2} | {peer:.0} | {:.0} |",
            peer / own
        );
    }
    println!(
        "\nThe whole drive of {} fixes: mean {mean:.2}, 99 in 100 below {:.2}. 2 km off the route, with all of it \
         searched: {off:.2}. Preparing the route once: {:.1} ms.",
        fixes.len(),
        quantile(&ours, 0.99),
        preparing(route) * 1e3,
    );
    if mean > MOST_US {
        return Err(format!("a fix takes more than {MOST_US} us").into());
    }
    Ok(())
}

fn quantile(times: &[f64], share: f64) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * share) as usize]
}

/// The median of the tenth of a drive that begins at a share of it.
fn part_of(times: &[f64], part: f64) -> f64 {
    let first = (times.len() as f64 * part) as usize;
    let last = (first + times.len() / 10).min(times.len());
    quantile(&times[first..last], 0.5)
}

/// A road that winds through the country, as OSRM tells it.
fn osrm_answer() -> Result<String, Failure> {
    let path = winding_road()?;
    let mut steps = Vec::new();
    for (i, first) in (0..POINTS - 1).step_by(POINTS_A_STEP).enumerate() {
        let last = (first + POINTS_A_STEP).min(POINTS - 1);
        let kind = if i == 0 { "depart" } else { "turn" };
        steps.push(step(&path[first..=last], kind, i));
    }
    steps.push(step(
        &[path[POINTS - 1], path[POINTS - 1]],
        "arrive",
        steps.len(),
    ));
    let total = SPACING_M * (POINTS - 1) as f64;
    let place = |at: LatLng| serde_json::json!({"location": [at.lon(), at.lat()], "name": ""});
    Ok(serde_json::json!({
        "code": "Ok",
        "routes": [{
            "geometry": encode_polyline(&path, Precision::Six),
            "distance": total,
            "duration": total / 25.0,
            "legs": [{"steps": steps, "distance": total, "duration": total / 25.0, "summary": ""}],
        }],
        "waypoints": [place(path[0]), place(path[POINTS - 1])],
    })
    .to_string())
}

fn winding_road() -> Result<Vec<LatLng>, Failure> {
    let mut rng = SimRng::new(500);
    let mut at = LatLng::new(47.5, 7.5)?;
    let (mut heading, mut bend) = (60.0, 0.0);
    let mut path = vec![at];
    while path.len() < POINTS {
        bend = 0.97 * bend + rng.within(-0.6, 0.6);
        heading += bend + 0.02 * (60.0 - heading);
        at = destination(at, heading, SPACING_M)?;
        path.push(at);
    }
    Ok(path)
}

fn step(path: &[LatLng], kind: &str, index: usize) -> serde_json::Value {
    let metres = SPACING_M * (path.len() - 1) as f64;
    let start = path[0];
    let seconds = if kind == "arrive" { 0.0 } else { metres / 25.0 };
    serde_json::json!({
        "geometry": encode_polyline(path, Precision::Six),
        "distance": metres,
        "duration": seconds,
        "name": format!("Road {index}"),
        "mode": "driving",
        "driving_side": "right",
        "weight": seconds,
        "intersections": [],
        "maneuver": {
            "type": kind,
            "modifier": "right",
            "location": [start.lon(), start.lat()],
            "bearing_before": 0,
            "bearing_after": 0,
        },
    })
}

fn preparing(route: &Route) -> f64 {
    let started = ThreadTime::now();
    let itinerary = Itinerary::new(route.clone());
    let took = started.elapsed().as_secs_f64();
    assert!(itinerary.length_m() > 0.0);
    took
}

/// Microseconds a fix, in batches of ten so that reading the clock costs nothing; and the mean.
fn follow(itinerary: &Arc<Itinerary>, fixes: &[CourseFix]) -> Result<(Vec<f64>, f64), Failure> {
    let mut session = RouteSession::new(itinerary.clone(), FollowConfig::default())?;
    session.start(fixes[0].fix.at);
    let mut batches = Vec::new();
    let mut said = 0;
    for ten in fixes.chunks_exact(10) {
        let started = ThreadTime::now();
        for fix in ten {
            let update = session.update(fix);
            let speech = |e: &&Event| matches!(e, Event::Speak { .. });
            said += update.events.iter().filter(speech).count();
        }
        batches.push(micros(started.elapsed()) / 10.0);
    }
    assert!(said > 500 && session.summary().deviations == 0);
    let mean = batches.iter().sum::<f64>() / batches.len() as f64;
    Ok((batches, mean))
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// The peer, led to a part of the route by its own means and then fed fixes.
fn peer(answer: &str, fixes: &[CourseFix], part: f64) -> Result<f64, Failure> {
    let parser = OsrmResponseParser::new(6);
    let route = parser
        .parse_response(answer.as_bytes().to_vec())?
        .swap_remove(0);
    let advance = Arc::new(DistanceToEndOfStepCondition {
        distance: 20,
        minimum_horizontal_accuracy: 25,
    });
    let controller = NavigationController::new(
        route.clone(),
        NavigationControllerConfig {
            waypoint_advance: WaypointAdvanceMode::WaypointWithinRange(50.0),
            step_advance_condition: advance.clone(),
            arrival_step_advance_condition: advance,
            route_deviation_tracking: RouteDeviationTracking::StaticThreshold {
                minimum_horizontal_accuracy: 25,
                max_acceptable_deviation: 30.0,
            },
            snapped_location_course_filtering: CourseFiltering::SnapToRoute,
        },
    );
    let first = (part * fixes.len() as f64) as usize;
    let mut state = led_to(&controller, &fixes[first], part, route.steps.len());
    let mut times = Vec::new();
    for fix in &fixes[first..first + PEER_FIXES] {
        let location = location(fix);
        let started = ThreadTime::now();
        state = controller.update_user_location(location, state);
        times.push(micros(started.elapsed()));
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

fn led_to(controller: &NavigationController, fix: &CourseFix, part: f64, steps: usize) -> NavState {
    let mut state = controller.get_initial_state(location(fix));
    for _ in 0..(part * steps as f64) as usize {
        state = controller.advance_to_next_step(state);
    }
    state
}

fn location(fix: &CourseFix) -> UserLocation {
    UserLocation {
        coordinates: GeographicCoordinate {
            lat: fix.fix.position.lat(),
            lng: fix.fix.position.lon(),
        },
        horizontal_accuracy: fix.fix.accuracy_m,
        course_over_ground: fix.course_deg.map(|degrees| CourseOverGround {
            degrees: degrees as u16,
            accuracy: None,
        }),
        timestamp: UNIX_EPOCH + Duration::from_millis(fix.fix.at.unix_ms()),
        speed: fix.fix.speed_mps.map(|value| Speed {
            value,
            accuracy: None,
        }),
    }
}

/// A driver 2 km beside the route in its middle, a fix a second.
fn off_route(itinerary: &Arc<Itinerary>) -> Result<f64, Failure> {
    let mut session = RouteSession::new(itinerary.clone(), FollowConfig::default())?;
    let script = DriveScript {
        start_m: 250_000.0,
        end_m: 256_000.0,
        stay_ms: 0,
        ..DriveScript::plain(2)
    };
    let fixes = drive(itinerary, &script);
    session.start(script.start_at);
    session.update(&fixes[0].fix);
    let mut times = Vec::new();
    for seen in &fixes[1..] {
        let mut fix = seen.fix;
        fix.fix.position = destination(fix.fix.position, 0.0, 2_000.0)?;
        let started = ThreadTime::now();
        session.update(&fix);
        times.push(micros(started.elapsed()));
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}
