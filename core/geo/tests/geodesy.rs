//! Geodesy against GeographicLib, closed forms and its own inverses.
#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]
mod common;
use common::{anywhere, at};
use fieldfare_geo::{
    EARTH_RADIUS_M, GeoError, LocalPlane, UnitVector, bearing_deg, destination, distance_m,
    point_to_segment,
};
use fieldfare_model::LatLng;
use geographiclib_rs::{DirectGeodesic, Geodesic, InverseGeodesic};
use proptest::prelude::*;
use std::f64::consts::PI;

const HALF_WAY_ROUND_M: f64 = PI * EARTH_RADIUS_M;

fn turned(a: f64, b: f64) -> f64 {
    let apart = (a - b).rem_euclid(360.0);
    apart.min(360.0 - apart)
}

#[test]
fn distances_with_a_closed_form() {
    let quarter = HALF_WAY_ROUND_M / 2.0;
    for (a, b, metres) in [
        (at(0.0, 0.0), at(0.0, 90.0), quarter),
        (at(0.0, 0.0), at(90.0, 123.0), quarter),
        (at(-90.0, 5.0), at(90.0, -77.0), 2.0 * quarter),
        (at(0.0, 0.0), at(0.0, 180.0), 2.0 * quarter),
        (at(30.0, 40.0), at(-30.0, -140.0), 2.0 * quarter),
        (at(0.0, 179.5), at(0.0, -179.5), quarter / 90.0),
        (at(89.5, 0.0), at(89.5, 180.0), quarter / 90.0),
        (at(10.0, 20.0), at(10.0 + 1e-7, 20.0), quarter / 90.0 * 1e-7),
    ] {
        let got = distance_m(a, b);
        assert!(
            (got - metres).abs() < 2e-9 * (1.0 + metres),
            "{got} {metres}"
        );
    }
}

#[test]
fn one_place_written_in_two_ways() {
    assert_eq!(distance_m(at(90.0, 0.0), at(90.0, 77.0)), 0.0);
    assert_eq!(distance_m(at(-90.0, -180.0), at(-90.0, 1.0)), 0.0);
    assert_eq!(distance_m(at(12.0, 180.0), at(12.0, -180.0)), 0.0);
    assert_eq!(bearing_deg(at(12.0, 180.0), at(12.0, -180.0)), 0.0);
}

#[test]
fn bearings_with_a_closed_form() {
    for (a, b, degrees) in [
        (at(0.0, 0.0), at(1.0, 0.0), 0.0),
        (at(0.0, 0.0), at(0.0, 1.0), 90.0),
        (at(0.0, 0.0), at(-1.0, 0.0), 180.0),
        (at(0.0, 0.0), at(0.0, -1.0), 270.0),
        (at(0.0, 0.0), at(1.0, -1e-17), 0.0),
        (at(0.0, 180.0), at(0.0, -179.0), 90.0),
        (at(0.0, -180.0), at(0.0, 179.0), 270.0),
        (at(60.0, 10.0), at(90.0, -100.0), 0.0),
        (at(90.0, 10.0), at(0.0, 10.0), 180.0),
        (at(90.0, 10.0), at(0.0, 100.0), 90.0),
        (at(-90.0, 10.0), at(0.0, 100.0), 90.0),
    ] {
        let got = bearing_deg(a, b);
        assert!(turned(got, degrees) < 1e-9, "{a:?} {b:?}: {got}");
        assert!((0.0..360.0).contains(&got));
    }
}

#[test]
fn destinations_with_a_closed_form() {
    let degree = HALF_WAY_ROUND_M / 180.0;
    for (from, bearing, metres, to) in [
        (at(0.0, 179.5), 90.0, degree, at(0.0, -179.5)),
        (at(89.5, 0.0), 0.0, degree, at(89.5, 180.0)),
        (at(90.0, 30.0), 180.0, degree, at(89.0, 30.0)),
        (at(10.0, 20.0), 0.0, -degree, at(9.0, 20.0)),
        (at(10.0, 20.0), 360.0 * 7.0, degree, at(11.0, 20.0)),
        (at(10.0, 20.0), 77.0, 0.0, at(10.0, 20.0)),
    ] {
        let got = destination(from, bearing, metres).unwrap();
        assert!(distance_m(got, to) < 1e-6, "{got:?} {to:?}");
    }
    let here = at(1.0, 1.0);
    assert_eq!(destination(here, f64::NAN, 1.0), Err(GeoError::NotFinite));
    assert_eq!(
        destination(here, 1.0, f64::INFINITY),
        Err(GeoError::NotFinite)
    );
    assert_eq!(
        LocalPlane::at(here).from_xy(f64::NAN, 0.0),
        Err(GeoError::NotFinite)
    );
}

