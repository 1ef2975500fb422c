//! The store as the sync client sees it.

use crate::cache::carried::{Carried, Share};
use crate::cache::tables::Tables;
use crate::cache::{digests, overlay, publish, scopes, stage, state};
use crate::files::Files;
use crate::outbox::pending::{Pending, settle};
use crate::outbox::{batch, client, gap, results};
use crate::{Changes, Store, StoreError};
use fieldfare_model::{ClientId, Entity, RowId, TimestampMs};
use fieldfare_sync::{
    Checkpoint, Digest, DigestKey, Epoch, Frame, Holdings, NumberGap, Operation, OperationResult,
    PhoneStore, Reoffer, Repair, RepairPlan, ScopeCursor, ScopeGrant, ScopeId, ScopeSums,
    SyncState,
};
use std::collections::BTreeSet;

impl PhoneStore for &Store {
    type Error = StoreError;

    fn sync_state(&self) -> Result<SyncState, StoreError> {
        self.with(|files| {
            let (client, answered, first_unanswered, gaps) = files.outbox.read(|db| {
                let client = client::current(db)?;
                let answered = client::answered_epoch(db)?;
                Ok((
                    client,
                    answered,
                    client::first_unanswered(db)?,
                    gap::all(db)?,
                ))
            })?;
            files.cache.read(|db| {
                let kept = state::read(db)?;
                let mut state = SyncState {
                    client: client.id,
                    next_n: client.next_n,
                    first_unanswered,
                    gaps,
                    epoch: kept.epoch,
                    answered,
                    cursors: Vec::new(),
                    uncompared: Vec::new(),
                    holdings: state::holdings(db)?,
                };
                for scope in scopes::all(db)? {
                    let name = ScopeId::try_from(scope.name)?;
                    if scope.is_uncompared {
                        state.uncompared.push(name.clone());
                    }
                    state.cursors.push(ScopeCursor {
                        scope: name,
                        cursor: scope.cursor,
                        anchor: if scope.is_shown { 0 } else { scope.anchor },
                    });
                }
                Ok(state)
            })
        })
    }

    fn enter_epoch(&mut self, epoch: Epoch) -> Result<(), StoreError> {
        self.with(|files| files.cache.write(|db| state::set_epoch(db, epoch)))
    }

    fn begin_rebase(&mut self, epoch: Epoch) -> Result<(), StoreError> {
        self.with(|files| {
            *files.carried() = None;
            // The outbox soon holds answers of the new history, which must never stand beside a cache
            // that a power cut took back to the old one.
            files
                .cache
                .write_durably(|db| stage::begin_rebase(tables(files, db), epoch))
        })
    }

    fn sums(&self, key: &DigestKey) -> Result<Vec<(ScopeId, ScopeSums)>, StoreError> {
        self.with(|files| {
            let mut carried = files.carried();
            let sums = files
                .cache
                .read(|db| digests::sums(tables(files, db), key))?;
            let counted = Carried::counted(key, &sums);
            *carried = Some(counted).filter(|c| c.rows() > files.counted_at_every_sync);
            Ok(sums)
        })
    }

    fn carried_digests(
        &self,
        key: &DigestKey,
    ) -> Result<Option<Vec<(ScopeId, Digest)>>, StoreError> {
        self.with(|files| match &*files.carried() {
            Some(carried) => carried.digests(key),
            None => Ok(None),
        })
    }

    fn begin_repair(&mut self, scopes: &[ScopeId], is_mismatch: bool) -> Result<(), StoreError> {
        self.with(|files| {
            *files.carried() = None;
            files
                .cache
                .write(|db| digests::begin_repair(tables(files, db), scopes, is_mismatch))
        })
    }

    fn note_comparison(
        &mut self,
        head: u64,
        differing: &[(ScopeId, Vec<u8>)],
    ) -> Result<(), StoreError> {
        self.with(|files| {
            files
                .cache
                .write(|db| digests::note_comparison(db, head, differing))
        })
    }

    fn next_repair(
        &self,
        key: &DigestKey,
        max_rows: usize,
    ) -> Result<Option<RepairPlan>, StoreError> {
        self.with(|files| {
            files
                .cache
                .read(|db| digests::next_repair(tables(files, db), key, max_rows))
        })
    }

    fn stage_repair(&mut self, repair: &Repair<'_>) -> Result<(), StoreError> {
        self.with(|files| files.cache.write(|db| digests::stage_repair(db, repair)))
    }

    fn stage(&mut self, frame: &Frame, bytes: &[u8], read_at: u64) -> Result<(), StoreError> {
        self.with(|files| {
            files
                .cache
                .write(|db| stage::stage(tables(files, db), frame, bytes, read_at))
        })
    }

    fn is_shown(&self, grant: &ScopeGrant) -> Result<bool, StoreError> {
        self.with(|files| {
            files
                .cache
                .read(|db| publish::is_shown(tables(files, db), grant))
        })
    }

