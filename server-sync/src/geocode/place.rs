//! Position, time zone and territory of a lead whose cells change.

use crate::crm::TenantCrm;
use crate::geocode::{Geocoder, NormalAddress, Resolution, cache, tasks, time_zone};
use crate::store::StoreError;
use fieldfare_model::schema::lead;
use fieldfare_model::{
    Address, Columns, GeocodeStatus, LeadId, Precision, Tag, TimestampMs, Value,
};
use rusqlite::Transaction;

const POSITION_CELLS: [Tag; 7] = [
    lead::LAT_E7,
    lead::LON_E7,
    lead::PRECISION,
    lead::UNCERTAINTY_M,
    lead::CONFIDENCE,
    lead::PROVIDER,
    lead::LICENCE,
];

/// Brings what hangs on address, tier and owner up to date in `columns`, which replace `stored`.
///
/// A new address loses the old position at once. What the cache or a provider at hand knows is
/// set now, so that a lead changes once; else the lead is pending and waits for the geocoding
/// worker. The same address, whatever its spelling or unit, keeps its position.
///
/// # Errors
/// [`StoreError`].
pub fn settle(
    tx: &Transaction<'_>,
    tenant: &TenantCrm,
    geocoder: &Geocoder,
    id: LeadId,
    stored: &Columns,
    columns: &mut Columns,
    now: TimestampMs,
) -> Result<(), StoreError> {
    let address = address_of(columns);
    let known = !stored.get(lead::GEOCODE_STATUS).is_null();
    if !known || address.key() != address_of(stored).key() {
        clear_position(columns);
        locate(tx, geocoder, id, &address, columns, now)?;
        columns.set(lead::TIME_ZONE, time_zone(&address));
    }
    tenant.division.assign(columns);
    Ok(())
}

/// The address of a lead in comparable form.
pub fn address_of(columns: &Columns) -> NormalAddress {
    let text = |tag| columns.get(tag).as_text().map(str::to_owned);
    NormalAddress::of(&Address {
        street: text(lead::STREET),
        unit: text(lead::UNIT),
        city: text(lead::CITY),
        region: text(lead::REGION),
        postal_code: text(lead::POSTAL_CODE),
        country: text(lead::COUNTRY),
    })
}

fn locate(
    tx: &Transaction<'_>,
    geocoder: &Geocoder,
    id: LeadId,
    address: &NormalAddress,
    columns: &mut Columns,
    now: TimestampMs,
) -> Result<(), StoreError> {
    if address.is_blank() {
        columns.set(lead::GEOCODE_STATUS, GeocodeStatus::Failed.code());
        return tasks::forget(tx, id);
    }
    match geocoder.at_once(address) {
        Some(resolution) => apply(tx, id, &resolution, columns),
        None => match cache::get(tx, address.key(), now)?
            .and_then(|c| c.answer.zip(Some(c.expires_at)))
        {
            Some(((found, provider), again_at)) => apply(
                tx,
                id,
                &Resolution::Found {
                    found,
                    provider,
                    again_at,
                },
                columns,
            ),
            None => {
                columns.set(lead::GEOCODE_STATUS, GeocodeStatus::Pending.code());
                tasks::put(tx, id, now)
            }
        },
    }
}

/// Writes what was found out into the cells, and when to look again into the tasks. A position
/// that is less precise than the one the lead has changes nothing: the address is still the same,
/// or the position would have been cleared.
///
/// # Errors
/// [`StoreError`].
pub fn apply(
    tx: &Transaction<'_>,
    id: LeadId,
    resolution: &Resolution,
    columns: &mut Columns,
) -> Result<(), StoreError> {
    match resolution {
        Resolution::Found {
            found,
            provider,
            again_at,
        } => {
            if present_precision(columns).is_none_or(|present| found.precision <= present) {
                columns.set(lead::GEOCODE_STATUS, GeocodeStatus::Success.code());
                columns.set(lead::LAT_E7, found.position.lat_e7());
                columns.set(lead::LON_E7, found.position.lon_e7());
                columns.set(lead::PRECISION, found.precision.code());
                columns.set(lead::UNCERTAINTY_M, i64::from(found.uncertainty_m));
                columns.set(lead::CONFIDENCE, i64::from(found.confidence));
                columns.set(lead::PROVIDER, provider.as_str());
                columns.set(lead::LICENCE, found.licence.as_str());
            }
            again_at.map_or_else(|| tasks::forget(tx, id), |at| tasks::put(tx, id, at))
        }
        Resolution::Unknown { again_at } => {
            if present_precision(columns).is_none() {
                columns.set(lead::GEOCODE_STATUS, GeocodeStatus::Failed.code());
            }
            tasks::put(tx, id, *again_at)
        }
        Resolution::Later { again_at } => tasks::put(tx, id, *again_at),
    }
}

fn present_precision(columns: &Columns) -> Option<Precision> {
    let success = columns.get(lead::GEOCODE_STATUS).as_int() == Some(GeocodeStatus::Success.code());
    columns
        .get(lead::PRECISION)
        .as_int()
        .and_then(Precision::from_code)
        .filter(|_| success)
}

fn clear_position(columns: &mut Columns) {
    for tag in POSITION_CELLS {
        columns.set(tag, Value::Null);
    }
}
