//! Numbers of operations that neither the server nor this phone has any more.

use crate::StoreError;
use crate::error::In;
use crate::sql::{id_at, signed, u64_at};
use fieldfare_model::ClientId;
use fieldfare_sync::NumberGap;
use rusqlite::{Connection, Transaction, params};

pub(crate) fn note(
    transaction: &Transaction<'_>,
    client: ClientId,
    from: u64,
    to: u64,
) -> Result<(), StoreError> {
    transaction
        .execute(
            "INSERT OR IGNORE INTO gap (client, from_n, to_n) VALUES (?1, ?2, ?3)",
            params![client.as_bytes(), signed(from), signed(to)],
        )
        .in_outbox()?;
    Ok(())
}

/// Those the server has not on record yet.
pub(crate) fn all(db: &Connection) -> Result<Vec<NumberGap>, StoreError> {
    db.prepare_cached("SELECT client, from_n, to_n FROM gap ORDER BY client, from_n")
        .and_then(|mut s| {
            s.query_map([], |row| {
                Ok(NumberGap {
                    client: id_at(row, 0)?,
                    from: u64_at(row, 1)?,
                    to: u64_at(row, 2)?,
                })
            })?
            .collect()
        })
        .in_outbox()
}

pub(crate) fn forget(transaction: &Transaction<'_>, gaps: &[NumberGap]) -> Result<(), StoreError> {
    for gap in gaps {
        transaction
            .execute(
                "DELETE FROM gap WHERE client = ?1 AND from_n = ?2 AND to_n = ?3",
                params![gap.client.as_bytes(), signed(gap.from), signed(gap.to)],
            )
            .in_outbox()?;
    }
    Ok(())
}
