use fieldfare_model::*;
use fieldfare_sync::*;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

#[derive(Clone, Default)]
struct Scope {
    cursor: u64,
    anchor: u64,
    shown: bool,
    uncompared: bool,
    to_repair: BTreeSet<u8>,
    repaired: Vec<Frame>,
    gone: BTreeSet<(Entity, RowId)>,
    staged: Vec<Frame>,
}

#[derive(Clone)]
pub struct Waiting {
    pub operation: Operation,
    pub client: ClientId,
    pub outcome: Option<Outcome>,
}

#[derive(Clone)]
pub struct MemoryPhone {
    pub client: ClientId,
    pub next_n: u64,
    epoch: Option<Epoch>,
    pub answered: Option<Epoch>,
    scopes: BTreeMap<ScopeId, Scope>,
    pub rows: BTreeMap<(Entity, RowId), Row>,
    members: BTreeMap<(Entity, RowId), BTreeSet<ScopeId>>,
    /// In which history each row was written, and at which version.
    written: BTreeMap<(Entity, RowId), (Option<Epoch>, u64)>,
    pub outbox: Vec<Waiting>,
    pub published: u64,
    pub gaps: Vec<NumberGap>,
    pub mismatches: u64,
    /// What it says its digests are, without looking.
    pub carried: Option<Vec<(ScopeId, Digest)>>,
    pub holdings: Option<Holdings>,
}

impl MemoryPhone {
    pub fn new(client: ClientId) -> Self {
        Self {
            client,
            next_n: 1,
            epoch: None,
            answered: None,
            scopes: BTreeMap::new(),
            rows: BTreeMap::new(),
            members: BTreeMap::new(),
            written: BTreeMap::new(),
            outbox: Vec::new(),
            published: 0,
            gaps: Vec::new(),
            mismatches: 0,
            carried: None,
            holdings: None,
        }
    }

    pub fn record(&mut self, group: Vec<Operation>) {
        let first = group[0].id;
        let size = u16::try_from(group.len()).unwrap();
        for operation in group {
            let operation = Operation {
                group: first,
                group_size: size,
                n: 0,
                ..operation
            };
            self.outbox.push(Waiting {
                operation,
                client: self.client,
                outcome: None,
            });
        }
    }

    fn apply(&mut self, scope: &ScopeId, change: &FeedChange) {
        let key = change.key();
        match change {
            FeedChange::Put { row, .. } => {
                let known = self.written.get(&key);
                if known
                    .is_none_or(|(epoch, version)| *epoch != self.epoch || *version < row.version)
                {
                    self.rows.insert(key, row.clone());
                    self.written.insert(key, (self.epoch, row.version));
                }
                self.members.entry(key).or_default().insert(scope.clone());
            }
            FeedChange::Leave { .. } => self.leave(key, scope),
        }
    }

    fn leave(&mut self, key: (Entity, RowId), scope: &ScopeId) {
        let held = self.members.entry(key).or_default();
        held.remove(scope);
        if held.is_empty() {
            self.members.remove(&key);
            self.rows.remove(&key);
            self.written.remove(&key);
        }
    }

    fn drop_members(&mut self, scope: &ScopeId) {
        let held = self.members.iter().filter(|(_, held)| held.contains(scope));
        let gone: Vec<_> = held.map(|(key, _)| *key).collect();
        gone.into_iter().for_each(|key| self.leave(key, scope));
    }

    fn rows_of(&self, scope: &ScopeId) -> impl Iterator<Item = (Entity, &Row)> {
        let held = self
            .members
            .iter()
            .filter(move |(_, held)| held.contains(scope));
        held.filter_map(|(key, _)| Some((key.0, self.rows.get(key)?)))
    }

    fn fork_now(&mut self, client: ClientId) {
        self.client = client;
        self.next_n = 1;
        for waiting in self.outbox.iter_mut().filter(|w| w.outcome.is_none()) {
            waiting.operation.n = 0;
            waiting.client = client;
        }
    }
}

impl PhoneStore for MemoryPhone {
    type Error = Infallible;

    fn sync_state(&self) -> Result<SyncState, Infallible> {
        let cursor = |(scope, s): (&ScopeId, &Scope)| ScopeCursor {
            scope: scope.clone(),
            cursor: s.cursor,
            anchor: s.anchor,
        };
        let uncompared = self.scopes.iter().filter(|(_, s)| s.uncompared);
        let waiting = self.outbox.iter().filter(|w| w.outcome.is_none());
        Ok(SyncState {
            client: self.client,
            next_n: self.next_n,
            first_unanswered: waiting.map(|w| w.operation.n).filter(|n| *n > 0).min(),
            gaps: self.gaps.clone(),
            epoch: self.epoch,
            answered: self.answered,
            cursors: self.scopes.iter().map(cursor).collect(),
            uncompared: uncompared.map(|(scope, _)| scope.clone()).collect(),
            holdings: self.holdings.clone(),
        })
    }

