//! Following the day's route: what is told, what is kept, and what is decided.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod day_support;
mod support;

use day_support::*;
use fieldfare_engine::*;
use fieldfare_model::*;
use fieldfare_navigator::simulate::{Detour, DriveScript, Outage, Receiver, SimRng, drive};
use fieldfare_navigator::{CourseFix, Itinerary};
use std::collections::BTreeMap;
use std::sync::Arc;
use support::*;

/// A phone with the day and the road route through Helsinki.
async fn in_helsinki(with_route: bool) -> World {
    let world = World::with_leads(&helsinki_leads()).await;
    let (problem, plan) = helsinki_day();
    send_day(&world, &day_row(&problem, &plan, START));
    if with_route {
        send_route(&world, &helsinki_route());
    }
    world.sync().await.unwrap();
    world
}

/// A drive of the route that begins now.
fn driven(world: &World, change: impl FnOnce(&mut DriveScript)) -> Vec<CourseFix> {
    let mut script = DriveScript::plain(7);
    script.start_at = world.clock.now();
    script.receiver = Receiver::of(5.0);
    change(&mut script);
    let itinerary = Itinerary::new(helsinki_route());
    drive(&itinerary, &script)
        .into_iter()
        .map(|fix| fix.fix)
        .collect()
}

/// Gives a session a fix at the time it is of.
fn give(world: &World, session: &RouteSession, fix: &CourseFix) -> RouteUpdate {
    world.clock.turn(fix.fix.at.since(world.clock.now()));
    session.update(fix.fix, fix.course_deg)
}

fn follow(world: &World, session: &RouteSession, fixes: &[CourseFix]) -> Vec<RouteEvent> {
    let updates = fixes.iter().map(|fix| give(world, session, fix));
    updates.flat_map(|update| update.events).collect()
}

fn start(world: &World) -> Arc<RouteSession> {
    world.engine.follow_day(&FollowDay::new(date())).unwrap()
}

fn arrivals(events: &[RouteEvent]) -> Vec<Option<LeadId>> {
    let arrived = events.iter().filter_map(|event| match event {
        RouteEvent::Arrived { lead, .. } => Some(*lead),
        _ => None,
    });
    arrived.collect()
}

fn proposed(events: &[RouteEvent]) -> Vec<RouteStay> {
    let stays = events.iter().filter_map(|event| match event {
        RouteEvent::VisitProposed { stay } => Some(*stay),
        _ => None,
    });
    stays.collect()
}

fn said(events: &[RouteEvent]) -> BTreeMap<String, u32> {
    let mut count = BTreeMap::new();
    for event in events {
        if let RouteEvent::Speak { id, text, .. } = event {
            assert!(!text.is_empty());
            *count.entry(id.clone()).or_default() += 1;
        }
    }
    count
}

#[tokio::test]
async fn a_drive_is_followed_from_the_cached_route_to_the_visits_it_proposes() {
    let world = in_helsinki(true).await;
    world.server.trouble(&[Trouble::Offline; 9]);
    let shown = world.engine.day(date()).unwrap().route.unwrap();
    assert!(shown.is_current && shown.provider == "osrm/driving");
    let session = start(&world);
    let map = session.map();
    assert_eq!((map.version, map.kind), (1, RouteKind::Road));
    assert_eq!(map.points, helsinki_route().path());
    let leads: Vec<Option<LeadId>> = map.stops.iter().map(|stop| stop.lead).collect();
    assert_eq!(leads, [None, Some(lead_id(1)), Some(lead_id(2)), None]);
    assert!(map.steps.len() > 10 && map.steps.iter().any(|step| !step.road.is_empty()));

    let fixes = driven(&world, |_| {});
    let (mut events, mut seen) = (Vec::new(), 0);
    for fix in &fixes {
        let update = give(&world, &session, fix);
        assert_eq!(update.advice, RouteAdvice::Nothing);
        assert!(update.deviation.is_none());
        if let Some(progress) = update.progress {
            seen += 1;
            assert!(
                progress.remaining_m <= map.length_m && (progress.step as usize) < map.steps.len()
            );
            assert!(progress.stop_eta >= fix.fix.at && progress.eta >= progress.stop_eta);
        }
        events.extend(update.events);
    }
    assert!(seen > fixes.len() / 2);
    assert_eq!(
        arrivals(&events),
        [Some(lead_id(1)), Some(lead_id(2)), None]
    );
    let stays = proposed(&events);
    let at: Vec<Option<LeadId>> = stays.iter().map(|stay| stay.lead).collect();
    assert!(
        at.starts_with(&[Some(lead_id(1)), Some(lead_id(2))]),
        "{at:?}"
    );
    assert!(stays.iter().all(|stay| stay.dwell_ms >= 60_000));
    assert!(said(&events).len() > 10 && said(&events).values().all(|count| *count == 1));
    assert!(
        events
            .iter()
            .any(|event| matches!(event, RouteEvent::Completed { .. }))
    );
    assert_eq!(session.phase(), Phase::Complete);
    assert!(session.trip().on_route_m > 0.9 * map.length_m);

    // The rep confirms the first visit; it is behind from then on.
    let visit = NewVisit {
        started_at: Some(stays[0].arrived_at),
        ..NewVisit::new(lead_id(1), VisitOutcome::Met)
    };
    world.engine.record_visit(visit).unwrap();
    let day = world.engine.day(date()).unwrap();
    assert_eq!(
        (day.visited.as_slice(), order(&day)),
        (&[lead_id(1)][..], vec![lead_id(2)])
    );
    assert!(
        day.route.unwrap().is_current,
        "the rest of the road route still leads there"
    );
}

