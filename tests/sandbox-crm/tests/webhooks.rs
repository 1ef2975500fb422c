//! Webhooks: batches, signatures, retries, and everything that may go wrong on purpose.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![allow(missing_docs)]

#[allow(dead_code)]
mod support;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fieldfare_sandbox::{
    DeliveryConfig, DeliveryFaults, Duplicates, EventKind, ObjectType, PortalConfig, PortalHandle,
    Subscription, sign_v1, sign_v3,
};
use serde_json::Value;
use support::{PATIENCE, PUBLIC_URL, Receiver, portal_config, start};

const COMPANIES: ObjectType = ObjectType::Companies;

fn creations_only(config: PortalConfig) -> PortalConfig {
    let subscriptions = vec![Subscription::new(COMPANIES, EventKind::Creation)];
    PortalConfig {
        subscriptions,
        ..config
    }
}

fn make(portal: &PortalHandle, count: usize) -> Vec<u64> {
    portal.pause_deliveries();
    let made = (0..count).map(|n| portal.create(COMPANIES, &[("name", &format!("Co {n}"))]));
    let ids = made.collect::<Result<_, _>>().unwrap();
    portal.resume_deliveries();
    ids
}

fn ids_of(events: &[Value]) -> Vec<u64> {
    events
        .iter()
        .map(|event| event["objectId"].as_u64().unwrap())
        .collect()
}

