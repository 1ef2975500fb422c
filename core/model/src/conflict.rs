use crate::schema::{self, conflict};
use crate::{Columns, ConflictId, Entity, ModelError, OperationId, RowId, Tag, TimestampMs, Value};
use serde::{Deserialize, Serialize};

/// A value that lost a merge, kept so that the rep can see and restore it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conflict {
    /// The conflict's id.
    pub id: ConflictId,
    /// Which kind of row.
    pub entity: Entity,
    /// Which row.
    pub row: RowId,
    /// Which column; none when the row was deleted under the edit.
    pub column: Option<Tag>,
    /// The value that stands.
    pub kept: Value,
    /// The value that does not.
    pub lost: Value,
    /// The operation that met it.
    pub operation: OperationId,
    /// When the server merged.
    pub at: TimestampMs,
    /// Whether the phone's value stands.
    pub phone_won: bool,
}

impl Conflict {
    /// The cells to store and send. The two values are kept in the canonical cell form: a kind
    /// byte (0 null, 1 int, 2 text, 3 bytes) and the payload.
    pub fn to_columns(&self) -> Columns {
        let mut c = Columns::new();
        c.set(conflict::ENTITY, i64::from(self.entity.0));
        c.set(conflict::ROW, self.row.as_bytes().to_vec());
        c.set(conflict::COLUMN, self.column.map(i64::from));
        c.set(conflict::KEPT, pack(&self.kept));
        c.set(conflict::LOST, pack(&self.lost));
        c.set(conflict::OPERATION, self.operation.as_bytes().to_vec());
        c.set(conflict::AT, self.at.0);
        c.set(conflict::PHONE_WON, i64::from(self.phone_won));
        c
    }

    /// Reads a conflict from its cells.
    ///
    /// # Errors
    /// [`ModelError`] naming the missing or wrong column.
    pub fn from_columns(id: ConflictId, columns: &Columns) -> Result<Self, ModelError> {
        let r = schema::Reader::new("conflict", columns);
        let value = |tag, name| unpack(r.bytes(tag, name)?).ok_or(r.wrong(name));
        Ok(Self {
            id,
            entity: Entity(r.int(conflict::ENTITY, "entity")?),
            row: RowId::from_slice(r.bytes(conflict::ROW, "row")?)?,
            column: r.optional_int(conflict::COLUMN, "column")?,
            kept: value(conflict::KEPT, "kept")?,
            lost: value(conflict::LOST, "lost")?,
            operation: OperationId::from_slice(r.bytes(conflict::OPERATION, "operation")?)?,
            at: TimestampMs(r.int(conflict::AT, "at")?),
            phone_won: r.int::<i64>(conflict::PHONE_WON, "phone_won")? != 0,
        })
    }
}

fn pack(value: &Value) -> Vec<u8> {
    let (kind, payload): (u8, Vec<u8>) = match value {
        Value::Null => (0, Vec::new()),
        Value::Int(n) => (1, n.to_be_bytes().to_vec()),
        Value::Text(t) => (2, t.as_bytes().to_vec()),
        Value::Bytes(b) => (3, b.clone()),
    };
    let mut out = vec![kind];
    out.extend(payload);
    out
}

fn unpack(bytes: &[u8]) -> Option<Value> {
    let (kind, payload) = bytes.split_first()?;
    match kind {
        0 => payload.is_empty().then_some(Value::Null),
        1 => Some(Value::Int(i64::from_be_bytes(payload.try_into().ok()?))),
        2 => String::from_utf8(payload.to_vec()).ok().map(Value::Text),
        3 => Some(Value::Bytes(payload.to_vec())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_and_conflict_say_the_same() {
        for (kept, lost) in [
            (Value::Int(-4), Value::Null),
            (Value::Text("a".into()), Value::Bytes(vec![1, 0])),
        ] {
            let c = Conflict {
                id: ConflictId::from_bytes([1; 16]),
                entity: Entity::LEAD,
                row: RowId::from_bytes([2; 16]),
                column: Some(7),
                kept,
                lost,
                operation: OperationId::from_bytes([3; 16]),
                at: TimestampMs(4),
                phone_won: true,
            };
            assert_eq!(Conflict::from_columns(c.id, &c.to_columns()), Ok(c));
        }
    }
}
