use crate::http::plan::{self, MAX_PLAN_BYTES};
use crate::http::{admin, days, head, observe, openapi, reroute, session, sync};
use crate::intake::receive::{self, MAX_DELIVERY_BYTES};
use crate::state::SharedState;
use crate::store::StoreError;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router, middleware};
use fieldfare_sync::{MAX_COMPARE_BYTES, MAX_PUSH_BYTES};
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

const MAX_BODY_BYTES: usize = 1024 * 1024;
const MAX_SMALL_BYTES: usize = 4 * 1024;
const MAX_ROUTE_BYTES: usize = 16 * 1024;

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody; it tells nothing about any tenant.
    Open,
    /// Who has a one-time code or a refresh token.
    Session,
    /// An enrolled device.
    Device,
    /// A CRM that signs with a connection's secret.
    Signed,
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
    max_body: usize,
    handler: fn() -> MethodRouter<SharedState>,
}

macro_rules! method {
    (get) => {
        "GET"
    };
    (post) => {
        "POST"
    };
}

macro_rules! routes {
    ($($verb:ident $path:literal $access:ident $listener:ident $max_body:ident $handler:path;)*) => {
        &[$(Route {
            method: method!($verb),
            path: $path,
            access: Access::$access,
            listener: Listener::$listener,
            max_body: $max_body,
            handler: || $verb($handler),
        }),*]
    };
}

/// Every route of the server. Both listeners' routers are built from it, so there is no other.
#[rustfmt::skip]
pub const ROUTES: &[Route] = routes! {
    post "/v1/enrol" Session Public MAX_SMALL_BYTES session::enrol;
    post "/v1/token" Session Public MAX_SMALL_BYTES session::token;
    post "/v1/pull" Device Public MAX_BODY_BYTES sync::pull;
    post "/v1/push" Device Public MAX_PUSH_BYTES sync::push;
    post "/v1/compare" Device Public MAX_COMPARE_BYTES sync::compare;
    post "/v1/repair" Device Public MAX_COMPARE_BYTES sync::repair;
    post "/v1/head" Device Public MAX_SMALL_BYTES head::post;
    post "/v1/pings" Device Public MAX_BODY_BYTES sync::pings;
    post "/v1/webhooks/hubspot/{connection}" Signed Public MAX_DELIVERY_BYTES receive::receive;
    get "/healthz" Open Both MAX_SMALL_BYTES healthz;
    get "/readyz" Open Both MAX_SMALL_BYTES readyz;
    get "/openapi.json" Open Public MAX_SMALL_BYTES openapi_json;
    get "/metrics" Open Admin MAX_SMALL_BYTES admin::metrics;
    get "/admin/tenants" Admin Admin MAX_SMALL_BYTES admin::tenants;
    get "/admin/devices" Admin Admin MAX_SMALL_BYTES admin::devices;
    post "/admin/devices/{device}/revoke" Admin Admin MAX_SMALL_BYTES admin::revoke;
    post "/admin/codes" Admin Admin MAX_SMALL_BYTES admin::issue_code;
    get "/admin/dead-letters/{tenant}" Admin Admin MAX_SMALL_BYTES admin::dead_letters;
    post "/admin/dead-letters/{tenant}/replay" Admin Admin MAX_SMALL_BYTES admin::replay;
    post "/v1/day-plan" Device Public MAX_SMALL_BYTES days::own_day;
    post "/v1/reachable" Device Public MAX_SMALL_BYTES days::reach;
    post "/v1/route" Device Public MAX_ROUTE_BYTES reroute::post;
    post "/admin/day-plans" Admin Admin MAX_SMALL_BYTES days::any_day;
    post "/v1/plan" Admin Admin MAX_PLAN_BYTES plan::post;
};

/// What phones and CRMs reach.
pub fn app(state: SharedState) -> Router {
    guarded(router(Listener::Public, &state), state)
}

/// What operators reach.
pub fn admin_app(state: SharedState) -> Router {
    guarded(router(Listener::Admin, &state), state)
}

fn router(listener: Listener, state: &SharedState) -> Router<SharedState> {
    let here = |route: &&Route| route.listener == listener || route.listener == Listener::Both;
    ROUTES
        .iter()
        .filter(here)
        .fold(Router::new(), |router, route| {
            let handler = (route.handler)().layer(DefaultBodyLimit::max(route.max_body));
            let handler = match route.access {
                Access::Admin => {
                    let guard = middleware::from_fn_with_state(state.clone(), admin::require_token);
                    handler.route_layer(guard)
                }
                _ => handler,
            };
            router.route(route.path, handler)
        })
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
