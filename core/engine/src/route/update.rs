//! From the navigator's words to the app's.

use crate::route::record::index;
use crate::route::{
    RouteAdvice, RouteBanner, RouteDeviation, RouteEvent, RouteProgress, RouteRejoin, RouteSpot,
    RouteUpdate,
};
use fieldfare_model::LeadId;
use fieldfare_navigator::{Event, Route, Update};

/// An update of a session that follows `route`.
pub(super) fn record(update: &Update, route: &Route, version: u32) -> RouteUpdate {
    let banner = update.progress.and_then(|progress| progress.banner);
    let banner = banner.and_then(|banner| route.banners().get(banner));
    RouteUpdate {
        phase: update.phase,
        quality: update.quality,
        position: update.position,
        spot: update.snapped.map(|snapped| RouteSpot {
            position: snapped.position,
            course_deg: snapped.course_deg,
            offset_m: snapped.offset_m,
            along_m: snapped.along_m,
            confidence: snapped.confidence,
        }),
        progress: update.progress.map(|p| RouteProgress::new(&p, route)),
        banner: banner.map(RouteBanner::from),
        deviation: update.deviation.map(|deviation| RouteDeviation {
            kind: deviation.kind,
            offset_m: deviation.offset_m,
            for_ms: deviation.for_ms,
        }),
        rejoin: update.rejoin.map(|hint| RouteRejoin {
            position: hint.position,
            distance_m: hint.distance_m,
            bearing_deg: hint.bearing_deg,
            remaining_m: hint.remaining_m,
        }),
        events: events(&update.events, route),
        advice: RouteAdvice::Nothing,
        route_version: version,
    }
}

pub(super) fn events(events: &[Event], route: &Route) -> Vec<RouteEvent> {
    events.iter().map(|event| told(event, route)).collect()
}

fn told(event: &Event, route: &Route) -> RouteEvent {
    let lead = |stop: usize| lead_at(route, stop);
    match event {
        Event::Joined { along_m, again } => RouteEvent::Joined {
            along_m: *along_m,
            again: *again,
        },
        Event::StepEntered { step } => RouteEvent::StepEntered { step: index(*step) },
        Event::Speak { id } => {
            let spoken = route.spoken().get(id.index as usize);
            RouteEvent::Speak {
                id: id.to_string(),
                text: spoken.map_or_else(String::new, |s| s.text.to_string()),
                ssml: spoken.map_or_else(String::new, |s| s.ssml.to_string()),
            }
        }
        Event::Skipped { id, .. } => RouteEvent::NotSaid { id: id.to_string() },
        Event::BannerChanged { .. } => RouteEvent::BannerChanged,
        Event::Deviated { kind, offset_m } => RouteEvent::Deviated {
            kind: *kind,
            offset_m: *offset_m,
        },
        Event::ViaPassed { waypoint } => RouteEvent::ViaPassed {
            stop: index(*waypoint),
        },
        Event::Arrived { stop } => RouteEvent::Arrived {
            stop: index(*stop),
            lead: lead(*stop),
        },
        Event::VisitProposed(stay) => RouteEvent::VisitProposed { stay: stay.into() },
        Event::Departed(stay) => RouteEvent::Departed { stay: stay.into() },
        Event::PassedBy { stop } => RouteEvent::PassedBy {
            stop: index(*stop),
            lead: lead(*stop),
        },
        Event::StopMissed { stop } => RouteEvent::StopMissed {
            stop: index(*stop),
            lead: lead(*stop),
        },
        Event::TripCompleted(summary) => RouteEvent::Completed {
            trip: (*summary).into(),
        },
    }
}

pub(super) fn lead_at(route: &Route, stop: usize) -> Option<LeadId> {
    route.waypoints().get(stop).and_then(|place| place.lead)
}
