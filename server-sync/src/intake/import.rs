//! The first load of a connection: every record of the CRM is marked, page by page.

use crate::hubspot::ObjectType;
use crate::intake::dirty::{self, Lane};
use crate::intake::fetch::{FetchError, Fetcher};
use crate::store::StoreError;
use fieldfare_model::TimestampMs;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

/// Where a first load stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The next page begins here.
    At(Option<String>),
    /// All of it is marked.
    Finished,
}

/// Where the first load stands.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn progress(c: &Connection, name: &str, kind: ObjectType) -> Result<Progress, StoreError> {
    let sql = "SELECT after, finished_at FROM crm_import WHERE connection = ?1 AND kind = ?2";
    let row: Option<(Option<String>, Option<i64>)> = c
        .prepare_cached(sql)?
        .query_row(params![name, kind.path()], |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()?;
    Ok(match row {
        None => Progress::At(None),
        Some((after, None)) => Progress::At(after),
        Some((_, Some(_))) => Progress::Finished,
    })
}

/// Begins the load again from the first page, to find what was missed.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn restart(tx: &Transaction<'_>, name: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM crm_import WHERE connection = ?1", [name])?;
    Ok(())
}

/// Marks the next page; the page and the place after it are kept together. Returns whether there
/// was one to mark.
///
/// # Errors
/// [`FetchError`].
pub async fn step(
    fetcher: &Fetcher,
    kind: ObjectType,
    now: TimestampMs,
) -> Result<bool, FetchError> {
    let name = fetcher.connection.name.clone();
    let at = fetcher
        .store
        .read_async(move |c| progress(c, &name, kind))
        .await?;
    let Progress::At(after) = at else {
        return Ok(false);
    };
    let (records, next) = fetcher
        .connection
        .client
        .list(kind, after.as_deref())
        .await?;
    let objects: Vec<u64> = records.iter().filter_map(|r| r.id.parse().ok()).collect();
    let name = fetcher.connection.name.clone();
    fetcher
        .store
        .write_async(move |tx| keep_page(tx, &name, kind, &objects, next.as_deref(), now))
        .await?;
    Ok(true)
}

fn keep_page(
    tx: &Transaction<'_>,
    name: &str,
    kind: ObjectType,
    objects: &[u64],
    next: Option<&str>,
    now: TimestampMs,
) -> Result<(), StoreError> {
    for object in objects {
        dirty::mark(tx, name, kind, *object, Lane::Bulk, now)?;
    }
    let finished = next.is_none().then_some(now.0);
    let count = i64::try_from(objects.len()).unwrap_or(i64::MAX);
    tx.prepare_cached(
        "INSERT INTO crm_import (connection, kind, after, records, finished_at)
         VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET after = excluded.after, records = records + excluded.records,
             finished_at = excluded.finished_at",
    )?
    .execute(params![name, kind.path(), next, count, finished])?;
    Ok(())
}
