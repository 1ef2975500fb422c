//! Entities and their columns: the numbers that appear in frames, digests and operations.
//!
//! A tag, once published, is never given another meaning. A new column takes the next free tag
//! and the schema number in which it appeared.

use crate::{Columns, ModelError, Value};
use serde::{Deserialize, Serialize};

/// The number of a column within its entity.
pub type Tag = u16;

/// The schema this build writes.
pub const SCHEMA: u16 = 1;

/// The oldest schema this build can serve or read.
pub const OLDEST_SCHEMA: u16 = 1;

/// A kind of row. Unknown numbers are carried along untouched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Entity(pub u8);

impl Entity {
    /// A normalised CRM record.
    pub const LEAD: Self = Self(1);
    /// A set of leads served by a rep.
    pub const TERRITORY: Self = Self(2);
    /// A stay at a lead.
    pub const VISIT: Self = Self(3);
    /// An entry of a consent ledger.
    pub const CONSENT: Self = Self(4);
    /// A value that lost a merge.
    pub const CONFLICT: Self = Self(5);
    /// A field sales person.
    pub const REP: Self = Self(6);
    /// A rep's planned day.
    pub const DAY_PLAN: Self = Self(7);
    /// The road route of a planned day.
    pub const ROUTE: Self = Self(8);

    /// The entity's name, for messages and documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LEAD => "lead",
            Self::TERRITORY => "territory",
            Self::VISIT => "visit",
            Self::CONSENT => "consent",
            Self::CONFLICT => "conflict",
            Self::REP => "rep",
            Self::DAY_PLAN => "day_plan",
            Self::ROUTE => "route",
            _ => "unknown",
        }
    }
}

/// What a cell of a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// [`Value::Int`].
    Int,
    /// [`Value::Text`].
    Text,
    /// [`Value::Bytes`].
    Bytes,
}

impl ColumnKind {
    /// Whether the value may stand in such a column; null always may.
    pub const fn admits(self, value: &Value) -> bool {
        matches!(
            (self, value),
            (_, Value::Null)
                | (Self::Int, Value::Int(_))
                | (Self::Text, Value::Text(_))
                | (Self::Bytes, Value::Bytes(_))
        )
    }
}

/// What happens when two writers change the same cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergePolicy {
    /// The write that reaches the server last stands; the other is kept as a conflict.
    ServerOrder,
    /// The server's value stands when both changed; the phone's is kept as a conflict.
    ServerWins,
    /// Lead status: a change must be an allowed transition from what the server holds.
    Transition,
    /// Phones may not write it.
    ServerOnly,
    /// Only set when the row is made; rows of such columns never change.
    AppendOnly,
}

/// One column of an entity.
#[derive(Debug, Clone, Copy)]
pub struct ColumnDef {
    /// Its number.
    pub tag: Tag,
    /// Its name in SQL, JSON and documents.
    pub name: &'static str,
    /// What it holds.
    pub kind: ColumnKind,
    /// The schema in which it appeared.
    pub since: u16,
    /// What happens when two writers change it.
    pub policy: MergePolicy,
}

