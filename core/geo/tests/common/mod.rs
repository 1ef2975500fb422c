//! Positions that make geometry fail: everywhere, at poles, at the antimeridian, crowded, equal.
#![allow(dead_code)]
use fieldfare_model::LatLng;
use proptest::prelude::*;

pub fn at(lat: f64, lon: f64) -> LatLng {
    LatLng::new(lat, lon).unwrap()
}

pub fn anywhere() -> impl Strategy<Value = LatLng> {
    prop_oneof![
        4 => (-90.0..=90.0, -180.0..=180.0),
        2 => (-0.5..0.5, -0.5..0.5).prop_map(|(lat, lon)| (52.0 + lat, 13.0 + lon)),
        2 => (-0.01..0.01, -0.01..0.01).prop_map(|(lat, lon)| (40.0 + lat, -75.0 + lon)),
        2 => (-80.0..80.0, -0.02..0.02).prop_map(|(lat, lon): (f64, f64)| {
            (lat, if lon < 0.0 { 180.0 + lon } else { lon - 180.0 })
        }),
        1 => (-0.02..0.02, -0.02..0.02).prop_map(|(lat, lon): (f64, f64)| {
            (lat, if lon < 0.0 { 180.0 + lon } else { lon - 180.0 })
        }),
        1 => (0.0..0.02, -180.0..=180.0).prop_map(|(lat, lon)| (90.0 - lat, lon)),
        1 => (0.0..0.02, -180.0..=180.0).prop_map(|(lat, lon)| (lat - 90.0, lon)),
        2 => (-2i32..=2, -2i32..=2).prop_map(|(lat, lon)| (f64::from(lat) * 45.0, f64::from(lon) * 90.0)),
        1 => (0i32..3, 0i32..3).prop_map(|(lat, lon)| (52.0 + f64::from(lat) * 1e-3, 13.0 + f64::from(lon) * 1e-3)),
    ]
    .prop_map(|(lat, lon)| at(lat, lon))
}

/// Radii from nothing to everything.
pub fn radius() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(0.0),
        0.0..100.0,
        100.0..5_000.0,
        5_000.0..500_000.0,
        500_000.0..21_000_000.0,
        Just(f64::INFINITY),
    ]
}
