use crate::config::ConfigError;
use fieldfare_planner::GreatCircle;
use serde::{Deserialize, Serialize};

/// Where travel times, road routes and isochrones come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RoutingConfig {
    /// Days after which a travel time or an isochrone is asked for again.
    pub cache_days: u32,
    /// Seconds a whole matrix may take; what is missing then is estimated.
    pub deadline_s: u64,
    /// Metres of road for a kilometre as the crow flies, for estimates.
    pub road_metres_per_km: u32,
    /// Speed of estimates, kilometres per hour.
    pub estimate_kmh: u32,
    /// Engines in order of preference; the next one is asked when one does not answer.
    pub engines: Vec<EngineConfig>,
}

impl Default for RoutingConfig {
    fn default() -> Self {
        Self {
            cache_days: 30,
            deadline_s: 60,
            road_metres_per_km: 1_300,
            estimate_kmh: 45,
            engines: Vec::new(),
        }
    }
}

/// A kind of routing engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// `osrm-routed`.
    Osrm,
    /// `valhalla_service`.
    Valhalla,
    /// GraphHopper's open server, which has no matrix: one is put together from routes.
    GraphHopper,
}

impl EngineKind {
    /// The word used in the configuration and in provenances.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Osrm => "osrm",
            Self::Valhalla => "valhalla",
            Self::GraphHopper => "graphhopper",
        }
    }

    const fn usual_profile(self) -> &'static str {
        match self {
            Self::Osrm => "driving",
            Self::Valhalla => "auto",
            Self::GraphHopper => "car",
        }
    }

    /// What a freshly installed engine accepts: places on one side of a block, cells in it.
    const fn usual_limits(self) -> (usize, usize) {
        match self {
            Self::Osrm => (100, 10_000),
            Self::Valhalla => (50, 2_500),
            Self::GraphHopper => (1, 1),
        }
    }
}

/// One routing engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineConfig {
    /// Which kind.
    pub kind: EngineKind,
    /// Its address, for example `http://127.0.0.1:5000`.
    pub url: String,
    /// Whether an address without TLS may be another machine. Positions of leads travel there in
    /// the clear, so only within one's own network.
    #[serde(default)]
    pub plain_http: bool,
    /// OSRM's profile, Valhalla's costing, GraphHopper's profile; without one the usual for cars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Language of instructions, where the engine speaks several.
    #[serde(default = "english")]
    pub language: String,
    /// Seconds one request may take.
    #[serde(default = "default_timeout")]
    pub timeout_s: u64,
    /// Requests under way at once.
    #[serde(default = "default_concurrency")]
    pub concurrency: usize,
    /// Most places on one side of a block of a matrix (OSRM `--max-table-size`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_side: Option<usize>,
    /// Most cells of a block (Valhalla `max_matrix_location_pairs`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_cells: Option<usize>,
}

fn english() -> String {
    "en-US".to_owned()
}

const fn default_timeout() -> u64 {
    20
}

const fn default_concurrency() -> usize {
    4
}

impl EngineConfig {
    /// An engine with the usual settings.
    pub fn new(kind: EngineKind, url: impl Into<String>) -> Self {
        Self {
            kind,
            url: url.into(),
            plain_http: false,
            profile: None,
            language: english(),
            timeout_s: default_timeout(),
            concurrency: default_concurrency(),
            max_side: None,
            max_cells: None,
        }
    }

    /// The profile in force.
    pub fn profile(&self) -> &str {
        self.profile.as_deref().unwrap_or(self.kind.usual_profile())
    }

    /// Places on one side of a block and cells in it, both at least 1.
    pub fn limits(&self) -> (usize, usize) {
        let (side, cells) = self.kind.usual_limits();
        let side = self.max_side.unwrap_or(side);
        let cells = self.max_cells.unwrap_or(cells);
        match self.kind {
            EngineKind::GraphHopper => (1, 1),
            _ => (side.max(1), cells.max(1)),
        }
    }
}

impl RoutingConfig {
    /// The estimate for ways no engine knows.
    pub fn estimate(&self) -> GreatCircle {
        GreatCircle {
            road_factor: self.road_metres_per_km,
            metres_per_hour: self.estimate_kmh.saturating_mul(1_000),
            ..GreatCircle::default()
        }
    }

    /// Whether the settings make sense.
    ///
    /// # Errors
    /// [`ConfigError::Value`] naming the setting.
    pub fn check(&self) -> Result<(), ConfigError> {
        within("routing.deadline_s", self.deadline_s, 1, 3_600)?;
        let factor = u64::from(self.road_metres_per_km);
        within("routing.road_metres_per_km", factor, 1_000, 10_000)?;
        within("routing.estimate_kmh", u64::from(self.estimate_kmh), 1, 200)?;
        self.engines.iter().try_for_each(EngineConfig::check)
    }
}

impl EngineConfig {
    fn check(&self) -> Result<(), ConfigError> {
        let name = |setting: &str| format!("{setting} of routing engine {}", self.kind.name());
        let concurrency = self.concurrency as u64;
        within(&name("timeout_s"), self.timeout_s, 1, 600)?;
        within(&name("concurrency"), concurrency, 1, 64)?;
        if !is_word(self.profile()) {
            return Err(wrong(name("profile"), "may hold letters, digits, - and _"));
        }
        if !is_word(&self.language) {
            return Err(wrong(name("language"), "must be like en-US"));
        }
        super::ask::base_url(self)
            .map(drop)
            .map_err(|e| wrong(name("url"), e.to_string()))
    }
}

/// What may stand in a path without being escaped.
fn is_word(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (1..=40).contains(&text.len()) && text.chars().all(fits)
}

fn within(setting: &str, value: u64, least: u64, most: u64) -> Result<(), ConfigError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    let problem = format!("must be between {least} and {most}");
    Err(wrong(setting.to_owned(), problem))
}

fn wrong(setting: String, problem: impl Into<String>) -> ConfigError {
    ConfigError::Value {
        setting,
        problem: problem.into(),
    }
}
