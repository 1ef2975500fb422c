//! The layer from the other side's point of view: conversions, errors, callbacks, threads.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use fieldfare::{
    CallbackError, ChangeListener, ChangeNotice, FieldfareEngine, FieldfareError, Fix, FixContext,
    HttpExchange, HttpRequest, HttpTransport, LatLng, LeadEdit, LeadFilter, LeadOrder, NearbyQuery,
    NewLead, NewVisit, NextFix, SyncCancel, SyncOptions, TransportError, WallClock,
    default_proximity_config,
};
use fieldfare_model::{LeadId, LeadStatus, Purpose, TimestampMs, VisitOutcome};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::{EnrolsOnly, StoppedClock, Vault, config, enrolled, lead_at, open_with};
use tempfile::tempdir;

fn nobody() -> LeadId {
    LeadId::from_bytes([7; 16])
}

fn here() -> LatLng {
    LatLng {
        lat: 42.36,
        lon: -71.06,
    }
}

fn fix(at: i64) -> Fix {
    Fix {
        position: here(),
        at: TimestampMs(at),
        accuracy_m: 5.0,
        speed_mps: None,
    }
}

#[tokio::test]
async fn a_lead_made_offline_is_found_edited_visited_and_pending() {
    let dir = tempdir().unwrap();
    let engine = enrolled(&dir).await;
    let lead = engine.add_lead(lead_at("Brandt Bäckerei", 42.3601, -71.06));
    let lead = lead.unwrap();
    assert!(lead.is_pending);

    let query = NearbyQuery {
        radius_m: Some(200.0),
        ..NearbyQuery::default()
    };
    let near = engine.nearby(here(), query.clone()).unwrap();
    assert_eq!((near.total, near.leads.len()), (1, 1));
    assert!((near.leads[0].distance_m - 11.1).abs() < 0.1);
    let ids = engine.nearby_ids(here(), query).unwrap();
    assert_eq!(ids[0].lead, lead.id);
    assert_eq!(engine.search("backerei".into(), 10).unwrap()[0].id, lead.id);

    let edits = vec![
        LeadEdit::Tier { value: Some(1) },
        LeadEdit::Phone {
            value: Some(" 555 ".into()),
        },
    ];
    let edited = engine.edit_lead(lead.id, edits).unwrap();
    assert_eq!(
        (edited.tier, edited.phone.as_deref()),
        (Some(1), Some("555"))
    );

    let visit = engine.record_visit(NewVisit {
        lead: lead.id,
        outcome: VisitOutcome::Order,
        note: Some("ten loaves".into()),
        started_at: None,
        ended_at: None,
        follow_up_at: None,
        position: Some(here()),
        status: Some(LeadStatus::Customer),
    });
    // Without consent for check-ins the place is dropped.
    assert_eq!(visit.unwrap().position, None);
    assert_eq!(engine.visits(Some(lead.id)).unwrap().len(), 1);
    assert_eq!(engine.visits(None).unwrap().len(), 1);
    assert_eq!(engine.lead(lead.id).unwrap().status, LeadStatus::Customer);
    let pending = engine.pending().unwrap();
    assert_eq!(pending.len(), 4);
    assert_eq!(pending[0].entity, "lead");
    assert_eq!(engine.status().unwrap().pending, 4);
    assert!(engine.export_my_data().unwrap().contains("ten loaves"));
}

