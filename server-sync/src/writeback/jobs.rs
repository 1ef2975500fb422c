//! The outbox towards the CRM.

use crate::hubspot::ObjectType;
use crate::intake::dirty::{self, Lane, backoff_ms};
use crate::store::StoreError;
use fieldfare_model::{LeadId, Tag, TimestampMs};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Longest wait before a job is tried again.
const MAX_WAIT_MS: i64 = 3_600_000;

/// HubSpot's search finds a new record only after some moments.
const INDEX_LAG_MS: i64 = 10_000;

/// Why a job is held whose lead is gone.
const LEAD_GONE: &str = "the lead's record is deleted in the CRM";

/// What a job tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobKind {
    /// New values of properties.
    Update,
    /// A lead made on a phone.
    Create,
    /// A follow-up.
    Task,
    /// What came of a visit.
    Note,
}

impl JobKind {
    const ALL: [Self; 4] = [Self::Update, Self::Create, Self::Task, Self::Note];

    /// Name in storage and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Update => "update",
            Self::Create => "create",
            Self::Task => "task",
            Self::Note => "note",
        }
    }
}

/// What is to be told. Property names and values.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Payload {
    /// Properties to write.
    pub properties: Vec<(String, String)>,
    /// The lead's columns they come from, which the CRM does not overwrite meanwhile.
    #[serde(default)]
    pub columns: Vec<Tag>,
}

/// A queued job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its row.
    pub id: i64,
    /// What makes it the same job when it is queued twice, and the mark on what it makes.
    pub idem: String,
    /// What it tells.
    pub kind: JobKind,
    /// About which lead.
    pub lead: LeadId,
    /// What is told.
    pub payload: Payload,
    /// How often it failed.
    pub attempts: u32,
    /// Whether an earlier sending may have reached the CRM.
    pub maybe_sent: bool,
}

/// Queues a job once.
///
/// # Errors
/// [`StoreError`].
pub fn queue(
    tx: &Transaction<'_>,
    connection: &str,
    kind: JobKind,
    idem: &str,
    lead: LeadId,
    payload: &Payload,
    now: TimestampMs,
) -> Result<(), StoreError> {
    let payload = serde_json::to_string(payload).map_err(|_| StoreError::Damaged("job"))?;
    tx.prepare_cached(
        "INSERT OR IGNORE INTO crm_job
             (idem, connection, kind, lead, payload, state, attempts, maybe_sent, due_at)
         VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, 0, ?6)",
    )?
    .execute(params![
        idem,
        connection,
        kind.name(),
        lead.as_bytes(),
        payload,
        now.0
    ])?;
    Ok(())
}

/// Columns of a lead that the CRM has not been told of yet.
///
/// # Errors
/// [`StoreError`].
pub fn waiting_columns(c: &Connection, lead: LeadId) -> Result<Vec<Tag>, StoreError> {
    let sql = "SELECT payload FROM crm_job WHERE lead = ?1 AND kind = 'update' AND state < 2";
    let mut statement = c.prepare_cached(sql)?;
    let mut rows = statement.query([lead.as_bytes()])?;
    let mut columns = Vec::new();
    while let Some(row) = rows.next()? {
        columns.extend(read_payload(&row.get::<_, String>(0)?)?.columns);
    }
    Ok(columns)
}

/// Jobs due, in the order in which they were queued. An edit does not go before an older one of
/// its lead that was put off, which would be written over it.
///
/// # Errors
/// [`StoreError`].
pub fn due(
    c: &Connection,
    connection: &str,
    updates: bool,
    now: TimestampMs,
    limit: usize,
) -> Result<Vec<Job>, StoreError> {
    let mut statement = c.prepare_cached(
        "SELECT id, idem, kind, lead, payload, attempts, maybe_sent FROM crm_job
         WHERE connection = ?1 AND state = 0 AND due_at <= ?2 AND (kind = 'update') = ?3
             AND NOT EXISTS (SELECT 1 FROM crm_job AS older
                 WHERE ?3 AND older.lead = crm_job.lead AND older.state = 0
                     AND older.kind = 'update' AND older.id < crm_job.id AND older.due_at > ?2)
         ORDER BY id LIMIT ?4",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![connection, now.0, updates, limit])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        out.push(read_job(row)?);
    }
    Ok(out)
}

fn read_job(row: &Row<'_>) -> Result<Job, StoreError> {
    let kind: String = row.get(2)?;
    let kind = JobKind::ALL.into_iter().find(|k| k.name() == kind);
    Ok(Job {
        id: row.get(0)?,
        idem: row.get(1)?,
        kind: kind.ok_or(StoreError::Damaged("job"))?,
        lead: LeadId::from_bytes(row.get(3)?),
        payload: read_payload(&row.get::<_, String>(4)?)?,
        attempts: row.get(5)?,
        maybe_sent: row.get(6)?,
    })
}

fn read_payload(text: &str) -> Result<Payload, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Damaged("job"))
}

/// Notes that a job is being sent.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn begin(tx: &Transaction<'_>, job: &Job) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE crm_job SET state = 1 WHERE id = ?1")?
        .execute([job.id])?;
    Ok(())
}

/// Whether any job is noted as being sent.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn is_any_begun(c: &Connection, connection: &str) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM crm_job WHERE connection = ?1 AND state = 1)";
    Ok(c.prepare_cached(sql)?
        .query_row([connection], |r| r.get(0))?)
}

