//! Operations, consent and pings: what is sent, what is kept, what is refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod common;

use common::{create, filled, lead_id, name_of, open, operation_id, rename, reoffer};
use fieldfare_model::{
    ClientId, ConsentAction, ConsentEvent, ConsentEventId, Entity, Fix, LatLng, PingId, Purpose,
    RepId, TimestampMs,
};
use fieldfare_store::{
    LedgerHead, MemoryKeyVault, NewOperation, OperationState, Ping, Store, StoreError,
};
use fieldfare_sync::{Change, Operation, OperationResult, Outcome, PhoneStore, RejectCode};
use std::sync::Arc;

const NOW: TimestampMs = TimestampMs(1_000_000);
const DAY_MS: i64 = 86_400_000;

struct Phone {
    _dir: tempfile::TempDir,
    store: Store,
}

fn phone() -> Phone {
    let dir = tempfile::tempdir().unwrap();
    let store = filled(dir.path(), &Arc::new(MemoryKeyVault::new()));
    Phone { _dir: dir, store }
}

fn batch(store: &Store, most: usize) -> Vec<Operation> {
    (&mut &*store).next_batch(most, 200_000).unwrap()
}

fn numbers(batch: &[Operation]) -> Vec<u64> {
    batch.iter().map(|o| o.n).collect()
}

fn applied(operation: &Operation, version: u64) -> OperationResult {
    OperationResult {
        id: operation.id,
        n: operation.n,
        outcome: Outcome::Applied { version },
    }
}

fn rejected(operation: &Operation) -> OperationResult {
    let outcome = Outcome::Rejected {
        code: RejectCode::Rule,
        reason: "no".into(),
    };
    OperationResult {
        id: operation.id,
        n: operation.n,
        outcome,
    }
}

fn save(store: &Store, results: &[OperationResult]) {
    (&mut &*store).save_results(results, NOW).unwrap();
}

#[test]
fn numbers_have_no_gaps_and_groups_stay_whole() {
    let phone = phone();
    let row = lead_id(1).row();
    phone
        .store
        .record(&[rename(1, row, 5, "a"), rename(2, row, 5, "b")])
        .unwrap();
    phone.store.record(&[rename(3, row, 5, "c")]).unwrap();
    phone
        .store
        .record(&[rename(4, row, 5, "d"), rename(5, row, 5, "e")])
        .unwrap();

    let first = batch(&phone.store, 4);
    assert_eq!(numbers(&first), [1, 2, 3]);
    assert_eq!(first[0].group, first[1].group);
    assert_eq!((first[0].group_size, first[2].group_size), (2, 1));
    // Nothing was answered: the same again, and what fits after it.
    assert_eq!(batch(&phone.store, 4), first);
    assert_eq!(numbers(&batch(&phone.store, 5)), [1, 2, 3, 4, 5]);
    // A limit below what waits for an answer must not skip it.
    assert_eq!(numbers(&batch(&phone.store, 2)), [1, 2]);
    assert_eq!(
        numbers(&batch(&phone.store, 1)),
        [1, 2],
        "a group is sent whole or never"
    );
    save(
        &phone.store,
        &[applied(&first[0], 20), applied(&first[1], 21)],
    );
    assert_eq!(numbers(&batch(&phone.store, 9)), [3, 4, 5]);
}

#[test]
fn bytes_limit_a_batch_too() {
    let phone = phone();
    for i in 0..5 {
        let long = "x".repeat(500);
        phone
            .store
            .record(&[rename(i, lead_id(1).row(), 5, &long)])
            .unwrap();
    }
    let sent = (&mut &phone.store).next_batch(100, 1_500).unwrap();
    assert_eq!(numbers(&sent), [1, 2]);
}

#[test]
fn half_an_answer_makes_the_whole_group_go_again() {
    let phone = phone();
    let row = lead_id(1).row();
    phone
        .store
        .record(&[rename(1, row, 5, "a"), rename(2, row, 5, "b")])
        .unwrap();
    let sent = batch(&phone.store, 9);
    save(&phone.store, &[applied(&sent[0], 20)]);
    assert_eq!(numbers(&batch(&phone.store, 9)), [1, 2]);
}

