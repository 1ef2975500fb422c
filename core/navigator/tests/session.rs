//! Sessions in single situations: each line of what a driver expects.
#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]
mod common;
use common::at;
use common::trip::trip;
use fieldfare_geo::{bearing_deg, destination};
use fieldfare_model::{Fix, LatLng, LeadId, TimestampMs};
use fieldfare_navigator::simulate::{DriveScript, RouteShape, UTurn, drive, shaped_route};
use fieldfare_navigator::{
    ConfigError, CourseFix, DeviationKind, Event, FixQuality, FollowConfig, Itinerary, LegDraft,
    Manoeuvre, ManoeuvreKind, Phase, RestoreError, Route, RouteDraft, RouteSession, RouteSource,
    SkipReason, StepAdvance, StepDraft, Update, WaypointDraft,
};
use std::sync::Arc;

const START: TimestampMs = TimestampMs(1_760_000_000_000);

fn itinerary(shape: RouteShape) -> Arc<Itinerary> {
    Arc::new(Itinerary::new(
        shaped_route(shape, at(60.17, 24.94), 5).unwrap(),
    ))
}

fn started(itinerary: &Arc<Itinerary>) -> RouteSession {
    let mut session = RouteSession::new(itinerary.clone(), FollowConfig::default()).unwrap();
    session.start(START);
    session
}

fn fix(position: LatLng, seconds: i64) -> CourseFix {
    Fix {
        position,
        at: START.plus(seconds * 1000),
        accuracy_m: 5.0,
        speed_mps: None,
    }
    .into()
}

/// A fix of a car on a road from west to east along the equator of a little world.
fn rolling(metres_east: f64, metres_north: f64, course: f64, seconds: i64) -> CourseFix {
    let east = destination(at(0.0, 10.0), 90.0, metres_east).unwrap();
    let position = destination(east, 0.0, metres_north).unwrap();
    CourseFix {
        fix: Fix {
            speed_mps: Some(10.0),
            ..fix(position, seconds).fix
        },
        course_deg: Some(course),
    }
}

fn straight_road() -> Arc<Itinerary> {
    let path: Vec<LatLng> = (0..=100)
        .map(|i| destination(at(0.0, 10.0), 90.0, f64::from(i) * 20.0).unwrap())
        .collect();
    Arc::new(Itinerary::new(Route::along(&path, 10.0).unwrap()))
}

fn run(session: &mut RouteSession, fixes: &[CourseFix]) -> Vec<Update> {
    fixes.iter().map(|fix| session.update(fix)).collect()
}

fn events(updates: &[Update]) -> Vec<Event> {
    updates.iter().flat_map(|u| u.events.clone()).collect()
}

#[test]
fn nothing_happens_before_the_start() {
    let mut session = RouteSession::new(straight_road(), FollowConfig::default()).unwrap();
    let update = session.update(&rolling(0.0, 0.0, 90.0, 0));
    assert_eq!((update.phase, update.events.len()), (Phase::Idle, 0));
    assert_eq!(update.progress, None);
}

#[test]
fn snapped_and_raw_are_both_told() {
    let mut session = started(&straight_road());
    let update = session.update(&rolling(503.0, 8.0, 85.0, 1));
    let snapped = update.snapped.unwrap();
    assert!((snapped.offset_m - 8.0).abs() < 0.01);
    assert!((snapped.along_m - 503.0).abs() < 0.01);
    assert!((snapped.course_deg.unwrap() - 90.0).abs() < 0.01);
    assert!(snapped.position.lat().abs() < 1e-6 && update.position.lat() > 7e-5);
    assert!(snapped.confidence > 0.5);
    let progress = update.progress.unwrap();
    assert!((progress.remaining_m - 1497.0).abs() < 0.1);
}

