//! The server and the sandbox CRM on loopback, with real files and signed webhooks.

use super::{DemoError, DemoResult};
use fieldfare_model::{
    CalendarDate, DayPlanRow, Entity, Lead, LeadId, RouteRow, Territory, TerritoryId, TimestampMs,
    Visit,
};
use fieldfare_sandbox::{
    CustomProperty, DeliveryFaults, Duplicates, ObjectType, PortalConfig, PortalHandle, RateLimits,
    RunningSandbox, SandboxConfig, SandboxCrm, WebhookTarget,
};
use fieldfare_server::config::{Config, RepConfig, TenantConfig};
use fieldfare_server::planning::DayJob;
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
/// Who plans her day by real roads, in Helsinki.
pub const ELINA: &str = "elina.virta@sandbox.example";
/// The territory she serves.
pub const HELSINKI: &str = "Helsinki";
/// Who gets a lead from Ada: the CRM's owner id.
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
    /// Starts both on free loopback ports; the server's files go to `dir`, and it asks the routing
    /// engine at `roads_url`.
    ///
    /// # Errors
    /// [`DemoError`].
    pub async fn open(dir: &Path, roads_url: &str) -> DemoResult<Self> {
        let portal = portal_config();
        let crm = SandboxCrm::start(SandboxConfig::with_portals([portal])).await?;
        let config = Config::parse(&config_text(dir, &crm.base_url(), roads_url), &|_| None)?;
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
        self.code_of(REP)
    }

    /// A one-time code that makes a phone that of the rep with this e-mail address.
    ///
    /// # Errors
    /// [`DemoError::Code`].
    pub fn code_of(&self, email: &str) -> DemoResult<String> {
        let (state, id) = (&self.server.state, self.config.id());
        let rep = self.rep(email)?.id(id);
        let code = auth::issue_code(&state.registry, &state.tokens, id, rep, state.now());
        Ok(code?)
    }

    fn rep(&self, email: &str) -> DemoResult<&RepConfig> {
        self.config.rep(email).ok_or(DemoError::Story("a rep"))
    }

    /// The id of a territory.
    ///
    /// # Errors
    /// [`DemoError::Store`].
    pub fn territory(&self, name: &str) -> DemoResult<TerritoryId> {
        let found = self.territories()?.into_iter().find(|t| t.name == name);
        Ok(found.ok_or(DemoError::Story("a territory"))?.id)
    }

    /// Puts a lead on the server.
    ///
    /// # Errors
    /// [`DemoError::Store`].
    pub fn put_lead(&self, lead: &Lead) -> DemoResult<()> {
        let now = self.server.state.now();
        let (id, cells) = (lead.id.row(), lead.to_columns());
        self.tenant
            .write(|tx| feed::put(tx, Entity::LEAD, id, cells, now))?;
        Ok(())
    }

    /// Plans a rep's day, as the server does each morning.
    ///
    /// # Errors
    /// [`DemoError`].
    pub async fn plan_day(&self, email: &str, date: CalendarDate) -> DemoResult<()> {
        let rep = self.rep(email)?;
        let job = DayJob {
            routing: &self.server.state.routing,
            tenant: &self.tenant,
            rep: rep.id(self.config.id()),
            config: rep.day.as_ref().ok_or(DemoError::Story("a working day"))?,
        };
        job.run(date, self.server.state.now()).await?;
        Ok(())
    }

    /// A rep's planned day as the server holds it, with its road route.
    ///
    /// # Errors
    /// [`DemoError::Store`], or [`DemoError::Story`] if there is none.
    pub fn planned_rows(&self, email: &str) -> DemoResult<(DayPlanRow, Option<RouteRow>)> {
        let rep = self.rep(email)?.id(self.config.id());
        let days = self.tenant.read(|c| feed::rows_of(c, Entity::DAY_PLAN))?;
        let day = days
            .iter()
            .filter_map(|row| DayPlanRow::from_columns(row.id.into(), &row.columns).ok());
        let day = { day }.find(|day| day.rep == rep);
        let routes = self.tenant.read(|c| feed::rows_of(c, Entity::ROUTE))?;
        let route = routes
            .iter()
            .filter_map(|row| RouteRow::from_columns(row.id.into(), &row.columns).ok());
        let route = { route }.find(|route| route.rep == rep);
        Ok((day.ok_or(DemoError::Story("a planned day"))?, route))
    }

    /// How many of these visits the server holds, each by its lead and when it began.
    ///
    /// # Errors
    /// [`DemoError::Store`].
    pub fn visits_of(&self, visits: &[(LeadId, TimestampMs)]) -> DemoResult<usize> {
        let rows = self.tenant.read(|c| feed::rows_of(c, Entity::VISIT))?;
        let held: Vec<Visit> = rows
            .iter()
            .filter_map(|row| Visit::from_columns(row.id.into(), &row.columns).ok())
            .collect();
        let is_held = |(lead, began): &&(LeadId, TimestampMs)| {
            held.iter()
                .any(|visit| visit.lead == *lead && visit.started_at == *began)
        };
        Ok(visits.iter().filter(is_held).count())
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

/// The working day in Helsinki.
const ELINAS_DAY: &str = r#"{ hours = "Mo-Su 08:00-14:30", time_zone = "Europe/Helsinki", start = { lat = 60.1787, lon = 24.9451 }, visit_minutes = 40, candidates = 12, breaks = [{ begins = "Mo-Su 12:00-13:00", minutes = 30 }] }"#;

fn config_text(dir: &Path, crm_url: &str, roads_url: &str) -> String {
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
        [[routing.engines]]
        kind = "valhalla"
        url = "{roads_url}"
        [[tenants]]
        name = "Acme Field Sales"
        reps = [{}, {{ name = "Elina Virta", email = "{ELINA}", day = {ELINAS_DAY} }}]
        territories = [{}, {{ name = "{HELSINKI}", reps = ["{ELINA}"], rule = {{ country = ["FI"] }} }}]
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
