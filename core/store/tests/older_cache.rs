//! A power cut may take the cache back to an older head. What the phone itself did is shown all the
//! same, and a history once entered is not left.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod common;

use common::{
    answer, complete, create, filled, grant, lead_id, name_of, open, put_lead, rename, scope, stage,
};
use fieldfare_disk::{Watch, left_after, watch};
use fieldfare_model::{Entity, TimestampMs};
use fieldfare_store::{MemoryKeyVault, Store};
use fieldfare_sync::{Epoch, PhoneStore};
use std::path::Path;
use std::sync::Arc;

/// A phone at head 10 whose cache is on the disk up to there.
fn phone(dir: &Path, vault: &Arc<MemoryKeyVault>) -> (Store, Arc<Watch>) {
    let watch = watch(dir);
    let store = filled(dir, vault);
    store.suspend().and_then(|()| store.resume()).unwrap();
    (store, watch)
}

/// The phone after a power cut that takes everything along that was not synced.
fn after_power_cut(
    dir: &Path,
    vault: &Arc<MemoryKeyVault>,
    watch: &Watch,
) -> (tempfile::TempDir, Store) {
    let after = tempfile::tempdir().unwrap();
    let keys = std::fs::read(dir.join("keys.bin")).unwrap();
    std::fs::write(after.path().join("keys.bin"), keys).unwrap();
    for (name, bytes) in left_after(&watch.entries(), &mut |_| 0) {
        std::fs::write(after.path().join(name), bytes).unwrap();
    }
    let (store, _) = open(after.path(), vault);
    (after, store)
}

fn show_20(store: &Store, name: &str) {
    let rows = [put_lead(1, 15, name), put_lead(9, 16, "Made here")];
    stage(store, &scope("terr:a"), 10, 20, &rows);
    let mut phone = store;
    phone.publish(&[grant("terr:a")], &complete(20)).unwrap();
}

#[test]
fn what_was_answered_and_shown_still_shows_when_the_cache_falls_back() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Arc::new(MemoryKeyVault::new());
    let (store, watch) = phone(dir.path(), &vault);
    store
        .record(&[rename(1, lead_id(1).row(), 5, "Edited")])
        .unwrap();
    store.record(&[create(2, 9, "Made here")]).unwrap();
    answer(&store, 15, TimestampMs(1)).unwrap();
    show_20(&store, "Edited");
    assert_eq!(store.sync_status().unwrap().head, 20);

    let (_after, store) = after_power_cut(dir.path(), &vault, &watch);
    assert_eq!(store.sync_status().unwrap().head, 10, "the cache fell back");
    assert_eq!(name_of(&store, 1).as_deref(), Some("Edited"));
    assert_eq!(name_of(&store, 9).as_deref(), Some("Made here"));
    assert!(store.waiting_operations().unwrap().is_empty());

    // What the server says next stands, also against the phone's own edit.
    show_20(&store, "Edited by another");
    assert_eq!(name_of(&store, 1).as_deref(), Some("Edited by another"));
    assert_eq!(store.count(Entity::LEAD).unwrap(), 3);
    store.suspend().and_then(|()| store.resume()).unwrap();
    assert_eq!(name_of(&store, 1).as_deref(), Some("Edited by another"));
}

#[test]
fn a_history_once_entered_is_not_left() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Arc::new(MemoryKeyVault::new());
    let (store, watch) = phone(dir.path(), &vault);
    (&store).begin_rebase(Epoch(8)).unwrap();
    let (_after, store) = after_power_cut(dir.path(), &vault, &watch);
    let state = (&store).sync_state().unwrap();
    assert_eq!(state.epoch, Some(Epoch(8)));
    assert_eq!(state.uncompared, [scope("terr:a")]);
}

#[test]
fn the_first_complete_head_of_each_history_is_not_lost() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Arc::new(MemoryKeyVault::new());
    let watch = watch(dir.path());
    let store = filled(dir.path(), &vault);
    let (_after, fallen) = after_power_cut(dir.path(), &vault, &watch);
    assert_eq!(fallen.sync_status().unwrap().head, 10);
    drop(fallen);

    (&store).begin_rebase(Epoch(8)).unwrap();
    let agrees = [(scope("terr:a"), Vec::new())];
    (&store).note_comparison(12, &agrees).unwrap();
    stage(
        &store,
        &scope("terr:a"),
        12,
        20,
        &[put_lead(1, 15, "Edited")],
    );
    (&store).publish(&[grant("terr:a")], &complete(20)).unwrap();
    let (_after, fallen) = after_power_cut(dir.path(), &vault, &watch);
    assert_eq!(fallen.sync_status().unwrap().head, 20);
    assert_eq!(name_of(&fallen, 1).as_deref(), Some("Edited"));
}

/// A killed process had committed, and the log was not synced yet.
#[test]
fn what_is_found_at_a_start_is_not_taken_back_later() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Arc::new(MemoryKeyVault::new());
    let (store, watch) = phone(dir.path(), &vault);
    show_20(&store, "Edited");
    let (_after, fallen) = after_power_cut(dir.path(), &vault, &watch);
    assert_eq!(fallen.sync_status().unwrap().head, 10, "it was not synced");
    drop(fallen);

    let (_restarted, _) = open(dir.path(), &vault);
    let (_after, fallen) = after_power_cut(dir.path(), &vault, &watch);
    assert_eq!(fallen.sync_status().unwrap().head, 20);
}
