//! Field-level three-way merge.

use crate::{FieldEdit, RejectCode};
use fieldfare_model::{
    ColumnDef, Columns, Entity, LeadStatus, MergePolicy, Row, Tag, Value, columns_of, seeded_bug,
};

/// A row with a phone's edits merged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// The cells to store.
    pub columns: Columns,
    /// Where another writer had changed the same cell.
    pub met: Vec<MergedColumn>,
}

/// A cell that two writers changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergedColumn {
    /// Which column.
    pub tag: Tag,
    /// The value that stands.
    pub kept: Value,
    /// The value that does not.
    pub lost: Value,
    /// Whether the phone's value stands.
    pub phone_won: bool,
}

/// Merges edits into the row the server holds.
///
/// An edit meets another writer when the row is newer than `base_version` and its cell is neither what
/// the phone saw nor what the phone wants; the column's [`MergePolicy`] then decides which value
/// stands. Columns this build does not know follow the server's order.
///
/// # Errors
/// The reason for which the whole operation is refused.
pub fn merge(
    entity: Entity,
    current: &Row,
    base_version: u64,
    edits: &[FieldEdit],
) -> Result<Merge, RejectCode> {
    let mut merged = Merge {
        columns: current.columns.clone(),
        met: Vec::new(),
    };
    let unchanged = current.version <= base_version;
    for edit in edits {
        merge_cell(entity, edit, unchanged, &mut merged)?;
    }
    Ok(merged)
}

fn merge_cell(
    entity: Entity,
    edit: &FieldEdit,
    unchanged: bool,
    merged: &mut Merge,
) -> Result<(), RejectCode> {
    let policy = writable_policy(entity, edit)?;
    let current = merged.columns.get(edit.tag).clone();
    if current == edit.new {
        return Ok(());
    }
    let met = !unchanged && current != edit.base;
    let phone_wins = phone_wins(policy, met, &current, &edit.new)?;
    if phone_wins {
        merged.columns.set(edit.tag, edit.new.clone());
    }
    if met {
        let (kept, lost) = if phone_wins {
            (edit.new.clone(), current)
        } else {
            (current, edit.new.clone())
        };
        merged.met.push(MergedColumn {
            tag: edit.tag,
            kept,
            lost,
            phone_won: phone_wins,
        });
    }
    Ok(())
}

fn writable_policy(entity: Entity, edit: &FieldEdit) -> Result<MergePolicy, RejectCode> {
    let Some(column) = column(entity, edit.tag) else {
        return Ok(MergePolicy::ServerOrder);
    };
    match column.policy {
        MergePolicy::ServerOnly | MergePolicy::AppendOnly => Err(RejectCode::ReadOnly),
        _ if !column.kind.admits(&edit.new) => Err(RejectCode::Invalid),
        policy => Ok(policy),
    }
}

pub(crate) fn column(entity: Entity, tag: Tag) -> Option<&'static ColumnDef> {
    columns_of(entity).iter().find(|column| column.tag == tag)
}

fn phone_wins(
    policy: MergePolicy,
    met: bool,
    current: &Value,
    new: &Value,
) -> Result<bool, RejectCode> {
    match policy {
        MergePolicy::ServerWins => Ok(!met),
        MergePolicy::Transition if seeded_bug!("consent merged the wrong way") => Ok(true),
        MergePolicy::Transition => match (may_become(current, new)?, met) {
            (true, _) => Ok(true),
            (false, true) => Ok(false),
            (false, false) => Err(RejectCode::Transition),
        },
        _ => Ok(true),
    }
}

/// Whether a pending edit shows on top of what the server said. A status that may not be left, as
/// "do not contact" may not, shows whatever the phone wants: the most restrictive wins, at once.
pub fn shows_on_top(entity: Entity, tag: Tag, current: &Value, new: &Value) -> bool {
    let is_transition =
        column(entity, tag).is_some_and(|column| column.policy == MergePolicy::Transition);
    !is_transition || may_become(current, new).unwrap_or(false)
}

