use fieldfare_model::ModelError;
use fieldfare_sync::ProtocolError;
use std::fmt;
use std::io;

/// One of the two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StoreFile {
    /// `cache.db`, which the server can fill again.
    Cache,
    /// `outbox.db`, which nobody can.
    Outbox,
}

impl StoreFile {
    /// The file's name in the store's directory.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cache => "cache.db",
            Self::Outbox => "outbox.db",
        }
    }
}

impl fmt::Display for StoreFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why the store could not do what was asked. The texts never carry data of a row or a key.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The vault gave a key that is not the one the files were made with. Nothing was touched.
    #[error("the key is not the one this store was made with; the files were not touched")]
    WrongKey,
    /// There are database files but no `keys.bin` beside them. Nothing was touched.
    #[error("keys.bin is missing beside existing files; restore it, or wipe the store")]
    KeysMissing,
    /// `keys.bin` is not readable. Nothing was touched.
    #[error("keys.bin is damaged; restore it, or wipe the store")]
    KeysDamaged,
    /// The key vault failed.
    #[error("key vault: {0}")]
    Vault(#[from] VaultError),
    /// The SQLite that was linked cannot encrypt.
    #[error("the linked SQLite has no SQLCipher; build with the bundled one")]
    NoCipher,
    /// The file was written by a newer build.
    #[error("{file} has schema {found}, this build knows up to {known}; update the app")]
    NewerSchema {
        /// Which file.
        file: StoreFile,
        /// Its schema number.
        found: u32,
        /// The newest this build knows.
        known: u32,
    },
    /// A page of the file is not what was written. The file is kept.
    #[error("{0} is damaged; open the store again, which moves it aside and keeps it")]
    Damaged(StoreFile),
    /// No space is left. What was asked did not happen; try again when there is space.
    #[error("no space left for {0}; nothing was lost, free some space and try again")]
    DiskFull(StoreFile),
    /// Another connection holds the file.
    #[error("{0} is in use by another process; close it there")]
    Busy(StoreFile),
    /// Reading or writing a file failed.
    #[error("file access failed ({0})")]
    Io(io::ErrorKind),
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system")]
    Random,
    /// The store is suspended; call `resume` first.
    #[error("the store is suspended; resume it first")]
    Suspended,
    /// The store was closed or wiped.
    #[error("the store is closed; open it again")]
    Closed,
    /// A group of operations is empty, too long or too large, or repeats an operation id.
    #[error("group of operations refused: {0}")]
    Group(&'static str),
    /// No such operation in the state the call needs.
    #[error("there is no such operation in that state")]
    NoSuchOperation,
    /// A consent event that does not follow the last one of the ledger.
    #[error("consent event does not continue the ledger; read its head and make the event anew")]
    LedgerOrder,
    /// A ping without an active consent for its purpose.
    #[error("no active consent for this purpose; the position was not stored")]
    NoConsent,
    /// A frame that does not follow what was staged.
    #[error("frame does not continue its scope; pull again from the stored cursor")]
    FrameOrder,
    /// Search was asked for, but the store was opened without full text.
    #[error("full text is off; open the store with it")]
    SearchOff,
    /// Bytes that should be a message are not.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// A stored row does not have the form it was written in.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A stored value does not have the form it was written in.
    #[error("stored {0} is not readable")]
    Encoding(&'static str),
    /// Any other fault of SQLite.
    #[error("{file}: SQLite error {code}")]
    Sqlite {
        /// Which file.
        file: StoreFile,
        /// SQLite's extended result code.
        code: i32,
    },
}

/// Why a key vault failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The platform's key store cannot be used now, for example before first unlock.
    #[error("not available now; try again once the device is unlocked")]
    Unavailable,
    /// The wrapping key is gone for good.
    #[error("the wrapping key is gone; wipe the store and enrol again")]
    KeyLost,
    /// These bytes were not wrapped by this vault's key.
    #[error("the wrapped key belongs to another vault")]
    Rejected,
    /// Something else, with the platform's own code.
    #[error("failed with platform code {0}")]
    Failed(i32),
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        Self::Io(error.kind())
    }
}

/// Says which file an SQLite error came from, and drops its text, which may quote data.
pub(crate) trait In<T> {
    fn in_file(self, file: StoreFile) -> Result<T, StoreError>;

    fn in_cache(self) -> Result<T, StoreError>
    where
        Self: Sized,
    {
        self.in_file(StoreFile::Cache)
    }

    fn in_outbox(self) -> Result<T, StoreError>
    where
        Self: Sized,
    {
        self.in_file(StoreFile::Outbox)
    }
}

impl<T> In<T> for Result<T, rusqlite::Error> {
    fn in_file(self, file: StoreFile) -> Result<T, StoreError> {
        self.map_err(|error| from_sqlite(&error, file))
    }
}

fn from_sqlite(error: &rusqlite::Error, file: StoreFile) -> StoreError {
    use rusqlite::ErrorCode as C;
    let rusqlite::Error::SqliteFailure(failure, _) = error else {
        return StoreError::Encoding("row");
    };
    match failure.code {
        C::NotADatabase | C::DatabaseCorrupt => StoreError::Damaged(file),
        C::DiskFull => StoreError::DiskFull(file),
        C::DatabaseBusy | C::DatabaseLocked => StoreError::Busy(file),
        C::SystemIoFailure | C::CannotOpen | C::ReadOnly | C::PermissionDenied => {
            StoreError::Io(io::ErrorKind::Other)
        }
        _ => StoreError::Sqlite {
            file,
            code: failure.extended_code,
        },
    }
}
