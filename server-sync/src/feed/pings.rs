//! Pings: fixes that were allowed to leave the phone, kept apart from the feed.

use crate::feed::consent;
use crate::store::StoreError;
use fieldfare_model::{LatLng, PingId, Purpose, TimestampMs};
use fieldfare_sync::DeviceContext;
use rusqlite::{Transaction, params};
use serde::{Deserialize, Serialize};

/// One ping as a phone sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    /// Its id, made with it.
    #[serde(rename = "i")]
    pub id: PingId,
    /// When the fix was taken.
    #[serde(rename = "t")]
    pub at: TimestampMs,
    /// Latitude, degrees × 10⁷.
    #[serde(rename = "y")]
    pub lat_e7: i64,
    /// Longitude, degrees × 10⁷.
    #[serde(rename = "x")]
    pub lon_e7: i64,
    /// Radius of 68 % confidence, metres.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub accuracy_m: Option<u32>,
}

/// What became of a ping. The phone drops it in every case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PingOutcome {
    /// Kept, now or by an earlier request.
    #[serde(rename = "k")]
    Kept,
    /// No active consent for live tracking at the time of the fix, as far as the server knows.
    #[serde(rename = "c")]
    NoConsent,
    /// Not a position, or a time in the future.
    #[serde(rename = "x")]
    Invalid,
}

/// How far ahead of the server's clock a phone's may be, milliseconds.
const MAX_AHEAD_MS: i64 = 5 * 60 * 1000;

/// Keeps a ping if the rep's consent allows it.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn keep(
    tx: &Transaction<'_>,
    device: &DeviceContext,
    ping: &Ping,
    now: TimestampMs,
) -> Result<PingOutcome, StoreError> {
    let is_position = LatLng::from_e7(ping.lat_e7, ping.lon_e7).is_ok();
    if !is_position || ping.at.since(now) > MAX_AHEAD_MS {
        return Ok(PingOutcome::Invalid);
    }
    let tracking = Purpose::LiveTracking;
    if !consent::is_active(tx, device.device, device.rep, tracking, ping.at)? {
        return Ok(PingOutcome::NoConsent);
    }
    let mut statement = tx.prepare_cached(
        "INSERT OR IGNORE INTO ping (id, device, rep, at, lat_e7, lon_e7, accuracy_m, received_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    statement.execute(params![
        ping.id.as_bytes(),
        device.device.as_bytes(),
        device.rep.as_bytes(),
        ping.at.0,
        ping.lat_e7,
        ping.lon_e7,
        ping.accuracy_m,
        now.0,
    ])?;
    Ok(PingOutcome::Kept)
}

/// Erases pings whose fix is older than `before`. Returns how many.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn purge(tx: &Transaction<'_>, before: TimestampMs) -> Result<usize, StoreError> {
    Ok(tx.execute("DELETE FROM ping WHERE at < ?1", [before.0])?)
}
