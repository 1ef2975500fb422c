//! Answers of OSRM's route service, and of services that answer in its form (Valhalla with
//! `format=osrm`, Mapbox).

use crate::geometry::Geometry;
use crate::phrases;
use crate::route::{BannerLine, RouteSource};
use crate::{
    BannerDraft, DrivingSide, LegDraft, Manoeuvre, ManoeuvreKind, Route, RouteDraft, RouteError,
    SpeedLimit, SpokenDraft, StepDraft, Turn, WaypointDraft,
};
use fieldfare_model::LatLng;
use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct Answer {
    code: Option<String>,
    // The match service calls them so.
    #[serde(default, alias = "matchings")]
    routes: Vec<OsrmRoute>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OsrmRoute {
    #[serde(default)]
    legs: Vec<Leg>,
    #[serde(default)]
    voice_locale: String,
}

#[derive(Deserialize)]
struct Leg {
    #[serde(default)]
    steps: Vec<Step>,
    #[serde(default)]
    annotation: Annotation,
    #[serde(default)]
    via_waypoints: Vec<Via>,
}

#[derive(Deserialize, Default)]
struct Annotation {
    #[serde(default)]
    maxspeed: Vec<MaxSpeed>,
}

#[derive(Deserialize)]
struct MaxSpeed {
    speed: Option<f64>,
    unit: Option<String>,
    #[serde(default)]
    none: bool,
}

#[derive(Deserialize)]
struct Via {
    geometry_index: usize,
}

#[derive(Deserialize)]
struct Step {
    #[serde(default)]
    name: String,
    #[serde(rename = "ref", default)]
    reference: String,
    #[serde(default)]
    destinations: String,
    #[serde(default)]
    distance: f64,
    #[serde(default)]
    duration: f64,
    driving_side: Option<String>,
    geometry: Geometry,
    maneuver: Maneuver,
    #[serde(rename = "voiceInstructions", default)]
    voice: Vec<Voice>,
    #[serde(rename = "bannerInstructions", default)]
    banners: Vec<OsrmBanner>,
}

#[derive(Deserialize)]
struct Maneuver {
    #[serde(rename = "type", default)]
    kind: String,
    modifier: Option<String>,
    exit: Option<u32>,
    #[serde(default)]
    bearing_before: f64,
    #[serde(default)]
    bearing_after: f64,
    location: (f64, f64),
    #[serde(default)]
    instruction: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Voice {
    distance_along_geometry: f64,
    announcement: String,
    #[serde(default)]
    ssml_announcement: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OsrmBanner {
    distance_along_geometry: f64,
    primary: Line,
    secondary: Option<Line>,
}

#[derive(Deserialize)]
struct Line {
    text: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    modifier: Option<String>,
    degrees: Option<f64>,
}

/// The routes of an answer, best first.
pub(crate) fn routes(answer: Answer) -> Result<Vec<Route>, RouteError> {
    match answer.code.as_deref() {
        None | Some("Ok") => {}
        Some(code) => return Err(no_route(code)),
    }
    if answer.routes.is_empty() {
        return Err(no_route("Ok"));
    }
    answer.routes.into_iter().map(route).collect()
}

fn no_route(code: &str) -> RouteError {
    RouteError::NoRoute {
        code: code
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(40)
            .collect(),
    }
}

fn route(route: OsrmRoute) -> Result<Route, RouteError> {
    let legs = route.legs.into_iter().map(leg);
    Route::assemble(RouteDraft {
        source: RouteSource::Osrm,
        language: route.voice_locale,
        origin: WaypointDraft::ON_ROAD,
        legs: legs.collect::<Result<_, _>>()?,
    })
}

fn leg(leg: Leg) -> Result<LegDraft, RouteError> {
    let metres: Vec<f64> = leg.steps.iter().map(|step| step.distance).collect();
    let silent = leg.steps.iter().all(|step| step.voice.is_empty());
    let steps = leg.steps.into_iter().map(step);
    let mut steps: Vec<StepDraft> = steps.collect::<Result<_, _>>()?;
    if silent {
        phrases::fill_in(&mut steps, &metres);
    }
    Ok(LegDraft {
        steps,
        end: WaypointDraft::ON_ROAD,
        vias: leg
            .via_waypoints
            .iter()
            .map(|via| (via.geometry_index, WaypointDraft::ON_ROAD))
            .collect(),
        limits: leg.annotation.maxspeed.iter().map(limit).collect(),
    })
}

fn limit(max: &MaxSpeed) -> Option<SpeedLimit> {
    if max.none {
        return Some(SpeedLimit::Unlimited);
    }
    let speed = max.speed.filter(|speed| (1.0..=400.0).contains(speed))?;
    match max.unit.as_deref() {
        Some("mph") => Some(SpeedLimit::Mph(speed.round() as u16)),
        _ => Some(SpeedLimit::Kmh(speed.round() as u16)),
    }
}

fn step(step: Step) -> Result<StepDraft, RouteError> {
    let (lon, lat) = step.maneuver.location;
    let start = LatLng::new(lat, lon).map_err(|_| RouteError::Field {
        field: "manoeuvre location",
    })?;
    Ok(StepDraft {
        path: step.geometry.decode(Some(start))?,
        duration_s: step.duration,
        manoeuvre: manoeuvre(&step.maneuver),
        text: step.maneuver.instruction,
        road: step.name,
        reference: step.reference,
        destinations: step.destinations,
        side: step
            .driving_side
            .as_deref()
            .and_then(DrivingSide::from_word),
        spoken: step.voice.into_iter().map(spoken).collect(),
        banners: step.banners.into_iter().map(banner).collect(),
    })
}

/// OSRM advises to treat a kind one does not know as a turn.
fn manoeuvre(maneuver: &Maneuver) -> Manoeuvre {
    let kind = match maneuver.kind.as_str() {
        "ramp" => ManoeuvreKind::OnRamp,
        "use lane" => ManoeuvreKind::Notification,
        word => ManoeuvreKind::from_word(word).unwrap_or(ManoeuvreKind::Turn),
    };
    Manoeuvre {
        kind,
        turn: maneuver.modifier.as_deref().and_then(Turn::from_word),
        exit: maneuver.exit.and_then(|exit| u8::try_from(exit).ok()),
        bearing_before: bearing(maneuver.bearing_before),
        bearing_after: bearing(maneuver.bearing_after),
    }
}

/// Whole degrees; what is not a bearing becomes north.
pub(crate) fn bearing(degrees: f64) -> u16 {
    if degrees.is_finite() {
        (degrees.rem_euclid(360.0).round() as u16) % 360
    } else {
        0
    }
}

fn spoken(voice: Voice) -> SpokenDraft {
    SpokenDraft {
        before_end_m: voice.distance_along_geometry,
        text: voice.announcement,
        ssml: voice.ssml_announcement,
    }
}

fn banner(banner: OsrmBanner) -> BannerDraft {
    BannerDraft {
        before_end_m: banner.distance_along_geometry,
        primary: line(banner.primary),
        secondary: banner.secondary.map(line),
    }
}

fn line(line: Line) -> BannerLine {
    BannerLine {
        text: line.text.into(),
        kind: line.kind.as_deref().and_then(ManoeuvreKind::from_word),
        turn: line.modifier.as_deref().and_then(Turn::from_word),
        roundabout_deg: line
            .degrees
            .map(|degrees| degrees.clamp(0.0, 3600.0) as u16),
    }
}
