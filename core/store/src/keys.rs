//! Which key each file has, through rotations that were cut short.

use crate::connection::{self, Mode};
use crate::error::In;
use crate::key_file::{KeyFile, WrappedKey};
use crate::{DataKey, KeyVault, StoreError, StoreFile};
use std::path::Path;

/// The keys a store may have.
pub(crate) struct Keys {
    pub(crate) file: KeyFile,
    current: DataKey,
    pending: Option<DataKey>,
}

pub(crate) const FILES: [StoreFile; 2] = [StoreFile::Cache, StoreFile::Outbox];

impl Keys {
    /// Reads the keys of a store, or makes them for a new one.
    pub(crate) fn load_or_make(dir: &Path, vault: &dyn KeyVault) -> Result<Self, StoreError> {
        match KeyFile::load(dir)? {
            Some(file) => Self::unseal(dir, file, vault),
            None if FILES.iter().any(|f| dir.join(f.name()).exists()) => {
                Err(StoreError::KeysMissing)
            }
            None => Self::make(dir, vault),
        }
    }

    fn make(dir: &Path, vault: &dyn KeyVault) -> Result<Self, StoreError> {
        let current = DataKey::generate()?;
        let file = KeyFile {
            current: WrappedKey::seal(&current, vault)?,
            pending: None,
        };
        file.save(dir)?;
        Ok(Self {
            file,
            current,
            pending: None,
        })
    }

    fn unseal(dir: &Path, file: KeyFile, vault: &dyn KeyVault) -> Result<Self, StoreError> {
        let current = file.current.open(vault)?;
        let pending = file.pending.as_ref().map(|p| p.open(vault)).transpose()?;
        let mut keys = Self {
            file,
            current,
            pending,
        };
        keys.seal_again_if_old(dir, vault)?;
        Ok(keys)
    }

    /// A vault may have moved to a new wrapping key and still open what the old one sealed.
    fn seal_again_if_old(&mut self, dir: &Path, vault: &dyn KeyVault) -> Result<(), StoreError> {
        let generation = vault.generation()?;
        if self.file.current.is_of_generation(generation) {
            return Ok(());
        }
        self.file.current = WrappedKey::seal(&self.current, vault)?;
        if let Some(pending) = &self.pending {
            self.file.pending = Some(WrappedKey::seal(pending, vault)?);
        }
        self.file.save(dir)
    }

    pub(crate) fn is_rotating(&self) -> bool {
        self.pending.is_some()
    }

    /// The key a file has. A new or unreadable file has the current one.
    pub(crate) fn of(&self, dir: &Path, file: StoreFile) -> Result<DataKey, StoreError> {
        let path = dir.join(file.name());
        match &self.pending {
            Some(pending) if path.exists() && opens(&path, file, pending)? => Ok(pending.clone()),
            _ => Ok(self.current.clone()),
        }
    }

    /// Notes the key to go to, before any file has it.
    pub(crate) fn begin_rotation(
        &mut self,
        dir: &Path,
        vault: &dyn KeyVault,
    ) -> Result<(), StoreError> {
        if self.pending.is_some() {
            return Ok(());
        }
        let next = DataKey::generate()?;
        self.file.pending = Some(WrappedKey::seal(&next, vault)?);
        self.file.save(dir)?;
        self.pending = Some(next);
        Ok(())
    }

    /// Gives a file the key a rotation goes to, unless it has it already.
    pub(crate) fn rekey(&self, dir: &Path, file: StoreFile) -> Result<(), StoreError> {
        let path = dir.join(file.name());
        let Some(next) = &self.pending else {
            return Ok(());
        };
        if !path.exists() || opens(&path, file, next)? {
            return Ok(());
        }
        rekey_file(&path, file, &self.current, next)
    }

    /// Makes the new key the only one, once every file has it.
    pub(crate) fn end_rotation(&mut self, dir: &Path) -> Result<(), StoreError> {
        let (Some(next), Some(sealed)) = (self.pending.take(), self.file.pending.take()) else {
            return Ok(());
        };
        self.current = next;
        self.file.current = sealed;
        self.file.save(dir)
    }
}

