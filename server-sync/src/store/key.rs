use crate::store::StoreError;
use fieldfare_model::TenantId;
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::hmac;
use zeroize::Zeroizing;

/// Length of every key, bytes.
pub const KEY_BYTES: usize = 32;

const SALT: &[u8] = b"fieldfare server v1";

/// A key derived for one use.
pub type SubKey = Zeroizing<[u8; KEY_BYTES]>;

/// The key from which the keys of files and tokens are derived by HKDF-SHA256 (RFC 5869).
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; KEY_BYTES]>);

struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        KEY_BYTES
    }
}

impl MasterKey {
    /// Wraps key material; all bytes must be unpredictable.
    pub fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Key of the registry's file.
    ///
    /// # Errors
    /// [`StoreError::Random`] if the derivation fails, which no input causes.
    pub fn registry(&self) -> Result<SubKey, StoreError> {
        self.derive(&[b"registry"])
    }

    /// Key of a tenant's file.
    ///
    /// # Errors
    /// As [`Self::registry`].
    pub fn tenant(&self, tenant: TenantId) -> Result<SubKey, StoreError> {
        self.derive(&[b"tenant", tenant.as_bytes()])
    }

    /// HMAC key under which access tokens are signed.
    ///
    /// # Errors
    /// As [`Self::registry`].
    pub fn access_tokens(&self) -> Result<hmac::Key, StoreError> {
        self.hmac(b"access token")
    }

    /// HMAC key under which codes and refresh tokens are hashed before they are stored.
    ///
    /// # Errors
    /// As [`Self::registry`].
    pub fn stored_secrets(&self) -> Result<hmac::Key, StoreError> {
        self.hmac(b"stored secret")
    }

    /// A value that tells, without opening a database, whether a key is the one a data folder was
    /// created with.
    ///
    /// # Errors
    /// As [`Self::registry`].
    pub fn check_value(&self) -> Result<[u8; KEY_BYTES], StoreError> {
        self.derive(&[b"key check"]).map(|key| *key)
    }

    fn hmac(&self, purpose: &[u8]) -> Result<hmac::Key, StoreError> {
        let key = self.derive(&[purpose])?;
        Ok(hmac::Key::new(hmac::HMAC_SHA256, key.as_slice()))
    }

    fn derive(&self, info: &[&[u8]]) -> Result<SubKey, StoreError> {
        let prk = Salt::new(HKDF_SHA256, SALT).extract(self.0.as_slice());
        let mut out = Zeroizing::new([0; KEY_BYTES]);
        prk.expand(info, Length)
            .and_then(|okm| okm.fill(out.as_mut_slice()))
            .map_err(|_| StoreError::Random)?;
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_use_and_tenant_has_its_own_key() {
        let master = MasterKey::new([7; 32]);
        let a = master.tenant(TenantId::from_bytes([1; 16])).unwrap();
        let b = master.tenant(TenantId::from_bytes([2; 16])).unwrap();
        let registry = master.registry().unwrap();
        let check = master.check_value().unwrap();
        assert_ne!(*a, *b);
        assert_ne!(*a, *registry);
        assert_ne!(*registry, check);
        assert_eq!(*a, *master.tenant(TenantId::from_bytes([1; 16])).unwrap());
        assert_ne!(
            *a,
            *MasterKey::new([8; 32])
                .tenant(TenantId::from_bytes([1; 16]))
                .unwrap()
        );
    }
}
