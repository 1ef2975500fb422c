use super::*;

fn one_lead(config: ProximityConfig) -> Walk {
    Walk::new(config, vec![lead(1, home())])
}

#[test]
fn coming_near_alerts_once_until_left_and_cool_down_is_over() {
    let mut walk = one_lead(ProximityConfig {
        cool_down_ms: HOUR,
        ..Default::default()
    });
    assert_eq!(walk.alerts(200.0, NOON), []);
    let events = walk.north(140.0, NOON + MINUTE);
    assert_eq!(entered(&events), [lead_id(1)]);
    assert_eq!(alerted(&events), [lead_id(1)]);
    assert_eq!(walk.alerts(20.0, NOON + 2 * HOUR), [], "still there");
    assert_eq!(
        left(&walk.north(500.0, NOON + 2 * HOUR + MINUTE)),
        [lead_id(1)]
    );
    assert_eq!(
        walk.alerts(20.0, NOON + 2 * HOUR + 2 * MINUTE),
        [lead_id(1)]
    );
    walk.north(500.0, NOON + 2 * HOUR + 3 * MINUTE);
    assert_eq!(
        walk.alerts(20.0, NOON + 2 * HOUR + 4 * MINUTE),
        [],
        "cool-down"
    );
    let over = NOON + 3 * HOUR + 2 * MINUTE;
    assert_eq!(walk.alerts(20.0, over - 1), []);
    assert_eq!(
        walk.alerts(20.0, over),
        [lead_id(1)],
        "still there as it ends"
    );
}

#[test]
fn a_visit_begins_anew_only_beyond_the_exit_distance() {
    let config = ProximityConfig {
        cool_down_ms: 0,
        exit_factor: 1.2,
        ..Default::default()
    };
    let mut walk = one_lead(config);
    assert_eq!(walk.alerts(149.0, NOON), [lead_id(1)]);
    // 150 m × 1.2 + 5 m of accuracy
    assert_eq!(left(&walk.north(184.0, NOON + 1000)), []);
    assert_eq!(walk.alerts(140.0, NOON + 2000), []);
    assert_eq!(left(&walk.north(186.0, NOON + 3000)), [lead_id(1)]);
    assert_eq!(walk.alerts(140.0, NOON + 4000), [lead_id(1)]);
}

#[test]
fn accuracy_widens_the_exit_and_poor_fixes_are_passed_over() {
    let mut walk = one_lead(ProximityConfig::default());
    walk.north(100.0, NOON);
    let vague = fix(at_bearing(0.0, 250.0), NOON + 1000, 80.0);
    assert_eq!(walk.fix(vague), [], "250 m is within 150 m × 1.25 + 80 m");
    for (i, accuracy) in [101.0, f64::NAN, -1.0, f64::INFINITY]
        .into_iter()
        .enumerate()
    {
        let poor = fix(at_bearing(0.0, 9000.0), NOON + 2000 + i as i64, accuracy);
        assert_eq!(walk.fix(poor), []);
    }
    assert_eq!(left(&walk.north(250.0, NOON + 3000)), [lead_id(1)]);
}

#[test]
fn dwell_asks_to_stay() {
    let mut walk = one_lead(ProximityConfig {
        dwell_ms: 2 * MINUTE,
        ..Default::default()
    });
    assert_eq!(walk.alerts(100.0, NOON), []);
    assert_eq!(walk.alerts(600.0, NOON + MINUTE), [], "drove past");
    assert_eq!(walk.alerts(100.0, NOON + 2 * MINUTE), []);
    assert_eq!(walk.alerts(110.0, NOON + 4 * MINUTE - 1), []);
    assert_eq!(walk.alerts(120.0, NOON + 4 * MINUTE), [lead_id(1)]);
}

