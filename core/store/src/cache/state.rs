//! The one row that says where the cache stands.

use crate::StoreError;
use crate::error::In;
use crate::sql::{signed, u64_at};
use fieldfare_sync::{Epoch, Holdings};
use rusqlite::Connection;

/// Where the cache stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CacheState {
    pub(crate) epoch: Option<Epoch>,
    /// The complete head that is shown.
    pub(crate) head: u64,
    /// The generation shown rows are written under. Rows of a smaller one, unless they were once
    /// hidden under a larger one, belong to an earlier history.
    pub(crate) generation: i64,
    /// How often a scope was not what the server said it was.
    pub(crate) mismatches: u64,
}

pub(crate) fn read(db: &Connection) -> Result<CacheState, StoreError> {
    let state = |row: &rusqlite::Row<'_>| {
        let epoch: Option<i64> = row.get(0)?;
        Ok(CacheState {
            epoch: epoch.map(|bits| Epoch(bits.cast_unsigned())),
            head: u64_at(row, 1)?,
            generation: row.get(2)?,
            mismatches: u64_at(row, 3)?,
        })
    };
    db.prepare_cached("SELECT epoch, head, gen, mismatches FROM state")
        .and_then(|mut s| s.query_row([], state))
        .in_cache()
}

pub(crate) fn set_head(db: &Connection, head: u64) -> Result<(), StoreError> {
    db.execute("UPDATE state SET head = ?1", [signed(head)])
        .in_cache()?;
    Ok(())
}

/// A generation number never given out before.
pub(crate) fn take_generation(db: &Connection) -> Result<i64, StoreError> {
    db.query_row(
        "UPDATE state SET next_gen = next_gen + 1 RETURNING next_gen - 1",
        [],
        |row| row.get(0),
    )
    .in_cache()
}

pub(crate) fn set_epoch(db: &Connection, epoch: Epoch) -> Result<(), StoreError> {
    db.execute("UPDATE state SET epoch = ?1", [epoch.0.cast_signed()])
        .in_cache()?;
    Ok(())
}

/// What the server last said that the device holds.
pub(crate) fn holdings(db: &Connection) -> Result<Option<Holdings>, StoreError> {
    let kept: Option<Vec<u8>> = db
        .query_row("SELECT holdings FROM state", [], |row| row.get(0))
        .in_cache()?;
    Ok(kept.and_then(|bytes| Holdings::from_bytes(&bytes)))
}

pub(crate) fn set_holdings(db: &Connection, holdings: &Holdings) -> Result<(), StoreError> {
    db.execute("UPDATE state SET holdings = ?1", [holdings.to_bytes()?])
        .in_cache()?;
    Ok(())
}

/// Makes every shown row one of an earlier history.
pub(crate) fn begin_history(db: &Connection) -> Result<(), StoreError> {
    let generation = take_generation(db)?;
    db.execute("UPDATE state SET head = 0, gen = ?1", [generation])
        .in_cache()?;
    Ok(())
}
