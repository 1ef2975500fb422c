use fieldfare_model::ModelError;
use fieldfare_sync::ProtocolError;

/// Why storage failed. Carries no personal data.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite refused; the enclosing transaction was undone.
    #[error("database: {0}")]
    Sql(#[from] rusqlite::Error),
    /// A file or folder could not be used.
    #[error("data folder: {0}; check that it exists, is writable and has space")]
    Io(#[from] std::io::Error),
    /// The configured key does not belong to this data folder.
    #[error("the key does not open {file}: configure the key this data folder was created with")]
    WrongKey {
        /// Name of the file, without its folder.
        file: String,
    },
    /// SQLite was built without encryption.
    #[error("this build of SQLite has no encryption; build with the bundled SQLCipher")]
    NoCipher,
    /// A file was written by a newer build.
    #[error("{file} was written by a newer version of the server; upgrade the server")]
    Newer {
        /// Name of the file, without its folder.
        file: String,
    },
    /// What is stored does not read back.
    #[error("stored {0} is damaged; restore from a backup")]
    Damaged(&'static str),
    /// No such tenant.
    #[error("no such tenant; it must be in the configuration")]
    NoTenant,
    /// The system's source of randomness failed.
    #[error("the system gives no random bytes")]
    Random,
    /// A background thread ended early.
    #[error("a database task was cancelled")]
    Cancelled,
    /// A row does not have the form its entity asks for.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A protocol value does not have its prescribed form.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// A caller of the store failed; the enclosing transaction was undone.
    #[error("{0}")]
    Caller(String),
}
