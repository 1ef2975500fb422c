use super::*;
use fieldfare_sync::ChainError;
use proptest::prelude::*;

fn events(n: u64) -> Vec<ConsentEvent> {
    let mut gate = empty_gate();
    for i in 1..=n {
        let action = if i % 2 == 0 { No } else { Yes };
        decide(
            &mut gate,
            &decision(LiveTracking, action, None),
            i as i64 * 10,
            i,
        );
    }
    gate.ledger().events().to_vec()
}

fn closed_gate(ledger: ConsentLedger) -> ConsentGate {
    let fault = ledger.condition().unwrap_err();
    let gate = ConsentGate::new(ledger, [], TenantPolicy::default());
    assert_eq!(
        gate.check(LiveTracking, TimestampMs(1000)).unwrap_err(),
        Denied::Ledger(fault)
    );
    assert!(gate.check(NearMe, TimestampMs(1000)).is_ok());
    gate
}

proptest! {
    #[test]
    fn a_ledger_cut_below_the_acknowledged_head_closes_the_gate(length in 1u64..9, cut in 0u64..9, acked in 0u64..9) {
        let all = events(length);
        let (cut, acked) = (cut.min(length) as usize, acked.min(length) as usize);
        let head = all[..acked].last().map_or(LedgerHead::EMPTY, LedgerHead::from);
        let ledger = ConsentLedger::load(rep(), all[..cut].to_vec(), head);
        if cut < acked {
            prop_assert_eq!(ledger.condition(), Err(LedgerFault::RolledBack));
            closed_gate(ledger);
        } else {
            prop_assert_eq!(ledger.condition(), Ok(()));
        }
    }

    #[test]
    fn a_touched_ledger_closes_the_gate(length in 1u64..9, at in any::<prop::sample::Index>()) {
        let mut all = events(length);
        let touched = at.index(all.len());
        all[touched].action = Yes;
        all[touched].valid_until = Some(TimestampMs(i64::MAX));
        let ledger = ConsentLedger::load(rep(), all, LedgerHead::EMPTY);
        let fault = LedgerFault::Damaged(ChainError::Hash { sequence: touched as u64 + 1 });
        prop_assert_eq!(ledger.condition(), Err(fault));
        closed_gate(ledger);
    }
}

#[test]
fn a_head_from_another_branch_closes_the_gate() {
    let mut ledger = ConsentLedger::load(rep(), events(3), LedgerHead::EMPTY);
    let ours = ledger.head();
    ledger.acknowledge(ours);
    assert_eq!(ledger.condition(), Ok(()));
    ledger.acknowledge(LedgerHead {
        sequence: 3,
        hash: [4; 32],
    });
    assert_eq!(ledger.condition(), Err(LedgerFault::RolledBack));
}

#[test]
fn an_older_acknowledgement_that_comes_late_changes_nothing() {
    let all = events(3);
    let mut ledger = ConsentLedger::load(rep(), all.clone(), (&all[2]).into());
    ledger.acknowledge((&all[0]).into());
    assert_eq!(ledger.condition(), Ok(()));
    assert_eq!(ledger.acknowledged(), LedgerHead::from(&all[2]));
}

#[test]
fn nothing_is_granted_on_a_rolled_back_ledger_but_withdrawing_works_and_survives_the_repair() {
    let server = events(3);
    let old = server[..1].to_vec();
    let mut gate = closed_gate(ConsentLedger::load(rep(), old, (&server[2]).into()));
    let refused = gate.propose(&decision(LiveTracking, Yes, None), TimestampMs(50), id(50));
    assert_eq!(refused, Err(ConsentError::Ledger(LedgerFault::RolledBack)));
    decide(&mut gate, &decision(LiveTracking, No, None), 12, 51);

    let appended = gate.rejoin(&server).unwrap();
    assert_eq!(appended.len(), 1);
    assert_eq!(appended[0].id, id(51));
    assert!(appended[0].at > server[2].at);
    assert_eq!(gate.ledger().condition(), Ok(()));
    assert_eq!(gate.ledger().head().sequence, 4);
    assert_eq!(
        gate.check(LiveTracking, TimestampMs(1000)).unwrap_err(),
        Denied::Withdrawn
    );
}

#[test]
fn repair_drops_local_grants_the_server_does_not_know() {
    let server = events(2);
    let mut local = server[..1].to_vec();
    let mut ledger = ConsentLedger::load(rep(), local.clone(), LedgerHead::EMPTY);
    local.push(
        ledger
            .append(NewConsent {
                id: id(60),
                purpose: LiveTracking,
                action: Yes,
                text_version: "1".into(),
                language: "en".into(),
                at: TimestampMs(500),
                valid_until: None,
            })
            .unwrap(),
    );
    let forked = ConsentLedger::load(rep(), local, (&server[1]).into());
    let mut gate = closed_gate(forked);
    assert_eq!(gate.rejoin(&server), Ok(vec![]));
    assert_eq!(
        gate.check(LiveTracking, TimestampMs(1000)).unwrap_err(),
        Denied::Withdrawn
    );
}

#[test]
fn repair_from_a_copy_that_is_too_old_is_refused() {
    let server = events(3);
    let ledger = ConsentLedger::load(rep(), Vec::new(), (&server[2]).into());
    let mut gate = closed_gate(ledger);
    assert_eq!(gate.rejoin(&server[..2]), Err(LedgerFault::RolledBack));
    assert!(gate.check(LiveTracking, TimestampMs(1000)).is_err());
    assert_eq!(gate.rejoin(&server), Ok(vec![]));
    assert!(gate.check(LiveTracking, TimestampMs(1000)).is_ok());
}

#[test]
fn an_entry_that_does_not_follow_is_refused() {
    let all = events(3);
    let mut ledger = ConsentLedger::load(rep(), all[..1].to_vec(), LedgerHead::EMPTY);
    assert_eq!(
        ledger.push(all[2].clone()),
        Err(LedgerFault::Damaged(ChainError::Sequence {
            expected: 2,
            found: 3
        }))
    );
    assert_eq!(ledger.push(all[1].clone()), Ok(()));
}
