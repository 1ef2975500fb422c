//! The consent ledger. Triggers refuse any change to what stands in it.

use crate::StoreError;
use crate::error::In;
use crate::sql::{id_at, pack, signed, u64_at, unpack};
use fieldfare_model::TimestampMs;
use fieldfare_model::{ConsentAction, ConsentEvent, ConsentEventId, ConsentHash, Purpose};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

/// The last entry of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LedgerHead {
    /// Its place, 0 for an empty ledger.
    pub sequence: u64,
    /// Its hash, zeros for an empty ledger.
    pub hash: ConsentHash,
}

pub(crate) fn head(db: &Connection) -> Result<LedgerHead, StoreError> {
    let found = db
        .query_row(
            "SELECT sequence, hash FROM consent ORDER BY sequence DESC LIMIT 1",
            [],
            |row| {
                Ok(LedgerHead {
                    sequence: u64_at(row, 0)?,
                    hash: row.get(1)?,
                })
            },
        )
        .optional()
        .in_outbox()?;
    Ok(found.unwrap_or_default())
}

/// Every entry, oldest first.
pub(crate) fn all(db: &Connection) -> Result<Vec<ConsentEvent>, StoreError> {
    let mut statement = db
        .prepare_cached("SELECT id, columns FROM consent ORDER BY sequence")
        .in_outbox()?;
    let rows: Vec<(ConsentEventId, Vec<u8>)> = statement
        .query_map([], |row| Ok((id_at(row, 0)?, row.get(1)?)))
        .and_then(Iterator::collect)
        .in_outbox()?;
    rows.into_iter()
        .map(|(id, columns)| Ok(ConsentEvent::from_columns(id, &unpack(&columns)?)?))
        .collect()
}

/// Adds an entry, which must follow the head. A withdrawal deletes unsent pings of its purpose.
pub(crate) fn append(
    transaction: &Transaction<'_>,
    event: &ConsentEvent,
) -> Result<(), StoreError> {
    let head = head(transaction)?;
    if event.sequence != head.sequence + 1 || event.previous != head.hash {
        return Err(StoreError::LedgerOrder);
    }
    insert(transaction, event)?;
    if event.action == ConsentAction::Withdraw {
        transaction
            .execute(
                "DELETE FROM ping WHERE purpose = ?1",
                [event.purpose.code()],
            )
            .in_outbox()?;
    }
    Ok(())
}

fn insert(transaction: &Transaction<'_>, event: &ConsentEvent) -> Result<(), StoreError> {
    let columns = pack(&event.to_columns())?;
    transaction
        .execute(
            "INSERT INTO consent (sequence, id, purpose, action, valid_until, hash, columns)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                signed(event.sequence),
                event.id.as_bytes(),
                event.purpose.code(),
                event.action.code(),
                event.valid_until.map(|t| t.0),
                event.hash,
                columns
            ],
        )
        .in_outbox()?;
    Ok(())
}

/// The grant that covers a purpose at a moment.
pub(crate) fn active_grant(
    db: &Connection,
    purpose: Purpose,
    at: TimestampMs,
) -> Result<Option<ConsentEventId>, StoreError> {
    let last: Option<(ConsentEventId, i64, Option<i64>)> = db
        .prepare_cached(
            "SELECT id, action, valid_until FROM consent WHERE purpose = ?1
             ORDER BY sequence DESC LIMIT 1",
        )
        .and_then(|mut s| {
            s.query_row([purpose.code()], |row| {
                Ok((id_at(row, 0)?, row.get(1)?, row.get(2)?))
            })
            .optional()
        })
        .in_outbox()?;
    Ok(last
        .filter(|(_, action, _)| *action == ConsentAction::Grant.code())
        .filter(|(_, _, until)| until.is_none_or(|until| at.0 < until))
        .map(|(id, _, _)| id))
}
