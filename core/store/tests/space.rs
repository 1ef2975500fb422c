//! A full disk: a typed error, nothing lost, and everything goes on when there is space again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod common;

use common::{complete, filled, grant, lead_id, name_of, put_lead, rename, scope, stage};
use fieldfare_store::{MemoryKeyVault, Store, StoreError, StoreFile, StoreOptions};
use fieldfare_sync::{Epoch, Frame, PhoneStore, encode_frames};
use std::fs;
use std::path::Path;
use std::sync::Arc;

fn limited(dir: &Path, vault: &Arc<MemoryKeyVault>, file: StoreFile) -> Store {
    let size = fs::metadata(dir.join(file.name())).unwrap().len();
    let mut options = StoreOptions::default();
    match file {
        StoreFile::Cache => options.max_cache_bytes = Some(size + 16 * 4096),
        StoreFile::Outbox => options.max_outbox_bytes = Some(size + 16 * 4096),
    }
    Store::open(dir, vault.clone(), options).unwrap().0
}

#[test]
fn a_full_outbox_says_so_and_keeps_what_it_said_it_kept() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Arc::new(MemoryKeyVault::new());
    filled(dir.path(), &vault).close().unwrap();
    let store = limited(dir.path(), &vault, StoreFile::Outbox);
    let mut saved = 0;
    let error = loop {
        let operation = rename(saved + 1, lead_id(1).row(), 5, &format!("{saved:0500}"));
        match store.record(&[operation]) {
            Ok(_) => saved += 1,
            Err(error) => break error,
        }
    };
    assert!(
        matches!(error, StoreError::DiskFull(StoreFile::Outbox)),
        "{error}"
    );
    assert!(saved > 3);
    assert_eq!(store.waiting_operations().unwrap().len() as u64, saved);
    assert_eq!(name_of(&store, 1), Some(format!("{:0500}", saved - 1)));
    store.close().unwrap();
    let store = Store::open(dir.path(), vault, StoreOptions::default())
        .unwrap()
        .0;
    assert_eq!(store.waiting_operations().unwrap().len() as u64, saved);
    store
        .record(&[rename(saved + 1, lead_id(1).row(), 5, "goes on")])
        .unwrap();
    assert_eq!(name_of(&store, 1).as_deref(), Some("goes on"));
}

#[test]
fn a_full_cache_keeps_its_cursor_with_its_rows_and_takes_operations() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Arc::new(MemoryKeyVault::new());
    filled(dir.path(), &vault).close().unwrap();
    let store = limited(dir.path(), &vault, StoreFile::Cache);
    let territory = scope("terr:b");
    let mut at = 0;
    let error = loop {
        let name = format!("{at:03}").repeat(300);
        let compress = |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap();
        let lead = put_lead(10 + u8::try_from(at).unwrap(), at + 1, &name);
        let bytes = encode_frames(&territory, at, at + 1, &[lead], &compress)
            .unwrap()
            .remove(0);
        match (&mut &store).stage(&Frame::decode(&bytes).unwrap(), &bytes, 1_000_000) {
            Ok(()) => at += 1,
            Err(error) => break error,
        }
    };
    assert!(
        matches!(error, StoreError::DiskFull(StoreFile::Cache)),
        "{error}"
    );
    let cursors = (&store).sync_state().unwrap().cursors;
    assert_eq!(
        cursors
            .iter()
            .find(|c| c.scope == territory)
            .unwrap()
            .cursor,
        at
    );
    let mut saved = 0;
    for i in 0..40 {
        let long = "long ".repeat(300);
        store
            .record(&[rename(i + 1, lead_id(1).row(), 5, &format!("{long}{i}"))])
            .unwrap();
        saved += 1;
    }
    assert_eq!(store.waiting_operations().unwrap().len(), saved);
    store.close().unwrap();
    drop(store);
    let store = Store::open(dir.path(), vault, StoreOptions::default())
        .unwrap()
        .0;
    assert!(
        name_of(&store, 1).unwrap().ends_with("39"),
        "shown once there is space"
    );
    stage(
        &store,
        &territory,
        at,
        at + 1,
        &[put_lead(90, at + 1, "Last")],
    );
    (&mut &store)
        .publish(&[grant("terr:a"), grant("terr:b")], &complete(at + 1))
        .unwrap();
    assert_eq!(name_of(&store, 90).as_deref(), Some("Last"));
    assert!(name_of(&store, 10).is_some());
}

/// An edit that could not be shown for want of space stands in nobody's way, and is shown by the next
/// write that can.
#[test]
fn what_could_not_be_shown_is_shown_later() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Arc::new(MemoryKeyVault::new());
    filled(dir.path(), &vault).close().unwrap();
    let store = limited(dir.path(), &vault, StoreFile::Cache);
    stage(
        &store,
        &scope("terr:b"),
        0,
        9,
        &[put_lead(10, 9, &"filling ".repeat(2_500))],
    );
    let long = "x".repeat(12_000);
    store
        .record(&[rename(1, lead_id(1).row(), 5, &long)])
        .unwrap();
    assert_eq!(
        name_of(&store, 1).as_deref(),
        Some("Anna"),
        "no room for it"
    );
    store
        .record(&[rename(2, lead_id(2).row(), 5, "Short")])
        .unwrap();
    assert_eq!(name_of(&store, 2).as_deref(), Some("Short"));
    assert_eq!(name_of(&store, 1).as_deref(), Some("Anna"));
    // Beginning again drops what was taken in for a scope that was never shown.
    (&mut &store).begin_rebase(Epoch(9)).unwrap();
    store
        .record(&[rename(3, lead_id(2).row(), 5, "Shorter")])
        .unwrap();
    assert_eq!(name_of(&store, 1), Some(long));
}
