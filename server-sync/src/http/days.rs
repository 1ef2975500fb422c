//! A rep's planned day and what is within reach, for phones and operators. The rows themselves come
//! in the feed.

use crate::config::{RepConfig, TenantConfig};
use crate::http::device::Device;
use crate::http::error::JsonErrorBody;
use crate::http::plan::permit;
use crate::http::{ApiError, JsonError};
use crate::planning::{DayError, DayJob, StoredDay, reachable};
use crate::routing::{MAX_MINUTES, RoutingError};
use crate::state::SharedState;
use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use fieldfare_model::{CalendarDate, DayPlanId, LatLng, LeadId, RepId, RouteId, TenantId};
use fieldfare_planner::workday::{WorkDay, local};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Days ahead that may be planned, today among them: a row for each weekday.
const DAYS_AHEAD: i64 = 7;

/// Which day to plan.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DayRequest {
    /// Such as `2026-11-25`; today in the rep's time zone if it is missing, at most six days ahead.
    #[schema(value_type = Option<String>, format = "date")]
    #[serde(default)]
    date: Option<CalendarDate>,
}

/// Whose day to plan.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RepDayRequest {
    #[schema(value_type = String, format = "uuid")]
    tenant: TenantId,
    /// The rep's e-mail address.
    rep: String,
    /// As of `/v1/day-plan`.
    #[schema(value_type = Option<String>, format = "date")]
    #[serde(default)]
    date: Option<CalendarDate>,
}

/// A day that was planned. Its rows are in the rep's scope of the feed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DayReply {
    #[schema(value_type = String, format = "date")]
    date: CalendarDate,
    /// Id of the `day_plan` row.
    #[schema(value_type = String, format = "uuid")]
    day_plan: DayPlanId,
    /// Its version: a phone whose checkpoint has a `head` at least this high has it.
    version: u64,
    /// Id of the `route` row, if a routing engine gave a route.
    #[schema(value_type = Option<String>, format = "uuid")]
    route: Option<RouteId>,
    visits: usize,
    left_out: usize,
}

impl From<StoredDay> for DayReply {
    fn from(day: StoredDay) -> Self {
        Self {
            date: day.day_plan.date,
            day_plan: day.day_plan.id,
            version: day.version,
            route: day.route,
            visits: day.visits,
            left_out: day.left_out,
        }
    }
}

/// Plans the rep's day anew, with the leads as the server has them now.
#[utoipa::path(post, path = "/v1/day-plan", tag = "planning", security(("device" = [])), request_body = DayRequest, responses(
    (status = 200, body = DayReply), (status = 400, body = JsonErrorBody), (status = 401, body = JsonErrorBody),
    (status = 403, description = "Revoked: wipe", body = JsonErrorBody),
    (status = 404, description = "No working day is configured for the rep, or they do not work that day", body = JsonErrorBody),
    (status = 429, description = "Wait as long as Retry-After says", body = JsonErrorBody),
    (status = 503, description = "Storage fails, or it took too long: try again later", body = JsonErrorBody)))]
pub(super) async fn own_day(
    State(state): State<SharedState>,
    Device(device): Device,
    body: Result<Json<DayRequest>, JsonRejection>,
) -> Result<Json<DayReply>, JsonError> {
    let Json(request) = body.map_err(|_| ApiError::malformed("the body is not a day request"))?;
    let (tenant, rep) = (device.tenant.id(), device.context.rep);
    plan_day(
        state,
        tenant,
        |config| config.id(tenant) == rep,
        request.date,
    )
    .await
}

/// Plans a rep's day anew.
#[utoipa::path(post, path = "/admin/day-plans", tag = "admin", security(("admin" = [])), request_body = RepDayRequest, responses(
    (status = 200, body = DayReply), (status = 400, body = JsonErrorBody), (status = 401, body = JsonErrorBody),
    (status = 404, description = "No such company or rep, no working day is configured, or they do not work that day", body = JsonErrorBody),
    (status = 429, description = "Wait as long as Retry-After says", body = JsonErrorBody),
    (status = 503, description = "Storage fails, or it took too long: try again later", body = JsonErrorBody)))]
pub(super) async fn any_day(
    State(state): State<SharedState>,
    body: Result<Json<RepDayRequest>, JsonRejection>,
) -> Result<Json<DayReply>, JsonError> {
    let Json(request) = body.map_err(|_| ApiError::malformed("the body is not a day request"))?;
    let is_meant = |rep: &RepConfig| rep.email == request.rep;
    plan_day(state, request.tenant, is_meant, request.date).await
}

