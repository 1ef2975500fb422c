//! What a session remembers between fixes. All of it is saved and restored.

use crate::deviation::Watch;
use crate::eta::Pace;
use crate::joining::Beam;
use crate::{Phase, TripSummary};
use fieldfare_model::{LatLng, TimestampMs};

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct State {
    pub(crate) phase: Phase,
    /// Whether the place on the route is known.
    pub(crate) located: bool,
    /// Metres from the start of the route.
    pub(crate) along: f64,
    /// The farthest place since the route was last joined.
    pub(crate) peak: f64,
    pub(crate) step: usize,
    pub(crate) leg: usize,
    /// The next waypoint that has not been passed.
    pub(crate) waypoint: usize,
    /// Which step advance conditions saw the driver come near.
    pub(crate) entered: u32,
    pub(crate) next_spoken: usize,
    pub(crate) banner: Option<usize>,
    pub(crate) pass: u16,
    /// How well the last fix fitted, and how far the next best place was behind.
    pub(crate) confidence: f64,
    pub(crate) offset: f64,
    pub(crate) watch: Watch,
    pub(crate) motion: Motion,
    pub(crate) pace: Pace,
    pub(crate) stay: Option<StayState>,
    /// Milliseconds near the next stop without having arrived by road.
    pub(crate) near_stop_ms: i64,
    pub(crate) beam: Beam,
    pub(crate) summary: TripSummary,
}

/// What is known from the fixes alone.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Motion {
    pub(crate) last: Option<LastFix>,
    /// A place far from the last fix that the next one may confirm.
    pub(crate) jump: Option<LastFix>,
    /// Where the driver was when the direction of travel was last taken.
    pub(crate) anchor: Option<LatLng>,
    /// Milliseconds since then.
    pub(crate) anchored_ms: i64,
    /// The direction from the anchor before to the anchor, degrees, and the speed.
    pub(crate) course_deg: Option<f64>,
    pub(crate) anchor_speed: f64,
    /// Since the last fix that was matched: milliseconds, and metres from fix to fix.
    pub(crate) unmatched_ms: i64,
    pub(crate) unmatched_m: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LastFix {
    pub(crate) position: LatLng,
    pub(crate) at: TimestampMs,
    pub(crate) accuracy: f64,
    pub(crate) speed: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct StayState {
    pub(crate) stop: usize,
    pub(crate) arrived_at: TimestampMs,
    pub(crate) seen_at: TimestampMs,
    pub(crate) dwell_ms: i64,
    pub(crate) proposed: bool,
    /// Consecutive fixes away from the stop, and driving off on the next leg.
    pub(crate) away: u32,
    pub(crate) leaving: u32,
}

impl State {
    pub(crate) fn idle() -> Self {
        Self {
            phase: Phase::Idle,
            located: false,
            along: 0.0,
            peak: 0.0,
            step: 0,
            leg: 0,
            waypoint: 1,
            entered: 0,
            next_spoken: 0,
            banner: None,
            pass: 0,
            confidence: 0.0,
            offset: 0.0,
            watch: Watch::default(),
            motion: Motion::default(),
            pace: Pace::default(),
            stay: None,
            near_stop_ms: 0,
            beam: Beam::default(),
            summary: TripSummary::default(),
        }
    }
}