#[test]
fn what_could_never_be_sent_is_refused_and_leaves_nothing() {
    let phone = phone();
    let row = lead_id(1).row();
    let too_many: Vec<_> = (0..65).map(|i| rename(i, row, 5, "a")).collect();
    let too_large = [rename(100, row, 5, &"x".repeat(300_000))];
    let repeated = [rename(7, row, 5, "a"), rename(7, row, 5, "b")];
    for group in [&[][..], &too_many, &too_large, &repeated] {
        assert!(matches!(
            phone.store.record(group),
            Err(StoreError::Group(_))
        ));
    }
    phone.store.record(&[rename(7, row, 5, "a")]).unwrap();
    let used_before = [rename(8, row, 5, "b"), rename(7, row, 5, "c")];
    assert!(matches!(
        phone.store.record(&used_before),
        Err(StoreError::Group(_))
    ));
    assert_eq!(phone.store.waiting_operations().unwrap().len(), 1);
    assert_eq!(name_of(&phone.store, 1).as_deref(), Some("a"));
}

#[test]
fn a_forked_phone_numbers_again_and_keeps_ids() {
    let phone = phone();
    let row = lead_id(1).row();
    for i in 1..=3 {
        phone.store.record(&[rename(i, row, 5, "a")]).unwrap();
    }
    let sent = batch(&phone.store, 2);
    save(&phone.store, &[applied(&sent[0], 20)]);
    let other = ClientId::from_bytes([8; 16]);
    (&mut &phone.store).fork(other).unwrap();
    assert_eq!((&phone.store).sync_state().unwrap().client, other);
    let again = batch(&phone.store, 9);
    assert_eq!(numbers(&again), [1, 2]);
    assert_eq!(
        again.iter().map(|o| o.id).collect::<Vec<_>>(),
        [operation_id(2), operation_id(3)]
    );
}

#[test]
fn what_a_restored_server_forgot_is_offered_again() {
    let phone = phone();
    let row = lead_id(1).row();
    for i in 1..=4 {
        phone
            .store
            .record(&[rename(i, row, 5, &format!("name{i}"))])
            .unwrap();
    }
    let sent = batch(&phone.store, 9);
    let results: Vec<_> = sent.iter().map(|o| applied(o, 8)).collect();
    save(&phone.store, &results);
    assert_eq!(
        name_of(&phone.store, 1).as_deref(),
        Some("Anna"),
        "the shown head has them"
    );

    assert!(reoffer(&phone.store, 2));
    assert_eq!(numbers(&batch(&phone.store, 9)), [3, 4]);
    assert_eq!(name_of(&phone.store, 1).as_deref(), Some("name4"));
}

#[test]
fn numbers_that_are_gone_cannot_be_continued() {
    let phone = phone();
    let row = lead_id(1).row();
    phone.store.record(&[rename(1, row, 5, "a")]).unwrap();
    phone.store.record(&[rename(2, row, 5, "b")]).unwrap();
    let sent = batch(&phone.store, 9);
    save(&phone.store, &[applied(&sent[0], 8), applied(&sent[1], 8)]);
    let later = TimestampMs(NOW.0 + 31 * DAY_MS);
    assert_eq!(
        phone
            .store
            .purge_acknowledged(TimestampMs(NOW.0 + 29 * DAY_MS))
            .unwrap(),
        0
    );
    assert_eq!(phone.store.purge_acknowledged(later).unwrap(), 2);
    assert!(reoffer(&phone.store, 2), "nothing above 2 was given");
    assert!(!reoffer(&phone.store, 1));
    assert!(
        !reoffer(&phone.store, 5),
        "the server knows more than was given"
    );
}

#[test]
fn an_answer_is_not_purged_while_it_is_not_shown() {
    let phone = phone();
    phone
        .store
        .record(&[rename(1, lead_id(1).row(), 5, "a")])
        .unwrap();
    let sent = batch(&phone.store, 9);
    save(&phone.store, &[applied(&sent[0], 99)]);
    let later = TimestampMs(NOW.0 + 400 * DAY_MS);
    assert_eq!(phone.store.purge_acknowledged(later).unwrap(), 0);
    assert_eq!(name_of(&phone.store, 1).as_deref(), Some("a"));
}

#[test]
fn too_many_answers_are_purged_oldest_first() {
    let phone = phone();
    let long = "x".repeat(200_000);
    for i in 1..=50 {
        let other_row = lead_id(100 + u8::try_from(i).unwrap()).row();
        phone
            .store
            .record(&[rename(i, other_row, 5, &long)])
            .unwrap();
    }
    let sent = (&mut &phone.store).next_batch(50, usize::MAX).unwrap();
    let results: Vec<_> = sent.iter().map(|o| applied(o, 8)).collect();
    save(&phone.store, &results);
    assert_eq!(phone.store.purge_acknowledged(NOW).unwrap(), 9);
    assert!(reoffer(&phone.store, 9));
}

