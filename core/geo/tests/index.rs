//! The index against a loop over everything.
#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]
mod common;
use common::{anywhere, at, radius};
use fieldfare_geo::{BoundingBox, Hit, Polygon, SpatialIndex, distance_m};
use fieldfare_model::LatLng;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;

type Held = BTreeMap<u32, LatLng>;

fn held(positions: Vec<LatLng>) -> Held {
    // Keys in another order than positions, so that ties by key are not ties by place in memory.
    let count = positions.len() as u32;
    let keys = (0..count).map(|i| (i.wrapping_mul(7919)) ^ 0x55);
    keys.zip(positions).collect()
}

fn all_by_distance(held: &Held, center: LatLng) -> Vec<Hit<u32>> {
    let mut hits: Vec<_> = held
        .iter()
        .map(|(&key, &at)| Hit {
            key,
            distance_m: distance_m(center, at),
        })
        .collect();
    hits.sort_by(|a, b| {
        (a.distance_m, a.key)
            .partial_cmp(&(b.distance_m, b.key))
            .unwrap()
    });
    hits
}

fn keys_where(held: &Held, belongs: impl Fn(LatLng) -> bool) -> Vec<u32> {
    let found = held.iter().filter(|(_, at)| belongs(**at));
    found.map(|(&key, _)| key).collect()
}

fn bulk(held: &Held) -> SpatialIndex<u32> {
    SpatialIndex::bulk_load(held.iter().map(|(&k, &at)| (k, at)))
}

fn box_of(a: LatLng, b: LatLng) -> BoundingBox {
    let (south, north) = (a.lat().min(b.lat()), a.lat().max(b.lat()));
    BoundingBox::new(at(south, a.lon()), at(north, b.lon())).unwrap()
}

fn check(index: &SpatialIndex<u32>, held: &Held, center: LatLng, other: LatLng, metres: f64) {
    assert_eq!(index.len(), held.len());
    assert_eq!(index.is_empty(), held.is_empty());
    let all = all_by_distance(held, center);
    let near: Vec<_> = all
        .iter()
        .filter(|h| h.distance_m <= metres)
        .copied()
        .collect();
    assert_eq!(index.within_radius(center, metres), near);
    let mut visited = Vec::new();
    index.for_each_within(center, metres, |hit| visited.push(hit.key));
    visited.sort_unstable();
    let mut keys: Vec<_> = near.iter().map(|h| h.key).collect();
    keys.sort_unstable();
    assert_eq!(visited, keys);
    for k in [0, 1, 5, held.len(), usize::MAX] {
        assert_eq!(index.nearest(center, k), all[..k.min(all.len())]);
    }
    let odd: Vec<_> = all
        .iter()
        .filter(|h| h.key % 3 == 1)
        .take(4)
        .copied()
        .collect();
    assert_eq!(index.nearest_where(center, 4, |key| key % 3 == 1), odd);
    let area = box_of(center, other);
    assert_eq!(index.in_box(area), keys_where(held, |at| area.contains(at)));
    for (key, at) in held {
        assert_eq!(index.position(*key), Some(*at));
    }
}

#[derive(Debug, Clone)]
enum Step {
    Insert(u32, LatLng),
    Remove(u32),
    Move(u32, LatLng),
}

fn step() -> impl Strategy<Value = Step> {
    let key = 0u32..60;
    prop_oneof![
        3 => (key.clone(), anywhere()).prop_map(|(k, p)| Step::Insert(k, p)),
        2 => key.clone().prop_map(Step::Remove),
        2 => (key, anywhere()).prop_map(|(k, p)| Step::Move(k, p)),
    ]
}

fn apply(index: &mut SpatialIndex<u32>, held: &mut Held, step: Step) {
    match step {
        Step::Insert(key, at) => assert_eq!(index.insert(key, at), held.insert(key, at)),
        Step::Remove(key) => assert_eq!(index.remove(key), held.remove(&key)),
        Step::Move(key, at) => {
            let before = held.get_mut(&key).map(|place| std::mem::replace(place, at));
            assert_eq!(index.move_to(key, at), before);
        }
    }
}

