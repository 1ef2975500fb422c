//! Following a route: one call for each fix.

use crate::fix::Reading;
use crate::state::State;
use crate::{
    ConfigError, CourseFix, Event, FixQuality, FollowConfig, Itinerary, Phase, TripSummary, Update,
};
use fieldfare_model::TimestampMs;
use std::sync::Arc;

/// Follows one route.
///
/// A pure state machine: it reads no clock and does nothing by itself. Feed it every fix by
/// [`RouteSession::update`]; the answer says where the driver is and what happened. What to do
/// about it, such as asking for another route, is the caller's choice (see
/// [`crate::RecalcPolicy`]). The same calls give the same answers on every platform.
///
/// A fix costs time in proportion to the stretch of road around it, and O(log n) where the whole
/// route must be searched: at the start and off the route.
#[derive(Debug, Clone)]
pub struct RouteSession {
    pub(crate) itinerary: Arc<Itinerary>,
    pub(crate) config: FollowConfig,
    pub(crate) state: State,
}

impl RouteSession {
    /// A session that has not started.
    ///
    /// # Errors
    /// [`ConfigError`] if the configuration makes no sense.
    pub fn new(itinerary: Arc<Itinerary>, config: FollowConfig) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self {
            itinerary,
            config,
            state: State::idle(),
        })
    }

    /// The route.
    pub fn itinerary(&self) -> &Arc<Itinerary> {
        &self.itinerary
    }

    /// How it is followed.
    pub fn config(&self) -> &FollowConfig {
        &self.config
    }

    /// Where the session stands.
    pub fn phase(&self) -> Phase {
        self.state.phase
    }

    /// The trip so far.
    pub fn summary(&self) -> TripSummary {
        self.state.summary
    }

    /// The next stop, an index into [`crate::Route::waypoints`]; `None` when all are done.
    pub fn next_stop(&self) -> Option<usize> {
        self.state.next_stop(&self.itinerary)
    }

    /// Starts the trip. The driver may be anywhere on the route or beside it. Only an idle session
    /// can be started; otherwise nothing happens.
    pub fn start(&mut self, now: TimestampMs) {
        if self.state.phase == Phase::Idle {
            self.state.phase = Phase::Joining;
            self.state.summary.started_at = now;
        }
    }

    /// Halts following: fixes are looked at, but nothing is said and nothing counts.
    pub fn pause(&mut self) {
        if matches!(self.state.phase, Phase::Joining | Phase::Navigating) {
            self.state.phase = Phase::Paused;
        }
    }

    /// Goes on after a pause, from wherever the driver is now.
    pub fn resume(&mut self) {
        if self.state.phase == Phase::Paused {
            self.search_again();
        }
    }

    /// Ends the trip before its end.
    pub fn stop(&mut self, now: TimestampMs) {
        if !matches!(self.state.phase, Phase::Idle | Phase::Complete) {
            self.state.phase = Phase::Complete;
            self.state.summary.ended_at = Some(now);
        }
    }

    /// Ends the current step by hand. Nothing happens on the last step of a leg, which ends by
    /// arriving.
    pub fn advance(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        if self.state.phase == Phase::Navigating && !self.before_arrival() {
            self.state.enter_step(self.state.step + 1, &mut events);
            self.state.show(&self.itinerary, &mut events);
        }
        events
    }

    /// Leaves the next stop out and goes on to the one after it. Nothing happens at the last stop.
    pub fn skip_stop(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        let Some(stop) = self.next_stop() else {
            return events;
        };
        if self.state.leg + 1 >= self.itinerary.route().leg_count() {
            return events;
        }
        if self.state.stay.is_some() {
            self.state.depart(&self.itinerary, &mut events);
        } else {
            events.push(Event::StopMissed { stop });
            self.state.waypoint = stop + 1;
            self.state.leg += 1;
            let first = self.itinerary.route().leg_steps(self.state.leg).start;
            self.state.enter_step(first, &mut events);
        }
        if self.state.phase == Phase::Navigating {
            self.search_again();
        }
        events
    }

    /// Follows another route from here on, for example after a recalculation. What the trip was so
    /// far is kept; the new route begins with its first leg.
    pub fn replace_route(&mut self, itinerary: Arc<Itinerary>) {
        let old = std::mem::replace(&mut self.state, State::idle());
        self.itinerary = itinerary;
        self.state.summary = old.summary;
        self.state.motion = old.motion;
        self.state.pace = old.pace;
        self.state.phase = match old.phase {
            Phase::Navigating => Phase::Joining,
            other => other,
        };
    }

    pub(crate) fn search_again(&mut self) {
        self.state.phase = Phase::Joining;
        self.state.beam.clear();
        self.state.watch = crate::deviation::Watch::default();
    }

    /// Takes a fix in.
    ///
    /// Any fix will do: accuracies, speeds and courses that make no sense are set aside, fixes out
    /// of order and leaps are recognised, and a clock that is set back only stops the time.
    pub fn update(&mut self, fix: &CourseFix) -> Update {
        let reading = Reading::from(fix);
        let mut events = Vec::new();
        let max_accuracy = self.config.max_accuracy_m;
        let quality = self.state.motion.judge(&reading, max_accuracy);
        if quality == FixQuality::Good {
            self.follow(&reading, &mut events);
        }
        self.report(fix, quality, events)
    }

    fn follow(&mut self, reading: &Reading, events: &mut Vec<Event>) {
        let counts = matches!(self.state.phase, Phase::Joining | Phase::Navigating);
        let summary = counts.then_some(&mut self.state.summary);
        let moment = self.state.motion.take(reading, summary);
        match self.state.phase {
            Phase::Idle => {}
            Phase::Paused => {
                let paused = &mut self.state.summary.paused_ms;
                *paused = paused.saturating_add(moment.dt_ms);
            }
            Phase::Joining => self.join(&moment, events),
            Phase::Navigating => self.navigate(&moment, events),
            Phase::Complete => self.linger(&moment, events),
        }
    }
}
