//! Putting this phone's pending edits on top of what the server said.

use super::base::Base;
use super::tables::BaseRow;
use crate::StoreError;
use crate::sql::Key;
use fieldfare_model::{Columns, Row};
use fieldfare_sync::{Change, shows_on_top};

/// The edits that are not yet part of what the server said.
pub(crate) trait PendingEdits {
    /// Those of one row, in order.
    fn of(&self, key: Key) -> Result<Vec<Change>, StoreError>;
    /// Every row that has some.
    fn keys(&self) -> Result<Vec<Key>, StoreError>;
}

/// Makes a row look as it should, given its edits now. Doing it again changes nothing.
pub(crate) fn refresh(
    base: &mut Base<'_>,
    key: Key,
    pending: &dyn PendingEdits,
) -> Result<(), StoreError> {
    let edits = pending.of(key)?;
    if edits.is_empty() {
        if base.has_shadow(key) {
            let shadow = base.make_shadow(key)?;
            write(base, key, shadow)?;
            base.remove_shadow(key)?;
        }
        return Ok(());
    }
    let shadow = base.make_shadow(key)?;
    let generation = base.state.generation;
    let look = apply(key, shadow, edits, generation);
    write(base, key, look)
}

/// Refreshes every row that has edits or a shadow.
pub(crate) fn refresh_all(
    base: &mut Base<'_>,
    pending: &dyn PendingEdits,
) -> Result<(), StoreError> {
    let shadowed: Vec<_> = base.shadowed().collect();
    for key in shadowed.into_iter().chain(pending.keys()?) {
        refresh(base, key, pending)?;
    }
    Ok(())
}

fn write(base: &mut Base<'_>, key: Key, look: Option<BaseRow>) -> Result<(), StoreError> {
    let standing = base.shown_or_evicted(key)?;
    match (look, standing) {
        (Some(look), Some(standing)) => {
            let is_same = base.tables.read(key)?.is_some_and(|now| now == look);
            if is_same {
                return Ok(());
            }
            base.tables
                .put(key.0, Some(standing), look.generation, &look.row)?;
        }
        (Some(look), None) => base.tables.put(key.0, None, look.generation, &look.row)?,
        (None, Some(standing)) => base.tables.remove(key, standing)?,
        (None, None) => return Ok(()),
    }
    base.changed.insert(key);
    Ok(())
}

/// A row with edits on top. Edits of a row that is neither there nor made by them show nothing.
fn apply(key: Key, base: Option<BaseRow>, edits: Vec<Change>, generation: i64) -> Option<BaseRow> {
    let mut look = base;
    for edit in edits {
        match (edit, &mut look) {
            (Change::Create(columns), None) => look = Some(made_here(key, columns, generation)),
            (Change::Edit(fields), Some(made)) => {
                for field in fields {
                    let current = made.row.columns.get(field.tag);
                    if shows_on_top(key.0, field.tag, current, &field.new) {
                        made.row.columns.set(field.tag, field.new);
                    }
                }
            }
            // The server has the row already, or it is gone.
            (Change::Create(_), Some(_)) | (Change::Edit(_), None) => {}
        }
    }
    look
}

fn made_here(key: Key, columns: Columns, generation: i64) -> BaseRow {
    let row = Row {
        id: key.1,
        version: 0,
        columns,
    };
    BaseRow { generation, row }
}
