//! One encrypted SQLite file: a writer, a pool of readers, transactions only.

use crate::store::migrate::{Migration, migrate};
use crate::store::{StoreError, SubKey};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, Once, PoisonError, TryLockError};
use std::time::Duration;
use tokio::sync::watch;
use zeroize::Zeroizing;

const MAX_READERS: usize = 4;
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
const STATEMENT_CACHE: usize = 128;

/// What a push of 500 operations touches in a large company: less of it would be written to the log
/// twice and read back from it, each time through the cipher.
const WRITER_CACHE_KIB: i64 = 6 * 1024;

/// From so many pages on the log is carried into the file, by whoever writes then: 16 MiB.
const MAX_LOG_PAGES: i64 = 4_000;

/// One encrypted file. Calls block; see [`crate::store::Tenant::write_async`].
pub struct Database {
    path: PathBuf,
    key: SubKey,
    writer: Mutex<Connection>,
    readers: Mutex<Readers>,
    reader_back: Condvar,
    /// How many transactions of this process were kept.
    commits: watch::Sender<u64>,
}

#[derive(Default)]
struct Readers {
    idle: Vec<Connection>,
    open: usize,
}

impl Database {
    /// Opens the file, makes it if it is absent, and runs the steps it lacks.
    ///
    /// # Errors
    /// [`StoreError::NoCipher`], [`StoreError::WrongKey`], [`StoreError::Newer`], or what SQLite
    /// and the file system say.
    pub fn open(path: &Path, key: SubKey, migrations: &[Migration]) -> Result<Self, StoreError> {
        let mut writer = connect(path, &key, OpenFlags::default())?;
        writer.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        writer.pragma_update(None, "wal_autocheckpoint", MAX_LOG_PAGES)?;
        // EXTRA until the log is in use: a rollback journal whose removal a power cut undoes would
        // take the new file back to nothing.
        writer.pragma_update(None, "synchronous", "EXTRA")?;
        writer.pragma_update(None, "journal_mode", "WAL")?;
        writer.pragma_update(None, "synchronous", "FULL")?;
        migrate(&mut writer, migrations, &file_name(path))?;
        Ok(Self {
            path: path.to_owned(),
            key,
            writer: Mutex::new(writer),
            readers: Mutex::default(),
            reader_back: Condvar::new(),
            commits: watch::Sender::new(0),
        })
    }

    /// Runs `work` in a write transaction, which is kept if `work` succeeds and undone if not.
    /// Writers take turns; what is kept survives a power cut.
    ///
    /// # Errors
    /// What `work` says, or [`StoreError::Sql`] if the transaction cannot be had or kept.
    pub fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut writer = lock(&self.writer);
        let out = in_transaction(&mut writer, work)?;
        self.commits.send_modify(|commits| *commits += 1);
        Ok(out)
    }

    /// [`Self::write`] of something nobody waits for news of, or nothing at all while another writer
    /// is at work.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn write_if_free<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut writer = match self.writer.try_lock() {
            Ok(writer) => writer,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(None),
        };
        in_transaction(&mut writer, work).map(Some)
    }

    /// Tells of every write of this process: its number of writes so far.
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.commits.subscribe()
    }

    /// Runs `work` over one snapshot. Writing there fails.
    ///
    /// # Errors
    /// What `work` says, or [`StoreError::Sql`].
    pub fn read<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut reader = self.reader()?;
        let tx = reader.connection()?.transaction()?;
        work(&tx)
    }

    /// Copies the file as it is at one moment to a new one, encrypted with the same key. Others may
    /// read and write meanwhile. O(size).
    ///
    /// # Errors
    /// [`StoreError::Sql`], also if there is a file at `to`.
    pub fn copy_to(&self, to: &Path) -> Result<(), StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = connect(&self.path, &self.key, flags)?;
        let name = to.to_str().ok_or_else(|| {
            StoreError::Caller("the path of a copy must be valid UTF-8".to_owned())
        })?;
        connection.execute("VACUUM INTO ?1", [name])?;
        Ok(())
    }

    /// Looks for damage in the whole file. O(size).
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if there is any.
    pub fn check_integrity(&self) -> Result<(), StoreError> {
        // SQLCipher looks at the file alone, where pages may be half written that the log has whole.
        lock(&self.writer).query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        self.read(|tx| {
            let bad_pages: Option<String> = tx
                .prepare("PRAGMA cipher_integrity_check")?
                .query_map([], |r| r.get(0))?
                .next()
                .transpose()?;
            let verdict: String = tx.query_row("PRAGMA integrity_check", [], |r| r.get(0))?;
            match (bad_pages, verdict.as_str()) {
                (None, "ok") => Ok(()),
                _ => Err(StoreError::Damaged("database file")),
            }
        })
    }

    fn reader(&self) -> Result<Reader<'_>, StoreError> {
        let mut readers = lock(&self.readers);
        loop {
            if let Some(connection) = readers.idle.pop() {
                return Ok(Reader {
                    database: self,
                    connection: Some(connection),
                });
            }
            if readers.open < MAX_READERS {
                readers.open += 1;
                break;
            }
            readers = self
                .reader_back
                .wait(readers)
                .unwrap_or_else(PoisonError::into_inner);
        }
        drop(readers);
        self.open_reader()
    }

    /// The place in the pool was taken by the caller; [`Reader`] gives it back in any case.
    fn open_reader(&self) -> Result<Reader<'_>, StoreError> {
        let mut reader = Reader {
            database: self,
            connection: None,
        };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = connect(&self.path, &self.key, flags)?;
        connection.pragma_update(None, "query_only", true)?;
        reader.connection = Some(connection);
        Ok(reader)
    }
}

