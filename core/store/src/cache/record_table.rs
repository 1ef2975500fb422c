//! Rows of every entity but leads, with their cells as one value.

use super::tables::{BaseRow, Standing};
use crate::StoreError;
use crate::error::In;
use crate::sql::{Key, key_at, pack, signed, u64_at, unpack};
use fieldfare_model::schema::{conflict, visit};
use fieldfare_model::{Columns, Entity, Row};
use rusqlite::{Connection, OptionalExtension, params};

pub(super) fn find(db: &Connection, (entity, id): Key) -> Result<Option<Standing>, StoreError> {
    db.prepare_cached("SELECT gen, version FROM record WHERE entity = ?1 AND id = ?2")
        .and_then(|mut s| {
            s.query_row(params![entity.0, id.as_bytes()], |row| {
                Ok(Standing {
                    generation: row.get(0)?,
                    version: u64_at(row, 1)?,
                    lead_no: 0,
                })
            })
            .optional()
        })
        .in_cache()
}

pub(super) fn read(db: &Connection, (entity, id): Key) -> Result<Option<BaseRow>, StoreError> {
    let found: Option<(i64, u64, Vec<u8>)> = db
        .prepare_cached("SELECT gen, version, columns FROM record WHERE entity = ?1 AND id = ?2")
        .and_then(|mut s| {
            s.query_row(params![entity.0, id.as_bytes()], |row| {
                Ok((row.get(0)?, u64_at(row, 1)?, row.get(2)?))
            })
            .optional()
        })
        .in_cache()?;
    found
        .map(|(generation, version, bytes)| {
            let columns = unpack(&bytes)?;
            let row = Row {
                id,
                version,
                columns,
            };
            Ok(BaseRow { generation, row })
        })
        .transpose()
}

pub(super) fn put(
    db: &Connection,
    entity: Entity,
    generation: i64,
    row: &Row,
) -> Result<(), StoreError> {
    let columns = pack(&row.columns)?;
    db.prepare_cached(
        "INSERT OR REPLACE INTO record (entity, id, version, gen, parent, columns)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )
    .and_then(|mut s| {
        s.execute(params![
            entity.0,
            row.id.as_bytes(),
            signed(row.version),
            generation,
            parent_of(entity, &row.columns),
            columns
        ])
    })
    .in_cache()?;
    Ok(())
}

pub(super) fn remove(db: &Connection, (entity, id): Key) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM record WHERE entity = ?1 AND id = ?2")
        .and_then(|mut s| s.execute(params![entity.0, id.as_bytes()]))
        .in_cache()?;
    Ok(())
}

pub(super) fn remove_generation(db: &Connection, generation: i64) -> Result<(), StoreError> {
    db.execute("DELETE FROM record WHERE gen = ?1", [generation])
        .in_cache()?;
    Ok(())
}

/// Every record, shown or not. One that does not read is passed over.
pub(super) fn for_each(
    db: &Connection,
    mut take: impl FnMut(Entity, &Row),
) -> Result<(), StoreError> {
    let mut statement = db
        .prepare_cached("SELECT entity, id, version, columns FROM record")
        .in_cache()?;
    let mut rows = statement.query([]).in_cache()?;
    while let Some(row) = rows.next().in_cache()? {
        let (entity, id) = key_at(row, 0).in_cache()?;
        let version = u64_at(row, 2).in_cache()?;
        let bytes: Vec<u8> = row.get(3).in_cache()?;
        if let Ok(columns) = unpack(&bytes) {
            let row = Row {
                id,
                version,
                columns,
            };
            take(entity, &row);
        }
    }
    Ok(())
}

/// The row a record belongs to: a visit's lead, a conflict's row.
fn parent_of(entity: Entity, columns: &Columns) -> Option<&[u8]> {
    match entity {
        Entity::VISIT => columns.get(visit::LEAD).as_bytes(),
        Entity::CONFLICT => columns.get(conflict::ROW).as_bytes(),
        _ => None,
    }
}