fn counts(events: &[Value]) -> BTreeMap<u64, usize> {
    let mut counts = BTreeMap::new();
    for id in ids_of(events) {
        *counts.entry(id).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn events_travel_in_order_in_batches_of_100_that_are_signed_both_ways() {
    let receiver = Receiver::content().await;
    let config = creations_only(portal_config(&receiver));
    let delivery = DeliveryConfig {
        max_in_flight: 1,
        ..config.delivery.clone()
    };
    let secret = config.client_secret.clone();
    let (_sandbox, portal) = start(PortalConfig { delivery, ..config }).await;
    let ids = make(&portal, 250);
    assert!(portal.wait_idle(PATIENCE).await);
    let batches = receiver.batches();
    let sizes: Vec<usize> = batches.iter().map(|batch| batch.events().len()).collect();
    assert_eq!(sizes, [100, 100, 50]);
    assert_eq!(ids_of(&receiver.events()), ids);
    for batch in &batches {
        let timestamp = batch.header("x-hubspot-request-timestamp");
        let v3 = sign_v3(&secret, "POST", PUBLIC_URL, &batch.body, timestamp);
        assert_eq!(batch.header("x-hubspot-signature-v3"), v3);
        assert_eq!(
            batch.header("x-hubspot-signature"),
            sign_v1(&secret, &batch.body)
        );
        assert_eq!(batch.header("x-hubspot-signature-version"), "v1");
    }
    let stats = portal.stats();
    assert_eq!(
        (stats.events, stats.acked_events, stats.acked_batches),
        (250, 250, 3)
    );
    assert_eq!(
        (stats.outstanding, stats.in_flight, stats.failures),
        (0, 0, 0)
    );
}

#[tokio::test]
async fn a_refused_batch_comes_again_with_a_higher_attempt_number() {
    let receiver = Receiver::start(|n| [404, 500, 302, 200][n], Duration::ZERO).await;
    let (_sandbox, portal) = start(creations_only(portal_config(&receiver))).await;
    make(&portal, 3);
    assert!(portal.wait_idle(PATIENCE).await);
    let batches = receiver.batches();
    assert_eq!(batches.len(), 4);
    let event_ids = |events: &[Value]| -> Vec<Value> {
        events
            .iter()
            .map(|event| event["eventId"].clone())
            .collect()
    };
    for (attempt, batch) in batches.iter().enumerate() {
        let events = batch.events();
        assert!(events.iter().all(|event| event["attemptNumber"] == attempt));
        assert_eq!(event_ids(&events), event_ids(&batches[0].events()));
    }
    let stats = portal.stats();
    assert_eq!(
        (stats.attempts, stats.failures, stats.acked_events),
        (4, 3, 3)
    );
    assert_eq!(
        stats.last_errors,
        ["answered 404", "answered 500", "answered 302"]
    );
}

#[tokio::test]
async fn a_batch_is_given_up_after_ten_retries() {
    let receiver = Receiver::start(|_| 503, Duration::ZERO).await;
    let (_sandbox, portal) = start(creations_only(portal_config(&receiver))).await;
    make(&portal, 2);
    assert!(portal.wait_idle(PATIENCE).await);
    assert_eq!(receiver.batches().len(), 11);
    let stats = portal.stats();
    assert_eq!(
        (stats.dead_batches, stats.dead_events, stats.acked_events),
        (1, 2, 0)
    );
}

#[tokio::test]
async fn a_slow_receiver_is_asked_again() {
    let receiver = Receiver::start(|_| 200, Duration::from_millis(400)).await;
    let config = creations_only(portal_config(&receiver));
    let delivery = DeliveryConfig {
        timeout_ms: 50,
        max_retries: 1,
        ..config.delivery.clone()
    };
    let (_sandbox, portal) = start(PortalConfig { delivery, ..config }).await;
    make(&portal, 1);
    assert!(portal.wait_idle(PATIENCE).await);
    let stats = portal.stats();
    assert_eq!((stats.attempts, stats.dead_events), (2, 1));
    assert_eq!(
        stats.last_errors,
        ["did not answer in time", "did not answer in time"]
    );
}

#[tokio::test]
async fn at_most_ten_requests_are_under_way() {
    let receiver = Receiver::start(|_| 200, Duration::from_millis(200)).await;
    let config = creations_only(portal_config(&receiver));
    let delivery = DeliveryConfig {
        batch_size: 1,
        ..config.delivery.clone()
    };
    let (_sandbox, portal) = start(PortalConfig { delivery, ..config }).await;
    make(&portal, 30);
    assert!(portal.wait_idle(PATIENCE).await);
    assert_eq!(receiver.events().len(), 30);
    assert_eq!(portal.stats().most_in_flight, 10);
    assert!(receiver.most_at_once.load(Ordering::SeqCst) <= 10);
}

#[tokio::test]
async fn every_event_can_come_three_times_with_the_same_id() {
    let receiver = Receiver::content().await;
    let (_sandbox, portal) = start(creations_only(portal_config(&receiver))).await;
    let duplicates = Duplicates::Every(2);
    portal.set_delivery_faults(DeliveryFaults {
        duplicates,
        ..DeliveryFaults::default()
    });
    let ids = make(&portal, 70);
    assert!(portal.wait_idle(PATIENCE).await);
    let events = receiver.events();
    assert_eq!(counts(&events), ids.iter().map(|id| (*id, 3)).collect());
    let mut event_ids: Vec<_> = events
        .iter()
        .map(|event| event["eventId"].as_u64())
        .collect();
    event_ids.sort_unstable();
    event_ids.dedup();
    assert_eq!(event_ids.len(), 70);
    let stats = portal.stats();
    assert_eq!(
        (stats.events, stats.duplicated, stats.acked_events),
        (70, 140, 210)
    );
}

#[tokio::test]
async fn a_shuffle_changes_the_order_the_same_way_each_time() {
    async fn order() -> (Vec<u64>, Vec<u64>) {
        let receiver = Receiver::content().await;
        let config = creations_only(portal_config(&receiver));
        let delivery = DeliveryConfig {
            max_in_flight: 1,
            seed: 5,
            ..config.delivery.clone()
        };
        let (_sandbox, portal) = start(PortalConfig { delivery, ..config }).await;
        portal.set_delivery_faults(DeliveryFaults {
            reorder: true,
            ..DeliveryFaults::default()
        });
        let ids = make(&portal, 150);
        assert!(portal.wait_idle(PATIENCE).await);
        (ids, ids_of(&receiver.events()))
    }
    let (made, told) = order().await;
    assert_ne!(told, made);
    assert_eq!(order().await.1, told);
    let mut sorted = told;
    sorted.sort_unstable();
    assert_eq!(sorted, made);
}

#[tokio::test]
async fn dropped_events_are_never_sent_and_lost_answers_bring_a_batch_back() {
    let receiver = Receiver::content().await;
    let (_sandbox, portal) = start(creations_only(portal_config(&receiver))).await;
    portal.set_delivery_faults(DeliveryFaults {
        drop_chance: 0.5,
        ..DeliveryFaults::default()
    });
    make(&portal, 100);
    assert!(portal.wait_idle(PATIENCE).await);
    let stats = portal.stats();
    assert!((20..80).contains(&stats.dropped), "{stats:?}");
    assert_eq!(receiver.events().len() as u64, 100 - stats.dropped);

    let lost_answer_chance = 1.0;
    portal.set_delivery_faults(DeliveryFaults {
        lost_answer_chance,
        ..DeliveryFaults::default()
    });
    let before = receiver.batches().len();
    make(&portal, 1);
    assert!(portal.wait_idle(PATIENCE).await);
    assert_eq!(receiver.batches().len() - before, 11);
}

#[tokio::test]
async fn nothing_leaves_while_deliveries_are_paused() {
    let receiver = Receiver::content().await;
    let (_sandbox, portal) = start(creations_only(portal_config(&receiver))).await;
    portal.pause_deliveries();
    portal.create(COMPANIES, &[("name", "Held back")]).unwrap();
    assert!(!portal.wait_idle(Duration::from_millis(150)).await);
    assert!(receiver.batches().is_empty());
    assert_eq!(portal.stats().outstanding, 1);
    portal.resume_deliveries();
    assert!(portal.wait_idle(PATIENCE).await);
    assert_eq!(receiver.events().len(), 1);
}

#[tokio::test]
async fn every_kind_of_change_is_told() {
    let receiver = Receiver::content().await;
    let mut config = portal_config(&receiver);
    config
        .subscriptions
        .extend(Subscription::all_for(ObjectType::Contacts));
    let (_sandbox, portal) = start(config).await;
    let id = portal.create(COMPANIES, &[("name", "Old")]).unwrap();
    portal
        .edit(COMPANIES, id, &[("name", "Old"), ("city", "Reno")])
        .unwrap();
    portal.archive(COMPANIES, id).unwrap();
    portal.restore(COMPANIES, id).unwrap();
    let other = portal.create(COMPANIES, &[("zip", "89501")]).unwrap();
    let result = portal.merge(COMPANIES, id, other).unwrap();
    let person = portal
        .create(ObjectType::Contacts, &[("email", "a@b.example")])
        .unwrap();
    portal.erase(ObjectType::Contacts, person).unwrap();
    portal.erase_silently(COMPANIES, result).unwrap();
    assert!(portal.wait_idle(PATIENCE).await);
    let mut events = receiver.events();
    events.sort_by_key(|event| event["eventId"].as_u64());
    let told: Vec<String> = events
        .iter()
        .map(|event| {
            let property = event["propertyName"]
                .as_str()
                .map(|name| format!(" {name}"));
            let kind = event["subscriptionType"].as_str().unwrap();
            format!("{kind}{}", property.unwrap_or_default())
        })
        .collect();
    assert_eq!(
        told,
        [
            "company.creation",
            "company.propertyChange name",
            "company.propertyChange city",
            "company.deletion",
            "company.restore",
            "company.creation",
            "company.propertyChange zip",
            "company.merge",
            "company.propertyChange zip",
            "contact.creation",
            "contact.propertyChange email",
            "contact.privacyDeletion",
            "contact.deletion",
        ]
    );
    let merge = &events[7];
    assert_eq!(merge["primaryObjectId"], id);
    assert_eq!(merge["mergedObjectIds"], serde_json::json!([other]));
    assert_eq!(merge["newObjectId"], result);
    assert_eq!(merge["numberOfPropertiesMoved"], 1);
    assert!(events.iter().all(|event| event["changeSource"] == "CRM_UI"));
    assert!(
        events
            .iter()
            .all(|event| event["sourceId"] == "userId:9001")
    );
}
