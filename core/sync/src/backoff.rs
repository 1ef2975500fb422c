//! When to try again after a failed sync.

use fieldfare_model::{TimestampMs, seeded_bug};
use serde::{Deserialize, Serialize};

const BASE_MS: u64 = 5_000;
const CAP_MS: u64 = 15 * 60_000;

/// No server's wish counts for longer than this.
const LONGEST_MS: u64 = 24 * 60 * 60_000;

/// How often syncing failed in a row, and when it makes sense again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backoff {
    /// Failures since the last success.
    pub failures: u32,
    /// Not before this moment, if there is one.
    pub next_attempt_at: Option<TimestampMs>,
    /// When the last failure was.
    #[serde(default)]
    pub failed_at: Option<TimestampMs>,
}

impl Backoff {
    /// The upper end of the wait after one more failure, milliseconds: 5 s doubled each time, at
    /// most 15 min.
    pub fn ceiling_ms(self) -> u64 {
        BASE_MS
            .checked_shl(self.failures.min(20))
            .unwrap_or(CAP_MS)
            .min(CAP_MS)
    }

    /// One more failure. `jitter_ms` is a random number below [`Self::ceiling_ms`] ("full
    /// jitter"); what the server asked for counts if it is longer.
    pub fn failed(self, now: TimestampMs, jitter_ms: u64, retry_after_ms: Option<u64>) -> Self {
        let mut wait = jitter_ms.max(retry_after_ms.unwrap_or(0)).min(LONGEST_MS);
        if seeded_bug!("retry timer gone idle") {
            wait = u64::MAX / 4;
        }
        Self {
            failures: self.failures.saturating_add(1),
            next_attempt_at: Some(now.plus(i64::try_from(wait).unwrap_or(i64::MAX))),
            failed_at: Some(now),
        }
    }

    /// How long to wait from now, milliseconds. A clock that was set back since the failure ends
    /// the wait, as nobody knows how much of it is left.
    pub fn wait_ms(self, now: TimestampMs) -> u64 {
        let was_set_back = self.failed_at.is_some_and(|failed| now < failed);
        let left = self.next_attempt_at.map_or(0, |next| next.since(now));
        if was_set_back {
            0
        } else {
            u64::try_from(left).unwrap_or(0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_quarter_of_an_hour() {
        let at = |failures| {
            Backoff {
                failures,
                ..Backoff::default()
            }
            .ceiling_ms()
        };
        assert_eq!((at(0), at(1), at(2)), (5_000, 10_000, 20_000));
        assert_eq!((at(8), at(60), at(u32::MAX)), (CAP_MS, CAP_MS, CAP_MS));
    }

    #[test]
    fn a_clock_that_is_set_back_ends_the_wait() {
        let failed = Backoff::default().failed(TimestampMs(1_000_000), 4_000, None);
        assert_eq!(failed.wait_ms(TimestampMs(1_000_000)), 4_000);
        assert_eq!(failed.wait_ms(TimestampMs(1_003_000)), 1_000);
        assert_eq!(failed.wait_ms(TimestampMs(9_000_000)), 0);
        assert_eq!(failed.wait_ms(TimestampMs(999_999)), 0);
        assert_eq!(Backoff::default().wait_ms(TimestampMs(5)), 0);
    }

    #[test]
    fn the_servers_wish_counts_when_longer() {
        let start = Backoff::default();
        let now = TimestampMs(1_000);
        let next = |jitter, wish| start.failed(now, jitter, wish).next_attempt_at;
        assert_eq!(next(700, None), Some(TimestampMs(1_700)));
        assert_eq!(next(700, Some(60_000)), Some(TimestampMs(61_000)));
        assert_eq!(next(700, Some(10)), Some(TimestampMs(1_700)));
    }
}
