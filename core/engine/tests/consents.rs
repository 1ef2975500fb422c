//! Without consent no location is used, stored or sent.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use fieldfare_engine::proximity::ProximityEvent;
use fieldfare_engine::sampler::NextFix;
use fieldfare_engine::*;
use fieldfare_model::*;
use support::*;

async fn bakery() -> World {
    let mut world = World::with_leads(&[
        new_lead(1, "Brandt Bakery", near_boston(0.0, 0.0)),
        new_lead(2, "Far Away", near_boston(9_000.0, 0.0)),
    ])
    .await;
    world.restart();
    world
}

fn required<T: std::fmt::Debug>(result: EngineResult<T>) -> Purpose {
    match result {
        Err(EngineError::ConsentRequired { purpose }) => purpose,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn looking_around_needs_none_and_tracking_purposes_do() {
    let world = bakery().await;
    let here = near_boston(10.0, 0.0);
    assert_eq!(
        world
            .engine
            .nearby(here, &NearbyQuery::within(500.0))
            .unwrap()
            .total,
        1
    );
    for purpose in [
        Purpose::ProximityAlerts,
        Purpose::VisitCheckIn,
        Purpose::LiveTracking,
    ] {
        let query = NearbyQuery {
            purpose,
            ..NearbyQuery::within(500.0)
        };
        assert_eq!(required(world.engine.nearby(here, &query)), purpose);
        world.grant(purpose);
        assert_eq!(world.engine.nearby(here, &query).unwrap().total, 1);
        world.engine.withdraw(purpose).unwrap();
        assert_eq!(required(world.engine.nearby(here, &query)), purpose);
    }
    assert_eq!(
        required(world.engine.fences(here, None)),
        Purpose::ProximityAlerts
    );
}

#[tokio::test]
async fn a_fix_without_consent_leaves_no_trace() {
    let world = bakery().await;
    let outcome = world.fix(near_boston(5.0, 0.0));
    assert_eq!(outcome.events, []);
    assert_eq!(outcome.next, NextFix::Stop);
    assert_eq!((outcome.fences, outcome.is_ping_stored), (None, false));
    let export: serde_json::Value =
        serde_json::from_str(&world.engine.export_my_data().unwrap()).unwrap();
    assert_eq!(export["unsent_positions"], serde_json::json!([]));
    assert_eq!(export["at_leads"]["leads"], serde_json::json!({}));
}

#[tokio::test]
async fn alerts_come_once_a_stay_also_over_a_restart() {
    let mut world = bakery().await;
    world.grant(Purpose::ProximityAlerts);
    assert!(world.fix(near_boston(1_000.0, 0.0)).alerts.is_empty());
    let outcome = world.fix(near_boston(20.0, 0.0));
    assert_eq!(outcome.alerts[0].record.lead.name, "Brandt Bakery");
    assert!(outcome.alerts[0].distance_m < 25.0);
    assert!(!outcome.is_ping_stored);
    assert!(matches!(outcome.next, NextFix::After { .. }));
    world.restart();
    assert!(world.fix(near_boston(15.0, 0.0)).alerts.is_empty());
    let left = world.fix(near_boston(1_000.0, 0.0)).events;
    assert_eq!(left, [ProximityEvent::Left { lead: lead_id(1) }]);
}

#[tokio::test]
async fn a_visit_recorded_here_silences_the_alert_of_the_day() {
    let world = bakery().await;
    world.grant(Purpose::ProximityAlerts);
    world
        .engine
        .record_visit(NewVisit::new(lead_id(1), VisitOutcome::Met))
        .unwrap();
    let outcome = world.fix(near_boston(20.0, 0.0));
    assert!(outcome.alerts.is_empty());
    assert!(matches!(
        outcome.events[..],
        [ProximityEvent::Entered { .. }]
    ));
}

#[tokio::test]
async fn withdrawing_alerts_forgets_where_the_rep_was() {
    let world = bakery().await;
    world.grant(Purpose::ProximityAlerts);
    assert_eq!(world.fix(near_boston(20.0, 0.0)).alerts.len(), 1);
    world.engine.withdraw(Purpose::ProximityAlerts).unwrap();
    let export = world.engine.export_my_data().unwrap();
    let export: serde_json::Value = serde_json::from_str(&export).unwrap();
    assert_eq!(export["at_leads"]["leads"], serde_json::json!({}));
    assert_eq!(world.fix(near_boston(20.0, 0.0)).events, []);
}

#[tokio::test]
async fn regions_come_when_they_change() {
    let world = bakery().await;
    world.grant(Purpose::ProximityAlerts);
    let first = world.fix(near_boston(500.0, 0.0)).fences.unwrap();
    assert_eq!(first.areas[0].lead, Some(lead_id(1)));
    assert_eq!(world.fix(near_boston(505.0, 0.0)).fences, None);
    world
        .server
        .put_lead(&new_lead(3, "New Next Door", near_boston(700.0, 0.0)));
    world.sync().await.unwrap();
    let next = world.fix(near_boston(505.0, 0.0)).fences.unwrap();
    assert!(next.areas.iter().any(|area| area.lead == Some(lead_id(3))));
    assert_eq!(
        world
            .engine
            .fences(near_boston(0.0, 0.0), Some(2))
            .unwrap()
            .areas
            .len(),
        1
    );
}

#[tokio::test]
async fn pings_are_stored_sent_and_deleted_by_withdrawal() {
    let world = bakery().await;
    world.grant(Purpose::LiveTracking);
    assert!(world.fix(near_boston(500.0, 0.0)).is_ping_stored);
    assert_eq!(world.sync().await.unwrap().pings, 1);
    assert_eq!(world.server.pings.lock().unwrap().len(), 1);
    assert_eq!(world.sync().await.unwrap().pings, 0);

    assert!(world.fix(near_boston(600.0, 0.0)).is_ping_stored);
    world.engine.withdraw(Purpose::LiveTracking).unwrap();
    assert!(!world.fix(near_boston(700.0, 0.0)).is_ping_stored);
    assert_eq!(world.sync().await.unwrap().pings, 0);
    assert_eq!(world.server.pings.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_fix_from_before_the_grant_is_not_stored() {
    let world = bakery().await;
    let early = world.fix_at(near_boston(500.0, 0.0));
    world.clock.turn(60_000);
    world.grant(Purpose::LiveTracking);
    let outcome = world.engine.fix(early).unwrap();
    assert!(!outcome.is_ping_stored);
    assert_ne!(outcome.next, NextFix::Stop, "others shall follow");
}

#[tokio::test]
async fn a_lead_known_by_its_postal_code_alone_does_not_alert() {
    let mut lead = new_lead(1, "Brandt Bakery", near_boston(0.0, 0.0));
    lead.geocode.uncertainty_m = Some(9_100);
    let world = World::with_leads(&[lead]).await;
    world.grant(Purpose::ProximityAlerts);
    let outcome = world.fix(near_boston(5.0, 0.0));
    assert_eq!(outcome.alerts, []);
    let fences = outcome.fences.unwrap();
    assert_eq!(fences.areas, [], "nothing to watch for");
    let near = NearbyQuery::within(100.0);
    assert_eq!(
        world
            .engine
            .nearby(near_boston(0.0, 0.0), &near)
            .unwrap()
            .total,
        1
    );
}

#[tokio::test]
async fn a_grant_ends_by_itself() {
    let world = bakery().await;
    let until = world.clock.now().plus(60_000);
    world
        .engine
        .grant(Purpose::LiveTracking, "2026-11", "en", Some(until))
        .unwrap();
    assert!(world.fix(near_boston(500.0, 0.0)).is_ping_stored);
    world.clock.turn(60_000);
    assert!(!world.fix(near_boston(500.0, 0.0)).is_ping_stored);
    let state = world.engine.consent_state();
    let tracking = state
        .purposes
        .iter()
        .find(|p| p.purpose == Purpose::LiveTracking)
        .unwrap();
    assert!(!tracking.is_granted && tracking.reason.is_some());
}

#[tokio::test]
async fn a_visit_keeps_its_place_only_under_consent() {
    let world = bakery().await;
    let visit = || NewVisit {
        position: Some(near_boston(3.0, 0.0)),
        ..NewVisit::new(lead_id(1), VisitOutcome::Met)
    };
    let without = world.engine.record_visit(visit()).unwrap();
    assert_eq!(without.visit.position, None);
    world.grant(Purpose::VisitCheckIn);
    let with = world.engine.record_visit(visit()).unwrap();
    assert_eq!(with.visit.position, Some(near_boston(3.0, 0.0)));
    world.engine.withdraw(Purpose::VisitCheckIn).unwrap();
    assert_eq!(
        world.engine.record_visit(visit()).unwrap().visit.position,
        None
    );
}

#[tokio::test]
async fn the_server_confirms_the_ledger() {
    let mut world = bakery().await;
    world.grant(Purpose::LiveTracking);
    world.engine.withdraw(Purpose::LiveTracking).unwrap();
    let confirmed = |world: &World| -> Vec<bool> {
        let consents = world.engine.consents().unwrap();
        consents.iter().map(|c| c.is_acknowledged).collect()
    };
    assert_eq!(confirmed(&world), [false, false]);
    world.sync().await.unwrap();
    assert_eq!(confirmed(&world), [true, true]);
    world.restart();
    assert_eq!(confirmed(&world), [true, true]);
    let state = world.engine.consent_state();
    assert_eq!((state.ledger, state.acknowledged), (LedgerState::Whole, 2));
}

#[tokio::test]
async fn a_withdrawal_on_another_device_counts_here() {
    let world = bakery().await;
    world.grant(Purpose::LiveTracking);
    world.sync().await.unwrap();
    world.clock.turn(1_000);
    let mut event = ConsentEvent {
        id: ConsentEventId::from_bytes([77; 16]),
        rep: rep_id(),
        sequence: 1,
        purpose: Purpose::LiveTracking,
        action: ConsentAction::Withdraw,
        text_version: "2026-11".into(),
        language: "en".into(),
        at: world.clock.now(),
        valid_until: None,
        previous: [0; 32],
        hash: [0; 32],
    };
    event.hash = fieldfare_sync::consent_hash(&event);
    let scope = fieldfare_sync::ScopeId::rep(rep_id());
    let columns = event.to_columns();
    world
        .server
        .memory
        .lock()
        .unwrap()
        .put(Entity::CONSENT, event.id.row(), columns, &[scope]);
    assert!(world.fix(near_boston(500.0, 0.0)).is_ping_stored);
    world.sync().await.unwrap();
    assert!(!world.fix(near_boston(500.0, 0.0)).is_ping_stored);
    assert_eq!(world.engine.consent_state().ledger, LedgerState::Whole);
}

#[tokio::test]
async fn a_withdrawal_that_cannot_be_stored_counts_and_can_be_repeated() {
    let world = bakery().await;
    world.grant(Purpose::LiveTracking);
    world.grant(Purpose::VisitCheckIn);
    world.engine.suspend().unwrap();
    for purpose in [Purpose::LiveTracking, Purpose::VisitCheckIn] {
        let failed = world.engine.withdraw(purpose);
        assert_eq!(failed.err(), Some(EngineError::Closed));
    }
    world.engine.resume().unwrap();
    let granted = |world: &World| -> usize {
        let state = world.engine.consent_state();
        state.purposes.iter().filter(|p| p.is_granted).count()
    };
    assert_eq!(granted(&world), 0);
    assert!(!world.fix(near_boston(500.0, 0.0)).is_ping_stored);
    let query = NearbyQuery {
        purpose: Purpose::VisitCheckIn,
        ..NearbyQuery::nearest(1)
    };
    let here = near_boston(0.0, 0.0);
    assert_eq!(
        required(world.engine.nearby(here, &query)),
        Purpose::VisitCheckIn
    );

    world.engine.withdraw(Purpose::LiveTracking).unwrap();
    world.grant(Purpose::VisitCheckIn);
    assert_eq!(granted(&world), 1);
    assert_eq!(world.sync().await.unwrap().refused, 0);
    assert_eq!(world.engine.consent_state().acknowledged, 4);
}

/// Puts an older copy of the outbox back, as restoring a backup would.
fn put_back(world: &mut World, old: &[u8]) {
    world.engine.close().unwrap();
    for name in ["outbox.db-wal", "outbox.db-shm"] {
        let _ = std::fs::remove_file(world.dir.path().join(name));
    }
    std::fs::write(world.dir.path().join("outbox.db"), old).unwrap();
    world.engine = open(&world.dir, &world.vault, &world.clock, &world.server);
}

#[tokio::test]
async fn a_ledger_put_back_closes_the_gate() {
    let mut world = bakery().await;
    world.grant(Purpose::LiveTracking);
    world.sync().await.unwrap();
    world.engine.suspend().unwrap();
    let old = std::fs::read(world.dir.path().join("outbox.db")).unwrap();
    world.engine.resume().unwrap();
    world.clock.turn(1_000);
    world.engine.withdraw(Purpose::LiveTracking).unwrap();
    world.sync().await.unwrap();

    put_back(&mut world, &old);
    assert_eq!(world.engine.consent_state().ledger, LedgerState::RolledBack);
    assert!(!world.fix(near_boston(500.0, 0.0)).is_ping_stored);
    let again = world
        .engine
        .grant(Purpose::LiveTracking, "2026-11", "en", None);
    assert!(matches!(again, Err(EngineError::Invalid { .. })));
    world.engine.withdraw(Purpose::LiveTracking).unwrap();
}

#[tokio::test]
async fn a_sync_completes_a_ledger_that_was_put_back() {
    let mut world = bakery().await;
    world.grant(Purpose::LiveTracking);
    world.sync().await.unwrap();
    assert!(world.fix(near_boston(500.0, 0.0)).is_ping_stored);
    world.engine.suspend().unwrap();
    let old = std::fs::read(world.dir.path().join("outbox.db")).unwrap();
    world.engine.resume().unwrap();
    world.clock.turn(1_000);
    world.engine.withdraw(Purpose::LiveTracking).unwrap();
    world.grant(Purpose::ProximityAlerts);
    world.sync().await.unwrap();

    put_back(&mut world, &old);
    let sent = world.server.pings.lock().unwrap().len();
    world.sync().await.unwrap();
    let state = world.engine.consent_state();
    assert_eq!((state.ledger, state.entries), (LedgerState::Whole, 3));
    let granted = |purpose| {
        state
            .purposes
            .iter()
            .any(|p| p.purpose == purpose && p.is_granted)
    };
    assert!(granted(Purpose::ProximityAlerts) && !granted(Purpose::LiveTracking));
    assert_eq!(
        world.server.pings.lock().unwrap().len(),
        sent,
        "withdrawn before it was sent"
    );
    assert_eq!(world.engine.consents().unwrap().len(), 3);
    world.grant(Purpose::LiveTracking);
    assert_eq!(world.sync().await.unwrap().refused, 0);
    world.restart();
    assert_eq!(world.engine.consent_state().ledger, LedgerState::Whole);
}