async fn plan_day(
    state: SharedState,
    tenant: TenantId,
    is_meant: impl Fn(&RepConfig) -> bool,
    date: Option<CalendarDate>,
) -> Result<Json<DayReply>, JsonError> {
    let configured = state.config.tenants.iter().find(|t| t.id() == tenant);
    let rep = configured.and_then(|t| rep_of(t, is_meant));
    let (rep, day) =
        rep.ok_or_else(|| ApiError::not_found("no working day is configured for the rep"))?;
    let zone = &day.time_zone;
    let (today, _) = local(state.now(), zone).ok_or_else(|| ApiError::not_found("no such day"))?;
    let date = date.unwrap_or(today);
    if !(today..=last_day(&state, zone).unwrap_or(today)).contains(&date) {
        return Err(ApiError::malformed("date must be today or one of the next six days").into());
    }
    let store = state
        .tenants
        .get(tenant)
        .map_err(|_| ApiError::not_found("no such company"))?;
    let permit = permit()?;
    // A task of its own: when the client gives up the planner goes on, and keeps its permit.
    let task = tokio::spawn(async move {
        let _permit = permit;
        let job = DayJob {
            routing: &state.routing,
            tenant: &store,
            rep,
            config: &day,
        };
        job.run(date, state.now()).await
    });
    let planned = task
        .await
        .map_err(|_| crate::store::StoreError::Cancelled)?;
    Ok(Json(planned.map_err(refused)?.into()))
}

fn rep_of(
    tenant: &TenantConfig,
    is_meant: impl Fn(&RepConfig) -> bool,
) -> Option<(RepId, WorkDay)> {
    let rep = tenant.reps.iter().find(|rep| is_meant(rep))?;
    Some((rep.id(tenant.id()), rep.day.clone()?))
}

fn last_day(state: &SharedState, zone: &str) -> Option<CalendarDate> {
    const DAY_MS: i64 = 24 * 3_600_000;
    Some(local(state.now().plus((DAYS_AHEAD - 1) * DAY_MS), zone)?.0)
}

fn refused(error: DayError) -> ApiError {
    match error {
        DayError::NotWorking => ApiError::not_found("the rep does not work on that day"),
        DayError::Date => ApiError::malformed("no such day"),
        DayError::Store(error) => error.into(),
        error => {
            tracing::error!(%error, "planning a day");
            ApiError::unavailable("the day could not be planned; try again later")
        }
    }
}

/// From where, and how far.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReachRequest {
    lat: f64,
    lon: f64,
    /// 1 to 120.
    minutes: u32,
}

/// The rep's leads within reach.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReachReply {
    #[schema(value_type = Vec<String>)]
    leads: Vec<LeadId>,
    /// What can be reached, a GeoJSON geometry.
    #[schema(value_type = Object)]
    area: serde_json::Value,
    /// Engine and profile, such as `valhalla/auto`.
    provider: String,
    /// When the area was drawn, epoch milliseconds.
    computed_at: i64,
}

/// The rep's leads that can be reached from a place within some minutes.
#[utoipa::path(post, path = "/v1/reachable", tag = "planning", security(("device" = [])), request_body = ReachRequest, responses(
    (status = 200, body = ReachReply), (status = 400, body = JsonErrorBody), (status = 401, body = JsonErrorBody),
    (status = 403, description = "Revoked: wipe", body = JsonErrorBody),
    (status = 404, description = "No routing engine that draws isochrones is configured", body = JsonErrorBody),
    (status = 429, description = "Wait as long as Retry-After says", body = JsonErrorBody),
    (status = 503, description = "The engine or storage fails, or it took too long: try again later", body = JsonErrorBody)))]
pub(super) async fn reach(
    State(state): State<SharedState>,
    Device(device): Device,
    body: Result<Json<ReachRequest>, JsonRejection>,
) -> Result<Json<ReachReply>, JsonError> {
    let Json(request) = body.map_err(|_| ApiError::malformed("the body is not a reach request"))?;
    let from = LatLng::new(request.lat, request.lon);
    let from = from.map_err(|_| ApiError::malformed("lat and lon are not a position"))?;
    if !(1..=MAX_MINUTES).contains(&request.minutes) {
        return Err(ApiError::malformed("minutes must be between 1 and 120").into());
    }
    let (rep, now) = (device.context.rep, state.now());
    let found = reachable(
        &state.routing,
        &device.tenant,
        rep,
        from,
        request.minutes,
        now,
    );
    let (leads, isochrone) = found.await.map_err(|error| match error {
        RoutingError::NoEngine(_) => ApiError::not_found("no routing engine draws isochrones here"),
        RoutingError::Store(error) => error.into(),
        error => {
            tracing::warn!(%error, "isochrone");
            ApiError::unavailable("the routing engine does not answer; try again later")
        }
    })?;
    Ok(Json(ReachReply {
        leads: leads.into_iter().collect(),
        area: isochrone.area.to_geojson(),
        provider: isochrone.provider,
        computed_at: isochrone.computed_at.0,
    }))
}
