//! What waits for the server, and what it answered.

use super::*;

#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) operation: Operation,
    pub(super) client: Option<ClientId>,
    pub(super) outcome: Option<Outcome>,
    /// Whether it lies on top of what the server said.
    pub(super) overlay: bool,
    pub(super) answered_at: TimestampMs,
}

impl Kept {
    pub(super) fn waits(&self) -> bool {
        self.outcome.is_none()
    }

    /// Whether what is shown at `head` does not have it yet.
    pub(super) fn is_on_top(&self, head: u64) -> bool {
        self.overlay && self.version().is_none_or(|version| version > head)
    }

    fn version(&self) -> Option<u64> {
        self.outcome.as_ref().and_then(Outcome::version)
    }
}

/// `outbox.db`: what is committed survives a power cut.
#[derive(Debug, Clone)]
pub(super) struct Outbox {
    pub(super) client: ClientId,
    pub(super) next_n: u64,
    pub(super) operations: BTreeMap<OperationId, Kept>,
    pub(super) gaps: Vec<NumberGap>,
    /// The history the answers are of.
    pub(super) answered: Option<Epoch>,
}

impl Outbox {
    pub(super) fn fork(&mut self, client: ClientId) {
        self.client = client;
        self.next_n = 1;
        for kept in self.operations.values_mut().filter(|kept| kept.waits()) {
            kept.operation.n = 0;
            kept.client = None;
        }
    }

    /// Lays no more on top what a shown head has.
    pub(super) fn settle(&mut self, head: u64) {
        for kept in self.operations.values_mut() {
            let has_it = kept.version().is_some_and(|version| version <= head);
            if has_it || seeded_bug!("overlay dropped on pull") {
                kept.overlay = false;
            }
        }
    }

    /// Lays on top again what a head does not have, which a power cut brought back. An empty cache
    /// has a head of 0, and shows what waits alone.
    pub(super) fn unsettle(&mut self, head: u64) {
        if head == 0 || seeded_bug!("own edits lost with the cache") {
            return;
        }
        for kept in self.operations.values_mut() {
            kept.overlay |= kept.version().is_some_and(|version| version > head);
        }
    }

    pub(super) fn reoffer(&mut self, which: Reoffer, fresh: ClientId) {
        let client = self.client;
        let mut kept_numbers = BTreeSet::new();
        for kept in self.operations.values_mut() {
            let is_above = kept.client == Some(client) && kept.operation.n > which.above;
            if is_above {
                kept_numbers.insert(kept.operation.n);
            }
            if is_above || which.is_new_history {
                kept.outcome = None;
                kept.overlay = true;
            }
            if which.is_new_history {
                kept.operation.base_version = 0;
            }
        }
        if which.is_new_history {
            self.answered = None;
        }
        let given = which.above + 1..self.next_n;
        let missing: Vec<u64> = given.filter(|n| !kept_numbers.contains(n)).collect();
        if !missing.is_empty() || which.above >= self.next_n || which.is_new_history {
            let gap = |n: u64| NumberGap {
                client,
                from: n,
                to: n,
            };
            self.gaps.extend(missing.into_iter().map(gap));
            self.fork(fresh);
        }
    }

    pub(super) fn next_batch(&mut self, max_operations: usize) -> Vec<Operation> {
        let is_numbered = |kept: &Kept| kept.waits() && kept.operation.n > 0;
        if !self.operations.values().any(is_numbered) {
            for kept in self.operations.values_mut().filter(|kept| kept.waits()) {
                kept.operation.n = self.next_n;
                kept.client = Some(self.client);
                self.next_n += 1;
            }
        }
        let numbered = self.operations.values().filter(|kept| is_numbered(kept));
        let mut batch: Vec<Operation> = numbered.map(|kept| kept.operation.clone()).collect();
        batch.sort_by_key(|operation| operation.n);
        while batch.len() > max_operations {
            let last = batch.last().map(|operation| operation.group);
            batch.retain(|operation| Some(operation.group) != last);
        }
        batch
    }

    pub(super) fn save_results(
        &mut self,
        results: &[OperationResult],
        head: u64,
        now: TimestampMs,
    ) {
        for result in results {
            let kept = self.operations.get_mut(&result.id);
            if let Some(kept) = kept.filter(|kept| kept.waits()) {
                let version = result.outcome.version();
                kept.outcome = Some(result.outcome.clone());
                kept.overlay &= version.is_some_and(|version| version > head);
                kept.answered_at = now;
            }
        }
        if seeded_bug!("acknowledged operations forgotten at once") {
            self.operations
                .retain(|_, kept| kept.waits() || kept.overlay);
        }
    }
}