fn in_transaction<T>(
    writer: &mut Connection,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let tx = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let out = work(&tx)?;
    tx.commit()?;
    Ok(out)
}

/// A reader lent from the pool.
struct Reader<'a> {
    database: &'a Database,
    connection: Option<Connection>,
}

impl Reader<'_> {
    fn connection(&mut self) -> Result<&mut Connection, StoreError> {
        self.connection.as_mut().ok_or(StoreError::Cancelled)
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        let mut readers = lock(&self.database.readers);
        match self.connection.take() {
            Some(connection) => readers.idle.push(connection),
            None => readers.open -= 1,
        }
        self.database.reader_back.notify_one();
    }
}

/// A panic while the lock was held undid its transaction, so the connection is sound.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// SQLite lets a second thread in while SQLCipher still sets itself up for the first, and a key is
/// then refused as if it were empty. So the first connection of the process is made alone.
fn set_up_cipher() {
    static FIRST: Once = Once::new();
    FIRST.call_once(|| {
        // Copies of a file are sealed by this default, too. A failure shows at the first file.
        let first = Connection::open_in_memory();
        drop(first.and_then(|first| first.execute_batch(SEAL)));
    });
}

/// How pages are sealed. The first builds did it with SQLCipher's own default, which costs more.
const SEAL: &str = "PRAGMA cipher_default_hmac_algorithm = HMAC_SHA256";
const FIRST_SEAL: &str = "PRAGMA cipher_hmac_algorithm = HMAC_SHA512";

fn connect(path: &Path, key: &SubKey, flags: OpenFlags) -> Result<Connection, StoreError> {
    match connect_sealed(path, key, flags, None) {
        Err(StoreError::WrongKey { .. }) => connect_sealed(path, key, flags, Some(FIRST_SEAL)),
        connected => connected,
    }
}

fn connect_sealed(
    path: &Path,
    key: &SubKey,
    flags: OpenFlags,
    seal: Option<&str>,
) -> Result<Connection, StoreError> {
    set_up_cipher();
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    unlock(&connection, key, path, seal)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "secure_delete", true)?;
    // Otherwise statements that a partial index may serve are made anew for every value bound to them.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

fn unlock(
    connection: &Connection,
    key: &SubKey,
    path: &Path,
    seal: Option<&str>,
) -> Result<(), StoreError> {
    let pragma = Zeroizing::new(format!("PRAGMA key = \"x'{}'\"", *hex_key(key)));
    connection.execute_batch("PRAGMA cipher_log_level = NONE")?;
    connection.execute_batch(&pragma)?;
    let version: Option<String> = connection
        .prepare("PRAGMA cipher_version")?
        .query_map([], |r| r.get(0))?
        .next()
        .transpose()?;
    if version.is_none_or(|v| v.is_empty()) {
        return Err(StoreError::NoCipher);
    }
    if let Some(seal) = seal {
        connection.execute_batch(seal)?;
    }
    connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
        .map_err(|e| refuse_key(e, path))
}

fn hex_key(key: &SubKey) -> Zeroizing<String> {
    Zeroizing::new(hex::encode(key.as_slice()))
}

