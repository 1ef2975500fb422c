//! A whole world on loopback: a sandbox CRM, a server, and phones, with real files and real HTTP.

use fieldfare_model::{DeviceId, Entity, Lead, TenantId, TerritoryId, TimestampMs, Visit};
use fieldfare_sandbox::{
    ADDRESSES, LoadOptions, ObjectType, PortalHandle, RunningSandbox, SandboxConfig, SandboxCrm,
    WebhookTarget,
};
use fieldfare_server::config::{Config, TenantConfig};
use fieldfare_server::store::{StoreError, Tenant};
use fieldfare_server::{RunningServer, Server, auth, feed};
use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tempfile::TempDir;

mod one_drive;
mod phone;
mod plain;
mod spec;
mod town;

pub use one_drive::OneDrive;
pub use phone::{Phone, PhoneFiles};
pub use plain::{plain_id, plain_lead};
pub use spec::{TenantSpec, WorldSpec};

use plain::{SHARED, shared_words};
use spec::server_config;

/// What the helpers here give.
pub type WorldResult<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Long enough for any machine; what waits longer has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

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

    /// The server's configuration.
    pub const fn config(&self) -> &Config {
        &self.config
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
            .filter(|lead| !town::is_of_town(lead.id))
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

    /// Plants a town full of leads in a territory.
    ///
    /// # Errors
    /// As [`Self::plant`].
    pub fn plant_town(&self, tenant: &str, territory: &str, count: u32) -> WorldResult<()> {
        let territory = self.territory_id(tenant, territory)?;
        self.plant(tenant, &town::town_leads(count, territory, now()))
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

/// The server of a world alone, for a process of its own: on the world's files below `dir`, with
/// its CRM, under the address `listen`. The world's own is stopped meanwhile.
///
/// # Errors
/// If it does not start.
pub async fn serve(
    spec: &WorldSpec,
    dir: &Path,
    crm: &str,
    listen: SocketAddr,
) -> WorldResult<RunningServer> {
    let mut config = server_config(spec, dir, crm)?;
    config.server.listen = listen;
    Ok(Server::start(config).await?)
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
