//! The answer to a fix on a route: small, whatever the route.

use crate::values::{LatLng, milliseconds, small};
use fieldfare_engine as engine;
use fieldfare_engine::{DeviationKind, FixQuality, ManoeuvreKind, Phase as RoutePhase, Turn};
use fieldfare_model::{LeadId, TimestampMs as Timestamp};
use std::time::Duration;

/// Where a route session stands.
#[uniffi::remote(Enum)]
pub enum RoutePhase {
    /// Not started.
    Idle,
    /// Started, looking for the place on the route.
    Joining,
    /// Following.
    Navigating,
    /// Halted by the driver.
    Paused,
    /// Arrived at the last stop, or ended by the driver.
    Complete,
}

/// What a fix was good for.
#[uniffi::remote(Enum)]
pub enum FixQuality {
    /// Used.
    Good,
    /// Too inaccurate to follow a road by; only its time was used.
    Inaccurate,
    /// Older than a fix before it; not used.
    OutOfOrder,
    /// Farther from the fix before it than anybody drives; not used, unless the next agrees.
    Jump,
}

/// How a driver is not where the route wants them.
#[uniffi::remote(Enum)]
pub enum DeviationKind {
    /// Away from the route.
    OffRoute,
    /// On its road, but going back.
    WrongWay,
}

/// The answer to a fix.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct RouteUpdate {
    /// Where the session stands.
    pub phase: RoutePhase,
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
    /// When it is another than that of the map at hand, read the map again.
    pub route_version: i32,
}

impl From<engine::RouteUpdate> for RouteUpdate {
    fn from(update: engine::RouteUpdate) -> Self {
        Self {
            phase: update.phase,
            quality: update.quality,
            position: update.position.into(),
            spot: update.spot.map(RouteSpot::from),
            progress: update.progress.map(RouteProgress::from),
            banner: update.banner.map(RouteBanner::from),
            deviation: update.deviation.map(RouteDeviation::from),
            rejoin: update.rejoin.map(RouteRejoin::from),
            events: update.events.into_iter().map(RouteEvent::from).collect(),
            advice: update.advice.into(),
            route_version: small(update.route_version),
        }
    }
}

/// A place on the route.
#[derive(Debug, Clone, Copy, PartialEq, uniffi::Record)]
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

impl From<engine::RouteSpot> for RouteSpot {
    fn from(spot: engine::RouteSpot) -> Self {
        Self {
            position: spot.position.into(),
            course_deg: spot.course_deg,
            offset_m: spot.offset_m,
            along_m: spot.along_m,
            confidence: spot.confidence,
        }
    }
}

/// What is left of the route.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct RouteProgress {
    /// The step under way, an index into the map's steps.
    pub step: i32,
    /// Metres to the manoeuvre at its end.
    pub to_manoeuvre_m: f64,
    /// Metres to the end of the route.
    pub remaining_m: f64,
    /// Driving to the end of the route.
    pub remaining: Duration,
    /// When the route will be done, planned stays counted.
    pub eta: Timestamp,
    /// The next stop, an index into the map's stops.
    pub next_stop: i32,
    /// The lead there.
    pub next_lead: Option<LeadId>,
    /// Metres to it.
    pub to_stop_m: f64,
    /// When it will be reached.
    pub stop_eta: Timestamp,
    /// The speed limit here, where it is known.
    pub speed_limit: Option<SpeedLimit>,
}

impl From<engine::RouteProgress> for RouteProgress {
    fn from(progress: engine::RouteProgress) -> Self {
        Self {
            step: small(progress.step),
            to_manoeuvre_m: progress.to_manoeuvre_m,
            remaining_m: progress.remaining_m,
            remaining: milliseconds(progress.remaining_ms),
            eta: progress.eta,
            next_stop: small(progress.next_stop),
            next_lead: progress.next_lead,
            to_stop_m: progress.to_stop_m,
            stop_eta: progress.stop_eta,
            speed_limit: progress.speed_limit.map(SpeedLimit::from),
        }
    }
}

/// A speed limit, as on the sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum SpeedLimit {
    /// Kilometres an hour.
    Kmh {
        /// The number on the sign.
        value: i32,
    },
    /// Miles an hour.
    Mph {
        /// The number on the sign.
        value: i32,
    },
    /// It is known that there is none.
    Unlimited,
}

impl From<engine::SpeedLimit> for SpeedLimit {
    fn from(limit: engine::SpeedLimit) -> Self {
        match limit {
            engine::SpeedLimit::Kmh(value) => Self::Kmh {
                value: i32::from(value),
            },
            engine::SpeedLimit::Mph(value) => Self::Mph {
                value: i32::from(value),
            },
            engine::SpeedLimit::Unlimited => Self::Unlimited,
        }
    }
}

/// What to show about the next manoeuvre.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct RouteBanner {
    /// The main line.
    pub primary: RouteBannerLine,
    /// A second line.
    pub secondary: Option<RouteBannerLine>,
}

impl From<engine::RouteBanner> for RouteBanner {
    fn from(banner: engine::RouteBanner) -> Self {
        Self {
            primary: banner.primary.into(),
            secondary: banner.secondary.map(RouteBannerLine::from),
        }
    }
}

/// One line of a banner.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct RouteBannerLine {
    /// The words.
    pub text: String,
    /// The kind of manoeuvre, to choose a picture by.
    pub kind: Option<ManoeuvreKind>,
    /// Its direction.
    pub turn: Option<Turn>,
    /// Degrees driven around a roundabout.
    pub roundabout_deg: Option<i32>,
}

impl From<engine::RouteBannerLine> for RouteBannerLine {
    fn from(line: engine::RouteBannerLine) -> Self {
        Self {
            text: line.text,
            kind: line.kind,
            turn: line.turn,
            roundabout_deg: line.roundabout_deg.map(i32::from),
        }
    }
}

