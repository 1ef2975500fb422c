//! The webhook endpoint.

use crate::crm::{Connection, Crm};
use crate::hubspot::event;
use crate::hubspot::signature::{
    SIGNATURE_HEADER, SignatureError, SignedRequest, TIMESTAMP_HEADER, decode_listed, signed_uri,
};
use crate::state::SharedState;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, OriginalUri, Path, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::routing::post;
use fieldfare_model::TimestampMs;
use std::sync::Arc;
use std::time::Instant;

/// The most bytes of one delivery.
pub const MAX_DELIVERY_BYTES: usize = 1 << 20;

/// `POST /v1/webhooks/hubspot/{connection}`.
pub fn routes() -> Router<SharedState> {
    Router::new()
        .route("/v1/webhooks/hubspot/{connection}", post(receive))
        .layer(DefaultBodyLimit::max(MAX_DELIVERY_BYTES))
}

/// Answers 200 once the delivery is durable, or is for nobody here; 401 if it is not signed as it
/// must be; 503 if it could not be kept, and then HubSpot delivers it again.
///
/// A body that is signed but does not read is taken too: refusing it would only have it repeated
/// for a day. It ends among the dead letters.
async fn receive(
    State(state): State<SharedState>,
    Path(name): Path<String>,
    method: Method,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let started = Instant::now();
    let status = handle(&state, &name, &method, &uri, &headers, body).await;
    metrics::histogram!("fieldfare_webhook_ack_seconds").record(started.elapsed().as_secs_f64());
    metrics::counter!("fieldfare_webhook_deliveries_total", "status" => status.as_u16().to_string())
        .increment(1);
    status
}

async fn handle(
    state: &SharedState,
    name: &str,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: Bytes,
) -> StatusCode {
    let named: Vec<_> = state.crm.named(name).cloned().collect();
    if named.is_empty() {
        return StatusCode::NOT_FOUND;
    }
    let public_url = state.config.server.public_url.as_deref();
    let request = Request {
        method,
        uri,
        headers,
        body: &body,
        public_url,
    };
    match request.signed_for(named, state.now()) {
        Err(error) => {
            metrics::counter!("fieldfare_webhook_refused_total", "reason" => error.label())
                .increment(1);
            StatusCode::UNAUTHORIZED
        }
        Ok(connections) => keep(state, connections, body).await,
    }
}

/// An app installed in several accounts has one secret and one URL; then the account's id in the
/// events tells whose they are.
async fn keep(state: &SharedState, mut signed: Vec<Arc<Connection>>, body: Bytes) -> StatusCode {
    if signed.len() > 1 {
        let portals = event::portals(&body);
        signed.retain(|c| portals.contains(&c.portal_id));
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

struct Request<'a> {
    method: &'a Method,
    uri: &'a Uri,
    headers: &'a HeaderMap,
    body: &'a [u8],
    public_url: Option<&'a str>,
}

impl Request<'_> {
    /// The connections whose secret signed the request.
    fn signed_for(
        &self,
        connections: Vec<Arc<Connection>>,
        now: TimestampMs,
    ) -> Result<Vec<Arc<Connection>>, SignatureError> {
        let signature = self
            .header(SIGNATURE_HEADER)
            .ok_or(SignatureError::NoSignature)?;
        let timestamp = self
            .header(TIMESTAMP_HEADER)
            .ok_or(SignatureError::NoTimestamp)?;
        let mut refused = SignatureError::Mismatch;
        let mut signed = Vec::new();
        for connection in connections {
            let uri = self.called_url(&connection);
            let request = SignedRequest {
                method: self.method.as_str(),
                uri: &uri,
                body: self.body,
                timestamp,
                signature,
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

    /// A header that is there exactly once.
    fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?;
        if values.next().is_some() {
            None
        } else {
            value.to_str().ok()
        }
    }
}
