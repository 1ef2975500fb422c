//! First fetches take turns, so that whoever asks for what changed never waits behind a morning of
//! them.

use crate::config::LimitsConfig;
use crate::http::ApiError;
use crate::random;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// For how long a first fetch waits for its turn.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Whoever is sent away comes back after this many seconds at the soonest, and up to
/// [`SPREAD_S`] later, not all at once.
const SOONEST_S: u64 = 3;
const SPREAD_S: u64 = 12;

/// The turns.
pub struct Bootstraps {
    turns: Arc<Semaphore>,
    waiting: AtomicUsize,
    most_waiting: usize,
    longest_wait: Duration,
}

impl Bootstraps {
    /// So many at once, and so many that wait, as configured.
    pub fn new(limits: &LimitsConfig) -> Self {
        let half = Duration::from_secs(limits.request_seconds) / 2;
        Self {
            turns: Arc::new(Semaphore::new(limits.bootstraps.max(1) as usize)),
            waiting: AtomicUsize::new(0),
            most_waiting: limits.bootstraps_waiting as usize,
            longest_wait: LONGEST_WAIT.min(half),
        }
    }

    /// Waits for a turn, in the order of asking. It ends when the permit is dropped.
    ///
    /// # Errors
    /// [`ApiError`] with the seconds to wait, if too many wait or it takes too long.
    pub async fn turn(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        if let Ok(permit) = self.turns.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let _place = Place::take(self)?;
        let turn = self.turns.clone().acquire_owned();
        match tokio::time::timeout(self.longest_wait, turn).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(come_again()),
        }
    }
}

/// A place among those that wait.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(bootstraps: &'a Bootstraps) -> Result<Self, ApiError> {
        let place = Self(&bootstraps.waiting);
        let before = bootstraps.waiting.fetch_add(1, Ordering::SeqCst);
        if before < bootstraps.most_waiting {
            Ok(place)
        } else {
            Err(come_again())
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn come_again() -> ApiError {
    metrics::counter!("fieldfare_bootstraps_put_off_total").increment(1);
    let chance = random::bytes().map_or(0, u64::from_le_bytes);
    ApiError::busy(SOONEST_S + chance % (SPREAD_S + 1))
}
