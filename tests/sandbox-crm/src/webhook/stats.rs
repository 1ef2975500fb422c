//! What became of the deliveries so far.

use serde::{Deserialize, Serialize};

/// How many failures [`DeliveryStats::last_errors`] keeps.
const KEPT_ERRORS: usize = 20;

/// Counts since the portal was made.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DeliveryStats {
    /// Events that changes became, each counted once.
    pub events: u64,
    /// Copies made on purpose.
    pub duplicated: u64,
    /// Events lost on purpose.
    pub dropped: u64,
    /// Batches made.
    pub batches: u64,
    /// Requests sent, retries with them.
    pub attempts: u64,
    /// Requests that failed, lost answers with them.
    pub failures: u64,
    /// Batches answered with 2xx.
    pub acked_batches: u64,
    /// Events in those, copies with them.
    pub acked_events: u64,
    /// Batches given up after the last retry.
    pub dead_batches: u64,
    /// Events in those, copies with them.
    pub dead_events: u64,
    /// Requests under way now.
    pub in_flight: usize,
    /// Most requests that were under way at once.
    pub most_in_flight: usize,
    /// Largest number of events in a request.
    pub largest_batch: usize,
    /// Events waiting, in a batch, or between two attempts.
    pub outstanding: usize,
    /// The latest failures, oldest first, at most 20.
    pub last_errors: Vec<String>,
}

impl DeliveryStats {
    pub(super) fn start_attempt(&mut self, events: usize) {
        self.attempts += 1;
        self.in_flight += 1;
        self.most_in_flight = self.most_in_flight.max(self.in_flight);
        self.largest_batch = self.largest_batch.max(events);
    }

    pub(super) fn end_attempt(&mut self, error: Option<String>) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let Some(error) = error else { return };
        self.failures += 1;
        if self.last_errors.len() == KEPT_ERRORS {
            self.last_errors.remove(0);
        }
        self.last_errors.push(error);
    }

    pub(super) fn finish_batch(&mut self, events: usize, acked: bool) {
        let (batches, total) = if acked {
            (&mut self.acked_batches, &mut self.acked_events)
        } else {
            (&mut self.dead_batches, &mut self.dead_events)
        };
        *batches += 1;
        *total += events as u64;
    }
}
