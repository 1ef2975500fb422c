//! A phone's store in memory: the promises of [`PhoneStore`] and nothing else, so that thousands of
//! days can be played.

mod cache;
mod outbox;

use crate::disk::{Disk, StoreFault};
use crate::phone::{Key, SimPhone};
use cache::{Cache, Scope};
use fieldfare_model::{
    ClientId, Columns, Entity, OperationId, Row, RowId, TimestampMs, seeded_bug,
};
use fieldfare_sync::{
    Change, Checkpoint, Digest, DigestKey, Epoch, FeedChange, Frame, Holdings, LeaveReason,
    NumberGap, Operation, OperationResult, Outcome, PhoneStore, Reoffer, Repair, RepairPlan,
    RowHash, RowMark, ScopeCursor, ScopeGrant, ScopeId, ScopeSums, SyncState, bucket_of,
    shows_on_top,
};
use outbox::{Kept, Outbox};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

const RETENTION_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// After so many writes at most, the system has brought the cache to the disk by itself.
const MOST_UNSYNCED: usize = 12;

/// A phone's store in memory.
#[derive(Debug)]
pub struct ModelPhone {
    disk: Disk,
    cache: Cache,
    /// What the cache was before each write that a power cut may undo, oldest first. A torn page is
    /// the end of the log for SQLite, so what is undone are always the last writes.
    unsynced: VecDeque<Cache>,
    /// How many writes the cache has.
    cache_writes: u64,
    outbox: Outbox,
}

impl ModelPhone {
    /// An empty store.
    pub fn new(client: ClientId) -> Self {
        Self {
            disk: Disk::default(),
            cache: Cache::default(),
            unsynced: VecDeque::new(),
            cache_writes: 0,
            outbox: Outbox {
                client,
                next_n: 1,
                operations: BTreeMap::new(),
                gaps: Vec::new(),
                answered: None,
            },
        }
    }

    fn write<T>(&mut self, write: impl FnOnce(&mut Cache) -> T) -> Result<T, StoreFault> {
        let (cache, unsynced) = (&mut self.cache, &mut self.unsynced);
        let writes = &mut self.cache_writes;
        self.disk.write(|| {
            unsynced.push_back(cache.clone());
            if unsynced.len() > MOST_UNSYNCED {
                unsynced.pop_front();
            }
            *writes += 1;
            Ok(write(cache))
        })
    }

    fn write_durably<T>(&mut self, write: impl FnOnce(&mut Cache) -> T) -> Result<T, StoreFault> {
        let written = self.write(write);
        if written.is_ok() && !seeded_bug!("new history not durable") {
            self.unsynced.clear();
        }
        written
    }

    fn write_outbox<T>(&mut self, write: impl FnOnce(&mut Outbox) -> T) -> Result<T, StoreFault> {
        let outbox = &mut self.outbox;
        self.disk.write(|| Ok(write(outbox)))
    }

    /// Undoes the last writes of the cache, as far as they were not synced.
    fn lose(&mut self, writes: u8) {
        for _ in 0..writes {
            if let Some(before) = self.unsynced.pop_back() {
                self.cache = before;
                self.cache_writes -= 1;
            }
        }
    }
}

impl PhoneStore for ModelPhone {
    type Error = StoreFault;

    fn sync_state(&self) -> Result<SyncState, StoreFault> {
        let (cache, outbox) = (&self.cache, &self.outbox);
        let cursor = |(scope, s): (&ScopeId, &Scope)| ScopeCursor {
            scope: scope.clone(),
            cursor: s.cursor,
            anchor: if s.shown { 0 } else { s.anchor },
        };
        let uncompared = cache.scopes.iter().filter(|(_, s)| s.uncompared);
        let numbers = outbox.operations.values().filter(|kept| kept.waits());
        let numbers = numbers.map(|kept| kept.operation.n).filter(|n| *n > 0);
        Ok(SyncState {
            client: outbox.client,
            next_n: outbox.next_n,
            first_unanswered: numbers.min(),
            gaps: outbox.gaps.clone(),
            epoch: cache.epoch,
            answered: outbox.answered,
            cursors: cache.scopes.iter().map(cursor).collect(),
            uncompared: uncompared.map(|(scope, _)| scope.clone()).collect(),
            holdings: cache.holdings.clone(),
        })
    }

    fn enter_epoch(&mut self, epoch: Epoch) -> Result<(), StoreFault> {
        self.write(|cache| cache.epoch = Some(epoch))
    }

