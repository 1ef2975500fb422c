use serde::{Deserialize, Serialize};

/// When the rep is told about a lead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProximityConfig {
    /// Radius in metres around a lead that names none of its own.
    pub default_radius_m: u32,
    /// Largest radius in metres; a lead's own larger one is cut to it. Bounds every search.
    pub max_radius_m: u32,
    /// Leads with a lower score, 0 to 100, do not alert. A lead without score counts as 0.
    pub min_score: u8,
    /// Leads that may be farther than this many metres from their position do not alert: one that is
    /// only known by its postal code may be kilometres away. A position without a stated
    /// uncertainty, such as one the rep took on the spot, counts as exact.
    pub max_uncertainty_m: u32,
    /// How long the rep must stay at a lead before the alert, in milliseconds; 0 for at once.
    pub dwell_ms: i64,
    /// A lead is left beyond radius × this + accuracy. At least 1.
    pub exit_factor: f64,
    /// Least time between two alerts for a lead, in milliseconds.
    pub cool_down_ms: i64,
    /// Fixes less accurate than this many metres are passed over.
    pub max_accuracy_m: f64,
    /// Alerts that one fix may raise; the others wait for the next fixes.
    pub max_alerts_per_fix: usize,
    /// IANA zone for leads that name none or one that does not exist: the phone's own zone is a
    /// good choice, since the rep stands near the lead. If this is missing or unknown too, a lead
    /// with contact hours does not alert, and a lead's day is the UTC day.
    pub fallback_zone: Option<String>,
    /// A fix older than the one before by more than this many milliseconds means that the clock
    /// was put back. Fixes that are older by less are late or repeated, and are passed over.
    pub clock_reset_ms: i64,
}

impl Default for ProximityConfig {
    fn default() -> Self {
        Self {
            default_radius_m: 150,
            max_radius_m: 2_000,
            min_score: 0,
            max_uncertainty_m: 1_000,
            dwell_ms: 0,
            exit_factor: 1.25,
            cool_down_ms: 4 * 3_600_000,
            max_accuracy_m: 100.0,
            max_alerts_per_fix: 3,
            fallback_zone: None,
            clock_reset_ms: 600_000,
        }
    }
}

/// A setting that makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("location setting {setting} must be {expected}")]
pub struct ConfigError {
    /// The setting's name.
    pub setting: &'static str,
    /// What it should be.
    pub expected: &'static str,
}

impl ProximityConfig {
    /// Checks every setting.
    ///
    /// # Errors
    /// [`ConfigError`] naming the first that makes no sense.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let radii = 1..=self.max_radius_m;
        let rules = [
            (
                radii.contains(&self.default_radius_m),
                "default_radius_m",
                "at least 1 and at most max_radius_m",
            ),
            (self.dwell_ms >= 0, "dwell_ms", "0 or more"),
            (self.cool_down_ms >= 0, "cool_down_ms", "0 or more"),
            (self.clock_reset_ms > 0, "clock_reset_ms", "more than 0"),
            (
                self.exit_factor >= 1.0 && self.exit_factor.is_finite(),
                "exit_factor",
                "1 or more",
            ),
            (
                self.max_accuracy_m > 0.0 && self.max_accuracy_m.is_finite(),
                "max_accuracy_m",
                "more than 0",
            ),
            (
                self.max_alerts_per_fix > 0,
                "max_alerts_per_fix",
                "1 or more",
            ),
        ];
        match rules.into_iter().find(|(holds, _, _)| !holds) {
            Some((_, setting, expected)) => Err(ConfigError { setting, expected }),
            None => Ok(()),
        }
    }

    /// The radius of a lead, metres.
    pub fn radius_m(&self, own: Option<u32>) -> f64 {
        let radius = own.unwrap_or(self.default_radius_m);
        f64::from(radius.clamp(1, self.max_radius_m))
    }

    /// Whether a position with this uncertainty is known well enough for an alert.
    pub(crate) fn knows_place(&self, uncertainty_m: Option<u32>) -> bool {
        uncertainty_m.unwrap_or(0) <= self.max_uncertainty_m
    }

    /// The distance beyond which a lead counts as left, metres.
    pub(super) fn exit_m(&self, radius_m: f64, accuracy_m: f64) -> f64 {
        radius_m * self.exit_factor + accuracy_m
    }

    /// How far around a fix leads are looked for, metres: nothing farther can matter.
    pub fn search_radius_m(&self) -> f64 {
        self.exit_m(f64::from(self.max_radius_m), self.max_accuracy_m)
    }
}
