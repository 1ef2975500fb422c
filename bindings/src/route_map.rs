//! A route to draw and to list, and questions about routes.

use crate::values::{LatLng, milliseconds, seconds, small};
use fieldfare_engine as engine;
use fieldfare_engine::{DrivingSide, ManoeuvreKind, RouteKind, Turn, WaypointKind};
use fieldfare_model::LeadId;
use std::time::Duration;

/// What leads the way.
#[uniffi::remote(Enum)]
pub enum RouteKind {
    /// Roads, as a routing engine found them.
    Road,
    /// Straight lines from stop to stop: there is no road route for this order of visits on this
    /// phone. Distances and arrival are estimates, nothing is said, and nobody is off route.
    Crow,
}

/// What kind of place of a route it is.
#[uniffi::remote(Enum)]
pub enum WaypointKind {
    /// A place where the driver stops; legs end here.
    Break,
    /// A place the route only passes.
    Via,
}

/// The kind of a manoeuvre, in the terms of the OSRM API.
#[uniffi::remote(Enum)]
pub enum ManoeuvreKind {
    /// The start of a leg.
    Depart,
    /// The end of a leg.
    Arrive,
    /// A plain turn.
    Turn,
    /// The road changes its name.
    NewName,
    /// Stay on the road.
    Continue,
    /// Join a road from the side.
    Merge,
    /// Enter a ramp.
    OnRamp,
    /// Leave by a ramp.
    OffRamp,
    /// The road splits.
    Fork,
    /// The road ends in a T.
    EndOfRoad,
    /// Enter a roundabout, to leave by the numbered exit.
    Roundabout,
    /// Enter a large, named roundabout.
    Rotary,
    /// A roundabout so small that it is a turn.
    RoundaboutTurn,
    /// Leave a roundabout.
    ExitRoundabout,
    /// Leave a named roundabout.
    ExitRotary,
    /// Something to know without turning, such as a lane ending.
    Notification,
    /// Get on or off a ferry.
    Ferry,
}

/// The direction of a manoeuvre.
#[uniffi::remote(Enum)]
pub enum Turn {
    /// Back.
    UTurn,
    /// More than a right angle to the right.
    SharpRight,
    /// Right.
    Right,
    /// A little to the right.
    SlightRight,
    /// Ahead.
    Straight,
    /// A little to the left.
    SlightLeft,
    /// Left.
    Left,
    /// More than a right angle to the left.
    SharpLeft,
}

/// The side of the road traffic keeps to.
#[uniffi::remote(Enum)]
pub enum DrivingSide {
    /// As in most of Europe and America.
    Right,
    /// As in Great Britain, Japan or Australia.
    Left,
}

/// The route for a map and a list of instructions. Read once, and again when an update has another
/// `route_version`.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct RouteMap {
    /// Counts the routes of this session, from 1.
    pub version: i32,
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
    /// Driving from start to end.
    pub driving: Duration,
}

impl From<engine::RouteMap> for RouteMap {
    fn from(map: engine::RouteMap) -> Self {
        Self {
            version: small(map.version),
            kind: map.kind,
            language: map.language,
            points: map.points.into_iter().map(LatLng::from).collect(),
            stops: map.stops.into_iter().map(RouteMapStop::from).collect(),
            steps: map.steps.into_iter().map(RouteMapStep::from).collect(),
            length_m: map.length_m,
            driving: milliseconds(map.driving_ms),
        }
    }
}

/// A place of the route.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct RouteMapStop {
    /// Whether the driver stops there.
    pub kind: WaypointKind,
    /// The lead visited there.
    pub lead: Option<LeadId>,
    /// Where the place itself is.
    pub position: LatLng,
    /// Index of the point of the line where it is passed.
    pub point: i32,
    /// Planned stay.
    pub service: Duration,
}

impl From<engine::RouteMapStop> for RouteMapStop {
    fn from(stop: engine::RouteMapStop) -> Self {
        Self {
            kind: stop.kind,
            lead: stop.lead,
            position: stop.position.into(),
            point: small(stop.point),
            service: seconds(i64::from(stop.service_s)),
        }
    }
}

/// A stretch of road and the manoeuvre at its beginning.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct RouteMapStep {
    /// The kind of manoeuvre.
    pub kind: ManoeuvreKind,
    /// Its direction.
    pub turn: Option<Turn>,
    /// The exit of a roundabout, from 1.
    pub exit: Option<i32>,
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
    pub first_point: i32,
    /// Index of the point of the line where it ends.
    pub last_point: i32,
    /// Driving.
    pub driving: Duration,
}

impl From<engine::RouteMapStep> for RouteMapStep {
    fn from(step: engine::RouteMapStep) -> Self {
        Self {
            kind: step.kind,
            turn: step.turn,
            exit: step.exit.map(i32::from),
            text: step.text,
            road: step.road,
            reference: step.reference,
            destinations: step.destinations,
            side: step.side,
            first_point: small(step.first_point),
            last_point: small(step.last_point),
            driving: milliseconds(step.driving_ms),
        }
    }
}

/// A route at hand and how well it would do.
#[derive(Debug, Clone, Copy, PartialEq, uniffi::Record)]
pub struct RouteAlternative {
    /// Which: 0 is the route under way.
    pub index: i32,
    /// Where it would be joined.
    pub join: LatLng,
    /// Metres to there as the crow flies.
    pub gap_m: f64,
    /// Stops still to visit that it does not serve from there on.
    pub missing_stops: i32,
    /// Time to its end.
    pub total: Duration,
}

impl From<engine::RankedAlternative> for RouteAlternative {
    fn from(ranked: engine::RankedAlternative) -> Self {
        Self {
            index: small(ranked.index),
            join: ranked.join.into(),
            gap_m: ranked.gap_m,
            missing_stops: small(ranked.missing_stops),
            total: milliseconds(ranked.total_ms),
        }
    }
}

/// What to ask a routing service for.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct RouteQuery {
    /// Where to start, stop and pass, in order, at least two.
    pub places: Vec<RoutePlace>,
    /// The direction the driver moves in, degrees, so that the route does not begin with a turn.
    pub course_deg: Option<f64>,
    /// How many other routes to ask for.
    pub alternatives: i32,
}

impl From<fieldfare_navigator::RouteQuery> for RouteQuery {
    fn from(query: fieldfare_navigator::RouteQuery) -> Self {
        let places = query.places.into_iter().map(|place| RoutePlace {
            position: place.position.into(),
            kind: place.kind,
            lead: place.lead,
            service: seconds(i64::from(place.service_s)),
        });
        Self {
            places: places.collect(),
            course_deg: query.course_deg,
            alternatives: i32::from(query.alternatives),
        }
    }
}

/// A place to go through.
#[derive(Debug, Clone, Copy, PartialEq, uniffi::Record)]
pub struct RoutePlace {
    /// Where.
    pub position: LatLng,
    /// Whether the driver stops there.
    pub kind: WaypointKind,
    /// The lead there.
    pub lead: Option<LeadId>,
    /// Planned stay.
    pub service: Duration,
}