#[test]
fn each_lead_has_its_own_radius_within_the_largest() {
    let mut near = lead(1, home());
    near.alert_radius_m = Some(50);
    let mut far = lead(2, home());
    far.alert_radius_m = Some(400);
    let mut beyond = lead(3, home());
    beyond.alert_radius_m = Some(100_000);
    let config = ProximityConfig {
        max_radius_m: 1000,
        ..Default::default()
    };
    let mut walk = Walk::new(config, vec![near, far, beyond]);
    assert_eq!(walk.alerts(1001.0, NOON), []);
    assert_eq!(walk.alerts(999.0, NOON + 1000), [lead_id(3)]);
    assert_eq!(walk.alerts(399.0, NOON + 2000), [lead_id(2)]);
    assert_eq!(walk.alerts(49.0, NOON + 3000), [lead_id(1)]);
}

#[test]
fn a_low_score_or_a_do_not_contact_stays_silent() {
    let leads = [Some(39), None, Some(40), Some(100)]
        .into_iter()
        .zip(1..)
        .map(|(score, n)| Lead {
            score,
            ..lead(n, home())
        });
    let mut walk = Walk::new(
        ProximityConfig {
            min_score: 40,
            ..Default::default()
        },
        leads.collect(),
    );
    walk.leads[3].status = LeadStatus::DoNotContact;
    assert_eq!(walk.alerts(10.0, NOON), [lead_id(3)]);
    walk.leads[0].score = Some(90);
    assert_eq!(
        walk.alerts(10.0, NOON + 1000),
        [lead_id(1)],
        "raised meanwhile"
    );
}

#[test]
fn the_best_come_first_and_the_rest_wait() {
    let leads = (1..=5).map(|n| lead(n, at_bearing(0.0, f64::from(n) * 10.0)));
    let mut walk = Walk::new(
        ProximityConfig {
            max_alerts_per_fix: 2,
            ..Default::default()
        },
        leads.collect(),
    );
    walk.leads[4].score = Some(99);
    assert_eq!(walk.alerts(0.0, NOON), [lead_id(5), lead_id(1)]);
    assert_eq!(walk.alerts(0.0, NOON + 1), [lead_id(2), lead_id(3)]);
    assert_eq!(walk.alerts(0.0, NOON + 2), [lead_id(4)]);
    assert_eq!(walk.alerts(0.0, NOON + 3), []);
}

#[test]
fn late_and_repeated_fixes_lead_to_nothing() {
    let mut walk = one_lead(ProximityConfig::default());
    walk.north(1000.0, NOON);
    assert_eq!(walk.north(10.0, NOON), []);
    assert_eq!(walk.north(10.0, NOON - MINUTE), []);
    assert_eq!(walk.alerts(10.0, NOON + 1), [lead_id(1)]);
}

#[test]
fn a_clock_put_back_neither_stops_alerts_nor_repeats_them() {
    let config = ProximityConfig {
        cool_down_ms: HOUR,
        ..Default::default()
    };
    let mut walk = one_lead(config);
    let year = 365 * 24 * HOUR;
    assert_eq!(walk.alerts(10.0, NOON + year), [lead_id(1)]);
    assert_eq!(walk.alerts(10.0, NOON), [], "still the same stay");
    assert_eq!(left(&walk.north(900.0, NOON + 1000)), [lead_id(1)]);
    assert_eq!(
        walk.alerts(10.0, NOON + HOUR - 1),
        [],
        "cool-down starts anew"
    );
    assert_eq!(walk.alerts(10.0, NOON + HOUR), [lead_id(1)]);
}

#[test]
fn dwell_starts_anew_when_the_clock_goes_back() {
    let mut walk = one_lead(ProximityConfig {
        dwell_ms: MINUTE,
        ..Default::default()
    });
    walk.north(10.0, NOON + 24 * HOUR);
    assert_eq!(walk.alerts(10.0, NOON), []);
    assert_eq!(walk.alerts(10.0, NOON + MINUTE - 1), []);
    assert_eq!(walk.alerts(10.0, NOON + MINUTE), [lead_id(1)]);
}

#[test]
fn a_lead_that_vanishes_is_left() {
    let mut walk = one_lead(ProximityConfig::default());
    walk.north(10.0, NOON);
    walk.leads.clear();
    assert_eq!(
        walk.north(10.0, NOON + 1),
        [ProximityEvent::Left { lead: lead_id(1) }]
    );
}

