//! A day on a disk that forgets what was not synced, and on one whose writes fail.
//!
//! `FIELDFARE_SEED` repeats a run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod common;

use common::{
    answer, complete, first_grant, grant, lead_id, name_of, open, operation_id, put_lead, rename,
    scope, try_stage,
};
use fieldfare_disk::{
    Fault, FaultKind, Progress, cuts_at_syncs, fates_of, left_after, seed, watch,
};
use fieldfare_model::{ConsentEvent, Entity, OperationId, TimestampMs};
use fieldfare_store::{FileReport, MemoryKeyVault, Store, StoreError};
use fieldfare_sync::{Epoch, FeedChange, PhoneStore};
use std::path::Path;
use std::sync::Arc;

const NOW: TimestampMs = TimestampMs(1_000_000);
const LEADS: u8 = 8;
const HEADS: [u64; 3] = [0, 10, 20];
/// Settings that belong together.
const PAIR: [&str; 2] = ["one", "other"];
/// The operation of the consent.
const CONSENT: u64 = 900;

/// What the phone does, in order. Each is asked for again if it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Enter,
    Fetch(u64, u64),
    Show(u64),
    /// Two edits in one group.
    Edit(u64),
    /// The server takes everything so far.
    Answer(u64),
    Consent,
    /// Two settings that belong together.
    Keep(u8),
    Rest,
}

const DAY: [Step; 18] = [
    Step::Enter,
    Step::Fetch(0, 10),
    Step::Show(10),
    Step::Edit(1),
    Step::Keep(1),
    Step::Edit(2),
    Step::Answer(2),
    Step::Edit(3),
    Step::Consent,
    Step::Fetch(10, 20),
    Step::Edit(4),
    Step::Keep(2),
    Step::Show(20),
    Step::Rest,
    Step::Edit(5),
    Step::Answer(5),
    Step::Rest,
    Step::Edit(6),
];

fn run(step: Step, store: &Store) -> Result<(), StoreError> {
    let mut phone = store;
    match step {
        Step::Enter => phone.enter_epoch(Epoch(7)),
        Step::Fetch(from, to) => try_stage(store, &scope("terr:a"), from, to, &leads(from, to)),
        Step::Show(to) => phone.publish(&[grant("terr:a")], &complete(to)).map(drop),
        Step::Edit(n) => store.record(&edit(n)).map(drop),
        Step::Answer(_) => answer(store, 15, NOW),
        Step::Consent => store
            .append_consent(&consent(), &rename(CONSENT, lead_id(2).row(), 0, "consent"))
            .map(drop),
        Step::Keep(n) => {
            let value: &[u8] = &[n];
            store.set_settings(&PAIR.map(|name| (name, Some(value))))
        }
        Step::Rest => store.suspend().and_then(|()| store.resume()).map(drop),
    }
}

fn leads(from: u64, to: u64) -> Vec<FeedChange> {
    let lead = |i| put_lead(i, from + u64::from(i), &format!("at {to}"));
    (1..=LEADS).map(lead).collect()
}

fn edit(n: u64) -> [fieldfare_store::NewOperation; 2] {
    let row = lead_id(1).row();
    [
        rename(2 * n, row, 0, &format!("edit {n}")),
        rename(2 * n + 1, row, 0, &format!("edit {n}")),
    ]
}

fn consent() -> ConsentEvent {
    first_grant("1", "fi")
}

/// Edits said to be kept that cannot have been answered yet.
fn unanswered(progress: &Progress) -> impl Iterator<Item = u64> {
    let answered = progress.begun.iter().filter_map(|&at| match DAY[at] {
        Step::Answer(n) => Some(n),
        _ => None,
    });
    let answered = answered.max().unwrap_or(0);
    progress.done.iter().filter_map(move |&at| match DAY[at] {
        Step::Edit(n) if n > answered => Some(n),
        _ => None,
    })
}

fn assert_nothing_lost(dir: &Path, vault: &Arc<MemoryKeyVault>, progress: &Progress) {
    let (store, report) = open(dir, vault);
    let replaced = |file: &FileReport| matches!(file, FileReport::Replaced { .. });
    assert!(
        !replaced(&report.cache) && !replaced(&report.outbox),
        "{report:?}"
    );
    store.check_integrity().unwrap();
    let waiting: Vec<OperationId> = store
        .waiting_operations()
        .unwrap()
        .iter()
        .map(|stored| stored.operation.id)
        .collect();
    for n in unanswered(progress) {
        for id in [2 * n, 2 * n + 1] {
            assert!(waiting.contains(&operation_id(id)), "edit {n} is lost");
        }
    }
    let of_edits = waiting.iter().filter(|id| **id != operation_id(CONSENT));
    assert!(
        of_edits.count().is_multiple_of(2),
        "half of a group is there"
    );
    if progress.was_done(&DAY, &Step::Consent) {
        assert_eq!(store.consent_events().unwrap(), [consent()]);
    }
    assert_kept_whole(&store, progress);
    assert_shown_whole(&store);
    let rep_goes_on = [rename(700, lead_id(3).row(), 0, "goes on")];
    store.record(&rep_goes_on).unwrap();
    store.close().unwrap();
}

