//! Background work of the CRM side, and its place in the server.

use crate::config::Config;
use crate::hooks::Hooks;
use crate::state::{ServerError, SharedState};
use axum::Router;

/// Background work under way.
#[derive(Debug, Default)]
pub struct WorkerHandles;

impl WorkerHandles {
    /// Lets each worker finish what it is doing.
    pub async fn stop(self) {}
}

/// What the CRM side plugs into the rest.
///
/// # Errors
/// [`ServerError`] if its part of the configuration is not usable.
pub fn hooks(_config: &Config) -> Result<Hooks, ServerError> {
    Ok(Hooks::default())
}

/// The CRM side's routes on the public listener.
pub fn routes() -> Router<SharedState> {
    Router::new()
}

/// Starts the workers.
pub fn spawn(_state: SharedState) -> WorkerHandles {
    WorkerHandles
}