#[test]
fn a_refused_operation_is_kept_shown_and_can_be_tried_again() {
    let phone = phone();
    phone
        .store
        .record(&[rename(1, lead_id(1).row(), 5, "a")])
        .unwrap();
    phone.store.record(&[create(2, 9, "new")]).unwrap();
    assert_eq!(name_of(&phone.store, 9).as_deref(), Some("new"));
    let sent = batch(&phone.store, 9);
    save(&phone.store, &[rejected(&sent[0]), rejected(&sent[1])]);
    assert_eq!(name_of(&phone.store, 1).as_deref(), Some("Anna"));
    assert_eq!(name_of(&phone.store, 9), None);
    let refused = phone.store.refused_operations().unwrap();
    assert_eq!(refused.len(), 2);
    assert!(matches!(
        refused[0].outcome,
        Some(Outcome::Rejected {
            code: RejectCode::Rule,
            ..
        })
    ));
    assert_eq!(
        (refused[0].state, refused[0].answered_at),
        (OperationState::Refused, Some(NOW))
    );

    phone
        .store
        .retry_refused(operation_id(1), operation_id(77), NOW)
        .unwrap();
    phone.store.discard_refused(operation_id(2)).unwrap();
    assert!(phone.store.refused_operations().unwrap().is_empty());
    assert_eq!(name_of(&phone.store, 1).as_deref(), Some("a"));
    let again = batch(&phone.store, 9);
    assert_eq!(
        (again[0].id, again[0].n, again[0].base_version),
        (operation_id(77), 3, 5)
    );
    for id in [operation_id(1), operation_id(2), operation_id(1234)] {
        assert!(matches!(
            phone.store.discard_refused(id),
            Err(StoreError::NoSuchOperation)
        ));
    }
    assert!(
        !reoffer(&phone.store, 0),
        "what was put away is not sent again"
    );
}

fn consent(
    sequence: u64,
    purpose: Purpose,
    action: ConsentAction,
    head: LedgerHead,
) -> ConsentEvent {
    let hash = [u8::try_from(sequence).unwrap(); 32];
    ConsentEvent {
        id: ConsentEventId::from_bytes([u8::try_from(sequence).unwrap(); 16]),
        rep: RepId::from_bytes([1; 16]),
        sequence,
        purpose,
        action,
        text_version: "v1".into(),
        language: "en".into(),
        at: TimestampMs(5),
        valid_until: Some(TimestampMs(100)),
        previous: head.hash,
        hash,
    }
}

fn consent_operation(event: &ConsentEvent) -> NewOperation {
    NewOperation {
        id: operation_id(1000 + event.sequence),
        entity: Entity::CONSENT,
        row: event.id.row(),
        base_version: 0,
        depends_on: None,
        at: event.at,
        change: Change::Create(event.to_columns()),
    }
}

fn decide(store: &Store, purpose: Purpose, action: ConsentAction) -> ConsentEvent {
    let head = store.consent_head().unwrap();
    let event = consent(head.sequence + 1, purpose, action, head);
    store
        .append_consent(&event, &consent_operation(&event))
        .unwrap();
    event
}

fn ping(i: u8, purpose: Purpose, consent: ConsentEventId, at: i64) -> Ping {
    let position = LatLng::new(42.5, -71.25).unwrap();
    Ping {
        id: PingId::from_bytes([i; 16]),
        purpose,
        consent,
        fix: Fix {
            position,
            at: TimestampMs(at),
            accuracy_m: 4.5,
            speed_mps: None,
        },
    }
}

#[test]
fn consent_goes_first_but_overtakes_nothing_it_depends_on() {
    let phone = phone();
    phone
        .store
        .record(&[rename(1, lead_id(1).row(), 5, "a")])
        .unwrap();
    let event = decide(&phone.store, Purpose::LiveTracking, ConsentAction::Grant);
    let head = phone.store.consent_head().unwrap();
    let next = consent(2, Purpose::LiveTracking, ConsentAction::Withdraw, head);
    let mut dependent = consent_operation(&next);
    dependent.depends_on = Some(operation_id(1));
    phone.store.append_consent(&next, &dependent).unwrap();
    let sent: Vec<_> = batch(&phone.store, 9).iter().map(|o| o.id).collect();
    assert_eq!(
        sent,
        [consent_operation(&event).id, operation_id(1), dependent.id]
    );
}

