use fieldfare_engine::{Clock, SystemClock};
use fieldfare_model::TimestampMs;
use std::sync::Mutex;
use std::sync::PoisonError;

/// The system's clock, or a moment that was set.
#[derive(Default)]
pub struct PhoneClock(Mutex<Option<TimestampMs>>);

impl PhoneClock {
    /// A clock that stands at a moment, or follows the system.
    pub fn new(now_ms: Option<i64>) -> Self {
        Self(Mutex::new(now_ms.map(TimestampMs)))
    }

    /// Moves a clock that stands on to a later moment; one that runs is left alone.
    pub fn follow(&self, at: TimestampMs) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(now) = now.as_mut() {
            *now = at.max(*now);
        }
    }
}

impl Clock for PhoneClock {
    fn now(&self) -> TimestampMs {
        let now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        now.unwrap_or_else(|| SystemClock.now())
    }
}
