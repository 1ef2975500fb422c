//! What the app reads. Rows that were never shown are never seen here.

use super::full_text;
use super::lead_table::{RawLead, SELECTED, from_sql};
use crate::StoreError;
use crate::error::In;
use crate::sql::{Cell, Key, id_at, u64_at, unpack};
use fieldfare_model::{Entity, LatLng, LeadId, LeadStatus, Row, RowId, TerritoryId, Value};
use rusqlite::{Connection, OptionalExtension, ToSql, params, params_from_iter};
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
}

/// Which leads to list. An empty filter takes all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LeadFilter {
    /// Any of these, or any at all if empty.
    pub statuses: Vec<LeadStatus>,
    /// Any of these importance classes, or any at all if empty.
    pub tiers: Vec<u8>,
    /// Of this territory.
    pub territory: Option<TerritoryId>,
    /// Of this owner.
    pub owner: Option<String>,
    /// Of at least this score; leads without a score are left out.
    pub min_score: Option<u8>,
    /// With these words in name, address or notes; the last one may be a beginning. Text without
    /// any letter or digit takes all.
    pub text: Option<String>,
}

/// In which order to list leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum LeadOrder {
    /// By name, ASCII case ignored.
    #[default]
    Name,
    /// Last changed first; leads made here and not yet on the server before all.
    Changed,
}

/// Where a page ended. Opaque; good for the same filter and order only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageEnd {
    key: Value,
    no: i64,
}

/// Some leads of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The leads.
    pub rows: Vec<StoredRow>,
    /// Where to go on; `None` at the end of the list.
    pub next: Option<PageEnd>,
}

const SHOWN: &str = "gen NOT IN (SELECT gen FROM hidden)";
const LEAD_PENDING: &str = "EXISTS (SELECT 1 FROM shadow WHERE entity = 1 AND shadow.id = lead.id)";

/// A lead's own columns, then whether it is pending, then its row number.
static LEAD_COLUMNS: LazyLock<String> =
    LazyLock::new(|| format!("{}, {LEAD_PENDING}, lead.rowno", *SELECTED));

static ONE_LEAD: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {} FROM lead WHERE lead.id = ?1 AND {SHOWN}",
        *LEAD_COLUMNS
    )
});

/// How many columns come before "is pending": id, version, generation, cells, unknown cells.
const PENDING_AT: usize = 4 + fieldfare_model::schema::lead::COLUMNS.len();
const NO_AT: usize = PENDING_AT + 1;
const ORDER_AT: usize = NO_AT + 1;

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

fn finish(raw: RawLead, is_pending: bool) -> Result<StoredRow, StoreError> {
    Ok(StoredRow {
        entity: Entity::LEAD,
        row: raw.into_row()?,
        is_pending,
    })
}

/// How many leads are looked at in their order before all that match are gathered and sorted.
const LOOKED_AT_IN_ORDER: usize = 1_000;

/// A page of leads.
///
/// Leads are first looked at in the order of an index, which ends early when many match; if too few do,
/// one scan gathers all that match.
pub(crate) fn page(
    db: &Connection,
    filter: &LeadFilter,
    order: LeadOrder,
    after: Option<&PageEnd>,
    limit: usize,
) -> Result<Page, StoreError> {
    let listing = Listing {
        order: Order::of(order),
        filter: conditions(filter),
        after,
        wanted: limit.saturating_add(1).min(i32::MAX as usize),
    };
    let mut rows = listing.first_in_order(db)?;
    if rows.len() < listing.wanted && !listing.filter.sql.is_empty() {
        rows = listing.gathered(db)?;
    }
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().map(|(_, end)| end.clone());
    Ok(Page {
        next: last.filter(|_| has_more),
        rows: rows.into_iter().map(|(row, _)| row).collect(),
    })
}

struct Order {
    key: &'static str,
    direction: &'static str,
    beyond: &'static str,
}

impl Order {
    const fn of(order: LeadOrder) -> Self {
        match order {
            LeadOrder::Name => Self {
                key: "coalesce(name, '') COLLATE NOCASE",
                direction: "ASC",
                beyond: ">",
            },
            LeadOrder::Changed => Self {
                key: "CASE version WHEN 0 THEN 9223372036854775807 ELSE version END",
                direction: "DESC",
                beyond: "<",
            },
        }
    }

    fn by(&self) -> String {
        let Self { key, direction, .. } = self;
        format!("ORDER BY {key} {direction}, rowno {direction}")
    }
}