#[test]
fn a_restart_changes_nothing() {
    let config = ProximityConfig {
        dwell_ms: MINUTE,
        cool_down_ms: HOUR,
        ..Default::default()
    };
    let mut walk = one_lead(config);
    walk.north(10.0, NOON);
    walk.restart();
    assert_eq!(walk.alerts(10.0, NOON + MINUTE), [lead_id(1)]);
    walk.restart();
    assert_eq!(walk.alerts(10.0, NOON + 2 * HOUR), []);
    assert!(walk.watch.state().is_told(lead_id(1)));
}

#[test]
fn memory_does_not_grow_with_the_day() {
    let leads = (0..200).map(|n| lead(n, at_bearing(90.0, f64::from(n) * 400.0)));
    let mut walk = Walk::new(
        ProximityConfig {
            cool_down_ms: HOUR,
            ..Default::default()
        },
        leads.collect(),
    );
    let mut at = NOON;
    for metres in (0..80_000).step_by(100) {
        at += MINUTE;
        walk.fix(fix(at_bearing(90.0, f64::from(metres)), at, 5.0));
        assert!(walk.watch.state().len() <= 17, "an hour passes 15 leads");
    }
    walk.north(0.0, at + 2 * HOUR);
    assert_eq!(
        walk.watch.state().inside().collect::<Vec<_>>(),
        [lead_id(0)]
    );
    walk.watch.forget();
    assert!(walk.watch.state().is_empty());
}

#[test]
fn no_fix_is_followed_without_consent() {
    let mut walk = one_lead(ProximityConfig::default());
    let near_me = walk.gate.check(Purpose::NearMe, TimestampMs(NOON)).unwrap();
    let held = grant(&walk.gate);
    let here = fix(home(), NOON, 5.0);
    let leads = AllLeads(&walk.leads);
    assert_eq!(
        walk.watch.on_fix(&near_me, &here, &leads),
        Err(ProximityError::Denied(Denied::OtherPurpose))
    );
    walk.gate.set_policy(TenantPolicy {
        disabled: vec![Purpose::LiveTracking],
    });
    assert_eq!(
        walk.watch.on_fix(&held, &here, &leads),
        Err(ProximityError::Denied(Denied::Stale))
    );
    assert!(walk.watch.state().is_empty());
}

#[test]
fn a_fix_whose_leads_cannot_be_read_may_be_tried_again() {
    struct Broken;
    impl LeadsNear for Broken {
        type Error = &'static str;
        fn near(&self, _: LatLng, _: f64) -> Result<Vec<NearLead>, Self::Error> {
            Err("disk")
        }
    }
    let mut walk = one_lead(ProximityConfig::default());
    let here = fix(home(), NOON, 5.0);
    let failed = walk.watch.on_fix(&grant(&walk.gate), &here, &Broken);
    assert_eq!(failed, Err(ProximityError::Leads("disk")));
    assert_eq!(alerted(&walk.fix(here)), [lead_id(1)]);
}

#[test]
fn settings_that_make_no_sense_are_named() {
    let wrong = |change: fn(&mut ProximityConfig)| {
        let mut config = ProximityConfig::default();
        change(&mut config);
        Proximity::new(config, ProximityState::default())
            .unwrap_err()
            .setting
    };
    assert_eq!(wrong(|c| c.default_radius_m = 0), "default_radius_m");
    assert_eq!(wrong(|c| c.max_radius_m = 100), "default_radius_m");
    assert_eq!(wrong(|c| c.dwell_ms = -1), "dwell_ms");
    assert_eq!(wrong(|c| c.exit_factor = 0.9), "exit_factor");
    assert_eq!(wrong(|c| c.exit_factor = f64::NAN), "exit_factor");
    assert_eq!(
        wrong(|c| c.max_accuracy_m = f64::INFINITY),
        "max_accuracy_m"
    );
    assert_eq!(wrong(|c| c.cool_down_ms = -1), "cool_down_ms");
    assert_eq!(wrong(|c| c.clock_reset_ms = 0), "clock_reset_ms");
    assert_eq!(wrong(|c| c.max_alerts_per_fix = 0), "max_alerts_per_fix");
}
