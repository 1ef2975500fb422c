use crate::feed::{assignments, consent, digests, gaps, index, operations, rows, rules, snapshot};
use crate::store::{StoreError, TenantHead};
use fieldfare_model::schema::{lead, rep as rep_columns, visit};
use fieldfare_model::{
    ClientId, Columns, Conflict, ConsentEvent, DeviceId, Entity, OperationId, Purpose, Row, RowId,
    TimestampMs, Value, Visit,
};
use fieldfare_sync::{
    DeviceContext, Digest, Epoch, FeedChange, KeptFrame, NumberGap, Operation, OperationResult,
    Permit, RowState, ScopeGrant, ScopeId, ScopeSums, ServerStore, StoredResult,
};
use rusqlite::Transaction;

/// What follows from a write made on a phone: write-back to the CRM, geocoding, territory.
pub trait Effects: Send + Sync {
    /// Called in the writing transaction, after the row is in the feed. What it does is undone
    /// with the operation if that is refused.
    ///
    /// # Errors
    /// Any error undoes the whole push, which the phone repeats later.
    fn after_write(
        &self,
        tx: &Transaction<'_>,
        device: &DeviceContext,
        operation: &Operation,
        before: &RowState,
        after: &Columns,
    ) -> Result<(), StoreError>;
}

/// Nothing follows.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoEffects;

impl Effects for NoEffects {
    fn after_write(
        &self,
        _: &Transaction<'_>,
        _: &DeviceContext,
        _: &Operation,
        _: &RowState,
        _: &Columns,
    ) -> Result<(), StoreError> {
        Ok(())
    }
}

/// A tenant's open transaction, as the protocol's server half sees it.
pub struct TenantStore<'a> {
    tx: &'a Transaction<'a>,
    effects: &'a dyn Effects,
    now: TimestampMs,
}

impl<'a> TenantStore<'a> {
    /// Works in this transaction, which the caller commits or rolls back.
    pub fn new(tx: &'a Transaction<'a>, effects: &'a dyn Effects, now: TimestampMs) -> Self {
        Self { tx, effects, now }
    }

    fn run(&self, sql: &str) -> Result<(), StoreError> {
        self.tx.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    fn write_lead(
        &self,
        device: &DeviceContext,
        id: RowId,
        before: &RowState,
        mut columns: Columns,
    ) -> Result<(u64, Columns), StoreError> {
        let is_new = matches!(before, RowState::Absent);
        if is_new && columns.get(lead::OWNER).is_null() {
            columns.set(lead::OWNER, self.crm_owner(device)?);
        }
        let maker = is_new.then_some(device.rep);
        let seq = rows::put_for(self.tx, Entity::LEAD, id, columns.clone(), maker, self.now)?;
        Ok((seq, columns))
    }

    fn crm_owner(&self, device: &DeviceContext) -> Result<Value, StoreError> {
        Ok(match rows::row(self.tx, Entity::REP, device.rep.row())? {
            RowState::Live(rep) => rep.columns.get(rep_columns::CRM_OWNER).clone(),
            RowState::Absent | RowState::Deleted => Value::Null,
        })
    }

    fn write_visit(
        &self,
        device: &DeviceContext,
        operation: &Operation,
        mut columns: Columns,
    ) -> Result<(u64, Columns), StoreError> {
        let id = operation.row;
        let visit = Visit::from_columns(id.into(), &columns)?;
        if !self.may_locate(device, operation.at)? {
            columns.set(visit::LAT_E7, Value::Null);
            columns.set(visit::LON_E7, Value::Null);
        }
        let seq = rows::put(self.tx, Entity::VISIT, id, columns.clone(), self.now)?;
        self.note_visit(&visit)?;
        Ok((seq, columns))
    }

    /// Whether a visit recorded at this moment may say where.
    fn may_locate(&self, device: &DeviceContext, at: TimestampMs) -> Result<bool, StoreError> {
        consent::is_active(
            self.tx,
            device.device,
            device.rep,
            Purpose::VisitCheckIn,
            at,
        )
    }

    /// The visited lead shows when it was last visited.
    fn note_visit(&self, visit: &Visit) -> Result<(), StoreError> {
        let RowState::Live(mut row) = rows::row(self.tx, Entity::LEAD, visit.lead.row())? else {
            return Ok(());
        };
        let last = row.columns.get(lead::LAST_VISIT_AT).as_int();
        if last.is_none_or(|last| last < visit.started_at.0) {
            row.columns.set(lead::LAST_VISIT_AT, visit.started_at.0);
            rows::put(self.tx, Entity::LEAD, row.id, row.columns, self.now)?;
        }
        Ok(())
    }

    fn write_consent(
        &self,
        device: &DeviceContext,
        id: RowId,
        columns: Columns,
    ) -> Result<(u64, Columns), StoreError> {
        let event = ConsentEvent::from_columns(id.into(), &columns)?;
        consent::record(self.tx, device.device, &event)?;
        let seq = rows::put(self.tx, Entity::CONSENT, id, columns.clone(), self.now)?;
        Ok((seq, columns))
    }
}

impl ServerStore for TenantStore<'_> {
    type Error = StoreError;

