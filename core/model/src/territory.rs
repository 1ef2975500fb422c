use crate::schema::{self, territory};
use crate::{Columns, ModelError, TerritoryId};
use serde::{Deserialize, Serialize};

/// A set of leads served by a rep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Territory {
    /// The territory's id.
    pub id: TerritoryId,
    /// Display name, for example "Boston North".
    pub name: String,
}

impl Territory {
    /// The cells to store and send.
    pub fn to_columns(&self) -> Columns {
        let mut c = Columns::new();
        c.set(territory::NAME, self.name.as_str());
        c
    }

    /// Reads a territory from its cells.
    ///
    /// # Errors
    /// [`ModelError`] naming the missing or wrong column.
    pub fn from_columns(id: TerritoryId, columns: &Columns) -> Result<Self, ModelError> {
        let read = schema::Reader::new("territory", columns);
        Ok(Self {
            id,
            name: read.text(territory::NAME, "name")?,
        })
    }
}
