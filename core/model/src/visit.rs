use crate::lead::codes;
use crate::schema::{self, visit};
use crate::{Columns, LatLng, LeadId, ModelError, RepId, TimestampMs, VisitId};
use serde::{Deserialize, Serialize};

codes! {
    /// What came of a visit.
    VisitOutcome {
        /// Spoke to somebody who decides.
        Met = 0,
        /// Nobody there.
        NoAnswer = 1,
        /// To be continued at an agreed time.
        FollowUp = 2,
        /// Ordered.
        Order = 3,
        /// Not interested.
        NotInterested = 4,
        /// The place is gone or wrong.
        Closed = 5,
    }
}

/// A stay at a lead with an outcome. Never changed once recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Visit {
    /// The visit's id.
    pub id: VisitId,
    /// Who was visited.
    pub lead: LeadId,
    /// Who visited.
    pub rep: RepId,
    /// Arrival.
    pub started_at: TimestampMs,
    /// Departure, where it is known.
    pub ended_at: Option<TimestampMs>,
    /// What came of it.
    pub outcome: VisitOutcome,
    /// Free text.
    pub note: Option<String>,
    /// When to come again.
    pub follow_up_at: Option<TimestampMs>,
    /// Where it was recorded; present only under consent for check-ins.
    pub position: Option<LatLng>,
}

impl Visit {
    /// The cells to store and send.
    pub fn to_columns(&self) -> Columns {
        let mut c = Columns::new();
        c.set(visit::LEAD, self.lead.as_bytes().to_vec());
        c.set(visit::REP, self.rep.as_bytes().to_vec());
        c.set(visit::STARTED_AT, self.started_at.0);
        c.set(visit::ENDED_AT, self.ended_at.map(|t| t.0));
        c.set(visit::OUTCOME, self.outcome.code());
        c.set(visit::NOTE, self.note.clone());
        c.set(visit::FOLLOW_UP_AT, self.follow_up_at.map(|t| t.0));
        c.set(visit::LAT_E7, self.position.map(LatLng::lat_e7));
        c.set(visit::LON_E7, self.position.map(LatLng::lon_e7));
        c
    }

    /// Reads a visit from its cells.
    ///
    /// # Errors
    /// [`ModelError`] naming the missing or wrong column.
    pub fn from_columns(id: VisitId, columns: &Columns) -> Result<Self, ModelError> {
        let r = schema::Reader::new("visit", columns);
        let lat = r.optional_int::<i64>(visit::LAT_E7, "lat_e7")?;
        let lon = r.optional_int::<i64>(visit::LON_E7, "lon_e7")?;
        Ok(Self {
            id,
            lead: LeadId::from_slice(r.bytes(visit::LEAD, "lead")?)?,
            rep: RepId::from_slice(r.bytes(visit::REP, "rep")?)?,
            started_at: TimestampMs(r.int(visit::STARTED_AT, "started_at")?),
            ended_at: r
                .optional_int(visit::ENDED_AT, "ended_at")?
                .map(TimestampMs),
            outcome: r.code(visit::OUTCOME, "outcome", VisitOutcome::from_code)?,
            note: r.optional_text(visit::NOTE, "note")?,
            follow_up_at: r
                .optional_int(visit::FOLLOW_UP_AT, "follow_up_at")?
                .map(TimestampMs),
            position: lat
                .zip(lon)
                .map(|(lat, lon)| LatLng::from_e7(lat, lon))
                .transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_and_visit_say_the_same() {
        let v = Visit {
            id: VisitId::from_bytes([1; 16]),
            lead: LeadId::from_bytes([2; 16]),
            rep: RepId::from_bytes([3; 16]),
            started_at: TimestampMs(5),
            ended_at: None,
            outcome: VisitOutcome::FollowUp,
            note: Some("comes back in May".into()),
            follow_up_at: Some(TimestampMs(99)),
            position: None,
        };
        assert_eq!(Visit::from_columns(v.id, &v.to_columns()), Ok(v));
    }
}
