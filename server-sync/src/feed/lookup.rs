//! Finding rows other than by id.

use crate::feed::rows::{self, read_row};
use crate::store::{StoreError, from_sql};
use fieldfare_model::{Entity, GeocodeStatus, LeadId, Row, RowId};
use fieldfare_sync::{RowState, ScopeId};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;

/// The lead of a CRM record: the live one, else the one deleted last.
///
/// # Errors
/// [`StoreError::Sql`], or [`StoreError::Damaged`].
pub fn lead_by_crm(
    connection: &Connection,
    crm_source: &str,
    crm_id: &str,
) -> Result<Option<(LeadId, RowState)>, StoreError> {
    let live = "SELECT id FROM \"row\" WHERE crm_source = ?1 AND crm_id = ?2 AND deleted = 0";
    let gone = "SELECT id FROM \"row\" WHERE crm_source = ?1 AND crm_id = ?2 AND deleted = 1
                ORDER BY version DESC LIMIT 1";
    for sql in [live, gone] {
        let id = connection
            .prepare_cached(sql)?
            .query_row(params![crm_source, crm_id], |r| {
                Ok(RowId::from_bytes(r.get(0)?))
            })
            .optional()?;
        if let Some(id) = id {
            return Ok(Some((id.into(), rows::row(connection, Entity::LEAD, id)?)));
        }
    }
    Ok(None)
}

/// Which leads to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeadFilter {
    /// All of them.
    All,
    /// Those of one geocode status; a lead without the cell counts as pending.
    Geocode(GeocodeStatus),
}

/// Live leads in order of id, after `after`, at most `limit`. For the next page give the last id.
///
/// # Errors
/// [`StoreError::Sql`], or [`StoreError::Damaged`].
pub fn leads(
    connection: &Connection,
    filter: LeadFilter,
    after: Option<LeadId>,
    limit: usize,
) -> Result<Vec<Row>, StoreError> {
    let after = after.map_or_else(Vec::new, |id| id.as_bytes().to_vec());
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    match filter {
        LeadFilter::All => {
            let sql = "SELECT id, version, columns FROM \"row\"
                       WHERE entity = 1 AND deleted = 0 AND id > ?1 ORDER BY id LIMIT ?2";
            page(connection, sql, params![after, limit])
        }
        LeadFilter::Geocode(status) => {
            let sql = "SELECT id, version, columns FROM \"row\"
                       WHERE geocode_status = ?3 AND deleted = 0 AND id > ?1 ORDER BY id LIMIT ?2";
            page(connection, sql, params![after, limit, status.code()])
        }
    }
}

/// Live leads in any of the scopes, each once, in order of id. O(members of the scopes).
///
/// # Errors
/// [`StoreError::Sql`], or [`StoreError::Damaged`].
pub fn leads_in(connection: &Connection, scopes: &[ScopeId]) -> Result<Vec<Row>, StoreError> {
    let sql = "SELECT r.id, r.version, r.columns
               FROM scope s JOIN member m ON m.scope = s.key JOIN \"row\" r ON r.key = m.\"row\"
               WHERE s.name = ?1 AND m.present = 1 AND r.entity = 1 AND r.deleted = 0";
    let mut found = BTreeMap::new();
    for scope in scopes {
        for row in page(connection, sql, params![scope.as_str()])? {
            found.insert(row.id, row);
        }
    }
    Ok(found.into_values().collect())
}

/// Live visits to a lead, in order of id.
///
/// # Errors
/// [`StoreError::Sql`], or [`StoreError::Damaged`].
pub fn visits_of(connection: &Connection, lead: LeadId) -> Result<Vec<Row>, StoreError> {
    let sql = "SELECT id, version, columns FROM \"row\"
               WHERE lead = ?1 AND deleted = 0 ORDER BY id";
    page(connection, sql, params![lead.as_bytes()])
}

fn page(
    connection: &Connection,
    sql: &str,
    params: &[&dyn rusqlite::ToSql],
) -> Result<Vec<Row>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        out.push(read_row(row)?);
    }
    Ok(out)
}

/// How many rows of an entity there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Live rows.
    pub live: u64,
    /// Tombstones.
    pub deleted: u64,
}

/// How many rows there are of each entity. O(rows).
///
/// # Errors
/// [`StoreError::Sql`].
pub fn counts(connection: &Connection) -> Result<BTreeMap<Entity, Counts>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT entity, deleted, count(*) FROM \"row\" GROUP BY entity, deleted")?;
    let mut rows = statement.query([])?;
    let mut out: BTreeMap<Entity, Counts> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let counts = out.entry(Entity(row.get(0)?)).or_default();
        let count = from_sql(row.get(2)?);
        if row.get(1)? {
            counts.deleted = count;
        } else {
            counts.live = count;
        }
    }
    Ok(out)
}
