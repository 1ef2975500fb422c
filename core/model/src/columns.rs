use crate::schema::{Entity, Tag};
use crate::{RowId, Value};
use serde::{Deserialize, Serialize};

/// The cells of a row, sorted by column tag, with absent cells left out.
///
/// Columns that this build does not know are kept like any other, so that a row read and written
/// by an older app loses nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(from = "Vec<(Tag, Value)>", into = "Vec<(Tag, Value)>")]
pub struct Columns(Vec<(Tag, Value)>);

impl Columns {
    /// No cells.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The cell of a column, [`Value::Null`] when absent. O(log n).
    pub fn get(&self, tag: Tag) -> &Value {
        const NULL: &Value = &Value::Null;
        self.position(tag)
            .ok()
            .and_then(|at| self.0.get(at))
            .map_or(NULL, |(_, value)| value)
    }

    /// Sets a cell; a null removes it.
    pub fn set(&mut self, tag: Tag, value: impl Into<Value>) {
        let value = value.into();
        match (self.position(tag), value.is_null()) {
            (Ok(at), true) => {
                self.0.remove(at);
            }
            (Ok(at), false) => {
                if let Some(cell) = self.0.get_mut(at) {
                    cell.1 = value;
                }
            }
            (Err(_), true) => {}
            (Err(at), false) => self.0.insert(at, (tag, value)),
        }
    }

    /// Sets a cell whose tag is mostly larger than all before; then O(1), otherwise as [`Self::set`].
    pub fn push(&mut self, tag: Tag, value: Value) {
        let in_order = self.0.last().is_none_or(|(last, _)| *last < tag);
        if !in_order {
            self.set(tag, value);
        } else if !value.is_null() {
            self.0.push((tag, value));
        }
    }

    /// No cells yet, room for `n`.
    pub fn with_capacity(n: usize) -> Self {
        Self(Vec::with_capacity(n))
    }

    /// Removes a cell and returns it.
    pub fn take(&mut self, tag: Tag) -> Value {
        match self.position(tag) {
            Ok(at) => self.0.remove(at).1,
            Err(_) => Value::Null,
        }
    }

    /// The present cells in order of tag.
    pub fn iter(&self) -> impl Iterator<Item = (Tag, &Value)> {
        self.0.iter().map(|(tag, value)| (*tag, value))
    }

    /// How many cells are present.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no cell is present.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn position(&self, tag: Tag) -> Result<usize, usize> {
        self.0.binary_search_by_key(&tag, |(t, _)| *t)
    }
}

impl From<Vec<(Tag, Value)>> for Columns {
    /// Sorts by tag, drops nulls; of a repeated tag the last one stays.
    fn from(mut cells: Vec<(Tag, Value)>) -> Self {
        cells.sort_by_key(|(tag, _)| *tag);
        cells.reverse();
        cells.dedup_by_key(|(tag, _)| *tag);
        cells.reverse();
        cells.retain(|(_, value)| !value.is_null());
        Self(cells)
    }
}

impl From<Columns> for Vec<(Tag, Value)> {
    fn from(columns: Columns) -> Self {
        columns.0
    }
}

impl FromIterator<(Tag, Value)> for Columns {
    fn from_iter<I: IntoIterator<Item = (Tag, Value)>>(cells: I) -> Self {
        cells.into_iter().collect::<Vec<_>>().into()
    }
}

/// A row as it is stored by the server and sent in frames.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The row's id, made where the row was made and never changed.
    pub id: RowId,
    /// The tenant sequence at which the row last changed.
    pub version: u64,
    /// Its cells.
    pub columns: Columns,
}

/// The bytes a digest covers: see [`CanonicalBytes`].
pub fn canonical_bytes(entity: Entity, row: &Row) -> Vec<u8> {
    let mut bytes = CanonicalBytes::default();
    bytes.write(entity, row);
    bytes.0
}

