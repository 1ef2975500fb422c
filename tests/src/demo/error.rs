use fieldfare_engine::EngineError;
use fieldfare_sandbox::SandboxError;
use fieldfare_server::ServerError;
use fieldfare_server::auth::SessionError;
use fieldfare_server::config::ConfigError;
use fieldfare_server::planning::DayError;
use fieldfare_server::store::StoreError;

/// Why the demo ended early.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The phone.
    #[error("the phone: {0}")]
    Phone(#[from] EngineError),
    /// The sandbox CRM.
    #[error("the sandbox CRM: {0}")]
    Crm(#[from] SandboxError),
    /// The server.
    #[error("the server: {0}")]
    Server(#[from] ServerError),
    /// The server's configuration.
    #[error("the server: {0}")]
    Config(#[from] ConfigError),
    /// The server's files.
    #[error("the server's files: {0}")]
    Store(#[from] StoreError),
    /// The server made no enrolment code.
    #[error("the server gives no enrolment code: {0}")]
    Code(#[from] SessionError),
    /// A planned day.
    #[error("planning a day: {0}")]
    Day(#[from] DayError),
    /// Files of the demo.
    #[error("files of the demo: {0}")]
    Files(#[from] std::io::Error),
    /// Something that comes by itself did not come.
    #[error("waited {seconds} s for {what}; it stands at {so_far}")]
    TooSlow {
        /// What was waited for.
        what: String,
        /// How long.
        seconds: u64,
        /// How far it came.
        so_far: String,
    },
    /// The stage lacks what the story needs.
    #[error("the demo's story needs {0}")]
    Story(&'static str),
}

/// What the demo's parts answer.
pub type DemoResult<T> = Result<T, DemoError>;
