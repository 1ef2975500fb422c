//! What the app reads. Rows that were never shown are never seen here.

use super::full_text;
use super::lead_table::{RawLead, SELECTED, from_sql};
use crate::StoreError;
use crate::error::In;
use crate::sql::{Key, id_at, u64_at, unpack};
use fieldfare_model::{Entity, LatLng, LeadId, LeadStatus, Row, RowId};
use rusqlite::{Connection, OptionalExtension, ToSql, params};
use std::sync::LazyLock;

/// A row as the app sees it: what the server said with this phone's edits on top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRow {
    /// Which kind of row.
    pub entity: Entity,
    /// The row. Its version is the server's, 0 for one that only exists here.
    pub row: Row,
    /// Whether edits on it are not yet part of what the server said.
    pub is_pending: bool,
}

/// What proximity needs of a lead, read without touching the row itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LeadPosition {
    /// Which lead.
    pub id: LeadId,
    /// Where it is.
    pub position: LatLng,
    /// Worth of a visit, 0 to 100.
    pub score: Option<u8>,
    /// Distance in metres at which the rep is told, where it differs from the default.
    pub alert_radius_m: Option<u32>,
    /// Where it stands in the sales process; `None` for a status this build does not know.
    pub status: Option<LeadStatus>,
    /// Importance class, 1 is the highest.
    pub tier: Option<u8>,
    /// How far in metres the lead may be from `position`, where the geocoder said so.
    pub uncertainty_m: Option<u32>,
}

pub(super) const SHOWN: &str = "gen NOT IN (SELECT gen FROM hidden)";
const LEAD_PENDING: &str = "EXISTS (SELECT 1 FROM shadow WHERE entity = 1 AND shadow.id = lead.id)";

/// A lead's own columns, then whether it is pending, then its row number.
pub(super) static LEAD_COLUMNS: LazyLock<String> =
    LazyLock::new(|| format!("{}, {LEAD_PENDING}, lead.rowno", *SELECTED));

static ONE_LEAD: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {} FROM lead WHERE lead.id = ?1 AND {SHOWN}",
        *LEAD_COLUMNS
    )
});

/// How many columns come before "is pending": id, version, generation, cells, unknown cells.
pub(super) const PENDING_AT: usize = 4 + fieldfare_model::schema::lead::COLUMNS.len();
pub(super) const NO_AT: usize = PENDING_AT + 1;
pub(super) const ORDER_AT: usize = NO_AT + 1;

/// Leads by id, in the order asked; those that are not there are left out.
pub(crate) fn leads(db: &Connection, ids: &[LeadId]) -> Result<Vec<StoredRow>, StoreError> {
    let mut statement = db.prepare_cached(&ONE_LEAD).in_cache()?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let raw = statement
            .query_row([id.as_bytes()], |row| {
                Ok((from_sql(row)?, row.get(PENDING_AT)?))
            })
            .optional()
            .in_cache()?;
        if let Some((raw, is_pending)) = raw {
            found.push(finish(raw, is_pending)?);
        }
    }
    Ok(found)
}

pub(super) fn finish(raw: RawLead, is_pending: bool) -> Result<StoredRow, StoreError> {
    Ok(StoredRow {
        entity: Entity::LEAD,
        row: raw.into_row()?,
        is_pending,
    })
}

/// Leads whose name, address or notes have what was typed, best first.
pub(crate) fn search(
    db: &Connection,
    typed: &str,
    limit: usize,
) -> Result<Vec<StoredRow>, StoreError> {
    let Some(expression) = full_text::expression(typed) else {
        return Ok(Vec::new());
    };
    let sql = format!(
        "SELECT {} FROM lead_text JOIN lead ON lead.rowno = lead_text.rowid
         WHERE lead_text MATCH ?1 AND {SHOWN} ORDER BY lead_text.rank LIMIT ?2",
        *LEAD_COLUMNS
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let raw: Vec<(RawLead, bool)> = db
        .prepare_cached(&sql)
        .and_then(|mut s| {
            s.query_map(params![expression, limit], |row| {
                Ok((from_sql(row)?, row.get(PENDING_AT)?))
            })?
            .collect()
        })
        .in_cache()?;
    raw.into_iter()
        .map(|(raw, pending)| finish(raw, pending))
        .collect()
}

const POSITION: &str =
    "SELECT id, lat_e7, lon_e7, score, alert_radius_m, status, tier, uncertainty_m
    FROM lead INDEXED BY lead_key WHERE lat_e7 IS NOT NULL AND lon_e7 IS NOT NULL";

/// The positions of all shown leads that have one, from an index alone. O(n).
pub(crate) fn positions(db: &Connection) -> Result<Vec<LeadPosition>, StoreError> {
    let hidden: i64 = db
        .query_row("SELECT count(*) FROM hidden", [], |row| row.get(0))
        .in_cache()?;
    let shown = if hidden == 0 {
        ""
    } else {
        " AND gen NOT IN (SELECT gen FROM hidden)"
    };
    let mut statement = db
        .prepare_cached(&format!("{POSITION}{shown}"))
        .in_cache()?;
    let mut rows = statement.query([]).in_cache()?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().in_cache()? {
        found.extend(position_from_sql(row).in_cache()?);
    }
    Ok(found)
}

/// The positions of some leads; those without one, or not there, are left out.
pub(crate) fn positions_of(
    db: &Connection,
    ids: &[LeadId],
) -> Result<Vec<LeadPosition>, StoreError> {
    let sql = format!("{POSITION} AND id = ?1 AND {SHOWN}");
    let mut statement = db.prepare_cached(&sql).in_cache()?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let position = statement
            .query_row([id.as_bytes()], position_from_sql)
            .optional()
            .in_cache()?;
        found.extend(position.flatten());
    }
    Ok(found)
}