#[tokio::test]
async fn without_consent_nothing_of_a_drive_is_kept_and_with_it_nothing_outlives_its_withdrawal() {
    let mut world = in_helsinki(true).await;
    let fixes = driven(&world, |_| {});
    let session = start(&world);
    follow(&world, &session, &fixes[..120]);
    world.engine.close().unwrap();
    assert!(setting(&world, "route.session").is_none() && setting(&world, "route.route").is_none());
    world.restart();
    assert!(world.engine.resume_following(i64::MAX).unwrap().is_none());
    assert_eq!(
        session_record(&world),
        EngineError::ConsentRequired {
            purpose: Purpose::Navigation
        }
    );

    world.grant(Purpose::Navigation);
    let session = start(&world);
    let fixes = driven(&world, |_| {});
    follow(&world, &session, &fixes[..120]);
    let export = world.engine.export_my_data().unwrap();
    assert!(export.contains("\"followed_route\": {"));
    world.restart();
    assert!(world.engine.resume_following(60_000).unwrap().is_some());
    world.engine.withdraw(Purpose::Navigation).unwrap();
    world.engine.close().unwrap();
    assert!(
        setting(&world, "route.session").is_none(),
        "gone when withdraw returns"
    );
    world.restart();
    let session = start(&world);
    world.engine.close().unwrap();
    assert!(setting(&world, "route.session").is_none() && setting(&world, "route.route").is_none());
    world.restart();
    assert!(world.engine.resume_following(60_000).unwrap().is_none());
    drop(session);
}

fn session_record(world: &World) -> EngineError {
    start(world).record().unwrap_err()
}

#[tokio::test]
async fn a_withdrawal_during_the_drive_deletes_what_was_kept_and_the_drive_goes_on() {
    let world = in_helsinki(true).await;
    world.grant(Purpose::Navigation);
    let session = start(&world);
    let fixes = driven(&world, |_| {});
    let mut events = follow(&world, &session, &fixes[..150]);
    world.engine.withdraw(Purpose::Navigation).unwrap();
    events.extend(follow(&world, &session, &fixes[150..]));
    assert_eq!(arrivals(&events).len(), 3);
    world.engine.close().unwrap();
    assert!(setting(&world, "route.session").is_none() && setting(&world, "route.route").is_none());
}

