//! The CRM's own HTTP interface, under its versioned and its dated paths.

mod associations;
mod batch;
mod objects;
mod owners;
mod properties;
mod request;
mod scopes;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::error::ApiError;
use crate::portal::{CallFault, Portal, Quota};
use crate::registry::Registry;

/// The dated versions that are served beside the older numbered ones.
const DATED_VERSIONS: [&str; 2] = ["2026-03", "2026-09"];

/// All routes of the CRM.
pub(crate) fn router(registry: Arc<Registry>) -> Router {
    let mut router = Router::new()
        .nest("/crm/v3/objects", objects::router())
        .nest("/crm/v3/properties", properties::router())
        .nest("/crm/v4/objects", associations::record_routes())
        .nest("/crm/v4/associations", associations::batch_routes());
    router = with_owners(router, "/crm/v3/owners");
    for version in DATED_VERSIONS {
        router = router
            .nest(&format!("/crm/objects/{version}"), objects::router())
            .nest(&format!("/crm/properties/{version}"), properties::router())
            .nest(
                &format!("/crm/associations/{version}"),
                associations::batch_routes(),
            );
        router = with_owners(router, &format!("/crm/owners/{version}"));
    }
    router
        .fallback(unknown_route)
        .layer(middleware::from_fn_with_state(registry, guard))
}

fn with_owners(router: Router, base: &str) -> Router {
    router
        .route(base, get(owners::list))
        .route(&format!("{base}/"), get(owners::list))
        .route(&format!("{base}/{{id}}"), get(owners::by_id))
}

async fn unknown_route() -> ApiError {
    ApiError::not_found()
}

/// Finds the portal by its token, then applies limits and faults.
async fn guard(
    State(registry): State<Arc<Registry>>,
    mut request: Request,
    next: Next,
) -> Response {
    let portal = match portal_of(&registry, request.headers()) {
        Ok(portal) => portal,
        Err(error) => return error.into_response(),
    };
    let path = request.uri().path().to_owned();
    let passage = portal
        .gate()
        .enter(request.method().as_str(), &path, Instant::now());
    tokio::time::sleep(passage.latency).await;
    let withheld = &portal.config.withheld_scopes;
    if let Err(error) = scopes::check(withheld, request.method().as_str(), &path) {
        return error.into_response();
    }
    request.extensions_mut().insert(portal);
    let mut response = match (passage.refusal, passage.fault) {
        (Some(refusal), _) => refusal.into_response(),
        (None, Some(fault)) if fault.after_commit => {
            next.run(request).await;
            failed(&fault)
        }
        (None, Some(fault)) => failed(&fault),
        (None, None) => next.run(request).await,
    };
    if let Some(quota) = passage.quota {
        add_quota(response.headers_mut(), &quota);
    }
    response
}

fn portal_of(registry: &Registry, headers: &HeaderMap) -> Result<Arc<Portal>, ApiError> {
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let token = given
        .and_then(|value| value.strip_prefix("Bearer "))
        .ok_or_else(ApiError::no_credentials)?;
    registry
        .by_token(token)
        .ok_or_else(ApiError::wrong_credentials)
}

/// A bad gateway answers with a page, not with JSON, as the real ones do.
fn failed(fault: &CallFault) -> Response {
    if fault.status == StatusCode::BAD_GATEWAY {
        let page = "<html><head><title>502 Bad Gateway</title></head></html>";
        return (StatusCode::BAD_GATEWAY, axum::response::Html(page)).into_response();
    }
    fault.to_error().into_response()
}

fn add_quota(headers: &mut HeaderMap, quota: &Quota) {
    let limits = &quota.limits;
    let numbers = [
        ("x-hubspot-ratelimit-max", limits.burst as u64),
        ("x-hubspot-ratelimit-remaining", quota.remaining as u64),
        (
            "x-hubspot-ratelimit-interval-milliseconds",
            limits.window_ms,
        ),
        ("x-hubspot-ratelimit-daily", limits.daily),
        ("x-hubspot-ratelimit-daily-remaining", quota.daily_remaining),
    ];
    for (name, number) in numbers {
        headers.insert(HeaderName::from_static(name), HeaderValue::from(number));
    }
}
