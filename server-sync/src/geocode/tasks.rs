//! Which leads to geocode, and when.

use crate::crm::TenantCrm;
use crate::feed::{self, LeadFilter};
use crate::geocode::{Geocoder, Resolution, place};
use crate::store::{StoreError, Tenant};
use fieldfare_model::{Entity, GeocodeStatus, LeadId, TimestampMs};
use fieldfare_sync::RowState;
use rusqlite::{Connection, Transaction, params};
use std::sync::Arc;

const PAGE: usize = 500;

/// Leads geocoded at a time.
pub const AT_ONCE: usize = 16;

/// Has a lead geocoded at a moment.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn put(tx: &Transaction<'_>, lead: LeadId, at: TimestampMs) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO geocode_task (lead, due_at, attempts) VALUES (?1, ?2, 0)
         ON CONFLICT DO UPDATE SET due_at = excluded.due_at, attempts = attempts + 1",
    )?
    .execute(params![lead.as_bytes(), at.0])?;
    Ok(())
}

/// Has a lead left alone.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn forget(tx: &Transaction<'_>, lead: LeadId) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM geocode_task WHERE lead = ?1")?
        .execute([lead.as_bytes()])?;
    Ok(())
}

/// Leads due, the longest due first.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn due(c: &Connection, now: TimestampMs, limit: usize) -> Result<Vec<LeadId>, StoreError> {
    let mut statement = c.prepare_cached(
        "SELECT lead FROM geocode_task WHERE due_at <= ?1 ORDER BY due_at, lead LIMIT ?2",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let leads =
        statement.query_map(params![now.0, limit], |r| Ok(LeadId::from_bytes(r.get(0)?)))?;
    Ok(leads.collect::<Result<_, _>>()?)
}

/// Gives every pending lead a task, for leads from before there were tasks.
///
/// # Errors
/// [`StoreError`].
pub fn adopt_pending(tx: &Transaction<'_>, now: TimestampMs) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let filter = LeadFilter::Geocode(GeocodeStatus::Pending);
        let page = feed::leads(tx, filter, after, PAGE)?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = Some(last.id.into());
        for row in &page {
            tx.prepare_cached("INSERT OR IGNORE INTO geocode_task VALUES (?1, ?2, 0)")?
                .execute(params![row.id.as_bytes(), now.0])?;
        }
    }
}

/// Geocodes one lead and puts it into the feed, once, with its territory.
///
/// # Errors
/// [`StoreError`].
pub async fn run(
    store: &Arc<Tenant>,
    tenant: &Arc<TenantCrm>,
    geocoder: &Geocoder,
    lead: LeadId,
    now: TimestampMs,
) -> Result<(), StoreError> {
    let state = store
        .read_async(move |c| feed::row(c, Entity::LEAD, lead.row()))
        .await?;
    let RowState::Live(row) = state else {
        return store.write_async(move |tx| forget(tx, lead)).await;
    };
    let address = place::address_of(&row.columns);
    let resolution = geocoder.resolve(store, &address, now).await?;
    let (tenant, key) = (tenant.clone(), address.key());
    store
        .write_async(move |tx| finish(tx, &tenant, lead, key, &resolution, now))
        .await
}

/// The address may have changed while the provider was asked; then the task stays due.
fn finish(
    tx: &Transaction<'_>,
    tenant: &TenantCrm,
    lead: LeadId,
    asked: crate::geocode::AddressKey,
    resolution: &Resolution,
    now: TimestampMs,
) -> Result<(), StoreError> {
    let RowState::Live(row) = feed::row(tx, Entity::LEAD, lead.row())? else {
        return forget(tx, lead);
    };
    let mut columns = row.columns;
    if place::address_of(&columns).key() != asked {
        return put(tx, lead, now);
    }
    place::apply(tx, lead, resolution, &mut columns)?;
    tenant.division.assign(&mut columns);
    feed::put(tx, Entity::LEAD, lead.row(), columns, now)?;
    Ok(())
}
