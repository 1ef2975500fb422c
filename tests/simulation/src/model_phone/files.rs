//! What is durable of a phone, and what the protocol does to it.

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

#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) operation: Operation,
    pub(super) client: Option<ClientId>,
    pub(super) outcome: Option<Outcome>,
    /// Whether it lies on top of what the server said.
    pub(super) overlay: bool,
    pub(super) answered_at: TimestampMs,
}

impl Kept {
    pub(super) fn waits(&self) -> bool {
        self.outcome.is_none()
    }
}

/// What is durable.
#[derive(Debug, Clone)]
pub(super) struct Files {
    pub(super) client: ClientId,
    pub(super) next_n: u64,
    pub(super) epoch: Option<Epoch>,
    pub(super) head: u64,
    pub(super) scopes: BTreeMap<ScopeId, Scope>,
    /// Each with the history in which it was written.
    pub(super) rows: BTreeMap<Key, (Option<Epoch>, Rc<Row>)>,
    pub(super) members: BTreeMap<Key, BTreeSet<ScopeId>>,
    pub(super) outbox: BTreeMap<OperationId, Kept>,
    pub(super) gaps: Vec<NumberGap>,
    pub(super) mismatches: u64,
}

impl Files {
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

    pub(super) fn fork(&mut self, client: ClientId) {
        self.client = client;
        self.next_n = 1;
        for kept in self.outbox.values_mut().filter(|kept| kept.waits()) {
            kept.operation.n = 0;
            kept.client = None;
        }
    }

    pub(super) fn publish(&mut self, grants: &[ScopeGrant], checkpoint: &Checkpoint) {
        let due = grants
            .iter()
            .filter(|g| checkpoint.complete || g.priority <= checkpoint.priority);
        let mut staged: Vec<(ScopeId, FeedChange)> = Vec::new();
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
                    self.write_row(change.key(), row);
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
            self.settle();
        }
    }

    pub(super) fn drop_revoked(&mut self, grants: &[ScopeGrant]) {
        let is_granted = |scope: &ScopeId| grants.iter().any(|g| g.scope == *scope);
        let revoked = self.scopes.keys().filter(|scope| !is_granted(scope));
        let revoked: Vec<ScopeId> = revoked.cloned().collect();
        revoked.iter().for_each(|scope| self.drop_scope(scope));
    }

    pub(super) fn settle(&mut self) {
        let head = self.head;
        for kept in self.outbox.values_mut() {
            let version = kept.outcome.as_ref().and_then(Outcome::version);
            if version.is_some_and(|version| version <= head)
                || seeded_bug!("overlay dropped on pull")
            {
                kept.overlay = false;
            }
        }
    }

    pub(super) fn reoffer(&mut self, which: Reoffer, fresh: ClientId) {
        let client = self.client;
        let mut kept_numbers = BTreeSet::new();
        for kept in self.outbox.values_mut() {
            let is_above = kept.client == Some(client) && kept.operation.n > which.above;
            if is_above {
                kept_numbers.insert(kept.operation.n);
            }
            if is_above || which.is_new_history {
                kept.outcome = None;
                kept.overlay = true;
            }
            if which.is_new_history {
                kept.operation.base_version = 0;
            }
        }
        let given = which.above + 1..self.next_n;
        let missing: Vec<u64> = given.filter(|n| !kept_numbers.contains(n)).collect();
        if !missing.is_empty() || which.above >= self.next_n || which.is_new_history {
            let gap = |n: u64| NumberGap {
                client,
                from: n,
                to: n,
            };
            self.gaps.extend(missing.into_iter().map(gap));
            self.fork(fresh);
        }
    }

    pub(super) fn next_batch(&mut self, max_operations: usize) -> Vec<Operation> {
        let is_numbered = |kept: &Kept| kept.waits() && kept.operation.n > 0;
        if !self.outbox.values().any(is_numbered) {
            for kept in self.outbox.values_mut().filter(|kept| kept.waits()) {
                kept.operation.n = self.next_n;
                kept.client = Some(self.client);
                self.next_n += 1;
            }
        }
        let numbered = self.outbox.values().filter(|kept| is_numbered(kept));
        let mut batch: Vec<Operation> = numbered.map(|kept| kept.operation.clone()).collect();
        batch.sort_by_key(|operation| operation.n);
        while batch.len() > max_operations {
            let last = batch.last().map(|operation| operation.group);
            batch.retain(|operation| Some(operation.group) != last);
        }
        batch
    }

    pub(super) fn save_results(&mut self, results: &[OperationResult], now: TimestampMs) {
        let head = self.head;
        for result in results {
            let kept = self.outbox.get_mut(&result.id);
            if let Some(kept) = kept.filter(|kept| kept.waits()) {
                let version = result.outcome.version();
                kept.outcome = Some(result.outcome.clone());
                kept.overlay &= version.is_some_and(|version| version > head);
                kept.answered_at = now;
            }
        }
        if seeded_bug!("acknowledged operations forgotten at once") {
            self.outbox.retain(|_, kept| kept.waits() || kept.overlay);
        }
    }

    pub(super) fn look(&self, key: Key) -> Option<Row> {
        let mut look = self.rows.get(&key).map(|(_, row)| row.as_ref().clone());
        let on_top = self.outbox.values().filter(|kept| kept.overlay);
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
