//! What the engine sends is what `docs/protocol.md` shows, and it waits as the page says.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use fieldfare_engine::*;
use fieldfare_model::*;
use fieldfare_sync::decode_message;
use serde_json::Value;
use std::collections::BTreeSet;
use support::*;

const DOCUMENT: &str = include_str!("../../../docs/protocol.md");

fn documented_json(marker: &str) -> Value {
    let start = DOCUMENT.find(marker).expect(marker);
    let fenced = DOCUMENT[start..].split("```").nth(1).unwrap();
    serde_json::from_str(fenced.strip_prefix("json").unwrap()).unwrap()
}

fn keys(value: &Value) -> BTreeSet<&String> {
    value.as_object().unwrap().keys().collect()
}

fn sent(world: &World, path: &str) -> HttpRequest {
    let requests = world.server.requests.lock().unwrap();
    let found = requests.iter().find(|r| r.url.ends_with(path));
    found
        .unwrap_or_else(|| panic!("{path} was not asked"))
        .clone()
}

fn content_type(request: &HttpRequest) -> &str {
    let header = request.headers.iter().find(|h| h.name == "content-type");
    &header.unwrap().value
}

#[tokio::test]
async fn enrolment_and_tokens_are_asked_for_as_documented() {
    let world = World::enrolled().await;
    world.clock.turn(900_000);
    world.sync().await.unwrap();
    for (path, marker) in [
        ("/v1/enrol", "<!-- enrol request -->"),
        ("/v1/token", "<!-- token request -->"),
    ] {
        let request = sent(&world, path);
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let documented = documented_json(marker);
        assert_eq!(keys(&body), keys(&documented), "{path}");
        assert_eq!(
            (&body["p"], &body["s"]),
            (&documented["p"], &documented["s"])
        );
        assert_eq!(content_type(&request), "application/json");
    }
    let pull = sent(&world, "/v1/pull");
    assert_eq!(content_type(&pull), "application/vnd.msgpack");
    assert!(DOCUMENT.contains("bodies `application/vnd.msgpack`"));
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentedPings {
    p: u16,
    s: u16,
    g: Vec<DocumentedPing>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentedPing {
    i: PingId,
    t: i64,
    y: i64,
    x: i64,
    a: Option<u32>,
}

#[tokio::test]
async fn pings_are_sent_as_documented() {
    let world = World::enrolled().await;
    world.grant(Purpose::LiveTracking);
    world.fix(at(42.36, -71.06));
    world.sync().await.unwrap();
    let batch: DocumentedPings = decode_message(&sent(&world, "/v1/pings").body).unwrap();
    assert_eq!((batch.p, batch.s, batch.g.len()), (1, 1, 1));
    let ping = &batch.g[0];
    assert_eq!(world.server.pings.lock().unwrap()[..], [ping.i]);
    assert_eq!(
        (ping.y, ping.x, ping.a),
        (423_600_000, -710_600_000, Some(10))
    );
    assert!((START.0..=world.clock.now().0).contains(&ping.t));
}

#[test]
fn the_engine_waits_as_the_page_says() {
    assert!(
        DOCUMENT.contains("a limit of 5 s that doubles with each failure in a row up to 15 min")
    );
    let limit = |failures| {
        let backoff = Backoff {
            failures,
            ..Backoff::default()
        };
        backoff.ceiling_ms()
    };
    assert_eq!((limit(0), limit(1), limit(30)), (5_000, 10_000, 900_000));
}