macro_rules! columns {
    ($(#[$doc:meta])* $module:ident { $($const:ident = $tag:literal, $name:literal, $kind:ident, $since:literal, $policy:ident;)* }) => {
        $(#[$doc])*
        pub mod $module {
            use super::{ColumnDef, ColumnKind, MergePolicy, Tag};
            $(
                #[doc = concat!("Column `", $name, "`.")]
                pub const $const: Tag = $tag;
            )*
            /// Every column, in order of tag.
            pub const COLUMNS: &[ColumnDef] = &[$(ColumnDef {
                tag: $tag, name: $name, kind: ColumnKind::$kind, since: $since, policy: MergePolicy::$policy,
            }),*];
        }
    };
}

columns! {
    /// Columns of leads.
    lead {
        NAME = 1, "name", Text, 1, ServerOrder;
        KIND = 2, "kind", Int, 1, AppendOnly;
        CRM_SOURCE = 3, "crm_source", Text, 1, ServerOnly;
        CRM_ID = 4, "crm_id", Text, 1, ServerOnly;
        STREET = 5, "street", Text, 1, ServerOrder;
        UNIT = 6, "unit", Text, 1, ServerOrder;
        CITY = 7, "city", Text, 1, ServerOrder;
        REGION = 8, "region", Text, 1, ServerOrder;
        POSTAL_CODE = 9, "postal_code", Text, 1, ServerOrder;
        COUNTRY = 10, "country", Text, 1, ServerOrder;
        PHONE = 11, "phone", Text, 1, ServerOrder;
        EMAIL = 12, "email", Text, 1, ServerOrder;
        WEBSITE = 13, "website", Text, 1, ServerOrder;
        STATUS = 14, "status", Int, 1, Transition;
        TIER = 15, "tier", Int, 1, ServerOrder;
        SCORE = 16, "score", Int, 1, ServerOnly;
        OWNER = 17, "owner", Text, 1, ServerOrder;
        TERRITORY = 18, "territory", Bytes, 1, ServerOnly;
        NOTES = 19, "notes", Text, 1, ServerOrder;
        LAT_E7 = 20, "lat_e7", Int, 1, ServerOnly;
        LON_E7 = 21, "lon_e7", Int, 1, ServerOnly;
        GEOCODE_STATUS = 22, "geocode_status", Int, 1, ServerOnly;
        PRECISION = 23, "precision", Int, 1, ServerOnly;
        UNCERTAINTY_M = 24, "uncertainty_m", Int, 1, ServerOnly;
        CONFIDENCE = 25, "confidence", Int, 1, ServerOnly;
        PROVIDER = 26, "provider", Text, 1, ServerOnly;
        LICENCE = 27, "licence", Text, 1, ServerOnly;
        CONTACT_HOURS = 28, "contact_hours", Text, 1, ServerOrder;
        TIME_ZONE = 29, "time_zone", Text, 1, ServerOnly;
        ALERT_RADIUS_M = 30, "alert_radius_m", Int, 1, ServerOrder;
        NEXT_VISIT_DUE = 31, "next_visit_due", Int, 1, ServerOrder;
        LAST_VISIT_AT = 32, "last_visit_at", Int, 1, ServerOnly;
        SOURCE_UPDATED_AT = 33, "source_updated_at", Int, 1, ServerOnly;
    }
}

columns! {
    /// Columns of territories.
    territory {
        NAME = 1, "name", Text, 1, ServerOnly;
    }
}

columns! {
    /// Columns of visits.
    visit {
        LEAD = 1, "lead", Bytes, 1, AppendOnly;
        REP = 2, "rep", Bytes, 1, AppendOnly;
        STARTED_AT = 3, "started_at", Int, 1, AppendOnly;
        ENDED_AT = 4, "ended_at", Int, 1, AppendOnly;
        OUTCOME = 5, "outcome", Int, 1, AppendOnly;
        NOTE = 6, "note", Text, 1, AppendOnly;
        FOLLOW_UP_AT = 7, "follow_up_at", Int, 1, AppendOnly;
        LAT_E7 = 8, "lat_e7", Int, 1, AppendOnly;
        LON_E7 = 9, "lon_e7", Int, 1, AppendOnly;
    }
}

columns! {
    /// Columns of consent events.
    consent {
        REP = 1, "rep", Bytes, 1, AppendOnly;
        PURPOSE = 2, "purpose", Int, 1, AppendOnly;
        ACTION = 3, "action", Int, 1, AppendOnly;
        TEXT_VERSION = 4, "text_version", Text, 1, AppendOnly;
        LANGUAGE = 5, "language", Text, 1, AppendOnly;
        AT = 6, "at", Int, 1, AppendOnly;
        VALID_UNTIL = 7, "valid_until", Int, 1, AppendOnly;
        PREVIOUS = 8, "previous", Bytes, 1, AppendOnly;
        HASH = 9, "hash", Bytes, 1, AppendOnly;
        SEQUENCE = 10, "sequence", Int, 1, AppendOnly;
    }
}

columns! {
    /// Columns of conflicts.
    conflict {
        ENTITY = 1, "entity", Int, 1, ServerOnly;
        ROW = 2, "row", Bytes, 1, ServerOnly;
        COLUMN = 3, "column", Int, 1, ServerOnly;
        KEPT = 4, "kept", Bytes, 1, ServerOnly;
        LOST = 5, "lost", Bytes, 1, ServerOnly;
        OPERATION = 6, "operation", Bytes, 1, ServerOnly;
        AT = 7, "at", Int, 1, ServerOnly;
        PHONE_WON = 8, "phone_won", Int, 1, ServerOnly;
    }
}

columns! {
    /// Columns of reps.
    rep {
        NAME = 1, "name", Text, 1, ServerOnly;
        CRM_OWNER = 2, "crm_owner", Text, 1, ServerOnly;
    }
}

columns! {
    /// Columns of planned days.
    day_plan {
        REP = 1, "rep", Bytes, 1, ServerOnly;
        DATE = 2, "date", Int, 1, ServerOnly;
        TIME_ZONE = 3, "time_zone", Text, 1, ServerOnly;
        ZERO_AT = 4, "zero_at", Int, 1, ServerOnly;
        COMPUTED_AT = 5, "computed_at", Int, 1, ServerOnly;
        PROBLEM = 6, "problem", Text, 1, ServerOnly;
        PLAN = 7, "plan", Text, 1, ServerOnly;
    }
}

columns! {
    /// Columns of road routes.
    route {
        REP = 1, "rep", Bytes, 1, ServerOnly;
        DATE = 2, "date", Int, 1, ServerOnly;
        DAY_PLAN = 3, "day_plan", Bytes, 1, ServerOnly;
        COMPUTED_AT = 4, "computed_at", Int, 1, ServerOnly;
        PROVIDER = 5, "provider", Text, 1, ServerOnly;
        ROUTE = 6, "route", Bytes, 1, ServerOnly;
    }
}

/// The columns this build knows of an entity; empty for an unknown entity.
pub const fn columns_of(entity: Entity) -> &'static [ColumnDef] {
    match entity {
        Entity::LEAD => lead::COLUMNS,
        Entity::TERRITORY => territory::COLUMNS,
        Entity::VISIT => visit::COLUMNS,
        Entity::CONSENT => consent::COLUMNS,
        Entity::CONFLICT => conflict::COLUMNS,
        Entity::REP => rep::COLUMNS,
        Entity::DAY_PLAN => day_plan::COLUMNS,
        Entity::ROUTE => route::COLUMNS,
        _ => &[],
    }
}

/// Reads typed cells and names the column in the error.
pub(crate) struct Reader<'a> {
    entity: &'static str,
    columns: &'a Columns,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(entity: &'static str, columns: &'a Columns) -> Self {
        Self { entity, columns }
    }

    pub(crate) const fn wrong(&self, column: &'static str) -> ModelError {
        ModelError::Column {
            entity: self.entity,
            column,
        }
    }

    const fn missing(&self, column: &'static str) -> ModelError {
        ModelError::Missing {
            entity: self.entity,
            column,
        }
    }

    pub(crate) fn optional_text(
        &self,
        tag: Tag,
        name: &'static str,
    ) -> Result<Option<String>, ModelError> {
        match self.columns.get(tag) {
            Value::Null => Ok(None),
            Value::Text(t) => Ok(Some(t.clone())),
            _ => Err(self.wrong(name)),
        }
    }

    pub(crate) fn text(&self, tag: Tag, name: &'static str) -> Result<String, ModelError> {
        self.optional_text(tag, name)?.ok_or(self.missing(name))
    }

    /// An integer that fits `T`, or nothing.
    pub(crate) fn optional_int<T: TryFrom<i64>>(
        &self,
        tag: Tag,
        name: &'static str,
    ) -> Result<Option<T>, ModelError> {
        match self.columns.get(tag) {
            Value::Null => Ok(None),
            Value::Int(n) => T::try_from(*n).map(Some).map_err(|_| self.wrong(name)),
            _ => Err(self.wrong(name)),
        }
    }

    pub(crate) fn int<T: TryFrom<i64>>(
        &self,
        tag: Tag,
        name: &'static str,
    ) -> Result<T, ModelError> {
        self.optional_int(tag, name)?.ok_or(self.missing(name))
    }

    pub(crate) fn optional_bytes(
        &self,
        tag: Tag,
        name: &'static str,
    ) -> Result<Option<&'a [u8]>, ModelError> {
        match self.columns.get(tag) {
            Value::Null => Ok(None),
            Value::Bytes(b) => Ok(Some(b)),
            _ => Err(self.wrong(name)),
        }
    }

    pub(crate) fn bytes(&self, tag: Tag, name: &'static str) -> Result<&'a [u8], ModelError> {
        self.optional_bytes(tag, name)?.ok_or(self.missing(name))
    }

    /// A code turned into its enum, or nothing.
    pub(crate) fn optional_code<T>(
        &self,
        tag: Tag,
        name: &'static str,
        from: impl Fn(i64) -> Option<T>,
    ) -> Result<Option<T>, ModelError> {
        match self.optional_int::<i64>(tag, name)? {
            None => Ok(None),
            Some(code) => from(code).map(Some).ok_or(self.wrong(name)),
        }
    }

    pub(crate) fn code<T>(
        &self,
        tag: Tag,
        name: &'static str,
        from: impl Fn(i64) -> Option<T>,
    ) -> Result<T, ModelError> {
        self.optional_code(tag, name, from)?
            .ok_or(self.missing(name))
    }
}
