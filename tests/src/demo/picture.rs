//! The day as a picture.

use super::cast::Cast;
use super::day::Day;
use super::stage::TERRITORY;
use super::time::WorkDay;
use crate::map::{DayMap, Mark};
use fieldfare_geo::{LocalPlane, distance_m};
use fieldfare_model::{LatLng, Lead, LeadId};
use std::collections::{BTreeMap, BTreeSet};

/// How far around the way the picture reaches, metres.
const MARGIN_M: f64 = 4_000.0;
/// Leads of one postal code share a position; the picture fans them out this far, metres.
const FAN_M: f64 = 190.0;
/// The angle between two neighbours on a sunflower, radians.
const GOLDEN_ANGLE: f64 = 2.399_963_229_728_653;

/// Draws the part of the territory the rep went through.
pub fn draw(leads: &[Lead], cast: &Cast, day: &Day, date: &WorkDay) -> String {
    let alerted: BTreeSet<LeadId> = day.alerts.iter().map(|alert| alert.lead).collect();
    let visited: BTreeSet<LeadId> = day.visits.iter().copied().collect();
    let mark = |lead: LeadId| match lead {
        lead if lead == cast.contested || lead == cast.shared => Mark::Conflict,
        lead if visited.contains(&lead) => Mark::Visit,
        lead if alerted.contains(&lead) => Mark::Alert,
        _ => Mark::Lead,
    };
    let mut marks: Vec<(LatLng, Mark)> = fanned_out(leads, &day.path)
        .into_iter()
        .map(|(id, at)| (at, mark(id)))
        .collect();
    marks.sort_by_key(|(_, mark)| rank(*mark));
    DayMap {
        title: format!("One rep's day in {TERRITORY}, without a connection"),
        subtitle: format!(
            "{}: {:.0} km, {} alerts, {} visits. Leads stand at the centre of their postal code, \
             fanned out to be seen.",
            date.name(),
            day.metres / 1000.0,
            day.alerts.len(),
            day.visits.len()
        ),
        marks,
        path: day.path.clone(),
    }
    .to_svg()
}

const fn rank(mark: Mark) -> u8 {
    match mark {
        Mark::Lead => 0,
        Mark::Alert => 1,
        Mark::Visit => 2,
        Mark::Conflict | Mark::Added | Mark::Closed => 3,
    }
}

fn fanned_out(leads: &[Lead], path: &[LatLng]) -> Vec<(LeadId, LatLng)> {
    let mut at_spot: BTreeMap<(i64, i64), u32> = BTreeMap::new();
    let mut shown = Vec::new();
    for lead in leads {
        let Some(at) = lead.geocode.position.filter(|at| is_near(*at, path)) else {
            continue;
        };
        let nth = at_spot.entry((at.lat_e7(), at.lon_e7())).or_default();
        shown.push((lead.id, seat(at, *nth)));
        *nth += 1;
    }
    shown
}

fn is_near(at: LatLng, path: &[LatLng]) -> bool {
    path.iter().any(|point| distance_m(*point, at) <= MARGIN_M)
}

fn seat(at: LatLng, nth: u32) -> LatLng {
    let (radius, angle) = (FAN_M * f64::from(nth).sqrt(), f64::from(nth) * GOLDEN_ANGLE);
    let (sin, cos) = angle.sin_cos();
    LocalPlane::at(at)
        .from_xy(radius * cos, radius * sin)
        .unwrap_or(at)
}
