//! Numbered SQL, each run once and in order of number.

use crate::store::{StoreError, clock_now};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

/// One numbered step.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Its number; never used again for another step.
    pub number: u32,
    /// What it runs.
    pub sql: &'static str,
}

macro_rules! migrations {
    ($($number:literal => $file:literal),* $(,)?) => {
        &[$(Migration { number: $number, sql: include_str!($file) }),*]
    };
}

/// Steps of `registry.db`.
pub const REGISTRY_MIGRATIONS: &[Migration] = migrations! {
    1 => "sql/registry/0001_registry.sql",
    2 => "sql/registry/0002_restore.sql",
};

/// Steps of a tenant's file. Numbers below 100 belong to the feed, from 100 to the CRM side,
/// from 200 to routing.
pub const TENANT_MIGRATIONS: &[Migration] = migrations! {
    1 => "sql/0001_feed.sql",
    2 => "sql/0002_consent.sql",
    3 => "sql/0003_digests.sql",
    4 => "sql/0004_snapshot.sql",
    100 => "sql/0100_crm.sql",
    101 => "sql/0101_geocode.sql",
    200 => "sql/0200_routing.sql",
};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS migration (
    number INTEGER PRIMARY KEY NOT NULL, applied_at INTEGER NOT NULL) STRICT";

/// Runs the steps that have not been run on this file yet, all in one transaction. Returns how
/// many there were.
///
/// # Errors
/// [`StoreError::Newer`] if the file has a step this build does not know; [`StoreError::Sql`] if
/// a step fails, and then none was applied.
pub fn migrate(
    connection: &mut Connection,
    migrations: &[Migration],
    file: &str,
) -> Result<usize, StoreError> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch(TABLE)?;
    refuse_newer(&tx, migrations, file)?;
    let mut applied = 0;
    for migration in migrations {
        applied += usize::from(apply(&tx, migration)?);
    }
    tx.commit()?;
    Ok(applied)
}

fn refuse_newer(
    tx: &Transaction<'_>,
    migrations: &[Migration],
    file: &str,
) -> Result<(), StoreError> {
    let mut statement = tx.prepare("SELECT number FROM migration")?;
    let numbers = statement.query_map([], |r| r.get::<_, u32>(0))?;
    for number in numbers {
        let number = number?;
        if !migrations.iter().any(|m| m.number == number) {
            return Err(StoreError::Newer {
                file: file.to_owned(),
            });
        }
    }
    Ok(())
}

fn apply(tx: &Transaction<'_>, migration: &Migration) -> Result<bool, StoreError> {
    let known = tx
        .query_row(
            "SELECT 1 FROM migration WHERE number = ?1",
            [migration.number],
            |_| Ok(()),
        )
        .optional()?;
    if known.is_some() {
        return Ok(false);
    }
    tx.execute_batch(migration.sql)?;
    tx.execute(
        "INSERT INTO migration (number, applied_at) VALUES (?1, ?2)",
        params![migration.number, clock_now().0],
    )?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_run_once_and_in_any_later_order() {
        let mut db = Connection::open_in_memory().unwrap();
        let late = [Migration {
            number: 100,
            sql: "CREATE TABLE b (x)",
        }];
        let all = [
            Migration {
                number: 1,
                sql: "CREATE TABLE a (x)",
            },
            Migration {
                number: 100,
                sql: "CREATE TABLE b (x)",
            },
        ];
        assert_eq!(migrate(&mut db, &late, "f").unwrap(), 1);
        assert_eq!(migrate(&mut db, &all, "f").unwrap(), 1);
        assert_eq!(migrate(&mut db, &all, "f").unwrap(), 0);
        assert!(matches!(
            migrate(&mut db, &late, "f"),
            Err(StoreError::Newer { .. })
        ));
    }

    #[test]
    fn a_failing_step_leaves_nothing_behind() {
        let mut db = Connection::open_in_memory().unwrap();
        let broken = [
            Migration {
                number: 1,
                sql: "CREATE TABLE a (x)",
            },
            Migration {
                number: 2,
                sql: "CREATE TABEL b (x)",
            },
        ];
        assert!(migrate(&mut db, &broken, "f").is_err());
        assert!(db.execute_batch("SELECT * FROM a").is_err());
    }

    #[test]
    fn numbers_ascend() {
        for list in [REGISTRY_MIGRATIONS, TENANT_MIGRATIONS] {
            assert!(list.windows(2).all(|w| w[0].number < w[1].number));
        }
    }
}
