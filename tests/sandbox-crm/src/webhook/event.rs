//! A change in the CRM, and the webhook events it becomes.

use serde_json::{Map, Value, json};

use super::subscription::{EventKind, Subscription};
use crate::author::Author;
use crate::object_type::ObjectType;

/// What happened to a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ChangeKind {
    Created,
    Deleted,
    Restored,
    PrivacyDeleted,
    PropertyChanged {
        name: String,
        value: String,
    },
    Merged {
        primary: u64,
        merged: u64,
        moved: usize,
    },
}

/// A change to one record, with its time and author.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) object: ObjectType,
    /// For a merge: the record that came out of it.
    pub(crate) id: u64,
    pub(crate) at_ms: i64,
    pub(crate) author: Author,
    pub(crate) kind: ChangeKind,
}

/// An event ready to be sent; `attemptNumber` is put in by the sender.
pub(crate) type WebhookEvent = Map<String, Value>;

/// Who the events are about and who hears them.
pub(crate) struct Audience<'a> {
    pub(crate) portal_id: u64,
    pub(crate) app_id: u64,
    pub(crate) subscriptions: &'a [Subscription],
}

/// The events a change becomes, one for each subscription that asks for it.
pub(crate) fn events_for(
    change: &Change,
    audience: &Audience<'_>,
    next_event_id: &mut u64,
) -> Vec<WebhookEvent> {
    let numbered = audience.subscriptions.iter().zip(1_u64..);
    numbered
        .filter(|(subscription, _)| asks_for(subscription, change))
        .map(|(subscription, number)| {
            *next_event_id += 1;
            event(change, audience, subscription, number, *next_event_id)
        })
        .collect()
}

fn asks_for(subscription: &Subscription, change: &Change) -> bool {
    let kind = match &change.kind {
        ChangeKind::Created => EventKind::Creation,
        ChangeKind::Deleted => EventKind::Deletion,
        ChangeKind::Restored => EventKind::Restore,
        ChangeKind::PrivacyDeleted => EventKind::PrivacyDeletion,
        ChangeKind::PropertyChanged { .. } => EventKind::PropertyChange,
        ChangeKind::Merged { .. } => EventKind::Merge,
    };
    let property_fits = match &change.kind {
        ChangeKind::PropertyChanged { name, .. } => subscription.property.as_ref() == Some(name),
        _ => true,
    };
    subscription.object == change.object && subscription.event == kind && property_fits
}

fn event(
    change: &Change,
    audience: &Audience<'_>,
    subscription: &Subscription,
    subscription_number: u64,
    event_id: u64,
) -> WebhookEvent {
    let mut event = WebhookEvent::new();
    let mut put = |name: &str, value: Value| drop(event.insert(name.to_owned(), value));
    put("eventId", json!(event_id));
    put(
        "subscriptionId",
        json!(audience.portal_id * 1_000 + subscription_number),
    );
    put("portalId", json!(audience.portal_id));
    put("appId", json!(audience.app_id));
    put("occurredAt", json!(change.at_ms));
    put("subscriptionType", json!(subscription.type_name()));
    put("objectId", json!(change.id));
    put("changeSource", json!(change.author.change_source()));
    put("sourceId", json!(change.author.source_id()));
    if subscription.generic {
        put("objectTypeId", json!(change.object.type_id()));
    }
    match &change.kind {
        ChangeKind::Created => put("changeFlag", json!("NEW")),
        ChangeKind::Deleted => put("changeFlag", json!("DELETED")),
        ChangeKind::Restored => put("changeFlag", json!("RESTORED")),
        ChangeKind::PrivacyDeleted => {}
        ChangeKind::PropertyChanged { name, value } => {
            put("propertyName", json!(name));
            put("propertyValue", json!(value));
            put("isSensitive", json!(false));
        }
        ChangeKind::Merged {
            primary,
            merged,
            moved,
        } => {
            put("primaryObjectId", json!(primary));
            put("mergedObjectIds", json!([merged]));
            put("newObjectId", json!(change.id));
            put("numberOfPropertiesMoved", json!(moved));
        }
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(kind: ChangeKind) -> Change {
        Change {
            object: ObjectType::Companies,
            id: 18_000_000_001,
            at_ms: 1_700_000_000_000,
            author: Author::User(9001),
            kind,
        }
    }

    fn told(change: &Change, subscriptions: &[Subscription]) -> Vec<WebhookEvent> {
        let audience = Audience {
            portal_id: 7,
            app_id: 42,
            subscriptions,
        };
        events_for(change, &audience, &mut 0)
    }

    #[test]
    fn a_property_is_told_only_to_its_own_subscription() {
        let kind = ChangeKind::PropertyChanged {
            name: "city".into(),
            value: "Austin".into(),
        };
        let both = [
            Subscription::property(ObjectType::Companies, "city"),
            Subscription::property(ObjectType::Companies, "zip"),
            Subscription::property(ObjectType::Contacts, "city"),
        ];
        let events = told(&change(kind), &both);
        assert_eq!(
            Value::from(events),
            json!([{
                "eventId": 1, "subscriptionId": 7001, "portalId": 7, "appId": 42,
                "occurredAt": 1_700_000_000_000_u64, "subscriptionType": "company.propertyChange",
                "objectId": 18_000_000_001_u64, "changeSource": "CRM_UI",
                "sourceId": "userId:9001", "propertyName": "city", "propertyValue": "Austin",
                "isSensitive": false,
            }])
        );
    }

    #[test]
    fn the_generic_form_names_the_type_by_number() {
        let subscription = Subscription {
            generic: true,
            ..Subscription::new(ObjectType::Companies, EventKind::Creation)
        };
        let events = told(&change(ChangeKind::Created), &[subscription]);
        assert_eq!(events[0]["subscriptionType"], "object.creation");
        assert_eq!(events[0]["objectTypeId"], "0-2");
        assert_eq!(events[0]["changeFlag"], "NEW");
    }
}