    fn enter_epoch(&mut self, epoch: Epoch) -> Result<(), Infallible> {
        self.epoch = Some(epoch);
        Ok(())
    }

    fn begin_rebase(&mut self, epoch: Epoch) -> Result<(), Infallible> {
        self.epoch = Some(epoch);
        self.scopes.retain(|_, scope| scope.shown);
        for scope in self.scopes.values_mut() {
            *scope = Scope {
                shown: true,
                uncompared: true,
                ..Scope::default()
            };
        }
        Ok(())
    }

    fn carried_digests(
        &self,
        _key: &DigestKey,
    ) -> Result<Option<Vec<(ScopeId, Digest)>>, Infallible> {
        Ok(self.carried.clone())
    }

    fn sums(&self, key: &DigestKey) -> Result<Vec<(ScopeId, ScopeSums)>, Infallible> {
        let shown = self.scopes.iter().filter(|(_, s)| s.shown);
        let sums = shown.map(|(scope, _)| {
            let mut sums = ScopeSums::default();
            self.rows_of(scope)
                .for_each(|(entity, row)| sums.add(row.id, key.hash(entity, row)));
            (scope.clone(), sums)
        });
        Ok(sums.collect())
    }

    fn begin_repair(&mut self, scopes: &[ScopeId], is_mismatch: bool) -> Result<(), Infallible> {
        self.mismatches += scopes.len() as u64 * u64::from(is_mismatch);
        for scope in scopes {
            let scope = self.scopes.get_mut(scope).unwrap();
            *scope = Scope {
                shown: true,
                uncompared: true,
                ..Scope::default()
            };
        }
        Ok(())
    }

    fn note_comparison(
        &mut self,
        head: u64,
        differing: &[(ScopeId, Vec<u8>)],
    ) -> Result<(), Infallible> {
        for (scope, buckets) in differing {
            let scope = self.scopes.get_mut(scope).unwrap();
            scope.uncompared = false;
            scope.cursor = head;
            scope.to_repair = buckets.iter().copied().collect();
        }
        Ok(())
    }

    fn next_repair(
        &self,
        key: &DigestKey,
        max_rows: usize,
    ) -> Result<Option<RepairPlan>, Infallible> {
        let Some((scope, state)) = self.scopes.iter().find(|(_, s)| !s.to_repair.is_empty()) else {
            return Ok(None);
        };
        let mut plan = RepairPlan {
            scope: scope.clone(),
            buckets: Vec::new(),
            rows: Vec::new(),
        };
        for bucket in &state.to_repair {
            let rows = self
                .rows_of(scope)
                .filter(|(_, row)| bucket_of(row.id) == *bucket);
            let rows: Vec<_> = rows
                .map(|(entity, row)| RowMark::new(entity, row.id, key.hash(entity, row)))
                .collect();
            if !plan.buckets.is_empty() && plan.rows.len() + rows.len() > max_rows {
                break;
            }
            plan.buckets.push(*bucket);
            plan.rows.extend(rows);
        }
        Ok(Some(plan))
    }

    fn stage_repair(&mut self, repair: &Repair<'_>) -> Result<(), Infallible> {
        let scope = self.scopes.get_mut(repair.scope).unwrap();
        for bucket in repair.buckets {
            assert!(scope.to_repair.remove(bucket));
        }
        let frames = repair.frames.iter().map(|(frame, _)| frame.clone());
        scope.repaired.extend(frames);
        scope.gone.extend(repair.gone);
        Ok(())
    }

    fn stage(&mut self, frame: &Frame, bytes: &[u8], read_at: u64) -> Result<(), Infallible> {
        assert_eq!(&Frame::decode(bytes).unwrap(), frame);
        let scope = self.scopes.entry(frame.scope.clone()).or_insert(Scope {
            anchor: read_at,
            ..Scope::default()
        });
        assert_eq!(scope.cursor, frame.from);
        scope.cursor = frame.to;
        scope.staged.push(frame.clone());
        Ok(())
    }

    fn is_shown(&self, grant: &ScopeGrant) -> Result<bool, Infallible> {
        Ok(self.scopes.get(&grant.scope).is_some_and(|s| s.shown))
    }

