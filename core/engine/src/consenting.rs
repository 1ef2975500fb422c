//! The rep's consent: decisions, and the one gate every use of a location passes.

use crate::consent::{
    ConsentError, ConsentGate, ConsentLedger, Decision, Denied, Grant, LedgerFault, TenantPolicy,
};
use crate::{ChangeNotice, Engine, EngineError, EngineResult};
use fieldfare_model::{
    ConsentAction, ConsentEvent, ConsentEventId, Entity, OperationId, Purpose, TimestampMs,
};
use fieldfare_store::NewOperation;
use fieldfare_sync::{Change, LedgerHead, verify_next};
use serde::{Deserialize, Serialize};

/// The newest head of the ledger the server confirmed.
const ACKNOWLEDGED: &str = "consent.acknowledged";

/// The gate; none before enrolment.
#[derive(Default)]
pub(crate) struct Consents {
    pub gate: Option<ConsentGate>,
    /// Withdrawn, but the withdrawal could not be stored yet: closed all the same.
    withheld: Vec<Purpose>,
}

/// Whether the rep's ledger can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerState {
    /// The device is not enrolled, so there is no ledger.
    None,
    /// Whole, and all the server confirmed is in it.
    Whole,
    /// It lacks entries the server confirmed, or holds others: an older copy of the files was put
    /// back, or the phone was cloned. Nothing is granted until a sync has brought what is missing. If
    /// this copy holds decisions of its own, erase the phone once its work is sent, and enrol it again.
    RolledBack,
    /// The chain is broken. Nothing is granted until the phone is erased, once its work is sent, and
    /// enrolled again.
    Damaged,
}

/// Whether a purpose is granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurposeState {
    /// The purpose.
    pub purpose: Purpose,
    /// Whether a location may be used for it now.
    pub is_granted: bool,
    /// Why not, for people; none if it is granted.
    pub reason: Option<String>,
    /// When the decision that counts was taken; none if there was none.
    pub decided_at: Option<TimestampMs>,
    /// End of validity of the grant.
    pub valid_until: Option<TimestampMs>,
}

/// Where the rep's consent stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentState {
    /// Whether the ledger can be trusted.
    pub ledger: LedgerState,
    /// Entries in this device's ledger.
    pub entries: u64,
    /// Entries of it the server confirmed.
    pub acknowledged: u64,
    /// Every purpose that needs consent.
    pub purposes: Vec<PurposeState>,
}

/// An entry of this device's consent ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentRecord {
    /// The entry.
    pub event: ConsentEvent,
    /// Whether the server confirmed it.
    pub is_acknowledged: bool,
}

impl Engine {
    /// Notes that the rep agrees to a use of location. `text_version` and `language` (BCP 47) say
    /// which text was shown. Durable and in force when it returns.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] for a purpose that needs no consent, an end that is past, or a
    /// ledger that cannot be trusted; [`EngineError::NotEnrolled`]; or as storage has it.
    pub fn grant(
        &self,
        purpose: Purpose,
        text_version: &str,
        language: &str,
        valid_until: Option<TimestampMs>,
    ) -> EngineResult<ConsentEvent> {
        if !purpose.needs_consent() {
            return Err(EngineError::invalid("this purpose needs no consent"));
        }
        if text_version.trim().is_empty() || language.trim().is_empty() {
            return Err(EngineError::invalid(
                "say which text was shown, and in which language",
            ));
        }
        let decision = Decision {
            purpose,
            action: ConsentAction::Grant,
            text_version: text_version.to_owned(),
            language: language.to_owned(),
            valid_until,
        };
        if self.lock_consents().is_ahead() {
            self.load_consents()?;
        }
        let mut consents = self.lock_consents();
        let gate = consents.gate.as_mut().ok_or(EngineError::NotEnrolled)?;
        let (event, operation) = self.propose(gate, &decision)?;
        let changes = self.store.append_consent(&event, &operation)?;
        gate.apply(event.clone())?;
        consents.release(purpose);
        drop(consents);
        self.changed_with(&changes, consents_changed())?;
        Ok(event)
    }

    /// Notes that the rep does not agree any more. In force at once; unsent pings of the purpose
    /// are gone when it returns.
    ///
    /// # Errors
    /// [`EngineError::NotEnrolled`], [`EngineError::Invalid`] for a purpose that needs no consent,
    /// or as storage has it: the gate is closed for the purpose even then, until the app ends; try
    /// again.
    pub fn withdraw(&self, purpose: Purpose) -> EngineResult<ConsentEvent> {
        if !purpose.needs_consent() {
            return Err(EngineError::invalid("this purpose needs no consent"));
        }
        let is_ahead = self.lock_consents().withhold(purpose)?;
        if purpose == Purpose::Navigation {
            self.forget_following()?;
        }
        if is_ahead {
            self.load_consents()?;
        }
        let mut consents = self.lock_consents();
        let gate = consents.gate.as_mut().ok_or(EngineError::NotEnrolled)?;
        let decision = withdrawal(gate, purpose);
        let (event, operation) = self.propose(gate, &decision)?;
        gate.apply(event.clone())?;
        let changes = self.store.append_consent(&event, &operation)?;
        consents.release(purpose);
        drop(consents);
        if purpose == Purpose::ProximityAlerts {
            self.forget_proximity()?;
        }
        self.changed_with(&changes, consents_changed())?;
        Ok(event)
    }

