//! The server's configuration: a TOML file, `FIELDFARE_*` variables on top, defaults below.

mod day;
mod key_file;
mod load;
mod secret;
mod tenant;

pub use day::{PlanningConfig, check_day};
pub(crate) use key_file::write_private;
pub use load::{ENV_OVERRIDES, EnvOverride};
pub use secret::Secret;
pub(crate) use tenant::derived_id;
pub use tenant::{ConnectionConfig, RepConfig, TenantConfig, TerritoryConfig};

use crate::routing::RoutingConfig;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a configuration is not usable. Carries no secrets.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("configuration file {0}: {1}")]
    Read(PathBuf, std::io::Error),
    /// The file is not the TOML expected.
    #[error("configuration: {0}")]
    Form(String),
    /// A setting has a value that does not work.
    #[error("configuration: {setting} {problem}")]
    Value {
        /// Which setting.
        setting: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A secret that is named in the file is not there.
    #[error("configuration: the secret for {0} is empty, or its variable or file does not exist")]
    Secret(String),
    /// The generated key file cannot be read or made.
    #[error("key file {0}: {1}")]
    KeyFile(PathBuf, std::io::Error),
    /// A key of the wrong form.
    #[error("the key must be 64 hexadecimal digits")]
    Key,
}

/// Everything that can be set.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Addresses and the data folder.
    pub server: ServerConfig,
    /// The master key.
    pub key: KeyConfig,
    /// How much a client may ask for.
    pub limits: LimitsConfig,
    /// How long things are kept.
    pub retention: RetentionConfig,
    /// Log lines.
    pub log: LogConfig,
    /// Geocoding.
    pub geocode: GeocodeConfig,
    /// Travel times, routes and isochrones.
    pub routing: RoutingConfig,
    /// Planned days.
    pub planning: PlanningConfig,
    /// The companies served.
    pub tenants: Vec<TenantConfig>,
}

/// Addresses and the data folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// Where phones and CRMs connect. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where operators connect; keep it off the internet.
    pub admin_listen: SocketAddr,
    /// The address under which the outside reaches `listen`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// Where the databases lie.
    pub data_dir: PathBuf,
    /// What operators present to the admin routes, which are closed without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin_token: Option<Secret>,
    /// Whether the last address in `X-Forwarded-For` is the client's. Only behind a proxy that
    /// sets it.
    pub trust_forwarded_for: bool,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            admin_listen: SocketAddr::from(([127, 0, 0, 1], 8081)),
            public_url: None,
            data_dir: PathBuf::from("fieldfare-data"),
            admin_token: None,
            trust_forwarded_for: false,
        }
    }
}

/// The master key; without a setting it is kept in `master.key` in the data folder.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeyConfig {
    /// 64 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hex: Option<Secret>,
}

/// How much a client may ask for.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Requests a second for each device, in the long run.
    pub device_per_second: u32,
    /// Requests a device may make at once.
    pub device_burst: u32,
    /// Enrolments and token refreshes a minute for each address, in the long run.
    pub enrol_per_minute: u32,
    /// Enrolments and token refreshes an address may make at once.
    pub enrol_burst: u32,
    /// Seconds after which a request is given up.
    pub request_seconds: u64,
    /// First fetches that are answered at once; others wait for their turn, and requests for what
    /// changed wait for none of them.
    pub bootstraps: u32,
    /// First fetches that may wait. Beyond it they are told to come again.
    pub bootstraps_waiting: u32,
    /// Seconds for which a request for news is kept waiting.
    pub news_seconds: u64,
    /// Requests for news that may wait at once. Beyond it they are told to come again.
    pub news_waiting: u32,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            device_per_second: 20,
            device_burst: 100,
            enrol_per_minute: 30,
            enrol_burst: 10,
            request_seconds: 30,
            bootstraps: 2,
            bootstraps_waiting: 1_000,
            news_seconds: 25,
            news_waiting: 1_000,
        }
    }
}

/// How long things are kept, in days.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionConfig {
    /// Pings.
    pub ping_days: u32,
    /// What left a scope or was deleted. A phone that was away for longer costs a comparison
    /// instead of a delta, and nothing else.
    pub tombstone_days: u32,
}

impl RetentionConfig {
    /// Milliseconds for which tombstones are kept.
    pub fn tombstone_ms(&self) -> i64 {
        i64::from(self.tombstone_days) * 24 * 60 * 60 * 1000
    }
}

impl Default for RetentionConfig {
    fn default() -> Self {
        Self {
            ping_days: 30,
            tombstone_days: 90,
        }
    }
}

/// Log lines.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// Which lines, in the form of `tracing_subscriber`'s `EnvFilter`.
    pub filter: String,
    /// In which form.
    pub format: LogFormat,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            filter: "info".to_owned(),
            format: LogFormat::Text,
        }
    }
}

/// Form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Geocoding providers, in order of preference.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GeocodeConfig {
    /// One table for each provider.
    pub providers: Vec<toml::Table>,
}