/// Kills the app again and again: nothing is said twice, nothing is left unsaid that an
/// uninterrupted drive says, and no stop is lost.
#[tokio::test]
async fn a_drive_survives_the_end_of_the_process_at_any_moment() {
    for seed in 0..8 {
        let mut rng = SimRng::new(seed);
        let mut world = in_helsinki(true).await;
        world.grant(Purpose::Navigation);
        let noise = rng.within(3.0, 12.0);
        let fixes = driven(&world, |script| {
            script.seed = seed;
            script.receiver = Receiver::of(noise);
            if seed % 3 == 0 {
                script.outages.push(Outage {
                    from_m: 400.0,
                    to_m: 700.0,
                });
            }
        });
        let plain = start(&world);
        let whole = follow(&world, &plain, &fixes);
        world.clock.turn(fixes[0].fix.at.since(world.clock.now()));
        let mut session = start(&world);
        let (mut events, mut kills) = (Vec::new(), 0);
        for fix in &fixes {
            events.extend(give(&world, &session, fix).events);
            if rng.chance(0.01) && session.phase() != Phase::Complete {
                kills += 1;
                drop(session);
                world.restart();
                session = world.engine.resume_following(300_000).unwrap().unwrap();
                assert_eq!(session.map().points.len(), helsinki_route().path().len());
            }
        }
        assert!(kills > 0, "seed {seed}");
        assert_eq!(
            said(&events),
            said(&whole),
            "seed {seed}, killed {kills} times"
        );
        assert_eq!(arrivals(&events), arrivals(&whole), "seed {seed}");
        let leads = |events: &[RouteEvent]| -> Vec<Option<LeadId>> {
            proposed(events).iter().map(|stay| stay.lead).collect()
        };
        assert_eq!(leads(&events), leads(&whole), "seed {seed}");
        assert!(
            world.engine.resume_following(300_000).unwrap().is_none(),
            "the trip is over"
        );
    }
}

#[tokio::test]
async fn pausing_resuming_and_skipping_are_kept_too() {
    let mut world = in_helsinki(true).await;
    world.grant(Purpose::Navigation);
    let session = start(&world);
    let fixes = driven(&world, |_| {});
    follow(&world, &session, &fixes[..60]);
    session.pause();
    world.restart();
    let session = world.engine.resume_following(60_000).unwrap().unwrap();
    assert_eq!(session.phase(), Phase::Paused);
    assert!(
        follow(&world, &session, &fixes[60..90]).is_empty(),
        "nothing is said while paused"
    );
    session.resume();
    follow(&world, &session, &fixes[90..120]);
    assert_eq!(session.phase(), Phase::Navigating);
    let skipped = session.skip_stop();
    assert!(skipped.contains(&RouteEvent::StopMissed {
        stop: 1,
        lead: Some(lead_id(1))
    }));
    world.clock.turn(3_600_000);
    world.restart();
    assert!(
        world.engine.resume_following(60_000).unwrap().is_none(),
        "too old"
    );
    let trip = session.stop();
    assert!(trip.ended_at.is_some());
}

#[tokio::test]
async fn without_a_road_route_following_goes_by_the_crow_until_there_is_one() {
    let world = in_helsinki(false).await;
    let session = start(&world);
    let map = session.map();
    assert_eq!((map.kind, map.points.len()), (RouteKind::Crow, 4));
    let fixes = driven(&world, |_| {});
    let events = follow(&world, &session, &fixes);
    let stays = proposed(&events);
    let at: Vec<Option<LeadId>> = stays.iter().map(|stay| stay.lead).collect();
    assert!(
        at.starts_with(&[Some(lead_id(1)), Some(lead_id(2))]),
        "{at:?}"
    );
    assert!(said(&events).is_empty());
    let off = |event: &RouteEvent| matches!(event, RouteEvent::Deviated { .. });
    assert!(
        !events.iter().any(off),
        "who goes by the crow is never off it"
    );

    let session = start(&world);
    session.set_connected(true);
    let fixes = driven(&world, |_| {});
    let first = give(&world, &session, &fixes[0]);
    let RouteAdvice::AskForRoute { request } = first.advice else {
        panic!("{:?}", first.advice)
    };
    let query = session.route_query().unwrap();
    let leads: Vec<Option<LeadId>> = query.places.iter().map(|place| place.lead).collect();
    assert_eq!(leads, [None, Some(lead_id(1)), Some(lead_id(2)), None]);
    let again = give(&world, &session, &fixes[1]);
    assert_eq!(again.advice, RouteAdvice::Nothing, "asked once a minute");
    assert_eq!(
        session.answer(request, b"<html>").unwrap_err().code(),
        "invalid"
    );
    let answer = include_bytes!("../../navigator/tests/fixtures/helsinki_osrm.json");
    assert!(session.answer(request, answer).unwrap());
    let map = session.map();
    assert_eq!((map.kind, map.version), (RouteKind::Road, 2));
    assert_eq!(map.stops[2].lead, Some(lead_id(2)));
    let events = follow(&world, &session, &fixes[2..]);
    assert_eq!(
        arrivals(&events),
        [Some(lead_id(1)), Some(lead_id(2)), None]
    );
    assert!(said(&events).len() > 10);
}

