//! When to try again after a failed sync.

use fieldfare_model::TimestampMs;
use serde::{Deserialize, Serialize};

const BASE_MS: u64 = 5_000;
const CAP_MS: u64 = 15 * 60_000;

/// How often syncing failed in a row, and when it makes sense again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backoff {
    /// Failures since the last success.
    pub failures: u32,
    /// Not before this moment, if there is one.
    pub next_attempt_at: Option<TimestampMs>,
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
        let wait = jitter_ms.max(retry_after_ms.unwrap_or(0));
        Self {
            failures: self.failures.saturating_add(1),
            next_attempt_at: Some(now.plus(i64::try_from(wait).unwrap_or(i64::MAX))),
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
                next_attempt_at: None,
            }
            .ceiling_ms()
        };
        assert_eq!((at(0), at(1), at(2)), (5_000, 10_000, 20_000));
        assert_eq!((at(8), at(60), at(u32::MAX)), (CAP_MS, CAP_MS, CAP_MS));
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