    fn begin_rebase(&mut self, epoch: Epoch) -> Result<(), StoreFault> {
        self.write_durably(|cache| {
            cache.epoch = Some(epoch);
            cache.head = 0;
            cache.scopes.retain(|_, scope| scope.shown);
            for scope in cache.scopes.values_mut() {
                *scope = Scope {
                    shown: true,
                    uncompared: true,
                    ..Scope::default()
                };
            }
        })
    }

    fn sums(&self, key: &DigestKey) -> Result<Vec<(ScopeId, ScopeSums)>, StoreFault> {
        let shown = self.cache.scopes.iter().filter(|(_, s)| s.shown);
        Ok(shown
            .map(|(scope, _)| {
                let mut sums = ScopeSums::default();
                for (entity, row) in self.cache.rows_of(scope) {
                    sums.add(row.id, key.hash(entity, row));
                }
                let missing = self.cache.missing(scope);
                missing.for_each(|(_, id)| sums.add(id, RowHash(1)));
                (scope.clone(), sums)
            })
            .collect())
    }

    /// Counting costs nothing here.
    fn carried_digests(
        &self,
        _key: &DigestKey,
    ) -> Result<Option<Vec<(ScopeId, Digest)>>, StoreFault> {
        Ok(None)
    }

    fn begin_repair(&mut self, scopes: &[ScopeId], is_mismatch: bool) -> Result<(), StoreFault> {
        self.write(|cache| {
            cache.mismatches += scopes.len() as u64 * u64::from(is_mismatch);
            for scope in scopes {
                if let Some(scope) = cache.scopes.get_mut(scope) {
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
        self.write(|cache| {
            for (scope, buckets) in differing {
                if let Some(scope) = cache.scopes.get_mut(scope) {
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
        let mut open = self.cache.scopes.iter();
        let Some((scope, state)) = open.find(|(_, s)| !s.to_repair.is_empty()) else {
            return Ok(None);
        };
        let mut plan = RepairPlan {
            scope: scope.clone(),
            buckets: Vec::new(),
            rows: Vec::new(),
        };
        for bucket in &state.to_repair {
            let rows = self.cache.rows_of(scope);
            let rows = rows.filter(|(_, row)| bucket_of(row.id) == *bucket);
            let marks: Vec<_> = rows
                .map(|(entity, row)| RowMark::new(entity, row.id, key.hash(entity, row)))
                .collect();
            if !plan.buckets.is_empty() && plan.rows.len() + marks.len() > max_rows {
                break;
            }
            let missing = self.cache.missing(scope);
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
        self.write(|cache| {
            if let Some(scope) = cache.scopes.get_mut(repair.scope) {
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
        let move_cursor = |cache: &mut Cache| {
            let new = Scope {
                anchor: read_at,
                ..Scope::default()
            };
            let scope = cache.scopes.entry(frame.scope.clone()).or_insert(new);
            scope.cursor = frame.to;
        };
        let keep = |cache: &mut Cache| {
            if let Some(scope) = cache.scopes.get_mut(&frame.scope) {
                scope.staged.extend(frame.changes.iter().cloned());
            }
        };
        if seeded_bug!("cursor saved before rows") {
            self.write(move_cursor)?;
            return self.write(keep);
        }
        self.write(|cache| {
            move_cursor(cache);
            keep(cache);
        })
    }

    fn is_shown(&self, grant: &ScopeGrant) -> Result<bool, StoreFault> {
        let scope = self.cache.scopes.get(&grant.scope);
        Ok(scope.is_some_and(|scope| scope.shown))
    }

    fn publish(
        &mut self,
        grants: &[ScopeGrant],
        checkpoint: &Checkpoint,
    ) -> Result<Vec<Key>, StoreFault> {
        let publish = |cache: &mut Cache| cache.publish(grants, checkpoint);
        if checkpoint.complete && self.cache.head == 0 {
            self.write_durably(publish)?;
        } else {
            self.write(publish)?;
        }
        if checkpoint.complete {
            let head = checkpoint.head;
            let settled = self.write_outbox(|outbox| outbox.settle(head));
            // What is not settled now is settled when the app starts again.
            settled.or_else(|fault| match fault {
                StoreFault::Full => Ok(()),
                other => Err(other),
            })?;
        }
        Ok(Vec::new())
    }

    fn keep_holdings(&mut self, holdings: &Holdings) -> Result<(), StoreFault> {
        self.write(|cache| cache.holdings = Some(holdings.clone()))
    }

    fn next_batch(&mut self, max: usize, _: usize) -> Result<Vec<Operation>, StoreFault> {
        if !self.outbox.operations.values().any(Kept::waits) {
            return Ok(Vec::new());
        }
        self.write_outbox(|outbox| outbox.next_batch(max))
    }

    fn save_results(
        &mut self,
        results: &[OperationResult],
        now: TimestampMs,
    ) -> Result<Vec<Key>, StoreFault> {
        let (epoch, head) = (self.cache.epoch, self.cache.head);
        self.write_outbox(|outbox| {
            outbox.save_results(results, head, now);
            outbox.answered = epoch;
        })?;
        Ok(Vec::new())
    }

    fn fork(&mut self, client: ClientId) -> Result<(), StoreFault> {
        self.write_outbox(|outbox| outbox.fork(client))
    }

    fn reoffer(&mut self, which: Reoffer, fresh: ClientId) -> Result<Vec<Key>, StoreFault> {
        self.write_outbox(|outbox| outbox.reoffer(which, fresh))?;
        Ok(Vec::new())
    }

    fn forget_gaps(&mut self, gaps: &[NumberGap]) -> Result<(), StoreFault> {
        self.write_outbox(|outbox| outbox.gaps.retain(|gap| !gaps.contains(gap)))
    }
}

impl SimPhone for ModelPhone {
    fn disk(&mut self) -> &mut Disk {
        &mut self.disk
    }

    fn restart(&mut self) {
        let lost = self.disk.take_lost();
        self.lose(lost);
        // What is found at a start is brought to the disk before anything counts on it.
        self.unsynced.clear();
        self.outbox.settle(self.cache.head);
        self.outbox.unsettle(self.cache.head);
    }

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
                self.write_outbox(|outbox| {
                    outbox.operations.insert(operation.id, keep(operation))
                })?;
            }
            return Ok(());
        }
        let kept = operations.iter().map(|o| (o.id, keep(o)));
        self.write_outbox(|outbox| outbox.operations.extend(kept))
    }

    fn purge(&mut self, now: TimestampMs) -> Result<(), StoreFault> {
        let limit = now.0.saturating_sub(RETENTION_MS);
        self.write_outbox(|outbox| {
            let is_needed =
                |kept: &Kept| kept.waits() || kept.overlay || kept.answered_at.0 >= limit;
            let needed: BTreeSet<_> = outbox
                .operations
                .values()
                .filter(|kept| {
                    is_needed(kept) || matches!(kept.outcome, Some(Outcome::Rejected { .. }))
                })
                .map(|kept| kept.operation.group)
                .collect();
            outbox
                .operations
                .retain(|_, kept| needed.contains(&kept.operation.group));
        })
    }

    fn look(&self, key: Key) -> Option<Row> {
        self.cache.look(&self.outbox, key)
    }

    fn keys(&self) -> BTreeSet<Key> {
        let made = self.outbox.operations.values().filter(|kept| kept.overlay);
        let made = made.map(|kept| (kept.operation.entity, kept.operation.row));
        let keys = self.cache.rows.keys().copied().chain(made);
        keys.filter(|key| self.look(*key).is_some()).collect()
    }

    fn outcome(&self, operation: &Operation) -> Option<Option<Outcome>> {
        let kept = self.outbox.operations.get(&operation.id)?;
        Some(kept.outcome.clone())
    }

    fn mismatches(&self) -> u64 {
        self.cache.mismatches
    }

    fn head(&self) -> u64 {
        self.cache.head
    }

    fn shown(&self) -> BTreeSet<ScopeId> {
        let shown = self.cache.scopes.iter().filter(|(_, scope)| scope.shown);
        shown.map(|(name, _)| name.clone()).collect()
    }

    fn rot(&mut self, at: usize, is_gone: bool, older: &dyn Fn(Key) -> Option<Row>) -> bool {
        let keys: Vec<Key> = self.cache.rows.keys().copied().collect();
        let Some(key) = keys.get(at % keys.len().max(1)).copied() else {
            return false;
        };
        match older(key) {
            _ if is_gone => drop(self.cache.rows.remove(&key)),
            Some(row) => self.cache.write_row(key, &row),
            None => return false,
        }
        // The page lies in the file, where no log undoes it.
        self.unsynced.clear();
        true
    }

    fn lose_cache(&mut self) {
        self.cache = Cache::default();
        self.unsynced.clear();
    }

    fn cache_writes(&self) -> u64 {
        self.cache_writes
    }

    fn copy_to(&self, other: &mut Self) {
        let disk = std::mem::take(&mut other.disk);
        *other = Self {
            disk,
            ..self.backup()
        };
    }

    fn backup(&self) -> Self {
        Self {
            disk: Disk::default(),
            cache: self.cache.clone(),
            unsynced: VecDeque::new(),
            cache_writes: self.cache_writes,
            outbox: self.outbox.clone(),
        }
    }
}
