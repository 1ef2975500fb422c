use fieldfare_model::LeadKind;
use serde::{Deserialize, Serialize};

/// A kind of record that can become a lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectType {
    /// Organisations.
    Companies,
    /// People.
    Contacts,
}

impl ObjectType {
    /// Name in the API's paths.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Companies => "companies",
            Self::Contacts => "contacts",
        }
    }

    /// Reads the name of [`Self::path`].
    pub fn from_path(path: &str) -> Option<Self> {
        [Self::Companies, Self::Contacts]
            .into_iter()
            .find(|t| t.path() == path)
    }

    /// The first word of a subscription type, or the `objectTypeId` of the newer form.
    pub fn from_event(word: &str) -> Option<Self> {
        match word {
            "company" | "0-2" => Some(Self::Companies),
            "contact" | "0-1" => Some(Self::Contacts),
            _ => None,
        }
    }

    /// What a lead made of such a record is.
    pub const fn kind(self) -> LeadKind {
        match self {
            Self::Companies => LeadKind::Company,
            Self::Contacts => LeadKind::Contact,
        }
    }

    /// The record a lead of this kind is; a lead made on a phone becomes a company.
    pub const fn of_kind(kind: LeadKind) -> Self {
        match kind {
            LeadKind::Contact => Self::Contacts,
            LeadKind::Company | LeadKind::Lead => Self::Companies,
        }
    }

    /// The lead's `crm_id`: HubSpot numbers each kind of record apart, so contacts carry a prefix.
    pub fn crm_id(self, object: &str) -> String {
        match self {
            Self::Companies => object.to_owned(),
            Self::Contacts => format!("contacts/{object}"),
        }
    }

    /// Takes a lead's `crm_id` apart again.
    pub fn split_crm_id(crm_id: &str) -> (Self, &str) {
        match crm_id.strip_prefix("contacts/") {
            Some(object) => (Self::Contacts, object),
            None => (Self::Companies, crm_id),
        }
    }
}
