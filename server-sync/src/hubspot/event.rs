//! Events as HubSpot delivers them.

use crate::hubspot::ObjectType;
use serde::Deserialize;
use serde_json::Value;

/// What a delivery's event says about a record. The record itself is fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Which kind of record.
    pub object_type: ObjectType,
    /// What happened.
    pub change: Change,
    /// The records to look at again.
    pub objects: Vec<u64>,
    /// When, by HubSpot's clock, epoch milliseconds.
    pub occurred_at: i64,
    /// Who or what did it, for example `CRM_UI`, `IMPORT`, `INTEGRATION`.
    pub source: String,
    /// What makes the event the same one when it is delivered again: BLAKE3 of portal,
    /// subscription type, object, event id, moment and property name. HubSpot's event id alone is
    /// not unique, and its attempt number differs between deliveries of one event.
    pub dedup: [u8; 16],
}

/// What happened to a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It was made, restored, or something else about it changed.
    Touched,
    /// A property changed.
    Property {
        /// Its name.
        name: String,
        /// Its value now, none where HubSpot withholds it.
        value: Option<String>,
    },
    /// It was deleted.
    Deleted,
    /// It was deleted, and what is known of it must be forgotten.
    Erased,
    /// Records became one.
    Merged {
        /// The record the others went into.
        primary: u64,
        /// The records that went.
        merged: Vec<u64>,
        /// The record that stands now.
        into: u64,
    },
}

/// Why an event is not acted upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ignored {
    /// It belongs to another account.
    Portal,
    /// Its kind is unknown or not wanted.
    Kind,
    /// It lacks what it must have.
    Malformed,
}

impl Ignored {
    /// A short name for metrics.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Portal => "portal",
            Self::Kind => "kind",
            Self::Malformed => "malformed",
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawEvent {
    object_id: Option<u64>,
    event_id: Option<Value>,
    portal_id: Option<u64>,
    occurred_at: Option<i64>,
    #[serde(alias = "eventType")]
    subscription_type: String,
    object_type_id: Option<String>,
    change_source: Option<String>,
    property_name: Option<String>,
    property_value: Option<Value>,
    is_sensitive: bool,
    primary_object_id: Option<u64>,
    merged_object_ids: Vec<u64>,
    new_object_id: Option<u64>,
}

/// Reads a delivery's body. Events of one delivery stand or fall alone; what is no JSON array at
/// all is an error. O(body).
///
/// # Errors
/// That the body is no JSON array.
pub fn parse(body: &[u8], portal: u64) -> Result<Vec<Result<Event, Ignored>>, serde_json::Error> {
    let events: Vec<Value> = serde_json::from_slice(body)?;
    let read = |value| serde_json::from_value::<RawEvent>(value).map_err(|_| Ignored::Malformed);
    Ok(events
        .into_iter()
        .map(|value| read(value)?.judge(portal))
        .collect())
}

/// Whose a delivery's events are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Addressees {
    /// The accounts they name.
    pub portals: Vec<u64>,
    /// Whether an event, or the body as a whole, does not name one.
    pub some_unread: bool,
}

/// The accounts a delivery's events belong to, each event read by itself. O(body).
pub fn addressees(body: &[u8]) -> Addressees {
    let Ok(events) = serde_json::from_slice::<Vec<Value>>(body) else {
        return Addressees {
            portals: Vec::new(),
            some_unread: true,
        };
    };
    let mut to = Addressees::default();
    for event in &events {
        match event.get("portalId").and_then(Value::as_u64) {
            Some(portal) => to.portals.push(portal),
            None => to.some_unread = true,
        }
    }
    to
}

impl RawEvent {
    fn judge(self, portal: u64) -> Result<Event, Ignored> {
        if self.portal_id != Some(portal) {
            return Err(Ignored::Portal);
        }
        let (kind, what) = self
            .subscription_type
            .split_once('.')
            .ok_or(Ignored::Malformed)?;
        let kind = if kind == "object" {
            self.object_type_id.as_deref().unwrap_or("")
        } else {
            kind
        };
        let object_type = ObjectType::from_event(kind).ok_or(Ignored::Kind)?;
        let change = self.change(what)?;
        let dedup = self.dedup(portal);
        Ok(Event {
            object_type,
            objects: self.objects(&change)?,
            change,
            occurred_at: self.occurred_at.unwrap_or(0),
            source: self.change_source.unwrap_or_default(),
            dedup,
        })
    }

