use crate::geodesy::Compass;
use crate::{EARTH_RADIUS_M, GeoError, UnitVector};
use fieldfare_model::LatLng;

/// A flat map around an origin: x metres east, y metres north.
///
/// Azimuthal equidistant: distances and bearings from the origin are those of the sphere, at any
/// range; between two other points the map stretches by about `(d / R)^2 / 6`, which is 0.4 mm per
/// kilometre at 10 km. It knows neither antimeridian nor poles as an edge. At a pole, north is the
/// meridian of the origin's longitude.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LocalPlane {
    compass: Compass,
}

impl LocalPlane {
    /// The plane that touches the Earth at `origin`.
    pub fn at(origin: LatLng) -> Self {
        Self {
            compass: Compass::at(origin),
        }
    }

    /// Metres east and north of the origin.
    pub fn to_xy(&self, at: LatLng) -> (f64, f64) {
        let place = UnitVector::from(at);
        let (east, north) = self.compass.east_north(place);
        let level = libm::sqrt(east * east + north * north);
        if level == 0.0 {
            return (self.compass.up.distance_m(place), 0.0);
        }
        let scale = self.compass.up.distance_m(place) / level;
        (east * scale, north * scale)
    }

    /// The position `x` metres east and `y` metres north of the origin.
    ///
    /// # Errors
    /// [`GeoError::NotFinite`] if a coordinate is NaN or infinite, or so large that the distance
    /// overflows.
    pub fn from_xy(&self, x: f64, y: f64) -> Result<LatLng, GeoError> {
        let level = libm::hypot(x, y);
        if !level.is_finite() {
            return Err(GeoError::NotFinite);
        }
        if level == 0.0 {
            return self.compass.up.lat_lng();
        }
        self.compass
            .travel(x / level, y / level, level / EARTH_RADIUS_M)
            .lat_lng()
    }
}
