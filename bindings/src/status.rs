//! Where the engine stands, how it opened, and how a sync went.

use crate::consent::ConsentState;
use crate::error::{FfiResult, count};
use crate::values::fit_option;
use crate::{FieldfareError, values};
use fieldfare_engine as engine;
use fieldfare_model::{DeviceId, RepId, TenantId, TimestampMs as Timestamp};
use std::sync::Arc;

/// Who the device belongs to, as the server said at enrolment.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Enrolment {
    /// The company.
    pub tenant: TenantId,
    /// This install.
    pub device: DeviceId,
    /// The rep.
    pub rep: RepId,
    /// The rep's name, if the server gave it.
    pub rep_name: Option<String>,
}

impl From<engine::Enrolment> for Enrolment {
    fn from(enrolment: engine::Enrolment) -> Self {
        Self {
            tenant: enrolment.tenant,
            device: enrolment.device,
            rep: enrolment.rep,
            rep_name: enrolment.rep_name,
        }
    }
}

/// A field sales person.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Rep {
    /// The rep's id.
    pub id: RepId,
    /// Display name.
    pub name: String,
    /// The owner id the CRM uses for this person, where there is one.
    pub crm_owner: Option<String>,
}

impl From<fieldfare_model::Rep> for Rep {
    fn from(rep: fieldfare_model::Rep) -> Self {
        Self {
            id: rep.id,
            name: rep.name,
            crm_owner: rep.crm_owner,
        }
    }
}

/// What happened to a file when the engine was opened.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum FileReport {
    /// It was there and is sound.
    Opened,
    /// It was not there and is new.
    Created,
    /// It was damaged. It is kept; a new one took its place.
    Replaced {
        /// Name of the damaged file.
        kept_as: String,
    },
}

impl From<engine::FileReport> for FileReport {
    fn from(report: engine::FileReport) -> Self {
        match report {
            engine::FileReport::Opened => Self::Opened,
            engine::FileReport::Created => Self::Created,
            engine::FileReport::Replaced { kept_as } => Self::Replaced { kept_as },
        }
    }
}

/// What was read from a damaged outbox.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Salvage {
    /// Changes, whatever their state.
    pub operations: i64,
    /// Entries of the consent ledger.
    pub consent_events: i64,
    /// Unsent positions.
    pub pings: i64,
    /// Whether everything could be read to its end. If not, something may be missing.
    pub is_complete: bool,
}

/// What happened when the engine was opened. A cache that is not `Opened` fills again by syncing.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct OpenReport {
    /// What can be fetched again.
    pub cache: FileReport,
    /// What nobody else has.
    pub outbox: FileReport,
    /// What was read from a damaged outbox.
    pub salvage: Option<Salvage>,
    /// Whether a change of keys that was cut short is still to be finished, at the next open.
    pub is_rotation_pending: bool,
}

impl From<engine::OpenReport> for OpenReport {
    fn from(report: engine::OpenReport) -> Self {
        let salvage = |salvage: engine::Salvage| Salvage {
            operations: count(salvage.operations),
            consent_events: count(salvage.consent_events),
            pings: count(salvage.pings),
            is_complete: salvage.is_complete,
        };
        Self {
            cache: report.cache.into(),
            outbox: report.outbox.into(),
            salvage: report.salvage.map(salvage),
            is_rotation_pending: report.is_rotation_pending,
        }
    }
}

/// How many rows this phone shows.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct RowCounts {
    /// Leads.
    pub leads: i64,
    /// Leads that have a place.
    pub located_leads: i64,
    /// Visits.
    pub visits: i64,
    /// Territories.
    pub territories: i64,
    /// Conflicts.
    pub conflicts: i64,
}

/// Where the engine stands.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct EngineStatus {
    /// Who the device belongs to; none before enrolment.
    pub enrolment: Option<Enrolment>,
    /// When everything was last pushed and pulled.
    pub last_sync_at: Option<Timestamp>,
    /// When a sync was last tried.
    pub last_attempt_at: Option<Timestamp>,
    /// The code of the last attempt's error; none if it succeeded.
    pub last_error: Option<String>,
    /// Before this moment another background sync makes no sense.
    pub next_attempt_at: Option<Timestamp>,
    /// Whether a sync is running.
    pub is_syncing: bool,
    /// The server's sequence that is shown.
    pub head: i64,
    /// Parts of the data that are shown.
    pub shown_scopes: i64,
    /// Parts of the data still on their way for the first time.
    pub unshown_scopes: i64,
    /// Changes without an answer.
    pub pending: i64,
    /// Changes the server refused and the rep has not dealt with.
    pub refused: i64,
    /// What is shown.
    pub counts: RowCounts,
    /// Where the rep's consent stands.
    pub consent: ConsentState,
}