    fn publish(
        &mut self,
        grants: &[ScopeGrant],
        checkpoint: &Checkpoint,
    ) -> Result<Vec<(Entity, RowId)>, StoreError> {
        let was_behind = self.take_behind();
        let published = self.with(|files| {
            let changes = publish_in(files, grants, checkpoint, was_behind)?;
            // What is settled here is settled again at the next open, so a failure is none.
            if checkpoint.complete {
                let _ = files
                    .outbox
                    .write(|transaction| settle(transaction, checkpoint.head));
            }
            Ok(changes)
        });
        if was_behind && published.is_err() {
            self.set_behind();
        }
        published
    }

    fn keep_holdings(&mut self, holdings: &Holdings) -> Result<(), StoreError> {
        self.with(|files| files.cache.write(|db| state::set_holdings(db, holdings)))
    }

    fn next_batch(
        &mut self,
        max_operations: usize,
        max_bytes: usize,
    ) -> Result<Vec<Operation>, StoreError> {
        self.with(|files| {
            files
                .outbox
                .write(|transaction| batch::next(transaction, max_operations, max_bytes))
        })
    }

    fn save_results(
        &mut self,
        results: &[OperationResult],
        now: TimestampMs,
    ) -> Result<Vec<(Entity, RowId)>, StoreError> {
        self.with(|files| {
            let kept = files.cache.read(state::read)?;
            let rows = files.outbox.write(|transaction| {
                results::save(transaction, results, (kept.epoch, kept.head), now)
            })?;
            Ok(self.show_edits(files, rows))
        })
    }

    fn fork(&mut self, client: ClientId) -> Result<(), StoreError> {
        self.with(|files| {
            files
                .outbox
                .write(|transaction| client::begin(transaction, client))
        })
    }

    fn reoffer(
        &mut self,
        which: Reoffer,
        fresh: ClientId,
    ) -> Result<Vec<(Entity, RowId)>, StoreError> {
        self.with(|files| {
            let rows = files
                .outbox
                .write(|transaction| results::reoffer(transaction, which, fresh))?;
            Ok(self.show_edits(files, rows))
        })
    }

    fn forget_gaps(&mut self, gaps: &[NumberGap]) -> Result<(), StoreError> {
        self.with(|files| {
            files
                .outbox
                .write(|transaction| gap::forget(transaction, gaps))
        })
    }
}

const fn tables<'a>(files: &Files, db: &'a rusqlite::Connection) -> Tables<'a> {
    Tables {
        db,
        full_text: files.full_text,
    }
}

fn publish_in(
    files: &Files,
    grants: &[ScopeGrant],
    checkpoint: &Checkpoint,
    show_all: bool,
) -> Result<Changes, StoreError> {
    let mut kept = files.carried();
    // Whatever fails from here on, nothing is carried on.
    let carried = kept.take();
    let publish = |db: &rusqlite::Transaction<'_>| {
        let tables = tables(files, db);
        let carrying = Carrying::begin(carried, tables, grants)?;
        let head = if checkpoint.complete {
            checkpoint.head
        } else {
            state::read(db)?.head
        };
        files.outbox.read(|db| {
            let pending = Pending { db, head };
            let mut changes = publish::publish(tables, grants, checkpoint, &pending)?;
            if show_all {
                let mut base = crate::cache::base::Base::load(tables)?;
                overlay::refresh_all(&mut base, &pending)?;
                changes.extend(base.changed);
                changes.sort_unstable();
                changes.dedup();
            }
            let carried = carrying.and_then(|carrying| carrying.end(tables));
            Ok((changes, carried))
        })
    };
    // No power cut leads back to before the first complete head of a history, where it would not be
    // known which answered operations are missing from what is shown.
    if checkpoint.complete && files.cache.read(|db| Ok(state::read(db)?.head == 0))? {
        files.cache.write_durably(publish)
    } else {
        files.cache.write(publish)
    }
    .map(|(changes, carried)| {
        *kept = carried;
        changes
    })
}

/// The carried digests over one publish, with what the rows it touches counted for before.
struct Carrying {
    carried: Carried,
    rows: BTreeSet<(Entity, RowId)>,
    before: Share,
}

impl Carrying {
    fn begin(
        carried: Option<Carried>,
        tables: Tables<'_>,
        grants: &[ScopeGrant],
    ) -> Result<Option<Self>, StoreError> {
        let Some(carried) = carried else {
            return Ok(None);
        };
        let Some(rows) = carried.touched(tables, grants)? else {
            return Ok(None);
        };
        // Where a row does not read nothing is carried on: the count that follows finds it.
        let Ok(before) = carried.share(tables, &rows) else {
            return Ok(None);
        };
        Ok(Some(Self {
            carried,
            rows,
            before,
        }))
    }

    fn end(mut self, tables: Tables<'_>) -> Option<Carried> {
        let after = self.carried.share(tables, &self.rows).ok()?;
        self.carried.carry(&self.before, &after);
        Some(self.carried)
    }
}
