//! Operations the server refused for good.

use super::operation::{self, OperationState, StoredOperation};
use super::record::{self, NewOperation};
use crate::StoreError;
use crate::error::In;
use fieldfare_model::{OperationId, TimestampMs};
use rusqlite::{Connection, Transaction, params};

/// Refused operations, oldest first.
pub(crate) fn list(db: &Connection) -> Result<Vec<StoredOperation>, StoreError> {
    let refused = OperationState::Refused.code();
    operation::select(db, "state = ?1 ORDER BY seq", [refused])
}

/// Puts a refused operation away. It stays in the file for the retention.
pub(crate) fn discard(
    transaction: &Transaction<'_>,
    id: OperationId,
    replaced_by: Option<OperationId>,
) -> Result<(), StoreError> {
    let count = transaction
        .execute(
            "UPDATE operation SET state = ?2, replaced_by = ?3 WHERE id = ?1 AND state = ?4",
            params![
                id.as_bytes(),
                OperationState::Discarded.code(),
                replaced_by.map(|id| *id.as_bytes()),
                OperationState::Refused.code()
            ],
        )
        .in_outbox()?;
    if count == 1 {
        Ok(())
    } else {
        Err(StoreError::NoSuchOperation)
    }
}

/// Makes a refused operation anew under another id, on the row as it is now.
pub(crate) fn retry(
    transaction: &Transaction<'_>,
    id: OperationId,
    new_id: OperationId,
    base_version: u64,
    now: TimestampMs,
) -> Result<NewOperation, StoreError> {
    let refused = find(transaction, id)?;
    let again = NewOperation {
        id: new_id,
        entity: refused.operation.entity,
        row: refused.operation.row,
        base_version,
        depends_on: None,
        at: now,
        change: refused.operation.change,
    };
    record::record(transaction, std::slice::from_ref(&again))?;
    discard(transaction, id, Some(new_id))?;
    Ok(again)
}

pub(crate) fn find(db: &Connection, id: OperationId) -> Result<StoredOperation, StoreError> {
    let refused = OperationState::Refused.code();
    operation::select(
        db,
        "id = ?1 AND state = ?2",
        params![id.as_bytes(), refused],
    )?
    .pop()
    .ok_or(StoreError::NoSuchOperation)
}
