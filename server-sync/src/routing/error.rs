use crate::store::StoreError;

/// Why a routing engine gave no answer. Carries no positions.
#[derive(Debug, thiserror::Error)]
pub enum RoutingError {
    /// Network trouble, overload, or no time left: try again later.
    #[error("routing engine {engine} does not answer: {what}")]
    Unavailable {
        /// Which engine.
        engine: &'static str,
        /// What happened.
        what: String,
    },
    /// The engine answered that it cannot do this for these places.
    #[error("routing engine {engine} refuses the request (code {code})")]
    Refused {
        /// Which engine.
        engine: &'static str,
        /// The code or status it gave, letters and digits alone.
        code: String,
    },
    /// The answer is not of the documented form.
    #[error("routing engine {engine} gave an answer that is not understood: {what}")]
    Malformed {
        /// Which engine.
        engine: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// The configuration cannot work.
    #[error("routing engine {engine}: {what}")]
    Misconfigured {
        /// Which engine.
        engine: &'static str,
        /// What to change.
        what: String,
    },
    /// No engine is configured that can do this.
    #[error("no configured routing engine gives {0}: add one under [[routing.engines]]")]
    NoEngine(&'static str),
    /// More places than may be asked for at once.
    #[error("{count} places are given, at most {most} may be: split the request")]
    TooMany {
        /// Places given.
        count: usize,
        /// Places allowed.
        most: usize,
    },
    /// The cache failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
