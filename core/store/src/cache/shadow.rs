//! What the server last said of rows that have edits on top.

use super::tables::{BaseRow, cache_keys};
use crate::StoreError;
use crate::error::In;
use crate::sql::{Key, pack, signed, u64_at, unpack};
use fieldfare_model::Row;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeSet;

/// What a shadow says: the server's row, or that it has none.
pub(crate) type Shadow = Option<BaseRow>;

pub(crate) fn keys(db: &Connection) -> Result<BTreeSet<Key>, StoreError> {
    let keys = cache_keys(db, "SELECT entity, id FROM shadow", [])?;
    Ok(keys.into_iter().collect())
}

/// The shadow of a row, `None` if it has none.
pub(crate) fn read(db: &Connection, (entity, id): Key) -> Result<Option<Shadow>, StoreError> {
    let found: Option<(u64, i64, Option<Vec<u8>>)> = db
        .prepare_cached("SELECT version, gen, columns FROM shadow WHERE entity = ?1 AND id = ?2")
        .and_then(|mut s| {
            s.query_row(params![entity.0, id.as_bytes()], |row| {
                Ok((u64_at(row, 0)?, row.get(1)?, row.get(2)?))
            })
            .optional()
        })
        .in_cache()?;
    let Some((version, generation, columns)) = found else {
        return Ok(None);
    };
    let shadow = columns.map(|bytes| {
        let columns = unpack(&bytes)?;
        let row = Row {
            id,
            version,
            columns,
        };
        Ok::<_, StoreError>(BaseRow { generation, row })
    });
    Ok(Some(shadow.transpose()?))
}

pub(crate) fn write(db: &Connection, (entity, id): Key, base: &Shadow) -> Result<(), StoreError> {
    let columns = base.as_ref().map(|b| pack(&b.row.columns)).transpose()?;
    let (version, generation) = base
        .as_ref()
        .map_or((0, 0), |b| (signed(b.row.version), b.generation));
    db.prepare_cached(
        "INSERT OR REPLACE INTO shadow (entity, id, version, gen, columns)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )
    .and_then(|mut s| {
        s.execute(params![
            entity.0,
            id.as_bytes(),
            version,
            generation,
            columns
        ])
    })
    .in_cache()?;
    Ok(())
}

pub(crate) fn remove(db: &Connection, (entity, id): Key) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM shadow WHERE entity = ?1 AND id = ?2")
        .and_then(|mut s| s.execute(params![entity.0, id.as_bytes()]))
        .in_cache()?;
    Ok(())
}
