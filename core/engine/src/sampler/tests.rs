mod world;

use super::*;
use fieldfare_model::Fix;
use proptest::prelude::*;
use world::{Circle, Error, FASTEST_MPS, Move, Path, Phone, place};

const ALERTS: Allowed = Allowed {
    alerts: true,
    tracking: false,
};

fn sampler(change: fn(&mut SamplerConfig)) -> Sampler {
    let mut config = SamplerConfig::default();
    change(&mut config);
    Sampler::new(config).unwrap()
}

fn fix_at(at: i64) -> Fix {
    Fix {
        position: place(0.0, 0.0),
        at: TimestampMs(at),
        accuracy_m: 5.0,
        speed_mps: None,
    }
}

fn ask(sampler: &mut Sampler, fix: &Fix, edge_m: f64, allowed: Allowed) -> NextFix {
    let around = Surroundings::new([(edge_m + 100.0, 100.0)], f64::INFINITY, 100.0);
    sampler.next(&Reading {
        fix,
        around: &around,
        allowed,
        battery_saver: false,
        woken_by_motion: false,
    })
}

fn after(next: NextFix) -> i64 {
    match next {
        NextFix::After { ms, .. } => ms,
        other => panic!("{other:?}"),
    }
}

#[test]
fn without_consent_it_stops() {
    let mut sampler = sampler(|_| {});
    let next = ask(&mut sampler, &fix_at(0), 10.0, Allowed::default());
    assert_eq!(next, NextFix::Stop);
}

#[test]
fn the_nearer_the_sooner_and_the_finer() {
    let mut sampler = sampler(|_| {});
    // (1010 m - twice 5 m) / 42 m/s + 20 s, with a tenth of the way as accuracy
    let next = ask(&mut sampler, &fix_at(0), 1010.0, ALERTS);
    assert_eq!(
        next,
        NextFix::After {
            ms: 43_809,
            accuracy_m: 100.0
        }
    );
    let next = ask(&mut sampler, &fix_at(1), 5.0, ALERTS);
    assert_eq!(
        next,
        NextFix::After {
            ms: 20_000,
            accuracy_m: 12.5
        }
    );
    assert_eq!(after(ask(&mut sampler, &fix_at(2), 1e9, ALERTS)), 600_000);
}

#[test]
fn inside_a_circle_it_looks_often_enough_for_the_dwell() {
    let mut sampler = sampler(|_| {});
    assert_eq!(after(ask(&mut sampler, &fix_at(0), -50.0, ALERTS)), 10_000);
    let later = fix_at(120_000);
    assert_eq!(after(ask(&mut sampler, &later, -50.0, ALERTS)), 60_000);
}

#[test]
fn a_still_phone_inside_a_circle_looks_again_for_the_dwell() {
    let mut sampler = sampler(|c| c.motion_wake_ms = Some(5_000));
    ask(&mut sampler, &fix_at(0), -50.0, ALERTS);
    let next = ask(&mut sampler, &fix_at(200_000), -50.0, ALERTS);
    let expected = NextFix::OnMotion {
        at_latest_ms: 60_000,
        accuracy_m: 12.5,
    };
    assert_eq!(next, expected);
}

#[test]
fn vague_fixes_do_not_hide_movement() {
    let mut sampler = sampler(|c| c.motion_wake_ms = Some(5_000));
    ask(&mut sampler, &fix_at(0), 5e4, ALERTS);
    let vague = Fix {
        position: place(900.0, 0.0),
        accuracy_m: 3000.0,
        ..fix_at(600_000)
    };
    assert!(after(ask(&mut sampler, &vague, 5e4, ALERTS)) > 0);
}

#[test]
fn tracking_alone_keeps_its_own_pace() {
    let mut sampler = sampler(|_| {});
    let tracking = Allowed {
        alerts: false,
        tracking: true,
    };
    let next = ask(&mut sampler, &fix_at(0), 0.0, tracking);
    assert_eq!(
        next,
        NextFix::After {
            ms: 60_000,
            accuracy_m: 50.0
        }
    );
}

#[test]
fn a_faster_ride_than_expected_shortens_the_interval() {
    let mut sampler = sampler(|_| {});
    let train = Fix {
        speed_mps: Some(84.0),
        ..fix_at(0)
    };
    assert_eq!(after(ask(&mut sampler, &train, 8410.0, ALERTS)), 120_000);
}

