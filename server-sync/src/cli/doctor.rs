//! Checks that an operator would do by hand, one line each.

use crate::cli::say;
use crate::config::Config;
use crate::feed;
use crate::setup::{self, Opened};
use crate::state::ServerError;
use crate::store::{StoreError, clock_now};
use fieldfare_model::TimestampMs;
use fieldfare_sync::ScopeId;
use std::io::Write;
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const PROBE_BYTES: usize = 16 * 1024 * 1024;
/// 2026-01-01, before which no machine runs this build.
const EARLIEST: TimestampMs = TimestampMs(1_767_225_600_000);

/// What a check found; an error says what to do.
type Finding = Result<String, String>;

pub(super) fn doctor(config: &Config, out: &mut dyn Write) -> Result<(), ServerError> {
    let mut failed = 0_u32;
    let mut report = |name: &str, finding: Finding| -> Result<(), ServerError> {
        let (mark, text) = match finding {
            Ok(text) => ("ok  ", text),
            Err(text) => {
                failed += 1;
                ("FAIL", text)
            }
        };
        say(out, &format!("{mark}  {name}: {text}"))
    };
    report(
        "configuration",
        Ok(format!("{} tenants", config.tenants.len())),
    )?;
    report("clock", clock())?;
    match setup::open(config, clock_now()) {
        Err(error) => report("key and files", Err(error.to_string()))?,
        Ok(opened) => {
            report(
                "key and files",
                Ok("the key opens the data folder; files are encrypted".into()),
            )?;
            report("private folder", private_folder(&config.server.data_dir))?;
            report("disk", disk(&config.server.data_dir))?;
            check_integrity(config, &opened, &mut report)?;
            check_feeds(config, &opened, &mut report)?;
        }
    }
    for (name, url) in endpoints(config) {
        report(&name, reachable(&url))?;
    }
    if failed == 0 {
        return Ok(());
    }
    Err(StoreError::Caller(format!("{failed} checks failed")).into())
}

fn check_integrity(
    config: &Config,
    opened: &Opened,
    report: &mut dyn FnMut(&str, Finding) -> Result<(), ServerError>,
) -> Result<(), ServerError> {
    let sound = |checked: Result<(), StoreError>| {
        checked
            .map(|()| "every page and index is sound".to_owned())
            .map_err(|e| e.to_string())
    };
    report(
        "registry.db",
        sound(opened.registry.database().check_integrity()),
    )?;
    for tenant in &config.tenants {
        let checked = opened
            .tenants
            .get(tenant.id())
            .and_then(|t| t.database().check_integrity());
        report(&format!("database of {}", tenant.name), sound(checked))?;
    }
    Ok(())
}

fn check_feeds(
    config: &Config,
    opened: &Opened,
    report: &mut dyn FnMut(&str, Finding) -> Result<(), ServerError>,
) -> Result<(), ServerError> {
    for tenant in &config.tenants {
        let file = opened.tenants.get(tenant.id());
        let digests = file.and_then(|file| file.read(feed::wrong_digests));
        report(&format!("digests of {}", tenant.name), right(digests))?;
        let gaps = opened
            .tenants
            .get(tenant.id())
            .and_then(|file| file.read(feed::gaps));
        report(&format!("operations of {}", tenant.name), complete(gaps))?;
    }
    Ok(())
}

fn right(wrong: Result<Vec<ScopeId>, StoreError>) -> Finding {
    match wrong {
        Ok(wrong) if wrong.is_empty() => Ok("they are what the rows say".into()),
        Ok(wrong) => Err(format!(
            "{} scopes have digests that are not what their rows say; please report it",
            wrong.len()
        )),
        Err(error) => Err(error.to_string()),
    }
}

fn complete(gaps: Result<Vec<feed::Gap>, StoreError>) -> Finding {
    match gaps {
        Ok(gaps) if gaps.is_empty() => Ok("none is known to be lost".into()),
        Ok(gaps) => Ok(format!(
            "{} gaps are on record: after a restore, phones no longer had these either",
            gaps.len()
        )),
        Err(error) => Err(error.to_string()),
    }
}

fn clock() -> Finding {
    if clock_now() < EARLIEST {
        return Err(
            "the machine's clock is years behind; set it, or tokens and webhooks fail".into(),
        );
    }
    Ok("plausible".into())
}

#[cfg(unix)]
fn private_folder(path: &Path) -> Finding {
    use std::os::unix::fs::PermissionsExt;
    let mode = path
        .metadata()
        .map_err(|e| e.to_string())?
        .permissions()
        .mode();
    if mode & 0o077 == 0 {
        Ok("only the owner may enter".into())
    } else {
        Err("others may enter the data folder; chmod 700 it".into())
    }
}

#[cfg(not(unix))]
fn private_folder(_: &Path) -> Finding {
    Ok("not checked on this system".into())
}

fn disk(path: &Path) -> Finding {
    let probe = path.join("doctor.probe");
    let written = std::fs::write(&probe, vec![0_u8; PROBE_BYTES]);
    let removed = std::fs::remove_file(&probe);
    written
        .and(removed)
        .map_err(|e| format!("cannot write 16 MiB to the data folder: {e}"))?;
    Ok("16 MiB can be written".into())
}

fn endpoints(config: &Config) -> Vec<(String, String)> {
    let connections = config.tenants.iter().flat_map(|tenant| {
        tenant.connections.iter().map(move |connection| {
            (
                format!("connection {} of {}", connection.name, tenant.name),
                connection.api_base.clone(),
            )
        })
    });
    connections.collect()
}

fn reachable(url: &str) -> Finding {
    let url = url::Url::parse(url).map_err(|e| e.to_string())?;
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or(443);
    let address = (host, port)
        .to_socket_addrs()
        .map_err(|e| format!("name of {host} not found: {e}"))?
        .next()
        .ok_or_else(|| format!("{host} has no address"))?;
    TcpStream::connect_timeout(&address, CONNECT_TIMEOUT)
        .map_err(|e| format!("{host}:{port} not reached: {e}"))?;
    Ok(format!("{host}:{port} answers"))
}
