//! Talking to the server, with everything that can go wrong on the way.
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
use fieldfare_sync::{Epoch, RejectCode, ScopeId};
use std::sync::{Arc, Mutex};
use support::*;

#[tokio::test]
async fn enrolling_takes_the_right_code_once() {
    let mut world = World::new();
    let engine = Arc::clone(&world.engine);
    let wrong = engine.enrol("OTHER".into(), "Test phone".into()).await;
    assert_eq!(wrong.err(), Some(EngineError::Unauthorized));
    assert_eq!(world.sync().await.err(), Some(EngineError::NotEnrolled));
    let enrolment = world.enrol().await;
    let engine = Arc::clone(&world.engine);
    let again = engine.enrol("GOOD-CODE".into(), "Test phone".into()).await;
    assert_eq!(again.err(), Some(EngineError::AlreadyEnrolled));
    assert_eq!(world.engine.rep().unwrap().name, "Robin Meyer");
    world.restart();
    assert_eq!(world.engine.enrolment(), Some(enrolment));
    world.sync().await.unwrap();
    assert_eq!(world.engine.territories().unwrap()[0].name, "Boston North");
}

#[tokio::test]
async fn a_sync_fetches_and_says_what_it_did() {
    let leads: Vec<Lead> = (0..40)
        .map(|n| new_lead(n, &format!("Lead {n}"), near_boston(f64::from(n), 0.0)))
        .collect();
    let world = World::with_leads(&leads).await;
    let status = world.engine.status().unwrap();
    assert_eq!((status.counts.leads, status.counts.located_leads), (40, 40));
    assert_eq!((status.head, status.pending, status.refused), (41, 0, 0));
    assert_eq!(status.last_sync_at, Some(world.clock.now()));
    assert!(status.epoch.is_some() && !status.is_syncing && status.last_error.is_none());
    let report = world.sync().await.unwrap();
    assert_eq!((report.rows, report.pushed), (0, 0));
    assert!(report.bytes_up > 0 && report.bytes_down > 0);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_the_request_repeated() {
    let world = World::enrolled().await;
    let asked = world.server.asked("/v1/token");
    world.server.trouble(&[Trouble::TokenRefused]);
    world.sync().await.unwrap();
    assert_eq!(world.server.asked("/v1/token"), asked + 1);
    world
        .server
        .trouble(&[Trouble::TokenRefused, Trouble::TokenRefused]);
    assert_eq!(world.sync().await.err(), Some(EngineError::Unauthorized));
}

#[tokio::test]
async fn a_token_near_its_end_is_renewed_before_use() {
    let world = World::enrolled().await;
    world.clock.turn(890_000);
    world.sync().await.unwrap();
    assert_eq!(world.server.asked("/v1/token"), 1);
    world.sync().await.unwrap();
    assert_eq!(world.server.asked("/v1/token"), 1);
}

#[tokio::test]
async fn a_renewal_without_an_answer_is_repeated_as_the_same_attempt() {
    let mut world = World::enrolled().await;
    world.restart();
    world.server.trouble(&[Trouble::Offline]);
    assert_eq!(world.sync().await.err(), Some(EngineError::Offline));
    world.server.trouble(&[Trouble::Broken]);
    assert!(matches!(
        world.sync().await,
        Err(EngineError::Server { .. })
    ));
    world.restart();
    world.sync().await.unwrap();
    world.clock.turn(890_000);
    world.sync().await.unwrap();
    let attempts = world.server.attempts.lock().unwrap().clone();
    assert_eq!(attempts.len(), 4);
    assert!(attempts[..3].iter().all(|attempt| *attempt == attempts[0]));
    assert_ne!(attempts[0], attempts[3]);
}

#[tokio::test]
async fn one_sync_at_a_time_and_it_can_be_cancelled() {
    let world = World::enrolled().await;
    world.server.trouble(&[Trouble::Hang]);
    let handle = SyncHandle::new();
    let options = SyncOptions {
        handle: Some(Arc::clone(&handle)),
        ..SyncOptions::default()
    };
    let running = tokio::spawn(Arc::clone(&world.engine).sync(options, None));
    while world.server.asked("/v1/pull") < 2 {
        tokio::task::yield_now().await;
    }
    assert!(world.engine.status().unwrap().is_syncing);
    assert_eq!(world.sync().await.err(), Some(EngineError::Busy));
    handle.cancel();
    assert_eq!(running.await.unwrap().err(), Some(EngineError::Cancelled));
    world.sync().await.unwrap();
}

#[tokio::test]
async fn a_handle_cancelled_before_the_sync_ends_it() {
    let world = World::enrolled().await;
    let handle = SyncHandle::new();
    handle.cancel();
    let options = SyncOptions {
        handle: Some(handle),
        ..SyncOptions::default()
    };
    let cancelled = Arc::clone(&world.engine).sync(options, None).await;
    assert_eq!(cancelled.err(), Some(EngineError::Cancelled));
    assert_eq!(world.server.asked("/v1/pull"), 1);
}

#[tokio::test]
async fn a_dropped_sync_frees_its_place() {
    let world = World::enrolled().await;
    world.server.trouble(&[Trouble::Hang]);
    let running = tokio::spawn(Arc::clone(&world.engine).sync(SyncOptions::default(), None));
    while world.server.asked("/v1/pull") < 2 {
        tokio::task::yield_now().await;
    }
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    while world.engine.status().unwrap().is_syncing {
        tokio::task::yield_now().await;
    }
    world.sync().await.unwrap();
}

#[tokio::test]
async fn failures_push_the_next_background_sync_back() {
    let mut world = World::enrolled().await;
    world.server.trouble(&[Trouble::Busy { seconds: 40 }]);
    let busy = EngineError::TryLater {
        retry_after_ms: Some(40_000),
    };
    assert_eq!(world.sync().await.err(), Some(busy));
    world.restart();
    let status = world.engine.status().unwrap();
    let next = status.next_attempt_at.unwrap();
    assert!(next.since(world.clock.now()) >= 40_000);
    assert_eq!(status.last_error.as_deref(), Some("try_later"));
    assert_eq!(status.last_sync_at, Some(START));
    let background = || SyncOptions {
        is_background: true,
        ..SyncOptions::default()
    };
    let early = Arc::clone(&world.engine).sync(background(), None).await;
    assert!(matches!(
        early,
        Err(EngineError::TryLater {
            retry_after_ms: Some(_)
        })
    ));
    world.clock.turn(next.since(world.clock.now()));
    Arc::clone(&world.engine)
        .sync(background(), None)
        .await
        .unwrap();
    assert_eq!(world.engine.status().unwrap().next_attempt_at, None);
}

#[tokio::test]
async fn a_revoked_device_is_wiped() {
    let world = World::with_leads(&[new_lead(1, "Brandt Bakery", near_boston(0.0, 0.0))]).await;
    world.server.trouble(&[Trouble::Revoked]);
    assert_eq!(world.sync().await.err(), Some(EngineError::Revoked));
    assert_eq!(
        world.engine.lead(lead_id(1)).err(),
        Some(EngineError::Closed)
    );
    assert_eq!(world.engine.enrolment(), None);
    assert_eq!(all_bytes(world.dir.path()), b"");
}

#[tokio::test]
async fn an_app_that_is_too_old_says_so_and_keeps_its_work_for_the_next_one() {
    let world = World::with_leads(&[new_lead(1, "Acme", near_boston(0.0, 0.0))]).await;
    world
        .engine
        .edit_lead(lead_id(1), vec![LeadEdit::City(Some("Salem".into()))])
        .unwrap();
    world.server.trouble(&[Trouble::TooOld]);
    let error = world.sync().await.unwrap_err();
    assert_eq!(error, EngineError::UpgradeRequired);
    assert_eq!(error.to_string(), "update the app; unsent work is kept");
    let status = world.engine.status().unwrap();
    assert_eq!(status.last_error.as_deref(), Some("upgrade_required"));
    assert_eq!((status.pending, status.counts.leads), (1, 1));
    assert_eq!(world.sync().await.unwrap().pushed, 1);
}

#[tokio::test]
async fn a_refused_change_is_shown_and_can_be_tried_again_or_put_away() {
    let world = World::with_leads(&[new_lead(1, "Brandt Bakery", near_boston(0.0, 0.0))]).await;
    let engine = &world.engine;
    let refuse = |is_refused: bool| {
        let mut memory = world.server.memory.lock().unwrap();
        memory.refused_rows.clear();
        memory
            .refused_rows
            .extend(is_refused.then_some(lead_id(1).row()));
    };
    refuse(true);
    engine
        .edit_lead(lead_id(1), vec![LeadEdit::City(Some("Salem".into()))])
        .unwrap();
    let report = world.sync().await.unwrap();
    assert_eq!((report.pushed, report.refused), (1, 1));
    assert_eq!(engine.lead(lead_id(1)).unwrap().lead.address.city, None);
    let refused = engine.refused().unwrap();
    assert_eq!(
        (refused[0].code, refused[0].reason.as_str()),
        (RejectCode::Rule, "the test says no")
    );
    assert_eq!(refused[0].operation.fields[0].column, "city");

    refuse(false);
    engine.retry_refused(refused[0].operation.id).unwrap();
    assert_eq!(
        engine
            .lead(lead_id(1))
            .unwrap()
            .lead
            .address
            .city
            .as_deref(),
        Some("Salem")
    );
    world.sync().await.unwrap();
    assert_eq!(engine.refused().unwrap(), []);
    assert_eq!(engine.status().unwrap().pending, 0);

    refuse(true);
    engine
        .edit_lead(lead_id(1), vec![LeadEdit::City(None)])
        .unwrap();
    world.sync().await.unwrap();
    let id = engine.refused().unwrap()[0].operation.id;
    engine.discard_refused(id).unwrap();
    assert_eq!(engine.refused().unwrap(), []);
    assert!(matches!(
        engine.retry_refused(id),
        Err(EngineError::NotFound { .. })
    ));
}

#[tokio::test]
async fn conflicts_name_their_columns() {
    let world = World::enrolled().await;
    let conflict = Conflict {
        id: ConflictId::from_bytes([3; 16]),
        entity: Entity::LEAD,
        row: lead_id(1).row(),
        column: Some(fieldfare_model::schema::lead::PHONE),
        kept: Value::from("1"),
        lost: Value::from("2"),
        operation: OperationId::from_bytes([4; 16]),
        at: START,
        phone_won: true,
    };
    world.server.memory.lock().unwrap().put(
        Entity::CONFLICT,
        conflict.id.row(),
        conflict.to_columns(),
        &[ScopeId::rep(rep_id())],
    );
    world.sync().await.unwrap();
    let conflicts = world.engine.conflicts().unwrap();
    assert_eq!(conflicts[0].column.as_deref(), Some("phone"));
    assert_eq!(conflicts[0].conflict, conflict);
}

#[derive(Default)]
struct Notes(Mutex<Vec<ChangeNotice>>, Mutex<Vec<SyncProgress>>);

impl ChangeObserver for Notes {
    fn changed(&self, notice: ChangeNotice) {
        self.0.lock().unwrap().push(notice);
    }
}

impl SyncObserver for Notes {
    fn progress(&self, progress: SyncProgress) {
        self.1.lock().unwrap().push(progress);
    }
}

#[tokio::test]
async fn observers_get_batches_of_ids() {
    let world = World::enrolled().await;
    let notes = Arc::new(Notes::default());
    let token = world
        .engine
        .add_observer(Arc::clone(&notes) as Arc<dyn ChangeObserver>);
    for n in 0..300 {
        world
            .server
            .put_lead(&new_lead(n, "Lead", near_boston(f64::from(n), 0.0)));
    }
    let observer = Some(Arc::clone(&notes) as Arc<dyn SyncObserver>);
    Arc::clone(&world.engine)
        .sync(SyncOptions::default(), observer)
        .await
        .unwrap();
    let told = std::mem::take(&mut *notes.0.lock().unwrap());
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].leads, (0..300).map(lead_id).collect::<Vec<_>>());
    assert_eq!(notes.1.lock().unwrap().last().unwrap().rows, 300);

    world
        .engine
        .edit_lead(lead_id(4), vec![LeadEdit::Tier(Some(2))])
        .unwrap();
    let told = std::mem::take(&mut *notes.0.lock().unwrap());
    assert_eq!(
        (told.len(), &told[0].leads[..], told[0].operations),
        (1, &[lead_id(4)][..], true)
    );
    world.engine.remove_observer(token);
    world
        .engine
        .edit_lead(lead_id(4), vec![LeadEdit::Tier(None)])
        .unwrap();
    assert_eq!(notes.0.lock().unwrap().len(), 0);
}