fn may_become(current: &Value, new: &Value) -> Result<bool, RejectCode> {
    let status = |value: &Value| match value {
        Value::Null => Some(LeadStatus::New),
        value => value.as_int().and_then(LeadStatus::from_code),
    };
    let new = status(new).ok_or(RejectCode::Invalid)?;
    Ok(status(current).is_none_or(|current| current.may_become(new)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fieldfare_model::{RowId, schema::lead};

    fn row(version: u64, cells: &[(Tag, Value)]) -> Row {
        let columns = cells.iter().cloned().collect();
        Row {
            id: RowId::from_bytes([1; 16]),
            version,
            columns,
        }
    }

    fn edit(tag: Tag, base: impl Into<Value>, new: impl Into<Value>) -> FieldEdit {
        FieldEdit {
            tag,
            base: base.into(),
            new: new.into(),
        }
    }

    #[test]
    fn different_cells_do_not_meet() {
        let current = row(
            9,
            &[(lead::NAME, "new name".into()), (lead::PHONE, "1".into())],
        );
        let m = merge(Entity::LEAD, &current, 5, &[edit(lead::PHONE, "1", "2")]).unwrap();
        assert!(m.met.is_empty());
        assert_eq!(m.columns.get(lead::NAME).as_text(), Some("new name"));
        assert_eq!(m.columns.get(lead::PHONE).as_text(), Some("2"));
    }

    #[test]
    fn the_same_cell_keeps_the_last_write_and_records_the_other() {
        let current = row(9, &[(lead::PHONE, "crm".into())]);
        let m = merge(
            Entity::LEAD,
            &current,
            5,
            &[edit(lead::PHONE, "old", "phone")],
        )
        .unwrap();
        let met = MergedColumn {
            tag: lead::PHONE,
            kept: "phone".into(),
            lost: "crm".into(),
            phone_won: true,
        };
        assert_eq!(m.met, [met]);
    }

    #[test]
    fn agreement_is_no_conflict() {
        let current = row(9, &[(lead::PHONE, "same".into())]);
        let m = merge(
            Entity::LEAD,
            &current,
            5,
            &[edit(lead::PHONE, "old", "same")],
        )
        .unwrap();
        assert!(m.met.is_empty());
    }

    #[test]
    fn an_unchanged_row_meets_nobody() {
        let current = row(5, &[(lead::PHONE, "x".into())]);
        let m = merge(Entity::LEAD, &current, 5, &[edit(lead::PHONE, "y", "z")]).unwrap();
        assert!(m.met.is_empty());
    }

    #[test]
    fn do_not_contact_set_in_the_crm_stands() {
        let dnc = LeadStatus::DoNotContact.code();
        let current = row(9, &[(lead::STATUS, dnc.into())]);
        let open = LeadStatus::Open.code();
        let m = merge(Entity::LEAD, &current, 5, &[edit(lead::STATUS, 0, open)]).unwrap();
        assert_eq!(m.columns.get(lead::STATUS).as_int(), Some(dnc));
        assert!(!m.met[0].phone_won);
        let refused = merge(Entity::LEAD, &current, 9, &[edit(lead::STATUS, dnc, open)]);
        assert_eq!(refused, Err(RejectCode::Transition));
    }

    #[test]
    fn refuses_columns_of_the_server_and_wrong_kinds() {
        let current = row(5, &[]);
        let score = [edit(lead::SCORE, Value::Null, 5)];
        assert_eq!(
            merge(Entity::LEAD, &current, 5, &score),
            Err(RejectCode::ReadOnly)
        );
        let phone = [edit(lead::PHONE, Value::Null, 5)];
        assert_eq!(
            merge(Entity::LEAD, &current, 5, &phone),
            Err(RejectCode::Invalid)
        );
    }
}
