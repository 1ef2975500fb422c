//! What a routing engine must offer, and what it answers.

use crate::routing::{Area, EngineConfig, EngineKind, GraphHopper, Osrm, RoutingError, Valhalla};
use async_trait::async_trait;
use fieldfare_model::LatLng;
use fieldfare_navigator::{Route, RouteQuery};
use fieldfare_planner::Problem;
use std::sync::Arc;

/// The way from one place to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leg {
    /// Seconds driven, without traffic.
    pub seconds: u32,
    /// Metres driven.
    pub metres: u32,
}

/// A part of a matrix, row by row: one row for each source. `None` where there is no way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    targets: usize,
    cells: Vec<Option<Leg>>,
}

const MAX_METRES: f64 = (1u32 << 30) as f64;

impl Block {
    /// Reads rows of seconds and lengths as engines give them; `metres_each` is the length of a unit.
    ///
    /// # Errors
    /// A sentence about what is wrong, if the rows have another shape or hold what is no duration.
    pub fn from_rows(
        (sources, targets): (usize, usize),
        seconds: &[Vec<Option<f64>>],
        lengths: &[Vec<Option<f64>>],
        metres_each: f64,
    ) -> Result<Self, String> {
        let square = |rows: &[Vec<Option<f64>>]| {
            rows.len() == sources && rows.iter().all(|row| row.len() == targets)
        };
        if !square(seconds) || !square(lengths) {
            return Err("the matrix has another size than asked for".to_owned());
        }
        let flat = seconds.iter().flatten().zip(lengths.iter().flatten());
        let cells = flat.map(|(seconds, length)| leg(*seconds, *length, metres_each));
        Ok(Self {
            targets,
            cells: cells.collect::<Result<_, _>>()?,
        })
    }

    /// A block of one cell.
    pub fn single(leg: Option<Leg>) -> Self {
        Self {
            targets: 1,
            cells: vec![leg],
        }
    }

    /// The way from one of the sources to one of the targets.
    pub fn cell(&self, source: usize, target: usize) -> Option<Leg> {
        if target >= self.targets {
            return None;
        }
        self.cells
            .get(source * self.targets + target)
            .copied()
            .flatten()
    }
}

/// Ways longer than the planner can take count as none.
pub(super) fn leg(
    seconds: Option<f64>,
    length: Option<f64>,
    metres_each: f64,
) -> Result<Option<Leg>, String> {
    let (Some(seconds), Some(length)) = (seconds, length) else {
        return Ok(None);
    };
    let metres = length * metres_each;
    let is_length = |n: f64| n.is_finite() && n >= 0.0;
    if !is_length(seconds) || !is_length(metres) {
        return Err("a travel time or distance is negative or no number".to_owned());
    }
    if seconds > f64::from(Problem::MAX_DURATION_S) || metres > MAX_METRES {
        return Ok(None);
    }
    Ok(Some(Leg {
        seconds: seconds.round() as u32,
        metres: metres.round() as u32,
    }))
}

/// How large a block one request may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockLimits {
    /// Places on one side.
    pub side: usize,
    /// Cells.
    pub cells: usize,
    /// Cells of a whole matrix beyond which the engine is not asked at all.
    pub matrix: usize,
    /// Requests under way at once.
    pub concurrency: usize,
}

/// A routing service.
#[async_trait]
pub trait RoutingEngine: Send + Sync {
    /// Which kind of engine.
    fn kind(&self) -> EngineKind;

    /// Which of its profiles is used.
    fn profile(&self) -> &str;

    /// What it is asked for at once.
    fn limits(&self) -> BlockLimits;

    /// Asks whether the service is the one expected, and says what it found.
    ///
    /// # Errors
    /// [`RoutingError`] that says what to do.
    async fn check(&self) -> Result<String, RoutingError>;

    /// Travel times and distances from each source to each target, within [`Self::limits`].
    ///
    /// # Errors
    /// [`RoutingError`]; [`RoutingError::Refused`] if one of the places spoils the whole block.
    async fn block(&self, sources: &[LatLng], targets: &[LatLng]) -> Result<Block, RoutingError>;

    /// Road routes through the places, the best first, at least one.
    ///
    /// # Errors
    /// [`RoutingError`].
    async fn routes(&self, query: &RouteQuery) -> Result<Vec<Route>, RoutingError>;

    /// Whether it draws isochrones.
    fn draws_isochrones(&self) -> bool {
        false
    }

    /// What can be reached from `from` within so many minutes.
    ///
    /// # Errors
    /// [`RoutingError`].
    async fn isochrone(&self, _from: LatLng, _minutes: u32) -> Result<Area, RoutingError> {
        Err(RoutingError::NoEngine("isochrones"))
    }
}

/// The name of engine and profile, as caches and provenances carry it: `osrm/driving`.
pub fn provider(engine: &dyn RoutingEngine) -> String {
    format!("{}/{}", engine.kind().name(), engine.profile())
}

/// Makes the client of a configured engine.
///
/// # Errors
/// [`RoutingError::Misconfigured`].
pub fn connect(config: &EngineConfig) -> Result<Arc<dyn RoutingEngine>, RoutingError> {
    Ok(match config.kind {
        EngineKind::Osrm => Arc::new(Osrm::new(config)?),
        EngineKind::Valhalla => Arc::new(Valhalla::new(config)?),
        EngineKind::GraphHopper => Arc::new(GraphHopper::new(config)?),
    })
}

/// The limits in a configuration.
pub(super) fn limits_of(config: &EngineConfig) -> BlockLimits {
    const MATRIX: usize = 1 << 20;
    const MATRIX_BY_ROUTES: usize = 10_000;
    let (side, cells) = config.limits();
    BlockLimits {
        side,
        cells,
        matrix: if side == 1 { MATRIX_BY_ROUTES } else { MATRIX },
        concurrency: config.concurrency.max(1),
    }
}

/// The longest answer there can be to a question for so many places and cells: room for each place
/// with its name, and for two numbers a cell.
pub(super) fn most_bytes(places: usize, cells: usize) -> usize {
    const ROOM: usize = 64 * 1024;
    ROOM + places * 2_048 + cells * 96
}

/// A version, fit to be printed.
pub(super) fn plain(version: &str) -> String {
    let fits = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    version.chars().filter(fits).take(40).collect()
}

/// The longest answer about the service itself.
pub(super) const MOST_STATUS_BYTES: usize = 1 << 20;

/// The longest answer with a route.
pub(super) const MOST_ROUTE_BYTES: usize = 32 << 20;
