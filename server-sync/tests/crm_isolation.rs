//! Webhooks of two tenants whose connections have one name, and of accounts that share a secret.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use axum::body::Body;
use axum::http::{Request, StatusCode};
use fieldfare_server::config::Config;
use fieldfare_server::http::app;
use fieldfare_server::hubspot::signature::{SIGNATURE_HEADER, TIMESTAMP_HEADER, WebhookSecrets};
use fieldfare_server::intake::split;
use fieldfare_server::{AppState, SharedState, system_clock, workers};
use serde_json::{Value, json};
use tower::ServiceExt;

const PUBLIC: &str = "https://sync.example.com";
const HOOK: &str = "/v1/webhooks/hubspot/hs";
const ACME: (&str, u64) = ("Acme", 77);
const GLOBEX: (&str, u64) = ("Globex", 88);

/// Both tenants have a connection `hs`.
struct Two {
    _dir: tempfile::TempDir,
    state: SharedState,
}

impl Two {
    fn with_secrets(acme: &str, globex: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let tenant = |(name, portal): (&str, u64), secret: &str| {
            format!(
                r#"
                [[tenants]]
                name = "{name}"
                [[tenants.connections]]
                name = "hs"
                kind = "hubspot"
                portal_id = {portal}
                api_base = "http://127.0.0.1:1"
                token = "tok-{name}"
                webhook_secrets = ["{secret}"]
                "#
            )
        };
        let text = format!(
            r#"
            [server]
            data_dir = {:?}
            public_url = "{PUBLIC}"
            [key]
            hex = "{}"
            {}{}"#,
            dir.path().join("data"),
            "ef".repeat(32),
            tenant(ACME, acme),
            tenant(GLOBEX, globex)
        );
        let config = Config::parse(&text, &|_| None).unwrap();
        let hooks = workers::hooks(&config).unwrap();
        let state = AppState::open(config, hooks, system_clock()).unwrap();
        Self { _dir: dir, state }
    }

    async fn deliver(&self, secret: &str, body: &[u8]) -> StatusCode {
        let timestamp = self.state.now().0.to_string();
        let uri = format!("{PUBLIC}{HOOK}");
        let signature = WebhookSecrets::new([secret]).sign("POST", &uri, body, &timestamp);
        let request = Request::post(HOOK)
            .header(SIGNATURE_HEADER, signature)
            .header(TIMESTAMP_HEADER, timestamp)
            .body(Body::from(body.to_vec()))
            .unwrap();
        let app = app(self.state.clone());
        app.oneshot(request).await.unwrap().status()
    }

    /// Takes every delivery apart; returns records marked and dead letters of each tenant.
    fn split(&self) -> [(i64, i64); 2] {
        [ACME, GLOBEX].map(|(name, _)| {
            let tenants = &self.state.config.tenants;
            let id = tenants.iter().find(|t| t.name == name).unwrap().id();
            let (store, part) = (
                self.state.tenants.get(id).unwrap(),
                self.state.crm.tenant(id).unwrap(),
            );
            let now = self.state.now();
            let count = |tx: &rusqlite::Transaction<'_>, table: &str| {
                let sql = format!("SELECT count(*) FROM {table}");
                Ok::<i64, fieldfare_server::store::StoreError>(
                    tx.query_row(&sql, [], |r| r.get(0))?,
                )
            };
            let work = |tx: &rusqlite::Transaction<'_>| {
                for delivery in split::oldest(tx, 100)? {
                    split::split(tx, part, &delivery, now)?;
                }
                Ok((count(tx, "crm_dirty")?, count(tx, "crm_dead")?))
            };
            store.write(work).unwrap()
        })
    }
}

fn event(portal: impl Into<Value>, object: u64) -> Value {
    json!({"eventId": object, "objectId": object, "portalId": portal.into(), "occurredAt": 10,
        "subscriptionType": "company.creation", "attemptNumber": 0, "changeSource": "CRM_UI"})
}

fn body(events: &[Value]) -> Vec<u8> {
    serde_json::to_vec(events).unwrap()
}

#[tokio::test]
async fn a_secret_of_one_tenant_opens_nothing_of_another() {
    let two = Two::with_secrets("acme-secret", "globex-secret");
    let forged = body(&[event(GLOBEX.1, 5)]);
    assert_eq!(two.deliver("acme-secret", &forged).await, StatusCode::OK);
    assert_eq!(two.split(), [(0, 0), (0, 0)], "events of another account");
    let own = body(&[event(ACME.1, 5)]);
    assert_eq!(two.deliver("acme-secret", &own).await, StatusCode::OK);
    assert_eq!(two.split(), [(1, 0), (0, 0)]);
    let own = body(&[event(GLOBEX.1, 6)]);
    assert_eq!(two.deliver("globex-secret", &own).await, StatusCode::OK);
    assert_eq!(two.split(), [(1, 0), (1, 0)]);
    for secret in ["tok-Globex", "guess"] {
        let status = two.deliver(secret, &own).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{secret}");
    }
}

#[tokio::test]
async fn what_is_signed_with_a_shared_secret_goes_to_the_account_it_names() {
    let two = Two::with_secrets("shared", "shared");
    let acme = body(&[event(ACME.1, 5)]);
    assert_eq!(two.deliver("shared", &acme).await, StatusCode::OK);
    assert_eq!(two.split(), [(1, 0), (0, 0)]);
    // An event that does not read takes nothing away from those that do.
    let odd = body(&[event("?", 1), json!(7), event(GLOBEX.1, 6)]);
    assert_eq!(two.deliver("shared", &odd).await, StatusCode::OK);
    assert_eq!(two.split(), [(1, 0), (1, 0)]);
    let neither = body(&[event(1, 5)]);
    assert_eq!(two.deliver("shared", &neither).await, StatusCode::OK);
    assert_eq!(
        two.split(),
        [(1, 0), (1, 0)],
        "of an account not served here"
    );
}

#[tokio::test]
async fn what_is_signed_with_a_shared_secret_and_does_not_read_is_a_dead_letter() {
    for unread in [
        b"{broken".to_vec(),
        body(&[event("?", 1)]),
        body(&[json!(7)]),
    ] {
        let two = Two::with_secrets("shared", "shared");
        assert_eq!(two.deliver("shared", &unread).await, StatusCode::OK);
        assert_eq!(two.split(), [(0, 1), (0, 1)]);
    }
}
