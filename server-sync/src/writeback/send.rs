//! Sending what waits.

use crate::crm::Connection;
use crate::feed;
use crate::hubspot::client::{CrmError, MAX_BATCH, Refusal, Update};
use crate::hubspot::normalise::properties_of;
use crate::hubspot::{HubspotClient, ObjectType};
use crate::intake::merge;
use crate::store::{StoreError, Tenant};
use crate::writeback::jobs::{self, Job, JobKind};
use crate::writeback::{echo, visit};
use fieldfare_model::schema::lead;
use fieldfare_model::{Columns, Entity, LeadKind, TimestampMs};
use fieldfare_sync::RowState;
use rusqlite::Transaction;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long a job waits for its lead to be made in the CRM before it is looked at again.
const CREATE_WAIT_MS: i64 = 1_000;

/// Sends one connection's jobs. One task does this, so jobs of a lead go in order.
#[derive(Clone)]
pub struct Sender {
    /// Where jobs wait.
    pub store: Arc<Tenant>,
    /// The account.
    pub connection: Arc<Connection>,
}

/// Where a lead is in the CRM, as far as it is known.
enum Place {
    /// There.
    At(ObjectType, String),
    /// Not there yet.
    Nowhere(Columns),
    /// The lead is gone.
    Gone,
}

/// A record's jobs, to be told in one update.
struct Told {
    kind: ObjectType,
    object: u64,
    update: Update,
    jobs: Vec<Job>,
}

impl Sender {
    /// Sends what is due, a batch at most of each kind. Returns how many jobs were dealt with, and
    /// how long to leave the CRM alone.
    ///
    /// # Errors
    /// [`StoreError`]; what the CRM says is dealt with here.
    pub async fn step(&self, now: TimestampMs) -> Result<(usize, Duration), StoreError> {
        self.take_up(now).await?;
        let (singles, wait) = self.singles(now).await?;
        if !wait.is_zero() {
            return Ok((singles, wait));
        }
        let (updates, wait) = self.updates(now).await?;
        Ok((singles + updates, wait))
    }

    /// Puts back what an earlier step began and whose end it could not note. Nobody else sends, so
    /// nothing of it is under way.
    async fn take_up(&self, now: TimestampMs) -> Result<(), StoreError> {
        let name = self.connection.name.clone();
        if self
            .store
            .read_async(move |c| jobs::is_any_begun(c, &name))
            .await?
        {
            let name = self.connection.name.clone();
            self.store
                .write_async(move |tx| jobs::recover(tx, &name, now).map(drop))
                .await?;
        }
        Ok(())
    }

    async fn singles(&self, now: TimestampMs) -> Result<(usize, Duration), StoreError> {
        let mut sent = 0;
        for job in self.due(false, now).await? {
            let wait = self.single(&job, now).await?;
            sent += 1;
            if !wait.is_zero() {
                return Ok((sent, wait));
            }
        }
        Ok((sent, Duration::ZERO))
    }

    async fn due(&self, updates: bool, now: TimestampMs) -> Result<Vec<Job>, StoreError> {
        let name = self.connection.name.clone();
        self.store
            .read_async(move |c| jobs::due(c, &name, updates, now, MAX_BATCH))
            .await
    }

    async fn single(&self, job: &Job, now: TimestampMs) -> Result<Duration, StoreError> {
        let claimed = job.clone();
        let place = self
            .store
            .write_async(move |tx| claim(tx, &claimed, now))
            .await?;
        let (path, properties, associations) = match (place, job.kind) {
            (Place::Nowhere(columns), JobKind::Create) => {
                let (path, properties) = self.new_record(&columns);
                (path, properties, serde_json::json!([]))
            }
            (Place::At(kind, object), JobKind::Task | JobKind::Note) => {
                let path = if job.kind == JobKind::Task {
                    "tasks"
                } else {
                    "notes"
                };
                let links = visit::associations(job.kind, kind, &object);
                (path, job.payload.properties.clone(), links)
            }
            // Made already, gone, or put off.
            _ => return Ok(Duration::ZERO),
        };
        let made = self.make(job, path, properties, associations).await;
        self.settle_single(job, made, now).await
    }

    /// Makes a record, unless an earlier try already did. One that cannot carry our mark is made
    /// without: a lost answer then may double it, which is better than that it is never told.
    async fn make(
        &self,
        job: &Job,
        path: &str,
        properties: Vec<(String, String)>,
        associations: serde_json::Value,
    ) -> Result<String, CrmError> {
        let client: &HubspotClient = &self.connection.client;
        let (marks, mark) = (&self.connection.marks, self.mark());
        if mark.is_empty() || !marks.ensure(client, path, mark).await? {
            return self.make_unmarked(path, &properties, associations).await;
        }
        if job.maybe_sent
            && let Some(id) = client.find(path, mark, &job.idem).await?
        {
            return Ok(id);
        }
        let mut marked = properties.clone();
        marked.push((mark.to_owned(), job.idem.clone()));
        match client.create(path, &marked, associations.clone()).await {
            Err(error) if error.is_unknown_property(mark) => {
                marks.doubt(path);
                self.make_unmarked(path, &properties, associations).await
            }
            made => made,
        }
    }

