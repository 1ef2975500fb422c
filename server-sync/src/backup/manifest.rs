//! What a backup consists of.

use crate::store::StoreError;
use fieldfare_model::TimestampMs;
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Read;
use std::path::{Component, Path};

/// The list of a backup's files, itself one of them.
pub(super) const MANIFEST: &str = "manifest.json";
const FORMAT: u32 = 1;
const CHUNK: usize = 64 * 1024;

/// A backup's files and when they were copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// 1.
    format: u32,
    /// When the copying began.
    pub made_at: TimestampMs,
    /// Every file but the manifest.
    pub files: Vec<ManifestFile>,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Path below the backup's folder, parts joined by `/`.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
}

impl Manifest {
    pub(super) const fn new(made_at: TimestampMs) -> Self {
        Self {
            format: FORMAT,
            made_at,
            files: Vec::new(),
        }
    }

    /// Enters a file that lies in the folder.
    pub(super) fn add(&mut self, folder: &Path, name: &str) -> Result<(), StoreError> {
        self.files.push(describe(folder, name)?);
        Ok(())
    }

    /// Reads a backup's manifest and compares every file with it.
    ///
    /// # Errors
    /// [`StoreError::Caller`], which says what is missing or was changed.
    pub fn read_checked(folder: &Path) -> Result<Self, StoreError> {
        let wrong = |what: String| StoreError::Caller(format!("{}: {what}", folder.display()));
        let text = std::fs::read_to_string(folder.join(MANIFEST)).map_err(|e| {
            wrong(format!(
                "no {MANIFEST} can be read here ({e}); is it a backup?"
            ))
        })?;
        let manifest: Self = serde_json::from_str(&text)
            .map_err(|e| wrong(format!("{MANIFEST} is not one of a backup: {e}")))?;
        if manifest.format != FORMAT {
            return Err(wrong("it was made by a newer version of the server".into()));
        }
        for file in &manifest.files {
            let is_inside = Path::new(&file.name)
                .components()
                .all(|part| matches!(part, Component::Normal(_)));
            let found = is_inside.then(|| describe(folder, &file.name));
            if !matches!(found, Some(Ok(found)) if found == *file) {
                return Err(wrong(format!(
                    "{} is missing or not what was copied; take another backup",
                    file.name
                )));
            }
        }
        Ok(manifest)
    }
}

fn describe(folder: &Path, name: &str) -> Result<ManifestFile, StoreError> {
    let mut file = File::open(folder.join(name))?;
    let mut hash = Context::new(&SHA256);
    let mut buffer = vec![0; CHUNK];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        bytes += read as u64;
        hash.update(buffer.get(..read).unwrap_or_default());
    }
    Ok(ManifestFile {
        name: name.to_owned(),
        bytes,
        sha256: hex::encode(hash.finish()),
    })
}
