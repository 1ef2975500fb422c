//! A whole world on loopback: a sandbox CRM, a server, and phones, with real files and real HTTP.

use fieldfare_engine::{
    Engine, EngineConfig, EngineResult, FileKeyVault, KeyVault, LeadFilter, LeadOrder, MAX_PAGE,
    NewVisit, OpenReport, Parts, SyncOptions, SyncReport,
};
use fieldfare_model::{DeviceId, Entity, Lead, LeadId, TenantId, TerritoryId, TimestampMs, Visit};
use fieldfare_sandbox::{
    ADDRESSES, CustomProperty, DeliveryConfig, LoadOptions, ObjectType, PortalConfig, PortalHandle,
    RateLimits, RunningSandbox, SandboxConfig, SandboxCrm, WebhookTarget,
};
use fieldfare_server::config::{
    Config, ConnectionConfig, LimitsConfig, RepConfig, Secret, TenantConfig, TerritoryConfig,
};
use fieldfare_server::store::{StoreError, Tenant};
use fieldfare_server::{RunningServer, Server, auth, feed};
use serde_json::json;
use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// What the helpers here give.
pub type WorldResult<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Long enough for any machine; what waits longer has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

const GENEROUS: LimitsConfig = LimitsConfig {
    device_per_second: 100_000,
    device_burst: 100_000,
    enrol_per_minute: 100_000,
    enrol_burst: 100_000,
    request_seconds: 30,
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

    fn slug(&self) -> String {
        self.name.to_lowercase().replace(' ', "-")
    }

    fn connection(&self) -> String {
        format!("hubspot-{}", self.slug())
    }

    fn token(&self) -> String {
        format!("pat-{}", self.slug())
    }

    fn secret(&self) -> String {
        format!("secret-of-{}", self.slug())
    }

    fn hook_path(&self) -> String {
        format!("/v1/webhooks/hubspot/{}", self.connection())
    }

    fn public_url(&self) -> String {
        format!("https://hooks.fieldfare.example{}", self.hook_path())
    }

    fn portal(&self, delivery: &DeliveryConfig) -> PortalConfig {
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

    fn config(&self, crm: &str) -> WorldResult<TenantConfig> {
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

/// A running world. What it holds stops when it is dropped.
pub struct World {
    /// The CRM.
    pub crm: RunningSandbox,
    server: Option<RunningServer>,
    config: Config,
    spec: WorldSpec,
    dir: PathBuf,
    phones: AtomicU32,
    _temp: Option<TempDir>,
}

impl World {
    /// Starts everything and waits until it answers.
    ///
    /// # Errors
    /// If a part does not start.
    pub async fn start(spec: WorldSpec) -> WorldResult<Self> {
        let temp = match &spec.dir {
            Some(_) => None,
            None => Some(tempfile::tempdir()?),
        };
        let given = spec.dir.clone();
        let dir = given.or_else(|| temp.as_ref().map(|t| t.path().to_owned()));
        let dir = dir.ok_or("no folder")?;
        let portals = spec.tenants.iter().map(|t| t.portal(&spec.delivery));
        let crm = SandboxCrm::start(SandboxConfig::with_portals(portals)).await?;
        let mut config = server_config(&spec, &dir, &crm.base_url())?;
        let server = Server::start(config.clone()).await?;
        config.server.listen = server.addr;
        let world = Self {
            crm,
            server: Some(server),
            config,
            spec,
            dir,
            phones: AtomicU32::new(0),
            _temp: temp,
        };
        world.connect_webhooks()?;
        Ok(world)
    }

    fn connect_webhooks(&self) -> WorldResult<()> {
        for tenant in &self.spec.tenants {
            let target = WebhookTarget {
                url: format!("{}{}", self.url(), tenant.hook_path()),
                public_url: tenant.public_url(),
            };
            self.portal(&tenant.name)?.set_webhook(Some(target));
        }
        Ok(())
    }

    /// Where all its files lie.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The server's address, the same after a restart.
    pub fn addr(&self) -> SocketAddr {
        self.config.server.listen
    }

    /// Where phones find the server.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr())
    }

    /// The server while it runs.
    ///
    /// # Errors
    /// If it was stopped.
    pub fn server(&self) -> WorldResult<&RunningServer> {
        self.server
            .as_ref()
            .ok_or_else(|| "the server is stopped".into())
    }

    /// Stops the server in an orderly way; phones are offline then.
    pub async fn stop_server(&mut self) {
        if let Some(server) = self.server.take() {
            server.shutdown().await;
        }
    }

    /// Starts the server again on the same files and the same address.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start_server(&mut self) -> WorldResult<()> {
        if self.server.is_none() {
            self.server = Some(Server::start(self.config.clone()).await?);
        }
        Ok(())
    }

    /// Stops the server and starts it again.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn restart_server(&mut self) -> WorldResult<()> {
        self.stop_server().await;
        self.start_server().await
    }

    /// A company's account in the CRM.
    ///
    /// # Errors
    /// If there is no such company.
    pub fn portal(&self, tenant: &str) -> WorldResult<PortalHandle> {
        let spec = self.spec.tenants.iter().find(|t| t.name == tenant);
        let portal = spec.and_then(|t| self.crm.portal(t.portal));
        portal.ok_or_else(|| "no such tenant".into())
    }

    /// Puts real addresses of these states (all, if none are named) into a company's CRM, at most
    /// `limit`. Gives the CRM's ids.
    ///
    /// # Errors
    /// If there is no such company.
    pub fn load(
        &self,
        tenant: &str,
        states: &[&str],
        limit: Option<usize>,
    ) -> WorldResult<Vec<u64>> {
        let options = LoadOptions {
            states: states.iter().map(|s| (*s).to_owned()).collect(),
            limit,
            ..LoadOptions::default()
        };
        Ok(self.portal(tenant)?.load_addresses(ADDRESSES, &options)?)
    }

    fn tenant_config(&self, tenant: &str) -> WorldResult<&TenantConfig> {
        let found = self.config.tenants.iter().find(|t| t.name == tenant);
        found.ok_or_else(|| "no such tenant".into())
    }

    /// A company's id.
    ///
    /// # Errors
    /// If there is no such company.
    pub fn tenant_id(&self, tenant: &str) -> WorldResult<TenantId> {
        Ok(self.tenant_config(tenant)?.id())
    }

    /// A territory's id.
    ///
    /// # Errors
    /// If there is no such company or territory.
    pub fn territory_id(&self, tenant: &str, territory: &str) -> WorldResult<TerritoryId> {
        let config = self.tenant_config(tenant)?;
        let found = config.territories.iter().find(|t| t.name == territory);
        Ok(found.ok_or("no such territory")?.id(config.id()))
    }

    /// A company's data on the server.
    ///
    /// # Errors
    /// If there is no such company, or the server is stopped.
    pub fn tenant(&self, tenant: &str) -> WorldResult<Arc<Tenant>> {
        Ok(self.server()?.state.tenants.get(self.tenant_id(tenant)?)?)
    }

    /// A one-time code for a rep.
    ///
    /// # Errors
    /// If there is no such company or rep, or the server is stopped.
    pub fn enrolment_code(&self, tenant: &str, rep: &str) -> WorldResult<String> {
        let config = self.tenant_config(tenant)?;
        let rep = config.rep(rep).ok_or("no such rep")?.id(config.id());
        let state = &self.server()?.state;
        let now = state.now();
        Ok(auth::issue_code(
            &state.registry,
            &state.tokens,
            config.id(),
            rep,
            now,
        )?)
    }

    /// Revokes a device.
    ///
    /// # Errors
    /// If the server is stopped.
    pub fn revoke(&self, device: DeviceId) -> WorldResult<()> {
        let state = &self.server()?.state;
        state.registry.revoke(device, state.now())?;
        Ok(())
    }

    /// The live leads of a company on the server, by id.
    ///
    /// # Errors
    /// If there is no such company, or the server is stopped.
    pub fn server_leads(&self, tenant: &str) -> WorldResult<Vec<Lead>> {
        let rows = self
            .tenant(tenant)?
            .read(|c| feed::rows_of(c, Entity::LEAD))?;
        let leads = rows
            .iter()
            .map(|r| Lead::from_columns(r.id.into(), &r.columns));
        Ok(leads.collect::<Result<_, _>>()?)
    }

    /// How many live leads of a company the server has.
    ///
    /// # Errors
    /// If there is no such company, or the server is stopped.
    pub fn lead_count(&self, tenant: &str) -> WorldResult<usize> {
        Ok(self.server_leads(tenant)?.len())
    }

    /// The visits of a company on the server, by id.
    ///
    /// # Errors
    /// If there is no such company, or the server is stopped.
    pub fn server_visits(&self, tenant: &str) -> WorldResult<Vec<Visit>> {
        let rows = self
            .tenant(tenant)?
            .read(|c| feed::rows_of(c, Entity::VISIT))?;
        let visits = rows
            .iter()
            .map(|r| Visit::from_columns(r.id.into(), &r.columns));
        Ok(visits.collect::<Result<_, _>>()?)
    }

    /// Whether the server's leads of a company are its CRM's live companies, each once and with the
    /// same words.
    ///
    /// # Errors
    /// If there is no such company, or the server is stopped.
    pub fn has_caught_up(&self, tenant: &str) -> WorldResult<bool> {
        let records = self
            .portal(tenant)?
            .records(ObjectType::Companies)
            .into_iter();
        let mut told: Vec<_> = records
            .filter(|record| record.archived_ms.is_none())
            .map(|record| {
                let words = SHARED.map(|name| record.value(name).map(|v| v.trim().to_owned()));
                (
                    Some(record.id.to_string()),
                    words.map(|w| w.filter(|w| !w.is_empty())),
                )
            })
            .collect();
        told.sort();
        let mut known: Vec<_> = self
            .server_leads(tenant)?
            .into_iter()
            .map(shared_words)
            .collect();
        known.sort();
        Ok(told == known)
    }

    /// Waits until [`Self::has_caught_up`] and no delivery is under way.
    ///
    /// # Errors
    /// If that does not come about.
    pub async fn catch_up(&self, tenant: &str) -> WorldResult<()> {
        let portal = self.portal(tenant)?;
        wait_until("the server has what the CRM has", PATIENCE, || async {
            Ok(portal.stats().outstanding == 0 && self.has_caught_up(tenant)?)
        })
        .await
    }

    /// Puts leads into the feed without a CRM.
    ///
    /// # Errors
    /// If there is no such company, or the server is stopped.
    pub fn plant(&self, tenant: &str, leads: &[Lead]) -> WorldResult<()> {
        let now = self.server()?.state.now();
        self.tenant(tenant)?.write(|tx| {
            for lead in leads {
                feed::put(tx, Entity::LEAD, lead.id.row(), lead.to_columns(), now)?;
            }
            Ok::<_, StoreError>(())
        })?;
        Ok(())
    }

    /// Plants `count` plain leads in a territory that holds Massachusetts, about 100 m apart. Gives
    /// them as planted.
    ///
    /// # Errors
    /// As [`Self::plant`].
    pub fn plant_row(&self, tenant: &str, territory: &str, count: u32) -> WorldResult<Vec<Lead>> {
        let territory = self.territory_id(tenant, territory)?;
        let leads: Vec<Lead> = (0..count).map(|n| plain_lead(n, territory)).collect();
        self.plant(tenant, &leads)?;
        Ok(leads)
    }

    /// A folder for one more phone.
    pub fn new_phone_dir(&self) -> PathBuf {
        let number = self.phones.fetch_add(1, Ordering::Relaxed);
        self.dir.join("phones").join(number.to_string())
    }

    /// A new phone, enrolled for a rep.
    ///
    /// # Errors
    /// If it does not open or is not taken.
    pub async fn phone(&self, tenant: &str, rep: &str) -> WorldResult<Phone> {
        self.phone_via(tenant, rep, &self.url()).await
    }

    /// A new phone that reaches the server at another address.
    ///
    /// # Errors
    /// As [`Self::phone`].
    pub async fn phone_via(&self, tenant: &str, rep: &str, url: &str) -> WorldResult<Phone> {
        let phone = Phone::open(&self.new_phone_dir(), url)?;
        let code = self.enrolment_code(tenant, rep)?;
        phone
            .engine
            .clone()
            .enrol(code, format!("{rep}'s phone"))
            .await?;
        Ok(phone)
    }
}

