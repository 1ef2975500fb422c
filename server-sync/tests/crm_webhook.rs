//! The webhook endpoint: who is believed, what is kept, what is known again.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod crm_support;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use crm_support::*;
use fieldfare_server::http::app;
use fieldfare_server::hubspot::signature::{SIGNATURE_HEADER, TIMESTAMP_HEADER, WebhookSecrets};
use fieldfare_server::intake::dirty::{self, Lane};
use fieldfare_server::intake::split;
use serde_json::{Value, json};
use tower::ServiceExt;

fn event(id: u64, object: u64, at: i64) -> Value {
    json!({"eventId": id, "objectId": object, "portalId": PORTAL, "occurredAt": at,
        "subscriptionType": "company.propertyChange", "propertyName": "name",
        "propertyValue": "x", "attemptNumber": 0, "changeSource": "CRM_UI"})
}

struct Call {
    path: String,
    signed_path: String,
    secret: &'static str,
    age_ms: i64,
    body: Vec<u8>,
}

impl Call {
    fn new(body: &Value) -> Self {
        Self::raw(serde_json::to_vec(body).unwrap())
    }

    fn raw(body: Vec<u8>) -> Self {
        Self {
            path: HOOK.into(),
            signed_path: HOOK.into(),
            secret: SECRET,
            age_ms: 0,
            body,
        }
    }

    async fn send(self, bench: &Bench) -> StatusCode {
        let timestamp = (bench.now().0 - self.age_ms).to_string();
        let uri = format!("{PUBLIC}{}", self.signed_path);
        let signature =
            WebhookSecrets::new([self.secret]).sign("POST", &uri, &self.body, &timestamp);
        let request = Request::post(&self.path)
            .header(SIGNATURE_HEADER, signature)
            .header(TIMESTAMP_HEADER, timestamp)
            // Lies about where the request came in change nothing.
            .header("host", "evil.example")
            .header("x-forwarded-host", "evil.example")
            .body(Body::from(self.body))
            .unwrap();
        app(bench.state.clone())
            .oneshot(request)
            .await
            .unwrap()
            .status()
    }
}

async fn bench() -> Bench {
    Bench::start(portal_config(), "").await
}

const KEPT: &str = "SELECT count(*) FROM crm_delivery";
const MARKED: &str = "SELECT count(*) FROM crm_dirty";
const DEAD: &str = "SELECT count(*) FROM crm_dead";

fn split_all(bench: &Bench) {
    let tenant = bench.state.crm.tenants().next().unwrap().clone();
    let now = bench.now();
    loop {
        let list = bench.store.read(|c| split::oldest(c, 5)).unwrap();
        if list.is_empty() {
            return;
        }
        bench
            .store
            .write(|tx| {
                list.iter()
                    .try_for_each(|d| split::split(tx, &tenant, d, now))
            })
            .unwrap();
    }
}

#[tokio::test]
async fn a_signed_delivery_is_durable_before_the_answer() {
    let bench = bench().await;
    assert_eq!(
        Call::new(&json!([event(1, 5, 10)])).send(&bench).await,
        StatusCode::OK
    );
    assert_eq!(bench.count(KEPT), 1);
    assert_eq!(bench.count("PRAGMA synchronous"), 2);
}

#[tokio::test]
async fn nobody_else_is_believed() {
    let bench = bench().await;
    let good = || Call::new(&json!([event(1, 5, 10)]));
    for (what, call) in [
        (
            "other secret",
            Call {
                secret: "guess",
                ..good()
            },
        ),
        (
            "too old",
            Call {
                age_ms: 300_500,
                ..good()
            },
        ),
        (
            "too early",
            Call {
                age_ms: -300_500,
                ..good()
            },
        ),
        (
            "other path signed",
            Call {
                signed_path: "/v1/webhooks/hubspot/other".into(),
                ..good()
            },
        ),
        (
            "query added",
            Call {
                path: format!("{HOOK}?x=1"),
                ..good()
            },
        ),
    ] {
        assert_eq!(call.send(&bench).await, StatusCode::UNAUTHORIZED, "{what}");
    }
    let twice = Request::post(HOOK)
        .header(SIGNATURE_HEADER, "x")
        .header(SIGNATURE_HEADER, "y")
        .header(TIMESTAMP_HEADER, bench.now().0.to_string())
        .body(Body::from("[]"))
        .unwrap();
    let reply = app(bench.state.clone()).oneshot(twice).await.unwrap();
    assert_eq!(reply.status(), StatusCode::UNAUTHORIZED);
    let bare = Request::post(HOOK).body(Body::from("[]")).unwrap();
    let status = app(bench.state.clone())
        .oneshot(bare)
        .await
        .unwrap()
        .status();
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let unknown = Call {
        path: "/v1/webhooks/hubspot/nope".into(),
        signed_path: "/v1/webhooks/hubspot/nope".into(),
        ..good()
    };
    assert_eq!(unknown.send(&bench).await, StatusCode::NOT_FOUND);
    assert_eq!(bench.count(KEPT), 0);
}

