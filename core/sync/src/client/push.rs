//! Offering operations, and what their numbers tell about both sides.

use super::{Effect, Phase, Stepped, Stop, SyncClient, malformed, report};
use crate::{
    MAX_PUSH_BYTES, MAX_PUSH_GAPS, MAX_PUSH_OPERATIONS, NumberGap, Operation, OperationResult,
    PROTOCOL, PhoneStore, PushReply, PushRequest, PushStatus, Reoffer, SyncState, encode_message,
    packed,
};
use fieldfare_model::{ClientId, SCHEMA, TimestampMs, seeded_bug};

/// Room for the envelope of a push around its operations.
const PUSH_BODY_BYTES: usize = MAX_PUSH_BYTES - 4096;

impl SyncClient {
    /// Sends what waits, if anything does.
    pub(super) fn push<S: PhoneStore>(
        &mut self,
        store: &mut S,
        effects: &mut Vec<Effect>,
    ) -> Stepped<bool, S::Error> {
        let operations = store
            .next_batch(MAX_PUSH_OPERATIONS, PUSH_BODY_BYTES)
            .map_err(Stop::Store)?;
        let mut state = store.sync_state().map_err(Stop::Store)?;
        state.gaps.truncate(MAX_PUSH_GAPS);
        if operations.is_empty() && state.gaps.is_empty() {
            return Ok(false);
        }
        let request = PushRequest {
            protocol: PROTOCOL,
            schema: SCHEMA,
            epoch: state.epoch,
            client: state.client,
            operations,
            lost: state.gaps,
        };
        let body = packed::pack_message(encode_message(&request)?, packed::compress_on_phone);
        self.phase = Phase::Pushing(request.operations, request.lost);
        self.send("/v1/push", body, effects);
        Ok(true)
    }

    /// In a history the phone has not taken up yet, results would name versions that its head, which
    /// is of the old one, may seem to have: so it takes the history up, and asks again.
    pub(super) fn take_push<S: PhoneStore>(
        &mut self,
        store: &mut S,
        (offered, gaps): (&[Operation], &[NumberGap]),
        reply: &PushReply,
        now: TimestampMs,
        effects: &mut Vec<Effect>,
    ) -> Stepped<(), S::Error> {
        self.note_gaps(store, gaps)?;
        let state = store.sync_state().map_err(Stop::Store)?;
        if state.epoch.is_some_and(|known| known != reply.epoch) {
            return self.rebase(store, &state, reply.epoch, reply.last_n, effects);
        }
        match reply.status {
            PushStatus::Rebase => Err(malformed("push reply")),
            PushStatus::Ok => self.take_results(store, offered, reply, now, effects),
            PushStatus::Gap => {
                self.detour()?;
                self.reoffer(store, reply.last_n, false, effects)
            }
            PushStatus::Forked => {
                self.detour()?;
                self.fork(store)
            }
        }
    }

    fn note_gaps<S: PhoneStore>(
        &mut self,
        store: &mut S,
        gaps: &[NumberGap],
    ) -> Stepped<(), S::Error> {
        if gaps.is_empty() {
            return Ok(());
        }
        let numbers = |gap: &NumberGap| (gap.to - gap.from.min(gap.to)).saturating_add(1);
        self.summary.lost += gaps.iter().map(numbers).sum::<u64>();
        store.forget_gaps(gaps).map_err(Stop::Store)
    }

    fn take_results<S: PhoneStore>(
        &mut self,
        store: &mut S,
        offered: &[Operation],
        reply: &PushReply,
        now: TimestampMs,
        effects: &mut Vec<Effect>,
    ) -> Stepped<(), S::Error> {
        let first_n = offered.first().map_or(0, |op| op.n);
        if reply.first_n != first_n || reply.outcomes.len() != offered.len() {
            return Err(malformed("push reply"));
        }
        let results = offered.iter().zip(&reply.outcomes);
        let results: Vec<_> = results
            .map(|(op, outcome)| OperationResult {
                id: op.id,
                n: op.n,
                outcome: outcome.clone(),
            })
            .collect();
        let changed = store.save_results(&results, now).map_err(Stop::Store)?;
        self.summary.pushed += results.len() as u64;
        let refused = results.iter().filter(|r| r.outcome.version().is_none());
        self.summary.refused += refused.count() as u64;
        report(changed, effects);
        effects.push(Effect::Progress(self.progress()));
        Ok(())
    }

    /// Acts on the last number the server has from this client: if it has more than this phone
    /// ever gave, the phone is a copy or was restored; if it has less than it answered, the
    /// server was. True if the operations were changed by that, so that they go first.
    pub(super) fn check_numbers<S: PhoneStore>(
        &mut self,
        store: &mut S,
        state: &SyncState,
        last_n: u64,
        is_new_history: bool,
        effects: &mut Vec<Effect>,
    ) -> Stepped<bool, S::Error> {
        let answered = state
            .first_unanswered
            .unwrap_or(state.next_n)
            .saturating_sub(1);
        let is_as_known = (answered..state.next_n).contains(&last_n)
            || last_n >= state.next_n && seeded_bug!("fork not noticed");
        if is_as_known && !is_new_history {
            return Ok(false);
        }
        self.detour()?;
        self.reoffer(store, last_n, is_new_history, effects)?;
        Ok(true)
    }

    fn reoffer<S: PhoneStore>(
        &mut self,
        store: &mut S,
        above: u64,
        is_new_history: bool,
        effects: &mut Vec<Effect>,
    ) -> Stepped<(), S::Error> {
        let which = Reoffer {
            above,
            is_new_history,
        };
        let fresh = self.fresh()?;
        let changed = store.reoffer(which, fresh).map_err(Stop::Store)?;
        let client = store.sync_state().map_err(Stop::Store)?.client;
        if client == fresh {
            self.fresh = None;
        }
        report(changed, effects);
        Ok(())
    }

    fn fork<S: PhoneStore>(&mut self, store: &mut S) -> Stepped<(), S::Error> {
        let fresh = self.fresh()?;
        self.fresh = None;
        store.fork(fresh).map_err(Stop::Store)
    }

    fn fresh<E>(&self) -> Stepped<ClientId, E> {
        self.fresh.ok_or(malformed("conversation"))
    }
}
