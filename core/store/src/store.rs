use crate::cache::base::Base;
use crate::cache::tables::Tables;
use crate::cache::{overlay, state};
use crate::files::{self, Files, OpenReport};
use crate::keys::{FILES, Keys};
use crate::outbox::pending::Pending;
use crate::sql::Key;
use crate::{KeyVault, StoreError, StoreFile, quarantine, wipe};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// How a store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreOptions {
    /// Whether names, addresses and notes of leads are indexed for search. Changing it builds or
    /// drops the index at the next open.
    pub full_text: bool,
    /// The most bytes `cache.db` may have; `None` for no limit but the disk's.
    pub max_cache_bytes: Option<u64>,
    /// The most bytes `outbox.db` may have; `None` for no limit but the disk's.
    pub max_outbox_bytes: Option<u64>,
    /// Up to so many rows every sync counts all of them for their digests; those of more rows are
    /// carried on over small changes, and counted hourly.
    pub counted_at_every_sync: u64,
}

impl Default for StoreOptions {
    /// With full text, without limits, 10,000 rows counted at every sync.
    fn default() -> Self {
        Self {
            full_text: true,
            max_cache_bytes: None,
            max_outbox_bytes: None,
            counted_at_every_sync: 10_000,
        }
    }
}

/// The phone's two encrypted files.
///
/// Calls may come from any thread. Those that write wait for each other; those that read do not wait.
/// All of them block, for microseconds to milliseconds, except [`Store::rotate_key`] and a publish after
/// a change of epoch, which take time in proportion to the data.
pub struct Store {
    dir: PathBuf,
    vault: Arc<dyn KeyVault>,
    options: StoreOptions,
    gate: RwLock<Gate>,
    /// Whether edits are in the outbox that could not be shown, as the cache could not be written.
    is_behind: AtomicBool,
}

enum Gate {
    Open(Box<Files>),
    Suspended,
    Closed,
}

impl Gate {
    fn files(&self) -> Result<&Files, StoreError> {
        match self {
            Self::Open(files) => Ok(files),
            Self::Suspended => Err(StoreError::Suspended),
            Self::Closed => Err(StoreError::Closed),
        }
    }
}

/// Rows that look different now.
pub type Changes = Vec<Key>;

impl Store {
    /// Opens the store in `dir`, which is made if it is not there.
    ///
    /// A damaged file is moved aside and kept, and the report says so.
    ///
    /// # Errors
    /// [`StoreError::WrongKey`], [`StoreError::KeysMissing`], [`StoreError::KeysDamaged`],
    /// [`StoreError::Vault`], [`StoreError::NewerSchema`] and [`StoreError::NoCipher`] leave every file
    /// as it was.
    pub fn open(
        dir: impl Into<PathBuf>,
        vault: Arc<dyn KeyVault>,
        options: StoreOptions,
    ) -> Result<(Self, OpenReport), StoreError> {
        let dir = dir.into();
        make_private_dir(&dir)?;
        let (files, report) = files::open(&dir, vault.as_ref(), &options)?;
        let store = Self {
            dir,
            vault,
            options,
            gate: RwLock::new(Gate::Open(Box::new(files))),
            is_behind: AtomicBool::new(false),
        };
        Ok((store, report))
    }

    /// Where the files are.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Looks for damage in the whole of both files: each page against its seal, each table against
    /// its indexes. O(size); opening and syncing look at what they touch without being asked.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] naming the file.
    pub fn check_integrity(&self) -> Result<(), StoreError> {
        self.with(|files| {
            files.outbox.check_integrity()?;
            files.cache.check_integrity()
        })
    }

    /// Waits for running calls, moves the logs into the files, and lets go of the files, as a phone
    /// requires of an app that goes to the background. Again is fine.
    ///
    /// # Errors
    /// [`StoreError::Closed`] after `close`. If the logs cannot be moved the store is suspended all the same
    /// and nothing is lost; the error says why.
    pub fn suspend(&self) -> Result<(), StoreError> {
        let mut gate = self.lock_gate();
        match &*gate {
            Gate::Closed => Err(StoreError::Closed),
            Gate::Suspended => Ok(()),
            Gate::Open(files) => {
                let result = files.cache.checkpoint().and(files.outbox.checkpoint());
                *gate = Gate::Suspended;
                result
            }
        }
    }

    /// Opens the files again after `suspend`. Again is fine: then the report is `None`.
    ///
    /// # Errors
    /// As [`Store::open`]; the store stays suspended.
    pub fn resume(&self) -> Result<Option<OpenReport>, StoreError> {
        let mut gate = self.lock_gate();
        match &*gate {
            Gate::Closed => Err(StoreError::Closed),
            Gate::Open(_) => Ok(None),
            Gate::Suspended => self.reopen(&mut gate).map(Some),
        }
    }

    /// Lets go of the files for good. Again is fine.
    ///
    /// # Errors
    /// If the logs cannot be moved into the files: the store is closed all the same, nothing is lost.
    pub fn close(&self) -> Result<(), StoreError> {
        let mut gate = self.lock_gate();
        let before = std::mem::replace(&mut *gate, Gate::Closed);
        match before {
            Gate::Open(files) => files.cache.checkpoint().and(files.outbox.checkpoint()),
            Gate::Suspended | Gate::Closed => Ok(()),
        }
    }

