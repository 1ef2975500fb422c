//! What following a route reports.

use crate::{FixQuality, SpeedLimit, TripSummary};
use fieldfare_model::{LatLng, LeadId, TimestampMs};
use std::fmt;

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Not started.
    Idle,
    /// Started, looking for the place on the route.
    Joining,
    /// Following.
    Navigating,
    /// Halted by the driver.
    Paused,
    /// Arrived at the last stop, or stopped by the driver.
    Complete,
}

/// How a driver is not where the route wants them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeviationKind {
    /// Away from the route.
    OffRoute,
    /// On its road, but going back.
    WrongWay,
}

/// A confirmed deviation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Deviation {
    /// How.
    pub kind: DeviationKind,
    /// Metres from the stretch of route where the driver is expected.
    pub offset_m: f64,
    /// Milliseconds since the first fix that showed it.
    pub for_ms: i64,
}

/// The way back to the route, as the crow flies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RejoinHint {
    /// The nearest place of the route that is not behind.
    pub position: LatLng,
    /// Metres to it.
    pub distance_m: f64,
    /// Degrees clockwise from north.
    pub bearing_deg: f64,
    /// Metres of route left from there.
    pub remaining_m: f64,
}

/// Where on the route the driver is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Snapped {
    /// The place on the road.
    pub position: LatLng,
    /// The direction of the road there; `None` on a route of one point.
    pub course_deg: Option<f64>,
    /// Metres from the fix to it.
    pub offset_m: f64,
    /// Metres from the start of the route.
    pub along_m: f64,
    /// How sure this is, 0 to 1: how well the fix fits, and how far the next best place is behind.
    pub confidence: f64,
}

/// What is left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// The current step.
    pub step: usize,
    /// The current leg.
    pub leg: usize,
    /// Metres to the manoeuvre at the end of the step.
    pub to_manoeuvre_m: f64,
    /// Metres to the end of the route.
    pub remaining_m: f64,
    /// Driving time to the end of the route, by plan and by the pace of late, milliseconds.
    pub remaining_ms: i64,
    /// When the route will be done, with planned stays.
    pub eta: TimestampMs,
    /// The next stop.
    pub next_stop: usize,
    /// Metres to it.
    pub to_stop_m: f64,
    /// When it will be reached.
    pub stop_eta: TimestampMs,
    /// The banner to show, an index into [`crate::Route::banners`].
    pub banner: Option<usize>,
    /// The limit here, if it is known.
    pub speed_limit: Option<SpeedLimit>,
}

/// The answer to a fix: small, and of one size, whatever the route.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// Where the session stands after the fix.
    pub phase: Phase,
    /// What the fix was good for.
    pub quality: FixQuality,
    /// The fix as it came.
    pub position: LatLng,
    /// The place on the route, while it is known.
    pub snapped: Option<Snapped>,
    /// What is left, while the place is known.
    pub progress: Option<Progress>,
    /// A confirmed deviation.
    pub deviation: Option<Deviation>,
    /// The way back, while off the route.
    pub rejoin: Option<RejoinHint>,
    /// What happened, in order.
    pub events: Vec<Event>,
}

/// A name for one utterance: the same route driven in the same way gives the same names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UtteranceId {
    /// Index into [`crate::Route::spoken`].
    pub index: u32,
    /// How many times the driver had come back to the route at an earlier place.
    pub pass: u16,
}

impl fmt::Display for UtteranceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.pass, self.index)
    }
}

/// Why something was not said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SkipReason {
    /// A later text for the same manoeuvre was due at the same fix.
    Superseded,
    /// The manoeuvre had been passed, for example in a tunnel.
    Passed,
    /// The driver joined or came back to the route beyond it.
    Bypassed,
}

/// A stay near a stop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stay {
    /// Which waypoint.
    pub stop: usize,
    /// The lead there.
    pub lead: Option<LeadId>,
    /// The first fix near it.
    pub arrived_at: TimestampMs,
    /// The last fix near it.
    pub seen_at: TimestampMs,
    /// Milliseconds near it, without jumps of the clock.
    pub dwell_ms: i64,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The place on the route was found, again after [`Event::Deviated`].
    Joined {
        /// Metres from the start of the route.
        along_m: f64,
        /// Whether that is a return after a deviation.
        again: bool,
    },
    /// A step began.
    StepEntered {
        /// Which.
        step: usize,
    },
    /// Say this now, once.
    Speak {
        /// The utterance's name.
        id: UtteranceId,
    },
    /// This will not be said.
    Skipped {
        /// The utterance's name.
        id: UtteranceId,
        /// Why.
        reason: SkipReason,
    },
    /// Show another banner.
    BannerChanged {
        /// An index into [`crate::Route::banners`], or nothing.
        banner: Option<usize>,
    },
    /// The driver is not where the route wants them. The reaction is the caller's.
    Deviated {
        /// How.
        kind: DeviationKind,
        /// Metres from the expected stretch of route.
        offset_m: f64,
    },
    /// A place that is only passed was passed.
    ViaPassed {
        /// Which waypoint.
        waypoint: usize,
    },
    /// The driver reached a stop.
    Arrived {
        /// Which waypoint.
        stop: usize,
    },
    /// The driver has been near a stop for long enough that this is a visit.
    VisitProposed(Stay),
    /// The driver left a stop.
    Departed(Stay),
    /// The driver went by a stop, and off the route, without staying: it is still the next one.
    PassedBy {
        /// Which waypoint.
        stop: usize,
    },
    /// The driver came back to the route beyond a stop without having been there.
    StopMissed {
        /// Which waypoint.
        stop: usize,
    },
    /// The last stop was reached.
    TripCompleted(TripSummary),
}
