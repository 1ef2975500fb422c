use crate::auth::TokenKeys;
use crate::backup::FolderLock;
use crate::config::{Config, ConfigError};
use crate::crm::Crm;
use crate::feed::Effects;
use crate::hooks::{DeadLetters, Hooks};
use crate::http::{Bootstraps, RateLimits, Waiting};
use crate::routing::{Routing, RoutingError};
use crate::setup;
use crate::store::{Registry, StoreError, Tenants, clock_now};
use fieldfare_model::{DeviceId, TimestampMs};
use metrics_exporter_prometheus::PrometheusHandle;
use std::sync::Arc;
use tokio::sync::watch;

/// Tells the moment. Tests give their own.
pub type Clock = Arc<dyn Fn() -> TimestampMs + Send + Sync>;

/// [`AppState`] as handlers and workers hold it.
pub type SharedState = Arc<AppState>;

/// Why the server does not start or ended early.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The configuration is not usable.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An address cannot be listened on.
    #[error("cannot listen on {0}: {1}")]
    Bind(std::net::SocketAddr, std::io::Error),
    /// The configuration lacks the company or the rep of devices that are enrolled.
    #[error(
        "the configuration lacks the company or rep of {} enrolled devices ({}): put it back (an id keeps a company or rep whose name or e-mail changes), or revoke them first with `device revoke`",
        .0.len(),
        shown(.0)
    )]
    Removes(Vec<DeviceId>),
    /// A part of the server's own making failed.
    #[error("{0}")]
    Internal(String),
}

fn shown(devices: &[DeviceId]) -> String {
    let ids = devices.iter().take(5).map(ToString::to_string);
    ids.collect::<Vec<_>>().join(", ")
}

fn internal(error: RoutingError) -> ServerError {
    ServerError::Internal(error.to_string())
}

/// Everything handlers and workers share.
pub struct AppState {
    /// The configuration it was started with.
    pub config: Config,
    /// Tenants, devices, codes and tokens.
    pub registry: Arc<Registry>,
    /// Each tenant's data.
    pub tenants: Arc<Tenants>,
    /// What follows from a phone's write.
    pub effects: Arc<dyn Effects>,
    /// Work that failed for good.
    pub dead_letters: Arc<dyn DeadLetters>,
    /// The tenants' CRM accounts.
    pub crm: Arc<Crm>,
    /// Travel times and routes.
    pub routing: Arc<Routing>,
    /// Tells the moment.
    pub clock: Clock,
    /// Signs and hashes tokens.
    pub tokens: TokenKeys,
    /// How much each client may ask for.
    pub limits: RateLimits,
    /// Turns of first fetches.
    pub bootstraps: Bootstraps,
    /// Places of those that wait for news.
    pub waiting: Waiting,
    /// True once the server is to stop.
    pub stopping: watch::Sender<bool>,
    /// What `/metrics` prints.
    pub metrics: PrometheusHandle,
    /// Says that the data folder is in use.
    pub lock: FolderLock,
}

impl AppState {
    /// Opens the data folder and puts the configured tenants into it. Blocks.
    ///
    /// # Errors
    /// [`ServerError`].
    pub fn open(config: Config, hooks: Hooks, clock: Clock) -> Result<SharedState, ServerError> {
        let opened = setup::open(&config, clock())?;
        setup::apply(&opened, &config, clock())?;
        Ok(Arc::new(Self {
            limits: RateLimits::new(&config.limits),
            bootstraps: Bootstraps::new(&config.limits),
            waiting: Waiting::new(&config.limits),
            stopping: watch::Sender::new(false),
            tokens: TokenKeys::new(&opened.key)?,
            registry: Arc::new(opened.registry),
            tenants: Arc::new(opened.tenants),
            effects: hooks.effects,
            dead_letters: hooks.dead_letters,
            crm: hooks.crm,
            routing: Arc::new(Routing::new(&config.routing).map_err(internal)?),
            clock,
            metrics: crate::metrics::handle()?,
            lock: opened.lock,
            config,
        }))
    }

    /// The moment.
    pub fn now(&self) -> TimestampMs {
        (self.clock)()
    }
}

/// The machine's clock.
pub fn system_clock() -> Clock {
    Arc::new(clock_now)
}
