//! Operations that neither the server nor a phone has any more.

use crate::store::{StoreError, from_sql, to_sql};
use fieldfare_model::{ClientId, DeviceId, TimestampMs};
use fieldfare_sync::NumberGap;
use rusqlite::{Connection, Transaction, params};

/// A gap on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Which numbers.
    pub numbers: NumberGap,
    /// Which device said so.
    pub device: DeviceId,
    /// When.
    pub at: TimestampMs,
}

pub(super) fn save(
    tx: &Transaction<'_>,
    device: DeviceId,
    gap: &NumberGap,
    now: TimestampMs,
) -> Result<(), StoreError> {
    let inserted = tx
        .prepare_cached(
            "INSERT OR IGNORE INTO gap (client, from_n, to_n, device, at)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            gap.client.as_bytes(),
            to_sql(gap.from),
            to_sql(gap.to),
            device.as_bytes(),
            now.0
        ])?;
    if inserted > 0 {
        tracing::warn!(%device, from = gap.from, to = gap.to, "operations are lost: neither the server nor the phone has them");
        metrics::counter!("fieldfare_lost_operations_total")
            .increment(gap.to.saturating_sub(gap.from).saturating_add(1));
    }
    Ok(())
}

/// Every gap on record, oldest first.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn gaps(connection: &Connection) -> Result<Vec<Gap>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT client, from_n, to_n, device, at FROM gap ORDER BY at, client, from_n",
    )?;
    let gaps = statement.query_map([], |r| {
        Ok(Gap {
            numbers: NumberGap {
                client: ClientId::from_bytes(r.get(0)?),
                from: from_sql(r.get(1)?),
                to: from_sql(r.get(2)?),
            },
            device: DeviceId::from_bytes(r.get(3)?),
            at: TimestampMs(r.get(4)?),
        })
    })?;
    Ok(gaps.collect::<Result<_, _>>()?)
}
