//! Applying the groups of a push, each whole or not at all.

use crate::merge::{self, MergedColumn};
use crate::{
    Change, DeviceContext, FieldEdit, Operation, OperationResult, Outcome, Permit, RejectCode,
    RowState, ServerStore,
};
use fieldfare_model::{
    ClientId, Columns, Conflict, ConflictId, Entity, MergePolicy, OperationId, Tag, TimestampMs,
    Value, seeded_bug,
};

/// One push under way.
pub(crate) struct Push<'a> {
    pub(crate) device: &'a DeviceContext,
    pub(crate) client: ClientId,
    pub(crate) last_n: u64,
    pub(crate) now: TimestampMs,
}

pub(crate) fn groups(operations: &[Operation]) -> impl Iterator<Item = &[Operation]> {
    operations.chunk_by(|a, b| a.group == b.group)
}

pub(crate) fn push_group<S: ServerStore>(
    store: &mut S,
    push: &Push<'_>,
    group: &[Operation],
) -> Result<Vec<OperationResult>, S::Error> {
    let known = known_results(store, group)?.filter(|_| !seeded_bug!("duplicate applied"));
    if let Some(known) = known {
        let is_new = group.first().is_some_and(|op| op.n > push.last_n);
        if is_new {
            save_results(store, push, &known)?;
        }
        return Ok(known);
    }
    store.begin_part()?;
    match apply_group(store, push, group)? {
        Ok(results) => {
            save_results(store, push, &results)?;
            store.keep_part()?;
            Ok(results)
        }
        Err(refusal) => {
            store.undo_part()?;
            for conflict in &refusal.conflicts {
                store.write_conflict(push.device, conflict)?;
            }
            let results = refusal.results(group);
            save_results(store, push, &results)?;
            Ok(results)
        }
    }
}

/// Stored results of a group that was applied before, under the numbers offered now.
fn known_results<S: ServerStore>(
    store: &S,
    group: &[Operation],
) -> Result<Option<Vec<OperationResult>>, S::Error> {
    let mut results = Vec::with_capacity(group.len());
    for operation in group {
        match store.result(operation.id)? {
            None => return Ok(None),
            Some(stored) => results.push(OperationResult {
                id: operation.id,
                n: operation.n,
                outcome: stored.result.outcome,
            }),
        }
    }
    Ok(Some(results))
}

fn save_results<S: ServerStore>(
    store: &mut S,
    push: &Push<'_>,
    results: &[OperationResult],
) -> Result<(), S::Error> {
    results
        .iter()
        .try_for_each(|result| store.save_result(push.device, push.client, result))
}

/// Why a group is refused, with what is recorded all the same.
struct GroupRefusal {
    operation: OperationId,
    code: RejectCode,
    reason: String,
    conflicts: Vec<Conflict>,
}

impl GroupRefusal {
    fn results(&self, group: &[Operation]) -> Vec<OperationResult> {
        let outcome = |operation: &Operation| {
            let (code, reason) = if operation.id == self.operation {
                (self.code, self.reason.clone())
            } else {
                (
                    RejectCode::Group,
                    "another change of the same unit was refused".to_owned(),
                )
            };
            Outcome::Rejected { code, reason }
        };
        group
            .iter()
            .map(|op| OperationResult {
                id: op.id,
                n: op.n,
                outcome: outcome(op),
            })
            .collect()
    }
}

/// Applies a whole group, or says which operation is refused.
fn apply_group<S: ServerStore>(
    store: &mut S,
    push: &Push<'_>,
    group: &[Operation],
) -> Result<Result<Vec<OperationResult>, GroupRefusal>, S::Error> {
    let mut results = Vec::with_capacity(group.len());
    for operation in group {
        match apply(store, push, operation)? {
            Ok(outcome) => results.push(OperationResult {
                id: operation.id,
                n: operation.n,
                outcome,
            }),
            Err((code, reason)) => {
                let conflicts = lost_edits(code, operation, push.now);
                return Ok(Err(GroupRefusal {
                    operation: operation.id,
                    code,
                    reason,
                    conflicts,
                }));
            }
        }
    }
    Ok(Ok(results))
}

type Applied = Result<Outcome, (RejectCode, String)>;

fn refuse(code: RejectCode, reason: &str) -> Applied {
    Err((code, reason.to_owned()))
}

fn apply<S: ServerStore>(
    store: &mut S,
    push: &Push<'_>,
    operation: &Operation,
) -> Result<Applied, S::Error> {
    if depends_on_refused(store, operation)? {
        return Ok(refuse(
            RejectCode::Dependency,
            "a change this one builds on was refused",
        ));
    }
    let before = store.row(operation.entity, operation.row)?;
    match &operation.change {
        Change::Create(columns) => create(store, push, operation, &before, columns),
        Change::Edit(edits) => edit(store, push, operation, &before, edits),
    }
}

fn depends_on_refused<S: ServerStore>(store: &S, operation: &Operation) -> Result<bool, S::Error> {
    let Some(dependency) = operation.depends_on else {
        return Ok(false);
    };
    let stored = store.result(dependency)?;
    Ok(stored.is_some_and(|s| matches!(s.result.outcome, Outcome::Rejected { .. })))
}