/// The bytes a digest covers, written one cell after the other: entity, id, version, then each
/// present cell in order of tag.
///
/// The form is injective: entity (1 byte), id (16), version (8, big endian), then per cell the
/// tag (2, big endian), a kind byte (1 int, 2 text, 3 bytes), a length (4, big endian) and the
/// payload (integers as 8 bytes, big endian, two's complement).
#[derive(Debug, Clone, Default)]
pub struct CanonicalBytes(Vec<u8>);

impl CanonicalBytes {
    /// Forgets what was written and begins a row. Its cells are to follow in order of tag, absent
    /// ones left out.
    pub fn begin(&mut self, entity: Entity, id: RowId, version: u64) {
        self.0.clear();
        self.0.push(entity.0);
        self.0.extend_from_slice(id.as_bytes());
        self.0.extend_from_slice(&version.to_be_bytes());
    }

    /// Forgets what was written and writes a row.
    pub fn write(&mut self, entity: Entity, row: &Row) {
        self.begin(entity, row.id, row.version);
        for (tag, value) in row.columns.iter() {
            match value {
                Value::Null => {}
                Value::Int(n) => self.int(tag, *n),
                Value::Text(t) => self.text(tag, t),
                Value::Bytes(b) => self.bytes(tag, b),
            }
        }
    }

    /// An integer.
    pub fn int(&mut self, tag: Tag, n: i64) {
        self.cell(tag, 1, &n.to_be_bytes());
    }

    /// A text.
    pub fn text(&mut self, tag: Tag, text: &str) {
        self.cell(tag, 2, text.as_bytes());
    }

    /// Raw bytes.
    pub fn bytes(&mut self, tag: Tag, bytes: &[u8]) {
        self.cell(tag, 3, bytes);
    }

    fn cell(&mut self, tag: Tag, kind: u8, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        self.0.extend_from_slice(&tag.to_be_bytes());
        self.0.push(kind);
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(payload);
    }

    /// What was written since the row was begun.
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::Int),
            ".{0,12}".prop_map(Value::Text),
            proptest::collection::vec(any::<u8>(), 0..12).prop_map(Value::Bytes),
        ]
    }

    fn any_cells() -> impl Strategy<Value = Vec<(Tag, Value)>> {
        proptest::collection::vec((0u16..6, any_value()), 0..8)
    }

    proptest! {
        #[test]
        fn cells_behave_like_a_map(cells in any_cells()) {
            let mut map = std::collections::BTreeMap::new();
            let mut columns = Columns::new();
            for (i, (tag, value)) in cells.clone().into_iter().enumerate() {
                map.insert(tag, value.clone());
                match (i % 2, value.is_null()) {
                    (0, false) => columns.push(tag, value),
                    _ => columns.set(tag, value),
                }
            }
            map.retain(|_, v| !v.is_null());
            let listed: Vec<_> = columns.iter().map(|(t, v)| (t, v.clone())).collect();
            prop_assert_eq!(listed, map.into_iter().collect::<Vec<_>>());
            prop_assert_eq!(columns, Columns::from(cells));
        }

        #[test]
        fn canonical_bytes_tell_different_rows_apart(a in any_cells(), b in any_cells()) {
            let row = |cells: &Vec<(Tag, Value)>| Row {
                id: RowId::from_bytes([1; 16]), version: 1, columns: cells.clone().into(),
            };
            let (a, b) = (row(&a), row(&b));
            prop_assert_eq!(
                a == b,
                canonical_bytes(Entity::LEAD, &a) == canonical_bytes(Entity::LEAD, &b)
            );
        }

        #[test]
        fn columns_survive_messagepack(cells in any_cells()) {
            let columns = Columns::from(cells);
            let bytes = rmp_serde::to_vec(&columns).unwrap();
            prop_assert_eq!(rmp_serde::from_slice::<Columns>(&bytes).unwrap(), columns);
        }
    }
}
