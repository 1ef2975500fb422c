//! Which edits are not yet part of what the server said.

use super::operation::decode;
use crate::StoreError;
use crate::cache::overlay::PendingEdits;
use crate::cache::tables::keys;
use crate::error::In;
use crate::sql::{Key, signed};
use fieldfare_sync::Change;
use rusqlite::{Connection, Transaction, params};

/// The pending edits once the complete head `head` is shown.
pub(crate) struct Pending<'a> {
    pub(crate) db: &'a Connection,
    pub(crate) head: u64,
}

impl PendingEdits for Pending<'_> {
    fn of(&self, (entity, row): Key) -> Result<Vec<Change>, StoreError> {
        let mut statement = self
            .db
            .prepare_cached(
                "SELECT change FROM operation
                 WHERE overlay = 1 AND entity = ?1 AND row = ?2
                   AND NOT (state = 1 AND version <= ?3)
                 ORDER BY seq",
            )
            .in_outbox()?;
        let changes: Vec<Vec<u8>> = statement
            .query_map(
                params![entity.0, row.as_bytes(), signed(self.head)],
                |row| row.get(0),
            )
            .and_then(Iterator::collect)
            .in_outbox()?;
        changes.iter().map(|bytes| decode(bytes)).collect()
    }

    fn keys(&self) -> Result<Vec<Key>, StoreError> {
        keys(
            self.db,
            "SELECT DISTINCT entity, row FROM operation WHERE overlay = 1",
            [],
        )
        .in_outbox()
    }
}

/// Notes which acknowledged operations a shown head contains.
pub(crate) fn settle(transaction: &Transaction<'_>, head: u64) -> Result<(), StoreError> {
    transaction
        .execute(
            "UPDATE operation SET overlay = 0 WHERE overlay = 1 AND state = 1 AND version <= ?1",
            [signed(head)],
        )
        .in_outbox()?;
    Ok(())
}

/// Brings the overlay in step with a cache that is being opened. A power cut may have taken it back
/// to a head that contains less than one that was shown before: what it lacks lies on top again. An
/// empty one, which has the head 0, shows only what waits, until it is filled.
pub(crate) fn align(transaction: &Transaction<'_>, head: u64) -> Result<(), StoreError> {
    settle(transaction, head)?;
    if head > 0 {
        transaction
            .execute(
                "UPDATE operation SET overlay = 1 WHERE overlay = 0 AND state = 1 AND version > ?1",
                [signed(head)],
            )
            .in_outbox()?;
    }
    Ok(())
}
