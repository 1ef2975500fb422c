//! Files of an older build are upgraded, files of a newer one are left alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod common;

use common::{filled, name_of};
use fieldfare_model::{ClientId, LeadId, OperationId};
use fieldfare_store::{
    DataKey, FileReport, KeyVault, LeadFilter, LeadOrder, MemoryKeyVault, Store, StoreError,
    StoreFile, StoreOptions, VaultError,
};
use fieldfare_sync::PhoneStore;
use rusqlite::Connection;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The key of the kept store.
const FIXTURE_KEY: [u8; 32] = [0x46; 32];

/// The schemas this build knows.
const NEWEST: [(StoreFile, u32); 2] = [(StoreFile::Cache, 5), (StoreFile::Outbox, 4)];

/// A vault that wraps by doing nothing, and first wraps the key it was made with.
struct PlainVault;

impl KeyVault for PlainVault {
    fn generation(&self) -> Result<u32, VaultError> {
        Ok(1)
    }
    fn wrap(&self, key: &DataKey) -> Result<Vec<u8>, VaultError> {
        Ok(key.as_bytes().to_vec())
    }
    fn unwrap(&self, wrapped: &[u8]) -> Result<DataKey, VaultError> {
        DataKey::from_slice(wrapped).ok_or(VaultError::Rejected)
    }
    fn destroy(&self) -> Result<(), VaultError> {
        Ok(())
    }
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/store-v1")
}

fn copy_of_fixture() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in ["cache.db", "outbox.db", "keys.bin"] {
        fs::copy(fixture().join(name), dir.path().join(name)).unwrap();
    }
    dir
}

fn raw(path: &Path, key: &[u8; 32]) -> Connection {
    let connection = Connection::open(path).unwrap();
    let text = format!("x'{}'", hex::encode(key));
    connection
        .key(None::<&str>, text.as_bytes(), false)
        .unwrap();
    connection
}

fn schema_number(path: &Path) -> u32 {
    raw(path, &FIXTURE_KEY)
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap()
}

#[test]
fn a_store_of_the_first_schema_is_upgraded_with_everything_in_it() {
    let dir = copy_of_fixture();
    for file in [StoreFile::Cache, StoreFile::Outbox] {
        assert_eq!(schema_number(&dir.path().join(file.name())), 1);
    }
    let options = StoreOptions::default();
    let (store, report) = Store::open(dir.path(), Arc::new(PlainVault), options).unwrap();
    assert_eq!(
        (report.cache, report.outbox),
        (FileReport::Opened, FileReport::Opened)
    );
    assert_eq!(
        (&store).sync_state().unwrap().client,
        ClientId::from_bytes([2; 16])
    );
    let old = store.lead(LeadId::from_bytes([1; 16])).unwrap().unwrap();
    assert_eq!(
        (old.row.version, old.row.columns.get(900).as_text()),
        (5, Some("kept"))
    );
    assert_eq!(name_of(&store, 6).as_deref(), Some("Made offline"));
    assert_eq!(store.consent_events().unwrap().len(), 1);
    let waiting = store.waiting_operations().unwrap();
    assert_eq!(waiting[0].operation.id, OperationId::from_bytes([7; 16]));
    assert_eq!(waiting[0].replaced_by, None);
    let page = store
        .page_leads(&LeadFilter::default(), LeadOrder::Changed, None, 9)
        .unwrap();
    assert_eq!(page.rows.len(), 2);
    store.close().unwrap();
    drop(store);
    for (file, newest) in NEWEST {
        assert_eq!(schema_number(&dir.path().join(file.name())), newest);
    }
    let sql = "SELECT count(*) FROM sqlite_master WHERE name = 'lead_changed'";
    let cache = raw(&dir.path().join("cache.db"), &FIXTURE_KEY);
    assert_eq!(
        cache
            .query_row(sql, [], |row| row.get::<_, u32>(0))
            .unwrap(),
        1
    );
}

#[test]
fn a_newer_store_is_left_alone() {
    for (file, newest) in NEWEST {
        let dir = copy_of_fixture();
        let path = dir.path().join(file.name());
        raw(&path, &FIXTURE_KEY)
            .pragma_update(None, "user_version", 99)
            .unwrap();
        let error = Store::open(dir.path(), Arc::new(PlainVault), StoreOptions::default());
        let StoreError::NewerSchema { found, known, .. } = error.err().unwrap() else {
            panic!("a newer schema is no other error");
        };
        assert_eq!((found, known), (99, newest));
        assert_eq!(schema_number(&path), 99);
    }
}

/// The ledger's triggers, and what SQLCipher is set to, as seen by another connection.
#[test]
fn the_files_guard_themselves() {
    let dir = copy_of_fixture();
    let path = dir.path().join("outbox.db");
    let outbox = raw(&path, &FIXTURE_KEY);
    for sql in ["DELETE FROM consent", "UPDATE consent SET action = 2"] {
        assert!(outbox.execute(sql, []).is_err());
    }
    let secure: u32 = outbox
        .query_row("PRAGMA secure_delete", [], |row| row.get(0))
        .unwrap();
    assert_eq!(secure, 1, "deleted rows are overwritten");
    let mode: String = outbox
        .query_row("PRAGMA journal_mode", [], |row| row.get(0))
        .unwrap();
    assert_eq!(mode, "wal");
}

#[test]
fn a_store_open_elsewhere_can_be_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Arc::new(MemoryKeyVault::new());
    let first = filled(dir.path(), &vault);
    let (second, _) = common::open(dir.path(), &vault);
    first.set_setting("a", Some(b"1")).unwrap();
    assert_eq!(second.setting("a").unwrap().as_deref(), Some(&b"1"[..]));
}