    fn propose(
        &self,
        gate: &ConsentGate,
        decision: &Decision,
    ) -> EngineResult<(ConsentEvent, NewOperation)> {
        let id = self.sources.id(ConsentEventId::v7)?;
        let event = gate.propose(decision, self.sources.now(), id)?;
        let operation = NewOperation {
            id: self.sources.id(OperationId::v7)?,
            entity: Entity::CONSENT,
            row: event.id.row(),
            base_version: 0,
            depends_on: None,
            at: event.at,
            change: Change::Create(event.to_columns()),
        };
        Ok((event, operation))
    }

    /// This device's consent ledger, oldest entry first.
    ///
    /// # Errors
    /// As storage has it.
    pub fn consents(&self) -> EngineResult<Vec<ConsentRecord>> {
        let acknowledged = self.acknowledged_head()?;
        let events = self.store.consent_events()?;
        Ok(events
            .into_iter()
            .map(|event| ConsentRecord {
                is_acknowledged: event.sequence <= acknowledged.sequence,
                event,
            })
            .collect())
    }

    /// Where the rep's consent stands now.
    pub fn consent_state(&self) -> ConsentState {
        let now = self.sources.now();
        let mut held = self.lock_consents();
        let consents = &mut *held;
        let Some(gate) = consents.gate.as_mut() else {
            return ConsentState {
                ledger: LedgerState::None,
                entries: 0,
                acknowledged: 0,
                purposes: Vec::new(),
            };
        };
        gate.observe(now);
        let gate = &*gate;
        let ledger = gate.ledger();
        let is_withheld = |purpose: Purpose| consents.withheld.contains(&purpose);
        ConsentState {
            ledger: match ledger.condition() {
                Ok(()) => LedgerState::Whole,
                Err(LedgerFault::RolledBack) => LedgerState::RolledBack,
                Err(LedgerFault::Damaged(_)) => LedgerState::Damaged,
            },
            entries: ledger.head().sequence,
            acknowledged: ledger.acknowledged().sequence,
            purposes: Purpose::ALL
                .iter()
                .filter(|purpose| purpose.needs_consent())
                .map(|purpose| purpose_state(gate, *purpose, now, is_withheld(*purpose)))
                .collect(),
        }
    }

    /// Passes the gate, or says which consent is missing.
    pub(crate) fn require_consent(&self, purpose: Purpose) -> EngineResult<()> {
        match !purpose.needs_consent() || self.is_granted(purpose) {
            true => Ok(()),
            false => Err(EngineError::ConsentRequired { purpose }),
        }
    }

    /// Whether the gate lets a location of this moment through.
    pub(crate) fn is_granted(&self, purpose: Purpose) -> bool {
        let now = self.sources.now();
        self.lock_consents().check(purpose, now, now).is_ok()
    }

    /// Builds the gate from what is stored; none before enrolment.
    pub(crate) fn load_consents(&self) -> EngineResult<()> {
        let Ok(enrolment) = self.session.enrolment() else {
            self.lock_consents().gate = None;
            return Ok(());
        };
        let events = self.store.consent_events()?;
        let ledger = ConsentLedger::load(enrolment.rep, events, self.acknowledged_head()?);
        let confirmed = self.confirmed_events()?;
        let mut gate = ConsentGate::new(ledger, Vec::new(), TenantPolicy::default());
        take_confirmed(&mut gate, confirmed);
        self.lock_consents().gate = Some(gate);
        Ok(())
    }

    /// Takes in what the feed brought about consent. Answers whether anything changed.
    pub(crate) fn refresh_consents(&self) -> EngineResult<bool> {
        let confirmed = self.confirmed_events()?;
        let mut consents = self.lock_consents();
        let Some(gate) = consents.gate.as_mut() else {
            return Ok(false);
        };
        let before = gate.ledger().acknowledged();
        let generation = gate.generation();
        let missing = take_confirmed(gate, confirmed);
        self.restore(gate, &missing)?;
        let head = gate.ledger().acknowledged();
        let has_changed = gate.generation() != generation || head != before;
        if head != before {
            let json = serde_json::to_vec(&head).unwrap_or_default();
            self.store.set_setting(ACKNOWLEDGED, Some(&json))?;
        }
        Ok(has_changed)
    }

