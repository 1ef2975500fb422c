//! Which scopes hold a row.

use crate::feed::rows;
use crate::store::StoreError;
use fieldfare_model::schema::{consent, day_plan, lead, rep as rep_columns, route, visit};
use fieldfare_model::{Columns, Entity, RepId, RowId, TerritoryId, Value};
use fieldfare_sync::{RowState, ScopeId};
use rusqlite::Connection;
use std::collections::BTreeSet;

/// The scopes that hold a live row with these cells. `rep` is the rep it belongs to where the
/// cells do not say so.
///
/// - A lead is in its territory. While it has none, it is with the rep who owns it in the CRM,
///   and with the rep who made it.
/// - A visit is with its rep, and in the territory of its lead.
/// - Consent, conflicts, planned days and routes are with their rep.
/// - A territory is in its own scope and, like reps, in the reference scope.
///
/// # Errors
/// [`StoreError::Sql`], or [`StoreError::Model`] if a cell holds no id where one must be.
pub fn of(
    connection: &Connection,
    entity: Entity,
    id: RowId,
    columns: &Columns,
    rep: Option<RepId>,
) -> Result<BTreeSet<ScopeId>, StoreError> {
    let mut scopes = BTreeSet::new();
    match entity {
        Entity::LEAD => scopes.extend(of_lead(connection, columns, rep)?),
        Entity::VISIT => {
            scopes.insert(ScopeId::rep(id_cell(columns.get(visit::REP))?));
            scopes.extend(territory_of_lead(connection, columns)?.map(ScopeId::territory));
        }
        Entity::CONSENT => {
            scopes.insert(ScopeId::rep(id_cell(columns.get(consent::REP))?));
        }
        Entity::DAY_PLAN => {
            scopes.insert(ScopeId::rep(id_cell(columns.get(day_plan::REP))?));
        }
        Entity::ROUTE => {
            scopes.insert(ScopeId::rep(id_cell(columns.get(route::REP))?));
        }
        Entity::CONFLICT => scopes.extend(rep.map(ScopeId::rep)),
        Entity::TERRITORY => {
            scopes.insert(ScopeId::reference());
            scopes.insert(ScopeId::territory(id.into()));
        }
        Entity::REP => {
            scopes.insert(ScopeId::reference());
        }
        _ => {}
    }
    Ok(scopes)
}

fn of_lead(
    connection: &Connection,
    columns: &Columns,
    maker: Option<RepId>,
) -> Result<Vec<ScopeId>, StoreError> {
    if let Some(territory) = lead_territory(columns)? {
        return Ok(vec![ScopeId::territory(territory)]);
    }
    let owner = match columns.get(lead::OWNER) {
        Value::Text(owner) => rep_of_owner(connection, owner)?,
        _ => None,
    };
    Ok(owner.into_iter().chain(maker).map(ScopeId::rep).collect())
}

/// The territory cell of a lead.
pub(super) fn lead_territory(columns: &Columns) -> Result<Option<TerritoryId>, StoreError> {
    match columns.get(lead::TERRITORY) {
        Value::Null => Ok(None),
        cell => id_cell(cell).map(Some),
    }
}

fn territory_of_lead(
    connection: &Connection,
    visit_columns: &Columns,
) -> Result<Option<TerritoryId>, StoreError> {
    let lead = id_cell::<RowId>(visit_columns.get(visit::LEAD))?;
    match rows::row(connection, Entity::LEAD, lead)? {
        RowState::Live(lead) => lead_territory(&lead.columns),
        RowState::Absent | RowState::Deleted => Ok(None),
    }
}

/// The rep the CRM knows by this owner id. O(reps), of which a tenant has few.
fn rep_of_owner(connection: &Connection, owner: &str) -> Result<Option<RepId>, StoreError> {
    let is_owner = |columns: &Columns| {
        columns
            .get(rep_columns::CRM_OWNER)
            .as_text()
            .is_some_and(|known| known == owner)
    };
    let reps = rows::rows_of(connection, Entity::REP)?;
    Ok(reps
        .into_iter()
        .find(|rep| is_owner(&rep.columns))
        .map(|rep| rep.id.into()))
}

pub(super) fn id_cell<I: From<RowId>>(cell: &Value) -> Result<I, StoreError> {
    let bytes = cell.as_bytes().unwrap_or_default();
    Ok(RowId::from_slice(bytes)?.into())
}
