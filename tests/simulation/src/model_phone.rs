//! A phone's store in memory: the promises of [`PhoneStore`] and nothing else, so that thousands of
//! days can be played.

use crate::disk::{Disk, StoreFault};
use crate::phone::{Key, SimPhone};
use fieldfare_model::{
    ClientId, Columns, Entity, OperationId, Row, RowId, TimestampMs, seeded_bug,
};
use fieldfare_sync::{
    Change, Checkpoint, DigestKey, Epoch, FeedChange, Frame, LeaveReason, NumberGap, Operation,
    OperationResult, Outcome, PhoneStore, Reoffer, Repair, RepairPlan, RowHash, RowMark,
    ScopeCursor, ScopeGrant, ScopeId, ScopeSums, SyncState, bucket_of, shows_on_top,
};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

const RETENTION_MS: i64 = 30 * 24 * 60 * 60 * 1000;

#[derive(Debug, Clone, Default)]
struct Scope {
    cursor: u64,
    anchor: u64,
    shown: bool,
    uncompared: bool,
    to_repair: BTreeSet<u8>,
    repaired: Vec<FeedChange>,
    gone: BTreeSet<Key>,
    staged: Vec<FeedChange>,
}

#[derive(Debug, Clone)]
struct Kept {
    operation: Operation,
    client: Option<ClientId>,
    outcome: Option<Outcome>,
    /// Whether it lies on top of what the server said.
    overlay: bool,
    answered_at: TimestampMs,
}

impl Kept {
    fn waits(&self) -> bool {
        self.outcome.is_none()
    }
}

/// What is durable.
#[derive(Debug, Clone)]
struct Files {
    client: ClientId,
    next_n: u64,
    epoch: Option<Epoch>,
    head: u64,
    scopes: BTreeMap<ScopeId, Scope>,
    /// Each with the history in which it was written.
    rows: BTreeMap<Key, (Option<Epoch>, Rc<Row>)>,
    members: BTreeMap<Key, BTreeSet<ScopeId>>,
    outbox: BTreeMap<OperationId, Kept>,
    gaps: Vec<NumberGap>,
    mismatches: u64,
}

/// A phone's store in memory.
#[derive(Debug)]
pub struct ModelPhone {
    disk: Disk,
    files: Files,
}

impl Files {
    fn leave(&mut self, key: Key, scope: &ScopeId) {
        if let Some(held) = self.members.get_mut(&key) {
            held.remove(scope);
            if held.is_empty() {
                self.members.remove(&key);
                self.rows.remove(&key);
            }
        }
    }

