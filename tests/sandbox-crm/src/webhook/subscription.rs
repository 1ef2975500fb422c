//! Which changes a portal's app wants to hear of.

use serde::{Deserialize, Serialize};

use crate::object_type::ObjectType;

/// A kind of change, as the second word of a subscription type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EventKind {
    /// A record was made.
    Creation,
    /// A record was archived.
    Deletion,
    /// Two records became one.
    Merge,
    /// An archived record came back.
    Restore,
    /// A contact was erased for good.
    PrivacyDeletion,
    /// One property changed; needs a subscription for each property.
    PropertyChange,
}

impl EventKind {
    /// `creation`
    pub fn name(self) -> &'static str {
        match self {
            Self::Creation => "creation",
            Self::Deletion => "deletion",
            Self::Merge => "merge",
            Self::Restore => "restore",
            Self::PrivacyDeletion => "privacyDeletion",
            Self::PropertyChange => "propertyChange",
        }
    }
}

/// One subscription of an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// The kind of record.
    pub object: ObjectType,
    /// The kind of change.
    pub event: EventKind,
    /// The property, for [`EventKind::PropertyChange`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub property: Option<String>,
    /// Whether events are told in the newer form `object.*` with `objectTypeId`. Tasks and notes
    /// have no other.
    #[serde(default)]
    pub generic: bool,
}

impl Subscription {
    /// A subscription in the older form, such as `company.creation`.
    pub fn new(object: ObjectType, event: EventKind) -> Self {
        let generic = matches!(object, ObjectType::Tasks | ObjectType::Notes);
        Self {
            object,
            event,
            property: None,
            generic,
        }
    }

    /// A subscription to changes of one property.
    pub fn property(object: ObjectType, name: impl Into<String>) -> Self {
        Self {
            property: Some(name.into()),
            ..Self::new(object, EventKind::PropertyChange)
        }
    }

    /// Creation, deletion, merge, restore, for contacts privacy deletion, and the changes of the
    /// properties a field sales app looks at.
    pub fn all_for(object: ObjectType) -> Vec<Self> {
        let mut kinds = vec![
            EventKind::Creation,
            EventKind::Deletion,
            EventKind::Merge,
            EventKind::Restore,
        ];
        if object == ObjectType::Contacts {
            kinds.push(EventKind::PrivacyDeletion);
        }
        let events = kinds.into_iter().map(|event| Self::new(object, event));
        let properties = watched_properties(object)
            .iter()
            .map(|name| Self::property(object, *name));
        events.chain(properties).collect()
    }

    /// `company.propertyChange` or `object.propertyChange`.
    pub(crate) fn type_name(&self) -> String {
        let subject = if self.generic {
            "object"
        } else {
            self.object.singular()
        };
        format!("{subject}.{}", self.event.name())
    }
}

fn watched_properties(object: ObjectType) -> &'static [&'static str] {
    match object {
        ObjectType::Companies => &[
            "name",
            "phone",
            "domain",
            "address",
            "address2",
            "city",
            "state",
            "zip",
            "country",
            "hubspot_owner_id",
            "lifecyclestage",
            "hs_lead_status",
            "hs_ideal_customer_profile",
        ],
        ObjectType::Contacts => &[
            "firstname",
            "lastname",
            "email",
            "phone",
            "address",
            "city",
            "state",
            "zip",
            "country",
            "hubspot_owner_id",
            "lifecyclestage",
            "hs_lead_status",
        ],
        ObjectType::Deals => &["dealname", "amount", "dealstage", "hubspot_owner_id"],
        ObjectType::Tasks => &["hs_task_status", "hubspot_owner_id"],
        ObjectType::Notes => &["hs_note_body", "hubspot_owner_id"],
    }
}
