//! Schema changes: numbered SQL files, each applied once, in order, in one transaction.

use crate::cache::lead_table;
use crate::error::In;
use crate::{StoreError, StoreFile};
use rusqlite::{Connection, TransactionBehavior};

const CACHE: &[&str] = &[
    include_str!("sql/cache/0001_start.sql"),
    include_str!("sql/cache/0002_changed_order.sql"),
    include_str!("sql/cache/0003_uncertainty.sql"),
    include_str!("sql/cache/0004_digests.sql"),
    include_str!("sql/cache/0005_holdings.sql"),
];

const OUTBOX: &[&str] = &[
    include_str!("sql/outbox/0001_start.sql"),
    include_str!("sql/outbox/0002_replaced_by.sql"),
    include_str!("sql/outbox/0003_gaps.sql"),
    include_str!("sql/outbox/0004_answered.sql"),
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
        if number == known && file == StoreFile::Cache {
            lead_table::adopt(&transaction)?;
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::tables::Tables;
    use crate::connection::{self, Mode};
    use crate::key_file::{KeyFile, WrappedKey};
    use crate::outbox::{client, consent, record};
    use crate::sql::{pack, unpack};
    use crate::{DataKey, KeyVault, NewOperation, VaultError};
    use fieldfare_model::{
        ClientId, Columns, ConsentAction, ConsentEvent, ConsentEventId, Entity, Lead, LeadId,
        OperationId, Purpose, RepId, Row, TimestampMs, Value, schema,
    };
    use fieldfare_sync::Change;
    use std::path::Path;

    /// Writes the store that `tests/upgrade.rs` upgrades: both files as the first schema had them. Run once,
    /// when the first schema was the newest; kept to show how.
    #[test]
    #[ignore = "writes tests/fixtures/store-v1"]
    fn write_the_first_store() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/store-v1");
        std::fs::create_dir_all(&dir).unwrap();
        let key = DataKey::from_slice(&[0x46; 32]).unwrap();
        write(&dir, StoreFile::Cache, &key, |db| {
            let mut lead = Lead::new(LeadId::from_bytes([1; 16]), "Old lead");
            lead.extra.set(900, "kept");
            let (id, columns) = (lead.id.row(), lead.to_columns());
            let row = Row {
                id,
                version: 5,
                columns,
            };
            tables(db).put(Entity::LEAD, None, 1, &row).unwrap();
        });
        write(&dir, StoreFile::Outbox, &key, |transaction| {
            client::begin(transaction, ClientId::from_bytes([2; 16])).unwrap();
            consent::append(transaction, &event()).unwrap();
            record::record(transaction, &[operation()]).unwrap();
        });
        let current = WrappedKey::seal(&key, &PlainVault).unwrap();
        let pending = None;
        KeyFile { current, pending }.save(&dir).unwrap();
    }

    /// A vault that wraps by doing nothing.
    struct PlainVault;

    impl KeyVault for PlainVault {
        fn generation(&self) -> Result<u32, VaultError> {
            Ok(1)
        }
        fn wrap(&self, key: &DataKey) -> Result<Vec<u8>, VaultError> {
            Ok(key.as_bytes().to_vec())
        }
        fn unwrap(&self, wrapped: &[u8]) -> Result<DataKey, VaultError> {
            DataKey::from_slice(wrapped).ok_or(VaultError::Rejected)
        }
        fn destroy(&self) -> Result<(), VaultError> {
            Ok(())
        }
    }

    fn write(
        dir: &Path,
        file: StoreFile,
        key: &DataKey,
        fill: impl FnOnce(&rusqlite::Transaction<'_>),
    ) {
        let path = dir.join(file.name());
        let mode = Mode::Write { max_bytes: None };
        let mut connection = connection::open(&path, file, key, mode).unwrap();
        run_to(&mut connection, file, 1).unwrap();
        let transaction = connection.transaction().unwrap();
        fill(&transaction);
        transaction.commit().unwrap();
        connection::run(&connection, "PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    }

    /// An app of the schema before kept the lead's e-mail address without knowing what it is.
    #[test]
    fn an_update_finds_the_cells_of_the_columns_it_adds() {
        let dir = tempfile::tempdir().unwrap();
        let key = DataKey::from_slice(&[0x46; 32]).unwrap();
        let mode = Mode::Write { max_bytes: None };
        let path = dir.path().join("cache.db");
        let mut db = connection::open(&path, StoreFile::Cache, &key, mode).unwrap();
        run_to(&mut db, StoreFile::Cache, newest(StoreFile::Cache) - 1).unwrap();

        let mut lead = Lead::new(LeadId::from_bytes([1; 16]), "Old lead");
        lead.extra.set(900, "of the future");
        let (id, columns) = (lead.id.row(), lead.to_columns());
        let mut full = columns.clone();
        full.set(schema::lead::EMAIL, "anna@example.com");
        let row = Row {
            id,
            version: 5,
            columns,
        };
        tables(&db).put(Entity::LEAD, None, 1, &row).unwrap();
        let mut unknown = Columns::new();
        unknown.set(schema::lead::EMAIL, "anna@example.com");
        unknown.set(900, "of the future");
        db.execute("UPDATE lead SET extra = ?1", [pack(&unknown).unwrap()])
            .unwrap();

        run(&mut db, StoreFile::Cache).unwrap();
        let (email, extra): (String, Vec<u8>) = db
            .query_row("SELECT email, extra FROM lead", [], |r| {
                Ok((r.get(0)?, r.get(1)?))
            })
            .unwrap();
        assert_eq!(email, "anna@example.com");
        unknown.set(schema::lead::EMAIL, Value::Null);
        assert_eq!(unpack(&extra).unwrap(), unknown);
        let read = tables(&db).read((Entity::LEAD, id)).unwrap().unwrap();
        assert_eq!((read.row.version, read.row.columns), (5, full));
    }

    const fn tables(db: &Connection) -> Tables<'_> {
        Tables {
            db,
            full_text: false,
        }
    }

    fn event() -> ConsentEvent {
        ConsentEvent {
            id: ConsentEventId::from_bytes([3; 16]),
            rep: RepId::from_bytes([4; 16]),
            sequence: 1,
            purpose: Purpose::LiveTracking,
            action: ConsentAction::Grant,
            text_version: "2026-11".into(),
            language: "en".into(),
            at: TimestampMs(1),
            valid_until: None,
            previous: [0; 32],
            hash: [5; 32],
        }
    }

    fn operation() -> NewOperation {
        let lead = Lead::new(LeadId::from_bytes([6; 16]), "Made offline");
        NewOperation {
            id: OperationId::from_bytes([7; 16]),
            entity: Entity::LEAD,
            row: lead.id.row(),
            base_version: 0,
            depends_on: None,
            at: TimestampMs(2),
            change: Change::Create(lead.to_columns()),
        }
    }
}
