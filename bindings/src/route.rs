//! Following a route, as an object: the route stays inside, a fix in and a small record out.

use crate::error::{FfiResult, guard};
use crate::location::Fix;
use crate::route_map::{RouteAlternative, RouteMap, RouteQuery};
use crate::route_update::{RouteEvent, RouteUpdate, Trip};
use crate::values::{fit, small};
use fieldfare_engine as engine;
use fieldfare_engine::Phase as RoutePhase;
use fieldfare_model::CalendarDate;
use std::sync::Arc;

/// Follows the route of a day. Calls may come from any thread and take microseconds, and as long as
/// writing some hundred bytes where the session is saved.
#[derive(uniffi::Object)]
pub struct RouteSession {
    session: Arc<engine::RouteSession>,
}

impl RouteSession {
    pub(crate) fn over(session: Arc<engine::RouteSession>) -> Arc<Self> {
        Arc::new(Self { session })
    }

    pub(crate) fn inner(&self) -> Arc<engine::RouteSession> {
        Arc::clone(&self.session)
    }
}

fn events(events: Vec<engine::RouteEvent>) -> Vec<RouteEvent> {
    events.into_iter().map(RouteEvent::from).collect()
}

#[uniffi::export]
impl RouteSession {
    /// Takes a fix in. `course_deg` is the direction of travel in degrees clockwise from north,
    /// where the platform gives it. Give the same fix to [`crate::FieldfareEngine::fix`], which
    /// alone alerts and stores positions.
    #[uniffi::method(default(course_deg = None))]
    pub fn update(&self, fix: Fix, course_deg: Option<f64>) -> FfiResult<RouteUpdate> {
        guard(|| Ok(self.session.update(fix.try_into()?, course_deg).into()))
    }

    /// The last update, without its events: for a screen that is shown again.
    pub fn last_update(&self) -> FfiResult<Option<RouteUpdate>> {
        guard(|| Ok(self.session.last_update().map(RouteUpdate::from)))
    }

    /// The route under way, for the map and the list of instructions.
    pub fn map(&self) -> FfiResult<RouteMap> {
        guard(|| Ok(self.session.map().into()))
    }

    /// The day that is followed.
    pub fn date(&self) -> FfiResult<CalendarDate> {
        guard(|| Ok(self.session.date()))
    }

    /// Where the session stands.
    pub fn phase(&self) -> FfiResult<RoutePhase> {
        guard(|| Ok(self.session.phase()))
    }

    /// The trip so far.
    pub fn trip(&self) -> FfiResult<Trip> {
        guard(|| Ok(self.session.trip().into()))
    }

    /// Halts following: fixes are looked at, but nothing is said and nothing counts.
    pub fn pause(&self) -> FfiResult<()> {
        guard(|| {
            self.session.pause();
            Ok(())
        })
    }

    /// Goes on after a pause, from wherever the driver is.
    pub fn resume(&self) -> FfiResult<()> {
        guard(|| {
            self.session.resume();
            Ok(())
        })
    }

    /// Ends the current step by hand.
    pub fn advance(&self) -> FfiResult<Vec<RouteEvent>> {
        guard(|| Ok(events(self.session.advance())))
    }

    /// Leaves the next stop out and goes on to the one after it.
    pub fn skip_stop(&self) -> FfiResult<Vec<RouteEvent>> {
        guard(|| Ok(events(self.session.skip_stop())))
    }

    /// Ends the trip; what was saved of it is deleted.
    pub fn end(&self) -> FfiResult<Trip> {
        guard(|| Ok(self.session.stop().into()))
    }

    /// Says whether requests to a routing service can succeed now; not, until it is said.
    pub fn set_connected(&self, is_connected: bool) -> FfiResult<()> {
        guard(|| {
            self.session.set_connected(is_connected);
            Ok(())
        })
    }

    /// What to ask a routing service for: where the driver is and the stops still to reach, in
    /// order. None before the first fix and after the last stop.
    pub fn route_query(&self) -> FfiResult<Option<RouteQuery>> {
        guard(|| Ok(self.session.route_query().map(RouteQuery::from)))
    }

    /// Takes the answer to `RouteAdvice.AskForRoute`: OSRM's or Valhalla's JSON for the places of
    /// [`Self::route_query`]. Answers whether the route is followed: not if the driver is back on
    /// the old one, or the request is not the last.
    pub fn answer(&self, request: i32, answer: Vec<u8>) -> FfiResult<bool> {
        guard(|| {
            let request = fit("the number of the request", request)?;
            Ok(self.session.answer(request, &answer)?)
        })
    }

    /// The request failed; another is made later.
    pub fn answer_failed(&self, request: i32) -> FfiResult<()> {
        guard(|| {
            let request = fit("the number of the request", request)?;
            self.session.answer_failed(request);
            Ok(())
        })
    }

    /// Adds routes to choose from without a connection: OSRM's or Valhalla's JSON, or the bytes of
    /// a route. Eight at most are kept, the newest. Answers how many were new.
    pub fn add_alternatives(&self, answer: Vec<u8>) -> FfiResult<i32> {
        guard(|| Ok(small(self.session.add_alternatives(&answer)?)))
    }

    /// The routes at hand, the best for where the driver is now first. Empty before the first fix.
    pub fn alternatives(&self) -> FfiResult<Vec<RouteAlternative>> {
        guard(|| {
            let routes = self.session.alternatives();
            Ok(routes.into_iter().map(RouteAlternative::from).collect())
        })
    }

    /// Follows another of the routes at hand, by its index.
    pub fn use_alternative(&self, index: i32) -> FfiResult<()> {
        guard(|| {
            let index = fit("the index of the route", index)?;
            Ok(self.session.use_alternative(index)?)
        })
    }

    /// Begins to keep every fix in memory, to replay the drive later; a route that is replaced ends
    /// the recording. Needs consent for navigation.
    pub fn record(&self) -> FfiResult<()> {
        guard(|| Ok(self.session.record()?))
    }

    /// Ends the recording and gives it; redacted it says no more where and when it was. None if
    /// nothing was recorded, or consent was withdrawn meanwhile.
    #[uniffi::method(default(redacted = true))]
    pub fn take_recording(&self, redacted: bool) -> FfiResult<Option<Vec<u8>>> {
        guard(|| Ok(self.session.take_recording(redacted)))
    }
}
