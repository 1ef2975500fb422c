//! Rotating refresh tokens: each is good once, and using one twice locks the device.

use crate::store::{Registry, StoreError};
use fieldfare_model::{DeviceId, TimestampMs};
use rusqlite::{OptionalExtension, Transaction, params};

/// Keyed hash of a code or token; the registry never holds the secret itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenHash(pub [u8; 32]);

/// What became of a refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refreshed {
    /// The successor was entered, or had been by the same attempt and is not used yet.
    Renewed(DeviceId),
    /// The token is unknown or too old.
    Unknown,
    /// The token had been used before. The device was locked.
    Reused(DeviceId),
}

/// A refresh token's row.
struct Token {
    device: DeviceId,
    used: bool,
    attempt: Option<[u8; 16]>,
    successor: Option<[u8; 32]>,
}

impl Registry {
    /// Uses up a refresh token and enters its successor.
    ///
    /// A phone whose answer was lost repeats the same `attempt`; it is answered alike until the
    /// successor is used. Any other second use means that two parties hold the token, so the
    /// device is locked until it enrols again (RFC 9700 §4.14.2).
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn refresh(
        &self,
        token: &TokenHash,
        successor: &TokenHash,
        attempt: Option<[u8; 16]>,
        until: TimestampMs,
        now: TimestampMs,
    ) -> Result<Refreshed, StoreError> {
        self.database().write(|tx| {
            let Some(known) = find(tx, token, now)? else {
                return Ok(Refreshed::Unknown);
            };
            if !known.used {
                use_up(tx, token, successor, attempt, now)?;
                enter(tx, known.device, successor, until)?;
                return Ok(Refreshed::Renewed(known.device));
            }
            if is_repeat(tx, &known, successor, attempt, now)? {
                return Ok(Refreshed::Renewed(known.device));
            }
            lock_device(tx, known.device, now)?;
            Ok(Refreshed::Reused(known.device))
        })
    }
}

fn find(
    tx: &Transaction<'_>,
    token: &TokenHash,
    now: TimestampMs,
) -> Result<Option<Token>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT device, used_at IS NOT NULL, attempt, successor FROM refresh_token
         WHERE hash = ?1 AND expires_at > ?2",
    )?;
    let token = statement
        .query_row(params![token.0, now.0], |r| {
            Ok(Token {
                device: DeviceId::from_bytes(r.get(0)?),
                used: r.get(1)?,
                attempt: r.get(2)?,
                successor: r.get(3)?,
            })
        })
        .optional()?;
    Ok(token)
}

fn is_repeat(
    tx: &Transaction<'_>,
    known: &Token,
    successor: &TokenHash,
    attempt: Option<[u8; 16]>,
    now: TimestampMs,
) -> Result<bool, StoreError> {
    let same_attempt = attempt.is_some() && attempt == known.attempt;
    let same_successor = known.successor == Some(successor.0);
    let unused = find(tx, successor, now)?.is_some_and(|next| !next.used);
    Ok(same_attempt && same_successor && unused)
}

fn use_up(
    tx: &Transaction<'_>,
    token: &TokenHash,
    successor: &TokenHash,
    attempt: Option<[u8; 16]>,
    now: TimestampMs,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE refresh_token SET used_at = ?2, attempt = ?3, successor = ?4 WHERE hash = ?1",
        params![token.0, now.0, attempt, successor.0],
    )?;
    Ok(())
}

fn enter(
    tx: &Transaction<'_>,
    device: DeviceId,
    token: &TokenHash,
    until: TimestampMs,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO refresh_token (hash, device, expires_at) VALUES (?1, ?2, ?3)",
        params![token.0, device.as_bytes(), until.0],
    )?;
    Ok(())
}

fn lock_device(tx: &Transaction<'_>, device: DeviceId, now: TimestampMs) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE device SET locked_at = coalesce(locked_at, ?2) WHERE id = ?1",
        params![device.as_bytes(), now.0],
    )?;
    Ok(())
}
