//! The simulated phone: the real engine with a clock and a radio that the demo holds.

use super::DemoResult;
use super::radio::Radio;
use super::time::SimClock;
use fieldfare_engine::{
    Engine, EngineConfig, EngineResult, MemoryKeyVault, NearbyQuery, Parts, SyncObserver,
    SyncOptions, SyncProgress, SyncReport,
};
use fieldfare_model::LatLng;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Distance at which the rep is told of a lead, metres. Wider than usual: positions by postal code
/// are rough.
pub const ALERT_RADIUS_M: u32 = 500;

/// A phone in the rep's hand.
pub struct Phone {
    /// The engine.
    pub engine: Arc<Engine>,
    /// Its connection.
    pub radio: Arc<Radio>,
    /// Its time.
    pub clock: Arc<SimClock>,
    dir: PathBuf,
    vault: Arc<MemoryKeyVault>,
    config: EngineConfig,
}

impl Phone {
    /// A new phone whose files lie in `dir`.
    ///
    /// # Errors
    /// [`super::DemoError::Phone`].
    pub fn new(dir: &Path, server_url: &str, clock: Arc<SimClock>) -> DemoResult<Self> {
        let mut config = EngineConfig::new(dir.to_string_lossy(), server_url);
        config.allow_insecure_loopback = true;
        config.proximity.default_radius_m = ALERT_RADIUS_M;
        // The embedded geocoder knows postal codes; the demo takes their centres for the leads.
        config.proximity.max_uncertainty_m = u32::MAX;
        config.proximity.fallback_zone = Some(super::time::ZONE.to_owned());
        let (radio, vault) = (Arc::new(Radio::new()?), Arc::new(MemoryKeyVault::new()));
        let engine = open(&config, &vault, &radio, &clock)?;
        Ok(Self {
            engine,
            radio,
            clock,
            dir: dir.to_owned(),
            vault,
            config,
        })
    }

    /// Closes the app and opens it again; answers how long it takes until the first answer to
    /// "what is near" is there.
    ///
    /// # Errors
    /// [`super::DemoError::Phone`].
    pub fn restart(&mut self, at: LatLng) -> DemoResult<Duration> {
        self.engine.close()?;
        let started = Instant::now();
        self.engine = open(&self.config, &self.vault, &self.radio, &self.clock)?;
        self.engine.nearby(at, &NearbyQuery::nearest(20))?;
        Ok(started.elapsed())
    }

    /// Syncs, telling how many rows have come.
    ///
    /// # Errors
    /// As [`Engine::sync`].
    pub async fn sync(
        &self,
        rows: impl Fn(u64) + Send + Sync + 'static,
    ) -> EngineResult<SyncReport> {
        let observer = Arc::new(Rows(rows));
        Arc::clone(&self.engine)
            .sync(SyncOptions::default(), Some(observer))
            .await
    }

    /// Bytes of the phone's files.
    ///
    /// # Errors
    /// [`super::DemoError::Files`].
    pub fn disk_bytes(&self) -> DemoResult<u64> {
        let mut bytes = 0;
        for entry in std::fs::read_dir(&self.dir)? {
            bytes += entry?.metadata()?.len();
        }
        Ok(bytes)
    }

    /// Whether a text can be read in any of the phone's files.
    ///
    /// # Errors
    /// [`super::DemoError::Files`].
    pub fn files_show(&self, text: &str) -> DemoResult<bool> {
        let needle = text.as_bytes();
        for entry in std::fs::read_dir(&self.dir)? {
            let bytes = std::fs::read(entry?.path())?;
            if bytes.windows(needle.len()).any(|window| window == needle) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn open(
    config: &EngineConfig,
    vault: &Arc<MemoryKeyVault>,
    radio: &Arc<Radio>,
    clock: &Arc<SimClock>,
) -> EngineResult<Arc<Engine>> {
    let parts = Parts {
        transport: Some(radio.clone()),
        clock: clock.clone(),
    };
    Engine::open_with(config.clone(), vault.clone(), parts).map(|(engine, _)| engine)
}

struct Rows<F>(F);

impl<F: Fn(u64) + Send + Sync> SyncObserver for Rows<F> {
    fn progress(&self, progress: SyncProgress) {
        (self.0)(progress.rows);
    }
}
