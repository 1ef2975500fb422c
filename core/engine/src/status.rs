use crate::{Backoff, ConsentState, Engine, EngineError, EngineResult, Enrolment};
use fieldfare_model::{Entity, TimestampMs};
use serde::{Deserialize, Serialize};

const SETTING: &str = "sync";

/// How the last syncs went, kept over restarts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SyncHistory {
    pub last_success_at: Option<TimestampMs>,
    pub last_attempt_at: Option<TimestampMs>,
    pub last_error: Option<String>,
    pub backoff: Backoff,
}

/// How many rows this phone shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCounts {
    /// Leads.
    pub leads: u64,
    /// Leads that have a place.
    pub located_leads: u64,
    /// Visits.
    pub visits: u64,
    /// Territories.
    pub territories: u64,
    /// Conflicts.
    pub conflicts: u64,
}

/// Where the engine stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineStatus {
    /// Who the device belongs to; none before enrolment.
    pub enrolment: Option<Enrolment>,
    /// When everything was last pushed and pulled.
    pub last_sync_at: Option<TimestampMs>,
    /// When a sync was last tried.
    pub last_attempt_at: Option<TimestampMs>,
    /// The code of the last attempt's error; none if it succeeded.
    pub last_error: Option<String>,
    /// Before this moment another background sync makes no sense.
    pub next_attempt_at: Option<TimestampMs>,
    /// Whether a sync is running.
    pub is_syncing: bool,
    /// The server's history; none before the first sync.
    pub epoch: Option<u64>,
    /// The server's sequence that is shown.
    pub head: u64,
    /// Scopes that are shown.
    pub shown_scopes: u64,
    /// Scopes still on their way for the first time.
    pub unshown_scopes: u64,
    /// Changes without an answer.
    pub pending: u64,
    /// How often a scope's stored rows were not what the server said they are. Each time they were
    /// repaired; a number that grows means a fault.
    pub repaired_scopes: u64,
    /// Whether the server locked this device out, so that it must enrol again. What waits stays.
    pub must_enrol: bool,
    /// Changes the server refused and the rep has not dealt with.
    pub refused: u64,
    /// What is shown.
    pub counts: RowCounts,
    /// Where the rep's consent stands.
    pub consent: ConsentState,
}

impl Engine {
    /// Where the engine stands.
    ///
    /// # Errors
    /// As storage has it.
    pub fn status(&self) -> EngineResult<EngineStatus> {
        let stored = self.store.sync_status()?;
        let history = self.sync_history()?;
        Ok(EngineStatus {
            enrolment: self.enrolment(),
            last_sync_at: history.last_success_at,
            last_attempt_at: history.last_attempt_at,
            last_error: history.last_error,
            next_attempt_at: history.backoff.next_attempt_at,
            is_syncing: self.sync_slot.is_taken(),
            epoch: stored.epoch.map(|epoch| epoch.0),
            head: stored.head,
            shown_scopes: stored.shown_scopes as u64,
            unshown_scopes: stored.unshown_scopes as u64,
            pending: stored.waiting as u64,
            repaired_scopes: stored.mismatches,
            must_enrol: self.session.is_locked(),
            refused: stored.refused as u64,
            counts: self.counts()?,
            consent: self.consent_state(),
        })
    }

    fn counts(&self) -> EngineResult<RowCounts> {
        Ok(RowCounts {
            leads: self.store.count(Entity::LEAD)?,
            located_leads: self.map.len() as u64,
            visits: self.store.count(Entity::VISIT)?,
            territories: self.store.count(Entity::TERRITORY)?,
            conflicts: self.store.count(Entity::CONFLICT)?,
        })
    }

    pub(crate) fn sync_history(&self) -> EngineResult<SyncHistory> {
        let stored = self.store.setting(SETTING)?;
        let history = stored.and_then(|json| serde_json::from_slice(&json).ok());
        Ok(history.unwrap_or_default())
    }

    pub(crate) fn keep_sync_history(&self, history: &SyncHistory) -> EngineResult<()> {
        let json = serde_json::to_vec(history).map_err(|_| EngineError::Storage {
            detail: "the sync history cannot be written".to_owned(),
        })?;
        Ok(self.store.set_setting(SETTING, Some(&json))?)
    }
}
