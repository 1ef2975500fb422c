//! Areas: what an isochrone covers.

use fieldfare_geo::{GeoError, Polygon};
use fieldfare_model::LatLng;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An area of one or several polygons with holes, in GeoJSON's order of coordinates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Area {
    polygons: Vec<Vec<Vec<(f64, f64)>>>,
}

const MOST_CORNERS: usize = 200_000;

#[derive(Deserialize)]
struct Collection {
    features: Vec<Feature>,
}

#[derive(Deserialize)]
struct Feature {
    geometry: Geometry,
}

#[derive(Deserialize)]
#[serde(tag = "type", content = "coordinates")]
enum Geometry {
    Polygon(Vec<Vec<(f64, f64)>>),
    MultiPolygon(Vec<Vec<Vec<(f64, f64)>>>),
}

impl Area {
    /// Reads the polygons of a GeoJSON feature collection.
    ///
    /// # Errors
    /// A sentence about what is wrong.
    pub fn from_geojson(collection: Value) -> Result<Self, String> {
        let collection: Collection = serde_json::from_value(collection)
            .map_err(|_| "not a collection of polygons".to_owned())?;
        let mut polygons = Vec::new();
        for feature in collection.features {
            match feature.geometry {
                Geometry::Polygon(polygon) => polygons.push(polygon),
                Geometry::MultiPolygon(several) => polygons.extend(several),
            }
        }
        let area = Self { polygons };
        area.polygons().map_err(|e| e.to_string())?;
        Ok(area)
    }

    /// The polygons, to look leads up with. Rings too thin to hold anything are left out.
    ///
    /// # Errors
    /// [`GeoError`] for a ring around a pole, or if the area has too many corners.
    pub fn polygons(&self) -> Result<Vec<Polygon>, GeoError> {
        let corners: usize = self.polygons.iter().flatten().map(Vec::len).sum();
        if corners > MOST_CORNERS {
            return Err(GeoError::RingTooThin);
        }
        let mut out = Vec::new();
        for rings in &self.polygons {
            if let Some(polygon) = polygon(rings)? {
                out.push(polygon);
            }
        }
        Ok(out)
    }

    /// The area as a GeoJSON geometry.
    pub fn to_geojson(&self) -> Value {
        serde_json::json!({"type": "MultiPolygon", "coordinates": self.polygons})
    }
}

fn polygon(rings: &[Vec<(f64, f64)>]) -> Result<Option<Polygon>, GeoError> {
    let mut rings = rings.iter();
    let Some(outer) = rings.next().and_then(|ring| positions(ring)) else {
        return Ok(None);
    };
    let holes = rings.filter_map(|ring| positions(ring));
    let holes = holes.filter(|ring| Polygon::new(ring, &[]).is_ok());
    match Polygon::new(&outer, &holes.collect::<Vec<_>>()) {
        Ok(polygon) => Ok(Some(polygon)),
        Err(GeoError::RingTooThin) => Ok(None),
        Err(error) => Err(error),
    }
}

/// None if a corner is not on Earth.
fn positions(ring: &[(f64, f64)]) -> Option<Vec<LatLng>> {
    let corners = ring.iter().map(|(lon, lat)| LatLng::new(*lat, *lon).ok());
    corners.collect()
}
