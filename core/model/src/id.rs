use crate::ModelError;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Builds a UUIDv7 (RFC 9562) from epoch milliseconds and ten random bytes.
            pub fn v7(unix_ms: u64, random: [u8; 10]) -> Self {
                Self(uuid::Builder::from_unix_timestamp_millis(unix_ms, &random).into_uuid())
            }

            /// Wraps the sixteen bytes of a UUID.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// Reads an id from a slice of exactly sixteen bytes.
            ///
            /// # Errors
            /// [`ModelError::Id`] if the slice has another length.
            pub fn from_slice(bytes: &[u8]) -> Result<Self, ModelError> {
                Uuid::from_slice(bytes).map(Self).map_err(|_| ModelError::Id)
            }

            /// The sixteen bytes, most significant first.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// The same id as a row of no particular entity.
            pub const fn row(self) -> RowId {
                RowId(self.0)
            }
        }

        impl From<RowId> for $name {
            fn from(row: RowId) -> Self { Self(row.0) }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) }
        }

        impl FromStr for $name {
            type Err = ModelError;
            fn from_str(text: &str) -> Result<Self, ModelError> {
                Uuid::parse_str(text).map(Self).map_err(|_| ModelError::Id)
            }
        }
    )*};
}

/// The id of any row, whatever its entity.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RowId(Uuid);

impl RowId {
    /// Wraps the sixteen bytes of a UUID.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// Reads an id from a slice of exactly sixteen bytes.
    ///
    /// # Errors
    /// [`ModelError::Id`] if the slice has another length.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, ModelError> {
        Uuid::from_slice(bytes)
            .map(Self)
            .map_err(|_| ModelError::Id)
    }

    /// The sixteen bytes, most significant first.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for RowId {
    type Err = ModelError;
    fn from_str(text: &str) -> Result<Self, ModelError> {
        Uuid::parse_str(text).map(Self).map_err(|_| ModelError::Id)
    }
}

ids! {
    /// A company.
    TenantId,
    /// A field sales person.
    RepId,
    /// One enrolled install of the app, as the server knows it.
    DeviceId,
    /// One numbering of operations on a device. A forked or cloned phone takes a new one.
    ClientId,
    /// A normalised CRM record.
    LeadId,
    /// A set of leads served by a rep.
    TerritoryId,
    /// A stay at a lead.
    VisitId,
    /// One change made on a phone.
    OperationId,
    /// One entry of a consent ledger.
    ConsentEventId,
    /// A value that lost a merge, kept for the rep to see.
    ConflictId,
    /// A fix that was allowed to leave the phone.
    PingId,
    /// A rep's planned day.
    DayPlanId,
    /// The road route of a planned day.
    RouteId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v7_ids_sort_by_time_and_carry_the_version() {
        let early = LeadId::v7(1_700_000_000_000, [0xff; 10]);
        let late = LeadId::v7(1_700_000_000_001, [0; 10]);
        assert!(early < late);
        assert_eq!(early.as_bytes()[6] >> 4, 7);
        assert_eq!(early.as_bytes()[8] >> 6, 0b10);
    }

    #[test]
    fn ids_read_back_from_text_and_bytes() {
        let id = LeadId::v7(1_700_000_000_000, [7; 10]);
        assert_eq!(id.to_string().parse::<LeadId>(), Ok(id));
        assert_eq!(LeadId::from_slice(id.as_bytes()), Ok(id));
        assert_eq!(LeadId::from_slice(&[1, 2]), Err(ModelError::Id));
        assert_eq!("nope".parse::<LeadId>(), Err(ModelError::Id));
    }
}
