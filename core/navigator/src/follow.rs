//! Following a recorded drive and telling what happens, line by line.

use crate::{
    ConfigError, CourseFix, DeviationKind, Event, FollowConfig, Itinerary, Phase, Route,
    RouteSession, SkipReason, Stay, TripSummary, UtteranceId,
};
use fieldfare_model::TimestampMs;
use std::fmt;
use std::sync::Arc;

/// A drive that was followed.
#[derive(Debug, Clone, PartialEq)]
pub struct Followed {
    /// What happened, in order.
    pub lines: Vec<FollowedEvent>,
    /// The trip in numbers.
    pub summary: TripSummary,
    /// Where the session stood at the end.
    pub phase: Phase,
    /// Metres of the route, and how far the driver came.
    pub length_m: f64,
    /// Metres from the start of the route to the last place.
    pub along_m: f64,
}

/// One thing that happened, in words.
#[derive(Debug, Clone, PartialEq)]
pub struct FollowedEvent {
    /// The time of the fix.
    pub at: TimestampMs,
    /// Seconds since the first fix.
    pub after_s: f64,
    /// Metres from the start of the route, where that is known.
    pub along_m: Option<f64>,
    /// What happened.
    pub event: Event,
    /// The same in English, with names of roads.
    pub text: String,
}

impl fmt::Display for FollowedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.after_s as i64;
        let (minutes, rest) = (seconds / 60, seconds % 60);
        match self.along_m {
            Some(along) => write!(f, "{minutes:>3}:{rest:02} {along:>8.0} m  ")?,
            None => write!(f, "{minutes:>3}:{rest:02}        ? m  ")?,
        }
        f.write_str(&self.text)
    }
}

impl fmt::Display for Followed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            writeln!(f, "{line}")?;
        }
        write!(
            f,
            "{:?} at {:.0} m of {:.0} m; {:.0} m between fixes, {:.0} m of the route, {} deviations",
            self.phase,
            self.along_m,
            self.length_m,
            self.summary.raw_m,
            self.summary.on_route_m,
            self.summary.deviations
        )
    }
}

/// Follows a route with the fixes of a drive. A pure function: the text of a drive is the same
/// everywhere.
///
/// # Errors
/// [`ConfigError`] if the configuration makes no sense.
pub fn follow(
    itinerary: &Arc<Itinerary>,
    fixes: &[CourseFix],
    config: FollowConfig,
) -> Result<Followed, ConfigError> {
    let mut session = RouteSession::new(itinerary.clone(), config)?;
    let first = fixes.first().map(|fix| fix.fix.at).unwrap_or_default();
    session.start(first);
    let mut lines = Vec::new();
    let mut reached = 0.0;
    for fix in fixes {
        let update = session.update(fix);
        let arrived = (update.phase == Phase::Complete).then_some(itinerary.length_m());
        let along_m = update.snapped.map(|snapped| snapped.along_m).or(arrived);
        reached = along_m.unwrap_or(reached);
        lines.extend(update.events.into_iter().map(|event| FollowedEvent {
            at: fix.fix.at,
            after_s: fix.fix.at.since(first) as f64 / 1000.0,
            along_m,
            text: describe(itinerary.route(), &event),
            event,
        }));
    }
    Ok(Followed {
        lines,
        summary: session.summary(),
        phase: session.phase(),
        length_m: itinerary.length_m(),
        along_m: reached,
    })
}

/// An event in English.
pub fn describe(route: &Route, event: &Event) -> String {
    match event {
        Event::Joined { along_m, again } => {
            let how = if *again {
                "back on the route"
            } else {
                "on the route"
            };
            format!("{how}, {along_m:.0} m from its start")
        }
        Event::StepEntered { step } => format!("step {step}{}", road(route, *step)),
        Event::Speak { id } => format!("say    \"{}\"", words(route, *id)),
        Event::Skipped { id, reason } => {
            let why = match reason {
                SkipReason::Superseded => "something later was due at once",
                SkipReason::Passed => "already passed",
                SkipReason::Bypassed => "joined beyond it",
            };
            format!("unsaid \"{}\": {why}", words(route, *id))
        }
        Event::BannerChanged { banner } => {
            let shown = banner.and_then(|index| route.banners().get(index));
            match shown {
                Some(banner) => format!("show   [{}]", banner.primary.text),
                None => "show   nothing".to_owned(),
            }
        }
        Event::Deviated { kind, offset_m } => match kind {
            DeviationKind::OffRoute => format!("OFF THE ROUTE by {offset_m:.0} m"),
            DeviationKind::WrongWay => "WRONG WAY".to_owned(),
        },
        Event::ViaPassed { waypoint } => format!("passed waypoint {waypoint}"),
        Event::Arrived { stop } => format!("arrived at stop {stop}"),
        Event::VisitProposed(stay) => format!("visit? {}", dwell(stay)),
        Event::Departed(stay) => format!("left   {}", dwell(stay)),
        Event::PassedBy { stop } => format!("went by stop {stop}"),
        Event::StopMissed { stop } => format!("missed stop {stop}"),
        Event::TripCompleted(_) => "trip completed".to_owned(),
    }
}

fn road(route: &Route, step: usize) -> String {
    match route.steps().get(step) {
        Some(step) if !step.road.is_empty() => format!(": {}", step.road),
        _ => String::new(),
    }
}

fn words(route: &Route, id: UtteranceId) -> &str {
    let spoken = route.spoken().get(id.index as usize);
    spoken.map_or("", |spoken| &spoken.text)
}

fn dwell(stay: &Stay) -> String {
    format!("stop {} after {} s", stay.stop, stay.dwell_ms / 1000)
}
