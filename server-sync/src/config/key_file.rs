//! The generated master key.

use crate::config::{Config, ConfigError};
use crate::random;
use crate::store::{KEY_BYTES, MasterKey};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const FILE: &str = "master.key";

impl Config {
    /// The master key: the configured one, else the one in `master.key` in the data folder, which
    /// is made (readable by its owner alone) when the folder is new.
    ///
    /// # Errors
    /// [`ConfigError::Key`], [`ConfigError::KeyFile`].
    pub fn master_key(&self) -> Result<MasterKey, ConfigError> {
        if let Some(hex) = &self.key.hex {
            return parse(hex.expose());
        }
        let path = self.key_path();
        // A folder that holds data has a key somewhere: another one would not open it.
        let is_new = !self.server.data_dir.join("registry.db").exists();
        if is_new && !path.exists() {
            create(&path).map_err(|e| ConfigError::KeyFile(path.clone(), e))?;
            tracing::warn!(
                file = %path.display(),
                "made a new master key; back it up: without it the data cannot be read"
            );
        }
        self.known_master_key()
    }

    /// The same, and none is ever made.
    ///
    /// # Errors
    /// As [`Self::master_key`].
    pub fn known_master_key(&self) -> Result<MasterKey, ConfigError> {
        if let Some(hex) = &self.key.hex {
            return parse(hex.expose());
        }
        let path = self.key_path();
        let text = std::fs::read_to_string(&path)
            .map(Zeroizing::new)
            .map_err(|e| ConfigError::KeyFile(path, e))?;
        parse(text.trim())
    }

    fn key_path(&self) -> PathBuf {
        self.server.data_dir.join(FILE)
    }
}

fn parse(text: &str) -> Result<MasterKey, ConfigError> {
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    hex::decode_to_slice(text, bytes.as_mut_slice()).map_err(|_| ConfigError::Key)?;
    Ok(MasterKey::new(*bytes))
}

fn create(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let bytes = random::bytes::<KEY_BYTES>()
        .map(Zeroizing::new)
        .map_err(std::io::Error::other)?;
    write_private(
        path,
        Zeroizing::new(hex::encode(bytes.as_slice())).as_bytes(),
    )
}

/// Writes a file that only its owner may read, whole or not at all.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let draft = path.with_extension("draft");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(draft, path)
}
