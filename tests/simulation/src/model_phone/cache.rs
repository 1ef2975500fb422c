//! What the server said, and what the protocol does to it.

use super::*;

#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    pub(super) cursor: u64,
    pub(super) anchor: u64,
    pub(super) shown: bool,
    pub(super) uncompared: bool,
    pub(super) to_repair: BTreeSet<u8>,
    pub(super) repaired: Vec<FeedChange>,
    pub(super) gone: BTreeSet<Key>,
    pub(super) staged: Vec<FeedChange>,
}

/// `cache.db`: what is committed survives a kill, and a power cut only after a later sync.
#[derive(Debug, Clone, Default)]
pub(super) struct Cache {
    pub(super) epoch: Option<Epoch>,
    pub(super) head: u64,
    pub(super) scopes: BTreeMap<ScopeId, Scope>,
    /// Each with the history in which it was written.
    pub(super) rows: BTreeMap<Key, (Option<Epoch>, Rc<Row>)>,
    pub(super) members: BTreeMap<Key, BTreeSet<ScopeId>>,
    pub(super) mismatches: u64,
    pub(super) holdings: Option<Holdings>,
}

impl Cache {
    pub(super) fn leave(&mut self, key: Key, scope: &ScopeId) {
        if let Some(held) = self.members.get_mut(&key) {
            held.remove(scope);
            if held.is_empty() {
                self.members.remove(&key);
                self.rows.remove(&key);
            }
        }
    }

    pub(super) fn apply(&mut self, scope: &ScopeId, change: &FeedChange) {
        let key = change.key();
        match change {
            FeedChange::Put { row, .. } => {
                let known = self.rows.get(&key);
                let is_newer = known.is_some_and(|(epoch, known)| {
                    *epoch == self.epoch && known.version >= row.version
                });
                if !is_newer {
                    self.write_row(key, row);
                }
                self.members.entry(key).or_default().insert(scope.clone());
            }
            FeedChange::Leave {
                reason: LeaveReason::Left,
                ..
            } if seeded_bug!("lost leave") => {}
            FeedChange::Leave { .. } => self.leave(key, scope),
        }
    }

    pub(super) fn write_row(&mut self, key: Key, row: &Row) {
        self.rows.insert(key, (self.epoch, Rc::new(row.clone())));
    }

    pub(super) fn drop_scope(&mut self, scope: &ScopeId) {
        let held = self.members.iter().filter(|(_, held)| held.contains(scope));
        let keys: Vec<Key> = held.map(|(key, _)| *key).collect();
        keys.into_iter().for_each(|key| self.leave(key, scope));
        self.scopes.remove(scope);
    }

    pub(super) fn rows_of(&self, scope: &ScopeId) -> impl Iterator<Item = (Entity, &Row)> {
        let held = self
            .members
            .iter()
            .filter(move |(_, held)| held.contains(scope));
        held.filter_map(|(key, _)| Some((key.0, self.rows.get(key)?.1.as_ref())))
    }

    /// Rows a scope should hold and that are not there.
    pub(super) fn missing(&self, scope: &ScopeId) -> impl Iterator<Item = Key> {
        let held = self
            .members
            .iter()
            .filter(move |(_, held)| held.contains(scope));
        held.map(|(key, _)| *key)
            .filter(|key| !self.rows.contains_key(key))
    }

    pub(super) fn publish(&mut self, grants: &[ScopeGrant], checkpoint: &Checkpoint) {
        let due = grants
            .iter()
            .filter(|g| checkpoint.complete || g.priority <= checkpoint.priority);
        let mut staged: Vec<(ScopeId, FeedChange)> = Vec::new();
        let mut newest: BTreeMap<Key, u64> = BTreeMap::new();
        for grant in due {
            let scope = self.scopes.entry(grant.scope.clone()).or_default();
            scope.shown = true;
            scope.cursor = scope.cursor.max(checkpoint.head);
            let gone = std::mem::take(&mut scope.gone);
            let repaired = std::mem::take(&mut scope.repaired);
            let changes = std::mem::take(&mut scope.staged);
            staged.extend(changes.into_iter().map(|c| (grant.scope.clone(), c)));
            gone.into_iter()
                .for_each(|key| self.leave(key, &grant.scope));
            for change in &repaired {
                if let FeedChange::Put { row, .. } = change {
                    // Of two scopes compared one after the other, the later one knows better.
                    let newest = newest.entry(change.key()).or_default();
                    if *newest <= row.version {
                        *newest = row.version;
                        self.write_row(change.key(), row);
                    }
                    self.apply(&grant.scope, change);
                }
            }
        }
        staged.sort_by_key(|(_, c)| (c.seq(), matches!(c, FeedChange::Leave { .. })));
        staged
            .iter()
            .for_each(|(scope, change)| self.apply(scope, change));
        if checkpoint.complete {
            self.drop_revoked(grants);
            self.head = checkpoint.head;
        }
    }

    pub(super) fn drop_revoked(&mut self, grants: &[ScopeGrant]) {
        let is_granted = |scope: &ScopeId| grants.iter().any(|g| g.scope == *scope);
        let revoked = self.scopes.keys().filter(|scope| !is_granted(scope));
        let revoked: Vec<ScopeId> = revoked.cloned().collect();
        revoked.iter().for_each(|scope| self.drop_scope(scope));
    }

    pub(super) fn look(&self, outbox: &Outbox, key: Key) -> Option<Row> {
        let mut look = self.rows.get(&key).map(|(_, row)| row.as_ref().clone());
        let on_top = outbox.operations.values();
        let on_top = on_top.filter(|kept| kept.is_on_top(self.head));
        for kept in on_top.filter(|kept| (kept.operation.entity, kept.operation.row) == key) {
            match (&kept.operation.change, &mut look) {
                (Change::Create(columns), None) => look = Some(made_here(key.1, columns)),
                (Change::Edit(edits), Some(row)) => {
                    for edit in edits {
                        let current = row.columns.get(edit.tag);
                        if shows_on_top(key.0, edit.tag, current, &edit.new) {
                            row.columns.set(edit.tag, edit.new.clone());
                        }
                    }
                }
                _ => {}
            }
        }
        look
    }
}

pub(super) fn made_here(id: RowId, columns: &Columns) -> Row {
    Row {
        id,
        version: 0,
        columns: columns.clone(),
    }
}
