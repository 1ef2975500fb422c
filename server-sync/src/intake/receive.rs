//! The webhook endpoint.

use crate::crm::{Connection, Crm};
use crate::hubspot::event;
use crate::hubspot::signature::{
    SIGNATURE_HEADER, SignatureError, SignedRequest, TIMESTAMP_HEADER, decode_listed, signed_uri,
};
use crate::state::SharedState;
use axum::body::Bytes;
use axum::extract::{FromRequest, OriginalUri, Path, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use fieldfare_model::TimestampMs;
use std::sync::Arc;
use std::time::Instant;

/// The most bytes of one delivery: a hundred events, HubSpot's most, whose values have 65,536
/// characters, the most of a text property, are 6.6 MB; the rest is for what JSON escapes. A
/// delivery refused for its size is lost after ten tries, with every update in it.
pub const MAX_DELIVERY_BYTES: usize = 8 << 20;

/// Answers 200 once the delivery is durable, or is for nobody here; 401 if it is not signed as it
/// must be; 503 if it could not be kept, and then HubSpot delivers it again.
///
/// A body that is signed but does not read is taken too: refusing it would only have it repeated
/// for a day. It ends among the dead letters.
#[utoipa::path(post, path = "/v1/webhooks/hubspot/{connection}", tag = "crm",
    params(
        ("connection" = String, Path, description = "Name of a connection of kind hubspot"),
        ("x-hubspot-signature-v3" = String, Header, description = "Base64 of HMAC-SHA256 under the app's secret over method, URL, body and timestamp"),
        ("x-hubspot-request-timestamp" = String, Header, description = "Epoch milliseconds, at most five minutes from now"),
    ),
    request_body(content = Vec<serde_json::Value>, content_type = "application/json", description = "HubSpot's events, at most 8 MiB"),
    responses(
        (status = 200, description = "Kept, or for no account here"),
        (status = 401, description = "Not signed by a secret of this connection"),
        (status = 404, description = "No such connection"),
        (status = 413, description = "Larger than 8 MiB"),
        (status = 503, description = "Could not be kept: deliver again"),
    ))]
pub(crate) async fn receive(
    State(state): State<SharedState>,
    Path(name): Path<String>,
    OriginalUri(uri): OriginalUri,
    request: Request,
) -> StatusCode {
    let started = Instant::now();
    let status = handle(&state, &name, &uri, request).await;
    metrics::histogram!("fieldfare_webhook_ack_seconds").record(started.elapsed().as_secs_f64());
    metrics::counter!("fieldfare_webhook_deliveries_total", "status" => status.as_u16().to_string())
        .increment(1);
    status
}

async fn handle(state: &SharedState, name: &str, uri: &Uri, request: Request) -> StatusCode {
    let named: Vec<_> = state.crm.named(name).cloned().collect();
    if named.is_empty() {
        return StatusCode::NOT_FOUND;
    }
    let (method, headers) = (request.method().clone(), request.headers().clone());
    // Who sends no signature does not get a body of this size read.
    let claim = match Claim::of(&headers) {
        Ok(claim) => claim,
        Err(error) => return refuse(error.label(), StatusCode::UNAUTHORIZED),
    };
    let body = match Bytes::from_request(request, &()).await {
        Ok(body) => body,
        Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            return refuse("too_large", StatusCode::PAYLOAD_TOO_LARGE);
        }
        Err(error) => return refuse("broken_off", error.status()),
    };
    let signed = Signed {
        method: &method,
        uri,
        claim,
        body: &body,
        public_url: state.config.server.public_url.as_deref(),
    };
    match signed.by(named, state.now()) {
        Err(error) => refuse(error.label(), StatusCode::UNAUTHORIZED),
        Ok(connections) => keep(state, connections, body).await,
    }
}

fn refuse(reason: &'static str, status: StatusCode) -> StatusCode {
    metrics::counter!("fieldfare_webhook_refused_total", "reason" => reason).increment(1);
    status
}

/// An app installed in several accounts has one secret and one URL; then the account's id in the
/// events tells whose they are. What names none of them because it does not read is kept with
/// each: it acts upon none, and whosever it is finds it among the dead letters.
async fn keep(state: &SharedState, mut signed: Vec<Arc<Connection>>, body: Bytes) -> StatusCode {
    if signed.len() > 1 {
        let to = event::addressees(&body);
        let is_named = |c: &Arc<Connection>| to.portals.contains(&c.portal_id);
        if signed.iter().any(is_named) || !to.some_unread {
            signed.retain(is_named);
        }
    }
    for connection in signed {
        if !keep_for(state, &state.crm, &connection, body.clone()).await {
            return StatusCode::SERVICE_UNAVAILABLE;
        }
    }
    StatusCode::OK
}

async fn keep_for(state: &SharedState, crm: &Crm, connection: &Connection, body: Bytes) -> bool {
    let Some(part) = crm.tenant(connection.tenant) else {
        return false;
    };
    let Ok(tenant) = state.tenants.get(connection.tenant) else {
        return false;
    };
    let kept = part
        .deliveries
        .keep(&tenant, &connection.name, body, state.now())
        .await;
    part.intake.notify_one();
    kept.is_ok()
}

/// Who a request says it is from.
struct Claim<'a> {
    signature: &'a str,
    timestamp: &'a str,
}

impl<'a> Claim<'a> {
    fn of(headers: &'a HeaderMap) -> Result<Self, SignatureError> {
        Ok(Self {
            signature: header(headers, SIGNATURE_HEADER).ok_or(SignatureError::NoSignature)?,
            timestamp: header(headers, TIMESTAMP_HEADER).ok_or(SignatureError::NoTimestamp)?,
        })
    }
}

/// A header that is there exactly once.
fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() {
        None
    } else {
        value.to_str().ok()
    }
}

struct Signed<'a> {
    method: &'a Method,
    uri: &'a Uri,
    claim: Claim<'a>,
    body: &'a [u8],
    public_url: Option<&'a str>,
}

impl Signed<'_> {
    /// The connections whose secret signed the request.
    fn by(
        &self,
        connections: Vec<Arc<Connection>>,
        now: TimestampMs,
    ) -> Result<Vec<Arc<Connection>>, SignatureError> {
        let mut refused = SignatureError::Mismatch;
        let mut signed = Vec::new();
        for connection in connections {
            let uri = self.called_url(&connection);
            let request = SignedRequest {
                method: self.method.as_str(),
                uri: &uri,
                body: self.body,
                timestamp: self.claim.timestamp,
                signature: self.claim.signature,
            };
            match connection.secrets.verify(&request, now) {
                Ok(()) => signed.push(connection),
                Err(error) => refused = error,
            }
        }
        if signed.is_empty() {
            Err(refused)
        } else {
            Ok(signed)
        }
    }

    /// The URL HubSpot called: the registered one with the query that came, or the server's
    /// public URL with path and query as they came.
    fn called_url(&self, connection: &Connection) -> String {
        let query = self
            .uri
            .query()
            .map(|q| format!("?{q}"))
            .unwrap_or_default();
        match (&connection.webhook_url, self.public_url) {
            (Some(url), _) => {
                decode_listed(&format!("{}{query}", url.split('?').next().unwrap_or(url)))
            }
            (None, base) => signed_uri(
                base.unwrap_or_default(),
                &format!("{}{query}", self.uri.path()),
            ),
        }
    }
}
