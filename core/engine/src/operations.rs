//! Changes on their way to the server, refused ones, and conflicts.

use crate::{ChangeNotice, Engine, EngineResult};
use fieldfare_model::{Conflict, Entity, OperationId, RowId, Tag, TimestampMs, Value, columns_of};
use fieldfare_store::StoredOperation;
use fieldfare_sync::{Change, Operation, Outcome, RejectCode};

/// One field of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// The column's name, or its number if this build does not know it.
    pub column: String,
    /// What the field held when it was changed; null for a new row.
    pub before: Value,
    /// What it shall hold.
    pub after: Value,
}

/// A change made on this phone that has no answer yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationRecord {
    /// The change's id.
    pub id: OperationId,
    /// Which kind of row: `lead`, `visit`, `consent`.
    pub entity: String,
    /// Which row.
    pub row: RowId,
    /// Whether it makes the row.
    pub is_new_row: bool,
    /// When it was made.
    pub at: TimestampMs,
    /// What changes.
    pub fields: Vec<FieldChange>,
}

/// A change the server refused for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRecord {
    /// The change.
    pub operation: OperationRecord,
    /// Why, for programs.
    pub code: RejectCode,
    /// Why, for people.
    pub reason: String,
    /// When the answer came.
    pub refused_at: Option<TimestampMs>,
}

/// A value that lost a merge.
#[derive(Debug, Clone, PartialEq)]
pub struct ConflictRecord {
    /// The conflict as the server recorded it.
    pub conflict: Conflict,
    /// Which kind of row: `lead`.
    pub entity: String,
    /// The column's name; none when the row was deleted under the edit.
    pub column: Option<String>,
}

impl Engine {
    /// Changes without an answer, in the order they were made.
    ///
    /// # Errors
    /// As storage has it.
    pub fn pending(&self) -> EngineResult<Vec<OperationRecord>> {
        let waiting = self.store.waiting_operations()?;
        Ok(waiting.into_iter().map(|w| describe(w.operation)).collect())
    }

    /// Changes the server refused for good and the rep has not dealt with, oldest first.
    ///
    /// # Errors
    /// As storage has it.
    pub fn refused(&self) -> EngineResult<Vec<RefusedRecord>> {
        let refused = self.store.refused_operations()?;
        Ok(refused.into_iter().map(describe_refused).collect())
    }

    /// Offers a refused change again, on the row as it is now.
    ///
    /// # Errors
    /// [`crate::EngineError::NotFound`] if it is not among the refused ones, or as storage has it.
    pub fn retry_refused(&self, id: OperationId) -> EngineResult<()> {
        let new_id = self.sources.id(OperationId::v7)?;
        let changes = self.store.retry_refused(id, new_id, self.sources.now())?;
        self.changed_with(&changes, operations_changed())
    }

    /// Puts a refused change away.
    ///
    /// # Errors
    /// [`crate::EngineError::NotFound`] if it is not among the refused ones, or as storage has it.
    pub fn discard_refused(&self, id: OperationId) -> EngineResult<()> {
        self.store.discard_refused(id)?;
        self.changed_with(&[], operations_changed())
    }

    /// Values that lost a merge, latest first.
    ///
    /// # Errors
    /// As storage has it.
    pub fn conflicts(&self) -> EngineResult<Vec<ConflictRecord>> {
        let rows = self.store.records(Entity::CONFLICT)?;
        let mut found: Vec<ConflictRecord> = rows
            .iter()
            .filter_map(|s| Conflict::from_columns(s.row.id.into(), &s.row.columns).ok())
            .map(|conflict| ConflictRecord {
                entity: conflict.entity.name().to_owned(),
                column: conflict.column.map(|tag| column_name(conflict.entity, tag)),
                conflict,
            })
            .collect();
        found.sort_by_key(|record| std::cmp::Reverse((record.conflict.at, record.conflict.id)));
        Ok(found)
    }
}

fn operations_changed() -> ChangeNotice {
    ChangeNotice {
        operations: true,
        ..ChangeNotice::default()
    }
}

fn describe_refused(stored: StoredOperation) -> RefusedRecord {
    let (code, reason) = match stored.outcome {
        Some(Outcome::Rejected { code, reason }) => (code, reason),
        _ => (RejectCode::Other, String::new()),
    };
    RefusedRecord {
        operation: describe(stored.operation),
        code,
        reason,
        refused_at: stored.answered_at,
    }
}

fn describe(operation: Operation) -> OperationRecord {
    let entity = operation.entity;
    let (is_new_row, fields) = match operation.change {
        Change::Create(columns) => {
            let fields = columns.iter().map(|(tag, value)| FieldChange {
                column: column_name(entity, tag),
                before: Value::Null,
                after: value.clone(),
            });
            (true, fields.collect())
        }
        Change::Edit(edits) => {
            let fields = edits.into_iter().map(|edit| FieldChange {
                column: column_name(entity, edit.tag),
                before: edit.base,
                after: edit.new,
            });
            (false, fields.collect())
        }
    };
    OperationRecord {
        id: operation.id,
        entity: entity.name().to_owned(),
        row: operation.row,
        is_new_row,
        at: operation.at,
        fields,
    }
}

fn column_name(entity: Entity, tag: Tag) -> String {
    let known = columns_of(entity).iter().find(|column| column.tag == tag);
    known.map_or_else(|| tag.to_string(), |column| column.name.to_owned())
}
