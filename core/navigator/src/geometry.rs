//! Geometries as routing services write them.

use crate::RouteError;
use fieldfare_geo::{PolylineError, Precision, decode_polyline, distance_m};
use fieldfare_model::LatLng;
use serde::Deserialize;

/// An encoded polyline, or a GeoJSON line.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Geometry {
    Encoded(String),
    Line { coordinates: Vec<(f64, f64)> },
}

impl Geometry {
    /// The points. An encoded polyline does not say with which precision it was made; it is read
    /// with the one that lets it begin near `start`, or with six digits, Valhalla's habit.
    pub(crate) fn decode(&self, start: Option<LatLng>) -> Result<Vec<LatLng>, RouteError> {
        match self {
            Self::Encoded(text) => decode_near(text, start),
            Self::Line { coordinates } => coordinates.iter().map(|at| position(*at)).collect(),
        }
    }
}

fn position((lon, lat): (f64, f64)) -> Result<LatLng, RouteError> {
    LatLng::new(lat, lon).map_err(|_| RouteError::Field { field: "geometry" })
}

fn decode_near(text: &str, start: Option<LatLng>) -> Result<Vec<LatLng>, RouteError> {
    let six = decode_polyline(text, Precision::Six)?;
    let Some(start) = start else { return Ok(six) };
    match decode_polyline(text, Precision::Five) {
        Ok(five) if gap(&five, start) < gap(&six, start) => Ok(five),
        Ok(_) | Err(PolylineError::OutOfRange { .. }) => Ok(six),
        Err(error) => Err(error.into()),
    }
}

fn gap(path: &[LatLng], start: LatLng) -> f64 {
    path.first()
        .map_or(f64::INFINITY, |first| distance_m(*first, start))
}