/// A ring around a centre, each corner at its own distance, in plain degrees.
fn star(center: LatLng, reach: &[f64]) -> Vec<(f64, f64)> {
    let corner = |(i, r): (usize, &f64)| {
        let angle = i as f64 / reach.len() as f64 * std::f64::consts::TAU;
        (
            center.lat() + r * angle.sin(),
            center.lon() + r * angle.cos(),
        )
    };
    reach.iter().enumerate().map(corner).collect()
}

fn on_earth(ring: &[(f64, f64)]) -> Vec<LatLng> {
    let wrap = |lon: f64| (lon + 180.0).rem_euclid(360.0) - 180.0;
    ring.iter()
        .map(|&(lat, lon)| at(lat.clamp(-90.0, 90.0), wrap(lon)))
        .collect()
}

/// Even-odd rule on plain degrees, with the point brought near the centre.
fn inside(ring: &[(f64, f64)], center: LatLng, point: LatLng) -> bool {
    let lon = center.lon() + (point.lon() - center.lon() + 180.0).rem_euclid(360.0) - 180.0;
    let mut odd = false;
    for (i, &(lat_a, lon_a)) in ring.iter().enumerate() {
        let (lat_b, lon_b) = ring[(i + 1) % ring.len()];
        if (lat_a > point.lat()) != (lat_b > point.lat()) {
            let crossing = lon_a + (point.lat() - lat_a) / (lat_b - lat_a) * (lon_b - lon_a);
            odd ^= lon < crossing;
        }
    }
    odd
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn finds_what_a_loop_finds(
        positions in vec(anywhere(), 0..400), center in anywhere(), other in anywhere(), metres in radius(),
    ) {
        let held = held(positions);
        check(&bulk(&held), &held, center, other, metres);
    }

    #[test]
    fn the_edge_of_the_radius_is_in(positions in vec(anywhere(), 1..200), center in anywhere(), pick in 0usize..200) {
        let held = held(positions);
        let all = all_by_distance(&held, center);
        let metres = all[pick % all.len()].distance_m;
        check(&bulk(&held), &held, center, center, metres);
        check(&bulk(&held), &held, center, center, metres.next_down());
    }

    #[test]
    fn corners_of_boxes_are_in(positions in vec(anywhere(), 2..100), i in 0usize..100, j in 0usize..100) {
        let (a, b) = (positions[i % positions.len()], positions[j % positions.len()]);
        let held = held(positions);
        let area = box_of(a, b);
        let found = bulk(&held).in_box(area);
        prop_assert_eq!(&found, &keys_where(&held, |at| area.contains(at)));
        prop_assert!(held.iter().filter(|(_, p)| **p == a || **p == b).all(|(k, _)| found.contains(k)));
    }

    #[test]
    fn still_exact_after_changes(
        positions in vec(anywhere(), 0..60), steps in vec(step(), 1..150),
        center in anywhere(), other in anywhere(), metres in radius(),
    ) {
        let mut held: Held = (0..).zip(positions).collect();
        let mut index = bulk(&held);
        for step in steps {
            apply(&mut index, &mut held, step);
        }
        check(&index, &held, center, other, metres);
    }

    #[test]
    fn results_do_not_hang_on_history(positions in vec(anywhere(), 0..100), center in anywhere(), metres in radius()) {
        let held = held(positions);
        let mut index = SpatialIndex::new();
        for (&key, &at) in held.iter().rev() {
            index.insert(key, center);
            index.insert(key, at);
        }
        prop_assert_eq!(index.within_radius(center, metres), bulk(&held).within_radius(center, metres));
    }

    #[test]
    fn polygons_hold_what_the_even_odd_rule_says(
        positions in vec(anywhere(), 0..200), center in anywhere(),
        reach in vec(0.001..20.0, 3..12), nearby in vec((-20.0..20.0, -20.0..20.0), 0..200),
    ) {
        prop_assume!(center.lat().abs() < 69.0);
        let ring = star(center, &reach);
        let hole: Vec<_> = star(center, &reach.iter().map(|r| r * 0.4).collect::<Vec<_>>());
        let around: Vec<_> = nearby.iter().map(|(dlat, dlon)| (center.lat() + dlat, center.lon() + dlon)).collect();
        let held = held(positions.into_iter().chain(on_earth(&around)).collect());
        // Wrapping a longitude rounds it by 1e-14, so a place that far from an edge may differ.
        let polygon = Polygon::new(&on_earth(&ring), &[on_earth(&hole)]).unwrap();
        let found = bulk(&held).in_polygon(&polygon);
        prop_assert_eq!(&found, &keys_where(&held, |at| polygon.contains(at)));
        for (key, at) in &held {
            let near_edge = [1.0 - 1e-9, 1.0 + 1e-9].map(|scale| {
                let scaled = |ring: &[(f64, f64)]| ring.iter().map(|(lat, lon)| {
                    (center.lat() + (lat - center.lat()) * scale, center.lon() + (lon - center.lon()) * scale)
                }).collect::<Vec<_>>();
                inside(&scaled(&ring), center, *at) && !inside(&scaled(&hole), center, *at)
            });
            if near_edge[0] == near_edge[1] {
                prop_assert_eq!(found.contains(key), near_edge[0], "{:?}", at);
            }
        }
    }
}

