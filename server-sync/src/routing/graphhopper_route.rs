//! The dialect of GraphHopper's route service.

use fieldfare_geo::{Precision, bearing_deg, decode_polyline};
use fieldfare_model::LatLng;
use fieldfare_navigator::{
    BannerDraft, BannerLine, LegDraft, Manoeuvre, ManoeuvreKind, QueryPlace, Route, RouteAdapter,
    RouteDraft, RouteError, RouteQuery, RouteRequest, RouteSource, SpeedLimit, SpokenDraft,
    StepDraft, Turn, WaypointDraft, WaypointKind,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// GraphHopper's HTTP API. It takes the driver's course into account only without contraction
/// hierarchies, which most servers have, so it is not told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphHopperAdapter {
    /// The profile, usually `car`.
    pub profile: String,
    /// The language of the texts, such as `en-US`.
    pub language: String,
    /// Whether to ask for speed limits, which not every server keeps.
    pub speed_limits: bool,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    paths: Vec<Path>,
}

#[derive(Deserialize)]
struct Path {
    points: String,
    #[serde(default)]
    instructions: Vec<Instruction>,
    #[serde(default)]
    details: Details,
}

#[derive(Deserialize, Default)]
struct Details {
    #[serde(default)]
    max_speed: Vec<(usize, usize, Option<f64>)>,
}

#[derive(Deserialize)]
struct Instruction {
    #[serde(default)]
    distance: f64,
    #[serde(default)]
    time: f64,
    sign: i32,
    interval: (usize, usize),
    #[serde(default)]
    text: String,
    #[serde(default)]
    street_name: String,
    #[serde(default)]
    street_ref: String,
    #[serde(default)]
    street_destination: String,
    exit_number: Option<u32>,
}

const FINISH: i32 = 4;
const REACHED_VIA: i32 = 5;

impl RouteAdapter for GraphHopperAdapter {
    fn request(&self, query: &RouteQuery) -> Result<RouteRequest, RouteError> {
        if query.places.len() < 2 {
            return Err(RouteError::Field {
                field: "places of a query",
            });
        }
        let point = |p: &QueryPlace| json!([p.position.lon(), p.position.lat()]);
        let mut body = json!({
            "profile": self.profile,
            "points": query.places.iter().map(point).collect::<Vec<_>>(),
            "points_encoded": true,
            "points_encoded_multiplier": 1_000_000,
            "instructions": true,
            "locale": self.language,
        });
        let mut set = |key: &str, value: Value| {
            if let Some(fields) = body.as_object_mut() {
                fields.insert(key.to_owned(), value);
            }
        };
        if self.speed_limits {
            set("details", json!(["max_speed"]));
        }
        if query.alternatives > 0 && query.places.len() == 2 {
            set("algorithm", "alternative_route".into());
            let paths = u32::from(query.alternatives) + 1;
            set("alternative_route.max_paths", paths.into());
        }
        Ok(RouteRequest::PostJson {
            path: "/route".to_owned(),
            body: body.to_string(),
        })
    }

    fn parse(&self, query: &RouteQuery, answer: &[u8]) -> Result<Vec<Route>, RouteError> {
        let answer: Answer = serde_json::from_slice(answer).map_err(|e| RouteError::Json {
            line: e.line(),
            column: e.column(),
        })?;
        if answer.paths.is_empty() {
            return Err(RouteError::NoRoute {
                code: "none".to_owned(),
            });
        }
        let paths = answer.paths.iter();
        paths
            .map(|path| route(path, query, &self.language))
            .collect()
    }
}

fn route(path: &Path, query: &RouteQuery, language: &str) -> Result<Route, RouteError> {
    let points = decode_polyline(&path.points, Precision::Six)?;
    let mut places = query.places.iter();
    let origin = places.next().map_or(WaypointDraft::ON_ROAD, waypoint);
    let mut legs = Vec::new();
    let mut leg = OpenLeg::default();
    for (index, instruction) in path.instructions.iter().enumerate() {
        let ends = matches!(instruction.sign, FINISH | REACHED_VIA);
        let place = if ends { places.next() } else { None };
        let passes = instruction.sign == REACHED_VIA
            && place.is_some_and(|place| place.kind == WaypointKind::Via);
        if let (true, Some(place)) = (passes, place) {
            leg.vias.push((leg.points(), waypoint(place)));
            continue;
        }
        let next = path.instructions.get(index + 1);
        leg.steps
            .push(step(&points, instruction, next, leg.steps.is_empty())?);
        leg.end = instruction.interval.1;
        leg.start.get_or_insert(instruction.interval.0);
        if ends {
            let done = std::mem::take(&mut leg);
            legs.push(done.close(path, place.map_or(WaypointDraft::ON_ROAD, waypoint)));
        }
    }
    Route::assemble(RouteDraft {
        source: RouteSource::GraphHopper,
        language: language.to_owned(),
        origin,
        legs,
    })
}

/// A leg whose end is not reached yet.
#[derive(Default)]
struct OpenLeg {
    steps: Vec<StepDraft>,
    vias: Vec<(usize, WaypointDraft)>,
    start: Option<usize>,
    end: usize,
}

impl OpenLeg {
    /// How many pairs of points it has so far, which is the index of its last point.
    fn points(&self) -> usize {
        self.end - self.start.unwrap_or(self.end).min(self.end)
    }

    fn close(self, path: &Path, end: WaypointDraft) -> LegDraft {
        let start = self.start.unwrap_or(self.end);
        LegDraft {
            limits: limits(&path.details, start, self.end),
            steps: self.steps,
            end,
            vias: self.vias,
        }
    }
}

