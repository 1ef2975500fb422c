//! A disk for tests: it notes every write of SQLite below a folder, can fail any of them, and can
//! say what would be left of the files after a power cut.
//!
//! [`watch`] puts itself under every SQLite file of the process that is opened below a folder; the
//! code under test is not changed. SQLCipher lies above, so what is noted is what it encrypted.

mod faults;
mod hook;
mod journal;
mod steps;

pub use faults::{Fault, FaultKind};
pub use hook::{Watch, watch};
pub use journal::{Entry, Fates, fates_of, left_after};
pub use steps::{Progress, cuts_at_syncs, seed};
