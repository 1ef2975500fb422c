//! Background work of the CRM side, and its place in the server.

use crate::config::Config;
use crate::crm::{Crm, TenantCrm};
use crate::geocode::tasks;
use crate::hooks::Hooks;
use crate::intake::dead::CrmDeadLetters;
use crate::intake::fetch::{FetchError, Fetcher};
use crate::intake::{import, split};
use crate::state::{ServerError, SharedState};
use crate::store::{StoreError, Tenant};
use crate::writeback::{PhoneEffects, Sender};
use fieldfare_model::TimestampMs;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, JoinSet};

/// How often a worker looks when nobody wakes it.
const POLL: Duration = Duration::from_secs(1);

/// A writer wakes workers before its transaction ends; this much later it has.
const SETTLE: Duration = Duration::from_millis(20);

const GRACE: Duration = Duration::from_secs(5);
const YIELD: Duration = Duration::from_millis(1);
const MAX_YIELDS: u32 = 25;
const PURGE_EVERY_MS: i64 = 60_000;

const FIRST_REST: Duration = Duration::from_millis(250);
const LONGEST_REST: Duration = Duration::from_secs(60);

/// Background work under way.
#[derive(Debug, Default)]
pub struct WorkerHandles {
    stop: Option<watch::Sender<bool>>,
    tasks: Vec<JoinHandle<()>>,
}

impl WorkerHandles {
    /// Lets each worker finish what it is doing.
    pub async fn stop(self) {
        if let Some(stop) = self.stop {
            stop.send_replace(true);
        }
        for task in self.tasks {
            if task.await.is_err() {
                tracing::error!("a worker ended early");
            }
        }
    }
}

/// What the CRM side plugs into the rest.
///
/// # Errors
/// [`ServerError`] if its part of the configuration is not usable.
pub fn hooks(config: &Config) -> Result<Hooks, ServerError> {
    let crm = Arc::new(Crm::new(config)?);
    Ok(Hooks {
        effects: Arc::new(PhoneEffects::new(crm.clone())),
        dead_letters: Arc::new(CrmDeadLetters),
        crm,
    })
}

/// Starts the workers: for each tenant one that takes deliveries apart and one that geocodes, for
/// each of its connections one that reads records and one that writes back.
pub fn spawn(state: SharedState) -> WorkerHandles {
    let (stop, stopped) = watch::channel(false);
    let mut tasks = Vec::new();
    for tenant in state.crm.tenants() {
        let Ok(store) = state.tenants.get(tenant.id) else {
            continue;
        };
        tasks.extend(tenant_workers(&state, tenant, &store, &stopped));
    }
    WorkerHandles {
        stop: Some(stop),
        tasks,
    }
}

fn tenant_workers(
    state: &SharedState,
    tenant: &Arc<TenantCrm>,
    store: &Arc<Tenant>,
    stopped: &watch::Receiver<bool>,
) -> Vec<JoinHandle<()>> {
    let splitter = Splitter {
        state: state.clone(),
        tenant: tenant.clone(),
        store: store.clone(),
        purged_at: AtomicI64::new(0),
    };
    let locator = Locator {
        state: state.clone(),
        tenant: tenant.clone(),
        store: store.clone(),
    };
    let mut workers = vec![
        tokio::spawn(run(splitter, stopped.clone())),
        tokio::spawn(run(locator, stopped.clone())),
    ];
    for connection in &tenant.connections {
        let fetcher = Fetcher {
            store: store.clone(),
            tenant: tenant.clone(),
            connection: connection.clone(),
            geocoder: state.crm.geocoder.clone(),
        };
        let sender = Sender {
            store: store.clone(),
            connection: connection.clone(),
        };
        let reader = Reader {
            state: state.clone(),
            fetcher,
        };
        let writer = Writer {
            state: state.clone(),
            sender,
        };
        workers.push(tokio::spawn(run(reader, stopped.clone())));
        workers.push(tokio::spawn(run(writer, stopped.clone())));
    }
    workers
}

/// What a worker has to say after a step.
enum Step {
    /// There may be more to do.
    More,
    /// Nothing to do until woken.
    Idle,
    /// Nothing can be done for a while.
    Rest(Duration),
}

trait Worker: Send + 'static {
    fn name(&self) -> &'static str;
    fn wake(&self) -> &Notify;
    fn start(&self) -> impl Future<Output = Result<(), StoreError>> + Send {
        std::future::ready(Ok(()))
    }
    fn step(&self) -> impl Future<Output = Result<Step, StoreError>> + Send;
}

async fn run(worker: impl Worker, mut stopped: watch::Receiver<bool>) {
    if let Err(error) = worker.start().await {
        tracing::error!(worker = worker.name(), %error, "could not take up what was under way");
    }
    let mut failures = 0u32;
    while !is_stopped(&stopped) {
        let outcome = tokio::select! {
            outcome = worker.step() => outcome,
            () = grace_over(stopped.clone()) => return,
        };
        match outcome {
            Ok(Step::More) => failures = 0,
            Ok(Step::Idle) => {
                failures = 0;
                idle(&worker, &mut stopped).await;
            }
            Ok(Step::Rest(least)) => {
                failures += 1;
                rest(failures, least, &mut stopped).await;
            }
            Err(error) => {
                tracing::error!(worker = worker.name(), %error, "will try again");
                failures += 1;
                rest(failures, Duration::ZERO, &mut stopped).await;
            }
        }
    }
}

/// Without a sender nobody is there to say stop: the server was dropped.
fn is_stopped(stopped: &watch::Receiver<bool>) -> bool {
    *stopped.borrow() || stopped.has_changed().is_err()
}

