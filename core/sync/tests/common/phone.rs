use fieldfare_model::*;
use fieldfare_sync::*;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

#[derive(Clone, Default)]
struct Scope {
    cursor: u64,
    shown: bool,
    refetch: bool,
    staged: Vec<Frame>,
}

#[derive(Clone)]
pub struct Waiting {
    pub operation: Operation,
    pub outcome: Option<Outcome>,
}

#[derive(Clone)]
pub struct MemoryPhone {
    pub client: ClientId,
    pub next_n: u64,
    epoch: Option<Epoch>,
    scopes: BTreeMap<ScopeId, Scope>,
    pub rows: BTreeMap<(Entity, RowId), Row>,
    members: BTreeMap<(Entity, RowId), BTreeSet<ScopeId>>,
    pub outbox: Vec<Waiting>,
    pub published: u64,
}

impl MemoryPhone {
    pub fn new(client: ClientId) -> Self {
        Self {
            client,
            next_n: 1,
            epoch: None,
            scopes: BTreeMap::new(),
            rows: BTreeMap::new(),
            members: BTreeMap::new(),
            outbox: Vec::new(),
            published: 0,
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
                outcome: None,
            });
        }
    }

    fn apply(&mut self, scope: &ScopeId, change: &FeedChange) {
        let key = change.key();
        match change {
            FeedChange::Put { row, .. } => {
                self.rows.insert(key, row.clone());
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
        }
    }

    fn drop_members(&mut self, scope: &ScopeId, keep: &BTreeSet<(Entity, RowId)>) {
        let gone: Vec<_> = self
            .members
            .iter()
            .filter(|(key, held)| held.contains(scope) && !keep.contains(key))
            .map(|(key, _)| *key)
            .collect();
        gone.into_iter().for_each(|key| self.leave(key, scope));
    }
}

impl PhoneStore for MemoryPhone {
    type Error = Infallible;

    fn sync_state(&self) -> Result<SyncState, Infallible> {
        let cursors = self
            .scopes
            .iter()
            .map(|(scope, s)| ScopeCursor {
                scope: scope.clone(),
                cursor: s.cursor,
            })
            .collect();
        Ok(SyncState {
            client: self.client,
            epoch: self.epoch,
            cursors,
        })
    }

    fn enter_epoch(&mut self, epoch: Epoch) -> Result<(), Infallible> {
        self.epoch = Some(epoch);
        for scope in self.scopes.values_mut() {
            scope.cursor = 0;
            scope.refetch = true;
            scope.staged.clear();
        }
        Ok(())
    }

    fn stage(&mut self, frame: &Frame, bytes: &[u8]) -> Result<(), Infallible> {
        assert_eq!(&Frame::decode(bytes).unwrap(), frame);
        let scope = self.scopes.entry(frame.scope.clone()).or_default();
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
            let refetched = std::mem::take(&mut scope.refetch);
            scope.shown = true;
            scope.cursor = checkpoint.head;
            let here = staged.iter().flat_map(|f| &f.changes);
            if refetched {
                let keep: BTreeSet<_> = here.clone().map(FeedChange::key).collect();
                self.drop_members(&grant.scope, &keep);
            }
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
                self.drop_members(&scope, &BTreeSet::new());
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
        Ok(Vec::new())
    }

    fn fork(&mut self, client: ClientId) -> Result<(), Infallible> {
        self.client = client;
        self.next_n = 1;
        for waiting in self.outbox.iter_mut().filter(|w| w.outcome.is_none()) {
            waiting.operation.n = 0;
        }
        Ok(())
    }

    fn reoffer(&mut self, last_n: u64) -> Result<bool, Infallible> {
        for waiting in self.outbox.iter_mut().filter(|w| w.operation.n > last_n) {
            waiting.outcome = None;
        }
        let mut kept: Vec<u64> = self
            .outbox
            .iter()
            .map(|w| w.operation.n)
            .filter(|n| *n > last_n)
            .collect();
        kept.sort_unstable();
        Ok(kept.first().is_none_or(|n| *n == last_n + 1))
    }
}
