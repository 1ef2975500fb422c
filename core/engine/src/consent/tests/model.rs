//! Random histories of a phone, another device, a server and a bad clock, against an oracle that
//! keeps plain lists and knows nothing of hashes or generations.

use super::*;
use proptest::prelude::*;
use proptest::strategy::ValueTree;

#[derive(Debug, Clone)]
enum Step {
    Decide {
        purpose: Purpose,
        action: ConsentAction,
        valid_for: Option<i64>,
    },
    OtherDevice {
        purpose: Purpose,
        action: ConsentAction,
        clock_offset: i64,
    },
    Clock(i64),
    Observe,
    Disable(Option<Purpose>),
    PushToServer,
    AcknowledgementArrives,
    CopyFile,
    PutOldFileBack,
    Repair,
    Hold(Purpose),
    UseHeld {
        delay: i64,
    },
    Capture {
        purpose: Purpose,
        delay: i64,
    },
}

fn purpose() -> impl Strategy<Value = Purpose> {
    prop_oneof![Just(LiveTracking), Just(VisitCheckIn)]
}

fn action() -> impl Strategy<Value = ConsentAction> {
    prop_oneof![4 => Just(Yes), 1 => Just(No)]
}

fn step() -> impl Strategy<Value = Step> {
    let delay = -8i64..25;
    prop_oneof![
        4 => (purpose(), action(), prop::option::of(1i64..80))
            .prop_map(|(purpose, action, valid_for)| Step::Decide { purpose, action, valid_for }),
        2 => (purpose(), action(), -40i64..40)
            .prop_map(|(purpose, action, clock_offset)| Step::OtherDevice { purpose, action, clock_offset }),
        3 => (0i64..20).prop_map(Step::Clock),
        2 => (-100i64..100).prop_map(Step::Clock),
        3 => Just(Step::Observe),
        1 => prop::option::weighted(0.3, purpose()).prop_map(Step::Disable),
        1 => Just(Step::PushToServer),
        1 => Just(Step::AcknowledgementArrives),
        1 => Just(Step::CopyFile),
        1 => Just(Step::PutOldFileBack),
        1 => Just(Step::Repair),
        2 => purpose().prop_map(Step::Hold),
        3 => delay.clone().prop_map(|delay| Step::UseHeld { delay }),
        8 => (purpose(), delay).prop_map(|(purpose, delay)| Step::Capture { purpose, delay }),
    ]
}

/// What somebody with a list and a pencil knows.
#[derive(Debug, Clone, Default)]
struct Oracle {
    own: Vec<ConsentEvent>,
    others: Vec<ConsentEvent>,
    seen_ended: Vec<ConsentEventId>,
    disabled: Option<Purpose>,
    acknowledged: Vec<ConsentEventId>,
}

impl Oracle {
    fn is_rolled_back(&self) -> bool {
        let own: Vec<_> = self.own.iter().map(|e| e.id).collect();
        !own.starts_with(&self.acknowledged)
    }

    fn last_moment(&self, purpose: Purpose) -> Vec<&ConsentEvent> {
        let known: Vec<_> = self
            .own
            .iter()
            .chain(&self.others)
            .filter(|e| e.purpose == purpose)
            .collect();
        let last = known.iter().map(|e| e.at.0).max();
        known.into_iter().filter(|e| Some(e.at.0) == last).collect()
    }

    fn is_active(&self, purpose: Purpose, t: i64) -> bool {
        let last = self.last_moment(purpose);
        !self.is_rolled_back()
            && self.disabled != Some(purpose)
            && !last.is_empty()
            && (purpose != LiveTracking || self.is_given_here(purpose, t))
            && last.iter().all(|e| {
                e.action == Yes
                    && e.at.0 <= t
                    && e.valid_until.is_none_or(|until| t < until.0)
                    && !self.seen_ended.contains(&e.id)
            })
    }

    fn is_given_here(&self, purpose: Purpose, t: i64) -> bool {
        let last = self.own.iter().rfind(|e| e.purpose == purpose);
        last.is_some_and(|e| {
            e.action == Yes
                && e.valid_until.is_none_or(|until| t < until.0)
                && !self.seen_ended.contains(&e.id)
        })
    }

    fn observe(&mut self, now: i64) {
        for purpose in Purpose::ALL {
            let here = self.own.iter().rfind(|e| e.purpose == *purpose);
            let ended: Vec<_> = self
                .last_moment(*purpose)
                .into_iter()
                .chain(here.filter(|_| *purpose == LiveTracking))
                .filter(|e| e.valid_until.is_some_and(|until| until.0 <= now))
                .map(|e| e.id)
                .collect();
            self.seen_ended.extend(ended);
        }
    }
}

struct World {
    gate: ConsentGate,
    oracle: Oracle,
    now: i64,
    ids: u64,
    server: Vec<ConsentEvent>,
    acknowledgement: Option<Vec<ConsentEvent>>,
    acknowledged: LedgerHead,
    copy: Vec<ConsentEvent>,
    held: Option<Grant>,
    pings: usize,
}

impl World {
    fn new() -> Self {
        Self {
            gate: empty_gate(),
            oracle: Oracle::default(),
            now: 1000,
            ids: 0,
            server: Vec::new(),
            acknowledgement: None,
            acknowledged: LedgerHead::EMPTY,
            copy: Vec::new(),
            held: None,
            pings: 0,
        }
    }

    fn id(&mut self) -> ConsentEventId {
        self.ids += 1;
        id(self.ids)
    }

