//! What an app sees of a route and of following it.

use fieldfare_model::{LatLng, LeadId, TimestampMs};
use fieldfare_navigator::{
    Banner, BannerLine, DeviationKind, DrivingSide, FixQuality, ManoeuvreKind, Phase, Progress,
    Route, SpeedLimit, Stay, TripSummary, Turn, WaypointKind,
};

/// What leads the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RouteKind {
    /// Roads, as a routing engine found them.
    Road,
    /// Straight lines from stop to stop: there is no road route for this order of visits on this
    /// phone. Distances and arrival are estimates, nothing is said, and nobody is off route.
    Crow,
}

/// The route for a map and a list of instructions. Read once, and again when
/// [`RouteUpdate::route_version`] is another.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteMap {
    /// Counts the routes of this session, from 1.
    pub version: u32,
    /// What leads the way.
    pub kind: RouteKind,
    /// The language of the texts, such as `en-US`; empty if there are none.
    pub language: String,
    /// The line to draw.
    pub points: Vec<LatLng>,
    /// Start, stops and places passed.
    pub stops: Vec<RouteMapStop>,
    /// What to do, in order.
    pub steps: Vec<RouteMapStep>,
    /// Metres from start to end.
    pub length_m: f64,
    /// Milliseconds of driving.
    pub driving_ms: i64,
}

/// A place of the route.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteMapStop {
    /// Whether the driver stops there.
    pub kind: WaypointKind,
    /// The lead visited there.
    pub lead: Option<LeadId>,
    /// Where the place itself is.
    pub position: LatLng,
    /// Index of the point of the line where it is passed.
    pub point: u32,
    /// Planned stay, seconds.
    pub service_s: u32,
}

/// A stretch of road and the manoeuvre at its beginning.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteMapStep {
    /// The kind of manoeuvre.
    pub kind: ManoeuvreKind,
    /// Its direction.
    pub turn: Option<Turn>,
    /// The exit of a roundabout, from 1.
    pub exit: Option<u8>,
    /// What the routing engine says about it.
    pub text: String,
    /// Name of the road.
    pub road: String,
    /// Number of the road.
    pub reference: String,
    /// What the sign says.
    pub destinations: String,
    /// Which side traffic keeps to.
    pub side: Option<DrivingSide>,
    /// Index of the point of the line where it begins.
    pub first_point: u32,
    /// Index of the point of the line where it ends.
    pub last_point: u32,
    /// Milliseconds of driving.
    pub driving_ms: i64,
}

impl RouteMap {
    pub(super) fn new(route: &Route, version: u32, kind: RouteKind, length_m: f64) -> Self {
        Self {
            version,
            kind,
            language: route.language().to_owned(),
            points: route.path().to_vec(),
            stops: stops(route),
            steps: steps(route),
            length_m,
            driving_ms: i64::try_from(route.duration_ms()).unwrap_or(i64::MAX),
        }
    }
}

fn stops(route: &Route) -> Vec<RouteMapStop> {
    let places = route.waypoints().iter().map(|place| RouteMapStop {
        kind: place.kind,
        lead: place.lead,
        position: place.position,
        point: place.point,
        service_s: place.service_s,
    });
    places.collect()
}

fn steps(route: &Route) -> Vec<RouteMapStep> {
    let steps = route.steps().iter().map(|step| RouteMapStep {
        kind: step.manoeuvre.kind,
        turn: step.manoeuvre.turn,
        exit: step.manoeuvre.exit,
        text: step.text.to_string(),
        road: step.road.to_string(),
        reference: step.reference.to_string(),
        destinations: step.destinations.to_string(),
        side: step.side,
        first_point: step.first,
        last_point: step.last,
        driving_ms: i64::from(step.duration_ms),
    });
    steps.collect()
}