    /// Puts entries back that the server holds and an older copy of this phone's files lacks.
    fn restore(&self, gate: &mut ConsentGate, missing: &[ConsentEvent]) -> EngineResult<()> {
        if missing.is_empty() {
            return Ok(());
        }
        let whole = [gate.ledger().events(), missing].concat();
        self.store.restore_consents(missing)?;
        gate.rejoin(&whole)?;
        Ok(())
    }

    fn acknowledged_head(&self) -> EngineResult<LedgerHead> {
        let stored = self.store.setting(ACKNOWLEDGED)?;
        let head = stored.and_then(|json| serde_json::from_slice(&json).ok());
        Ok(head.unwrap_or(LedgerHead::EMPTY))
    }

    /// Consent events that came by the feed, so that the server holds them.
    fn confirmed_events(&self) -> EngineResult<Vec<ConsentEvent>> {
        let rows = self.store.records(Entity::CONSENT)?;
        Ok(rows
            .iter()
            .filter(|stored| stored.row.version > 0)
            .filter_map(|s| ConsentEvent::from_columns(s.row.id.into(), &s.row.columns).ok())
            .collect())
    }
}

impl Consents {
    /// Closes the gate for a purpose before anything else is tried. Answers whether the ledger in
    /// memory may be ahead of the stored one.
    fn withhold(&mut self, purpose: Purpose) -> EngineResult<bool> {
        if self.gate.is_none() {
            return Err(EngineError::NotEnrolled);
        }
        let is_ahead = self.is_ahead();
        if !self.withheld.contains(&purpose) {
            self.withheld.push(purpose);
        }
        Ok(is_ahead)
    }

    /// The decision is stored: from here on the ledger decides.
    fn release(&mut self, purpose: Purpose) {
        self.withheld.retain(|withheld| *withheld != purpose);
    }

    /// Whether a withdrawal failed to be stored, so that the ledger in memory has more.
    fn is_ahead(&self) -> bool {
        !self.withheld.is_empty()
    }

    /// The gate's answer for a fix captured at `at`.
    pub fn check(
        &mut self,
        purpose: Purpose,
        at: TimestampMs,
        now: TimestampMs,
    ) -> Result<Grant, Denied> {
        let gate = self.gate.as_mut().ok_or(Denied::NeverGranted)?;
        gate.observe(now);
        if self.withheld.contains(&purpose) {
            return Err(Denied::Withdrawn);
        }
        gate.check(purpose, at)
    }
}

/// Lets the gate know what the server holds: entries of other devices count, own ones are
/// confirmed, and ones that continue this ledger without being in it show a rollback. Answers the latter.
fn take_confirmed(gate: &mut ConsentGate, confirmed: Vec<ConsentEvent>) -> Vec<ConsentEvent> {
    let ledger = gate.ledger();
    let own = |event: &&ConsentEvent| ledger.events().iter().any(|known| known.id == event.id);
    let newest = confirmed
        .iter()
        .filter(own)
        .max_by_key(|event| event.sequence)
        .map(LedgerHead::from);
    let missing = continuation(ledger.head(), &confirmed);
    gate.learn(confirmed);
    let ahead = missing.last().map(LedgerHead::from);
    for head in [newest, ahead].into_iter().flatten() {
        gate.acknowledge(head);
    }
    missing
}

/// The entries that follow a head, in order. Nothing follows an empty ledger: it may be anybody's.
fn continuation(mut head: LedgerHead, confirmed: &[ConsentEvent]) -> Vec<ConsentEvent> {
    let mut found = Vec::new();
    while head.sequence > 0
        && let Some(next) = confirmed.iter().find(|e| verify_next(head, e).is_ok())
    {
        head = LedgerHead::from(next);
        found.push(next.clone());
    }
    found
}

fn withdrawal(gate: &ConsentGate, purpose: Purpose) -> Decision {
    let shown = gate.decision(purpose);
    Decision {
        purpose,
        action: ConsentAction::Withdraw,
        text_version: shown.map_or_else(String::new, |event| event.text_version.clone()),
        language: shown.map_or_else(String::new, |event| event.language.clone()),
        valid_until: None,
    }
}

fn purpose_state(
    gate: &ConsentGate,
    purpose: Purpose,
    now: TimestampMs,
    is_withheld: bool,
) -> PurposeState {
    let verdict = match gate.check(purpose, now) {
        Ok(_) if is_withheld => Err(Denied::Withdrawn),
        verdict => verdict,
    };
    let decision = gate.decision(purpose);
    PurposeState {
        purpose,
        is_granted: verdict.is_ok(),
        reason: verdict.err().map(|denied| denied.to_string()),
        decided_at: decision.map(|event| event.at),
        valid_until: decision.and_then(|event| event.valid_until),
    }
}

fn consents_changed() -> ChangeNotice {
    ChangeNotice {
        consents: true,
        operations: true,
        ..ChangeNotice::default()
    }
}

impl From<ConsentError> for EngineError {
    fn from(error: ConsentError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<LedgerFault> for EngineError {
    fn from(error: LedgerFault) -> Self {
        Self::invalid(error.to_string())
    }
}
