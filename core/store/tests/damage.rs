//! Wrong keys and damaged files: each ends in the documented state, and nothing is deleted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod common;

use common::{create, filled, lead_id, name_of, open, rename};
use fieldfare_model::Entity;
use fieldfare_store::{
    DataKey, FileReport, KeyVault, MemoryKeyVault, Store, StoreError, StoreFile, StoreOptions,
    VaultError,
};
use fieldfare_sync::PhoneStore;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

const PAGE: usize = 4096;

/// A store with two leads, an edit and a lead made offline, closed.
fn closed_store() -> (tempfile::TempDir, Arc<MemoryKeyVault>) {
    let dir = tempfile::tempdir().unwrap();
    let vault = Arc::new(MemoryKeyVault::new());
    let store = filled(dir.path(), &vault);
    store
        .record(&[rename(1, lead_id(1).row(), 5, "Edited")])
        .unwrap();
    store.record(&[create(2, 9, "Made here")]).unwrap();
    (&mut &store).next_batch(1, 100_000).unwrap();
    store.close().unwrap();
    (dir, vault)
}

fn contents(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
    entries
        .map(|e| {
            (
                e.file_name().into_string().unwrap(),
                fs::read(e.path()).unwrap(),
            )
        })
        .collect()
}

fn change(dir: &Path, file: StoreFile, edit: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let path = dir.join(file.name());
    let mut bytes = fs::read(&path).unwrap();
    edit(&mut bytes);
    fs::write(path, &bytes).unwrap();
    bytes
}

fn error_of(dir: &Path, vault: Arc<dyn KeyVault>) -> StoreError {
    Store::open(dir, vault, StoreOptions::default())
        .err()
        .unwrap()
}

fn kept_name(report: &FileReport) -> &str {
    match report {
        FileReport::Replaced { kept_as } => kept_as,
        other => panic!("expected a replaced file, got {other:?}"),
    }
}

/// A vault that gives a key of its own, whatever it is asked to open.
struct OtherKey;

impl KeyVault for OtherKey {
    fn generation(&self) -> Result<u32, VaultError> {
        Ok(1)
    }
    fn wrap(&self, key: &DataKey) -> Result<Vec<u8>, VaultError> {
        Ok(key.as_bytes().to_vec())
    }
    fn unwrap(&self, _: &[u8]) -> Result<DataKey, VaultError> {
        DataKey::from_slice(&[7; 32]).ok_or(VaultError::KeyLost)
    }
    fn destroy(&self) -> Result<(), VaultError> {
        Ok(())
    }
}

#[test]
fn a_wrong_key_touches_nothing() {
    let (dir, _) = closed_store();
    let before = contents(dir.path());
    assert!(matches!(
        error_of(dir.path(), Arc::new(OtherKey)),
        StoreError::WrongKey
    ));
    let other = MemoryKeyVault::new();
    other.wrap(&DataKey::generate().unwrap()).unwrap();
    assert!(matches!(
        error_of(dir.path(), Arc::new(other)),
        StoreError::WrongKey
    ));
    let lost = error_of(dir.path(), Arc::new(MemoryKeyVault::new()));
    assert!(matches!(lost, StoreError::Vault(VaultError::KeyLost)));
    assert_eq!(contents(dir.path()), before);
}

#[test]
fn missing_or_damaged_keys_touch_nothing() {
    let (dir, vault) = closed_store();
    let keys = dir.path().join("keys.bin");
    let whole = fs::read(&keys).unwrap();
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        fs::write(&keys, damaged).unwrap();
        assert!(matches!(
            error_of(dir.path(), vault.clone()),
            StoreError::KeysDamaged
        ));
    }
    fs::remove_file(&keys).unwrap();
    let before = contents(dir.path());
    assert!(matches!(
        error_of(dir.path(), vault.clone()),
        StoreError::KeysMissing
    ));
    assert_eq!(contents(dir.path()), before);
    fs::write(&keys, whole).unwrap();
    assert_eq!(
        name_of(&open(dir.path(), &vault).0, 1).as_deref(),
        Some("Edited")
    );
}

#[test]
fn a_damaged_cache_is_kept_and_rebuilt_with_own_edits_on_top() {
    let first_page = |bytes: &mut Vec<u8>| bytes[200] ^= 1;
    let cut = |bytes: &mut Vec<u8>| bytes.truncate(PAGE + 100);
    for damage in [&first_page as &dyn Fn(&mut Vec<u8>), &cut] {
        let (dir, vault) = closed_store();
        let damaged = change(dir.path(), StoreFile::Cache, damage);
        let (store, report) = open(dir.path(), &vault);
        assert_eq!(report.outbox, FileReport::Opened);
        assert_eq!(
            fs::read(dir.path().join(kept_name(&report.cache))).unwrap(),
            damaged
        );
        assert_eq!(name_of(&store, 1), None);
        assert_eq!(name_of(&store, 9).as_deref(), Some("Made here"));
        let state = (&store).sync_state().unwrap();
        assert_eq!((state.epoch, state.cursors.len()), (None, 0));
        assert_eq!(store.waiting_operations().unwrap().len(), 2);
    }
}

