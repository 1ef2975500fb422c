//! Random bytes and ids from the system.

use crate::store::{StoreError, clock_now};
use ring::rand::{SecureRandom, SystemRandom};

/// Unpredictable bytes.
///
/// # Errors
/// [`StoreError::Random`] if the system gives none.
pub fn bytes<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut out = [0; N];
    SystemRandom::new()
        .fill(&mut out)
        .map_err(|_| StoreError::Random)?;
    Ok(out)
}

/// The two parts of a new UUIDv7: the moment and ten random bytes, as the ids of
/// `fieldfare_model` take them.
///
/// # Errors
/// As [`bytes`].
pub fn id_parts() -> Result<(u64, [u8; 10]), StoreError> {
    Ok((clock_now().unix_ms(), bytes()?))
}
