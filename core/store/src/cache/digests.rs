//! Digests of what is stored, computed from the stored rows themselves, and repairs.

use super::base::Base;
use super::scopes::{self, Scope};
use super::tables::{BaseRow, Tables, cache_keys};
use super::{lead_table, members, publish, record_table, shadow};
use crate::StoreError;
use crate::error::In;
use crate::sql::{Key, key_at};
use fieldfare_model::Entity;
use fieldfare_sync::{
    DigestKey, FeedChange, Frame, Repair, RepairPlan, RowHash, RowMark, ScopeId, ScopeSums,
    bucket_of,
};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;

/// The digests of every shown scope. One pass over each table. O(rows log rows).
pub(crate) fn sums(
    tables: Tables<'_>,
    key: &DigestKey,
) -> Result<Vec<(ScopeId, ScopeSums)>, StoreError> {
    let scopes: Vec<Scope> = scopes::all(tables.db)?;
    let mut count = Count {
        holders: Holders::read(tables.db, &scopes)?,
        sums: scopes
            .iter()
            .map(|scope| (scope.no, ScopeSums::default()))
            .collect(),
    };
    for row in shadow::keys(tables.db)? {
        let base = shadow::read(tables.db, row)?.flatten();
        count.take_shadow(row, base.map(|base| key.hash(row.0, &base.row)));
    }
    lead_table::for_each(tables.db, |id, bytes| {
        count.take((Entity::LEAD, id), || key.hash_canonical(bytes.as_slice()));
    })?;
    record_table::for_each(tables.db, |entity, row| {
        count.take((entity, row.id), || key.hash(entity, row));
    })?;
    count.add_missing();
    let shown = scopes.into_iter().filter(|scope| scope.is_shown);
    shown
        .map(|scope| {
            let sums = count.sums.remove(&scope.no).unwrap_or_default();
            Ok((ScopeId::try_from(scope.name)?, sums))
        })
        .collect()
}

/// What stands in a sum for a row that is missing.
const MISSING: RowHash = RowHash(1);

struct Count {
    holders: Holders,
    sums: BTreeMap<i64, ScopeSums>,
}

impl Count {
    /// What the server said of a row with edits on top; none if it has no such row.
    fn take_shadow(&mut self, row: Key, hash: Option<RowHash>) {
        for holder in self.holders.find(row) {
            holder.met = Met::Shadow;
            if let (Some(hash), Some(sums)) = (hash, self.sums.get_mut(&holder.scope)) {
                sums.add(row.1, hash);
            }
        }
    }

    /// What stands in a table. Under a shadow that has this phone's own edits and does not count; a
    /// row that is there twice counts twice, and makes its scopes differ.
    fn take(&mut self, row: Key, hash: impl FnOnce() -> RowHash) {
        let holders = self.holders.find(row);
        if holders.iter().all(|holder| holder.met == Met::Shadow) {
            return;
        }
        let hash = hash();
        for holder in holders {
            holder.met = Met::Row;
            if let Some(sums) = self.sums.get_mut(&holder.scope) {
                sums.add(row.1, hash);
            }
        }
    }

    /// A row that is not where it should be makes its scopes differ, so that it is asked for, or
    /// forgotten.
    fn add_missing(&mut self) {
        for holder in self
            .holders
            .0
            .iter()
            .filter(|holder| holder.met == Met::Nothing)
        {
            if let Some(sums) = self.sums.get_mut(&holder.scope) {
                sums.add(holder.row.1, MISSING);
            }
        }
    }
}

/// That a shown scope holds a row, and what was met of the row.
struct Holder {
    row: Key,
    scope: i64,
    met: Met,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Met {
    Nothing,
    Row,
    Shadow,
}

/// In order of row.
struct Holders(Vec<Holder>);

impl Holders {
    fn read(db: &Connection, scopes: &[Scope]) -> Result<Self, StoreError> {
        let mut statement = db
            .prepare_cached("SELECT entity, id, scope_no FROM member ORDER BY entity, id")
            .in_cache()?;
        let mut rows = statement.query([]).in_cache()?;
        let mut holders = Vec::new();
        while let Some(row) = rows.next().in_cache()? {
            let scope: i64 = row.get(2).in_cache()?;
            if scopes.iter().any(|s| s.no == scope && s.is_shown) {
                holders.push(Holder {
                    row: key_at(row, 0).in_cache()?,
                    scope,
                    met: Met::Nothing,
                });
            }
        }
        Ok(Self(holders))
    }

