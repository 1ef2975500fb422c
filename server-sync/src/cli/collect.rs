use crate::cli::{only_tenant, say};
use crate::config::Config;
use crate::feed;
use crate::setup;
use crate::state::ServerError;
use crate::store::clock_now;
use std::io::Write;

pub(super) fn collect(
    config: &Config,
    tenant: Option<&str>,
    out: &mut dyn Write,
) -> Result<(), ServerError> {
    let only = only_tenant(config, tenant)?;
    let opened = setup::open(config, clock_now())?;
    let retention_ms = config.retention.tombstone_ms();
    for tenant in &config.tenants {
        if only.is_some_and(|only| only != tenant.id()) {
            continue;
        }
        let file = opened.tenants.get(tenant.id())?;
        let done = file.write(|tx| feed::collect(tx, clock_now(), retention_ms))?;
        say(
            out,
            &format!(
                "{}: {} entries and {} deleted rows forgotten; floor {}",
                tenant.name, done.entries, done.rows, done.floor
            ),
        )?;
    }
    Ok(())
}
