//! The scopes this phone pulls from.

use super::state;
use crate::StoreError;
use crate::error::In;
use crate::sql::{signed, u64_at};
use fieldfare_sync::{Priority, ScopeId};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// A scope as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    pub(crate) no: i64,
    pub(crate) name: String,
    pub(crate) cursor: u64,
    pub(crate) is_shown: bool,
    /// The hidden generation of a scope that was never shown.
    pub(crate) generation: i64,
    /// The head that was read when its first frame was.
    pub(crate) anchor: u64,
    /// Whether its cursor means nothing until it is compared.
    pub(crate) is_uncompared: bool,
}

const SELECT: &str = "SELECT no, name, cursor, shown, gen, anchor, uncompared FROM scope";

fn from_sql(row: &Row<'_>) -> rusqlite::Result<Scope> {
    Ok(Scope {
        no: row.get(0)?,
        name: row.get(1)?,
        cursor: u64_at(row, 2)?,
        is_shown: row.get(3)?,
        generation: row.get(4)?,
        anchor: u64_at(row, 5)?,
        is_uncompared: row.get(6)?,
    })
}

pub(crate) fn all(db: &Connection) -> Result<Vec<Scope>, StoreError> {
    db.prepare_cached(&format!("{SELECT} ORDER BY no"))
        .and_then(|mut s| s.query_map([], from_sql)?.collect())
        .in_cache()
}

pub(crate) fn find(db: &Connection, name: &ScopeId) -> Result<Option<Scope>, StoreError> {
    db.prepare_cached(&format!("{SELECT} WHERE name = ?1"))
        .and_then(|mut s| s.query_row([name.as_str()], from_sql).optional())
        .in_cache()
}

/// The scope; one that is new begins at 0, its first frame having been read at `anchor`.
pub(crate) fn find_or_make(
    db: &Connection,
    name: &ScopeId,
    anchor: u64,
) -> Result<Scope, StoreError> {
    match find(db, name)? {
        Some(scope) => Ok(scope),
        None => make(db, name, anchor),
    }
}

fn make(db: &Connection, name: &ScopeId, anchor: u64) -> Result<Scope, StoreError> {
    let generation = state::take_generation(db)?;
    db.execute("INSERT INTO hidden (gen) VALUES (?1)", [generation])
        .in_cache()?;
    db.execute(
        "INSERT INTO scope (name, cursor, priority, shown, gen, anchor)
         VALUES (?1, 0, ?2, 0, ?3, ?4)",
        params![name.as_str(), name.priority().0, generation, signed(anchor)],
    )
    .in_cache()?;
    Ok(Scope {
        no: db.last_insert_rowid(),
        name: name.as_str().to_owned(),
        cursor: 0,
        is_shown: false,
        generation,
        anchor,
        is_uncompared: false,
    })
}

pub(crate) fn set_cursor(db: &Connection, no: i64, cursor: u64) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE scope SET cursor = ?2 WHERE no = ?1")
        .and_then(|mut s| s.execute(params![no, signed(cursor)]))
        .in_cache()?;
    Ok(())
}

/// Notes that a scope is shown, complete at `head`.
pub(crate) fn set_shown(
    db: &Connection,
    no: i64,
    priority: Priority,
    head: u64,
) -> Result<(), StoreError> {
    db.execute(
        "UPDATE scope SET shown = 1, priority = ?2, cursor = max(cursor, ?3)
         WHERE no = ?1",
        params![no, priority.0, signed(head)],
    )
    .in_cache()?;
    Ok(())
}

/// Lets rows of a generation be seen.
pub(crate) fn unhide(db: &Connection, generation: i64) -> Result<(), StoreError> {
    db.execute("DELETE FROM hidden WHERE gen = ?1", [generation])
        .in_cache()?;
    Ok(())
}

/// Makes every cursor mean nothing until its scope is compared.
pub(crate) fn set_uncompared(db: &Connection) -> Result<(), StoreError> {
    db.execute(
        "UPDATE scope SET cursor = 0, anchor = 0, uncompared = shown",
        [],
    )
    .in_cache()?;
    Ok(())
}

/// Notes that a scope was compared at `head`.
pub(crate) fn set_compared(db: &Connection, no: i64, head: u64) -> Result<(), StoreError> {
    db.execute(
        "UPDATE scope SET cursor = ?2, uncompared = 0 WHERE no = ?1",
        params![no, signed(head)],
    )
    .in_cache()?;
    Ok(())
}

pub(crate) fn remove(db: &Connection, scope: &Scope) -> Result<(), StoreError> {
    for table in ["staged", "held", "member", "repair", "repaired", "gone"] {
        let sql = format!("DELETE FROM {table} WHERE scope_no = ?1");
        db.execute(&sql, [scope.no]).in_cache()?;
    }
    unhide(db, scope.generation)?;
    db.execute("DELETE FROM scope WHERE no = ?1", [scope.no])
        .in_cache()?;
    Ok(())
}
