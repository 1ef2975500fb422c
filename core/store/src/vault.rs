//! Key vaults: whatever the platform has for keeping a key.

use crate::{DataKey, VaultError, atomic_file, key};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use zeroize::Zeroizing;

/// Keeps the wrapping key that the data key is sealed with: Android's Keystore, Apple's Keychain.
///
/// The wrapping key never leaves the vault; the store keeps only what `wrap` returns. Calls may
/// come from any thread and may block.
pub trait KeyVault: Send + Sync {
    /// Number of the wrapping key in use, from 1; 0 if there is none yet. A new wrapping key has
    /// a higher number than every one before it.
    ///
    /// # Errors
    /// [`VaultError`] as the platform has it.
    fn generation(&self) -> Result<u32, VaultError>;

    /// Seals a data key with the wrapping key, which is made if there is none.
    ///
    /// # Errors
    /// [`VaultError`] as the platform has it.
    fn wrap(&self, key: &DataKey) -> Result<Vec<u8>, VaultError>;

    /// Opens what `wrap` returned.
    ///
    /// # Errors
    /// [`VaultError::Rejected`] for bytes sealed by another key, [`VaultError::KeyLost`] if the
    /// wrapping key is gone, [`VaultError::Unavailable`] if it cannot be used now.
    fn unwrap(&self, wrapped: &[u8]) -> Result<DataKey, VaultError>;

    /// Destroys the wrapping key, so that nothing sealed with it can be opened again. Destroying
    /// what is not there succeeds.
    ///
    /// # Errors
    /// [`VaultError`] as the platform has it.
    fn destroy(&self) -> Result<(), VaultError>;
}

struct WrappingKey {
    generation: u32,
    bytes: Zeroizing<[u8; 32]>,
}

impl WrappingKey {
    fn generate(generation: u32) -> Result<Self, VaultError> {
        let mut bytes = Zeroizing::new([0; 32]);
        key::random(bytes.as_mut_slice()).map_err(|_| VaultError::Unavailable)?;
        Ok(Self { generation, bytes })
    }

    fn cipher(&self) -> Result<LessSafeKey, VaultError> {
        UnboundKey::new(&AES_256_GCM, self.bytes.as_slice())
            .map(LessSafeKey::new)
            .map_err(|_| VaultError::Failed(0))
    }

    fn seal(&self, key: &DataKey) -> Result<Vec<u8>, VaultError> {
        let mut nonce = [0; NONCE_LEN];
        key::random(&mut nonce).map_err(|_| VaultError::Unavailable)?;
        let mut sealed = key.as_bytes().to_vec();
        self.cipher()?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::empty(),
                &mut sealed,
            )
            .map_err(|_| VaultError::Failed(0))?;
        Ok([&nonce[..], &sealed].concat())
    }

    fn open(&self, wrapped: &[u8]) -> Result<DataKey, VaultError> {
        let (nonce, sealed) = wrapped
            .split_first_chunk::<NONCE_LEN>()
            .ok_or(VaultError::Rejected)?;
        let mut plain = Zeroizing::new(sealed.to_vec());
        let opened = self
            .cipher()?
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::empty(),
                plain.as_mut_slice(),
            )
            .map_err(|_| VaultError::Rejected)?;
        DataKey::from_slice(opened).ok_or(VaultError::Rejected)
    }
}

/// A vault that forgets everything when dropped: for tests.
#[derive(Default)]
pub struct MemoryKeyVault(Mutex<MemoryState>);

#[derive(Default)]
struct MemoryState {
    made: u32,
    key: Option<WrappingKey>,
}

impl MemoryKeyVault {
    /// A vault without a wrapping key yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl KeyVault for MemoryKeyVault {
    fn generation(&self) -> Result<u32, VaultError> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(state.key.as_ref().map_or(0, |key| key.generation))
    }

    fn wrap(&self, key: &DataKey) -> Result<Vec<u8>, VaultError> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.key.is_none() {
            state.made += 1;
            state.key = Some(WrappingKey::generate(state.made)?);
        }
        let wrapping = state.key.as_ref().ok_or(VaultError::KeyLost)?;
        wrapping.seal(key)
    }

    fn unwrap(&self, wrapped: &[u8]) -> Result<DataKey, VaultError> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wrapping = state.key.as_ref().ok_or(VaultError::KeyLost)?;
        wrapping.open(wrapped)
    }

    fn destroy(&self) -> Result<(), VaultError> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.key = None;
        Ok(())
    }
}