    fn epoch(&self) -> Result<Epoch, StoreError> {
        Ok(TenantHead::read(self.tx)?.epoch)
    }

    fn head(&self) -> Result<u64, StoreError> {
        Ok(TenantHead::read(self.tx)?.head)
    }

    fn floor(&self) -> Result<u64, StoreError> {
        Ok(TenantHead::read(self.tx)?.floor)
    }

    fn grants(&self, device: &DeviceContext) -> Result<Vec<ScopeGrant>, StoreError> {
        assignments::grants_of(self.tx, device.rep)
    }

    fn feed(
        &self,
        scope: &ScopeId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<FeedChange>, StoreError> {
        index::changes(self.tx, scope, after, limit)
    }

    fn snapshot_frame(&self, scope: &ScopeId, from: u64) -> Result<Option<KeptFrame>, StoreError> {
        snapshot::frame(self.tx, scope, from)
    }

    fn next_snapshot_frame(&self, scope: &ScopeId, after: u64) -> Result<Option<u64>, StoreError> {
        snapshot::next(self.tx, scope, after)
    }

    fn digest(&self, scope: &ScopeId) -> Result<Digest, StoreError> {
        digests::digest(self.tx, scope)
    }

    fn sums(&self, scope: &ScopeId) -> Result<ScopeSums, StoreError> {
        digests::sums(self.tx, scope)
    }

    fn bucket(&self, scope: &ScopeId, bucket: u8) -> Result<Vec<(Entity, Row)>, StoreError> {
        digests::bucket(self.tx, scope, bucket)
    }

    fn note_mismatches(&self, device: &DeviceContext, scopes: u32) {
        tracing::warn!(device = %device.device, scopes, "a phone repairs scopes that differ");
        metrics::counter!("fieldfare_digest_mismatches_total").increment(u64::from(scopes));
    }

    fn last_n(&self, client: ClientId) -> Result<u64, StoreError> {
        operations::last_n(self.tx, client)
    }

    fn owner(&self, client: ClientId) -> Result<Option<DeviceId>, StoreError> {
        operations::device_of(self.tx, client)
    }

    fn operation_at(&self, client: ClientId, n: u64) -> Result<Option<OperationId>, StoreError> {
        operations::operation_at(self.tx, client, n)
    }

    fn result(&self, operation: OperationId) -> Result<Option<StoredResult>, StoreError> {
        operations::result(self.tx, operation)
    }

    fn row(&self, entity: Entity, id: RowId) -> Result<RowState, StoreError> {
        rows::row(self.tx, entity, id)
    }

    fn is_visible(
        &self,
        device: &DeviceContext,
        entity: Entity,
        id: RowId,
    ) -> Result<bool, StoreError> {
        index::is_present_in_any(self.tx, &self.grants(device)?, entity, id)
    }

    fn permit(
        &self,
        device: &DeviceContext,
        operation: &Operation,
        before: &RowState,
    ) -> Result<Permit, StoreError> {
        rules::permit(self.tx, device, operation, before)
    }

    fn begin_part(&mut self) -> Result<(), StoreError> {
        self.run("SAVEPOINT part")
    }

    fn keep_part(&mut self) -> Result<(), StoreError> {
        self.run("RELEASE part")
    }

    fn undo_part(&mut self) -> Result<(), StoreError> {
        self.run("ROLLBACK TO part")?;
        self.run("RELEASE part")
    }

    fn write(
        &mut self,
        device: &DeviceContext,
        operation: &Operation,
        columns: Columns,
    ) -> Result<u64, StoreError> {
        let (entity, id) = (operation.entity, operation.row);
        let before = rows::row(self.tx, entity, id)?;
        let (seq, after) = match entity {
            Entity::LEAD => self.write_lead(device, id, &before, columns)?,
            Entity::VISIT => self.write_visit(device, operation, columns)?,
            Entity::CONSENT => self.write_consent(device, id, columns)?,
            _ => {
                return Err(StoreError::Caller(
                    "phones may not write this entity".to_owned(),
                ));
            }
        };
        self.effects
            .after_write(self.tx, device, operation, &before, &after)?;
        Ok(seq)
    }

    fn write_conflict(
        &mut self,
        device: &DeviceContext,
        conflict: &Conflict,
    ) -> Result<(), StoreError> {
        let (id, columns) = (conflict.id.row(), conflict.to_columns());
        rows::put_for(
            self.tx,
            Entity::CONFLICT,
            id,
            columns,
            Some(device.rep),
            self.now,
        )?;
        Ok(())
    }

    fn save_result(
        &mut self,
        device: &DeviceContext,
        client: ClientId,
        result: &OperationResult,
    ) -> Result<(), StoreError> {
        operations::save(self.tx, device.device, client, result, self.now)
    }

    fn save_gap(&mut self, device: &DeviceContext, gap: &NumberGap) -> Result<(), StoreError> {
        gaps::save(self.tx, device.device, gap, self.now)
    }
}