/// The answer to a fix: small, whatever the route.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteUpdate {
    /// Where the session stands.
    pub phase: Phase,
    /// What the fix was good for.
    pub quality: FixQuality,
    /// The fix as it came.
    pub position: LatLng,
    /// The place on the route, while it is known.
    pub spot: Option<RouteSpot>,
    /// What is left, while the place is known.
    pub progress: Option<RouteProgress>,
    /// The banner to show now.
    pub banner: Option<RouteBanner>,
    /// A confirmed deviation.
    pub deviation: Option<RouteDeviation>,
    /// The way back, while off the route.
    pub rejoin: Option<RouteRejoin>,
    /// What happened, in order; each of it is told once.
    pub events: Vec<RouteEvent>,
    /// What the app should do.
    pub advice: RouteAdvice,
    /// When it is another than that of the map at hand, read [`crate::RouteSession::map`] again.
    pub route_version: u32,
}

/// A place on the route.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RouteSpot {
    /// Where.
    pub position: LatLng,
    /// The direction of the road, degrees clockwise from north.
    pub course_deg: Option<f64>,
    /// Metres from the fix to it.
    pub offset_m: f64,
    /// Metres from the start of the route.
    pub along_m: f64,
    /// How sure this is, 0 to 1.
    pub confidence: f64,
}

/// What is left of the route.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RouteProgress {
    /// The step under way, an index into [`RouteMap::steps`].
    pub step: u32,
    /// Metres to the manoeuvre at its end.
    pub to_manoeuvre_m: f64,
    /// Metres to the end of the route.
    pub remaining_m: f64,
    /// Milliseconds of driving to the end of the route.
    pub remaining_ms: i64,
    /// When the route will be done, planned stays counted.
    pub eta: TimestampMs,
    /// The next stop, an index into [`RouteMap::stops`].
    pub next_stop: u32,
    /// The lead there.
    pub next_lead: Option<LeadId>,
    /// Metres to it.
    pub to_stop_m: f64,
    /// When it will be reached.
    pub stop_eta: TimestampMs,
    /// The speed limit here, where it is known.
    pub speed_limit: Option<SpeedLimit>,
}

impl RouteProgress {
    pub(super) fn new(progress: &Progress, route: &Route) -> Self {
        let stop = route.waypoints().get(progress.next_stop);
        Self {
            step: index(progress.step),
            to_manoeuvre_m: progress.to_manoeuvre_m,
            remaining_m: progress.remaining_m,
            remaining_ms: progress.remaining_ms,
            eta: progress.eta,
            next_stop: index(progress.next_stop),
            next_lead: stop.and_then(|stop| stop.lead),
            to_stop_m: progress.to_stop_m,
            stop_eta: progress.stop_eta,
            speed_limit: progress.speed_limit,
        }
    }
}

/// What to show about the next manoeuvre.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteBanner {
    /// The main line.
    pub primary: RouteBannerLine,
    /// A second line.
    pub secondary: Option<RouteBannerLine>,
}

/// One line of a banner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteBannerLine {
    /// The words.
    pub text: String,
    /// The kind of manoeuvre, to choose a picture by.
    pub kind: Option<ManoeuvreKind>,
    /// Its direction.
    pub turn: Option<Turn>,
    /// Degrees driven around a roundabout.
    pub roundabout_deg: Option<u16>,
}

impl From<&Banner> for RouteBanner {
    fn from(banner: &Banner) -> Self {
        Self {
            primary: (&banner.primary).into(),
            secondary: banner.secondary.as_ref().map(Into::into),
        }
    }
}

impl From<&BannerLine> for RouteBannerLine {
    fn from(line: &BannerLine) -> Self {
        Self {
            text: line.text.to_string(),
            kind: line.kind,
            turn: line.turn,
            roundabout_deg: line.roundabout_deg,
        }
    }
}

/// A confirmed deviation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RouteDeviation {
    /// How.
    pub kind: DeviationKind,
    /// Metres from the stretch of route where the driver is expected.
    pub offset_m: f64,
    /// Milliseconds since the first fix that showed it.
    pub for_ms: i64,
}

/// The way back to the route, as the crow flies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RouteRejoin {
    /// The nearest place of the route that is not behind.
    pub position: LatLng,
    /// Metres to it.
    pub distance_m: f64,
    /// Degrees clockwise from north.
    pub bearing_deg: f64,
    /// Metres of route left from there.
    pub remaining_m: f64,
}

