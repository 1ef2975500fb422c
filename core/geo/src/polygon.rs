use crate::{BoundingBox, GeoError};
use fieldfare_model::LatLng;
use geo::coordinate_position::{CoordPos, CoordinatePosition};
use geo::{Coord, LineString};

/// A polygon with holes, as drawn on a map: its edges are straight in latitude and longitude, as
/// in GeoJSON. The boundary, also that of a hole, belongs to the polygon.
///
/// Two corners in a row are joined the short way round, so a polygon may cross the antimeridian,
/// written with longitudes of either sign; one edge spans less than 180 degrees of longitude.
#[derive(Debug, Clone, PartialEq)]
pub struct Polygon {
    shape: geo::Polygon<f64>,
    ring: Extent,
}

/// What a ring covers; longitudes are unwrapped and may lie beyond 180.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Extent {
    south: f64,
    west: f64,
    north: f64,
    east: f64,
}

impl Polygon {
    /// Builds a polygon from its outer ring and its holes. Rings may be closed or open and wound
    /// either way.
    ///
    /// # Errors
    /// [`GeoError::RingTooThin`] for a ring without area, [`GeoError::RingAroundPole`] for one
    /// that goes around the Earth.
    pub fn new(exterior: &[LatLng], holes: &[Vec<LatLng>]) -> Result<Self, GeoError> {
        let outer = unwrap_ring(exterior)?;
        let west = extent(&outer).west;
        let outer = shift(outer, turns_to(west, -180.0));
        let ring = extent(&outer);
        let inner = holes
            .iter()
            .map(|hole| {
                let hole = unwrap_ring(hole)?;
                let turns = turns_to(extent(&hole).west, ring.west);
                Ok(LineString::new(shift(hole, turns)))
            })
            .collect::<Result<Vec<_>, GeoError>>()?;
        let shape = geo::Polygon::new(LineString::new(outer), inner);
        Ok(Self { shape, ring })
    }

    /// Whether a position lies inside or on the boundary. Linear in the number of corners.
    ///
    /// A pole counts as lying at the longitude it is written with.
    pub fn contains(&self, at: LatLng) -> bool {
        [at.lon(), at.lon() + 360.0, at.lon() - 360.0]
            .into_iter()
            .any(|lon| self.contains_unwrapped(at.lat(), lon))
    }

    fn contains_unwrapped(&self, lat: f64, lon: f64) -> bool {
        let ring = self.ring;
        let near =
            (ring.south..=ring.north).contains(&lat) && (ring.west..=ring.east).contains(&lon);
        near && self.shape.coordinate_position(&Coord { x: lon, y: lat }) != CoordPos::Outside
    }

    /// A box that holds the polygon with room for rounding.
    pub(crate) fn search_box(&self) -> BoundingBox {
        const ROOM: f64 = 1e-9;
        let ring = self.ring;
        let (west, east) = (ring.west - ROOM, ring.east + ROOM);
        let (west, east) = if east - west >= 360.0 {
            (-180.0, 180.0)
        } else {
            (wrap(west), wrap(east))
        };
        BoundingBox::from_edges(ring.south - ROOM, west, ring.north + ROOM, east)
    }
}

/// Corners with longitudes that run on past 180 degrees instead of jumping.
fn unwrap_ring(ring: &[LatLng]) -> Result<Vec<Coord<f64>>, GeoError> {
    let first = ring.first().ok_or(GeoError::RingTooThin)?;
    let mut turns = 0.0;
    let mut before = first.lon();
    let mut corners = Vec::with_capacity(ring.len() + 1);
    for at in ring.iter().chain([first]) {
        turns += turns_between(before, at.lon());
        before = at.lon();
        corners.push(Coord {
            x: at.lon() + 360.0 * turns,
            y: at.lat(),
        });
    }
    if turns != 0.0 {
        return Err(GeoError::RingAroundPole);
    }
    if has_area(&corners) {
        Ok(corners)
    } else {
        Err(GeoError::RingTooThin)
    }
}

/// The full turns to add so that the step from one longitude to the next is the short one.
fn turns_between(before: f64, after: f64) -> f64 {
    let step = after - before;
    if step > 180.0 {
        -1.0
    } else if step < -180.0 {
        1.0
    } else {
        0.0
    }
}

/// Whether three of the corners are not in one line.
fn has_area(corners: &[Coord<f64>]) -> bool {
    let Some((&first, rest)) = corners.split_first() else {
        return false;
    };
    let Some(&second) = rest.iter().find(|c| **c != first) else {
        return false;
    };
    let along = second - first;
    rest.iter().any(|&corner| {
        let across = corner - first;
        along.x * across.y != along.y * across.x
    })
}

/// The full turns that bring a longitude to `start` or up to 360 degrees beyond.
fn turns_to(lon: f64, start: f64) -> f64 {
    ((start - lon) / 360.0).ceil()
}

fn shift(mut corners: Vec<Coord<f64>>, turns: f64) -> Vec<Coord<f64>> {
    for corner in &mut corners {
        corner.x += 360.0 * turns;
    }
    corners
}

fn wrap(lon: f64) -> f64 {
    if lon > 180.0 {
        lon - 360.0
    } else if lon < -180.0 {
        lon + 360.0
    } else {
        lon
    }
}

fn extent(corners: &[Coord<f64>]) -> Extent {
    let nothing = Extent {
        south: f64::INFINITY,
        west: f64::INFINITY,
        north: f64::NEG_INFINITY,
        east: f64::NEG_INFINITY,
    };
    corners.iter().fold(nothing, |so_far, corner| Extent {
        south: so_far.south.min(corner.y),
        west: so_far.west.min(corner.x),
        north: so_far.north.max(corner.y),
        east: so_far.east.max(corner.x),
    })
}
