//! The engine as an object. Every method only converts and hands on.

use crate::consent::{ConsentEntry, ConsentState};
use crate::error::{FfiResult, guard, guard_async};
use crate::foreign::{
    ChangeListener, ForeignClock, HttpTransport, KeyVault, Listener, Progress, SyncListener,
    Transport, Vault, WallClock,
};
use crate::leads::{
    Lead, LeadEdit, LeadFilter, LeadOrder, LeadPage, Nearby, NearbyId, NearbyQuery, NewLead,
    Territory, Viewport, leads_from, page_end, page_size,
};
use crate::location::{Fences, Fix, FixContext, FixOutcome};
use crate::operations::{Conflict, PendingChange, RefusedChange};
use crate::status::{
    EngineConfig, EngineStatus, Enrolment, OpenReport, ProximityConfig, Rep, SyncCancel,
    SyncOptions, SyncReport,
};
use crate::values::{LatLng, fit, fit_option};
use crate::visits::{NewVisit, Visit, visits_from};
use fieldfare_engine as engine;
use fieldfare_model::{LeadId, OperationId, Purpose, TimestampMs as Timestamp};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The engine. One for each folder and process.
///
/// Calls may come from any thread. Those that are not async block for micro- to milliseconds (the
/// change of keys takes longer): call them off the main thread. Apps use the `Fieldfare` class of
/// their language, which does that, rather than this one.
#[derive(uniffi::Object)]
pub struct FieldfareEngine {
    pub(crate) engine: Arc<engine::Engine>,
    report: engine::OpenReport,
}

#[uniffi::export]
impl FieldfareEngine {
    /// Opens the phone's files, making them if there are none. A damaged file is moved aside and
    /// kept; [`Self::open_report`] says so. Without a transport the library's own HTTPS is used,
    /// without a clock the system's.
    #[uniffi::constructor(default(transport = None, clock = None))]
    pub fn open(
        config: EngineConfig,
        key_vault: Arc<dyn KeyVault>,
        transport: Option<Arc<dyn HttpTransport>>,
        clock: Option<Arc<dyn WallClock>>,
    ) -> FfiResult<Arc<Self>> {
        guard(|| {
            let mut parts = engine::Parts::default();
            if let Some(transport) = transport {
                parts.transport = Some(Arc::new(Transport(transport)));
            }
            if let Some(clock) = clock {
                parts.clock = Arc::new(ForeignClock(clock));
            }
            let vault = Arc::new(Vault(key_vault));
            let (engine, report) = engine::Engine::open_with(config.try_into()?, vault, parts)?;
            Ok(Arc::new(Self { engine, report }))
        })
    }

    /// What happened when the files were opened.
    pub fn open_report(&self) -> FfiResult<OpenReport> {
        guard(|| Ok(self.report.clone().into()))
    }

    /// Who this device belongs to; none before enrolment.
    pub fn enrolment(&self) -> FfiResult<Option<Enrolment>> {
        guard(|| Ok(self.engine.enrolment().map(Enrolment::from)))
    }

    /// The rep this device belongs to.
    pub fn rep(&self) -> FfiResult<Rep> {
        guard(|| Ok(self.engine.rep()?.into()))
    }

    /// Where the engine stands.
    pub fn status(&self) -> FfiResult<EngineStatus> {
        guard(|| Ok(self.engine.status()?.into()))
    }

    /// A lead.
    pub fn lead(&self, id: LeadId) -> FfiResult<Lead> {
        guard(|| Ok(self.engine.lead(id)?.into()))
    }

    /// Leads in the order asked, at most 200; those that are not there are left out.
    pub fn leads(&self, ids: Vec<LeadId>) -> FfiResult<Vec<Lead>> {
        guard(|| Ok(leads_from(self.engine.leads(&ids)?)))
    }

    /// A page of 1 to 200 leads, after the `next` of the page before.
    pub fn leads_page(
        &self,
        filter: LeadFilter,
        order: LeadOrder,
        after: Option<String>,
        limit: i32,
    ) -> FfiResult<LeadPage> {
        guard(|| {
            let after = page_end(after)?;
            let limit = page_size(limit)?;
            self.engine
                .leads_page(&filter.try_into()?, order.into(), after.as_ref(), limit)?
                .try_into()
        })
    }

