mod ledger;
mod model;

use super::*;
use fieldfare_model::{
    ConsentAction, ConsentEvent, ConsentEventId, Fix, LatLng, PingId, Purpose, RepId, TimestampMs,
};
use fieldfare_sync::LedgerHead;

fn rep() -> RepId {
    RepId::from_bytes([1; 16])
}

fn id(n: u64) -> ConsentEventId {
    ConsentEventId::v7(n, [0; 10])
}

fn fix(at: i64) -> Fix {
    Fix {
        position: LatLng::new(48.1, 11.5).unwrap(),
        at: TimestampMs(at),
        accuracy_m: 5.0,
        speed_mps: None,
    }
}

fn ping_id() -> PingId {
    PingId::from_bytes([9; 16])
}

fn decision(purpose: Purpose, action: ConsentAction, valid_until: Option<i64>) -> Decision {
    Decision {
        purpose,
        action,
        text_version: "1".into(),
        language: "en".into(),
        valid_until: valid_until.map(TimestampMs),
    }
}

fn empty_gate() -> ConsentGate {
    let ledger = ConsentLedger::load(rep(), Vec::new(), LedgerHead::EMPTY);
    ConsentGate::new(ledger, [], TenantPolicy::default())
}

fn decide(gate: &mut ConsentGate, d: &Decision, now: i64, n: u64) -> ConsentEvent {
    let event = gate.propose(d, TimestampMs(now), id(n)).unwrap();
    gate.apply(event.clone()).unwrap();
    event
}

use ConsentAction::{Grant as Yes, Withdraw as No};
use Purpose::{LiveTracking, NearMe, ProximityAlerts, VisitCheckIn};

#[test]
fn near_me_needs_no_consent_and_makes_no_ping() {
    let gate = empty_gate();
    let grant = gate.check(NearMe, TimestampMs(5)).unwrap();
    assert_eq!(grant.event(), None);
    assert_eq!(
        Ping::new(&grant, ping_id(), fix(5)),
        Err(Denied::OtherPurpose)
    );
}

#[test]
fn alerts_stay_on_the_phone() {
    let mut gate = empty_gate();
    decide(&mut gate, &decision(ProximityAlerts, Yes, None), 1, 1);
    let grant = gate.check(ProximityAlerts, TimestampMs(5)).unwrap();
    assert_eq!(
        Ping::new(&grant, ping_id(), fix(5)),
        Err(Denied::OtherPurpose)
    );
}

#[test]
fn a_ping_names_the_consent_it_rests_on() {
    let mut gate = empty_gate();
    let event = decide(&mut gate, &decision(VisitCheckIn, Yes, None), 1, 1);
    let grant = gate.check(VisitCheckIn, TimestampMs(5)).unwrap();
    let ping = Ping::new(&grant, ping_id(), fix(5)).unwrap();
    assert_eq!((ping.consent(), ping.purpose()), (event.id, VisitCheckIn));
    assert_eq!(ping.fix().at, TimestampMs(5));
}

#[test]
fn a_tenant_switches_a_purpose_off() {
    let mut gate = empty_gate();
    decide(&mut gate, &decision(LiveTracking, Yes, None), 1, 1);
    let held = gate.check(LiveTracking, TimestampMs(5)).unwrap();
    gate.set_policy(TenantPolicy {
        disabled: vec![LiveTracking, NearMe],
    });
    for purpose in [LiveTracking, NearMe] {
        assert_eq!(
            gate.check(purpose, TimestampMs(5)).unwrap_err(),
            Denied::Policy
        );
    }
    assert_eq!(
        Ping::new(&held, ping_id(), fix(5)),
        Err(Denied::Stale),
        "held grants go stale"
    );
}

#[test]
fn each_reason_has_its_name() {
    let mut gate = empty_gate();
    let why = |gate: &ConsentGate, at| gate.check(LiveTracking, TimestampMs(at)).unwrap_err();
    assert_eq!(why(&gate, 5), Denied::NeverGranted);
    decide(&mut gate, &decision(LiveTracking, Yes, Some(20)), 10, 1);
    assert_eq!(why(&gate, 9), Denied::NotYet);
    assert!(gate.check(LiveTracking, TimestampMs(10)).is_ok());
    assert!(gate.check(LiveTracking, TimestampMs(19)).is_ok());
    assert_eq!(why(&gate, 20), Denied::Expired);
    decide(&mut gate, &decision(LiveTracking, No, None), 15, 2);
    assert_eq!(why(&gate, 15), Denied::Withdrawn);
    assert_eq!(
        why(&gate, 12),
        Denied::Withdrawn,
        "late fixes from before it too"
    );
}

