//! `keys.bin`: the wrapped data key, and during a rotation the next one.

use crate::{DataKey, KeyVault, StoreError, VaultError, atomic_file};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::io;
use std::path::{Path, PathBuf};

const NAME: &str = "keys.bin";
const MAGIC: &[u8; 8] = b"FFKEYS\x00\x01";

/// A data key as it is kept.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct WrappedKey {
    generation: u32,
    wrapped: ByteBuf,
    check: ByteBuf,
}

impl WrappedKey {
    pub(crate) fn seal(key: &DataKey, vault: &dyn KeyVault) -> Result<Self, StoreError> {
        let wrapped = vault.wrap(key)?;
        Ok(Self {
            generation: vault.generation()?,
            wrapped: ByteBuf::from(wrapped),
            check: ByteBuf::from(key.check_value()),
        })
    }

    pub(crate) fn open(&self, vault: &dyn KeyVault) -> Result<DataKey, StoreError> {
        match vault.unwrap(&self.wrapped) {
            Ok(key) if key.matches(&self.check) => Ok(key),
            Ok(_) | Err(VaultError::Rejected) => Err(StoreError::WrongKey),
            Err(error) => Err(error.into()),
        }
    }

    #[cfg(test)]
    pub(crate) const fn set_generation(&mut self, generation: u32) {
        self.generation = generation;
    }

    pub(crate) fn is_of_generation(&self, generation: u32) -> bool {
        self.generation == generation
    }
}

/// What `keys.bin` holds.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct KeyFile {
    pub(crate) current: WrappedKey,
    /// The key a rotation under way goes to.
    pub(crate) pending: Option<WrappedKey>,
}

impl KeyFile {
    pub(crate) fn path(dir: &Path) -> PathBuf {
        dir.join(NAME)
    }

    /// What is stored; `None` if there is no file.
    pub(crate) fn load(dir: &Path) -> Result<Option<Self>, StoreError> {
        match std::fs::read(Self::path(dir)) {
            Ok(bytes) => decode(&bytes).ok_or(StoreError::KeysDamaged).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn save(&self, dir: &Path) -> Result<(), StoreError> {
        let body = rmp_serde::to_vec(self).map_err(|_| StoreError::Encoding("keys"))?;
        let sum = blake3::hash(&body);
        let content = [MAGIC.as_slice(), sum.as_bytes(), &body].concat();
        Ok(atomic_file::write_private(&Self::path(dir), &content)?)
    }

    pub(crate) fn remove(dir: &Path) -> Result<(), StoreError> {
        Ok(atomic_file::remove(&Self::path(dir))?)
    }
}

fn decode(bytes: &[u8]) -> Option<KeyFile> {
    let rest = bytes.strip_prefix(MAGIC.as_slice())?;
    let (sum, body) = rest.split_first_chunk::<32>()?;
    if blake3::hash(body) != *sum {
        return None;
    }
    rmp_serde::from_slice(body).ok()
}