/// Three fixes off, or two far off, each judged itself: the first back on it counts as on.
#[test]
fn off_the_route_after_three_fixes_and_back() {
    let mut session = started(&straight_road());
    let fixes: Vec<CourseFix> = (0..10)
        .map(|i| rolling(100.0 + 10.0 * i as f64, 0.0, 90.0, i))
        .chain((10..14).map(|i| rolling(200.0 + 10.0 * (i - 10) as f64, 35.0, 90.0, i)))
        .collect();
    let updates = run(&mut session, &fixes);
    let deviating: Vec<bool> = updates.iter().map(|u| u.deviation.is_some()).collect();
    assert_eq!(deviating[10..], [false, false, true, true]);
    let deviation = updates[12].deviation.unwrap();
    assert_eq!(deviation.kind, DeviationKind::OffRoute);
    assert!((deviation.offset_m - 35.0).abs() < 0.1);
    assert_eq!(deviation.for_ms, 2000);
    assert_eq!(updates[12].snapped, None);
    let hint = updates[12].rejoin.unwrap();
    assert!((hint.distance_m - 35.0).abs() < 0.1 && (hint.bearing_deg - 180.0).abs() < 0.1);

    let back: Vec<CourseFix> = (14..17)
        .map(|i| rolling(240.0 + 10.0 * (i - 14) as f64, 2.0, 90.0, i))
        .collect();
    let updates = run(&mut session, &back);
    assert!(updates[0].deviation.is_some() && updates[1].deviation.is_none());
    assert!(matches!(
        updates[1].events[0],
        Event::Joined { again: true, .. }
    ));
}

#[test]
fn one_wild_fix_is_no_deviation() {
    let mut session = started(&straight_road());
    let mut fixes: Vec<CourseFix> = (0..20)
        .map(|i| rolling(10.0 * i as f64, 0.0, 90.0, i))
        .collect();
    fixes[10] = rolling(100.0, 70.0, 90.0, 10);
    fixes[11] = rolling(110.0, 90.0, 90.0, 11);
    let updates = run(&mut session, &fixes[..12]);
    // Two fixes far beyond the threshold are enough ...
    assert!(updates[11].deviation.is_some());
    // ... one is not, nor is one in another country.
    let mut session = started(&straight_road());
    fixes[11] = rolling(110.0, 0.0, 90.0, 11);
    fixes[13] = fix(at(48.0, 11.0), 13);
    let updates = run(&mut session, &fixes);
    assert!(updates.iter().all(|u| u.deviation.is_none()));
    assert_eq!(updates[13].quality, FixQuality::Jump);
    assert_eq!(updates[14].quality, FixQuality::Good);
}

#[test]
fn inaccurate_fixes_raise_the_bar_and_hopeless_ones_are_unused() {
    let mut session = started(&straight_road());
    run(&mut session, &[rolling(0.0, 0.0, 90.0, 0)]);
    for i in 1..6 {
        let mut fix = rolling(10.0 * i as f64, 60.0, 90.0, i);
        fix.fix.accuracy_m = 30.0;
        assert_eq!(session.update(&fix).deviation, None);
    }
    let mut fix = rolling(60.0, 60.0, 90.0, 6);
    fix.fix.accuracy_m = 500.0;
    let update = session.update(&fix);
    assert_eq!(update.quality, FixQuality::Inaccurate);
    assert!(update.events.is_empty());
}

#[test]
fn wrong_way_is_told_apart_from_off_the_route() {
    let mut session = started(&straight_road());
    let there = (0..30).map(|i| rolling(10.0 * i as f64, 0.0, 90.0, i));
    let back = (30..40).map(|i| rolling(290.0 - 10.0 * (i - 29) as f64, 0.0, 270.0, i));
    let again = (40..45).map(|i| rolling(190.0 + 10.0 * (i - 39) as f64, 0.0, 90.0, i));
    let fixes: Vec<CourseFix> = there.chain(back).chain(again).collect();
    let updates = run(&mut session, &fixes);
    let first = updates.iter().position(|u| u.deviation.is_some()).unwrap();
    assert!((32..=33).contains(&first), "{first}");
    assert_eq!(
        updates[first].deviation.unwrap().kind,
        DeviationKind::WrongWay
    );
    assert!(updates[first].snapped.is_some());
    assert_eq!(updates[44].deviation, None);
    assert_eq!(session.summary().deviations, 1);
}

