//! The portals of a sandbox.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::config::PortalConfig;
use crate::error::SandboxError;
use crate::portal::Portal;

/// All portals, found by number or by token.
pub(crate) struct Registry {
    client: reqwest::Client,
    runtime: tokio::runtime::Handle,
    portals: RwLock<BTreeMap<u64, Arc<Portal>>>,
}

impl Registry {
    pub(crate) fn new(client: reqwest::Client, runtime: tokio::runtime::Handle) -> Self {
        Self {
            client,
            runtime,
            portals: RwLock::default(),
        }
    }

    pub(crate) fn add(&self, config: PortalConfig) -> Result<Arc<Portal>, SandboxError> {
        let mut portals = self.portals.write().unwrap_or_else(PoisonError::into_inner);
        let taken = portals.values().any(|portal| {
            portal.config.portal_id == config.portal_id
                || portal.config.access_token == config.access_token
        });
        if taken {
            return Err(SandboxError::PortalExists);
        }
        let portal = Arc::new(Portal::start(config, self.client.clone(), &self.runtime));
        portals.insert(portal.config.portal_id, Arc::clone(&portal));
        Ok(portal)
    }

    pub(crate) fn by_id(&self, portal_id: u64) -> Option<Arc<Portal>> {
        let portals = self.portals.read().unwrap_or_else(PoisonError::into_inner);
        portals.get(&portal_id).cloned()
    }

    pub(crate) fn by_token(&self, token: &str) -> Option<Arc<Portal>> {
        let portals = self.portals.read().unwrap_or_else(PoisonError::into_inner);
        portals
            .values()
            .find(|portal| portal.config.access_token == token)
            .cloned()
    }

    pub(crate) fn ids(&self) -> Vec<u64> {
        let portals = self.portals.read().unwrap_or_else(PoisonError::into_inner);
        portals.keys().copied().collect()
    }

    /// Lets the portals go, and with them their delivery workers.
    pub(crate) fn clear(&self) {
        self.portals
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}