/// A position out of range counts as none.
fn position_from_sql(row: &rusqlite::Row<'_>) -> rusqlite::Result<Option<LeadPosition>> {
    let int = |at| Ok::<_, rusqlite::Error>(row.get_ref(at)?.as_i64_or_null().ok().flatten());
    let Some((lat, lon)) = int(1)?.zip(int(2)?) else {
        return Ok(None);
    };
    let Ok(position) = LatLng::from_e7(lat, lon) else {
        return Ok(None);
    };
    Ok(Some(LeadPosition {
        id: id_at(row, 0)?,
        position,
        score: int(3)?.and_then(|n| n.try_into().ok()),
        alert_radius_m: int(4)?.and_then(|n| n.try_into().ok()),
        status: int(5)?.map_or(Some(LeadStatus::New), LeadStatus::from_code),
        tier: int(6)?.and_then(|n| n.try_into().ok()),
        uncertainty_m: int(7)?.and_then(|n| n.try_into().ok()),
    }))
}

const RECORD: &str = "SELECT entity, id, version, columns,
    EXISTS (SELECT 1 FROM shadow s WHERE s.entity = record.entity AND s.id = record.id)
    FROM record WHERE";

fn records_where(
    db: &Connection,
    condition: &str,
    params: &[&dyn ToSql],
) -> Result<Vec<StoredRow>, StoreError> {
    let sql = format!("{RECORD} {condition} AND {SHOWN} ORDER BY entity, id");
    let raw: Vec<(Key, u64, Vec<u8>, bool)> = db
        .prepare_cached(&sql)
        .and_then(|mut s| {
            s.query_map(params, |row| {
                Ok((
                    crate::sql::key_at(row, 0)?,
                    u64_at(row, 2)?,
                    row.get(3)?,
                    row.get(4)?,
                ))
            })?
            .collect()
        })
        .in_cache()?;
    raw.into_iter()
        .map(|((entity, id), version, columns, is_pending)| {
            let columns = unpack(&columns)?;
            let row = Row {
                id,
                version,
                columns,
            };
            Ok(StoredRow {
                entity,
                row,
                is_pending,
            })
        })
        .collect()
}

/// One row of any entity.
pub(crate) fn row(db: &Connection, (entity, id): Key) -> Result<Option<StoredRow>, StoreError> {
    if entity == Entity::LEAD {
        return Ok(leads(db, &[id.into()])?.pop());
    }
    let found = records_where(
        db,
        "entity = ?1 AND id = ?2",
        params![entity.0, id.as_bytes()],
    )?;
    Ok(found.into_iter().next())
}

/// Every row of an entity other than leads, in order of id.
pub(crate) fn records(db: &Connection, entity: Entity) -> Result<Vec<StoredRow>, StoreError> {
    records_where(db, "entity = ?1", params![entity.0])
}

/// The rows of an entity that belong to a row: visits of a lead, conflicts of any row.
pub(crate) fn records_of(
    db: &Connection,
    entity: Entity,
    parent: RowId,
) -> Result<Vec<StoredRow>, StoreError> {
    records_where(
        db,
        "entity = ?1 AND parent = ?2",
        params![entity.0, parent.as_bytes()],
    )
}

/// How many rows of an entity are shown.
pub(crate) fn count(db: &Connection, entity: Entity) -> Result<u64, StoreError> {
    let sql = if entity == Entity::LEAD {
        format!("SELECT count(*) FROM lead WHERE {SHOWN} AND ?1 = ?1")
    } else {
        format!("SELECT count(*) FROM record WHERE entity = ?1 AND {SHOWN}")
    };
    db.query_row(&sql, [entity.0], |row| u64_at(row, 0))
        .in_cache()
}
