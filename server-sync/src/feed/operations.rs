//! What each phone has pushed, and what became of it.

use crate::store::{StoreError, from_sql, to_sql};
use fieldfare_model::{ClientId, DeviceId, OperationId, TimestampMs};
use fieldfare_sync::{OperationResult, Outcome, StoredResult};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

/// The last operation number of a client, 0 for none.
pub(super) fn last_n(connection: &Connection, client: ClientId) -> Result<u64, StoreError> {
    let mut statement = connection.prepare_cached("SELECT last_n FROM client WHERE id = ?1")?;
    let last: Option<i64> = statement
        .query_row([client.as_bytes()], |r| r.get(0))
        .optional()?;
    Ok(last.map_or(0, from_sql))
}

/// The device that numbers its operations under this client id, if any did.
pub(super) fn device_of(
    connection: &Connection,
    client: ClientId,
) -> Result<Option<DeviceId>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT device FROM client WHERE id = ?1")?;
    let device = statement
        .query_row([client.as_bytes()], |r| Ok(DeviceId::from_bytes(r.get(0)?)))
        .optional()?;
    Ok(device)
}

/// Which operation had a number.
pub(super) fn operation_at(
    connection: &Connection,
    client: ClientId,
    n: u64,
) -> Result<Option<OperationId>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT operation FROM number WHERE client = ?1 AND n = ?2")?;
    let operation = statement
        .query_row(params![client.as_bytes(), to_sql(n)], |r| {
            Ok(OperationId::from_bytes(r.get(0)?))
        })
        .optional()?;
    Ok(operation)
}

/// The result kept for an operation.
pub(super) fn result(
    connection: &Connection,
    operation: OperationId,
) -> Result<Option<StoredResult>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT client, n, outcome FROM result WHERE operation = ?1")?;
    let found = statement
        .query_row([operation.as_bytes()], |r| {
            Ok((r.get::<_, [u8; 16]>(0)?, r.get(1)?, r.get::<_, Vec<u8>>(2)?))
        })
        .optional()?;
    let Some((client, n, outcome)) = found else {
        return Ok(None);
    };
    let outcome: Outcome =
        rmp_serde::from_slice(&outcome).map_err(|_| StoreError::Damaged("result"))?;
    Ok(Some(StoredResult {
        client: ClientId::from_bytes(client),
        result: OperationResult {
            id: operation,
            n: from_sql(n),
            outcome,
        },
    }))
}

/// Keeps a result under its operation's id (the first one stays) and gives the operation its
/// number with this client.
pub(super) fn save(
    tx: &Transaction<'_>,
    device: DeviceId,
    client: ClientId,
    result: &OperationResult,
    now: TimestampMs,
) -> Result<(), StoreError> {
    move_client(tx, device, client, result.n)?;
    let outcome =
        rmp_serde::to_vec_named(&result.outcome).map_err(|_| StoreError::Damaged("result"))?;
    let mut statement = tx.prepare_cached(
        "INSERT OR IGNORE INTO result (operation, client, n, device, outcome, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    statement.execute(params![
        result.id.as_bytes(),
        client.as_bytes(),
        to_sql(result.n),
        device.as_bytes(),
        outcome,
        now.0
    ])?;
    let mut statement =
        tx.prepare_cached("INSERT INTO number (client, n, operation) VALUES (?1, ?2, ?3)")?;
    statement.execute(params![
        client.as_bytes(),
        to_sql(result.n),
        result.id.as_bytes()
    ])?;
    Ok(())
}

fn move_client(
    tx: &Transaction<'_>,
    device: DeviceId,
    client: ClientId,
    n: u64,
) -> Result<(), StoreError> {
    let mut statement = tx.prepare_cached(
        "INSERT INTO client (id, device, last_n) VALUES (?1, ?2, ?3)
         ON CONFLICT (id) DO UPDATE SET last_n = max(last_n, excluded.last_n)",
    )?;
    statement.execute(params![client.as_bytes(), device.as_bytes(), to_sql(n)])?;
    Ok(())
}
