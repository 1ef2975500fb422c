//! Fixes and what they lead to. Small records: this is the path that runs all day.

use crate::error::{FfiResult, FieldfareError};
use crate::leads::NearbyLead;
use crate::values::LatLng;
use fieldfare_engine as engine;
use fieldfare_engine::proximity::ProximityEvent as EngineEvent;
use fieldfare_engine::sampler::NextFix as EngineNextFix;
use fieldfare_model as model;
use fieldfare_model::{LeadId, TimestampMs as Timestamp};
use std::time::Duration;

/// One location reading from the phone's positioning system.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct Fix {
    /// Where.
    pub position: LatLng,
    /// When the reading was taken.
    pub at: Timestamp,
    /// Radius of 68 % confidence, metres.
    pub accuracy_m: f64,
    /// Ground speed in metres per second, where the platform gives it.
    #[uniffi(default = None)]
    pub speed_mps: Option<f64>,
}

impl TryFrom<Fix> for model::Fix {
    type Error = FieldfareError;

    fn try_from(fix: Fix) -> FfiResult<Self> {
        Ok(Self {
            position: fix.position.checked()?,
            at: fix.at,
            accuracy_m: fix.accuracy_m,
            speed_mps: fix.speed_mps,
        })
    }
}

/// What the platform says around a fix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, uniffi::Record)]
pub struct FixContext {
    /// Whether the phone saves battery.
    #[uniffi(default = false)]
    pub battery_saver: bool,
    /// Whether the fix was taken because the platform noticed motion.
    #[uniffi(default = false)]
    pub woken_by_motion: bool,
}

impl From<FixContext> for engine::FixContext {
    fn from(context: FixContext) -> Self {
        Self {
            battery_saver: context.battery_saver,
            woken_by_motion: context.woken_by_motion,
        }
    }
}

/// Something that happened between the rep and a lead.
#[derive(Debug, Clone, PartialEq, uniffi::Enum)]
pub enum ProximityEvent {
    /// The rep left a lead, or the lead is gone.
    Left {
        /// Which lead.
        lead: LeadId,
    },
    /// The rep came within a lead's radius. Says nothing of score, hours or status.
    Entered {
        /// Which lead.
        lead: LeadId,
        /// How far, metres.
        distance_m: f64,
    },
    /// The rep should be told of a lead.
    Alert {
        /// Which lead.
        lead: LeadId,
        /// How far, metres.
        distance_m: f64,
    },
}

impl From<EngineEvent> for ProximityEvent {
    fn from(event: EngineEvent) -> Self {
        match event {
            EngineEvent::Left { lead } => Self::Left { lead },
            EngineEvent::Entered { lead, distance_m } => Self::Entered { lead, distance_m },
            EngineEvent::Alert { lead, distance_m } => Self::Alert { lead, distance_m },
        }
    }
}

/// When to take the next fix.
#[derive(Debug, Clone, PartialEq, uniffi::Enum)]
pub enum NextFix {
    /// Take no fixes: nothing is allowed. Ask again when consent changes.
    Stop,
    /// Take a fix after a time.
    After {
        /// Counted from the fix just taken.
        delay: Duration,
        /// The accuracy to ask the platform for, metres.
        accuracy_m: f64,
    },
    /// Take a fix when the phone moves, or after a time if it does not.
    OnMotion {
        /// Counted from the fix just taken.
        at_latest: Duration,
        /// The accuracy to ask the platform for, metres.
        accuracy_m: f64,
    },
}

impl From<EngineNextFix> for NextFix {
    fn from(next: EngineNextFix) -> Self {
        let duration = |ms: i64| Duration::from_millis(u64::try_from(ms).unwrap_or(0));
        match next {
            EngineNextFix::Stop => Self::Stop,
            EngineNextFix::After { ms, accuracy_m } => Self::After {
                delay: duration(ms),
                accuracy_m,
            },
            EngineNextFix::OnMotion {
                at_latest_ms,
                accuracy_m,
            } => Self::OnMotion {
                at_latest: duration(at_latest_ms),
                accuracy_m,
            },
        }
    }
}

/// A region for the operating system to watch.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct FenceArea {
    /// Whose it is; none for the re-arm region.
    pub lead: Option<LeadId>,
    /// Its middle.
    pub center: LatLng,
    /// Its radius in metres.
    pub radius_m: f64,
}

/// The regions to watch now, in place of all before.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct Fences {
    /// Leads' circles, nearest edge first.
    pub areas: Vec<FenceArea>,
    /// The region around the place; when the phone leaves it, take a fix.
    pub rearm: FenceArea,
    /// Leads whose circles found no region though they can be reached before the next choice.
    pub exposed: Vec<LeadId>,
}

impl From<engine::Fences> for Fences {
    fn from(fences: engine::Fences) -> Self {
        Self {
            areas: fences.areas.into_iter().map(FenceArea::from).collect(),
            rearm: fences.rearm.into(),
            exposed: fences.exposed,
        }
    }
}

impl From<engine::FenceArea> for FenceArea {
    fn from(area: engine::FenceArea) -> Self {
        Self {
            lead: area.lead,
            center: area.center.into(),
            radius_m: area.radius_m,
        }
    }
}

/// What a fix led to.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct FixOutcome {
    /// Leads the rep should be told of now, the most worthy first.
    pub alerts: Vec<NearbyLead>,
    /// Leads left and entered, and the alerts again, in order.
    pub events: Vec<ProximityEvent>,
    /// When to take the next fix.
    pub next: NextFix,
    /// The regions to watch, if they are others than before.
    pub fences: Option<Fences>,
    /// Whether the position was stored to be sent.
    pub is_ping_stored: bool,
}

impl From<engine::FixOutcome> for FixOutcome {
    fn from(outcome: engine::FixOutcome) -> Self {
        Self {
            alerts: outcome.alerts.into_iter().map(NearbyLead::from).collect(),
            events: outcome
                .events
                .into_iter()
                .map(ProximityEvent::from)
                .collect(),
            next: outcome.next.into(),
            fences: outcome.fences.map(Fences::from),
            is_ping_stored: outcome.is_ping_stored,
        }
    }
}
