//! The feed index: where each row stands in each scope.

use crate::feed::rows::decode_columns;
use crate::store::{StoreError, from_sql, to_sql};
use fieldfare_model::{Entity, Row, RowId};
use fieldfare_sync::{FeedChange, LeaveReason, ScopeGrant, ScopeId};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use std::collections::BTreeSet;

const LEFT: i64 = 1;
const DELETED: i64 = 2;

/// Takes the tenant's next sequence. The writing transaction makes commit order equal to it.
pub(super) fn next_seq(tx: &Transaction<'_>) -> Result<u64, StoreError> {
    let mut statement = tx.prepare_cached("UPDATE tenant SET seq = seq + 1 RETURNING seq")?;
    Ok(from_sql(statement.query_row([], |r| r.get(0))?))
}

/// The scopes that hold the row now.
pub(super) fn scopes_holding(
    connection: &Connection,
    row_key: i64,
) -> Result<BTreeSet<ScopeId>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT s.name FROM member m JOIN scope s ON s.key = m.scope
         WHERE m.\"row\" = ?1 AND m.present = 1",
    )?;
    let names = statement.query_map([row_key], |r| r.get::<_, String>(0))?;
    names.map(|name| Ok(ScopeId::try_from(name?)?)).collect()
}

/// Moves the row's entries to `seq`: present in `now`, and left in those of `before` that are
/// not in `now`.
pub(super) fn place(
    tx: &Transaction<'_>,
    row_key: i64,
    seq: u64,
    before: &BTreeSet<ScopeId>,
    now: &BTreeSet<ScopeId>,
) -> Result<(), StoreError> {
    for scope in now {
        put_member(tx, scope, row_key, seq, None)?;
    }
    for scope in before.difference(now) {
        put_member(tx, scope, row_key, seq, Some(LEFT))?;
    }
    Ok(())
}

/// Marks the row as deleted in every scope that holds it.
pub(super) fn place_deleted(
    tx: &Transaction<'_>,
    row_key: i64,
    seq: u64,
    before: &BTreeSet<ScopeId>,
) -> Result<(), StoreError> {
    before
        .iter()
        .try_for_each(|scope| put_member(tx, scope, row_key, seq, Some(DELETED)))
}

fn put_member(
    tx: &Transaction<'_>,
    scope: &ScopeId,
    row_key: i64,
    seq: u64,
    reason: Option<i64>,
) -> Result<(), StoreError> {
    let mut statement = tx.prepare_cached(
        "INSERT INTO member (scope, seq, \"row\", present, reason) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (\"row\", scope) DO UPDATE
         SET seq = excluded.seq, present = excluded.present, reason = excluded.reason",
    )?;
    statement.execute(params![
        scope_key(tx, scope)?,
        to_sql(seq),
        row_key,
        reason.is_none(),
        reason
    ])?;
    if reason.is_some() {
        note_leave(tx, scope, seq)?;
    }
    Ok(())
}

/// From now on nothing is sent that was kept of the scope before.
fn note_leave(tx: &Transaction<'_>, scope: &ScopeId, seq: u64) -> Result<(), StoreError> {
    let mut statement = tx.prepare_cached("UPDATE scope SET left_seq = ?2 WHERE name = ?1")?;
    statement.execute(params![scope.as_str(), to_sql(seq)])?;
    Ok(())
}

pub(super) fn scope_key(tx: &Transaction<'_>, scope: &ScopeId) -> Result<i64, StoreError> {
    if let Some(key) = find_scope(tx, scope)? {
        return Ok(key);
    }
    let mut statement = tx.prepare_cached("INSERT INTO scope (name) VALUES (?1) RETURNING key")?;
    Ok(statement.query_row([scope.as_str()], |r| r.get(0))?)
}

pub(super) fn find_scope(
    connection: &Connection,
    scope: &ScopeId,
) -> Result<Option<i64>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT key FROM scope WHERE name = ?1")?;
    Ok(statement
        .query_row([scope.as_str()], |r| r.get(0))
        .optional()?)
}

/// Changes in a scope after a sequence, in order, at most `limit`: one range of the index, so the
/// cost does not grow with the size of the scope.
///
/// # Errors
/// [`StoreError::Sql`], or [`StoreError::Damaged`].
pub fn changes(
    connection: &Connection,
    scope: &ScopeId,
    after: u64,
    limit: usize,
) -> Result<Vec<FeedChange>, StoreError> {
    let Some(scope) = find_scope(connection, scope)? else {
        return Ok(Vec::new());
    };
    let mut statement = connection.prepare_cached(
        "SELECT r.entity, r.id, m.seq, m.reason, CASE WHEN m.present THEN r.columns END
         FROM member m JOIN \"row\" r ON r.key = m.\"row\"
         WHERE m.scope = ?1 AND m.seq > ?2 ORDER BY m.seq LIMIT ?3",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![scope, to_sql(after), limit])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        out.push(read_change(row)?);
    }
    Ok(out)
}

fn read_change(r: &rusqlite::Row<'_>) -> Result<FeedChange, StoreError> {
    let entity = Entity(r.get(0)?);
    let id = RowId::from_bytes(r.get(1)?);
    let seq = from_sql(r.get(2)?);
    match r.get::<_, Option<i64>>(3)? {
        None => {
            let columns = decode_columns(r.get_ref(4)?.as_blob().unwrap_or_default())?;
            Ok(FeedChange::Put {
                entity,
                row: Row {
                    id,
                    version: seq,
                    columns,
                },
            })
        }
        Some(LEFT) => Ok(FeedChange::Leave {
            entity,
            id,
            seq,
            reason: LeaveReason::Left,
        }),
        Some(DELETED) => Ok(FeedChange::Leave {
            entity,
            id,
            seq,
            reason: LeaveReason::Deleted,
        }),
        Some(_) => Err(StoreError::Damaged("feed entry")),
    }
}

/// Whether the row is present in one of the granted scopes.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn is_present_in_any(
    connection: &Connection,
    grants: &[ScopeGrant],
    entity: Entity,
    id: RowId,
) -> Result<bool, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT key FROM \"row\" WHERE entity = ?1 AND id = ?2 AND deleted = 0")?;
    let key = statement
        .query_row(params![entity.0, id.as_bytes()], |r| r.get(0))
        .optional()?;
    let Some(key) = key else {
        return Ok(false);
    };
    let holding = scopes_holding(connection, key)?;
    Ok(grants.iter().any(|grant| holding.contains(&grant.scope)))
}