/// A step may hang on a slow service. Giving it up loses nothing: what it began in the store ends
/// by itself, and what it was sending is taken up at the next start.
async fn grace_over(mut stopped: watch::Receiver<bool>) {
    while !is_stopped(&stopped) {
        // An error says that the sender is gone, which the condition sees.
        let _ = stopped.changed().await;
    }
    tokio::time::sleep(GRACE).await;
}

async fn rest(failures: u32, least: Duration, stopped: &mut watch::Receiver<bool>) {
    let doubled = FIRST_REST.saturating_mul(1 << failures.min(8));
    tokio::select! {
        () = tokio::time::sleep(doubled.min(LONGEST_REST).max(least)) => {}
        _ = stopped.changed() => {}
    }
}

async fn idle(worker: &impl Worker, stopped: &mut watch::Receiver<bool>) {
    tokio::select! {
        () = worker.wake().notified() => tokio::time::sleep(SETTLE).await,
        () = tokio::time::sleep(POLL) => {}
        _ = stopped.changed() => {}
    }
}

struct Splitter {
    state: SharedState,
    tenant: Arc<TenantCrm>,
    store: Arc<Tenant>,
    purged_at: AtomicI64,
}

impl Splitter {
    /// Lets deliveries that wait to be answered have the writer first, for a while: this work may
    /// wait, but not for ever.
    async fn give_way(&self) {
        for _ in 0..MAX_YIELDS {
            if !self.tenant.deliveries.is_busy() {
                return;
            }
            tokio::time::sleep(YIELD).await;
        }
    }

    async fn purge(&self, now: TimestampMs) -> Result<(), StoreError> {
        if now.0 - self.purged_at.load(Ordering::Relaxed) < PURGE_EVERY_MS {
            return Ok(());
        }
        self.store
            .write_async(move |tx| split::purge(tx, now))
            .await?;
        self.purged_at.store(now.0, Ordering::Relaxed);
        Ok(())
    }
}

impl Worker for Splitter {
    fn name(&self) -> &'static str {
        "split"
    }

    fn wake(&self) -> &Notify {
        &self.tenant.intake
    }

    async fn step(&self) -> Result<Step, StoreError> {
        let now = self.state.now();
        let oldest = |c: &rusqlite::Connection| split::oldest(c, split::DELIVERIES_AT_ONCE);
        let deliveries = self.store.read_async(oldest).await?;
        if deliveries.is_empty() {
            self.purge(now).await?;
            return Ok(Step::Idle);
        }
        self.give_way().await;
        let tenant = self.tenant.clone();
        self.store
            .write_async(move |tx| {
                deliveries
                    .iter()
                    .try_for_each(|d| split::split(tx, &tenant, d, now))
            })
            .await?;
        self.tenant
            .connections
            .iter()
            .for_each(|c| c.fetch.notify_one());
        Ok(Step::More)
    }
}

struct Reader {
    state: SharedState,
    fetcher: Fetcher,
}

impl Worker for Reader {
    fn name(&self) -> &'static str {
        "read"
    }

    fn wake(&self) -> &Notify {
        &self.fetcher.connection.fetch
    }

    async fn step(&self) -> Result<Step, StoreError> {
        let mut worked = false;
        for kind in self.fetcher.connection.options.objects.clone() {
            let step = async {
                let now = self.state.now();
                let records = self.fetcher.step(kind, now).await?;
                let page = records == 0 && import::step(&self.fetcher, kind, now).await?;
                Ok::<_, FetchError>(records > 0 || page)
            };
            match step.await {
                Ok(some) => worked |= some,
                Err(FetchError::Store(error)) => return Err(error),
                Err(FetchError::Crm(error)) => {
                    tracing::warn!(connection = self.fetcher.connection.name, %error, "reading");
                    return Ok(Step::Rest(error.wait()));
                }
            }
        }
        if worked {
            self.fetcher.tenant.geocode.notify_one();
        }
        Ok(if worked { Step::More } else { Step::Idle })
    }
}

struct Locator {
    state: SharedState,
    tenant: Arc<TenantCrm>,
    store: Arc<Tenant>,
}

impl Worker for Locator {
    fn name(&self) -> &'static str {
        "geocode"
    }

    fn wake(&self) -> &Notify {
        &self.tenant.geocode
    }

    async fn start(&self) -> Result<(), StoreError> {
        let now = self.state.now();
        self.store
            .write_async(move |tx| tasks::adopt_pending(tx, now))
            .await
    }

    async fn step(&self) -> Result<Step, StoreError> {
        let now = self.state.now();
        let due = self
            .store
            .read_async(move |c| tasks::due(c, now, tasks::AT_ONCE))
            .await?;
        if due.is_empty() {
            return Ok(Step::Idle);
        }
        let mut running = JoinSet::new();
        for lead in due {
            let (state, tenant, store) =
                (self.state.clone(), self.tenant.clone(), self.store.clone());
            running.spawn(async move {
                tasks::run(&store, &tenant, &state.crm.geocoder, lead, now).await
            });
        }
        while let Some(done) = running.join_next().await {
            done.map_err(|_| StoreError::Cancelled)??;
        }
        Ok(Step::More)
    }
}

struct Writer {
    state: SharedState,
    sender: Sender,
}

impl Worker for Writer {
    fn name(&self) -> &'static str {
        "write-back"
    }

    fn wake(&self) -> &Notify {
        &self.sender.connection.writeback
    }

    async fn step(&self) -> Result<Step, StoreError> {
        let (sent, wait) = self.sender.step(self.state.now()).await?;
        Ok(match (sent, wait) {
            (_, wait) if !wait.is_zero() => Step::Rest(wait),
            (0, _) => Step::Idle,
            _ => Step::More,
        })
    }
}
