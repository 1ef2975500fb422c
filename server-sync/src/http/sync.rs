use crate::auth::Authorized;
use crate::feed::pings::{self, Ping, PingOutcome};
use crate::feed::{TenantStore, compress, snapshot};
use crate::http::ApiError;
use crate::http::device::Device;
use crate::http::error::MSGPACK;
use crate::state::SharedState;
use crate::store::StoreError;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use fieldfare_model::{OLDEST_SCHEMA, PingId, SCHEMA};
use fieldfare_sync::{
    DeviceContext, PROTOCOL, PullRequest, ServerEffect, ServerEvent, SyncServer, decode_message,
    encode_message, protocol_of,
};
use rusqlite::Transaction;
use serde::{Deserialize, Serialize};
use utoipa::IntoResponses;

const MAX_PINGS: usize = 1_000;

pub(super) type Body = Result<Bytes, BytesRejection>;

/// How every route of the protocol may refuse.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its description is used")]
pub(super) enum Refused {
    #[response(
        status = 400,
        description = "Malformed; the body of this and every error: docs/protocol.md, section Errors"
    )]
    Malformed,
    #[response(status = 401, description = "Get a new access token")]
    Unauthorized,
    #[response(status = 403, description = "Revoked: wipe")]
    Revoked,
    #[response(status = 413, description = "Too large")]
    TooLarge,
    #[response(status = 426, description = "Update the app")]
    Upgrade,
    #[response(status = 429, description = "Wait as long as Retry-After says")]
    Busy,
    #[response(
        status = 503,
        description = "Storage fails, or it took too long: try again later"
    )]
    Unavailable,
}

/// Pings to keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PingBatch {
    /// Protocol version.
    #[serde(rename = "p")]
    pub protocol: u16,
    /// Schema of the phone.
    #[serde(rename = "s")]
    pub schema: u16,
    /// The pings, at most 1,000.
    #[serde(rename = "g")]
    pub pings: Vec<Ping>,
}

/// What became of a batch of pings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PingReply {
    /// Protocol version.
    #[serde(rename = "p")]
    pub protocol: u16,
    /// Schema of the server.
    #[serde(rename = "s")]
    pub schema: u16,
    /// One for each ping offered, in their order.
    #[serde(rename = "r")]
    pub results: Vec<PingResult>,
}

/// What became of a ping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PingResult {
    /// Which ping.
    #[serde(rename = "i")]
    pub id: PingId,
    /// What became of it.
    #[serde(rename = "o")]
    pub outcome: PingOutcome,
}

/// Changes in the device's scopes since its cursors.
#[utoipa::path(post, path = "/v1/pull", tag = "sync", security(("device" = [])),
    request_body(content = Vec<u8>, content_type = "application/vnd.msgpack", description = "PullRequest: docs/protocol.md, section Pull"),
    responses(
        (status = 200, description = "PullReply: docs/protocol.md, section Pull; its frames, section Frames", content_type = "application/vnd.msgpack", body = Vec<u8>),
        Refused,
    ))]
pub(super) async fn pull(
    State(state): State<SharedState>,
    Device(device): Device,
    body: Body,
) -> Result<Response, ApiError> {
    let body = body.map_err(|_| ApiError::too_large())?;
    let is_first = decode_message::<PullRequest>(&body).is_ok_and(|pull| pull.is_first_fetch());
    let turn = match is_first {
        true => Some(state.bootstraps.turn().await?),
        false => None,
    };
    let effect = blocking(move || {
        let effect = answer_read(&state, &device, ServerEvent::Pull(&body))?;
        let effect = keep(&state, &device, effect);
        drop(turn);
        Ok(effect)
    })
    .await?;
    answer(effect)
}

/// Keeps what the next first fetch can be answered with, unless somebody writes: it can be done
/// without.
fn keep(state: &SharedState, device: &Authorized, mut effect: ServerEffect) -> ServerEffect {
    let now = state.now();
    for frame in std::mem::take(&mut effect.to_keep) {
        if let Err(error) = device
            .tenant
            .database()
            .write_if_free(|tx| snapshot::keep(tx, &frame, now))
        {
            tracing::warn!(%error, "a frame could not be kept for the next first fetch");
        }
    }
    effect
}

/// Which parts of some scopes are not what the phone stored.
#[utoipa::path(post, path = "/v1/compare", tag = "sync", security(("device" = [])),
    request_body(content = Vec<u8>, content_type = "application/vnd.msgpack", description = "CompareRequest: docs/protocol.md, section Rebase and repair"),
    responses(
        (status = 200, description = "CompareReply: docs/protocol.md, section Rebase and repair", content_type = "application/vnd.msgpack", body = Vec<u8>),
        Refused,
    ))]
pub(super) async fn compare(
    State(state): State<SharedState>,
    Device(device): Device,
    body: Body,
) -> Result<Response, ApiError> {
    let body = body.map_err(|_| ApiError::too_large())?;
    let effect =
        blocking(move || answer_read(&state, &device, ServerEvent::Compare(&body))).await?;
    answer(effect)
}

