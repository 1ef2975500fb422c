//! Failing on demand.

use rusqlite::ffi;

/// What a failing write answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// No space is left.
    Full,
    /// The device failed.
    Io,
}

impl FaultKind {
    pub(crate) const fn code(self, on_sync: bool) -> i32 {
        match (self, on_sync) {
            (Self::Full, _) => ffi::SQLITE_FULL,
            (Self::Io, true) => ffi::SQLITE_IOERR_FSYNC,
            (Self::Io, false) => ffi::SQLITE_IOERR_WRITE,
        }
    }
}

/// Lets some writes, truncations and syncs pass and fails those after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// How many pass.
    pub passing: u64,
    /// How many fail then; what comes after passes again.
    pub failing: u64,
    /// How they fail.
    pub kind: FaultKind,
}

impl Fault {
    /// Counts one write, and says whether it fails.
    pub(crate) const fn strikes(&mut self) -> bool {
        if self.passing > 0 {
            self.passing -= 1;
            false
        } else if self.failing > 0 {
            self.failing -= 1;
            true
        } else {
            false
        }
    }
}
