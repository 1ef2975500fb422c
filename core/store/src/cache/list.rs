//! Listing leads page by page.

use super::full_text;
use super::lead_table::{RawLead, from_sql};
use super::query::{LEAD_COLUMNS, NO_AT, ORDER_AT, PENDING_AT, SHOWN, StoredRow, finish};
use crate::StoreError;
use crate::error::In;
use crate::sql::Cell;
use fieldfare_model::{LeadStatus, TerritoryId, Value};
use rusqlite::{Connection, params_from_iter};

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

/// Where a page ended. Opaque; good for the same filter and order only. May be serialised to hand it
/// out of the process' memory and back, not to keep it: it may quote a name.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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