    async fn make_unmarked(
        &self,
        path: &str,
        properties: &[(String, String)],
        associations: serde_json::Value,
    ) -> Result<String, CrmError> {
        metrics::counter!("fieldfare_writeback_unmarked_total", "kind" => path.to_owned())
            .increment(1);
        let client = &self.connection.client;
        client.create(path, properties, associations).await
    }

    fn mark(&self) -> &str {
        &self.connection.options.marker_property
    }

    fn new_record(&self, columns: &Columns) -> (&'static str, Vec<(String, String)>) {
        let kind = record_kind(columns);
        let options = &self.connection.options;
        let properties = lead::COLUMNS
            .iter()
            .flat_map(|c| properties_of(kind, c.tag, columns, options))
            .filter(|(_, value)| !value.is_empty());
        (kind.path(), properties.collect())
    }

    async fn settle_single(
        &self,
        job: &Job,
        made: Result<String, CrmError>,
        now: TimestampMs,
    ) -> Result<Duration, StoreError> {
        let (job, name) = (job.clone(), self.connection.name.clone());
        let wait = made
            .as_ref()
            .err()
            .filter(|e| e.is_temporary())
            .map(CrmError::wait);
        self.store
            .write_async(move |tx| match made {
                Ok(object) => {
                    if job.kind == JobKind::Create {
                        keep_crm_id(tx, &name, &job, &object, now)?;
                    }
                    jobs::done(tx, &job)
                }
                Err(error) if error.is_temporary() => {
                    jobs::again(tx, &job, error.wait(), error.is_ambiguous(), now)
                }
                Err(_) if jobs::lead_of(tx, &job)?.is_some_and(|lead| lead != job.lead) => {
                    jobs::again(tx, &job, Duration::ZERO, false, now)
                }
                Err(error) => jobs::refused(tx, &name, &job, None, &error.to_string(), now),
            })
            .await?;
        Ok(wait.unwrap_or_default())
    }

    async fn updates(&self, now: TimestampMs) -> Result<(usize, Duration), StoreError> {
        let due = self.due(true, now).await?;
        let count = due.len();
        let name = self.connection.name.clone();
        let told = self
            .store
            .write_async(move |tx| claim_updates(tx, &name, due, now))
            .await?;
        for kind in [ObjectType::Companies, ObjectType::Contacts] {
            let batch: Vec<&Told> = told.iter().filter(|t| t.kind == kind).collect();
            let wait = self.update(kind, &batch, now).await?;
            if !wait.is_zero() {
                self.release().await?;
                return Ok((count, wait));
            }
        }
        Ok((count, Duration::ZERO))
    }

    async fn update(
        &self,
        kind: ObjectType,
        batch: &[&Told],
        now: TimestampMs,
    ) -> Result<Duration, StoreError> {
        if batch.is_empty() {
            return Ok(Duration::ZERO);
        }
        let updates: Vec<Update> = batch.iter().map(|t| t.update.clone()).collect();
        match self.connection.client.batch_update(kind, &updates).await {
            Ok(refusals) => self.settle_updates(batch, &refusals, now).await,
            Err(CrmError::Refused { .. }) if batch.len() > 1 => self.one_by_one(batch, now).await,
            Err(error) => self.put_off(batch, &error, now).await,
        }
    }

    /// One bad value makes HubSpot refuse a whole batch: find whose.
    async fn one_by_one(&self, batch: &[&Told], now: TimestampMs) -> Result<Duration, StoreError> {
        for told in batch {
            let one = std::slice::from_ref(&told.update);
            let wait = match self.connection.client.batch_update(told.kind, one).await {
                Ok(refusals) => self.settle_updates(&[told], &refusals, now).await?,
                Err(error) => self.put_off(&[told], &error, now).await?,
            };
            if !wait.is_zero() {
                return Ok(wait);
            }
        }
        Ok(Duration::ZERO)
    }

    async fn settle_updates(
        &self,
        batch: &[&Told],
        refusals: &[Refusal],
        now: TimestampMs,
    ) -> Result<Duration, StoreError> {
        let reason_for = |t: &Told| {
            let about = |r: &&Refusal| r.id.as_ref().is_none_or(|id| *id == t.update.id);
            refusals.iter().find(about).map(|r| r.reason.clone())
        };
        let verdicts: Vec<_> = batch
            .iter()
            .map(|t| (t.jobs.clone(), (t.kind, t.object), reason_for(t)))
            .collect();
        let name = self.connection.name.clone();
        self.store
            .write_async(move |tx| {
                for (list, object, reason) in &verdicts {
                    for job in list {
                        match reason {
                            None => jobs::done(tx, job)?,
                            Some(why) => jobs::refused(tx, &name, job, Some(*object), why, now)?,
                        }
                    }
                }
                Ok(())
            })
            .await?;
        Ok(Duration::ZERO)
    }

