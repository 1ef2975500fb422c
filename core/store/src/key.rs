//! The data key that encrypts both files.

use crate::StoreError;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

/// Length of a data key in bytes.
pub const DATA_KEY_BYTES: usize = 32;

const CHECK_CONTEXT: &str = "fieldfare store 2026-11 key check value";
const CHECK_TEXT: &[u8] = b"fieldfare data key";

/// The 32 random bytes that encrypt both files. Overwritten when dropped, never printed.
#[derive(Clone)]
pub struct DataKey(Zeroizing<[u8; DATA_KEY_BYTES]>);

impl DataKey {
    /// Makes a key from the operating system's random bytes.
    ///
    /// # Errors
    /// [`StoreError::Random`] if there are none.
    pub fn generate() -> Result<Self, StoreError> {
        let mut bytes = Zeroizing::new([0; DATA_KEY_BYTES]);
        random(bytes.as_mut_slice())?;
        Ok(Self(bytes))
    }

    /// Wraps existing bytes; `None` unless there are exactly 32.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut key = Zeroizing::new([0; DATA_KEY_BYTES]);
        if bytes.len() != DATA_KEY_BYTES {
            return None;
        }
        key.copy_from_slice(bytes);
        Some(Self(key))
    }

    /// The bytes, for a vault to wrap.
    pub fn as_bytes(&self) -> &[u8; DATA_KEY_BYTES] {
        &self.0
    }

    /// Whether this is the key `check` was made from.
    pub(crate) fn matches(&self, check: &[u8]) -> bool {
        self.check_hash() == *check
    }

    /// A value that tells this key from others and gives nothing of it away.
    pub(crate) fn check_value(&self) -> [u8; 32] {
        *self.check_hash().as_bytes()
    }

    fn check_hash(&self) -> blake3::Hash {
        let sub_key = Zeroizing::new(blake3::derive_key(CHECK_CONTEXT, self.0.as_slice()));
        blake3::keyed_hash(&sub_key, CHECK_TEXT)
    }

    /// The raw-key form SQLCipher takes without a key derivation: `x'<64 hex digits>'`.
    pub(crate) fn raw_key_text(&self) -> Zeroizing<Vec<u8>> {
        let mut text = Zeroizing::new(vec![0; 2 + 2 * DATA_KEY_BYTES + 1]);
        if let [x, open, digits @ .., close] = text.as_mut_slice() {
            *x = b'x';
            *open = b'\'';
            *close = b'\'';
            hex::encode_to_slice(self.0.as_slice(), digits).unwrap_or_default();
        }
        text
    }
}

/// Fills a buffer from the operating system's random source.
pub(crate) fn random(bytes: &mut [u8]) -> Result<(), StoreError> {
    SystemRandom::new()
        .fill(bytes)
        .map_err(|_| StoreError::Random)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_value_tells_keys_apart_and_is_not_the_key() {
        let (a, b) = (DataKey::generate().unwrap(), DataKey::generate().unwrap());
        assert!(a.matches(&a.check_value()));
        assert!(!b.matches(&a.check_value()));
        assert_ne!(&a.check_value(), a.as_bytes());
        assert_eq!(a.check_value(), a.clone().check_value());
    }

    #[test]
    fn raw_key_text_is_the_form_sqlcipher_takes() {
        let key = DataKey::from_slice(&[0xab; 32]).unwrap();
        let text = format!("x'{}'", "ab".repeat(32));
        assert_eq!(key.raw_key_text().as_slice(), text.as_bytes());
        assert!(DataKey::from_slice(&[1; 31]).is_none());
    }
}
