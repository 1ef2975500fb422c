//! What the server said, apart from what this phone did since: the rows themselves where nothing
//! is pending, shadows where something is.
//!
//! A row in a final table is either shown, or belongs to exactly one scope that was never shown
//! and carries that scope's hidden generation. A second scope's version of such a row is held.

use super::shadow::{self, Shadow};
use super::state::{self, CacheState};
use super::tables::{BaseRow, Standing, Tables, cache_keys};
use super::{members, scopes};
use crate::StoreError;
use crate::error::In;
use crate::sql::{Key, pack, signed, u64_at, unpack};
use fieldfare_model::{Entity, Row};
use rusqlite::params;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) struct Base<'a> {
    pub(crate) tables: Tables<'a>,
    pub(crate) state: CacheState,
    /// The scope of each hidden generation.
    hidden: BTreeMap<i64, i64>,
    shadowed: BTreeSet<Key>,
    /// The newest version that repairs brought of each row.
    repaired: BTreeMap<Key, u64>,
    /// Rows whose edits must be applied again.
    pub(crate) stale: BTreeSet<Key>,
    /// Rows that look different now.
    pub(crate) changed: BTreeSet<Key>,
}

impl<'a> Base<'a> {
    pub(crate) fn load(tables: Tables<'a>) -> Result<Self, StoreError> {
        let scopes = scopes::all(tables.db)?;
        let unshown = scopes.iter().filter(|scope| !scope.is_shown);
        Ok(Self {
            tables,
            state: state::read(tables.db)?,
            hidden: unshown.map(|scope| (scope.generation, scope.no)).collect(),
            shadowed: shadow::keys(tables.db)?,
            repaired: BTreeMap::new(),
            stale: BTreeSet::new(),
            changed: BTreeSet::new(),
        })
    }

    pub(crate) fn has_shadow(&self, key: Key) -> bool {
        self.shadowed.contains(&key)
    }

    pub(crate) fn shadowed(&self) -> impl Iterator<Item = Key> + '_ {
        self.shadowed.iter().copied()
    }

    /// Notes a hidden generation made after loading.
    pub(crate) fn hide(&mut self, generation: i64, scope: i64) {
        self.hidden.insert(generation, scope);
    }

    /// Lets a scope's rows be seen.
    pub(crate) fn unhide(&mut self, generation: i64) -> Result<(), StoreError> {
        self.hidden.remove(&generation);
        scopes::unhide(self.tables.db, generation)
    }

    /// Takes over what the server says of a row, unless something newer is known.
    pub(crate) fn put(&mut self, entity: Entity, row: &Row) -> Result<(), StoreError> {
        let key = (entity, row.id);
        let is_newer = if self.has_shadow(key) {
            self.put_under_edits(key, row)?
        } else {
            self.put_plain(key, row)?
        };
        if is_newer {
            self.changed.insert(key);
        }
        Ok(())
    }

    /// Takes over what the server says of a row, whatever is known: a repair corrects what is
    /// wrong, not what is old. Of two repairs, as of two scopes compared one after the other, the
    /// newer stands.
    pub(crate) fn replace(&mut self, entity: Entity, row: &Row) -> Result<(), StoreError> {
        let key = (entity, row.id);
        let newest = self.repaired.entry(key).or_default();
        if *newest > row.version {
            return Ok(());
        }
        *newest = row.version;
        if self.has_shadow(key) {
            self.write_shadow(key, row)?;
        } else {
            let standing = self.shown_or_evicted(key)?;
            let generation = self.state.generation;
            self.tables.put(entity, standing, generation, row)?;
        }
        self.changed.insert(key);
        Ok(())
    }

    fn put_under_edits(&mut self, key: Key, row: &Row) -> Result<bool, StoreError> {
        let before = shadow::read(self.tables.db, key)?.flatten();
        if before.is_some_and(|b| self.is_known(b.generation, b.row.version, row)) {
            return Ok(false);
        }
        self.write_shadow(key, row)?;
        Ok(true)
    }

    fn write_shadow(&mut self, key: Key, row: &Row) -> Result<(), StoreError> {
        let base = BaseRow {
            generation: self.state.generation,
            row: row.clone(),
        };
        shadow::write(self.tables.db, key, &Some(base))?;
        self.stale.insert(key);
        Ok(())
    }

    fn put_plain(&mut self, key: Key, row: &Row) -> Result<bool, StoreError> {
        let standing = self.shown_or_evicted(key)?;
        if standing.is_some_and(|s| self.is_known(s.generation, s.version, row)) {
            return Ok(false);
        }
        let generation = self.state.generation;
        self.tables.put(key.0, standing, generation, row)?;
        Ok(true)
    }

    /// Whether a row of this history is at least as new as `row`.
    fn is_known(&self, generation: i64, version: u64, row: &Row) -> bool {
        generation >= self.state.generation && version >= row.version
    }

    /// Forgets what the server said of a row.
    pub(crate) fn forget(&mut self, key: Key) -> Result<(), StoreError> {
        if self.has_shadow(key) {
            shadow::write(self.tables.db, key, &None)?;
            self.stale.insert(key);
            self.changed.insert(key);
        } else if let Some(standing) = self.shown(key)? {
            self.tables.remove(key, standing)?;
            self.changed.insert(key);
        }
        Ok(())
    }

    /// What is shown under a key.
    fn shown(&self, key: Key) -> Result<Option<Standing>, StoreError> {
        let standing = self.tables.find(key)?;
        Ok(standing.filter(|s| !self.hidden.contains_key(&s.generation)))
    }

    /// What is shown under a key; a hidden row that stands there is moved out of the way.
    pub(crate) fn shown_or_evicted(&self, key: Key) -> Result<Option<Standing>, StoreError> {
        let Some(standing) = self.tables.find(key)? else {
            return Ok(None);
        };
        match self.hidden.get(&standing.generation) {
            None => Ok(Some(standing)),
            Some(scope) => {
                self.evict(key, standing, *scope)?;
                Ok(None)
            }
        }
    }

    fn evict(&self, key: Key, standing: Standing, scope: i64) -> Result<(), StoreError> {
        if let Some(base) = self.tables.read(key)? {
            hold(self.tables, key.0, scope, &base.row)?;
        }
        members::remove(self.tables.db, key, scope)?;
        self.tables.remove(key, standing)
    }

    /// The shadow of a row, made from what is shown if it has none yet.
    pub(crate) fn make_shadow(&mut self, key: Key) -> Result<Shadow, StoreError> {
        if let Some(shadow) = shadow::read(self.tables.db, key)? {
            return Ok(shadow);
        }
        let base = match self.shown_or_evicted(key)? {
            Some(_) => self.tables.read(key)?,
            None => None,
        };
        shadow::write(self.tables.db, key, &base)?;
        self.shadowed.insert(key);
        Ok(base)
    }

    pub(crate) fn remove_shadow(&mut self, key: Key) -> Result<(), StoreError> {
        self.shadowed.remove(&key);
        shadow::remove(self.tables.db, key)
    }
}

