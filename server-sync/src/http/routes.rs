use crate::http::{admin, observe, openapi, session, sync};
use crate::state::SharedState;
use crate::store::StoreError;
use crate::workers;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use fieldfare_sync::MAX_PUSH_BYTES;
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

const MAX_BODY_BYTES: usize = 1024 * 1024;
const MAX_SESSION_BYTES: usize = 4 * 1024;

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody; it tells nothing about any tenant.
    Open,
    /// Who has a one-time code or a refresh token.
    Session,
    /// An enrolled device.
    Device,
    /// An operator with the admin token.
    Admin,
}

/// On which listener a route is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// The public one.
    Public,
    /// The operators'.
    Admin,
    /// Both.
    Both,
}

/// A route.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// HTTP method.
    pub method: &'static str,
    /// Path, parameters in braces.
    pub path: &'static str,
    /// Who may use it.
    pub access: Access,
    /// Where it is.
    pub listener: Listener,
}

const fn route(
    method: &'static str,
    path: &'static str,
    access: Access,
    listener: Listener,
) -> Route {
    Route {
        method,
        path,
        access,
        listener,
    }
}

/// Every route of this crate but the CRM side's webhooks, which are verified by signature.
pub const ROUTES: &[Route] = &[
    route("POST", "/v1/enrol", Access::Session, Listener::Public),
    route("POST", "/v1/token", Access::Session, Listener::Public),
    route("POST", "/v1/pull", Access::Device, Listener::Public),
    route("POST", "/v1/push", Access::Device, Listener::Public),
    route("POST", "/v1/compare", Access::Device, Listener::Public),
    route("POST", "/v1/repair", Access::Device, Listener::Public),
    route("POST", "/v1/pings", Access::Device, Listener::Public),
    route("GET", "/healthz", Access::Open, Listener::Both),
    route("GET", "/readyz", Access::Open, Listener::Both),
    route("GET", "/openapi.json", Access::Open, Listener::Public),
    route("GET", "/metrics", Access::Open, Listener::Admin),
    route("GET", "/admin/tenants", Access::Admin, Listener::Admin),
    route("GET", "/admin/devices", Access::Admin, Listener::Admin),
    route(
        "POST",
        "/admin/devices/{device}/revoke",
        Access::Admin,
        Listener::Admin,
    ),
    route("POST", "/admin/codes", Access::Admin, Listener::Admin),
    route(
        "GET",
        "/admin/dead-letters/{tenant}",
        Access::Admin,
        Listener::Admin,
    ),
    route(
        "POST",
        "/admin/dead-letters/{tenant}/replay",
        Access::Admin,
        Listener::Admin,
    ),
];

/// What phones and CRMs reach.
pub fn app(state: SharedState) -> Router {
    let sessions = Router::new()
        .route("/v1/enrol", post(session::enrol))
        .route("/v1/token", post(session::token))
        .layer(DefaultBodyLimit::max(MAX_SESSION_BYTES));
    let push = Router::new()
        .route("/v1/push", post(sync::push))
        .layer(DefaultBodyLimit::max(MAX_PUSH_BYTES));
    let rest = Router::new()
        .route("/v1/pull", post(sync::pull))
        .route("/v1/compare", post(sync::compare))
        .route("/v1/repair", post(sync::repair))
        .route("/v1/pings", post(sync::pings))
        .route("/openapi.json", get(openapi_json))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES));
    let all = sessions
        .merge(push)
        .merge(rest)
        .merge(health())
        .merge(workers::routes());
    guarded(all, state)
}

/// What operators reach.
pub fn admin_app(state: SharedState) -> Router {
    let admin = admin::routes(&state).layer(DefaultBodyLimit::max(MAX_SESSION_BYTES));
    guarded(admin.merge(health()), state)
}

fn health() -> Router<SharedState> {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
}

fn guarded(router: Router<SharedState>, state: SharedState) -> Router {
    let seconds = Duration::from_secs(state.config.limits.request_seconds);
    router
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            seconds,
        ))
        .layer(CatchPanicLayer::custom(observe::panicked))
        .layer(middleware::from_fn(observe::request))
        .with_state(state)
}

/// Whether the process answers.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, description = "Alive")))]
pub(super) async fn healthz() -> &'static str {
    "ok"
}

/// Whether every database answers.
#[utoipa::path(get, path = "/readyz", tag = "health", responses(
    (status = 200, description = "Ready"),
    (status = 503, description = "A database does not answer"),
))]
pub(super) async fn readyz(State(state): State<SharedState>) -> impl IntoResponse {
    let checked = crate::store::blocking(move || check_databases(&state)).await;
    match checked {
        Ok(()) => (StatusCode::OK, "ready"),
        Err(error) => {
            tracing::error!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "not ready")
        }
    }
}

fn check_databases(state: &SharedState) -> Result<(), StoreError> {
    state.registry.tenants()?;
    for tenant in state.tenants.all() {
        tenant.read(crate::store::TenantHead::read)?;
    }
    Ok(())
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "health", responses((status = 200, description = "OpenAPI")))]
pub(super) async fn openapi_json() -> Json<utoipa::openapi::OpenApi> {
    Json(openapi::document())
}
