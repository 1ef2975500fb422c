//! Suspending, rotating keys, exporting and erasing.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use fieldfare_engine::*;
use fieldfare_model::*;
use std::sync::Arc;
use support::*;

const CANARY: &str = "xylophone-7731";

async fn busy_phone() -> World {
    let world = World::with_leads(&[new_lead(1, CANARY, near_boston(0.0, 0.0))]).await;
    let engine = &world.engine;
    world.grant(Purpose::LiveTracking);
    world.grant(Purpose::ProximityAlerts);
    world.sync().await.unwrap();
    world.fix(near_boston(4.0, 0.0));
    let mut visit = NewVisit::new(lead_id(1), VisitOutcome::FollowUp);
    visit.note = Some(format!("note {CANARY}"));
    engine.record_visit(visit).unwrap();
    engine
        .edit_lead(
            lead_id(1),
            vec![LeadEdit::Notes(Some(format!("edit {CANARY}")))],
        )
        .unwrap();
    world
}

#[tokio::test]
async fn a_suspended_engine_answers_nothing_and_resumes_whole() {
    let world = busy_phone().await;
    let engine = &world.engine;
    engine.suspend().unwrap();
    engine.suspend().unwrap();
    assert_eq!(engine.lead(lead_id(1)).err(), Some(EngineError::Closed));
    assert_eq!(world.sync().await.err(), Some(EngineError::Closed));
    assert!(engine.resume().unwrap().is_some());
    assert!(engine.resume().unwrap().is_none());
    assert_eq!(engine.lead(lead_id(1)).unwrap().lead.name, CANARY);
    world.sync().await.unwrap();
    engine.close().unwrap();
    engine.close().unwrap();
    assert_eq!(engine.resume().err(), Some(EngineError::Closed));
    assert_eq!(engine.suspend().err(), Some(EngineError::Closed));
}

#[tokio::test]
async fn suspending_ends_a_sync() {
    let world = busy_phone().await;
    world.server.trouble(&[Trouble::Hang]);
    let running = tokio::spawn(Arc::clone(&world.engine).sync(SyncOptions::default(), None));
    let before = world.server.paths.lock().unwrap().len();
    while world.server.paths.lock().unwrap().len() == before {
        tokio::task::yield_now().await;
    }
    world.engine.suspend().unwrap();
    let ended = running.await.unwrap().err();
    assert!(
        matches!(ended, Some(EngineError::Cancelled | EngineError::Closed)),
        "{ended:?}"
    );
}

#[tokio::test]
async fn a_new_key_changes_nothing_that_is_seen() {
    let mut world = busy_phone().await;
    let before = world.engine.pending().unwrap();
    world.engine.rotate_key().unwrap();
    assert_eq!(world.engine.pending().unwrap(), before);
    world.restart();
    assert_eq!(world.engine.pending().unwrap(), before);
    world.sync().await.unwrap();
}

#[tokio::test]
async fn the_export_holds_everything_about_the_rep() {
    let world = busy_phone().await;
    world
        .server
        .memory
        .lock()
        .unwrap()
        .refused_rows
        .insert(lead_id(1).row());
    world.sync().await.unwrap();
    world
        .engine
        .edit_lead(lead_id(1), vec![LeadEdit::City(Some("Salem".into()))])
        .unwrap();
    world.server.trouble(&[Trouble::Offline]);
    world.fix(near_boston(8.0, 0.0));
    let text = world.engine.export_my_data().unwrap();
    let export: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(export["rep"]["name"], "Robin Meyer");
    assert_eq!(export["visits"][0]["note"], format!("note {CANARY}"));
    assert_eq!(export["visits"][0]["outcome"], "follow_up");
    let ledger = export["consent_ledger"].as_array().unwrap();
    assert_eq!(ledger.len(), 2);
    assert_eq!(ledger[0]["confirmed_by_server"], true);
    assert_eq!(ledger[0]["hash"].as_str().unwrap().len(), 64);
    assert_eq!(export["unsent_positions"].as_array().unwrap().len(), 1);
    assert_eq!(export["at_leads"]["leads"].as_object().unwrap().len(), 1);
    assert_eq!(
        export["pending_changes"][0]["fields"]["city"]["after"],
        "Salem"
    );
    let refused = &export["refused_changes"][0];
    assert_eq!(
        refused["fields"]["notes"]["after"],
        format!("edit {CANARY}")
    );
    assert_eq!(refused["reason"], "the test says no");
}