/// Properties that CRM and lead hold word by word.
const SHARED: [&str; 7] = [
    "name",
    "phone",
    "address",
    "city",
    "state",
    "zip",
    "hubspot_owner_id",
];

fn shared_words(lead: Lead) -> (Option<String>, [Option<String>; 7]) {
    let Lead {
        name,
        phone,
        address,
        owner,
        crm_id,
        ..
    } = lead;
    let (city, region) = (address.city, address.region);
    (
        crm_id,
        [
            Some(name),
            phone,
            address.street,
            city,
            region,
            address.postal_code,
            owner,
        ],
    )
}

fn server_config(spec: &WorldSpec, dir: &Path, crm: &str) -> WorldResult<Config> {
    let tenants = spec.tenants.iter().map(|t| t.config(crm));
    let mut config = Config {
        limits: GENEROUS,
        tenants: tenants.collect::<WorldResult<_>>()?,
        ..Config::default()
    };
    config.server.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    config.server.admin_listen = SocketAddr::from(([127, 0, 0, 1], 0));
    config.server.data_dir = dir.join("server");
    config.key.hex = Some(Secret::new("5e".repeat(32)));
    config.check()?;
    Ok(config)
}

/// The id of the `n`th plain lead.
pub fn plain_id(n: u32) -> LeadId {
    let mut random = [0; 10];
    if let Some(tail) = random.last_chunk_mut() {
        *tail = n.to_be_bytes();
    }
    LeadId::v7(1_790_000_000_000, random)
}