    /// Encrypts both files with a new key. Safe to kill at any moment: the next open goes on. Needs about
    /// as much free space as the larger file has, and waits for running calls.
    ///
    /// # Errors
    /// On any error the store is suspended and nothing is lost; `resume` opens it with whichever keys the
    /// files have, and goes on if there is space.
    pub fn rotate_key(&self) -> Result<(), StoreError> {
        let mut gate = self.lock_gate();
        gate.files()?;
        *gate = Gate::Suspended;
        let mut keys = Keys::load_or_make(&self.dir, self.vault.as_ref())?;
        keys.begin_rotation(&self.dir, self.vault.as_ref())?;
        for file in FILES {
            keys.rekey(&self.dir, file)?;
        }
        keys.end_rotation(&self.dir)?;
        self.reopen(&mut gate).map(drop)
    }

    /// Looks at all of `cache.db` if a read met a damaged page in it. If it is damaged indeed, it is moved
    /// aside and kept, and an empty one takes its place, with this phone's own edits shown on top. `None` if
    /// no read met damage.
    ///
    /// # Errors
    /// As [`Store::open`]; then the store is suspended.
    pub fn heal(&self) -> Result<Option<OpenReport>, StoreError> {
        let mut gate = self.lock_gate();
        gate.files()?;
        if !quarantine::is_suspect(&self.dir, StoreFile::Cache) {
            return Ok(None);
        }
        *gate = Gate::Suspended;
        self.reopen(&mut gate).map(Some)
    }

    /// Notes that `cache.db` is not what it should be, so that the next open moves it aside and begins
    /// with an empty one. For when repairs did not help.
    pub fn distrust_cache(&self) {
        quarantine::suspect(&self.dir, StoreFile::Cache);
    }

    /// Makes everything unreadable and gone: first the vault's key, then the wrapped key, then the files. The
    /// store is closed then.
    ///
    /// # Errors
    /// The first that occurred; everything else was done nevertheless. Call again to retry.
    pub fn wipe(&self) -> Result<(), StoreError> {
        let mut gate = self.lock_gate();
        wipe::wipe(&self.dir, self.vault.as_ref(), || *gate = Gate::Closed)
    }

    /// Like [`Store::wipe`], for a store that cannot be opened.
    ///
    /// # Errors
    /// As [`Store::wipe`].
    pub fn wipe_dir(dir: &Path, vault: &dyn KeyVault) -> Result<(), StoreError> {
        wipe::wipe(dir, vault, || {})
    }

    fn reopen(&self, gate: &mut Gate) -> Result<OpenReport, StoreError> {
        let (files, report) = files::open(&self.dir, self.vault.as_ref(), &self.options)?;
        self.is_behind.store(false, Ordering::SeqCst);
        *gate = Gate::Open(Box::new(files));
        Ok(report)
    }

    fn lock_gate(&self) -> RwLockWriteGuard<'_, Gate> {
        self.gate.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self) -> RwLockReadGuard<'_, Gate> {
        self.gate.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` with the files open.
    pub(crate) fn with<T>(
        &self,
        work: impl FnOnce(&Files) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let result = work(self.enter().files()?);
        if let Err(StoreError::Damaged(StoreFile::Cache)) = &result {
            quarantine::suspect(&self.dir, StoreFile::Cache);
        }
        result
    }

    /// Shows edits that were just written to the outbox, or taken out of it. They are durable by then, so a
    /// cache that cannot be written now is no error: it catches up later.
    pub(crate) fn show_edits(&self, files: &Files, rows: Vec<Key>) -> Changes {
        if self.take_behind() {
            match show(files, &rows, true) {
                Ok(changes) => return changes,
                Err(_) => self.set_behind(),
            }
        }
        show(files, &rows, false).unwrap_or_else(|_| {
            self.set_behind();
            rows
        })
    }

    /// Whether a publish has to show all edits, not only those it touches.
    pub(crate) fn take_behind(&self) -> bool {
        self.is_behind.swap(false, Ordering::SeqCst)
    }

    pub(crate) fn set_behind(&self) {
        self.is_behind.store(true, Ordering::SeqCst);
    }
}

fn show(files: &Files, rows: &[Key], all: bool) -> Result<Changes, StoreError> {
    files.cache.write(|db| {
        let mut base = Base::load(Tables {
            db,
            full_text: files.full_text,
        })?;
        let head = state::read(db)?.head;
        files.outbox.read(|db| {
            let pending = Pending { db, head };
            if all {
                overlay::refresh_all(&mut base, &pending)?;
            }
            for row in rows {
                overlay::refresh(&mut base, *row, &pending)?;
            }
            Ok(())
        })?;
        Ok(base.changed.into_iter().collect())
    })
}

fn make_private_dir(dir: &Path) -> Result<(), StoreError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    Ok(builder.create(dir)?)
}
