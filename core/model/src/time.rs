use serde::{Deserialize, Serialize};

/// A moment as epoch milliseconds UTC.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct TimestampMs(pub i64);

impl TimestampMs {
    /// Milliseconds from `earlier` to `self`, negative if `earlier` is later. Saturates.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The moment `ms` milliseconds later. Saturates.
    pub const fn plus(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Epoch milliseconds as unsigned, moments before 1970 as 0.
    pub const fn unix_ms(self) -> u64 {
        if self.0 < 0 { 0 } else { self.0 as u64 }
    }
}
