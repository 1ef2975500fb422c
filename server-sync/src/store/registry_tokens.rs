//! Rotating refresh tokens: each is good once, and using one twice locks the device.

use crate::store::{Registry, StoreError, to_sql};
use fieldfare_model::{DeviceId, TimestampMs};
use rusqlite::{OptionalExtension, Transaction, params};

/// Keyed hash of a code or token; the registry never holds the secret itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenHash(pub [u8; 32]);

/// A refresh token that is used, and what follows it.
#[derive(Debug, Clone, Copy)]
pub struct Refresh {
    /// Whose token it is, as it says itself.
    pub device: DeviceId,
    /// The how many-th of the device it is, as it says itself.
    pub n: u64,
    /// What is stored of it.
    pub token: TokenHash,
    /// What is to be stored of the next.
    pub successor: TokenHash,
    /// The phone's attempt, if it makes one.
    pub attempt: Option<[u8; 16]>,
    /// When the next one ends.
    pub until: TimestampMs,
}

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
    /// After a restore each device may once use a token newer than any the backup knows: it was
    /// given since. The caller has checked that a server with this key made it.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn refresh(&self, asked: &Refresh, now: TimestampMs) -> Result<Refreshed, StoreError> {
        self.database().write(|tx| {
            let Some(known) = find(tx, &asked.token, now)? else {
                return take_back(tx, asked, now);
            };
            if !known.used {
                use_up(tx, asked, now)?;
                enter(tx, known.device, &asked.successor, asked.until)?;
                number(tx, asked)?;
                return Ok(Refreshed::Renewed(known.device));
            }
            if is_repeat(tx, &known, &asked.successor, asked.attempt, now)? {
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

/// Lets a device that was given tokens since the backup go on, once.
fn take_back(
    tx: &Transaction<'_>,
    asked: &Refresh,
    now: TimestampMs,
) -> Result<Refreshed, StoreError> {
    let may = tx.execute(
        "UPDATE device SET may_take_back = 0
         WHERE id = ?1 AND may_take_back = 1 AND token_n < ?2
         AND locked_at IS NULL AND revoked_at IS NULL",
        params![asked.device.as_bytes(), to_sql(asked.n)],
    )?;
    if may == 0 {
        return Ok(Refreshed::Unknown);
    }
    // Whoever holds an older one that the backup knows is not the phone.
    tx.execute(
        "DELETE FROM refresh_token WHERE device = ?1",
        [asked.device.as_bytes()],
    )?;
    enter(tx, asked.device, &asked.token, asked.until)?;
    use_up(tx, asked, now)?;
    enter(tx, asked.device, &asked.successor, asked.until)?;
    number(tx, asked)?;
    Ok(Refreshed::Renewed(asked.device))
}

/// Notes how many tokens the device was given.
fn number(tx: &Transaction<'_>, asked: &Refresh) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE device SET token_n = max(token_n, ?2), may_take_back = 0 WHERE id = ?1",
        params![asked.device.as_bytes(), to_sql(asked.n.saturating_add(1))],
    )?;
    Ok(())
}

fn use_up(tx: &Transaction<'_>, asked: &Refresh, now: TimestampMs) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE refresh_token SET used_at = ?2, attempt = ?3, successor = ?4 WHERE hash = ?1",
        params![asked.token.0, now.0, asked.attempt, asked.successor.0],
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
