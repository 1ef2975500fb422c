//! How long a webhook delivery waits for its answer: signed deliveries of 100 events arrive at a fixed
//! rate while workers take them apart, every commit synced to disk. Beside it, under the same load, the
//! naive way: an endpoint that takes each delivery apart before it answers.
//!
//! `cargo bench -p fieldfare-tests --bench webhook -- [deliveries per second] [seconds]`
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use fieldfare_server::config::Config;
use fieldfare_server::hubspot::http;
use fieldfare_server::hubspot::signature::{SIGNATURE_HEADER, TIMESTAMP_HEADER, WebhookSecrets};
use fieldfare_server::{RunningServer, Server};
use fieldfare_tests::figures::{cpu_seconds, percentile, print_table};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const EVENTS: u64 = 100;
const RECORDS: u64 = 50_000;
const PUBLIC: &str = "https://sync.example.com/v1/webhooks/hubspot/hs";

fn main() {
    let mut numbers = std::env::args().filter_map(|a| a.parse::<u64>().ok());
    let load = Load {
        rate: numbers.next().unwrap_or(200),
        seconds: numbers.next().unwrap_or(10),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let ours = runtime.block_on(ours(load));
    let naive = runtime.block_on(naive(load));
    let ratio = |of: fn(&Waits) -> f64| format!("{:.1}x", of(&naive) / of(&ours));
    print_table(
        &format!(
            "Answers to {} signed deliveries a second of {EVENTS} events, for {} s; every commit synced",
            load.rate, load.seconds
        ),
        &["", "p50 ms", "p90 ms", "p99 ms", "max ms", "CPU us/event"],
        &[
            ours.row("Fieldfare: keep, answer, take apart later"),
            naive.row("naive: take apart, answer"),
            vec![
                "ratio".to_owned(),
                ratio(|w| w.at(0.5)),
                ratio(|w| w.at(0.9)),
                ratio(|w| w.at(0.99)),
                ratio(|w| w.at(1.0)),
                ratio(|w| w.cpu_us),
            ],
        ],
    );
}

#[derive(Clone, Copy)]
struct Load {
    rate: u64,
    seconds: u64,
}

struct Waits {
    ms: Vec<f64>,
    cpu_us: f64,
}

impl Waits {
    fn at(&self, share: f64) -> f64 {
        percentile(self.ms.clone(), share)
    }

    fn row(&self, name: &str) -> Vec<String> {
        let at = |share| format!("{:.1}", self.at(share));
        vec![
            name.to_owned(),
            at(0.5),
            at(0.9),
            at(0.99),
            at(1.0),
            format!("{:.1}", self.cpu_us),
        ]
    }
}

async fn ours(load: Load) -> Waits {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(config(dir.path())).await.unwrap();
    let url = format!("http://{}/v1/webhooks/hubspot/hs", server.addr);
    let cpu = cpu_seconds();
    let ms = deliver(&url, load).await;
    let started = Instant::now();
    let taken_apart = wait_until_empty(&server).await;
    let waits = Waits {
        ms,
        cpu_us: per_event(cpu, load),
    };
    assert_eq!(taken_apart, load.rate * load.seconds * EVENTS);
    println!(
        "  Fieldfare had taken apart all {taken_apart} events {:.2} s after the last arrived.",
        started.elapsed().as_secs_f64()
    );
    server.shutdown().await;
    waits
}

fn per_event(cpu_before: f64, load: Load) -> f64 {
    (cpu_seconds() - cpu_before) * 1e6 / (load.rate * load.seconds * EVENTS) as f64
}

/// Answers how many events there are when no delivery waits any more.
async fn wait_until_empty(server: &RunningServer) -> u64 {
    let tenant = server.state.tenants.all().remove(0);
    let count = |sql: &'static str| {
        tenant
            .read(|c| Ok(c.query_row(sql, [], |r| r.get::<_, u32>(0))?))
            .unwrap()
    };
    while count("SELECT count(*) FROM crm_delivery") > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    count("SELECT count(*) FROM crm_event").into()
}