#[tokio::test]
async fn erasing_asks_about_unsent_work_and_leaves_nothing() {
    let world = busy_phone().await;
    assert_eq!(
        world.engine.erase(false),
        Err(EngineError::UnsentWork { operations: 2 })
    );
    assert!(world.engine.lead(lead_id(1)).is_ok());
    world.sync().await.unwrap();
    world.engine.erase(false).unwrap();
    assert_eq!(all_bytes(world.dir.path()), b"");
    assert_eq!(world.engine.status().err(), Some(EngineError::Closed));
    assert_eq!(
        world
            .engine
            .viewport(at(-90.0, -180.0), at(90.0, 180.0), 9)
            .unwrap()
            .total,
        0
    );
    assert_eq!(world.engine.consent_state().ledger, LedgerState::None);

    let fresh = open(&world.dir, &world.vault, &world.clock, &world.server);
    assert_eq!(fresh.enrolment(), None);
    assert_eq!(fresh.status().unwrap().counts, RowCounts::default());
}

#[tokio::test]
async fn forced_erasing_loses_unsent_work_and_leaves_nothing() {
    let world = busy_phone().await;
    world.engine.erase(true).unwrap();
    assert_eq!(all_bytes(world.dir.path()), b"");
}

#[tokio::test]
async fn no_file_shows_what_it_holds() {
    let world = busy_phone().await;
    world.sync().await.unwrap();
    let bytes = all_bytes(world.dir.path());
    assert!(!bytes.is_empty());
    for secret in [
        CANARY,
        "Robin Meyer",
        "refresh-1",
        "Boston North",
        "live_tracking",
    ] {
        let is_seen = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
        assert!(!is_seen, "{secret}");
    }
}

#[tokio::test]
async fn another_key_opens_nothing_and_deletes_nothing() {
    let world = busy_phone().await;
    world.engine.close().unwrap();
    let before = all_bytes(world.dir.path());
    let other = Arc::new(MemoryKeyVault::new());
    other.wrap(&DataKey::generate().unwrap()).unwrap();
    let opened = Engine::open(config(&world.dir), other, None);
    assert!(matches!(opened.err(), Some(EngineError::Key { .. })));
    assert_eq!(all_bytes(world.dir.path()), before);
}

/// A bit flips on some page, while the app is in the background.
#[tokio::test]
async fn damage_met_while_reading_is_healed_by_the_next_sync() {
    let leads: Vec<Lead> = (1..200)
        .map(|n| new_lead(n, &format!("Lead {n}"), near_boston(f64::from(n), 0.0)))
        .collect();
    let world = World::with_leads(&leads).await;
    world
        .engine
        .edit_lead(lead_id(1), vec![LeadEdit::City(Some("Salem".into()))])
        .unwrap();
    let cache = world.dir.path().join("cache.db");
    let engine = &world.engine;
    let look = || -> EngineResult<()> {
        let all = engine.leads_page(&LeadFilter::default(), LeadOrder::Name, None, 200)?;
        let edited = engine.lead(lead_id(1))?.lead.address.city;
        let near = engine.nearby(near_boston(0.0, 0.0), &NearbyQuery::within(1e6))?;
        assert_eq!((all.leads.len(), near.total), (199, 199));
        assert_eq!(edited.as_deref(), Some("Salem"));
        Ok(())
    };
    let mut healed = 0;
    for page in (3..60).step_by(4) {
        engine.suspend().unwrap();
        let mut bytes = std::fs::read(&cache).unwrap();
        let Some(byte) = bytes.get_mut(page * 4096 + 500) else {
            break;
        };
        *byte ^= 1;
        std::fs::write(&cache, bytes).unwrap();
        let report = engine.resume().unwrap().unwrap();
        if report.cache != FileReport::Opened {
            world.sync().await.unwrap();
        }
        if let Err(error) = look() {
            assert!(matches!(error, EngineError::Damaged { .. }), "{error}");
            world.sync().await.unwrap();
            look().unwrap();
            healed += 1;
        }
    }
    assert!(healed > 2, "pages with leads were hit: {healed}");
}
