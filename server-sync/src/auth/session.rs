use crate::auth::code::{self, CODE_LIFETIME_MS};
use crate::auth::tokens::{ACCESS_LIFETIME_MS, AccessToken, REFRESH_LIFETIME_MS, TokenKeys};
use crate::random;
use crate::store::{DeviceRecord, NewDevice, Refresh, Refreshed, Registry, StoreError};
use fieldfare_model::{DeviceId, RepId, TenantId, TimestampMs};

const MAX_DEVICE_NAME_CHARS: usize = 80;

/// What a device gets when it enrols or refreshes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The device.
    pub device: DeviceRecord,
    /// Opens the device routes until it ends.
    pub access_token: String,
    /// Gets the next grant, once.
    pub refresh_token: String,
}

/// Why no grant is given.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The code is unknown, used or too old.
    #[error("this code is unknown, used or older than ten minutes; ask for a new one")]
    Code,
    /// The device's name is empty or too long.
    #[error("the device name must have 1 to 80 characters")]
    Name,
    /// The token is unknown, too old or of a device that must enrol again.
    #[error("this refresh token is not valid; enrol the device again")]
    Token,
    /// The device was revoked.
    #[error("this device was revoked")]
    Revoked,
    /// The configuration has no such company or rep just now.
    #[error("this server does not serve the code's company or rep now; ask for another code later")]
    NotServed,
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a one-time code for a rep's next device.
///
/// # Errors
/// [`StoreError`].
pub fn issue_code(
    registry: &Registry,
    keys: &TokenKeys,
    tenant: TenantId,
    rep: RepId,
    now: TimestampMs,
) -> Result<String, StoreError> {
    let code = code::new_code()?;
    let hash = keys.hash(&code::normalised(&code));
    registry.put_code(&hash, tenant, rep, now.plus(CODE_LIFETIME_MS))?;
    Ok(code)
}

/// Exchanges a one-time code for a device of its own.
///
/// # Errors
/// [`SessionError`].
pub fn enrol(
    registry: &Registry,
    keys: &TokenKeys,
    typed_code: &str,
    device_name: &str,
    now: TimestampMs,
) -> Result<Grant, SessionError> {
    let name = device_name.trim();
    if name.is_empty() || name.chars().count() > MAX_DEVICE_NAME_CHARS {
        return Err(SessionError::Name);
    }
    let (unix_ms, unpredictable) = random::id_parts()?;
    let id = DeviceId::v7(unix_ms, unpredictable);
    let refresh_token = keys.new_refresh(id, 1)?;
    let new = NewDevice {
        id,
        code: &keys.hash(&code::normalised(typed_code)),
        name,
        refresh: &keys.hash(&refresh_token),
        refresh_until: now.plus(REFRESH_LIFETIME_MS),
    };
    let device = registry.enrol(&new, now)?.ok_or(SessionError::Code)?;
    Ok(grant(keys, device, refresh_token, now))
}

/// Exchanges a refresh token for the next one. `attempt`, an id the phone makes and keeps before
/// it asks, lets it ask again when the answer is lost; without it a repeated token locks the
/// device.
///
/// # Errors
/// [`SessionError`].
pub fn refresh(
    registry: &Registry,
    keys: &TokenKeys,
    token: &str,
    attempt: Option<[u8; 16]>,
    now: TimestampMs,
) -> Result<Grant, SessionError> {
    let read = keys.read_refresh(token).ok_or(SessionError::Token)?;
    let next = match attempt {
        Some(attempt) => keys.successor(&read, attempt),
        None => keys.new_refresh(read.device, read.n.saturating_add(1))?,
    };
    let refreshed = registry.refresh(
        &Refresh {
            device: read.device,
            n: read.n,
            token: keys.hash(token),
            successor: keys.hash(&next),
            attempt,
            until: now.plus(REFRESH_LIFETIME_MS),
        },
        now,
    )?;
    let device = known_device(registry, refreshed)?;
    Ok(grant(keys, device, next, now))
}

fn known_device(registry: &Registry, refreshed: Refreshed) -> Result<DeviceRecord, SessionError> {
    let (id, renewed): (DeviceId, bool) = match refreshed {
        Refreshed::Unknown => return Err(SessionError::Token),
        Refreshed::Renewed(id) => (id, true),
        Refreshed::Reused(id) => (id, false),
    };
    let device = registry.device(id)?.ok_or(SessionError::Token)?;
    if device.revoked_at.is_some() {
        return Err(SessionError::Revoked);
    }
    if !renewed || device.locked_at.is_some() {
        tracing::warn!(device = %id, "a refresh token was used twice; the device must enrol again");
        return Err(SessionError::Token);
    }
    Ok(device)
}

fn grant(keys: &TokenKeys, device: DeviceRecord, refresh_token: String, now: TimestampMs) -> Grant {
    let expires_at = now.plus(ACCESS_LIFETIME_MS);
    let access = AccessToken {
        device: device.id,
        expires_at,
    };
    Grant {
        access_token: keys.sign(&access),
        refresh_token,
        device,
    }
}
