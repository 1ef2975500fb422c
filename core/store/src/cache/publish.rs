//! Showing what was staged, all at once.

use super::base::{self, Base};
use super::overlay::{self, PendingEdits};
use super::scopes::{self, Scope};
use super::tables::Tables;
use super::{digests, members, state};
use crate::StoreError;
use crate::error::In;
use crate::sql::Key;
use fieldfare_sync::{Checkpoint, FeedChange, Frame, ScopeGrant};
use std::collections::BTreeSet;

/// Shows what was staged for granted scopes: see `PhoneStore::publish`.
///
/// `pending` are the edits that remain once the checkpoint is shown. Returns the rows that look
/// different.
pub(crate) fn publish(
    tables: Tables<'_>,
    grants: &[ScopeGrant],
    checkpoint: &Checkpoint,
    pending: &dyn PendingEdits,
) -> Result<Vec<Key>, StoreError> {
    if !may_publish(tables, grants, checkpoint)? {
        return Ok(Vec::new());
    }
    let mut publication = Publication {
        base: Base::load(tables)?,
        orphans: BTreeSet::new(),
    };
    publication.show_scopes(grants, checkpoint)?;
    if checkpoint.complete {
        publication.drop_revoked(grants)?;
        state::set_head(tables.db, checkpoint.head)?;
    }
    publication.drop_orphans()?;
    publication.apply_edits(pending, checkpoint.complete)?;
    Ok(publication.base.changed.into_iter().collect())
}

/// Part of the scopes may be shown early only while none was ever shown, so that a row on its
/// way from one to the other is never missing from both.
fn may_publish(
    tables: Tables<'_>,
    grants: &[ScopeGrant],
    checkpoint: &Checkpoint,
) -> Result<bool, StoreError> {
    if checkpoint.complete {
        return Ok(true);
    }
    for grant in grants {
        if is_shown(tables, grant)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a scope was ever shown.
pub(crate) fn is_shown(tables: Tables<'_>, grant: &ScopeGrant) -> Result<bool, StoreError> {
    Ok(scopes::find(tables.db, &grant.scope)?.is_some_and(|scope| scope.is_shown))
}

struct Publication<'a> {
    base: Base<'a>,
    /// Rows that some scope no longer holds.
    orphans: BTreeSet<Key>,
}

impl<'a> Publication<'a> {
    fn tables(&self) -> Tables<'a> {
        self.base.tables
    }

    fn show_scopes(
        &mut self,
        grants: &[ScopeGrant],
        checkpoint: &Checkpoint,
    ) -> Result<(), StoreError> {
        let scopes = self.due_scopes(grants, checkpoint)?;
        // Before anything that was pulled, also for scopes that were never shown: a repair is older
        // and replaces whatever can be seen.
        for (_, scope) in &scopes {
            let gone = digests::apply_repairs(&mut self.base, scope)?;
            self.orphans.extend(gone);
        }
        for (_, scope) in scopes.iter().filter(|(_, scope)| !scope.is_shown) {
            self.unhide(scope)?;
        }
        for (grant, scope) in &scopes {
            if scope.is_shown {
                self.apply_staged(scope)?;
            } else {
                self.apply_held(scope)?;
            }
            scopes::set_shown(self.tables().db, scope.no, grant.priority, checkpoint.head)?;
        }
        Ok(())
    }

    fn due_scopes<'g>(
        &mut self,
        grants: &'g [ScopeGrant],
        checkpoint: &Checkpoint,
    ) -> Result<Vec<(&'g ScopeGrant, Scope)>, StoreError> {
        let mut due = Vec::new();
        for grant in grants {
            if checkpoint.complete || grant.priority <= checkpoint.priority {
                let scope = scopes::find_or_make(self.tables().db, &grant.scope, 0)?;
                due.push((grant, scope));
            }
        }
        Ok(due)
    }

    fn unhide(&mut self, scope: &Scope) -> Result<(), StoreError> {
        let rows = members::of_scope(self.tables().db, scope.no)?;
        self.base.changed.extend(rows);
        self.base.unhide(scope.generation)
    }

    fn apply_held(&mut self, scope: &Scope) -> Result<(), StoreError> {
        for key in base::held_keys(self.tables(), scope.no)? {
            let row = base::read_held(self.tables(), key, scope.no)?;
            base::drop_held(self.tables(), key, scope.no)?;
            self.base.put(key.0, &row)?;
            members::add(self.tables().db, key, scope.no)?;
        }
        Ok(())
    }

    fn apply_staged(&mut self, scope: &Scope) -> Result<(), StoreError> {
        for no in staged_numbers(self.tables(), scope.no)? {
            let frame = Frame::decode(&staged_bytes(self.tables(), no)?)?;
            for change in &frame.changes {
                self.apply(scope, change)?;
            }
        }
        drop_staged(self.tables(), scope.no)
    }

    fn apply(&mut self, scope: &Scope, change: &FeedChange) -> Result<(), StoreError> {
        match change {
            FeedChange::Put { entity, row } => {
                self.base.put(*entity, row)?;
                members::add(self.tables().db, change.key(), scope.no)
            }
            FeedChange::Leave { .. } => {
                self.orphans.insert(change.key());
                members::remove(self.tables().db, change.key(), scope.no)
            }
        }
    }

    fn drop_revoked(&mut self, grants: &[ScopeGrant]) -> Result<(), StoreError> {
        for scope in scopes::all(self.tables().db)? {
            if grants.iter().any(|g| g.scope.as_str() == scope.name) {
                continue;
            }
            if scope.is_shown {
                let rows = members::of_scope(self.tables().db, scope.no)?;
                self.orphans.extend(rows);
            } else {
                self.tables().remove_generation(scope.generation)?;
                self.base.unhide(scope.generation)?;
            }
            scopes::remove(self.tables().db, &scope)?;
        }
        Ok(())
    }

    fn drop_orphans(&mut self) -> Result<(), StoreError> {
        for key in std::mem::take(&mut self.orphans) {
            if !members::has_any(self.tables().db, key)? {
                self.base.forget(key)?;
            }
        }
        Ok(())
    }

    /// A complete checkpoint may end edits on any row; a part only touches what it brought.
    fn apply_edits(
        &mut self,
        pending: &dyn PendingEdits,
        is_complete: bool,
    ) -> Result<(), StoreError> {
        let mut rows = std::mem::take(&mut self.base.stale);
        if is_complete {
            rows.extend(self.base.shadowed());
        }
        for key in rows {
            overlay::refresh(&mut self.base, key, pending)?;
        }
        Ok(())
    }
}

pub(super) fn staged_numbers(tables: Tables<'_>, scope: i64) -> Result<Vec<i64>, StoreError> {
    tables
        .db
        .prepare_cached("SELECT no FROM staged WHERE scope_no = ?1 ORDER BY no")
        .and_then(|mut s| s.query_map([scope], |row| row.get(0))?.collect())
        .in_cache()
}

pub(super) fn staged_bytes(tables: Tables<'_>, no: i64) -> Result<Vec<u8>, StoreError> {
    tables
        .db
        .query_row("SELECT bytes FROM staged WHERE no = ?1", [no], |row| {
            row.get(0)
        })
        .in_cache()
}

pub(super) fn drop_staged(tables: Tables<'_>, scope: i64) -> Result<(), StoreError> {
    tables
        .db
        .execute("DELETE FROM staged WHERE scope_no = ?1", [scope])
        .in_cache()?;
    Ok(())
}