/// What is different in those parts.
#[utoipa::path(post, path = "/v1/repair", tag = "sync", security(("device" = [])),
    request_body(content = Vec<u8>, content_type = "application/vnd.msgpack", description = "RepairRequest: docs/protocol.md, section Rebase and repair"),
    responses(
        (status = 200, description = "RepairReply: docs/protocol.md, section Rebase and repair", content_type = "application/vnd.msgpack", body = Vec<u8>),
        Refused,
    ))]
pub(super) async fn repair(
    State(state): State<SharedState>,
    Device(device): Device,
    body: Body,
) -> Result<Response, ApiError> {
    let body = body.map_err(|_| ApiError::too_large())?;
    let effect = blocking(move || answer_read(&state, &device, ServerEvent::Repair(&body))).await?;
    answer(effect)
}

/// Answers from one snapshot.
fn answer_read(
    state: &SharedState,
    device: &Authorized,
    event: ServerEvent<'_>,
) -> Result<ServerEffect, StoreError> {
    let now = state.now();
    device.tenant.database().read(|tx| {
        let mut store = TenantStore::new(tx, state.effects.as_ref(), now);
        SyncServer.step(&mut store, &device.context, now, event, &compress)
    })
}

/// Applies operations, each at most once, and answers what became of them.
#[utoipa::path(post, path = "/v1/push", tag = "sync", security(("device" = [])),
    request_body(content = Vec<u8>, content_type = "application/vnd.msgpack", description = "PushRequest: docs/protocol.md, section Push"),
    responses(
        (status = 200, description = "PushReply: docs/protocol.md, section Push", content_type = "application/vnd.msgpack", body = Vec<u8>),
        Refused,
    ))]
pub(super) async fn push(
    State(state): State<SharedState>,
    Device(device): Device,
    body: Body,
) -> Result<Response, ApiError> {
    let body = body.map_err(|_| ApiError::too_large())?;
    let effect = blocking(move || {
        device
            .tenant
            .write(|tx| answer_push(tx, &state, &device.context, &body))
    })
    .await?;
    answer(effect)
}

fn answer_push(
    tx: &Transaction<'_>,
    state: &SharedState,
    device: &DeviceContext,
    body: &[u8],
) -> Result<ServerEffect, StoreError> {
    let now = state.now();
    let mut store = TenantStore::new(tx, state.effects.as_ref(), now);
    SyncServer.step(&mut store, device, now, ServerEvent::Push(body), &compress)
}

/// Keeps pings for which the rep's consent was active.
#[utoipa::path(post, path = "/v1/pings", tag = "sync", security(("device" = [])),
    request_body(content = Vec<u8>, content_type = "application/vnd.msgpack", description = "PingBatch: docs/protocol.md, section Pings"),
    responses(
        (status = 200, description = "PingReply: docs/protocol.md, section Pings", content_type = "application/vnd.msgpack", body = Vec<u8>),
        Refused,
    ))]
pub(super) async fn pings(
    State(state): State<SharedState>,
    Device(device): Device,
    body: Body,
) -> Result<Response, ApiError> {
    let body = body.map_err(|_| ApiError::too_large())?;
    let batch = read_pings(&body)?;
    let results = blocking(move || {
        let now = state.now();
        device.tenant.write(|tx| {
            let keep = |ping: &Ping| {
                let outcome = pings::keep(tx, &device.context, ping, now)?;
                Ok(PingResult {
                    id: ping.id,
                    outcome,
                })
            };
            batch
                .pings
                .iter()
                .map(keep)
                .collect::<Result<Vec<_>, StoreError>>()
        })
    })
    .await?;
    let reply = PingReply {
        protocol: PROTOCOL,
        schema: SCHEMA,
        results,
    };
    let body = encode_message(&reply).map_err(StoreError::from)?;
    answer(ServerEffect::ok(body))
}

fn read_pings(body: &[u8]) -> Result<PingBatch, ApiError> {
    if protocol_of(body).is_some_and(|protocol| protocol != u64::from(PROTOCOL)) {
        return Err(ApiError::upgrade());
    }
    let batch: PingBatch = decode_message(body)
        .map_err(|_| ApiError::malformed("the body is not a batch of pings"))?;
    if batch.schema < OLDEST_SCHEMA {
        return Err(ApiError::upgrade());
    }
    if batch.pings.len() > MAX_PINGS {
        return Err(ApiError::too_large());
    }
    Ok(batch)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, ApiError> {
    Ok(crate::store::blocking(work).await?)
}

pub(super) fn answer(effect: ServerEffect) -> Result<Response, ApiError> {
    let status = StatusCode::from_u16(effect.status)
        .map_err(|_| ApiError::from(StoreError::Damaged("reply")))?;
    Ok((status, [(header::CONTENT_TYPE, MSGPACK)], effect.body).into_response())
}
