use crate::consent::grant::within;
use crate::consent::{ConsentLedger, Denied, Grant, LedgerFault, NewConsent};
use fieldfare_model::{ConsentAction, ConsentEvent, ConsentEventId, Purpose, TimestampMs};
use fieldfare_sync::{LedgerHead, consent_hash};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a tenant allows its reps to be asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TenantPolicy {
    /// Purposes switched off for everybody, whatever a rep agreed to.
    pub disabled: Vec<Purpose>,
}

/// A rep's decision, as the app took it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// For which use.
    pub purpose: Purpose,
    /// What was decided.
    pub action: ConsentAction,
    /// Version of the text that was shown.
    pub text_version: String,
    /// Language of the text, BCP 47.
    pub language: String,
    /// End of validity of a grant; ignored for a withdrawal.
    pub valid_until: Option<TimestampMs>,
}

/// Why a decision could not be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConsentError {
    /// The ledger cannot be trusted, so nothing can be granted. Withdrawing is always possible.
    #[error(transparent)]
    Ledger(#[from] LedgerFault),
    /// The grant would end before it begins.
    #[error("the consent would end before it begins; check its end and the phone's clock")]
    AlreadyEnded,
}

/// From when, and until when if it ends.
type Span = (TimestampMs, Option<TimestampMs>);

/// The one place that says whether a location may be used.
///
/// Built from this device's ledger and the entries of the rep's other devices. For a purpose the
/// newest entry by time decides; of entries at the same moment a withdrawal wins.
#[derive(Debug)]
pub struct ConsentGate {
    ledger: ConsentLedger,
    others: Vec<ConsentEvent>,
    newest: Vec<ConsentEvent>,
    ended: BTreeSet<ConsentEventId>,
    policy: TenantPolicy,
    generation: Arc<AtomicU64>,
}

impl ConsentGate {
    /// A gate over this device's ledger and what came from the rep's other devices by sync.
    pub fn new(
        ledger: ConsentLedger,
        others: impl IntoIterator<Item = ConsentEvent>,
        policy: TenantPolicy,
    ) -> Self {
        let mut gate = Self {
            ledger,
            others: Vec::new(),
            newest: Vec::new(),
            ended: BTreeSet::new(),
            policy,
            generation: Arc::default(),
        };
        gate.learn(others);
        gate.refresh();
        gate
    }

    /// Whether a fix captured at `at` may be used for `purpose`.
    ///
    /// # Errors
    /// [`Denied`] with the reason.
    pub fn check(&self, purpose: Purpose, at: TimestampMs) -> Result<Grant, Denied> {
        if self.policy.disabled.contains(&purpose) {
            return Err(Denied::Policy);
        }
        if !purpose.needs_consent() {
            let always = (TimestampMs(i64::MIN), None);
            return Ok(Grant::new(purpose, None, always, &self.generation));
        }
        self.ledger.condition()?;
        let event = self.decision(purpose).ok_or(Denied::NeverGranted)?;
        self.check_event(event, at)?;
        let mut span = (event.at, event.valid_until);
        if purpose == Purpose::LiveTracking {
            let own = self.check_own(purpose, at)?;
            span = overlap(span, (own.at, own.valid_until));
        }
        Ok(Grant::new(purpose, Some(event.id), span, &self.generation))
    }

    fn check_event(&self, event: &ConsentEvent, at: TimestampMs) -> Result<(), Denied> {
        if event.action == ConsentAction::Withdraw {
            return Err(Denied::Withdrawn);
        }
        if self.ended.contains(&event.id) {
            return Err(Denied::Expired);
        }
        within(event.at, event.valid_until, at)
    }

    /// The newest entry may be another device's, but the server takes pings only under this one's.
    fn check_own(&self, purpose: Purpose, at: TimestampMs) -> Result<&ConsentEvent, Denied> {
        let own = self.own_decision(purpose).ok_or(Denied::OtherDevice)?;
        self.check_event(own, at)
            .map_err(|_| Denied::OtherDevice)
            .map(|()| own)
    }

    fn own_decision(&self, purpose: Purpose) -> Option<&ConsentEvent> {
        let mut newest_first = self.ledger.events().iter().rev();
        newest_first.find(|event| event.purpose == purpose)
    }

    /// The entry that decides for a purpose, over all devices.
    pub fn decision(&self, purpose: Purpose) -> Option<&ConsentEvent> {
        self.newest.iter().find(|event| event.purpose == purpose)
    }

