//! Where the rep goes: a short round through the densest part of the territory.

use fieldfare_geo::{LocalPlane, distance_m};
use fieldfare_model::{LatLng, Lead, LeadId};
use std::collections::BTreeMap;

/// How far around its middle the dense part reaches, metres.
const CLUSTER_M: f64 = 9_000.0;

/// A spot on the map and the leads there. Leads whose position is only known by postal code share
/// the spot.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// Where.
    pub at: LatLng,
    /// Who is there, in order of name.
    pub leads: Vec<LeadId>,
}

/// The spots of all leads that have a position, in order of position.
pub fn places(leads: &[Lead]) -> Vec<Place> {
    let mut by_spot: BTreeMap<(i64, i64), Vec<&Lead>> = BTreeMap::new();
    for lead in leads {
        if let Some(at) = lead.geocode.position {
            by_spot
                .entry((at.lat_e7(), at.lon_e7()))
                .or_default()
                .push(lead);
        }
    }
    by_spot
        .into_values()
        .filter_map(|mut here| {
            here.sort_by(|a, b| a.name.cmp(&b.name).then(a.id.cmp(&b.id)));
            let at = here.first()?.geocode.position?;
            Some(Place {
                at,
                leads: here.into_iter().map(|lead| lead.id).collect(),
            })
        })
        .collect()
}

/// The `count` places nearest to the middle of the densest part, in an order that makes a short
/// round.
pub fn choose(places: &[Place], count: usize) -> Vec<Place> {
    let Some(middle) = densest(places) else {
        return Vec::new();
    };
    let mut near: Vec<Place> = places.to_vec();
    near.sort_by(|a, b| distance_m(middle, a.at).total_cmp(&distance_m(middle, b.at)));
    near.truncate(count);
    let mut round = nearest_next(near);
    uncross(&mut round);
    round
}

fn densest(places: &[Place]) -> Option<LatLng> {
    let neighbours = |at: LatLng| {
        places
            .iter()
            .filter(|p| distance_m(at, p.at) <= CLUSTER_M)
            .count()
    };
    places.iter().max_by_key(|p| neighbours(p.at)).map(|p| p.at)
}

fn nearest_next(mut left: Vec<Place>) -> Vec<Place> {
    let mut round: Vec<Place> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let from = round.last().map(|p| p.at);
        let key = |p: &Place| from.map_or(0.0, |from| distance_m(from, p.at));
        let next = left
            .iter()
            .enumerate()
            .min_by(|(_, a), (_, b)| key(a).total_cmp(&key(b)));
        let Some(at) = next.map(|(at, _)| at) else {
            break;
        };
        round.push(left.swap_remove(at));
    }
    round
}

/// 2-opt on the closed round: turns stretches around as long as that makes it shorter.
fn uncross(round: &mut [Place]) {
    while let Some((from, to)) = shortening(round) {
        if let Some(stretch) = round.get_mut(from..=to) {
            stretch.reverse();
        }
    }
}

fn shortening(round: &[Place]) -> Option<(usize, usize)> {
    let n = round.len();
    let leg = |a: usize, b: usize| {
        let ends = round.get(a % n).zip(round.get(b % n));
        ends.map_or(0.0, |(a, b)| distance_m(a.at, b.at))
    };
    let gain = |i: usize, j: usize| leg(i - 1, i) + leg(j, j + 1) - leg(i - 1, j) - leg(i, j + 1);
    let pairs = (1..n).flat_map(|i| (i + 1..n).map(move |j| (i, j)));
    pairs.into_iter().find(|(i, j)| gain(*i, *j) > 1.0)
}

/// A bent way from one spot to another, one point every `step_m` metres, the end with it. `bend` is
/// how far it swings out, as a part of the distance.
pub fn way(from: LatLng, to: LatLng, bend: f64, step_m: f64) -> Vec<LatLng> {
    let plane = LocalPlane::at(from);
    let (dx, dy) = plane.to_xy(to);
    let (mx, my) = (dx / 2.0 - dy * bend * 2.0, dy / 2.0 + dx * bend * 2.0);
    let steps = (distance_m(from, to) / step_m).ceil().max(1.0) as u32;
    let point = |i: u32| {
        let t = f64::from(i) / f64::from(steps);
        let (a, b) = (2.0 * t * (1.0 - t), t * t);
        plane
            .from_xy(a * mx + b * dx, a * my + b * dy)
            .unwrap_or(to)
    };
    (1..=steps).map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leads::Random;
    use fieldfare_model::TerritoryId;

    fn at(north: f64, east: f64) -> LatLng {
        LatLng::new(42.0 + north, -71.0 + east).unwrap()
    }

    fn place(north: f64, east: f64) -> Place {
        Place {
            at: at(north, east),
            leads: Vec::new(),
        }
    }

    fn length(round: &[Place]) -> f64 {
        let next = round.iter().cycle().skip(1);
        round
            .iter()
            .zip(next)
            .map(|(a, b)| distance_m(a.at, b.at))
            .sum()
    }

    #[test]
    fn leads_at_one_spot_are_one_place_in_order_of_name() {
        let mut leads = crate::leads::leads(1, 4, TerritoryId::from_bytes([1; 16]));
        leads[2].geocode.position = leads[0].geocode.position;
        leads[3].geocode.position = None;
        (leads[0].name, leads[2].name) = ("Zoe".into(), "Abe".into());
        let places = places(&leads);
        assert_eq!(places.len(), 2);
        let shared = places.iter().find(|p| p.leads.len() == 2).unwrap();
        assert_eq!(shared.leads, [leads[2].id, leads[0].id]);
    }

    #[test]
    fn the_round_goes_through_the_densest_part() {
        let mut spots: Vec<Place> = (0..6).map(|n| place(0.01 * f64::from(n), 0.0)).collect();
        spots.extend((0..30).map(|n| place(1.0 + f64::from(n), 3.0)));
        let round = choose(&spots, 6);
        assert_eq!(round.len(), 6);
        assert!(round.iter().all(|p| p.at.lat() < 42.1));
        assert_eq!(choose(&[], 6), []);
    }

    #[test]
    fn no_two_legs_of_the_round_could_be_swapped_for_shorter_ones() {
        let mut random = Random::new(5);
        for _ in 0..20 {
            let spots: Vec<Place> = (0..12)
                .map(|_| place(random.unit() * 0.1, random.unit() * 0.1))
                .collect();
            let round = choose(&spots, 12);
            assert_eq!(round.len(), 12);
            for from in 1..round.len() {
                for to in from..round.len() {
                    let mut other = round.clone();
                    other[from..=to].reverse();
                    assert!(length(&other) > length(&round) - 2.0);
                }
            }
        }
    }

    #[test]
    fn a_way_ends_where_it_should_in_even_steps() {
        let (from, to) = (at(0.0, 0.0), at(0.03, 0.02));
        let way = way(from, to, 0.07, 45.0);
        assert!(distance_m(*way.last().unwrap(), to) < 0.5);
        let ends = [from].into_iter().chain(way.iter().copied());
        let steps: Vec<f64> = ends.zip(&way).map(|(a, b)| distance_m(a, *b)).collect();
        assert!(steps.iter().all(|m| (20.0..80.0).contains(m)), "{steps:?}");
    }
}
