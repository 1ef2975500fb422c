//! The CRM side of the server, as the configuration describes it.

use crate::config::{Config, ConnectionConfig, TenantConfig};
use crate::division::Division;
use crate::geocode::Geocoder;
use crate::hubspot::signature::WebhookSecrets;
use crate::hubspot::{HubspotClient, HubspotOptions};
use crate::intake::GroupWriter;
use crate::state::ServerError;
use crate::writeback::Marks;
use fieldfare_model::TenantId;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Notify;

/// One CRM account of a tenant.
pub struct Connection {
    /// Whose it is.
    pub tenant: TenantId,
    /// Its name; leads carry it as `crm_source`.
    pub name: String,
    /// The account's id at the vendor.
    pub portal_id: u64,
    /// Under which webhooks may be signed.
    pub secrets: WebhookSecrets,
    /// The URL webhooks are delivered to.
    pub webhook_url: Option<String>,
    /// Speaks to the account.
    pub client: HubspotClient,
    /// What is particular to it.
    pub options: HubspotOptions,
    /// Which of its records can carry our mark.
    pub marks: Marks,
    /// Wakes the worker that reads records.
    pub(crate) fetch: Notify,
    /// Wakes the worker that writes back.
    pub(crate) writeback: Notify,
}

/// What one tenant has of it.
pub struct TenantCrm {
    /// Which tenant.
    pub id: TenantId,
    /// How leads are divided.
    pub division: Division,
    /// Its accounts; what is made on phones goes to the first.
    pub connections: Vec<Arc<Connection>>,
    /// Takes in deliveries.
    pub(crate) deliveries: Arc<GroupWriter>,
    /// Wakes the worker that takes deliveries apart.
    pub(crate) intake: Notify,
    /// Wakes the geocoding worker.
    pub(crate) geocode: Notify,
}

/// All tenants' CRMs.
#[derive(Default)]
pub struct Crm {
    tenants: BTreeMap<TenantId, Arc<TenantCrm>>,
    /// Finds positions.
    pub geocoder: Arc<Geocoder>,
}

impl Crm {
    /// Reads the configuration; talks to nobody.
    ///
    /// # Errors
    /// [`ServerError::Internal`] naming the setting that is not usable.
    pub fn new(config: &Config) -> Result<Self, ServerError> {
        let geocoder = Geocoder::from_config(&config.geocode.providers)
            .map_err(|e| ServerError::Internal(format!("geocode.providers: {e}")))?;
        let tenants = config
            .tenants
            .iter()
            .map(|t| Ok((t.id(), Arc::new(tenant(t)?))));
        Ok(Self {
            tenants: tenants.collect::<Result<_, ServerError>>()?,
            geocoder: Arc::new(geocoder),
        })
    }

    /// A tenant's part.
    pub fn tenant(&self, id: TenantId) -> Option<&Arc<TenantCrm>> {
        self.tenants.get(&id)
    }

    /// Every tenant's part.
    pub fn tenants(&self) -> impl Iterator<Item = &Arc<TenantCrm>> {
        self.tenants.values()
    }

    /// The accounts of this name, of whatever tenant.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Arc<Connection>> {
        self.tenants()
            .flat_map(|t| &t.connections)
            .filter(move |c| c.name == name)
    }
}

impl TenantCrm {
    /// The account of this name.
    pub fn connection(&self, name: &str) -> Option<&Arc<Connection>> {
        self.connections.iter().find(|c| c.name == name)
    }

    /// Lets the workers look at once that deal with what phones wrote.
    pub fn wake(&self) {
        self.geocode.notify_one();
        self.connections
            .iter()
            .for_each(|c| c.writeback.notify_one());
    }
}

fn tenant(config: &TenantConfig) -> Result<TenantCrm, ServerError> {
    let wrong =
        |e: &dyn std::fmt::Display| ServerError::Internal(format!("tenant {}: {e}", config.name));
    let connections = config
        .connections
        .iter()
        .map(|c| connection(config.id(), c));
    Ok(TenantCrm {
        id: config.id(),
        division: Division::of(config).map_err(|e| wrong(&e))?,
        connections: connections
            .collect::<Result<_, _>>()
            .map_err(|e: String| wrong(&e))?,
        deliveries: Arc::default(),
        intake: Notify::new(),
        geocode: Notify::new(),
    })
}

fn connection(tenant: TenantId, config: &ConnectionConfig) -> Result<Arc<Connection>, String> {
    if config.kind != "hubspot" {
        return Err(format!(
            "connection {}: kind must be \"hubspot\"",
            config.name
        ));
    }
    let client = HubspotClient::new(&config.api_base, &config.api_version, config.token.expose())
        .map_err(|e| format!("connection {}: {e}", config.name))?;
    Ok(Arc::new(Connection {
        tenant,
        name: config.name.clone(),
        portal_id: config.portal_id,
        secrets: WebhookSecrets::new(config.webhook_secrets.iter().map(|s| s.expose())),
        webhook_url: config.webhook_url.clone(),
        client,
        options: config.hubspot.clone(),
        marks: Marks::default(),
        fetch: Notify::new(),
        writeback: Notify::new(),
    }))
}
