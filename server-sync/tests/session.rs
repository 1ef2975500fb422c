//! Enrolment, tokens, revocation.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use axum::http::StatusCode;
use fieldfare_model::OperationId;
use fieldfare_server::auth::{ACCESS_LIFETIME_MS, CODE_LIFETIME_MS};
use fieldfare_sync::ErrorCode;
use support::{Fixture, rand16};

async fn pull_status(server: &Fixture, phone: &support::Phone) -> StatusCode {
    server
        .post("/v1/pull", Some(&phone.access), phone.pull_request(1))
        .await
        .status
}

#[tokio::test]
async fn a_code_is_good_once() {
    let server = Fixture::new();
    let code = server.code("Acme", "Ada");
    assert_eq!(
        server
            .enrol_with(&code.to_lowercase().replace('-', ""))
            .await
            .status,
        200
    );
    let again = server.enrol_with(&code).await;
    assert_eq!(again.status, 401);
    assert_eq!(again.json()["code"], "unauthorized");
    assert_eq!(server.enrol_with("AAAAA-AAAAA").await.status, 401);
    assert_eq!(server.state.registry.devices(None).unwrap().len(), 1);
}

#[tokio::test]
async fn a_code_ends_after_ten_minutes() {
    let server = Fixture::new();
    let (first, second) = (server.code("Acme", "Ada"), server.code("Acme", "Ada"));
    server.advance(CODE_LIFETIME_MS - 1);
    assert_eq!(server.enrol_with(&first).await.status, 200);
    server.advance(1);
    assert_eq!(server.enrol_with(&second).await.status, 401);
}

#[tokio::test]
async fn an_access_token_ends_and_a_refresh_brings_the_next() {
    let server = Fixture::new();
    let mut phone = server.phone("Acme", "Ada").await;
    server.advance(ACCESS_LIFETIME_MS);
    let expired = server
        .post("/v1/pull", Some(&phone.access), phone.pull_request(1))
        .await;
    assert_eq!(expired.status, 401);
    assert_eq!(expired.error().code, ErrorCode::Unauthorized);
    let next = server.refresh(&phone.refresh, None).await;
    phone.access = next.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(pull_status(&server, &phone).await, 200);
}

#[tokio::test]
async fn a_refresh_token_used_twice_locks_the_device_at_once() {
    let server = Fixture::new();
    let phone = server.phone("Acme", "Ada").await;
    let next = server.refresh(&phone.refresh, None).await.json();
    let next = next["refresh_token"].as_str().unwrap();
    assert_eq!(pull_status(&server, &phone).await, 200);
    assert_eq!(server.refresh(&phone.refresh, None).await.status, 401);
    assert_eq!(pull_status(&server, &phone).await, 401);
    assert_eq!(server.refresh(next, None).await.status, 401);
}

#[tokio::test]
async fn a_lost_answer_is_given_again_to_the_same_attempt_only() {
    let server = Fixture::new();
    let phone = server.phone("Acme", "Ada").await;
    let attempt = Some(OperationId::from_bytes(rand16()));
    let lost = server.refresh(&phone.refresh, attempt).await.json();
    let again = server.refresh(&phone.refresh, attempt).await.json();
    assert_eq!(lost["refresh_token"], again["refresh_token"]);
    let next = again["refresh_token"].as_str().unwrap();
    assert_eq!(server.refresh(next, None).await.status, 200);
    assert_eq!(server.refresh(&phone.refresh, attempt).await.status, 401);
    assert_eq!(pull_status(&server, &phone).await, 401);
}

#[tokio::test]
async fn another_attempt_with_a_used_token_locks_the_device() {
    let server = Fixture::new();
    let phone = server.phone("Acme", "Ada").await;
    let attempt = || Some(OperationId::from_bytes(rand16()));
    assert_eq!(server.refresh(&phone.refresh, attempt()).await.status, 200);
    assert_eq!(server.refresh(&phone.refresh, attempt()).await.status, 401);
    assert_eq!(pull_status(&server, &phone).await, 401);
}

#[tokio::test]
async fn revocation_holds_from_the_next_request() {
    let server = Fixture::new();
    let phone = server.phone("Acme", "Ada").await;
    assert_eq!(pull_status(&server, &phone).await, 200);
    let path = format!("/admin/devices/{}/revoke", phone.device);
    let revoked = server
        .call(true, "POST", &path, Some(support::ADMIN), "")
        .await;
    assert_eq!(revoked.status, 204);
    for route in ["/v1/pull", "/v1/push", "/v1/pings"] {
        let reply = server
            .post(route, Some(&phone.access), phone.pull_request(1))
            .await;
        assert_eq!(
            (reply.status.as_u16(), reply.error().code),
            (403, ErrorCode::Revoked)
        );
    }
    let refresh = server.refresh(&phone.refresh, None).await;
    assert_eq!(
        (refresh.status.as_u16(), refresh.json()["code"].as_str()),
        (403, Some("revoked"))
    );
}

#[tokio::test]
async fn a_device_whose_rep_is_gone_is_told_to_wait_and_not_to_wipe() {
    let server = Fixture::new();
    let phone = server.phone("Acme", "Ada").await;
    let rep = phone.rep.row();
    server
        .tenant("Acme")
        .write(|tx| {
            fieldfare_server::feed::delete(tx, fieldfare_model::Entity::REP, rep, server.now())
        })
        .unwrap();
    assert_eq!(pull_status(&server, &phone).await, 503);
}

#[tokio::test]
async fn no_secret_is_kept_in_the_registry() {
    let server = Fixture::new();
    let code = server.code("Acme", "Ada");
    let json = server.enrol_with(&code).await.json();
    let refresh = json["refresh_token"].as_str().unwrap().to_owned();
    server
        .state
        .registry
        .database()
        .read(|tx| {
            let mut hashes =
                tx.prepare("SELECT hash FROM enrolment_code UNION SELECT hash FROM refresh_token")?;
            let hashes: Vec<Vec<u8>> = hashes
                .query_map([], |r| r.get(0))?
                .collect::<Result<_, _>>()?;
            assert_eq!(hashes.len(), 2);
            assert!(hashes.iter().all(|h| h.len() == 32));
            assert!(
                !hashes
                    .iter()
                    .any(|h| h == code.as_bytes() || h == refresh.as_bytes())
            );
            Ok(())
        })
        .unwrap();
}
