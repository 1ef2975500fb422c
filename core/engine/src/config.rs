use crate::proximity::ProximityConfig;
use crate::sampler::SamplerConfig;
use crate::{Clock, HttpTransport, SystemClock};
use std::sync::Arc;

/// How many regions iOS watches for one app.
pub const IOS_FENCE_LIMIT: u32 = 20;

/// How many regions Android watches for one app.
pub const ANDROID_FENCE_LIMIT: u32 = 100;

/// What an engine needs to know before it opens.
#[derive(Debug, Clone, PartialEq)]
pub struct EngineConfig {
    /// Folder of the phone's files, private to the app and excluded from backups. Made if missing.
    pub dir: String,
    /// Address of the server, for example `https://sync.example.com`.
    pub server_url: String,
    /// Whether plain http to a loopback address is allowed. For tests on one machine.
    pub allow_insecure_loopback: bool,
    /// Whether notes, names and addresses are indexed for [`crate::Engine::search`]. Costs about as
    /// much disk again.
    pub full_text: bool,
    /// How many regions the platform watches for the app, the re-arm region included.
    pub fence_limit: u32,
    /// When the rep is told about a lead.
    pub proximity: ProximityConfig,
    /// How often fixes are taken.
    pub sampler: SamplerConfig,
}

impl EngineConfig {
    /// The usual configuration: full text on, https only, the fence limit of Android.
    pub fn new(dir: impl Into<String>, server_url: impl Into<String>) -> Self {
        Self {
            dir: dir.into(),
            server_url: server_url.into(),
            allow_insecure_loopback: false,
            full_text: true,
            fence_limit: ANDROID_FENCE_LIMIT,
            proximity: ProximityConfig::default(),
            sampler: SamplerConfig::default(),
        }
    }
}

/// What an app or a test may put in place of the engine's own parts.
#[derive(Clone)]
pub struct Parts {
    /// Carries requests; none for the built-in [`crate::HttpsTransport`].
    pub transport: Option<Arc<dyn HttpTransport>>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            transport: None,
            clock: Arc::new(SystemClock),
        }
    }
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Parts")
    }
}