/// A course tells opposite carriageways apart, 8 m from each other, with the same fixes.
#[test]
fn course_chooses_the_carriageway() {
    let east = |x: f64, y: f64| {
        let along = destination(at(0.0, 10.0), 90.0, x).unwrap();
        destination(along, 0.0, y).unwrap()
    };
    let mut path: Vec<LatLng> = (0..=50).map(|i| east(f64::from(i) * 20.0, 0.0)).collect();
    path.extend((0..=50).rev().map(|i| east(f64::from(i) * 20.0, 8.0)));
    let itinerary = Arc::new(Itinerary::new(Route::along(&path, 10.0).unwrap()));
    for (course, expected) in [(90.0, 500.0), (270.0, 1508.0)] {
        let mut session = started(&itinerary);
        let step = if course == 90.0 { 10.0 } else { -10.0 };
        let fixes: Vec<CourseFix> = (0..6)
            .map(|i| rolling(500.0 + step * (i as f64 - 5.0), 4.0, course, i))
            .collect();
        let last = run(&mut session, &fixes).pop().unwrap();
        let along = last.snapped.unwrap().along_m;
        assert!((along - expected).abs() < 12.0, "{course}: {along}");
    }
}

#[test]
fn joining_in_the_middle_goes_straight_to_the_right_step() {
    let itinerary = itinerary(RouteShape::Wander);
    let mut script = DriveScript::plain(3);
    script.start_m = 0.4 * itinerary.length_m();
    let mut session = started(&itinerary);
    let first = drive(&itinerary, &script)[0];
    let update = session.update(&first.fix);
    assert_eq!(update.phase, Phase::Navigating);
    let entered: Vec<_> = update
        .events
        .iter()
        .filter(|e| matches!(e, Event::StepEntered { .. }))
        .collect();
    assert_eq!(entered.len(), 1);
    assert!(update.progress.unwrap().step > 1);
    let bypassed = update.events.iter().all(|e| match e {
        Event::Skipped { reason, .. } => *reason == SkipReason::Bypassed,
        _ => true,
    });
    assert!(bypassed);
}

/// Home and back again: at home, the first fix means the start, not the end.
#[test]
fn a_round_trip_begins_at_its_beginning() {
    for shape in [RouteShape::Loop, RouteShape::OutAndBack, RouteShape::Laps] {
        let itinerary = itinerary(shape);
        let mut session = started(&itinerary);
        let home = itinerary.route().path()[0];
        let update = session.update(&fix(home, 0));
        assert_eq!(update.phase, Phase::Navigating, "{shape:?}");
        assert!(update.progress.unwrap().remaining_m > 0.9 * itinerary.length_m());
    }
}

#[test]
fn far_from_the_route_it_waits_and_shows_the_way() {
    let mut session = started(&straight_road());
    let update = session.update(&rolling(500.0, 3000.0, 180.0, 0));
    assert_eq!((update.phase, update.progress), (Phase::Joining, None));
    let hint = update.rejoin.unwrap();
    assert!((hint.distance_m - 3000.0).abs() < 5.0);
    assert!((hint.bearing_deg - 180.0).abs() < 1.0);
}