/// Settings that belong together are of one writing, none older than what was said to be kept.
fn assert_kept_whole(store: &Store, progress: &Progress) {
    let kept = PAIR.map(|name| store.setting(name).unwrap().map_or(0, |value| value[0]));
    assert_eq!(kept[0], kept[1]);
    let said = (1..=2).filter(|&n| progress.was_done(&DAY, &Step::Keep(n)));
    assert!(kept[0] >= said.max().unwrap_or(0), "a setting is lost");
}

/// What is shown is what one checkpoint showed, even if it is an older one.
fn assert_shown_whole(store: &Store) {
    let head = store.sync_status().unwrap().head;
    assert!(HEADS.contains(&head), "{head}");
    let shown = store.count(Entity::LEAD).unwrap();
    assert_eq!(shown, if head == 0 { 0 } else { u64::from(LEADS) });
    if head > 0 {
        assert_eq!(name_of(store, 4), Some(format!("at {head}")));
    }
}

#[test]
fn a_power_cut_at_any_sync_loses_nothing_that_was_said_to_be_kept() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Arc::new(MemoryKeyVault::new());
    let watch = watch(dir.path());
    let (store, _) = open(dir.path(), &vault);
    for (at, step) in DAY.into_iter().enumerate() {
        watch.begin(at);
        run(step, &store).unwrap();
        watch.done(at);
    }
    store.close().unwrap();
    let entries = watch.entries();
    let keys = std::fs::read(dir.path().join("keys.bin")).unwrap();

    let mut fates = fates_of(seed());
    let cuts = cuts_at_syncs(&entries);
    assert!(cuts.len() > DAY.len(), "a day with hardly any sync");
    println!("{} entries, {} cuts", entries.len(), cuts.len());
    for cut in cuts {
        let after = tempfile::tempdir().unwrap();
        std::fs::write(after.path().join("keys.bin"), &keys).unwrap();
        for (name, bytes) in left_after(&entries[..cut], &mut fates) {
            std::fs::write(after.path().join(name), bytes).unwrap();
        }
        println!("cut at {cut}");
        assert_nothing_lost(after.path(), &vault, &Progress::of(&entries[..cut]));
    }
}

/// The day with the writes after the first `passing` failing once. Whether any did.
fn a_day_with_a_fault(passing: u64, kind: FaultKind) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let vault = Arc::new(MemoryKeyVault::new());
    let (store, _) = open(dir.path(), &vault);
    let watch = watch(dir.path());
    // What is open already is not watched.
    store.suspend().and_then(|()| store.resume()).unwrap();
    let failing = 1;
    watch.set_fault(Some(Fault {
        passing,
        failing,
        kind,
    }));
    for (at, step) in DAY.into_iter().enumerate() {
        if let Err(error) = run(step, &store) {
            assert_typed(&error, kind);
            again(step, &store);
        }
        watch.done(at);
    }
    let has_struck = watch.has_struck();
    watch.set_fault(None);
    let entries = watch.entries();
    store.close().unwrap();
    let mut progress = Progress::of(&entries);
    progress.begun = progress.done.clone();
    assert_nothing_lost(dir.path(), &vault, &progress);
    has_struck
}

fn assert_typed(error: &StoreError, kind: FaultKind) {
    let is_expected = match kind {
        FaultKind::Full => matches!(error, StoreError::DiskFull(_)),
        FaultKind::Io => matches!(error, StoreError::Io(_) | StoreError::Sqlite { .. }),
    };
    assert!(is_expected, "{error:?}");
}

/// Asks for a step again that failed, as an app would.
fn again(step: Step, store: &Store) {
    store.resume().unwrap();
    run(step, store).unwrap_or_else(|error| panic!("{step:?} fails again: {error:?}"));
}

#[test]
fn whichever_write_fails_the_error_is_typed_and_asking_again_is_enough() {
    for kind in [FaultKind::Full, FaultKind::Io] {
        let days = (0..).take_while(|&passing| {
            println!("{kind:?} after {passing}");
            a_day_with_a_fault(passing, kind)
        });
        let days = days.count();
        assert!(days > 40, "only {days} writes in a day");
    }
}
