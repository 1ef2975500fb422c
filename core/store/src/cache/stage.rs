//! Taking in frames without showing them.

use super::base::{self, Base};
use super::scopes::{self, Scope};
use super::tables::Tables;
use super::{members, state};
use crate::StoreError;
use crate::error::In;
use crate::sql::Key;
use fieldfare_model::{Entity, Row};
use fieldfare_sync::{Epoch, FeedChange, Frame};
use rusqlite::params;

/// Keeps a frame and moves the cursor.
pub(crate) fn stage(
    tables: Tables<'_>,
    frame: &Frame,
    bytes: &[u8],
    read_at: u64,
) -> Result<(), StoreError> {
    let scope = scopes::find_or_make(tables.db, &frame.scope, read_at)?;
    if frame.from > scope.cursor {
        return Err(StoreError::FrameOrder);
    }
    if frame.to <= scope.cursor {
        return Ok(());
    }
    if scope.is_shown {
        keep_bytes(tables, &scope, bytes)?;
    } else {
        place_rows(tables, &scope, frame)?;
    }
    scopes::set_cursor(tables.db, scope.no, frame.to)
}

fn keep_bytes(tables: Tables<'_>, scope: &Scope, bytes: &[u8]) -> Result<(), StoreError> {
    tables
        .db
        .execute(
            "INSERT INTO staged (scope_no, bytes) VALUES (?1, ?2)",
            params![scope.no, bytes],
        )
        .in_cache()?;
    Ok(())
}

/// A scope that was never shown gets its rows in place at once, so that showing them later is
/// small however many there are.
fn place_rows(tables: Tables<'_>, scope: &Scope, frame: &Frame) -> Result<(), StoreError> {
    let mut base = Base::load(tables)?;
    base.hide(scope.generation, scope.no);
    for change in &frame.changes {
        match change {
            FeedChange::Put { entity, row } => place(&base, scope, *entity, row)?,
            FeedChange::Leave { .. } => withdraw(&base, scope, change.key())?,
        }
    }
    Ok(())
}

fn place(base: &Base<'_>, scope: &Scope, entity: Entity, row: &Row) -> Result<(), StoreError> {
    let tables = base.tables;
    let key = (entity, row.id);
    let standing = tables.find(key)?;
    let is_free = standing.is_none_or(|s| s.generation == scope.generation);
    if is_free && !base.has_shadow(key) && !base::is_held(tables, key, scope.no)? {
        tables.put(entity, standing, scope.generation, row)?;
        return members::add(tables.db, key, scope.no);
    }
    base::hold(tables, entity, scope.no, row)
}

fn withdraw(base: &Base<'_>, scope: &Scope, key: Key) -> Result<(), StoreError> {
    let tables = base.tables;
    base::drop_held(tables, key, scope.no)?;
    match tables.find(key)? {
        Some(standing) if standing.generation == scope.generation => {
            tables.remove(key, standing)?;
            members::remove(tables.db, key, scope.no)
        }
        _ => Ok(()),
    }
}

/// Takes up another history: see `PhoneStore::begin_rebase`.
pub(crate) fn begin_rebase(tables: Tables<'_>, epoch: Epoch) -> Result<(), StoreError> {
    drop_staged(tables)?;
    scopes::set_uncompared(tables.db)?;
    state::begin_history(tables.db)?;
    state::set_epoch(tables.db, epoch)
}

fn drop_staged(tables: Tables<'_>) -> Result<(), StoreError> {
    tables
        .db
        .execute_batch(
            "DELETE FROM staged; DELETE FROM held;
             DELETE FROM repair; DELETE FROM repaired; DELETE FROM gone;",
        )
        .in_cache()?;
    for scope in scopes::all(tables.db)? {
        if !scope.is_shown {
            tables.remove_generation(scope.generation)?;
            members::remove_scope(tables.db, scope.no)?;
        }
    }
    // A hidden generation must be younger than the history it belongs to.
    renew_hidden(tables)
}

fn renew_hidden(tables: Tables<'_>) -> Result<(), StoreError> {
    tables
        .db
        .execute_batch("DELETE FROM hidden; DELETE FROM scope WHERE shown = 0;")
        .in_cache()
}