fn refuse_key(error: rusqlite::Error, path: &Path) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StoreError::WrongKey {
            file: file_name(path),
        },
        _ => error.into(),
    }
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map_or_else(String::new, |n| n.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    const STEPS: &[Migration] = &[Migration {
        number: 1,
        sql: "CREATE TABLE t (x TEXT)",
    }];

    fn key(byte: u8) -> SubKey {
        Zeroizing::new([byte; 32])
    }

    fn count(db: &Database) -> i64 {
        db.read(|tx| Ok(tx.query_row("SELECT count(*) FROM t", [], |r| r.get(0))?))
            .unwrap()
    }

    #[test]
    fn a_failed_write_leaves_nothing_and_a_reader_cannot_write() {
        let dir = tempfile::tempdir().unwrap();
        let db = Database::open(&dir.path().join("a.db"), key(1), STEPS).unwrap();
        db.write(|tx| Ok(tx.execute("INSERT INTO t VALUES ('kept')", [])?))
            .unwrap();
        let failed: Result<(), _> = db.write(|tx| {
            tx.execute("INSERT INTO t VALUES ('lost')", [])?;
            Err(StoreError::NoTenant)
        });
        assert!(failed.is_err());
        assert!(db.read(|tx| Ok(tx.execute("DELETE FROM t", [])?)).is_err());
        assert_eq!(count(&db), 1);
    }

    #[test]
    fn a_panic_in_a_write_leaves_the_writer_usable() {
        let dir = tempfile::tempdir().unwrap();
        let db = Database::open(&dir.path().join("a.db"), key(1), STEPS).unwrap();
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _: Result<(), _> = db.write(|tx| {
                tx.execute("INSERT INTO t VALUES ('lost')", [])?;
                panic!("on purpose")
            });
        }));
        assert!(caught.is_err());
        db.write(|tx| Ok(tx.execute("INSERT INTO t VALUES ('kept')", [])?))
            .unwrap();
        assert_eq!(count(&db), 1);
    }

    #[test]
    fn the_file_is_encrypted_and_opens_with_its_key_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        let db = Database::open(&path, key(1), STEPS).unwrap();
        db.write(|tx| Ok(tx.execute("INSERT INTO t VALUES ('canary-6021')", [])?))
            .unwrap();
        db.check_integrity().unwrap();
        let copy = dir.path().join("copy.db");
        db.copy_to(&copy).unwrap();
        assert!(db.copy_to(&copy).is_err(), "never over another file");
        assert_eq!(count(&Database::open(&copy, key(1), STEPS).unwrap()), 1);
        for entry in std::fs::read_dir(dir.path()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            assert!(!bytes.windows(6).any(|w| w == b"canary" || w == b"SQLite"));
        }
        drop(db);
        let wrong = Database::open(&path, key(2), STEPS);
        assert!(matches!(wrong, Err(StoreError::WrongKey { .. })));
    }

    #[test]
    fn a_file_of_the_first_builds_opens_and_so_do_copies() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        let of_first_builds =
            connect_sealed(&path, &key(1), OpenFlags::default(), Some(FIRST_SEAL));
        of_first_builds
            .unwrap()
            .execute_batch("CREATE TABLE kept (x)")
            .unwrap();
        let seal_of = |path: &Path| {
            let opened = connect(path, &key(1), OpenFlags::default()).unwrap();
            let seal = "PRAGMA cipher_hmac_algorithm";
            opened
                .query_row(seal, [], |r| r.get::<_, String>(0))
                .unwrap()
        };
        let db = Database::open(&path, key(1), STEPS).unwrap();
        assert_eq!(seal_of(&path), "HMAC_SHA512");
        db.write(|tx| Ok(tx.execute("INSERT INTO t VALUES ('kept')", [])?))
            .unwrap();
        let copy = dir.path().join("copy.db");
        db.copy_to(&copy).unwrap();
        let copied = Database::open(&copy, key(1), STEPS).unwrap();
        assert_eq!(count(&copied), 1);
        copied.check_integrity().unwrap();
        let new = dir.path().join("new.db");
        drop(Database::open(&new, key(1), STEPS).unwrap());
        assert_eq!(seal_of(&new), "HMAC_SHA256");
        assert_eq!(seal_of(&copy), "HMAC_SHA256");
    }

    #[test]
    fn many_threads_share_the_readers() {
        let dir = tempfile::tempdir().unwrap();
        let db = Database::open(&dir.path().join("a.db"), key(1), STEPS).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..3 * MAX_READERS {
                scope.spawn(|| (0..5).for_each(|_| assert_eq!(count(&db), 0)));
            }
        });
        assert!(lock(&db.readers).open <= MAX_READERS);
    }
}