#[test]
fn stops_visits_and_arrival_times() {
    let mut route = shaped_route(RouteShape::Loop, at(60.17, 24.94), 5).unwrap();
    let lead = LeadId::from_bytes([9; 16]);
    let on_road = WaypointDraft {
        lead: Some(lead),
        service_s: 600,
        ..WaypointDraft::ON_ROAD
    };
    route.assign(1, on_road);
    let itinerary = Arc::new(Itinerary::new(route));
    let mut session = started(&itinerary);
    let mut script = DriveScript::plain(4);
    script.stay_ms = 200_000;
    let fixes: Vec<CourseFix> = drive(&itinerary, &script).iter().map(|s| s.fix).collect();
    let updates = run(&mut session, &fixes);
    let stop_eta = updates[0].progress.unwrap().stop_eta;
    let eta = updates[0].progress.unwrap().eta;
    assert_eq!(session.phase(), Phase::Complete);
    let events = events(&updates);
    let visit = events.iter().find_map(|e| match e {
        Event::VisitProposed(stay) if stay.stop == 1 => Some(*stay),
        _ => None,
    });
    let visit = visit.unwrap();
    assert_eq!(visit.lead, Some(lead));
    assert!((60_000..62_000).contains(&visit.dwell_ms));
    assert!(visit.arrived_at.since(stop_eta).abs() < 40_000);
    let departed = events.iter().find_map(|e| match e {
        Event::Departed(stay) if stay.stop == 1 => Some(*stay),
        _ => None,
    });
    assert!(departed.unwrap().dwell_ms >= 200_000);
    // The plan says ten minutes at the stop.
    let driving = itinerary.route().duration_ms() as i64;
    assert!((eta.since(START) - driving - 600_000).abs() < 30_000);
    let summary = session.summary();
    assert!((summary.on_route_m - itinerary.length_m()).abs() < 40.0);
    assert!((summary.raw_m - itinerary.length_m()).abs() < 0.1 * itinerary.length_m());
    assert!(summary.ended_at.unwrap() > summary.started_at);
}

/// Straight lines instead of a road: a stop that is left without staying is not reached again from
/// afar.
#[test]
fn following_a_direction_a_stop_is_reached_beside_it_alone() {
    let begin = at(60.17, 24.94);
    let stop = destination(begin, 90.0, 600.0).unwrap();
    let next = destination(stop, 90.0, 2_000.0).unwrap();
    let itinerary = Arc::new(Itinerary::new(direction(&[begin, stop, next])));
    let config = FollowConfig {
        deviation_base_m: 900_000.0,
        wrong_way_m: 900_000.0,
        ..FollowConfig::default()
    };
    let mut session = RouteSession::new(itinerary, config).unwrap();
    session.start(START);
    let mut seconds = 0;
    let mut at_metres = |bearing: f64, metres: u32| {
        seconds += 1;
        let position = destination(stop, bearing, f64::from(metres)).unwrap();
        fix(position, seconds)
    };
    let mut fixes: Vec<CourseFix> = (0..60).rev().map(|s| at_metres(270.0, 10 * s)).collect();
    fixes.extend((0..20).map(|_| at_metres(0.0, 0)));
    fixes.extend((0..180).map(|s| at_metres(0.0, 10 * s)));
    let events = events(&run(&mut session, &fixes));
    let arrivals = events
        .iter()
        .filter(|e| matches!(e, Event::Arrived { stop: 1 }));
    assert_eq!(arrivals.count(), 1, "{events:?}");
}

/// A route of straight lines.
fn direction(places: &[LatLng]) -> Route {
    let legs = places.windows(2).map(|ends| LegDraft {
        steps: vec![
            StepDraft::plain(ends.to_vec(), 60.0, Manoeuvre::plain(ManoeuvreKind::Depart)),
            StepDraft::plain(vec![ends[1]], 0.0, Manoeuvre::plain(ManoeuvreKind::Arrive)),
        ],
        end: WaypointDraft::at(ends[1]),
        vias: Vec::new(),
        limits: Vec::new(),
    });
    Route::assemble(RouteDraft {
        source: RouteSource::Own,
        language: String::new(),
        origin: WaypointDraft::at(places[0]),
        legs: legs.collect(),
    })
    .unwrap()
}

/// Slower than planned: later; the far future is believed less than the near.
#[test]
fn arrival_times_follow_the_pace() {
    let itinerary = straight_road();
    let mut session = started(&itinerary);
    let slow: Vec<CourseFix> = (0..100)
        .map(|i| rolling(5.0 * i as f64, 0.0, 90.0, i))
        .collect();
    let last = run(&mut session, &slow).pop().unwrap();
    let progress = last.progress.unwrap();
    let planned = progress.remaining_m / 10.0 * 1000.0;
    let ratio = progress.remaining_ms as f64 / planned;
    assert!((1.3..1.9).contains(&ratio), "{ratio}");
}

