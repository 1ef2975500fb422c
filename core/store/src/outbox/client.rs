//! This phone's numbering of operations.

use crate::StoreError;
use crate::error::In;
use crate::key;
use crate::sql::{id_at, signed, u64_at, unsigned};
use fieldfare_model::ClientId;
use fieldfare_sync::Epoch;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use std::time::{SystemTime, UNIX_EPOCH};

/// A numbering and the next number in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client {
    pub(crate) id: ClientId,
    pub(crate) next_n: u64,
}

pub(crate) fn read(db: &Connection) -> Result<Option<Client>, StoreError> {
    db.query_row("SELECT id, next_n FROM client", [], |row| {
        Ok(Client {
            id: id_at(row, 0)?,
            next_n: u64_at(row, 1)?,
        })
    })
    .optional()
    .in_outbox()
}

/// The numbering in use, which [`ensure`] made.
pub(crate) fn current(db: &Connection) -> Result<Client, StoreError> {
    read(db)?.ok_or(StoreError::Encoding("client id"))
}

/// Makes a numbering if there is none.
pub(crate) fn ensure(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    match read(transaction)? {
        Some(_) => Ok(()),
        None => begin(transaction, new_id()?),
    }
}

pub(crate) fn new_id() -> Result<ClientId, StoreError> {
    let mut random = [0; 10];
    key::random(&mut random)?;
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    let unix_ms = since_1970.map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(0));
    Ok(ClientId::v7(unix_ms, random))
}

/// Starts a numbering at 1. Operations without a result lose their numbers and keep their ids.
pub(crate) fn begin(transaction: &Transaction<'_>, id: ClientId) -> Result<(), StoreError> {
    transaction
        .execute(
            "UPDATE operation SET n = NULL, client = NULL WHERE state = 0",
            [],
        )
        .in_outbox()?;
    transaction
        .execute(
            "INSERT INTO client (one, id, next_n) VALUES (1, ?1, 1)
             ON CONFLICT (one) DO UPDATE SET id = excluded.id, next_n = 1",
            [id.as_bytes()],
        )
        .in_outbox()?;
    Ok(())
}

/// The first number given and not answered.
pub(crate) fn first_unanswered(db: &Connection) -> Result<Option<u64>, StoreError> {
    let first: Option<i64> = db
        .query_row(
            "SELECT min(n) FROM operation WHERE state = 0 AND n IS NOT NULL",
            [],
            |row| row.get(0),
        )
        .in_outbox()?;
    Ok(first.map(unsigned))
}

/// The history the kept answers belong to.
pub(crate) fn answered_epoch(db: &Connection) -> Result<Option<Epoch>, StoreError> {
    let bits: Option<i64> = db
        .query_row("SELECT answered_epoch FROM client", [], |row| row.get(0))
        .in_outbox()?;
    Ok(bits.map(|bits| Epoch(bits.cast_unsigned())))
}

/// Notes the history the kept answers belong to; none if none are kept.
pub(crate) fn set_answered_epoch(
    transaction: &Transaction<'_>,
    epoch: Option<Epoch>,
) -> Result<(), StoreError> {
    let bits = epoch.map(|epoch| epoch.0.cast_signed());
    transaction
        .execute("UPDATE client SET answered_epoch = ?1", [bits])
        .in_outbox()?;
    Ok(())
}

pub(crate) fn set_next_n(transaction: &Transaction<'_>, next_n: u64) -> Result<(), StoreError> {
    transaction
        .execute("UPDATE client SET next_n = ?1", params![signed(next_n)])
        .in_outbox()?;
    Ok(())
}