#[test]
fn the_ledger_is_a_chain_that_only_grows() {
    let phone = phone();
    let first = decide(&phone.store, Purpose::LiveTracking, ConsentAction::Grant);
    let head = phone.store.consent_head().unwrap();
    assert_eq!(
        head,
        LedgerHead {
            sequence: 1,
            hash: first.hash
        }
    );
    let repeated = consent(1, Purpose::LiveTracking, ConsentAction::Withdraw, head);
    let ahead = consent(3, Purpose::LiveTracking, ConsentAction::Withdraw, head);
    let unchained = consent(
        2,
        Purpose::LiveTracking,
        ConsentAction::Withdraw,
        LedgerHead::default(),
    );
    for event in [repeated, ahead, unchained] {
        let refused = phone
            .store
            .append_consent(&event, &consent_operation(&event));
        assert!(matches!(refused, Err(StoreError::LedgerOrder)));
    }
    // The operation cannot be stored: neither is the event.
    let event = consent(2, Purpose::LiveTracking, ConsentAction::Withdraw, head);
    let mut used_before = consent_operation(&event);
    used_before.id = consent_operation(&first).id;
    assert!(phone.store.append_consent(&event, &used_before).is_err());
    assert_eq!(phone.store.consent_events().unwrap(), [first]);
    assert_eq!(phone.store.waiting_operations().unwrap().len(), 1);
}

#[test]
fn no_ping_without_its_consent_and_none_after_withdrawal() {
    let phone = phone();
    let store = &phone.store;
    let stray = ConsentEventId::from_bytes([99; 16]);
    let refused = |p: Ping| matches!(store.add_ping(&p), Err(StoreError::NoConsent));
    assert!(refused(ping(1, Purpose::LiveTracking, stray, 10)));

    let tracking = decide(store, Purpose::LiveTracking, ConsentAction::Grant);
    let visits = decide(store, Purpose::VisitCheckIn, ConsentAction::Grant);
    assert!(
        refused(ping(1, Purpose::LiveTracking, visits.id, 10)),
        "another purpose's grant"
    );
    assert!(
        refused(ping(1, Purpose::LiveTracking, tracking.id, 100)),
        "the grant has ended"
    );
    let kept = ping(2, Purpose::VisitCheckIn, visits.id, 20);
    store
        .add_ping(&ping(1, Purpose::LiveTracking, tracking.id, 10))
        .unwrap();
    store.add_ping(&kept).unwrap();
    store.add_ping(&kept).unwrap();
    assert_eq!(store.unsent_pings(10).unwrap().len(), 2);
    assert_eq!(
        store
            .active_grant(Purpose::LiveTracking, TimestampMs(10))
            .unwrap(),
        Some(tracking.id)
    );

    decide(store, Purpose::LiveTracking, ConsentAction::Withdraw);
    assert_eq!(store.unsent_pings(10).unwrap(), [kept]);
    assert_eq!(
        store
            .active_grant(Purpose::LiveTracking, TimestampMs(10))
            .unwrap(),
        None
    );
    assert!(refused(ping(3, Purpose::LiveTracking, tracking.id, 30)));
    store.drop_pings(&[kept.id]).unwrap();
    assert!(store.unsent_pings(10).unwrap().is_empty());
}

#[test]
fn a_phone_restored_from_an_older_copy_opens() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Arc::new(MemoryKeyVault::new());
    let store = filled(dir.path(), &vault);
    store
        .record(&[rename(1, lead_id(1).row(), 5, "first")])
        .unwrap();
    store.suspend().unwrap();
    let older = std::fs::read(dir.path().join("outbox.db")).unwrap();
    store.resume().unwrap();
    store
        .record(&[rename(2, lead_id(1).row(), 5, "second")])
        .unwrap();
    store.close().unwrap();
    std::fs::write(dir.path().join("outbox.db"), older).unwrap();
    let (store, _) = open(dir.path(), &vault);
    assert_eq!(store.waiting_operations().unwrap().len(), 1);
    assert_eq!(name_of(&store, 1).as_deref(), Some("first"));
    store.set_setting("server", Some(b"address")).unwrap();
    assert_eq!(
        store.setting("server").unwrap().as_deref(),
        Some(&b"address"[..])
    );
    store.set_setting("server", None).unwrap();
    assert_eq!(store.setting("server").unwrap(), None);
}
