//! The final tables, whatever the entity.

use super::{lead_table, record_table};
use crate::StoreError;
use crate::error::In;
use crate::sql::{Key, key_at};
use fieldfare_model::{Entity, Row};
use rusqlite::Connection;

/// What stands in a final table under a key, without its cells.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    pub(crate) generation: i64,
    pub(crate) version: u64,
    /// Row number of a lead, for its full text.
    pub(super) lead_no: i64,
}

/// A row with the generation it was written under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BaseRow {
    pub(crate) generation: i64,
    pub(crate) row: Row,
}

/// The final tables in an open transaction.
#[derive(Clone, Copy)]
pub(crate) struct Tables<'a> {
    pub(crate) db: &'a Connection,
    pub(crate) full_text: bool,
}

impl Tables<'_> {
    pub(crate) fn find(&self, key: Key) -> Result<Option<Standing>, StoreError> {
        match key {
            (Entity::LEAD, id) => lead_table::find(self.db, id),
            _ => record_table::find(self.db, key),
        }
    }

    pub(crate) fn read(&self, key: Key) -> Result<Option<BaseRow>, StoreError> {
        match key {
            (Entity::LEAD, id) => lead_table::read(self.db, id),
            _ => record_table::read(self.db, key),
        }
    }

    /// Writes a row; `standing` is what [`Tables::find`] says of it now.
    pub(crate) fn put(
        &self,
        entity: Entity,
        standing: Option<Standing>,
        generation: i64,
        row: &Row,
    ) -> Result<(), StoreError> {
        match entity {
            Entity::LEAD => lead_table::put(self.db, self.full_text, standing, generation, row),
            _ => record_table::put(self.db, entity, generation, row),
        }
    }

    pub(crate) fn remove(&self, key: Key, standing: Standing) -> Result<(), StoreError> {
        match key {
            (Entity::LEAD, _) => lead_table::remove(self.db, self.full_text, standing),
            _ => record_table::remove(self.db, key),
        }
    }

    pub(crate) fn remove_generation(&self, generation: i64) -> Result<(), StoreError> {
        lead_table::remove_generation(self.db, self.full_text, generation)?;
        record_table::remove_generation(self.db, generation)
    }
}

/// Runs a query that gives entity and id in its first two columns.
pub(crate) fn keys(
    db: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
) -> rusqlite::Result<Vec<Key>> {
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map(params, |row| key_at(row, 0))?;
    rows.collect()
}

/// Same, for a file whose errors are the cache's.
pub(crate) fn cache_keys(
    db: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
) -> Result<Vec<Key>, StoreError> {
    keys(db, sql, params).in_cache()
}
