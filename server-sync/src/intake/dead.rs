//! Work of the CRM side that failed for good.

use crate::hooks::{DeadLetter, DeadLetters};
use crate::hubspot::ObjectType;
use crate::intake::dirty::{self, Lane};
use crate::store::{StoreError, clock_now};
use fieldfare_model::TimestampMs;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

/// Dead letters of intake and write-back. Ids of intake are even, those of write-back odd.
#[derive(Debug, Clone, Copy, Default)]
pub struct CrmDeadLetters;

impl DeadLetters for CrmDeadLetters {
    fn list(&self, connection: &Connection, limit: usize) -> Result<Vec<DeadLetter>, StoreError> {
        let mut statement = connection.prepare_cached(
            "SELECT 2 * id, CASE WHEN body IS NULL THEN 'record' ELSE 'delivery' END, reason, at
             FROM crm_dead
             UNION ALL
             SELECT 2 * id + 1, 'write-back ' || kind, coalesce(reason, ''), due_at
             FROM crm_job WHERE state = 2
             ORDER BY 4 DESC LIMIT ?1",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let letters = statement.query_map([limit], |r| {
            Ok(DeadLetter {
                id: r.get(0)?,
                kind: r.get(1)?,
                reason: r.get(2)?,
                at: TimestampMs(r.get(3)?),
            })
        })?;
        Ok(letters.collect::<Result<_, _>>()?)
    }

    fn replay(&self, tx: &Transaction<'_>, id: Option<i64>) -> Result<usize, StoreError> {
        let now = clock_now();
        match id {
            Some(id) if id % 2 == 0 => Ok(usize::from(revive(tx, id / 2, now)?)),
            Some(id) => retry_jobs(tx, Some(id / 2), now),
            None => {
                let ids = ids(tx)?;
                for id in &ids {
                    revive(tx, *id, now)?;
                }
                Ok(ids.len() + retry_jobs(tx, None, now)?)
            }
        }
    }
}

fn ids(tx: &Transaction<'_>) -> Result<Vec<i64>, StoreError> {
    let mut statement = tx.prepare_cached("SELECT id FROM crm_dead ORDER BY id")?;
    Ok(statement
        .query_map([], |r| r.get(0))?
        .collect::<Result<_, _>>()?)
}

fn revive(tx: &Transaction<'_>, id: i64, now: TimestampMs) -> Result<bool, StoreError> {
    type Letter = (String, Option<String>, Option<i64>, Option<Vec<u8>>);
    let letter: Option<Letter> = tx
        .prepare_cached(
            "DELETE FROM crm_dead WHERE id = ?1 RETURNING connection, kind, object, body",
        )?
        .query_row([id], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))
        .optional()?;
    let Some((connection, kind, object, body)) = letter else {
        return Ok(false);
    };
    if let Some(body) = body {
        let sql = "INSERT INTO crm_delivery (connection, received_at, body) VALUES (?1, ?2, ?3)";
        tx.execute(sql, params![connection, now.0, body])?;
    } else if let (Some(kind), Some(object)) =
        (kind.as_deref().and_then(ObjectType::from_path), object)
    {
        dirty::mark(
            tx,
            &connection,
            kind,
            object.unsigned_abs(),
            Lane::Live,
            now,
        )?;
    }
    Ok(true)
}

fn retry_jobs(
    tx: &Transaction<'_>,
    id: Option<i64>,
    now: TimestampMs,
) -> Result<usize, StoreError> {
    let sql = "UPDATE crm_job SET state = 0, attempts = 0, due_at = ?2
               WHERE state = 2 AND (?1 IS NULL OR id = ?1)";
    Ok(tx.execute(sql, params![id, now.0])?)
}
