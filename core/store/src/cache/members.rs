//! Which scopes hold which rows.

use super::tables::cache_keys;
use crate::StoreError;
use crate::error::In;
use crate::sql::Key;
use rusqlite::{CachedStatement, Connection, params};

pub(crate) fn add(db: &Connection, key: Key, scope: i64) -> Result<(), StoreError> {
    Adder::new(db, scope)?.add(key)
}

/// Adds many rows to one scope.
pub(super) struct Adder<'a> {
    insert: CachedStatement<'a>,
    scope: i64,
}

impl<'a> Adder<'a> {
    pub(super) fn new(db: &'a Connection, scope: i64) -> Result<Self, StoreError> {
        let sql = "INSERT OR IGNORE INTO member (entity, id, scope_no) VALUES (?1, ?2, ?3)";
        let insert = db.prepare_cached(sql).in_cache()?;
        Ok(Self { insert, scope })
    }

    pub(super) fn add(&mut self, (entity, id): Key) -> Result<(), StoreError> {
        self.insert
            .execute(params![entity.0, id.as_bytes(), self.scope])
            .in_cache()?;
        Ok(())
    }
}

pub(crate) fn remove(db: &Connection, (entity, id): Key, scope: i64) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM member WHERE entity = ?1 AND id = ?2 AND scope_no = ?3")
        .and_then(|mut s| s.execute(params![entity.0, id.as_bytes(), scope]))
        .in_cache()?;
    Ok(())
}

/// The scopes that hold a row.
pub(super) fn holders(db: &Connection, (entity, id): Key) -> Result<Vec<i64>, StoreError> {
    db.prepare_cached("SELECT scope_no FROM member WHERE entity = ?1 AND id = ?2")
        .and_then(|mut s| {
            s.query_map(params![entity.0, id.as_bytes()], |row| row.get(0))?
                .collect()
        })
        .in_cache()
}

/// Whether any scope holds the row.
pub(crate) fn has_any(db: &Connection, (entity, id): Key) -> Result<bool, StoreError> {
    db.prepare_cached("SELECT 1 FROM member WHERE entity = ?1 AND id = ?2")
        .and_then(|mut s| s.exists(params![entity.0, id.as_bytes()]))
        .in_cache()
}

pub(crate) fn of_scope(db: &Connection, scope: i64) -> Result<Vec<Key>, StoreError> {
    cache_keys(
        db,
        "SELECT entity, id FROM member WHERE scope_no = ?1",
        [scope],
    )
}

pub(crate) fn remove_scope(db: &Connection, scope: i64) -> Result<(), StoreError> {
    db.execute("DELETE FROM member WHERE scope_no = ?1", [scope])
        .in_cache()?;
    Ok(())
}