#[test]
fn a_still_phone_waits_for_motion_if_it_will_notice_in_time() {
    let wakes = |ms| {
        let config = SamplerConfig {
            motion_wake_ms: ms,
            ..Default::default()
        };
        let mut sampler = Sampler::new(config).unwrap();
        ask(&mut sampler, &fix_at(0), 500.0, ALERTS);
        assert!(after(ask(&mut sampler, &fix_at(119_999), 500.0, ALERTS)) < 60_000);
        ask(&mut sampler, &fix_at(120_000), 500.0, ALERTS)
    };
    assert!(matches!(
        wakes(Some(20_000)),
        NextFix::OnMotion {
            at_latest_ms: 600_000,
            ..
        }
    ));
    assert!(matches!(wakes(Some(20_001)), NextFix::After { .. }));
    assert!(matches!(wakes(None), NextFix::After { .. }));
}

#[test]
fn whatever_speaks_of_motion_ends_the_wait() {
    let moves: [fn(&mut Fix, &mut bool); 4] = [
        |_, woken| *woken = true,
        |fix, _| fix.speed_mps = Some(1.4),
        |fix, _| fix.position = place(31.0, 0.0),
        |fix, _| fix.at = TimestampMs(-1),
    ];
    for change in moves {
        let mut sampler = sampler(|c| c.motion_wake_ms = Some(5_000));
        ask(&mut sampler, &fix_at(0), 500.0, ALERTS);
        let (mut fix, mut woken_by_motion) = (fix_at(500_000), false);
        change(&mut fix, &mut woken_by_motion);
        let next = sampler.next(&Reading {
            fix: &fix,
            around: &Surroundings::new([], 900.0, 100.0),
            allowed: ALERTS,
            battery_saver: false,
            woken_by_motion,
        });
        assert!(matches!(next, NextFix::After { .. }), "{fix:?}");
    }
}

#[test]
fn a_fix_that_may_be_anywhere_counts_as_near() {
    for accuracy_m in [f64::NAN, f64::INFINITY, -1.0, 1e12] {
        let vague = Fix {
            accuracy_m,
            ..fix_at(0)
        };
        assert_eq!(
            after(ask(&mut sampler(|_| {}), &vague, 1e6, ALERTS)),
            20_000
        );
    }
}

#[test]
fn settings_that_make_no_sense_are_named() {
    let wrong = |change: fn(&mut SamplerConfig)| {
        let mut config = SamplerConfig::default();
        change(&mut config);
        Sampler::new(config).unwrap_err().setting
    };
    assert_eq!(wrong(|c| c.max_speed_mps = 0.0), "max_speed_mps");
    assert_eq!(wrong(|c| c.min_radius_m = f64::NAN), "min_radius_m");
    assert_eq!(wrong(|c| c.still_distance_m = -1.0), "still_distance_m");
    assert_eq!(wrong(|c| c.min_interval_ms = 20_001), "min_interval_ms");
    assert_eq!(wrong(|c| c.saver_stay_ms = 19_999), "saver_stay_ms");
    assert_eq!(wrong(|c| c.max_interval_ms = 59_999), "max_interval_ms");
    assert_eq!(wrong(|c| c.dwell_interval_ms = 0), "dwell_interval_ms");
    assert_eq!(
        wrong(|c| c.still_dwell_interval_ms = 1),
        "still_dwell_interval_ms"
    );
    assert_eq!(
        wrong(|c| c.tracking_interval_ms = 0),
        "tracking_interval_ms"
    );
    assert_eq!(wrong(|c| c.still_after_ms = 0), "still_after_ms");
    assert_eq!(wrong(|c| c.motion_wake_ms = Some(-1)), "motion_wake_ms");
}

fn any_heading() -> impl Strategy<Value = f64> {
    0.0f64..std::f64::consts::TAU
}

fn any_move() -> impl Strategy<Value = Move> {
    let speed = prop_oneof![1 => Just(0.0), 1 => 0.2f64..3.0, 1 => 3.0f64..FASTEST_MPS];
    let wander = (any_heading(), speed, 1_000i64..240_000);
    let rest = prop_oneof![3 => Just(0), 1 => 0i64..900_000];
    let away = prop_oneof![1 => 1.0f64..200.0, 1 => 1.0f64..6_000.0];
    let dart = (rest, any::<usize>(), any_heading(), away);
    prop_oneof![
        1 => wander.prop_map(|(heading, mps, ms)| Move::Wander { heading, mps, ms }),
        4 => dart.prop_map(|(rest_ms, target, heading, away_m)| Move::Dart {
            rest_ms,
            target,
            heading,
            away_m,
            stay_ms: 0,
        }),
    ]
}

