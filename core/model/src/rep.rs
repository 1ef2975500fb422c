use crate::schema::{self, rep};
use crate::{Columns, ModelError, RepId};
use serde::{Deserialize, Serialize};

/// A field sales person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rep {
    /// The rep's id.
    pub id: RepId,
    /// Display name.
    pub name: String,
    /// The owner id the CRM uses for this person, where there is one.
    pub crm_owner: Option<String>,
}

impl Rep {
    /// The cells to store and send.
    pub fn to_columns(&self) -> Columns {
        let mut c = Columns::new();
        c.set(rep::NAME, self.name.as_str());
        c.set(rep::CRM_OWNER, self.crm_owner.clone());
        c
    }

    /// Reads a rep from its cells.
    ///
    /// # Errors
    /// [`ModelError`] naming the missing or wrong column.
    pub fn from_columns(id: RepId, columns: &Columns) -> Result<Self, ModelError> {
        let read = schema::Reader::new("rep", columns);
        Ok(Self {
            id,
            name: read.text(rep::NAME, "name")?,
            crm_owner: read.optional_text(rep::CRM_OWNER, "crm_owner")?,
        })
    }
}