struct Curious(Mutex<Option<Arc<Engine>>>, Mutex<Vec<u64>>);

impl ChangeObserver for Curious {
    fn changed(&self, _: ChangeNotice) {
        let engine = self.0.lock().unwrap().clone().unwrap();
        let status = engine.status().unwrap();
        let near = engine
            .nearby(near_boston(0.0, 0.0), &NearbyQuery::nearest(1))
            .unwrap();
        self.1
            .lock()
            .unwrap()
            .push(status.pending + u64::from(near.total));
    }
}

#[tokio::test]
async fn observers_may_call_the_engine() {
    let world = World::with_leads(&[new_lead(1, "Brandt Bakery", near_boston(0.0, 0.0))]).await;
    let curious = Arc::new(Curious(
        Mutex::new(Some(Arc::clone(&world.engine))),
        Mutex::default(),
    ));
    world
        .engine
        .add_observer(Arc::clone(&curious) as Arc<dyn ChangeObserver>);
    world
        .engine
        .edit_lead(lead_id(1), vec![LeadEdit::Tier(Some(2))])
        .unwrap();
    world.grant(Purpose::ProximityAlerts);
    world.fix(near_boston(5.0, 0.0));
    world.engine.withdraw(Purpose::ProximityAlerts).unwrap();
    world.sync().await.unwrap();
    assert!(curious.1.lock().unwrap().len() >= 3);
    curious.0.lock().unwrap().take();
}