fn create<S: ServerStore>(
    store: &mut S,
    push: &Push<'_>,
    operation: &Operation,
    before: &RowState,
    columns: &Columns,
) -> Result<Applied, S::Error> {
    if !matches!(
        operation.entity,
        Entity::LEAD | Entity::VISIT | Entity::CONSENT
    ) {
        return Ok(refuse(
            RejectCode::ReadOnly,
            "phones may not make rows of this kind",
        ));
    }
    match before {
        RowState::Live(_) => return Ok(refuse(RejectCode::Exists, "a row with this id exists")),
        RowState::Deleted => return Ok(refuse(RejectCode::Deleted, "the row was deleted")),
        RowState::Absent => {}
    }
    let kinds_fit = columns.iter().all(|(tag, value)| {
        merge::column(operation.entity, tag).is_none_or(|column| column.kind.admits(value))
    });
    if !kinds_fit {
        return Ok(refuse(RejectCode::Invalid, "a value is of the wrong kind"));
    }
    if let Permit::No { code, reason } = store.permit(push.device, operation, before)? {
        return Ok(Err((code, reason)));
    }
    let columns = without_server_columns(operation.entity, columns);
    let version = store.write(push.device, operation, columns)?;
    Ok(Ok(Outcome::Applied { version }))
}

/// What a phone says in columns only the server writes is ignored when a row is made.
fn without_server_columns(entity: Entity, columns: &Columns) -> Columns {
    let servers = |tag| {
        merge::column(entity, tag).is_some_and(|column| column.policy == MergePolicy::ServerOnly)
    };
    columns
        .iter()
        .filter(|(tag, _)| !servers(*tag))
        .map(|(tag, value)| (tag, value.clone()))
        .collect()
}

fn edit<S: ServerStore>(
    store: &mut S,
    push: &Push<'_>,
    operation: &Operation,
    before: &RowState,
    edits: &[FieldEdit],
) -> Result<Applied, S::Error> {
    let current = match before {
        RowState::Deleted => {
            return Ok(refuse(RejectCode::Deleted, "the row was deleted meanwhile"));
        }
        RowState::Live(row) if is_held(store, push, operation)? => row,
        _ => {
            return Ok(refuse(
                RejectCode::OutOfScope,
                "the row is not assigned to this device",
            ));
        }
    };
    if operation.entity != Entity::LEAD {
        return Ok(refuse(
            RejectCode::ReadOnly,
            "rows of this kind never change",
        ));
    }
    let merged = match merge::merge(operation.entity, current, operation.base_version, edits) {
        Ok(merged) => merged,
        Err(code) => return Ok(refuse(code, edit_refusal(code))),
    };
    if let Permit::No { code, reason } = store.permit(push.device, operation, before)? {
        return Ok(Err((code, reason)));
    }
    for met in &merged.met {
        let conflict = conflict(operation, Some(met.tag), push.now, met);
        store.write_conflict(push.device, &conflict)?;
    }
    let version = if merged.columns == current.columns {
        current.version
    } else {
        store.write(push.device, operation, merged.columns)?
    };
    Ok(Ok(if merged.met.is_empty() {
        Outcome::Applied { version }
    } else {
        let columns = merged.met.iter().map(|met| met.tag).collect();
        Outcome::Merged { version, columns }
    }))
}

fn is_held<S: ServerStore>(
    store: &S,
    push: &Push<'_>,
    operation: &Operation,
) -> Result<bool, S::Error> {
    store.is_visible(push.device, operation.entity, operation.row)
}

const fn edit_refusal(code: RejectCode) -> &'static str {
    match code {
        RejectCode::ReadOnly => "phones may not write this column",
        RejectCode::Transition => "the status may not change that way",
        _ => "a value is of the wrong kind or out of range",
    }
}

/// The edits of an operation that met a deletion, each as a conflict that shows what was lost.
fn lost_edits(code: RejectCode, operation: &Operation, now: TimestampMs) -> Vec<Conflict> {
    let Change::Edit(edits) = &operation.change else {
        return Vec::new();
    };
    if code != RejectCode::Deleted {
        return Vec::new();
    }
    edits
        .iter()
        .map(|edit| MergedColumn {
            tag: edit.tag,
            kept: Value::Null,
            lost: edit.new.clone(),
            phone_won: false,
        })
        .map(|met| conflict(operation, Some(met.tag), now, &met))
        .collect()
}

fn conflict(
    operation: &Operation,
    column: Option<Tag>,
    now: TimestampMs,
    met: &MergedColumn,
) -> Conflict {
    Conflict {
        id: conflict_id(operation.id, met.tag),
        entity: operation.entity,
        row: operation.row,
        column,
        kept: met.kept.clone(),
        lost: met.lost.clone(),
        operation: operation.id,
        at: now,
        phone_won: met.phone_won,
    }
}

/// The same operation and column always give the same conflict.
fn conflict_id(operation: OperationId, tag: Tag) -> ConflictId {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"fieldfare conflict");
    hasher.update(operation.as_bytes());
    hasher.update(&tag.to_be_bytes());
    let mut id = [0u8; 16];
    hasher.finalize_xof().fill(&mut id);
    ConflictId::from_bytes(id)
}
