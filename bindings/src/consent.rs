//! Consent as it crosses to Kotlin and Swift.

use crate::error::count;
use fieldfare_engine as engine;
use fieldfare_engine::LedgerState;
use fieldfare_model::{ConsentAction, ConsentEventId, Purpose, TimestampMs as Timestamp};

/// Whether the rep's ledger can be trusted.
#[uniffi::remote(Enum)]
pub enum LedgerState {
    /// The device is not enrolled, so there is no ledger.
    None,
    /// Whole, and all the server confirmed is in it.
    Whole,
    /// It lacks entries the server confirmed, or holds others: an older copy of the files was put
    /// back, or the phone was cloned. Nothing is granted until the device is enrolled again.
    RolledBack,
    /// The chain is broken. Nothing is granted until the device is enrolled again.
    Damaged,
}

/// Whether a purpose is granted.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct PurposeState {
    /// The purpose.
    pub purpose: Purpose,
    /// Whether a location may be used for it now.
    pub is_granted: bool,
    /// Why not, for people; none if it is granted.
    pub reason: Option<String>,
    /// When the decision that counts was taken; none if there was none.
    pub decided_at: Option<Timestamp>,
    /// End of validity of the grant.
    pub valid_until: Option<Timestamp>,
}

/// Where the rep's consent stands.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ConsentState {
    /// Whether the ledger can be trusted.
    pub ledger: LedgerState,
    /// Entries in this device's ledger.
    pub entries: i64,
    /// Entries of it the server confirmed.
    pub acknowledged: i64,
    /// Every purpose that needs consent.
    pub purposes: Vec<PurposeState>,
}

impl From<engine::ConsentState> for ConsentState {
    fn from(state: engine::ConsentState) -> Self {
        let purpose = |purpose: engine::PurposeState| PurposeState {
            purpose: purpose.purpose,
            is_granted: purpose.is_granted,
            reason: purpose.reason,
            decided_at: purpose.decided_at,
            valid_until: purpose.valid_until,
        };
        Self {
            ledger: state.ledger,
            entries: count(state.entries),
            acknowledged: count(state.acknowledged),
            purposes: state.purposes.into_iter().map(purpose).collect(),
        }
    }
}

/// An entry of this device's consent ledger.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ConsentEntry {
    /// The entry's id.
    pub id: ConsentEventId,
    /// Place in this device's ledger, from 1 without gaps.
    pub sequence: i64,
    /// For which use.
    pub purpose: Purpose,
    /// What was decided.
    pub action: ConsentAction,
    /// Version of the text that was shown.
    pub text_version: String,
    /// Language of the text, BCP 47.
    pub language: String,
    /// When.
    pub at: Timestamp,
    /// End of validity, where the grant has one.
    pub valid_until: Option<Timestamp>,
    /// Whether the server confirmed it.
    pub is_acknowledged: bool,
}

impl ConsentEntry {
    pub(crate) fn new(event: fieldfare_model::ConsentEvent, is_acknowledged: bool) -> Self {
        Self {
            id: event.id,
            sequence: count(event.sequence),
            purpose: event.purpose,
            action: event.action,
            text_version: event.text_version,
            language: event.language,
            at: event.at,
            valid_until: event.valid_until,
            is_acknowledged,
        }
    }
}

impl From<engine::ConsentRecord> for ConsentEntry {
    fn from(record: engine::ConsentRecord) -> Self {
        Self::new(record.event, record.is_acknowledged)
    }
}
