//! Made-up routes of shapes that are hard to follow.

use super::SimRng;
use crate::phrases::fill_in;
use crate::route::RouteSource;
use crate::{
    LegDraft, Manoeuvre, ManoeuvreKind, Route, RouteDraft, RouteError, StepDraft, Turn,
    WaypointDraft,
};
use fieldfare_geo::LocalPlane;
use fieldfare_model::LatLng;

/// The shape of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RouteShape {
    /// A way through a town: many turns, some crossings of itself.
    Wander,
    /// Around a block and back to the start.
    Loop,
    /// Two loops that cross in the middle.
    FigureEight,
    /// Down a road and back on the same road, with a stop at its end.
    OutAndBack,
    /// Down a road, around a loop, and back on the same road.
    Lollipop,
    /// A straight road through roundabouts, each driven more than half around.
    Roundabouts,
    /// The same block around three times.
    Laps,
    /// A long road with nothing to do.
    OneStep,
    /// Up and down close parallel roads.
    Comb,
}

impl RouteShape {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Wander,
        Self::Loop,
        Self::FigureEight,
        Self::OutAndBack,
        Self::Lollipop,
        Self::Roundabouts,
        Self::Laps,
        Self::OneStep,
        Self::Comb,
    ];

    /// Corners in metres, and which of them are stops on the way.
    fn corners(self, rng: &mut SimRng) -> (Vec<(f64, f64)>, Vec<usize>) {
        let size = rng.within(300.0, 900.0);
        match self {
            Self::Wander => wander(rng),
            Self::Loop => (
                vec![
                    (0.0, 0.0),
                    (0.0, size),
                    (size, size),
                    (size, 0.0),
                    (0.0, 0.0),
                ],
                vec![2],
            ),
            Self::FigureEight => {
                let corners = [
                    (0, 0),
                    (1, 1),
                    (2, 0),
                    (1, -1),
                    (0, 0),
                    (-1, 1),
                    (-2, 0),
                    (-1, -1),
                ];
                let mut list: Vec<_> = corners.iter().map(|(x, y)| scaled(*x, *y, size)).collect();
                list.push((0.0, 0.0));
                (list, vec![2])
            }
            Self::OutAndBack => {
                let bend = size * 0.3;
                let out = [
                    (0.0, 0.0),
                    (size, 0.0),
                    (size + bend, bend),
                    (2.0 * size, bend),
                ];
                let back = out.iter().rev().skip(1);
                (out.iter().chain(back).copied().collect(), vec![3])
            }
            Self::Lollipop => {
                let s = size;
                let corners = [
                    (0.0, 0.0),
                    (s, 0.0),
                    (s, s * 0.6),
                    (2.0 * s, s * 0.6),
                    (2.0 * s, 0.0),
                    (s, 0.0),
                    (0.0, 0.0),
                ];
                (corners.to_vec(), vec![3])
            }
            Self::Roundabouts => (roundabouts(size, rng), Vec::new()),
            Self::Laps => {
                let block = [
                    (0.0, 0.0),
                    (size, 0.0),
                    (size, size * 0.7),
                    (0.0, size * 0.7),
                ];
                let mut list: Vec<_> = block.iter().cycle().take(12).copied().collect();
                list.push((0.0, 0.0));
                (list, vec![4, 8])
            }
            Self::OneStep => (vec![(0.0, 0.0), (6.0 * size, size)], Vec::new()),
            Self::Comb => {
                let mut list = Vec::new();
                for row in 0..5 {
                    let x = f64::from(row) * 60.0;
                    let ends = [(x, 0.0), (x, size)];
                    list.extend(if row % 2 == 0 {
                        ends
                    } else {
                        [ends[1], ends[0]]
                    });
                }
                (list, vec![5])
            }
        }
    }
}

fn scaled(x: i32, y: i32, size: f64) -> (f64, f64) {
    (f64::from(x) * size * 0.5, f64::from(y) * size * 0.5)
}

fn wander(rng: &mut SimRng) -> (Vec<(f64, f64)>, Vec<usize>) {
    let mut corners = vec![(0.0, 0.0)];
    let mut heading = rng.within(0.0, 360.0);
    let (mut x, mut y) = (0.0, 0.0);
    let count = 6 + rng.below(14);
    for _ in 0..count {
        let length = rng.within(60.0, 700.0);
        let (sin, cos) = libm::sincos(heading.to_radians());
        x += length * sin;
        y += length * cos;
        corners.push((x, y));
        let side = if rng.chance(0.5) { 1.0 } else { -1.0 };
        heading += side * rng.within(25.0, 125.0);
    }
    (corners, vec![count / 2])
}

fn roundabouts(size: f64, rng: &mut SimRng) -> Vec<(f64, f64)> {
    let mut corners = vec![(0.0, 0.0)];
    for i in 1..=3 {
        let centre = f64::from(i) * size;
        let radius = rng.within(15.0, 35.0);
        // Around to the right of the centre, three quarters and a bit.
        let steps = 14;
        for k in 0..=steps {
            let angle = 180.0 + f64::from(k) * 300.0 / f64::from(steps);
            let (sin, cos) = libm::sincos(angle.to_radians());
            corners.push((centre + radius * cos, radius * sin));
        }
    }
    corners.push((4.0 * size, 60.0));
    corners
}

