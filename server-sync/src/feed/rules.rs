//! What a tenant lets a device do, beyond what the protocol checks.

use crate::feed::scopes::id_cell;
use crate::feed::{assignments, consent, index};
use crate::store::StoreError;
use fieldfare_model::schema::visit;
use fieldfare_model::{Columns, Entity, Lead, RepId, RowId, Visit};
use fieldfare_sync::{Change, DeviceContext, FieldEdit, Operation, Permit, RejectCode, RowState};
use rusqlite::Connection;

/// The longest text a phone may put in a cell, bytes.
const MAX_TEXT_BYTES: usize = 16 * 1024;

/// The word on an operation the protocol would apply.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn permit(
    connection: &Connection,
    device: &DeviceContext,
    operation: &Operation,
    before: &RowState,
) -> Result<Permit, StoreError> {
    match (&operation.change, operation.entity) {
        (Change::Create(columns), _) if !texts_fit(columns) => Ok(too_long()),
        (Change::Create(columns), Entity::VISIT) => {
            permit_visit(connection, device, operation.row, columns)
        }
        (Change::Create(columns), Entity::CONSENT) => {
            let verdict = consent::check(connection, device, operation.row, columns)?;
            Ok(verdict.map_or_else(|e| no(RejectCode::Rule, &e.to_string()), |_| Permit::Yes))
        }
        (Change::Create(columns), Entity::LEAD) => Ok(permit_lead(operation.row, columns)),
        (Change::Edit(edits), Entity::LEAD) => Ok(permit_edit(before, operation.row, edits)),
        _ => Ok(no(
            RejectCode::ReadOnly,
            "phones may not write rows of this kind",
        )),
    }
}

fn permit_visit(
    connection: &Connection,
    device: &DeviceContext,
    id: RowId,
    columns: &Columns,
) -> Result<Permit, StoreError> {
    if Visit::from_columns(id.into(), columns).is_err() {
        return Ok(no(RejectCode::Invalid, "the visit is incomplete"));
    }
    if id_cell::<RepId>(columns.get(visit::REP))? != device.rep {
        return Ok(no(
            RejectCode::Rule,
            "a visit must name the rep of this device",
        ));
    }
    let lead = id_cell(columns.get(visit::LEAD))?;
    let grants = assignments::grants_of(connection, device.rep)?;
    if index::is_present_in_any(connection, &grants, Entity::LEAD, lead)? {
        Ok(Permit::Yes)
    } else {
        Ok(no(
            RejectCode::OutOfScope,
            "the visited lead is not assigned to this device",
        ))
    }
}

fn permit_lead(id: RowId, columns: &Columns) -> Permit {
    if Lead::from_columns(id.into(), columns).is_ok() {
        Permit::Yes
    } else {
        no(
            RejectCode::Invalid,
            "the lead is incomplete or a value is out of range",
        )
    }
}

/// The lead must still read as a lead with the edits in place.
fn permit_edit(before: &RowState, id: RowId, edits: &[FieldEdit]) -> Permit {
    let RowState::Live(row) = before else {
        return no(
            RejectCode::OutOfScope,
            "the row is not assigned to this device",
        );
    };
    let mut columns = row.columns.clone();
    for edit in edits {
        columns.set(edit.tag, edit.new.clone());
    }
    if texts_fit(&columns) {
        permit_lead(id, &columns)
    } else {
        too_long()
    }
}

fn texts_fit(columns: &Columns) -> bool {
    columns.iter().all(|(_, value)| {
        value
            .as_text()
            .is_none_or(|text| text.len() <= MAX_TEXT_BYTES)
            && value
                .as_bytes()
                .is_none_or(|bytes| bytes.len() <= MAX_TEXT_BYTES)
    })
}

fn too_long() -> Permit {
    no(RejectCode::Invalid, "a text is longer than 16 KiB")
}

fn no(code: RejectCode, reason: &str) -> Permit {
    Permit::No {
        code,
        reason: reason.to_owned(),
    }
}
