use crate::auth;
use crate::feed;
use crate::hooks::DeadLetter;
use crate::http::device::bearer;
use crate::http::error::JsonErrorBody;
use crate::http::{ApiError, JsonError};
use crate::state::{AppState, SharedState};
use crate::store::{DeviceRecord, StoreError, TenantHead};
use axum::Json;
use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use fieldfare_model::{DeviceId, RepId, TenantId};
use fieldfare_sync::ErrorCode;
use ring::digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

const MAX_DEAD_LETTERS: usize = 500;

/// Lets nobody pass but who has the admin token.
pub(super) async fn require_token(
    State(state): State<SharedState>,
    request: Request,
    next: Next,
) -> Result<Response, JsonError> {
    let presented = bearer(request.headers()).unwrap_or_default();
    if !is_admin(&state, presented) {
        let message = "the admin token is missing or wrong, or none is configured";
        return Err(
            ApiError::new(StatusCode::UNAUTHORIZED, ErrorCode::Unauthorized, message).into(),
        );
    }
    Ok(next.run(request).await)
}

/// Compares digests, so that the time taken tells nothing about the token.
fn is_admin(state: &AppState, presented: &str) -> bool {
    let digest = |text: &str| digest::digest(&digest::SHA256, text.as_bytes());
    state
        .config
        .server
        .admin_token
        .as_ref()
        .is_some_and(|token| digest(token.expose()).as_ref() == digest(presented).as_ref())
}

/// Figures for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "health", responses((status = 200, description = "Figures")))]
pub(super) async fn metrics(State(state): State<SharedState>) -> String {
    state.metrics.run_upkeep();
    state.metrics.render()
}

/// A company in figures.
#[derive(Serialize, ToSchema)]
pub(super) struct TenantStats {
    #[schema(value_type = String, format = "uuid")]
    id: TenantId,
    name: String,
    /// The last sequence taken.
    head: u64,
    /// Live rows by kind.
    rows: BTreeMap<&'static str, u64>,
    /// Tombstones of every kind.
    deleted: u64,
    devices: usize,
}

/// Every company in figures.
#[utoipa::path(get, path = "/admin/tenants", tag = "admin", security(("admin" = [])), responses(
    (status = 200, body = Vec<TenantStats>), (status = 401, body = JsonErrorBody),
    (status = 503, description = "Storage fails, or it took too long: try again later", body = JsonErrorBody)))]
pub(super) async fn tenants(
    State(state): State<SharedState>,
) -> Result<Json<Vec<TenantStats>>, JsonError> {
    let stats = crate::store::blocking(move || {
        let named = state.registry.tenants()?;
        named
            .into_iter()
            .filter_map(|(id, name)| stats(&state, id, name).transpose())
            .collect()
    });
    Ok(Json(stats.await?))
}

/// None for a tenant that is in the registry but no longer configured.
fn stats(state: &AppState, id: TenantId, name: String) -> Result<Option<TenantStats>, StoreError> {
    let Ok(tenant) = state.tenants.get(id) else {
        return Ok(None);
    };
    let (head, counts) = tenant.read(|c| Ok((TenantHead::read(c)?.head, feed::counts(c)?)))?;
    Ok(Some(TenantStats {
        id,
        name,
        head,
        rows: counts
            .iter()
            .map(|(entity, counts)| (entity.name(), counts.live))
            .collect(),
        deleted: counts.values().map(|counts| counts.deleted).sum(),
        devices: state.registry.devices(Some(id))?.len(),
    }))
}

/// A device as operators see it.
#[derive(Serialize, ToSchema)]
pub(super) struct DeviceInfo {
    #[schema(value_type = String, format = "uuid")]
    id: DeviceId,
    #[schema(value_type = String, format = "uuid")]
    tenant: TenantId,
    #[schema(value_type = String, format = "uuid")]
    rep: RepId,
    name: String,
    /// Epoch milliseconds.
    enrolled_at: i64,
    /// `active`, `locked` (must enrol again) or `revoked`.
    state: &'static str,
}

impl From<DeviceRecord> for DeviceInfo {
    fn from(device: DeviceRecord) -> Self {
        let state = match (device.revoked_at, device.locked_at) {
            (Some(_), _) => "revoked",
            (None, Some(_)) => "locked",
            (None, None) => "active",
        };
        Self {
            id: device.id,
            tenant: device.tenant,
            rep: device.rep,
            name: device.name,
            enrolled_at: device.enrolled_at.0,
            state,
        }
    }
}

/// Which devices to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct DeviceQuery {
    /// Only those of this company.
    #[param(value_type = Option<String>, format = "uuid")]
    tenant: Option<TenantId>,
}

/// Every device, or those of one company.
#[utoipa::path(get, path = "/admin/devices", tag = "admin", security(("admin" = [])), params(DeviceQuery), responses(
    (status = 200, body = Vec<DeviceInfo>), (status = 401, body = JsonErrorBody),
    (status = 503, description = "Storage fails, or it took too long: try again later", body = JsonErrorBody)))]
