//! Every route against everybody who must not use it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use fieldfare_model::{ConsentAction, Entity, PingId, Purpose, SCHEMA, TimestampMs};
use fieldfare_server::auth::AccessToken;
use fieldfare_server::feed::pings::Ping;
use fieldfare_server::http::{Access, Listener, PingBatch, ROUTES, Route, document};
use fieldfare_sync::{Outcome, PROTOCOL, RejectCode, encode_message};
use std::collections::BTreeSet;
use support::{ADMIN, Fixture, Phone, Reply, START};

async fn knock(server: &Fixture, route: &Route, token: Option<&str>, body: &[u8]) -> Reply {
    let path = route
        .path
        .replace("{connection}", "hs")
        .replace("{device}", "00000000-0000-0000-0000-000000000001")
        .replace("{tenant}", &server.tenant_id("Acme").to_string());
    let admin = route.listener == Listener::Admin;
    server
        .call(admin, route.method, &path, token, body.to_vec())
        .await
}

/// Tokens that must open nothing.
fn wrong_tokens(server: &Fixture, phone: &Phone) -> Vec<(&'static str, String)> {
    let expires_at = server.now().plus(60_000);
    let sign = |device| {
        server
            .state
            .tokens
            .sign(&AccessToken { device, expires_at })
    };
    let mut damaged = phone.access.clone();
    damaged.replace_range(10..11, if &damaged[10..11] == "A" { "B" } else { "A" });
    vec![
        ("garbage", "garbage".into()),
        ("empty", String::new()),
        ("a refresh token", phone.refresh.clone()),
        ("damaged", damaged),
        (
            "unknown device",
            sign(fieldfare_model::DeviceId::from_bytes([9; 16])),
        ),
    ]
}

#[tokio::test]
async fn no_route_opens_to_the_wrong_token() {
    let server = Fixture::new();
    let phone = server.phone("Acme", "Ada").await;
    server.put_lead("Acme", 1, Some("North"));
    let body = phone.pull_request(1_000_000);
    for route in ROUTES
        .iter()
        .filter(|r| matches!(r.access, Access::Device | Access::Admin))
    {
        let none = knock(&server, route, None, &body).await;
        assert_eq!(none.status, 401, "{} without a token", route.path);
        for (what, token) in wrong_tokens(&server, &phone) {
            let reply = knock(&server, route, Some(&token), &body).await;
            assert_eq!(reply.status, 401, "{} with {what}", route.path);
            assert!(reply.body.len() < 300, "{} tells too much", route.path);
        }
    }
    for route in ROUTES.iter().filter(|r| r.access == Access::Admin) {
        assert_eq!(
            knock(&server, route, Some(&phone.access), b"").await.status,
            401
        );
        assert_ne!(knock(&server, route, Some(ADMIN), b"").await.status, 401);
    }
    for route in ROUTES.iter().filter(|r| r.access == Access::Device) {
        assert_eq!(knock(&server, route, Some(ADMIN), &body).await.status, 401);
    }
}

#[tokio::test]
async fn every_route_refuses_garbage_politely() {
    let server = Fixture::new();
    let phone = server.phone("Acme", "Ada").await;
    let garbage: [&[u8]; 4] = [b"", b"\xc1", &[0x91; 4_000], b"{\"code\":1}"];
    for route in ROUTES
        .iter()
        .filter(|r| matches!(r.access, Access::Device | Access::Session))
    {
        for body in garbage {
            let reply = knock(&server, route, Some(&phone.access), body).await;
            assert_eq!(reply.status, 400, "{} with {body:?}", route.path);
        }
    }
}

#[tokio::test]
async fn the_inventory_and_the_document_name_the_same_routes() {
    let inventory: BTreeSet<_> = ROUTES
        .iter()
        .map(|r| format!("{} {}", r.method, r.path))
        .collect();
    let document = serde_json::to_value(document()).unwrap();
    let mut documented = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            documented.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    assert_eq!(inventory, documented);
}

