use crate::{EARTH_RADIUS_M, UnitVector};
use fieldfare_model::LatLng;

/// Where a point lies beside a segment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SegmentPoint {
    /// Metres from the point to the segment.
    pub distance_m: f64,
    /// How far along the segment its nearest place lies: 0 at the start, 1 at the end.
    pub fraction: f64,
    /// The place on the segment nearest to the point.
    pub nearest: LatLng,
}

/// The place of the great-circle segment `a` to `b` that is nearest to `p`.
///
/// Right for segments of any length and at poles and antimeridian. Where many places are equally
/// near (`p` is a pole of the great circle) or the segment is not defined (`a` and `b` are
/// antipodes), the nearer end is returned.
pub fn point_to_segment(p: LatLng, a: LatLng, b: LatLng) -> SegmentPoint {
    let place = UnitVector::from(p);
    let arc = Arc::between(UnitVector::from(a), UnitVector::from(b));
    arc.and_then(|arc| arc.inner_point(place, a))
        .unwrap_or_else(|| nearer_end(p, a, b))
}

fn nearer_end(p: LatLng, a: LatLng, b: LatLng) -> SegmentPoint {
    let place = UnitVector::from(p);
    let (to_a, to_b) = (
        place.distance_m(UnitVector::from(a)),
        place.distance_m(UnitVector::from(b)),
    );
    let (distance_m, fraction, nearest) = if to_b < to_a {
        (to_b, 1.0, b)
    } else {
        (to_a, 0.0, a)
    };
    SegmentPoint {
        distance_m,
        fraction,
        nearest,
    }
}

/// Shortest arc between two places that are neither the same nor antipodes.
struct Arc {
    start: UnitVector,
    /// At right angles to the start, towards the end.
    ahead: UnitVector,
    /// The pole of the great circle, at right angles to both.
    side: UnitVector,
    /// Radians.
    length: f64,
}

impl Arc {
    fn between(a: UnitVector, b: UnitVector) -> Option<Self> {
        let normal = a.cross(b.minus(a));
        let norm = libm::sqrt(normal.norm2());
        // Below a few nanometres, or that near to antipodes, the direction is noise.
        if norm < 1e-15 {
            return None;
        }
        let side = normal.times(1.0 / norm);
        Some(Self {
            start: a,
            ahead: side.cross(a),
            side,
            length: libm::atan2(norm, a.dot(b)),
        })
    }

    /// The foot of the perpendicular from `place`, if it falls within the arc.
    fn inner_point(&self, place: UnitVector, start: LatLng) -> Option<SegmentPoint> {
        // The start is on the great circle, so differences to it give the same dot products
        // without losing the small digits.
        let step = place.minus(self.start);
        let (along, across) = (step.dot(self.ahead), step.dot(self.side));
        let base = place.dot(self.start);
        let on_circle = libm::sqrt(along * along + base * base);
        let angle = libm::atan2(along, base);
        if on_circle < 1e-12 || !(0.0..=self.length).contains(&angle) {
            return None;
        }
        let (sin, cos) = libm::sincos(angle);
        let foot = self.start.times(cos).plus(self.ahead.times(sin));
        Some(SegmentPoint {
            distance_m: libm::atan2(across.abs(), on_circle) * EARTH_RADIUS_M,
            fraction: angle / self.length,
            nearest: foot.lat_lng().unwrap_or(start),
        })
    }
}
