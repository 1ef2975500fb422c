//! Full text over name, address and notes of leads.

use crate::StoreError;
use crate::error::In;
use fieldfare_model::schema::lead;
use fieldfare_model::{Columns, Tag};
use rusqlite::{Connection, OptionalExtension, params};

const TABLE: &str = "CREATE VIRTUAL TABLE lead_text USING fts5(
    name, address, notes, content = '', contentless_delete = 1,
    tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3')";

const ADDRESS: [Tag; 5] = [
    lead::STREET,
    lead::UNIT,
    lead::CITY,
    lead::REGION,
    lead::POSTAL_CODE,
];

/// The cells that the index has.
pub(super) fn tags() -> impl Iterator<Item = Tag> {
    ADDRESS.into_iter().chain([lead::NAME, lead::NOTES])
}

/// Makes the index, or drops it, as the options ask. A new index covers every lead there is.
pub(crate) fn set_up(db: &Connection, is_wanted: bool) -> Result<(), StoreError> {
    let exists = db
        .query_row(
            "SELECT 1 FROM sqlite_master WHERE name = 'lead_text'",
            [],
            |_| Ok(()),
        )
        .optional()
        .in_cache()?
        .is_some();
    match (exists, is_wanted) {
        (false, true) => build(db).in_cache(),
        (true, false) => db.execute_batch("DROP TABLE lead_text").in_cache(),
        _ => Ok(()),
    }
}

fn build(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(TABLE)?;
    db.execute_batch(
        "INSERT INTO lead_text (rowid, name, address, notes)
         SELECT rowno, name, concat_ws(' ', street, unit, city, region, postal_code), notes
         FROM lead",
    )
}

/// Indexes a lead anew.
pub(super) fn index(db: &Connection, no: i64, columns: &Columns) -> Result<(), StoreError> {
    let text = |tag| columns.get(tag).as_text();
    let address: Vec<_> = ADDRESS.iter().filter_map(|tag| text(*tag)).collect();
    db.prepare_cached(
        "INSERT OR REPLACE INTO lead_text (rowid, name, address, notes) VALUES (?1, ?2, ?3, ?4)",
    )
    .and_then(|mut s| {
        s.execute(params![
            no,
            text(lead::NAME),
            address.join(" "),
            text(lead::NOTES)
        ])
    })
    .in_cache()?;
    Ok(())
}

pub(super) fn forget(db: &Connection, no: i64) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM lead_text WHERE rowid = ?1")
        .and_then(|mut s| s.execute([no]))
        .in_cache()?;
    Ok(())
}

pub(super) fn forget_generation(db: &Connection, generation: i64) -> Result<(), StoreError> {
    db.execute(
        "DELETE FROM lead_text WHERE rowid IN (SELECT rowno FROM lead WHERE gen = ?1)",
        [generation],
    )
    .in_cache()?;
    Ok(())
}

/// What somebody typed as an FTS5 expression that is never wrong: every word must occur, the
/// last one as the beginning of a word. `None` if there is nothing to look for.
pub(crate) fn expression(typed: &str) -> Option<String> {
    let words: Vec<_> = typed
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .map(|word| format!("\"{}\"", word.replace('"', "\"\"")))
        .collect();
    if words.is_empty() {
        return None;
    }
    Some(format!("{}*", words.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::expression;

    #[test]
    fn what_is_typed_becomes_words_and_a_beginning() {
        assert_eq!(expression("main st"), Some("\"main\" \"st\"*".into()));
        assert_eq!(
            expression("a\"b OR c"),
            Some("\"a\"\"b\" \"OR\" \"c\"*".into())
        );
        assert_eq!(expression(" - \t ** \0"), None);
    }
}
