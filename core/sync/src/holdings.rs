//! What the server says that a device holds, which a phone keeps so that it need not be said again.

use crate::{Digest, ProtocolError, ScopeGrant, decode_message, encode_message};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;

/// Grants, and what each of their scopes holds, in order of the grants: those of the last reply that
/// was complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holdings {
    /// Every scope the device holds.
    #[serde(rename = "g")]
    pub grants: Vec<ScopeGrant>,
    /// What each of them holds.
    #[serde(rename = "d")]
    pub digests: Vec<Digest>,
}

/// Tells one [`Holdings`] from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub ByteArray<8>);

impl Holdings {
    /// The first 8 bytes of BLAKE3-256 over, for each scope in order: how many bytes its name has (1),
    /// the name, its priority (1), its rows (8, big endian) and the sum of their hashes (16, big
    /// endian).
    pub fn fingerprint(&self) -> Fingerprint {
        let mut hasher = blake3::Hasher::new();
        for (grant, digest) in self.grants.iter().zip(&self.digests) {
            let name = grant.scope.as_str().as_bytes();
            hasher.update(&[u8::try_from(name.len()).unwrap_or(u8::MAX)]);
            hasher.update(name);
            hasher.update(&[grant.priority.0]);
            hasher.update(&digest.rows.to_be_bytes());
            hasher.update(&digest.sum.to_be_bytes());
        }
        let mut first = [0; 8];
        hasher.finalize_xof().fill(&mut first);
        Fingerprint(ByteArray::new(first))
    }

    /// To be kept.
    ///
    /// # Errors
    /// [`ProtocolError`], which no holdings cause.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ProtocolError> {
        encode_message(self)
    }

    /// Reads what was kept. None if it is not that, which costs no more than hearing it again.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let read: Self = decode_message(bytes).ok()?;
        (read.grants.len() == read.digests.len()).then_some(read)
    }
}