#[tokio::test]
async fn a_day_planned_anew_in_another_order_has_no_road_route() {
    let world = in_helsinki(true).await;
    let update = DayUpdate {
        events: vec![DayEvent::Committed { lead: lead_id(2) }],
        ..DayUpdate::default()
    };
    let day = world.engine.replan_day(date(), &update).unwrap().day;
    assert_eq!(order(&day), [lead_id(2), lead_id(1)]);
    assert!(!day.route.unwrap().is_current);
    let map = start(&world).map();
    assert_eq!(map.kind, RouteKind::Crow);
    assert_eq!(map.stops[1].lead, Some(lead_id(2)));
}

#[tokio::test]
async fn off_the_route_and_offline_the_way_back_is_shown_and_the_best_cached_route_taken() {
    let world = in_helsinki(true).await;
    let away = |script: &mut DriveScript| {
        script.detours.push(Detour {
            at_m: 300.0,
            away_m: 250.0,
            skip_m: 200.0,
        });
    };
    let fixes = driven(&world, away);
    let session = start(&world);
    let (mut led_back, mut events) = (false, Vec::new());
    for fix in &fixes {
        let update = give(&world, &session, fix);
        if update.advice == RouteAdvice::LeadBack {
            led_back = true;
            let hint = update.rejoin.unwrap();
            assert!(hint.distance_m > 0.0 && hint.remaining_m > 0.0);
        }
        events.extend(update.events);
    }
    assert!(led_back);
    let deviated = events
        .iter()
        .filter(|event| matches!(event, RouteEvent::Deviated { .. }));
    assert!(deviated.count() >= 1);
    assert!(
        events
            .iter()
            .any(|e| matches!(e, RouteEvent::Joined { again: true, .. }))
    );
    assert_eq!(
        arrivals(&events),
        [Some(lead_id(1)), Some(lead_id(2)), None]
    );
    assert!(said(&events).values().all(|count| *count == 1));

    // Another route at hand leads right along where the driver went.
    let fixes = driven(&world, away);
    let session = start(&world);
    let path: Vec<LatLng> = fixes.iter().map(|fix| fix.fix.position).collect();
    let other = fieldfare_navigator::Route::along(&path, 10.0).unwrap();
    let mut other_with_stops = helsinki_route();
    for (stop, place) in helsinki().into_iter().enumerate() {
        let lead = other_with_stops.waypoints()[stop].lead;
        let draft = fieldfare_navigator::WaypointDraft {
            position: Some(place),
            lead,
            service_s: 1,
        };
        other_with_stops.assign(stop, draft);
    }
    assert_eq!(session.add_alternatives(&other.to_bytes()).unwrap(), 1);
    assert_eq!(
        session.add_alternatives(&other.to_bytes()).unwrap(),
        0,
        "known already"
    );
    assert_eq!(
        session
            .add_alternatives(&other_with_stops.to_bytes())
            .unwrap(),
        1
    );
    assert!(session.alternatives().is_empty(), "no fix yet");
    follow(&world, &session, &fixes[..30]);
    let ranked = session.alternatives();
    assert_eq!(ranked.len(), 3);
    assert!(
        ranked[0].missing_stops == 0 && ranked[2].missing_stops > 0,
        "{ranked:?}"
    );
    assert_eq!(session.use_alternative(9).unwrap_err().code(), "not_found");
    assert_eq!(session.use_alternative(0).unwrap_err().code(), "not_found");
    session.use_alternative(ranked[2].index).unwrap();
    let map = session.map();
    assert_eq!((map.version, map.steps.len()), (2, 2));
    let back = session.alternatives();
    let index = back
        .iter()
        .find(|route| route.missing_stops == 0)
        .unwrap()
        .index;
    session.use_alternative(index).unwrap();
    assert_eq!(session.map().version, 3);
}