    fn publish(
        &mut self,
        grants: &[ScopeGrant],
        checkpoint: &Checkpoint,
    ) -> Result<Vec<(Entity, RowId)>, Infallible> {
        let before = self.rows.clone();
        let mut changes: Vec<(ScopeId, FeedChange)> = Vec::new();
        for grant in grants.iter().filter(|g| g.priority <= checkpoint.priority) {
            let scope = self.scopes.entry(grant.scope.clone()).or_default();
            let staged = std::mem::take(&mut scope.staged);
            let repaired = std::mem::take(&mut scope.repaired);
            let gone = std::mem::take(&mut scope.gone);
            scope.shown = true;
            scope.cursor = scope.cursor.max(checkpoint.head);
            for key in gone {
                self.leave(key, &grant.scope);
            }
            for change in repaired.iter().flat_map(|f| &f.changes) {
                self.written.remove(&change.key());
                self.apply(&grant.scope, change);
            }
            let here = staged.iter().flat_map(|f| &f.changes);
            changes.extend(here.map(|c| (grant.scope.clone(), c.clone())));
        }
        changes.sort_by_key(|(_, c)| (c.seq(), matches!(c, FeedChange::Leave { .. })));
        changes
            .iter()
            .for_each(|(scope, change)| self.apply(scope, change));
        if checkpoint.complete {
            let granted: BTreeSet<_> = grants.iter().map(|g| g.scope.clone()).collect();
            let revoked: Vec<_> = self
                .scopes
                .keys()
                .filter(|s| !granted.contains(*s))
                .cloned()
                .collect();
            for scope in revoked {
                self.drop_members(&scope);
                self.scopes.remove(&scope);
            }
            self.published = checkpoint.head;
        }
        let keys: BTreeSet<_> = before.keys().chain(self.rows.keys()).copied().collect();
        Ok(keys
            .into_iter()
            .filter(|k| before.get(k) != self.rows.get(k))
            .collect())
    }

    fn keep_holdings(&mut self, holdings: &Holdings) -> Result<(), Infallible> {
        self.holdings = Some(holdings.clone());
        Ok(())
    }

    fn next_batch(&mut self, max: usize, _: usize) -> Result<Vec<Operation>, Infallible> {
        let numbered = self
            .outbox
            .iter()
            .any(|w| w.outcome.is_none() && w.operation.n > 0);
        if !numbered {
            for waiting in self.outbox.iter_mut().filter(|w| w.outcome.is_none()) {
                waiting.operation.n = self.next_n;
                self.next_n += 1;
            }
        }
        let mut batch: Vec<Operation> = self
            .outbox
            .iter()
            .filter(|w| w.outcome.is_none() && w.operation.n > 0)
            .map(|w| w.operation.clone())
            .collect();
        batch.sort_by_key(|op| op.n);
        while batch.len() > max {
            let last = batch.last().unwrap().group;
            batch.retain(|op| op.group != last);
        }
        Ok(batch)
    }

    fn save_results(
        &mut self,
        results: &[OperationResult],
        _: TimestampMs,
    ) -> Result<Vec<(Entity, RowId)>, Infallible> {
        for result in results {
            let waiting = self
                .outbox
                .iter_mut()
                .find(|w| w.operation.id == result.id)
                .unwrap();
            waiting.outcome = Some(result.outcome.clone());
        }
        self.answered = self.epoch;
        Ok(Vec::new())
    }

    fn fork(&mut self, client: ClientId) -> Result<(), Infallible> {
        self.fork_now(client);
        Ok(())
    }

    fn reoffer(
        &mut self,
        which: Reoffer,
        fresh: ClientId,
    ) -> Result<Vec<(Entity, RowId)>, Infallible> {
        let client = self.client;
        let mut kept = BTreeSet::new();
        for waiting in &mut self.outbox {
            let is_above = waiting.client == client && waiting.operation.n > which.above;
            if is_above {
                kept.insert(waiting.operation.n);
            }
            if is_above || which.is_new_history {
                waiting.outcome = None;
            }
            if which.is_new_history {
                waiting.operation.base_version = 0;
            }
        }
        if which.is_new_history {
            self.answered = None;
        }
        let missing = (which.above + 1..self.next_n).filter(|n| !kept.contains(n));
        let missing: Vec<u64> = missing.collect();
        if !missing.is_empty() || which.above >= self.next_n || which.is_new_history {
            let gap = |n: &u64| NumberGap {
                client,
                from: *n,
                to: *n,
            };
            self.gaps.extend(missing.iter().map(gap));
            self.fork_now(fresh);
        }
        Ok(Vec::new())
    }

    fn forget_gaps(&mut self, gaps: &[NumberGap]) -> Result<(), Infallible> {
        self.gaps.retain(|gap| !gaps.contains(gap));
        Ok(())
    }
}
