//! Rows: reading, changing, deleting.

use crate::feed::digests::{self, Held};
use crate::feed::lookup::{self, LeadFilter};
use crate::feed::{index, scopes};
use crate::store::{StoreError, from_sql, to_sql};
use fieldfare_model::schema::{lead, rep as rep_columns, visit};
use fieldfare_model::{Columns, Entity, RepId, Row, RowId, TimestampMs, Value};
use fieldfare_sync::{RowState, ScopeId};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use std::collections::BTreeSet;

/// A row as it is stored.
struct Stored {
    key: i64,
    version: u64,
    deleted: bool,
    columns: Columns,
    rep: Option<RepId>,
}

impl Stored {
    /// Whether the row is looked up as before with these cells.
    fn keeps_its_keys(&self, entity: Entity, columns: &Columns, rep: Option<RepId>) -> bool {
        let before = Keys::of(entity, &self.columns);
        !self.deleted && self.rep == rep && before == Keys::of(entity, columns)
    }

    fn held<'a>(&self, id: RowId, scopes: &'a BTreeSet<ScopeId>) -> Held<'a> {
        let row = Row {
            id,
            version: self.version,
            columns: self.columns.clone(),
        };
        Held { scopes, row }
    }
}

/// The row, whether it is live, deleted or was never there.
///
/// # Errors
/// [`StoreError::Sql`], or [`StoreError::Damaged`].
pub fn row(connection: &Connection, entity: Entity, id: RowId) -> Result<RowState, StoreError> {
    Ok(match stored(connection, entity, id)? {
        None => RowState::Absent,
        Some(row) if row.deleted => RowState::Deleted,
        Some(row) => RowState::Live(Row {
            id,
            version: row.version,
            columns: row.columns,
        }),
    })
}

/// Makes the row hold exactly these cells, and puts it in the feed of its scopes. A deleted row
/// comes back. Returns the row's version, the present one when nothing changed.
///
/// A lead that changes territory takes its visits along.
///
/// # Errors
/// [`StoreError::Sql`] (for a lead also when another live lead has its CRM key), or
/// [`StoreError::Model`] if a cell holds no id where one must be.
pub fn put(
    tx: &Transaction<'_>,
    entity: Entity,
    id: RowId,
    columns: Columns,
    now: TimestampMs,
) -> Result<u64, StoreError> {
    put_for(tx, entity, id, columns, None, now)
}

/// [`put`], naming the rep a new row belongs to where its cells do not say so: the maker of a
/// lead, the rep who meets a conflict.
///
/// # Errors
/// As [`put`].
pub fn put_for(
    tx: &Transaction<'_>,
    entity: Entity,
    id: RowId,
    columns: Columns,
    rep: Option<RepId>,
    now: TimestampMs,
) -> Result<u64, StoreError> {
    let before = stored(tx, entity, id)?;
    let rep = before.as_ref().and_then(|row| row.rep).or(rep);
    let scopes_now = scopes::of(tx, entity, id, &columns, rep)?;
    let scopes_before = holding(tx, before.as_ref())?;
    if let Some(row) = &before
        && !row.deleted
        && row.columns == columns
        && scopes_before == scopes_now
    {
        return Ok(row.version);
    }
    let seq = index::next_seq(tx)?;
    let key = match &before {
        Some(row) if row.keeps_its_keys(entity, &columns, rep) => {
            write_cells(tx, row.key, seq, &columns, now)?
        }
        _ => write(tx, entity, id, seq, &columns, rep, now)?,
    };
    index::place(tx, key, seq, &scopes_before, &scopes_now)?;
    count_digests(
        tx,
        (entity, id),
        (before.as_ref(), &scopes_before),
        (seq, &columns, &scopes_now),
    )?;
    if entity == Entity::LEAD && scopes_before != scopes_now {
        move_visits(tx, id, now)?;
    }
    if entity == Entity::REP && crm_owner(before.as_ref()) != columns.get(rep_columns::CRM_OWNER) {
        place_unassigned_leads(tx, now)?;
    }
    Ok(seq)
}