/// Keeps a row for a scope that was never shown, apart from the final tables.
pub(super) fn hold(
    tables: Tables<'_>,
    entity: Entity,
    scope: i64,
    row: &Row,
) -> Result<(), StoreError> {
    let columns = pack(&row.columns)?;
    tables
        .db
        .prepare_cached(
            "INSERT OR REPLACE INTO held (entity, id, scope_no, version, columns)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )
        .and_then(|mut s| {
            s.execute(params![
                entity.0,
                row.id.as_bytes(),
                scope,
                signed(row.version),
                columns
            ])
        })
        .in_cache()?;
    Ok(())
}

/// Whether a scope's version of a row is held.
pub(super) fn is_held(
    tables: Tables<'_>,
    (entity, id): Key,
    scope: i64,
) -> Result<bool, StoreError> {
    tables
        .db
        .prepare_cached("SELECT 1 FROM held WHERE entity = ?1 AND id = ?2 AND scope_no = ?3")
        .and_then(|mut s| s.exists(params![entity.0, id.as_bytes(), scope]))
        .in_cache()
}

pub(super) fn drop_held(
    tables: Tables<'_>,
    (entity, id): Key,
    scope: i64,
) -> Result<(), StoreError> {
    tables
        .db
        .prepare_cached("DELETE FROM held WHERE entity = ?1 AND id = ?2 AND scope_no = ?3")
        .and_then(|mut s| s.execute(params![entity.0, id.as_bytes(), scope]))
        .in_cache()?;
    Ok(())
}

/// Whether a scope holds any row apart.
pub(super) fn holds_any(tables: Tables<'_>, scope: i64) -> Result<bool, StoreError> {
    tables
        .db
        .prepare_cached("SELECT 1 FROM held WHERE scope_no = ?1")
        .and_then(|mut s| s.exists([scope]))
        .in_cache()
}

/// The keys a scope holds apart.
pub(super) fn held_keys(tables: Tables<'_>, scope: i64) -> Result<Vec<Key>, StoreError> {
    cache_keys(
        tables.db,
        "SELECT entity, id FROM held WHERE scope_no = ?1",
        [scope],
    )
}

/// A held row.
pub(super) fn read_held(
    tables: Tables<'_>,
    (entity, id): Key,
    scope: i64,
) -> Result<Row, StoreError> {
    let (version, columns): (u64, Vec<u8>) = tables
        .db
        .prepare_cached(
            "SELECT version, columns FROM held WHERE entity = ?1 AND id = ?2 AND scope_no = ?3",
        )
        .and_then(|mut s| {
            s.query_row(params![entity.0, id.as_bytes(), scope], |row| {
                Ok((u64_at(row, 0)?, row.get(1)?))
            })
        })
        .in_cache()?;
    let columns = unpack(&columns)?;
    Ok(Row {
        id,
        version,
        columns,
    })
}