    fn take(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Decide {
                purpose,
                action,
                valid_for,
            } => self.decide(purpose, action, valid_for)?,
            Step::OtherDevice {
                purpose,
                action,
                clock_offset,
            } => self.other_device(purpose, action, clock_offset),
            Step::Clock(by) => self.now += by,
            Step::Observe => {
                self.gate.observe(TimestampMs(self.now));
                self.oracle.observe(self.now);
            }
            Step::Disable(purpose) => {
                self.gate.set_policy(TenantPolicy {
                    disabled: purpose.into_iter().collect(),
                });
                self.oracle.disabled = purpose;
            }
            Step::PushToServer => self.push(),
            Step::AcknowledgementArrives => self.acknowledge(),
            Step::CopyFile => self.copy = self.gate.ledger().events().to_vec(),
            Step::PutOldFileBack => self.put_old_file_back(),
            Step::Repair => self.repair(),
            Step::Hold(purpose) => self.held = self.gate.check(purpose, TimestampMs(self.now)).ok(),
            Step::UseHeld { delay } => self.use_held(delay)?,
            Step::Capture { purpose, delay } => self.capture(purpose, delay)?,
        }
        prop_assert_eq!(
            self.gate.ledger().condition().is_err(),
            self.oracle.is_rolled_back()
        );
        Ok(())
    }

    fn decide(
        &mut self,
        purpose: Purpose,
        action: ConsentAction,
        valid_for: Option<i64>,
    ) -> Result<(), TestCaseError> {
        let d = decision(purpose, action, valid_for.map(|ms| self.now + ms));
        let id = self.id();
        let newest = self.oracle.last_moment(purpose).first().map(|e| e.at);
        match self.gate.propose(&d, TimestampMs(self.now), id) {
            Ok(event) => {
                prop_assert!(newest.is_none_or(|newest| event.at > newest));
                prop_assert!(event.at.0 >= self.now);
                self.gate.apply(event.clone()).unwrap();
                self.oracle.own.push(event);
            }
            Err(_) => prop_assert_eq!(action, Yes),
        }
        if action == No {
            prop_assert!(!self.oracle.is_active(purpose, i64::MAX));
        }
        Ok(())
    }

    fn other_device(&mut self, purpose: Purpose, action: ConsentAction, offset: i64) {
        let id = self.id();
        let mut other = empty_gate();
        let event = other
            .propose(
                &decision(purpose, action, None),
                TimestampMs(self.now + offset),
                id,
            )
            .unwrap();
        other.apply(event.clone()).unwrap();
        self.gate.learn([event.clone()]);
        self.oracle.others.push(event);
    }

    fn push(&mut self) {
        let local = self.gate.ledger().events();
        if local.starts_with(&self.server) {
            self.server = local.to_vec();
            self.acknowledgement = Some(self.server.clone());
        }
    }

    fn acknowledge(&mut self) {
        let Some(confirmed) = self.acknowledgement.take() else {
            return;
        };
        let head = confirmed.last().map_or(LedgerHead::EMPTY, LedgerHead::from);
        self.gate.acknowledge(head);
        self.acknowledged = head;
        self.oracle.acknowledged = confirmed.iter().map(|e| e.id).collect();
    }

    fn put_old_file_back(&mut self) {
        let ledger = ConsentLedger::load(rep(), self.copy.clone(), self.acknowledged);
        let policy = TenantPolicy {
            disabled: self.oracle.disabled.into_iter().collect(),
        };
        self.gate = ConsentGate::new(ledger, self.oracle.others.clone(), policy);
        self.oracle.own = self.copy.clone();
        self.oracle.seen_ended.clear();
    }

    fn repair(&mut self) {
        if !self.oracle.is_rolled_back() {
            return;
        }
        let appended = self.gate.rejoin(&self.server).unwrap();
        self.oracle.own = self.server.clone();
        self.oracle.own.extend(appended);
        self.copy = self.server.clone();
    }

    fn use_held(&mut self, delay: i64) -> Result<(), TestCaseError> {
        let Some(grant) = &self.held else {
            return Ok(());
        };
        let t = self.now + delay;
        if Ping::new(grant, ping_id(), fix(t)).is_ok() {
            prop_assert!(
                self.oracle.is_active(grant.purpose(), t),
                "stale grant used at {}",
                t
            );
            self.pings += 1;
        }
        Ok(())
    }

    fn capture(&mut self, purpose: Purpose, delay: i64) -> Result<(), TestCaseError> {
        let t = self.now + delay;
        let ping = self
            .gate
            .check(purpose, TimestampMs(t))
            .and_then(|grant| Ping::new(&grant, ping_id(), fix(t)));
        prop_assert_eq!(
            ping.is_ok(),
            self.oracle.is_active(purpose, t),
            "at {}: {:?}",
            t,
            ping
        );
        self.pings += usize::from(ping.is_ok());
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn no_ping_exists_outside_an_active_grant(steps in proptest::collection::vec(step(), 1..60)) {
        let mut world = World::new();
        for step in steps {
            world.take(step)?;
        }
    }
}

#[test]
fn the_random_histories_do_make_pings() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = proptest::collection::vec(step(), 60);
    let mut pings = 0;
    for _ in 0..50 {
        let mut world = World::new();
        for step in strategy.new_tree(&mut runner).unwrap().current() {
            world.take(step).unwrap();
        }
        pings += world.pings;
    }
    assert!(
        pings > 100,
        "only {pings} pings: the property would be empty"
    );
}