/// Deletes the row: its cells go, its id and place stay as a tombstone. Visits to a deleted lead
/// stay with their reps. Returns the version, 0 if there never was such a row.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn delete(
    tx: &Transaction<'_>,
    entity: Entity,
    id: RowId,
    now: TimestampMs,
) -> Result<u64, StoreError> {
    let Some(before) = stored(tx, entity, id)? else {
        return Ok(0);
    };
    if before.deleted {
        return Ok(before.version);
    }
    let seq = index::next_seq(tx)?;
    let mut statement = tx.prepare_cached(
        "UPDATE \"row\" SET version = ?2, changed_at = ?3, deleted = 1, columns = ?4,
         geocode_status = NULL, lead = NULL WHERE key = ?1",
    )?;
    let nothing = encode_columns(&Columns::new())?;
    statement.execute(params![before.key, to_sql(seq), now.0, nothing])?;
    let holding = index::scopes_holding(tx, before.key)?;
    index::place_deleted(tx, before.key, seq, &holding)?;
    let held = before.held(id, &holding);
    digests::count_change(tx, entity, Some(&held), None)?;
    match entity {
        Entity::LEAD => move_visits(tx, id, now)?,
        Entity::REP => place_unassigned_leads(tx, now)?,
        _ => {}
    }
    Ok(seq)
}

fn count_digests(
    tx: &Transaction<'_>,
    (entity, id): (Entity, RowId),
    (before, scopes_before): (Option<&Stored>, &BTreeSet<ScopeId>),
    (version, columns, scopes): (u64, &Columns, &BTreeSet<ScopeId>),
) -> Result<(), StoreError> {
    let before = before.map(|before| before.held(id, scopes_before));
    let columns = columns.clone();
    let row = Row {
        id,
        version,
        columns,
    };
    digests::count_change(tx, entity, before.as_ref(), Some(&Held { scopes, row }))
}

fn crm_owner(rep: Option<&Stored>) -> &Value {
    rep.map_or(&Value::Null, |rep| rep.columns.get(rep_columns::CRM_OWNER))
}

/// Leads without a territory are with the rep who owns them, which changed. O(leads), but reps
/// seldom change.
fn place_unassigned_leads(tx: &Transaction<'_>, now: TimestampMs) -> Result<(), StoreError> {
    const PAGE: usize = 500;
    let mut after = None;
    loop {
        let page = lookup::leads(tx, LeadFilter::All, after, PAGE)?;
        let Some(last) = page.last().map(|row| row.id.into()) else {
            return Ok(());
        };
        for row in page {
            if row.columns.get(lead::TERRITORY).is_null() {
                put(tx, Entity::LEAD, row.id, row.columns, now)?;
            }
        }
        after = Some(last);
    }
}

/// Gives every visit to the lead the scopes it has now.
fn move_visits(tx: &Transaction<'_>, lead: RowId, now: TimestampMs) -> Result<(), StoreError> {
    for visit in visit_ids(tx, lead)? {
        if let RowState::Live(row) = row(tx, Entity::VISIT, visit)? {
            put(tx, Entity::VISIT, visit, row.columns, now)?;
        }
    }
    Ok(())
}

pub(super) fn visit_ids(connection: &Connection, lead: RowId) -> Result<Vec<RowId>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT id FROM \"row\" WHERE lead = ?1 AND deleted = 0 ORDER BY id")?;
    let ids = statement.query_map([lead.as_bytes()], |r| Ok(RowId::from_bytes(r.get(0)?)))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// Every live row of an entity, in order of id. For entities of which there are few.
///
/// # Errors
/// [`StoreError::Sql`], or [`StoreError::Damaged`].
pub fn rows_of(connection: &Connection, entity: Entity) -> Result<Vec<Row>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, version, columns FROM \"row\" WHERE entity = ?1 AND deleted = 0 ORDER BY id",
    )?;
    let mut rows = statement.query([entity.0])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        out.push(read_row(row)?);
    }
    Ok(out)
}

/// Reads id, version and columns, in this order.
pub(super) fn read_row(r: &rusqlite::Row<'_>) -> Result<Row, StoreError> {
    Ok(Row {
        id: RowId::from_bytes(r.get(0)?),
        version: from_sql(r.get(1)?),
        columns: decode_columns(r.get_ref(2)?.as_blob().unwrap_or_default())?,
    })
}

