use crate::backup;
use crate::cli::say;
use crate::config::Config;
use crate::state::ServerError;
use crate::store::clock_now;
use std::io::Write;
use std::path::Path;

pub(super) fn backup(config: &Config, to: &Path, out: &mut dyn Write) -> Result<(), ServerError> {
    let manifest = backup::make(config, to, clock_now())?;
    let bytes: u64 = manifest.files.iter().map(|file| file.bytes).sum();
    say(
        out,
        &format!(
            "{} files, {bytes} bytes in {}; the master key is not among them",
            manifest.files.len(),
            to.display()
        ),
    )
}

pub(super) fn restore(
    config: &Config,
    from: &Path,
    out: &mut dyn Write,
) -> Result<(), ServerError> {
    let restored = backup::restore(config, from, clock_now())?;
    let age_min = (clock_now().0 - restored.made_at.0).max(0) / 60_000;
    say(
        out,
        &format!(
            "{} companies are back as they were {age_min} minutes ago; start the server, and phones \
             bring what they had sent since",
            restored.tenants
        ),
    )?;
    if let Some(folder) = &restored.kept_in {
        say(
            out,
            &format!("what was there is kept in {}", folder.display()),
        )?;
    }
    say(
        out,
        "devices that were revoked since, and only those, must be revoked again",
    )
}
