//! One webhook request: its body, its signatures and its answer.

use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};

use super::event::WebhookEvent;
use crate::clock;
use crate::config::WebhookTarget;
use crate::error::SandboxError;
use crate::signature;

/// A client for targets on this machine: no proxy, no redirects, no trust in any TLS authority.
pub(crate) fn client() -> Result<Client, SandboxError> {
    // An error only says that the process has a provider already.
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    let builder = Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .tls_certs_only([])
        .user_agent("HubSpot Connect 2.0 (sandbox)");
    Ok(builder.build()?)
}

/// Where and how a portal's webhooks are sent.
#[derive(Debug, Clone)]
pub(super) struct Address {
    pub(super) target: WebhookTarget,
    pub(super) secret: String,
    pub(super) timeout: Duration,
}

/// Sends one batch; the error says what the receiver did.
pub(super) async fn send(
    client: &Client,
    address: &Address,
    events: &[WebhookEvent],
    attempt: u32,
) -> Result<(), String> {
    let body = body_of(events, attempt);
    let timestamp = clock::now_ms().to_string();
    let uri = &address.target.public_url;
    let v3 = signature::sign_v3(&address.secret, "POST", uri, &body, &timestamp);
    let response = client
        .post(&address.target.url)
        .timeout(address.timeout)
        .header("Content-Type", "application/json")
        .header("X-HubSpot-Signature-Version", "v1")
        .header(
            "X-HubSpot-Signature",
            signature::sign_v1(&address.secret, &body),
        )
        .header("X-HubSpot-Signature-v3", v3)
        .header("X-HubSpot-Request-Timestamp", timestamp)
        .body(body)
        .send()
        .await
        .map_err(|error| describe(&error))?;
    let status = response.status();
    if status.is_success() {
        Ok(())
    } else {
        Err(format!("answered {}", status.as_u16()))
    }
}

fn body_of(events: &[WebhookEvent], attempt: u32) -> Vec<u8> {
    let numbered = events.iter().map(|event| {
        let mut event = event.clone();
        event.insert("attemptNumber".to_owned(), json!(attempt));
        Value::Object(event)
    });
    Value::Array(numbered.collect()).to_string().into_bytes()
}

fn describe(error: &reqwest::Error) -> String {
    let what = if error.is_timeout() {
        "did not answer in time"
    } else if error.is_connect() {
        "could not be reached"
    } else {
        "broke the connection"
    };
    what.to_owned()
}