/// A confirmed deviation.
#[derive(Debug, Clone, Copy, PartialEq, uniffi::Record)]
pub struct RouteDeviation {
    /// How.
    pub kind: DeviationKind,
    /// Metres from the stretch of route where the driver is expected.
    pub offset_m: f64,
    /// Time since the first fix that showed it.
    pub lasting: Duration,
}

impl From<engine::RouteDeviation> for RouteDeviation {
    fn from(deviation: engine::RouteDeviation) -> Self {
        Self {
            kind: deviation.kind,
            offset_m: deviation.offset_m,
            lasting: milliseconds(deviation.for_ms),
        }
    }
}

/// The way back to the route, as the crow flies.
#[derive(Debug, Clone, Copy, PartialEq, uniffi::Record)]
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

impl From<engine::RouteRejoin> for RouteRejoin {
    fn from(rejoin: engine::RouteRejoin) -> Self {
        Self {
            position: rejoin.position.into(),
            distance_m: rejoin.distance_m,
            bearing_deg: rejoin.bearing_deg,
            remaining_m: rejoin.remaining_m,
        }
    }
}

/// A stay near a stop.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct RouteStay {
    /// Which stop, an index into the map's stops.
    pub stop: i32,
    /// The lead there.
    pub lead: Option<LeadId>,
    /// The first fix near it.
    pub arrived_at: Timestamp,
    /// The last fix near it.
    pub seen_at: Timestamp,
    /// How long.
    pub dwell: Duration,
}

impl From<engine::RouteStay> for RouteStay {
    fn from(stay: engine::RouteStay) -> Self {
        Self {
            stop: small(stay.stop),
            lead: stay.lead,
            arrived_at: stay.arrived_at,
            seen_at: stay.seen_at,
            dwell: milliseconds(stay.dwell_ms),
        }
    }
}

/// Something that happened on a route, told once.
#[derive(Debug, Clone, PartialEq, uniffi::Enum)]
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
        /// An index into the map's steps.
        step: i32,
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
        /// An index into the map's stops.
        stop: i32,
    },
    /// The driver reached a stop.
    Arrived {
        /// An index into the map's stops.
        stop: i32,
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
        /// An index into the map's stops.
        stop: i32,
        /// The lead there.
        lead: Option<LeadId>,
    },
    /// The driver came back to the route beyond a stop.
    StopMissed {
        /// An index into the map's stops.
        stop: i32,
        /// The lead there.
        lead: Option<LeadId>,
    },
    /// Another route is followed from now on: read the map again.
    RouteChanged {
        /// Its version.
        version: i32,
    },
    /// The last stop was reached.
    Completed {
        /// The trip.
        trip: Trip,
    },
}

impl From<engine::RouteEvent> for RouteEvent {
    fn from(event: engine::RouteEvent) -> Self {
        use engine::RouteEvent as Event;
        match event {
            Event::Joined { along_m, again } => Self::Joined { along_m, again },
            Event::StepEntered { step } => Self::StepEntered { step: small(step) },
            Event::Speak { id, text, ssml } => Self::Speak { id, text, ssml },
            Event::NotSaid { id } => Self::NotSaid { id },
            Event::BannerChanged => Self::BannerChanged,
            Event::Deviated { kind, offset_m } => Self::Deviated { kind, offset_m },
            Event::ViaPassed { stop } => Self::ViaPassed { stop: small(stop) },
            Event::Arrived { stop, lead } => Self::Arrived {
                stop: small(stop),
                lead,
            },
            Event::VisitProposed { stay } => Self::VisitProposed { stay: stay.into() },
            Event::Departed { stay } => Self::Departed { stay: stay.into() },
            Event::PassedBy { stop, lead } => Self::PassedBy {
                stop: small(stop),
                lead,
            },
            Event::StopMissed { stop, lead } => Self::StopMissed {
                stop: small(stop),
                lead,
            },
            Event::RouteChanged { version } => Self::RouteChanged {
                version: small(version),
            },
            Event::Completed { trip } => Self::Completed { trip: trip.into() },
        }
    }
}

/// What the app should do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum RouteAdvice {
    /// Nothing.
    Nothing,
    /// Ask a routing service for another route, and hand the answer or the failure over with this
    /// number.
    AskForRoute {
        /// Number of the request.
        request: i32,
    },
    /// There is no connection and no better route on this phone: show the way back.
    LeadBack,
}

impl From<engine::RouteAdvice> for RouteAdvice {
    fn from(advice: engine::RouteAdvice) -> Self {
        match advice {
            engine::RouteAdvice::Nothing => Self::Nothing,
            engine::RouteAdvice::AskForRoute { request } => Self::AskForRoute {
                request: small(request),
            },
            engine::RouteAdvice::LeadBack => Self::LeadBack,
        }
    }
}

/// A trip in numbers.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct Trip {
    /// When it was started.
    pub started_at: Timestamp,
    /// When it ended; none while it lasts.
    pub ended_at: Option<Timestamp>,
    /// Metres driven.
    pub driven_m: f64,
    /// Metres of the route that were driven.
    pub on_route_m: f64,
    /// Time on the move.
    pub moving: Duration,
    /// Time paused.
    pub paused: Duration,
    /// Confirmed deviations.
    pub deviations: i32,
}

impl From<engine::TripRecord> for Trip {
    fn from(trip: engine::TripRecord) -> Self {
        Self {
            started_at: trip.started_at,
            ended_at: trip.ended_at,
            driven_m: trip.driven_m,
            on_route_m: trip.on_route_m,
            moving: milliseconds(trip.moving_ms),
            paused: milliseconds(trip.paused_ms),
            deviations: small(trip.deviations),
        }
    }
}
