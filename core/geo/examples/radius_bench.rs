//! Times a 500 m radius query and a bulk load at several sizes, against brute force.
//!
//! `cargo run --release -p fieldfare-geo --example radius_bench`
#![allow(clippy::disallowed_methods)]
use fieldfare_geo::{SpatialIndex, UnitVector, distance_m};
use fieldfare_model::LatLng;
use std::hint::black_box;
use std::time::Instant;

const RADIUS_M: f64 = 500.0;
const BATCH: usize = 50;

fn main() {
    println!("leads spread evenly over 300 x 300 km, radius {RADIUS_M} m, 20,000 queries at leads");
    for count in [10_000, 100_000, 1_000_000] {
        measure(count);
    }
}

fn measure(count: usize) {
    let leads = leads(count);
    let (index, load_ms) = bulk_load(&leads);
    let mut dice = Dice(42);
    let centers: Vec<LatLng> = (0..20_000)
        .filter_map(|_| leads.get((dice.roll() * count as f64) as usize))
        .map(|(_, at)| *at)
        .collect();
    let sorted = median_ns(&centers, BATCH, |center| {
        index.within_radius(center, RADIUS_M).len()
    });
    let visited = median_ns(&centers, BATCH, |center| {
        let mut hits = 0;
        index.for_each_within(center, RADIUS_M, |_| hits += 1);
        hits
    });
    let ten = median_ns(&centers, BATCH, |center| index.nearest(center, 10).len());
    let few = centers.get(..20).unwrap_or(&centers);
    let places: Vec<UnitVector> = leads.iter().map(|(_, at)| UnitVector::from(*at)).collect();
    let brute = median_ns(few, 1, |center| brute_force(&places, center));
    let hits: usize = centers
        .iter()
        .map(|center| index.within_radius(*center, RADIUS_M).len())
        .sum();
    println!(
        "{count:>9} leads: bulk load {load_ms:>6.1} ms; radius {sorted:>6.0} ns sorted, {visited:>6.0} ns visited \
         ({:.2} hits); 10 nearest {ten:>6.0} ns; brute force {brute:>10.0} ns, {:.0} times the sorted query",
        hits as f64 / centers.len() as f64,
        brute / sorted,
    );
    check(&leads, &index, &centers);
}

fn bulk_load(leads: &[(u128, LatLng)]) -> (SpatialIndex<u128>, f64) {
    let mut times = Vec::new();
    let mut index = SpatialIndex::new();
    for _ in 0..5 {
        let start = Instant::now();
        index = SpatialIndex::bulk_load(leads.iter().copied());
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    (index, median(times))
}

fn median_ns(centers: &[LatLng], batch: usize, mut query: impl FnMut(LatLng) -> usize) -> f64 {
    let times = centers.chunks(batch).map(|chunk| {
        let start = Instant::now();
        for center in chunk {
            black_box(query(black_box(*center)));
        }
        start.elapsed().as_nanos() as f64 / chunk.len() as f64
    });
    median(times.collect())
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The kindest brute force: unit vectors ready, one comparison a lead.
fn brute_force(places: &[UnitVector], center: LatLng) -> usize {
    let place = UnitVector::from(center);
    let chord = 2.0 * libm::sin(RADIUS_M / fieldfare_geo::EARTH_RADIUS_M / 2.0);
    places
        .iter()
        .filter(|other| place.chord2(**other) <= chord * chord)
        .count()
}

fn check(leads: &[(u128, LatLng)], index: &SpatialIndex<u128>, centers: &[LatLng]) {
    for center in centers.iter().take(5) {
        let expected = leads
            .iter()
            .filter(|(_, at)| distance_m(*center, *at) <= RADIUS_M)
            .count();
        assert_eq!(index.within_radius(*center, RADIUS_M).len(), expected);
    }
}

fn leads(count: usize) -> Vec<(u128, LatLng)> {
    let mut dice = Dice(7);
    (0..count as u128)
        .filter_map(|key| {
            let at = LatLng::new(42.0 + dice.roll() * 2.7, -76.0 + dice.roll() * 3.66).ok()?;
            Some((
                key.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835),
                at,
            ))
        })
        .collect()
}

/// Xorshift: the same leads on every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}
