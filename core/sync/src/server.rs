//! The server's half.

use crate::{Epoch, FeedChange, Operation, OperationResult, Outcome, RejectCode, ScopeGrant, ScopeId};
use fieldfare_model::{
    ClientId, Columns, Conflict, DeviceId, Entity, OperationId, RepId, Row, RowId,
};

/// Who is asking, as the access token and the database say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceContext {
    /// The device.
    pub device: DeviceId,
    /// Its rep.
    pub rep: RepId,
}

/// A row as the server holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowState {
    /// Never existed.
    Absent,
    /// Existed and was deleted.
    Deleted,
    /// Exists.
    Live(Row),
}

/// A result kept for an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredResult {
    /// Under which client id it was applied.
    pub client: ClientId,
    /// Number and outcome.
    pub result: OperationResult,
}

/// The tenant's own word on an operation that the protocol would apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permit {
    /// Go on.
    Yes,
    /// Refused for good.
    No {
        /// Why, for programs.
        code: RejectCode,
        /// Why, for people; no personal data.
        reason: String,
    },
}

/// What the server's half needs of its storage: one open transaction over one tenant.
///
/// The caller opens the transaction before a request and commits it before the reply is sent.
pub trait ServerStore {
    /// Why storage failed.
    type Error;

    /// Identity of this history.
    fn epoch(&self) -> Result<Epoch, Self::Error>;
    /// The last sequence taken.
    fn head(&self) -> Result<u64, Self::Error>;
    /// Cursors below this (other than 0) cannot be served, as tombstones were collected.
    fn floor(&self) -> Result<u64, Self::Error>;
    /// The scopes the device holds now, read from the database.
    fn grants(&self, device: &DeviceContext) -> Result<Vec<ScopeGrant>, Self::Error>;
    /// Changes in a scope after a sequence, in order, at most `limit`. Each row stands once, at
    /// its newest place.
    fn feed(
        &self,
        scope: &ScopeId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<FeedChange>, Self::Error>;

    /// The last operation number of a client, 0 for none.
    fn last_n(&self, client: ClientId) -> Result<u64, Self::Error>;
    /// Which operation had a number.
    fn operation_at(&self, client: ClientId, n: u64) -> Result<Option<OperationId>, Self::Error>;
    /// The result kept for an operation.
    fn result(&self, operation: OperationId) -> Result<Option<StoredResult>, Self::Error>;

    /// A row.
    fn row(&self, entity: Entity, id: RowId) -> Result<RowState, Self::Error>;
    /// Whether a row is in one of the device's scopes now.
    fn is_visible(
        &self,
        device: &DeviceContext,
        entity: Entity,
        id: RowId,
    ) -> Result<bool, Self::Error>;
    /// The tenant's own rules: for example that a visit names the device's rep and a lead in its
    /// scopes. Values have been checked for kind already.
    fn permit(
        &self,
        device: &DeviceContext,
        operation: &Operation,
        before: &RowState,
    ) -> Result<Permit, Self::Error>;

    /// Begins a part that can be undone alone. Parts do not nest.
    fn begin_part(&mut self) -> Result<(), Self::Error>;
    /// Keeps the part.
    fn keep_part(&mut self) -> Result<(), Self::Error>;
    /// Undoes the part.
    fn undo_part(&mut self) -> Result<(), Self::Error>;

    /// Writes a row's cells at a new sequence, puts it in the feed of its scopes, and queues what
    /// follows from it (geocoding, territory, write-back). Returns the sequence.
    fn write(
        &mut self,
        device: &DeviceContext,
        operation: &Operation,
        columns: Columns,
    ) -> Result<u64, Self::Error>;
    /// Writes a conflict row to the rep's scope.
    fn write_conflict(
        &mut self,
        device: &DeviceContext,
        conflict: &Conflict,
    ) -> Result<(), Self::Error>;
    /// Keeps a result, and moves the client's last number to it.
    fn save_result(
        &mut self,
        device: &DeviceContext,
        client: ClientId,
        result: &OperationResult,
    ) -> Result<(), Self::Error>;
}