#[test]
fn a_clock_put_back_neither_hides_a_withdrawal_nor_revives_a_grant() {
    let mut gate = empty_gate();
    decide(&mut gate, &decision(LiveTracking, Yes, None), 1000, 1);
    let withdrawal = decide(&mut gate, &decision(LiveTracking, No, None), 10, 2);
    assert_eq!(withdrawal.at, TimestampMs(1001));
    assert_eq!(
        gate.check(LiveTracking, TimestampMs(2000)).unwrap_err(),
        Denied::Withdrawn
    );
    let grant = decide(&mut gate, &decision(LiveTracking, Yes, None), 10, 3);
    assert_eq!(grant.at, TimestampMs(1002));
}

#[test]
fn an_ended_grant_stays_ended_when_the_clock_goes_back() {
    let mut gate = empty_gate();
    decide(&mut gate, &decision(LiveTracking, Yes, Some(20)), 10, 1);
    assert_eq!(gate.observe(TimestampMs(19)), []);
    assert_eq!(gate.observe(TimestampMs(20)), [LiveTracking]);
    assert_eq!(gate.observe(TimestampMs(21)), []);
    assert_eq!(
        gate.check(LiveTracking, TimestampMs(15)).unwrap_err(),
        Denied::Expired
    );
}

#[test]
fn a_grant_of_this_phone_ends_though_another_phones_goes_on() {
    let mut gate = empty_gate();
    decide(&mut gate, &decision(LiveTracking, Yes, Some(24)), 1, 1);
    let other = decide(&mut empty_gate(), &decision(LiveTracking, Yes, None), 20, 2);
    gate.learn([other]);
    let held = gate.check(LiveTracking, TimestampMs(21)).unwrap();
    assert!(Ping::new(&held, ping_id(), fix(23)).is_ok());
    assert_eq!(Ping::new(&held, ping_id(), fix(24)), Err(Denied::Expired));
    assert_eq!(gate.observe(TimestampMs(24)), [LiveTracking]);
    assert_eq!(
        gate.check(LiveTracking, TimestampMs(23)).unwrap_err(),
        Denied::OtherDevice,
        "seen to end, it stays ended when the clock goes back"
    );
}

#[test]
fn a_grant_cannot_end_before_it_begins() {
    let gate = empty_gate();
    let late = gate.propose(
        &decision(LiveTracking, Yes, Some(10)),
        TimestampMs(10),
        id(1),
    );
    assert_eq!(late, Err(ConsentError::AlreadyEnded));
}

#[test]
fn of_the_same_moment_a_withdrawal_wins_whatever_comes_first() {
    let other = |action, n| {
        let mut gate = empty_gate();
        decide(&mut gate, &decision(LiveTracking, action, None), 10, n)
    };
    let both = [other(Yes, 7), other(No, 3)];
    for order in [[0, 1], [1, 0]] {
        let mut gate = empty_gate();
        assert!(gate.learn(order.map(|i| both[i].clone())));
        assert!(!gate.learn([both[0].clone()]), "known already");
        assert_eq!(
            gate.check(LiveTracking, TimestampMs(10)).unwrap_err(),
            Denied::Withdrawn
        );
    }
}

#[test]
fn another_reps_grant_and_a_forged_grant_count_for_nothing() {
    let mut gate = empty_gate();
    let mut forged = decide(
        &mut empty_gate(),
        &decision(LiveTracking, Yes, Some(20)),
        10,
        1,
    );
    forged.valid_until = None;
    let ledger = ConsentLedger::load(RepId::from_bytes([2; 16]), Vec::new(), LedgerHead::EMPTY);
    let mut other = ConsentGate::new(ledger, [], TenantPolicy::default());
    let foreign = decide(&mut other, &decision(LiveTracking, Yes, None), 10, 2);
    assert!(!gate.learn([forged, foreign]));
    assert_eq!(
        gate.check(LiveTracking, TimestampMs(15)).unwrap_err(),
        Denied::NeverGranted
    );
}

#[test]
fn every_change_makes_held_grants_stale() {
    let mut gate = empty_gate();
    decide(&mut gate, &decision(LiveTracking, Yes, None), 1, 1);
    let held = gate.check(LiveTracking, TimestampMs(5)).unwrap();
    let generation = gate.generation();
    assert_eq!(held.generation(), generation);
    assert!(held.is_current());
    decide(&mut gate, &decision(LiveTracking, No, None), 2, 2);
    assert!(gate.generation() > generation);
    assert!(!held.is_current());
    assert_eq!(Ping::new(&held, ping_id(), fix(5)), Err(Denied::Stale));
}

#[test]
fn grants_do_not_outlive_their_gate() {
    let mut gate = empty_gate();
    decide(&mut gate, &decision(LiveTracking, Yes, None), 1, 1);
    let held = gate.check(LiveTracking, TimestampMs(5)).unwrap();
    drop(gate);
    assert_eq!(Ping::new(&held, ping_id(), fix(5)), Err(Denied::Stale));
}