struct Listing<'a> {
    order: Order,
    filter: Conditions,
    after: Option<&'a PageEnd>,
    wanted: usize,
}

impl Listing<'_> {
    fn first_in_order(&self, db: &Connection) -> Result<Vec<(StoredRow, PageEnd)>, StoreError> {
        let place = self.place();
        let looked_at = if self.filter.sql.is_empty() {
            self.wanted
        } else {
            LOOKED_AT_IN_ORDER.max(self.wanted)
        };
        let sql = format!(
            "SELECT {}, {key} FROM (SELECT * FROM lead WHERE {SHOWN}{} {by} LIMIT {looked_at}) AS lead
             WHERE true{} {by} LIMIT {}",
            *LEAD_COLUMNS,
            place.sql,
            self.filter.sql,
            self.wanted,
            key = self.order.key,
            by = self.order.by(),
        );
        let params = [place.params.as_slice(), &self.filter.params].concat();
        rows_with_ends(db, &sql, &params)
    }

    fn gathered(&self, db: &Connection) -> Result<Vec<(StoredRow, PageEnd)>, StoreError> {
        let place = self.place();
        let sql = format!(
            "SELECT {}, {key} FROM lead NOT INDEXED WHERE {SHOWN}{}{} {by} LIMIT {}",
            *LEAD_COLUMNS,
            place.sql,
            self.filter.sql,
            self.wanted,
            key = self.order.key,
            by = self.order.by(),
        );
        let params = [place.params.as_slice(), &self.filter.params].concat();
        rows_with_ends(db, &sql, &params)
    }

    /// Beyond the end of the page before.
    fn place(&self) -> Conditions {
        let mut place = Conditions::default();
        if let Some(end) = self.after {
            let Order { key, beyond, .. } = self.order;
            place.add(
                &format!("({key}, rowno) {beyond} (?, ?)"),
                [end.key.clone(), Value::Int(end.no)],
            );
        }
        place
    }
}

fn rows_with_ends(
    db: &Connection,
    sql: &str,
    params: &[Value],
) -> Result<Vec<(StoredRow, PageEnd)>, StoreError> {
    let mut statement = db.prepare_cached(sql).in_cache()?;
    let raw: Vec<(RawLead, bool, PageEnd)> = statement
        .query_map(params_from_iter(params.iter().map(Cell)), |row| {
            let end = PageEnd {
                key: crate::sql::cell_at(row, ORDER_AT)?,
                no: row.get(NO_AT)?,
            };
            Ok((from_sql(row)?, row.get(PENDING_AT)?, end))
        })
        .and_then(Iterator::collect)
        .in_cache()?;
    raw.into_iter()
        .map(|(raw, is_pending, end)| Ok((finish(raw, is_pending)?, end)))
        .collect()
}

/// Conditions that are added to a `WHERE`, with what their marks stand for.
#[derive(Default)]
struct Conditions {
    sql: String,
    params: Vec<Value>,
}

impl Conditions {
    fn add(&mut self, sql: &str, params: impl IntoIterator<Item = Value>) {
        self.sql.push_str(" AND ");
        self.sql.push_str(sql);
        self.params.extend(params);
    }

    fn add_any_of(&mut self, column: &str, values: Vec<Value>) {
        if !values.is_empty() {
            let marks = vec!["?"; values.len()].join(", ");
            self.add(&format!("{column} IN ({marks})"), values);
        }
    }
}

fn conditions(filter: &LeadFilter) -> Conditions {
    let mut found = Conditions::default();
    let statuses = filter.statuses.iter().map(|s| Value::Int(s.code()));
    found.add_any_of("status", statuses.collect());
    let tiers = filter.tiers.iter().map(|t| Value::Int(i64::from(*t)));
    found.add_any_of("tier", tiers.collect());
    if let Some(territory) = filter.territory {
        found.add(
            "territory = ?",
            [Value::Bytes(territory.as_bytes().to_vec())],
        );
    }
    if let Some(owner) = &filter.owner {
        found.add("owner = ?", [Value::Text(owner.clone())]);
    }
    if let Some(score) = filter.min_score {
        found.add("score >= ?", [Value::Int(i64::from(score))]);
    }
    if let Some(text) = filter.text.as_deref().and_then(full_text::expression) {
        found.add(
            "rowno IN (SELECT rowid FROM lead_text WHERE lead_text MATCH ?)",
            [Value::Text(text)],
        );
    }
    found
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

const POSITION: &str = "SELECT id, lat_e7, lon_e7, score, alert_radius_m, status, tier
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
