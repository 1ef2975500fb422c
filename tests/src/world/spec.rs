//! What there is in a world.

use super::WorldResult;
use fieldfare_sandbox::{CustomProperty, DeliveryConfig, ObjectType, PortalConfig, RateLimits};
use fieldfare_server::config::{
    Config, ConnectionConfig, LimitsConfig, RepConfig, Secret, TenantConfig, TerritoryConfig,
};
use fieldfare_server::routing::RoutingConfig;
use serde_json::json;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

const GENEROUS: LimitsConfig = LimitsConfig {
    device_per_second: 100_000,
    device_burst: 100_000,
    enrol_per_minute: 100_000,
    enrol_burst: 100_000,
    request_seconds: 30,
    bootstraps: 2,
    bootstraps_waiting: 100_000,
    news_seconds: 25,
    news_waiting: 100_000,
};

/// What there is in a world.
#[derive(Debug, Clone, Default)]
pub struct WorldSpec {
    /// Where the files lie; none for a folder that goes away with the world.
    pub dir: Option<PathBuf>,
    /// The companies.
    pub tenants: Vec<TenantSpec>,
    /// How the CRM delivers webhooks.
    pub delivery: DeliveryConfig,
    /// Where the server's travel times come from; estimates unless said.
    pub routing: RoutingConfig,
}

impl WorldSpec {
    /// These companies, all else as usual.
    pub fn of(tenants: impl IntoIterator<Item = TenantSpec>) -> Self {
        Self {
            tenants: tenants.into_iter().collect(),
            ..Self::default()
        }
    }
}

/// A company with one CRM account.
#[derive(Debug, Clone)]
pub struct TenantSpec {
    /// Its name.
    pub name: String,
    /// Number of its CRM account.
    pub portal: u64,
    reps: Vec<serde_json::Value>,
    territories: Vec<serde_json::Value>,
}

impl TenantSpec {
    /// A company without people.
    pub fn new(name: &str, portal: u64) -> Self {
        Self {
            name: name.to_owned(),
            portal,
            reps: Vec::new(),
            territories: Vec::new(),
        }
    }

    /// With a rep, who may be somebody in the CRM.
    #[must_use]
    pub fn rep(mut self, name: &str, crm_owner: Option<u64>) -> Self {
        let owner = crm_owner.map(|id| id.to_string());
        let email = email(name, &self.name);
        self.reps
            .push(json!({ "name": name, "email": email, "crm_owner": owner }));
        self
    }

    /// With a rep who has a working day in the form of the server's configuration.
    #[must_use]
    pub fn rep_with_day(mut self, name: &str, day: serde_json::Value) -> Self {
        let email = email(name, &self.name);
        self.reps
            .push(json!({ "name": name, "email": email, "day": day }));
        self
    }

    /// With a territory of these states, served by these reps.
    #[must_use]
    pub fn states(self, name: &str, states: &[&str], reps: &[&str]) -> Self {
        self.territory(name, json!({ "region": states }), reps)
    }

    /// With a territory of these postal prefixes, served by these reps.
    #[must_use]
    pub fn postal(self, name: &str, prefixes: &[&str], reps: &[&str]) -> Self {
        self.territory(name, json!({ "postal_prefix": prefixes }), reps)
    }

    /// With a territory by a rule in the form of the server's configuration.
    #[must_use]
    pub fn territory(mut self, name: &str, rule: serde_json::Value, reps: &[&str]) -> Self {
        let reps: Vec<String> = reps.iter().map(|rep| email(rep, &self.name)).collect();
        self.territories
            .push(json!({ "name": name, "rule": rule, "reps": reps }));
        self
    }

    pub(super) fn slug(&self) -> String {
        self.name.to_lowercase().replace(' ', "-")
    }

    pub(super) fn connection(&self) -> String {
        format!("hubspot-{}", self.slug())
    }

    pub(super) fn token(&self) -> String {
        format!("pat-{}", self.slug())
    }

    pub(super) fn secret(&self) -> String {
        format!("secret-of-{}", self.slug())
    }

    pub(super) fn hook_path(&self) -> String {
        format!("/v1/webhooks/hubspot/{}", self.connection())
    }

    pub(super) fn public_url(&self) -> String {
        format!("https://hooks.fieldfare.example{}", self.hook_path())
    }

    pub(super) fn portal(&self, delivery: &DeliveryConfig) -> PortalConfig {
        let text = |object, name: &str| CustomProperty {
            object,
            name: name.to_owned(),
            unique: false,
        };
        PortalConfig {
            client_secret: self.secret(),
            limits: RateLimits::off(),
            delivery: delivery.clone(),
            custom_properties: vec![
                text(ObjectType::Companies, "fieldfare_id"),
                text(ObjectType::Tasks, "fieldfare_id"),
                text(ObjectType::Notes, "fieldfare_id"),
            ],
            ..PortalConfig::new(self.portal, self.token())
        }
    }

    pub(super) fn config(&self, crm: &str) -> WorldResult<TenantConfig> {
        let connection: ConnectionConfig = serde_json::from_value(json!({
            "name": self.connection(),
            "kind": "hubspot",
            "portal_id": self.portal,
            "api_base": crm,
            "token": self.token(),
            "webhook_secrets": [self.secret()],
            "webhook_url": self.public_url(),
        }))?;
        let reps: Vec<RepConfig> = serde_json::from_value(self.reps.clone().into())?;
        let territories: Vec<TerritoryConfig> =
            serde_json::from_value(self.territories.clone().into())?;
        Ok(TenantConfig {
            id: None,
            name: self.name.clone(),
            reps,
            territories,
            connections: vec![connection],
        })
    }
}

fn email(rep: &str, tenant: &str) -> String {
    format!("{rep}@{tenant}.example")
        .to_lowercase()
        .replace(' ', "-")
}

pub(super) fn server_config(spec: &WorldSpec, dir: &Path, crm: &str) -> WorldResult<Config> {
    let tenants = spec.tenants.iter().map(|t| t.config(crm));
    let mut config = Config {
        limits: GENEROUS,
        tenants: tenants.collect::<WorldResult<_>>()?,
        routing: spec.routing.clone(),
        ..Config::default()
    };
    config.server.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    config.server.admin_listen = SocketAddr::from(([127, 0, 0, 1], 0));
    config.server.data_dir = dir.join("server");
    config.key.hex = Some(Secret::new("5e".repeat(32)));
    config.check()?;
    Ok(config)
}
