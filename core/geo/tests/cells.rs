//! H3 cells: known answers and the grid's own rules. Polygons that cannot be built.
#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]
mod common;
use common::{anywhere, at};
use fieldfare_geo::{Cell, GeoError, Polygon, Resolution, coarsen, distance_m};
use proptest::prelude::*;

fn resolution(number: u8) -> Resolution {
    Resolution::try_from(number).unwrap()
}

/// The example of H3's own documentation.
#[test]
fn the_published_example() {
    let cell = Cell::at(at(37.361_559_3, -122.055_323_8), resolution(5));
    assert_eq!(cell.to_string(), "85283473fffffff");
    assert_eq!(cell, "85283473fffffff".parse().unwrap());
    assert_eq!(cell.index(), 0x0852_8347_3fff_ffff);
    assert_eq!(Cell::try_from(cell.index()), Ok(cell));
    assert_eq!(cell.resolution().number(), 5);
    let centre = cell.centre().unwrap();
    assert!(distance_m(centre, at(37.345_793_375_368, -121.976_375_972_551)) < 1e-3);
    let ring: Vec<_> = cell.within_steps(1).iter().map(Cell::to_string).collect();
    let mut known = [
        "85283473fffffff",
        "85283447fffffff",
        "8528347bfffffff",
        "85283463fffffff",
        "85283477fffffff",
        "8528340ffffffff",
        "8528340bfffffff",
    ];
    known.sort_unstable();
    assert_eq!(ring, known);
}

#[test]
fn refuses_what_is_no_cell() {
    assert_eq!(Resolution::try_from(16), Err(GeoError::Resolution));
    assert_eq!("hello".parse::<Cell>(), Err(GeoError::Cell));
    assert_eq!("".parse::<Cell>(), Err(GeoError::Cell));
    assert_eq!(Cell::try_from(0), Err(GeoError::Cell));
    assert_eq!(Cell::try_from(u64::MAX), Err(GeoError::Cell));
}

#[test]
fn refuses_rings_that_enclose_nothing_or_a_pole() {
    let thin = [
        vec![],
        vec![at(1.0, 1.0)],
        vec![at(0.0, 0.0), at(1.0, 1.0), at(2.0, 2.0)],
    ];
    for ring in &thin {
        assert_eq!(Polygon::new(ring, &[]), Err(GeoError::RingTooThin));
    }
    let square = [at(0.0, 0.0), at(0.0, 3.0), at(3.0, 3.0), at(3.0, 0.0)];
    assert_eq!(
        Polygon::new(&square, &thin[2..]),
        Err(GeoError::RingTooThin)
    );
    let cap = [at(80.0, 0.0), at(80.0, 120.0), at(80.0, -120.0)];
    assert_eq!(Polygon::new(&cap, &[]), Err(GeoError::RingAroundPole));
}

#[test]
fn a_polygon_includes_its_boundary_and_leaves_out_its_hole() {
    let square = [
        at(0.0, 178.0),
        at(0.0, -178.0),
        at(4.0, -178.0),
        at(4.0, 178.0),
    ];
    let hole = vec![
        at(1.0, -179.5),
        at(3.0, -179.5),
        at(3.0, -178.5),
        at(1.0, -178.5),
    ];
    let polygon = Polygon::new(&square, &[hole]).unwrap();
    for inside in [
        at(0.0, 178.0),
        at(4.0, 180.0),
        at(2.0, -180.0),
        at(2.0, 179.0),
        at(2.0, -179.5),
        at(0.5, -179.0),
    ] {
        assert!(polygon.contains(inside), "{inside:?}");
    }
    for outside in [
        at(2.0, -179.0),
        at(2.0, 177.9),
        at(2.0, -177.9),
        at(2.0, 0.0),
        at(4.1, 180.0),
    ] {
        assert!(!polygon.contains(outside), "{outside:?}");
    }
}

proptest! {
    #[test]
    fn a_cell_holds_its_centre_and_its_positions(p in anywhere(), number in 0u8..=15) {
        let cell = Cell::at(p, resolution(number));
        let centre = coarsen(p, resolution(number)).unwrap();
        prop_assert_eq!(Cell::at(centre, resolution(number)), cell);
        prop_assert_eq!(coarsen(centre, resolution(number)).unwrap(), centre);
        // The edges of the largest cells of resolution 0 are about 1,300 km, and a step finer is
        // the square root of seven smaller.
        let widest = 1_400_000.0 / 7f64.powf(f64::from(number) / 2.0);
        prop_assert!(distance_m(p, centre) < widest);
        prop_assert_eq!(cell.to_string().parse::<Cell>().unwrap(), cell);
    }

    #[test]
    fn neighbours_are_near_and_mutual(p in anywhere(), number in 0u8..=15, k in 0u8..4) {
        let cell = Cell::at(p, resolution(number));
        let disk = cell.within_steps(k);
        let full = 3 * usize::from(k) * (usize::from(k) + 1) + 1;
        prop_assert!(disk.len() <= full && disk.contains(&cell));
        prop_assert!(disk.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert!(disk.iter().all(|other| other.within_steps(k).contains(&cell)));
        let coarse = resolution(number / 2);
        prop_assert_eq!(cell.parent(coarse).unwrap().resolution(), coarse);
    }
}