    fn find(&mut self, row: Key) -> &mut [Holder] {
        let first = self.0.partition_point(|holder| holder.row < row);
        let from_first = self.0.get_mut(first..).unwrap_or_default();
        let many = from_first
            .iter()
            .take_while(|holder| holder.row == row)
            .count();
        from_first.split_at_mut(many).0
    }
}

/// Notes that scopes are to be compared.
pub(crate) fn begin_repair(
    tables: Tables<'_>,
    names: &[ScopeId],
    is_mismatch: bool,
) -> Result<(), StoreError> {
    let db = tables.db;
    for name in names {
        let Some(scope) = scopes::find(db, name)? else {
            continue;
        };
        drop_repairs(db, scope.no)?;
        publish::drop_staged(tables, scope.no)?;
        db.execute(
            "UPDATE scope SET uncompared = shown WHERE no = ?1",
            [scope.no],
        )
        .in_cache()?;
    }
    if is_mismatch {
        db.execute(
            "UPDATE state SET mismatches = mismatches + ?1",
            [i64::try_from(names.len()).unwrap_or(i64::MAX)],
        )
        .in_cache()?;
    }
    Ok(())
}

/// Notes what a comparison found.
pub(crate) fn note_comparison(
    db: &Connection,
    head: u64,
    differing: &[(ScopeId, Vec<u8>)],
) -> Result<(), StoreError> {
    for (name, buckets) in differing {
        let Some(scope) = scopes::find(db, name)? else {
            continue;
        };
        scopes::set_compared(db, scope.no, head)?;
        for bucket in buckets {
            db.prepare_cached("INSERT OR IGNORE INTO repair (scope_no, bucket) VALUES (?1, ?2)")
                .and_then(|mut s| s.execute(params![scope.no, bucket]))
                .in_cache()?;
        }
    }
    Ok(())
}

/// The next sub-buckets to repair, with their rows.
pub(crate) fn next_repair(
    tables: Tables<'_>,
    key: &DigestKey,
    max_rows: usize,
) -> Result<Option<RepairPlan>, StoreError> {
    let Some((scope, buckets)) = to_repair(tables.db)? else {
        return Ok(None);
    };
    let mut by_bucket: BTreeMap<u8, Vec<Key>> = buckets.iter().map(|b| (*b, Vec::new())).collect();
    for key in members::of_scope(tables.db, scope.no)? {
        if let Some(keys) = by_bucket.get_mut(&bucket_of(key.1)) {
            keys.push(key);
        }
    }
    let mut plan = RepairPlan {
        scope: ScopeId::try_from(scope.name)?,
        buckets: Vec::new(),
        rows: Vec::new(),
    };
    for (bucket, keys) in by_bucket {
        if !plan.buckets.is_empty() && plan.rows.len() + keys.len() > max_rows {
            break;
        }
        plan.buckets.push(bucket);
        for row in keys {
            if let Some(base) = base_of(tables, row)? {
                plan.rows
                    .push(RowMark::new(row.0, row.1, key.hash(row.0, &base.row)));
            } else {
                // A member without its row: the server is to send it, or to say that it is gone.
                plan.rows.push(RowMark {
                    entity: row.0,
                    id: row.1,
                    mark: 0,
                });
            }
        }
    }
    Ok(Some(plan))
}

/// What the server last said of a row, whether or not edits lie on top of it.
fn base_of(tables: Tables<'_>, key: Key) -> Result<Option<BaseRow>, StoreError> {
    match shadow::read(tables.db, key)? {
        Some(shadow) => Ok(shadow),
        None => tables.read(key),
    }
}

/// What a row that is held counts for; none if it has edits on top and the server has no such row.
pub(super) fn stored_hash(
    tables: Tables<'_>,
    row: Key,
    key: &DigestKey,
) -> Result<Option<RowHash>, StoreError> {
    let base = match shadow::read(tables.db, row)? {
        Some(shadow) => shadow,
        None => match tables.read(row)? {
            None => return Ok(Some(MISSING)),
            standing => standing,
        },
    };
    Ok(base.map(|base| key.hash(row.0, &base.row)))
}

/// Whether anything is to be repaired, or was and is not shown yet.
pub(super) fn has_repairs(db: &Connection) -> Result<bool, StoreError> {
    db.query_row(
        "SELECT EXISTS (SELECT 1 FROM repair) OR EXISTS (SELECT 1 FROM repaired)
             OR EXISTS (SELECT 1 FROM gone)",
        [],
        |row| row.get(0),
    )
    .in_cache()
}

/// The first scope that has sub-buckets to repair, and which.
fn to_repair(db: &Connection) -> Result<Option<(Scope, Vec<u8>)>, StoreError> {
    for scope in scopes::all(db)? {
        let buckets: Vec<u8> = db
            .prepare_cached("SELECT bucket FROM repair WHERE scope_no = ?1 ORDER BY bucket")
            .and_then(|mut s| s.query_map([scope.no], |r| r.get(0))?.collect())
            .in_cache()?;
        if !buckets.is_empty() {
            return Ok(Some((scope, buckets)));
        }
    }
    Ok(None)
}

/// Keeps what a repair brought.
pub(crate) fn stage_repair(db: &Connection, repair: &Repair<'_>) -> Result<(), StoreError> {
    let Some(scope) = scopes::find(db, repair.scope)? else {
        return Ok(());
    };
    for (_, bytes) in repair.frames {
        db.execute(
            "INSERT INTO repaired (scope_no, bytes) VALUES (?1, ?2)",
            params![scope.no, bytes],
        )
        .in_cache()?;
    }
    for (entity, id) in repair.gone {
        db.execute(
            "INSERT OR IGNORE INTO gone (scope_no, entity, id) VALUES (?1, ?2, ?3)",
            params![scope.no, entity.0, id.as_bytes()],
        )
        .in_cache()?;
    }
    for bucket in repair.buckets {
        db.execute(
            "DELETE FROM repair WHERE scope_no = ?1 AND bucket = ?2",
            params![scope.no, bucket],
        )
        .in_cache()?;
    }
    Ok(())
}

/// Shows what repairs of a scope brought. Returns the rows it holds no more.
pub(super) fn apply_repairs(base: &mut Base<'_>, scope: &Scope) -> Result<Vec<Key>, StoreError> {
    let db = base.tables.db;
    let sql = "SELECT entity, id FROM gone WHERE scope_no = ?1";
    let gone = cache_keys(db, sql, [scope.no])?;
    for key in &gone {
        members::remove(db, *key, scope.no)?;
    }
    let frames: Vec<Vec<u8>> = db
        .prepare_cached("SELECT bytes FROM repaired WHERE scope_no = ?1 ORDER BY no")
        .and_then(|mut s| s.query_map([scope.no], |r| r.get(0))?.collect())
        .in_cache()?;
    for bytes in frames {
        for change in &Frame::decode(&bytes)?.changes {
            if let FeedChange::Put { entity, row } = change {
                base.replace(*entity, row)?;
                members::add(db, change.key(), scope.no)?;
            }
        }
    }
    drop_repairs(db, scope.no)?;
    Ok(gone)
}

/// Forgets what repairs of a scope brought, and what was still to be repaired.
pub(super) fn drop_repairs(db: &Connection, scope: i64) -> Result<(), StoreError> {
    for table in ["repair", "repaired", "gone"] {
        let sql = format!("DELETE FROM {table} WHERE scope_no = ?1");
        db.execute(&sql, [scope]).in_cache()?;
    }
    Ok(())
}