    fn apply(&mut self, scope: &ScopeId, change: &FeedChange) {
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

    fn write_row(&mut self, key: Key, row: &Row) {
        self.rows.insert(key, (self.epoch, Rc::new(row.clone())));
    }

    fn drop_scope(&mut self, scope: &ScopeId) {
        let held = self.members.iter().filter(|(_, held)| held.contains(scope));
        let keys: Vec<Key> = held.map(|(key, _)| *key).collect();
        keys.into_iter().for_each(|key| self.leave(key, scope));
        self.scopes.remove(scope);
    }

    fn rows_of(&self, scope: &ScopeId) -> impl Iterator<Item = (Entity, &Row)> {
        let held = self
            .members
            .iter()
            .filter(move |(_, held)| held.contains(scope));
        held.filter_map(|(key, _)| Some((key.0, self.rows.get(key)?.1.as_ref())))
    }

    /// Rows a scope should hold and that are not there.
    fn missing(&self, scope: &ScopeId) -> impl Iterator<Item = Key> {
        let held = self
            .members
            .iter()
            .filter(move |(_, held)| held.contains(scope));
        held.map(|(key, _)| *key)
            .filter(|key| !self.rows.contains_key(key))
    }

    fn fork(&mut self, client: ClientId) {
        self.client = client;
        self.next_n = 1;
        for kept in self.outbox.values_mut().filter(|kept| kept.waits()) {
            kept.operation.n = 0;
            kept.client = None;
        }
    }

    fn publish(&mut self, grants: &[ScopeGrant], checkpoint: &Checkpoint) {
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

    fn drop_revoked(&mut self, grants: &[ScopeGrant]) {
        let is_granted = |scope: &ScopeId| grants.iter().any(|g| g.scope == *scope);
        let revoked = self.scopes.keys().filter(|scope| !is_granted(scope));
        let revoked: Vec<ScopeId> = revoked.cloned().collect();
        revoked.iter().for_each(|scope| self.drop_scope(scope));
    }

    fn settle(&mut self) {
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

    fn reoffer(&mut self, which: Reoffer, fresh: ClientId) {
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

    fn next_batch(&mut self, max_operations: usize) -> Vec<Operation> {
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

    fn save_results(&mut self, results: &[OperationResult], now: TimestampMs) {
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

    fn look(&self, key: Key) -> Option<Row> {
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

fn made_here(id: RowId, columns: &Columns) -> Row {
    Row {
        id,
        version: 0,
        columns: columns.clone(),
    }
}

impl ModelPhone {
    /// An empty store.
    pub fn new(client: ClientId) -> Self {
        let files = Files {
            client,
            next_n: 1,
            epoch: None,
            head: 0,
            scopes: BTreeMap::new(),
            rows: BTreeMap::new(),
            members: BTreeMap::new(),
            outbox: BTreeMap::new(),
            gaps: Vec::new(),
            mismatches: 0,
        };
        Self {
            disk: Disk::default(),
            files,
        }
    }

    fn write<T>(&mut self, write: impl FnOnce(&mut Files) -> T) -> Result<T, StoreFault> {
        let files = &mut self.files;
        self.disk.write(|| Ok(write(files)))
    }
}

impl PhoneStore for ModelPhone {
    type Error = StoreFault;

    fn sync_state(&self) -> Result<SyncState, StoreFault> {
        let files = &self.files;
        let cursor = |(scope, s): (&ScopeId, &Scope)| ScopeCursor {
            scope: scope.clone(),
            cursor: s.cursor,
            anchor: if s.shown { 0 } else { s.anchor },
        };
        let uncompared = files.scopes.iter().filter(|(_, s)| s.uncompared);
        let numbers = files.outbox.values().filter(|kept| kept.waits());
        let numbers = numbers.map(|kept| kept.operation.n).filter(|n| *n > 0);
        Ok(SyncState {
            client: files.client,
            next_n: files.next_n,
            first_unanswered: numbers.min(),
            gaps: files.gaps.clone(),
            epoch: files.epoch,
            cursors: files.scopes.iter().map(cursor).collect(),
            uncompared: uncompared.map(|(scope, _)| scope.clone()).collect(),
        })
    }

    fn enter_epoch(&mut self, epoch: Epoch) -> Result<(), StoreFault> {
        self.write(|files| files.epoch = Some(epoch))
    }

    fn begin_rebase(&mut self, epoch: Epoch) -> Result<(), StoreFault> {
        self.write(|files| {
            files.epoch = Some(epoch);
            files.head = 0;
            files.scopes.retain(|_, scope| scope.shown);
            for scope in files.scopes.values_mut() {
                *scope = Scope {
                    shown: true,
                    uncompared: true,
                    ..Scope::default()
                };
            }
        })
    }

    fn sums(&self, key: &DigestKey) -> Result<Vec<(ScopeId, ScopeSums)>, StoreFault> {
        let shown = self.files.scopes.iter().filter(|(_, s)| s.shown);
        Ok(shown
            .map(|(scope, _)| {
                let mut sums = ScopeSums::default();
                for (entity, row) in self.files.rows_of(scope) {
                    sums.add(row.id, key.hash(entity, row));
                }
                let missing = self.files.missing(scope);
                missing.for_each(|(_, id)| sums.add(id, RowHash(1)));
                (scope.clone(), sums)
            })
            .collect())
    }

    fn begin_repair(&mut self, scopes: &[ScopeId], is_mismatch: bool) -> Result<(), StoreFault> {
        self.write(|files| {
            files.mismatches += scopes.len() as u64 * u64::from(is_mismatch);
            for scope in scopes {
                if let Some(scope) = files.scopes.get_mut(scope) {
                    *scope = Scope {
                        shown: true,
                        uncompared: true,
                        ..Scope::default()
                    };
                }
            }
        })
    }

    fn note_comparison(
        &mut self,
        head: u64,
        differing: &[(ScopeId, Vec<u8>)],
    ) -> Result<(), StoreFault> {
        self.write(|files| {
            for (scope, buckets) in differing {
                if let Some(scope) = files.scopes.get_mut(scope) {
                    scope.uncompared = false;
                    scope.cursor = head;
                    scope.to_repair = buckets.iter().copied().collect();
                }
            }
        })
    }

    fn next_repair(
        &self,
        key: &DigestKey,
        max_rows: usize,
    ) -> Result<Option<RepairPlan>, StoreFault> {
        let mut open = self.files.scopes.iter();
        let Some((scope, state)) = open.find(|(_, s)| !s.to_repair.is_empty()) else {
            return Ok(None);
        };
        let mut plan = RepairPlan {
            scope: scope.clone(),
            buckets: Vec::new(),
            rows: Vec::new(),
        };
        for bucket in &state.to_repair {
            let rows = self.files.rows_of(scope);
            let rows = rows.filter(|(_, row)| bucket_of(row.id) == *bucket);
            let marks: Vec<_> = rows
                .map(|(entity, row)| RowMark::new(entity, row.id, key.hash(entity, row)))
                .collect();
            if !plan.buckets.is_empty() && plan.rows.len() + marks.len() > max_rows {
                break;
            }
            let missing = self.files.missing(scope);
            let missing = missing.filter(|(_, id)| bucket_of(*id) == *bucket);
            plan.rows.extend(missing.map(|(entity, id)| RowMark {
                entity,
                id,
                mark: 0,
            }));
            plan.buckets.push(*bucket);
            plan.rows.extend(marks);
        }
        Ok(Some(plan))
    }

    fn stage_repair(&mut self, repair: &Repair<'_>) -> Result<(), StoreFault> {
        self.write(|files| {
            if let Some(scope) = files.scopes.get_mut(repair.scope) {
                for bucket in repair.buckets {
                    scope.to_repair.remove(bucket);
                }
                let changes = repair.frames.iter().flat_map(|(frame, _)| &frame.changes);
                scope.repaired.extend(changes.cloned());
                scope.gone.extend(repair.gone);
            }
        })
    }

    fn stage(&mut self, frame: &Frame, _: &[u8], read_at: u64) -> Result<(), StoreFault> {
        let move_cursor = |files: &mut Files| {
            let new = Scope {
                anchor: read_at,
                ..Scope::default()
            };
            let scope = files.scopes.entry(frame.scope.clone()).or_insert(new);
            scope.cursor = frame.to;
        };
        let keep = |files: &mut Files| {
            if let Some(scope) = files.scopes.get_mut(&frame.scope) {
                scope.staged.extend(frame.changes.iter().cloned());
            }
        };
        if seeded_bug!("cursor saved before rows") {
            self.write(move_cursor)?;
            return self.write(keep);
        }
        self.write(|files| {
            move_cursor(files);
            keep(files);
        })
    }

    fn is_shown(&self, grant: &ScopeGrant) -> Result<bool, StoreFault> {
        let scope = self.files.scopes.get(&grant.scope);
        Ok(scope.is_some_and(|scope| scope.shown))
    }

    fn publish(
        &mut self,
        grants: &[ScopeGrant],
        checkpoint: &Checkpoint,
    ) -> Result<Vec<Key>, StoreFault> {
        self.write(|files| files.publish(grants, checkpoint))?;
        Ok(Vec::new())
    }

    fn next_batch(&mut self, max: usize, _: usize) -> Result<Vec<Operation>, StoreFault> {
        if !self.files.outbox.values().any(Kept::waits) {
            return Ok(Vec::new());
        }
        self.write(|files| files.next_batch(max))
    }

    fn save_results(
        &mut self,
        results: &[OperationResult],
        now: TimestampMs,
    ) -> Result<Vec<Key>, StoreFault> {
        self.write(|files| files.save_results(results, now))?;
        Ok(Vec::new())
    }

    fn fork(&mut self, client: ClientId) -> Result<(), StoreFault> {
        self.write(|files| files.fork(client))
    }

    fn reoffer(&mut self, which: Reoffer, fresh: ClientId) -> Result<Vec<Key>, StoreFault> {
        self.write(|files| files.reoffer(which, fresh))?;
        Ok(Vec::new())
    }

    fn forget_gaps(&mut self, gaps: &[NumberGap]) -> Result<(), StoreFault> {
        self.write(|files| files.gaps.retain(|gap| !gaps.contains(gap)))
    }
}

impl SimPhone for ModelPhone {
    fn disk(&mut self) -> &mut Disk {
        &mut self.disk
    }

    fn restart(&mut self) {}

    fn record(&mut self, operations: &[Operation]) -> Result<(), StoreFault> {
        let keep = |operation: &Operation| Kept {
            operation: operation.clone(),
            client: None,
            outcome: None,
            overlay: true,
            answered_at: TimestampMs(0),
        };
        if seeded_bug!("outbox outside the transaction") {
            for operation in operations {
                self.write(|files| files.outbox.insert(operation.id, keep(operation)))?;
            }
            return Ok(());
        }
        let kept = operations.iter().map(|o| (o.id, keep(o)));
        self.write(|files| files.outbox.extend(kept))
    }

    fn purge(&mut self, now: TimestampMs) -> Result<(), StoreFault> {
        let limit = now.0.saturating_sub(RETENTION_MS);
        self.write(|files| {
            let is_needed =
                |kept: &Kept| kept.waits() || kept.overlay || kept.answered_at.0 >= limit;
            let needed: BTreeSet<_> = files
                .outbox
                .values()
                .filter(|kept| {
                    is_needed(kept) || matches!(kept.outcome, Some(Outcome::Rejected { .. }))
                })
                .map(|kept| kept.operation.group)
                .collect();
            files
                .outbox
                .retain(|_, kept| needed.contains(&kept.operation.group));
        })
    }

    fn look(&self, key: Key) -> Option<Row> {
        self.files.look(key)
    }

    fn keys(&self) -> BTreeSet<Key> {
        let made = self.files.outbox.values().filter(|kept| kept.overlay);
        let made = made.map(|kept| (kept.operation.entity, kept.operation.row));
        let keys = self.files.rows.keys().copied().chain(made);
        keys.filter(|key| self.files.look(*key).is_some()).collect()
    }

    fn outcome(&self, operation: &Operation) -> Option<Option<Outcome>> {
        let kept = self.files.outbox.get(&operation.id)?;
        Some(kept.outcome.clone())
    }

    fn mismatches(&self) -> u64 {
        self.files.mismatches
    }

    fn head(&self) -> u64 {
        self.files.head
    }

    fn shown(&self) -> BTreeSet<ScopeId> {
        let shown = self.files.scopes.iter().filter(|(_, scope)| scope.shown);
        shown.map(|(name, _)| name.clone()).collect()
    }

    fn rot(&mut self, at: usize, is_gone: bool, older: &dyn Fn(Key) -> Option<Row>) -> bool {
        let keys: Vec<Key> = self.files.rows.keys().copied().collect();
        let Some(key) = keys.get(at % keys.len().max(1)).copied() else {
            return false;
        };
        match older(key) {
            _ if is_gone => drop(self.files.rows.remove(&key)),
            Some(row) => self.files.write_row(key, &row),
            None => return false,
        }
        true
    }

    fn copy_to(&self, other: &mut Self) {
        other.files = self.files.clone();
    }

    fn backup(&self) -> Self {
        Self {
            disk: Disk::default(),
            files: self.files.clone(),
        }
    }
}
