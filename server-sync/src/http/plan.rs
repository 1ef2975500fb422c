//! Planning for whoever has the admin token. Phones plan by themselves, with the same code.

use crate::http::error::JsonErrorBody;
use crate::http::{ApiError, JsonError};
use crate::planning::{Kind, PlanError, PlanLimits, kind_of, plan};
use crate::state::SharedState;
use crate::store::StoreError;
use axum::Json;
use axum::extract::State;
use axum::extract::rejection::StringRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use fieldfare_planner::Options;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Largest problem, bytes.
pub(super) const MAX_PLAN_BYTES: usize = 4 * 1024 * 1024;

/// What is planned within a request's time.
const LIMITS: PlanLimits = PlanLimits {
    stops: 200,
    reps: 50,
};

/// Plans under way at once; each keeps a processor busy.
const AT_ONCE: usize = 2;
static UNDER_WAY: Semaphore = Semaphore::const_new(AT_ONCE);
const BUSY_S: u64 = 2;

/// Leave to plan now.
pub(super) fn permit() -> Result<SemaphorePermit<'static>, ApiError> {
    UNDER_WAY.try_acquire().map_err(|_| ApiError::busy(BUSY_S))
}

/// Plans days. Takes the planner's problem (without `travel` its `positions` are looked up at the
/// routing engine) or a VROOM input, and answers in the same form.
#[utoipa::path(post, path = "/v1/plan", tag = "planning", security(("admin" = [])),
    request_body(content = serde_json::Value, description = "A problem as in core/planner, or VROOM's input; at most 200 stops and 50 reps"),
    responses(
        (status = 200, description = "The plan, or VROOM's output", body = serde_json::Value),
        (status = 400, description = "What is wrong with the problem, in the form of the answer", body = serde_json::Value),
        (status = 401, body = JsonErrorBody), (status = 413, body = JsonErrorBody),
        (status = 429, description = "Two plans are under way: wait as long as Retry-After says", body = JsonErrorBody),
        (status = 503, description = "Planning fails, or it took too long: try again later", body = JsonErrorBody)))]
pub(super) async fn post(
    State(state): State<SharedState>,
    body: Result<String, StringRejection>,
) -> Result<Response, JsonError> {
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::too_large(),
        _ => ApiError::malformed("the body is not UTF-8"),
    })?;
    let permit = permit()?;
    // A task of its own: when the client gives up the planner goes on, and keeps its permit.
    let task = tokio::spawn(async move {
        let _permit = permit;
        let (routing, now) = (state.routing.clone(), state.now());
        let planned = plan(&body, Options::default(), LIMITS, &routing, None, now).await;
        (body, planned)
    });
    match task.await.map_err(|_| StoreError::Cancelled)? {
        (_, Ok(planned)) => Ok(Json(planned.answer).into_response()),
        (body, Err(error)) => refused(&body, &error),
    }
}

fn refused(body: &str, error: &PlanError) -> Result<Response, JsonError> {
    if !error.is_callers() {
        tracing::error!(%error, "planning failed");
        return Err(ApiError::unavailable("planning failed; try again later").into());
    }
    let kind = kind_of(body).unwrap_or(Kind::Own);
    Ok((StatusCode::BAD_REQUEST, Json(error.answer(kind))).into_response())
}
