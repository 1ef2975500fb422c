//! Leads that became one.

use crate::feed;
use crate::geocode::tasks;
use crate::store::StoreError;
use crate::writeback::jobs;
use fieldfare_model::schema::{conflict, visit};
use fieldfare_model::{Entity, LeadId, TimestampMs};
use rusqlite::Transaction;

/// Lets everything that hangs on `loser` hang on `winner`, and deletes `loser` if it still lives.
/// Visits and conflicts move as changes of the feed; what is to be told to the CRM, also what it
/// refused because the record was gone, is told to the record that stands. Doing it again changes
/// nothing. O(visits of the loser + conflicts of the tenant).
///
/// The winner must be live, so that what moves takes its scopes.
///
/// # Errors
/// [`StoreError`].
pub fn fold(
    tx: &Transaction<'_>,
    loser: LeadId,
    winner: LeadId,
    now: TimestampMs,
) -> Result<(), StoreError> {
    if loser == winner {
        return Ok(());
    }
    move_visits(tx, loser, winner, now)?;
    move_conflicts(tx, loser, winner, now)?;
    jobs::move_to(tx, loser, winner, now)?;
    tasks::forget(tx, loser)?;
    feed::delete(tx, Entity::LEAD, loser.row(), now)?;
    Ok(())
}

fn move_visits(
    tx: &Transaction<'_>,
    loser: LeadId,
    winner: LeadId,
    now: TimestampMs,
) -> Result<(), StoreError> {
    for mut row in feed::visits_of(tx, loser)? {
        row.columns.set(visit::LEAD, winner.as_bytes().to_vec());
        feed::put(tx, Entity::VISIT, row.id, row.columns, now)?;
    }
    Ok(())
}

fn move_conflicts(
    tx: &Transaction<'_>,
    loser: LeadId,
    winner: LeadId,
    now: TimestampMs,
) -> Result<(), StoreError> {
    for mut row in feed::rows_of(tx, Entity::CONFLICT)? {
        let entity = row.columns.get(conflict::ENTITY).as_int();
        let about = row.columns.get(conflict::ROW).as_bytes();
        if entity == Some(i64::from(Entity::LEAD.0)) && about == Some(loser.as_bytes().as_slice()) {
            row.columns.set(conflict::ROW, winner.as_bytes().to_vec());
            feed::put(tx, Entity::CONFLICT, row.id, row.columns, now)?;
        }
    }
    Ok(())
}
