//! A server and a CRM for the tests in Kotlin and Swift: real processes' worth of both on loopback,
//! told what to do by lines of JSON. One command a line on standard input, one answer a line on
//! standard output; the end of the input ends it.
#![forbid(unsafe_code)]

use fieldfare_model::GeocodeStatus;
use fieldfare_sandbox::ObjectType::Companies;
use fieldfare_sandbox::Record;
use fieldfare_server::routing::{EngineConfig, EngineKind, RoutingConfig};
use fieldfare_tests::world::{
    OneDrive, PATIENCE, TenantSpec, World, WorldResult, WorldSpec, wait_until,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, Write};

const TENANT: &str = "Acme";

/// What can be asked for. Ids are the CRM's.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Command {
    /// A one-time code for a rep: `Ada` (Vermont) or `Bob` (Massachusetts).
    Code { rep: String },
    /// Takes the server off the network.
    StopServer,
    /// Brings it back under the same address.
    StartServer,
    /// Changes a company in the CRM, as somebody in the office would.
    Edit {
        company: String,
        properties: BTreeMap<String, String>,
    },
    /// Deletes a company in the CRM.
    Delete { company: String },
    /// Revokes a device.
    Revoke { device: String },
    /// Puts plain leads into Bob's territory, for size.
    Plant { leads: u32 },
    /// Puts a town full of leads, Burlington's streets, into Ada's territory.
    PlantTown { leads: u32 },
    /// Waits until the server has what the CRM has.
    CatchUp,
    /// A company of the CRM with its tasks and notes.
    Company { company: String },
}

#[tokio::main]
async fn main() -> WorldResult<()> {
    let acme = TenantSpec::new(TENANT, 4711)
        .rep("Ada", Some(70_000_001))
        .rep("Bob", Some(70_000_002))
        .states("Vermont", &["VT"], &["Ada"])
        .states("Bay", &["MA"], &["Bob"]);
    let roads = OneDrive::start().await?;
    let spec = WorldSpec {
        routing: RoutingConfig {
            engines: vec![EngineConfig::new(EngineKind::Osrm, &roads.url)],
            ..RoutingConfig::default()
        },
        ..WorldSpec::of([acme])
    };
    let mut world = World::start(spec).await?;
    world.load(TENANT, &["VT"], Some(120))?;
    world.load(TENANT, &["MA"], Some(60))?;
    world.catch_up(TENANT).await?;
    wait_until("all are geocoded", PATIENCE, || async {
        let leads = world.server_leads(TENANT)?;
        let pending = |lead: &fieldfare_model::Lead| lead.geocode.status == GeocodeStatus::Pending;
        Ok(!leads.iter().any(pending))
    })
    .await?;
    answer(&json!({ "url": world.url(), "crm": world.crm.base_url() }))?;
    for line in std::io::stdin().lock().lines() {
        let done = match serde_json::from_str(&line?) {
            Ok(command) => obey(&mut world, command).await,
            Err(error) => Err(error.into()),
        };
        answer(&done.unwrap_or_else(|error| json!({ "error": error.to_string() })))?;
    }
    Ok(())
}

fn answer(value: &Value) -> WorldResult<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{value}")?;
    Ok(out.flush()?)
}

async fn obey(world: &mut World, command: Command) -> WorldResult<Value> {
    match command {
        Command::Code { rep } => {
            return Ok(json!({ "code": world.enrolment_code(TENANT, &rep)? }));
        }
        Command::StopServer => world.stop_server().await,
        Command::StartServer => world.start_server().await?,
        Command::Edit {
            company,
            properties,
        } => {
            let changes = properties
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()));
            let changes: Vec<_> = changes.collect();
            world
                .portal(TENANT)?
                .edit(Companies, company.parse()?, &changes)?;
        }
        Command::Delete { company } => {
            world.portal(TENANT)?.archive(Companies, company.parse()?)?;
        }
        Command::Revoke { device } => world.revoke(device.parse()?)?,
        Command::Plant { leads } => {
            world.plant_row(TENANT, "Bay", leads)?;
        }
        Command::PlantTown { leads } => world.plant_town(TENANT, "Vermont", leads)?,
        Command::CatchUp => world.catch_up(TENANT).await?,
        Command::Company { company } => return look_at(world, company.parse()?),
    }
    Ok(json!({ "ok": true }))
}

fn look_at(world: &World, company: u64) -> WorldResult<Value> {
    let portal = world.portal(TENANT)?;
    let record = portal.record(Companies, company).ok_or("no such company")?;
    let properties = |records: Vec<Record>| -> Vec<_> {
        records
            .into_iter()
            .map(|record| record.properties)
            .collect()
    };
    Ok(json!({
        "properties": record.properties,
        "tasks": properties(portal.tasks_of(company)),
        "notes": properties(portal.notes_of(company)),
    }))
}
