//! The choice of fences, walked through: no circle is entered unseen.
#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]
mod common;
use common::{anywhere, at};
use fieldfare_geo::{
    Circle, FenceCandidate, FenceLimits, FencePlan, GeoError, choose_fences, destination,
    distance_m,
};
use fieldfare_model::LatLng;
use proptest::collection::vec;
use proptest::prelude::*;

const STEP_M: f64 = 20.0;

fn limits(regions: usize) -> FenceLimits {
    FenceLimits {
        regions,
        min_rearm_m: 100.0,
        max_rearm_m: 5_000.0,
        margin_m: 2.0 * STEP_M,
        horizon_m: f64::INFINITY,
    }
}

fn fence(key: u32, center: LatLng, radius_m: f64, priority: f64) -> FenceCandidate<u32> {
    let circle = Circle::new(center, radius_m).unwrap();
    FenceCandidate {
        key,
        circle,
        priority,
    }
}

fn fences(
    center: LatLng,
    spread_m: f64,
    rolls: &[(f64, f64, f64, u8)],
) -> Vec<FenceCandidate<u32>> {
    let each = rolls
        .iter()
        .zip(0..)
        .map(|(&(bearing, far, radius, priority), key)| {
            // The square root spreads them evenly over the disk.
            let place = destination(center, bearing, spread_m * far.sqrt()).unwrap();
            fence(key, place, radius, f64::from(priority))
        });
    each.collect()
}

/// The operating system and the app: keeps a plan and makes a new one on leaving the re-arm region.
struct Phone<'a> {
    leads: &'a [FenceCandidate<u32>],
    limits: FenceLimits,
    plan: FencePlan<u32>,
}

impl<'a> Phone<'a> {
    fn new(leads: &'a [FenceCandidate<u32>], limits: FenceLimits, at: LatLng) -> Self {
        let plan = choose(at, leads, &limits);
        Self {
            leads,
            limits,
            plan,
        }
    }

    fn walk_to(&mut self, at: LatLng) {
        // First what the device could have entered on this step, then the exit is noticed.
        self.nothing_unseen(at);
        if !self.plan.rearm.contains(at) {
            self.plan = choose(at, self.leads, &self.limits);
            self.nothing_unseen(at);
        }
    }

    fn nothing_unseen(&self, at: LatLng) {
        for lead in self.leads {
            if distance_m(at, lead.circle.center()) <= lead.circle.radius_m() {
                let watched = self
                    .plan
                    .regions
                    .iter()
                    .any(|region| region.key == lead.key);
                let owned_up = self.plan.exposed.contains(&lead.key);
                assert!(watched || owned_up, "entered {} unseen", lead.key);
            }
        }
    }
}

/// A plan that is checked against a loop over all circles.
fn choose(at: LatLng, leads: &[FenceCandidate<u32>], limits: &FenceLimits) -> FencePlan<u32> {
    let plan = choose_fences(at, leads, limits).unwrap();
    assert!(plan.regions.len() < limits.regions);
    assert_eq!(plan.regions.len(), leads.len().min(limits.regions - 1));
    assert_eq!(plan.rearm.center(), at);
    let radius = plan.rearm.radius_m();
    assert!((limits.min_rearm_m..=limits.max_rearm_m).contains(&radius));
    let gap = |c: Circle| distance_m(at, c.center()) - c.radius_m();
    let guarded = limits.min_rearm_m + limits.margin_m;
    let close = leads
        .iter()
        .filter(|lead| gap(lead.circle) < guarded)
        .count();
    assert_eq!(
        plan.covered(),
        close < limits.regions,
        "covered where it can be, only there"
    );
    assert_eq!(plan.exposed.len(), close.saturating_sub(limits.regions - 1));
    let unwatched = leads.iter().filter(|lead| {
        !plan.exposed.contains(&lead.key) && plan.regions.iter().all(|r| r.key != lead.key)
    });
    let next = unwatched
        .map(|lead| gap(lead.circle))
        .fold(f64::INFINITY, f64::min);
    assert!(next >= radius + limits.margin_m);
    if plan.covered() {
        let widest = (next - limits.margin_m).clamp(limits.min_rearm_m, limits.max_rearm_m);
        assert_eq!(radius, widest, "as wide as it may be");
    }
    plan
}

