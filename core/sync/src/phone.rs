//! What the phone's half needs of its storage.

use crate::{
    Checkpoint, Digest, DigestKey, Epoch, Frame, Holdings, NumberGap, Operation, OperationResult,
    RowMark, ScopeCursor, ScopeGrant, ScopeId, ScopeSums,
};
use fieldfare_model::{ClientId, Entity, RowId, TimestampMs};

/// Where a phone stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncState {
    /// Which numbering of operations is in use.
    pub client: ClientId,
    /// The next number to give.
    pub next_n: u64,
    /// The first number that was given and has no result; none if all have one.
    pub first_unanswered: Option<u64>,
    /// Gaps to tell the server of.
    pub gaps: Vec<NumberGap>,
    /// The history the cursors belong to; none before the first pull.
    pub epoch: Option<Epoch>,
    /// The history the answers belong to that are kept; none if there are none. It is not the one
    /// above if the cache was lost, or if one of the two files is an older copy.
    pub answered: Option<Epoch>,
    /// Every scope that was pulled from, with its cursor.
    pub cursors: Vec<ScopeCursor>,
    /// Scopes whose cursors mean nothing until they are compared.
    pub uncompared: Vec<ScopeId>,
    /// What the server last said that the device holds; none if that is not kept.
    pub holdings: Option<Holdings>,
}

impl SyncState {
    /// Whether what the phone keeps is, or may be, of another history than this one.
    pub(crate) fn is_new(&self, epoch: Epoch) -> bool {
        let known = [self.epoch, self.answered];
        known.into_iter().flatten().any(|known| known != epoch)
    }

    /// Whether operations may be offered: not before it is known which history there is, nor while
    /// answers of another are kept, which must be offered again with them.
    pub(crate) fn may_push(&self) -> bool {
        self.epoch.is_some_and(|epoch| !self.is_new(epoch))
    }
}

/// Some sub-buckets of a scope that differ, with every row the phone has in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepairPlan {
    /// Which scope.
    pub scope: ScopeId,
    /// Which sub-buckets, ascending.
    pub buckets: Vec<u8>,
    /// The rows.
    pub rows: Vec<RowMark>,
}

/// What a repair brought, out of sight until the next complete checkpoint.
#[derive(Debug)]
pub struct Repair<'a> {
    /// Which scope.
    pub scope: &'a ScopeId,
    /// The sub-buckets that are right once it is shown.
    pub buckets: &'a [u8],
    /// Frames of rows that were missing or otherwise, each with its bytes.
    pub frames: &'a [(Frame, &'a [u8])],
    /// Rows that the scope does not hold.
    pub gone: &'a [(Entity, RowId)],
}

