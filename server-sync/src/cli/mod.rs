//! The command line.

mod backup;
mod collect;
mod dead_letters;
mod devices;
mod doctor;
mod follow;
mod plan;
mod serve;

use crate::config::{Config, ConfigError};
use crate::setup;
use crate::state::ServerError;
use crate::store::{StoreError, Tenant, clock_now};
use clap::{Parser, Subcommand};
use fieldfare_model::{DeviceId, TenantId};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// Fieldfare's server: CRM records in, synced phones out.
#[derive(Debug, Parser)]
#[command(name = "fieldfare-server", version)]
pub struct Cli {
    /// Configuration file (TOML).
    #[arg(long, short, global = true, env = "FIELDFARE_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server until it is told to stop.
    Serve,
    /// Print the configuration in force, secrets hidden.
    Config {
        /// Only say whether it is usable.
        #[arg(long)]
        check: bool,
    },
    /// Make or upgrade the databases and bring them in line with the configuration, as `serve` does
    /// when it starts. Doing it again changes nothing.
    Migrate,
    /// Devices of reps.
    #[command(subcommand)]
    Device(DeviceCommand),
    /// Companies.
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// Work that failed for good.
    #[command(subcommand)]
    DeadLetters(DeadLetterCommand),
    /// Forget tombstones older than the retention. `serve` does it too.
    Collect {
        /// Only those of this company.
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Plan days: the planner's own JSON or a VROOM input in, an answer of the same kind out.
    Plan(plan::PlanArgs),
    /// Follow a route with a recorded drive and print every event.
    Follow {
        /// The route: an answer of OSRM or Valhalla, or bytes as phones keep them.
        route: PathBuf,
        /// The drive.
        track: PathBuf,
    },
    /// Copy all databases to a new folder, encrypted as they are, while the server runs.
    Backup {
        /// The folder to make.
        to: PathBuf,
    },
    /// Put a backup in the place of the databases, with the server stopped. What was there is kept.
    Restore {
        /// The backup's folder.
        from: PathBuf,
    },
    /// Look for what is wrong: key, files, cipher, integrity, disk, clock, connections.
    Doctor,
}

#[derive(Debug, Subcommand)]
enum DeviceCommand {
    /// Print a one-time code for a rep's next device.
    Add {
        /// Name or id of the company; not needed when there is one.
        #[arg(long)]
        tenant: Option<String>,
        /// E-mail address or name of the rep.
        #[arg(long)]
        rep: String,
    },
    /// List devices.
    List {
        /// Only those of this company.
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Revoke a device: it is told to wipe at its next request.
    Revoke {
        /// The device's id.
        device: DeviceId,
    },
}

#[derive(Debug, Subcommand)]
enum TenantCommand {
    /// List companies with their figures.
    List,
}

#[derive(Debug, Subcommand)]
enum DeadLetterCommand {
    /// List them, newest first.
    List {
        /// Name or id of the company; not needed when there is one.
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Queue them again.
    Replay {
        /// Name or id of the company; not needed when there is one.
        #[arg(long)]
        tenant: Option<String>,
        /// Only this one.
        #[arg(long)]
        id: Option<i64>,
    },
}

/// Runs a command and writes what it has to say to `out`.
///
/// # Errors
/// [`ServerError`], which says what to do.
pub fn run(cli: Cli, out: &mut dyn Write) -> Result<(), ServerError> {
    let config = Config::load(cli.config.as_deref())?;
    if !matches!(cli.command, Command::Serve) {
        // Somebody who runs commands within a program has logging of their own.
        serve::start_logging(&config.log, "warn").unwrap_or_default();
    }
    match cli.command {
        Command::Serve => serve::serve(config, out),
        Command::Config { check: true } => say(out, "the configuration is usable"),
        Command::Config { check: false } => say(out, config.to_toml()?.trim_end()),
        Command::Migrate => {
            let opened = setup::open(&config, clock_now())?;
            setup::apply(&opened, &config, clock_now())?;
            say(out, "the databases are up to date")
        }
        Command::Device(DeviceCommand::Add { tenant, rep }) => {
            devices::add(&config, tenant.as_deref(), &rep, out)
        }
        Command::Device(DeviceCommand::List { tenant }) => {
            devices::list(&config, tenant.as_deref(), out)
        }
        Command::Device(DeviceCommand::Revoke { device }) => devices::revoke(&config, device, out),
        Command::Tenant(TenantCommand::List) => devices::tenants(&config, out),
        Command::DeadLetters(DeadLetterCommand::List { tenant }) => {
            dead_letters::list(&config, tenant.as_deref(), out)
        }
        Command::DeadLetters(DeadLetterCommand::Replay { tenant, id }) => {
            dead_letters::replay(&config, tenant.as_deref(), id, out)
        }
        Command::Collect { tenant } => collect::collect(&config, tenant.as_deref(), out),
        Command::Backup { to } => backup::backup(&config, &to, out),
        Command::Restore { from } => backup::restore(&config, &from, out),
        Command::Plan(args) => plan::run(&config, &args, out),
        Command::Follow { route, track } => follow::run(&route, &track, out),
        Command::Doctor => doctor::doctor(&config, out),
    }
}

fn say(out: &mut dyn Write, line: &str) -> Result<(), ServerError> {
    writeln!(out, "{line}").map_err(|e| StoreError::from(e).into())
}

/// The company with this name or id, or the only one there is.
fn tenant_id(config: &Config, wanted: Option<&str>) -> Result<TenantId, ServerError> {
    let matches = |name: &str, id: TenantId| match wanted {
        Some(wanted) => wanted == name || wanted == id.to_string(),
        None => config.tenants.len() == 1,
    };
    let found = config.tenants.iter().find(|t| matches(&t.name, t.id()));
    let missing = || ConfigError::Value {
        setting: "--tenant".to_owned(),
        problem: "must name one of the configured tenants".to_owned(),
    };
    Ok(found.map(|t| t.id()).ok_or_else(missing)?)
}

/// The company asked for; none if none was.
fn only_tenant(config: &Config, wanted: Option<&str>) -> Result<Option<TenantId>, ServerError> {
    wanted
        .map(|wanted| tenant_id(config, Some(wanted)))
        .transpose()
}

fn open_tenant(
    config: &Config,
    wanted: Option<&str>,
) -> Result<(setup::Opened, Arc<Tenant>), ServerError> {
    let id = tenant_id(config, wanted)?;
    let opened = setup::open(config, clock_now())?;
    let tenant = opened.tenants.get(id).map_err(not_applied)?;
    Ok((opened, tenant))
}

/// What is configured but not in the databases yet.
fn not_applied(error: StoreError) -> StoreError {
    match error {
        StoreError::NoTenant => StoreError::Caller(
            "the databases do not know this company or rep yet: run `migrate`, or start the server"
                .to_owned(),
        ),
        error => error,
    }
}
