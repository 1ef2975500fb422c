//! The drive as a picture.

use super::Today;
use super::drive::Driven;
use super::morning::Planned;
use crate::map::{DayMap, Mark};
use fieldfare_model::{LatLng, LeadId};
use fieldfare_planner::Problem;

/// Draws the way the rep went, and what became of each lead.
pub fn draw(planned: &Planned, driven: &Driven, today: Today) -> String {
    let problem: Option<Problem> = serde_json::from_str(&planned.row.problem).ok();
    let mut marks: Vec<(LatLng, Mark)> = Vec::new();
    if let Some(problem) = &problem {
        for stop in &problem.stops {
            let lead: Option<LeadId> = stop.id.parse().ok();
            let was_visited = |lead: LeadId| driven.visits.iter().any(|(id, _)| *id == lead);
            let mark = match lead {
                Some(lead) if was_visited(lead) => Mark::Visit,
                Some(lead) if lead == driven.cancelled => Mark::Closed,
                _ => Mark::Lead,
            };
            let at = problem.positions.get(stop.place).copied();
            marks.extend(at.map(|at| (at, mark)));
        }
    }
    let added = driven
        .near
        .iter()
        .find(|near| near.record.lead.id == driven.added);
    let at = added.and_then(|near| near.record.lead.geocode.position);
    marks.extend(at.map(|at| (at, Mark::Added)));
    DayMap {
        title: "A planned day in Helsinki, driven without a connection".to_owned(),
        subtitle: format!(
            "{}: {:.1} km along real roads with a detour, then by a plan made anew on the phone. Map data \u{a9} OpenStreetMap contributors.",
            today.date,
            driven.trip.driven_m / 1_000.0,
        ),
        marks,
        path: driven.path.clone(),
    }
    .to_svg()
}
