//! What each scope holds, in a few bytes, kept in the transaction that changes it.

use crate::feed::rows::decode_columns;
use crate::feed::{index, snapshot};
use crate::store::{StoreError, TenantHead, from_sql, to_sql};
use fieldfare_model::{Entity, Row, RowId};
use fieldfare_sync::{Digest, DigestKey, Epoch, RowHash, ScopeId, ScopeSums, bucket_of};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use std::collections::{BTreeMap, BTreeSet};

/// The number under which the digest of the whole scope stands.
const WHOLE: i64 = 256;

/// A row as scopes hold it.
pub(super) struct Held<'a> {
    pub(super) scopes: &'a BTreeSet<ScopeId>,
    pub(super) row: Row,
}

/// Counts a row's change: out of the scopes that held it as it was, into those that hold it as it
/// is.
pub(super) fn count_change(
    tx: &Transaction<'_>,
    entity: Entity,
    before: Option<&Held<'_>>,
    now: Option<&Held<'_>>,
) -> Result<(), StoreError> {
    let key = DigestKey::of(TenantHead::read(tx)?.epoch);
    let hash = |held: Option<&Held<'_>>| held.map(|held| key.hash(entity, &held.row));
    let (hash_before, hash_now) = (hash(before), hash(now));
    let Some(id) = before.or(now).map(|held| held.row.id) else {
        return Ok(());
    };
    let none = BTreeSet::new();
    let scopes_before = before.map_or(&none, |held| held.scopes);
    let scopes_now = now.map_or(&none, |held| held.scopes);
    for scope in scopes_before.union(scopes_now) {
        let out = hash_before.filter(|_| scopes_before.contains(scope));
        let into = hash_now.filter(|_| scopes_now.contains(scope));
        count_in_scope(tx, scope, id, out, into)?;
    }
    Ok(())
}

fn count_in_scope(
    tx: &Transaction<'_>,
    scope: &ScopeId,
    id: RowId,
    out: Option<RowHash>,
    into: Option<RowHash>,
) -> Result<(), StoreError> {
    let scope = index::scope_key(tx, scope)?;
    for bucket in [i64::from(bucket_of(id)), WHOLE] {
        let mut digest = read(tx, scope, bucket)?;
        if let Some(hash) = out {
            digest.remove(hash);
        }
        if let Some(hash) = into {
            digest.add(hash);
        }
        write(tx, scope, bucket, digest)?;
    }
    Ok(())
}

fn read(connection: &Connection, scope: i64, bucket: i64) -> Result<Digest, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT rows, sum FROM digest WHERE scope = ?1 AND bucket = ?2")?;
    let digest = statement
        .query_row(params![scope, bucket], |r| from_row(r, 0))
        .optional()?;
    Ok(digest.unwrap_or_default())
}

fn from_row(r: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<Digest> {
    Ok(Digest {
        rows: from_sql(r.get(at)?),
        sum: u128::from_be_bytes(r.get(at + 1)?),
    })
}

fn write(tx: &Transaction<'_>, scope: i64, bucket: i64, digest: Digest) -> Result<(), StoreError> {
    let mut statement = tx.prepare_cached(
        "INSERT INTO digest (scope, bucket, rows, sum) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (scope, bucket) DO UPDATE SET rows = excluded.rows, sum = excluded.sum",
    )?;
    statement.execute(params![
        scope,
        bucket,
        to_sql(digest.rows),
        digest.sum.to_be_bytes()
    ])?;
    Ok(())
}

/// What the scope holds.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn digest(connection: &Connection, scope: &ScopeId) -> Result<Digest, StoreError> {
    match index::find_scope(connection, scope)? {
        Some(scope) => read(connection, scope, WHOLE),
        None => Ok(Digest::default()),
    }
}

/// What each sub-bucket of the scope holds.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn sums(connection: &Connection, scope: &ScopeId) -> Result<ScopeSums, StoreError> {
    let mut sums = ScopeSums::default();
    let Some(scope) = index::find_scope(connection, scope)? else {
        return Ok(sums);
    };
    let mut statement = connection
        .prepare_cached("SELECT rows, sum, bucket FROM digest WHERE scope = ?1 AND bucket < 256")?;
    let mut rows = statement.query([scope])?;
    while let Some(row) = rows.next()? {
        sums.set(row.get(2)?, from_row(row, 0)?);
    }
    Ok(sums)
}

