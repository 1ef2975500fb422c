//! Choosing what to send next.

use super::client::{self, Client};
use super::operation::{self, select_while};
use crate::StoreError;
use crate::error::In;
use crate::sql::signed;
use fieldfare_sync::{Operation, encode_message};
use rusqlite::{Transaction, params};

/// Whole groups that were numbered and have an operation without a result. One number may have
/// been answered already: the server answers it again.
const TO_REPEAT: &str = "client = ?1 AND n IS NOT NULL AND group_id IN
    (SELECT group_id FROM operation WHERE state = 0 AND n IS NOT NULL) ORDER BY n";

const TO_NUMBER: &str = "state = 0 AND n IS NULL ORDER BY priority, seq";

/// The next operations to send: see `PhoneStore::next_batch`. Numbers are stored with it.
///
/// A single group larger than the limits is returned alone, as it could not be sent otherwise.
pub(crate) fn next(
    transaction: &Transaction<'_>,
    max_operations: usize,
    max_bytes: usize,
) -> Result<Vec<Operation>, StoreError> {
    let client = client::current(transaction)?;
    let mut batch = Batch::new(max_operations, max_bytes);
    select_while(transaction, TO_REPEAT, [client.id.as_bytes()], |o| {
        batch.offer(o)
    })?;
    batch.end_group();
    if !batch.is_full {
        add_new(transaction, client, &mut batch)?;
    }
    Ok(batch.taken)
}

fn add_new(
    transaction: &Transaction<'_>,
    client: Client,
    batch: &mut Batch,
) -> Result<(), StoreError> {
    let repeated = batch.taken.len();
    let mut n = client.next_n;
    select_while(transaction, TO_NUMBER, [], |mut operation| {
        operation.n = n;
        n += 1;
        batch.offer(operation)
    })?;
    batch.end_group();
    let new = batch.taken.get(repeated..).unwrap_or_default();
    for operation in new {
        number(transaction, client, operation)?;
    }
    let added = u64::try_from(new.len()).unwrap_or(0);
    if added > 0 {
        client::set_next_n(transaction, client.next_n + added)?;
    }
    Ok(())
}

fn number(
    transaction: &Transaction<'_>,
    client: Client,
    operation: &Operation,
) -> Result<(), StoreError> {
    transaction
        .prepare_cached("UPDATE operation SET client = ?2, n = ?3 WHERE id = ?1")
        .and_then(|mut s| {
            s.execute(params![
                operation.id.as_bytes(),
                client.id.as_bytes(),
                signed(operation.n)
            ])
        })
        .in_outbox()?;
    Ok(())
}

/// Fills up with whole groups.
struct Batch {
    max_operations: usize,
    max_bytes: usize,
    taken: Vec<Operation>,
    bytes: usize,
    group: Vec<Operation>,
    group_bytes: usize,
    is_full: bool,
}

impl Batch {
    const fn new(max_operations: usize, max_bytes: usize) -> Self {
        Self {
            max_operations,
            max_bytes,
            taken: Vec::new(),
            bytes: 0,
            group: Vec::new(),
            group_bytes: 0,
            is_full: false,
        }
    }

    /// Takes an operation in order. Returns whether more may come.
    fn offer(&mut self, operation: Operation) -> Result<bool, StoreError> {
        let is_new_group = self
            .group
            .first()
            .is_some_and(|o| o.group != operation.group);
        if is_new_group {
            self.end_group();
        }
        self.group_bytes += encode_message(&operation)?.len();
        self.group.push(operation);
        Ok(!self.is_full)
    }

    /// Keeps the group that was being gathered if it fits.
    fn end_group(&mut self) {
        let fits = self.taken.len() + self.group.len() <= self.max_operations
            && self.bytes + self.group_bytes <= self.max_bytes;
        let is_first = self.taken.is_empty();
        if !self.is_full && (fits || is_first) {
            self.bytes += self.group_bytes;
            self.taken.append(&mut self.group);
        }
        self.is_full |= !fits;
        self.group.clear();
        self.group_bytes = 0;
    }
}

/// Everything without a result, in the order it was made.
pub(crate) fn waiting(
    db: &rusqlite::Connection,
) -> Result<Vec<operation::StoredOperation>, StoreError> {
    operation::select(db, "state = 0 ORDER BY seq", [])
}

/// How many operations wait, and how many were refused and not put away.
pub(crate) fn counts(db: &rusqlite::Connection) -> Result<(usize, usize), StoreError> {
    db.query_row(
        "SELECT (SELECT count(*) FROM operation WHERE state = 0),
                (SELECT count(*) FROM operation WHERE state = 2)",
        [],
        |row| {
            let size = |at| Ok::<_, rusqlite::Error>(usize::try_from(row.get::<_, i64>(at)?));
            Ok((size(0)?.unwrap_or(0), size(1)?.unwrap_or(0)))
        },
    )
    .in_outbox()
}