    /// Leads whose name, address or notes have the words typed, best first, 1 to 200. The last
    /// word may be a beginning; accents and case do not count.
    pub fn search(&self, text: String, limit: i32) -> FfiResult<Vec<Lead>> {
        guard(|| Ok(leads_from(self.engine.search(&text, page_size(limit)?)?)))
    }

    /// The leads in a part of the map, from memory. West may be larger than east: then the part
    /// crosses the antimeridian.
    pub fn viewport(
        &self,
        south_west: LatLng,
        north_east: LatLng,
        limit: i32,
    ) -> FfiResult<Viewport> {
        guard(|| {
            let limit = fit("the number of leads", limit)?;
            let (south_west, north_east) = (south_west.checked()?, north_east.checked()?);
            Ok(self.engine.viewport(south_west, north_east, limit)?.into())
        })
    }

    /// Leads near a place: exactly those brute force over all leads would give.
    pub fn nearby(&self, position: LatLng, query: NearbyQuery) -> FfiResult<Nearby> {
        guard(|| {
            let found = self.engine.nearby(position.checked()?, &query.try_into()?);
            Ok(found?.into())
        })
    }

    /// The same without reading the leads: ids and distances of all of them.
    pub fn nearby_ids(&self, position: LatLng, query: NearbyQuery) -> FfiResult<Vec<NearbyId>> {
        guard(|| {
            let found = self
                .engine
                .nearby_ids(position.checked()?, &query.try_into()?)?;
            let near = |hit: fieldfare_geo::Hit<LeadId>| NearbyId {
                lead: hit.key,
                distance_m: hit.distance_m,
            };
            Ok(found.into_iter().map(near).collect())
        })
    }

    /// The territories this device holds, by name.
    pub fn territories(&self) -> FfiResult<Vec<Territory>> {
        guard(|| {
            let found = self.engine.territories()?;
            Ok(found.into_iter().map(Territory::from).collect())
        })
    }

    /// Changes fields of a lead, all or none. Durable and visible when it returns.
    pub fn edit_lead(&self, id: LeadId, edits: Vec<LeadEdit>) -> FfiResult<Lead> {
        guard(|| {
            let edits = edits.into_iter().map(engine::LeadEdit::try_from);
            let edits = edits.collect::<FfiResult<Vec<_>>>()?;
            Ok(self.engine.edit_lead(id, edits)?.into())
        })
    }

    /// Adds a lead. Durable and visible when it returns, also without a connection.
    pub fn add_lead(&self, lead: NewLead) -> FfiResult<Lead> {
        guard(|| Ok(self.engine.add_lead(lead.try_into()?)?.into()))
    }

    /// Records a visit, with the lead's new status where it has one. Durable and visible when it
    /// returns.
    pub fn record_visit(&self, visit: NewVisit) -> FfiResult<Visit> {
        guard(|| Ok(self.engine.record_visit(visit.try_into()?)?.into()))
    }

    /// Visits to a lead, by anybody this phone knows of, latest first; to any lead if not said.
    #[uniffi::method(default(lead = None))]
    pub fn visits(&self, lead: Option<LeadId>) -> FfiResult<Vec<Visit>> {
        guard(|| {
            Ok(visits_from(match lead {
                Some(lead) => self.engine.visits(lead)?,
                None => self.engine.all_visits()?,
            }))
        })
    }

    /// Takes a fix and does with it what is granted now, and nothing else.
    pub fn fix(&self, fix: Fix, context: FixContext) -> FfiResult<FixOutcome> {
        guard(|| self.take(fix, context))
    }

    /// Takes several fixes, as platforms deliver them after a pause, oldest first. One outcome for
    /// each.
    pub fn fixes(&self, fixes: Vec<Fix>, context: FixContext) -> FfiResult<Vec<FixOutcome>> {
        guard(|| {
            let outcomes = fixes.into_iter().map(|fix| self.take(fix, context));
            outcomes.collect()
        })
    }

