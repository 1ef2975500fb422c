use crate::clock::Sources;
use crate::consenting::Consents;
use crate::location::Location;
use crate::map::{LeadMap, Spot, SpotChange};
use crate::observers::Observers;
use crate::signing_in::Session;
use crate::syncing::SyncSlot;
use crate::{
    ChangeNotice, ChangeObserver, EngineConfig, EngineResult, HttpTransport, HttpsTransport,
    ObserverToken, Parts,
};
use fieldfare_model::{Entity, LeadId, LeadStatus, RowId};
use fieldfare_store::{KeyVault, LeadPosition, OpenReport, Store, StoreOptions};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Beyond this many changed leads all positions are read again, which then is quicker.
const MANY_LEADS: usize = 5_000;

/// The engine. One for each folder and process.
///
/// Calls may come from any thread. Those that are not async block for micro- to milliseconds,
/// except [`Engine::rotate_key`].
pub struct Engine {
    pub(crate) config: EngineConfig,
    pub(crate) store: Store,
    pub(crate) transport: Arc<dyn HttpTransport>,
    pub(crate) sources: Sources,
    pub(crate) map: Arc<LeadMap>,
    pub(crate) session: Session,
    pub(crate) consents: Mutex<Consents>,
    pub(crate) location: Mutex<Location>,
    /// Held from reading a kept day to keeping it again, so that no change of a day undoes another.
    days: Mutex<()>,
    pub(crate) observers: Observers,
    pub(crate) sync_slot: SyncSlot,
    pub(crate) news_slot: SyncSlot,
}

impl Engine {
    /// Opens the phone's files, making them if there are none, and loads where the leads are.
    ///
    /// A damaged file is moved aside and kept; the report says so. `transport` is what carries
    /// requests; none for the built-in [`HttpsTransport`].
    ///
    /// # Errors
    /// [`crate::EngineError::Key`] if the files cannot be opened with the vault's key: nothing is
    /// touched then. [`crate::EngineError::DiskFull`] and [`crate::EngineError::Storage`].
    pub fn open(
        config: EngineConfig,
        vault: Arc<dyn KeyVault>,
        transport: Option<Arc<dyn HttpTransport>>,
    ) -> EngineResult<(Arc<Self>, OpenReport)> {
        let parts = Parts {
            transport,
            ..Parts::default()
        };
        Self::open_with(config, vault, parts)
    }

    /// Like [`Engine::open`], with every part an app or a test may replace.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn open_with(
        config: EngineConfig,
        vault: Arc<dyn KeyVault>,
        parts: Parts,
    ) -> EngineResult<(Arc<Self>, OpenReport)> {
        let transport = match parts.transport {
            Some(transport) => transport,
            None => Arc::new(HttpsTransport::new(config.allow_insecure_loopback)?),
        };
        let location = Location::new(&config)?;
        let options = StoreOptions {
            full_text: config.full_text,
            ..StoreOptions::default()
        };
        let (store, report) = Store::open(&config.dir, vault, options)?;
        let spots = store.positions()?.into_iter().map(spot_of).collect();
        let engine = Self {
            map: LeadMap::load(spots),
            session: Session::load(&store)?,
            sources: Sources::new(parts.clock),
            consents: Mutex::default(),
            location: Mutex::new(location),
            days: Mutex::default(),
            observers: Observers::default(),
            sync_slot: SyncSlot::default(),
            news_slot: SyncSlot::default(),
            config,
            store,
            transport,
        };
        engine.load_consents()?;
        engine.load_proximity()?;
        engine.forget_following_unless_granted()?;
        Ok((Arc::new(engine), report))
    }

    /// Asks for change notices from now on.
    pub fn add_observer(&self, observer: Arc<dyn ChangeObserver>) -> ObserverToken {
        self.observers.add(observer)
    }

    /// Whether the map's tree is built. Until then a list answers, slower and with the same answers.
    pub fn is_map_indexed(&self) -> bool {
        self.map.is_indexed()
    }

    /// Ends change notices. One that is under way may still come.
    pub fn remove_observer(&self, token: ObserverToken) {
        self.observers.remove(token);
    }

    /// Brings the map up to date and tells observers; `more` is what the rows do not say.
    pub(crate) fn changed_with(
        &self,
        changes: &[(Entity, RowId)],
        more: ChangeNotice,
    ) -> EngineResult<()> {
        let nowhere = self.follow(&leads_of(changes))?;
        let mut notice = ChangeNotice::of(changes).and(more);
        notice.days |= self.follow_leads_in_days(&nowhere)?;
        self.observers.tell(&notice);
        Ok(())
    }

    /// Brings the map up to date. Answers which of the leads may have no place on it: those that
    /// left this phone are among them.
    fn follow(&self, leads: &[LeadId]) -> EngineResult<Vec<LeadId>> {
        if leads.is_empty() {
            return Ok(Vec::new());
        }
        if leads.len() > MANY_LEADS {
            self.reload_map()?;
            return Ok(leads.to_vec());
        }
        let placed = self.store.positions_of(leads)?.into_iter().map(spot_of);
        let placed: BTreeMap<LeadId, Spot> = placed.map(|spot| (spot.id, spot)).collect();
        let change = |id: &LeadId| -> SpotChange { (*id, placed.get(id).copied()) };
        self.map.apply(leads.iter().map(change).collect());
        let nowhere = leads.iter().filter(|id| !placed.contains_key(id));
        Ok(nowhere.copied().collect())
    }

    pub(crate) fn reload_map(&self) -> EngineResult<()> {
        let spots = self.store.positions()?.into_iter().map(spot_of).collect();
        self.map.replace(spots);
        Ok(())
    }

    pub(crate) fn lock_consents(&self) -> MutexGuard<'_, Consents> {
        self.consents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lock_location(&self) -> MutexGuard<'_, Location> {
        self.location.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Observers are told after it is let go: they may change days themselves.
    pub(crate) fn lock_days(&self) -> MutexGuard<'_, ()> {
        self.days.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Engine")
    }
}

fn leads_of(changes: &[(Entity, RowId)]) -> Vec<LeadId> {
    let leads = changes.iter().filter(|(entity, _)| *entity == Entity::LEAD);
    leads.map(|(_, id)| LeadId::from(*id)).collect()
}

/// A status this build does not know counts as open for the map.
fn spot_of(position: LeadPosition) -> Spot {
    Spot {
        id: position.id,
        at: position.position,
        score: position.score,
        tier: position.tier,
        status: position.status.unwrap_or(LeadStatus::Open),
        alert_radius_m: position.alert_radius_m,
        uncertainty_m: position.uncertainty_m,
    }
}