pub(super) async fn devices(
    State(state): State<SharedState>,
    Query(query): Query<DeviceQuery>,
) -> Result<Json<Vec<DeviceInfo>>, JsonError> {
    let devices = crate::store::blocking(move || state.registry.devices(query.tenant)).await?;
    Ok(Json(devices.into_iter().map(DeviceInfo::from).collect()))
}

/// Revokes a device; it is told to wipe at its next request.
#[utoipa::path(post, path = "/admin/devices/{device}/revoke", tag = "admin", security(("admin" = [])),
    params(("device" = String, Path, format = "uuid")), responses(
    (status = 204, description = "Revoked"), (status = 401, body = JsonErrorBody), (status = 404, body = JsonErrorBody),
    (status = 503, description = "Storage fails, or it took too long: try again later", body = JsonErrorBody)))]
pub(super) async fn revoke(
    State(state): State<SharedState>,
    Path(device): Path<DeviceId>,
) -> Result<StatusCode, JsonError> {
    let known = crate::store::blocking(move || state.registry.revoke(device, state.now())).await?;
    if known {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::not_found("no such device").into())
    }
}

/// For whom a code shall be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeRequest {
    #[schema(value_type = String, format = "uuid")]
    tenant: TenantId,
    /// The rep's e-mail address.
    rep: String,
}

/// A one-time code.
#[derive(Serialize, ToSchema)]
pub(super) struct CodeReply {
    /// To be typed on the phone within ten minutes.
    code: String,
}

/// Makes a one-time code for a rep's next device.
#[utoipa::path(post, path = "/admin/codes", tag = "admin", security(("admin" = [])), request_body = CodeRequest, responses(
    (status = 200, body = CodeReply), (status = 401, body = JsonErrorBody), (status = 404, body = JsonErrorBody),
    (status = 503, description = "Storage fails, or it took too long: try again later", body = JsonErrorBody)))]
pub(super) async fn issue_code(
    State(state): State<SharedState>,
    Json(request): Json<CodeRequest>,
) -> Result<Json<CodeReply>, JsonError> {
    let tenant = state
        .config
        .tenants
        .iter()
        .find(|t| t.id() == request.tenant);
    let rep = tenant
        .and_then(|t| t.rep(&request.rep))
        .map(|rep| rep.id(request.tenant));
    let rep = rep.ok_or_else(|| ApiError::not_found("no such rep in this tenant"))?;
    let code = crate::store::blocking(move || {
        auth::issue_code(
            &state.registry,
            &state.tokens,
            request.tenant,
            rep,
            state.now(),
        )
    });
    Ok(Json(CodeReply { code: code.await? }))
}

/// Work of a company that failed for good, newest first.
#[utoipa::path(get, path = "/admin/dead-letters/{tenant}", tag = "admin", security(("admin" = [])),
    params(("tenant" = String, Path, format = "uuid")), responses(
    (status = 200, body = Vec<DeadLetter>), (status = 401, body = JsonErrorBody), (status = 404, body = JsonErrorBody),
    (status = 503, description = "Storage fails, or it took too long: try again later", body = JsonErrorBody)))]
pub(super) async fn dead_letters(
    State(state): State<SharedState>,
    Path(tenant): Path<TenantId>,
) -> Result<Json<Vec<DeadLetter>>, JsonError> {
    let tenant = state
        .tenants
        .get(tenant)
        .map_err(|_| ApiError::not_found("no such tenant"))?;
    let list = tenant.read_async(move |c| state.dead_letters.list(c, MAX_DEAD_LETTERS));
    Ok(Json(list.await?))
}

/// Which dead letters to try again.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ReplayQuery {
    /// Only this one.
    id: Option<i64>,
}

/// How many were queued again.
#[derive(Serialize, ToSchema)]
pub(super) struct ReplayReply {
    queued: usize,
}

/// Queues dead letters again.
#[utoipa::path(post, path = "/admin/dead-letters/{tenant}/replay", tag = "admin", security(("admin" = [])),
    params(("tenant" = String, Path, format = "uuid"), ReplayQuery), responses(
    (status = 200, body = ReplayReply), (status = 401, body = JsonErrorBody), (status = 404, body = JsonErrorBody),
    (status = 503, description = "Storage fails, or it took too long: try again later", body = JsonErrorBody)))]
pub(super) async fn replay(
    State(state): State<SharedState>,
    Path(tenant): Path<TenantId>,
    Query(query): Query<ReplayQuery>,
) -> Result<Json<ReplayReply>, JsonError> {
    let tenant = state
        .tenants
        .get(tenant)
        .map_err(|_| ApiError::not_found("no such tenant"))?;
    let replayed = tenant.write_async(move |tx| state.dead_letters.replay(tx, query.id));
    Ok(Json(ReplayReply {
        queued: replayed.await?,
    }))
}