#[test]
fn large_and_even_spread() {
    let golden = |i: u32| {
        let lat = (1.0 - 2.0 * (f64::from(i) + 0.5) / 5000.0)
            .asin()
            .to_degrees();
        let lon = (f64::from(i) * 222.492_235_949_962_1).rem_euclid(360.0) - 180.0;
        at(lat, lon)
    };
    let held = held((0..5000).map(golden).collect());
    let index = bulk(&held);
    for (lat, lon) in [
        (0.0, 180.0),
        (90.0, 0.0),
        (-89.9, 17.0),
        (52.0, 13.0),
        (3.0, -179.99),
    ] {
        for metres in [0.0, 1e3, 1e5, 1e6, 1e7, 2e7] {
            check(
                &index,
                &held,
                at(lat, lon),
                at(-lat / 2.0, lon / 3.0),
                metres,
            );
        }
    }
}

#[test]
fn senseless_radii_find_nothing() {
    let index = SpatialIndex::bulk_load([(1, at(0.0, 0.0))]);
    for metres in [f64::NAN, -1.0, f64::NEG_INFINITY] {
        assert_eq!(index.within_radius(at(0.0, 0.0), metres), []);
    }
    assert_eq!(index.within_radius(at(0.0, 0.0), -0.0).len(), 1);
    for all_of_it in [20_015_115.0, 40_030_000.0, 6e7, f64::MAX, f64::INFINITY] {
        assert_eq!(index.within_radius(at(0.0, 180.0), all_of_it).len(), 1);
    }
}

#[test]
fn of_one_key_the_last_position_stays() {
    let index = SpatialIndex::bulk_load([(1, at(0.0, 0.0)), (2, at(1.0, 1.0)), (1, at(5.0, 5.0))]);
    assert_eq!(index.len(), 2);
    assert_eq!(index.position(1), Some(at(5.0, 5.0)));
    assert_eq!(index.within_radius(at(0.0, 0.0), 1e7).len(), 2);
}

#[test]
fn boxes_at_the_antimeridian() {
    let (east, west) = (at(0.0, 180.0), at(0.0, -180.0));
    let index =
        SpatialIndex::bulk_load([(1, east), (2, west), (3, at(0.0, 0.0)), (4, at(0.0, 179.0))]);
    let found = |west: f64, east: f64| {
        index.in_box(BoundingBox::new(at(-1.0, west), at(1.0, east)).unwrap())
    };
    assert_eq!(found(170.0, -170.0), [1, 2, 4]);
    assert_eq!(found(-180.0, -170.0), [1, 2]);
    assert_eq!(found(179.5, 180.0), [1, 2]);
    assert_eq!(found(-180.0, 180.0), [1, 2, 3, 4]);
    assert_eq!(found(10.0, -179.5), [1, 2, 4]);
    assert_eq!(found(-10.0, 10.0), [3]);
    assert!(BoundingBox::new(at(1.0, 0.0), at(0.0, 1.0)).is_err());
}
