//! Snapshots: frames that first fetches of a scope were answered with, kept for the next one, so that
//! a morning of first fetches reads bytes and not rows.

use crate::feed::index;
use crate::store::{StoreError, from_sql, to_sql};
use fieldfare_model::{SCHEMA, TimestampMs};
use fieldfare_sync::{KeptFrame, ScopeId, SnapshotFrame};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

/// Cells that were changed or cleared since stand in a frame for no longer than this.
const KEPT_MS: i64 = 24 * 60 * 60 * 1000;

/// Of so many rows one may have changed since. Each of them is sent twice.
const ONE_CHANGED_OF: u64 = 20;

/// So many frames are deleted in one transaction, as others wait for it.
const PURGED_AT_ONCE: usize = 8;

/// The frame kept of this place in the scope, if it is still to be sent.
///
/// # Errors
/// [`StoreError::Sql`].
pub(super) fn frame(
    connection: &Connection,
    scope: &ScopeId,
    from: u64,
) -> Result<Option<KeptFrame>, StoreError> {
    let Some(scope) = index::find_scope(connection, scope)? else {
        return Ok(None);
    };
    let Some((to, rows)) = place(connection, scope, from)? else {
        return Ok(None);
    };
    if changed(connection, scope, (from, to), rows)? * ONE_CHANGED_OF > rows {
        return Ok(None);
    }
    let mut statement = connection
        .prepare_cached("SELECT frame FROM snapshot WHERE scope = ?1 AND from_seq = ?2")?;
    let bytes = statement.query_row(params![scope, to_sql(from)], |r| r.get(0))?;
    Ok(Some(KeptFrame { to, bytes }))
}

/// Where it ends and how many rows it has.
fn place(connection: &Connection, scope: i64, from: u64) -> Result<Option<(u64, u64)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT n.to_seq, n.rows FROM snapshot n JOIN scope s ON s.key = n.scope
         WHERE n.scope = ?1 AND n.from_seq = ?2 AND n.head >= s.left_seq AND n.schema = ?3",
    )?;
    let read = |r: &rusqlite::Row<'_>| Ok((from_sql(r.get(0)?), from_sql(r.get(1)?)));
    Ok(statement
        .query_row(params![scope, to_sql(from), SCHEMA], read)
        .optional()?)
}

/// How many of its rows stand somewhere else now.
fn changed(
    connection: &Connection,
    scope: i64,
    (from, to): (u64, u64),
    rows: u64,
) -> Result<u64, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT count(*) FROM member WHERE scope = ?1 AND seq > ?2 AND seq <= ?3",
    )?;
    let still_there =
        statement.query_row(params![scope, to_sql(from), to_sql(to)], |r| r.get(0))?;
    Ok(rows.saturating_sub(from_sql(still_there)))
}

/// Where the first kept frame behind this place begins.
///
/// # Errors
/// [`StoreError::Sql`].
pub(super) fn next(
    connection: &Connection,
    scope: &ScopeId,
    after: u64,
) -> Result<Option<u64>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT n.from_seq FROM snapshot n JOIN scope s ON s.key = n.scope
         WHERE s.name = ?1 AND n.from_seq > ?2 AND n.head >= s.left_seq AND n.schema = ?3
         ORDER BY n.from_seq LIMIT 1",
    )?;
    let found = statement.query_row(params![scope.as_str(), to_sql(after), SCHEMA], |r| r.get(0));
    Ok(found.optional()?.map(from_sql))
}

/// Keeps a frame in the place of those that begin within it.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn keep(
    tx: &Transaction<'_>,
    frame: &SnapshotFrame,
    now: TimestampMs,
) -> Result<(), StoreError> {
    let scope = index::scope_key(tx, &frame.scope)?;
    tx.execute(
        "DELETE FROM snapshot WHERE scope = ?1 AND from_seq >= ?2 AND from_seq < ?3",
        params![scope, to_sql(frame.from), to_sql(frame.to)],
    )?;
    tx.execute(
        "INSERT INTO snapshot (scope, from_seq, to_seq, head, rows, schema, made_at, frame)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            scope,
            to_sql(frame.from),
            to_sql(frame.to),
            to_sql(frame.head),
            to_sql(frame.rows as u64),
            SCHEMA,
            now.0,
            frame.bytes,
        ],
    )?;
    Ok(())
}

/// Erases some of the frames that are not sent any more: a row left their scope, another build made
/// them, or they are a day old. Whether there may be more of them.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn purge(tx: &Transaction<'_>, now: TimestampMs) -> Result<bool, StoreError> {
    let purged = tx.execute(
        "DELETE FROM snapshot WHERE rowid IN (
             SELECT n.rowid FROM snapshot n JOIN scope s ON s.key = n.scope
             WHERE n.head < s.left_seq OR n.schema <> ?1 OR n.made_at < ?2 LIMIT ?3)",
        params![
            SCHEMA,
            now.0.saturating_sub(KEPT_MS),
            to_sql(PURGED_AT_ONCE as u64)
        ],
    )?;
    Ok(purged == PURGED_AT_ONCE)
}

/// Erases at once every frame whose scope a row left since, as a privacy deletion must.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn erase_left(tx: &Transaction<'_>) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM snapshot WHERE rowid IN (
             SELECT n.rowid FROM snapshot n JOIN scope s ON s.key = n.scope
             WHERE n.head < s.left_seq)",
        [],
    )?;
    Ok(())
}

/// Erases all of them.
///
/// # Errors
/// [`StoreError::Sql`].
pub(super) fn clear(tx: &Transaction<'_>) -> Result<(), StoreError> {
    tx.execute("DELETE FROM snapshot", [])?;
    Ok(())
}