fn rolls(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<(f64, f64, f64, u8)>> {
    vec((0.0..360.0, 0.0..1.0, 0.0..150.0, 0u8..4), count)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn no_circle_is_entered_unseen(
        center in anywhere(), rolls in rolls(0..120), spread_m in 500.0..20_000.0,
        regions in 1usize..21, turns in vec((-180.0..180.0, 1usize..60), 1..12), start in 0.0..360.0,
    ) {
        let leads = fences(center, spread_m, &rolls);
        let mut here = center;
        let mut phone = Phone::new(&leads, limits(regions), here);
        let mut heading = start;
        for (turn, steps) in turns {
            heading += turn;
            for _ in 0..steps {
                here = destination(here, heading, STEP_M).unwrap();
                phone.walk_to(here);
            }
        }
    }

    /// Straight to every lead in turn: a walk that does enter circles, with full cover demanded.
    #[test]
    fn visits_are_all_seen_where_leads_are_sparse(
        center in anywhere(), rolls in rolls(20..60), order in vec(0usize..60, 1..4),
    ) {
        let leads = fences(center, 12_000.0, &rolls);
        let mut here = center;
        let mut phone = Phone::new(&leads, limits(20), here);
        for pick in order {
            let lead = &leads[pick % leads.len()];
            let goal = lead.circle.center();
            while distance_m(here, goal) > STEP_M {
                let heading = fieldfare_geo::bearing_deg(here, goal);
                here = destination(here, heading, STEP_M).unwrap();
                phone.walk_to(here);
                prop_assert!(phone.plan.covered());
            }
            prop_assert!(phone.plan.regions.iter().any(|r| r.key == lead.key), "watched on the spot");
        }
    }

    #[test]
    fn the_order_of_candidates_does_not_matter(center in anywhere(), rolls in rolls(0..80), regions in 1usize..30) {
        let leads = fences(center, 600.0, &rolls);
        let mut reversed = leads.clone();
        reversed.reverse();
        prop_assert_eq!(
            choose_fences(center, &leads, &limits(regions)),
            choose_fences(center, &reversed, &limits(regions))
        );
    }
}

#[test]
fn the_nearest_edges_are_watched_and_the_next_bounds_the_rearm_region() {
    let here = at(52.0, 13.0);
    let place = |metres: f64| destination(here, 33.0, metres).unwrap();
    // The second centre is nearer than the third, but its edge is not.
    let leads = [
        fence(1, place(400.0), 50.0, 0.0),
        fence(2, place(900.0), 10.0, 9.0),
        fence(3, place(1_000.0), 300.0, 0.0),
    ];
    let plan = choose_fences(here, &leads, &limits(3)).unwrap();
    let keys: Vec<_> = plan.regions.iter().map(|region| region.key).collect();
    assert_eq!(keys, [1, 3]);
    assert!((plan.rearm.radius_m() - (890.0 - 40.0)).abs() < 1e-6);
    assert!(plan.covered());
}

#[test]
fn nothing_to_watch_gives_the_widest_region_within_the_horizon() {
    let here = at(52.0, 13.0);
    let none: [FenceCandidate<u32>; 0] = [];
    let plan = choose_fences(here, &none, &limits(20)).unwrap();
    assert_eq!(plan.rearm.radius_m(), 5_000.0);
    let short_sighted = FenceLimits {
        horizon_m: 1_000.0,
        ..limits(20)
    };
    let plan = choose_fences(here, &none, &short_sighted).unwrap();
    assert_eq!(plan.rearm.radius_m(), 960.0);
}

#[test]
fn in_a_crowd_presence_goes_before_worth_before_nearness() {
    let here = at(52.0, 13.0);
    let place = |metres: f64| destination(here, 90.0, metres).unwrap();
    let leads = [
        fence(1, place(110.0), 20.0, 1.0),
        fence(2, place(120.0), 20.0, 5.0),
        fence(3, place(30.0), 40.0, 0.0),
        fence(4, place(60.0), 20.0, 1.0),
        fence(5, place(100.0), 20.0, 0.0),
        fence(6, place(5_000.0), 20.0, 99.0),
    ];
    let plan = choose_fences(here, &leads, &limits(4)).unwrap();
    let keys: Vec<_> = plan.regions.iter().map(|region| region.key).collect();
    assert_eq!(keys, [3, 4, 2], "nearest edge first");
    assert_eq!(plan.exposed, [5, 1]);
    assert!(!plan.covered());
    assert_eq!(plan.rearm.radius_m(), 100.0);
}

#[test]
fn refuses_limits_that_cannot_be_kept() {
    let here = at(0.0, 0.0);
    let good = FenceLimits::IOS;
    let bad = [
        FenceLimits { regions: 0, ..good },
        FenceLimits {
            min_rearm_m: 0.0,
            ..good
        },
        FenceLimits {
            min_rearm_m: f64::NAN,
            ..good
        },
        FenceLimits {
            max_rearm_m: 10.0,
            ..good
        },
        FenceLimits {
            max_rearm_m: f64::INFINITY,
            ..good
        },
        FenceLimits {
            margin_m: 0.0,
            ..good
        },
        FenceLimits {
            horizon_m: 249.0,
            ..good
        },
    ];
    for limits in bad {
        assert_eq!(
            choose_fences::<u32>(here, &[], &limits),
            Err(GeoError::FenceLimits)
        );
    }
    for limits in [FenceLimits::IOS, FenceLimits::ANDROID] {
        assert!(choose_fences::<u32>(here, &[], &limits).is_ok());
    }
    for radius in [-1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(Circle::new(here, radius), Err(GeoError::Radius));
    }
}