fn waypoint(place: &QueryPlace) -> WaypointDraft {
    WaypointDraft {
        position: Some(place.position),
        lead: place.lead,
        service_s: place.service_s,
    }
}

/// One limit for each pair of points from `start` to `end`; empty if none is known.
fn limits(details: &Details, start: usize, end: usize) -> Vec<Option<SpeedLimit>> {
    if details.max_speed.is_empty() {
        return Vec::new();
    }
    let mut out = vec![None; end.saturating_sub(start)];
    for (from, to, kmh) in &details.max_speed {
        let kmh = kmh.filter(|kmh| (1.0..=400.0).contains(kmh));
        let Some(kmh) = kmh.map(|kmh| SpeedLimit::Kmh(kmh.round() as u16)) else {
            continue;
        };
        let from = (*from).max(start) - start;
        let to = (*to).min(end).saturating_sub(start);
        for limit in out.iter_mut().take(to).skip(from) {
            *limit = Some(kmh);
        }
    }
    out
}

fn step(
    points: &[LatLng],
    instruction: &Instruction,
    next: Option<&Instruction>,
    is_first: bool,
) -> Result<StepDraft, RouteError> {
    let (first, last) = instruction.interval;
    let path = points.get(first..=last).filter(|path| !path.is_empty());
    let path = path.ok_or(RouteError::Field {
        field: "interval of an instruction",
    })?;
    let before = first.checked_sub(1).and_then(|i| points.get(i));
    let mut step = StepDraft::plain(
        path.to_vec(),
        instruction.time / 1_000.0,
        manoeuvre(instruction, before, path, is_first),
    );
    step.text.clone_from(&instruction.text);
    step.road.clone_from(&instruction.street_name);
    step.reference.clone_from(&instruction.street_ref);
    step.destinations
        .clone_from(&instruction.street_destination);
    if let Some(next) = next.filter(|_| instruction.sign != REACHED_VIA) {
        step.spoken = spoken(instruction, next);
        step.banners = vec![banner(instruction, next)];
    }
    Ok(step)
}

fn manoeuvre(
    instruction: &Instruction,
    before: Option<&LatLng>,
    path: &[LatLng],
    is_first: bool,
) -> Manoeuvre {
    let course = |from: Option<&LatLng>, to: Option<&LatLng>| match (from, to) {
        (Some(from), Some(to)) if from != to => {
            (bearing_deg(*from, *to).rem_euclid(360.0) as u16) % 360
        }
        _ => 0,
    };
    let (kind, turn) = match instruction.sign {
        FINISH | REACHED_VIA => (ManoeuvreKind::Arrive, None),
        _ if is_first => (ManoeuvreKind::Depart, None),
        sign => kind_of(sign),
    };
    Manoeuvre {
        kind,
        turn,
        exit: instruction.exit_number.and_then(|n| u8::try_from(n).ok()),
        bearing_before: course(before, path.first()),
        bearing_after: course(path.first(), path.get(1)),
    }
}

/// What GraphHopper's signs mean; one that is not known is a way straight on.
const fn kind_of(sign: i32) -> (ManoeuvreKind, Option<Turn>) {
    match sign {
        -98 | -8 | 8 => (ManoeuvreKind::Turn, Some(Turn::UTurn)),
        -7 => (ManoeuvreKind::Fork, Some(Turn::SlightLeft)),
        -6 => (ManoeuvreKind::ExitRoundabout, None),
        -3 => (ManoeuvreKind::Turn, Some(Turn::SharpLeft)),
        -2 => (ManoeuvreKind::Turn, Some(Turn::Left)),
        -1 => (ManoeuvreKind::Turn, Some(Turn::SlightLeft)),
        1 => (ManoeuvreKind::Turn, Some(Turn::SlightRight)),
        2 => (ManoeuvreKind::Turn, Some(Turn::Right)),
        3 => (ManoeuvreKind::Turn, Some(Turn::SharpRight)),
        6 => (ManoeuvreKind::Roundabout, None),
        7 => (ManoeuvreKind::Fork, Some(Turn::SlightRight)),
        9 => (ManoeuvreKind::Ferry, None),
        _ => (ManoeuvreKind::Continue, Some(Turn::Straight)),
    }
}

/// GraphHopper says what to do, not when to say it: ahead of time on a long step, and shortly
/// before the manoeuvre.
fn spoken(step: &Instruction, next: &Instruction) -> Vec<SpokenDraft> {
    const AHEAD_M: f64 = 400.0;
    const SHORTLY_M: f64 = 60.0;
    let say = |before_end_m: f64, text: String| SpokenDraft {
        before_end_m,
        text,
        ssml: String::new(),
    };
    let mut out = Vec::new();
    if step.distance > 2.0 * AHEAD_M {
        out.push(say(AHEAD_M, format!("400 m: {}", next.text)));
    }
    out.push(say(step.distance.clamp(0.0, SHORTLY_M), next.text.clone()));
    out
}

fn banner(step: &Instruction, next: &Instruction) -> BannerDraft {
    let (kind, turn) = match next.sign {
        FINISH | REACHED_VIA => (ManoeuvreKind::Arrive, None),
        sign => kind_of(sign),
    };
    let name = if next.street_name.is_empty() {
        &next.text
    } else {
        &next.street_name
    };
    BannerDraft {
        before_end_m: step.distance.max(0.0),
        primary: BannerLine {
            text: name.as_str().into(),
            kind: Some(kind),
            turn,
            roundabout_deg: None,
        },
        secondary: None,
    }
}
