//! The kinds of CRM objects the sandbox keeps.

use serde::{Deserialize, Serialize};

/// A kind of CRM object. In JSON: its plural name, as in the API's paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ObjectType {
    /// Companies, type id `0-2`.
    Companies,
    /// Contacts, type id `0-1`.
    Contacts,
    /// Deals, type id `0-3`.
    Deals,
    /// Tasks, type id `0-27`.
    Tasks,
    /// Notes, type id `0-46`.
    Notes,
}

impl ObjectType {
    /// All kinds.
    pub const ALL: [Self; 5] = [
        Self::Companies,
        Self::Contacts,
        Self::Deals,
        Self::Tasks,
        Self::Notes,
    ];

    /// Reads a plural name, a singular name or a type id, as the API's paths accept them.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| {
            [kind.plural(), kind.singular(), kind.type_id()]
                .iter()
                .any(|name| name.eq_ignore_ascii_case(text))
        })
    }

    /// `companies`
    pub fn plural(self) -> &'static str {
        match self {
            Self::Companies => "companies",
            Self::Contacts => "contacts",
            Self::Deals => "deals",
            Self::Tasks => "tasks",
            Self::Notes => "notes",
        }
    }

    /// `company`, also the first word of a webhook subscription type.
    pub fn singular(self) -> &'static str {
        match self {
            Self::Companies => "company",
            Self::Contacts => "contact",
            Self::Deals => "deal",
            Self::Tasks => "task",
            Self::Notes => "note",
        }
    }

    /// `0-2`
    pub fn type_id(self) -> &'static str {
        match self {
            Self::Companies => "0-2",
            Self::Contacts => "0-1",
            Self::Deals => "0-3",
            Self::Tasks => "0-27",
            Self::Notes => "0-46",
        }
    }

    /// The property that holds the time of the last change.
    pub fn modified_property(self) -> &'static str {
        match self {
            Self::Contacts => "lastmodifieddate",
            _ => "hs_lastmodifieddate",
        }
    }

    /// The property that holds the time of creation.
    pub fn created_property(self) -> &'static str {
        match self {
            Self::Tasks | Self::Notes => "hs_createdate",
            _ => "createdate",
        }
    }

    /// What a read returns when it asks for no property, beside id and times.
    pub(crate) fn default_properties(self) -> &'static [&'static str] {
        match self {
            Self::Companies => &["name", "domain"],
            Self::Contacts => &["firstname", "lastname", "email"],
            Self::Deals => &["dealname", "amount", "closedate", "pipeline", "dealstage"],
            Self::Tasks | Self::Notes => &[],
        }
    }

    /// What the `query` of a search looks into.
    pub(crate) fn searched_properties(self) -> &'static [&'static str] {
        match self {
            Self::Companies => &["name", "domain", "phone", "website"],
            Self::Contacts => &["firstname", "lastname", "email", "phone", "company"],
            Self::Deals => &["dealname", "description"],
            Self::Tasks => &["hs_task_subject", "hs_task_body"],
            Self::Notes => &["hs_note_body"],
        }
    }

    /// Whether two records of this kind can be merged.
    pub(crate) fn can_merge(self) -> bool {
        !matches!(self, Self::Tasks | Self::Notes)
    }
}

/// The associations HubSpot defines between these kinds: type id, from, to. The first of a pair
/// is the default one.
const ASSOCIATION_TYPES: &[(u32, ObjectType, ObjectType)] = {
    use ObjectType::{Companies, Contacts, Deals, Notes, Tasks};
    &[
        (279, Contacts, Companies),
        (1, Contacts, Companies),
        (280, Companies, Contacts),
        (2, Companies, Contacts),
        (4, Contacts, Deals),
        (3, Deals, Contacts),
        (342, Companies, Deals),
        (6, Companies, Deals),
        (341, Deals, Companies),
        (5, Deals, Companies),
        (203, Contacts, Tasks),
        (204, Tasks, Contacts),
        (191, Companies, Tasks),
        (192, Tasks, Companies),
        (215, Deals, Tasks),
        (216, Tasks, Deals),
        (201, Contacts, Notes),
        (202, Notes, Contacts),
        (189, Companies, Notes),
        (190, Notes, Companies),
        (213, Deals, Notes),
        (214, Notes, Deals),
    ]
};

/// The default association between two kinds, if HubSpot defines one.
pub(crate) fn default_association(from: ObjectType, to: ObjectType) -> Option<u32> {
    ASSOCIATION_TYPES
        .iter()
        .find(|(_, f, t)| (*f, *t) == (from, to))
        .map(|(id, _, _)| *id)
}

/// Where an association of this type, starting at `from`, leads.
pub(crate) fn association_target(type_id: u32, from: ObjectType) -> Option<ObjectType> {
    ASSOCIATION_TYPES
        .iter()
        .find(|(id, f, _)| (*id, *f) == (type_id, from))
        .map(|(_, _, t)| *t)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_association_has_a_way_back() {
        for (_, from, to) in ASSOCIATION_TYPES {
            assert!(
                default_association(*to, *from).is_some(),
                "{to:?} -> {from:?}"
            );
        }
    }

    #[test]
    fn kinds_are_read_by_each_of_their_names() {
        for name in ["companies", "company", "0-2", "COMPANY"] {
            assert_eq!(ObjectType::parse(name), Some(ObjectType::Companies));
        }
        assert_eq!(ObjectType::parse("pipelines"), None);
    }
}