/// A stay near a stop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RouteStay {
    /// Which stop, an index into [`RouteMap::stops`].
    pub stop: u32,
    /// The lead there.
    pub lead: Option<LeadId>,
    /// The first fix near it.
    pub arrived_at: TimestampMs,
    /// The last fix near it.
    pub seen_at: TimestampMs,
    /// Milliseconds near it.
    pub dwell_ms: i64,
}

impl From<&Stay> for RouteStay {
    fn from(stay: &Stay) -> Self {
        Self {
            stop: index(stay.stop),
            lead: stay.lead,
            arrived_at: stay.arrived_at,
            seen_at: stay.seen_at,
            dwell_ms: stay.dwell_ms,
        }
    }
}

/// Something that happened, told once.
#[derive(Debug, Clone, PartialEq)]
pub enum RouteEvent {
    /// The place on the route was found.
    Joined {
        /// Metres from the start of the route.
        along_m: f64,
        /// Whether that is a return after a deviation.
        again: bool,
    },
    /// A step began.
    StepEntered {
        /// An index into [`RouteMap::steps`].
        step: u32,
    },
    /// Say this now.
    Speak {
        /// The utterance's name, the same however often the drive is repeated.
        id: String,
        /// The words.
        text: String,
        /// The words with marks for a speech synthesiser; may be empty.
        ssml: String,
    },
    /// This will not be said: it is too late for it.
    NotSaid {
        /// The utterance's name.
        id: String,
    },
    /// Show another banner, or none; it is in the update.
    BannerChanged,
    /// The driver is not where the route wants them.
    Deviated {
        /// How.
        kind: DeviationKind,
        /// Metres from the route.
        offset_m: f64,
    },
    /// A place that is only passed was passed.
    ViaPassed {
        /// An index into [`RouteMap::stops`].
        stop: u32,
    },
    /// The driver reached a stop.
    Arrived {
        /// An index into [`RouteMap::stops`].
        stop: u32,
        /// The lead there.
        lead: Option<LeadId>,
    },
    /// The driver has been at a stop for so long that this is a visit: ask what came of it, and
    /// record it with the arrival of the stay.
    VisitProposed {
        /// The stay.
        stay: RouteStay,
    },
    /// The driver left a stop.
    Departed {
        /// The stay.
        stay: RouteStay,
    },
    /// The driver went by a stop without staying: it is still the next one.
    PassedBy {
        /// An index into [`RouteMap::stops`].
        stop: u32,
        /// The lead there.
        lead: Option<LeadId>,
    },
    /// The driver came back to the route beyond a stop.
    StopMissed {
        /// An index into [`RouteMap::stops`].
        stop: u32,
        /// The lead there.
        lead: Option<LeadId>,
    },
    /// Another route is followed from now on: read the map again.
    RouteChanged {
        /// Its version.
        version: u32,
    },
    /// The last stop was reached.
    Completed {
        /// The trip.
        trip: TripRecord,
    },
}

/// What the app should do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RouteAdvice {
    /// Nothing.
    Nothing,
    /// Ask for another route, by [`crate::Engine::fetch_route`] or a routing service of the app's
    /// own, and hand the answer or the failure over with this number.
    AskForRoute {
        /// Number of the request.
        request: u32,
    },
    /// There is no connection and no better route on this phone: show the way back.
    LeadBack,
}

/// A trip in numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TripRecord {
    /// When it was started.
    pub started_at: TimestampMs,
    /// When it ended; none while it lasts.
    pub ended_at: Option<TimestampMs>,
    /// Metres driven.
    pub driven_m: f64,
    /// Metres of the route that were driven.
    pub on_route_m: f64,
    /// Milliseconds on the move.
    pub moving_ms: i64,
    /// Milliseconds paused.
    pub paused_ms: i64,
    /// Confirmed deviations.
    pub deviations: u32,
}

impl From<TripSummary> for TripRecord {
    fn from(summary: TripSummary) -> Self {
        Self {
            started_at: summary.started_at,
            ended_at: summary.ended_at,
            driven_m: summary.raw_m,
            on_route_m: summary.on_route_m,
            moving_ms: summary.moving_ms,
            paused_ms: summary.paused_ms,
            deviations: summary.deviations,
        }
    }
}

pub(super) fn index(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
