use crate::args::Args;
use crate::clock::PhoneClock;
use fieldfare_engine::{
    Engine, EngineConfig, EngineError, FileKeyVault, FileReport, OpenReport, Parts,
};
use fieldfare_model::{LatLng, ModelError};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

const SETTINGS: &str = "phone.json";
const VAULT: &str = "vault.key";

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum PhoneError {
    /// The engine refused or failed.
    #[error("{0}")]
    Engine(#[from] EngineError),
    /// The command is not understood.
    #[error("{0}")]
    Usage(String),
    /// A file could not be read or written.
    #[error("{what}: {error}")]
    File {
        /// Which.
        what: String,
        /// Why.
        error: std::io::Error,
    },
}

impl PhoneError {
    /// A short stable name.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Engine(error) => error.code(),
            Self::Usage(_) => "usage",
            Self::File { .. } => "file",
        }
    }

    /// What is wrong with the command, and what would be right.
    pub fn usage(what: impl Into<String>) -> Self {
        Self::Usage(what.into())
    }

    pub(crate) fn file(path: &Path, error: std::io::Error) -> Self {
        Self::File {
            what: path.display().to_string(),
            error,
        }
    }
}

impl From<ModelError> for PhoneError {
    fn from(error: ModelError) -> Self {
        Self::Usage(error.to_string())
    }
}

/// What a phone remembers beside the engine's own files.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
struct Settings {
    server: String,
    #[serde(default)]
    allow_loopback: bool,
}

/// A phone in a folder: the engine's files, `vault.key` and `phone.json`.
pub struct Phone {
    /// The engine.
    pub engine: Arc<Engine>,
    /// Its clock.
    pub clock: Arc<PhoneClock>,
    /// How the files were found.
    pub report: OpenReport,
}

impl Phone {
    /// Opens the phone, making it if it is not there.
    ///
    /// # Errors
    /// [`PhoneError`] if the files cannot be used.
    pub fn open(args: &Args) -> Result<Self, PhoneError> {
        let settings = take_settings(args)?;
        let mut config = EngineConfig::new(args.dir.to_string_lossy(), settings.server);
        config.allow_insecure_loopback = settings.allow_loopback;
        if let Some(metres) = args.max_uncertainty {
            config.proximity.max_uncertainty_m = metres;
        }
        let vault = Arc::new(FileKeyVault::new(args.dir.join(VAULT)));
        let clock = Arc::new(PhoneClock::new(args.now));
        let parts = Parts {
            transport: None,
            clock: clock.clone(),
        };
        let (engine, report) = Engine::open_with(config, vault, parts)?;
        warn(&report);
        Ok(Self {
            engine,
            clock,
            report,
        })
    }

    /// Lets go of the files. What was answered is durable already.
    pub fn close(&self) {
        if let Err(error) = self.engine.close() {
            eprintln!("fieldfare-phone: {error}");
        }
    }
}

/// What was remembered, with what this call says on top.
fn take_settings(args: &Args) -> Result<Settings, PhoneError> {
    let path = args.dir.join(SETTINGS);
    let known = read_settings(&path)?;
    let settings = Settings {
        server: args.server.clone().unwrap_or(known.server.clone()),
        allow_loopback: args.allow_loopback || known.allow_loopback,
    };
    if settings != known {
        let write = || {
            std::fs::create_dir_all(&args.dir)?;
            std::fs::write(&path, serde_json::to_vec_pretty(&settings)?)
        };
        write().map_err(|error| PhoneError::file(&path, error))?;
    }
    Ok(settings)
}

fn read_settings(path: &Path) -> Result<Settings, PhoneError> {
    match std::fs::read(path) {
        Ok(json) => serde_json::from_slice(&json)
            .map_err(|_| PhoneError::usage(format!("{} is not readable", path.display()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Settings::default()),
        Err(error) => Err(PhoneError::file(path, error)),
    }
}

fn warn(report: &OpenReport) {
    for file in [&report.cache, &report.outbox] {
        if let FileReport::Replaced { kept_as } = file {
            eprintln!("fieldfare-phone: a file was damaged and is kept as {kept_as}");
        }
    }
}

/// Reads `LAT,LON`.
///
/// # Errors
/// [`PhoneError::Usage`] for anything else.
pub fn position(text: &str) -> Result<LatLng, PhoneError> {
    let wrong = || PhoneError::usage("give a place as LAT,LON in degrees");
    let (lat, lon) = text.split_once(',').ok_or_else(wrong)?;
    let number = |text: &str| text.trim().parse::<f64>().map_err(|_| wrong());
    Ok(LatLng::new(number(lat)?, number(lon)?)?)
}
