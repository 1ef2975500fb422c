//! The route to follow: road geometry cut into steps and legs, with what to say and show.

use crate::{DrivingSide, Manoeuvre, SpeedLimit, Turn, WaypointDraft, manoeuvre::ManoeuvreKind};
use fieldfare_model::{LatLng, LeadId};
use std::ops::Range;
use std::sync::Arc;

/// Which service computed a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RouteSource {
    /// Made by hand or by a program, not by a routing service.
    Own,
    /// OSRM, or a service that answers in its form.
    Osrm,
    /// Valhalla in its own form.
    Valhalla,
    /// GraphHopper.
    GraphHopper,
}

/// A road route through a day's stops. Immutable; positions are kept to 10^-6 degrees (11 cm).
///
/// Consecutive points differ. Steps follow each other without a gap: each ends at the point where
/// the next begins. The last step of a leg, the arrival, has no length.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    pub(crate) source: RouteSource,
    pub(crate) language: Arc<str>,
    pub(crate) path: Vec<LatLng>,
    pub(crate) steps: Vec<Step>,
    /// For each leg the index after its last step.
    pub(crate) legs: Vec<u32>,
    pub(crate) waypoints: Vec<Waypoint>,
    pub(crate) spoken: Vec<Spoken>,
    pub(crate) banners: Vec<Banner>,
    pub(crate) limits: Vec<LimitRun>,
}

/// A stretch of road between two manoeuvres.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Index of its first point.
    pub first: u32,
    /// Index of its last point, where the next step begins.
    pub last: u32,
    /// Planned time, milliseconds.
    pub duration_ms: u32,
    /// What the driver does at its start.
    pub manoeuvre: Manoeuvre,
    /// What the service says about that manoeuvre, in the route's language; may be empty.
    pub text: Arc<str>,
    /// Name of the road, may be empty.
    pub road: Arc<str>,
    /// Number of the road, such as `E 12`, may be empty.
    pub reference: Arc<str>,
    /// What is written on the sign, may be empty.
    pub destinations: Arc<str>,
    /// Which side traffic keeps to, where it is known.
    pub side: Option<DrivingSide>,
}

/// What kind of place a waypoint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WaypointKind {
    /// A place where the driver stops; legs end here.
    Break,
    /// A place the route only passes.
    Via,
}

/// A place the route was asked to go through.
#[derive(Debug, Clone, PartialEq)]
pub struct Waypoint {
    /// Stop or only passed.
    pub kind: WaypointKind,
    /// Where the place itself is, which may be off the road.
    pub position: LatLng,
    /// Index of the route's point where it is passed.
    pub point: u32,
    /// The lead to be visited there.
    pub lead: Option<LeadId>,
    /// Planned stay, seconds; counts in arrival times after it.
    pub service_s: u32,
}

/// Something to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoken {
    /// The step on which to say it.
    pub step: u32,
    /// How far before the end of that step, decimetres.
    pub before_end_dm: u32,
    /// The words.
    pub text: Arc<str>,
    /// The words with marks for a speech synthesiser, where the service gives them.
    pub ssml: Arc<str>,
}

/// Something to show until the end of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Banner {
    /// The step on which to show it.
    pub step: u32,
    /// From how far before the end of that step, decimetres.
    pub before_end_dm: u32,
    /// The main line.
    pub primary: BannerLine,
    /// A second line.
    pub secondary: Option<BannerLine>,
}

/// One line of a banner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BannerLine {
    /// The words.
    pub text: Arc<str>,
    /// The kind of manoeuvre, to choose a picture by.
    pub kind: Option<ManoeuvreKind>,
    /// Its direction.
    pub turn: Option<Turn>,
    /// Degrees driven around a roundabout.
    pub roundabout_deg: Option<u16>,
}

/// A speed limit from a point on, until the next run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitRun {
    /// Index of the point where it begins.
    pub point: u32,
    /// The limit, if it is known.
    pub limit: Option<SpeedLimit>,
}

impl Route {
    /// Which service computed it.
    pub fn source(&self) -> RouteSource {
        self.source
    }

    /// The language of its texts, such as `en-US`; empty if there is none.
    pub fn language(&self) -> &str {
        &self.language
    }

    /// The road geometry, at least one point.
    pub fn path(&self) -> &[LatLng] {
        &self.path
    }

    /// The steps in order, at least one.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// How many legs it has, at least one.
    pub fn leg_count(&self) -> usize {
        self.legs.len()
    }

    /// The steps of a leg, by index; empty for a leg that is not there.
    pub fn leg_steps(&self, leg: usize) -> Range<usize> {
        let after = |i: usize| self.legs.get(i).map_or(0, |end| *end as usize);
        let start = leg.checked_sub(1).map_or(0, after);
        start..after(leg).max(start)
    }

    /// The leg a step belongs to. O(log n).
    pub fn leg_of_step(&self, step: usize) -> usize {
        self.legs
            .partition_point(|after| *after as usize <= step)
            .min(self.legs.len() - 1)
    }

    /// The start, the stops and the places passed, in order, at least the start and the end.
    pub fn waypoints(&self) -> &[Waypoint] {
        &self.waypoints
    }

    /// Everything to say, in order.
    pub fn spoken(&self) -> &[Spoken] {
        &self.spoken
    }

    /// Everything to show, in order.
    pub fn banners(&self) -> &[Banner] {
        &self.banners
    }

    /// Speed limits in order of their first point; empty if none is known.
    pub fn limits(&self) -> &[LimitRun] {
        &self.limits
    }

    /// Planned driving time in milliseconds, without stays.
    pub fn duration_ms(&self) -> u64 {
        self.steps.iter().map(|s| u64::from(s.duration_ms)).sum()
    }

    /// Says more about a waypoint than a routing service knows: where the place itself is, who is
    /// visited there and for how long. Nothing happens if there is no such waypoint.
    pub fn assign(&mut self, waypoint: usize, draft: WaypointDraft) {
        if let Some(place) = self.waypoints.get_mut(waypoint) {
            place.position = draft.position.unwrap_or(place.position);
            place.lead = draft.lead;
            place.service_s = draft.service_s;
        }
    }

    /// A name for this very route: the first half of the BLAKE3 hash of its bytes.
    pub fn digest(&self) -> [u8; 16] {
        let hash = blake3::hash(&self.to_bytes());
        let mut half = [0; 16];
        half.copy_from_slice(hash.as_bytes().first_chunk::<16>().unwrap_or(&[0; 16]));
        half
    }
}
