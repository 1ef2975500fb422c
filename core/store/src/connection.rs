//! Opening one keyed connection.

use crate::error::In;
use crate::{DataKey, StoreError, StoreFile};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::sync::Once;
use std::time::Duration;

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const STATEMENT_CACHE: usize = 64;
const PAGE_BYTES: u64 = 4096;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Write { max_bytes: Option<u64> },
    Read,
}

/// How pages are sealed: HMAC-SHA256, which phones' processors have instructions for. The first
/// builds did it with SQLCipher's own default.
const SEAL: &str = "PRAGMA cipher_hmac_algorithm = HMAC_SHA256";
const FIRST_SEAL: &str = "PRAGMA cipher_hmac_algorithm = HMAC_SHA512";

/// Opens `path` with `key` and proves that the first page can be read.
pub(crate) fn open(
    path: &Path,
    file: StoreFile,
    key: &DataKey,
    mode: Mode,
) -> Result<Connection, StoreError> {
    match open_sealed(path, file, key, mode, SEAL) {
        Err(StoreError::Damaged(_)) => open_sealed(path, file, key, mode, FIRST_SEAL),
        opened => opened,
    }
}

fn open_sealed(
    path: &Path,
    file: StoreFile,
    key: &DataKey,
    mode: Mode,
    seal: &str,
) -> Result<Connection, StoreError> {
    set_up_cipher();
    let connection = Connection::open_with_flags(path, flags(mode)).in_file(file)?;
    silence_cipher_log(&connection, file)?;
    connection
        .key(None::<&str>, key.raw_key_text().as_slice(), false)
        .in_file(file)?;
    require_cipher(&connection, file)?;
    run(&connection, seal).in_file(file)?;
    harden(&connection).in_file(file)?;
    read_first_page(&connection).in_file(file)?;
    tune(&connection, file, mode).in_file(file)?;
    Ok(connection)
}

/// SQLite lets a second thread in while SQLCipher still sets itself up for the first, and a key is
/// then refused as if it were empty. So the first connection of the process is made alone.
fn set_up_cipher() {
    static FIRST: Once = Once::new();
    FIRST.call_once(|| drop(Connection::open_in_memory()));
}

fn flags(mode: Mode) -> OpenFlags {
    let access = match mode {
        Mode::Write { .. } => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        Mode::Read => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    access | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

/// SQLCipher writes its errors to standard error unless told otherwise.
fn silence_cipher_log(connection: &Connection, file: StoreFile) -> Result<(), StoreError> {
    for pragma in ["PRAGMA cipher_log_level = NONE", "PRAGMA cipher_log = off"] {
        run(connection, pragma).in_file(file)?;
    }
    Ok(())
}

/// A build without the cipher would write everything in the clear.
fn require_cipher(connection: &Connection, file: StoreFile) -> Result<(), StoreError> {
    let version: Option<String> = connection
        .query_row("PRAGMA cipher_version", [], |row| row.get(0))
        .or_else(|error| match error {
            rusqlite::Error::QueryReturnedNoRows => Ok(None),
            other => Err(other),
        })
        .in_file(file)?;
    match version {
        Some(text) if !text.is_empty() => Ok(()),
        _ => Err(StoreError::NoCipher),
    }
}

fn harden(connection: &Connection) -> rusqlite::Result<()> {
    connection.load_extension_disable()?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    // Otherwise statements that a partial index may serve are made anew for every value bound to them.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    run(connection, "PRAGMA temp_store = MEMORY")
}

fn read_first_page(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()))
}

fn tune(connection: &Connection, file: StoreFile, mode: Mode) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    let cache_kib = match (file, mode) {
        (StoreFile::Cache, Mode::Write { .. }) => 8_192,
        (StoreFile::Cache, Mode::Read) => 6_144,
        (StoreFile::Outbox, _) => 1_024,
    };
    run(connection, &format!("PRAGMA cache_size = -{cache_kib}"))?;
    match mode {
        Mode::Read => run(connection, "PRAGMA query_only = ON"),
        Mode::Write { max_bytes } => tune_writer(connection, file, max_bytes),
    }
}

