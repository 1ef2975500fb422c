//! Taking in frames without showing them.

use super::base::{self, Base};
use super::scopes::{self, Scope};
use super::tables::{Standing, Tables};
use super::{lead_table, members, state};
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
    let mut placer = Placer {
        has_held: base::holds_any(tables, scope.no)?,
        leads: lead_table::Writer::new(tables)?,
        members: members::Adder::new(tables.db, scope.no)?,
        base,
        scope,
    };
    for change in &frame.changes {
        match change {
            FeedChange::Put { entity, row } => placer.place(*entity, row)?,
            FeedChange::Leave { .. } => withdraw(&placer.base, scope, change.key())?,
        }
    }
    Ok(())
}

/// Puts the rows of a scope that was never shown in place.
struct Placer<'a> {
    base: Base<'a>,
    scope: &'a Scope,
    /// Whether the scope has rows that could not be put in place.
    has_held: bool,
    leads: lead_table::Writer<'a>,
    members: members::Adder<'a>,
}

impl Placer<'_> {
    fn place(&mut self, entity: Entity, row: &Row) -> Result<(), StoreError> {
        let key = (entity, row.id);
        let standing = self.find(key)?;
        if !self.may_stand(key, standing)? {
            self.has_held = true;
            return base::hold(self.base.tables, entity, self.scope.no, row);
        }
        let generation = self.scope.generation;
        match (entity, standing) {
            (Entity::LEAD, None) => self.leads.add(generation, row)?,
            _ => self.base.tables.put(entity, standing, generation, row)?,
        }
        self.members.add(key)
    }

    fn find(&mut self, (entity, id): Key) -> Result<Option<Standing>, StoreError> {
        match entity {
            Entity::LEAD => self.leads.find(id),
            _ => self.base.tables.find((entity, id)),
        }
    }

    /// Whether nothing else stands where the row is to be, nor waits for it.
    fn may_stand(&self, key: Key, standing: Option<Standing>) -> Result<bool, StoreError> {
        let is_free = standing.is_none_or(|s| s.generation == self.scope.generation);
        if !is_free || self.base.has_shadow(key) {
            return Ok(false);
        }
        Ok(!self.has_held || !base::is_held(self.base.tables, key, self.scope.no)?)
    }
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
