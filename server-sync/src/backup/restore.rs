//! Coming back from a backup, as another history.

use super::folder::{FolderLock, STAGING, make_private, swap, sync};
use super::manifest::Manifest;
use crate::config::Config;
use crate::feed;
use crate::random;
use crate::setup::{self, CHECK_FILE};
use crate::state::ServerError;
use crate::store::{MasterKey, Registry, StoreError, Tenants};
use fieldfare_model::{TenantId, TimestampMs};
use fieldfare_sync::Epoch;
use std::path::{Path, PathBuf};

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// When the backup was made.
    pub made_at: TimestampMs,
    /// How many companies it has.
    pub tenants: usize,
    /// Where the files lie that were in the data folder before; none if there were none.
    pub kept_in: Option<PathBuf>,
}

/// Puts a backup in the place of the data folder's databases. Each company's data is a new history
/// from then on: its phones compare what they hold, and offer again what they had pushed since the
/// backup. What was in the data folder is kept beside it. Nothing is changed before the whole backup
/// was checked, and an interrupted restore can be run again.
///
/// # Errors
/// [`ServerError`]: no server may be running, the key must be the backup's, and every file whole.
pub fn restore(config: &Config, from: &Path, now: TimestampMs) -> Result<Restored, ServerError> {
    let data_dir = &config.server.data_dir;
    setup::make_private_folder(data_dir).map_err(StoreError::from)?;
    let _lock = FolderLock::exclusive(data_dir)?;
    let manifest = Manifest::read_checked(from)?;
    let key = config.known_master_key()?;
    setup::check_key_against(&from.join(CHECK_FILE), &key)?;
    let staging = data_dir.join(STAGING);
    let tenants = stage(&manifest, from, &staging, &key, now)?;
    let had_data = data_dir.join("registry.db").exists() || data_dir.join("tenants").exists();
    let aside = free_name(data_dir, now);
    swap(data_dir, &staging, &aside)?;
    if !had_data {
        // An empty folder tells nobody anything.
        let _ = std::fs::remove_dir(&aside);
    }
    Ok(Restored {
        made_at: manifest.made_at,
        tenants,
        kept_in: had_data.then_some(aside),
    })
}

fn free_name(data_dir: &Path, now: TimestampMs) -> PathBuf {
    let name = |n: u64| data_dir.join(format!("replaced-{}", n));
    let mut n = now.unix_ms() / 1000;
    while name(n).exists() {
        n += 1;
    }
    name(n)
}

/// Copies the backup and makes it another history, out of the way.
fn stage(
    manifest: &Manifest,
    from: &Path,
    staging: &Path,
    key: &MasterKey,
    now: TimestampMs,
) -> Result<usize, StoreError> {
    clear(staging)?;
    make_private(&staging.join("tenants"))?;
    for file in &manifest.files {
        std::fs::copy(from.join(&file.name), staging.join(&file.name))?;
    }
    let registry = Registry::open(staging, key)?;
    registry.database().check_integrity()?;
    registry.begin_history()?;
    let tenants = Tenants::new(staging, key.clone())?;
    let known = registry.tenants()?;
    for (id, _) in &known {
        begin_history(&tenants, staging, *id, now)?;
    }
    // Closed, each database is one file.
    drop((registry, tenants));
    for file in &manifest.files {
        sync(&staging.join(&file.name))?;
    }
    sync(&staging.join("tenants"))?;
    sync(staging)?;
    Ok(known.len())
}

/// What is left of an earlier attempt is dropped, but for the mark that it had begun to move files.
fn clear(staging: &Path) -> Result<(), StoreError> {
    if !staging.exists() {
        make_private(staging)?;
    }
    for entry in std::fs::read_dir(staging)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            std::fs::remove_dir_all(entry.path())?;
        } else if entry.file_name() != super::folder::SWAPPING {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn begin_history(
    tenants: &Tenants,
    staging: &Path,
    id: TenantId,
    now: TimestampMs,
) -> Result<(), StoreError> {
    if !staging.join("tenants").join(format!("{id}.db")).exists() {
        return Err(StoreError::Damaged("backup: it lacks a company it names"));
    }
    let tenant = tenants.open(id, now)?;
    tenant.database().check_integrity()?;
    let epoch = Epoch(u64::from_be_bytes(random::bytes()?));
    tenant.write(|tx| feed::begin_history(tx, epoch))
}
