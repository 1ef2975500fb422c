//! Leads, one SQL column for each column of the schema.

use super::full_text;
use super::tables::{BaseRow, Standing, Tables};
use crate::StoreError;
use crate::error::In;
use crate::sql::{Cell, Stored, cell_at, pack, signed, stored_at, u64_at, unpack};
use fieldfare_model::schema::lead::{self, COLUMNS};
use fieldfare_model::{CanonicalBytes, Columns, Entity, Row, RowId, Tag, Value};
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection, OptionalExtension};
use std::sync::LazyLock;

/// What every read of whole leads selects: id, version, generation, the cells, unknown cells.
pub(crate) static SELECTED: LazyLock<String> = LazyLock::new(|| {
    format!(
        "lead.id, lead.version, lead.gen, {}, lead.extra",
        names("lead.")
    )
});

/// Where the generation is in what [`SELECTED`] selects, where cells begin, and where the unknown
/// ones are.
const AT_GENERATION: usize = 2;
const AT_CELLS: usize = 3;
const AT_EXTRA: usize = AT_CELLS + COLUMNS.len();

static INSERT: LazyLock<String> = LazyLock::new(|| {
    let marks = vec!["?"; COLUMNS.len() + 4].join(", ");
    format!(
        "INSERT INTO lead (id, version, gen, {}, extra) VALUES ({marks})",
        names("")
    )
});

static UPDATE: LazyLock<String> = LazyLock::new(|| {
    let cells: Vec<_> = COLUMNS.iter().map(|c| format!("{} = ?", c.name)).collect();
    let cells = cells.join(", ");
    format!("UPDATE lead SET id = ?, version = ?, gen = ?, {cells}, extra = ? WHERE rowno = ?")
});

/// The cells that the table's indexes have, version aside.
const INDEXED: [Tag; 8] = [
    lead::NAME,
    lead::STATUS,
    lead::TIER,
    lead::SCORE,
    lead::LAT_E7,
    lead::LON_E7,
    lead::UNCERTAINTY_M,
    lead::ALERT_RADIUS_M,
];

/// Leaves alone what indexes have, so that they are not written: most edits are about other cells.
static UPDATE_REST: LazyLock<String> = LazyLock::new(|| {
    let rest = COLUMNS.iter().filter(|c| !INDEXED.contains(&c.tag));
    let cells: Vec<_> = rest.map(|c| format!("{} = ?", c.name)).collect();
    let cells = cells.join(", ");
    format!("UPDATE lead SET version = ?, {cells}, extra = ? WHERE rowno = ?")
});

static READ_BY_NO: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {} FROM lead WHERE rowno = ?1", *SELECTED));

static READ: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {} FROM lead WHERE id = ?1", *SELECTED));

fn names(prefix: &str) -> String {
    let names: Vec<_> = COLUMNS
        .iter()
        .map(|c| format!("{prefix}{}", c.name))
        .collect();
    names.join(", ")
}

const FIND: &str = "SELECT gen, version, rowno FROM lead WHERE id = ?1";

pub(super) fn find(db: &Connection, id: RowId) -> Result<Option<Standing>, StoreError> {
    let mut statement = db.prepare_cached(FIND).in_cache()?;
    find_by(&mut statement, id)
}

fn find_by(statement: &mut CachedStatement<'_>, id: RowId) -> Result<Option<Standing>, StoreError> {
    let standing = |row: &rusqlite::Row<'_>| {
        Ok(Standing {
            generation: row.get(0)?,
            version: u64_at(row, 1)?,
            lead_no: row.get(2)?,
        })
    };
    statement
        .query_row([id.as_bytes()], standing)
        .optional()
        .in_cache()
}

pub(super) fn read(db: &Connection, id: RowId) -> Result<Option<BaseRow>, StoreError> {
    let found = db
        .prepare_cached(&READ)
        .and_then(|mut s| s.query_row([id.as_bytes()], from_sql).optional())
        .in_cache()?;
    found.map(|raw| raw.into_base()).transpose()
}

pub(super) fn put(
    db: &Connection,
    is_indexed: bool,
    standing: Option<Standing>,
    generation: i64,
    row: &Row,
) -> Result<(), StoreError> {
    let Some(old) = standing else {
        let no = insert(db, generation, row)?;
        return index_text(db, is_indexed, no, row);
    };
    let no = old.lead_no;
    let kept = Kept::find(db, no, generation, row)?;
    if kept.keys {
        update_rest(db, no, row)?;
    } else {
        update(db, no, generation, row)?;
    }
    index_text(db, is_indexed && !kept.texts, no, row)
}

fn index_text(db: &Connection, is_to_do: bool, no: i64, row: &Row) -> Result<(), StoreError> {
    if is_to_do {
        full_text::index(db, no, &row.columns)?;
    }
    Ok(())
}

/// What a write leaves as it is.
struct Kept {
    /// What indexes have of the lead, version aside.
    keys: bool,
    /// What full text has of it.
    texts: bool,
}

