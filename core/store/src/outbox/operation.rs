//! Operations as they are kept.

use crate::StoreError;
use crate::error::In;
use crate::sql::{id_at, optional_id_at, u64_at};
use fieldfare_model::{Entity, OperationId, TimestampMs};
use fieldfare_sync::{Operation, Outcome};
use rusqlite::{Connection, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Where an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OperationState {
    /// The server has not answered yet.
    Waiting,
    /// Applied by the server.
    Acknowledged,
    /// Refused by the server for good; kept for the rep to see.
    Refused,
    /// Refused, seen, and put away or tried again as another operation.
    Discarded,
}

impl OperationState {
    pub(crate) const fn code(self) -> i64 {
        match self {
            Self::Waiting => 0,
            Self::Acknowledged => 1,
            Self::Refused => 2,
            Self::Discarded => 3,
        }
    }

    const fn from_code(code: i64) -> Option<Self> {
        match code {
            0 => Some(Self::Waiting),
            1 => Some(Self::Acknowledged),
            2 => Some(Self::Refused),
            3 => Some(Self::Discarded),
            _ => None,
        }
    }
}

/// An operation with what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredOperation {
    /// The operation as it is sent.
    pub operation: Operation,
    /// Where it stands.
    pub state: OperationState,
    /// The server's answer.
    pub outcome: Option<Outcome>,
    /// When the answer came, by the phone's clock.
    pub answered_at: Option<TimestampMs>,
    /// The operation with which it was tried again.
    pub replaced_by: Option<OperationId>,
}

const COLUMNS: &str = "id, n, group_id, group_size, entity, row, base_version, depends_on, at, \
                       change, state, outcome, acked_at, replaced_by";

/// Operations that meet a condition, which may also order and limit them.
pub(crate) fn select(
    db: &Connection,
    condition: &str,
    params: impl rusqlite::Params,
) -> Result<Vec<StoredOperation>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM operation WHERE {condition}");
    let mut statement = db.prepare_cached(&sql).in_outbox()?;
    let mut rows = statement.query(params).in_outbox()?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().in_outbox()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// Like [`select`], until `take` says no.
pub(crate) fn select_while(
    db: &Connection,
    condition: &str,
    params: impl rusqlite::Params,
    mut take: impl FnMut(Operation) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM operation WHERE {condition}");
    let mut statement = db.prepare_cached(&sql).in_outbox()?;
    let mut rows = statement.query(params).in_outbox()?;
    while let Some(row) = rows.next().in_outbox()? {
        if !take(read(row)?.operation)? {
            break;
        }
    }
    Ok(())
}

fn read(row: &Row<'_>) -> Result<StoredOperation, StoreError> {
    let change: Vec<u8> = row.get(9).in_outbox()?;
    let outcome: Option<Vec<u8>> = row.get(11).in_outbox()?;
    let mut stored = read_plain(row, decode(&change)?).in_outbox()?;
    stored.outcome = outcome.map(|bytes| decode(&bytes)).transpose()?;
    Ok(stored)
}

fn read_plain(row: &Row<'_>, change: fieldfare_sync::Change) -> rusqlite::Result<StoredOperation> {
    let n: Option<i64> = row.get(1)?;
    let answered_at: Option<i64> = row.get(12)?;
    let state = OperationState::from_code(row.get(10)?);
    Ok(StoredOperation {
        operation: Operation {
            id: id_at(row, 0)?,
            n: n.map_or(0, crate::sql::unsigned),
            group: id_at(row, 2)?,
            group_size: row.get(3)?,
            entity: Entity(row.get(4)?),
            row: id_at(row, 5)?,
            base_version: u64_at(row, 6)?,
            depends_on: optional_id_at(row, 7)?,
            at: TimestampMs(row.get(8)?),
            change,
        },
        state: state.ok_or(rusqlite::Error::IntegralValueOutOfRange(10, 0))?,
        outcome: None,
        answered_at: answered_at.map(TimestampMs),
        replaced_by: optional_id_at(row, 13)?,
    })
}

/// The stored form of changes and outcomes.
pub(crate) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    rmp_serde::to_vec_named(value).map_err(|_| StoreError::Encoding("operation"))
}

pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    rmp_serde::from_slice(bytes).map_err(|_| StoreError::Encoding("operation"))
}
