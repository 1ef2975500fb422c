//! A route for a day that has none: straight lines from stop to stop.

use crate::day::DayData;
use crate::{EngineError, EngineResult};
use fieldfare_model::LatLng;
use fieldfare_navigator::{
    FollowConfig, LegDraft, Manoeuvre, ManoeuvreKind, Route, RouteDraft, RouteSource, StepDraft,
    WaypointDraft,
};
use fieldfare_planner::{Activity, Plan};

/// Beyond the reach of any driver: who follows a straight line is never off it.
const NEVER_OFF_M: f64 = 900_000.0;

/// How a straight line is followed.
pub(super) fn crow_config(config: &FollowConfig) -> FollowConfig {
    FollowConfig {
        deviation_base_m: NEVER_OFF_M,
        wrong_way_m: NEVER_OFF_M,
        ..config.clone()
    }
}

/// Straight lines from the start, or from where the rep is, through the visits still to come to
/// the end of the day.
pub(super) fn crow_route(data: &DayData, here: Option<LatLng>) -> EngineResult<Route> {
    let rep = data.problem.reps.first();
    let place = |place: Option<usize>| data.problem.positions.get(place?).copied();
    let start = here.or(rep.and_then(|rep| place(rep.start)));
    let mut legs = Vec::new();
    let mut from = start;
    for visit in visits(data, &data.plan) {
        let begin = from.unwrap_or(visit.at);
        legs.push(leg(begin, visit.at, visit.travel_s, visit.draft));
        from = Some(visit.at);
    }
    if let (Some(begin), Some(end)) = (from, rep.and_then(|rep| place(rep.end))) {
        let day = data.plan.days.first();
        let seconds = day.map_or(0, |day| day.travel_s);
        legs.push(leg(begin, end, seconds, WaypointDraft::at(end)));
    }
    if legs.is_empty() {
        return Err(EngineError::invalid(
            "nothing is left to drive to on that day",
        ));
    }
    let origin = start.map_or(WaypointDraft::ON_ROAD, WaypointDraft::at);
    Ok(Route::assemble(RouteDraft {
        source: RouteSource::Own,
        language: String::new(),
        origin,
        legs,
    })?)
}

struct Visit {
    at: LatLng,
    travel_s: i64,
    draft: WaypointDraft,
}

/// The visits of a plan that are not behind or cancelled.
fn visits(data: &DayData, plan: &Plan) -> Vec<Visit> {
    let steps = plan.days.iter().flat_map(|day| &day.steps);
    let visits = steps.filter_map(|step| {
        let Activity::Visit { stop: id } = &step.what else {
            return None;
        };
        let lead = id.parse().ok()?;
        let is_over =
            data.progress.visited.contains(&lead) || data.progress.cancelled.contains(&lead);
        let stop = data.problem.stops.iter().find(|stop| stop.id == *id)?;
        let at = *data.problem.positions.get(stop.place)?;
        (!is_over).then_some(Visit {
            at,
            travel_s: step.travel_s,
            draft: WaypointDraft {
                position: Some(at),
                lead: Some(lead),
                service_s: stop.service_s,
            },
        })
    });
    visits.collect()
}

fn leg(from: LatLng, to: LatLng, seconds: i64, end: WaypointDraft) -> LegDraft {
    let depart = Manoeuvre::plain(ManoeuvreKind::Depart);
    let arrive = Manoeuvre::plain(ManoeuvreKind::Arrive);
    LegDraft {
        steps: vec![
            StepDraft::plain(vec![from, to], seconds as f64, depart),
            StepDraft::plain(vec![to], 0.0, arrive),
        ],
        end,
        vias: Vec::new(),
        limits: Vec::new(),
    }
}
