//! Taking in what changed, and comparing what was stored.

use super::{Effect, Phase, Stepped, Stop, SyncClient, malformed, report};
use crate::{
    Digest, DigestKey, Epoch, Frame, Holdings, PROTOCOL, PhoneStore, PullReply, PullRequest,
    PullStatus, ScopeCursor, ScopeId, SyncState, encode_message,
};
use fieldfare_model::{SCHEMA, seeded_bug};

/// How often one sync repairs before it says that it cannot.
const MAX_REPAIRS: u8 = 2;

impl SyncClient {
    pub(super) fn pull<E>(
        &mut self,
        state: SyncState,
        effects: &mut Vec<Effect>,
    ) -> Stepped<(), E> {
        let is_compared = |c: &&ScopeCursor| !state.uncompared.contains(&c.scope);
        let cursors = state.cursors.iter().filter(is_compared).cloned().collect();
        let request = PullRequest {
            protocol: PROTOCOL,
            schema: SCHEMA,
            epoch: state.epoch,
            client: state.client,
            cursors,
            budget: self.limits.budget(self.budget, self.summary.bytes_down),
            known: state.holdings.as_ref().map(Holdings::fingerprint),
        };
        let body = encode_message(&request)?;
        self.phase = Phase::Pulling(state);
        self.send("/v1/pull", body, effects);
        Ok(())
    }

    /// What is to be stored now, if everything was pulled.
    pub(super) fn take_pull<S: PhoneStore>(
        &mut self,
        store: &mut S,
        state: &SyncState,
        reply: PullReply,
        effects: &mut Vec<Effect>,
    ) -> Stepped<Option<Expected>, S::Error> {
        if reply.status == PullStatus::Rebase {
            self.rebase(store, state, reply.epoch, reply.last_n, effects)?;
            return Ok(None);
        }
        match state.epoch {
            Some(known) if known != reply.epoch => return Err(malformed("pull reply")),
            Some(_) => {}
            None => store.enter_epoch(reply.epoch).map_err(Stop::Store)?,
        }
        let is_new_history = state.is_new(reply.epoch);
        if self.check_numbers(store, state, reply.last_n, is_new_history, effects)? {
            return Ok(None);
        }
        if reply
            .grants
            .iter()
            .any(|grant| state.uncompared.contains(&grant.scope))
        {
            self.detour()?;
            self.unheld.clear();
            return Ok(None);
        }
        self.stage_frames(store, state, &reply, effects)?;
        let Some(checkpoint) = &reply.checkpoint else {
            return Self::must_have_moved(&reply).map(|()| None);
        };
        if checkpoint.complete || may_show_part(store, &reply)? {
            let changed = store
                .publish(&reply.grants, checkpoint)
                .map_err(Stop::Store)?;
            report(changed, effects);
        }
        if !checkpoint.complete {
            return Self::must_have_moved(&reply).map(|()| None);
        }
        self.summary.head = checkpoint.head;
        keep_holdings(store, state, &reply)?;
        Ok(Some(Expected::of(reply)))
    }

    /// The next pull would be the same if this one brought nothing.
    fn must_have_moved<E>(reply: &PullReply) -> Stepped<(), E> {
        if reply.frames.is_empty() {
            Err(malformed("pull reply"))
        } else {
            Ok(())
        }
    }

    fn stage_frames<S: PhoneStore>(
        &mut self,
        store: &mut S,
        state: &SyncState,
        reply: &PullReply,
        effects: &mut Vec<Effect>,
    ) -> Stepped<(), S::Error> {
        let mut cursors = state.cursors.clone();
        for bytes in &reply.frames {
            let frame = Frame::decode(bytes)?;
            let granted = reply.grants.iter().any(|grant| grant.scope == frame.scope);
            if !granted || !advance_cursor(&mut cursors, &frame) {
                return Err(malformed("pull reply"));
            }
            store
                .stage(&frame, bytes, reply.head)
                .map_err(Stop::Store)?;
            self.count_frame(&frame, effects);
        }
        Ok(())
    }

    pub(super) fn count_frame(&mut self, frame: &Frame, effects: &mut Vec<Effect>) {
        self.summary.frames += 1;
        self.summary.rows += frame.changes.len() as u64;
        effects.push(Effect::Progress(self.progress()));
    }

