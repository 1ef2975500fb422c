use crate::auth::{self, TokenKeys};
use crate::cli::{not_applied, only_tenant, open_tenant, say, tenant_id};
use crate::config::{Config, ConfigError};
use crate::feed;
use crate::setup;
use crate::state::ServerError;
use crate::store::{StoreError, TenantHead, clock_now};
use fieldfare_model::{DeviceId, Entity};
use fieldfare_sync::RowState;
use std::io::Write;

pub(super) fn add(
    config: &Config,
    tenant: Option<&str>,
    rep: &str,
    out: &mut dyn Write,
) -> Result<(), ServerError> {
    let id = tenant_id(config, tenant)?;
    let of_tenant = config.tenants.iter().find(|t| t.id() == id);
    let rep = of_tenant.and_then(|t| t.rep(rep)).map(|rep| rep.id(id));
    let rep = rep.ok_or_else(|| ConfigError::Value {
        setting: "--rep".to_owned(),
        problem: "must be the e-mail address or name of one of the tenant's reps".to_owned(),
    })?;
    let (opened, tenant) = open_tenant(config, tenant)?;
    let known = tenant.read(|c| feed::row(c, Entity::REP, rep.row()))?;
    if !matches!(known, RowState::Live(_)) {
        return Err(not_applied(StoreError::NoTenant).into());
    }
    let keys = TokenKeys::new(&opened.key)?;
    let code = auth::issue_code(&opened.registry, &keys, id, rep, clock_now())?;
    say(out, &code)
}

pub(super) fn list(
    config: &Config,
    tenant: Option<&str>,
    out: &mut dyn Write,
) -> Result<(), ServerError> {
    let only = only_tenant(config, tenant)?;
    let opened = setup::open(config, clock_now())?;
    for device in opened.registry.devices(only)? {
        let state = match (device.revoked_at, device.locked_at) {
            (Some(_), _) => "revoked",
            (None, Some(_)) => "locked",
            (None, None) => "active",
        };
        say(
            out,
            &format!(
                "{}  {state:7}  rep {}  {}",
                device.id, device.rep, device.name
            ),
        )?;
    }
    Ok(())
}

pub(super) fn revoke(
    config: &Config,
    device: DeviceId,
    out: &mut dyn Write,
) -> Result<(), ServerError> {
    let opened = setup::open(config, clock_now())?;
    if opened.registry.revoke(device, clock_now())? {
        say(
            out,
            "revoked; the device is told to wipe at its next request",
        )
    } else {
        Err(StoreError::Caller("no such device; see `device list`".to_owned()).into())
    }
}

pub(super) fn tenants(config: &Config, out: &mut dyn Write) -> Result<(), ServerError> {
    let opened = setup::open(config, clock_now())?;
    for tenant in &config.tenants {
        let file = opened.tenants.get(tenant.id()).map_err(not_applied)?;
        let (head, counts) = file.read(|c| Ok((TenantHead::read(c)?.head, feed::counts(c)?)))?;
        let live = |entity| {
            counts
                .get(&entity)
                .map_or(0, |counts: &feed::Counts| counts.live)
        };
        let figures = format!(
            "{} leads, {} visits, {} territories, {} reps, sequence {head}",
            live(Entity::LEAD),
            live(Entity::VISIT),
            live(Entity::TERRITORY),
            live(Entity::REP),
        );
        say(out, &format!("{}  {}: {figures}", tenant.id(), tenant.name))?;
    }
    Ok(())
}
