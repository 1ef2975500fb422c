//! The worker that carries a portal's webhook events to their target.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::Client;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{AbortHandle, JoinSet};

use super::event::WebhookEvent;
use super::faults::DeliveryFaults;
use super::sender::{self, Address};
use super::stats::DeliveryStats;
use crate::config::{DeliveryConfig, WebhookTarget};
use crate::rng::SplitMix;

/// A portal's outgoing events and the worker that sends them.
pub(crate) struct Delivery {
    shared: Arc<Shared>,
    worker: AbortHandle,
}

struct Shared {
    config: DeliveryConfig,
    client: Client,
    slots: Arc<Semaphore>,
    inner: Mutex<Inner>,
    waiting: watch::Sender<usize>,
    outstanding: watch::Sender<usize>,
    paused: watch::Sender<bool>,
}

struct Inner {
    queue: Vec<WebhookEvent>,
    target: Option<WebhookTarget>,
    secret: String,
    faults: DeliveryFaults,
    rng: SplitMix,
    stats: DeliveryStats,
}

impl Delivery {
    /// Starts the worker on `runtime`.
    pub(crate) fn start(
        config: DeliveryConfig,
        client: Client,
        target: Option<WebhookTarget>,
        secret: String,
        runtime: &tokio::runtime::Handle,
    ) -> Self {
        let inner = Inner {
            queue: Vec::new(),
            target,
            secret,
            faults: DeliveryFaults::default(),
            rng: SplitMix::new(config.seed),
            stats: DeliveryStats::default(),
        };
        let shared = Arc::new(Shared {
            slots: Arc::new(Semaphore::new(config.max_in_flight.max(1))),
            config,
            client,
            inner: Mutex::new(inner),
            waiting: watch::Sender::new(0),
            outstanding: watch::Sender::new(0),
            paused: watch::Sender::new(false),
        });
        let worker = runtime.spawn(run(Arc::clone(&shared))).abort_handle();
        Self { shared, worker }
    }

    /// Queues events; without a target they are forgotten, as for an app without webhooks.
    pub(crate) fn enqueue(&self, events: Vec<WebhookEvent>) {
        let mut inner = self.shared.lock();
        if inner.target.is_none() || events.is_empty() {
            return;
        }
        let count = events.len();
        inner.stats.events += count as u64;
        inner.queue.extend(events);
        self.shared.outstanding.send_modify(|n| *n += count);
        self.shared.waiting.send_modify(|n| *n += count);
    }

    pub(crate) fn set_target(&self, target: Option<WebhookTarget>) {
        self.shared.lock().target = target;
    }

    pub(crate) fn set_secret(&self, secret: String) {
        self.shared.lock().secret = secret;
    }

    pub(crate) fn set_faults(&self, faults: DeliveryFaults) {
        self.shared.lock().faults = faults;
    }

    pub(crate) fn set_paused(&self, paused: bool) {
        self.shared.paused.send_replace(paused);
    }

    pub(crate) fn stats(&self) -> DeliveryStats {
        let outstanding = *self.shared.outstanding.borrow();
        DeliveryStats {
            outstanding,
            ..self.shared.lock().stats.clone()
        }
    }

