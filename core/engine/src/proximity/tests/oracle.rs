//! Random walks against an oracle that looks, lead by lead, at the whole list of fixes at once.

use super::*;
use fieldfare_model::Geocode;
use proptest::prelude::*;

/// A zone whose distance from UTC never changes, so that the oracle can do without a calendar.
const FIXED_ZONE: &str = "Etc/GMT-5";
const FIXED_OFFSET_MS: i64 = 5 * HOUR;
const DAY: i64 = 24 * HOUR;

#[derive(Debug, Clone)]
struct Case {
    config: ProximityConfig,
    leads: Vec<Lead>,
    fixes: Vec<Fix>,
}

fn any_config() -> impl Strategy<Value = ProximityConfig> {
    (
        (50u32..300, 0u8..60, prop_oneof![Just(0), 1i64..10 * MINUTE]),
        (1.0f64..1.8, prop_oneof![Just(0), 1i64..HOUR], 1usize..4),
    )
        .prop_map(
            |((radius, min_score, dwell_ms), (exit_factor, cool_down_ms, cap))| ProximityConfig {
                default_radius_m: radius,
                max_radius_m: 400,
                max_uncertainty_m: 500,
                min_score,
                dwell_ms,
                exit_factor,
                cool_down_ms,
                max_accuracy_m: 60.0,
                max_alerts_per_fix: cap,
                fallback_zone: Some(FIXED_ZONE.into()),
                clock_reset_ms: i64::MAX,
            },
        )
}

fn any_lead(n: u8) -> impl Strategy<Value = Lead> {
    let hours = prop_oneof![
        4 => Just(""),
        1 => Just("Mo-Fr 09:00-17:00"),
        1 => Just("Mo-We 16:30-19:00; Th 00:00-24:00; Sa 12:00-13:00"),
    ];
    (
        (0.0f64..360.0, 0.0f64..600.0, prop::option::of(20u32..600)),
        (
            prop::option::weighted(0.9, 20u8..100),
            prop::bool::weighted(0.1),
            prop_oneof![6 => Just(None), 2 => (0u32..=500).prop_map(Some), 1 => (501u32..9_000).prop_map(Some)],
        ),
        (
            hours,
            prop::option::weighted(0.1, -2 * DAY..DAY),
            prop::bool::ANY,
        ),
    )
        .prop_map(
            move |((bearing, metres, radius), (score, silent, uncertainty), (hours, visit, named))| Lead {
                alert_radius_m: radius,
                score,
                status: if silent {
                    LeadStatus::DoNotContact
                } else {
                    LeadStatus::Open
                },
                contact_hours: hours.parse().unwrap(),
                last_visit_at: visit.map(|ms| TimestampMs(NOON + ms)),
                time_zone: named.then(|| FIXED_ZONE.into()),
                geocode: Geocode {
                    position: Some(at_bearing(bearing, metres)),
                    uncertainty_m: uncertainty,
                    ..Geocode::default()
                },
                ..lead(n, home())
            },
        )
}

fn any_leads() -> impl Strategy<Value = Vec<Lead>> {
    (1u8..12).prop_flat_map(|n| (0..n).map(any_lead).collect::<Vec<_>>())
}

/// Steps of up to 250 m, with stops, late and repeated fixes, and poor ones.
fn any_fixes() -> impl Strategy<Value = Vec<Fix>> {
    let pause = prop_oneof![
        1 => -2 * MINUTE..1,
        8 => 1..4 * MINUTE,
        1 => MINUTE..5 * HOUR,
    ];
    let accuracy = prop_oneof![6 => 3.0f64..50.0, 1 => 50.0f64..90.0];
    let step = (
        0.0f64..360.0,
        prop_oneof![1 => Just(0.0), 3 => 0.0f64..250.0],
        pause,
        accuracy,
    );
    let steps = proptest::collection::vec(step, 1..80);
    (steps, -8 * HOUR..8 * HOUR).prop_map(|(steps, start)| {
        let (mut position, mut at) = (home(), NOON + start);
        let walk = steps.into_iter().map(|(bearing, metres, pause, accuracy)| {
            let back = distance_m(position, home()) > 800.0;
            position = if back {
                home()
            } else {
                destination(position, bearing, metres).unwrap()
            };
            at += pause;
            fix(position, at, accuracy)
        });
        walk.collect()
    })
}

fn any_case() -> impl Strategy<Value = Case> {
    (any_config(), any_leads(), any_fixes()).prop_map(|(config, leads, fixes)| Case {
        config,
        leads,
        fixes,
    })
}

/// The fixes that count: accurate, and newer than all that counted before.
fn counted<'a>(case: &'a Case) -> Vec<&'a Fix> {
    let accurate = case
        .fixes
        .iter()
        .filter(|fix| fix.accuracy_m <= case.config.max_accuracy_m);
    let mut newest = i64::MIN;
    let is_newer = move |fix: &&'a Fix| {
        let newer = fix.at.0 > newest;
        newest = newest.max(fix.at.0);
        newer
    };
    accurate.filter(is_newer).collect()
}

fn metres(lead: &Lead, fix: &Fix) -> f64 {
    distance_m(lead.geocode.position.unwrap(), fix.position)
}

