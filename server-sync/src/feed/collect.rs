//! Collecting tombstones: what left or was deleted is forgotten after the retention, and the floor
//! below which cursors cannot be served rises in the same transaction.

use crate::store::{StoreError, TenantHead, from_sql, to_sql};
use fieldfare_model::TimestampMs;
use rusqlite::{OptionalExtension, Transaction, params};

/// What a collection did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Collected {
    /// Entries of rows that left a scope or were deleted.
    pub entries: usize,
    /// Deleted rows.
    pub rows: usize,
    /// The floor now. A phone whose cursor is below it is rebased.
    pub floor: u64,
}

/// Notes where the sequence stands, and collects what is older than `retention_ms`.
///
/// A clock that jumps ahead only makes phones rebase that could have gone on; nothing is lost.
///
/// # Errors
/// [`StoreError::Sql`]; then nothing was collected if the transaction is rolled back.
pub fn collect(
    tx: &Transaction<'_>,
    now: TimestampMs,
    retention_ms: i64,
) -> Result<Collected, StoreError> {
    let head = TenantHead::read(tx)?;
    tx.execute(
        "INSERT INTO mark (at, seq) VALUES (?1, ?2) ON CONFLICT (at) DO NOTHING",
        params![now.0, to_sql(head.head)],
    )?;
    let old: Option<(i64, i64)> = tx
        .query_row(
            "SELECT at, seq FROM mark WHERE at <= ?1 ORDER BY at DESC LIMIT 1",
            [now.0.saturating_sub(retention_ms)],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )
        .optional()?;
    let Some((at, seq)) = old else {
        return Ok(Collected {
            floor: head.floor,
            ..Collected::default()
        });
    };
    tx.execute("DELETE FROM mark WHERE at < ?1", [at])?;
    collect_to(tx, head.floor.max(from_sql(seq).min(head.head)))
}

fn collect_to(tx: &Transaction<'_>, floor: u64) -> Result<Collected, StoreError> {
    let entries = tx.execute(
        "DELETE FROM member WHERE present = 0 AND seq <= ?1",
        [to_sql(floor)],
    )?;
    let rows = tx.execute(
        "DELETE FROM \"row\" WHERE deleted = 1 AND version <= ?1
         AND NOT EXISTS (SELECT 1 FROM member m WHERE m.\"row\" = \"row\".key)",
        [to_sql(floor)],
    )?;
    tx.execute("UPDATE tenant SET floor = ?1", [to_sql(floor)])?;
    Ok(Collected {
        entries,
        rows,
        floor,
    })
}
