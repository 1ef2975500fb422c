//! When to ask for another route, and which cached one to take.
#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]
mod common;
use common::at;
use fieldfare_geo::destination;
use fieldfare_model::{Fix, LatLng, TimestampMs};
use fieldfare_navigator::{
    CourseFix, Deviation, DeviationKind, FixQuality, Itinerary, Phase, Recalc, RecalcAnswer,
    RecalcConfig, RecalcPolicy, Route, Update, rank_routes,
};

fn update(metres: f64, deviation: Option<DeviationKind>, for_ms: i64) -> Update {
    Update {
        phase: Phase::Navigating,
        quality: FixQuality::Good,
        position: destination(at(60.0, 25.0), 90.0, metres).unwrap(),
        snapped: None,
        progress: None,
        deviation: deviation.map(|kind| Deviation {
            kind,
            offset_m: 50.0,
            for_ms,
        }),
        rejoin: None,
        events: Vec::new(),
    }
}

const OFF: Option<DeviationKind> = Some(DeviationKind::OffRoute);

fn policy() -> RecalcPolicy {
    RecalcPolicy::new(RecalcConfig::default())
}

fn second(s: i64) -> TimestampMs {
    TimestampMs(s * 1000)
}

#[test]
fn one_at_a_time_after_some_seconds_and_metres() {
    let mut policy = policy();
    assert_eq!(
        policy.decide(&update(0.0, None, 0), second(0), true),
        Recalc::Nothing
    );
    assert_eq!(
        policy.decide(&update(0.0, OFF, 0), second(1), true),
        Recalc::Ask { request: 1 }
    );
    assert_eq!(
        policy.decide(&update(300.0, OFF, 0), second(15), true),
        Recalc::Nothing
    );
    assert_eq!(policy.answered(1), RecalcAnswer::Use);
    assert_eq!(policy.answered(1), RecalcAnswer::Discard);
    // Neither far enough nor late enough.
    assert_eq!(
        policy.decide(&update(20.0, OFF, 0), second(16), true),
        Recalc::Nothing
    );
    assert_eq!(
        policy.decide(&update(90.0, OFF, 0), second(3), true),
        Recalc::Nothing
    );
    assert_eq!(
        policy.decide(&update(90.0, OFF, 0), second(17), true),
        Recalc::Ask { request: 2 }
    );
}

#[test]
fn an_answer_that_comes_too_late_is_dropped() {
    let mut policy = policy();
    policy.decide(&update(0.0, OFF, 0), second(0), true);
    policy.decide(&update(60.0, None, 0), second(3), true);
    assert_eq!(policy.answered(1), RecalcAnswer::Discard);
}

#[test]
fn failures_slow_it_down_and_silence_is_a_failure() {
    let mut policy = policy();
    let mut asked = Vec::new();
    for s in 0..400 {
        let now = second(s);
        if let Recalc::Ask { request } = policy.decide(&update(20.0 * s as f64, OFF, 0), now, true)
        {
            asked.push(s);
            if request != 2 {
                policy.failed(request);
            }
        }
    }
    let gaps: Vec<i64> = asked.windows(2).map(|p| p[1] - p[0]).collect();
    assert_eq!(gaps[..5], [10, 20, 40, 80, 120]);
}

#[test]
fn most_drivers_turn_around_by_themselves() {
    let mut policy = policy();
    let wrong = Some(DeviationKind::WrongWay);
    assert_eq!(
        policy.decide(&update(0.0, wrong, 9_000), second(9), true),
        Recalc::Nothing
    );
    assert_eq!(
        policy.decide(&update(0.0, wrong, 15_000), second(15), true),
        Recalc::Ask { request: 1 }
    );
    let mut arrived = update(0.0, OFF, 0);
    arrived.phase = Phase::Paused;
    assert_eq!(
        self::policy().decide(&arrived, second(0), true),
        Recalc::Nothing
    );
}

#[test]
fn without_a_connection_the_cache_is_used() {
    let mut policy = policy();
    assert_eq!(
        policy.decide(&update(0.0, OFF, 0), second(0), false),
        Recalc::UseCached
    );
    assert_eq!(
        policy.decide(&update(9.0, OFF, 0), second(1), false),
        Recalc::Nothing
    );
    assert_eq!(
        policy.decide(&update(99.0, OFF, 0), second(9), true),
        Recalc::Ask { request: 1 }
    );
}

fn line(from: LatLng, bearing: f64, metres: f64) -> Vec<LatLng> {
    let steps = (metres / 25.0) as u32;
    (0..=steps)
        .map(|i| destination(from, bearing, f64::from(i) * 25.0).unwrap())
        .collect()
}

fn route(path: &[LatLng]) -> Itinerary {
    Itinerary::new(Route::along(path, 10.0).unwrap())
}

#[test]
fn cached_routes_that_serve_the_stops_come_first_then_the_quickest() {
    let here = at(60.0, 25.0);
    let goal = destination(here, 90.0, 5_000.0).unwrap();
    // Straight there from 400 m to the side; by a detour, from beside; to somewhere else.
    let aside = destination(here, 0.0, 400.0).unwrap();
    let mut straight = line(aside, 90.0, 4_975.0);
    straight.push(goal);
    let mut detour = line(here, 180.0, 2_000.0);
    detour.extend(line(*detour.last().unwrap(), 90.0, 5_000.0));
    detour.push(goal);
    let elsewhere = line(here, 90.0, 1_000.0);
    let routes = [route(&detour), route(&elsewhere), route(&straight)];
    let fix = CourseFix {
        fix: Fix {
            position: here,
            at: TimestampMs(0),
            accuracy_m: 5.0,
            speed_mps: Some(10.0),
        },
        course_deg: Some(90.0),
    };
    let borrowed: Vec<&Itinerary> = routes.iter().collect();
    let ranked = rank_routes(&fix, &[goal], &borrowed);
    let order: Vec<usize> = ranked.iter().map(|r| r.index).collect();
    assert_eq!(order, [2, 0, 1]);
    assert_eq!(ranked[2].missing_stops, 1);
    assert!((400.0..=700.0).contains(&ranked[0].gap_m));
    assert!(ranked[0].total_ms > 490_000 && ranked[0].total_ms < 600_000);
    // Without stops the nearest end wins.
    let order: Vec<usize> = rank_routes(&fix, &[], &borrowed)
        .iter()
        .map(|r| r.index)
        .collect();
    assert_eq!(order[0], 1);
}