impl From<engine::EngineStatus> for EngineStatus {
    fn from(status: engine::EngineStatus) -> Self {
        Self {
            enrolment: status.enrolment.map(Enrolment::from),
            last_sync_at: status.last_sync_at,
            last_attempt_at: status.last_attempt_at,
            last_error: status.last_error,
            next_attempt_at: status.next_attempt_at,
            is_syncing: status.is_syncing,
            head: count(status.head),
            shown_scopes: count(status.shown_scopes),
            unshown_scopes: count(status.unshown_scopes),
            pending: count(status.pending),
            refused: count(status.refused),
            counts: RowCounts {
                leads: count(status.counts.leads),
                located_leads: count(status.counts.located_leads),
                visits: count(status.counts.visits),
                territories: count(status.counts.territories),
                conflicts: count(status.counts.conflicts),
            },
            consent: status.consent.into(),
        }
    }
}

/// How to sync.
#[derive(Debug, Clone, PartialEq, Eq, Default, uniffi::Record)]
pub struct SyncOptions {
    /// How many bytes of rows to ask for at once; 1 MiB if not said.
    #[uniffi(default = None)]
    pub pull_budget: Option<i32>,
    /// Whether nobody waits for it: then it does not run before the time the last failure, or the
    /// server, asked for.
    #[uniffi(default = false)]
    pub is_background: bool,
    /// Where to stop though there is more: after this many bytes of replies, between two chunks of rows.
    /// The next sync goes on from there. 0 stops after the first chunk.
    #[uniffi(default = None)]
    pub max_bytes: Option<i64>,
    /// The same after this many seconds.
    #[uniffi(default = None)]
    pub max_seconds: Option<i32>,
}

impl SyncOptions {
    pub(crate) fn with(self, cancel: Option<Arc<SyncCancel>>) -> FfiResult<engine::SyncOptions> {
        Ok(engine::SyncOptions {
            pull_budget: fit_option("the budget", self.pull_budget)?,
            is_background: self.is_background,
            max_bytes: fit_option("the most bytes", self.max_bytes)?,
            max_seconds: fit_option("the most seconds", self.max_seconds)?,
            handle: cancel.map(|cancel| Arc::clone(&cancel.0)),
        })
    }
}

/// Ends a sync, or a wait for news, from outside.
#[derive(Debug, uniffi::Object)]
pub struct SyncCancel(pub(crate) Arc<engine::SyncHandle>);

#[uniffi::export]
impl SyncCancel {
    /// One for one sync.
    #[uniffi::constructor]
    pub fn new() -> Arc<Self> {
        Arc::new(Self(engine::SyncHandle::new()))
    }

    /// Ends the sync as soon as the step under way is done. What was done stays done. Again is
    /// fine, and so is before the sync begins: it ends when it does.
    pub fn cancel(&self) {
        self.0.cancel();
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}

/// How far a sync is.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct SyncProgress {
    /// Changes that have an answer now.
    pub pushed: i64,
    /// Chunks of rows received.
    pub frames: i64,
    /// Rows in them.
    pub rows: i64,
}

impl From<engine::SyncProgress> for SyncProgress {
    fn from(progress: engine::SyncProgress) -> Self {
        Self {
            pushed: count(progress.pushed),
            frames: count(progress.frames),
            rows: count(progress.rows),
        }
    }
}

/// What a sync did.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct SyncReport {
    /// Changes that have an answer now.
    pub pushed: i64,
    /// Changes that were refused.
    pub refused: i64,
    /// Rows received, those that left included.
    pub rows: i64,
    /// Chunks of rows received.
    pub frames: i64,
    /// Positions sent.
    pub pings: i64,
    /// Bytes sent, without headers.
    pub bytes_up: i64,
    /// Bytes received, without headers.
    pub bytes_down: i64,
    /// The server's sequence that is shown now; 0 if it stopped before.
    pub head: i64,
    /// Whether everything was sent and fetched: not if it stopped at a limit.
    pub is_complete: bool,
    /// Scopes whose stored rows were not what the server said they are, and were repaired.
    pub repaired_scopes: i64,
    /// Changes that neither side has any more, after the server was restored from a backup.
    pub lost: i64,
}

impl From<engine::SyncReport> for SyncReport {
    fn from(report: engine::SyncReport) -> Self {
        Self {
            pushed: count(report.pushed),
            refused: count(report.refused),
            rows: count(report.rows),
            frames: count(report.frames),
            pings: count(report.pings),
            bytes_up: count(report.bytes_up),
            bytes_down: count(report.bytes_down),
            head: count(report.head),
            is_complete: report.is_complete,
            repaired_scopes: count(report.repaired_scopes),
            lost: count(report.lost),
        }
    }
}

