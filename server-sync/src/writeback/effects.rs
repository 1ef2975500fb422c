use crate::crm::{Crm, TenantCrm};
use crate::feed::{self, Effects};
use crate::geocode::place;
use crate::hubspot::ObjectType;
use crate::hubspot::normalise::properties_of;
use crate::store::{StoreError, clock_now};
use crate::writeback::jobs::{self, JobKind, Payload};
use crate::writeback::visit;
use fieldfare_model::schema::{lead, rep as rep_columns};
use fieldfare_model::{
    Columns, Entity, LeadId, LeadKind, Tag, TenantId, TimestampMs, Visit, VisitId,
};
use fieldfare_sync::{Change, DeviceContext, Operation, RowState};
use rusqlite::Transaction;
use std::sync::Arc;

/// What follows from a phone's write: jobs for the CRM, and position and territory of leads.
pub struct PhoneEffects {
    crm: Arc<Crm>,
}

impl PhoneEffects {
    /// Effects over these CRMs.
    pub fn new(crm: Arc<Crm>) -> Self {
        Self { crm }
    }

    fn tenant(&self, tx: &Transaction<'_>) -> Result<Option<&Arc<TenantCrm>>, StoreError> {
        let sql = "SELECT id FROM tenant";
        let id = tx.prepare_cached(sql)?.query_row([], |r| r.get(0))?;
        Ok(self.crm.tenant(TenantId::from_bytes(id)))
    }
}

impl Effects for PhoneEffects {
    fn after_write(
        &self,
        tx: &Transaction<'_>,
        _device: &DeviceContext,
        operation: &Operation,
        before: &RowState,
        after: &Columns,
    ) -> Result<(), StoreError> {
        let Some(tenant) = self.tenant(tx)? else {
            return Ok(());
        };
        let step = Step {
            tx,
            crm: &self.crm,
            tenant,
            operation,
            now: clock_now(),
        };
        match operation.entity {
            Entity::LEAD => step.lead(before, after)?,
            Entity::VISIT => step.visit(after)?,
            _ => return Ok(()),
        }
        tenant.wake();
        Ok(())
    }
}

struct Step<'a> {
    tx: &'a Transaction<'a>,
    crm: &'a Crm,
    tenant: &'a TenantCrm,
    operation: &'a Operation,
    now: TimestampMs,
}

impl Step<'_> {
    fn lead(&self, before: &RowState, after: &Columns) -> Result<(), StoreError> {
        let id: LeadId = self.operation.row.into();
        let nothing = Columns::new();
        let stored = match before {
            RowState::Live(row) => &row.columns,
            RowState::Absent | RowState::Deleted => &nothing,
        };
        let mut columns = after.clone();
        let geocoder = &self.crm.geocoder;
        place::settle(
            self.tx,
            self.tenant,
            geocoder,
            id,
            stored,
            &mut columns,
            self.now,
        )?;
        if columns != *after {
            feed::put(self.tx, Entity::LEAD, id.row(), columns, self.now)?;
        }
        match &self.operation.change {
            Change::Create(_) => self.queue_create(id),
            Change::Edit(edits) => {
                let changed = edits.iter().map(|e| e.tag);
                let changed = changed.filter(|tag| stored.get(*tag) != after.get(*tag));
                self.queue_update(id, &changed.collect::<Vec<_>>(), after)
            }
        }
    }

    fn queue_create(&self, id: LeadId) -> Result<(), StoreError> {
        let Some(connection) = self.tenant.connections.first() else {
            return Ok(());
        };
        let payload = Payload::default();
        self.queue(&connection.name, JobKind::Create, id, &payload)
    }

    fn queue_update(&self, id: LeadId, tags: &[Tag], after: &Columns) -> Result<(), StoreError> {
        let Some((connection, kind)) = self.account_of(after) else {
            return Ok(());
        };
        let mut payload = Payload::default();
        for tag in tags {
            let properties = properties_of(kind, *tag, after, &connection.options);
            if !properties.is_empty() {
                payload.properties.extend(properties);
                payload.columns.push(*tag);
            }
        }
        if payload.properties.is_empty() {
            return Ok(());
        }
        self.queue(&connection.name, JobKind::Update, id, &payload)
    }

    fn visit(&self, after: &Columns) -> Result<(), StoreError> {
        let id: VisitId = self.operation.row.into();
        let visit = Visit::from_columns(id, after)?;
        let RowState::Live(lead_row) = feed::row(self.tx, Entity::LEAD, visit.lead.row())? else {
            return Ok(());
        };
        let Some((connection, _)) = self.account_of(&lead_row.columns) else {
            return Ok(());
        };
        let rep = feed::row(self.tx, Entity::REP, visit.rep.row())?;
        let owner = match &rep {
            RowState::Live(row) => row.columns.get(rep_columns::CRM_OWNER).as_text(),
            RowState::Absent | RowState::Deleted => None,
        };
        let name = lead_row
            .columns
            .get(lead::NAME)
            .as_text()
            .unwrap_or_default();
        let (kind, payload) = visit::plan(&visit, name, owner);
        self.queue(&connection.name, kind, visit.lead, &payload)
    }

    /// The account a lead is in, or will be made in.
    fn account_of(&self, columns: &Columns) -> Option<(&crate::crm::Connection, ObjectType)> {
        let connection = match columns.get(lead::CRM_SOURCE).as_text() {
            Some(source) => self.tenant.connection(source)?,
            None => self.tenant.connections.first()?,
        };
        let kind = columns
            .get(lead::KIND)
            .as_int()
            .and_then(LeadKind::from_code);
        Some((
            connection,
            ObjectType::of_kind(kind.unwrap_or(LeadKind::Lead)),
        ))
    }

    fn queue(
        &self,
        connection: &str,
        kind: JobKind,
        lead: LeadId,
        payload: &Payload,
    ) -> Result<(), StoreError> {
        // A new company carries the lead's own id, by which it is known when its webhook is
        // quicker than the answer.
        let idem = match kind {
            JobKind::Create => lead.to_string(),
            _ => self.operation.id.to_string(),
        };
        jobs::queue(self.tx, connection, kind, &idem, lead, payload, self.now)
    }
}