#[test]
fn pausing_is_silent_and_resuming_finds_the_place() {
    let itinerary = itinerary(RouteShape::Wander);
    let fixes = drive(&itinerary, &DriveScript::plain(8));
    let mut session = started(&itinerary);
    for seen in &fixes[..60] {
        session.update(&seen.fix);
    }
    session.pause();
    for seen in &fixes[60..160] {
        let update = session.update(&seen.fix);
        assert_eq!((update.phase, update.events.len()), (Phase::Paused, 0));
    }
    session.resume();
    let updates: Vec<Update> = fixes[160..170]
        .iter()
        .map(|s| session.update(&s.fix))
        .collect();
    assert_eq!(updates[9].phase, Phase::Navigating);
    assert!(session.summary().paused_ms > 90_000);
    let truth = match fixes[169].truth {
        fieldfare_navigator::simulate::Truth::On { along_m } => along_m,
        _ => panic!("on the route"),
    };
    assert!((updates[9].snapped.unwrap().along_m - truth).abs() < 20.0);
}

/// Killed at any fix and restored at once, the rest of the trip is the same.
#[test]
fn a_killed_process_goes_on_as_if_nothing_had_happened() {
    for seed in [2, 5, 11, 13] {
        let trip = trip(seed);
        let fixes = drive(&trip.itinerary, &trip.script);
        let mut whole = started(&trip.itinerary);
        let expected: Vec<Update> = fixes.iter().map(|s| whole.update(&s.fix)).collect();
        let mut session = started(&trip.itinerary);
        for (i, seen) in fixes.iter().enumerate() {
            if session.phase() != Phase::Joining {
                let bytes = session.to_bytes();
                let last = fixes[i.saturating_sub(1)].fix.fix.at;
                session = RouteSession::from_bytes(trip.itinerary.clone(), &bytes, last, i64::MAX)
                    .unwrap();
            }
            assert_eq!(
                session.update(&seen.fix),
                expected[i],
                "seed {seed}, fix {i}"
            );
        }
    }
}

/// Restored after a while: found again, and nothing is said twice.
#[test]
fn restored_later_nothing_is_said_twice() {
    let itinerary = itinerary(RouteShape::Wander);
    let fixes = drive(&itinerary, &DriveScript::plain(21));
    let mut session = started(&itinerary);
    let mut said = Vec::new();
    for (i, seen) in fixes.iter().enumerate() {
        if i % 50 == 49 {
            let later = seen.fix.fix.at.plus(40_000);
            let bytes = session.to_bytes();
            session =
                RouteSession::from_bytes(itinerary.clone(), &bytes, later, 3_600_000).unwrap();
        }
        for event in session.update(&seen.fix).events {
            match event {
                Event::Speak { id } | Event::Skipped { id, .. } => said.push(id),
                _ => {}
            }
        }
    }
    assert_eq!(session.phase(), Phase::Complete);
    let count = said.len();
    said.sort();
    said.dedup();
    assert_eq!(said.len(), count);
    assert_eq!(count, itinerary.route().spoken().len());
}

#[test]
fn what_cannot_be_restored() {
    let itinerary = straight_road();
    let mut session = started(&itinerary);
    session.update(&rolling(0.0, 0.0, 90.0, 0));
    let bytes = session.to_bytes();
    let restore = |it: &Arc<Itinerary>, bytes: &[u8], age: i64| {
        RouteSession::from_bytes(it.clone(), bytes, START.plus(age), 10_000).map(|s| s.phase())
    };
    assert_eq!(restore(&itinerary, &bytes, 9_000), Ok(Phase::Navigating));
    assert_eq!(
        restore(&itinerary, &bytes, 11_000),
        Err(RestoreError::TooOld)
    );
    let other = self::itinerary(RouteShape::Loop);
    assert_eq!(restore(&other, &bytes, 0), Err(RestoreError::OtherRoute));
    assert!(matches!(
        restore(&itinerary, b"FFRT\x01", 0),
        Err(RestoreError::Bytes(_))
    ));
}

