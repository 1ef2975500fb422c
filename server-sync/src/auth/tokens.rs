use crate::random;
use crate::store::{MasterKey, StoreError, TokenHash};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fieldfare_model::{DeviceId, TimestampMs};
use ring::hmac;
use subtle::ConstantTimeEq as _;

/// How long an access token lives, milliseconds.
pub const ACCESS_LIFETIME_MS: i64 = 15 * 60 * 1000;

/// How long an unused refresh token lives, milliseconds.
pub const REFRESH_LIFETIME_MS: i64 = 90 * 24 * 60 * 60 * 1000;

/// Of access tokens, which go with every request and so are short.
const ACCESS_VERSION: u8 = 2;
const ACCESS_BODY_BYTES: usize = 1 + 16 + 6;
/// 128 bits of HMAC-SHA256, the least that RFC 2104 recommends.
const ACCESS_TAG_BYTES: usize = 16;

const VERSION: u8 = 1;
const TAG_BYTES: usize = 32;
const NONCE_BYTES: usize = 16;
const REFRESH_BYTES: usize = 1 + 16 + 8 + NONCE_BYTES;

/// What an access token says: which device, until when. Whose the device is and what it may do is
/// read from the database on every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessToken {
    /// The device.
    pub device: DeviceId,
    /// When it ends.
    pub expires_at: TimestampMs,
}

/// What a refresh token says. Only those whose hash is stored are good; but a server that came back
/// from a backup knows by this what it gave to whom since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshToken {
    /// Whose it is.
    pub device: DeviceId,
    /// 1 for the device's first, and one more for each that followed.
    pub n: u64,
    nonce: [u8; NONCE_BYTES],
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
        let mut bytes = Vec::with_capacity(ACCESS_BODY_BYTES + ACCESS_TAG_BYTES);
        bytes.push(ACCESS_VERSION);
        bytes.extend_from_slice(token.device.as_bytes());
        // Six bytes of milliseconds last for 8,900 years.
        let [_, _, expires_at @ ..] = token.expires_at.0.to_be_bytes();
        bytes.extend_from_slice(&expires_at);
        let tag = self.access_tag(&bytes);
        bytes.extend_from_slice(&tag);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn access_tag(&self, body: &[u8]) -> [u8; ACCESS_TAG_BYTES] {
        first_of(hmac::sign(&self.access, body).as_ref())
    }

    /// Reads an access token that this server signed and that has not ended. Constant time in the
    /// signature.
    pub fn verify(&self, text: &str, now: TimestampMs) -> Option<AccessToken> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (body, tag) = bytes.split_at_checked(ACCESS_BODY_BYTES)?;
        if !bool::from(self.access_tag(body).as_slice().ct_eq(tag)) {
            return None;
        }
        let (version, body) = body.split_first()?;
        let (device, expires_at) = body.split_at_checked(16)?;
        let &[a, b, c, d, e, f] = expires_at else {
            return None;
        };
        let token = AccessToken {
            device: DeviceId::from_slice(device).ok()?,
            expires_at: TimestampMs(i64::from_be_bytes([0, 0, a, b, c, d, e, f])),
        };
        (*version == ACCESS_VERSION && now < token.expires_at).then_some(token)
    }

    /// What is stored of a code or refresh token.
    pub fn hash(&self, secret: &str) -> TokenHash {
        self.keyed(&[b"hash\0", secret.as_bytes()])
    }

    /// A new, unpredictable refresh token, the device's `n`-th.
    ///
    /// # Errors
    /// [`StoreError::Random`].
    pub fn new_refresh(&self, device: DeviceId, n: u64) -> Result<String, StoreError> {
        Ok(self.sign_refresh(&RefreshToken {
            device,
            n,
            nonce: random::bytes()?,
        }))
    }

    /// The refresh token that follows `token` in an attempt: the same for the same attempt, so
    /// that a lost answer can be given again without keeping it.
    pub fn successor(&self, token: &RefreshToken, attempt: [u8; 16]) -> String {
        let after = self.sign_refresh(token);
        let next = self.keyed(&[b"next\0", attempt.as_slice(), after.as_bytes()]);
        self.sign_refresh(&RefreshToken {
            device: token.device,
            n: token.n.saturating_add(1),
            nonce: first_of(&next.0),
        })
    }

    fn sign_refresh(&self, token: &RefreshToken) -> String {
        let mut bytes = Vec::with_capacity(REFRESH_BYTES + TAG_BYTES);
        bytes.push(VERSION);
        bytes.extend_from_slice(token.device.as_bytes());
        bytes.extend_from_slice(&token.n.to_be_bytes());
        bytes.extend_from_slice(&token.nonce);
        let tag = self.keyed(&[b"refresh\0", &bytes]);
        bytes.extend_from_slice(&tag.0);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a refresh token that a server with this master key made, whether or not it is good
    /// still. Constant time in the signature.
    pub fn read_refresh(&self, text: &str) -> Option<RefreshToken> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (body, tag) = bytes.split_at_checked(REFRESH_BYTES)?;
        let signed = [b"refresh\0".as_slice(), body].concat();
        hmac::verify(&self.stored, &signed, tag).ok()?;
        let (version, body) = body.split_first()?;
        let (device, body) = body.split_at_checked(16)?;
        let (n, nonce) = body.split_at_checked(8)?;
        let token = RefreshToken {
            device: DeviceId::from_slice(device).ok()?,
            n: u64::from_be_bytes(n.try_into().ok()?),
            nonce: nonce.try_into().ok()?,
        };
        (*version == VERSION).then_some(token)
    }

    fn keyed(&self, parts: &[&[u8]]) -> TokenHash {
        let mut context = hmac::Context::with_key(&self.stored);
        parts.iter().for_each(|part| context.update(part));
        TokenHash(first_of(context.sign().as_ref()))
    }
}

