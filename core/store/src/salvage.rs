//! Reading what can still be read of a damaged outbox.

use crate::connection::{self, Mode};
use crate::error::In;
use crate::outbox::client;
use crate::quarantine::{SIDE_FILES, with_suffix};
use crate::{DataKey, StoreError, StoreFile, atomic_file};
use rusqlite::types::Value;
use rusqlite::{Connection, Transaction, params_from_iter};
use std::fs;
use std::path::Path;

/// What was read from a damaged outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Salvage {
    /// Operations, whatever their state.
    pub operations: u64,
    /// Entries of the consent ledger.
    pub consent_events: u64,
    /// Unsent pings.
    pub pings: u64,
    /// Whether every table could be read to its end. If not, something may be missing.
    pub is_complete: bool,
}

/// A table and the column it is walked by.
const TABLES: [(&str, &str); 4] = [
    ("operation", "seq"),
    ("consent", "sequence"),
    ("ping", "no"),
    ("meta", "key"),
];

/// Copies the readable rows of the damaged file `name` into a new outbox, which then takes a new
/// client id, as numbers may be missing. The damaged file is only read, through a copy.
pub(crate) fn salvage(
    dir: &Path,
    name: &str,
    key: &DataKey,
    target: &Transaction<'_>,
) -> Result<Salvage, StoreError> {
    let copy = dir.join(format!("{name}.reading"));
    copy_files(&dir.join(name), &copy)?;
    let salvage = copy_tables(&Source { path: &copy, key }, target)?;
    remove_files(&copy)?;
    client::begin(target, client::new_id()?)?;
    Ok(salvage)
}

/// The copy of a damaged file. After a page could not be read, a connection reads nothing any more, so each
/// walk has its own.
struct Source<'a> {
    path: &'a Path,
    key: &'a DataKey,
}

impl Source<'_> {
    fn connect(&self) -> Option<Connection> {
        connection::open(self.path, StoreFile::Outbox, self.key, Mode::Read).ok()
    }
}

fn copy_files(from: &Path, to: &Path) -> Result<(), StoreError> {
    remove_files(to)?;
    fs::copy(from, to)?;
    let log = with_suffix(from, "-wal");
    if log.exists() {
        fs::copy(log, with_suffix(to, "-wal"))?;
    }
    Ok(())
}

fn remove_files(path: &Path) -> Result<(), StoreError> {
    for suffix in [""].into_iter().chain(SIDE_FILES) {
        atomic_file::remove_one(&with_suffix(path, suffix))?;
    }
    Ok(())
}

fn copy_tables(source: &Source<'_>, target: &Transaction<'_>) -> Result<Salvage, StoreError> {
    let mut salvage = Salvage {
        is_complete: true,
        ..Salvage::default()
    };
    for (table, walk) in TABLES {
        let (rows, is_complete) = copy_table(source, target, table, walk)?;
        salvage.is_complete &= is_complete;
        match table {
            "operation" => salvage.operations = rows,
            "consent" => salvage.consent_events = rows,
            "ping" => salvage.pings = rows,
            _ => {}
        }
    }
    Ok(salvage)
}

/// Walks a table from its beginning, and if that stops short, from its end.
fn copy_table(
    source: &Source<'_>,
    target: &Transaction<'_>,
    table: &str,
    walk: &str,
) -> Result<(u64, bool), StoreError> {
    let columns = shared_columns(source, target, table)?;
    if columns.is_empty() {
        return Ok((0, false));
    }
    let mut copied = 0;
    let mut is_complete = true;
    for direction in ["ASC", "DESC"] {
        let sql = format!(
            "SELECT {} FROM {table} ORDER BY {walk} {direction}",
            columns.join(", ")
        );
        let (rows, reached_end) = copy_rows(source, target, table, &columns, &sql)?;
        copied += rows;
        is_complete = reached_end;
        if reached_end {
            break;
        }
    }
    Ok((copied, is_complete))
}

/// Columns that both have; none if the damaged file cannot say.
fn shared_columns(
    source: &Source<'_>,
    target: &Connection,
    table: &str,
) -> Result<Vec<String>, StoreError> {
    let theirs = source.connect().and_then(|db| columns(&db, table).ok());
    let theirs = theirs.unwrap_or_default();
    let ours = columns(target, table).in_outbox()?;
    Ok(ours
        .into_iter()
        .filter(|name| theirs.contains(name))
        .collect())
}

fn columns(db: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    db.prepare("SELECT name FROM pragma_table_info(?1)")?
        .query_map([table], |row| row.get(0))?
        .collect()
}

fn copy_rows(
    source: &Source<'_>,
    target: &Transaction<'_>,
    table: &str,
    columns: &[String],
    select: &str,
) -> Result<(u64, bool), StoreError> {
    let marks = vec!["?"; columns.len()].join(", ");
    let names = columns.join(", ");
    let insert = format!("INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})");
    let mut insert = target.prepare(&insert).in_outbox()?;
    let Some(source) = source.connect() else {
        return Ok((0, false));
    };
    let Ok(mut select) = source.prepare(select) else {
        return Ok((0, false));
    };
    let Ok(mut rows) = select.query([]) else {
        return Ok((0, false));
    };
    let mut copied = 0;
    loop {
        let row = match rows.next() {
            Ok(Some(row)) => row,
            Ok(None) => return Ok((copied, true)),
            Err(_) => return Ok((copied, false)),
        };
        let cells = (0..columns.len()).map(|at| row.get::<_, Value>(at));
        let Ok(cells) = cells.collect::<rusqlite::Result<Vec<_>>>() else {
            continue;
        };
        let count = insert.execute(params_from_iter(cells)).in_outbox()?;
        copied += u64::try_from(count).unwrap_or(0);
    }
}
