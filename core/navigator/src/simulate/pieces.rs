//! The way that is really driven, as pieces: along the route, back on it, beside it, or standing.

use super::{Detour, DriveScript, SimRng};
use crate::vector::{Course, Frame, Vector};
use crate::{Itinerary, WaypointKind};
use fieldfare_geo::LocalPlane;
use fieldfare_model::LatLng;

#[derive(Debug, Clone)]
pub(crate) enum Piece {
    /// From one place of the route to another, which lies before it when going back.
    Along { from: f64, to: f64 },
    /// Beside the route.
    Beside { path: Vec<Vector>, length: f64 },
    /// Not at all.
    Standing { ms: i64 },
}

impl Piece {
    pub(crate) fn length(&self) -> f64 {
        match self {
            Self::Along { from, to } => (to - from).abs(),
            Self::Beside { length, .. } => *length,
            Self::Standing { .. } => 0.0,
        }
    }
}

/// What happens at a place of the route.
enum Happening<'a> {
    Stop(i64),
    UTurn(f64),
    Detour(&'a Detour),
}

pub(crate) fn plan(itinerary: &Itinerary, script: &DriveScript, rng: &mut SimRng) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = script.start_m.clamp(0.0, itinerary.length_m());
    for (place, happening) in happenings(itinerary, script) {
        if place < at {
            continue;
        }
        pieces.push(Piece::Along {
            from: at,
            to: place,
        });
        at = place;
        match happening {
            Happening::Stop(ms) => pieces.push(Piece::Standing { ms }),
            Happening::UTurn(back_m) => {
                let back = (at - back_m).max(0.0);
                pieces.push(Piece::Along { from: at, to: back });
                at = back;
            }
            Happening::Detour(detour) => {
                let end = (at + detour.skip_m).min(itinerary.length_m());
                if let Some(piece) = beside(itinerary, at, end, detour.away_m, rng) {
                    pieces.push(piece);
                    at = end;
                }
            }
        }
    }
    let end = script.end_m.min(itinerary.length_m());
    pieces.push(Piece::Along {
        from: at,
        to: end.max(at),
    });
    pieces.push(Piece::Standing { ms: script.stay_ms });
    pieces
}

fn happenings<'a>(itinerary: &Itinerary, script: &'a DriveScript) -> Vec<(f64, Happening<'a>)> {
    let waypoints = itinerary.route().waypoints();
    let inner = 1..waypoints.len().saturating_sub(1);
    let stops = inner.filter_map(|i| {
        let stops = waypoints.get(i)?.kind == WaypointKind::Break;
        stops.then(|| (itinerary.waypoint_at(i), Happening::Stop(script.stay_ms)))
    });
    let turns = script.u_turns.iter();
    let turns = turns.map(|turn| (turn.at_m, Happening::UTurn(turn.back_m)));
    let detours = script.detours.iter();
    let detours = detours.map(|detour| (detour.at_m, Happening::Detour(detour)));
    let mut all: Vec<_> = stops.chain(turns).chain(detours).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all.retain(|(at, _)| *at < script.end_m);
    all
}

/// A way that leaves the route to one side, and comes back to it.
fn beside(
    itinerary: &Itinerary,
    from: f64,
    to: f64,
    away_m: f64,
    rng: &mut SimRng,
) -> Option<Piece> {
    let start = itinerary.track.place(from)?;
    let end = itinerary.track.place(to)?;
    let course = itinerary.track.course_at(from)?;
    let plane = LocalPlane::at(start);
    let side = if rng.chance(0.5) { 1.0 } else { -1.0 };
    let (east, north) = (side * course.north, -side * course.east);
    let (end_x, end_y) = plane.to_xy(end);
    let ahead = 0.5 * away_m;
    let out = (
        away_m * east + ahead * course.east,
        away_m * north + ahead * course.north,
    );
    let corners = [
        (0.0, 0.0),
        out,
        (end_x + out.0, end_y + out.1),
        (end_x, end_y),
    ];
    let points = corners.iter().map(|(x, y)| plane.from_xy(*x, *y).ok());
    let path: Vec<Vector> = points
        .collect::<Option<Vec<LatLng>>>()?
        .into_iter()
        .map(Vector::from)
        .collect();
    let length = path
        .windows(2)
        .map(|pair| match pair {
            [a, b] => a.metres_to(*b),
            _ => 0.0,
        })
        .sum();
    Some(Piece::Beside { path, length })
}

/// The place and direction some metres into a path.
pub(crate) fn on_path(path: &[Vector], metres: f64) -> Option<(Vector, Option<Course>)> {
    let mut left = metres;
    for pair in path.windows(2) {
        let [a, b] = pair else { continue };
        let length = a.metres_to(*b);
        if left <= length {
            let part = left / length.max(f64::MIN_POSITIVE);
            let place = a.plus(b.minus(*a).times(part));
            let way = Frame::at(a.position()?).flat(*b);
            return Some((place, Course::of(way.east, way.north)));
        }
        left -= length;
    }
    path.last().map(|last| (*last, None))
}
