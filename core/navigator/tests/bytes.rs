//! Stored forms: round trips, any bytes at all, and memory.
#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]
mod common;
use common::at;
use common::trip::trip;
use fieldfare_model::{LeadId, TimestampMs};
use fieldfare_navigator::simulate::{RouteShape, drive, shaped_route};
use fieldfare_navigator::{
    BytesError, Entry, FollowConfig, Itinerary, Recording, Route, RouteError, RouteSession,
    StepAdvance, WaypointDraft, parse_routes,
};
use proptest::collection::vec;
use proptest::prelude::*;
use std::sync::Arc;

fn route(seed: u64) -> Route {
    let shape = RouteShape::ALL[seed as usize % RouteShape::ALL.len()];
    let mut route = shaped_route(shape, at(60.17, 24.94), seed).unwrap();
    let lead = LeadId::from_bytes([seed as u8; 16]);
    let place = WaypointDraft {
        position: Some(at(60.18, 24.95)),
        lead: Some(lead),
        service_s: 900,
    };
    route.assign(1, place);
    route
}

#[test]
fn routes_come_back_as_they_were_and_small() {
    for seed in 0..40 {
        let route = route(seed);
        let bytes = route.to_bytes();
        assert_eq!(Route::from_bytes(&bytes).unwrap(), route, "seed {seed}");
    }
    // A point of a real road takes some four bytes.
    let answer = include_bytes!("fixtures/helsinki_osrm.json");
    let route = parse_routes(answer).unwrap().remove(0);
    assert!(route.to_bytes().len() < 10 * route.path().len());
}

#[test]
fn other_bytes_are_refused_for_what_they_are() {
    let bytes = route(3).to_bytes();
    let error = |bytes: &[u8]| Route::from_bytes(bytes).unwrap_err();
    assert_eq!(error(b""), RouteError::Bytes(BytesError::Mark));
    assert_eq!(error(b"GIF89a"), RouteError::Bytes(BytesError::Mark));
    let mut newer = bytes.clone();
    newer[4] = 9;
    let version = BytesError::Version { found: 9, known: 1 };
    assert_eq!(error(&newer), RouteError::Bytes(version));
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(error(&longer), RouteError::Bytes(BytesError::Trailing));
    for end in 5..bytes.len() {
        assert!(matches!(
            error(&bytes[..end]),
            RouteError::Bytes(_) | RouteError::Field { .. }
        ));
    }
}

/// Counts that promise more than there is must not be believed.
#[test]
fn huge_counts_ask_for_no_memory() {
    let mut bytes = b"FFRT\x01".to_vec();
    bytes.extend_from_slice(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
    assert!(Route::from_bytes(&bytes).is_err());
    let mut bytes = b"FFRT\x01\x01\x00\x00\x00".to_vec();
    bytes.extend_from_slice(&[0xff, 0xff, 0xff, 0x7f]);
    assert!(Route::from_bytes(&bytes).is_err());
}

fn damaged(bytes: &[u8], changes: &[(usize, u8)]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (place, value) in changes {
        let place = place % bytes.len();
        bytes[place] = *value;
    }
    bytes
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in vec(any::<u8>(), 0..400)) {
        for mark in [b"FFRT\x01", b"FFRS\x01", b"FFRR\x01"] {
            let whole: Vec<u8> = mark.iter().chain(&bytes).copied().collect();
            let _ = Route::from_bytes(&whole);
            let _ = Recording::from_bytes(&whole);
        }
    }

    /// What is read can be followed, whatever it is.
    #[test]
    fn damaged_routes_are_refused_or_whole(
        seed in 0u64..9,
        changes in vec((any::<usize>(), any::<u8>()), 1..4),
    ) {
        let bytes = damaged(&route(seed).to_bytes(), &changes);
        if let Ok(route) = Route::from_bytes(&bytes) {
            prop_assert_eq!(&Route::from_bytes(&route.to_bytes()).unwrap(), &route);
            let trip = trip(seed);
            let itinerary = Arc::new(Itinerary::new(route));
            let mut session = RouteSession::new(itinerary, FollowConfig::default()).unwrap();
            session.start(TimestampMs(0));
            for seen in drive(&trip.itinerary, &trip.script).iter().take(60) {
                let _ = session.update(&seen.fix);
            }
        }
    }

    #[test]
    fn damaged_sessions_are_refused_or_go_on(
        changes in vec((any::<usize>(), any::<u8>()), 1..4),
        after in 1usize..200,
    ) {
        let trip = trip(7);
        let mut session = RouteSession::new(trip.itinerary.clone(), FollowConfig::default()).unwrap();
        session.start(trip.script.start_at);
        let fixes = drive(&trip.itinerary, &trip.script);
        for seen in &fixes[..after] {
            let _ = session.update(&seen.fix);
        }
        let bytes = damaged(&session.to_bytes(), &changes);
        let now = fixes[after].fix.fix.at;
        if let Ok(mut session) = RouteSession::from_bytes(trip.itinerary.clone(), &bytes, now, i64::MAX) {
            for seen in &fixes[after..] {
                let _ = session.update(&seen.fix);
            }
        }
    }
}

#[test]
fn configurations_travel_with_the_session() {
    let config = FollowConfig {
        advance: StepAdvance::Any(vec![
            StepAdvance::All(vec![
                StepAdvance::NearEnd {
                    within_m: 10.0,
                    accuracy_m: 20.0,
                },
                StepAdvance::EnterThenLeave {
                    enter_m: 15.0,
                    leave_m: 5.0,
                },
            ]),
            StepAdvance::AwayFromStep {
                beyond_m: 30.0,
                accuracy_m: 25.0,
            },
            StepAdvance::Passed { beyond_m: 40.0 },
            StepAdvance::Manual,
        ]),
        arrival_radius_m: 25.0,
        ..FollowConfig::default()
    };
    let itinerary = Arc::new(Itinerary::new(route(1)));
    let session = RouteSession::new(itinerary.clone(), config.clone()).unwrap();
    let bytes = session.to_bytes();
    let back = RouteSession::from_bytes(itinerary, &bytes, TimestampMs(0), 0).unwrap();
    assert_eq!(back.config(), &config);
    assert_eq!(back.to_bytes(), bytes);
}

#[test]
fn recordings_come_back_bit_for_bit() {
    let trip = trip(11);
    let session = RouteSession::new(trip.itinerary.clone(), FollowConfig::default()).unwrap();
    let mut tape = Recording::of(&session);
    tape.entries.push(Entry::Start(trip.script.start_at));
    let fixes = drive(&trip.itinerary, &trip.script);
    tape.entries
        .extend(fixes.iter().map(|seen| Entry::Fix(seen.fix)));
    tape.entries.push(Entry::Pause);
    tape.entries.push(Entry::Resume);
    tape.entries.push(Entry::SkipStop);
    tape.entries.push(Entry::Advance);
    tape.entries.push(Entry::Stop(trip.script.start_at));
    let bytes = tape.to_bytes();
    let back = Recording::from_bytes(&bytes).unwrap();
    assert_eq!(back.to_bytes(), bytes);
    assert_eq!(format!("{:?}", back.entries), format!("{:?}", tape.entries));
}
