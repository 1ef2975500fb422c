//! Taking deliveries apart: which events are new, and which records they mark.

use crate::crm;
use crate::feed;
use crate::hubspot::event::{self, Change, Event, Ignored};
use crate::intake::dirty::{self, Lane, sql_id};
use crate::intake::unpack;
use crate::planning;
use crate::store::StoreError;
use crate::writeback::{echo, jobs};
use fieldfare_model::{Entity, TimestampMs};
use rusqlite::{Connection, Transaction, params};

/// Deliveries taken apart in one transaction. Few, so that a delivery that waits to be kept does
/// not wait long for the writer.
pub const DELIVERIES_AT_ONCE: usize = 5;

/// For how long an event is known again: HubSpot repeats for a day.
const EVENT_MEMORY_MS: i64 = 3 * 24 * 3_600_000;

const EVENTS_PURGED_AT_ONCE: i64 = 2_000;

/// A delivery that is kept.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Its row.
    pub id: i64,
    /// The connection it came by.
    pub connection: String,
    /// Its body, packed.
    pub packed: Vec<u8>,
}

/// The oldest deliveries.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn oldest(connection: &Connection, limit: usize) -> Result<Vec<Delivery>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT id, connection, body FROM crm_delivery ORDER BY id LIMIT ?1")?;
    let rows = statement.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |r| {
        Ok(Delivery {
            id: r.get(0)?,
            connection: r.get(1)?,
            packed: r.get(2)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Takes a delivery apart and removes it. Doing it for a delivery that is gone does nothing.
///
/// # Errors
/// [`StoreError`].
pub fn split(
    tx: &Transaction<'_>,
    part: &crm::TenantCrm,
    delivery: &Delivery,
    now: TimestampMs,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM crm_delivery WHERE id = ?1";
    if tx.prepare_cached(sql)?.execute([delivery.id])? == 0 {
        return Ok(());
    }
    let Some(connection) = part.connection(&delivery.connection) else {
        return bury(tx, delivery, "the connection is no longer configured", now);
    };
    let body = unpack(&delivery.packed).unwrap_or_default();
    match event::parse(&body, connection.portal_id) {
        Err(_) => bury(tx, delivery, "the body is not a JSON array of events", now),
        Ok(events) => {
            events
                .iter()
                .filter_map(|e| e.as_ref().err())
                .for_each(|why| count(why.label()));
            if events.iter().all(Result::is_err) && events.contains(&Err(Ignored::Malformed)) {
                return bury(tx, delivery, "no event of it reads", now);
            }
            events
                .iter()
                .flatten()
                .try_for_each(|e| take(tx, connection, e, now))
        }
    }
}

fn take(
    tx: &Transaction<'_>,
    connection: &crm::Connection,
    event: &Event,
    now: TimestampMs,
) -> Result<(), StoreError> {
    if !connection.options.objects.contains(&event.object_type) {
        count("kind");
        return Ok(());
    }
    if !is_new(tx, event)? {
        count("repeated");
        return Ok(());
    }
    if echo::is_echo(tx, connection, event)? {
        count("echo");
        return Ok(());
    }
    count("taken");
    if let Change::Merged {
        primary,
        merged,
        into,
    } = &event.change
    {
        remember_merge(tx, connection, event, *primary, merged, *into)?;
    }
    let lane = if event.source == "IMPORT" {
        Lane::Bulk
    } else {
        Lane::Live
    };
    for object in &event.objects {
        dirty::mark(tx, &connection.name, event.object_type, *object, lane, now)?;
    }
    if event.change == Change::Erased {
        erase(tx, connection, event, now)?;
    }
    Ok(())
}

fn is_new(tx: &Transaction<'_>, event: &Event) -> Result<bool, StoreError> {
    let mut statement =
        tx.prepare_cached("INSERT OR IGNORE INTO crm_event (occurred_at, dedup) VALUES (?1, ?2)")?;
    Ok(statement.execute(params![event.occurred_at, event.dedup])? == 1)
}

fn remember_merge(
    tx: &Transaction<'_>,
    connection: &crm::Connection,
    event: &Event,
    primary: u64,
    merged: &[u64],
    into: u64,
) -> Result<(), StoreError> {
    let mut statement = tx.prepare_cached(
        "INSERT OR REPLACE INTO crm_merge (connection, kind, old, new, main)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for old in merged.iter().chain([&primary]).filter(|old| **old != into) {
        let kind = event.object_type.path();
        let main = i64::from(*old == primary);
        statement.execute(params![
            connection.name,
            kind,
            sql_id(*old),
            sql_id(into),
            main
        ])?;
    }
    Ok(())
}

/// Deletes the lead, and what is kept of the record beside it: values we wrote, letters that
/// failed, what was still to be told. It does not wait for the record to be read again: what a
/// phone tells of it meanwhile would be kept.
fn erase(
    tx: &Transaction<'_>,
    connection: &crm::Connection,
    event: &Event,
    now: TimestampMs,
) -> Result<(), StoreError> {
    let kind = event.object_type;
    for object in &event.objects {
        for table in ["crm_echo", "crm_dead"] {
            let sql =
                format!("DELETE FROM {table} WHERE connection = ?1 AND kind = ?2 AND object = ?3");
            let key = params![connection.name, kind.path(), sql_id(*object)];
            tx.prepare_cached(&sql)?.execute(key)?;
        }
        let crm_id = kind.crm_id(&object.to_string());
        if let Some((lead, _)) = feed::lead_by_crm(tx, &connection.name, &crm_id)? {
            jobs::forget(tx, lead)?;
            planning::forget_lead(tx, lead, now)?;
            feed::delete(tx, Entity::LEAD, lead.row(), now)?;
        }
    }
    feed::snapshot::erase_left(tx)
}

fn bury(
    tx: &Transaction<'_>,
    delivery: &Delivery,
    reason: &str,
    now: TimestampMs,
) -> Result<(), StoreError> {
    metrics::counter!("fieldfare_intake_dead_total").increment(1);
    tx.execute(
        "INSERT INTO crm_dead (connection, body, reason, at) VALUES (?1, ?2, ?3, ?4)",
        params![delivery.connection, delivery.packed, reason, now.0],
    )?;
    Ok(())
}

/// Forgets events that cannot be repeated any more, and echoes that cannot come any more.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn purge(tx: &Transaction<'_>, now: TimestampMs) -> Result<(), StoreError> {
    let before = now.plus(-EVENT_MEMORY_MS).0;
    tx.execute(
        "DELETE FROM crm_event WHERE (occurred_at, dedup) IN
         (SELECT occurred_at, dedup FROM crm_event WHERE occurred_at < ?1 LIMIT ?2)",
        params![before, EVENTS_PURGED_AT_ONCE],
    )?;
    tx.execute("DELETE FROM crm_echo WHERE written_at < ?1", [before])?;
    Ok(())
}

fn count(what: &'static str) {
    metrics::counter!("fieldfare_webhook_events_total", "outcome" => what).increment(1);
}