fn tune_writer(
    connection: &Connection,
    file: StoreFile,
    max_bytes: Option<u64>,
) -> rusqlite::Result<()> {
    // EXTRA until the log is in use: a rollback journal whose removal a power cut undoes would take
    // the new file back to nothing.
    run(connection, "PRAGMA synchronous = EXTRA")?;
    run(connection, "PRAGMA journal_mode = WAL")?;
    sync_each_commit(connection, file, false)?;
    // On Apple systems fsync alone leaves data in the drive's own cache.
    run(connection, "PRAGMA fullfsync = ON")?;
    run(connection, "PRAGMA checkpoint_fullfsync = ON")?;
    // So that a replacing insert also meets the triggers that guard the ledger.
    run(connection, "PRAGMA recursive_triggers = ON")?;
    if let Some(bytes) = max_bytes {
        let pages = (bytes / PAGE_BYTES).max(1);
        run(connection, &format!("PRAGMA max_page_count = {pages}"))?;
    }
    Ok(())
}

/// Sets whether a commit waits until it is on the disk. Commits to the outbox always do; those to the
/// cache only if `always`.
pub(crate) fn sync_each_commit(
    connection: &Connection,
    file: StoreFile,
    always: bool,
) -> rusqlite::Result<()> {
    let synchronous = match file {
        StoreFile::Cache if !always => "PRAGMA synchronous = NORMAL",
        StoreFile::Cache | StoreFile::Outbox => "PRAGMA synchronous = FULL",
    };
    run(connection, synchronous)
}

/// Runs a statement that may or may not return rows.
pub(crate) fn run(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(file: StoreFile, mode: Mode) -> (tempfile::TempDir, Connection) {
        let dir = tempfile::tempdir().unwrap();
        let key = DataKey::generate().unwrap();
        let path = dir.path().join(file.name());
        let writer = open(&path, file, &key, Mode::Write { max_bytes: None }).unwrap();
        let connection = if mode == Mode::Read {
            open(&path, file, &key, mode).unwrap()
        } else {
            writer
        };
        (dir, connection)
    }

    fn pragma(connection: &Connection, name: &str) -> i64 {
        let sql = format!("PRAGMA {name}");
        connection
            .query_row(&sql, [], |row| row.get(0))
            .or_else(|_| {
                connection.query_row(&sql, [], |row| {
                    row.get::<_, String>(0)?
                        .parse::<i64>()
                        .map_err(|_| rusqlite::Error::InvalidQuery)
                })
            })
            .unwrap()
    }

    #[test]
    fn connections_are_set_as_the_design_says() {
        for (file, synchronous) in [(StoreFile::Cache, 1), (StoreFile::Outbox, 2)] {
            let (_dir, connection) = opened(file, Mode::Write { max_bytes: None });
            assert_eq!(pragma(&connection, "synchronous"), synchronous);
            assert_eq!(pragma(&connection, "secure_delete"), 1);
            assert_eq!(pragma(&connection, "temp_store"), 2);
            assert_eq!(pragma(&connection, "trusted_schema"), 0);
            assert_eq!(pragma(&connection, "cipher_memory_security"), 0);
            assert_eq!(pragma(&connection, "recursive_triggers"), 1);
            let seal: String = connection
                .query_row("PRAGMA cipher_hmac_algorithm", [], |row| row.get(0))
                .unwrap();
            assert_eq!(seal, "HMAC_SHA256");
            let loaded = connection.query_row("SELECT load_extension('x')", [], |_| Ok(()));
            assert!(loaded.unwrap_err().to_string().contains("not authorized"));
        }
    }

    #[test]
    fn readers_cannot_write() {
        let (_dir, connection) = opened(StoreFile::Cache, Mode::Read);
        assert!(connection.execute("CREATE TABLE t (a)", []).is_err());
    }

    #[test]
    fn another_key_opens_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cache.db");
        let mode = Mode::Write { max_bytes: None };
        let key = DataKey::generate().unwrap();
        let connection = open(&path, StoreFile::Cache, &key, mode).unwrap();
        connection.execute("CREATE TABLE t (a)", []).unwrap();
        drop(connection);
        let other = DataKey::generate().unwrap();
        let refused = open(&path, StoreFile::Cache, &other, Mode::Read);
        assert!(matches!(
            refused,
            Err(StoreError::Damaged(StoreFile::Cache))
        ));
        assert!(open(&path, StoreFile::Cache, &key, Mode::Read).is_ok());
    }
}
