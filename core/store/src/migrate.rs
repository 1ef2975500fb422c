//! Schema changes: numbered SQL files, each applied once, in order, in one transaction.

use crate::error::In;
use crate::{StoreError, StoreFile};
use rusqlite::{Connection, TransactionBehavior};

const CACHE: &[&str] = &[
    include_str!("sql/cache/0001_start.sql"),
    include_str!("sql/cache/0002_changed_order.sql"),
];

const OUTBOX: &[&str] = &[
    include_str!("sql/outbox/0001_start.sql"),
    include_str!("sql/outbox/0002_replaced_by.sql"),
];

const fn steps(file: StoreFile) -> &'static [&'static str] {
    match file {
        StoreFile::Cache => CACHE,
        StoreFile::Outbox => OUTBOX,
    }
}

/// The newest schema this build knows.
pub(crate) fn newest(file: StoreFile) -> u32 {
    u32::try_from(steps(file).len()).unwrap_or(u32::MAX)
}

/// Brings a file to the newest schema.
pub(crate) fn run(connection: &mut Connection, file: StoreFile) -> Result<(), StoreError> {
    run_to(connection, file, newest(file))
}

/// Brings a file to the schema `target`, unless it is there or beyond.
pub(crate) fn run_to(
    connection: &mut Connection,
    file: StoreFile,
    target: u32,
) -> Result<(), StoreError> {
    let found = version(connection, file)?;
    let known = newest(file);
    if found > known {
        return Err(StoreError::NewerSchema { file, found, known });
    }
    for (sql, number) in steps(file).iter().zip(1..=target).skip(found as usize) {
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .in_file(file)?;
        transaction.execute_batch(sql).in_file(file)?;
        transaction
            .pragma_update(None, "user_version", number)
            .in_file(file)?;
        transaction.commit().in_file(file)?;
    }
    Ok(())
}

fn version(connection: &Connection, file: StoreFile) -> Result<u32, StoreError> {
    connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .in_file(file)
}
