//! What the phone's half needs of its storage.

use crate::{Checkpoint, Epoch, Frame, Operation, OperationResult, ScopeCursor, ScopeGrant};
use fieldfare_model::{ClientId, Entity, RowId, TimestampMs};

/// Where a phone stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncState {
    /// Which numbering of operations is in use.
    pub client: ClientId,
    /// The history the cursors belong to; none before the first pull.
    pub epoch: Option<Epoch>,
    /// Every scope that was pulled from, with its cursor.
    pub cursors: Vec<ScopeCursor>,
}

/// What the phone's half needs of its storage.
///
/// Each method is one durable step: after it returns, a kill loses nothing of it; if it fails,
/// nothing of it happened.
pub trait PhoneStore {
    /// Why storage failed.
    type Error;

    /// Where the phone stands.
    fn sync_state(&self) -> Result<SyncState, Self::Error>;

    /// Takes up a history. If another was known before, or the server asked for it, every cursor
    /// goes back to 0 and the scopes are fetched again; what is shown stays until they are
    /// complete. Frames staged before are dropped. The outbox is not touched.
    fn enter_epoch(&mut self, epoch: Epoch) -> Result<(), Self::Error>;

    /// Keeps a frame out of sight and moves its scope's cursor to the frame's end, in one
    /// transaction. `bytes` is the frame as it came.
    fn stage(&mut self, frame: &Frame, bytes: &[u8]) -> Result<(), Self::Error>;

    /// Whether any of these scopes has been shown before (false for one still being fetched for
    /// the first time).
    fn is_shown(&self, grant: &ScopeGrant) -> Result<bool, Self::Error>;

    /// Shows what was staged for granted scopes up to the checkpoint's priority and moves their
    /// cursors to its head, in one transaction. A complete checkpoint also drops every scope that is
    /// not granted any more. A row stays while any of the device's scopes holds it; rows with
    /// pending operations get them applied on top again. Operations whose result version is at
    /// most the head leave the overlay when the checkpoint is complete. Returns the rows that
    /// look different now.
    fn publish(
        &mut self,
        grants: &[ScopeGrant],
        checkpoint: &Checkpoint,
    ) -> Result<Vec<(Entity, RowId)>, Self::Error>;

    /// The next operations to offer: those numbered and without a result, in order of number,
    /// then further groups, most urgent first, which get the next numbers before this returns.
    /// Groups are whole. Empty when nothing waits.
    fn next_batch(
        &mut self,
        max_operations: usize,
        max_bytes: usize,
    ) -> Result<Vec<Operation>, Self::Error>;

    /// Keeps results with their operations. Refused ones leave the overlay and stay visible as
    /// refused. Returns the rows that look different now.
    fn save_results(
        &mut self,
        results: &[OperationResult],
        now: TimestampMs,
    ) -> Result<Vec<(Entity, RowId)>, Self::Error>;

    /// Takes a new client id; operations without a result lose their numbers and keep their ids.
    fn fork(&mut self, client: ClientId) -> Result<(), Self::Error>;

    /// Makes acknowledged operations above `last_n` wait again, as the server no longer knows
    /// them. False if some are no longer kept, so that the numbers cannot be continued.
    fn reoffer(&mut self, last_n: u64) -> Result<bool, Self::Error>;
}
