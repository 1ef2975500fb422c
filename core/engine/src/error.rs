use crate::TransportError;
use fieldfare_model::Purpose;

/// Why a call to the engine failed.
///
/// Few kinds, each of which asks for something different of the app. Texts say what to do and
/// hold no personal data: no names, addresses, positions, codes or tokens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The device is not enrolled.
    #[error("enrol the device first")]
    NotEnrolled,
    /// The device is enrolled already.
    #[error("the device is enrolled already; erase it to enrol again")]
    AlreadyEnrolled,
    /// A location was to be used for a purpose that is not granted.
    #[error("ask the rep for consent first")]
    ConsentRequired {
        /// The purpose.
        purpose: Purpose,
    },
    /// No such row on this phone.
    #[error("no such {what} on this phone")]
    NotFound {
        /// Which kind of row.
        what: String,
    },
    /// An argument is wrong.
    #[error("{what}")]
    Invalid {
        /// What is wrong and what would be right.
        what: String,
    },
    /// Another sync is running.
    #[error("another sync is running; wait for it")]
    Busy,
    /// The caller cancelled.
    #[error("cancelled; what was done so far stays done")]
    Cancelled,
    /// No connection.
    #[error("no connection; try again when online")]
    Offline,
    /// The server asks to come later.
    #[error("the server asks to come later")]
    TryLater {
        /// Not before this many milliseconds, where the server said so.
        retry_after_ms: Option<u64>,
    },
    /// The server does not accept this device any more.
    #[error("the server does not know this device any more; enrol it again")]
    Unauthorized,
    /// The device was revoked; its data is gone from the phone.
    #[error("the device was revoked and its data wiped; enrol it again")]
    Revoked,
    /// The app is too old for the server; the outbox is kept.
    #[error("update the app; unsent work is kept")]
    UpgradeRequired,
    /// The server or something on the way to it does not work as it should.
    #[error("the server has a fault ({detail}); try again later")]
    Server {
        /// What was seen.
        detail: String,
    },
    /// Erasing would lose work that the server does not have.
    #[error("{operations} changes are not on the server yet; sync first, or force it")]
    UnsentWork {
        /// How many changes.
        operations: u64,
    },
    /// The engine is suspended or closed.
    #[error("the engine is suspended or closed; resume or open it")]
    Closed,
    /// The key that opens the phone's files is missing or another.
    #[error("the key of the phone's files cannot be used ({detail}); nothing was deleted")]
    Key {
        /// What was seen.
        detail: String,
    },
    /// The phone is out of space.
    #[error("the phone is out of space; free some and try again")]
    DiskFull,
    /// A file of the phone is damaged.
    #[error("a file of the phone is damaged ({detail}); it was kept aside")]
    Damaged {
        /// What was seen.
        detail: String,
    },
    /// Reading or writing the phone's files failed.
    #[error("the phone's files cannot be used ({detail})")]
    Storage {
        /// What was seen.
        detail: String,
    },
}

/// What engine calls give.
pub type EngineResult<T> = Result<T, EngineError>;

impl EngineError {
    pub(crate) fn invalid(what: impl Into<String>) -> Self {
        Self::Invalid { what: what.into() }
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::NotFound {
            what: what.to_owned(),
        }
    }

    pub(crate) fn server(detail: impl Into<String>) -> Self {
        Self::Server {
            detail: detail.into(),
        }
    }

    /// A short stable name of the kind, for programs and logs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotEnrolled => "not_enrolled",
            Self::AlreadyEnrolled => "already_enrolled",
            Self::ConsentRequired { .. } => "consent_required",
            Self::NotFound { .. } => "not_found",
            Self::Invalid { .. } => "invalid",
            Self::Busy => "busy",
            Self::Cancelled => "cancelled",
            Self::Offline => "offline",
            Self::TryLater { .. } => "try_later",
            Self::Unauthorized => "unauthorized",
            Self::Revoked => "revoked",
            Self::UpgradeRequired => "upgrade_required",
            Self::Server { .. } => "server",
            Self::UnsentWork { .. } => "unsent_work",
            Self::Closed => "closed",
            Self::Key { .. } => "key",
            Self::DiskFull => "disk_full",
            Self::Damaged { .. } => "damaged",
            Self::Storage { .. } => "storage",
        }
    }
}

impl From<TransportError> for EngineError {
    fn from(error: TransportError) -> Self {
        match error {
            TransportError::Offline | TransportError::Timeout => Self::Offline,
            TransportError::Tls => Self::server("its certificate is not trusted"),
            TransportError::TooLarge => Self::server("its reply is too large"),
            TransportError::Insecure => Self::invalid("use an https address for the server"),
            TransportError::Broken => Self::server("its reply broke off"),
        }
    }
}

impl From<fieldfare_model::ModelError> for EngineError {
    fn from(error: fieldfare_model::ModelError) -> Self {
        Self::invalid(error.to_string())
    }
}
