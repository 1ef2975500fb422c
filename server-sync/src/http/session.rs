use crate::auth::{self, ACCESS_LIFETIME_MS, SessionError};
use crate::feed;
use crate::http::device::ClientAddress;
use crate::http::error::JsonErrorBody;
use crate::http::{ApiError, JsonError};
use crate::state::{AppState, SharedState};
use crate::store::{DeviceRecord, StoreError};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use fieldfare_model::{DeviceId, Entity, OLDEST_SCHEMA, OperationId, Rep, RepId, SCHEMA, TenantId};
use fieldfare_sync::{PROTOCOL, RowState};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What every message says of itself.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
pub(super) struct Versions {
    /// Protocol version.
    #[serde(rename = "p")]
    protocol: u16,
    /// Schema version.
    #[serde(rename = "s")]
    schema: u16,
}

impl Versions {
    const OURS: Self = Self {
        protocol: PROTOCOL,
        schema: SCHEMA,
    };

    fn check(self) -> Result<(), ApiError> {
        if self.protocol == PROTOCOL && self.schema >= OLDEST_SCHEMA {
            Ok(())
        } else {
            Err(ApiError::upgrade())
        }
    }
}

/// Asks for a device of one's own.
#[derive(Deserialize, ToSchema)]
pub(super) struct EnrolRequest {
    #[serde(flatten)]
    versions: Versions,
    /// The one-time code, case and hyphens as one likes.
    code: String,
    /// How the device shall be listed, 1 to 80 characters.
    device_name: String,
}

/// Who works with the device.
#[derive(Serialize, ToSchema)]
pub(super) struct RepReply {
    #[schema(value_type = String, format = "uuid")]
    id: RepId,
    /// Display name.
    name: String,
}

/// A new device and its tokens.
#[derive(Serialize, ToSchema)]
pub(super) struct EnrolReply {
    #[serde(flatten)]
    versions: Versions,
    /// The company.
    #[schema(value_type = String, format = "uuid")]
    tenant: TenantId,
    /// The device.
    #[schema(value_type = String, format = "uuid")]
    device: DeviceId,
    /// Its rep.
    rep: RepReply,
    /// For the `Authorization: Bearer` header.
    access_token: String,
    /// Seconds until the access token ends.
    expires_in: i64,
    /// Gets the next tokens, once.
    refresh_token: String,
}

/// Asks for the next tokens.
#[derive(Deserialize, ToSchema)]
pub(super) struct TokenRequest {
    #[serde(flatten)]
    versions: Versions,
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
    #[serde(flatten)]
    versions: Versions,
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
    (status = 426, description = "Update the app", body = JsonErrorBody),
    (status = 429, description = "Wait as long as Retry-After says", body = JsonErrorBody),
    (status = 503, description = "Storage fails, it took too long, or the rep is not served now: try later; a code that was taken is used up", body = JsonErrorBody),
))]
pub(super) async fn enrol(
    State(state): State<SharedState>,
    ClientAddress(address): ClientAddress,
    body: Body,
) -> Result<Json<EnrolReply>, JsonError> {
    state.limits.take_address(address)?;
    let request: EnrolRequest = parse(body)?;
    request.versions.check()?;
    let (grant, rep) = blocking(move || {
        let (code, name) = (&request.code, &request.device_name);
        let grant = auth::enrol(&state.registry, &state.tokens, code, name, state.now())?;
        let rep = rep_of(&state, &grant.device)?;
        Ok((grant, rep))
    })
    .await?;
    tracing::info!(device = %grant.device.id, "a device enrolled");
    Ok(Json(EnrolReply {
        versions: Versions::OURS,
        tenant: grant.device.tenant,
        device: grant.device.id,
        rep: RepReply {
            id: rep.id,
            name: rep.name,
        },
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
    (status = 426, description = "Update the app", body = JsonErrorBody),
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
    request.versions.check()?;
    let grant = blocking(move || {
        let attempt = request.attempt.map(|id| *id.as_bytes());
        let (token, now) = (&request.refresh_token, state.now());
        auth::refresh(&state.registry, &state.tokens, token, attempt, now)
    })
    .await?;
    Ok(Json(TokenReply {
        versions: Versions::OURS,
        access_token: grant.access_token,
        expires_in: EXPIRES_IN_S,
        refresh_token: grant.refresh_token,
    }))
}

/// The rep the code was made for; a device of one who has gone since is no use.
fn rep_of(state: &AppState, device: &DeviceRecord) -> Result<Rep, SessionError> {
    let tenant = match state.tenants.get(device.tenant) {
        Err(StoreError::NoTenant) => return Err(SessionError::NotServed),
        tenant => tenant?,
    };
    match tenant.read(|c| feed::row(c, Entity::REP, device.rep.row()))? {
        RowState::Live(row) => {
            let rep = Rep::from_columns(device.rep, &row.columns);
            Ok(rep.map_err(StoreError::from)?)
        }
        RowState::Absent | RowState::Deleted => Err(SessionError::NotServed),
    }
}

/// Looks at the protocol first: in another one the rest may have another form. The parser's own
/// message may quote the body, which holds a secret.
fn parse<T: DeserializeOwned>(body: Body) -> Result<T, ApiError> {
    #[derive(Deserialize)]
    struct Protocol {
        p: u64,
    }
    let bytes = body.map_err(|_| ApiError::too_large())?;
    let protocol = serde_json::from_slice::<Protocol>(&bytes);
    if protocol.is_ok_and(|spoken| spoken.p != u64::from(PROTOCOL)) {
        return Err(ApiError::upgrade());
    }
    serde_json::from_slice(&bytes)
        .map_err(|_| ApiError::malformed("the body is not the JSON object this route takes"))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SessionError> + Send + 'static,
) -> Result<T, SessionError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| StoreError::Cancelled)?
}