fn opens(path: &Path, file: StoreFile, key: &DataKey) -> Result<bool, StoreError> {
    match connection::open(path, file, key, Mode::Read) {
        Ok(_) => Ok(true),
        Err(StoreError::Damaged(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Rewrites every page under a new key in one transaction with a rollback journal: after a kill the
/// file has either the old key or the new one.
fn rekey_file(
    path: &Path,
    file: StoreFile,
    old: &DataKey,
    new: &DataKey,
) -> Result<(), StoreError> {
    let connection = connection::open(path, file, old, Mode::Write { max_bytes: None })?;
    connection::run(&connection, "PRAGMA wal_checkpoint(TRUNCATE)").in_file(file)?;
    connection::run(&connection, "PRAGMA journal_mode = DELETE").in_file(file)?;
    // A journal whose removal a power cut undoes would put pages under the old key back, of which
    // nothing may be noted by then.
    connection::run(&connection, "PRAGMA synchronous = EXTRA").in_file(file)?;
    connection
        .key(None::<&str>, new.raw_key_text().as_slice(), true)
        .in_file(file)?;
    drop(connection);
    connection::open(path, file, new, Mode::Read).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FileReport, MemoryKeyVault, Store, StoreOptions};
    use fieldfare_disk::{Entry, fates_of, left_after, watch};
    use std::fs;
    use std::sync::Arc;

    fn fill(dir: &Path) -> Arc<MemoryKeyVault> {
        let vault = Arc::new(MemoryKeyVault::new());
        let (store, _) = Store::open(dir, vault.clone(), StoreOptions::default()).unwrap();
        store.set_setting("kept", Some(b"value")).unwrap();
        store.close().unwrap();
        vault
    }

    fn new_store() -> (tempfile::TempDir, Arc<MemoryKeyVault>) {
        let dir = tempfile::tempdir().unwrap();
        let vault = fill(dir.path());
        (dir, vault)
    }

    fn opens_whole(dir: &Path, vault: &Arc<MemoryKeyVault>) -> Keys {
        let (store, report) = Store::open(dir, vault.clone(), StoreOptions::default()).unwrap();
        assert_eq!(
            (report.cache, report.outbox),
            (FileReport::Opened, FileReport::Opened)
        );
        assert!(!report.is_rotation_pending);
        assert_eq!(
            store.setting("kept").unwrap().as_deref(),
            Some(&b"value"[..])
        );
        store.close().unwrap();
        let keys = Keys::load_or_make(dir, vault.as_ref()).unwrap();
        assert!(!keys.is_rotating(), "the rotation was finished");
        keys
    }

    #[test]
    fn a_rotation_cut_short_at_any_step_is_finished_by_the_next_open() {
        for steps in 0..=3 {
            let (dir, vault) = new_store();
            let mut keys = Keys::load_or_make(dir.path(), vault.as_ref()).unwrap();
            let before = keys.current.clone();
            keys.begin_rotation(dir.path(), vault.as_ref()).unwrap();
            for file in FILES.into_iter().take(steps) {
                keys.rekey(dir.path(), file).unwrap();
            }
            if steps == 3 {
                keys.end_rotation(dir.path()).unwrap();
            }
            drop(keys);
            let after = opens_whole(dir.path(), &vault);
            assert_ne!(after.current.as_bytes(), before.as_bytes());
            for file in FILES {
                assert!(!opens(&dir.path().join(file.name()), file, &before).unwrap());
            }
        }
    }

    /// The files after a power cut at the end of `entries`, beside what `keys.bin` was then.
    fn after_power_cut(entries: &[Entry], key_file: &[u8], seed: u64) -> tempfile::TempDir {
        let after = tempfile::tempdir().unwrap();
        fs::write(after.path().join("keys.bin"), key_file).unwrap();
        for (name, bytes) in left_after(entries, &mut fates_of(seed)) {
            fs::write(after.path().join(name), bytes).unwrap();
        }
        after
    }

    #[test]
    fn a_power_cut_during_a_rotation_leaves_files_that_a_noted_key_opens() {
        let dir = tempfile::tempdir().unwrap();
        let watch = watch(dir.path());
        let vault = fill(dir.path());
        let key_file = || fs::read(dir.path().join("keys.bin")).unwrap();
        let mut keys = Keys::load_or_make(dir.path(), vault.as_ref()).unwrap();
        keys.begin_rotation(dir.path(), vault.as_ref()).unwrap();
        let (begun, both_keys) = (watch.entries().len(), key_file());
        for file in FILES {
            keys.rekey(dir.path(), file).unwrap();
        }
        let entries = watch.entries();
        let syncs = (begun..entries.len()).filter(|at| matches!(entries[*at], Entry::Sync { .. }));
        let cuts: Vec<_> = syncs.flat_map(|at| [at, at + 1]).collect();
        assert!(cuts.len() > 4, "a rotation with hardly any sync");
        for (cut, seed) in cuts
            .into_iter()
            .flat_map(|cut| (0..4).map(move |s| (cut, s)))
        {
            println!("cut at {cut} of {begun} to {}, seed {seed}", entries.len());
            opens_whole(
                after_power_cut(&entries[..cut], &both_keys, seed).path(),
                &vault,
            );
        }
        keys.end_rotation(dir.path()).unwrap();
        for seed in 0..16 {
            println!("cut at the end, seed {seed}");
            opens_whole(after_power_cut(&entries, &key_file(), seed).path(), &vault);
        }
    }

    #[test]
    fn a_damaged_file_keeps_its_key_until_it_was_moved_aside() {
        let (dir, vault) = new_store();
        let mut keys = Keys::load_or_make(dir.path(), vault.as_ref()).unwrap();
        keys.begin_rotation(dir.path(), vault.as_ref()).unwrap();
        keys.rekey(dir.path(), StoreFile::Cache).unwrap();
        let path = dir.path().join(StoreFile::Outbox.name());
        let mut bytes = fs::read(&path).unwrap();
        bytes[100] ^= 1;
        fs::write(&path, bytes).unwrap();
        let open = || Store::open(dir.path(), vault.clone(), StoreOptions::default()).unwrap();
        let (store, report) = open();
        assert!(report.is_rotation_pending);
        assert_eq!(
            report.cache,
            FileReport::Opened,
            "each file has its own key meanwhile"
        );
        assert!(matches!(report.outbox, FileReport::Replaced { .. }));
        store.close().unwrap();
        let (_, report) = open();
        assert!(!report.is_rotation_pending);
        assert_eq!(report.outbox, FileReport::Opened);
    }

    #[test]
    fn a_vault_with_a_new_wrapping_key_gets_the_data_key_sealed_again() {
        let (dir, vault) = new_store();
        let mut file = KeyFile::load(dir.path()).unwrap().unwrap();
        file.current.set_generation(0);
        file.save(dir.path()).unwrap();
        opens_whole(dir.path(), &vault);
        let file = KeyFile::load(dir.path()).unwrap().unwrap();
        assert!(file.current.is_of_generation(vault.generation().unwrap()));
    }
}
