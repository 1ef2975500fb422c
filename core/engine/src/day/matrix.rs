//! Travel times on the phone: what the server's plans brought, and estimates for the rest.

use crate::{Engine, EngineResult};
use fieldfare_model::{CalendarDate, LatLng, TimestampMs};
use fieldfare_planner::{CachedMatrix, GreatCircle, MatrixSource, Problem, Provenance, Travel};

/// Tells that a matrix holds nothing but estimates.
const ESTIMATED: &str = "great_circle";

impl Engine {
    /// Travel times between places: from the matrix of the server's plan for that date, or else of
    /// its latest plan; as the crow flies without one.
    pub(super) fn travel(&self, date: CalendarDate, places: &[LatLng]) -> EngineResult<Travel> {
        let known = self.server_day(Some(date)).ok().flatten();
        Ok(match known.and_then(|day| cached(&day.problem)) {
            Some(matrix) => matrix.travel(places)?,
            None => GreatCircle::default().travel(places)?,
        })
    }
}

/// The matrix of a problem as a source for others; none if it holds estimates only, which the phone
/// makes as well.
pub(super) fn cached(problem: &Problem) -> Option<CachedMatrix> {
    let provenance = problem.travel.provenance().clone();
    if provenance.provider == ESTIMATED {
        return None;
    }
    let at = provenance.computed_at.unwrap_or(TimestampMs(0));
    let (places, travel) = (problem.positions.clone(), problem.travel.clone());
    let matrix = CachedMatrix::new(provenance.provider, at, places, travel).ok()?;
    Some(matrix)
}

/// The problem with more places behind its own. Cells between its own places stay as they are;
/// the others are taken from the matrix where a place is one of its places, and estimated else.
pub(super) fn with_places(mut problem: Problem, more: &[LatLng]) -> EngineResult<Problem> {
    if more.is_empty() {
        return Ok(problem);
    }
    let own = problem.travel.places();
    if problem.positions.len() != own {
        return Err(super::unreadable("the planned day"));
    }
    let mut places = problem.positions.clone();
    places.extend(more);
    let estimate = || GreatCircle::default().travel(&places);
    let wide = match cached(&problem) {
        Some(matrix) => matrix.travel(&places)?,
        None => estimate()?,
    };
    let before = problem.travel;
    let travel = Travel::from_fn(places.len(), |from, to| {
        let source = if from < own && to < own {
            &before
        } else {
            &wide
        };
        source.seconds(from, to).zip(source.metres(from, to))
    })?;
    let provenance = joined(before.provenance(), wide.provenance(), places.len());
    problem.travel = travel
        .with_profile(before.profile().cloned())
        .with_provenance(provenance);
    problem.positions = places;
    Ok(problem)
}

/// The counts of the cells that stay, and of those that are new.
fn joined(own: &Provenance, wide: &Provenance, places: usize) -> Provenance {
    let cells = (places * places.saturating_sub(1)) as u32;
    Provenance {
        provider: own.provider.clone(),
        computed_at: own.computed_at,
        cells,
        mirrored: (own.mirrored + wide.mirrored).min(cells),
        estimated: match own.provider == ESTIMATED {
            true => cells,
            false => (own.estimated + wide.estimated).min(cells),
        },
    }
}