#[tokio::test]
async fn a_locked_out_device_enrols_again_and_keeps_its_work() {
    let mut world = World::with_leads(&[new_lead(1, "Ada's", near_boston(0.0, 0.0))]).await;
    let engine = Arc::clone(&world.engine);
    engine
        .edit_lead(lead_id(1), vec![LeadEdit::Notes(Some("unsent".into()))])
        .unwrap();
    let again = || Arc::clone(&engine).enrol("GOOD-CODE".into(), "Again".into());
    assert_eq!(again().await.err(), Some(EngineError::AlreadyEnrolled));
    world
        .server
        .trouble(&[Trouble::TokenRefused, Trouble::TokenRefused]);
    assert_eq!(world.sync().await.err(), Some(EngineError::Unauthorized));
    assert!(engine.status().unwrap().must_enrol);
    engine.close().unwrap();
    world.restart();
    assert!(
        world.engine.status().unwrap().must_enrol,
        "kept over a restart"
    );
    world.enrol().await;
    let status = world.engine.status().unwrap();
    assert_eq!((status.must_enrol, status.pending), (false, 1));
    assert_eq!(world.sync().await.unwrap().pushed, 1);
}

#[tokio::test]
async fn a_sync_stops_at_its_limits_and_the_next_goes_on() {
    let leads: Vec<_> = (0..5_000)
        .map(|n| new_lead(n, "Many", near_boston(f64::from(n), 0.0)))
        .collect();
    let world = World::new();
    leads.iter().for_each(|lead| world.server.put_lead(lead));
    world.enrol().await;
    let (mut frames, mut rounds) = (0, 0);
    loop {
        rounds += 1;
        let options = SyncOptions {
            max_bytes: Some(1),
            ..SyncOptions::default()
        };
        let report = Arc::clone(&world.engine).sync(options, None).await.unwrap();
        frames += report.frames;
        let status = world.engine.status().unwrap();
        assert_eq!(status.last_sync_at.is_some(), report.is_complete);
        if report.is_complete {
            break;
        }
        assert!(rounds < 20);
    }
    assert!(rounds > 2, "{rounds}");
    assert_eq!(
        frames, 4,
        "three of leads and one of territories, none twice"
    );
    assert_eq!(world.engine.status().unwrap().counts.leads, 5_000);
}

#[tokio::test]
async fn a_restored_server_gets_back_what_was_sent_and_costs_no_download() {
    let leads: Vec<_> = (0..500)
        .map(|n| new_lead(n, "Kept", near_boston(f64::from(n), 0.0)))
        .collect();
    let world = World::with_leads(&leads).await;
    let backup = world.server.memory.lock().unwrap().tables.clone();
    world
        .engine
        .edit_lead(lead_id(7), vec![LeadEdit::Notes(Some("since".into()))])
        .unwrap();
    world.sync().await.unwrap();
    {
        let mut memory = world.server.memory.lock().unwrap();
        memory.tables = backup;
        memory.epoch = Epoch(99);
    }
    let report = world.sync().await.unwrap();
    assert_eq!((report.pushed, report.lost), (1, 0));
    assert!(report.rows <= 2, "{report:?}");
    let lead = world.engine.lead(lead_id(7)).unwrap();
    assert_eq!(lead.lead.notes.as_deref(), Some("since"));
    assert_eq!(world.engine.status().unwrap().pending, 0);
}
