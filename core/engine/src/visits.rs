use crate::{Engine, EngineError, EngineResult, LeadEdit};
use fieldfare_model::{
    Entity, LatLng, LeadId, LeadStatus, OperationId, Purpose, TimestampMs, Visit, VisitId,
    VisitOutcome,
};
use fieldfare_store::{NewOperation, StoredRow};
use fieldfare_sync::Change;

/// A visit to be recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct NewVisit {
    /// Who was visited.
    pub lead: LeadId,
    /// What came of it.
    pub outcome: VisitOutcome,
    /// Free text.
    pub note: Option<String>,
    /// Arrival; now if not said.
    pub started_at: Option<TimestampMs>,
    /// Departure.
    pub ended_at: Option<TimestampMs>,
    /// When to come again.
    pub follow_up_at: Option<TimestampMs>,
    /// Where the rep is. Kept only under consent for check-ins, dropped silently without.
    pub position: Option<LatLng>,
    /// The lead's new status, changed together with the visit or not at all.
    pub status: Option<LeadStatus>,
}

impl NewVisit {
    /// A visit with nothing but an outcome, now.
    pub const fn new(lead: LeadId, outcome: VisitOutcome) -> Self {
        Self {
            lead,
            outcome,
            note: None,
            started_at: None,
            ended_at: None,
            follow_up_at: None,
            position: None,
            status: None,
        }
    }
}

/// A visit as the rep sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct VisitRecord {
    /// The visit.
    pub visit: Visit,
    /// Whether it is not yet part of what the server said.
    pub is_pending: bool,
}

impl Engine {
    /// Records a visit, with the lead's new status where it has one, as one unit that the server
    /// applies whole or not at all. Durable and visible when it returns.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for the lead, [`EngineError::Invalid`] for an end before the
    /// beginning or a status that may not follow, [`EngineError::NotEnrolled`], or as storage has
    /// it.
    pub fn record_visit(&self, new: NewVisit) -> EngineResult<VisitRecord> {
        let lead = self.store.lead(new.lead)?;
        let lead = lead.ok_or(EngineError::not_found("lead"))?;
        let status = new.status;
        // Held until the visit is stored: a withdrawal meanwhile waits for it.
        let mut consents = self.lock_consents();
        let now = self.sources.now();
        let may_keep_position = consents.check(Purpose::VisitCheckIn, now, now).is_ok();
        let visit = self.build_visit(new, may_keep_position)?;
        let mut operations = vec![self.visit_operation(&visit, &lead)?];
        if let Some(status) = status {
            operations.push(self.edit_operation(visit.lead, vec![LeadEdit::Status(status)])?);
        }
        let changes = self.store.record(&operations)?;
        drop(consents);
        self.changed_with(&changes, operations_changed())?;
        Ok(VisitRecord {
            visit,
            is_pending: true,
        })
    }

    fn build_visit(&self, new: NewVisit, may_keep_position: bool) -> EngineResult<Visit> {
        let started_at = new.started_at.unwrap_or(self.sources.now());
        if new.ended_at.is_some_and(|ended_at| ended_at < started_at) {
            return Err(EngineError::invalid("a visit cannot end before it begins"));
        }
        let note = new.note.map(|note| note.trim().to_owned());
        Ok(Visit {
            id: self.sources.id(VisitId::v7)?,
            lead: new.lead,
            rep: self.session.enrolment()?.rep,
            started_at,
            ended_at: new.ended_at,
            outcome: new.outcome,
            note: note.filter(|note| !note.is_empty()),
            follow_up_at: new.follow_up_at,
            position: new.position.filter(|_| may_keep_position),
        })
    }

    fn visit_operation(&self, visit: &Visit, lead: &StoredRow) -> EngineResult<NewOperation> {
        Ok(NewOperation {
            id: self.sources.id(OperationId::v7)?,
            entity: Entity::VISIT,
            row: visit.id.row(),
            base_version: 0,
            depends_on: self.creation_of(lead)?,
            at: self.sources.now(),
            change: Change::Create(visit.to_columns()),
        })
    }

    /// Visits to a lead, by anybody this phone knows of, latest first.
    ///
    /// # Errors
    /// As storage has it.
    pub fn visits(&self, lead: LeadId) -> EngineResult<Vec<VisitRecord>> {
        Ok(read_visits(
            self.store.records_of(Entity::VISIT, lead.row())?,
        ))
    }

    /// Every visit this phone knows of, latest first.
    ///
    /// # Errors
    /// As storage has it.
    pub fn all_visits(&self) -> EngineResult<Vec<VisitRecord>> {
        Ok(read_visits(self.store.records(Entity::VISIT)?))
    }
}

fn operations_changed() -> crate::ChangeNotice {
    crate::ChangeNotice {
        operations: true,
        ..crate::ChangeNotice::default()
    }
}

fn read_visits(rows: Vec<StoredRow>) -> Vec<VisitRecord> {
    let mut visits: Vec<VisitRecord> = rows
        .into_iter()
        .filter_map(|stored| {
            let visit = Visit::from_columns(stored.row.id.into(), &stored.row.columns).ok()?;
            Some(VisitRecord {
                visit,
                is_pending: stored.is_pending,
            })
        })
        .collect();
    visits.sort_by_key(|record| std::cmp::Reverse((record.visit.started_at, record.visit.id)));
    visits
}
