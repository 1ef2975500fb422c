//! Taking planned days away again.

use crate::feed;
use crate::routing::cache;
use crate::store::StoreError;
use fieldfare_model::schema::{day_plan, route};
use fieldfare_model::{CalendarDate, Entity, Lead, LeadId, RepId, Row, RowId, TimestampMs, Value};
use fieldfare_sync::RowState;
use rusqlite::Transaction;

/// Deletes planned days and routes for which `is_over` says so.
///
/// # Errors
/// [`StoreError`].
pub fn forget(
    tx: &Transaction<'_>,
    now: TimestampMs,
    is_over: impl Fn(RepId, CalendarDate) -> bool,
) -> Result<usize, StoreError> {
    let mut forgotten = 0;
    for (entity, rep, date) in [
        (Entity::DAY_PLAN, day_plan::REP, day_plan::DATE),
        (Entity::ROUTE, route::REP, route::DATE),
    ] {
        for row in feed::rows_of(tx, entity)? {
            let whose = row.columns.get(rep).as_bytes();
            let whose = RowId::from_slice(whose.unwrap_or_default())?.into();
            let number = row.columns.get(date).as_int().unwrap_or_default();
            if is_over(whose, CalendarDate::from_number(number)?) {
                feed::delete(tx, entity, row.id, now)?;
                forgotten += 1;
            }
        }
    }
    Ok(forgotten)
}

/// Deletes every planned day that names a lead, with its route, and the travel times to its place.
/// The days are planned again without it. To be called before the lead itself is deleted.
///
/// # Errors
/// [`StoreError`].
pub fn forget_lead(tx: &Transaction<'_>, lead: LeadId, now: TimestampMs) -> Result<(), StoreError> {
    if let RowState::Live(row) = feed::row(tx, Entity::LEAD, lead.row())? {
        let position = Lead::from_columns(lead, &row.columns)?.geocode.position;
        position.map_or(Ok(()), |at| cache::forget_place(tx, at))?;
    }
    let name = lead.to_string();
    for day in feed::rows_of(tx, Entity::DAY_PLAN)? {
        let problem = day.columns.get(day_plan::PROBLEM).as_text();
        if problem.is_some_and(|problem| problem.contains(&name)) {
            forget_day(tx, &day, now)?;
        }
    }
    Ok(())
}

fn forget_day(tx: &Transaction<'_>, day: &Row, now: TimestampMs) -> Result<(), StoreError> {
    let id = Value::Bytes(day.id.as_bytes().to_vec());
    for row in feed::rows_of(tx, Entity::ROUTE)? {
        if *row.columns.get(route::DAY_PLAN) == id {
            feed::delete(tx, Entity::ROUTE, row.id, now)?;
        }
    }
    feed::delete(tx, Entity::DAY_PLAN, day.id, now)?;
    Ok(())
}
