use crate::GeoError;
use fieldfare_model::LatLng;

/// Mean radius of the Earth in metres (IUGG R1), the sphere of all great-circle results.
pub const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// A position as a unit vector from the centre of the Earth: x towards (0, 0), y towards
/// (0, 90 E), z towards the north pole.
///
/// Poles and the antimeridian need no special case in this form: positions that are the same
/// place have the same vector.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UnitVector {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) z: f64,
}

impl From<LatLng> for UnitVector {
    fn from(at: LatLng) -> Self {
        let (sin_lat, cos_lat) = sin_cos_lat(at.lat());
        let (sin_lon, cos_lon) = sin_cos_lon(at.lon());
        Self {
            x: cos_lat * cos_lon,
            y: cos_lat * sin_lon,
            z: sin_lat,
        }
    }
}

impl UnitVector {
    /// Squared length of the straight line through the Earth, in units of the Earth's radius.
    ///
    /// Grows with the great-circle distance: 0 for the same place, 4 for antipodes.
    pub fn chord2(self, other: Self) -> f64 {
        self.minus(other).norm2()
    }

    /// Great-circle distance in metres, exactly symmetric, accurate from nanometres to antipodes.
    ///
    /// Kahan's half-angle form: `2 atan2(|a - b|, |a + b|)`.
    pub fn distance_m(self, other: Self) -> f64 {
        let apart = libm::sqrt(self.chord2(other));
        let together = libm::sqrt(self.plus(other).norm2());
        2.0 * EARTH_RADIUS_M * libm::atan2(apart, together)
    }

    /// The position this vector points to.
    ///
    /// # Errors
    /// [`GeoError::NotFinite`] if the vector came from numbers that were not finite.
    pub fn lat_lng(self) -> Result<LatLng, GeoError> {
        let level = libm::sqrt(self.x * self.x + self.y * self.y);
        let lat = libm::atan2(self.z, level).to_degrees();
        let lon = libm::atan2(self.y, self.x).to_degrees();
        LatLng::new(lat.clamp(-90.0, 90.0), lon.clamp(-180.0, 180.0))
            .map_err(|_| GeoError::NotFinite)
    }

    /// Cosine of the latitude.
    pub(crate) fn cos_lat(self) -> f64 {
        libm::sqrt(self.x * self.x + self.y * self.y)
    }

    pub(crate) fn dot(self, o: Self) -> f64 {
        self.x * o.x + self.y * o.y + self.z * o.z
    }

    pub(crate) fn cross(self, o: Self) -> Self {
        Self {
            x: self.y * o.z - self.z * o.y,
            y: self.z * o.x - self.x * o.z,
            z: self.x * o.y - self.y * o.x,
        }
    }

    pub(crate) fn plus(self, o: Self) -> Self {
        Self {
            x: self.x + o.x,
            y: self.y + o.y,
            z: self.z + o.z,
        }
    }

    pub(crate) fn minus(self, o: Self) -> Self {
        self.plus(o.times(-1.0))
    }

    pub(crate) fn times(self, k: f64) -> Self {
        Self {
            x: self.x * k,
            y: self.y * k,
            z: self.z * k,
        }
    }

    pub(crate) fn norm2(self) -> f64 {
        self.dot(self)
    }
}

/// The directions east and north at a position. At a pole they follow the meridian of the
/// position's longitude.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Compass {
    pub(crate) up: UnitVector,
    pub(crate) east: UnitVector,
    pub(crate) north: UnitVector,
}

impl Compass {
    pub(crate) fn at(origin: LatLng) -> Self {
        let (sin_lat, cos_lat) = sin_cos_lat(origin.lat());
        let (sin_lon, cos_lon) = sin_cos_lon(origin.lon());
        Self {
            up: UnitVector::from(origin),
            east: UnitVector {
                x: -sin_lon,
                y: cos_lon,
                z: 0.0,
            },
            north: UnitVector {
                x: -sin_lat * cos_lon,
                y: -sin_lat * sin_lon,
                z: cos_lat,
            },
        }
    }

    /// East and north parts of a place, in units of the radius: exactly 0 for the origin.
    pub(crate) fn east_north(&self, place: UnitVector) -> (f64, f64) {
        let step = place.minus(self.up);
        (step.dot(self.east), step.dot(self.north))
    }

    /// The place reached by turning `angle` radians along the direction `(east, north)`, which
    /// has length 1.
    pub(crate) fn travel(&self, east: f64, north: f64, angle: f64) -> UnitVector {
        let (sin, cos) = libm::sincos(angle);
        let ahead = self.east.times(east).plus(self.north.times(north));
        self.up.times(cos).plus(ahead.times(sin))
    }
}

/// Great-circle distance in metres.
///
/// Symmetric; accurate for tiny and for antipodal distances. Two ways of writing one place (a pole
/// with any longitude, longitude 180 and -180) are 0 m apart.
pub fn distance_m(a: LatLng, b: LatLng) -> f64 {
    UnitVector::from(a).distance_m(UnitVector::from(b))
}

/// Initial bearing from `a` to `b` in degrees clockwise from north, within `0.0..360.0`.
///
/// 0 for the same place. At a pole north is the direction of the meridian of `a`'s longitude, so
/// everything lies at 180 minus the difference in longitude seen from the north pole. Towards the
/// antipode every bearing is right and one of them is returned.
pub fn bearing_deg(a: LatLng, b: LatLng) -> f64 {
    let (east, north) = Compass::at(a).east_north(UnitVector::from(b));
    if east == 0.0 && north == 0.0 {
        return 0.0;
    }
    let degrees = libm::atan2(east, north).to_degrees();
    let turned = if degrees < 0.0 {
        degrees + 360.0
    } else {
        degrees
    };
    // A tiny negative angle rounds up to a full turn.
    if turned >= 360.0 { 0.0 } else { turned }
}

/// The place `metres` away from `from` along the great circle that starts at `bearing_deg`.
///
/// A negative distance goes backwards; any finite bearing is taken modulo 360.
///
/// # Errors
/// [`GeoError::NotFinite`] if the bearing or the distance is NaN or infinite.
pub fn destination(from: LatLng, bearing_deg: f64, metres: f64) -> Result<LatLng, GeoError> {
    if !bearing_deg.is_finite() || !metres.is_finite() {
        return Err(GeoError::NotFinite);
    }
    let (east, north) = libm::sincos((bearing_deg % 360.0).to_radians());
    Compass::at(from)
        .travel(east, north, metres / EARTH_RADIUS_M)
        .lat_lng()
}

fn sin_cos_lat(lat: f64) -> (f64, f64) {
    if lat.abs() == 90.0 {
        return (lat.signum(), 0.0);
    }
    libm::sincos(lat.to_radians())
}

/// The antimeridian is one line, whichever sign its longitude carries.
fn sin_cos_lon(lon: f64) -> (f64, f64) {
    if lon.abs() == 180.0 {
        return (0.0, -1.0);
    }
    libm::sincos(lon.to_radians())
}
