//! A route prepared once for following: everything a fix needs is a lookup.

use crate::track::Track;
use crate::{Route, SpeedLimit, WaypointKind};
use std::ops::Range;

/// A route with the sums that make following cheap. Built once, shared by sessions.
///
/// Building is linear in the route and takes some 60 bytes a point; afterwards every question is
/// answered in O(log n).
#[derive(Debug, Clone)]
pub struct Itinerary {
    route: Route,
    digest: [u8; 16],
    pub(crate) track: Track,
    /// Metres from the start at which each step begins, and the end.
    step_start: Vec<f64>,
    /// Planned milliseconds from the start at which each step begins, and the end.
    step_time: Vec<f64>,
    /// Metres from the start at which each text is due.
    spoken_at: Vec<f64>,
    banner_at: Vec<f64>,
    /// Metres from the start for each waypoint.
    waypoint_at: Vec<f64>,
    /// Planned stays in milliseconds at all waypoints before each one.
    stays_before: Vec<f64>,
}

impl Itinerary {
    /// Prepares a route.
    pub fn new(route: Route) -> Self {
        let track = Track::new(route.path());
        let starts = route
            .steps()
            .iter()
            .map(|s| track.along_of(s.first as usize));
        let step_start: Vec<f64> = starts.chain([track.length()]).collect();
        let step_time = running(route.steps().iter().map(|s| f64::from(s.duration_ms)));
        let due = |step: u32, before_end_dm: u32| {
            let at = |i: usize| step_start.get(i).copied().unwrap_or(0.0);
            let (start, end) = (at(step as usize), at(step as usize + 1));
            (end - f64::from(before_end_dm) / 10.0).max(start)
        };
        let spoken = route.spoken().iter();
        let spoken_at = spoken.map(|s| due(s.step, s.before_end_dm)).collect();
        let banners = route.banners().iter();
        let banner_at = banners.map(|b| due(b.step, b.before_end_dm)).collect();
        let places = route.waypoints().iter();
        let waypoint_at = places.map(|w| track.along_of(w.point as usize)).collect();
        let stays = route.waypoints().iter().skip(1);
        let stays_before = running(stays.map(|w| f64::from(w.service_s) * 1000.0));
        Self {
            digest: route.digest(),
            route,
            track,
            step_start,
            step_time,
            spoken_at,
            banner_at,
            waypoint_at,
            stays_before,
        }
    }

    /// The route.
    pub fn route(&self) -> &Route {
        &self.route
    }

    /// The route's name, see [`Route::digest`].
    pub fn digest(&self) -> [u8; 16] {
        self.digest
    }

    /// Metres from start to end.
    pub fn length_m(&self) -> f64 {
        self.track.length()
    }

    pub(crate) fn step_count(&self) -> usize {
        self.route.steps().len()
    }

    pub(crate) fn step_start(&self, step: usize) -> f64 {
        let start = self.step_start.get(step).copied();
        start.unwrap_or(self.track.length())
    }

    pub(crate) fn step_end(&self, step: usize) -> f64 {
        self.step_start(step + 1)
    }

    /// The last step of a range that begins at or before a place, the first of them if none does.
    pub(crate) fn step_at(&self, along: f64, among: Range<usize>) -> usize {
        let starts = self.step_start.get(among.clone()).unwrap_or(&[]);
        let after = starts.partition_point(|start| *start <= along);
        among.start + after.saturating_sub(1)
    }

    /// Planned milliseconds of driving from the start to a place on a step.
    pub(crate) fn time_at(&self, along: f64, step: usize) -> f64 {
        let (from, to) = (self.step_start(step), self.step_end(step));
        let part = if to > from {
            ((along - from) / (to - from)).clamp(0.0, 1.0)
        } else {
            0.0
        };
        let at = |i: usize| self.step_time.get(i).copied().unwrap_or(0.0);
        at(step) + part * (at(step + 1) - at(step))
    }

    /// Planned milliseconds of driving from the start to a place.
    pub(crate) fn time_at_any(&self, along: f64) -> f64 {
        self.time_at(along, self.step_at(along, 0..self.step_count()))
    }

    /// Planned metres per second on a step, 0 if nothing is planned.
    pub(crate) fn planned_speed(&self, step: usize) -> f64 {
        let millis = self.route.steps().get(step).map_or(0, |s| s.duration_ms);
        if millis == 0 {
            return 0.0;
        }
        (self.step_end(step) - self.step_start(step)) * 1000.0 / f64::from(millis)
    }

    pub(crate) fn spoken_at(&self, index: usize) -> Option<f64> {
        self.spoken_at.get(index).copied()
    }

    /// The texts of a step.
    pub(crate) fn spoken_of_step(&self, step: usize) -> Range<usize> {
        let list = self.route.spoken();
        let from = list.partition_point(|s| (s.step as usize) < step);
        from..list.partition_point(|s| s.step as usize <= step)
    }

    /// The banner to show on a step at a place.
    pub(crate) fn banner_at(&self, along: f64, step: usize) -> Option<usize> {
        let list = self.route.banners();
        let from = list.partition_point(|b| (b.step as usize) < step);
        let to = list.partition_point(|b| b.step as usize <= step);
        let due = self.banner_at.get(from..to)?;
        let shown = due.partition_point(|at| *at <= along);
        // The first one of a step is shown early rather than none.
        (from < to).then(|| from + shown.saturating_sub(1))
    }

    pub(crate) fn waypoint_at(&self, waypoint: usize) -> f64 {
        let at = self.waypoint_at.get(waypoint).copied();
        at.unwrap_or(self.track.length())
    }

    /// The first waypoint from `from` on where the driver stops.
    pub(crate) fn next_break(&self, from: usize) -> Option<usize> {
        let rest = self.route.waypoints().get(from..)?;
        let ahead = rest.iter().position(|w| w.kind == WaypointKind::Break)?;
        Some(from + ahead)
    }

    /// Planned stays in milliseconds at the waypoints from one on until before another.
    pub(crate) fn stays_between(&self, from: usize, to: usize) -> f64 {
        let before = |i: usize| {
            let index = i.saturating_sub(1).min(self.stays_before.len() - 1);
            self.stays_before.get(index).copied().unwrap_or(0.0)
        };
        (before(to) - before(from)).max(0.0)
    }

    /// The speed limit on a segment, if it is known. O(log n).
    pub(crate) fn limit_at(&self, segment: usize) -> Option<SpeedLimit> {
        let limits = self.route.limits();
        let after = limits.partition_point(|run| run.point as usize <= segment);
        limits.get(after.checked_sub(1)?)?.limit
    }
}

/// 0, then the sums of the first values, one more than there are values.
fn running(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut sums = vec![0.0];
    let mut total = 0.0;
    for value in values {
        total += value;
        sums.push(total);
    }
    sums
}
