use crate::disk::{Disk, StoreFault};
use crate::phone::Key;
use fieldfare_model::{Columns, OperationId, RepId, Row, RowId, TerritoryId, TimestampMs};
use fieldfare_sync::{DeviceContext, Epoch, Outcome, ScopeId, ServerEffect};

/// The server, as the world needs it.
pub trait SimServer: Sized {
    /// What a backup is.
    type Backup;
    /// Where its writes may fail.
    fn disk(&mut self) -> &mut Disk;
    /// Answers a request. If the process is killed no answer comes, whether or not it was applied.
    ///
    /// # Errors
    /// [`StoreFault`].
    fn answer(
        &mut self,
        device: &DeviceContext,
        path: &str,
        body: &[u8],
        now: TimestampMs,
    ) -> Result<ServerEffect, StoreFault>;
    /// Makes leads hold these cells, all in one transaction; returns their versions.
    fn put_leads(&mut self, leads: &[(RowId, Columns)], now: TimestampMs) -> Vec<u64>;
    /// Deletes a lead.
    fn delete_lead(&mut self, lead: RowId, now: TimestampMs);
    /// Gives a rep exactly these territories.
    fn assign(&mut self, rep: RepId, territories: &[TerritoryId]);
    /// Forgets tombstones older than this.
    fn collect(&mut self, now: TimestampMs, retention_ms: i64);
    /// A copy of its disk.
    fn backup(&mut self) -> Self::Backup;
    /// Comes back from a copy, as another history.
    fn restore(&mut self, backup: &Self::Backup, epoch: Epoch);
    /// The scopes a rep holds.
    fn scopes(&self, rep: RepId) -> Vec<ScopeId>;
    /// The rows a scope holds.
    fn rows_of(&self, scope: &ScopeId) -> Vec<(Key, Row)>;
    /// A live row.
    fn row(&self, key: Key) -> Option<Row>;
    /// The result it keeps for an operation.
    fn result(&self, operation: OperationId) -> Option<Outcome>;
    /// The last sequence taken.
    fn head(&self) -> u64;
    /// Operations in the order in which they took effect in this history, if it can tell.
    fn effects(&self) -> &[OperationId];
}
