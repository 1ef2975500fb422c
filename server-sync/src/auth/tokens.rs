use crate::random;
use crate::store::{MasterKey, StoreError, TokenHash};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fieldfare_model::{DeviceId, TenantId, TimestampMs};
use ring::hmac;

/// How long an access token lives, milliseconds.
pub const ACCESS_LIFETIME_MS: i64 = 15 * 60 * 1000;

/// How long an unused refresh token lives, milliseconds.
pub const REFRESH_LIFETIME_MS: i64 = 90 * 24 * 60 * 60 * 1000;

const VERSION: u8 = 1;
const TAG_BYTES: usize = 32;
const BODY_BYTES: usize = 1 + 16 + 16 + 8;

/// What an access token says: which device, until when. What the device may do is read from the
/// database on every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessToken {
    /// The device's company.
    pub tenant: TenantId,
    /// The device.
    pub device: DeviceId,
    /// When it ends.
    pub expires_at: TimestampMs,
}

/// The keys for tokens and for what is stored of secrets.
pub struct TokenKeys {
    access: hmac::Key,
    stored: hmac::Key,
}

impl TokenKeys {
    /// Keys derived from the master key.
    ///
    /// # Errors
    /// [`StoreError::Random`] if the derivation fails, which no input causes.
    pub fn new(master: &MasterKey) -> Result<Self, StoreError> {
        Ok(Self {
            access: master.access_tokens()?,
            stored: master.stored_secrets()?,
        })
    }

    /// Signs an access token.
    pub fn sign(&self, token: &AccessToken) -> String {
        let mut bytes = Vec::with_capacity(BODY_BYTES + TAG_BYTES);
        bytes.push(VERSION);
        bytes.extend_from_slice(token.tenant.as_bytes());
        bytes.extend_from_slice(token.device.as_bytes());
        bytes.extend_from_slice(&token.expires_at.0.to_be_bytes());
        let tag = hmac::sign(&self.access, &bytes);
        bytes.extend_from_slice(tag.as_ref());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads an access token that this server signed and that has not ended. Constant time in the
    /// signature.
    pub fn verify(&self, text: &str, now: TimestampMs) -> Option<AccessToken> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (body, tag) = bytes.split_at_checked(BODY_BYTES)?;
        hmac::verify(&self.access, body, tag).ok()?;
        let (version, body) = body.split_first()?;
        let (tenant, body) = body.split_at_checked(16)?;
        let (device, expires_at) = body.split_at_checked(16)?;
        let token = AccessToken {
            tenant: TenantId::from_slice(tenant).ok()?,
            device: DeviceId::from_slice(device).ok()?,
            expires_at: TimestampMs(i64::from_be_bytes(expires_at.try_into().ok()?)),
        };
        (*version == VERSION && now < token.expires_at).then_some(token)
    }

    /// What is stored of a code or refresh token.
    pub fn hash(&self, secret: &str) -> TokenHash {
        self.keyed(&[b"hash\0", secret.as_bytes()])
    }

    /// A new, unpredictable refresh token.
    ///
    /// # Errors
    /// [`StoreError::Random`].
    pub fn new_refresh(&self) -> Result<String, StoreError> {
        Ok(URL_SAFE_NO_PAD.encode(random::bytes::<TAG_BYTES>()?))
    }

    /// The refresh token that follows `token` in an attempt: the same for the same attempt, so
    /// that a lost answer can be given again without keeping it.
    pub fn successor(&self, token: &str, attempt: [u8; 16]) -> String {
        let next = self.keyed(&[b"next\0", attempt.as_slice(), token.as_bytes()]);
        URL_SAFE_NO_PAD.encode(next.0)
    }

    fn keyed(&self, parts: &[&[u8]]) -> TokenHash {
        let mut context = hmac::Context::with_key(&self.stored);
        parts.iter().for_each(|part| context.update(part));
        let mut out = [0; TAG_BYTES];
        out.iter_mut()
            .zip(context.sign().as_ref())
            .for_each(|(to, from)| *to = *from);
        TokenHash(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(byte: u8) -> TokenKeys {
        TokenKeys::new(&MasterKey::new([byte; 32])).unwrap()
    }

    const TOKEN: AccessToken = AccessToken {
        tenant: TenantId::from_bytes([1; 16]),
        device: DeviceId::from_bytes([2; 16]),
        expires_at: TimestampMs(1_000),
    };

    #[test]
    fn a_token_reads_back_until_it_ends() {
        let text = keys(1).sign(&TOKEN);
        assert_eq!(keys(1).verify(&text, TimestampMs(999)), Some(TOKEN));
        assert_eq!(keys(1).verify(&text, TimestampMs(1_000)), None);
        assert_eq!(keys(2).verify(&text, TimestampMs(0)), None);
    }

    #[test]
    fn every_changed_bit_is_noticed() {
        let bytes = URL_SAFE_NO_PAD.decode(keys(1).sign(&TOKEN)).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let text = URL_SAFE_NO_PAD.encode(changed);
            assert_eq!(keys(1).verify(&text, TimestampMs(0)), None, "bit {bit}");
        }
        for length in 0..bytes.len() {
            let text = URL_SAFE_NO_PAD.encode(&bytes[..length]);
            assert_eq!(keys(1).verify(&text, TimestampMs(0)), None);
        }
    }

    #[test]
    fn successors_follow_from_token_and_attempt() {
        let keys = keys(1);
        assert_eq!(keys.successor("a", [1; 16]), keys.successor("a", [1; 16]));
        assert_ne!(keys.successor("a", [1; 16]), keys.successor("a", [2; 16]));
        assert_ne!(keys.successor("a", [1; 16]), keys.successor("b", [1; 16]));
    }
}