impl Kept {
    fn find(db: &Connection, no: i64, generation: i64, row: &Row) -> Result<Self, StoreError> {
        let mut statement = db.prepare_cached(&READ_BY_NO).in_cache()?;
        let mut rows = statement.query([no]).in_cache()?;
        let old = rows.next().in_cache()?;
        // A cell that does not read is written anew.
        let is_kept = |tag: Tag| {
            let at = COLUMNS.iter().position(|column| column.tag == tag);
            let cell = at.zip(old).map(|(at, old)| cell_at(old, AT_CELLS + at));
            cell.is_some_and(|cell| cell.is_ok_and(|cell| cell == *row.columns.get(tag)))
        };
        let is_same_row = old.is_some_and(|old| {
            let id = crate::sql::id_at::<RowId>(old, 0);
            id == Ok(row.id) && old.get(AT_GENERATION) == Ok(generation)
        });
        Ok(Self {
            keys: is_same_row && INDEXED.into_iter().all(is_kept),
            texts: is_same_row && full_text::tags().all(is_kept),
        })
    }
}

fn update_rest(db: &Connection, no: i64, row: &Row) -> Result<(), StoreError> {
    let mut statement = db.prepare_cached(&UPDATE_REST).in_cache()?;
    statement
        .raw_bind_parameter(1, signed(row.version))
        .in_cache()?;
    let next = bind_cells(&mut statement, 2, row, |tag| !INDEXED.contains(&tag))?;
    statement
        .raw_bind_parameter(next, no)
        .and_then(|()| statement.raw_execute())
        .in_cache()?;
    Ok(())
}

fn insert(db: &Connection, generation: i64, row: &Row) -> Result<i64, StoreError> {
    let mut statement = db.prepare_cached(&INSERT).in_cache()?;
    insert_by(&mut statement, generation, row)?;
    Ok(db.last_insert_rowid())
}

fn insert_by(
    statement: &mut CachedStatement<'_>,
    generation: i64,
    row: &Row,
) -> Result<(), StoreError> {
    bind(statement, generation, row)?;
    statement.raw_execute().in_cache()?;
    Ok(())
}

fn update(db: &Connection, no: i64, generation: i64, row: &Row) -> Result<(), StoreError> {
    let mut statement = db.prepare_cached(&UPDATE).in_cache()?;
    let next = bind(&mut statement, generation, row)?;
    statement
        .raw_bind_parameter(next, no)
        .and_then(|()| statement.raw_execute())
        .in_cache()?;
    Ok(())
}

/// Binds a row and returns the number of the next parameter.
fn bind(
    statement: &mut CachedStatement<'_>,
    generation: i64,
    row: &Row,
) -> Result<usize, StoreError> {
    let head = |statement: &mut CachedStatement<'_>| {
        statement.raw_bind_parameter(1, row.id.as_bytes().as_slice())?;
        statement.raw_bind_parameter(2, signed(row.version))?;
        statement.raw_bind_parameter(3, generation)
    };
    head(statement).in_cache()?;
    bind_cells(statement, 4, row, |_| true)
}

/// Binds the cells of the columns that are meant, and the unknown ones, from parameter `next` on.
/// Returns the number of the one behind them.
fn bind_cells(
    statement: &mut CachedStatement<'_>,
    mut next: usize,
    row: &Row,
    is_meant: impl Fn(Tag) -> bool,
) -> Result<usize, StoreError> {
    // Both are in order of tag.
    let mut cells = row.columns.iter().peekable();
    let mut known = 0;
    for column in COLUMNS {
        while cells.next_if(|(tag, _)| *tag < column.tag).is_some() {}
        let cell = cells.next_if(|(tag, _)| *tag == column.tag);
        known += usize::from(cell.is_some());
        if is_meant(column.tag) {
            let value = cell.map_or(&Value::Null, |(_, value)| value);
            statement.raw_bind_parameter(next, Cell(value)).in_cache()?;
            next += 1;
        }
    }
    let extra = if known < row.columns.len() {
        pack_unknown(&row.columns)?
    } else {
        Value::Null
    };
    statement
        .raw_bind_parameter(next, Cell(&extra))
        .in_cache()?;
    Ok(next + 1)
}

/// Puts many leads, one after the other.
pub(super) struct Writer<'a> {
    tables: Tables<'a>,
    find: CachedStatement<'a>,
    insert: CachedStatement<'a>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(tables: Tables<'a>) -> Result<Self, StoreError> {
        Ok(Self {
            tables,
            find: tables.db.prepare_cached(FIND).in_cache()?,
            insert: tables.db.prepare_cached(&INSERT).in_cache()?,
        })
    }

    pub(super) fn find(&mut self, id: RowId) -> Result<Option<Standing>, StoreError> {
        find_by(&mut self.find, id)
    }

    /// A lead that stands in no table yet.
    pub(super) fn add(&mut self, generation: i64, row: &Row) -> Result<(), StoreError> {
        insert_by(&mut self.insert, generation, row)?;
        if self.tables.full_text {
            let db = self.tables.db;
            full_text::index(db, db.last_insert_rowid(), &row.columns)?;
        }
        Ok(())
    }
}

