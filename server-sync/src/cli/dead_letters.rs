use crate::cli::{open_tenant, say};
use crate::config::Config;
use crate::state::ServerError;
use crate::workers;
use std::io::Write;

const MAX_LISTED: usize = 500;

pub(super) fn list(
    config: &Config,
    tenant: Option<&str>,
    out: &mut dyn Write,
) -> Result<(), ServerError> {
    let hooks = workers::hooks(config)?;
    let (_opened, tenant) = open_tenant(config, tenant)?;
    for letter in tenant.read(|c| hooks.dead_letters.list(c, MAX_LISTED))? {
        say(
            out,
            &format!(
                "{}  at {}  {}: {}",
                letter.id, letter.at.0, letter.kind, letter.reason
            ),
        )?;
    }
    Ok(())
}

pub(super) fn replay(
    config: &Config,
    tenant: Option<&str>,
    id: Option<i64>,
    out: &mut dyn Write,
) -> Result<(), ServerError> {
    let hooks = workers::hooks(config)?;
    let (_opened, tenant) = open_tenant(config, tenant)?;
    let queued = tenant.write(|tx| hooks.dead_letters.replay(tx, id))?;
    say(out, &format!("{queued} queued again"))
}