/// Bits, not tolerances: the same on every platform, or this test fails there.
#[test]
fn results_are_the_same_bits_everywhere() {
    let (a, b) = (at(52.520_008, 13.404_954), at(48.137_154, 11.576_124));
    let there = destination(a, 123.456, 78_901.2).unwrap();
    let got = [
        distance_m(a, b),
        bearing_deg(a, b),
        there.lat(),
        there.lon(),
    ]
    .map(f64::to_bits);
    let want = [
        0x411e_c7b6_1a31_a082,
        0x4068_7400_5215_d17c,
        0x404a_0ffb_eca0_136e,
        0x402c_bd0d_5085_56f8,
    ];
    assert_eq!(got, want, "{got:#x?}");
}

#[test]
fn segments_with_a_closed_form() {
    let degree = HALF_WAY_ROUND_M / 180.0;
    let over = point_to_segment(at(1.0, 180.0), at(0.0, 179.0), at(0.0, -179.0));
    assert!((over.distance_m - degree).abs() < 1e-6);
    assert!((over.fraction - 0.5).abs() < 1e-12);
    assert!(distance_m(over.nearest, at(0.0, 180.0)) < 1e-6);

    let pole = point_to_segment(at(90.0, 0.0), at(89.0, -90.0), at(89.0, 90.0));
    assert!(pole.distance_m < 1e-6 && (pole.fraction - 0.5).abs() < 1e-12);

    let (a, b) = (at(10.0, 10.0), at(10.0, 11.0));
    let before = point_to_segment(at(10.0, 9.0), a, b);
    assert_eq!((before.fraction, before.nearest), (0.0, a));
    let after = point_to_segment(at(10.0, 12.0), a, b);
    assert_eq!((after.fraction, after.nearest), (1.0, b));
    let none = point_to_segment(at(11.0, 10.0), a, a);
    assert_eq!((none.fraction, none.nearest), (0.0, a));
    assert!((none.distance_m - degree).abs() < 1e-6);
    let antipodes = point_to_segment(at(80.0, 0.0), at(-90.0, 0.0), at(90.0, 0.0));
    assert_eq!(
        (antipodes.fraction, antipodes.nearest),
        (1.0, at(90.0, 0.0))
    );
}

/// A point 3 m beside a segment of 2 m, as when snapping to a street's geometry.
#[test]
fn short_segments_keep_their_millimetres() {
    let a = at(52.5, 13.4);
    let b = destination(a, 40.0, 2.0).unwrap();
    let foot = destination(a, 40.0, 0.5).unwrap();
    let p = destination(foot, 130.0, 3.0).unwrap();
    let got = point_to_segment(p, a, b);
    assert!((got.distance_m - 3.0).abs() < 1e-6, "{got:?}");
    assert!((got.fraction - 0.25).abs() < 1e-6, "{got:?}");
}

fn slerp(a: UnitVector, b: UnitVector, fraction: f64) -> LatLng {
    let angle = a.distance_m(b) / EARTH_RADIUS_M;
    let bearing = bearing_deg(a.lat_lng().unwrap(), b.lat_lng().unwrap());
    let from = a.lat_lng().unwrap();
    destination(from, bearing, angle * fraction * EARTH_RADIUS_M).unwrap()
}

