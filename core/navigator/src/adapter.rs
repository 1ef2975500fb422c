//! Questions to routing services, without sending them: who has a connection sends the request and
//! hands the answer back.

use crate::{Route, RouteError, WaypointDraft, WaypointKind, parse_routes};
use fieldfare_model::{LatLng, LeadId};
use std::fmt::Write;

/// What to ask.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteQuery {
    /// Where to start, stop and pass, in order, at least two.
    pub places: Vec<QueryPlace>,
    /// The direction the driver moves in, degrees, so that the route does not begin with a turn.
    pub course_deg: Option<f64>,
    /// How many other routes to ask for.
    pub alternatives: u8,
}

/// A place to go through.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QueryPlace {
    /// Where.
    pub position: LatLng,
    /// Whether the driver stops there.
    pub kind: WaypointKind,
    /// The lead there.
    pub lead: Option<LeadId>,
    /// Planned stay, seconds.
    pub service_s: u32,
}

/// A request to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouteRequest {
    /// Get a path with a query, relative to the service's address.
    Get {
        /// Path and query.
        path: String,
    },
    /// Post a JSON body to a path.
    PostJson {
        /// Path.
        path: String,
        /// The body.
        body: String,
    },
}

/// The dialect of a routing service.
pub trait RouteAdapter {
    /// The request for a query.
    ///
    /// # Errors
    /// [`RouteError::Field`] for fewer than two places or more than the service takes.
    fn request(&self, query: &RouteQuery) -> Result<RouteRequest, RouteError>;

    /// The routes in an answer to that query, best first, with the query's leads and stays.
    ///
    /// # Errors
    /// [`RouteError`] as of [`parse_routes`].
    fn parse(&self, query: &RouteQuery, answer: &[u8]) -> Result<Vec<Route>, RouteError> {
        let mut routes = parse_routes(answer)?;
        for route in &mut routes {
            attach(route, query);
        }
        Ok(routes)
    }
}

/// OSRM's HTTP API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OsrmAdapter {
    /// The profile in the path, usually `driving`.
    pub profile: String,
}

/// Valhalla's HTTP API. It is asked to answer in OSRM's form, the only one in which it tells speed
/// limits and where to say what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValhallaAdapter {
    /// The costing, usually `auto`.
    pub costing: String,
    /// The language of the texts, such as `en-US`.
    pub language: String,
}

const MOST_PLACES: usize = 500;

fn check(query: &RouteQuery) -> Result<(), RouteError> {
    if (2..=MOST_PLACES).contains(&query.places.len()) {
        Ok(())
    } else {
        Err(RouteError::Field {
            field: "places of a query",
        })
    }
}

impl RouteAdapter for OsrmAdapter {
    fn request(&self, query: &RouteQuery) -> Result<RouteRequest, RouteError> {
        check(query)?;
        let place = |p: &QueryPlace| format!("{:.6},{:.6}", p.position.lon(), p.position.lat());
        let places: Vec<String> = query.places.iter().map(place).collect();
        let mut path = format!(
            "/route/v1/{}/{}?steps=true&overview=false&geometries=polyline6",
            self.profile,
            places.join(";")
        );
        if query.alternatives > 0 {
            add(
                &mut path,
                format_args!("&alternatives={}", query.alternatives),
            );
        }
        if query.places.iter().any(|p| p.kind == WaypointKind::Via) {
            add(
                &mut path,
                format_args!("&waypoints={}", stops(query).join(";")),
            );
        }
        if let Some(course) = query.course_deg.filter(|c| c.is_finite()) {
            let rest = ";".repeat(query.places.len() - 1);
            let degrees = course.rem_euclid(360.0) as u16 % 360;
            add(&mut path, format_args!("&bearings={degrees},60{rest}"));
        }
        Ok(RouteRequest::Get { path })
    }
}

/// Writing to a text cannot fail.
fn add(text: &mut String, part: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(part);
}

/// The indices of the places at which a leg begins or ends.
fn stops(query: &RouteQuery) -> Vec<String> {
    let last = query.places.len() - 1;
    let places = query.places.iter().enumerate();
    places
        .filter(|(i, p)| p.kind == WaypointKind::Break || *i == 0 || *i == last)
        .map(|(i, _)| i.to_string())
        .collect()
}

impl RouteAdapter for ValhallaAdapter {
    fn request(&self, query: &RouteQuery) -> Result<RouteRequest, RouteError> {
        check(query)?;
        let last = query.places.len() - 1;
        let locations = query.places.iter().enumerate().map(|(i, p)| {
            let stops = p.kind == WaypointKind::Break || i == 0 || i == last;
            let mut place = serde_json::json!({
                "lat": p.position.lat(),
                "lon": p.position.lon(),
                "type": if stops { "break" } else { "via" },
            });
            let course = query.course_deg.filter(|c| c.is_finite() && i == 0);
            if let (Some(course), Some(fields)) = (course, place.as_object_mut()) {
                let degrees = course.rem_euclid(360.0) as u16 % 360;
                fields.insert("heading".to_owned(), degrees.into());
            }
            place
        });
        let body = serde_json::json!({
            "locations": locations.collect::<Vec<_>>(),
            "costing": self.costing,
            "format": "osrm",
            "shape_format": "polyline6",
            "alternates": query.alternatives,
            "banner_instructions": true,
            "voice_instructions": true,
            "directions_options": { "language": self.language, "units": "kilometers" },
            "filters": { "action": "include", "attributes": ["shape_attributes.speed_limit"] },
        });
        Ok(RouteRequest::PostJson {
            path: "/route".to_owned(),
            body: body.to_string(),
        })
    }
}

/// Gives the stops of a route what the query knows about them.
fn attach(route: &mut Route, query: &RouteQuery) {
    let last = query.places.len() - 1;
    let places = query.places.iter().enumerate();
    let stops = places.filter(|(i, p)| p.kind == WaypointKind::Break || *i == 0 || *i == last);
    let drafts: Vec<WaypointDraft> = stops
        .map(|(_, p)| WaypointDraft {
            position: Some(p.position),
            lead: p.lead,
            service_s: p.service_s,
        })
        .collect();
    let waypoints = route.waypoints().iter().enumerate();
    let breaks = waypoints.filter(|(_, w)| w.kind == WaypointKind::Break);
    let breaks: Vec<usize> = breaks.map(|(i, _)| i).collect();
    for (waypoint, draft) in breaks.into_iter().zip(drafts) {
        route.assign(waypoint, draft);
    }
}
