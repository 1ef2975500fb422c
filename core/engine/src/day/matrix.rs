//! Travel times on the phone: what the server's plans brought, and estimates for the rest.

use crate::{Engine, EngineResult};
use fieldfare_model::{CalendarDate, LatLng, TimestampMs};
use fieldfare_planner::{CachedMatrix, GreatCircle, Problem, Provenance, Travel};

/// Tells that a matrix holds nothing but estimates.
const ESTIMATED: &str = "great_circle";

impl Engine {
    /// Travel times between places: from the matrix of the server's plan for that date, or else of
    /// its latest plan; as the crow flies without one.
    pub(super) fn travel(&self, date: CalendarDate, places: &[LatLng]) -> EngineResult<Travel> {
        let known = self.server_day(Some(date)).ok().flatten();
        let source = known.map_or(Source::ESTIMATE, |day| Source::of(&day.problem));
        source.between(places, |_, _| true)
    }
}

/// Where ways come from that a problem does not have.
enum Source {
    Matrix(Box<CachedMatrix>),
    Estimate(GreatCircle),
}

impl Source {
    const ESTIMATE: Self = Self::Estimate(GreatCircle::USUAL);

    /// The matrix of a problem; its way of estimating if it holds estimates only.
    fn of(problem: &Problem) -> Self {
        let provenance = problem.travel.provenance();
        let estimate = Self::Estimate(provenance.estimate.unwrap_or_default());
        if provenance.provider == ESTIMATED {
            return estimate;
        }
        let at = provenance.computed_at.unwrap_or(TimestampMs(0));
        let (places, travel) = (problem.positions.clone(), problem.travel.clone());
        let matrix = CachedMatrix::new(provenance.provider.clone(), at, places, travel);
        matrix.map_or(estimate, |matrix| Self::Matrix(Box::new(matrix)))
    }

    fn between(
        &self,
        places: &[LatLng],
        wanted: impl Fn(usize, usize) -> bool,
    ) -> EngineResult<Travel> {
        Ok(match self {
            Self::Matrix(matrix) => matrix.travel_where(places, wanted)?,
            Self::Estimate(estimate) => estimate.travel_where(places, wanted)?,
        })
    }
}

/// The problem with more places behind its own. Cells between its own places stay as they are;
/// the others are taken from the matrix where a place is one of its places, and estimated else.
pub(super) fn with_places(problem: Problem, more: &[LatLng]) -> EngineResult<Problem> {
    widened(problem, more, |_, _| true)
}

/// As [`with_places`], for places of which each is visited without the others: there are no ways
/// between them, and the work grows with their number, not with its square.
pub(super) fn with_guest_places(problem: Problem, more: &[LatLng]) -> EngineResult<Problem> {
    let own = problem.travel.places();
    widened(problem, more, |from, to| from < own || to < own)
}

fn widened(
    mut problem: Problem,
    more: &[LatLng],
    meet: impl Fn(usize, usize) -> bool,
) -> EngineResult<Problem> {
    if more.is_empty() {
        return Ok(problem);
    }
    let own = problem.travel.places();
    if problem.positions.len() != own {
        return Err(super::unreadable("the planned day"));
    }
    let mut places = problem.positions.clone();
    places.extend(more);
    let is_own = |from, to| from < own && to < own;
    let wide = Source::of(&problem).between(&places, |from, to| {
        from == to || !is_own(from, to) && meet(from, to)
    })?;
    let before = problem.travel;
    let travel = Travel::from_fn(places.len(), |from, to| {
        let source = if is_own(from, to) { &before } else { &wide };
        source.seconds(from, to).zip(source.metres(from, to))
    })?;
    problem.travel = travel
        .with_profile(before.profile().cloned())
        .with_provenance(joined(before.provenance(), wide.provenance()));
    problem.positions = places;
    Ok(problem)
}

/// The counts of the cells that stay, and of those that are new.
fn joined(own: &Provenance, wide: &Provenance) -> Provenance {
    Provenance {
        cells: own.cells + wide.cells,
        mirrored: own.mirrored + wide.mirrored,
        estimated: own.estimated + wide.estimated,
        ..own.clone()
    }
}
