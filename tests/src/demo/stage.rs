//! The server and the sandbox CRM on loopback, with real files and signed webhooks.

use super::{DemoError, DemoResult};
use fieldfare_model::{Entity, Lead, LeadId, Territory};
use fieldfare_sandbox::{
    CustomProperty, DeliveryFaults, Duplicates, ObjectType, PortalConfig, PortalHandle, RateLimits,
    RunningSandbox, SandboxConfig, SandboxCrm, WebhookTarget,
};
use fieldfare_server::config::{Config, TenantConfig};
use fieldfare_server::store::Tenant;
use fieldfare_server::{RunningServer, Server, auth, feed};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const PORTAL: u64 = 4711;
const TOKEN: &str = "pat-demo";
const SECRET: &str = "demo-client-secret";
const CONNECTION: &str = "hubspot";

/// The address the CRM knows the server by; a proxy would stand there.
const PUBLIC_URL: &str = "https://fieldfare.example";

/// Whose phone the demo plays.
pub const REP: &str = "ada.marsh@sandbox.example";
/// The territory she serves.
pub const TERRITORY: &str = "New England";
/// Who gets a lead from her: the CRM's owner id.
pub const COLLEAGUE: &str = "70000002";

/// Reps, their owner ids in the sandbox CRM, their territories and the states in them.
const PEOPLE: [(&str, &str, &str, &str, &str); 4] = [
    (
        "Ada Marsh",
        REP,
        "70000001",
        TERRITORY,
        r#""MA", "CT", "VT""#,
    ),
    (
        "Ben Okafor",
        "ben.okafor@sandbox.example",
        COLLEAGUE,
        "West",
        r#""CA", "AZ", "CO", "NM", "OR", "ID", "AK""#,
    ),
    (
        "Carla Ruiz",
        "carla.ruiz@sandbox.example",
        "70000003",
        "South",
        r#""FL", "GA", "AL", "AR", "TN", "KY", "LA", "SC", "NC", "OK", "TX""#,
    ),
    (
        "Dev Lindqvist",
        "dev.lindqvist@sandbox.example",
        "70000004",
        "Mid-Atlantic and Midwest",
        r#""DC", "MD", "VA", "PA", "OH", "IN", "IL", "MN""#,
    ),
];

/// Everything but the phone.
pub struct Stage {
    /// The server.
    pub server: RunningServer,
    /// The CRM.
    pub crm: RunningSandbox,
    /// Levers of the CRM.
    pub portal: PortalHandle,
    config: TenantConfig,
    tenant: Arc<Tenant>,
}

impl Stage {
    /// Starts both on free loopback ports; the server's files go to `dir`.
    ///
    /// # Errors
    /// [`DemoError`].
    pub async fn open(dir: &Path) -> DemoResult<Self> {
        let portal = portal_config();
        let crm = SandboxCrm::start(SandboxConfig::with_portals([portal])).await?;
        let config = Config::parse(&config_text(dir, &crm.base_url()), &|_| None)?;
        let tenant_config = config.tenants.first().cloned();
        let tenant_config = tenant_config.ok_or(DemoError::Story("a tenant"))?;
        let server = Server::start(config).await?;
        let tenant = server.state.tenants.get(tenant_config.id())?;
        let portal = crm.portal(PORTAL).ok_or(DemoError::Story("a portal"))?;
        portal.set_webhook(Some(WebhookTarget {
            url: format!("http://{}{}", server.addr, webhook_path()),
            public_url: format!("{PUBLIC_URL}{}", webhook_path()),
        }));
        portal.set_delivery_faults(DeliveryFaults {
            duplicates: Duplicates::Chance(0.1),
            reorder: true,
            lost_answer_chance: 0.02,
            ..DeliveryFaults::default()
        });
        Ok(Self {
            server,
            crm,
            portal,
            config: tenant_config,
            tenant,
        })
    }

