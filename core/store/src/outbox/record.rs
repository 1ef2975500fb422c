//! Taking in new operations.

use super::operation::encode;
use crate::StoreError;
use crate::error::In;
use crate::sql::{Key, signed};
use fieldfare_model::{Entity, OperationId, RowId, TimestampMs};
use fieldfare_sync::{Change, MAX_GROUP_OPERATIONS, MAX_PUSH_BYTES};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

/// A change that was just made on this phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOperation {
    /// The operation's id, new.
    pub id: OperationId,
    /// Which kind of row.
    pub entity: Entity,
    /// Which row.
    pub row: RowId,
    /// The version of the row the rep was looking at, 0 for a new row.
    pub base_version: u64,
    /// An earlier operation without which this one makes no sense.
    pub depends_on: Option<OperationId>,
    /// When, by the phone's clock.
    pub at: TimestampMs,
    /// What changes.
    pub change: Change,
}

impl NewOperation {
    pub(crate) fn key(&self) -> Key {
        (self.entity, self.row)
    }
}

/// Leaves room in a push for what surrounds the operations.
const MAX_GROUP_BYTES: usize = MAX_PUSH_BYTES - 4096;

/// What an operation has besides its change, at most.
const OPERATION_BYTES: usize = 160;

const CONSENT_PRIORITY: i64 = 0;
const NORMAL_PRIORITY: i64 = 1;

/// Stores operations as one group.
pub(crate) fn record(
    transaction: &Transaction<'_>,
    operations: &[NewOperation],
) -> Result<(), StoreError> {
    let changes = check(transaction, operations)?;
    let priority = priority_of(transaction, operations)?;
    let Some(first) = operations.first() else {
        return Ok(());
    };
    for (operation, change) in operations.iter().zip(changes) {
        insert(
            transaction,
            operation,
            &change,
            first.id,
            operations.len(),
            priority,
        )?;
    }
    Ok(())
}

/// Refuses what could never be sent. Returns the changes, encoded.
fn check(db: &Connection, operations: &[NewOperation]) -> Result<Vec<Vec<u8>>, StoreError> {
    if operations.is_empty() {
        return Err(StoreError::Group("it is empty"));
    }
    if operations.len() > MAX_GROUP_OPERATIONS {
        return Err(StoreError::Group("it has too many operations"));
    }
    for (at, operation) in operations.iter().enumerate() {
        let is_repeated = operations.iter().skip(at + 1).any(|o| o.id == operation.id);
        if is_repeated || exists(db, operation.id)? {
            return Err(StoreError::Group("an operation id was used before"));
        }
    }
    let changes = operations
        .iter()
        .map(|operation| encode(&operation.change))
        .collect::<Result<Vec<_>, _>>()?;
    let bytes: usize = changes
        .iter()
        .map(|change| change.len() + OPERATION_BYTES)
        .sum();
    if bytes > MAX_GROUP_BYTES {
        return Err(StoreError::Group("it is too large to send"));
    }
    Ok(changes)
}

fn exists(db: &Connection, id: OperationId) -> Result<bool, StoreError> {
    db.prepare_cached("SELECT 1 FROM operation WHERE id = ?1")
        .and_then(|mut s| s.exists([id.as_bytes()]))
        .in_outbox()
}

/// Consent goes first, but nothing overtakes what it depends on.
fn priority_of(db: &Connection, operations: &[NewOperation]) -> Result<i64, StoreError> {
    let mut priority = CONSENT_PRIORITY;
    for operation in operations {
        if operation.entity != Entity::CONSENT {
            priority = NORMAL_PRIORITY;
        }
        if let Some(dependency) = operation.depends_on {
            priority = priority.max(unsent_priority(db, dependency)?);
        }
    }
    Ok(priority)
}

fn unsent_priority(db: &Connection, id: OperationId) -> Result<i64, StoreError> {
    let found = db
        .query_row(
            "SELECT priority FROM operation WHERE id = ?1 AND n IS NULL",
            [id.as_bytes()],
            |row| row.get(0),
        )
        .optional()
        .in_outbox()?;
    Ok(found.unwrap_or(CONSENT_PRIORITY))
}

fn insert(
    db: &Connection,
    operation: &NewOperation,
    change: &[u8],
    group: OperationId,
    group_size: usize,
    priority: i64,
) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO operation (id, group_id, group_size, entity, row, base_version, depends_on,
                                at, priority, change)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )
    .and_then(|mut s| {
        s.execute(params![
            operation.id.as_bytes(),
            group.as_bytes(),
            i64::try_from(group_size).unwrap_or(i64::MAX),
            operation.entity.0,
            operation.row.as_bytes(),
            signed(operation.base_version),
            operation.depends_on.map(|id| *id.as_bytes()),
            operation.at.0,
            priority,
            change
        ])
    })
    .in_outbox()?;
    Ok(())
}
