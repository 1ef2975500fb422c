//! The server's copy of the consent ledgers.
//!
//! Each device keeps a ledger of its rep's decisions, in which every entry carries the hash of the
//! one before. The server accepts an entry only as the continuation of what it has, so that neither
//! side can later drop or change one. One exception serves the rep: a withdrawal is accepted
//! wherever it claims to stand, as the most restrictive wins. It then counts by its time, and the
//! ledger's head stays where it is.

use crate::store::{StoreError, from_sql, to_sql};
use fieldfare_model::{
    Columns, ConsentAction, ConsentEvent, DeviceId, Purpose, RepId, RowId, TimestampMs,
};
use fieldfare_sync::{DeviceContext, LedgerHead, consent_hash, verify_next};
use rusqlite::{Connection, OptionalExtension, Row as SqlRow, Transaction, params};

/// Why an entry does not continue a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The columns are no consent event.
    #[error("the consent event is incomplete")]
    Form,
    /// Another rep's decision.
    #[error("a device may only record its own rep's decisions")]
    Rep,
    /// The entry's hash is not the hash of its cells.
    #[error("the consent event does not match its hash")]
    Hash,
    /// The entry does not follow the last one.
    #[error("the consent event does not continue the ledger of this device")]
    Order,
}

/// Checks that the entry is whole, the rep's own, and next in the device's ledger.
///
/// # Errors
/// The outer one is storage, the inner one the verdict.
pub fn check(
    connection: &Connection,
    device: &DeviceContext,
    id: RowId,
    columns: &Columns,
) -> Result<Result<ConsentEvent, LedgerError>, StoreError> {
    let Ok(event) = ConsentEvent::from_columns(id.into(), columns) else {
        return Ok(Err(LedgerError::Form));
    };
    if event.rep != device.rep {
        return Ok(Err(LedgerError::Rep));
    }
    if consent_hash(&event) != event.hash {
        return Ok(Err(LedgerError::Hash));
    }
    let follows = event.action == ConsentAction::Withdraw || continues(connection, device, &event)?;
    Ok(if follows {
        Ok(event)
    } else {
        Err(LedgerError::Order)
    })
}

/// Whether the entry is next after what the server has of this device, or begins a ledger, or
/// continues one that the same rep's earlier device left (the app was enrolled again).
fn continues(
    connection: &Connection,
    device: &DeviceContext,
    event: &ConsentEvent,
) -> Result<bool, StoreError> {
    let follows = |head: LedgerHead| verify_next(head, event).is_ok();
    if let Some(head) = ledger_head(connection, device.device)? {
        return Ok(follows(head));
    }
    if follows(LedgerHead::EMPTY) {
        return Ok(true);
    }
    let mut statement =
        connection.prepare_cached("SELECT sequence, hash FROM consent_ledger WHERE rep = ?1")?;
    let heads = statement
        .query_map([device.rep.as_bytes()], read_head)?
        .collect::<Result<Vec<_>, _>>()?;
    Ok(heads.into_iter().any(follows))
}

fn ledger_head(
    connection: &Connection,
    device: DeviceId,
) -> Result<Option<LedgerHead>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT sequence, hash FROM consent_ledger WHERE device = ?1")?;
    Ok(statement
        .query_row([device.as_bytes()], read_head)
        .optional()?)
}

fn read_head(r: &SqlRow<'_>) -> rusqlite::Result<LedgerHead> {
    Ok(LedgerHead {
        sequence: from_sql(r.get(0)?),
        hash: r.get(1)?,
    })
}

/// Enters a checked event.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn record(
    tx: &Transaction<'_>,
    device: DeviceId,
    event: &ConsentEvent,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO consent_event (id, device, rep, sequence, purpose, action, at, valid_until)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            event.id.as_bytes(),
            device.as_bytes(),
            event.rep.as_bytes(),
            to_sql(event.sequence),
            event.purpose.code(),
            event.action.code(),
            event.at.0,
            event.valid_until.map(|t| t.0),
        ],
    )?;
    tx.execute(
        "INSERT INTO consent_ledger (device, rep, sequence, hash) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (device) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash
         WHERE excluded.sequence > sequence",
        params![
            device.as_bytes(),
            event.rep.as_bytes(),
            to_sql(event.sequence),
            event.hash
        ],
    )?;
    Ok(())
}

/// A decision as the server remembers it.
struct Decision {
    device: DeviceId,
    sequence: u64,
    granted: bool,
    at: TimestampMs,
    valid_until: Option<TimestampMs>,
}

/// Whether the rep's consent for a purpose, given on this device, was active at a moment: the
/// device's last decision up to then is a grant that had not run out, and the rep withdrew nowhere
/// since it was given, on this device's put-back ledger included.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn is_active(
    connection: &Connection,
    device: DeviceId,
    rep: RepId,
    purpose: Purpose,
    at: TimestampMs,
) -> Result<bool, StoreError> {
    if !purpose.needs_consent() {
        return Ok(true);
    }
    let decisions = decisions_until(connection, rep, purpose, at)?;
    let own = decisions
        .iter()
        .filter(|d| d.device == device)
        .max_by_key(|d| d.sequence);
    let Some(grant) = own.filter(|d| d.granted && d.valid_until.is_none_or(|end| at < end)) else {
        return Ok(false);
    };
    let withdrawn_since = |d: &Decision| !d.granted && d.at >= grant.at;
    Ok(!decisions.iter().any(withdrawn_since))
}

fn decisions_until(
    connection: &Connection,
    rep: RepId,
    purpose: Purpose,
    at: TimestampMs,
) -> Result<Vec<Decision>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT device, sequence, action, at, valid_until FROM consent_event
         WHERE rep = ?1 AND purpose = ?2 AND at <= ?3",
    )?;
    let decisions = statement.query_map(params![rep.as_bytes(), purpose.code(), at.0], |r| {
        Ok(Decision {
            device: DeviceId::from_bytes(r.get(0)?),
            sequence: from_sql(r.get(1)?),
            granted: ConsentAction::from_code(r.get(2)?) == Some(ConsentAction::Grant),
            at: TimestampMs(r.get(3)?),
            valid_until: r.get::<_, Option<i64>>(4)?.map(TimestampMs),
        })
    })?;
    Ok(decisions.collect::<Result<_, _>>()?)
}
