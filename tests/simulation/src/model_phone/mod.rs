//! A phone's store in memory: the promises of [`PhoneStore`] and nothing else, so that thousands of
//! days can be played.

mod files;

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
use files::{Files, Kept, Scope};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

const RETENTION_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// A phone's store in memory.
#[derive(Debug)]
pub struct ModelPhone {
    disk: Disk,
    files: Files,
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