/// A lead in Massachusetts made of its number alone.
pub fn plain_lead(n: u32, territory: TerritoryId) -> Lead {
    let at = fieldfare_model::LatLng::new(42.36 + f64::from(n) * 0.001, -71.06);
    let mut lead = Lead::new(plain_id(n), format!("Plain lead {n}"));
    lead.territory = Some(territory);
    lead.address.region = Some("MA".to_owned());
    lead.geocode.position = at.ok();
    lead.geocode.status = fieldfare_model::GeocodeStatus::Success;
    lead.notes = Some(format!("Ring twice at door {n}"));
    lead
}

/// A phone: the real engine on files of its own.
pub struct Phone {
    /// The engine.
    pub engine: Arc<Engine>,
    /// What opening the files said.
    pub report: OpenReport,
    files: PhoneFiles,
}

/// Where a phone's files and its key lie, and which server it knows.
#[derive(Debug, Clone)]
pub struct PhoneFiles {
    /// The folder of the engine. Only what the engine wrote is in it.
    pub data: PathBuf,
    /// The file that stands for the platform's key store.
    pub key: PathBuf,
    /// The server's address.
    pub url: String,
}

impl PhoneFiles {
    /// The usual places below a folder.
    pub fn below(dir: &Path, url: &str) -> Self {
        Self {
            data: dir.join("data"),
            key: dir.join("vault.key"),
            url: url.to_owned(),
        }
    }