/// The first bytes, of which there are at least so many.
fn first_of<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut first = [0; N];
    first
        .iter_mut()
        .zip(bytes)
        .for_each(|(to, from)| *to = *from);
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(byte: u8) -> TokenKeys {
        TokenKeys::new(&MasterKey::new([byte; 32])).unwrap()
    }

    const TOKEN: AccessToken = AccessToken {
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
        let longer = URL_SAFE_NO_PAD.encode([&bytes[..], &[0]].concat());
        assert_eq!(keys(1).verify(&longer, TimestampMs(0)), None);
    }

    #[test]
    fn successors_follow_from_token_and_attempt() {
        let keys = keys(1);
        let first = |n| {
            let text = keys.new_refresh(TOKEN.device, n).unwrap();
            keys.read_refresh(&text).unwrap()
        };
        let (a, b) = (first(1), first(1));
        assert_eq!(keys.successor(&a, [1; 16]), keys.successor(&a, [1; 16]));
        assert_ne!(keys.successor(&a, [1; 16]), keys.successor(&a, [2; 16]));
        assert_ne!(keys.successor(&a, [1; 16]), keys.successor(&b, [1; 16]));
        let next = keys.read_refresh(&keys.successor(&a, [1; 16])).unwrap();
        assert_eq!((next.device, next.n), (TOKEN.device, 2));
    }

    #[test]
    fn a_refresh_token_of_another_key_or_with_a_changed_bit_is_none() {
        let text = keys(1).new_refresh(TOKEN.device, 7).unwrap();
        assert_eq!(keys(2).read_refresh(&text), None);
        let bytes = URL_SAFE_NO_PAD.decode(text).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let text = URL_SAFE_NO_PAD.encode(changed);
            assert_eq!(keys(1).read_refresh(&text), None, "bit {bit}");
        }
        for length in 0..bytes.len() {
            let text = URL_SAFE_NO_PAD.encode(&bytes[..length]);
            assert_eq!(keys(1).read_refresh(&text), None);
        }
    }
}
