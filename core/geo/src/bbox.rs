use crate::GeoError;
use fieldfare_model::LatLng;

/// A box of latitudes and longitudes, edges included. If its west is greater than its east, it
/// crosses the antimeridian.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoundingBox {
    south: f64,
    west: f64,
    north: f64,
    east: f64,
}

impl BoundingBox {
    /// Builds a box from its south-west and north-east corners.
    ///
    /// # Errors
    /// [`GeoError::BoxUpsideDown`] if the south-west corner lies north of the other.
    pub fn new(south_west: LatLng, north_east: LatLng) -> Result<Self, GeoError> {
        if south_west.lat() > north_east.lat() {
            return Err(GeoError::BoxUpsideDown);
        }
        Ok(Self {
            south: south_west.lat(),
            west: south_west.lon(),
            north: north_east.lat(),
            east: north_east.lon(),
        })
    }

    /// A box whose edges may lie a hair outside the range of latitudes.
    pub(crate) const fn from_edges(south: f64, west: f64, north: f64, east: f64) -> Self {
        Self {
            south,
            west,
            north,
            east,
        }
    }

    /// Southern edge, degrees.
    pub const fn south(self) -> f64 {
        self.south
    }

    /// Western edge, degrees.
    pub const fn west(self) -> f64 {
        self.west
    }

    /// Northern edge, degrees.
    pub const fn north(self) -> f64 {
        self.north
    }

    /// Eastern edge, degrees.
    pub const fn east(self) -> f64 {
        self.east
    }

    /// Whether the box crosses the antimeridian.
    pub fn crosses_antimeridian(self) -> bool {
        self.west > self.east
    }

    /// Whether a position lies in the box or on its edge. Longitudes 180 and -180 are one line; a
    /// pole counts as lying at the longitude it is written with.
    pub fn contains(self, at: LatLng) -> bool {
        (self.south..=self.north).contains(&at.lat())
            && (self.has_lon(at.lon()) || (at.lon().abs() == 180.0 && self.has_lon(-at.lon())))
    }

    fn has_lon(self, lon: f64) -> bool {
        if self.crosses_antimeridian() {
            lon >= self.west || lon <= self.east
        } else {
            self.west <= lon && lon <= self.east
        }
    }
}