/// Metres between points of a made-up road.
const SPACING_M: f64 = 18.0;
/// A smaller change of direction is a bend of the road.
const BEND_DEG: f64 = 24.0;

/// A route of a shape that starts at a place, turned and sized by the seed, with English words and
/// a stop or two.
///
/// # Errors
/// [`RouteError`] only if a place of it could not be computed.
pub fn shaped_route(shape: RouteShape, start: LatLng, seed: u64) -> Result<Route, RouteError> {
    let mut rng = SimRng::new(seed);
    let (corners, stops) = shape.corners(&mut rng);
    let drawing = Drawing {
        plane: LocalPlane::at(start),
        turn: libm::sincos(rng.within(0.0, 360.0).to_radians()),
        corners,
    };
    let speed = rng.within(7.0, 22.0);
    let mut legs = Vec::new();
    let mut first = 0;
    let ends = stops.into_iter().chain([drawing.corners.len() - 1]);
    for end in ends {
        legs.push(drawing.leg(first, end, speed)?);
        first = end;
    }
    Route::assemble(RouteDraft {
        source: RouteSource::Own,
        language: "en".to_owned(),
        origin: WaypointDraft::ON_ROAD,
        legs,
    })
}

struct Drawing {
    plane: LocalPlane,
    turn: (f64, f64),
    corners: Vec<(f64, f64)>,
}

impl Drawing {
    fn corner(&self, index: usize) -> (f64, f64) {
        self.corners.get(index).copied().unwrap_or((0.0, 0.0))
    }

    fn place(&self, x: f64, y: f64) -> Result<LatLng, RouteError> {
        let (sin, cos) = self.turn;
        self.plane
            .from_xy(x * cos - y * sin, x * sin + y * cos)
            .map_err(|_| RouteError::Field { field: "shape" })
    }

    /// Degrees clockwise from the drawing's own north.
    fn bearing(&self, from: usize) -> f64 {
        let (a, b) = (self.corner(from), self.corner(from + 1));
        libm::atan2(b.0 - a.0, b.1 - a.1).to_degrees()
    }

    /// Degrees to the right at a corner, within ±180.
    fn turn_at(&self, corner: usize) -> f64 {
        let before = self.bearing(corner - 1);
        (self.bearing(corner) - before + 540.0).rem_euclid(360.0) - 180.0
    }

    fn leg(&self, first: usize, end: usize, speed: f64) -> Result<LegDraft, RouteError> {
        let mut steps = Vec::new();
        let mut lengths = Vec::new();
        let mut from = first;
        while from < end {
            let sharp = |corner: &usize| self.turn_at(*corner).abs() >= BEND_DEG;
            let to = (from + 1..end).find(sharp).unwrap_or(end);
            let path = self.road(from, to)?;
            let length = self.length(from, to);
            let mut step = StepDraft::plain(path, length / speed, self.manoeuvre(from, first));
            step.road = format!("Road {from}");
            steps.push(step);
            lengths.push(length);
            from = to;
        }
        let (x, y) = self.corner(end);
        let arrive = Manoeuvre::plain(ManoeuvreKind::Arrive);
        steps.push(StepDraft::plain(vec![self.place(x, y)?], 0.0, arrive));
        lengths.push(0.0);
        fill_in(&mut steps, &lengths);
        Ok(LegDraft {
            steps,
            end: WaypointDraft::ON_ROAD,
            vias: Vec::new(),
            limits: Vec::new(),
        })
    }

    fn length(&self, from: usize, to: usize) -> f64 {
        let sides = (from..to).map(|i| {
            let (a, b) = (self.corner(i), self.corner(i + 1));
            libm::hypot(b.0 - a.0, b.1 - a.1)
        });
        sides.sum()
    }

    fn road(&self, from: usize, to: usize) -> Result<Vec<LatLng>, RouteError> {
        let mut road = Vec::new();
        for i in from..to {
            let (a, b) = (self.corner(i), self.corner(i + 1));
            let parts = (self.length(i, i + 1) / SPACING_M).max(1.0) as u32;
            for k in 0..parts {
                let part = f64::from(k) / f64::from(parts);
                road.push(self.place(a.0 + part * (b.0 - a.0), a.1 + part * (b.1 - a.1))?);
            }
        }
        let (x, y) = self.corner(to);
        road.push(self.place(x, y)?);
        Ok(road)
    }

    fn manoeuvre(&self, corner: usize, first: usize) -> Manoeuvre {
        if corner == first {
            return Manoeuvre::plain(ManoeuvreKind::Depart);
        }
        let degrees = self.turn_at(corner);
        let turn = match degrees.abs() {
            a if a > 160.0 => Turn::UTurn,
            a if a > 120.0 && degrees > 0.0 => Turn::SharpRight,
            a if a > 120.0 => Turn::SharpLeft,
            a if a > 45.0 && degrees > 0.0 => Turn::Right,
            a if a > 45.0 => Turn::Left,
            _ if degrees > 0.0 => Turn::SlightRight,
            _ => Turn::SlightLeft,
        };
        Manoeuvre {
            turn: Some(turn),
            ..Manoeuvre::plain(ManoeuvreKind::Turn)
        }
    }
}