#[test]
fn a_clock_that_goes_back_stops_nothing() {
    let mut session = started(&straight_road());
    let mut fixes: Vec<CourseFix> = (0..60)
        .map(|i| rolling(10.0 * i as f64, 0.0, 90.0, i))
        .collect();
    for fix in &mut fixes[30..] {
        fix.fix.at = fix.fix.at.plus(-7_200_000);
    }
    fixes.swap(10, 11);
    let updates = run(&mut session, &fixes);
    assert_eq!(updates[11].quality, FixQuality::OutOfOrder);
    assert_eq!(updates[30].quality, FixQuality::Good);
    assert!(updates.iter().all(|u| u.deviation.is_none()));
    assert!((updates[59].snapped.unwrap().along_m - 590.0).abs() < 1.0);
    assert!(session.summary().moving_ms < 70_000);
}

#[test]
fn nonsense_in_a_fix_is_set_aside() {
    let mut session = started(&straight_road());
    for (i, bad) in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0, 1e300]
        .into_iter()
        .enumerate()
    {
        let mut fix = rolling(10.0 * i as f64, 0.0, 90.0, i as i64);
        fix.fix.speed_mps = Some(bad);
        fix.course_deg = Some(bad);
        if bad != 1e300 {
            fix.fix.accuracy_m = bad;
        }
        let update = session.update(&fix);
        assert_eq!(update.deviation, None);
        assert!(update.progress.unwrap().remaining_m.is_finite());
    }
}

#[test]
fn a_route_of_one_point() {
    let place = at(60.17, 24.94);
    let itinerary = Arc::new(Itinerary::new(Route::along(&[place], 10.0).unwrap()));
    let mut session = started(&itinerary);
    let far = destination(place, 90.0, 700.0).unwrap();
    let update = session.update(&fix(far, 0));
    assert_eq!(update.phase, Phase::Joining);
    assert!((update.rejoin.unwrap().distance_m - 700.0).abs() < 1.0);
    let update = session.update(&fix(place, 60));
    assert_eq!(update.phase, Phase::Complete);
    assert!(Route::along(&[], 10.0).is_err());
}

/// The same road on the antimeridian, at the poles and at home is followed in the same way.
#[test]
fn the_edges_of_the_map_are_no_edges() {
    let told = |start: LatLng| {
        let route = shaped_route(RouteShape::Wander, start, 77).unwrap();
        let itinerary = Arc::new(Itinerary::new(route));
        let mut script = DriveScript::plain(9);
        script.u_turns.push(UTurn {
            at_m: 1500.0,
            back_m: 120.0,
        });
        let mut session = started(&itinerary);
        let mut told = Vec::new();
        for seen in drive(&itinerary, &script) {
            for event in session.update(&seen.fix).events {
                told.push(match event {
                    Event::Joined { again, .. } => format!("joined {again}"),
                    Event::Deviated { kind, .. } => format!("{kind:?}"),
                    Event::Departed(s) | Event::VisitProposed(s) => format!("stay {}", s.stop),
                    Event::TripCompleted(_) => "done".to_owned(),
                    other => format!("{other:?}"),
                });
            }
        }
        told
    };
    let home = told(at(47.4, 8.5));
    assert!(home.len() > 40);
    for (lat, lon) in [
        (-16.8, 179.999),
        (64.0, -179.9995),
        (89.99, 10.0),
        (-89.995, 100.0),
        (0.0, 0.0),
    ] {
        assert_eq!(told(at(lat, lon)), home, "{lat} {lon}");
    }
}

