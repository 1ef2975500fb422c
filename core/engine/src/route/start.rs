//! Beginning to follow a day.

use crate::day::{DayData, leads_through};
use crate::route::session::{Following, config_for};
use crate::route::{RouteKind, RouteSession, guide};
use crate::{Engine, EngineResult};
use fieldfare_model::{CalendarDate, LatLng};
use fieldfare_navigator::{FollowConfig, Itinerary, Route};
use std::sync::Arc;

/// Which day to follow, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct FollowDay {
    /// Which day.
    pub date: CalendarDate,
    /// Where the rep is, for straight lines to begin there.
    pub position: Option<LatLng>,
    /// How roads are followed.
    pub config: FollowConfig,
}

impl FollowDay {
    /// A day, followed by car.
    pub fn new(date: CalendarDate) -> Self {
        Self {
            date,
            position: None,
            config: FollowConfig::default(),
        }
    }
}

impl Engine {
    /// Begins to follow the route of a day: the road route that came by sync if it leads through
    /// the visits still to come in their order, else straight lines from stop to stop.
    ///
    /// Needs no consent, as the rep asks for it and the fixes stay in memory; with consent for
    /// navigation the session outlives the process. A session saved before is forgotten.
    ///
    /// # Errors
    /// [`crate::EngineError::NotFound`] if that day is not planned;
    /// [`crate::EngineError::Invalid`] if nothing is left of it, or for a configuration that makes
    /// no sense; or as storage has it.
    pub fn follow_day(self: &Arc<Self>, request: &FollowDay) -> EngineResult<Arc<RouteSession>> {
        let data = self.day_data(request.date)?;
        let (route, kind) = self.route_for(&data, request.position)?;
        let itinerary = Arc::new(Itinerary::new(route));
        let config = config_for(kind, &request.config);
        let mut session = fieldfare_navigator::RouteSession::new(itinerary, config)?;
        let now = self.sources.now();
        session.start(now);
        let mut following = Following::new(session, data.date, kind, request.config.clone());
        following.reached.extend(&data.progress.visited);
        self.forget_following()?;
        self.save_following(&mut following, now, true);
        Ok(RouteSession::over(Arc::clone(self), following))
    }

    fn route_for(&self, data: &DayData, here: Option<LatLng>) -> EngineResult<(Route, RouteKind)> {
        for row in self.route_rows(data.date)? {
            let route = Route::from_bytes(&row.route);
            if row.date == data.date
                && let Ok(route) = route
                && leads_through(&route, data)
            {
                return Ok((route, RouteKind::Road));
            }
        }
        Ok((guide::crow_route(data, here)?, RouteKind::Crow))
    }
}
