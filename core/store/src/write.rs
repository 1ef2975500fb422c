//! What the app writes.

use crate::outbox::ping::{self, Ping};
use crate::outbox::record::{self, NewOperation};
use crate::outbox::{consent, refused, results, setting};
use crate::sql::Key;
use crate::{Changes, Store, StoreError};
use fieldfare_model::{ConsentEvent, OperationId, PingId, TimestampMs};
use std::collections::BTreeSet;

impl Store {
    /// Stores operations as one group, which the server applies or refuses whole. Durable when it
    /// returns; the rows look changed at once.
    ///
    /// # Errors
    /// [`StoreError::Group`] for a group that could never be sent. On any error nothing was stored.
    pub fn record(&self, operations: &[NewOperation]) -> Result<Changes, StoreError> {
        self.with(|files| {
            files
                .outbox
                .write(|transaction| record::record(transaction, operations))?;
            Ok(self.show_edits(files, rows_of(operations)))
        })
    }

    /// Adds an entry to the consent ledger, and the operation that tells the server, in one step. A
    /// withdrawal also deletes the unsent pings of its purpose in that step.
    ///
    /// # Errors
    /// [`StoreError::LedgerOrder`] if the event does not follow the ledger's head. On any error nothing was
    /// stored.
    pub fn append_consent(
        &self,
        event: &ConsentEvent,
        operation: &NewOperation,
    ) -> Result<Changes, StoreError> {
        self.with(|files| {
            let operations = std::slice::from_ref(operation);
            files.outbox.write(|transaction| {
                consent::append(transaction, event)?;
                record::record(transaction, operations)
            })?;
            Ok(self.show_edits(files, rows_of(operations)))
        })
    }

    /// Adds entries to the consent ledger that the server holds of this device and an older copy of the file
    /// lacks. A withdrawal among them deletes the unsent pings of its purpose in the same step.
    ///
    /// # Errors
    /// [`StoreError::LedgerOrder`] if they do not follow the ledger's head. On any error nothing was stored.
    pub fn restore_consents(&self, events: &[ConsentEvent]) -> Result<(), StoreError> {
        self.with(|files| {
            files.outbox.write(|transaction| {
                events
                    .iter()
                    .try_for_each(|event| consent::append(transaction, event))
            })
        })
    }

    /// Stores a ping, if its consent is the active one for its purpose at the moment of the fix.
    ///
    /// # Errors
    /// [`StoreError::NoConsent`] if it is not; then nothing was stored.
    pub fn add_ping(&self, ping: &Ping) -> Result<(), StoreError> {
        self.with(|files| {
            files
                .outbox
                .write(|transaction| ping::add(transaction, ping))
        })
    }

    /// Forgets pings that were sent.
    ///
    /// # Errors
    /// [`StoreError`] as storage has it.
    pub fn drop_pings(&self, ids: &[PingId]) -> Result<(), StoreError> {
        self.with(|files| {
            files
                .outbox
                .write(|transaction| ping::drop(transaction, ids))
        })
    }

    /// Puts a refused operation away.
    ///
    /// # Errors
    /// [`StoreError::NoSuchOperation`] if it is not among the refused ones.
    pub fn discard_refused(&self, id: OperationId) -> Result<(), StoreError> {
        self.with(|files| {
            files
                .outbox
                .write(|transaction| refused::discard(transaction, id, None))
        })
    }

    /// Offers a refused operation again under a new id, on the row as it is now.
    ///
    /// # Errors
    /// [`StoreError::NoSuchOperation`] if it is not among the refused ones.
    pub fn retry_refused(
        &self,
        id: OperationId,
        new_id: OperationId,
        now: TimestampMs,
    ) -> Result<Changes, StoreError> {
        self.with(|files| {
            let operation = files.outbox.read(|db| refused::find(db, id))?.operation;
            let key = (operation.entity, operation.row);
            let seen = files.cache.read(|db| crate::cache::query::row(db, key))?;
            let version = seen.map_or(0, |stored| stored.row.version);
            files
                .outbox
                .write(|transaction| refused::retry(transaction, id, new_id, version, now))?;
            Ok(self.show_edits(files, vec![key]))
        })
    }

    /// Drops answered operations beyond the retention (30 days, 8 MiB). Returns how many.
    ///
    /// # Errors
    /// [`StoreError`] as storage has it.
    pub fn purge_acknowledged(&self, now: TimestampMs) -> Result<usize, StoreError> {
        self.with(|files| {
            files
                .outbox
                .write(|transaction| results::purge(transaction, now))
        })
    }

    /// Keeps a small value beside the outbox, or forgets it.
    ///
    /// # Errors
    /// [`StoreError`] as storage has it.
    pub fn set_setting(&self, name: &str, value: Option<&[u8]>) -> Result<(), StoreError> {
        self.set_settings(&[(name, value)])
    }

    /// Keeps or forgets several small values, all or none of them.
    ///
    /// # Errors
    /// [`StoreError`] as storage has it.
    pub fn set_settings(&self, values: &[(&str, Option<&[u8]>)]) -> Result<(), StoreError> {
        self.with(|files| {
            files.outbox.write(|transaction| {
                let mut values = values.iter();
                values.try_for_each(|(name, value)| setting::set(transaction, name, *value))
            })
        })
    }
}

fn rows_of(operations: &[NewOperation]) -> Vec<Key> {
    let rows: BTreeSet<_> = operations.iter().map(NewOperation::key).collect();
    rows.into_iter().collect()
}