    /// Builds the ledger entry for a decision taken at `now`, without applying it.
    ///
    /// The entry is dated after every entry known for the purpose, so that a clock put back
    /// neither hides a withdrawal nor brings a withdrawn consent back.
    ///
    /// Store a grant first and then [`apply`](Self::apply) it. A withdrawal is applied first, then
    /// stored in the transaction that deletes the unsent pings of its purpose.
    ///
    /// # Errors
    /// [`ConsentError`] for a grant that cannot be; a withdrawal always can.
    pub fn propose(
        &self,
        decision: &Decision,
        now: TimestampMs,
        id: ConsentEventId,
    ) -> Result<ConsentEvent, ConsentError> {
        let at = match self.decision(decision.purpose) {
            Some(known) => now.max(known.at.plus(1)),
            None => now,
        };
        let is_grant = decision.action == ConsentAction::Grant;
        if is_grant {
            self.ledger.condition()?;
            if decision.valid_until.is_some_and(|until| until <= at) {
                return Err(ConsentError::AlreadyEnded);
            }
        }
        Ok(self.ledger.next_event(NewConsent {
            id,
            purpose: decision.purpose,
            action: decision.action,
            text_version: decision.text_version.clone(),
            language: decision.language.clone(),
            at,
            valid_until: decision.valid_until.filter(|_| is_grant),
        }))
    }

    /// Appends an entry made by [`propose`](Self::propose) and makes every held grant stale.
    ///
    /// # Errors
    /// [`LedgerFault::Damaged`] if another entry was appended meanwhile: propose again.
    pub fn apply(&mut self, event: ConsentEvent) -> Result<(), LedgerFault> {
        self.ledger.push(event)?;
        self.refresh();
        Ok(())
    }

    /// Takes in entries that came by sync. Entries of other reps are passed over, and grants
    /// whose hash is wrong; a withdrawal counts in any case. Answers whether any was new.
    pub fn learn(&mut self, events: impl IntoIterator<Item = ConsentEvent>) -> bool {
        let before = self.others.len();
        for event in events {
            if self.is_credible(&event) && !self.knows(&event) {
                self.others.push(event);
            }
        }
        let changed = self.others.len() > before;
        if changed {
            self.refresh();
        }
        changed
    }

    fn is_credible(&self, event: &ConsentEvent) -> bool {
        let whole = || event.action == ConsentAction::Withdraw || consent_hash(event) == event.hash;
        event.rep == self.ledger.rep() && whole()
    }

    fn knows(&self, event: &ConsentEvent) -> bool {
        self.others.contains(event) || self.ledger.events().contains(event)
    }

    /// Takes note of the time, so that a grant seen to end stays ended though the clock be put
    /// back afterwards (while this gate lives). Answers the purposes that ended now.
    pub fn observe(&mut self, now: TimestampMs) -> Vec<Purpose> {
        let own = self.own_decision(Purpose::LiveTracking);
        let ended: BTreeMap<_, _> = self
            .newest
            .iter()
            .chain(own)
            .filter(|event| event.valid_until.is_some_and(|until| until <= now))
            .filter(|event| !self.ended.contains(&event.id))
            .map(|event| (event.id, event.purpose))
            .collect();
        if !ended.is_empty() {
            self.ended.extend(ended.keys());
            self.turn();
        }
        let has_ended = |purpose: &&Purpose| ended.values().any(|of| of == *purpose);
        Purpose::ALL.iter().filter(has_ended).copied().collect()
    }

    /// Takes note of the ledger head the server confirmed; one that this device does not hold
    /// closes the gate.
    pub fn acknowledge(&mut self, head: LedgerHead) {
        let before = self.ledger.condition();
        self.ledger.acknowledge(head);
        if self.ledger.condition() != before {
            self.turn();
        }
    }

    /// Repairs this device's ledger from the server's copy: see [`ConsentLedger::rejoin`].
    ///
    /// # Errors
    /// [`LedgerFault`] if the server's copy is broken or lacks the acknowledged head.
    pub fn rejoin(&mut self, server: &[ConsentEvent]) -> Result<Vec<ConsentEvent>, LedgerFault> {
        let appended = self.ledger.rejoin(server)?;
        self.refresh();
        Ok(appended)
    }

    /// Replaces what the tenant allows.
    pub fn set_policy(&mut self, policy: TenantPolicy) {
        if self.policy != policy {
            self.policy = policy;
            self.turn();
        }
    }

    /// This device's ledger.
    pub const fn ledger(&self) -> &ConsentLedger {
        &self.ledger
    }

    /// Counts changes; a grant of an older generation is stale.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    fn refresh(&mut self) {
        let known = self.ledger.events().iter().chain(&self.others);
        self.newest = Purpose::ALL
            .iter()
            .filter_map(|purpose| {
                let of_purpose = known.clone().filter(|event| event.purpose == *purpose);
                of_purpose.max_by_key(|event| weight(event)).cloned()
            })
            .collect();
        self.turn();
    }

    fn turn(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for ConsentGate {
    fn drop(&mut self) {
        self.turn();
    }
}

/// When both spans hold; an open end gives way to any other.
fn overlap(one: Span, other: Span) -> Span {
    let ends = one.1.into_iter().chain(other.1);
    (one.0.max(other.0), ends.min())
}

/// Later entries weigh more; of the same moment a withdrawal, then the grant that ends first.
fn weight(event: &ConsentEvent) -> (TimestampMs, bool, i64, ConsentEventId) {
    let ends = event.valid_until.map_or(i64::MAX, |until| until.0);
    let withdrawn = event.action == ConsentAction::Withdraw;
    (event.at, withdrawn, ends.saturating_neg(), event.id)
}
