//! What engines answered, kept in the tenant's file.
//!
//! Travel times are kept by pair of places (to 10^-6 degrees, 11 cm), engine and profile.

use crate::routing::{Area, Cell, Cells, Leg};
use crate::store::StoreError;
use fieldfare_model::{LatLng, TimestampMs};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

/// A place as the cache knows it: both coordinates to 10^-6 degrees in one number.
pub(super) fn place_key(at: LatLng) -> i64 {
    let (lat, lon) = (e6(at.lat()) + 90_000_000, e6(at.lon()) + 180_000_000);
    (lat << 29) | lon
}

/// The place to ask for: as exact as the cache tells places apart.
pub(super) fn rounded(at: LatLng) -> LatLng {
    LatLng::from_e7(e6(at.lat()) * 10, e6(at.lon()) * 10).unwrap_or(at)
}

fn e6(degrees: f64) -> i64 {
    (degrees * 1e6).round() as i64
}

/// The cells known since `oldest`.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn cells(
    connection: &Connection,
    provider: &str,
    places: &[LatLng],
    oldest: TimestampMs,
) -> Result<Cells, StoreError> {
    let mut cells = Cells::unknown(places.len());
    let Some(source) = source(connection, provider)? else {
        return Ok(cells);
    };
    let keys: Vec<i64> = places.iter().map(|at| place_key(*at)).collect();
    let mut statement = connection.prepare_cached(
        "SELECT seconds, metres, computed_at FROM travel_cell
         WHERE source = ?1 AND from_place = ?2 AND to_place = ?3 AND computed_at >= ?4",
    )?;
    for (from, from_key) in keys.iter().enumerate() {
        for (to, to_key) in keys.iter().enumerate() {
            if from == to {
                continue;
            }
            let known = statement.query_row(params![source, from_key, to_key, oldest.0], |r| {
                let leg: (Option<u32>, Option<u32>) = (r.get(0)?, r.get(1)?);
                let leg = leg.0.zip(leg.1);
                let leg = leg.map(|(seconds, metres)| Leg { seconds, metres });
                Ok(Cell::Known(leg, TimestampMs(r.get(2)?)))
            });
            if let Some(cell) = known.optional()? {
                cells.set(from, to, cell);
            }
        }
    }
    Ok(cells)
}

/// Keeps the cells that came at `at`.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn keep(
    tx: &Transaction<'_>,
    provider: &str,
    places: &[LatLng],
    cells: &Cells,
    at: TimestampMs,
) -> Result<(), StoreError> {
    tx.prepare_cached("INSERT OR IGNORE INTO travel_source (provider) VALUES (?1)")?
        .execute([provider])?;
    let source = source(tx, provider)?;
    let mut statement = tx.prepare_cached(
        "INSERT OR REPLACE INTO travel_cell
             (source, from_place, to_place, seconds, metres, computed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (from, from_at) in places.iter().enumerate() {
        for (to, to_at) in places.iter().enumerate() {
            let Cell::Known(leg, since) = cells.get(from, to) else {
                continue;
            };
            if from != to && since == at {
                statement.execute(params![
                    source,
                    place_key(*from_at),
                    place_key(*to_at),
                    leg.map(|leg| leg.seconds),
                    leg.map(|leg| leg.metres),
                    at.0,
                ])?;
            }
        }
    }
    Ok(())
}

fn source(connection: &Connection, provider: &str) -> Result<Option<i64>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT id FROM travel_source WHERE provider = ?1")?;
    Ok(statement.query_row([provider], |r| r.get(0)).optional()?)
}

/// The isochrone kept since `oldest`, and when it was drawn.
///
/// # Errors
/// [`StoreError::Sql`], or [`StoreError::Damaged`].
pub fn isochrone(
    connection: &Connection,
    provider: &str,
    from: LatLng,
    minutes: u32,
    oldest: TimestampMs,
) -> Result<Option<(Area, TimestampMs)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT area, computed_at FROM isochrone
         WHERE provider = ?1 AND place = ?2 AND minutes = ?3 AND computed_at >= ?4",
    )?;
    let key = params![provider, place_key(from), minutes, oldest.0];
    let found: Option<(String, i64)> = statement
        .query_row(key, |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()?;
    let Some((area, at)) = found else {
        return Ok(None);
    };
    let area = serde_json::from_str(&area).map_err(|_| StoreError::Damaged("isochrone"))?;
    Ok(Some((area, TimestampMs(at))))
}

/// Keeps an isochrone.
///
/// # Errors
/// [`StoreError::Sql`], or [`StoreError::Damaged`].
pub fn keep_isochrone(
    tx: &Transaction<'_>,
    provider: &str,
    from: LatLng,
    minutes: u32,
    area: &Area,
    at: TimestampMs,
) -> Result<(), StoreError> {
    let area = serde_json::to_string(area).map_err(|_| StoreError::Damaged("isochrone"))?;
    let mut statement = tx.prepare_cached(
        "INSERT OR REPLACE INTO isochrone (provider, place, minutes, area, computed_at)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    statement.execute(params![provider, place_key(from), minutes, area, at.0])?;
    Ok(())
}

/// Forgets the travel times from and to a place, and what can be reached from it. O(cells).
///
/// # Errors
/// [`StoreError::Sql`].
pub fn forget_place(tx: &Transaction<'_>, at: LatLng) -> Result<(), StoreError> {
    let place = [place_key(rounded(at))];
    tx.execute(
        "DELETE FROM travel_cell WHERE from_place = ?1 OR to_place = ?1",
        place,
    )?;
    tx.execute("DELETE FROM isochrone WHERE place = ?1", place)?;
    Ok(())
}

/// Forgets what is older than `oldest`.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn purge(tx: &Transaction<'_>, oldest: TimestampMs) -> Result<(), StoreError> {
    tx.execute("DELETE FROM travel_cell WHERE computed_at < ?1", [oldest.0])?;
    tx.execute("DELETE FROM isochrone WHERE computed_at < ?1", [oldest.0])?;
    Ok(())
}
