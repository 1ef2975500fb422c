//! Waiting for news.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use fieldfare_server::store::TenantHead;
use fieldfare_sync::{Epoch, ErrorCode, HeadReply, HeadRequest, decode_message, encode_message};
use std::future::Future;
use std::time::Duration;
use support::{Fixture, GENEROUS, Phone, Reply};

fn patient(news_seconds: u64, news_waiting: u32) -> Fixture {
    Fixture::with_limits(&format!(
        "{GENEROUS}\nnews_seconds = {news_seconds}\nnews_waiting = {news_waiting}"
    ))
}

fn head(server: &Fixture) -> TenantHead {
    server.tenant("Acme").read(TenantHead::read).unwrap()
}

async fn ask(server: &Fixture, phone: &Phone, epoch: Epoch, head: u64) -> Reply {
    let body = encode_message(&HeadRequest::new(epoch, head)).unwrap();
    server.post("/v1/head", Some(&phone.access), body).await
}

async fn news(server: &Fixture, phone: &Phone, epoch: Epoch, head: u64) -> HeadReply {
    let reply = ask(server, phone, epoch, head).await;
    assert_eq!(reply.status, 200);
    decode_message(&reply.body).unwrap()
}

/// Begins to wait, and gives the answer once it is there.
async fn waiting<T>(wait: impl Future<Output = T>, meanwhile: impl FnOnce()) -> T {
    let mut wait = std::pin::pin!(wait);
    tokio::select! {
        biased;
        _ = &mut wait => panic!("it was answered before anything happened"),
        () = tokio::time::sleep(Duration::from_millis(300)) => {}
    }
    meanwhile();
    wait.await
}

#[tokio::test]
async fn a_change_in_its_scopes_is_told_at_once() {
    let server = patient(3_600, 10);
    let bob = server.phone("Acme", "Bob").await;
    let at = head(&server);
    let reply = waiting(news(&server, &bob, at.epoch, at.head), || {
        server.put_lead("Acme", 1, Some("West"));
        server.put_lead("Acme", 2, Some("South"));
    })
    .await;
    assert!(reply.is_news);
    assert_eq!(reply.head, head(&server).head);

    // Whoever is behind already need not wait.
    assert!(news(&server, &bob, at.epoch, at.head).await.is_news);
    let other = Epoch(at.epoch.0 ^ 1);
    assert!(news(&server, &bob, other, reply.head).await.is_news);
    assert!(news(&server, &bob, at.epoch, reply.head + 1).await.is_news);
}

#[tokio::test]
async fn changes_elsewhere_are_no_news() {
    let server = patient(1, 10);
    let bob = server.phone("Acme", "Bob").await;
    let at = head(&server);
    let reply = waiting(news(&server, &bob, at.epoch, at.head), || {
        server.put_lead("Acme", 1, Some("North"));
        server.put_lead("Globex", 2, Some("North"));
    })
    .await;
    assert!(!reply.is_news);
}

#[tokio::test]
async fn the_answer_is_small() {
    let server = patient(0, 10);
    let bob = server.phone("Acme", "Bob").await;
    let at = head(&server);
    let reply = ask(&server, &bob, at.epoch, at.head).await;
    let headers = reply.headers.iter();
    let headers: usize = headers.map(|(k, v)| k.as_str().len() + v.len() + 4).sum();
    assert!(headers + reply.body.len() < 200);
}

#[tokio::test]
async fn places_are_bounded_and_given_back() {
    let server = patient(3_600, 1);
    let bob = server.phone("Acme", "Bob").await;
    let at = head(&server);
    let first = waiting(news(&server, &bob, at.epoch, at.head), || {});
    let second = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let busy = ask(&server, &bob, at.epoch, at.head).await;
        tokio::time::sleep(Duration::from_millis(400)).await;
        server.put_lead("Acme", 2, Some("South"));
        busy
    };
    let (first, second) = tokio::join!(first, second);
    assert!(first.is_news);
    assert_eq!(
        (second.status.as_u16(), second.error().code),
        (429, ErrorCode::Busy)
    );
    assert!(second.headers.contains_key("retry-after"));
    assert!(news(&server, &bob, at.epoch, at.head).await.is_news);
}

#[tokio::test]
async fn a_server_that_stops_keeps_nobody_waiting() {
    let server = patient(3_600, 10);
    let bob = server.phone("Acme", "Bob").await;
    let at = head(&server);
    let reply = waiting(news(&server, &bob, at.epoch, at.head), || {
        server.state.stopping.send_replace(true);
    })
    .await;
    assert!(!reply.is_news);
}
