use crate::ProtocolError;
use fieldfare_model::{RepId, TerritoryId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A set of rows a device may hold: `rep:<uuid>`, `terr:<uuid>` or `ref`.
///
/// At most 64 bytes of visible ASCII.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ScopeId(String);

const MAX_SCOPE_BYTES: usize = 64;

impl ScopeId {
    /// What one rep alone holds: their consent, visits and conflicts.
    pub fn rep(rep: RepId) -> Self {
        Self(format!("rep:{rep}"))
    }

    /// The leads of a territory and the visits to them.
    pub fn territory(territory: TerritoryId) -> Self {
        Self(format!("terr:{territory}"))
    }

    /// Reference rows every device of the tenant holds.
    pub fn reference() -> Self {
        Self("ref".to_owned())
    }

    /// The text form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// In which order scopes are sent and shown at a bootstrap.
    pub fn priority(&self) -> Priority {
        if self.0.starts_with("rep:") {
            Priority::OWN
        } else if self.0 == "ref" {
            Priority::REFERENCE
        } else {
            Priority::BULK
        }
    }
}

impl TryFrom<String> for ScopeId {
    type Error = ProtocolError;
    fn try_from(text: String) -> Result<Self, ProtocolError> {
        if text.is_empty() || text.len() > MAX_SCOPE_BYTES {
            return Err(ProtocolError::Malformed("scope"));
        }
        if text.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(Self(text))
        } else {
            Err(ProtocolError::Malformed("scope"))
        }
    }
}

impl From<ScopeId> for String {
    fn from(scope: ScopeId) -> Self {
        scope.0
    }
}

impl fmt::Display for ScopeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A class of urgency; smaller goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Priority(pub u8);

impl Priority {
    /// Consent and assignments, and what is the rep's own.
    pub const OWN: Self = Self(0);
    /// Reference rows and today's plan.
    pub const REFERENCE: Self = Self(1);
    /// Everything else.
    pub const BULK: Self = Self(2);
}