    async fn put_off(
        &self,
        batch: &[&Told],
        error: &CrmError,
        now: TimestampMs,
    ) -> Result<Duration, StoreError> {
        if !error.is_temporary() {
            let refusal = Refusal {
                id: None,
                reason: error.to_string(),
            };
            return self.settle_updates(batch, &[refusal], now).await;
        }
        let list: Vec<Job> = batch.iter().flat_map(|t| t.jobs.clone()).collect();
        let (wait, ambiguous) = (error.wait(), error.is_ambiguous());
        self.store
            .write_async(move |tx| {
                list.iter()
                    .try_for_each(|job| jobs::again(tx, job, wait, ambiguous, now))
            })
            .await?;
        Ok(wait.max(Duration::from_millis(200)))
    }

    /// Puts what was claimed and not sent back.
    async fn release(&self) -> Result<(), StoreError> {
        let name = self.connection.name.clone();
        self.store
            .write_async(move |tx| jobs::release(tx, &name))
            .await
    }
}

/// Notes that a single job is being sent, unless it cannot or need not be.
fn claim(tx: &Transaction<'_>, job: &Job, now: TimestampMs) -> Result<Place, StoreError> {
    let place = place_of(tx, job)?;
    match (&place, job.kind) {
        (Place::Gone, _) => jobs::hold(tx, job.lead, now)?,
        (Place::At(..), JobKind::Create) => jobs::done(tx, job)?,
        (Place::Nowhere(_), JobKind::Create) | (Place::At(..), _) => jobs::begin(tx, job)?,
        (Place::Nowhere(_), _) => jobs::later(tx, job, now.plus(CREATE_WAIT_MS))?,
    }
    Ok(place)
}

/// Joins the jobs of each lead, later values over earlier ones, and remembers what will come back.
fn claim_updates(
    tx: &Transaction<'_>,
    connection: &str,
    due: Vec<Job>,
    now: TimestampMs,
) -> Result<Vec<Told>, StoreError> {
    let mut told: BTreeMap<(ObjectType, u64), Told> = BTreeMap::new();
    for job in due {
        match place_of(tx, &job)? {
            Place::Gone => jobs::hold(tx, job.lead, now)?,
            Place::Nowhere(_) => jobs::later(tx, &job, now.plus(CREATE_WAIT_MS))?,
            Place::At(kind, id) => {
                jobs::begin(tx, &job)?;
                let object: u64 = id.parse().unwrap_or(0);
                let update = Update {
                    id,
                    properties: Vec::new(),
                };
                let entry = told.entry((kind, object)).or_insert_with(|| Told {
                    kind,
                    object,
                    update,
                    jobs: Vec::new(),
                });
                for (name, value) in &job.payload.properties {
                    entry.update.properties.retain(|(known, _)| known != name);
                    entry.update.properties.push((name.clone(), value.clone()));
                }
                entry.jobs.push(job);
            }
        }
    }
    for t in told.values() {
        echo::expect(tx, connection, t.kind, t.object, &t.update.properties, now)?;
    }
    Ok(told.into_values().collect())
}

fn place_of(tx: &Transaction<'_>, job: &Job) -> Result<Place, StoreError> {
    let RowState::Live(row) = feed::row(tx, Entity::LEAD, job.lead.row())? else {
        return Ok(Place::Gone);
    };
    Ok(match row.columns.get(lead::CRM_ID).as_text() {
        None => Place::Nowhere(row.columns),
        Some(crm_id) => {
            let (kind, object) = ObjectType::split_crm_id(crm_id);
            Place::At(kind, object.to_owned())
        }
    })
}

fn record_kind(columns: &Columns) -> ObjectType {
    let kind = columns
        .get(lead::KIND)
        .as_int()
        .and_then(LeadKind::from_code);
    ObjectType::of_kind(kind.unwrap_or(LeadKind::Lead))
}

/// Ties the lead to its new record, unless its webhook did so already. A record that another lead
/// has, because ours was merged into it before we knew its id, makes the two leads one.
fn keep_crm_id(
    tx: &Transaction<'_>,
    connection: &str,
    job: &Job,
    object: &str,
    now: TimestampMs,
) -> Result<(), StoreError> {
    let RowState::Live(row) = feed::row(tx, Entity::LEAD, job.lead.row())? else {
        return Ok(());
    };
    let mut columns = row.columns;
    if columns.get(lead::CRM_ID).is_null() {
        let kind = record_kind(&columns);
        let crm_id = kind.crm_id(object);
        if let Some((other, RowState::Live(_))) = feed::lead_by_crm(tx, connection, &crm_id)? {
            return merge::fold(tx, job.lead, other, now);
        }
        columns.set(lead::CRM_SOURCE, connection);
        columns.set(lead::CRM_ID, crm_id);
        columns.set(lead::KIND, kind.kind().code());
        feed::put(tx, Entity::LEAD, row.id, columns, now)?;
    }
    Ok(())
}