fn oracle_radius(case: &Case, lead: &Lead) -> f64 {
    f64::from(
        lead.alert_radius_m
            .unwrap_or(case.config.default_radius_m)
            .min(400),
    )
}

/// The stays at a lead, each as the fixes from the first inside to the last before it is left.
fn stays<'a>(case: &'a Case, lead: &Lead) -> Vec<Vec<&'a Fix>> {
    let radius = oracle_radius(case, lead);
    let mut rest = counted(case);
    let mut stays = Vec::new();
    while let Some(first) = rest.iter().position(|fix| metres(lead, fix) <= radius) {
        rest.drain(..first);
        let is_out =
            |fix: &&Fix| metres(lead, fix) > radius * case.config.exit_factor + fix.accuracy_m;
        let end = rest.iter().position(is_out).unwrap_or(rest.len());
        stays.push(rest.drain(..end).collect());
    }
    stays
}

fn local_day(at: i64) -> i64 {
    (at + FIXED_OFFSET_MS).div_euclid(DAY)
}

fn is_open(lead: &Lead, at: i64) -> bool {
    let minute = (at + FIXED_OFFSET_MS).rem_euclid(DAY) / MINUTE;
    // 1970-01-01 was a Thursday.
    let weekday = (local_day(at) + 3).rem_euclid(7);
    lead.contact_hours.allows(weekday as u8, minute as u16)
}

fn may_alert(case: &Case, lead: &Lead, at: i64) -> bool {
    let visited_today = lead
        .last_visit_at
        .is_some_and(|v| local_day(v.0) >= local_day(at));
    lead.status != LeadStatus::DoNotContact
        && lead.score.unwrap_or(0) >= case.config.min_score
        && lead.geocode.uncertainty_m.is_none_or(|m| m <= 500)
        && is_open(lead, at)
        && !visited_today
}

fn oracle_alerts(case: &Case, lead: &Lead) -> Vec<i64> {
    let mut alerts: Vec<i64> = Vec::new();
    for stay in stays(case, lead) {
        let start = stay[0].at.0;
        let last = alerts.last().copied();
        let told = stay.iter().map(|fix| fix.at.0).find(|at| {
            at - start >= case.config.dwell_ms
                && last.is_none_or(|last| at - last >= case.config.cool_down_ms)
                && may_alert(case, lead, *at)
        });
        alerts.extend(told);
    }
    alerts
}

/// Every event with the moment of its fix; restarts after each third fix.
fn run(case: &Case) -> Vec<(i64, ProximityEvent)> {
    let mut walk = Walk::new(case.config.clone(), case.leads.clone());
    let mut all = Vec::new();
    for (i, fix) in case.fixes.iter().enumerate() {
        if i % 3 == 0 {
            walk.restart();
        }
        let events = walk.fix(*fix);
        assert!(alerted(&events).len() <= case.config.max_alerts_per_fix);
        all.extend(events.into_iter().map(|event| (fix.at.0, event)));
    }
    all
}

fn times_of(
    events: &[(i64, ProximityEvent)],
    pick: fn(&[ProximityEvent]) -> Vec<LeadId>,
    lead: LeadId,
) -> Vec<i64> {
    let of_lead = |(_, event): &&(i64, ProximityEvent)| pick(&[*event]) == [lead];
    events.iter().filter(of_lead).map(|(at, _)| *at).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn alerts_are_those_of_the_oracle(case in any_case()) {
        let case = Case {
            config: ProximityConfig { max_alerts_per_fix: 100, ..case.config },
            ..case
        };
        let events = run(&case);
        for lead in &case.leads {
            let entries: Vec<_> = stays(&case, lead).iter().map(|stay| stay[0].at.0).collect();
            prop_assert_eq!(times_of(&events, entered, lead.id), entries);
            prop_assert_eq!(times_of(&events, alerted, lead.id), oracle_alerts(&case, lead));
        }
    }

    #[test]
    fn whatever_the_cap_an_alert_is_never_too_early_and_never_twice(case in any_case()) {
        let events = run(&case);
        for lead in &case.leads {
            let alerts = times_of(&events, alerted, lead.id);
            for pair in alerts.windows(2) {
                prop_assert!(pair[1] - pair[0] >= case.config.cool_down_ms);
            }
            for at in &alerts {
                prop_assert!(may_alert(&case, lead, *at));
            }
            for stay in stays(&case, lead) {
                let within = stay[0].at.0..=stay[stay.len() - 1].at.0;
                let told: Vec<_> = alerts.iter().filter(|at| within.contains(at)).collect();
                prop_assert!(told.len() <= 1);
                prop_assert!(told.iter().all(|at| *at - stay[0].at.0 >= case.config.dwell_ms));
            }
        }
    }
}

#[test]
fn the_random_walks_do_alert() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut alerts = 0;
    for _ in 0..50 {
        let case = any_case().new_tree(&mut runner).unwrap().current();
        alerts += case
            .leads
            .iter()
            .map(|l| oracle_alerts(&case, l).len())
            .sum::<usize>();
    }
    assert!(
        alerts > 100,
        "only {alerts} alerts: the properties would be empty"
    );
}