#[test]
fn steps_advance_by_hand_and_early() {
    let itinerary = itinerary(RouteShape::Wander);
    let fixes = drive(&itinerary, &DriveScript::plain(6));
    let entered = |advance: StepAdvance| -> Vec<(usize, f64)> {
        let config = FollowConfig {
            advance,
            ..FollowConfig::default()
        };
        let mut session = RouteSession::new(itinerary.clone(), config).unwrap();
        session.start(START);
        let mut entered = Vec::new();
        for seen in &fixes[..150] {
            let update = session.update(&seen.fix);
            let along = update.snapped.map_or(0.0, |s| s.along_m);
            entered.extend(update.events.iter().filter_map(|e| match e {
                Event::StepEntered { step } => Some((*step, along)),
                _ => None,
            }));
        }
        entered
    };
    let passed = entered(StepAdvance::default());
    let early = entered(StepAdvance::NearEnd {
        within_m: 30.0,
        accuracy_m: 50.0,
    });
    let away = entered(StepAdvance::AwayFromStep {
        beyond_m: 15.0,
        accuracy_m: 50.0,
    });
    let left = entered(StepAdvance::EnterThenLeave {
        enter_m: 20.0,
        leave_m: 20.0,
    });
    assert!(passed.len() > 3);
    for ((a, b), (c, d)) in passed
        .iter()
        .zip(&early)
        .zip(away.iter().zip(&left))
        .skip(1)
    {
        assert_eq!((a.0, b.0, c.0), (b.0, c.0, d.0));
        assert!(b.1 < a.1 && a.1 < c.1 && a.1 < d.1);
    }
    assert_eq!(entered(StepAdvance::Manual).len(), 1);

    let config = FollowConfig {
        advance: StepAdvance::Manual,
        ..FollowConfig::default()
    };
    let mut session = RouteSession::new(itinerary.clone(), config).unwrap();
    session.start(START);
    session.update(&fixes[0].fix);
    assert_eq!(session.advance()[0], Event::StepEntered { step: 1 });
}

#[test]
fn stops_can_be_left_out() {
    let itinerary = itinerary(RouteShape::Laps);
    let mut session = started(&itinerary);
    session.update(&fix(itinerary.route().path()[0], 0));
    assert_eq!(session.pending_stops().len(), 3);
    let told = session.skip_stop();
    assert!(matches!(told[0], Event::StopMissed { stop: 1 }));
    assert_eq!(session.next_stop(), Some(2));
    assert_eq!(session.pending_stops().len(), 2);
    session.skip_stop();
    assert!(session.skip_stop().is_empty());
}

#[test]
fn configurations_that_make_no_sense() {
    let refused = |change: fn(&mut FollowConfig)| {
        let mut config = FollowConfig::default();
        change(&mut config);
        config.check().unwrap_err()
    };
    assert!(matches!(
        refused(|c| c.deviation_base_m = f64::NAN),
        ConfigError::Number {
            field: "deviation_base_m"
        }
    ));
    assert!(matches!(
        refused(|c| c.dwell_ms = -1),
        ConfigError::Number { .. }
    ));
    assert_eq!(refused(|c| c.stay_radius_m = 1.0), ConfigError::Radii);
    assert_eq!(
        refused(|c| {
            for _ in 0..6 {
                c.advance = StepAdvance::All(vec![c.advance.clone()]);
            }
        }),
        ConfigError::Advance
    );
    assert_eq!(
        refused(|c| c.advance = StepAdvance::Any(vec![StepAdvance::Manual; 40])),
        ConfigError::Advance
    );
    assert!(matches!(
        refused(|c| c.advance = StepAdvance::Passed { beyond_m: -3.0 }),
        ConfigError::Number { .. }
    ));
}

#[test]
fn bearings_of_the_helper_are_what_they_say() {
    let (a, b) = (rolling(0.0, 0.0, 0.0, 0), rolling(100.0, 0.0, 0.0, 0));
    let east = bearing_deg(a.fix.position, b.fix.position);
    assert!((east - 90.0).abs() < 0.01);
}