#[tokio::test]
async fn the_secret_being_replaced_still_counts_and_queries_are_signed() {
    let bench = bench().await;
    let events = json!([event(1, 5, 10)]);
    assert_eq!(
        Call {
            secret: "older",
            ..Call::new(&events)
        }
        .send(&bench)
        .await,
        StatusCode::OK
    );
    let path = format!("{HOOK}?a=%3A%20b");
    let signed = format!("{HOOK}?a=:%20b");
    let call = Call {
        path,
        signed_path: signed,
        ..Call::new(&events)
    };
    assert_eq!(call.send(&bench).await, StatusCode::OK);
}

#[tokio::test]
async fn what_is_not_for_us_is_answered_and_dropped() {
    let bench = bench().await;
    let mut foreign = event(1, 5, 10);
    foreign["portalId"] = json!(1);
    let mut unknown = event(2, 5, 10);
    unknown["subscriptionType"] = json!("deal.creation");
    let contact = json!({"eventId": 3, "objectId": 9, "portalId": PORTAL,
        "subscriptionType": "contact.creation", "occurredAt": 10});
    let body = json!([foreign, unknown, contact, {"odd": true}]);
    assert_eq!(Call::new(&body).send(&bench).await, StatusCode::OK);
    split_all(&bench);
    assert_eq!(
        (bench.count(KEPT), bench.count(MARKED), bench.count(DEAD)),
        (0, 0, 0)
    );
}

/// HubSpot's longest text value is 65,536 characters.
#[tokio::test]
async fn a_full_delivery_of_the_longest_values_is_kept() {
    let bench = bench().await;
    let long = "x".repeat(65_536);
    let events: Vec<Value> = (0..100)
        .map(|n| {
            let mut event = event(n, n, 10);
            event["propertyValue"] = json!(long);
            event
        })
        .collect();
    let call = Call::new(&json!(events));
    assert!(call.body.len() > 6_500_000);
    assert_eq!(call.send(&bench).await, StatusCode::OK);
    split_all(&bench);
    assert_eq!((bench.count(MARKED), bench.count(DEAD)), (100, 0));
}