    /// Waits until each event has been acknowledged, given up or dropped; false after `limit`.
    pub(crate) async fn wait_idle(&self, limit: Duration) -> bool {
        let mut outstanding = self.shared.outstanding.subscribe();
        let idle = outstanding.wait_for(|n| *n == 0);
        matches!(tokio::time::timeout(limit, idle).await, Ok(Ok(_)))
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.worker.abort();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes all that waits, lets the faults loose on it and cuts it into batches.
    fn take_batches(&self) -> Vec<Vec<WebhookEvent>> {
        let mut guard = self.lock();
        let inner = &mut *guard;
        let mut events = std::mem::take(&mut inner.queue);
        self.waiting.send_replace(0);
        let spoiled = inner.faults.spoil(&mut events, &mut inner.rng);
        inner.stats.dropped += spoiled.dropped as u64;
        inner.stats.duplicated += spoiled.duplicated as u64;
        self.outstanding
            .send_modify(|n| *n = (*n + spoiled.duplicated).saturating_sub(spoiled.dropped));
        let size = self.config.batch_size.max(1);
        let batches: Vec<_> = events.chunks(size).map(<[_]>::to_vec).collect();
        inner.stats.batches += batches.len() as u64;
        batches
    }

    fn delay_of_a_batch(&self) -> Duration {
        let mut guard = self.lock();
        let inner = &mut *guard;
        Duration::from_millis(inner.faults.delay_of_a_batch(&mut inner.rng))
    }

    /// Doubled with each attempt, then varied between a half and one and a half.
    fn backoff(&self, attempt: u32) -> Duration {
        let doubled = self.config.backoff_ms.saturating_mul(1 << attempt.min(20));
        let base = doubled.min(self.config.max_backoff_ms);
        let varied = base / 2 + self.lock().rng.below(base.saturating_add(1));
        Duration::from_millis(varied)
    }

    async fn slot(&self) -> Option<OwnedSemaphorePermit> {
        self.unpaused().await;
        Arc::clone(&self.slots).acquire_owned().await.ok()
    }

    async fn unpaused(&self) {
        // The sender lives as long as `self`, so waiting cannot fail.
        self.paused
            .subscribe()
            .wait_for(|paused| !paused)
            .await
            .ok();
    }

    /// One request; true if it was acknowledged and the answer arrived.
    async fn attempt(&self, events: &[WebhookEvent], attempt: u32) -> bool {
        let Some(address) = self.begin_attempt(events.len()) else {
            return false;
        };
        let sent = sender::send(&self.client, &address, events, attempt).await;
        let mut guard = self.lock();
        let inner = &mut *guard;
        let lost = sent.is_ok() && inner.rng.chance(inner.faults.lost_answer_chance);
        let error = if lost {
            Some("the answer was lost on purpose".to_owned())
        } else {
            sent.err()
        };
        let acked = error.is_none();
        inner.stats.end_attempt(error);
        acked
    }

    fn begin_attempt(&self, events: usize) -> Option<Address> {
        let mut inner = self.lock();
        let target = inner.target.clone()?;
        inner.stats.start_attempt(events);
        let timeout = Duration::from_millis(self.config.timeout_ms);
        Some(Address {
            target,
            secret: inner.secret.clone(),
            timeout,
        })
    }

    fn finish(&self, events: usize, acked: bool) {
        self.lock().stats.finish_batch(events, acked);
        self.outstanding
            .send_modify(|n| *n = n.saturating_sub(events));
    }
}

async fn run(shared: Arc<Shared>) {
    let mut under_way = JoinSet::new();
    let mut waiting = shared.waiting.subscribe();
    while waiting.wait_for(|n| *n > 0).await.is_ok() {
        shared.unpaused().await;
        tokio::time::sleep(Duration::from_millis(shared.config.batch_window_ms)).await;
        for batch in shared.take_batches() {
            launch(&shared, batch, &mut under_way).await;
        }
        while under_way.try_join_next().is_some() {}
    }
}

/// Without a delay batches start in the order of their events: the slot is taken here.
async fn launch(shared: &Arc<Shared>, batch: Vec<WebhookEvent>, under_way: &mut JoinSet<()>) {
    let delay = shared.delay_of_a_batch();
    let slot = if delay.is_zero() {
        shared.slot().await
    } else {
        None
    };
    let shared = Arc::clone(shared);
    under_way.spawn(async move {
        tokio::time::sleep(delay).await;
        deliver(&shared, &batch, slot).await;
    });
}

async fn deliver(
    shared: &Shared,
    batch: &[WebhookEvent],
    mut first_slot: Option<OwnedSemaphorePermit>,
) {
    for attempt in 0..=shared.config.max_retries {
        let slot = match first_slot.take() {
            Some(slot) => Some(slot),
            None => shared.slot().await,
        };
        let acked = shared.attempt(batch, attempt).await;
        drop(slot);
        if acked {
            return shared.finish(batch.len(), true);
        }
        if attempt < shared.config.max_retries {
            tokio::time::sleep(shared.backoff(attempt)).await;
        }
    }
    shared.finish(batch.len(), false);
}
