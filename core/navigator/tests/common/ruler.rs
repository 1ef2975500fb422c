//! Measures a route by brute force on the sphere, with nothing of the navigator's own geometry.

use fieldfare_geo::{distance_m, point_to_segment};
use fieldfare_model::LatLng;
use fieldfare_navigator::Route;

pub struct Ruler {
    path: Vec<LatLng>,
    along: Vec<f64>,
}

impl Ruler {
    pub fn new(route: &Route) -> Self {
        let path = route.path().to_vec();
        let mut along = vec![0.0];
        for pair in path.windows(2) {
            along.push(along.last().unwrap() + distance_m(pair[0], pair[1]));
        }
        Self { path, along }
    }

    pub fn length(&self) -> f64 {
        *self.along.last().unwrap()
    }

    pub fn at_point(&self, point: u32) -> f64 {
        self.along[point as usize]
    }

    /// Metres from a place to the part of the route between two places, both in metres from the
    /// start, and where on it the nearest place is.
    pub fn nearest_between(&self, at: LatLng, from: f64, to: f64) -> (f64, f64) {
        let mut best = (f64::INFINITY, 0.0);
        for (i, pair) in self.path.windows(2).enumerate() {
            let (a, b) = (self.along[i], self.along[i + 1]);
            if b < from || a > to {
                continue;
            }
            let foot = point_to_segment(at, pair[0], pair[1]);
            let along = a + foot.fraction * (b - a);
            if foot.distance_m < best.0 {
                best = (foot.distance_m, along);
            }
        }
        if self.path.len() == 1 {
            best = (distance_m(at, self.path[0]), 0.0);
        }
        best
    }

    pub fn nearest(&self, at: LatLng) -> (f64, f64) {
        self.nearest_between(at, f64::NEG_INFINITY, f64::INFINITY)
    }
}
