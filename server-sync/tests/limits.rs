//! Sizes, rates, and a server on real sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use axum::http::header;
use fieldfare_server::Server;
use fieldfare_server::config::Config;
use fieldfare_sync::{ErrorCode, MAX_PUSH_BYTES};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use support::{Fixture, GENEROUS, config_text};

#[tokio::test]
async fn bodies_beyond_the_limit_are_refused() {
    let server = Fixture::new();
    let phone = server.phone("Acme", "Ada").await;
    let token = Some(phone.access.as_str());
    for (route, limit) in [
        ("/v1/push", MAX_PUSH_BYTES),
        ("/v1/pull", 1 << 20),
        ("/v1/pings", 1 << 20),
    ] {
        let over = server.post(route, token, vec![0xc0; limit + 1]).await;
        assert_eq!(
            (over.status.as_u16(), over.error().code),
            (413, ErrorCode::TooLarge)
        );
        assert_eq!(
            server.post(route, token, vec![0xc0; limit]).await.status,
            400
        );
    }
    let over = server.post("/v1/enrol", None, vec![b' '; 5_000]).await;
    assert_eq!(over.status, 413);
}

#[tokio::test]
async fn a_device_that_asks_too_often_waits_and_others_do_not() {
    let limits = GENEROUS
        .replace("device_per_second = 10000", "device_per_second = 1")
        .replace("device_burst = 10000", "device_burst = 3");
    let server = Fixture::with_limits(&limits);
    let (ada, bob) = (
        server.phone("Acme", "Ada").await,
        server.phone("Acme", "Bob").await,
    );
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(
            server
                .post("/v1/pull", Some(&ada.access), ada.pull_request(1))
                .await,
        );
    }
    let last = statuses.pop().unwrap();
    assert!(statuses.iter().all(|reply| reply.status == 200));
    assert_eq!(
        (last.status.as_u16(), last.error().code),
        (429, ErrorCode::Busy)
    );
    let wait: u64 = last.headers[header::RETRY_AFTER]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=2).contains(&wait));
    assert_eq!(
        server
            .post("/v1/pull", Some(&bob.access), bob.pull_request(1))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn guessing_codes_is_slowed_down() {
    let server = Fixture::with_limits("enrol_per_minute = 6\nenrol_burst = 3");
    let code = server.code("Acme", "Ada");
    for _ in 0..3 {
        assert_eq!(server.enrol_with("AAAAA-AAAAA").await.status, 401);
    }
    let slowed = server.enrol_with(&code).await;
    assert_eq!(slowed.status, 429);
    assert_eq!(slowed.json()["code"], "busy");
    let wait: u64 = slowed.headers[header::RETRY_AFTER]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=11).contains(&wait));
}

fn get(address: SocketAddr, path: &str) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).unwrap();
    let mut reply = String::new();
    socket.read_to_string(&mut reply).unwrap();
    reply
}

#[tokio::test(flavor = "multi_thread")]
async fn a_started_server_answers_and_stops_when_told() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config::parse(&config_text(dir.path(), GENEROUS), &|_| None).unwrap();
    let server = Server::start(config.clone()).await.unwrap();
    let (addr, admin) = (server.addr, server.admin_addr);
    assert!(get(addr, "/healthz").starts_with("HTTP/1.1 200"));
    assert!(get(addr, "/readyz").ends_with("ready"));
    assert!(get(admin, "/metrics").contains("fieldfare_http_requests_total{route=\"/healthz\""));
    assert!(get(addr, "/metrics").starts_with("HTTP/1.1 404"));
    let tenant = server.state.config.tenants[0].id();
    let epoch = |server: &fieldfare_server::RunningServer| {
        let tenant = server.state.tenants.get(tenant).unwrap();
        tenant
            .read(fieldfare_server::store::TenantHead::read)
            .unwrap()
    };
    let before = epoch(&server);
    server.shutdown().await;
    assert!(TcpStream::connect(addr).is_err());

    let again = Server::start(config).await.unwrap();
    assert_eq!(epoch(&again), before, "a restart changes nothing");
    again.shutdown().await;
}
