//! Rebase and repair: finding out where a scope differs, and getting only that.

use super::{Effect, Phase, Stepped, Stop, SyncClient, malformed};
use crate::{
    CompareReply, CompareRequest, ComparedScope, DigestKey, Epoch, FeedChange, Frame,
    MAX_COMPARED_SCOPES, MAX_REPAIR_ROWS, PROTOCOL, PhoneStore, PullStatus, Repair, RepairPlan,
    RepairReply, RepairRequest, RowMark, SyncState, bucket_of, encode_message, keys_from_wire,
};
use fieldfare_model::SCHEMA;
use serde_bytes::ByteBuf;

impl SyncClient {
    /// Takes up the history the server has now. The outbox is not touched by it, but what it
    /// acknowledged and the server lost is offered again.
    pub(super) fn rebase<S: PhoneStore>(
        &mut self,
        store: &mut S,
        state: &SyncState,
        epoch: Epoch,
        last_n: u64,
        effects: &mut Vec<Effect>,
    ) -> Stepped<(), S::Error> {
        self.detour()?;
        // First, so that a kill in between repeats both.
        self.check_numbers(store, state, last_n, state.is_new(epoch), effects)?;
        store.begin_rebase(epoch).map_err(Stop::Store)
    }

    pub(super) fn compare<S: PhoneStore>(
        &mut self,
        store: &S,
        mut state: SyncState,
        effects: &mut Vec<Effect>,
    ) -> Stepped<(), S::Error> {
        let epoch = state.epoch.ok_or(malformed("event"))?;
        state
            .uncompared
            .retain(|scope| !self.unheld.contains(scope));
        state.uncompared.truncate(MAX_COMPARED_SCOPES);
        let sums = store.sums(&DigestKey::of(epoch)).map_err(Stop::Store)?;
        let scopes = state.uncompared.iter().map(|scope| {
            let stored = sums.iter().find(|(name, _)| name == scope);
            let bytes = stored.map(|(_, sums)| sums.to_wire()).unwrap_or_default();
            ComparedScope {
                scope: scope.clone(),
                bytes: ByteBuf::from(bytes),
            }
        });
        let request = CompareRequest {
            protocol: PROTOCOL,
            schema: SCHEMA,
            epoch,
            client: state.client,
            mismatches: std::mem::take(&mut self.mismatches),
            scopes: scopes.collect(),
        };
        let body = encode_message(&request)?;
        self.phase = Phase::Comparing(state);
        self.send("/v1/compare", body, effects);
        Ok(())
    }

    pub(super) fn take_comparison<S: PhoneStore>(
        &mut self,
        store: &mut S,
        state: &SyncState,
        reply: &CompareReply,
        effects: &mut Vec<Effect>,
    ) -> Stepped<(), S::Error> {
        if reply.status == PullStatus::Rebase {
            return self.rebase(store, state, reply.epoch, reply.last_n, effects);
        }
        if state.epoch != Some(reply.epoch) {
            return Err(malformed("comparison"));
        }
        let mut differing = Vec::new();
        for scope in &state.uncompared {
            match reply.scopes.iter().find(|answer| answer.scope == *scope) {
                Some(answer) => differing.push((scope.clone(), answer.bytes.to_vec())),
                None => self.unheld.push(scope.clone()),
            }
        }
        store
            .note_comparison(reply.head, &differing)
            .map_err(Stop::Store)
    }

    /// Asks for the next sub-buckets to be repaired, if there are any.
    pub(super) fn repair<S: PhoneStore>(
        &mut self,
        store: &S,
        state: &SyncState,
        effects: &mut Vec<Effect>,
    ) -> Stepped<bool, S::Error> {
        let Some(epoch) = state.epoch else {
            return Ok(false);
        };
        let plan = store
            .next_repair(&DigestKey::of(epoch), MAX_REPAIR_ROWS)
            .map_err(Stop::Store)?;
        let Some(plan) = plan else {
            return Ok(false);
        };
        let request = RepairRequest {
            protocol: PROTOCOL,
            schema: SCHEMA,
            epoch,
            client: state.client,
            scope: plan.scope.clone(),
            buckets: ByteBuf::from(plan.buckets.clone()),
            rows: ByteBuf::from(RowMark::to_wire(&plan.rows)),
        };
        let body = encode_message(&request)?;
        self.phase = Phase::Repairing(state.clone(), plan);
        self.send("/v1/repair", body, effects);
        Ok(true)
    }

    pub(super) fn take_repair<S: PhoneStore>(
        &mut self,
        store: &mut S,
        state: &SyncState,
        plan: &RepairPlan,
        reply: &RepairReply,
        effects: &mut Vec<Effect>,
    ) -> Stepped<(), S::Error> {
        if reply.status == PullStatus::Rebase {
            return self.rebase(store, state, reply.epoch, reply.last_n, effects);
        }
        let bad = || malformed("repair");
        let done = reply.buckets.as_slice();
        if done.is_empty() && state.epoch == Some(reply.epoch) {
            // The device does not hold the scope now. If it does later, it is compared anew.
            let scope = std::slice::from_ref(&plan.scope);
            self.unheld.push(plan.scope.clone());
            return store.begin_repair(scope, false).map_err(Stop::Store);
        }
        if state.epoch != Some(reply.epoch) || done.is_empty() || !plan.buckets.starts_with(done) {
            return Err(bad());
        }
        let gone = keys_from_wire(&reply.gone)?;
        let mut frames = Vec::with_capacity(reply.frames.len());
        for bytes in &reply.frames {
            frames.push((Frame::decode(bytes)?, bytes.as_slice()));
        }
        let all_asked = frames.iter().all(|(frame, _)| {
            frame.scope == plan.scope && frame.changes.iter().all(|change| is_put_in(change, done))
        });
        if !all_asked || gone.iter().any(|(_, id)| !done.contains(&bucket_of(*id))) {
            return Err(bad());
        }
        let repair = Repair {
            scope: &plan.scope,
            buckets: done,
            frames: &frames,
            gone: &gone,
        };
        store.stage_repair(&repair).map_err(Stop::Store)?;
        for (frame, _) in &frames {
            self.count_frame(frame, effects);
        }
        Ok(())
    }
}

fn is_put_in(change: &FeedChange, buckets: &[u8]) -> bool {
    let (_, id) = change.key();
    matches!(change, FeedChange::Put { .. }) && buckets.contains(&bucket_of(id))
}
