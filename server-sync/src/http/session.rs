use crate::auth::{self, ACCESS_LIFETIME_MS, Grant, SessionError};
use crate::http::device::ClientAddress;
use crate::http::error::JsonErrorBody;
use crate::http::{ApiError, JsonError};
use crate::state::SharedState;
use crate::store::StoreError;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use fieldfare_model::{DeviceId, OperationId, RepId, TenantId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Asks for a device of one's own.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EnrolRequest {
    /// The one-time code, case and hyphens as one likes.
    code: String,
    /// How the device shall be listed, 1 to 80 characters.
    device_name: String,
}

/// A new device and its tokens.
#[derive(Serialize, ToSchema)]
pub(super) struct EnrolReply {
    /// The company.
    #[schema(value_type = String, format = "uuid")]
    tenant: TenantId,
    /// The device.
    #[schema(value_type = String, format = "uuid")]
    device: DeviceId,
    /// Its rep.
    #[schema(value_type = String, format = "uuid")]
    rep: RepId,
    /// For the `Authorization: Bearer` header.
    access_token: String,
    /// Seconds until the access token ends.
    expires_in: i64,
    /// Gets the next tokens, once.
    refresh_token: String,
}

/// Asks for the next tokens.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenRequest {
    /// The newest refresh token.
    refresh_token: String,
    /// An id made, and kept, before asking. If no answer comes, ask again with the same one.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "uuid")]
    attempt: Option<OperationId>,
}

/// The next tokens.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenReply {
    /// For the `Authorization: Bearer` header.
    access_token: String,
    /// Seconds until the access token ends.
    expires_in: i64,
    /// Gets the next tokens, once.
    refresh_token: String,
}

const EXPIRES_IN_S: i64 = ACCESS_LIFETIME_MS / 1000;

type Body = Result<Bytes, BytesRejection>;

/// Exchanges a one-time code for a device.
#[utoipa::path(post, path = "/v1/enrol", tag = "session", request_body = EnrolRequest, responses(
    (status = 200, body = EnrolReply),
    (status = 400, body = JsonErrorBody),
    (status = 401, description = "The code is unknown, used or too old", body = JsonErrorBody),
    (status = 413, body = JsonErrorBody),
    (status = 429, description = "Wait as long as Retry-After says", body = JsonErrorBody),
    (status = 503, description = "Storage fails, or it took too long: try again later", body = JsonErrorBody),
))]
pub(super) async fn enrol(
    State(state): State<SharedState>,
    ClientAddress(address): ClientAddress,
    body: Body,
) -> Result<Json<EnrolReply>, JsonError> {
    state.limits.take_address(address)?;
    let request: EnrolRequest = parse(body)?;
    let grant = blocking(move || {
        let (code, name) = (&request.code, &request.device_name);
        auth::enrol(&state.registry, &state.tokens, code, name, state.now())
    })
    .await?;
    tracing::info!(device = %grant.device.id, "a device enrolled");
    Ok(Json(EnrolReply {
        tenant: grant.device.tenant,
        device: grant.device.id,
        rep: grant.device.rep,
        access_token: grant.access_token,
        expires_in: EXPIRES_IN_S,
        refresh_token: grant.refresh_token,
    }))
}

/// Exchanges a refresh token for the next tokens. A token used twice, other than in the same
/// attempt, locks the device until it enrols again.
#[utoipa::path(post, path = "/v1/token", tag = "session", request_body = TokenRequest, responses(
    (status = 200, body = TokenReply),
    (status = 400, body = JsonErrorBody),
    (status = 401, description = "Enrol again", body = JsonErrorBody),
    (status = 403, description = "The device was revoked: wipe", body = JsonErrorBody),
    (status = 413, body = JsonErrorBody),
    (status = 429, description = "Wait as long as Retry-After says", body = JsonErrorBody),
    (status = 503, description = "Storage fails, or it took too long: try again later", body = JsonErrorBody),
))]
pub(super) async fn token(
    State(state): State<SharedState>,
    ClientAddress(address): ClientAddress,
    body: Body,
) -> Result<Json<TokenReply>, JsonError> {
    state.limits.take_address(address)?;
    let request: TokenRequest = parse(body)?;
    let grant = blocking(move || {
        let attempt = request.attempt.map(|id| *id.as_bytes());
        let (token, now) = (&request.refresh_token, state.now());
        auth::refresh(&state.registry, &state.tokens, token, attempt, now)
    })
    .await?;
    Ok(Json(TokenReply {
        access_token: grant.access_token,
        expires_in: EXPIRES_IN_S,
        refresh_token: grant.refresh_token,
    }))
}

/// The parser's own message may quote the body, which holds a secret.
fn parse<T: DeserializeOwned>(body: Body) -> Result<T, ApiError> {
    let bytes = body.map_err(|_| ApiError::too_large())?;
    serde_json::from_slice(&bytes)
        .map_err(|_| ApiError::malformed("the body is not the JSON object this route takes"))
}

async fn blocking(
    work: impl FnOnce() -> Result<Grant, SessionError> + Send + 'static,
) -> Result<Grant, SessionError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| StoreError::Cancelled)?
}