    /// Where phones connect.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.addr)
    }

    /// A one-time code that makes a phone the rep's.
    ///
    /// # Errors
    /// [`DemoError::Code`].
    pub fn enrolment_code(&self) -> DemoResult<String> {
        let (state, id) = (&self.server.state, self.config.id());
        let rep = self
            .config
            .rep(REP)
            .ok_or(DemoError::Story("a rep"))?
            .id(id);
        let code = auth::issue_code(&state.registry, &state.tokens, id, rep, state.now());
        Ok(code?)
    }

    /// Every lead the server holds, in order of id.
    ///
    /// # Errors
    /// [`DemoError::Store`].
    pub fn leads(&self) -> DemoResult<Vec<Lead>> {
        let rows = self.tenant.read(|c| feed::rows_of(c, Entity::LEAD))?;
        let read = |row: fieldfare_model::Row| Lead::from_columns(row.id.into(), &row.columns).ok();
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// One lead as the server holds it.
    ///
    /// # Errors
    /// [`DemoError::Store`], or [`DemoError::Story`] if it is gone.
    pub fn lead(&self, id: LeadId) -> DemoResult<Lead> {
        let leads = self.leads()?;
        let found = leads.into_iter().find(|lead| lead.id == id);
        found.ok_or(DemoError::Story("a lead that stays"))
    }

    /// The territories by name.
    ///
    /// # Errors
    /// [`DemoError::Store`].
    pub fn territories(&self) -> DemoResult<Vec<Territory>> {
        let rows = self.tenant.read(|c| feed::rows_of(c, Entity::TERRITORY))?;
        let mut found: Vec<Territory> = rows
            .iter()
            .filter_map(|row| Territory::from_columns(row.id.into(), &row.columns).ok())
            .collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// The leads of the rep's territory, in order of id.
    ///
    /// # Errors
    /// [`DemoError::Store`].
    pub fn leads_of_rep(&self) -> DemoResult<Vec<Lead>> {
        let served: Vec<Territory> = self
            .territories()?
            .into_iter()
            .filter(|t| t.name == TERRITORY)
            .collect();
        let mut leads = self.leads()?;
        leads.retain(|lead| served.iter().any(|t| lead.territory == Some(t.id)));
        Ok(leads)
    }

    /// Stops both.
    pub async fn close(self) {
        self.server.shutdown().await;
        self.crm.shutdown().await;
    }
}

/// Asks `look` again until it answers `Ok(None)`; what it answers else says how far it is.
///
/// # Errors
/// [`DemoError::TooSlow`] if the answer stays the same for `patience`, or what `look` has.
pub async fn until(
    what: &str,
    patience: Duration,
    mut look: impl FnMut() -> DemoResult<Option<String>>,
) -> DemoResult<()> {
    let mut last = String::new();
    let mut since = Instant::now();
    while let Some(so_far) = look()? {
        if so_far != last {
            last = so_far;
            since = Instant::now();
        } else if since.elapsed() > patience {
            let seconds = patience.as_secs();
            return Err(DemoError::TooSlow {
                what: what.to_owned(),
                seconds,
                so_far: last,
            });
        }
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    Ok(())
}

fn webhook_path() -> String {
    format!("/v1/webhooks/hubspot/{CONNECTION}")
}

fn portal_config() -> PortalConfig {
    let ours = |object| CustomProperty {
        object,
        name: "fieldfare_id".to_owned(),
        unique: true,
    };
    let mut portal = PortalConfig::new(PORTAL, TOKEN);
    portal.client_secret = SECRET.to_owned();
    portal.limits = RateLimits::off();
    portal.custom_properties.extend([
        ours(ObjectType::Companies),
        ours(ObjectType::Tasks),
        ours(ObjectType::Notes),
    ]);
    portal
}

fn config_text(dir: &Path, crm_url: &str) -> String {
    let reps = PEOPLE.map(|(name, email, owner, _, _)| {
        format!("{{ name = \"{name}\", email = \"{email}\", crm_owner = \"{owner}\" }}")
    });
    let territories = PEOPLE.map(|(_, email, _, name, states)| {
        format!("{{ name = \"{name}\", reps = [\"{email}\"], rule = {{ region = [{states}] }} }}")
    });
    format!(
        r#"
        [server]
        listen = "127.0.0.1:0"
        admin_listen = "127.0.0.1:0"
        public_url = "{PUBLIC_URL}"
        data_dir = {dir:?}
        [[tenants]]
        name = "Acme Field Sales"
        reps = [{}]
        territories = [{}]
        [[tenants.connections]]
        name = "{CONNECTION}"
        kind = "hubspot"
        portal_id = {PORTAL}
        api_base = "{crm_url}"
        token = "{TOKEN}"
        webhook_secrets = ["{SECRET}"]
        "#,
        reps.join(", "),
        territories.join(", "),
    )
}
