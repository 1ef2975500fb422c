//! The store as the sync client sees it.

use crate::cache::tables::Tables;
use crate::cache::{overlay, publish, scopes, stage, state};
use crate::files::Files;
use crate::outbox::pending::{Pending, settle};
use crate::outbox::{batch, client, results};
use crate::{Changes, Store, StoreError};
use fieldfare_model::{ClientId, Entity, RowId, TimestampMs};
use fieldfare_sync::{
    Checkpoint, Epoch, Frame, Operation, OperationResult, PhoneStore, ScopeCursor, ScopeGrant,
    ScopeId, SyncState,
};

impl PhoneStore for &Store {
    type Error = StoreError;

    fn sync_state(&self) -> Result<SyncState, StoreError> {
        self.with(|files| {
            let client = files.outbox.read(client::current)?.id;
            files.cache.read(|db| {
                let cursors = scopes::all(db)?.into_iter().map(|scope| {
                    Ok(ScopeCursor {
                        scope: ScopeId::try_from(scope.name)?,
                        cursor: scope.cursor,
                    })
                });
                Ok(SyncState {
                    client,
                    epoch: state::read(db)?.epoch,
                    cursors: cursors.collect::<Result<_, StoreError>>()?,
                })
            })
        })
    }

    fn enter_epoch(&mut self, epoch: Epoch) -> Result<(), StoreError> {
        self.with(|files| {
            files
                .cache
                .write(|db| stage::enter_epoch(tables(files, db), epoch))
        })
    }

    fn stage(&mut self, frame: &Frame, bytes: &[u8]) -> Result<(), StoreError> {
        self.with(|files| {
            files
                .cache
                .write(|db| stage::stage(tables(files, db), frame, bytes))
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
            let head = files.cache.read(|db| Ok(state::read(db)?.head))?;
            let rows = files
                .outbox
                .write(|transaction| results::save(transaction, results, head, now))?;
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

    fn reoffer(&mut self, last_n: u64) -> Result<bool, StoreError> {
        self.with(|files| {
            let (rows, is_continuous) = files
                .outbox
                .write(|transaction| results::reoffer(transaction, last_n))?;
            self.show_edits(files, rows);
            Ok(is_continuous)
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
    files.cache.write(|db| {
        let tables = tables(files, db);
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
            Ok(changes)
        })
    })
}
