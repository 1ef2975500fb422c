//! Small values the engine keeps beside the outbox: where the server is, how to sign in.

use crate::StoreError;
use crate::error::In;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

pub(crate) fn get(db: &Connection, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
    db.prepare_cached("SELECT value FROM meta WHERE key = ?1")
        .and_then(|mut s| s.query_row([name], |row| row.get(0)).optional())
        .in_outbox()
}

pub(crate) fn set(
    transaction: &Transaction<'_>,
    name: &str,
    value: Option<&[u8]>,
) -> Result<(), StoreError> {
    match value {
        Some(value) => transaction.execute(
            "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)",
            params![name, value],
        ),
        None => transaction.execute("DELETE FROM meta WHERE key = ?1", [name]),
    }
    .in_outbox()?;
    Ok(())
}