#[tokio::test]
async fn a_stop_that_was_reached_is_not_missed_on_another_route() {
    let world = in_helsinki(true).await;
    let session = start(&world);
    let fixes = driven(&world, |_| {});
    let mut left = fixes.iter();
    for fix in left.by_ref() {
        let update = give(&world, &session, fix);
        let departed = |event: &RouteEvent| matches!(event, RouteEvent::Departed { .. });
        if update.events.iter().any(departed) {
            break;
        }
    }
    let mut same_way = helsinki_route();
    let stop = fieldfare_navigator::WaypointDraft {
        position: None,
        lead: Some(lead_id(1)),
        service_s: 1,
    };
    same_way.assign(1, stop);
    assert_eq!(session.add_alternatives(&same_way.to_bytes()).unwrap(), 1);
    session.use_alternative(1).unwrap();
    let rest: Vec<CourseFix> = left.copied().collect();
    let events = follow(&world, &session, &rest);
    let missed = |event: &RouteEvent| matches!(event, RouteEvent::StopMissed { .. });
    assert!(!events.iter().any(missed), "{events:?}");
    assert_eq!(arrivals(&events), [Some(lead_id(2)), None]);
}

#[tokio::test]
async fn the_server_gives_another_route_under_consent_only() {
    let world = in_helsinki(false).await;
    *world.server.route.lock().unwrap() = helsinki_route().to_bytes();
    let session = start(&world);
    session.set_connected(true);
    let fixes = driven(&world, |_| {});
    let advice = give(&world, &session, &fixes[0]).advice;
    let RouteAdvice::AskForRoute { request } = advice else {
        panic!("{advice:?}")
    };
    let fetch = || {
        let engine = Arc::clone(&world.engine);
        engine.fetch_route(Arc::clone(&session), request)
    };
    let refused = fetch().await.unwrap_err();
    assert_eq!(
        refused,
        EngineError::ConsentRequired {
            purpose: Purpose::Navigation
        }
    );
    assert_eq!(world.server.asked("/v1/route"), 0, "nothing was sent");
    world.grant(Purpose::Navigation);
    world.server.trouble(&[Trouble::Offline]);
    assert_eq!(fetch().await.unwrap_err(), EngineError::Offline);
    world.server.trouble(&[Trouble::Broken]);
    assert_eq!(fetch().await.unwrap_err().code(), "server");
    assert_eq!(session.map().kind, RouteKind::Crow);
    world.server.trouble(&[Trouble::TokenRefused]);
    assert!(fetch().await.unwrap(), "after a new token");
    assert_eq!(session.map().kind, RouteKind::Road);
    let requests = world.server.requests.lock().unwrap();
    let asked = requests
        .iter()
        .rfind(|r| r.url.ends_with("/v1/route"))
        .unwrap();
    let asked: serde_json::Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!(asked["places"].as_array().unwrap().len(), 4);
    assert_eq!(asked["places"][1]["lead"], lead_id(1).to_string());
}

#[tokio::test]
async fn recordings_replay_and_redacted_ones_do_not_say_where() {
    let world = in_helsinki(true).await;
    world.grant(Purpose::Navigation);
    let session = start(&world);
    session.record().unwrap();
    let fixes = driven(&world, |_| {});
    let events = follow(&world, &session, &fixes);
    let bytes = session.take_recording(false).unwrap();
    assert!(session.take_recording(false).is_none(), "taken");
    let recording = fieldfare_navigator::Recording::from_bytes(&bytes).unwrap();
    let replayed = recording.replay().unwrap();
    let told: usize = replayed
        .iter()
        .filter_map(|r| r.update.as_ref())
        .map(|u| u.events.len())
        .sum();
    assert_eq!(told, events.len());
    session.record().unwrap();
    give(&world, &session, &fixes[0]);
    let redacted = session.take_recording(true).unwrap();
    let recording = fieldfare_navigator::Recording::from_bytes(&redacted).unwrap();
    assert!(recording.route.path()[0].lat().abs() < 1.0);
    session.record().unwrap();
    world.engine.withdraw(Purpose::Navigation).unwrap();
    assert!(session.take_recording(false).is_none());
}
