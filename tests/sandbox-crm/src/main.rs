//! The sandbox CRM as a program.

#![forbid(unsafe_code)]

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use fieldfare_sandbox::{
    ADDRESSES, LoadOptions, PortalConfig, RateLimits, SandboxConfig, SandboxCrm, SandboxError,
    WebhookTarget,
};

/// A local CRM that speaks HubSpot's protocol.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// A portal and the token of its app; may be given several times.
    #[arg(long = "portal", value_name = "ID:TOKEN", value_parser = portal, required = true)]
    portals: Vec<PortalConfig>,
    /// Companies for each portal: `fixture` for the 3,850 built-in addresses, or a file of such.
    #[arg(long, value_name = "FILE")]
    load: Option<PathBuf>,
    /// Where the webhooks of all portals go.
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// The public address that is signed, where it differs from the webhook's.
    #[arg(long, value_name = "URL", requires = "webhook")]
    public_url: Option<String>,
    /// The secret webhooks are signed with.
    #[arg(long, env = "SANDBOX_CLIENT_SECRET", hide_env_values = true)]
    client_secret: Option<String>,
    /// Refuse no call for coming too often.
    #[arg(long)]
    no_limits: bool,
}

fn portal(text: &str) -> Result<PortalConfig, String> {
    let parts = text.split_once(':').filter(|(_, token)| !token.is_empty());
    let (id, token) = parts.ok_or("write a portal as ID:TOKEN")?;
    let id = id
        .parse()
        .map_err(|_| "a portal's id is a number".to_owned())?;
    Ok(PortalConfig::new(id, token))
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fieldfare-sandbox: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), SandboxError> {
    let bind = SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port));
    let portals: Vec<_> = arguments
        .portals
        .iter()
        .map(|p| settled(p, &arguments))
        .collect();
    let sandbox = SandboxCrm::start(SandboxConfig { bind, portals }).await?;
    for portal in arguments
        .portals
        .iter()
        .filter_map(|p| sandbox.portal(p.portal_id))
    {
        let Some(file) = &arguments.load else { break };
        let companies = portal.load_addresses(&read(file)?, &LoadOptions::default())?;
        println!(
            "portal {}: {} companies",
            portal.portal_id(),
            companies.len()
        );
    }
    println!("listening on {}", sandbox.base_url());
    tokio::signal::ctrl_c().await.ok();
    sandbox.shutdown().await;
    Ok(())
}

fn settled(portal: &PortalConfig, arguments: &Arguments) -> PortalConfig {
    let mut portal = portal.clone();
    if let Some(secret) = &arguments.client_secret {
        portal.client_secret.clone_from(secret);
    }
    if arguments.no_limits {
        portal.limits = RateLimits::off();
    }
    portal.webhook = arguments.webhook.as_ref().map(|url| WebhookTarget {
        public_url: arguments.public_url.as_ref().unwrap_or(url).clone(),
        url: url.clone(),
    });
    portal
}

fn read(file: &std::path::Path) -> Result<String, SandboxError> {
    if file.as_os_str() == "fixture" {
        return Ok(ADDRESSES.to_owned());
    }
    std::fs::read_to_string(file)
        .map_err(|error| SandboxError::BadConfig(format!("{}: {error}", file.display())))
}
