//! Checks that an operator would do by hand, one line each.

use crate::cli::{not_applied, say};
use crate::config::Config;
use crate::feed;
use crate::hubspot::{CrmError, HubspotClient, HubspotOptions, ObjectType};
use crate::routing;
use crate::setup::{self, Opened};
use crate::state::ServerError;
use crate::store::{StoreError, clock_now};
use fieldfare_model::TimestampMs;
use fieldfare_sync::ScopeId;
use std::io::Write;
use std::path::Path;

const PROBE_BYTES: usize = 16 * 1024 * 1024;
/// 2026-01-01, before which no machine runs this build.
const EARLIEST: TimestampMs = TimestampMs(1_767_225_600_000);

/// What a check found; an error says what to do.
type Finding = Result<String, String>;

/// Prints findings and counts what is wrong.
struct Report<'a> {
    out: &'a mut dyn Write,
    failed: u32,
}

impl Report<'_> {
    fn add(&mut self, name: &str, finding: Finding) -> Result<(), ServerError> {
        let (mark, text) = match finding {
            Ok(text) => ("ok  ", text),
            Err(text) => {
                self.failed += 1;
                ("FAIL", text)
            }
        };
        say(self.out, &format!("{mark}  {name}: {text}"))
    }

    /// What works, but not as well as it could.
    fn warn(&mut self, name: &str, text: &str) -> Result<(), ServerError> {
        say(self.out, &format!("warn  {name}: {text}"))
    }
}

pub(super) fn doctor(config: &Config, out: &mut dyn Write) -> Result<(), ServerError> {
    let mut report = Report { out, failed: 0 };
    let tenants = format!("{} tenants", config.tenants.len());
    report.add("configuration", Ok(tenants))?;
    report.add("clock", clock())?;
    match setup::open(config, clock_now()) {
        Err(error) => report.add("key and files", Err(error.to_string()))?,
        Ok(opened) => {
            let text = "the key opens the data folder; files are encrypted";
            report.add("key and files", Ok(text.into()))?;
            report.add("private folder", private_folder(&config.server.data_dir))?;
            report.add("disk", disk(&config.server.data_dir))?;
            check_integrity(config, &opened, &mut report)?;
            check_feeds(config, &opened, &mut report)?;
        }
    }
    check_connections(config, &mut report)?;
    check_engines(config, &mut report)?;
    match report.failed {
        0 => Ok(()),
        failed => Err(StoreError::Caller(format!("{failed} checks failed")).into()),
    }
}

fn check_integrity(
    config: &Config,
    opened: &Opened,
    report: &mut Report<'_>,
) -> Result<(), ServerError> {
    let sound = |checked: Result<(), StoreError>| {
        checked
            .map(|()| "every page and index is sound".to_owned())
            .map_err(|e| e.to_string())
    };
    let served = setup::refuse_removals(opened, config);
    let served = served.map(|()| "every enrolled device has its company and rep".to_owned());
    report.add("devices", served.map_err(|e| e.to_string()))?;
    let registry = opened.registry.database().check_integrity();
    report.add("registry.db", sound(registry))?;
    for tenant in &config.tenants {
        let checked = opened
            .tenants
            .get(tenant.id())
            .map_err(not_applied)
            .and_then(|t| t.database().check_integrity());
        report.add(&format!("database of {}", tenant.name), sound(checked))?;
    }
    Ok(())
}

fn check_feeds(
    config: &Config,
    opened: &Opened,
    report: &mut Report<'_>,
) -> Result<(), ServerError> {
    for tenant in &config.tenants {
        let file = opened.tenants.get(tenant.id()).map_err(not_applied);
        let (digests, gaps) = match file {
            Ok(file) => (file.read(feed::wrong_digests), file.read(feed::gaps)),
            Err(error) => {
                return report.add(&format!("feed of {}", tenant.name), Err(error.to_string()));
            }
        };
        report.add(&format!("digests of {}", tenant.name), right(digests))?;
        report.add(&format!("operations of {}", tenant.name), complete(gaps))?;
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

fn check_engines(config: &Config, report: &mut Report<'_>) -> Result<(), ServerError> {
    let runtime = runtime()?;
    for engine in &config.routing.engines {
        let asked = match routing::connect(engine) {
            Ok(client) => runtime.block_on(client.check()),
            Err(error) => Err(error),
        };
        let name = format!("routing engine {}", engine.kind.name());
        report.add(&name, asked.map_err(|e| e.to_string()))?;
    }
    Ok(())
}

fn runtime() -> Result<tokio::runtime::Runtime, ServerError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| ServerError::Internal(format!("runtime: {e}")))
}

fn check_connections(config: &Config, report: &mut Report<'_>) -> Result<(), ServerError> {
    let runtime = runtime()?;
    for tenant in &config.tenants {
        for connection in &tenant.connections {
            let name = format!("connection {} of {}", connection.name, tenant.name);
            let base = (&connection.api_base, &connection.api_version);
            match HubspotClient::new(base.0, base.1, connection.token.expose()) {
                Err(error) => report.add(&name, Err(error.to_string()))?,
                Ok(client) => {
                    let options = &connection.hubspot;
                    runtime.block_on(check_connection(&name, &client, options, report))?;
                }
            }
        }
    }
    Ok(())
}

/// Whether the token may read what the server reads, and whether records can carry the mark.
async fn check_connection(
    name: &str,
    client: &HubspotClient,
    options: &HubspotOptions,
    report: &mut Report<'_>,
) -> Result<(), ServerError> {
    let mut kinds: Vec<&str> = options.objects.iter().map(|o| o.path()).collect();
    let companies = ObjectType::Companies.path();
    if !kinds.contains(&companies) {
        kinds.push(companies);
    }
    kinds.extend(["tasks", "notes"]);
    for kind in &kinds {
        match client.probe(kind).await {
            Ok(()) => {}
            Err(error @ CrmError::MissingScope(_)) => {
                report.add(&format!("{name}, {kind}"), Err(error.to_string()))?;
            }
            // What is wrong with the token or the way there is so for every kind.
            Err(error) => return report.add(name, Err(explain(&error))),
        }
    }
    report.add(name, Ok("the CRM answers and takes the token".into()))?;
    let mark = options.marker_property.as_str();
    for kind in kinds.iter().filter(|_| !mark.is_empty()) {
        let name = format!("{name}, property {mark} of {kind}");
        match client.has_property(kind, mark).await {
            Ok(true) => report.add(&name, Ok("is there".into()))?,
            Ok(false) => report.warn(
                &name,
                &format!(
                    "is missing; the server makes it with its first record if the token has the \
                     scope crm.schemas.{kind}.write; else make it by hand (single-line text), or \
                     a lost answer may double a record"
                ),
            )?,
            Err(error) => report.warn(&name, &format!("cannot be looked at: {error}"))?,
        }
    }
    Ok(())
}

fn explain(error: &CrmError) -> String {
    match error {
        CrmError::Unreachable(_) => format!("{error}; check api_base and the way there"),
        _ => error.to_string(),
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