#[tokio::test]
async fn the_document_tells_of_every_answer_a_route_can_give_without_looking_at_the_request() {
    let document = serde_json::to_value(document()).unwrap();
    for route in ROUTES {
        let operation = &document["paths"][route.path][route.method.to_lowercase()];
        let told = |status: &str| !operation["responses"][status].is_null();
        let reads_a_store = route.access != Access::Open || route.path == "/readyz";
        assert_eq!(told("503"), reads_a_store, "503 of {}", route.path);
        let needs_proof = matches!(
            route.access,
            Access::Device | Access::Admin | Access::Signed | Access::Session
        );
        assert_eq!(told("401"), needs_proof, "401 of {}", route.path);
    }
    let text = document.to_string();
    let protocol = include_str!("../../docs/protocol.md");
    for section in ["Pull", "News", "Frames", "Push", "Pings", "Errors"] {
        assert!(text.contains(&format!("section {section}")), "{section}");
        assert!(protocol.contains(&format!("\n## {section}\n")), "{section}");
    }
}

#[tokio::test]
async fn every_route_is_on_its_listener_and_on_no_other() {
    let server = Fixture::new();
    for route in ROUTES {
        for (admin, listener) in [(false, Listener::Public), (true, Listener::Admin)] {
            // A connection that is not there is not found either.
            let method = match route.access {
                Access::Signed => "PUT",
                _ => route.method,
            };
            let reply = server.call(admin, method, route.path, Some("x"), "").await;
            let expected = route.listener == listener || route.listener == Listener::Both;
            assert_eq!(
                reply.status != 404,
                expected,
                "{} on {listener:?}",
                route.path
            );
        }
    }
}

#[tokio::test]
async fn two_tenants_and_two_reps_never_see_each_other() {
    let server = Fixture::new();
    let mut ada = server.phone("Acme", "Ada").await;
    let mut bob = server.phone("Acme", "Bob").await;
    let mut gil = server.phone("Globex", "Gil").await;
    let north = server.put_lead("Acme", 1, Some("North"));
    let south = server.put_lead("Acme", 2, Some("South"));
    let west = server.put_lead("Acme", 3, Some("West"));
    let globex = server.put_lead("Globex", 4, Some("North"));
    for phone in [&mut ada, &mut bob, &mut gil] {
        phone.pull(&server).await;
    }
    assert_eq!(ada.shown(Entity::LEAD), [north, south]);
    assert_eq!(bob.shown(Entity::LEAD), [south]);
    assert_eq!(gil.shown(Entity::LEAD), [globex]);
    assert_eq!(bob.shown(Entity::REP).len(), 2);
    assert_eq!(gil.shown(Entity::REP), [gil.rep.row()]);

    for unseen in [north, west, globex] {
        let visit = bob.visit_to(unseen);
        let result = bob.push_one(&server, visit).await;
        let Outcome::Rejected { code, .. } = result else {
            panic!("{unseen} was visited")
        };
        assert_eq!(code, RejectCode::OutOfScope);
    }
    let forged = bob.visit_by(ada.rep, south);
    let result = bob.push_one(&server, forged).await;
    assert!(matches!(
        result,
        Outcome::Rejected {
            code: RejectCode::Rule,
            ..
        }
    ));
}

#[tokio::test]
async fn pings_and_consent_of_one_tenant_do_not_count_in_another() {
    let server = Fixture::new();
    let mut gil = server.phone("Globex", "Gil").await;
    let ada = server.phone("Acme", "Ada").await;
    let grant = gil.decide(Purpose::LiveTracking, ConsentAction::Grant, START);
    gil.push_one(&server, grant).await;
    let ping = Ping {
        id: PingId::from_bytes([1; 16]),
        at: TimestampMs(START),
        lat_e7: 1,
        lon_e7: 1,
        accuracy_m: None,
    };
    let batch = PingBatch {
        protocol: PROTOCOL,
        schema: SCHEMA,
        pings: vec![ping],
    };
    let body = encode_message(&batch).unwrap();
    for phone in [&gil, &ada] {
        let reply = server
            .post("/v1/pings", Some(&phone.access), body.clone())
            .await;
        assert_eq!(reply.status, 200);
    }
    let count = |tenant: &str| {
        let sql = "SELECT count(*) FROM ping";
        let count = |c: &rusqlite::Connection| Ok(c.query_row(sql, [], |r| r.get::<_, i64>(0))?);
        server.tenant(tenant).read(count).unwrap()
    };
    assert_eq!((count("Acme"), count("Globex")), (0, 1));
}
