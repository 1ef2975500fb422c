//! Moving a damaged file aside. Nothing is deleted.

use crate::{StoreError, StoreFile, atomic_file};
use std::fs;
use std::path::{Path, PathBuf};

/// What SQLite keeps beside a database.
pub(crate) const SIDE_FILES: [&str; 3] = ["-wal", "-shm", "-journal"];

pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Moves a file and its logs to `<name>.damaged-<k>` and returns the new name.
pub(crate) fn move_aside(dir: &Path, file: StoreFile) -> Result<String, StoreError> {
    let name = free_name(dir, file);
    move_files(dir, file, &name)?;
    Ok(name)
}

/// A kill while a file was moved may have left its logs behind: they follow it now, as SQLite
/// would drop them when it makes the file anew.
pub(crate) fn finish_move(dir: &Path, file: StoreFile) -> Result<(), StoreError> {
    let path = dir.join(file.name());
    let has_log = with_suffix(&path, "-wal").exists();
    if has_log && !path.exists() {
        let name = last_name(dir, file).unwrap_or_else(|| free_name(dir, file));
        move_files(dir, file, &name)?;
    }
    Ok(())
}

/// Notes that a page of a file could not be read, so that the next open looks at all of it. If the
/// note cannot be written, the next read of that page tries again.
pub(crate) fn suspect(dir: &Path, file: StoreFile) {
    let _ = fs::write(suspicion(dir, file), []);
}

pub(crate) fn is_suspect(dir: &Path, file: StoreFile) -> bool {
    suspicion(dir, file).exists()
}

pub(crate) fn clear(dir: &Path, file: StoreFile) -> Result<(), StoreError> {
    Ok(atomic_file::remove(&suspicion(dir, file))?)
}

fn suspicion(dir: &Path, file: StoreFile) -> PathBuf {
    with_suffix(&dir.join(file.name()), ".suspect")
}

fn move_files(dir: &Path, file: StoreFile, name: &str) -> Result<(), StoreError> {
    let (from, to) = (dir.join(file.name()), dir.join(name));
    for suffix in [""].into_iter().chain(SIDE_FILES) {
        let source = with_suffix(&from, suffix);
        if source.exists() {
            fs::rename(source, with_suffix(&to, suffix))?;
        }
    }
    Ok(atomic_file::sync_parent(&to)?)
}

fn names(file: StoreFile) -> impl Iterator<Item = String> {
    (1_u32..).map(move |k| format!("{}.damaged-{k}", file.name()))
}

fn free_name(dir: &Path, file: StoreFile) -> String {
    let is_free = |name: &String| {
        let path = dir.join(name);
        !path.exists() && !with_suffix(&path, "-wal").exists()
    };
    names(file).find(is_free).unwrap_or_default()
}

fn last_name(dir: &Path, file: StoreFile) -> Option<String> {
    names(file)
        .take_while(|name| dir.join(name).exists())
        .last()
}
