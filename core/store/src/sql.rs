//! Between SQL values and the vocabulary.

use crate::StoreError;
use fieldfare_model::{Columns, Entity, RowId, Value};
use rusqlite::types::{FromSqlError, ToSqlOutput, Type, ValueRef};
use rusqlite::{Row, ToSql};

/// A row of any entity.
pub(crate) type Key = (Entity, RowId);

/// Versions, cursors and numbers fit SQLite's integers; more than that is no real number.
pub(crate) fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

pub(crate) fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

pub(crate) fn u64_at(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    row.get(at).map(unsigned)
}

/// A sixteen-byte id.
pub(crate) fn id_at<T: From<RowId>>(row: &Row<'_>, at: usize) -> rusqlite::Result<T> {
    let bytes: [u8; 16] = row.get(at)?;
    Ok(RowId::from_bytes(bytes).into())
}

pub(crate) fn optional_id_at<T: From<RowId>>(
    row: &Row<'_>,
    at: usize,
) -> rusqlite::Result<Option<T>> {
    let bytes: Option<[u8; 16]> = row.get(at)?;
    Ok(bytes.map(|bytes| RowId::from_bytes(bytes).into()))
}

/// Entity and id in two columns that stand next to each other.
pub(crate) fn key_at(row: &Row<'_>, at: usize) -> rusqlite::Result<Key> {
    Ok((Entity(row.get(at)?), id_at(row, at + 1)?))
}

/// A cell, as it goes into SQL.
pub(crate) struct Cell<'a>(pub(crate) &'a Value);

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Int(n) => ValueRef::Integer(*n),
            Value::Text(t) => ValueRef::Text(t.as_bytes()),
            Value::Bytes(b) => ValueRef::Blob(b),
        }))
    }
}

/// A cell where SQLite has it.
pub(crate) enum Stored<'a> {
    Null,
    Int(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
}

pub(crate) fn stored_at<'a>(row: &'a Row<'_>, at: usize) -> rusqlite::Result<Stored<'a>> {
    Ok(match row.get_ref(at)? {
        ValueRef::Null => Stored::Null,
        ValueRef::Integer(n) => Stored::Int(n),
        ValueRef::Blob(b) => Stored::Bytes(b),
        text @ ValueRef::Text(_) => Stored::Text(text.as_str().map_err(|e| broken(at, e))?),
        ValueRef::Real(_) => return Err(broken(at, FromSqlError::InvalidType)),
    })
}

/// A cell, as it comes from SQL.
pub(crate) fn cell_at(row: &Row<'_>, at: usize) -> rusqlite::Result<Value> {
    Ok(match stored_at(row, at)? {
        Stored::Null => Value::Null,
        Stored::Int(n) => Value::Int(n),
        Stored::Text(text) => Value::Text(text.to_owned()),
        Stored::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
    })
}

fn broken(at: usize, error: FromSqlError) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(at, Type::Blob, Box::new(error))
}

/// The stored form of cells.
pub(crate) fn pack(columns: &Columns) -> Result<Vec<u8>, StoreError> {
    rmp_serde::to_vec(columns).map_err(|_| StoreError::Encoding("columns"))
}

pub(crate) fn unpack(bytes: &[u8]) -> Result<Columns, StoreError> {
    rmp_serde::from_slice(bytes).map_err(|_| StoreError::Encoding("columns"))
}
