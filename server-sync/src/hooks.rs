//! What the CRM side of the server plugs into the rest.

use crate::crm::Crm;
use crate::feed::{Effects, NoEffects};
use crate::store::StoreError;
use fieldfare_model::TimestampMs;
use rusqlite::{Connection, Transaction};
use serde::Serialize;
use std::sync::Arc;

/// A piece of work that failed for good and is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct DeadLetter {
    /// Its id within the tenant.
    pub id: i64,
    /// Which kind of work.
    pub kind: String,
    /// Why it failed; no personal data.
    pub reason: String,
    /// When it failed for good.
    #[schema(value_type = i64)]
    pub at: TimestampMs,
}

/// Work that failed for good, to be looked at and tried again.
pub trait DeadLetters: Send + Sync {
    /// The newest ones, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    fn list(&self, connection: &Connection, limit: usize) -> Result<Vec<DeadLetter>, StoreError>;

    /// Queues one again, or all. Returns how many.
    ///
    /// # Errors
    /// [`StoreError`].
    fn replay(&self, tx: &Transaction<'_>, id: Option<i64>) -> Result<usize, StoreError>;
}

/// None ever.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoDeadLetters;

impl DeadLetters for NoDeadLetters {
    fn list(&self, _: &Connection, _: usize) -> Result<Vec<DeadLetter>, StoreError> {
        Ok(Vec::new())
    }

    fn replay(&self, _: &Transaction<'_>, _: Option<i64>) -> Result<usize, StoreError> {
        Ok(0)
    }
}

/// Everything plugged in.
#[derive(Clone)]
pub struct Hooks {
    /// What follows from a phone's write.
    pub effects: Arc<dyn Effects>,
    /// Work that failed for good.
    pub dead_letters: Arc<dyn DeadLetters>,
    /// The tenants' CRM accounts.
    pub crm: Arc<Crm>,
}

impl Default for Hooks {
    fn default() -> Self {
        Self {
            effects: Arc::new(NoEffects),
            dead_letters: Arc::new(NoDeadLetters),
            crm: Arc::default(),
        }
    }
}