/// Darts stay barely longer than what may go unseen.
fn staying(step: Move, ms: i64) -> Move {
    match step {
        Move::Dart {
            rest_ms,
            target,
            heading,
            away_m,
            ..
        } => Move::Dart {
            rest_ms,
            target,
            heading,
            away_m,
            stay_ms: ms,
        },
        wander => wander,
    }
}

fn any_circles() -> impl Strategy<Value = Vec<Circle>> {
    let circle = (-3000.0f64..3000.0, -3000.0f64..3000.0, 50.0f64..300.0);
    proptest::collection::vec(circle.prop_map(|(x, y, r)| Circle { x, y, r }), 1..12)
}

fn any_config() -> impl Strategy<Value = SamplerConfig> {
    let wake = prop::option::of(0i64..60_000);
    (
        5_000i64..30_000,
        0i64..60_000,
        0i64..600_000,
        1_000i64..90_000,
        wake,
    )
        .prop_map(
            |(stay, saver, longest, dwell, motion_wake_ms)| SamplerConfig {
                max_speed_mps: FASTEST_MPS,
                stay_ms: stay,
                saver_stay_ms: stay + saver,
                max_interval_ms: stay + saver + longest,
                dwell_interval_ms: dwell,
                still_dwell_interval_ms: dwell,
                motion_wake_ms,
                ..Default::default()
            },
        )
}

fn any_errors() -> impl Strategy<Value = Vec<Error>> {
    let part = prop_oneof![1 => Just(0.0), 1 => Just(-1.0), 1 => Just(1.0), 1 => -1.0f64..1.0];
    let error = (part, 3.0f64..200.0);
    let error = error.prop_map(|(part, accuracy_m)| Error { part, accuracy_m });
    proptest::collection::vec(error, 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn no_stay_longer_than_promised_goes_unseen(
        moves in proptest::collection::vec(any_move(), 1..25), circles in any_circles(),
        config in any_config(), errors in any_errors(), searched_m in 700.0f64..6000.0,
        battery_saver in any::<bool>(),
    ) {
        let (circles, errors) = (&circles[..], &errors[..]);
        let stay = config.guaranteed_stay_ms(battery_saver);
        let moves: Vec<_> =
            moves.into_iter().map(|step| staying(step, stay + 2 * world::TICK_MS)).collect();
        let phone = Phone { circles, errors, searched_m, battery_saver, told_after: usize::MAX };
        let mut path = Path::new();
        let fixes = phone.follow(&mut path, &moves, &mut Sampler::new(config).unwrap());
        for circle in circles {
            for (from, to) in path.stays(circle) {
                if to - from > stay {
                    let seen = |t: &i64| {
                        (from - world::TICK_MS..=to).contains(t) && path.is_in(circle, *t)
                    };
                    prop_assert!(fixes.iter().any(seen), "{circle:?} from {from} to {to}: {fixes:?}");
                }
            }
        }
    }
}

/// A day of eight hours: twelve visits of twenty minutes each, driven to at 12 m/s, among 300
/// leads in 30 by 30 km. A lead that had three fixes has alerted and is looked for no more.
#[test]
fn a_days_fixes_are_few() {
    let circles = world::scattered(300, 15_000.0, 150.0);
    let mut path = world::day(&circles, 12);
    let steady = path.end() / 5_000;
    println!("fixed 5 s: {steady} fixes");
    for (name, motion_wake_ms, battery_saver, at_most) in [
        ("adaptive", None, false, steady / 5),
        ("adaptive, battery saver", None, true, steady / 10),
        ("adaptive, motion wake", Some(10_000), false, steady / 15),
        ("adaptive, both", Some(10_000), true, steady / 25),
    ] {
        let config = SamplerConfig {
            motion_wake_ms,
            ..Default::default()
        };
        let phone = Phone {
            circles: &circles,
            errors: &[Error {
                part: 0.0,
                accuracy_m: 10.0,
            }],
            searched_m: 6000.0,
            battery_saver,
            told_after: 3,
        };
        let fixes = phone.follow(&mut path, &[], &mut Sampler::new(config).unwrap());
        let ratio = steady as f64 / fixes.len() as f64;
        println!("{name}: {} fixes, {ratio:.1} times fewer", fixes.len());
        assert!((fixes.len() as i64) < at_most, "{name}");
    }
}