/// Every row the scope holds in a sub-bucket. O(rows of the tenant in the sub-bucket).
///
/// # Errors
/// [`StoreError::Sql`], or [`StoreError::Damaged`].
pub fn bucket(
    connection: &Connection,
    scope: &ScopeId,
    bucket: u8,
) -> Result<Vec<(Entity, Row)>, StoreError> {
    let Some(scope) = index::find_scope(connection, scope)? else {
        return Ok(Vec::new());
    };
    let mut statement = connection.prepare_cached(
        "SELECT r.entity, r.id, r.version, r.columns FROM \"row\" r INDEXED BY row_by_bucket
         JOIN member m ON m.\"row\" = r.key AND m.scope = ?1
         WHERE substr(r.id, 16, 1) = ?2 AND r.deleted = 0 AND m.present = 1",
    )?;
    let mut rows = statement.query(params![scope, [bucket]])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        out.push(read_held(row)?);
    }
    Ok(out)
}

/// Reads entity, id, version and columns, in this order.
fn read_held(r: &rusqlite::Row<'_>) -> Result<(Entity, Row), StoreError> {
    let row = Row {
        id: RowId::from_bytes(r.get(1)?),
        version: from_sql(r.get(2)?),
        columns: decode_columns(r.get_ref(3)?.as_blob().unwrap_or_default())?,
    };
    Ok((Entity(r.get(0)?), row))
}

/// Makes every digest anew if they are of another history than the present one, or none. O(rows).
///
/// # Errors
/// [`StoreError::Sql`], or [`StoreError::Damaged`].
pub(crate) fn ensure(tx: &Transaction<'_>) -> Result<(), StoreError> {
    let is_current: bool =
        tx.query_row("SELECT digested IS epoch FROM tenant", [], |r| r.get(0))?;
    if is_current {
        return Ok(());
    }
    tx.execute("DELETE FROM digest", [])?;
    for (scope, sums) in recompute(tx)? {
        for bucket in 0..=u8::MAX {
            let digest = sums.get(bucket);
            if digest.rows > 0 {
                write(tx, scope, i64::from(bucket), digest)?;
            }
        }
        write(tx, scope, WHOLE, sums.total())?;
    }
    tx.execute("UPDATE tenant SET digested = epoch", [])?;
    Ok(())
}

/// Begins another history, as a server restored from a backup must: phones then compare what they
/// have instead of going on from cursors that mean nothing here. O(rows).
///
/// # Errors
/// [`StoreError::Sql`], or [`StoreError::Damaged`].
pub fn begin_history(tx: &Transaction<'_>, epoch: Epoch) -> Result<(), StoreError> {
    tx.execute("UPDATE tenant SET epoch = ?1", [epoch.0.cast_signed()])?;
    snapshot::clear(tx)?;
    ensure(tx)
}

/// The digests of every scope, by its key, computed from the rows. O(rows).
fn recompute(connection: &Connection) -> Result<BTreeMap<i64, ScopeSums>, StoreError> {
    let key = DigestKey::of(TenantHead::read(connection)?.epoch);
    let mut statement = connection.prepare(
        "SELECT r.entity, r.id, r.version, r.columns, m.scope
         FROM member m JOIN \"row\" r ON r.key = m.\"row\" WHERE m.present = 1",
    )?;
    let mut rows = statement.query([])?;
    let mut all: BTreeMap<i64, ScopeSums> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let (entity, held) = read_held(row)?;
        let sums = all.entry(row.get(4)?).or_default();
        sums.add(held.id, key.hash(entity, &held));
    }
    Ok(all)
}

/// The scopes whose digests are not what their rows say; none if all is well. O(rows).
///
/// # Errors
/// [`StoreError::Sql`], or [`StoreError::Damaged`].
pub fn wrong(connection: &Connection) -> Result<Vec<ScopeId>, StoreError> {
    let right = recompute(connection)?;
    let mut statement = connection.prepare("SELECT key, name FROM scope ORDER BY key")?;
    let scopes = statement.query_map([], |r| Ok((r.get::<_, i64>(0)?, r.get::<_, String>(1)?)))?;
    let mut wrong = Vec::new();
    for scope in scopes {
        let (key, name) = scope?;
        let name = ScopeId::try_from(name)?;
        let expected = right.get(&key).cloned().unwrap_or_default();
        let whole = digest(connection, &name)?;
        if sums(connection, &name)? != expected || whole != expected.total() {
            wrong.push(name);
        }
    }
    Ok(wrong)
}
