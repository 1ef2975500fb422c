//! Records to look at again.

use crate::hubspot::ObjectType;
use crate::store::StoreError;
use fieldfare_model::TimestampMs;
use rusqlite::{Connection, Transaction, params};

/// After so many failures of its own a record becomes a dead letter.
pub const MAX_ATTEMPTS: u32 = 8;

const FIRST_WAIT_MS: i64 = 1_000;
const LONGEST_WAIT_MS: i64 = 600_000;

/// How soon a record is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Somebody changed it.
    Live = 0,
    /// It came with many others; never before what somebody waits for, and never dropped.
    Bulk = 1,
}

/// A marked record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dirty {
    /// Its id in the CRM.
    pub object: u64,
    /// How often it was marked.
    pub generation: i64,
    /// How often taking it in failed.
    pub attempts: u32,
}

/// Marks a record, due now.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn mark(
    tx: &Transaction<'_>,
    connection: &str,
    kind: ObjectType,
    object: u64,
    lane: Lane,
    now: TimestampMs,
) -> Result<(), StoreError> {
    let mut statement = tx.prepare_cached(
        "INSERT INTO crm_dirty (connection, kind, object, generation, lane, due_at, attempts)
         VALUES (?1, ?2, ?3, 1, ?4, ?5, 0)
         ON CONFLICT DO UPDATE SET generation = generation + 1, lane = min(lane, excluded.lane),
             due_at = min(due_at, excluded.due_at)",
    )?;
    statement.execute(params![
        connection,
        kind.path(),
        sql_id(object),
        lane as i64,
        now.0
    ])?;
    Ok(())
}

/// The records due, at most `limit`, the live lane first and the longest due first.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn due(
    connection: &Connection,
    name: &str,
    kind: ObjectType,
    now: TimestampMs,
    limit: usize,
) -> Result<Vec<Dirty>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT object, generation, attempts FROM crm_dirty
         WHERE connection = ?1 AND kind = ?2 AND lane = ?3 AND due_at <= ?4
         ORDER BY due_at, object LIMIT ?5",
    )?;
    let mut out = Vec::new();
    for lane in [Lane::Live, Lane::Bulk] {
        let left = i64::try_from(limit.saturating_sub(out.len())).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![name, kind.path(), lane as i64, now.0, left])?;
        while let Some(row) = rows.next()? {
            out.push(Dirty {
                object: row.get::<_, i64>(0)?.unsigned_abs(),
                generation: row.get(1)?,
                attempts: row.get(2)?,
            });
        }
    }
    Ok(out)
}

/// When the next record of a connection is due; none when nothing waits.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn next_due(connection: &Connection, name: &str) -> Result<Option<TimestampMs>, StoreError> {
    let sql = "SELECT min(due_at) FROM crm_dirty WHERE connection = ?1";
    let due: Option<i64> = connection
        .prepare_cached(sql)?
        .query_row([name], |r| r.get(0))?;
    Ok(due.map(TimestampMs))
}

/// Clears a record that was taken in, unless it was marked again meanwhile.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn clear(
    tx: &Transaction<'_>,
    connection: &str,
    kind: ObjectType,
    done: &Dirty,
) -> Result<(), StoreError> {
    let mut statement = tx.prepare_cached(
        "DELETE FROM crm_dirty
         WHERE connection = ?1 AND kind = ?2 AND object = ?3 AND generation = ?4",
    )?;
    let key = params![
        connection,
        kind.path(),
        sql_id(done.object),
        done.generation
    ];
    if statement.execute(key)? == 0 {
        // Marked again: what comes now is new work.
        let sql = "UPDATE crm_dirty SET attempts = 0
                   WHERE connection = ?1 AND kind = ?2 AND object = ?3";
        tx.prepare_cached(sql)?
            .execute(params![connection, kind.path(), sql_id(done.object)])?;
    }
    Ok(())
}

/// Puts a record off after a failure of its own, or, after [`MAX_ATTEMPTS`], among the dead.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn fail(
    tx: &Transaction<'_>,
    connection: &str,
    kind: ObjectType,
    failed: &Dirty,
    reason: &str,
    now: TimestampMs,
) -> Result<(), StoreError> {
    let attempts = failed.attempts + 1;
    let object = sql_id(failed.object);
    if attempts < MAX_ATTEMPTS {
        let due = now.plus(backoff_ms(attempts));
        tx.prepare_cached(
            "UPDATE crm_dirty SET attempts = ?4, due_at = ?5
             WHERE connection = ?1 AND kind = ?2 AND object = ?3",
        )?
        .execute(params![connection, kind.path(), object, attempts, due.0])?;
        return Ok(());
    }
    metrics::counter!("fieldfare_intake_dead_total").increment(1);
    tx.prepare_cached(
        "INSERT INTO crm_dead (connection, kind, object, reason, at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET reason = excluded.reason, at = excluded.at",
    )?
    .execute(params![connection, kind.path(), object, reason, now.0])?;
    clear(tx, connection, kind, failed)
}

/// Milliseconds to wait after so many failures: doubling from a second to ten minutes.
pub const fn backoff_ms(attempts: u32) -> i64 {
    let doublings = if attempts > 12 {
        12
    } else {
        attempts.saturating_sub(1)
    };
    let wait = FIRST_WAIT_MS << doublings;
    if wait > LONGEST_WAIT_MS {
        LONGEST_WAIT_MS
    } else {
        wait
    }
}

pub(crate) fn sql_id(object: u64) -> i64 {
    i64::try_from(object).unwrap_or(i64::MAX)
}
