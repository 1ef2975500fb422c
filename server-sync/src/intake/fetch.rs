//! Reading marked records from the CRM and taking them in.

use crate::crm::{Connection, TenantCrm};
use crate::geocode::Geocoder;
use crate::hubspot::ObjectType;
use crate::hubspot::client::{CrmError, MAX_BATCH};
use crate::hubspot::normalise::properties;
use crate::hubspot::wire::Record;
use crate::intake::dirty::{self, Dirty, Lane};
use crate::intake::upsert::{Intake, Taken};
use crate::store::{StoreError, Tenant};
use fieldfare_model::TimestampMs;
use rusqlite::Transaction;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Why records could not be taken in now.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The CRM.
    #[error(transparent)]
    Crm(#[from] CrmError),
    /// Storage.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What one step works with.
#[derive(Clone)]
pub struct Fetcher {
    /// Where leads go.
    pub store: Arc<Tenant>,
    /// The tenant's part.
    pub tenant: Arc<TenantCrm>,
    /// The account.
    pub connection: Arc<Connection>,
    /// Finds positions.
    pub geocoder: Arc<Geocoder>,
}

impl Fetcher {
    /// Takes in one batch of the records due. Returns how many there were.
    ///
    /// One task does this for a connection, so a record is never worked on twice at a time. A
    /// failure of the CRM as a whole leaves everything marked and counts against no record.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn step(&self, kind: ObjectType, now: TimestampMs) -> Result<usize, FetchError> {
        let name = self.connection.name.clone();
        let limit = self.connection.options.batch.clamp(1, MAX_BATCH);
        let due = self
            .store
            .read_async(move |c| dirty::due(c, &name, kind, now, limit))
            .await?;
        if due.is_empty() {
            return Ok(0);
        }
        match self.read(kind, &due).await {
            Ok(records) => self.take_in(kind, due.clone(), records, now).await?,
            Err(CrmError::Refused { .. }) => self.one_by_one(kind, &due, now).await?,
            Err(error) => return Err(error.into()),
        }
        Ok(due.len())
    }

    /// One bad id makes HubSpot refuse a whole batch: find which.
    async fn one_by_one(
        &self,
        kind: ObjectType,
        due: &[Dirty],
        now: TimestampMs,
    ) -> Result<(), FetchError> {
        for dirty in due {
            match self.read(kind, std::slice::from_ref(dirty)).await {
                Ok(records) => self.take_in(kind, vec![*dirty], records, now).await?,
                Err(CrmError::Refused { reason, .. }) => {
                    self.fail(kind, *dirty, reason, now).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    async fn read(&self, kind: ObjectType, due: &[Dirty]) -> Result<Vec<Record>, CrmError> {
        let ids: Vec<String> = due.iter().map(|d| d.object.to_string()).collect();
        let wanted = properties(kind, &self.connection.options);
        self.connection.client.batch_read(kind, &ids, &wanted).await
    }

    async fn fail(
        &self,
        kind: ObjectType,
        failed: Dirty,
        reason: String,
        now: TimestampMs,
    ) -> Result<(), StoreError> {
        let name = self.connection.name.clone();
        self.store
            .write_async(move |tx| dirty::fail(tx, &name, kind, &failed, &reason, now))
            .await
    }

    async fn take_in(
        &self,
        kind: ObjectType,
        due: Vec<Dirty>,
        records: Vec<Record>,
        now: TimestampMs,
    ) -> Result<(), StoreError> {
        let this = self.clone();
        self.store
            .write_async(move |tx| this.apply(tx, kind, &due, records, now))
            .await
    }

    /// Records first, then what is gone: a lead whose record went into a new one is found under
    /// its old id and keeps its own.
    fn apply(
        &self,
        tx: &Transaction<'_>,
        kind: ObjectType,
        due: &[Dirty],
        records: Vec<Record>,
        now: TimestampMs,
    ) -> Result<(), StoreError> {
        let intake = Intake {
            tenant: &self.tenant,
            connection: &self.connection,
            geocoder: &self.geocoder,
            now,
        };
        let mut live: BTreeMap<u64, Record> = records
            .into_iter()
            .filter(|r| !r.archived)
            .filter_map(|r| Some((r.id.parse().ok()?, r)))
            .collect();
        let (found, gone): (Vec<_>, Vec<_>) = due
            .iter()
            .map(|d| (d, live.remove(&d.object)))
            .partition(|(_, r)| r.is_some());
        for (dirty, record) in found {
            if let Some(record) = record {
                self.put(tx, &intake, kind, dirty, &record)?;
            }
        }
        for (dirty, _) in gone {
            intake.remove(tx, kind, dirty.object)?;
            dirty::clear(tx, &self.connection.name, kind, dirty)?;
        }
        // Records under an id that was not asked for: what was asked for became them.
        for object in live.keys() {
            dirty::mark(tx, &self.connection.name, kind, *object, Lane::Live, now)?;
        }
        Ok(())
    }

    fn put(
        &self,
        tx: &Transaction<'_>,
        intake: &Intake<'_>,
        kind: ObjectType,
        dirty: &Dirty,
        record: &Record,
    ) -> Result<(), StoreError> {
        let name = &self.connection.name;
        tx.execute_batch("SAVEPOINT record")?;
        let taken = intake.put(tx, kind, record);
        if taken.is_err() {
            tx.execute_batch("ROLLBACK TO record")?;
        }
        tx.execute_batch("RELEASE record")?;
        match taken {
            Ok(taken) => {
                let outcome = if taken == Taken::Put { "put" } else { "older" };
                metrics::counter!("fieldfare_intake_records_total", "outcome" => outcome)
                    .increment(1);
                dirty::clear(tx, name, kind, dirty)
            }
            Err(error) if is_about_the_record(&error) => {
                dirty::fail(tx, name, kind, dirty, &error.to_string(), intake.now)
            }
            Err(error) => Err(error),
        }
    }
}

/// Whether trying the other records of the batch makes sense.
fn is_about_the_record(error: &StoreError) -> bool {
    match error {
        StoreError::Caller(_) | StoreError::Model(_) | StoreError::Damaged(_) => true,
        StoreError::Sql(e) => {
            e.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation)
        }
        _ => false,
    }
}
