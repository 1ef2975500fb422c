//! What `docs/protocol.md` shows of enrolment, tokens, pings and errors is what the server takes
//! and answers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use axum::http::header;
use fieldfare_model::{ConsentAction, Entity, OperationId, Purpose, SCHEMA};
use fieldfare_server::auth::{ACCESS_LIFETIME_MS, REFRESH_LIFETIME_MS};
use fieldfare_server::http::PingReply;
use fieldfare_sync::{ErrorCode, PROTOCOL, decode_message, encode_message};
use serde_json::{Value, json};
use support::{Fixture, Reply, START};

const DOCUMENT: &str = include_str!("../../docs/protocol.md");

/// The fenced block that follows a marker, without its first line.
fn fenced(marker: &str) -> &'static str {
    let start = DOCUMENT
        .find(marker)
        .unwrap_or_else(|| panic!("{marker} is not in the document"));
    let fenced = DOCUMENT[start..].split("```").nth(1).unwrap();
    fenced.split_once('\n').unwrap().1
}

fn documented_json(marker: &str) -> Value {
    serde_json::from_str(fenced(marker)).unwrap()
}

fn documented_bytes(marker: &str) -> Vec<u8> {
    fenced(marker)
        .lines()
        .flat_map(|line| line.split('|').next().unwrap().split_whitespace())
        .map(|byte| u8::from_str_radix(byte, 16).expect(byte))
        .collect()
}

/// The value with every text and number emptied: which keys there are, and what they hold.
fn form(value: &Value) -> Value {
    match value {
        Value::Object(map) => map.iter().map(|(k, v)| (k.clone(), form(v))).collect(),
        Value::String(_) => json!(""),
        Value::Number(_) => json!(0),
        other => other.clone(),
    }
}

fn content_type(reply: &Reply) -> &str {
    reply.headers[header::CONTENT_TYPE].to_str().unwrap()
}

#[tokio::test]
async fn enrolment_and_tokens_are_as_documented() {
    let server = Fixture::new();
    let mut enrol = documented_json("<!-- enrol request -->");
    enrol["code"] = json!(server.code("Acme", "Ada"));
    let enrolled = server.post("/v1/enrol", None, enrol.to_string()).await;
    assert_eq!(enrolled.status, 200, "{:?}", enrolled.body);
    let documented = documented_json("<!-- enrol reply -->");
    assert_eq!(form(&enrolled.json()), form(&documented));
    for key in ["p", "s", "expires_in"] {
        assert_eq!(enrolled.json()[key], documented[key], "{key}");
    }
    assert_eq!(enrolled.json()["expires_in"], ACCESS_LIFETIME_MS / 1000);
    let rep = json!({"id": server.rep("Acme", "Ada"), "name": "Ada"});
    assert_eq!(enrolled.json()["rep"], rep);

    let mut token = documented_json("<!-- token request -->");
    token["refresh_token"] = enrolled.json()["refresh_token"].clone();
    let renewed = server.post("/v1/token", None, token.to_string()).await;
    assert_eq!(renewed.status, 200, "{:?}", renewed.body);
    let documented = documented_json("<!-- token reply -->");
    assert_eq!(form(&renewed.json()), form(&documented));
    for reply in [&enrolled, &renewed] {
        assert!(content_type(reply).starts_with("application/json"));
    }
    assert!(DOCUMENT.contains("a refresh token for 90 days"));
    assert_eq!(REFRESH_LIFETIME_MS, 90 * 24 * 3_600_000);
}

#[tokio::test]
async fn errors_of_both_kinds_are_as_documented() {
    let server = Fixture::new();
    let refused = server.enrol_with("AAAAA-AAAAA").await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.json(), documented_json("<!-- json error -->"));

    let refused = server.post("/v1/pull", Some("no token"), "").await;
    assert_eq!(refused.status, 401);
    assert_eq!(content_type(&refused), "application/vnd.msgpack");
    assert!(DOCUMENT.contains("`application/vnd.msgpack`"));
    let error = refused.error();
    assert_eq!((error.protocol, error.schema), (PROTOCOL, SCHEMA));
    assert_eq!(error.code, ErrorCode::Unauthorized);
}