#[tokio::test]
async fn a_delivery_beyond_the_limit_is_refused_and_counted() {
    let bench = bench().await;
    let limit = fieldfare_server::intake::receive::MAX_DELIVERY_BYTES;
    let call = Call::raw(vec![b' '; limit + 1]);
    assert_eq!(call.send(&bench).await, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(
        Call::raw(vec![b' '; limit]).send(&bench).await,
        StatusCode::OK
    );
    let figures = bench.state.metrics.render();
    for line in [
        "fieldfare_webhook_deliveries_total{status=\"413\"} 1",
        "fieldfare_webhook_refused_total{reason=\"too_large\"} 1",
    ] {
        assert!(figures.contains(line), "{line}");
    }
}

#[tokio::test]
async fn a_delivery_of_which_no_event_reads_is_a_dead_letter() {
    let bench = bench().await;
    let mut odd = event(1, 5, 10);
    odd["portalId"] = json!("seventy-seven");
    assert_eq!(Call::new(&json!([odd])).send(&bench).await, StatusCode::OK);
    split_all(&bench);
    assert_eq!((bench.count(MARKED), bench.count(DEAD)), (0, 1));
    // One that reads in part is acted upon as far as it reads.
    let body = json!([odd, event(2, 6, 10)]);
    assert_eq!(Call::new(&body).send(&bench).await, StatusCode::OK);
    split_all(&bench);
    assert_eq!((bench.count(MARKED), bench.count(DEAD)), (1, 1));
}

#[tokio::test]
async fn a_repeated_event_is_known_again_and_a_new_one_marks_again() {
    let bench = bench().await;
    let generation = "SELECT generation FROM crm_dirty WHERE object = 5";
    let mut again = event(1, 5, 10);
    again["attemptNumber"] = json!(3);
    for body in [json!([event(1, 5, 10), event(1, 5, 10)]), json!([again])] {
        Call::new(&body).send(&bench).await;
    }
    split_all(&bench);
    assert_eq!(bench.count(generation), 1);
    // The same event id at another moment is another event.
    Call::new(&json!([event(1, 5, 11)])).send(&bench).await;
    split_all(&bench);
    assert_eq!(bench.count(generation), 2);
}

#[tokio::test]
async fn imports_wait_behind_what_people_wait_for() {
    let bench = bench().await;
    let mut import = event(1, 5, 10);
    import["changeSource"] = json!("IMPORT");
    Call::new(&json!([import, event(2, 6, 20)]))
        .send(&bench)
        .await;
    split_all(&bench);
    let now = bench.now();
    let kind = fieldfare_server::hubspot::ObjectType::Companies;
    let due = |n| {
        let read =
            |c: &rusqlite::Connection| fieldfare_server::intake::dirty::due(c, "hs", kind, now, n);
        bench
            .store
            .read(read)
            .unwrap()
            .iter()
            .map(|d| d.object)
            .collect::<Vec<_>>()
    };
    assert_eq!(due(1), [6]);
    assert_eq!(due(9), [6, 5]);
}

#[tokio::test]
async fn a_signed_body_that_does_not_read_is_a_dead_letter_and_can_be_replayed() {
    let bench = bench().await;
    assert_eq!(
        Call::raw(b"{broken".to_vec()).send(&bench).await,
        StatusCode::OK
    );
    split_all(&bench);
    let dead = bench.state.dead_letters.clone();
    let letters = bench.store.read(|c| dead.list(c, 10)).unwrap();
    assert_eq!((letters.len(), letters[0].kind.as_str()), (1, "delivery"));
    assert_eq!(
        bench
            .store
            .write(|tx| dead.replay(tx, Some(letters[0].id)))
            .unwrap(),
        1
    );
    assert_eq!((bench.count(KEPT), bench.count(DEAD)), (1, 0));
    split_all(&bench);
    assert_eq!(bench.store.write(|tx| dead.replay(tx, None)).unwrap(), 1);
    assert_eq!(
        bench
            .store
            .write(|tx| dead.replay(tx, Some(12_345)))
            .unwrap(),
        0
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_at_once_share_commits_and_all_are_kept() {
    let bench = std::sync::Arc::new(bench().await);
    let calls: Vec<_> = (0..64u64)
        .map(|n| {
            let bench = bench.clone();
            tokio::spawn(async move { Call::new(&json!([event(n, n, 10)])).send(&bench).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), StatusCode::OK);
    }
    assert_eq!(bench.count(KEPT), 64);
    split_all(&bench);
    assert_eq!(bench.count(MARKED), 64);
}

#[tokio::test]
async fn a_delivery_taken_apart_twice_counts_once() {
    let bench = bench().await;
    Call::new(&json!([event(1, 5, 10)])).send(&bench).await;
    let tenant = bench.state.crm.tenants().next().unwrap().clone();
    let list = bench.store.read(|c| split::oldest(c, 5)).unwrap();
    for _ in 0..2 {
        let now = bench.now();
        bench
            .store
            .write(|tx| split::split(tx, &tenant, &list[0], now))
            .unwrap();
    }
    assert_eq!(bench.count("SELECT generation FROM crm_dirty"), 1);
}

#[tokio::test]
async fn a_record_marked_again_while_it_is_read_stays_marked() {
    let bench = bench().await;
    let kind = fieldfare_server::hubspot::ObjectType::Companies;
    let now = bench.now();
    let mark = |tx: &rusqlite::Transaction<'_>| dirty::mark(tx, "hs", kind, 5, Lane::Live, now);
    let due = || {
        bench
            .store
            .read(|c| dirty::due(c, "hs", kind, now, 9))
            .unwrap()
    };
    bench.store.write(mark).unwrap();
    let being_read = due()[0];
    bench.store.write(mark).unwrap();
    bench
        .store
        .write(|tx| dirty::clear(tx, "hs", kind, &being_read))
        .unwrap();
    assert_eq!(due().len(), 1);
    bench
        .store
        .write(|tx| dirty::clear(tx, "hs", kind, &due()[0]))
        .unwrap();
    assert_eq!(due().len(), 0);
}

#[tokio::test]
async fn a_record_that_fails_waits_longer_each_time_and_then_is_a_dead_letter() {
    let bench = bench().await;
    let kind = fieldfare_server::hubspot::ObjectType::Companies;
    let mut now = bench.now();
    bench
        .store
        .write(|tx| dirty::mark(tx, "hs", kind, 5, Lane::Live, now))
        .unwrap();
    let mut waits = Vec::new();
    for _ in 0..dirty::MAX_ATTEMPTS {
        let failed = bench
            .store
            .read(|c| dirty::due(c, "hs", kind, now, 9))
            .unwrap()[0];
        bench
            .store
            .write(|tx| dirty::fail(tx, "hs", kind, &failed, "bad record", now))
            .unwrap();
        let next = bench.store.read(|c| dirty::next_due(c, "hs")).unwrap();
        waits.extend(next.map(|at| at.since(now) / 1000));
        now = next.unwrap_or(now);
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64]);
    assert_eq!((bench.count(MARKED), bench.count(DEAD)), (0, 1));
    let dead = bench.state.dead_letters.clone();
    bench.store.write(|tx| dead.replay(tx, None)).unwrap();
    assert_eq!((bench.count(MARKED), bench.count(DEAD)), (1, 0));
}