/// A vault in a file, for a terminal or a desktop.
///
/// **Not for phones.** The wrapping key lies in the file as it is, readable by its owner alone
/// (mode 0600 on Unix): whoever can read that user's files can open the store. On a phone use
/// the platform's key store.
pub struct FileKeyVault {
    path: PathBuf,
    lock: Mutex<()>,
}

const GENERATION_BYTES: usize = 4;

impl FileKeyVault {
    /// A vault kept in the file at `path`, which need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            lock: Mutex::new(()),
        }
    }

    /// Where the wrapping key lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn load(&self) -> Result<Option<WrappingKey>, VaultError> {
        let content = match std::fs::read(&self.path) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(&error)),
        };
        let (generation, rest) = content
            .split_first_chunk::<GENERATION_BYTES>()
            .ok_or(VaultError::KeyLost)?;
        let mut bytes = Zeroizing::new([0; 32]);
        if rest.len() != bytes.len() {
            return Err(VaultError::KeyLost);
        }
        bytes.copy_from_slice(rest);
        Ok(Some(WrappingKey {
            generation: u32::from_be_bytes(*generation),
            bytes,
        }))
    }

    fn load_or_make(&self) -> Result<WrappingKey, VaultError> {
        if let Some(wrapping) = self.load()? {
            return Ok(wrapping);
        }
        let wrapping = WrappingKey::generate(1)?;
        let mut content = Zeroizing::new(wrapping.generation.to_be_bytes().to_vec());
        content.extend_from_slice(wrapping.bytes.as_slice());
        atomic_file::write_private(&self.path, &content).map_err(|error| failed(&error))?;
        Ok(wrapping)
    }
}

impl KeyVault for FileKeyVault {
    fn generation(&self) -> Result<u32, VaultError> {
        Ok(self.load()?.map_or(0, |key| key.generation))
    }

    fn wrap(&self, key: &DataKey) -> Result<Vec<u8>, VaultError> {
        let _guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.load_or_make()?.seal(key)
    }

    fn unwrap(&self, wrapped: &[u8]) -> Result<DataKey, VaultError> {
        self.load()?.ok_or(VaultError::KeyLost)?.open(wrapped)
    }

    fn destroy(&self) -> Result<(), VaultError> {
        let _guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        atomic_file::remove(&self.path).map_err(|error| failed(&error))
    }
}

fn failed(error: &io::Error) -> VaultError {
    VaultError::Failed(error.raw_os_error().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeps_its_word(vault: &dyn KeyVault, other: &dyn KeyVault) {
        assert_eq!(vault.generation(), Ok(0));
        let key = DataKey::generate().unwrap();
        let wrapped = vault.wrap(&key).unwrap();
        assert_eq!(vault.generation(), Ok(1));
        assert_eq!(vault.unwrap(&wrapped).unwrap().as_bytes(), key.as_bytes());
        assert_ne!(vault.wrap(&key).unwrap(), wrapped);
        assert!(!wrapped.windows(32).any(|w| w == key.as_bytes()));

        other.wrap(&key).unwrap();
        assert_eq!(other.unwrap(&wrapped).err(), Some(VaultError::Rejected));
        assert_eq!(vault.unwrap(b"short").err(), Some(VaultError::Rejected));
        vault.destroy().unwrap();
        vault.destroy().unwrap();
        assert_eq!(vault.unwrap(&wrapped).err(), Some(VaultError::KeyLost));
    }

    #[test]
    fn memory_vault_keeps_its_word() {
        keeps_its_word(&MemoryKeyVault::new(), &MemoryKeyVault::new());
    }

    #[test]
    fn file_vault_keeps_its_word_and_its_file_private() {
        let dir = tempfile::tempdir().unwrap();
        let vault = FileKeyVault::new(dir.path().join("a"));
        vault.wrap(&DataKey::generate().unwrap()).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(vault.path())
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        vault.destroy().unwrap();
        keeps_its_word(&vault, &FileKeyVault::new(dir.path().join("b")));
    }
}
