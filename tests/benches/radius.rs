//! Leads within 500 m: our index beside SQLite's R*Tree, H3 buckets and brute force, in one run.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use fieldfare_geo::{BoundingBox, Cell, Resolution, SpatialIndex, UnitVector, destination};
use fieldfare_model::{LatLng, TerritoryId};
use fieldfare_tests::figures::{nanos_per_call, print_table};
use fieldfare_tests::leads::leads;
use std::collections::HashMap;
use std::time::Instant;

const RADIUS_M: f64 = 500.0;
const ROUNDS: usize = 5;

fn main() {
    let rows: Vec<Vec<String>> = [10_000, 100_000, 1_000_000]
        .into_iter()
        .flat_map(measure)
        .collect();
    print_table(
        "Leads within 500 m, spread over 300 x 300 km; microseconds a query, median of 5 rounds",
        &[
            "leads",
            "ours",
            "R*Tree",
            "ratio",
            "H3",
            "ratio",
            "brute force",
            "ratio",
            "hits",
            "load ms",
        ],
        &rows,
    );
    println!("  Every peer's answers were compared with ours: same leads for every query.");
}

fn measure(n: usize) -> Option<Vec<String>> {
    let places: Vec<LatLng> = leads(7, n, TerritoryId::from_bytes([5; 16]))
        .into_iter()
        .filter_map(|lead| lead.geocode.position)
        .collect();
    let centres: Vec<LatLng> = places.iter().step_by(n / 500).copied().collect();
    let start = Instant::now();
    let index = SpatialIndex::bulk_load(places.iter().enumerate().map(|(i, at)| (i as u32, *at)));
    let load_ms = start.elapsed().as_secs_f64() * 1e3;
    let rtree = sqlite_rtree(&places);
    let cells = h3_buckets(&places);
    let vectors: Vec<UnitVector> = places.iter().map(|at| UnitVector::from(*at)).collect();
    let mut hits = 0;
    for centre in &centres {
        let ours = sorted(
            index
                .within_radius(*centre, RADIUS_M)
                .into_iter()
                .map(|h| h.key),
        );
        hits += ours.len();
        assert_eq!(ours, sorted(ask_rtree(&rtree, &vectors, *centre)));
        assert_eq!(ours, sorted(ask_h3(&cells, &vectors, *centre)));
        assert_eq!(ours, sorted(brute_force(&vectors, *centre)));
    }
    let ours = nanos_per_call(&centres, ROUNDS, |c| index.within_radius(c, RADIUS_M));
    let sqlite = nanos_per_call(&centres, ROUNDS, |c| ask_rtree(&rtree, &vectors, c));
    let h3 = nanos_per_call(&centres, ROUNDS, |c| ask_h3(&cells, &vectors, c));
    let few = &centres[..20];
    let brute = nanos_per_call(few, ROUNDS, |c| brute_force(&vectors, c));
    let us = |nanos: f64| format!("{:.2}", nanos / 1e3);
    let ratio = |nanos: f64| format!("{:.0}x", nanos / ours);
    Some(vec![
        n.to_string(),
        us(ours),
        us(sqlite),
        ratio(sqlite),
        us(h3),
        ratio(h3),
        us(brute),
        ratio(brute),
        format!("{:.1}", hits as f64 / centres.len() as f64),
        format!("{load_ms:.0}"),
    ])
}

fn sorted(keys: impl IntoIterator<Item = u32>) -> Vec<u32> {
    let mut keys: Vec<u32> = keys.into_iter().collect();
    keys.sort_unstable();
    keys
}

fn is_near(vectors: &[UnitVector], key: u32, centre: UnitVector) -> bool {
    vectors[key as usize].distance_m(centre) <= RADIUS_M
}

fn brute_force(vectors: &[UnitVector], centre: LatLng) -> Vec<u32> {
    let centre = UnitVector::from(centre);
    (0..vectors.len() as u32)
        .filter(|key| is_near(vectors, *key, centre))
        .collect()
}

fn sqlite_rtree(places: &[LatLng]) -> rusqlite::Connection {
    let mut db = rusqlite::Connection::open_in_memory().unwrap();
    db.execute_batch("CREATE VIRTUAL TABLE place USING rtree(id, lat0, lat1, lon0, lon1)")
        .unwrap();
    let tx = db.transaction().unwrap();
    {
        let mut insert = tx
            .prepare("INSERT INTO place VALUES (?1, ?2, ?2, ?3, ?3)")
            .unwrap();
        for (i, at) in places.iter().enumerate() {
            insert.execute((i as i64, at.lat(), at.lon())).unwrap();
        }
    }
    tx.commit().unwrap();
    db
}

/// A box around the circle, padded as R*Tree keeps 32-bit floats, then the exact distance.
fn ask_rtree(db: &rusqlite::Connection, vectors: &[UnitVector], centre: LatLng) -> Vec<u32> {
    let area = box_around(centre, RADIUS_M + 5.0);
    let (sw, ne) = area;
    let mut query = db
        .prepare_cached(
            "SELECT id FROM place WHERE lat1 >= ?1 AND lat0 <= ?2 AND lon1 >= ?3 AND lon0 <= ?4",
        )
        .unwrap();
    let centre = UnitVector::from(centre);
    query
        .query_map((sw.lat(), ne.lat(), sw.lon(), ne.lon()), |row| {
            row.get::<_, u32>(0)
        })
        .unwrap()
        .map(Result::unwrap)
        .filter(|key| is_near(vectors, *key, centre))
        .collect()
}

fn box_around(centre: LatLng, metres: f64) -> (LatLng, LatLng) {
    let to = |bearing| destination(centre, bearing, metres).unwrap();
    let (north, east, south, west) = (to(0.0), to(90.0), to(180.0), to(270.0));
    let sw = LatLng::new(south.lat(), west.lon()).unwrap();
    let ne = LatLng::new(north.lat(), east.lon()).unwrap();
    assert!(BoundingBox::new(sw, ne).unwrap().contains(centre));
    (sw, ne)
}

fn resolution() -> Resolution {
    Resolution::try_from(8).unwrap()
}

fn h3_buckets(places: &[LatLng]) -> HashMap<Cell, Vec<u32>> {
    let mut cells: HashMap<Cell, Vec<u32>> = HashMap::new();
    for (i, at) in places.iter().enumerate() {
        cells
            .entry(Cell::at(*at, resolution()))
            .or_default()
            .push(i as u32);
    }
    cells
}

/// Resolution 8 has an edge of about 530 m; two steps around cover any circle of 500 m.
fn ask_h3(cells: &HashMap<Cell, Vec<u32>>, vectors: &[UnitVector], centre: LatLng) -> Vec<u32> {
    let at = UnitVector::from(centre);
    Cell::at(centre, resolution())
        .within_steps(2)
        .iter()
        .filter_map(|cell| cells.get(cell))
        .flatten()
        .copied()
        .filter(|key| is_near(vectors, *key, at))
        .collect()
}