pub(super) fn remove(
    db: &Connection,
    is_indexed: bool,
    standing: Standing,
) -> Result<(), StoreError> {
    if is_indexed {
        full_text::forget(db, standing.lead_no)?;
    }
    db.prepare_cached("DELETE FROM lead WHERE rowno = ?1")
        .and_then(|mut s| s.execute([standing.lead_no]))
        .in_cache()?;
    Ok(())
}

/// Removes every lead of a generation.
pub(super) fn remove_generation(
    db: &Connection,
    is_indexed: bool,
    generation: i64,
) -> Result<(), StoreError> {
    if is_indexed {
        full_text::forget_generation(db, generation)?;
    }
    db.execute("DELETE FROM lead WHERE gen = ?1", [generation])
        .in_cache()?;
    Ok(())
}

/// Every lead's id and canonical bytes, shown or not, in the order they lie in. One that does not
/// read is passed over.
pub(super) fn for_each(
    db: &Connection,
    mut take: impl FnMut(RowId, &CanonicalBytes),
) -> Result<(), StoreError> {
    let mut statement = db
        .prepare_cached(&format!("SELECT {} FROM lead", *SELECTED))
        .in_cache()?;
    let mut rows = statement.query([]).in_cache()?;
    let mut bytes = CanonicalBytes::default();
    while let Some(row) = rows.next().in_cache()? {
        let id = crate::sql::id_at(row, 0).in_cache()?;
        if row.get_ref(AT_EXTRA).in_cache()? == ValueRef::Null {
            write_canonical(row, id, &mut bytes).in_cache()?;
        } else if let Ok(whole) = from_sql(row).in_cache()?.into_row() {
            bytes.write(Entity::LEAD, &whole);
        } else {
            continue;
        }
        take(id, &bytes);
    }
    Ok(())
}

/// Straight from SQLite's own memory: a lead has some thirty cells, and all leads are read here.
fn write_canonical(
    row: &rusqlite::Row<'_>,
    id: RowId,
    bytes: &mut CanonicalBytes,
) -> rusqlite::Result<()> {
    bytes.begin(Entity::LEAD, id, u64_at(row, 1)?);
    for (column, at) in COLUMNS.iter().zip(AT_CELLS..) {
        match stored_at(row, at)? {
            Stored::Null => {}
            Stored::Int(n) => bytes.int(column.tag, n),
            Stored::Text(text) => bytes.text(column.tag, text),
            Stored::Bytes(blob) => bytes.bytes(column.tag, blob),
        }
    }
    Ok(())
}

/// Moves cells that an older build kept without knowing their columns to the columns that this
/// build has for them. Nothing has to be fetched for it.
pub(crate) fn adopt(db: &Connection) -> Result<(), StoreError> {
    for no in with_unknown_cells(db)? {
        let raw = db
            .prepare_cached(&READ_BY_NO)
            .and_then(|mut s| s.query_row([no], from_sql))
            .in_cache()?;
        let generation = raw.generation;
        // What does not read stays as it is; the next digest finds it.
        if let Ok(row) = raw.into_row() {
            update(db, no, generation, &row)?;
        }
    }
    Ok(())
}

fn with_unknown_cells(db: &Connection) -> Result<Vec<i64>, StoreError> {
    db.prepare("SELECT rowno FROM lead WHERE extra IS NOT NULL")
        .and_then(|mut s| s.query_map([], |row| row.get(0))?.collect())
        .in_cache()
}

/// A lead as it lies in the table.
pub(crate) struct RawLead {
    pub(crate) row: Row,
    pub(crate) generation: i64,
    extra: Value,
}

impl RawLead {
    pub(crate) fn into_row(mut self) -> Result<Row, StoreError> {
        if let Some(bytes) = self.extra.as_bytes() {
            for (tag, value) in unpack(bytes)?.iter() {
                self.row.columns.set(tag, value.clone());
            }
        }
        Ok(self.row)
    }

    fn into_base(self) -> Result<BaseRow, StoreError> {
        let generation = self.generation;
        let row = self.into_row()?;
        Ok(BaseRow { generation, row })
    }
}

/// Reads what [`SELECTED`] selects.
pub(crate) fn from_sql(row: &rusqlite::Row<'_>) -> rusqlite::Result<RawLead> {
    let cells: Vec<(Tag, Value)> = COLUMNS
        .iter()
        .zip(AT_CELLS..)
        .map(|(column, at)| Ok((column.tag, cell_at(row, at)?)))
        .collect::<rusqlite::Result<_>>()?;
    Ok(RawLead {
        row: Row {
            id: crate::sql::id_at(row, 0)?,
            version: u64_at(row, 1)?,
            columns: cells.into(),
        },
        generation: row.get(2)?,
        extra: cell_at(row, AT_EXTRA)?,
    })
}

fn pack_unknown(columns: &Columns) -> Result<Value, StoreError> {
    let is_known = |tag| COLUMNS.binary_search_by_key(&tag, |c| c.tag).is_ok();
    let unknown: Columns = columns
        .iter()
        .filter(|(tag, _)| !is_known(*tag))
        .map(|(tag, value)| (tag, value.clone()))
        .collect();
    pack(&unknown).map(Value::Bytes)
}
