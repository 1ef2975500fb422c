//! What the app reads.

use crate::cache::list::{self, LeadFilter, LeadOrder, Page, PageEnd};
use crate::cache::query::{self, LeadPosition, StoredRow};
use crate::cache::{scopes, state};
use crate::outbox::consent::{self, LedgerHead};
use crate::outbox::operation::StoredOperation;
use crate::outbox::ping::{self, Ping};
use crate::outbox::{batch, client, refused, setting};
use crate::{Store, StoreError};
use fieldfare_model::{
    ClientId, ConsentEvent, ConsentEventId, Entity, LeadId, Purpose, RowId, TimestampMs,
};
use fieldfare_sync::Epoch;

/// Where syncing stands, from storage alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncStatus {
    /// Which numbering of operations is in use.
    pub client: ClientId,
    /// The server's history; none before the first pull.
    pub epoch: Option<Epoch>,
    /// The complete head that is shown, 0 for none yet.
    pub head: u64,
    /// Scopes that are shown.
    pub shown_scopes: usize,
    /// Scopes that are still fetched for the first time.
    pub unshown_scopes: usize,
    /// Operations without an answer.
    pub waiting: usize,
    /// Operations refused for good and not put away.
    pub refused: usize,
    /// How often a scope was not what the server said it was, and was repaired.
    pub mismatches: u64,
}

