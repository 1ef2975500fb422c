//! Where travel times come from.

use crate::{Problem, ProblemError, Profile, Provenance, Travel};
use fieldfare_geo::UnitVector;
use fieldfare_model::{LatLng, TimestampMs};
use serde::{Deserialize, Serialize};

/// Gives seconds and metres between places.
///
/// A pure function of what the source already holds. Who asks a routing engine over the network
/// fills a [`CachedMatrix`] with the answer.
pub trait MatrixSource {
    /// Seconds and metres from each place to each other, with a note of where they come from.
    ///
    /// # Errors
    /// [`ProblemError`] if a value is beyond what a matrix may hold.
    fn travel(&self, places: &[LatLng]) -> Result<Travel, ProblemError>;
}

/// Estimates by the great circle: always there, also with no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GreatCircle {
    /// How much longer roads are than the straight line, in thousandths: 1300 is 30 % longer.
    pub road_factor: u32,
    /// Speed on the road, metres per hour.
    pub metres_per_hour: u32,
    /// Seconds each leg takes beyond that: to the car, from the car.
    pub seconds_per_leg: u32,
}

impl Default for GreatCircle {
    /// Roads 30 % longer than the line, 45 km/h, a minute for each leg.
    fn default() -> Self {
        Self::USUAL
    }
}

impl GreatCircle {
    /// The default.
    pub const USUAL: Self = Self {
        road_factor: 1_300,
        metres_per_hour: 45_000,
        seconds_per_leg: 60,
    };

    /// As [`MatrixSource::travel`], for the ways that are wanted alone: others are no way.
    ///
    /// # Errors
    /// As there.
    pub fn travel_where(
        &self,
        places: &[LatLng],
        wanted: impl Fn(usize, usize) -> bool,
    ) -> Result<Travel, ProblemError> {
        let points: Vec<UnitVector> = places.iter().map(|&place| place.into()).collect();
        let mut cells = 0;
        let travel = Travel::from_fn(places.len(), |from, to| {
            if !wanted(from, to) {
                return None;
            }
            cells += u32::from(from != to);
            Some(self.leg(*points.get(from)?, *points.get(to)?))
        })?;
        Ok(travel.with_provenance(Provenance {
            provider: "great_circle".to_owned(),
            computed_at: None,
            cells,
            mirrored: 0,
            estimated: cells,
            estimate: self.unusual(),
        }))
    }

    /// Itself, unless it is the default.
    #[must_use]
    pub fn unusual(self) -> Option<Self> {
        (self != Self::USUAL).then_some(self)
    }

    fn leg(&self, from: UnitVector, to: UnitVector) -> (u32, u32) {
        let line = from.distance_m(to).round() as u64;
        let metres = line.saturating_mul(u64::from(self.road_factor)) / 1_000;
        let speed = u64::from(self.metres_per_hour.max(1));
        let seconds = metres.saturating_mul(3_600) / speed + u64::from(self.seconds_per_leg);
        let most = u64::from(Problem::MAX_DURATION_S);
        (seconds.min(most) as u32, metres.min(1 << 30) as u32)
    }
}

impl MatrixSource for GreatCircle {
    fn travel(&self, places: &[LatLng]) -> Result<Travel, ProblemError> {
        self.travel_where(places, |_, _| true)
    }
}

/// A matrix some engine computed earlier, for a set of places.
///
/// Asked for other places, or for ways the engine did not find, it takes the way back if that is
/// known, and the great circle otherwise, and counts both in the [`Provenance`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CachedMatrix {
    /// The places of the matrix, in its order.
    pub places: Vec<LatLng>,
    /// The matrix; its provenance says who computed it and when.
    pub travel: Travel,
    /// A place this close to one of the matrix is taken for it, metres.
    #[serde(default = "default_tolerance_m")]
    pub tolerance_m: u32,
    /// Estimates for what the matrix does not know.
    #[serde(default)]
    pub fallback: GreatCircle,
}

/// Half a block: closer than that, the road is the same.
const fn default_tolerance_m() -> u32 {
    60
}

impl CachedMatrix {
    /// Wraps what a provider answered at a moment, with the usual tolerance, and with the estimate
    /// of its provenance as fallback.
    ///
    /// # Errors
    /// [`ProblemError::Positions`] if there is not one place for each row.
    pub fn new(
        provider: impl Into<String>,
        computed_at: TimestampMs,
        places: Vec<LatLng>,
        travel: Travel,
    ) -> Result<Self, ProblemError> {
        let (found, expected) = (places.len(), travel.places());
        if found != expected {
            return Err(ProblemError::Positions { found, expected });
        }
        let provenance = Provenance {
            provider: provider.into(),
            computed_at: Some(computed_at),
            ..travel.provenance().clone()
        };
        let fallback = provenance.estimate.unwrap_or_default();
        Ok(Self {
            places,
            travel: travel.with_provenance(provenance),
            tolerance_m: default_tolerance_m(),
            fallback,
        })
    }

    /// The same matrix with a traffic profile for what is planned with it.
    #[must_use]
    pub fn with_profile(mut self, profile: Option<Profile>) -> Self {
        self.travel = self.travel.with_profile(profile);
        self
    }

    /// As [`MatrixSource::travel`], for the ways that are wanted alone: others are no way.
    ///
    /// # Errors
    /// As there.
    pub fn travel_where(
        &self,
        places: &[LatLng],
        wanted: impl Fn(usize, usize) -> bool,
    ) -> Result<Travel, ProblemError> {
        let known: Vec<UnitVector> = self.places.iter().map(|&place| place.into()).collect();
        let points: Vec<UnitVector> = places.iter().map(|&place| place.into()).collect();
        let rows: Vec<Option<usize>> = points.iter().map(|&at| self.find(&known, at)).collect();
        let (mut cells, mut mirrored, mut estimated) = (0, 0, 0);
        let travel = Travel::from_fn(places.len(), |from, to| {
            if !wanted(from, to) {
                return None;
            }
            if from == to {
                return Some((0, 0));
            }
            cells += 1;
            let (a, b) = (*rows.get(from)?, *rows.get(to)?);
            if let Some(leg) = self.leg(a, b) {
                return Some(leg);
            }
            if let Some(leg) = self.leg(b, a) {
                mirrored += 1;
                return Some(leg);
            }
            estimated += 1;
            Some(self.fallback.leg(*points.get(from)?, *points.get(to)?))
        })?;
        let provenance = Provenance {
            cells,
            mirrored,
            estimated,
            ..self.travel.provenance().clone()
        };
        Ok(travel
            .with_profile(self.travel.profile().cloned())
            .with_provenance(provenance))
    }

    /// The place of the matrix nearest to a position, if it is within the tolerance.
    fn find(&self, known: &[UnitVector], at: UnitVector) -> Option<usize> {
        let distances = known.iter().map(|place| place.distance_m(at));
        let nearest = distances.enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
        nearest
            .filter(|(_, metres)| *metres <= f64::from(self.tolerance_m))
            .map(|(index, _)| index)
    }

    fn leg(&self, from: Option<usize>, to: Option<usize>) -> Option<(u32, u32)> {
        let (from, to) = from.zip(to)?;
        Some((
            self.travel.seconds(from, to)?,
            self.travel.metres(from, to)?,
        ))
    }
}

impl MatrixSource for CachedMatrix {
    fn travel(&self, places: &[LatLng]) -> Result<Travel, ProblemError> {
        self.travel_where(places, |_, _| true)
    }
}