    fn change(&self, what: &str) -> Result<Change, Ignored> {
        Ok(match what {
            "creation" | "restore" => Change::Touched,
            "propertyChange" => Change::Property {
                name: self.property_name.clone().unwrap_or_default(),
                value: self.value(),
            },
            "deletion" => Change::Deleted,
            "privacyDeletion" => Change::Erased,
            "merge" => {
                let primary = self
                    .primary_object_id
                    .or(self.object_id)
                    .ok_or(Ignored::Malformed)?;
                Change::Merged {
                    primary,
                    merged: self.merged_object_ids.clone(),
                    into: self.new_object_id.unwrap_or(primary),
                }
            }
            _ => return Err(Ignored::Kind),
        })
    }

    fn value(&self) -> Option<String> {
        match &self.property_value {
            Some(Value::String(text)) if !self.is_sensitive => Some(text.clone()),
            Some(Value::Number(n)) if !self.is_sensitive => Some(n.to_string()),
            _ => None,
        }
    }

    fn objects(&self, change: &Change) -> Result<Vec<u64>, Ignored> {
        let mut objects = match change {
            Change::Merged {
                primary,
                merged,
                into,
            } => {
                let mut all = merged.clone();
                all.extend([*primary, *into]);
                all
            }
            _ => vec![self.object_id.ok_or(Ignored::Malformed)?],
        };
        objects.sort_unstable();
        objects.dedup();
        Ok(objects)
    }

    fn dedup(&self, portal: u64) -> [u8; 16] {
        let event_id = self
            .event_id
            .as_ref()
            .map(Value::to_string)
            .unwrap_or_default();
        let object = self.object_id.or(self.primary_object_id).unwrap_or(0);
        let mut hasher = blake3::Hasher::new();
        for number in [portal, object, self.occurred_at.unwrap_or(0).unsigned_abs()] {
            hasher.update(&number.to_be_bytes());
        }
        for text in [
            &self.subscription_type,
            &event_id,
            self.property_name.as_ref().unwrap_or(&String::new()),
        ] {
            hasher.update(&(text.len() as u64).to_be_bytes());
            hasher.update(text.as_bytes());
        }
        let mut out = [0; 16];
        hasher.finalize_xof().fill(&mut out);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn one(event: Value) -> Result<Event, Ignored> {
        parse(&serde_json::to_vec(&json!([event])).unwrap(), 7)
            .unwrap()
            .remove(0)
    }

    fn change(property: &str, event_id: i64, attempt: i64) -> Value {
        json!({"objectId": 5, "eventId": event_id, "portalId": 7, "occurredAt": 1000,
            "subscriptionType": "company.propertyChange", "attemptNumber": attempt,
            "propertyName": property, "propertyValue": "x", "changeSource": "CRM"})
    }

    #[test]
    fn another_attempt_is_the_same_event_and_another_property_is_not() {
        let dedup = |v| one(v).unwrap().dedup;
        assert_eq!(dedup(change("name", 1, 0)), dedup(change("name", 1, 3)));
        assert_ne!(dedup(change("name", 1, 0)), dedup(change("phone", 1, 0)));
        assert_ne!(dedup(change("name", 1, 0)), dedup(change("name", 2, 0)));
    }

    #[test]
    fn both_forms_of_the_type_are_read() {
        let mut event = change("name", 1, 0);
        event["objectTypeId"] = json!("0-1");
        event["eventType"] = json!("object.creation");
        event.as_object_mut().unwrap().remove("subscriptionType");
        let event = one(event).unwrap();
        assert_eq!(
            (event.object_type, event.change),
            (ObjectType::Contacts, Change::Touched)
        );
    }

    #[test]
    fn a_merge_names_every_record() {
        let event = one(
            json!({"portalId": 7, "subscriptionType": "company.merge", "objectId": 1,
            "primaryObjectId": 1, "mergedObjectIds": [2, 3], "newObjectId": 9}),
        );
        assert_eq!(event.unwrap().objects, [1, 2, 3, 9]);
    }

    #[test]
    fn foreign_and_unknown_events_are_told_apart() {
        let mut event = change("name", 1, 0);
        event["portalId"] = json!(8);
        assert_eq!(one(event), Err(Ignored::Portal));
        let mut event = change("name", 1, 0);
        event["subscriptionType"] = json!("deal.creation");
        assert_eq!(one(event), Err(Ignored::Kind));
        assert_eq!(one(json!({"objectId": "x"})), Err(Ignored::Malformed));
        assert_eq!(one(json!(17)), Err(Ignored::Malformed));
        assert!(parse(b"{}", 7).is_err());
    }

    #[test]
    fn withheld_values_are_not_values() {
        let mut event = change("name", 1, 0);
        event["isSensitive"] = json!(true);
        let Change::Property { value, .. } = one(event).unwrap().change else {
            panic!()
        };
        assert_eq!(value, None);
    }
}