#[tokio::test]
async fn a_code_of_a_rep_who_is_not_served_now_is_answered_with_later() {
    let server = Fixture::new();
    let code = server.code("Acme", "Ada");
    let (rep, now) = (server.rep("Acme", "Ada").row(), server.now());
    server
        .tenant("Acme")
        .write(|tx| fieldfare_server::feed::delete(tx, Entity::REP, rep, now))
        .unwrap();
    let refused = server.enrol_with(&code).await;
    assert_eq!(refused.status, 503);
    assert_eq!(refused.json()["code"], "unavailable");
}

#[tokio::test]
async fn the_documented_ping_is_taken_and_answered_as_documented() {
    let server = Fixture::new();
    let mut ada = server.phone("Acme", "Ada").await;
    let body = documented_bytes("<!-- pings -->");
    let refused = server
        .post("/v1/pings", Some(&ada.access), body.clone())
        .await;
    let refused: PingReply = decode_message(&refused.body).unwrap();
    assert_eq!(
        encode_message(&refused.results[0].outcome).unwrap(),
        b"\xa1c"
    );

    let grant = ada.decide(Purpose::LiveTracking, ConsentAction::Grant, START);
    ada.push_one(&server, grant).await;
    for _ in 0..2 {
        let reply = server
            .post("/v1/pings", Some(&ada.access), body.clone())
            .await;
        assert_eq!(reply.status, 200);
        assert_eq!(content_type(&reply), "application/vnd.msgpack");
        assert_eq!(reply.body, documented_bytes("<!-- pings reply -->"));
    }
}

#[tokio::test]
async fn another_protocol_is_told_to_update_on_every_route_whatever_its_form() {
    #[derive(serde::Serialize)]
    struct Other {
        q: &'static str,
        p: u32,
    }
    let server = Fixture::new();
    let phone = server.phone("Acme", "Ada").await;
    for protocol in [0, 2, 70_000] {
        let other = Other {
            q: "?",
            p: protocol,
        };
        for route in ["/v1/pull", "/v1/push", "/v1/pings"] {
            let body = encode_message(&other).unwrap();
            let reply = server.post(route, Some(&phone.access), body).await;
            assert_eq!(
                (reply.status.as_u16(), reply.error().code),
                (426, ErrorCode::Upgrade),
                "{route} {protocol}"
            );
        }
        for route in ["/v1/enrol", "/v1/token"] {
            let body = serde_json::to_vec(&other).unwrap();
            let reply = server.post(route, None, body).await;
            assert_eq!(reply.status, 426, "{route} {protocol}");
            assert_eq!(reply.json()["code"], "upgrade");
            assert_eq!(reply.json()["p"], PROTOCOL);
        }
    }
}

#[tokio::test]
async fn a_schema_too_old_or_not_said_is_refused_and_unknown_keys_are_not() {
    let server = Fixture::new();
    let phone = server.phone("Acme", "Ada").await;
    let request = || {
        json!({
            "p": 1, "s": 1, "something_new": [1],
            "code": server.code("Acme", "Ada"), "device_name": "x",
            "refresh_token": phone.refresh, "attempt": OperationId::from_bytes([1; 16]),
        })
    };
    for route in ["/v1/enrol", "/v1/token"] {
        for (key, value, status) in [
            ("s", json!(0), 426),
            ("s", json!(null), 400),
            ("p", json!(null), 400),
            ("another", json!(1), 200),
        ] {
            let mut body = request();
            body[key] = value;
            let reply = server.post(route, None, body.to_string()).await;
            assert_eq!(reply.status, status, "{route} {key}");
        }
    }
    let mut pings = documented_bytes("<!-- pings -->");
    assert_eq!(pings[5..7], [b's', 1]);
    pings[6] = 0;
    let reply = server.post("/v1/pings", Some(&phone.access), pings).await;
    assert_eq!(reply.status, 426);
}
