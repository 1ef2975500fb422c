//! Keeping a session over the end of the process, under consent for navigation.

use crate::route::session::{Following, config_for};
use crate::route::{RouteKind, RouteSession};
use crate::{Engine, EngineResult};
use fieldfare_model::{CalendarDate, LeadId, Purpose, TimestampMs};
use fieldfare_navigator::{Itinerary, Phase, Route};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const SESSION: &str = "route.session";
const ROUTE: &str = "route.route";

const SAVE_EVERY_MS: i64 = 10_000;

/// A saved session, but for its route.
#[derive(Serialize, Deserialize)]
struct Saved {
    date: CalendarDate,
    is_road: bool,
    version: u32,
    saved_at: TimestampMs,
    reached: Vec<LeadId>,
    state: Vec<u8>,
}

impl Engine {
    /// Takes up following where the process ended, if consent for navigation was and is given and
    /// the last fix is not older than `max_age_ms`. What was said is not said again.
    ///
    /// None if there is nothing to take up.
    ///
    /// # Errors
    /// As storage has it.
    pub fn resume_following(
        self: &Arc<Self>,
        max_age_ms: i64,
    ) -> EngineResult<Option<Arc<RouteSession>>> {
        if !self.is_granted(Purpose::Navigation) {
            self.forget_following()?;
            return Ok(None);
        }
        let (saved, route) = (self.store.setting(SESSION)?, self.store.setting(ROUTE)?);
        let following = saved.zip(route);
        let following =
            following.and_then(|(saved, route)| self.restored(&saved, &route, max_age_ms));
        if following.is_none() {
            self.forget_following()?;
        }
        Ok(following.map(|following| RouteSession::over(Arc::clone(self), following)))
    }

    /// None for what is too old or cannot be read.
    fn restored(&self, saved: &[u8], route: &[u8], max_age_ms: i64) -> Option<Following> {
        let saved: Saved = serde_json::from_slice(saved).ok()?;
        let itinerary = Arc::new(Itinerary::new(Route::from_bytes(route).ok()?));
        let now = self.sources.now();
        let session =
            fieldfare_navigator::RouteSession::from_bytes(itinerary, &saved.state, now, max_age_ms);
        let session = session.ok()?;
        let kind = match saved.is_road {
            true => RouteKind::Road,
            false => RouteKind::Crow,
        };
        let config = match kind {
            RouteKind::Road => session.config().clone(),
            RouteKind::Crow => config_for(RouteKind::Road, &Default::default()),
        };
        let mut following = Following::new(session, saved.date, kind, config);
        following.version = saved.version;
        following.reached.extend(saved.reached);
        following.saved_at = Some(saved.saved_at);
        following.is_route_saved = true;
        Some(following)
    }

    /// Saves a session if it is allowed and worth it; deletes what was saved if the trip is over or
    /// it is allowed no more. A failure costs at most what happened since the last time, never the
    /// trip, so it is logged and tried again.
    pub(super) fn save_following(
        &self,
        following: &mut Following,
        at: TimestampMs,
        has_news: bool,
    ) {
        let waited = following.saved_at.map(|saved| at.since(saved));
        let is_due = waited.is_none_or(|waited| !(0..SAVE_EVERY_MS).contains(&waited));
        if !is_due && !has_news {
            return;
        }
        if let Err(error) = self.try_saving(following, at) {
            tracing::warn!(%error, "the route session could not be saved");
        }
    }

    /// The gate is held meanwhile: a withdrawal comes before or after, not between.
    fn try_saving(&self, following: &mut Following, at: TimestampMs) -> EngineResult<()> {
        let is_over = following.session.phase() == Phase::Complete;
        let mut consents = self.lock_consents();
        let now = self.sources.now();
        let is_allowed = consents.check(Purpose::Navigation, at, now).is_ok();
        if is_over || !is_allowed {
            drop(consents);
            if following.saved_at.take().is_some() {
                following.is_route_saved = false;
                self.forget_following()?;
            }
            return Ok(());
        }
        if !following.is_route_saved {
            self.store
                .set_setting(ROUTE, Some(&following.route().to_bytes()))?;
            following.is_route_saved = true;
        }
        let saved = Saved {
            date: following.date,
            is_road: following.kind == RouteKind::Road,
            version: following.version,
            saved_at: at,
            reached: following.reached.iter().copied().collect(),
            state: following.session.to_bytes(),
        };
        let json = serde_json::to_vec(&saved).unwrap_or_default();
        self.store.set_setting(SESSION, Some(&json))?;
        following.saved_at = Some(at);
        Ok(())
    }

    /// Deletes a saved session.
    pub(crate) fn forget_following(&self) -> EngineResult<()> {
        for name in [SESSION, ROUTE] {
            if self.store.setting(name)?.is_some() {
                self.store.set_setting(name, None)?;
            }
        }
        Ok(())
    }

    /// Deletes a saved session if consent is given no more.
    pub(crate) fn forget_following_unless_granted(&self) -> EngineResult<()> {
        match self.is_granted(Purpose::Navigation) {
            true => Ok(()),
            false => self.forget_following(),
        }
    }

    /// What is saved of a drive, for the export.
    pub(crate) fn saved_following(&self) -> EngineResult<serde_json::Value> {
        let saved = self.store.setting(SESSION)?;
        let saved = saved.and_then(|json| serde_json::from_slice(&json).ok());
        Ok(saved.unwrap_or(serde_json::Value::Null))
    }
}
