//! What the tests share.
#![allow(dead_code)]
pub mod judge;
pub mod ruler;
pub mod trip;

use fieldfare_model::LatLng;

pub fn at(lat: f64, lon: f64) -> LatLng {
    LatLng::new(lat, lon).unwrap()
}
