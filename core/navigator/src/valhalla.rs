//! Answers of Valhalla's route service in its own form.

use crate::geometry::Geometry;
use crate::osrm::bearing;
use crate::phrases::{alert_distance, call_distance};
use crate::route::{BannerLine, RouteSource};
use crate::{
    BannerDraft, LegDraft, Manoeuvre, ManoeuvreKind, Route, RouteDraft, RouteError, SpokenDraft,
    StepDraft, Turn, WaypointDraft,
};
use fieldfare_geo::distance_m;
use fieldfare_model::LatLng;
use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct Answer {
    trip: Trip,
    #[serde(default)]
    alternates: Vec<Alternate>,
}

#[derive(Deserialize)]
struct Alternate {
    trip: Trip,
}

#[derive(Deserialize)]
struct Trip {
    #[serde(default)]
    legs: Vec<Leg>,
    #[serde(default)]
    locations: Vec<Location>,
    #[serde(default)]
    language: String,
    #[serde(default)]
    status: i64,
}

#[derive(Deserialize)]
struct Location {
    lat: f64,
    lon: f64,
    #[serde(rename = "type", default)]
    kind: String,
}

#[derive(Deserialize)]
struct Leg {
    #[serde(default)]
    maneuvers: Vec<Maneuver>,
    shape: Geometry,
}

#[derive(Deserialize)]
struct Maneuver {
    #[serde(rename = "type")]
    kind: u32,
    #[serde(default)]
    instruction: String,
    #[serde(default)]
    verbal_transition_alert_instruction: String,
    #[serde(default)]
    verbal_pre_transition_instruction: String,
    #[serde(default)]
    verbal_post_transition_instruction: String,
    #[serde(default)]
    verbal_multi_cue: bool,
    #[serde(default)]
    street_names: Vec<String>,
    #[serde(default)]
    time: f64,
    begin_shape_index: usize,
    end_shape_index: usize,
    #[serde(default)]
    bearing_before: f64,
    #[serde(default)]
    bearing_after: f64,
    roundabout_exit_count: Option<u32>,
    #[serde(default)]
    sign: Sign,
}

#[derive(Deserialize, Default)]
struct Sign {
    #[serde(default)]
    exit_number_elements: Vec<Element>,
    #[serde(default)]
    exit_branch_elements: Vec<Element>,
    #[serde(default)]
    exit_toward_elements: Vec<Element>,
}

#[derive(Deserialize)]
struct Element {
    text: String,
}

/// The routes of an answer, best first.
pub(crate) fn routes(answer: Answer) -> Result<Vec<Route>, RouteError> {
    let others = answer.alternates.into_iter().map(|other| other.trip);
    std::iter::once(answer.trip)
        .chain(others)
        .map(route)
        .collect()
}

fn route(trip: Trip) -> Result<Route, RouteError> {
    if trip.status != 0 {
        return Err(RouteError::NoRoute {
            code: trip.status.to_string(),
        });
    }
    let mut stops = Stops::of(&trip.locations)?;
    let origin = stops.next();
    let mut legs = Vec::with_capacity(trip.legs.len());
    let mut start = origin.position;
    for source in trip.legs {
        let end = stops.next();
        legs.push(leg(source, start, end)?);
        start = end.position;
    }
    Route::assemble(RouteDraft {
        source: RouteSource::Valhalla,
        language: trip.language,
        origin,
        legs,
    })
}

/// The locations at which legs begin and end; the others are passed within a leg, and Valhalla
/// does not say where.
struct Stops(std::vec::IntoIter<WaypointDraft>);

impl Stops {
    fn of(locations: &[Location]) -> Result<Self, RouteError> {
        let breaks = locations
            .iter()
            .filter(|place| matches!(place.kind.as_str(), "" | "break" | "break_through"));
        let positions = breaks.map(|place| {
            LatLng::new(place.lat, place.lon)
                .map(WaypointDraft::at)
                .map_err(|_| RouteError::Field { field: "location" })
        });
        let list: Vec<WaypointDraft> = positions.collect::<Result<_, _>>()?;
        Ok(Self(list.into_iter()))
    }

    fn next(&mut self) -> WaypointDraft {
        self.0.next().unwrap_or(WaypointDraft::ON_ROAD)
    }
}

fn leg(leg: Leg, start: Option<LatLng>, end: WaypointDraft) -> Result<LegDraft, RouteError> {
    let shape = leg.shape.decode(start.or(end.position))?;
    let mut steps = Vec::with_capacity(leg.maneuvers.len());
    for (i, maneuver) in leg.maneuvers.iter().enumerate() {
        let after = leg.maneuvers.get(i + 1);
        steps.push(step(maneuver, after, &shape, i == 0)?);
    }
    Ok(LegDraft {
        steps,
        end,
        vias: Vec::new(),
        limits: Vec::new(),
    })
}

