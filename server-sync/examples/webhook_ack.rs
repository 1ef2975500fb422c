//! How long a webhook delivery waits for its answer: signed deliveries of 100 events each arrive
//! at a fixed rate at a server on loopback with an encrypted store and every commit synced to
//! disk, while workers take the deliveries apart.
//!
//! `cargo run --release -p fieldfare-server --example webhook_ack -- [deliveries per second] [seconds]`
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use fieldfare_server::config::Config;
use fieldfare_server::hubspot::http;
use fieldfare_server::hubspot::signature::{SIGNATURE_HEADER, TIMESTAMP_HEADER, WebhookSecrets};
use fieldfare_server::{Server, SharedState};
use std::time::{Duration, Instant};

const EVENTS: u64 = 100;
const PUBLIC: &str = "https://sync.example.com/v1/webhooks/hubspot/hs";

fn config(dir: &std::path::Path) -> Config {
    let text = format!(
        r#"
        [server]
        listen = "127.0.0.1:0"
        admin_listen = "127.0.0.1:0"
        data_dir = {dir:?}
        [key]
        hex = "{}"
        [[tenants]]
        name = "Acme"
        [[tenants.connections]]
        name = "hs"
        kind = "hubspot"
        portal_id = 7
        api_base = "http://127.0.0.1:9"
        token = "none"
        webhook_secrets = ["secret"]
        webhook_url = "{PUBLIC}"
        "#,
        "ef".repeat(32)
    );
    Config::parse(&text, &|_| None).unwrap()
}

fn body(n: u64, now: u64) -> Vec<u8> {
    let event = |i: u64| {
        serde_json::json!({"eventId": n * EVENTS + i, "subscriptionId": 1, "portalId": 7,
            "appId": 11, "occurredAt": now + i, "subscriptionType": "company.propertyChange",
            "attemptNumber": 0, "objectId": 18_000_000_000u64 + (n * EVENTS + i) % 50_000,
            "propertyName": "phone", "propertyValue": "+1 617 555 0100",
            "changeSource": "CRM_UI", "sourceId": "userId:9001"})
    };
    serde_json::to_vec(&(0..EVENTS).map(event).collect::<Vec<_>>()).unwrap()
}

fn count(state: &SharedState, sql: &str) -> i64 {
    let tenant = state.tenants.all().remove(0);
    tenant
        .read(|c| Ok(c.query_row(sql, [], |r| r.get(0))?))
        .unwrap()
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1).map(|a| a.parse::<u64>().unwrap());
    let (rate, seconds) = (
        arguments.next().unwrap_or(200),
        arguments.next().unwrap_or(10),
    );
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(config(dir.path())).await.unwrap();
    let url = format!("http://{}/v1/webhooks/hubspot/hs", server.addr);
    let client = http::client("bench", Duration::from_secs(30)).unwrap();
    let secrets = WebhookSecrets::new(["secret"]);
    let mut ticks = tokio::time::interval(Duration::from_nanos(1_000_000_000 / rate));
    let mut calls = tokio::task::JoinSet::new();
    let started = Instant::now();
    for n in 0..rate * seconds {
        ticks.tick().await;
        let now = server.state.now().0;
        let body = body(n, now.unsigned_abs());
        let signature = secrets.sign("POST", PUBLIC, &body, &now.to_string());
        let request = client
            .post(&url)
            .header(SIGNATURE_HEADER, signature)
            .header(TIMESTAMP_HEADER, now.to_string())
            .body(body);
        calls.spawn(async move {
            let sent = Instant::now();
            assert!(request.send().await.unwrap().status().is_success());
            sent.elapsed()
        });
    }
    let offered = started.elapsed();
    let mut waits = calls.join_all().await;
    waits.sort_unstable();
    let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!(
        "{} deliveries of {EVENTS} events at {:.0}/s: ack p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms, max {:.1} ms",
        waits.len(),
        waits.len() as f64 / offered.as_secs_f64(),
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0)
    );
    while count(&server.state, "SELECT count(*) FROM crm_delivery") > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    println!(
        "all {} events taken apart {:.2} s after the last was sent; {} records marked",
        count(&server.state, "SELECT count(*) FROM crm_event"),
        started.elapsed().saturating_sub(offered).as_secs_f64(),
        count(&server.state, "SELECT count(*) FROM crm_dirty")
    );
    server.shutdown().await;
}