proptest! {
    #[test]
    fn great_circle_is_close_to_the_geodesic(a in anywhere(), b in anywhere()) {
        let geodesic: f64 = Geodesic::wgs84().inverse(a.lat(), a.lon(), b.lat(), b.lon());
        let ours = distance_m(a, b);
        prop_assert!((ours - geodesic).abs() <= 0.006 * geodesic + 1e-6, "{ours} {geodesic}");
        prop_assert_eq!(ours, distance_m(b, a));
        prop_assert!((0.0..=HALF_WAY_ROUND_M).contains(&ours));
    }

    #[test]
    fn short_bearings_are_those_of_the_geodesic(
        lat in -80.0..80.0, lon in -180.0..=180.0, bearing in 0.0..360.0, metres in 1.0..100_000.0,
    ) {
        let (lat2, lon2): (f64, f64) = Geodesic::wgs84().direct(lat, lon, bearing, metres);
        let got = bearing_deg(at(lat, lon), at(lat2, lon2));
        // The meridian and the parallel differ in curvature by at most 0.67 %.
        prop_assert!(turned(got, bearing) < 0.2, "{} {}", got, bearing);
    }

    #[test]
    fn destination_inverts_distance_and_bearing(
        a in anywhere(), bearing in 0.0..360.0, metres in 0.0..19_000_000.0,
    ) {
        let b = destination(a, bearing, metres).unwrap();
        prop_assert!((distance_m(a, b) - metres).abs() < 1e-6);
        if metres > 1.0 {
            let noise = 1e-7 / (metres / HALF_WAY_ROUND_M).sin().min(1.0);
            prop_assert!(turned(bearing_deg(a, b), bearing) < noise);
        }
        let back = destination(a, bearing_deg(a, b), distance_m(a, b)).unwrap();
        prop_assert!(distance_m(back, b) < 1e-6);
    }

    #[test]
    fn a_place_lies_nowhere_from_itself(a in anywhere()) {
        prop_assert_eq!(distance_m(a, a), 0.0);
        prop_assert_eq!(bearing_deg(a, a), 0.0);
        prop_assert_eq!(LocalPlane::at(a).to_xy(a), (0.0, 0.0));
    }

    #[test]
    fn vectors_and_positions_are_one(a in anywhere()) {
        let back = UnitVector::from(a).lat_lng().unwrap();
        prop_assert!(distance_m(a, back) < 1e-8);
    }

    #[test]
    fn the_plane_keeps_distance_and_bearing(origin in anywhere(), a in anywhere()) {
        let plane = LocalPlane::at(origin);
        let (x, y) = plane.to_xy(a);
        let metres = distance_m(origin, a);
        prop_assert!((x.hypot(y) - metres).abs() < 1e-6);
        if (0.01..19_900_000.0).contains(&metres) {
            prop_assert!(turned(x.atan2(y).to_degrees(), bearing_deg(origin, a)) < 1e-6);
        }
        let back = plane.from_xy(x, y).unwrap();
        prop_assert!(distance_m(back, a) < 1e-6 || metres > 20_015_000.0);
    }

    #[test]
    fn the_plane_is_flat_enough_for_a_walk(
        origin in anywhere(), x1 in -5e3..5e3, y1 in -5e3..5e3, x2 in -5e3..5e3, y2 in -5e3..5e3,
    ) {
        let plane = LocalPlane::at(origin);
        let (a, b) = (plane.from_xy(x1, y1).unwrap(), plane.from_xy(x2, y2).unwrap());
        let flat: f64 = (x1 - x2).hypot(y1 - y2);
        prop_assert!((flat - distance_m(a, b)).abs() < 1e-6 * flat + 1e-6);
    }

    #[test]
    fn no_place_on_a_segment_is_nearer(p in anywhere(), a in anywhere(), b in anywhere()) {
        let length = distance_m(a, b);
        prop_assume!(length < 0.999 * HALF_WAY_ROUND_M);
        let got = point_to_segment(p, a, b);
        prop_assert!((distance_m(p, got.nearest) - got.distance_m).abs() < 1e-5);
        prop_assert!((0.0..=1.0).contains(&got.fraction));
        prop_assert!((distance_m(a, got.nearest) - got.fraction * length).abs() < 1e-5);
        prop_assert!((distance_m(got.nearest, b) - (1.0 - got.fraction) * length).abs() < 1e-5);
        for step in 0..=64 {
            let on = slerp(a.into(), b.into(), f64::from(step) / 64.0);
            prop_assert!(distance_m(p, on) >= got.distance_m - 1e-5);
        }
    }
}