#[test]
fn a_cache_found_damaged_while_reading_can_be_rebuilt() {
    let (dir, vault) = closed_store();
    let is_hit = |store: &Store| {
        let leads = [1, 2, 3].map(|n| store.lead(lead_id(n)));
        leads
            .iter()
            .any(|lead| matches!(lead, Err(StoreError::Damaged(StoreFile::Cache))))
    };
    let whole = fs::read(dir.path().join(StoreFile::Cache.name())).unwrap();
    let mut healed = 0;
    for page in 1..whole.len() / PAGE {
        let mut damaged = whole.clone();
        damaged[page * PAGE + 100] ^= 1;
        fs::write(dir.path().join(StoreFile::Cache.name()), &damaged).unwrap();
        let (store, report) = open(dir.path(), &vault);
        if report.cache != FileReport::Opened || !is_hit(&store) {
            assert_eq!(store.heal().unwrap(), None);
            continue;
        }
        let report = store.heal().unwrap().unwrap();
        assert_eq!(
            fs::read(dir.path().join(kept_name(&report.cache))).unwrap(),
            damaged
        );
        assert_eq!(store.count(Entity::LEAD).unwrap(), 1, "the lead made here");
        assert!(!is_hit(&store));
        assert_eq!(store.heal().unwrap(), None);
        healed += 1;
    }
    assert!(healed > 0);
}

#[test]
fn an_outbox_with_a_damaged_first_page_is_kept() {
    let (dir, vault) = closed_store();
    let damaged = change(dir.path(), StoreFile::Outbox, |bytes| bytes[200] ^= 1);
    let client = {
        let (store, report) = open(dir.path(), &vault);
        assert_eq!(
            fs::read(dir.path().join(kept_name(&report.outbox))).unwrap(),
            damaged
        );
        let salvage = report.salvage.unwrap();
        assert_eq!((salvage.operations, salvage.is_complete), (0, false));
        assert_eq!(
            name_of(&store, 1).as_deref(),
            Some("Anna"),
            "the edit is gone, so is its look"
        );
        (&store).sync_state().unwrap().client
    };
    let (store, report) = open(dir.path(), &vault);
    assert_eq!(report.outbox, FileReport::Opened);
    assert_eq!((&store).sync_state().unwrap().client, client);
}

/// Whatever page is damaged, the store opens, the damaged file is kept as it was, and what is
/// not on that page is saved.
#[test]
fn what_is_readable_of_a_damaged_outbox_is_saved() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Arc::new(MemoryKeyVault::new());
    let store = filled(dir.path(), &vault);
    for i in 1..=200 {
        store
            .record(&[rename(i, lead_id(1).row(), 5, &format!("name{i:0100}"))])
            .unwrap();
    }
    (&mut &store).next_batch(5, 100_000).unwrap();
    let before = (&store).sync_state().unwrap().client;
    store.close().unwrap();
    drop(store);
    let whole = fs::read(dir.path().join("outbox.db")).unwrap();
    let mut partly = 0;
    for page in 1..whole.len() / PAGE {
        let copy = tempfile::tempdir().unwrap();
        for (name, bytes) in contents(dir.path()) {
            fs::write(copy.path().join(name), bytes).unwrap();
        }
        let damaged = change(copy.path(), StoreFile::Outbox, |b| b[page * PAGE + 99] ^= 4);
        let (store, report) = open(copy.path(), &vault);
        let salvage = report.salvage.unwrap();
        assert_eq!(
            fs::read(copy.path().join(kept_name(&report.outbox))).unwrap(),
            damaged
        );
        let waiting = store.waiting_operations().unwrap();
        assert_eq!(waiting.len() as u64, salvage.operations);
        assert!(
            waiting.iter().all(|o| o.operation.n == 0),
            "numbers start again"
        );
        assert_ne!((&store).sync_state().unwrap().client, before);
        partly += u32::from((180..200).contains(&salvage.operations));
        assert!(salvage.is_complete || salvage.operations < 200 || page < 20);
    }
    assert!(
        partly > 9,
        "a damaged page costs no more than what is on it: {partly}"
    );
}

