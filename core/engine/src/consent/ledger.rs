use fieldfare_model::{ConsentAction, ConsentEvent, ConsentEventId, Purpose, RepId, TimestampMs};
use fieldfare_sync::{ChainError, LedgerHead, consent_hash, verify_chain, verify_next};

/// What makes a ledger untrustworthy. The gate stays closed until [`ConsentLedger::rejoin`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LedgerFault {
    /// The chain is broken.
    #[error("the consent ledger is damaged; sync, then erase the phone and enrol it again: {0}")]
    Damaged(#[from] ChainError),
    /// The ledger lacks entries, or holds others, than the server has acknowledged. An older
    /// copy of the file was put back, or the phone was cloned.
    #[error(
        "the consent ledger is older than the one the server acknowledged; sync to complete it"
    )]
    RolledBack,
}

/// The content of an entry to be appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConsent {
    /// Id of the entry, not used before.
    pub id: ConsentEventId,
    /// For which use.
    pub purpose: Purpose,
    /// What was decided.
    pub action: ConsentAction,
    /// Version of the text that was shown.
    pub text_version: String,
    /// Language of the text, BCP 47.
    pub language: String,
    /// When.
    pub at: TimestampMs,
    /// End of validity, where the grant has one.
    pub valid_until: Option<TimestampMs>,
}

/// One device's append-only ledger, with the head the server acknowledged.
#[derive(Debug, Clone)]
pub struct ConsentLedger {
    rep: RepId,
    events: Vec<ConsentEvent>,
    acknowledged: LedgerHead,
    fault: Option<LedgerFault>,
}

impl ConsentLedger {
    /// Takes the stored entries in order of sequence and checks them. O(n).
    ///
    /// `acknowledged` is the newest head the server has confirmed, kept where an old copy of the
    /// ledger's file does not bring back an old head too (the platform's key store), or
    /// [`LedgerHead::EMPTY`].
    pub fn load(rep: RepId, events: Vec<ConsentEvent>, acknowledged: LedgerHead) -> Self {
        let mut ledger = Self {
            rep,
            events,
            acknowledged,
            fault: None,
        };
        ledger.fault = ledger.find_fault().err();
        ledger
    }

    /// Whether the chain is whole and holds what the server acknowledged.
    ///
    /// # Errors
    /// The [`LedgerFault`] found.
    pub fn condition(&self) -> Result<(), LedgerFault> {
        self.fault.map_or(Ok(()), Err)
    }

    /// Whose ledger it is.
    pub const fn rep(&self) -> RepId {
        self.rep
    }

    /// The entries in order.
    pub fn events(&self) -> &[ConsentEvent] {
        &self.events
    }

    /// The newest entry's place and hash.
    pub fn head(&self) -> LedgerHead {
        self.events.last().map_or(LedgerHead::EMPTY, Into::into)
    }

    /// The newest head the server confirmed.
    pub const fn acknowledged(&self) -> LedgerHead {
        self.acknowledged
    }

    /// Builds the entry that comes next, without appending it.
    pub fn next_event(&self, new: NewConsent) -> ConsentEvent {
        let head = self.head();
        let mut event = ConsentEvent {
            id: new.id,
            rep: self.rep,
            sequence: head.sequence.saturating_add(1),
            purpose: new.purpose,
            action: new.action,
            text_version: new.text_version,
            language: new.language,
            at: new.at,
            valid_until: new.valid_until,
            previous: head.hash,
            hash: [0; 32],
        };
        event.hash = consent_hash(&event);
        event
    }

    /// Appends an entry made by [`Self::next_event`].
    ///
    /// # Errors
    /// [`LedgerFault::Damaged`] if it does not follow the newest entry; the ledger is unchanged.
    pub fn push(&mut self, event: ConsentEvent) -> Result<(), LedgerFault> {
        if event.rep != self.rep {
            return Err(ChainError::Rep {
                sequence: event.sequence,
            }
            .into());
        }
        verify_next(self.head(), &event)?;
        self.events.push(event);
        Ok(())
    }

    /// Builds the next entry and appends it; answers it for storing.
    ///
    /// # Errors
    /// [`LedgerFault::Damaged`] if the newest entry is one nothing can follow.
    pub fn append(&mut self, new: NewConsent) -> Result<ConsentEvent, LedgerFault> {
        let event = self.next_event(new);
        self.push(event.clone())?;
        Ok(event)
    }

    /// Takes note of a head the server confirmed. A head that this ledger does not hold means
    /// it was rolled back.
    pub fn acknowledge(&mut self, head: LedgerHead) {
        if head.sequence >= self.acknowledged.sequence {
            self.acknowledged = head;
        }
        if !self.holds(head) && self.fault.is_none() {
            self.fault = Some(LedgerFault::RolledBack);
        }
    }

    /// Repairs a faulty ledger from the server's copy of it.
    ///
    /// The server's entries replace the local ones. Local withdrawals the server does not know
    /// are appended anew, dated after everything it knows; local grants it does not know are
    /// dropped and have to be asked for again. Answers the entries that were appended, to be
    /// stored and sent.
    ///
    /// # Errors
    /// [`LedgerFault`] if the server's copy is itself broken or lacks the acknowledged head; the
    /// ledger is unchanged.
    pub fn rejoin(&mut self, server: &[ConsentEvent]) -> Result<Vec<ConsentEvent>, LedgerFault> {
        let mut joined = Self::load(self.rep, server.to_vec(), self.acknowledged);
        joined.condition()?;
        let unknown = |e: &&ConsentEvent| {
            e.action == ConsentAction::Withdraw && server.iter().all(|s| s.id != e.id)
        };
        let kept: Vec<_> = self.events.iter().filter(unknown).cloned().collect();
        let appended = kept
            .into_iter()
            .map(|withdrawal| joined.append_last(withdrawal))
            .collect::<Result<_, _>>()?;
        *self = joined;
        Ok(appended)
    }

    fn append_last(&mut self, event: ConsentEvent) -> Result<ConsentEvent, LedgerFault> {
        let newest = self.events.iter().map(|e| e.at.plus(1)).max();
        self.append(NewConsent {
            id: event.id,
            purpose: event.purpose,
            action: event.action,
            text_version: event.text_version,
            language: event.language,
            at: newest.map_or(event.at, |newest| newest.max(event.at)),
            valid_until: event.valid_until,
        })
    }

    fn find_fault(&self) -> Result<(), LedgerFault> {
        verify_chain(self.rep, &self.events)?;
        if self.holds(self.acknowledged) {
            Ok(())
        } else {
            Err(LedgerFault::RolledBack)
        }
    }

    fn holds(&self, head: LedgerHead) -> bool {
        if head.sequence == 0 {
            return true;
        }
        self.events
            .iter()
            .find(|event| event.sequence == head.sequence)
            .is_some_and(|event| event.hash == head.hash)
    }
}
