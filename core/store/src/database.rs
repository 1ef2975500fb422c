//! One file: a writer behind a lock and a pool of readers.

use crate::connection::{self, Mode};
use crate::error::In;
use crate::{DataKey, StoreError, StoreFile, migrate};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

const MAX_IDLE_READERS: usize = 3;

pub(crate) struct Database {
    path: PathBuf,
    file: StoreFile,
    key: DataKey,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
}

impl Database {
    /// Opens or makes the file and brings its schema up to date.
    pub(crate) fn open(
        dir: &Path,
        file: StoreFile,
        key: &DataKey,
        max_bytes: Option<u64>,
    ) -> Result<Self, StoreError> {
        let path = dir.join(file.name());
        let mut writer = connection::open(&path, file, key, Mode::Write { max_bytes })?;
        migrate::run(&mut writer, file)?;
        Ok(Self {
            path,
            file,
            key: key.clone(),
            writer: Mutex::new(writer),
            readers: Mutex::new(Vec::new()),
        })
    }

    /// Runs `work` in a write transaction and commits it, or undoes everything on an error.
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        Self::write_with(&mut self.lock_writer(), self.file, work)
    }

    /// Like [`Self::write`]; this write, and all before it, survive a power cut even where others
    /// need not.
    pub(crate) fn write_durably<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut writer = self.lock_writer();
        connection::sync_each_commit(&writer, self.file, true).in_file(self.file)?;
        let result = Self::write_with(&mut writer, self.file, work);
        connection::sync_each_commit(&writer, self.file, false).in_file(self.file)?;
        result
    }

    fn write_with<T>(
        writer: &mut Connection,
        file: StoreFile,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let transaction = writer
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .in_file(file)?;
        let result = work(&transaction)?;
        transaction.commit().in_file(file)?;
        Ok(result)
    }

    /// Runs `work` on one consistent state of the file.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut reader = self.take_reader()?;
        let result = {
            let snapshot = reader.transaction().in_file(self.file)?;
            work(&snapshot)
        };
        self.give_back(reader);
        result
    }

    /// Moves everything from the write-ahead log into the file and empties the log.
    pub(crate) fn checkpoint(&self) -> Result<(), StoreError> {
        connection::run(&self.lock_writer(), "PRAGMA wal_checkpoint(TRUNCATE)").in_file(self.file)
    }

    /// Brings to the disk what a killed process had committed and not synced. It can be seen now, so
    /// it must not be taken back once something else counts on it. Free if the log is empty.
    pub(crate) fn sync_log(&self) -> Result<(), StoreError> {
        let copied = connection::run(&self.lock_writer(), "PRAGMA wal_checkpoint(PASSIVE)");
        match copied.in_file(self.file) {
            // The log is synced before any page is copied out of it, for which there may be no room.
            Err(StoreError::DiskFull(_)) => Ok(()),
            result => result,
        }
    }

    /// Whether every page is as it was written and every table and index agree.
    pub(crate) fn is_sound(&self) -> Result<bool, StoreError> {
        let verdict = self
            .lock_writer()
            .query_row("PRAGMA integrity_check(1)", [], |row| {
                row.get::<_, String>(0)
            });
        match verdict.in_file(self.file) {
            Ok(text) => Ok(text == "ok"),
            Err(StoreError::Damaged(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Looks for damage in the whole file: each page against its seal, each table against its indexes.
    pub(crate) fn check_integrity(&self) -> Result<(), StoreError> {
        // SQLCipher looks at the file alone, where pages may be half written that the log has whole.
        self.checkpoint()?;
        let (bad_pages, verdict) = self.read(|connection| {
            let bad_pages: Option<String> = connection
                .prepare("PRAGMA cipher_integrity_check")
                .and_then(|mut check| check.query_map([], |row| row.get(0))?.next().transpose())
                .in_file(self.file)?;
            let verdict: String = connection
                .query_row("PRAGMA integrity_check", [], |row| row.get(0))
                .in_file(self.file)?;
            Ok((bad_pages, verdict))
        })?;
        if bad_pages.is_none() && verdict == "ok" {
            Ok(())
        } else {
            Err(StoreError::Damaged(self.file))
        }
    }

    fn lock_writer(&self) -> MutexGuard<'_, Connection> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn idle_readers(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_reader(&self) -> Result<Connection, StoreError> {
        let idle = self.idle_readers().pop();
        idle.map_or_else(
            || connection::open(&self.path, self.file, &self.key, Mode::Read),
            Ok,
        )
    }

    fn give_back(&self, reader: Connection) {
        let mut idle = self.idle_readers();
        if idle.len() < MAX_IDLE_READERS {
            idle.push(reader);
        }
    }
}
