use crate::ModelError;
use serde::{Deserialize, Serialize};

/// A validated WGS 84 position in degrees. Never NaN or infinite.
///
/// Latitude is within ±90, longitude within ±180 (both ends allowed).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawLatLng", into = "RawLatLng")]
pub struct LatLng {
    lat: f64,
    lon: f64,
}

#[derive(Serialize, Deserialize)]
struct RawLatLng {
    lat: f64,
    lon: f64,
}

const E7: f64 = 1e7;

impl LatLng {
    /// Builds a position from degrees.
    ///
    /// # Errors
    /// [`ModelError::Position`] for NaN, infinities, or values out of range.
    pub fn new(lat: f64, lon: f64) -> Result<Self, ModelError> {
        if (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon) {
            Ok(Self { lat, lon })
        } else {
            Err(ModelError::Position)
        }
    }

    /// Builds a position from degrees times 10^7, the form in which positions are stored and sent.
    ///
    /// # Errors
    /// [`ModelError::Position`] for values out of range.
    pub fn from_e7(lat_e7: i64, lon_e7: i64) -> Result<Self, ModelError> {
        Self::new(lat_e7 as f64 / E7, lon_e7 as f64 / E7)
    }

    /// Degrees north.
    pub const fn lat(self) -> f64 {
        self.lat
    }

    /// Degrees east.
    pub const fn lon(self) -> f64 {
        self.lon
    }

    /// Latitude in degrees times 10^7, rounded to nearest (about 1 cm).
    pub fn lat_e7(self) -> i64 {
        (self.lat * E7).round() as i64
    }

    /// Longitude in degrees times 10^7, rounded to nearest.
    pub fn lon_e7(self) -> i64 {
        (self.lon * E7).round() as i64
    }
}

impl TryFrom<RawLatLng> for LatLng {
    type Error = ModelError;
    fn try_from(raw: RawLatLng) -> Result<Self, ModelError> {
        Self::new(raw.lat, raw.lon)
    }
}

impl From<LatLng> for RawLatLng {
    fn from(p: LatLng) -> Self {
        Self {
            lat: p.lat,
            lon: p.lon,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refuses_what_is_not_on_earth() {
        for (lat, lon) in [
            (f64::NAN, 0.0),
            (0.0, f64::INFINITY),
            (90.1, 0.0),
            (0.0, -180.5),
        ] {
            assert_eq!(LatLng::new(lat, lon), Err(ModelError::Position));
        }
        assert!(serde_json::from_str::<LatLng>(r#"{"lat":91,"lon":0}"#).is_err());
    }

    proptest! {
        #[test]
        fn e7_survives_a_round_trip(lat in -900_000_000i64..=900_000_000, lon in -1_800_000_000i64..=1_800_000_000) {
            let p = LatLng::from_e7(lat, lon).unwrap();
            prop_assert_eq!((p.lat_e7(), p.lon_e7()), (lat, lon));
        }
    }
}
