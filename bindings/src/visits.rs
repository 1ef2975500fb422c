//! Visits as they cross to Kotlin and Swift.

use crate::error::{FfiResult, FieldfareError};
use crate::values::{LatLng, checked_position};
use fieldfare_engine as engine;
use fieldfare_model::{LeadId, LeadStatus, RepId, TimestampMs as Timestamp, VisitId, VisitOutcome};

/// A visit to be recorded.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct NewVisit {
    /// Who was visited.
    pub lead: LeadId,
    /// What came of it.
    pub outcome: VisitOutcome,
    /// Free text.
    #[uniffi(default = None)]
    pub note: Option<String>,
    /// Arrival; now if not said.
    #[uniffi(default = None)]
    pub started_at: Option<Timestamp>,
    /// Departure.
    #[uniffi(default = None)]
    pub ended_at: Option<Timestamp>,
    /// When to come again.
    #[uniffi(default = None)]
    pub follow_up_at: Option<Timestamp>,
    /// Where the rep is. Kept only under consent for check-ins, dropped silently without.
    #[uniffi(default = None)]
    pub position: Option<LatLng>,
    /// The lead's new status, changed together with the visit or not at all.
    #[uniffi(default = None)]
    pub status: Option<LeadStatus>,
}

impl TryFrom<NewVisit> for engine::NewVisit {
    type Error = FieldfareError;

    fn try_from(new: NewVisit) -> FfiResult<Self> {
        Ok(Self {
            lead: new.lead,
            outcome: new.outcome,
            note: new.note,
            started_at: new.started_at,
            ended_at: new.ended_at,
            follow_up_at: new.follow_up_at,
            position: checked_position(new.position)?,
            status: new.status,
        })
    }
}

/// A stay at a lead with an outcome. Never changed once recorded.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct Visit {
    /// The visit's id.
    pub id: VisitId,
    /// Who was visited.
    pub lead: LeadId,
    /// Who visited.
    pub rep: RepId,
    /// Arrival.
    pub started_at: Timestamp,
    /// Departure, where it is known.
    pub ended_at: Option<Timestamp>,
    /// What came of it.
    pub outcome: VisitOutcome,
    /// Free text.
    pub note: Option<String>,
    /// When to come again.
    pub follow_up_at: Option<Timestamp>,
    /// Where it was recorded; present only under consent for check-ins.
    pub position: Option<LatLng>,
    /// Whether it is not yet part of what the server said.
    pub is_pending: bool,
}

impl From<engine::VisitRecord> for Visit {
    fn from(record: engine::VisitRecord) -> Self {
        let visit = record.visit;
        Self {
            id: visit.id,
            lead: visit.lead,
            rep: visit.rep,
            started_at: visit.started_at,
            ended_at: visit.ended_at,
            outcome: visit.outcome,
            note: visit.note,
            follow_up_at: visit.follow_up_at,
            position: visit.position.map(LatLng::from),
            is_pending: record.is_pending,
        }
    }
}

pub(crate) fn visits_from(records: Vec<engine::VisitRecord>) -> Vec<Visit> {
    records.into_iter().map(Visit::from).collect()
}