#[tokio::test]
async fn pages_go_on_where_the_last_ended() {
    let dir = tempdir().unwrap();
    let engine = enrolled(&dir).await;
    for n in 0..25 {
        engine
            .add_lead(lead_at(&format!("Lead {n:02}"), 1.0, 2.0))
            .unwrap();
    }
    let mut names = Vec::new();
    let mut after = None;
    loop {
        let page = engine.leads_page(LeadFilter::default(), LeadOrder::Name, after, 10);
        let page = page.unwrap();
        names.extend(page.leads.into_iter().map(|lead| lead.name));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let expected: Vec<String> = (0..25).map(|n| format!("Lead {n:02}")).collect();
    assert_eq!(names, expected);

    let wrong = engine.leads_page(
        LeadFilter::default(),
        LeadOrder::Name,
        Some("made up".into()),
        10,
    );
    assert!(matches!(wrong, Err(FieldfareError::Invalid { .. })));
}

#[tokio::test]
async fn what_is_wrong_is_an_error_that_says_so() {
    let dir = tempdir().unwrap();
    let engine = open_with(&dir, Arc::new(EnrolsOnly::default()));
    assert_eq!(
        engine.add_lead(lead_at("A", 0.0, 0.0)),
        Err(FieldfareError::NotEnrolled)
    );
    engine.enrol("CODE".into(), "Phone".into()).await.unwrap();
    assert_eq!(
        engine.enrol("CODE".into(), "Phone".into()).await,
        Err(FieldfareError::AlreadyEnrolled)
    );

    let not_found = engine.lead(nobody()).unwrap_err();
    assert_eq!(not_found.code(), "not_found");
    assert_eq!(not_found.explanation(), "no such lead on this phone");

    let invalid = |result: Result<(), FieldfareError>| match result {
        Err(FieldfareError::Invalid { what }) => what,
        other => panic!("{other:?}"),
    };
    let nan = LatLng {
        lat: f64::NAN,
        lon: 0.0,
    };
    invalid(engine.nearby(nan, NearbyQuery::default()).map(|_| ()));
    invalid(engine.nearby(here(), NearbyQuery::default()).map(|_| ()));
    for limit in [-1, 0, 201, i32::MIN] {
        invalid(engine.search("a".into(), limit).map(|_| ()));
    }
    let filter = LeadFilter {
        tiers: vec![300],
        ..LeadFilter::default()
    };
    let page = engine.leads_page(filter, LeadOrder::Name, None, 10);
    assert_eq!(invalid(page.map(|_| ())), "a tier is out of range");
    let new = NewLead {
        name: "A".into(),
        tier: Some(-1),
        ..NewLead::default()
    };
    invalid(engine.add_lead(new).map(|_| ()));

    let tracking = NearbyQuery {
        limit: Some(1),
        purpose: Some(Purpose::LiveTracking),
        ..NearbyQuery::default()
    };
    assert_eq!(
        engine.nearby(here(), tracking),
        Err(FieldfareError::ConsentRequired {
            purpose: Purpose::LiveTracking
        })
    );
    assert_eq!(engine.erase(false), Ok(()));
    assert_eq!(engine.status().map(|_| ()), Err(FieldfareError::Closed));
}

#[tokio::test]
async fn closing_suspending_and_cancelling_again_is_fine() {
    let dir = tempdir().unwrap();
    let engine = enrolled(&dir).await;
    engine.suspend().unwrap();
    engine.suspend().unwrap();
    assert_eq!(engine.visits(None), Err(FieldfareError::Closed));
    assert!(engine.resume().unwrap().is_some());
    assert!(engine.resume().unwrap().is_none());
    let subscription = engine.subscribe(Arc::new(Counting::default())).unwrap();
    subscription.cancel();
    subscription.cancel();
    engine.rotate_key().unwrap();
    engine.shut_down().unwrap();
    engine.shut_down().unwrap();
    assert_eq!(engine.resume().map(|_| ()), Err(FieldfareError::Closed));
}

#[derive(Default)]
struct Counting {
    notices: Mutex<Vec<ChangeNotice>>,
}

impl ChangeListener for Counting {
    fn changed(&self, notice: ChangeNotice) -> Result<(), CallbackError> {
        self.notices.lock().unwrap().push(notice);
        // A listener that fails harms nobody.
        Err(CallbackError::Failed)
    }
}

#[tokio::test]
async fn listeners_hear_in_batches_until_they_are_cancelled() {
    let dir = tempdir().unwrap();
    let engine = enrolled(&dir).await;
    let listener = Arc::new(Counting::default());
    let subscription = engine.subscribe(listener.clone()).unwrap();
    let lead = engine.add_lead(lead_at("A", 0.0, 0.0)).unwrap();
    let heard = listener.notices.lock().unwrap().clone();
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].leads, [lead.id]);
    assert!(heard[0].operations);
    drop(subscription);
    engine.add_lead(lead_at("B", 0.0, 0.0)).unwrap();
    assert_eq!(listener.notices.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn fixes_alert_only_under_consent() {
    let dir = tempdir().unwrap();
    let engine = enrolled(&dir).await;
    engine.add_lead(lead_at("A", 42.36, -71.06)).unwrap();
    let now = || TimestampMs(fieldfare_engine::Clock::now(&fieldfare_engine::SystemClock).0);

    let outcome = engine.fix(fix(now().0), FixContext::default()).unwrap();
    assert_eq!(outcome.next, NextFix::Stop);
    assert!(outcome.alerts.is_empty());

    let entry = engine
        .grant(Purpose::ProximityAlerts, "v1".into(), "en".into(), None)
        .unwrap();
    assert_eq!(entry.sequence, 1);
    let outcomes = engine.fixes(vec![fix(now().0), fix(now().0 + 1)], FixContext::default());
    let outcomes = outcomes.unwrap();
    assert_eq!(outcomes.len(), 2);
    assert_eq!(outcomes[0].alerts.len(), 1);
    let fences = outcomes[0].fences.as_ref().unwrap();
    assert_eq!(fences.rearm.lead, None);
    assert_eq!(engine.fences(here(), Some(3)).unwrap().areas.len(), 1);

    engine.withdraw(Purpose::ProximityAlerts).unwrap();
    let state = engine.consent_state().unwrap();
    assert_eq!(state.entries, 2);
    assert!(state.purposes.iter().all(|purpose| !purpose.is_granted));
    assert_eq!(engine.consents().unwrap().len(), 2);
}

struct Panics(AtomicUsize);

impl WallClock for Panics {
    fn now(&self) -> Result<TimestampMs, CallbackError> {
        if self.0.fetch_add(1, Ordering::SeqCst) >= 1_000 {
            panic!("a customer's name");
        }
        Ok(TimestampMs(1))
    }
}

#[tokio::test]
async fn a_panic_is_an_error_without_its_text_and_the_engine_lives_on() {
    let dir = tempdir().unwrap();
    let clock = Arc::new(Panics(AtomicUsize::new(0)));
    let transport: Arc<dyn HttpTransport> = Arc::new(EnrolsOnly::default());
    let engine = FieldfareEngine::open(
        config(&dir),
        Arc::new(Vault::default()),
        Some(transport),
        Some(clock.clone()),
    );
    let engine = engine.unwrap();
    engine.enrol("CODE".into(), "Phone".into()).await.unwrap();
    clock.0.store(1_000, Ordering::SeqCst);
    let error = engine.add_lead(lead_at("A", 0.0, 0.0)).unwrap_err();
    assert_eq!(error, FieldfareError::Internal);
    assert!(!error.explanation().contains("customer"));
    let synced = engine.sync(SyncOptions::default(), None, None).await;
    assert_eq!(synced.unwrap_err(), FieldfareError::Internal);
    clock.0.store(0, Ordering::SeqCst);
    engine.add_lead(lead_at("A", 0.0, 0.0)).unwrap();
}

#[tokio::test]
async fn the_apps_clock_is_the_engines() {
    let dir = tempdir().unwrap();
    let transport: Arc<dyn HttpTransport> = Arc::new(EnrolsOnly::default());
    let clock = Arc::new(StoppedClock(86_400_000));
    let vault = Arc::new(Vault::default());
    let engine = FieldfareEngine::open(config(&dir), vault, Some(transport), Some(clock));
    let engine = engine.unwrap();
    engine.enrol("CODE".into(), "Phone".into()).await.unwrap();
    let lead = engine.add_lead(lead_at("A", 0.0, 0.0)).unwrap();
    assert_eq!(engine.pending().unwrap()[0].at, TimestampMs(86_400_000));
    assert_eq!(&lead.id.as_bytes()[..6], &[0, 0, 5, 0x26, 0x5c, 0]);
}

/// Never answers; the exchange goes to `given`, or away.
#[derive(Default)]
struct Silent {
    given: Mutex<Vec<Arc<HttpExchange>>>,
    forgets: bool,
}

impl HttpTransport for Silent {
    fn start(&self, _: HttpRequest, exchange: Arc<HttpExchange>) -> Result<(), TransportError> {
        if !self.forgets {
            self.given.lock().unwrap().push(exchange);
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_transport_that_forgets_a_request_is_a_fault_of_the_server_side() {
    let dir = tempdir().unwrap();
    let transport = Arc::new(Silent {
        forgets: true,
        ..Silent::default()
    });
    let engine = open_with(&dir, transport);
    let error = engine
        .enrol("CODE".into(), "Phone".into())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "server");
}

#[tokio::test]
async fn a_request_nobody_waits_for_can_be_given_up() {
    let dir = tempdir().unwrap();
    let transport = Arc::new(Silent::default());
    let engine = open_with(&dir, transport.clone());
    let enrolling = engine.enrol("CODE".into(), "Phone".into());
    let given_up = tokio::time::timeout(Duration::from_millis(200), enrolling).await;
    assert!(given_up.is_err());
    let exchange = Arc::clone(&transport.given.lock().unwrap()[0]);
    assert!(exchange.is_abandoned());
    exchange.fail(TransportError::Offline);
    exchange.fail(TransportError::Offline);
}

#[tokio::test]
async fn a_sync_can_be_cancelled_before_and_offline_is_told() {
    let dir = tempdir().unwrap();
    let engine = enrolled(&dir).await;
    let offline = engine.sync(SyncOptions::default(), None, None).await;
    assert_eq!(offline.unwrap_err(), FieldfareError::Offline);
    let cancel = SyncCancel::new();
    cancel.cancel();
    cancel.cancel();
    let cancelled = engine
        .sync(SyncOptions::default(), None, Some(cancel.clone()))
        .await;
    assert_eq!(cancelled.unwrap_err(), FieldfareError::Cancelled);
    assert!(
        engine.wait_for_news(None, None).await.unwrap(),
        "nothing was fetched yet"
    );
    let wrong = engine.wait_for_news(Some(-1), None).await.unwrap_err();
    assert!(matches!(wrong, FieldfareError::Invalid { .. }));
    let background = SyncOptions {
        is_background: true,
        ..SyncOptions::default()
    };
    let later = engine.sync(background, None, None).await.unwrap_err();
    assert!(matches!(
        later,
        FieldfareError::TryLater {
            retry_after: Some(_)
        }
    ));
}

#[test]
fn everything_may_be_dropped_on_a_thread_without_a_runtime() {
    let dir = tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let engine = runtime.block_on(enrolled(&dir));
    let subscription = engine.subscribe(Arc::new(Counting::default())).unwrap();
    drop(runtime);
    std::thread::spawn(move || {
        drop(engine);
        drop(subscription);
    })
    .join()
    .unwrap();

    // The built-in HTTPS is one more thing to let go of.
    let dir = tempdir().unwrap();
    let vault = Arc::new(Vault::default());
    let engine = FieldfareEngine::open(config(&dir), vault, None, None).unwrap();
    std::thread::spawn(move || drop(engine)).join().unwrap();
}

#[test]
fn settings_go_there_and_back() {
    let dir = tempdir().unwrap();
    let mut settings = default_proximity_config();
    assert_eq!(settings.cool_down, Duration::from_secs(4 * 3600));
    settings.exit_factor = 0.5;
    let config = fieldfare::EngineConfig {
        proximity: Some(settings),
        ..config(&dir)
    };
    let vault = Arc::new(Vault::default());
    let error = FieldfareEngine::open(config, vault, None, None)
        .err()
        .unwrap();
    assert_eq!(
        error.explanation(),
        "location setting exit_factor must be 1 or more"
    );
}
