//! What a geocoding service must offer, and what it answers.

use crate::geocode::NormalAddress;
use async_trait::async_trait;
use fieldfare_model::{LatLng, Precision};
use std::time::Duration;

/// A position a provider gives for an address.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Where.
    pub position: LatLng,
    /// What the position stands for.
    pub precision: Precision,
    /// Radius in metres within which nine of ten true positions lie.
    pub uncertainty_m: u32,
    /// Own confidence from component agreement, 0 to 1000; never the provider's score.
    pub confidence: u16,
    /// Under which licence the position may be kept.
    pub licence: String,
}

/// Why a provider gave no answer. An address nobody knows is not an error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// Network trouble, overload or a broken answer: try again later.
    #[error("geocoding provider {provider} is not answering: {what}")]
    Unavailable {
        /// Which provider.
        provider: String,
        /// What happened; no address in it.
        what: String,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// The configuration cannot work.
    #[error("geocoding provider {provider}: {what}")]
    Misconfigured {
        /// Which provider.
        provider: String,
        /// What to change.
        what: String,
    },
}

/// One geocoding service.
#[async_trait]
pub trait GeocodeProvider: Send + Sync {
    /// A short name, stored with every position it gives.
    fn name(&self) -> &str;

    /// How long a position may be kept; none for ever.
    fn keep_for(&self) -> Option<Duration> {
        None
    }

    /// The answer of a provider that needs neither network nor waiting; `None` for any other.
    fn at_once(&self, _address: &NormalAddress) -> Option<Option<Found>> {
        None
    }

    /// Looks an address up; `None` if the provider does not know it.
    ///
    /// # Errors
    /// [`ProviderError`] if it could not be asked.
    async fn geocode(&self, address: &NormalAddress) -> Result<Option<Found>, ProviderError>;
}
