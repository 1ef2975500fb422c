//! Copying a data folder that is being served.

use super::folder::{make_private, sync};
use super::manifest::{MANIFEST, Manifest};
use crate::config::{Config, write_private};
use crate::setup::{self, CHECK_FILE};
use crate::state::ServerError;
use crate::store::StoreError;
use fieldfare_model::TimestampMs;
use std::path::{Path, PathBuf};

/// Copies every database of the data folder into a new folder, encrypted with the same keys, while
/// servers and commands go on using it. Each file is copied as it is at one moment, the registry
/// last: a device that is known in a company's file is then known in the registry, too. The master
/// key is not copied. The folder is there when it is whole.
///
/// # Errors
/// [`ServerError::Store`], also if there is something at `to` already.
pub fn make(config: &Config, to: &Path, now: TimestampMs) -> Result<Manifest, ServerError> {
    if to.exists() {
        let text = format!("{} is there already; name a new folder", to.display());
        return Err(StoreError::Caller(text).into());
    }
    let opened = setup::open(config, now)?;
    let draft = draft_of(to);
    if draft.exists() {
        std::fs::remove_dir_all(&draft).map_err(StoreError::from)?;
    }
    if let Some(parent) = to.parent() {
        std::fs::create_dir_all(parent).map_err(StoreError::from)?;
    }
    make_private(&draft).map_err(StoreError::from)?;
    let copied = copy(&opened, config, &draft, now).and_then(|manifest| {
        std::fs::rename(&draft, to)?;
        Ok(manifest)
    });
    if copied.is_err() {
        // What went wrong counts, not whether its rest can be cleared away.
        let _ = std::fs::remove_dir_all(&draft);
    }
    Ok(copied?)
}

fn draft_of(to: &Path) -> PathBuf {
    let mut name = to.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}

fn copy(
    opened: &setup::Opened,
    config: &Config,
    draft: &Path,
    now: TimestampMs,
) -> Result<Manifest, StoreError> {
    let mut manifest = Manifest::new(now);
    make_private(&draft.join("tenants"))?;
    for (id, _) in opened.registry.tenants()? {
        let name = format!("tenants/{id}.db");
        let tenant = opened.tenants.open(id, now)?;
        tenant.database().copy_to(&draft.join(&name))?;
        manifest.add(draft, &name)?;
    }
    opened
        .registry
        .database()
        .copy_to(&draft.join("registry.db"))?;
    manifest.add(draft, "registry.db")?;
    std::fs::copy(
        config.server.data_dir.join(CHECK_FILE),
        draft.join(CHECK_FILE),
    )?;
    manifest.add(draft, CHECK_FILE)?;
    for file in &manifest.files {
        sync(&draft.join(&file.name))?;
    }
    let text =
        serde_json::to_vec_pretty(&manifest).map_err(|e| StoreError::Caller(e.to_string()))?;
    write_private(&draft.join(MANIFEST), &text)?;
    sync(&draft.join("tenants"))?;
    sync(draft)?;
    Ok(manifest)
}
