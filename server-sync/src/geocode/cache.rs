//! What services answered, kept by address.

use crate::geocode::{AddressKey, Found};
use crate::store::StoreError;
use fieldfare_model::{LatLng, Precision, TimestampMs};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

const DAY_MS: i64 = 24 * 3_600_000;
const LONGEST_MISS_DAYS: i64 = 32;

/// A kept answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Cached {
    /// The position with the provider who gave it; none if no service knows the address.
    pub answer: Option<(Found, String)>,
    /// When it was given.
    pub stored_at: TimestampMs,
    /// When it has to be asked for again.
    pub expires_at: Option<TimestampMs>,
}

/// The answer kept for an address, unless it expired.
///
/// # Errors
/// [`StoreError`].
pub fn get(
    connection: &Connection,
    key: AddressKey,
    now: TimestampMs,
) -> Result<Option<Cached>, StoreError> {
    Ok(any(connection, key)?.filter(|c| c.expires_at.is_none_or(|at| at > now)))
}

fn any(connection: &Connection, key: AddressKey) -> Result<Option<Cached>, StoreError> {
    let sql = "SELECT lat_e7, lon_e7, precision, uncertainty_m, confidence, provider, licence,
               stored_at, expires_at FROM geocode_cache WHERE key = ?1";
    Ok(connection
        .prepare_cached(sql)?
        .query_row([key.0], read)
        .optional()?)
}

fn read(r: &Row<'_>) -> rusqlite::Result<Cached> {
    let (lat, lon): (Option<i64>, Option<i64>) = (r.get(0)?, r.get(1)?);
    let position = lat
        .zip(lon)
        .and_then(|(lat, lon)| LatLng::from_e7(lat, lon).ok());
    let precision = r.get::<_, Option<i64>>(2)?.and_then(Precision::from_code);
    let answer = match position.zip(precision) {
        None => None,
        Some((position, precision)) => Some((
            Found {
                position,
                precision,
                uncertainty_m: r.get(3)?,
                confidence: r.get(4)?,
                licence: r.get(6)?,
            },
            r.get(5)?,
        )),
    };
    Ok(Cached {
        answer,
        stored_at: TimestampMs(r.get(7)?),
        expires_at: r.get::<_, Option<i64>>(8)?.map(TimestampMs),
    })
}

/// Keeps a position. A better one that has not expired stays.
///
/// # Errors
/// [`StoreError`].
pub fn put_found(
    tx: &Transaction<'_>,
    key: AddressKey,
    found: &Found,
    provider: &str,
    expires_at: Option<TimestampMs>,
    now: TimestampMs,
) -> Result<(), StoreError> {
    let better = get(tx, key, now)?
        .and_then(|c| c.answer)
        .is_some_and(|(kept, _)| kept.precision < found.precision);
    if better {
        return Ok(());
    }
    tx.prepare_cached(
        "INSERT OR REPLACE INTO geocode_cache (key, lat_e7, lon_e7, precision, uncertainty_m,
             confidence, provider, licence, misses, stored_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, ?9, ?10)",
    )?
    .execute(params![
        key.0,
        found.position.lat_e7(),
        found.position.lon_e7(),
        found.precision.code(),
        found.uncertainty_m,
        found.confidence,
        provider,
        found.licence,
        now.0,
        expires_at.map(|t| t.0),
    ])?;
    Ok(())
}

/// Keeps that nobody knows an address. The more often in a row, the longer it is not asked for
/// again: a day, two, four, up to 32. Returns when it may be asked for.
///
/// # Errors
/// [`StoreError`].
pub fn put_unknown(
    tx: &Transaction<'_>,
    key: AddressKey,
    now: TimestampMs,
) -> Result<TimestampMs, StoreError> {
    let misses: Option<u32> = tx
        .prepare_cached("SELECT misses FROM geocode_cache WHERE key = ?1")?
        .query_row([key.0], |r| r.get(0))
        .optional()?;
    let misses = misses.unwrap_or(0) + 1;
    let expires_at = now.plus(miss_ms(misses));
    tx.prepare_cached(
        "INSERT OR REPLACE INTO geocode_cache (key, misses, stored_at, expires_at)
         VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![key.0, misses, now.0, expires_at.0])?;
    Ok(expires_at)
}

/// How long an address nobody knew so many times in a row is left alone, milliseconds.
pub const fn miss_ms(misses: u32) -> i64 {
    let doublings = if misses > 6 {
        5
    } else {
        misses.saturating_sub(1)
    };
    let days = 1i64 << doublings;
    (if days > LONGEST_MISS_DAYS {
        LONGEST_MISS_DAYS
    } else {
        days
    }) * DAY_MS
}