    /// The regions for the operating system to watch around a place, `limit` at most, the re-arm
    /// region included; the configured limit if not said.
    #[uniffi::method(default(limit = None))]
    pub fn fences(&self, position: LatLng, limit: Option<i32>) -> FfiResult<Fences> {
        guard(|| {
            let limit = fit_option("the number of regions", limit)?;
            Ok(self.engine.fences(position.checked()?, limit)?.into())
        })
    }

    /// Notes that the rep agrees to a use of location. `text_version` and `language` (BCP 47) say
    /// which text was shown. Durable and in force when it returns.
    #[uniffi::method(default(valid_until = None))]
    pub fn grant(
        &self,
        purpose: Purpose,
        text_version: String,
        language: String,
        valid_until: Option<Timestamp>,
    ) -> FfiResult<ConsentEntry> {
        guard(|| {
            let event = self
                .engine
                .grant(purpose, &text_version, &language, valid_until)?;
            Ok(ConsentEntry::new(event, false))
        })
    }

    /// Notes that the rep does not agree any more. In force at once; unsent positions of the
    /// purpose are gone when it returns.
    pub fn withdraw(&self, purpose: Purpose) -> FfiResult<ConsentEntry> {
        guard(|| Ok(ConsentEntry::new(self.engine.withdraw(purpose)?, false)))
    }

    /// This device's consent ledger, oldest entry first.
    pub fn consents(&self) -> FfiResult<Vec<ConsentEntry>> {
        guard(|| {
            let entries = self.engine.consents()?;
            Ok(entries.into_iter().map(ConsentEntry::from).collect())
        })
    }

    /// Where the rep's consent stands now.
    pub fn consent_state(&self) -> FfiResult<ConsentState> {
        guard(|| Ok(self.engine.consent_state().into()))
    }

    /// Changes without an answer, in the order they were made.
    pub fn pending(&self) -> FfiResult<Vec<PendingChange>> {
        guard(|| {
            let pending = self.engine.pending()?;
            Ok(pending.into_iter().map(PendingChange::from).collect())
        })
    }

    /// Changes the server refused for good and the rep has not dealt with, oldest first.
    pub fn refused(&self) -> FfiResult<Vec<RefusedChange>> {
        guard(|| {
            let refused = self.engine.refused()?;
            Ok(refused.into_iter().map(RefusedChange::from).collect())
        })
    }

    /// Offers a refused change again, on the row as it is now.
    pub fn retry_refused(&self, id: OperationId) -> FfiResult<()> {
        guard(|| Ok(self.engine.retry_refused(id)?))
    }

    /// Puts a refused change away.
    pub fn discard_refused(&self, id: OperationId) -> FfiResult<()> {
        guard(|| Ok(self.engine.discard_refused(id)?))
    }

    /// Values that lost a merge, latest first.
    pub fn conflicts(&self) -> FfiResult<Vec<Conflict>> {
        guard(|| {
            let conflicts = self.engine.conflicts()?;
            Ok(conflicts.into_iter().map(Conflict::from).collect())
        })
    }

    /// Everything this phone holds about the rep, as JSON.
    pub fn export_my_data(&self) -> FfiResult<String> {
        guard(|| Ok(self.engine.export_my_data()?))
    }

    /// Asks for change notices until the subscription is cancelled or the engine closed.
    pub fn subscribe(
        &self,
        listener: Arc<dyn ChangeListener>,
    ) -> FfiResult<Arc<ChangeSubscription>> {
        guard(|| {
            let token = self.engine.add_observer(Arc::new(Listener(listener)));
            Ok(Arc::new(ChangeSubscription {
                engine: Arc::downgrade(&self.engine),
                token: Mutex::new(Some(token)),
            }))
        })
    }

    /// Lets go of the files, as a phone requires of an app in the background. A sync under way
    /// ends. Again is fine.
    pub fn suspend(&self) -> FfiResult<()> {
        guard(|| Ok(self.engine.suspend()?))
    }