fn step(
    maneuver: &Maneuver,
    after: Option<&Maneuver>,
    shape: &[LatLng],
    first: bool,
) -> Result<StepDraft, RouteError> {
    let path = shape
        .get(maneuver.begin_shape_index..=maneuver.end_shape_index)
        .ok_or(RouteError::Field {
            field: "shape index",
        })?;
    let length: f64 = path
        .windows(2)
        .map(|pair| match pair {
            [a, b] => distance_m(*a, *b),
            _ => 0.0,
        })
        .sum();
    let mut step = StepDraft::plain(path.to_vec(), maneuver.time, manoeuvre(maneuver));
    step.text = maneuver.instruction.clone();
    step.road = maneuver.street_names.first().cloned().unwrap_or_default();
    step.reference = maneuver.street_names.get(1..).unwrap_or(&[]).join(", ");
    step.destinations = maneuver.sign.text();
    step.spoken = spoken(maneuver, after, length, first);
    step.banners = after
        .map(|after| banner(after, length))
        .into_iter()
        .collect();
    Ok(step)
}

impl Sign {
    fn text(&self) -> String {
        let parts = [
            &self.exit_number_elements,
            &self.exit_branch_elements,
            &self.exit_toward_elements,
        ];
        let texts: Vec<&str> = parts
            .into_iter()
            .flatten()
            .map(|element| element.text.as_str())
            .collect();
        texts.join(", ")
    }
}

/// Valhalla says what to speak, not where: after the last manoeuvre, some time before the next,
/// and shortly before it.
fn spoken(
    maneuver: &Maneuver,
    after: Option<&Maneuver>,
    length: f64,
    first: bool,
) -> Vec<SpokenDraft> {
    let speed = length / maneuver.time.max(1.0);
    let (alert, call) = (alert_distance(speed), call_distance(speed).min(length));
    let mut list = Vec::new();
    let mut say = |before_end_m: f64, text: &str| {
        if !text.is_empty() {
            list.push(SpokenDraft {
                before_end_m,
                text: text.to_owned(),
                ssml: String::new(),
            });
        }
    };
    if first {
        say(length, &maneuver.verbal_pre_transition_instruction);
    } else if !maneuver.verbal_multi_cue && length > call * 2.5 {
        say(length - 10.0, &maneuver.verbal_post_transition_instruction);
    }
    if let Some(after) = after {
        if length > alert * 1.5 {
            say(alert, &after.verbal_transition_alert_instruction);
        }
        say(call, &after.verbal_pre_transition_instruction);
    }
    list
}

fn banner(after: &Maneuver, length: f64) -> BannerDraft {
    let shown = manoeuvre(after);
    let line = |text: String| BannerLine {
        text: text.into(),
        kind: Some(shown.kind),
        turn: shown.turn,
        roundabout_deg: None,
    };
    let sign = after.sign.text();
    let title = match (after.street_names.first(), sign.is_empty()) {
        (_, false) => sign.clone(),
        (Some(road), true) => road.clone(),
        (None, true) => after.instruction.clone(),
    };
    let below = after.street_names.first().filter(|_| !sign.is_empty());
    BannerDraft {
        before_end_m: length,
        primary: line(title),
        secondary: below.map(|road| line(road.clone())),
    }
}

fn manoeuvre(maneuver: &Maneuver) -> Manoeuvre {
    let (kind, turn) = kind_and_turn(maneuver.kind);
    Manoeuvre {
        kind,
        turn,
        exit: maneuver
            .roundabout_exit_count
            .and_then(|exit| u8::try_from(exit).ok()),
        bearing_before: bearing(maneuver.bearing_before),
        bearing_after: bearing(maneuver.bearing_after),
    }
}

/// The numbers of Valhalla's documentation, "Turn-by-turn directions API".
fn kind_and_turn(kind: u32) -> (ManoeuvreKind, Option<Turn>) {
    use ManoeuvreKind as K;
    use Turn as T;
    match kind {
        1 => (K::Depart, None),
        2 => (K::Depart, Some(T::Right)),
        3 => (K::Depart, Some(T::Left)),
        4 => (K::Arrive, None),
        5 => (K::Arrive, Some(T::Right)),
        6 => (K::Arrive, Some(T::Left)),
        7 => (K::NewName, Some(T::Straight)),
        8 => (K::Continue, Some(T::Straight)),
        9 => (K::Turn, Some(T::SlightRight)),
        10 => (K::Turn, Some(T::Right)),
        11 => (K::Turn, Some(T::SharpRight)),
        12 | 13 => (K::Turn, Some(T::UTurn)),
        14 => (K::Turn, Some(T::SharpLeft)),
        15 => (K::Turn, Some(T::Left)),
        16 => (K::Turn, Some(T::SlightLeft)),
        17 => (K::OnRamp, Some(T::Straight)),
        18 => (K::OnRamp, Some(T::Right)),
        19 => (K::OnRamp, Some(T::Left)),
        20 => (K::OffRamp, Some(T::Right)),
        21 => (K::OffRamp, Some(T::Left)),
        22 => (K::Fork, Some(T::Straight)),
        23 => (K::Fork, Some(T::SlightRight)),
        24 => (K::Fork, Some(T::SlightLeft)),
        25 => (K::Merge, None),
        26 => (K::Roundabout, None),
        27 => (K::ExitRoundabout, None),
        28 | 29 => (K::Ferry, None),
        37 => (K::Merge, Some(T::Right)),
        38 => (K::Merge, Some(T::Left)),
        _ => (K::Notification, None),
    }
}
