//! Another road route for a rep under way. Where the rep is is used for the answer and not kept.

use crate::http::device::Device;
use crate::http::error::JsonErrorBody;
use crate::http::{ApiError, JsonError};
use crate::routing::RoutingError;
use crate::state::SharedState;
use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::header;
use axum::response::IntoResponse;
use fieldfare_model::{LatLng, LeadId};
use fieldfare_navigator::{QueryPlace, RouteQuery, WaypointKind};
use serde::Deserialize;
use utoipa::ToSchema;

/// Places of a route, the start with them.
const MOST_PLACES: usize = 60;

/// Where to, from where.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RouteRequest {
    /// Where the rep is, then the stops in order and the end: 2 to 60 places.
    places: Vec<Place>,
    /// The direction the rep drives in, degrees clockwise from north.
    #[serde(default)]
    course_deg: Option<f64>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Place {
    lat: f64,
    lon: f64,
    /// The lead there.
    #[schema(value_type = Option<String>, format = "uuid")]
    #[serde(default)]
    lead: Option<LeadId>,
    /// Planned stay, seconds.
    #[serde(default)]
    service_s: u32,
}

impl RouteRequest {
    fn query(&self) -> Result<RouteQuery, ApiError> {
        let is_course = |course: f64| course.is_finite();
        if !(2..=MOST_PLACES).contains(&self.places.len()) || !self.course_deg.is_none_or(is_course)
        {
            return Err(ApiError::malformed(
                "give 2 to 60 places, and a course in degrees",
            ));
        }
        let place = |place: &Place| {
            let position = LatLng::new(place.lat, place.lon);
            Ok(QueryPlace {
                position: position
                    .map_err(|_| ApiError::malformed("lat and lon are no position"))?,
                kind: WaypointKind::Break,
                lead: place.lead,
                service_s: place.service_s,
            })
        };
        Ok(RouteQuery {
            places: self
                .places
                .iter()
                .map(place)
                .collect::<Result<_, ApiError>>()?,
            course_deg: self.course_deg,
            alternatives: 0,
        })
    }
}

/// A road route from where the rep is through places: the navigator's bytes.
#[utoipa::path(post, path = "/v1/route", tag = "planning", security(("device" = [])), request_body = RouteRequest, responses(
    (status = 200, description = "The route in the form of the feed's route rows", content_type = "application/octet-stream"),
    (status = 400, body = JsonErrorBody), (status = 401, body = JsonErrorBody),
    (status = 403, description = "Revoked: wipe", body = JsonErrorBody),
    (status = 404, description = "No routing engine is configured, or it knows no way", body = JsonErrorBody),
    (status = 429, description = "Wait as long as Retry-After says", body = JsonErrorBody),
    (status = 503, description = "The engine does not answer, or it took too long: try again later", body = JsonErrorBody)))]
pub(super) async fn post(
    State(state): State<SharedState>,
    _device: Device,
    body: Result<Json<RouteRequest>, JsonRejection>,
) -> Result<impl IntoResponse, JsonError> {
    let Json(request) = body.map_err(|_| ApiError::malformed("the body is not a route request"))?;
    let found = state
        .routing
        .route(&request.query()?)
        .await
        .map_err(refused)?;
    let kind = (header::CONTENT_TYPE, "application/octet-stream");
    Ok(([kind], found.route.to_bytes()))
}

fn refused(error: RoutingError) -> ApiError {
    match error {
        RoutingError::NoEngine(_) => ApiError::not_found("no routing engine is configured"),
        RoutingError::Refused { .. } => ApiError::not_found("the routing engine knows no way"),
        _ => ApiError::unavailable("the routing engine does not answer; try again later"),
    }
}