/// Puts jobs that were claimed and not sent back into the queue, where they were.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn release(tx: &Transaction<'_>, connection: &str) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE crm_job SET state = 0 WHERE state = 1 AND connection = ?1")?
        .execute([connection])?;
    Ok(())
}

/// Puts jobs that were being sent, and of which nobody knows what became, back into the queue.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn recover(
    tx: &Transaction<'_>,
    connection: &str,
    now: TimestampMs,
) -> Result<usize, StoreError> {
    let sql = "UPDATE crm_job SET state = 0, maybe_sent = 1, due_at = ?1
               WHERE state = 1 AND connection = ?2";
    // A record made just before the stop may not be in the CRM's index yet.
    Ok(tx.execute(sql, params![now.plus(INDEX_LAG_MS).0, connection])?)
}

/// The CRM knows.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn done(tx: &Transaction<'_>, job: &Job) -> Result<(), StoreError> {
    metrics::counter!("fieldfare_writeback_total", "kind" => job.kind.name(), "outcome" => "done")
        .increment(1);
    tx.prepare_cached("DELETE FROM crm_job WHERE id = ?1")?
        .execute([job.id])?;
    Ok(())
}

/// The CRM refuses for good: the job stays as a dead letter, and the record is read again.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn refused(
    tx: &Transaction<'_>,
    connection: &str,
    job: &Job,
    object: Option<(ObjectType, u64)>,
    reason: &str,
    now: TimestampMs,
) -> Result<(), StoreError> {
    metrics::counter!("fieldfare_writeback_total", "kind" => job.kind.name(), "outcome" => "refused")
        .increment(1);
    tx.prepare_cached("UPDATE crm_job SET state = 2, reason = ?2, due_at = ?3 WHERE id = ?1")?
        .execute(params![job.id, reason, now.0])?;
    match object {
        Some((kind, object)) => dirty::mark(tx, connection, kind, object, Lane::Live, now),
        None => Ok(()),
    }
}

/// The CRM could not be told now.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn again(
    tx: &Transaction<'_>,
    job: &Job,
    wait: Duration,
    maybe_sent: bool,
    now: TimestampMs,
) -> Result<(), StoreError> {
    let lag = if maybe_sent { INDEX_LAG_MS } else { 0 };
    let asked = i64::try_from(wait.as_millis()).unwrap_or(MAX_WAIT_MS);
    let wait = backoff_ms(job.attempts + 1)
        .max(asked)
        .max(lag)
        .min(MAX_WAIT_MS);
    tx.prepare_cached(
        "UPDATE crm_job SET state = 0, attempts = attempts + 1, due_at = ?2,
             maybe_sent = max(maybe_sent, ?3) WHERE id = ?1",
    )?
    .execute(params![job.id, now.plus(wait).0, maybe_sent])?;
    Ok(())
}

/// Puts a job off that cannot be sent before another one; it did not fail.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn later(tx: &Transaction<'_>, job: &Job, at: TimestampMs) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE crm_job SET due_at = ?2 WHERE id = ?1")?
        .execute(params![job.id, at.0])?;
    Ok(())
}

/// Keeps what was to be told of a lead that is gone as dead letters; being made is no longer
/// wanted of it. Only [`wake`] and [`move_to`] make them due again, and an operator.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn hold(tx: &Transaction<'_>, lead: LeadId, now: TimestampMs) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM crm_job WHERE lead = ?1 AND kind = 'create'")?
        .execute([lead.as_bytes()])?;
    tx.prepare_cached(
        "UPDATE crm_job SET state = 2, reason = ?2, due_at = ?3 WHERE lead = ?1 AND state = 0",
    )?
    .execute(params![lead.as_bytes(), LEAD_GONE, now.0])?;
    Ok(())
}

/// Makes due again what was held while its lead was gone.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn wake(tx: &Transaction<'_>, lead: LeadId, now: TimestampMs) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE crm_job SET state = 0, attempts = 0, due_at = ?3, reason = NULL
         WHERE lead = ?1 AND state = 2 AND reason = ?2",
    )?
    .execute(params![lead.as_bytes(), LEAD_GONE, now.0])?;
    Ok(())
}

/// Lets what was to be told of one lead be told of another, of which it has become part. What was
/// refused is tried once more: the record may have been refused for being gone.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn move_to(
    tx: &Transaction<'_>,
    from: LeadId,
    to: LeadId,
    now: TimestampMs,
) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM crm_job WHERE lead = ?1 AND kind = 'create' AND state <> 1")?
        .execute([from.as_bytes()])?;
    tx.prepare_cached(
        "UPDATE crm_job SET lead = ?2,
             attempts = iif(state = 2, 0, attempts), due_at = iif(state = 2, ?3, due_at),
             reason = iif(state = 2, NULL, reason), state = iif(state = 2, 0, state)
         WHERE lead = ?1",
    )?
    .execute(params![from.as_bytes(), to.as_bytes(), now.0])?;
    Ok(())
}

/// Of which lead a job tells now; none when the job is gone.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn lead_of(c: &Connection, job: &Job) -> Result<Option<LeadId>, StoreError> {
    let lead = c
        .prepare_cached("SELECT lead FROM crm_job WHERE id = ?1")?
        .query_row([job.id], |r| Ok(LeadId::from_bytes(r.get(0)?)))
        .optional()?;
    Ok(lead)
}

/// Drops what was to be told of a lead, and every trace of it.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn forget(tx: &Transaction<'_>, lead: LeadId) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM crm_job WHERE lead = ?1")?
        .execute([lead.as_bytes()])?;
    Ok(())
}