async fn naive(load: Load) -> Waits {
    let dir = tempfile::tempdir().unwrap();
    let db = Arc::new(Mutex::new(naive_db(&dir.path().join("naive.db"))));
    let app = axum::Router::new()
        .route("/v1/webhooks/hubspot/hs", post(take_apart))
        .with_state(db);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "http://{}/v1/webhooks/hubspot/hs",
        listener.local_addr().unwrap()
    );
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });
    let cpu = cpu_seconds();
    let ms = deliver(&url, load).await;
    serving.abort();
    Waits {
        ms,
        cpu_us: per_event(cpu, load),
    }
}

type NaiveDb = Arc<Mutex<rusqlite::Connection>>;

fn naive_db(path: &Path) -> rusqlite::Connection {
    let db = rusqlite::Connection::open(path).unwrap();
    let key = format!("x'{}'", "ef".repeat(32));
    db.pragma_update(None, "key", key).unwrap();
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE event(id PRIMARY KEY, at, body) WITHOUT ROWID;
         CREATE TABLE dirty(record INTEGER PRIMARY KEY, at);",
    )
    .unwrap();
    db
}

async fn take_apart(State(db): State<NaiveDb>, body: Bytes) -> StatusCode {
    let kept = tokio::task::spawn_blocking(move || {
        let events: Vec<serde_json::Value> = serde_json::from_slice(&body).unwrap();
        let mut db = db.lock().unwrap();
        let tx = db.transaction().unwrap();
        for event in &events {
            let (id, at) = (event["eventId"].as_i64(), event["occurredAt"].as_i64());
            tx.prepare_cached("INSERT OR IGNORE INTO event VALUES (?, ?, ?)")
                .and_then(|mut s| s.execute((id, at, event.to_string())))
                .unwrap();
            tx.prepare_cached("INSERT OR REPLACE INTO dirty VALUES (?, ?)")
                .and_then(|mut s| s.execute((event["objectId"].as_i64(), at)))
                .unwrap();
        }
        tx.commit()
    });
    match kept.await {
        Ok(Ok(())) => StatusCode::OK,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Offers the load whether or not answers come, and answers how long each took, in milliseconds.
async fn deliver(url: &str, load: Load) -> Vec<f64> {
    let client = http::client("bench", Duration::from_secs(30)).unwrap();
    let secrets = WebhookSecrets::new(["secret"]);
    let mut ticks = tokio::time::interval(Duration::from_nanos(1_000_000_000 / load.rate));
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..load.rate * load.seconds {
        ticks.tick().await;
        let now = now_ms();
        let body = body(n, now);
        let signature = secrets.sign("POST", PUBLIC, &body, &now.to_string());
        let request = client
            .post(url)
            .header(SIGNATURE_HEADER, signature)
            .header(TIMESTAMP_HEADER, now.to_string())
            .body(body);
        calls.spawn(async move {
            let sent = Instant::now();
            assert!(request.send().await.unwrap().status().is_success());
            sent.elapsed().as_secs_f64() * 1e3
        });
    }
    calls.join_all().await
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_millis() as u64
}

fn body(n: u64, now: u64) -> Vec<u8> {
    let event = |i: u64| {
        serde_json::json!({"eventId": n * EVENTS + i, "subscriptionId": 1, "portalId": 7,
            "appId": 11, "occurredAt": now + i, "subscriptionType": "company.propertyChange",
            "attemptNumber": 0, "objectId": 18_000_000_000u64 + (n * EVENTS + i) % RECORDS,
            "propertyName": "phone", "propertyValue": "+1 617 555 0100",
            "changeSource": "CRM_UI", "sourceId": "userId:9001"})
    };
    serde_json::to_vec(&(0..EVENTS).map(event).collect::<Vec<_>>()).unwrap()
}

fn config(dir: &Path) -> Config {
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
