use fieldfare_model::{Columns, Entity, OperationId, RowId, Tag, TimestampMs, Value};
use serde::{Deserialize, Serialize};

/// The most operations one group may have.
pub const MAX_GROUP_OPERATIONS: usize = 64;

/// One change made on a phone.
///
/// `n` counts from 1 without gaps for each client id and is given when the operation is first
/// sent; until then it is 0. Operations of one group stand next to each other and are applied or
/// refused whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// The operation's id, made with it and never changed.
    #[serde(rename = "i")]
    pub id: OperationId,
    /// Its number, 0 until first sent.
    #[serde(rename = "n")]
    pub n: u64,
    /// Id of the group's first operation.
    #[serde(rename = "g")]
    pub group: OperationId,
    /// How many operations the group has, at least 1.
    #[serde(rename = "z")]
    pub group_size: u16,
    /// Which kind of row.
    #[serde(rename = "e")]
    pub entity: Entity,
    /// Which row.
    #[serde(rename = "r")]
    pub row: RowId,
    /// The version of the row the rep was looking at, 0 for a new row.
    #[serde(rename = "v")]
    pub base_version: u64,
    /// An earlier operation without which this one makes no sense.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub depends_on: Option<OperationId>,
    /// When, by the phone's clock.
    #[serde(rename = "t")]
    pub at: TimestampMs,
    /// What changes.
    #[serde(rename = "c")]
    pub change: Change,
}

/// What an operation does to its row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// Makes the row.
    #[serde(rename = "n")]
    Create(Columns),
    /// Changes cells of it.
    #[serde(rename = "u")]
    Edit(Vec<FieldEdit>),
}

/// The change of one cell, with the value the rep saw before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldEdit {
    /// Which column.
    pub tag: Tag,
    /// What the cell held when it was edited.
    pub base: Value,
    /// What it shall hold.
    pub new: Value,
}

/// What became of an operation, kept by the server under its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationResult {
    /// Which operation.
    pub id: OperationId,
    /// Its number.
    pub n: u64,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The row now has this version, and holds exactly what was asked.
    #[serde(rename = "a")]
    Applied {
        /// The row's new version.
        #[serde(rename = "v")]
        version: u64,
    },
    /// Another writer had changed some of the same cells.
    #[serde(rename = "m")]
    Merged {
        /// The row's new version.
        #[serde(rename = "v")]
        version: u64,
        /// Columns where the two writers met; each has a conflict row in the feed.
        #[serde(rename = "f")]
        columns: Vec<Tag>,
    },
    /// Not applied, for good. The phone keeps it for the rep to see.
    #[serde(rename = "x")]
    Rejected {
        /// Why, for programs.
        #[serde(rename = "c")]
        code: RejectCode,
        /// Why, for people; no personal data.
        #[serde(rename = "r")]
        reason: String,
    },
}

impl Outcome {
    /// The version at which the operation shows in the feed, if it was applied.
    pub const fn version(&self) -> Option<u64> {
        match self {
            Self::Applied { version } | Self::Merged { version, .. } => Some(*version),
            Self::Rejected { .. } => None,
        }
    }
}

/// Why an operation was refused for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    #[serde(other)]
    Other,
}
