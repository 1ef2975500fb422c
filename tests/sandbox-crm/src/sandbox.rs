//! Starting and stopping a sandbox.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::config::{PortalConfig, SandboxConfig};
use crate::error::SandboxError;
use crate::handle::PortalHandle;
use crate::registry::Registry;
use crate::webhook;
use crate::{api, control};

/// The sandbox CRM; [`SandboxCrm::start`] brings it up.
#[derive(Debug)]
pub struct SandboxCrm;

/// A sandbox that listens. Dropping it stops it too, without waiting.
pub struct RunningSandbox {
    addr: SocketAddr,
    registry: Arc<Registry>,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<()>,
}

impl SandboxCrm {
    /// Binds and serves until [`RunningSandbox::shutdown`]. Needs a tokio runtime.
    ///
    /// # Errors
    /// If the address cannot be bound, or two portals share an id or a token.
    pub async fn start(config: SandboxConfig) -> Result<RunningSandbox, SandboxError> {
        let runtime = tokio::runtime::Handle::current();
        let registry = Arc::new(Registry::new(webhook::client()?, runtime));
        for portal in config.portals {
            registry.add(portal)?;
        }
        let address = config.bind.to_string();
        let failed = |source| SandboxError::Listen { address, source };
        let bound = TcpListener::bind(config.bind).await;
        let (listener, addr) = match bound.and_then(|it| it.local_addr().map(|addr| (it, addr))) {
            Ok(bound) => bound,
            Err(source) => return Err(failed(source)),
        };
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(serve(listener, router(&registry), stopped));
        Ok(RunningSandbox {
            addr,
            registry,
            stop: Some(stop),
            server,
        })
    }
}

fn router(registry: &Arc<Registry>) -> Router {
    let api = api::router(Arc::clone(registry));
    Router::new()
        .nest("/sandbox", control::router(Arc::clone(registry)))
        .fallback_service(api)
}

async fn serve(listener: TcpListener, router: Router, stopped: oneshot::Receiver<()>) {
    let until = async {
        stopped.await.ok();
    };
    if let Err(error) = axum::serve(listener, router)
        .with_graceful_shutdown(until)
        .await
    {
        tracing::error!(%error, "the sandbox stopped serving");
    }
}

impl RunningSandbox {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://127.0.0.1:PORT`, what a client takes for `https://api.hubapi.com`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The handle of a portal.
    pub fn portal(&self, portal_id: u64) -> Option<PortalHandle> {
        self.registry.by_id(portal_id).map(PortalHandle::new)
    }

    /// Opens one more portal.
    ///
    /// # Errors
    /// [`SandboxError::PortalExists`]
    pub fn add_portal(&self, config: PortalConfig) -> Result<PortalHandle, SandboxError> {
        self.registry.add(config).map(PortalHandle::new)
    }

    /// Stops serving and delivering; calls under way are finished.
    pub async fn shutdown(mut self) {
        self.registry.clear();
        if let Some(stop) = self.stop.take() {
            stop.send(()).ok();
        }
        let mut grace = tokio::time::interval(std::time::Duration::from_secs(2));
        grace.tick().await;
        tokio::select! {
            _ = &mut self.server => {}
            _ = grace.tick() => self.server.abort(),
        }
    }
}

impl Drop for RunningSandbox {
    fn drop(&mut self) {
        self.server.abort();
        self.registry.clear();
    }
}
