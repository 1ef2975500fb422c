//! When to ask for another route. Facts come from the session; this decides, and does nothing.

use crate::{DeviationKind, Phase, Update};
use fieldfare_geo::distance_m;
use fieldfare_model::{LatLng, TimestampMs};

/// How eagerly to ask.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RecalcConfig {
    /// Milliseconds between two requests, at least.
    pub min_interval_ms: i64,
    /// Metres driven between two requests, at least.
    pub min_moved_m: f64,
    /// Milliseconds of going the wrong way before a route is asked for: most drivers turn around
    /// by themselves.
    pub wrong_way_ms: i64,
    /// After each failure the interval doubles, up to this, milliseconds.
    pub max_interval_ms: i64,
    /// Milliseconds after which an unanswered request is given up.
    pub timeout_ms: i64,
}

impl Default for RecalcConfig {
    fn default() -> Self {
        Self {
            min_interval_ms: 5_000,
            min_moved_m: 50.0,
            wrong_way_ms: 15_000,
            max_interval_ms: 120_000,
            timeout_ms: 20_000,
        }
    }
}

/// What to do after a fix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recalc {
    /// Nothing: on the route, or too soon to ask.
    Nothing,
    /// Ask a routing service, and tell the policy the answer with this number.
    Ask {
        /// Number of the request.
        request: u32,
    },
    /// No connection: choose among the cached routes, see [`crate::rank_routes`], or lead back to
    /// this one.
    UseCached,
}

/// What to do with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecalcAnswer {
    /// Follow the new route.
    Use,
    /// Drop it: the driver is back on the route, or a later request replaced this one.
    Discard,
}

/// Decides when a driver who left the route gets another one: at most one request at a time, not
/// too often, not without having moved, and never once the driver is back.
#[derive(Debug, Clone, PartialEq)]
pub struct RecalcPolicy {
    config: RecalcConfig,
    requests: u32,
    in_flight: Option<(u32, TimestampMs)>,
    last: Option<(TimestampMs, LatLng)>,
    failures: u32,
    deviating: bool,
}

impl RecalcPolicy {
    /// A policy that has seen nothing.
    pub const fn new(config: RecalcConfig) -> Self {
        Self {
            config,
            requests: 0,
            in_flight: None,
            last: None,
            failures: 0,
            deviating: false,
        }
    }

    /// What to do after a fix that was taken at `now`. `connected` says whether a request can
    /// succeed.
    pub fn decide(&mut self, update: &Update, now: TimestampMs, connected: bool) -> Recalc {
        self.deviating = self.calls_for_route(update);
        self.give_up_late(now);
        if !self.deviating {
            self.failures = 0;
            return Recalc::Nothing;
        }
        if self.in_flight.is_some() || !self.rested(now, update.position) {
            return Recalc::Nothing;
        }
        self.last = Some((now, update.position));
        if !connected {
            return Recalc::UseCached;
        }
        self.requests = self.requests.wrapping_add(1);
        self.in_flight = Some((self.requests, now));
        Recalc::Ask {
            request: self.requests,
        }
    }

    fn calls_for_route(&self, update: &Update) -> bool {
        if update.phase != Phase::Navigating {
            return false;
        }
        update
            .deviation
            .is_some_and(|deviation| match deviation.kind {
                DeviationKind::OffRoute => true,
                DeviationKind::WrongWay => deviation.for_ms >= self.config.wrong_way_ms,
            })
    }

    /// A clock that was set back must not silence the policy.
    fn rested(&self, now: TimestampMs, at: LatLng) -> bool {
        let Some((when, place)) = self.last else {
            return true;
        };
        let waited = now.since(when);
        let slow = self.config.min_interval_ms.max(1) << self.failures.min(20);
        let interval = slow.min(self.config.max_interval_ms);
        (waited < 0 || waited >= interval) && distance_m(place, at) >= self.config.min_moved_m
    }

    fn give_up_late(&mut self, now: TimestampMs) {
        if let Some((request, asked)) = self.in_flight {
            let waited = now.since(asked);
            if waited < 0 || waited >= self.config.timeout_ms {
                self.failed(request);
            }
        }
    }

    /// A route came in for a request.
    pub fn answered(&mut self, request: u32) -> RecalcAnswer {
        if self.in_flight.map(|(number, _)| number) != Some(request) {
            return RecalcAnswer::Discard;
        }
        self.in_flight = None;
        self.failures = 0;
        if self.deviating {
            RecalcAnswer::Use
        } else {
            RecalcAnswer::Discard
        }
    }

    /// A request failed.
    pub fn failed(&mut self, request: u32) {
        if self.in_flight.map(|(number, _)| number) == Some(request) {
            self.in_flight = None;
            self.failures = self.failures.saturating_add(1);
        }
    }
}
