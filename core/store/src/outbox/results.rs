//! What the server answered, and what happens when it forgot.

use super::client;
use super::operation::{OperationState, encode};
use crate::StoreError;
use crate::cache::tables::keys;
use crate::error::In;
use crate::sql::{Key, key_at, signed};
use fieldfare_model::TimestampMs;
use fieldfare_sync::{OperationResult, Outcome};
use rusqlite::{OptionalExtension, Transaction, params};

/// Keeps results with their operations. Returns the rows concerned.
pub(crate) fn save(
    transaction: &Transaction<'_>,
    results: &[OperationResult],
    head: u64,
    now: TimestampMs,
) -> Result<Vec<Key>, StoreError> {
    let mut rows = Vec::new();
    for result in results {
        rows.extend(save_one(transaction, result, head, now)?);
    }
    Ok(rows)
}

/// An answer that came before changes nothing.
fn save_one(
    transaction: &Transaction<'_>,
    result: &OperationResult,
    head: u64,
    now: TimestampMs,
) -> Result<Option<Key>, StoreError> {
    let state = match result.outcome {
        Outcome::Rejected { .. } => OperationState::Refused,
        Outcome::Applied { .. } | Outcome::Merged { .. } => OperationState::Acknowledged,
    };
    let version = result.outcome.version();
    let is_overlaid = version.is_some_and(|version| version > head);
    transaction
        .prepare_cached(
            "UPDATE operation SET state = ?2, overlay = ?3, version = ?4, outcome = ?5,
                                  acked_at = ?6
             WHERE id = ?1 AND state = 0 RETURNING entity, row",
        )
        .and_then(|mut s| {
            s.query_row(
                params![
                    result.id.as_bytes(),
                    state.code(),
                    is_overlaid,
                    version.map(signed),
                    encode(&result.outcome).ok(),
                    now.0
                ],
                |row| key_at(row, 0),
            )
            .optional()
        })
        .in_outbox()
}

/// Makes answered operations above `last_n` wait again. Returns the rows concerned, and whether
/// every number above it is still kept.
pub(crate) fn reoffer(
    transaction: &Transaction<'_>,
    last_n: u64,
) -> Result<(Vec<Key>, bool), StoreError> {
    let client = client::current(transaction)?;
    let rows = keys(
        transaction,
        "UPDATE operation SET state = 0, overlay = 1, version = NULL, outcome = NULL,
                              acked_at = NULL
         WHERE client = ?1 AND n > ?2 AND state IN (1, 2) RETURNING entity, row",
        params![client.id.as_bytes(), signed(last_n)],
    )
    .in_outbox()?;
    let kept: i64 = transaction
        .query_row(
            "SELECT count(*) FROM operation WHERE client = ?1 AND n > ?2 AND state = 0",
            params![client.id.as_bytes(), signed(last_n)],
            |row| row.get(0),
        )
        .in_outbox()?;
    let given = signed(client.next_n.saturating_sub(1).saturating_sub(last_n));
    let is_continuous = kept == given && last_n < client.next_n;
    Ok((rows, is_continuous))
}

/// How long answered operations are kept, in case the server is restored from a backup.
const RETENTION_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// How many bytes of answered operations are kept at most.
const RETENTION_BYTES: i64 = 8 * 1024 * 1024;

/// Answered operations that nothing needs any more: not in the overlay, and no part of a group
/// that still waits.
const DONE: &str = "state IN (1, 3) AND overlay = 0
    AND group_id NOT IN (SELECT group_id FROM operation WHERE state = 0)";

/// Drops answered operations beyond the retention. Returns how many.
pub(crate) fn purge(transaction: &Transaction<'_>, now: TimestampMs) -> Result<usize, StoreError> {
    let by_age = transaction
        .execute(
            &format!("DELETE FROM operation WHERE {DONE} AND acked_at < ?1"),
            [now.0.saturating_sub(RETENTION_MS)],
        )
        .in_outbox()?;
    let by_size = transaction
        .execute(
            &format!(
                "DELETE FROM operation WHERE seq IN (
                    SELECT seq FROM (
                        SELECT seq, sum(length(change)) OVER (ORDER BY seq DESC) AS newer
                        FROM operation WHERE {DONE})
                    WHERE newer > ?1)"
            ),
            [RETENTION_BYTES],
        )
        .in_outbox()?;
    Ok(by_age + by_size)
}