    /// Opens the files again after [`Self::suspend`]. Again is fine: then there is no report.
    pub fn resume(&self) -> FfiResult<Option<OpenReport>> {
        guard(|| Ok(self.engine.resume()?.map(OpenReport::from)))
    }

    /// Lets go of the files for good and of every listener. A sync under way ends. Again is fine.
    pub fn shut_down(&self) -> FfiResult<()> {
        guard(|| Ok(self.engine.close()?))
    }

    /// Encrypts the phone's files with a new key. Safe to kill at any moment. Takes time in
    /// proportion to the data.
    pub fn rotate_key(&self) -> FfiResult<()> {
        guard(|| Ok(self.engine.rotate_key()?))
    }

    /// Makes everything on this phone unreadable and gone: the key first, then the files. The
    /// engine is closed then. Refuses while the server lacks changes, unless forced.
    #[uniffi::method(default(force = false))]
    pub fn erase(&self, force: bool) -> FfiResult<()> {
        guard(|| Ok(self.engine.erase(force)?))
    }
}

#[uniffi::export(async_runtime = "tokio")]
impl FieldfareEngine {
    /// Makes this install a device of a rep, by the one-time code the company gave out.
    pub async fn enrol(&self, code: String, device_name: String) -> FfiResult<Enrolment> {
        let engine = Arc::clone(&self.engine);
        guard_async(async { Ok(engine.enrol(code, device_name).await?.into()) }).await
    }

    /// Sends what waits and fetches what changed. What was done before it fails or is cancelled
    /// stays done, and the next sync goes on from there.
    #[uniffi::method(default(listener = None, cancel = None))]
    pub async fn sync(
        &self,
        options: SyncOptions,
        listener: Option<Arc<dyn SyncListener>>,
        cancel: Option<Arc<SyncCancel>>,
    ) -> FfiResult<SyncReport> {
        let engine = Arc::clone(&self.engine);
        guard_async(async {
            let observer = listener
                .map(|listener| Arc::new(Progress(listener)) as Arc<dyn engine::SyncObserver>);
            Ok(engine.sync(options.with(cancel)?, observer).await?.into())
        })
        .await
    }

    /// Waits until a sync would bring something, and says so: true, or false after so many seconds.
    /// For an app in front, which then syncs and waits again. One small request is kept open
    /// meanwhile; without a connection it tries again after waits that grow. Before the first
    /// complete sync there is news at once. One at a time: a second one is busy.
    #[uniffi::method(default(max_seconds = None, cancel = None))]
    pub async fn wait_for_news(
        &self,
        max_seconds: Option<i32>,
        cancel: Option<Arc<SyncCancel>>,
    ) -> FfiResult<bool> {
        let engine = Arc::clone(&self.engine);
        guard_async(async {
            let options = engine::NewsOptions {
                max_seconds: fit_option("the most seconds", max_seconds)?,
                handle: cancel.map(|cancel| Arc::clone(&cancel.0)),
            };
            Ok(engine.wait_for_news(options).await?)
        })
        .await
    }
}

impl FieldfareEngine {
    fn take(&self, fix: Fix, context: FixContext) -> FfiResult<FixOutcome> {
        let outcome = self.engine.fix_with(fix.try_into()?, context.into())?;
        Ok(outcome.into())
    }
}

/// Change notices to one listener; they end when it is cancelled or dropped.
#[derive(uniffi::Object)]
pub struct ChangeSubscription {
    engine: Weak<engine::Engine>,
    token: Mutex<Option<engine::ObserverToken>>,
}

#[uniffi::export]
impl ChangeSubscription {
    /// Ends the notices. One that is under way may still come. Again is fine.
    pub fn cancel(&self) {
        let mut token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(token), Some(engine)) = (token.take(), self.engine.upgrade()) {
            engine.remove_observer(token);
        }
    }
}

impl Drop for ChangeSubscription {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// The usual settings for telling the rep about leads, to be changed and given to
/// [`EngineConfig`].
#[uniffi::export]
pub fn default_proximity_config() -> ProximityConfig {
    engine::proximity::ProximityConfig::default().into()
}

/// The version of this library.
#[uniffi::export]
pub fn library_version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}
