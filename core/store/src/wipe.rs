//! Making everything unreadable, then gone.

use crate::key_file::KeyFile;
use crate::keys::FILES;
use crate::{KeyVault, StoreError, atomic_file};
use std::path::Path;

/// Destroys the wrapping key, then the wrapped one, then every file of the store in `dir`, damaged
/// ones that were kept included. Goes on whatever fails and gives the first error.
pub(crate) fn wipe(
    dir: &Path,
    vault: &dyn KeyVault,
    close: impl FnOnce(),
) -> Result<(), StoreError> {
    let vault_result = vault.destroy().map_err(StoreError::from);
    let keys_result = KeyFile::remove(dir);
    close();
    let files_result = remove_files(dir);
    vault_result.and(keys_result).and(files_result)
}

fn remove_files(dir: &Path) -> Result<(), StoreError> {
    if !dir.exists() {
        return Ok(());
    }
    let mut result = Ok(());
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if FILES.iter().any(|file| name.starts_with(file.name())) {
            result = result.and(atomic_file::remove_one(&path));
        }
    }
    atomic_file::sync_parent(&KeyFile::path(dir))?;
    Ok(result?)
}
