//! Who uses a data folder, and what is done to its files.

use crate::store::StoreError;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

const LOCK: &str = "in-use.lock";
/// Where a restore puts its files together.
pub(super) const STAGING: &str = "restoring";
/// In the staging folder once files of the data folder may have been moved.
pub(super) const SWAPPING: &str = "swapping";

/// Says that a data folder is in use; let go when dropped, or when the process ends.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// For whoever opens the databases. Any number at once.
    ///
    /// # Errors
    /// [`StoreError::Caller`] while a restore is under way; [`StoreError::Io`].
    pub fn shared(data_dir: &Path) -> Result<Self, StoreError> {
        let file = lock_file(data_dir)?;
        match file.try_lock_shared() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Caller(
                "the data folder is being restored; wait until that is done".into(),
            )),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// For whoever replaces the databases. Nobody else may use the folder.
    ///
    /// # Errors
    /// [`StoreError::Caller`] while a server or command uses it; [`StoreError::Io`].
    pub fn exclusive(data_dir: &Path) -> Result<Self, StoreError> {
        let file = lock_file(data_dir)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Caller(
                "a server uses the data folder; stop it first".into(),
            )),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }
}

fn lock_file(data_dir: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    Ok(options.open(data_dir.join(LOCK))?)
}

/// A folder of which a restore moved some files and not all must not be served: what is missing
/// would be made anew, and empty.
///
/// # Errors
/// [`StoreError::Caller`].
pub(crate) fn refuse_half_restored(data_dir: &Path) -> Result<(), StoreError> {
    if data_dir.join(STAGING).join(SWAPPING).exists() {
        return Err(StoreError::Caller(
            "a restore of the data folder was interrupted; run it again".into(),
        ));
    }
    Ok(())
}

/// A folder that only its owner may enter.
pub(super) fn make_private(path: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Makes a file, or the names in a folder, survive a power cut.
pub(super) fn sync(path: &Path) -> std::io::Result<()> {
    File::open(path)?.sync_all()
}

/// Puts the staged files where the data folder's were, which are kept in a folder of their own.
/// Interrupted, it leaves a folder that [`refuse_half_restored`] refuses.
pub(super) fn swap(data_dir: &Path, staging: &Path, aside: &Path) -> Result<(), StoreError> {
    make_private(aside)?;
    std::fs::write(staging.join(SWAPPING), [])?;
    sync(staging)?;
    for name in present(data_dir) {
        std::fs::rename(data_dir.join(&name), aside.join(&name))?;
    }
    sync(aside)?;
    for name in present(staging) {
        std::fs::rename(staging.join(&name), data_dir.join(&name))?;
    }
    sync(data_dir)?;
    std::fs::remove_dir_all(staging)?;
    sync(data_dir)?;
    Ok(())
}

/// The databases of a folder, with what SQLite puts beside the registry.
fn present(folder: &Path) -> Vec<PathBuf> {
    [
        "tenants",
        "registry.db",
        "registry.db-wal",
        "registry.db-shm",
        "key.check",
    ]
    .into_iter()
    .map(PathBuf::from)
    .filter(|name| folder.join(name).exists())
    .collect()
}
