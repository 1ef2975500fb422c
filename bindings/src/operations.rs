//! Changes on their way, refused ones, and values that lost a merge.

use fieldfare_engine as engine;
use fieldfare_model as model;
use fieldfare_model::{ConflictId, OperationId, RowId, TimestampMs as Timestamp};
use fieldfare_sync::RejectCode;

/// Why the server refused a change, for programs.
#[uniffi::remote(Enum)]
pub enum RejectCode {
    /// The row is not, or no longer, in the device's scopes.
    OutOfScope,
    /// The row was deleted.
    Deleted,
    /// A new row has the id of an existing one.
    Exists,
    /// Phones may not write this entity or column.
    ReadOnly,
    /// A value of the wrong kind or out of range.
    Invalid,
    /// The lead's status may not change that way.
    Transition,
    /// An operation this one depends on was refused.
    Dependency,
    /// Another operation of the same group was refused.
    Group,
    /// The tenant's or the CRM's own rule forbids it.
    Rule,
    /// A code this build does not know.
    Other,
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum FieldValue {
    /// Nothing.
    Empty,
    /// A number. Times are epoch milliseconds, choices are their position, from 0.
    Number {
        /// The number.
        value: i64,
    },
    /// Text.
    Text {
        /// The text.
        value: String,
    },
    /// Bytes, also of ids.
    Bytes {
        /// The bytes.
        value: Vec<u8>,
    },
}

impl From<model::Value> for FieldValue {
    fn from(value: model::Value) -> Self {
        match value {
            model::Value::Null => Self::Empty,
            model::Value::Int(value) => Self::Number { value },
            model::Value::Text(value) => Self::Text { value },
            model::Value::Bytes(value) => Self::Bytes { value },
        }
    }
}

/// One field of a change.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct FieldChange {
    /// The column's name, or its number if this build does not know it.
    pub column: String,
    /// What the field held when it was changed; empty for a new row.
    pub before: FieldValue,
    /// What it shall hold.
    pub after: FieldValue,
}

/// A change made on this phone that has no answer yet.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct PendingChange {
    /// The change's id.
    pub id: OperationId,
    /// Which kind of row: `lead`, `visit`, `consent`.
    pub entity: String,
    /// Which row.
    pub row: RowId,
    /// Whether it makes the row.
    pub is_new_row: bool,
    /// When it was made.
    pub at: Timestamp,
    /// What changes.
    pub fields: Vec<FieldChange>,
}

impl From<engine::OperationRecord> for PendingChange {
    fn from(record: engine::OperationRecord) -> Self {
        let field = |field: engine::FieldChange| FieldChange {
            column: field.column,
            before: field.before.into(),
            after: field.after.into(),
        };
        Self {
            id: record.id,
            entity: record.entity,
            row: record.row,
            is_new_row: record.is_new_row,
            at: record.at,
            fields: record.fields.into_iter().map(field).collect(),
        }
    }
}

/// A change the server refused for good.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct RefusedChange {
    /// The change.
    pub change: PendingChange,
    /// Why, for programs.
    pub code: RejectCode,
    /// Why, for people.
    pub reason: String,
    /// When the answer came.
    pub refused_at: Option<Timestamp>,
}

impl From<engine::RefusedRecord> for RefusedChange {
    fn from(record: engine::RefusedRecord) -> Self {
        Self {
            change: record.operation.into(),
            code: record.code,
            reason: record.reason,
            refused_at: record.refused_at,
        }
    }
}

/// A value that lost a merge.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Conflict {
    /// The conflict's id.
    pub id: ConflictId,
    /// Which kind of row: `lead`.
    pub entity: String,
    /// Which row.
    pub row: RowId,
    /// The column's name; none when the row was deleted under the edit.
    pub column: Option<String>,
    /// The value that stands.
    pub kept: FieldValue,
    /// The value that does not.
    pub lost: FieldValue,
    /// The change that met it.
    pub operation: OperationId,
    /// When the server merged.
    pub at: Timestamp,
    /// Whether the phone's value stands.
    pub phone_won: bool,
}

impl From<engine::ConflictRecord> for Conflict {
    fn from(record: engine::ConflictRecord) -> Self {
        let conflict = record.conflict;
        Self {
            id: conflict.id,
            entity: record.entity,
            row: conflict.row,
            column: record.column,
            kept: conflict.kept.into(),
            lost: conflict.lost.into(),
            operation: conflict.operation,
            at: conflict.at,
            phone_won: conflict.phone_won,
        }
    }
}
