use crate::disk::{Disk, StoreFault};
use fieldfare_model::{Entity, Row, RowId, TimestampMs};
use fieldfare_sync::{Operation, Outcome, PhoneStore, ScopeId};
use std::collections::BTreeSet;

/// A row of any entity.
pub type Key = (Entity, RowId);

/// A phone's store, as the world needs it beside what the protocol does.
pub trait SimPhone: PhoneStore<Error = StoreFault> + Sized {
    /// Where its writes may fail.
    fn disk(&mut self) -> &mut Disk;
    /// The app was killed and starts again. If the power was cut, the last writes are undone that
    /// were not brought to the disk.
    fn restart(&mut self);
    /// What the server said is found damaged, and moved aside for an empty file.
    fn lose_cache(&mut self);
    /// How many writes stand in the file that holds what the server said; less after a power cut.
    fn cache_writes(&self) -> u64;
    /// Stores operations as one unit; durable when it returns.
    ///
    /// # Errors
    /// [`StoreFault`]; then nothing was stored, unless the process was killed.
    fn record(&mut self, operations: &[Operation]) -> Result<(), StoreFault>;
    /// Forgets what was acknowledged longer ago than the retention.
    ///
    /// # Errors
    /// [`StoreFault`].
    fn purge(&mut self, now: TimestampMs) -> Result<(), StoreFault>;
    /// What the app sees of a row.
    fn look(&self, key: Key) -> Option<Row>;
    /// Every row the app sees.
    fn keys(&self) -> BTreeSet<Key>;
    /// What became of an operation, if it is kept.
    fn outcome(&self, operation: &Operation) -> Option<Option<Outcome>>;
    /// How often a scope was not what the server said.
    fn mismatches(&self) -> u64;
    /// The complete head that is shown.
    fn head(&self) -> u64;
    /// The scopes that are shown.
    fn shown(&self) -> BTreeSet<ScopeId>;
    /// Damages the `at`-th stored row: it is gone, or what it was long ago. False if it cannot.
    fn rot(&mut self, at: usize, is_gone: bool, older: &dyn Fn(Key) -> Option<Row>) -> bool;
    /// Copies its files over those of another.
    fn copy_to(&self, other: &mut Self);
    /// A copy of its files.
    fn backup(&self) -> Self;
}