    /// Opens the engine with another vault or other parts.
    ///
    /// # Errors
    /// As [`Engine::open_with`].
    pub fn open_with(
        &self,
        vault: Arc<dyn KeyVault>,
        parts: Parts,
    ) -> EngineResult<(Arc<Engine>, OpenReport)> {
        let mut config = EngineConfig::new(self.data.to_string_lossy(), &self.url);
        config.allow_insecure_loopback = true;
        Engine::open_with(config, vault, parts)
    }

    /// Opens the engine.
    ///
    /// # Errors
    /// As [`Engine::open_with`].
    pub fn open(&self) -> EngineResult<Phone> {
        self.open_as(Parts::default())
    }

    /// Opens the engine with other parts.
    ///
    /// # Errors
    /// As [`Engine::open_with`].
    pub fn open_as(&self, parts: Parts) -> EngineResult<Phone> {
        let vault = Arc::new(FileKeyVault::new(&self.key));
        let (engine, report) = self.open_with(vault, parts)?;
        Ok(Phone {
            engine,
            report,
            files: self.clone(),
        })
    }
}

impl Phone {
    /// Opens the phone in a folder, making its files if there are none. It is not enrolled by that.
    ///
    /// # Errors
    /// As [`Engine::open_with`].
    pub fn open(dir: &Path, url: &str) -> WorldResult<Self> {
        std::fs::create_dir_all(dir)?;
        Ok(PhoneFiles::below(dir, url).open()?)
    }

