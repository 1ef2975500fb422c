//! Positions as vectors, and the flat map around a fix.
//!
//! A route is kept as unit vectors from the centre of the Earth, so that laying its points on the
//! plane that touches the Earth at a fix takes nine multiplications and no trigonometry. Neither
//! the antimeridian nor a pole is special in this form.

use fieldfare_geo::EARTH_RADIUS_M;
use fieldfare_model::LatLng;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Vector {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) z: f64,
}

impl Vector {
    pub(crate) fn dot(self, o: Self) -> f64 {
        self.x * o.x + self.y * o.y + self.z * o.z
    }

    pub(crate) fn minus(self, o: Self) -> Self {
        Self {
            x: self.x - o.x,
            y: self.y - o.y,
            z: self.z - o.z,
        }
    }

    pub(crate) fn plus(self, o: Self) -> Self {
        Self {
            x: self.x + o.x,
            y: self.y + o.y,
            z: self.z + o.z,
        }
    }

    pub(crate) fn times(self, k: f64) -> Self {
        Self {
            x: self.x * k,
            y: self.y * k,
            z: self.z * k,
        }
    }

    pub(crate) fn length(self) -> f64 {
        libm::sqrt(self.dot(self))
    }

    /// Metres along the great circle between two unit vectors.
    pub(crate) fn metres_to(self, o: Self) -> f64 {
        let half_chord = self.minus(o).length() / 2.0;
        2.0 * EARTH_RADIUS_M * libm::asin(half_chord.min(1.0))
    }

    /// The position below the vector, which need not have length 1; `None` for no direction.
    pub(crate) fn position(self) -> Option<LatLng> {
        let level = libm::sqrt(self.x * self.x + self.y * self.y);
        let lat = libm::atan2(self.z, level).to_degrees();
        let lon = libm::atan2(self.y, self.x).to_degrees();
        LatLng::new(lat.clamp(-90.0, 90.0), lon.clamp(-180.0, 180.0)).ok()
    }
}

impl From<LatLng> for Vector {
    fn from(at: LatLng) -> Self {
        let (lat, lon) = (SinCos::lat(at.lat()), SinCos::lon(at.lon()));
        Self {
            x: lat.cos * lon.cos,
            y: lat.cos * lon.sin,
            z: lat.sin,
        }
    }
}

#[derive(Clone, Copy)]
struct SinCos {
    sin: f64,
    cos: f64,
}

impl SinCos {
    fn lat(degrees: f64) -> Self {
        if degrees.abs() == 90.0 {
            return Self {
                sin: degrees.signum(),
                cos: 0.0,
            };
        }
        Self::of(degrees)
    }

    /// The antimeridian is one line, whichever sign it carries.
    fn lon(degrees: f64) -> Self {
        if degrees.abs() == 180.0 {
            return Self {
                sin: 0.0,
                cos: -1.0,
            };
        }
        Self::of(degrees)
    }

    fn of(degrees: f64) -> Self {
        let (sin, cos) = libm::sincos(degrees.to_radians());
        Self { sin, cos }
    }
}

/// A place on the flat map of a [`Frame`]: metres east and north.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Flat {
    pub(crate) east: f64,
    pub(crate) north: f64,
    /// How far the place lies below the plane, metres: 0 near the origin, much beyond the horizon.
    pub(crate) below: f64,
}

impl Flat {
    /// Length of the way from the origin.
    pub(crate) fn level(self) -> f64 {
        libm::sqrt(self.east * self.east + self.north * self.north)
    }
}

/// The plane that touches the Earth at a fix, which is its origin.
///
/// Orthographic: lengths shrink by `(d / R)^2 / 2` at distance `d` from the origin, 0.1 mm per
/// kilometre at 3 km.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) up: Vector,
    east: Vector,
    north: Vector,
}

impl Frame {
    pub(crate) fn at(origin: LatLng) -> Self {
        let (lat, lon) = (SinCos::lat(origin.lat()), SinCos::lon(origin.lon()));
        Self {
            up: Vector {
                x: lat.cos * lon.cos,
                y: lat.cos * lon.sin,
                z: lat.sin,
            },
            east: Vector {
                x: -lon.sin,
                y: lon.cos,
                z: 0.0,
            },
            north: Vector {
                x: -lat.sin * lon.cos,
                y: -lat.sin * lon.sin,
                z: lat.cos,
            },
        }
    }

    /// The place seen with the origin at latitude and longitude 0.
    pub(crate) fn turned(&self, place: Vector) -> Vector {
        Vector {
            x: place.dot(self.up),
            y: place.dot(self.east),
            z: place.dot(self.north),
        }
    }

    pub(crate) fn flat(&self, place: Vector) -> Flat {
        let step = place.minus(self.up);
        Flat {
            east: step.dot(self.east) * EARTH_RADIUS_M,
            north: step.dot(self.north) * EARTH_RADIUS_M,
            below: -step.dot(self.up) * EARTH_RADIUS_M,
        }
    }
}

/// A direction on a flat map, of length 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Course {
    pub(crate) east: f64,
    pub(crate) north: f64,
}

impl Course {
    /// From degrees clockwise from north.
    pub(crate) fn from_degrees(degrees: f64) -> Self {
        let (sin, cos) = libm::sincos((degrees % 360.0).to_radians());
        Self {
            east: sin,
            north: cos,
        }
    }

    /// The direction of a way; `None` if it has no length.
    pub(crate) fn of(east: f64, north: f64) -> Option<Self> {
        let level = libm::sqrt(east * east + north * north);
        (level > 0.0).then(|| Self {
            east: east / level,
            north: north / level,
        })
    }

    /// Degrees clockwise from north, within `0.0..360.0`.
    pub(crate) fn degrees(self) -> f64 {
        let degrees = libm::atan2(self.east, self.north).to_degrees();
        let turned = if degrees < 0.0 {
            degrees + 360.0
        } else {
            degrees
        };
        if turned >= 360.0 { 0.0 } else { turned }
    }

    /// Cosine of the angle to another direction: 1 for the same, -1 for the opposite.
    pub(crate) fn agreement(self, o: Self) -> f64 {
        self.east * o.east + self.north * o.north
    }
}
