use crate::auth::AccessToken;
use crate::feed;
use crate::store::{Registry, StoreError, Tenant, Tenants};
use fieldfare_model::Entity;
use fieldfare_sync::{DeviceContext, RowState};
use std::sync::Arc;

/// A device that may speak, and for whom.
#[derive(Clone)]
pub struct Authorized {
    /// Its company's data, the only data its requests can reach.
    pub tenant: Arc<Tenant>,
    /// The device and its rep.
    pub context: DeviceContext,
}

/// Why a device may not speak.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// The token is missing, wrong or too old, or the device must enrol again.
    #[error("the access token is missing, wrong or too old: get a new one")]
    Unauthorized,
    /// An operator revoked the device.
    #[error("this device was revoked")]
    Revoked,
    /// The configuration has no such company or rep just now. That may be a mistake, so the device keeps
    /// what it has.
    #[error("this server does not serve the device's company or rep at the moment")]
    NotServed,
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the databases say now about the device a valid token names. Blocks.
///
/// # Errors
/// [`AuthError`].
pub fn authorize(
    registry: &Registry,
    tenants: &Tenants,
    token: &AccessToken,
) -> Result<Authorized, AuthError> {
    let device = registry
        .device(token.device)?
        .ok_or(AuthError::Unauthorized)?;
    if device.revoked_at.is_some() {
        return Err(AuthError::Revoked);
    }
    if device.locked_at.is_some() {
        return Err(AuthError::Unauthorized);
    }
    let tenant = match tenants.get(device.tenant) {
        Err(StoreError::NoTenant) => return Err(AuthError::NotServed),
        tenant => tenant?,
    };
    let rep = tenant.read(|c| feed::row(c, Entity::REP, device.rep.row()))?;
    if !matches!(rep, RowState::Live(_)) {
        return Err(AuthError::NotServed);
    }
    let context = DeviceContext {
        device: device.id,
        rep: device.rep,
    };
    Ok(Authorized { tenant, context })
}