    /// Where its files lie.
    pub const fn files(&self) -> &PhoneFiles {
        &self.files
    }

    /// Closes the files and gives where they are.
    ///
    /// # Errors
    /// As [`Engine::close`].
    pub fn close(self) -> EngineResult<PhoneFiles> {
        self.engine.close()?;
        Ok(self.files)
    }

    /// Closes the files and opens them again.
    ///
    /// # Errors
    /// As [`Engine::close`] and [`Engine::open_with`].
    pub fn reopen(self) -> EngineResult<Self> {
        self.close()?.open()
    }

    /// Syncs once.
    ///
    /// # Errors
    /// As [`Engine::sync`].
    pub async fn sync(&self) -> EngineResult<SyncReport> {
        self.engine.clone().sync(SyncOptions::default(), None).await
    }

    /// Every lead it shows, by id.
    ///
    /// # Errors
    /// As storage has it.
    pub fn leads(&self) -> EngineResult<Vec<Lead>> {
        let mut leads = Vec::new();
        let mut after = None;
        loop {
            let filter = LeadFilter::default();
            let page =
                self.engine
                    .leads_page(&filter, LeadOrder::Name, after.as_ref(), MAX_PAGE)?;
            leads.extend(page.leads.into_iter().map(|record| record.lead));
            after = page.next;
            if after.is_none() {
                leads.sort_by_key(|lead| lead.id);
                return Ok(leads);
            }
        }
    }

    /// The lead with this id in the CRM, if it shows it.
    ///
    /// # Errors
    /// As storage has it.
    pub fn lead_of_crm(&self, crm_id: u64) -> EngineResult<Option<Lead>> {
        let crm_id = crm_id.to_string();
        let mut leads = self.leads()?.into_iter();
        Ok(leads.find(|lead| lead.crm_id.as_deref() == Some(&crm_id)))
    }

    /// Records a visit with a note, now.
    ///
    /// # Errors
    /// As [`Engine::record_visit`].
    pub fn visit(&self, lead: LeadId, note: &str) -> EngineResult<Visit> {
        let visit = NewVisit {
            note: Some(note.to_owned()),
            ..NewVisit::new(lead, fieldfare_model::VisitOutcome::Met)
        };
        Ok(self.engine.record_visit(visit)?.visit)
    }
}

/// Looks again and again until `check` says yes.
///
/// # Errors
/// What `check` says, or that it never said yes within `limit`.
pub async fn wait_until<F, C>(what: &str, limit: Duration, mut check: F) -> WorldResult<()>
where
    F: FnMut() -> C,
    C: Future<Output = WorldResult<bool>>,
{
    let end = tokio::time::Instant::now() + limit;
    while !check().await? {
        if tokio::time::Instant::now() > end {
            return Err(format!("waited {} s in vain: {what}", limit.as_secs()).into());
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    Ok(())
}

/// Now by this machine's clock.
pub fn now() -> TimestampMs {
    fieldfare_engine::Clock::now(&fieldfare_engine::SystemClock)
}