#[test]
fn a_kill_while_a_file_is_moved_aside_loses_no_log() {
    let (dir, vault) = closed_store();
    let path = |name: &str| dir.path().join(name);
    fs::rename(path("outbox.db"), path("outbox.db.damaged-1")).unwrap();
    fs::write(path("outbox.db-wal"), b"log").unwrap();
    let (_, report) = open(dir.path(), &vault);
    assert_eq!(report.outbox, FileReport::Created);
    assert_eq!(fs::read(path("outbox.db.damaged-1-wal")).unwrap(), b"log");
}

#[test]
fn error_texts_say_nothing_of_rows() {
    let (dir, vault) = closed_store();
    let (store, _) = open(dir.path(), &vault);
    let secret = rename(1, lead_id(1).row(), 5, "Secret name");
    let error = store.record(&[secret]).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("Secret"));
    assert!(!format!("{:?}", StoreError::Damaged(StoreFile::Cache)).contains("Anna"));
}

#[test]
fn calls_at_the_wrong_time_say_so_and_repeats_are_fine() {
    let (dir, vault) = closed_store();
    let (store, _) = open(dir.path(), &vault);
    store.suspend().unwrap();
    store.suspend().unwrap();
    assert!(matches!(store.lead(lead_id(1)), Err(StoreError::Suspended)));
    assert!(matches!(store.rotate_key(), Err(StoreError::Suspended)));
    for file in [StoreFile::Cache, StoreFile::Outbox] {
        let log = dir.path().join(format!("{}-wal", file.name()));
        assert!(
            fs::metadata(log).map_or(0, |m| m.len()) == 0,
            "the log is empty or gone"
        );
    }
    assert!(store.resume().unwrap().is_some());
    assert!(store.resume().unwrap().is_none());
    assert_eq!(name_of(&store, 1).as_deref(), Some("Edited"));
    store.close().unwrap();
    store.close().unwrap();
    assert!(matches!(store.resume(), Err(StoreError::Closed)));
    assert!(matches!(store.count(Entity::LEAD), Err(StoreError::Closed)));
}

#[test]
fn wiping_leaves_nothing_even_of_a_store_that_does_not_open() {
    let (dir, vault) = closed_store();
    change(dir.path(), StoreFile::Cache, |bytes| bytes[200] ^= 1);
    let (store, _) = open(dir.path(), &vault);
    fs::write(dir.path().join("mine.txt"), b"not the store's").unwrap();
    store.wipe().unwrap();
    store.wipe().unwrap();
    assert_eq!(
        contents(dir.path()).into_keys().collect::<Vec<_>>(),
        ["mine.txt"]
    );
    assert!(matches!(store.count(Entity::LEAD), Err(StoreError::Closed)));

    let (dir, vault) = closed_store();
    let wrapped_before = contents(dir.path())["keys.bin"].clone();
    fs::remove_file(dir.path().join("keys.bin")).unwrap();
    Store::wipe_dir(dir.path(), vault.as_ref()).unwrap();
    assert!(contents(dir.path()).is_empty());
    fs::write(dir.path().join("keys.bin"), wrapped_before).unwrap();
    let error = error_of(dir.path(), vault);
    assert!(
        matches!(error, StoreError::Vault(VaultError::KeyLost)),
        "a kept copy is of no use"
    );
}

/// A vault that looks at the files when it is asked to destroy its key, and then fails.
struct LastLook {
    inner: MemoryKeyVault,
    dir: std::path::PathBuf,
    seen: std::sync::Mutex<Vec<String>>,
}

impl KeyVault for LastLook {
    fn generation(&self) -> Result<u32, VaultError> {
        self.inner.generation()
    }
    fn wrap(&self, key: &DataKey) -> Result<Vec<u8>, VaultError> {
        self.inner.wrap(key)
    }
    fn unwrap(&self, wrapped: &[u8]) -> Result<DataKey, VaultError> {
        self.inner.unwrap(wrapped)
    }
    fn destroy(&self) -> Result<(), VaultError> {
        *self.seen.lock().unwrap() = contents(&self.dir).into_keys().collect();
        Err(VaultError::Unavailable)
    }
}

#[test]
fn the_wrapping_key_goes_first_and_a_failing_vault_stops_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Arc::new(LastLook {
        inner: MemoryKeyVault::new(),
        dir: dir.path().to_owned(),
        seen: std::sync::Mutex::default(),
    });
    let (store, _) = Store::open(dir.path(), vault.clone(), StoreOptions::default()).unwrap();
    let error = store.wipe().unwrap_err();
    assert!(matches!(error, StoreError::Vault(VaultError::Unavailable)));
    let seen = vault.seen.lock().unwrap();
    assert!(
        ["cache.db", "keys.bin", "outbox.db"]
            .iter()
            .all(|n| seen.iter().any(|s| s == n))
    );
    assert!(contents(dir.path()).is_empty());
}