/// Which acknowledged operations wait again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reoffer {
    /// Those of this client with a higher number.
    pub above: u64,
    /// Whether the server's history is another one. Then every operation that is kept waits again,
    /// whatever its number and client: what became of it may be something else there. A new client
    /// id is taken in any case, and no operation says any more which version it saw.
    pub is_new_history: bool,
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

    /// Takes up the first history.
    fn enter_epoch(&mut self, epoch: Epoch) -> Result<(), Self::Error>;

    /// Takes up another history, or the same one from another place: frames staged before are
    /// dropped, scopes that are shown are to be compared before they are pulled from, and those
    /// never shown begin at 0. What is shown stays, and the outbox is not touched.
    fn begin_rebase(&mut self, epoch: Epoch) -> Result<(), Self::Error>;

    /// The digests of every shown scope, computed from the rows as they are stored now, without
    /// this phone's own pending edits.
    fn sums(&self, key: &DigestKey) -> Result<Vec<(ScopeId, ScopeSums)>, Self::Error>;

    /// The digest of every shown scope as of the last [`PhoneStore::sums`], carried on over what was
    /// shown since. None if it is not trusted any more, or carrying does not pay for so few rows:
    /// then they must be counted again.
    fn carried_digests(
        &self,
        key: &DigestKey,
    ) -> Result<Option<Vec<(ScopeId, Digest)>>, Self::Error>;

    /// Notes that these scopes are to be compared: what was staged or repaired in them and not shown
    /// yet is dropped. Counts them if they were not what the server says.
    fn begin_repair(&mut self, scopes: &[ScopeId], is_mismatch: bool) -> Result<(), Self::Error>;

    /// Notes the outcome of a comparison at `head`: each scope's cursor is there, and these
    /// sub-buckets of it are to be repaired.
    fn note_comparison(
        &mut self,
        head: u64,
        differing: &[(ScopeId, Vec<u8>)],
    ) -> Result<(), Self::Error>;

    /// Some sub-buckets of one scope that are to be repaired: as many as have `max_rows` rows
    /// together, at least one. None if there are none.
    fn next_repair(
        &self,
        key: &DigestKey,
        max_rows: usize,
    ) -> Result<Option<RepairPlan>, Self::Error>;

    /// Keeps what a repair brought out of sight, and notes that its sub-buckets are done.
    fn stage_repair(&mut self, repair: &Repair<'_>) -> Result<(), Self::Error>;

    /// Keeps a frame out of sight and moves its scope's cursor to the frame's end, in one
    /// transaction. `bytes` is the frame as it came, `read_at` the head at which it was read,
    /// which a scope's first frame makes its anchor.
    fn stage(&mut self, frame: &Frame, bytes: &[u8], read_at: u64) -> Result<(), Self::Error>;

    /// Whether any of these scopes has been shown before (false for one still being fetched for
    /// the first time).
    fn is_shown(&self, grant: &ScopeGrant) -> Result<bool, Self::Error>;

    /// Shows what was staged for granted scopes up to the checkpoint's priority and moves their
    /// cursors to its head, in one transaction. Repairs come first, then changes in order. A
    /// complete checkpoint also drops every scope that is not granted any more; one that is not
    /// complete does nothing if any granted scope was ever shown. A row stays while any of the device's scopes holds it; rows with
    /// pending operations get them applied on top again. Operations whose result version is at
    /// most the head leave the overlay when the checkpoint is complete. Returns the rows that
    /// look different now.
    fn publish(
        &mut self,
        grants: &[ScopeGrant],
        checkpoint: &Checkpoint,
    ) -> Result<Vec<(Entity, RowId)>, Self::Error>;

    /// Keeps what the server said that the device holds. It may be lost: then it is said again.
    fn keep_holdings(&mut self, holdings: &Holdings) -> Result<(), Self::Error>;

    /// The next operations to offer: those numbered and without a result, in order of number,
    /// then further groups, most urgent first, which get the next numbers before this returns.
    /// Groups are whole. Empty when nothing waits.
    fn next_batch(
        &mut self,
        max_operations: usize,
        max_bytes: usize,
    ) -> Result<Vec<Operation>, Self::Error>;

    /// Keeps results with their operations, and that they are of the history in use. Refused ones leave the overlay and stay visible as
    /// refused. Returns the rows that look different now.
    fn save_results(
        &mut self,
        results: &[OperationResult],
        now: TimestampMs,
    ) -> Result<Vec<(Entity, RowId)>, Self::Error>;

    /// Takes a new client id; operations without a result lose their numbers and keep their ids.
    fn fork(&mut self, client: ClientId) -> Result<(), Self::Error>;

    /// Makes acknowledged operations wait again, as the server no longer knows them. If some are
    /// no longer kept, so that the numbers cannot be continued, the gaps are noted and `fresh` is
    /// taken as by [`PhoneStore::fork`], all in one transaction. Returns the rows that look
    /// different now.
    fn reoffer(
        &mut self,
        which: Reoffer,
        fresh: ClientId,
    ) -> Result<Vec<(Entity, RowId)>, Self::Error>;

    /// Forgets gaps the server has on record.
    fn forget_gaps(&mut self, gaps: &[NumberGap]) -> Result<(), Self::Error>;
}
