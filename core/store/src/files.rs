//! Opening the two files, and what is done when one of them is damaged.

use crate::cache::base::Base;
use crate::cache::carried::Carried;
use crate::cache::overlay;
use crate::cache::tables::Tables;
use crate::cache::{full_text, state};
use crate::database::Database;
use crate::keys::{FILES, Keys};
use crate::outbox::client;
use crate::outbox::pending::{Pending, align};
use crate::salvage::{Salvage, salvage};
use crate::{KeyVault, StoreError, StoreFile, StoreOptions, quarantine};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What happened to a file when the store was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileReport {
    /// It was there and is sound.
    Opened,
    /// It was not there and is new.
    Created,
    /// It was damaged. It is kept under `kept_as` in the store's directory; a new one took its
    /// place.
    Replaced {
        /// Name of the damaged file.
        kept_as: String,
    },
}

/// What happened when the store was opened.
///
/// A cache that is not `Opened` fills again by syncing. An outbox that is `Created` beside a cache that is
/// `Opened` was removed by somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenReport {
    /// `cache.db`.
    pub cache: FileReport,
    /// `outbox.db`.
    pub outbox: FileReport,
    /// What was read from a damaged outbox.
    pub salvage: Option<Salvage>,
    /// A key rotation that was cut short could not be finished now, for want of space or because a file is
    /// damaged; the store works, and it is tried again at the next open.
    pub is_rotation_pending: bool,
}

/// The two files, open.
pub(crate) struct Files {
    pub(crate) cache: Database,
    pub(crate) outbox: Database,
    pub(crate) full_text: bool,
    pub(crate) counted_at_every_sync: u64,
    /// None where nothing is trusted, as in files that were just opened.
    pub(crate) carried: Mutex<Option<Carried>>,
}

impl Files {
    pub(crate) fn carried(&self) -> MutexGuard<'_, Option<Carried>> {
        self.carried.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn open(
    dir: &Path,
    vault: &dyn KeyVault,
    options: &StoreOptions,
) -> Result<(Files, OpenReport), StoreError> {
    let mut keys = Keys::load_or_make(dir, vault)?;
    for file in FILES {
        quarantine::finish_move(dir, file)?;
    }
    let is_rotation_pending = finish_rotation(dir, &mut keys)?;
    let (outbox, outbox_report, salvage) = open_outbox(dir, &keys, options)?;
    let (cache, cache_report) = open_cache(dir, &keys, options, &outbox)?;
    let files = Files {
        cache,
        outbox,
        full_text: options.full_text,
        counted_at_every_sync: options.counted_at_every_sync,
        carried: Mutex::default(),
    };
    let report = OpenReport {
        cache: cache_report,
        outbox: outbox_report,
        salvage,
        is_rotation_pending,
    };
    Ok((files, report))
}

/// Goes on with a rotation that was cut short. Returns whether it still is not finished.
fn finish_rotation(dir: &Path, keys: &mut Keys) -> Result<bool, StoreError> {
    if !keys.is_rotating() {
        return Ok(false);
    }
    for file in FILES {
        match keys.rekey(dir, file) {
            Ok(()) => {}
            // A damaged file keeps its key until it has been moved aside and read.
            Err(StoreError::DiskFull(_) | StoreError::Io(_) | StoreError::Damaged(_)) => {
                return Ok(true);
            }
            Err(error) => return Err(error),
        }
    }
    keys.end_rotation(dir)?;
    Ok(false)
}

fn open_outbox(
    dir: &Path,
    keys: &Keys,
    options: &StoreOptions,
) -> Result<(Database, FileReport, Option<Salvage>), StoreError> {
    let file = StoreFile::Outbox;
    let report = report_for(dir, file);
    let key = keys.of(dir, file)?;
    let make = || Database::open(dir, file, &key, options.max_outbox_bytes);
    let opened = make().and_then(|database| {
        let is_sound = database.is_sound()?;
        is_sound
            .then_some(database)
            .ok_or(StoreError::Damaged(file))
    });
    match opened {
        Ok(database) => {
            database.sync_log()?;
            database.write(client::ensure)?;
            Ok((database, report, None))
        }
        Err(StoreError::Damaged(_)) => {
            let kept_as = quarantine::move_aside(dir, file)?;
            let database = make()?;
            let saved = database.write(|new| salvage(dir, &kept_as, &key, new))?;
            Ok((database, FileReport::Replaced { kept_as }, Some(saved)))
        }
        Err(error) => Err(error),
    }
}

fn open_cache(
    dir: &Path,
    keys: &Keys,
    options: &StoreOptions,
    outbox: &Database,
) -> Result<(Database, FileReport), StoreError> {
    let file = StoreFile::Cache;
    let report = report_for(dir, file);
    let key = keys.of(dir, file)?;
    let make = || {
        let cache = Database::open(dir, file, &key, options.max_cache_bytes)?;
        // Looking at every page takes long, so only when one could not be read before.
        if quarantine::is_suspect(dir, file) && !cache.is_sound()? {
            return Err(StoreError::Damaged(file));
        }
        cache.sync_log()?;
        prepare_cache(&cache, outbox, options.full_text)?;
        Ok(cache)
    };
    let opened = match make() {
        Err(StoreError::Damaged(StoreFile::Cache)) => {
            let kept_as = quarantine::move_aside(dir, file)?;
            (make()?, FileReport::Replaced { kept_as })
        }
        opened => (opened?, report),
    };
    if quarantine::is_suspect(dir, file) {
        quarantine::clear(dir, file)?;
    }
    Ok(opened)
}

fn report_for(dir: &Path, file: StoreFile) -> FileReport {
    // SQLite makes an empty file before it writes the first page.
    let has_content = |found: std::fs::Metadata| found.len() > 0;
    if dir.join(file.name()).metadata().is_ok_and(has_content) {
        FileReport::Opened
    } else {
        FileReport::Created
    }
}

/// Brings the cache in step with the outbox, which may have been written last.
fn prepare_cache(cache: &Database, outbox: &Database, is_indexed: bool) -> Result<(), StoreError> {
    let head = cache.read(|db| Ok(state::read(db)?.head))?;
    outbox.write(|transaction| align(transaction, head))?;
    cache.write(|db| {
        full_text::set_up(db, is_indexed)?;
        let mut base = Base::load(Tables {
            db,
            full_text: is_indexed,
        })?;
        outbox.read(|db| overlay::refresh_all(&mut base, &Pending { db, head }))
    })
}
