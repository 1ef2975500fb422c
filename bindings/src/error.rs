//! The one error, and the one place where it is made.

use fieldfare_engine::EngineError;
use fieldfare_model::Purpose;
use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

/// Why a call failed.
///
/// Few kinds, each of which asks for something different of the app. No text in it holds personal
/// data: no names, addresses, positions, codes or tokens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum FieldfareError {
    /// The device is not enrolled.
    #[error("enrol the device first")]
    NotEnrolled,
    /// The device is enrolled already; erase it to enrol again.
    #[error("the device is enrolled already; erase it to enrol again")]
    AlreadyEnrolled,
    /// A location was to be used for a purpose that is not granted: ask the rep for consent.
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
    /// The caller cancelled. What was done so far stays done.
    #[error("cancelled; what was done so far stays done")]
    Cancelled,
    /// No connection.
    #[error("no connection; try again when online")]
    Offline,
    /// The server asks to come later.
    #[error("the server asks to come later")]
    TryLater {
        /// Not before this much time has passed, where the server said so.
        retry_after: Option<Duration>,
    },
    /// The server does not accept this device any more: enrol it again.
    #[error("the server does not know this device any more; enrol it again")]
    Unauthorized,
    /// The device was revoked and its data wiped: enrol it again.
    #[error("the device was revoked and its data wiped; enrol it again")]
    Revoked,
    /// The app is too old for the server; unsent work is kept.
    #[error("update the app; unsent work is kept")]
    UpgradeRequired,
    /// The server, or something on the way to it, does not work as it should.
    #[error("the server has a fault ({detail}); try again later")]
    Server {
        /// What was seen.
        detail: String,
    },
    /// Erasing would lose work that the server does not have.
    #[error("{operations} changes are not on the server yet; sync first, or force it")]
    UnsentWork {
        /// How many changes.
        operations: i64,
    },
    /// The engine is suspended or closed.
    #[error("the engine is suspended or closed; resume or open it")]
    Closed,
    /// The key that opens the phone's files is missing or another. Nothing was deleted.
    #[error("the key of the phone's files cannot be used ({detail}); nothing was deleted")]
    Key {
        /// What was seen.
        detail: String,
    },
    /// The phone is out of space.
    #[error("the phone is out of space; free some and try again")]
    DiskFull,
    /// A file of the phone is damaged; it was kept aside.
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
    /// A fault of the library itself: please report it. The engine stays usable.
    #[error("a fault inside the library; please report it")]
    Internal,
}

/// What calls give.
pub type FfiResult<T> = Result<T, FieldfareError>;

impl FieldfareError {
    pub(crate) fn invalid(what: impl Into<String>) -> Self {
        Self::Invalid { what: what.into() }
    }
}

#[uniffi::export]
impl FieldfareError {
    /// A short stable name of the kind, for programs and logs.
    pub fn code(&self) -> String {
        let code = match self {
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
            Self::Internal => "internal",
        };
        code.to_owned()
    }

    /// What to do, in one English sentence.
    pub fn explanation(&self) -> String {
        self.to_string()
    }
}

impl From<EngineError> for FieldfareError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::NotEnrolled => Self::NotEnrolled,
            EngineError::AlreadyEnrolled => Self::AlreadyEnrolled,
            EngineError::ConsentRequired { purpose } => Self::ConsentRequired { purpose },
            EngineError::NotFound { what } => Self::NotFound { what },
            EngineError::Invalid { what } => Self::Invalid { what },
            EngineError::Busy => Self::Busy,
            EngineError::Cancelled => Self::Cancelled,
            EngineError::Offline => Self::Offline,
            EngineError::TryLater { retry_after_ms } => Self::TryLater {
                retry_after: retry_after_ms.map(Duration::from_millis),
            },
            EngineError::Unauthorized => Self::Unauthorized,
            EngineError::Revoked => Self::Revoked,
            EngineError::UpgradeRequired => Self::UpgradeRequired,
            EngineError::Server { detail } => Self::Server { detail },
            EngineError::UnsentWork { operations } => Self::UnsentWork {
                operations: count(operations),
            },
            EngineError::Closed => Self::Closed,
            EngineError::Key { detail } => Self::Key { detail },
            EngineError::DiskFull => Self::DiskFull,
            EngineError::Damaged { detail } => Self::Damaged { detail },
            EngineError::Storage { detail } => Self::Storage { detail },
        }
    }
}

impl From<fieldfare_model::ModelError> for FieldfareError {
    fn from(error: fieldfare_model::ModelError) -> Self {
        Self::invalid(error.to_string())
    }
}

/// Counts are signed on the other side: Kotlin's unsigned numbers are awkward.
pub(crate) fn count(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Runs a call; a panic in it becomes an error. In Swift nothing else could stop it.
pub(crate) fn guard<T>(work: impl FnOnce() -> FfiResult<T>) -> FfiResult<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(fault(&*panic)))
}

/// The same for a future.
pub(crate) async fn guard_async<T>(work: impl Future<Output = FfiResult<T>>) -> FfiResult<T> {
    let mut work = pin!(work);
    poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)));
        polled.unwrap_or_else(|panic| Poll::Ready(Err(fault(&*panic))))
    })
    .await
}

/// The panic's own text may quote data, so it is not told.
fn fault(_panic: &(dyn Any + Send)) -> FieldfareError {
    tracing::error!("a call panicked");
    FieldfareError::Internal
}
