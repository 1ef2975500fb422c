//! What the server answered, and what happens when it forgot.

use super::client::{self, Client};
use super::gap;
use super::operation::{OperationState, encode};
use crate::StoreError;
use crate::cache::tables::keys;
use crate::error::In;
use crate::sql::{Key, key_at, signed, u64_at};
use fieldfare_model::{ClientId, TimestampMs};
use fieldfare_sync::{Epoch, OperationResult, Outcome, Reoffer};
use rusqlite::{OptionalExtension, Transaction, params};

/// Keeps results with their operations. Returns the rows that may look different now.
pub(crate) fn save(
    transaction: &Transaction<'_>,
    results: &[OperationResult],
    (epoch, head): (Option<Epoch>, u64),
    now: TimestampMs,
) -> Result<Vec<Key>, StoreError> {
    client::set_answered_epoch(transaction, epoch)?;
    let mut rows = Vec::new();
    for result in results {
        rows.extend(save_one(transaction, result, head, now)?);
    }
    Ok(rows)
}

/// An answer that came before changes nothing; one that is to be shown by a later head does not change
/// what is seen.
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
    let row = transaction
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
        .in_outbox()?;
    Ok(row.filter(|_| !is_overlaid))
}

/// An answered operation that can be offered again: its whole group is kept, and nothing of it was
/// put away.
const WHOLE: &str = "state IN (1, 2) AND (SELECT count(*) FROM operation AS other
    WHERE other.group_id = operation.group_id AND other.state <> 3) = group_size";

const AGAIN: &str = "state = 0, overlay = 1, version = NULL, outcome = NULL, acked_at = NULL";

/// Makes answered operations wait again: see `PhoneStore::reoffer`. Returns the rows concerned.
pub(crate) fn reoffer(
    transaction: &Transaction<'_>,
    which: Reoffer,
    fresh: ClientId,
) -> Result<Vec<Key>, StoreError> {
    let client = client::current(transaction)?;
    let (id, above) = (client.id.as_bytes(), signed(which.above));
    let again = format!("UPDATE operation SET {AGAIN} WHERE {WHOLE}");
    let rows = if which.is_new_history {
        keys(transaction, &format!("{again} RETURNING entity, row"), [])
    } else {
        let sql = format!("{again} AND client = ?1 AND n > ?2 RETURNING entity, row");
        keys(transaction, &sql, params![id, above])
    };
    let rows = rows.in_outbox()?;
    if which.is_new_history {
        transaction
            .execute("UPDATE operation SET base_version = 0 WHERE state = 0", [])
            .in_outbox()?;
        client::set_answered_epoch(transaction, None)?;
    }
    let kept = kept_numbers(transaction, client, which.above)?;
    let waiting = kept.iter().filter(|(_, waits)| *waits).map(|(n, _)| *n);
    let is_continuous = which.above < client.next_n && (which.above + 1..client.next_n).eq(waiting);
    if !is_continuous || which.is_new_history {
        for (from, to) in missing(&kept, which.above + 1, client.next_n) {
            gap::note(transaction, client.id, from, to)?;
        }
        client::begin(transaction, fresh)?;
    }
    Ok(rows)
}

/// The numbers above a number whose operations are kept, and whether they wait.
fn kept_numbers(
    transaction: &Transaction<'_>,
    client: Client,
    above: u64,
) -> Result<Vec<(u64, bool)>, StoreError> {
    transaction
        .prepare_cached(
            "SELECT n, state = 0 FROM operation WHERE client = ?1 AND n > ?2 ORDER BY n",
        )
        .and_then(|mut s| {
            s.query_map(params![client.id.as_bytes(), signed(above)], |row| {
                Ok((u64_at(row, 0)?, row.get(1)?))
            })?
            .collect()
        })
        .in_outbox()
}

/// The stretches of `from..end` that are not kept.
fn missing(kept: &[(u64, bool)], from: u64, end: u64) -> Vec<(u64, u64)> {
    let mut gaps = Vec::new();
    let mut next = from;
    for n in kept.iter().map(|(n, _)| *n).chain([end]) {
        if n > next {
            gaps.push((next, n - 1));
        }
        next = next.max(n + 1);
    }
    gaps
}

/// How long answered operations are kept, in case the server is restored from a backup.
const RETENTION_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// How many bytes of answered operations are kept at most.
const RETENTION_BYTES: i64 = 8 * 1024 * 1024;

/// Answered operations that nothing needs any more: not in the overlay, and of a group of which
/// nothing waits or is shown as refused. Groups go whole, as half of one could not be offered again.
const DONE: &str = "state IN (1, 3) AND overlay = 0
    AND group_id NOT IN (SELECT group_id FROM operation WHERE state IN (0, 2) OR overlay = 1)";

/// Drops answered operations beyond the retention. Returns how many.
pub(crate) fn purge(transaction: &Transaction<'_>, now: TimestampMs) -> Result<usize, StoreError> {
    let by_age = transaction
        .execute(
            &format!(
                "DELETE FROM operation WHERE {DONE} AND group_id NOT IN
                    (SELECT group_id FROM operation WHERE acked_at >= ?1)"
            ),
            [now.0.saturating_sub(RETENTION_MS)],
        )
        .in_outbox()?;
    let by_size = transaction
        .execute(
            &format!(
                "DELETE FROM operation WHERE seq IN (
                    SELECT seq FROM (
                        SELECT seq, sum(length(change)) OVER (ORDER BY first DESC) AS newer
                        FROM (SELECT seq, change, min(seq) OVER (PARTITION BY group_id) AS first
                              FROM operation WHERE {DONE}))
                    WHERE newer > ?1)"
            ),
            [RETENTION_BYTES],
        )
        .in_outbox()?;
    Ok(by_age + by_size)
}

#[cfg(test)]
mod tests {
    use super::missing;

    #[test]
    fn what_is_missing_is_told_as_stretches() {
        let kept = |numbers: &[u64]| numbers.iter().map(|n| (*n, true)).collect::<Vec<_>>();
        assert_eq!(missing(&kept(&[3, 4]), 3, 5), []);
        assert_eq!(missing(&kept(&[4, 7]), 3, 9), [(3, 3), (5, 6), (8, 8)]);
        assert_eq!(missing(&[], 3, 9), [(3, 8)]);
        assert_eq!(missing(&[], 9, 3), []);
    }
}