fn holding(tx: &Transaction<'_>, row: Option<&Stored>) -> Result<BTreeSet<ScopeId>, StoreError> {
    row.map_or_else(
        || Ok(BTreeSet::new()),
        |row| index::scopes_holding(tx, row.key),
    )
}

fn stored(
    connection: &Connection,
    entity: Entity,
    id: RowId,
) -> Result<Option<Stored>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT key, version, deleted, columns, rep FROM \"row\" WHERE entity = ?1 AND id = ?2",
    )?;
    let found = statement
        .query_row(params![entity.0, id.as_bytes()], |r| {
            Ok((
                r.get(0)?,
                r.get(1)?,
                r.get(2)?,
                r.get::<_, Vec<u8>>(3)?,
                r.get::<_, Option<[u8; 16]>>(4)?,
            ))
        })
        .optional()?;
    let Some((key, version, deleted, columns, rep)) = found else {
        return Ok(None);
    };
    Ok(Some(Stored {
        key,
        version: from_sql(version),
        deleted,
        columns: decode_columns(&columns)?,
        rep: rep.map(RepId::from_bytes),
    }))
}

/// What a row is looked up by, besides its id.
#[derive(Default, PartialEq)]
struct Keys<'a> {
    crm_source: Option<&'a str>,
    crm_id: Option<&'a str>,
    lead: Option<&'a [u8]>,
    geocode_status: Option<i64>,
}

impl<'a> Keys<'a> {
    fn of(entity: Entity, columns: &'a Columns) -> Self {
        match entity {
            Entity::LEAD => Self {
                crm_source: columns.get(lead::CRM_SOURCE).as_text(),
                crm_id: columns.get(lead::CRM_ID).as_text(),
                geocode_status: Some(columns.get(lead::GEOCODE_STATUS).as_int().unwrap_or(0)),
                lead: None,
            },
            Entity::VISIT => Self {
                lead: Value::as_bytes(columns.get(visit::LEAD)),
                ..Self::default()
            },
            _ => Self::default(),
        }
    }
}

fn write(
    tx: &Transaction<'_>,
    entity: Entity,
    id: RowId,
    seq: u64,
    columns: &Columns,
    rep: Option<RepId>,
    now: TimestampMs,
) -> Result<i64, StoreError> {
    let keys = Keys::of(entity, columns);
    let mut statement = tx.prepare_cached(
        "INSERT INTO \"row\" (entity, id, version, changed_at, deleted, columns, rep,
                              crm_source, crm_id, lead, geocode_status)
         VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (entity, id) DO UPDATE SET
             version = excluded.version, changed_at = excluded.changed_at, deleted = 0,
             columns = excluded.columns, rep = excluded.rep, crm_source = excluded.crm_source,
             crm_id = excluded.crm_id, lead = excluded.lead,
             geocode_status = excluded.geocode_status
         RETURNING key",
    )?;
    let key = statement.query_row(
        params![
            entity.0,
            id.as_bytes(),
            to_sql(seq),
            now.0,
            encode_columns(columns)?,
            rep.map(|rep| *rep.as_bytes()),
            keys.crm_source,
            keys.crm_id,
            keys.lead,
            keys.geocode_status,
        ],
        |r| r.get(0),
    )?;
    Ok(key)
}

/// Writes a live row that is looked up as before, without touching the indexes.
fn write_cells(
    tx: &Transaction<'_>,
    key: i64,
    seq: u64,
    columns: &Columns,
    now: TimestampMs,
) -> Result<i64, StoreError> {
    let mut statement = tx.prepare_cached(
        "UPDATE \"row\" SET version = ?2, changed_at = ?3, columns = ?4 WHERE key = ?1",
    )?;
    statement.execute(params![key, to_sql(seq), now.0, encode_columns(columns)?])?;
    Ok(key)
}

fn encode_columns(columns: &Columns) -> Result<Vec<u8>, StoreError> {
    rmp_serde::to_vec(columns).map_err(|_| StoreError::Damaged("row"))
}

pub(super) fn decode_columns(bytes: &[u8]) -> Result<Columns, StoreError> {
    rmp_serde::from_slice(bytes).map_err(|_| StoreError::Damaged("row"))
}
