use crate::EngineError;
use fieldfare_model::TimestampMs;
use ring::rand::{SecureRandom, SystemRandom};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now, epoch milliseconds UTC.
    fn now(&self) -> TimestampMs;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> TimestampMs {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        TimestampMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// Time and chance, the two things the engine takes from outside.
pub(crate) struct Sources {
    pub clock: Arc<dyn Clock>,
    random: SystemRandom,
}

impl Sources {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            random: SystemRandom::new(),
        }
    }

    pub fn now(&self) -> TimestampMs {
        self.clock.now()
    }

    pub fn bytes<const N: usize>(&self) -> Result<[u8; N], EngineError> {
        let mut bytes = [0u8; N];
        self.random
            .fill(&mut bytes)
            .map_err(|_| EngineError::Storage {
                detail: "no randomness from the system".to_owned(),
            })?;
        Ok(bytes)
    }

    /// A new UUIDv7, wrapped by `make` (an id's `v7`).
    pub fn id<T>(&self, make: impl Fn(u64, [u8; 10]) -> T) -> Result<T, EngineError> {
        Ok(make(self.now().unix_ms(), self.bytes()?))
    }

    /// A number from 0 to below `end`, 0 if `end` is 0. The bias for the ranges used here is
    /// below one in a billion.
    pub fn below(&self, end: u64) -> Result<u64, EngineError> {
        Ok(u64::from_le_bytes(self.bytes()?)
            .checked_rem(end)
            .unwrap_or(0))
    }
}