/// When the rep is told about a lead. [`default_proximity_config`](crate::default_proximity_config)
/// gives the usual settings.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct ProximityConfig {
    /// Radius in metres around a lead that names none of its own.
    pub default_radius_m: i32,
    /// Largest radius in metres; a lead's own larger one is cut to it.
    pub max_radius_m: i32,
    /// Leads with a lower score, 0 to 100, do not alert. A lead without score counts as 0.
    pub min_score: i32,
    /// How long the rep must stay at a lead before the alert; nothing for at once.
    pub dwell: std::time::Duration,
    /// A lead is left beyond its radius times this, plus the fix's accuracy. At least 1.
    pub exit_factor: f64,
    /// Least time between two alerts for a lead.
    pub cool_down: std::time::Duration,
    /// Fixes less accurate than this many metres are passed over.
    pub max_accuracy_m: f64,
    /// Leads that may be farther than this many metres from their position do not alert: one that is
    /// only known by its postal code may be kilometres away.
    pub max_uncertainty_m: i32,
    /// Alerts that one fix may raise; the others wait for the next fixes.
    pub max_alerts_per_fix: i32,
    /// IANA zone for leads that name none: the phone's own zone is a good choice.
    pub fallback_zone: Option<String>,
}

impl From<engine::proximity::ProximityConfig> for ProximityConfig {
    fn from(config: engine::proximity::ProximityConfig) -> Self {
        let duration = |ms: i64| std::time::Duration::from_millis(u64::try_from(ms).unwrap_or(0));
        Self {
            default_radius_m: values::small(config.default_radius_m),
            max_radius_m: values::small(config.max_radius_m),
            min_score: i32::from(config.min_score),
            dwell: duration(config.dwell_ms),
            exit_factor: config.exit_factor,
            cool_down: duration(config.cool_down_ms),
            max_accuracy_m: config.max_accuracy_m,
            max_uncertainty_m: values::small(config.max_uncertainty_m),
            max_alerts_per_fix: i32::try_from(config.max_alerts_per_fix).unwrap_or(i32::MAX),
            fallback_zone: config.fallback_zone,
        }
    }
}

impl TryFrom<ProximityConfig> for engine::proximity::ProximityConfig {
    type Error = FieldfareError;

    fn try_from(config: ProximityConfig) -> FfiResult<Self> {
        let ms = |duration: std::time::Duration| {
            i64::try_from(duration.as_millis())
                .map_err(|_| FieldfareError::invalid("a time is out of range"))
        };
        Ok(Self {
            default_radius_m: values::fit("the default radius", config.default_radius_m)?,
            max_radius_m: values::fit("the largest radius", config.max_radius_m)?,
            min_score: values::fit("the score", config.min_score)?,
            dwell_ms: ms(config.dwell)?,
            exit_factor: config.exit_factor,
            cool_down_ms: ms(config.cool_down)?,
            max_accuracy_m: config.max_accuracy_m,
            max_uncertainty_m: values::fit("the uncertainty", config.max_uncertainty_m)?,
            max_alerts_per_fix: values::fit("the number of alerts", config.max_alerts_per_fix)?,
            fallback_zone: config.fallback_zone,
            ..Self::default()
        })
    }
}

/// What an engine needs to know before it opens.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct EngineConfig {
    /// Folder of the phone's files, private to the app and excluded from backups. Made if missing.
    pub dir: String,
    /// Address of the server, for example `https://sync.example.com`.
    pub server_url: String,
    /// Whether plain http to a loopback address is allowed. For tests on one machine.
    #[uniffi(default = false)]
    pub allow_insecure_loopback: bool,
    /// Whether notes, names and addresses are indexed for search. Costs about as much disk again.
    #[uniffi(default = true)]
    pub full_text: bool,
    /// How many regions the platform watches for the app: 100 on Android, 20 on iOS.
    #[uniffi(default = 100)]
    pub fence_limit: i32,
    /// When the rep is told about a lead; the usual settings if not said.
    #[uniffi(default = None)]
    pub proximity: Option<ProximityConfig>,
    /// How soon after setting off the platform wakes the app; none if it can not.
    #[uniffi(default = None)]
    pub motion_wake: Option<std::time::Duration>,
}

impl TryFrom<EngineConfig> for engine::EngineConfig {
    type Error = FieldfareError;

    fn try_from(config: EngineConfig) -> FfiResult<Self> {
        let usual = Self::new(config.dir, config.server_url);
        let wake = config
            .motion_wake
            .map(|wake| i64::try_from(wake.as_millis()));
        let wake = wake.transpose();
        Ok(Self {
            allow_insecure_loopback: config.allow_insecure_loopback,
            full_text: config.full_text,
            fence_limit: values::fit("the number of regions", config.fence_limit)?,
            proximity: match config.proximity {
                Some(proximity) => proximity.try_into()?,
                None => usual.proximity,
            },
            sampler: engine::sampler::SamplerConfig {
                motion_wake_ms: wake
                    .map_err(|_| FieldfareError::invalid("the wake time is out of range"))?,
                ..usual.sampler
            },
            dir: usual.dir,
            server_url: usual.server_url,
        })
    }
}