    /// Compares what is stored with what the server says it holds at the same head. True if it is
    /// the same, or was not after two repairs.
    pub(super) fn verify<S: PhoneStore>(
        &mut self,
        store: &mut S,
        expected: &Expected,
    ) -> Stepped<bool, S::Error> {
        let wrong = mismatched(store, expected)?;
        if wrong.is_empty() {
            return Ok(true);
        }
        if self.repairs == MAX_REPAIRS {
            self.summary.unrepaired = wrong.len() as u64;
            return Ok(true);
        }
        self.repairs += 1;
        self.summary.mismatches += wrong.len() as u64;
        self.mismatches = u32::try_from(wrong.len()).unwrap_or(u32::MAX);
        store.begin_repair(&wrong, true).map_err(Stop::Store)?;
        Ok(false)
    }
}

/// The reply with what the server left out, as the phone has it.
pub(super) fn complete<E>(state: &SyncState, mut reply: PullReply) -> Stepped<PullReply, E> {
    if reply.is_as_known {
        let known = state.holdings.clone().ok_or(malformed("pull reply"))?;
        (reply.grants, reply.digests) = (known.grants, known.digests);
    }
    Ok(reply)
}

fn keep_holdings<S: PhoneStore>(
    store: &mut S,
    state: &SyncState,
    reply: &PullReply,
) -> Stepped<(), S::Error> {
    if reply.is_as_known || reply.digests.len() != reply.grants.len() {
        return Ok(());
    }
    let holdings = Holdings {
        grants: reply.grants.clone(),
        digests: reply.digests.clone(),
    };
    if state.holdings.as_ref() == Some(&holdings) {
        return Ok(());
    }
    store.keep_holdings(&holdings).map_err(Stop::Store)
}

/// A part may be shown only while nothing of what is granted was ever shown: otherwise a row that
/// moved from a shown scope to one that is still missing would vanish until that has come.
fn may_show_part<S: PhoneStore>(store: &S, reply: &PullReply) -> Stepped<bool, S::Error> {
    for grant in &reply.grants {
        if store.is_shown(grant).map_err(Stop::Store)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What the server says it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expected {
    epoch: Epoch,
    /// One of each scope; none from a server that could not tell.
    digests: Vec<(ScopeId, Digest)>,
}

impl Expected {
    fn of(reply: PullReply) -> Self {
        let is_told = reply.digests.len() == reply.grants.len();
        let scopes = reply.grants.into_iter().map(|grant| grant.scope);
        let digests = scopes.zip(reply.digests).filter(|_| is_told);
        Self {
            epoch: reply.epoch,
            digests: digests.collect(),
        }
    }

    fn differing(&self, stored: &[(ScopeId, Digest)]) -> Vec<ScopeId> {
        let mine = |scope: &ScopeId| {
            let found = stored.iter().find(|(name, _)| name == scope);
            found.map(|(_, digest)| *digest).unwrap_or_default()
        };
        let wrong = self
            .digests
            .iter()
            .filter(|(scope, told)| mine(scope) != *told);
        wrong.map(|(scope, _)| scope.clone()).collect()
    }
}

/// Digests that the store carries on are enough if they are right; otherwise the rows are counted.
fn mismatched<S: PhoneStore>(store: &S, expected: &Expected) -> Stepped<Vec<ScopeId>, S::Error> {
    if expected.digests.is_empty() || seeded_bug!("digest copied from the server") {
        return Ok(Vec::new());
    }
    let key = DigestKey::of(expected.epoch);
    let carried = store.carried_digests(&key).map_err(Stop::Store)?;
    if carried.is_some_and(|carried| expected.differing(&carried).is_empty()) {
        return Ok(Vec::new());
    }
    let stored = store.sums(&key).map_err(Stop::Store)?;
    let totals = stored
        .into_iter()
        .map(|(scope, sums)| (scope, sums.total()));
    Ok(expected.differing(&totals.collect::<Vec<_>>()))
}

/// Whether the frame continues its scope's cursor, which it then moves.
fn advance_cursor(cursors: &mut Vec<ScopeCursor>, frame: &Frame) -> bool {
    match cursors.iter_mut().find(|c| c.scope == frame.scope) {
        Some(cursor) if cursor.cursor == frame.from => cursor.cursor = frame.to,
        Some(_) => return false,
        None if frame.from == 0 => {
            cursors.push(ScopeCursor::complete(frame.scope.clone(), frame.to));
        }
        None => return false,
    }
    true
}