impl Store {
    fn read_cache<T>(
        &self,
        work: impl FnOnce(&rusqlite::Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.with(|files| files.cache.read(work))
    }

    fn read_outbox<T>(
        &self,
        work: impl FnOnce(&rusqlite::Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.with(|files| files.outbox.read(work))
    }

    /// A lead.
    ///
    /// # Errors
    /// [`StoreError`] as storage has it, as with every read here.
    pub fn lead(&self, id: LeadId) -> Result<Option<StoredRow>, StoreError> {
        self.row(Entity::LEAD, id.row())
    }

    /// Leads in the order asked; those that are not there are left out.
    ///
    /// # Errors
    /// [`StoreError`] as storage has it.
    pub fn leads(&self, ids: &[LeadId]) -> Result<Vec<StoredRow>, StoreError> {
        self.read_cache(|db| query::leads(db, ids))
    }

    /// A page of leads, after the end of the page before.
    ///
    /// # Errors
    /// [`StoreError::SearchOff`] if the filter has text and the store has no full text.
    pub fn page_leads(
        &self,
        filter: &LeadFilter,
        order: LeadOrder,
        after: Option<&PageEnd>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        if filter.text.is_some() {
            self.require_full_text()?;
        }
        self.read_cache(|db| list::page(db, filter, order, after, limit))
    }

    /// Leads whose name, address or notes have what was typed, best first. The last word may be a
    /// beginning; accents do not count. Nothing typed finds nothing, and nothing typed is an error.
    ///
    /// # Errors
    /// [`StoreError::SearchOff`] if the store has no full text.
    pub fn search_leads(&self, typed: &str, limit: usize) -> Result<Vec<StoredRow>, StoreError> {
        self.require_full_text()?;
        self.read_cache(|db| query::search(db, typed, limit))
    }

    fn require_full_text(&self) -> Result<(), StoreError> {
        self.with(|files| {
            if files.full_text {
                Ok(())
            } else {
                Err(StoreError::SearchOff)
            }
        })
    }

    /// The position of every lead that has one, read from an index alone, in order of id. O(n).
    ///
    /// # Errors
    /// [`StoreError`] as storage has it.
    pub fn positions(&self) -> Result<Vec<LeadPosition>, StoreError> {
        self.read_cache(query::positions)
    }

    /// The positions of some leads; those that have none, or are gone, are left out.
    ///
    /// # Errors
    /// [`StoreError`] as storage has it.
    pub fn positions_of(&self, ids: &[LeadId]) -> Result<Vec<LeadPosition>, StoreError> {
        self.read_cache(|db| query::positions_of(db, ids))
    }

    /// One row of any entity.
    ///
    /// # Errors
    /// [`StoreError`] as storage has it.
    pub fn row(&self, entity: Entity, id: RowId) -> Result<Option<StoredRow>, StoreError> {
        self.read_cache(|db| query::row(db, (entity, id)))
    }

    /// Every row of an entity other than leads, in order of id.
    ///
    /// # Errors
    /// [`StoreError`] as storage has it.
    pub fn records(&self, entity: Entity) -> Result<Vec<StoredRow>, StoreError> {
        self.read_cache(|db| query::records(db, entity))
    }

    /// The rows of an entity that belong to a row: visits of a lead, conflicts of any row.
    ///
    /// # Errors
    /// [`StoreError`] as storage has it.
    pub fn records_of(&self, entity: Entity, parent: RowId) -> Result<Vec<StoredRow>, StoreError> {
        self.read_cache(|db| query::records_of(db, entity, parent))
    }

    /// How many rows of an entity there are.
    ///
    /// # Errors
    /// [`StoreError`] as storage has it.
    pub fn count(&self, entity: Entity) -> Result<u64, StoreError> {
        self.read_cache(|db| query::count(db, entity))
    }

    /// Operations without an answer, in the order they were made.
    ///
    /// # Errors
    /// [`StoreError`] as storage has it.
    pub fn waiting_operations(&self) -> Result<Vec<StoredOperation>, StoreError> {
        self.read_outbox(batch::waiting)
    }

    /// Operations refused for good and not put away, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] as storage has it.
    pub fn refused_operations(&self) -> Result<Vec<StoredOperation>, StoreError> {
        self.read_outbox(refused::list)
    }

    /// Where syncing stands.
    ///
    /// # Errors
    /// [`StoreError`] as storage has it.
    pub fn sync_status(&self) -> Result<SyncStatus, StoreError> {
        let (client, waiting, refused) = self.read_outbox(|db| {
            let (waiting, refused) = batch::counts(db)?;
            Ok((client::current(db)?.id, waiting, refused))
        })?;
        self.read_cache(|db| {
            let state = state::read(db)?;
            let scopes = scopes::all(db)?;
            let shown_scopes = scopes.iter().filter(|scope| scope.is_shown).count();
            Ok(SyncStatus {
                client,
                epoch: state.epoch,
                head: state.head,
                shown_scopes,
                unshown_scopes: scopes.len() - shown_scopes,
                waiting,
                refused,
                mismatches: state.mismatches,
            })
        })
    }

    /// The whole consent ledger, oldest entry first.
    ///
    /// # Errors
    /// [`StoreError`] as storage has it.
    pub fn consent_events(&self) -> Result<Vec<ConsentEvent>, StoreError> {
        self.read_outbox(consent::all)
    }

    /// The last entry of the consent ledger.
    ///
    /// # Errors
    /// [`StoreError`] as storage has it.
    pub fn consent_head(&self) -> Result<LedgerHead, StoreError> {
        self.read_outbox(consent::head)
    }

    /// The grant of this phone's ledger that covers a purpose at a moment.
    ///
    /// # Errors
    /// [`StoreError`] as storage has it.
    pub fn active_grant(
        &self,
        purpose: Purpose,
        at: TimestampMs,
    ) -> Result<Option<ConsentEventId>, StoreError> {
        self.read_outbox(|db| consent::active_grant(db, purpose, at))
    }

    /// Pings that were not sent yet, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] as storage has it.
    pub fn unsent_pings(&self, limit: usize) -> Result<Vec<Ping>, StoreError> {
        self.read_outbox(|db| ping::unsent(db, limit))
    }

    /// A small value kept beside the outbox.
    ///
    /// # Errors
    /// [`StoreError`] as storage has it.
    pub fn setting(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.read_outbox(|db| setting::get(db, name))
    }
}
