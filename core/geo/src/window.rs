use crate::{BoundingBox, EARTH_RADIUS_M, UnitVector};
use fieldfare_model::LatLng;
use rstar::AABB;

/// The rectangles of the index: `[latitude, longitude]` in degrees, as 32-bit floats.
pub(crate) type Rect = AABB<[f32; 2]>;

/// Rounding to 32 bits keeps order (`a <= b` gives `a as f32 <= b as f32`), so comparing rounded
/// positions with rounded edges never loses a position; it may let one in that the exact check
/// then refuses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    lat: Span,
    /// Two spans, because a window may cross the antimeridian. They are tested together: in 32
    /// bits they may touch, and each position must be seen once.
    lon: [Span; 2],
}

#[derive(Debug, Clone, Copy)]
struct Span {
    low: f32,
    high: f32,
}

impl Span {
    const NOTHING: Self = Self {
        low: f32::INFINITY,
        high: f32::NEG_INFINITY,
    };

    fn new(low: f64, high: f64) -> Self {
        Self {
            low: low as f32,
            high: high as f32,
        }
    }

    fn meets(self, low: f32, high: f32) -> bool {
        (low <= self.high) & (high >= self.low)
    }
}

impl Window {
    /// Everything in the box.
    pub(crate) fn of_box(area: BoundingBox) -> Self {
        let lat = Span::new(area.south(), area.north());
        let (west, east) = (area.west(), area.east());
        let lon = if area.crosses_antimeridian() {
            [Span::new(west, 180.0), Span::new(-180.0, east)]
        } else if west == -180.0 {
            [Span::new(west, east), Span::new(180.0, 180.0)]
        } else if east == 180.0 {
            [Span::new(west, east), Span::new(-180.0, -180.0)]
        } else {
            [Span::new(west, east), Span::NOTHING]
        };
        Self { lat, lon }
    }

    /// Everything within a circle, and a little more.
    pub(crate) fn of_circle(center: LatLng, place: UnitVector, radius_m: f64) -> Self {
        // A centimetre covers every rounding below by far.
        let angle = (radius_m * (1.0 + 1e-9) + 0.01) / EARTH_RADIUS_M;
        let reach = angle.to_degrees();
        let (south, north) = (center.lat() - reach, center.lat() + reach);
        let lat = Span::new(south, north);
        if south <= -90.0 || north >= 90.0 {
            return Self {
                lat,
                lon: [Span::new(-180.0, 180.0), Span::NOTHING],
            };
        }
        // The meridians that touch the circle: sin(angle) / cos(latitude) is the sine of their
        // distance; x >= sin(x) and x + (pi/2 - 1) x^3 >= asin(x) save two libm calls.
        let sine = (angle / place.cos_lat()).min(1.0);
        let sideways = (sine + 0.5708 * sine * sine * sine).to_degrees();
        Self {
            lat,
            lon: around(center.lon(), sideways),
        }
    }

    /// Whether a rectangle of the index may hold something in the window.
    pub(crate) fn meets(&self, rect: &Rect) -> bool {
        let ([south, west], [north, east]) = (rect.lower(), rect.upper());
        let [first, second] = self.lon;
        self.lat.meets(south, north) & (first.meets(west, east) | second.meets(west, east))
    }

    /// Whether a point of the index lies in the window.
    pub(crate) fn holds(&self, [lat, lon]: [f32; 2]) -> bool {
        let [first, second] = self.lon;
        self.lat.meets(lat, lat) & (first.meets(lon, lon) | second.meets(lon, lon))
    }
}

fn around(lon: f64, reach: f64) -> [Span; 2] {
    let (west, east) = (lon - reach, lon + reach);
    if reach >= 180.0 {
        [Span::new(-180.0, 180.0), Span::NOTHING]
    } else if west < -180.0 {
        [Span::new(west + 360.0, 180.0), Span::new(-180.0, east)]
    } else if east > 180.0 {
        [Span::new(west, 180.0), Span::new(-180.0, east - 360.0)]
    } else {
        [Span::new(west, east), Span::NOTHING]
    }
}

/// A place to measure from, for lower bounds on the distance to rectangles of the index.
pub(crate) struct Viewpoint {
    lat: f64,
    lon: f64,
    cos_lat: f64,
}

/// Twice the rounding of a longitude to 32 bits, in degrees.
const ROUNDING: f64 = 2e-5;

impl Viewpoint {
    pub(crate) fn new(at: LatLng, place: UnitVector) -> Self {
        Self {
            lat: at.lat(),
            lon: at.lon(),
            cos_lat: place.cos_lat(),
        }
    }

    /// A squared chord that no position in the rectangle undercuts.
    ///
    /// The haversine formula with the smallest difference of latitude, the smallest difference of
    /// longitude and the smallest cosine of latitude the rectangle allows, and with Taylor
    /// polynomials that stay below sine and cosine.
    pub(crate) fn chord2_at_least(&self, rect: &Rect) -> f64 {
        let ([south, west], [north, east]) = (rect.lower(), rect.upper());
        let up = half_sine_at_least(gap(self.lat, f64::from(south), f64::from(north)));
        let sideways = half_sine_at_least(self.lon_gap(f64::from(west), f64::from(east)));
        let farthest_lat = f64::from(south.abs().max(north.abs())) + ROUNDING;
        let shrink = self.cos_lat * cos_at_least(farthest_lat.to_radians());
        4.0 * (up * up + shrink * sideways * sideways) * (1.0 - 1e-12)
    }

    fn lon_gap(&self, west: f64, east: f64) -> f64 {
        let straight = gap(self.lon, west, east);
        let other_way = gap(self.lon - 360.0, west, east).min(gap(self.lon + 360.0, west, east));
        straight.min(other_way)
    }
}

/// Degrees from a value to a span, less what rounding may have added.
fn gap(value: f64, low: f64, high: f64) -> f64 {
    ((low - value).max(value - high) - ROUNDING).max(0.0)
}

/// At most `sin(degrees / 2)`, for 0 to 180 degrees.
fn half_sine_at_least(degrees: f64) -> f64 {
    let x = degrees.to_radians() / 2.0;
    x - x * x * x / 6.0
}

/// At most `cos(x)`, for 0 to pi/2, never negative.
fn cos_at_least(x: f64) -> f64 {
    let x2 = x * x;
    (1.0 - x2 / 2.0 + x2 * x2 / 24.0 - x2 * x2 * x2 / 720.0).max(0.0)
}
