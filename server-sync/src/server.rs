use crate::config::Config;
use crate::feed::{self, pings, snapshot};
use crate::http::{admin_app, app};
use crate::planning::nightly;
use crate::routing;
use crate::state::{AppState, Clock, ServerError, SharedState, system_clock};
use crate::store::StoreError;
use crate::workers::{self, WorkerHandles};
use axum::Router;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

const MAINTENANCE_EVERY: Duration = Duration::from_secs(15 * 60);
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Starts servers.
pub struct Server;

/// A server that answers. Dropping it without [`RunningServer::shutdown`] stops it abruptly,
/// which loses nothing that was acknowledged.
pub struct RunningServer {
    /// Where phones and CRMs connect.
    pub addr: SocketAddr,
    /// Where operators connect.
    pub admin_addr: SocketAddr,
    /// What its handlers share, for tests and tools in the same process.
    pub state: SharedState,
    tasks: Vec<JoinHandle<()>>,
    workers: Option<WorkerHandles>,
}

impl Server {
    /// Opens the data folder, listens, and starts the workers.
    ///
    /// # Errors
    /// [`ServerError`].
    pub async fn start(config: Config) -> Result<RunningServer, ServerError> {
        Self::start_with_clock(config, system_clock()).await
    }

    /// [`Self::start`] with another clock, for tests.
    ///
    /// # Errors
    /// [`ServerError`].
    pub async fn start_with_clock(
        config: Config,
        clock: Clock,
    ) -> Result<RunningServer, ServerError> {
        let hooks = workers::hooks(&config)?;
        let opening = tokio::task::spawn_blocking(move || AppState::open(config, hooks, clock));
        let state = opening.await.map_err(|_| StoreError::Cancelled)??;
        let (listener, addr) = listen(state.config.server.listen).await?;
        let (admin_listener, admin_addr) = listen(state.config.server.admin_listen).await?;
        let stopped = state.stopping.subscribe();
        let tasks = vec![
            serve(listener, app(state.clone()), stopped.clone()),
            serve(admin_listener, admin_app(state.clone()), stopped.clone()),
            tokio::spawn(maintain(state.clone(), stopped.clone())),
            tokio::spawn(nightly::run(state.clone(), stopped)),
        ];
        let workers = Some(workers::spawn(state.clone()));
        tracing::info!(%addr, %admin_addr, "listening");
        Ok(RunningServer {
            addr,
            admin_addr,
            state,
            tasks,
            workers,
        })
    }
}

impl RunningServer {
    /// Takes no more connections, finishes what is under way, and stops the workers.
    pub async fn shutdown(mut self) {
        self.state.stopping.send_replace(true);
        for task in std::mem::take(&mut self.tasks) {
            if task.await.is_err() {
                tracing::error!("a server task ended early");
            }
        }
        if let Some(workers) = self.workers.take() {
            workers.stop().await;
        }
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServerError> {
    let bind = |e| ServerError::Bind(address, e);
    let listener = TcpListener::bind(address).await.map_err(bind)?;
    let bound = listener.local_addr().map_err(bind)?;
    Ok((listener, bound))
}

fn serve(listener: TcpListener, app: Router, mut stopped: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let service = app.into_make_service_with_connect_info::<SocketAddr>();
        let stop = async move {
            // An error means that the sender is gone, which is a stop too.
            let _ = stopped.wait_for(|stop| *stop).await;
        };
        if let Err(error) = axum::serve(listener, service)
            .with_graceful_shutdown(stop)
            .await
        {
            tracing::error!(%error, "a listener ended early");
        }
    })
}

/// Erases what its retention has ended for, now and every quarter of an hour.
async fn maintain(state: SharedState, mut stopped: watch::Receiver<bool>) {
    loop {
        let shared = state.clone();
        if let Err(error) = crate::store::blocking(move || purge(&shared)).await {
            tracing::error!(%error, "maintenance failed");
        }
        tokio::select! {
            () = tokio::time::sleep(MAINTENANCE_EVERY) => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
    }
}

fn purge(state: &AppState) -> Result<(), StoreError> {
    let now = state.now();
    state.limits.forget_idle();
    state.registry.purge_expired(now)?;
    let before = now.plus(-DAY_MS * i64::from(state.config.retention.ping_days));
    let stale = state.routing.oldest(now);
    for tenant in state.tenants.all() {
        tenant.write(|tx| {
            pings::purge(tx, before)?;
            routing::cache::purge(tx, stale)
        })?;
        let retention_ms = state.config.retention.tombstone_ms();
        tenant.write(|tx| feed::collect(tx, now, retention_ms))?;
        while tenant.write(|tx| snapshot::purge(tx, now))? {}
    }
    Ok(())
}
