//! Knowing our own writes when they come back as events.

use crate::crm;
use crate::feed;
use crate::hubspot::ObjectType;
use crate::hubspot::event::{Change, Event};
use crate::hubspot::normalise::properties_of;
use crate::intake::dirty::sql_id;
use crate::store::StoreError;
use fieldfare_model::TimestampMs;
use fieldfare_model::schema::lead;
use fieldfare_sync::RowState;
use rusqlite::{OptionalExtension, Transaction, params};

/// How much earlier than our writing, by the CRM's clock, its echo may have happened.
const CLOCK_SKEW_MS: i64 = 60_000;

/// How long after our writing an echo may happen.
const ECHO_WINDOW_MS: i64 = 600_000;

/// Remembers values that are about to be written: the event may come before the answer.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn expect(
    tx: &Transaction<'_>,
    connection: &str,
    kind: ObjectType,
    object: u64,
    properties: &[(String, String)],
    now: TimestampMs,
) -> Result<(), StoreError> {
    let mut statement = tx.prepare_cached(
        "INSERT OR REPLACE INTO crm_echo (connection, kind, object, property, value, written_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (property, value) in properties {
        let object = sql_id(object);
        statement.execute(params![
            connection,
            kind.path(),
            object,
            property,
            value,
            now.0
        ])?;
    }
    Ok(())
}

/// Whether an event only tells what we wrote.
///
/// It does if an integration made it, about a property we wrote with that value about that time,
/// and the lead still says the same. The last condition makes dropping it harmless: reading the
/// record could tell nothing new about this property, and every other change has its own event.
///
/// # Errors
/// [`StoreError`].
pub fn is_echo(
    tx: &Transaction<'_>,
    connection: &crm::Connection,
    event: &Event,
) -> Result<bool, StoreError> {
    let Change::Property {
        name,
        value: Some(value),
    } = &event.change
    else {
        return Ok(false);
    };
    let Some(object) = event.objects.first() else {
        return Ok(false);
    };
    if !matches!(event.source.as_str(), "INTEGRATION" | "API") {
        return Ok(false);
    }
    let written: Option<(String, i64)> = tx
        .prepare_cached(
            "SELECT value, written_at FROM crm_echo
             WHERE connection = ?1 AND kind = ?2 AND object = ?3 AND property = ?4",
        )?
        .query_row(
            params![
                connection.name,
                event.object_type.path(),
                sql_id(*object),
                name
            ],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )
        .optional()?;
    let ours = written.is_some_and(|(written, at)| {
        let age = event.occurred_at.saturating_sub(at);
        written == *value && (-CLOCK_SKEW_MS..=ECHO_WINDOW_MS).contains(&age)
    });
    Ok(ours && says(tx, connection, event.object_type, *object, name, value)?)
}

fn says(
    tx: &Transaction<'_>,
    connection: &crm::Connection,
    kind: ObjectType,
    object: u64,
    property: &str,
    value: &str,
) -> Result<bool, StoreError> {
    let crm_id = kind.crm_id(&object.to_string());
    let Some((_, RowState::Live(row))) = feed::lead_by_crm(tx, &connection.name, &crm_id)? else {
        return Ok(false);
    };
    Ok(lead::COLUMNS
        .iter()
        .flat_map(|c| properties_of(kind, c.tag, &row.columns, &connection.options))
        .any(|(name, stored)| name == property && stored == value))
}
