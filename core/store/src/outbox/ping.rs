//! Fixes that may leave the phone and have not yet.

use super::consent;
use crate::StoreError;
use crate::error::In;
use crate::sql::id_at;
use fieldfare_model::{ConsentEventId, Fix, LatLng, PingId, Purpose, TimestampMs};
use rusqlite::{Connection, Row, Transaction, params};

/// A fix that was allowed to leave the phone, with the consent that allows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ping {
    /// The ping's id.
    pub id: PingId,
    /// What it is used for.
    pub purpose: Purpose,
    /// The grant it rests on.
    pub consent: ConsentEventId,
    /// The reading.
    pub fix: Fix,
}

/// Stores a ping if its consent is the active one at the moment of the fix.
pub(crate) fn add(transaction: &Transaction<'_>, ping: &Ping) -> Result<(), StoreError> {
    let grant = consent::active_grant(transaction, ping.purpose, ping.fix.at)?;
    if grant != Some(ping.consent) {
        return Err(StoreError::NoConsent);
    }
    transaction
        .prepare_cached(
            "INSERT OR IGNORE INTO ping
                (id, purpose, consent, at, lat_e7, lon_e7, accuracy_m, speed_mps)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )
        .and_then(|mut s| {
            s.execute(params![
                ping.id.as_bytes(),
                ping.purpose.code(),
                ping.consent.as_bytes(),
                ping.fix.at.0,
                ping.fix.position.lat_e7(),
                ping.fix.position.lon_e7(),
                ping.fix.accuracy_m,
                ping.fix.speed_mps
            ])
        })
        .in_outbox()?;
    Ok(())
}

/// Unsent pings, oldest first.
pub(crate) fn unsent(db: &Connection, limit: usize) -> Result<Vec<Ping>, StoreError> {
    db.prepare_cached(
        "SELECT id, purpose, consent, at, lat_e7, lon_e7, accuracy_m, speed_mps
         FROM ping ORDER BY no LIMIT ?1",
    )
    .and_then(|mut s| {
        s.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], from_sql)?
            .collect()
    })
    .in_outbox()
}

fn from_sql(row: &Row<'_>) -> rusqlite::Result<Ping> {
    let wrong = |at| rusqlite::Error::IntegralValueOutOfRange(at, 0);
    let position = LatLng::from_e7(row.get(4)?, row.get(5)?).map_err(|_| wrong(4))?;
    Ok(Ping {
        id: id_at(row, 0)?,
        purpose: Purpose::from_code(row.get(1)?).ok_or(wrong(1))?,
        consent: id_at(row, 2)?,
        fix: Fix {
            position,
            at: TimestampMs(row.get(3)?),
            accuracy_m: row.get(6)?,
            speed_mps: row.get(7)?,
        },
    })
}

/// Forgets pings that were sent.
pub(crate) fn drop(transaction: &Transaction<'_>, ids: &[PingId]) -> Result<(), StoreError> {
    let mut statement = transaction
        .prepare_cached("DELETE FROM ping WHERE id = ?1")
        .in_outbox()?;
    for id in ids {
        statement.execute([id.as_bytes()]).in_outbox()?;
    }
    Ok(())
}
