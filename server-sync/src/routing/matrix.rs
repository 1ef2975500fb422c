//! Asking an engine for a matrix in blocks it accepts.

use crate::routing::{Block, Cell, Cells, RoutingEngine, RoutingError, Tile};
use fieldfare_model::{LatLng, TimestampMs};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

/// One place can spoil a whole block (no road near, another island). Refused blocks are halved to
/// find it; this many times at most in one matrix.
const MAX_HALVINGS: usize = 400;

/// Asks for every unknown cell and fills in the answers, marked with `now`. What the engine still
/// refuses, and what takes longer than `deadline`, stays unknown.
///
/// # Errors
/// [`RoutingError`] if the engine does not answer or answers nonsense. What came before is filled in.
pub(super) async fn fill(
    engine: &Arc<dyn RoutingEngine>,
    places: &Arc<[LatLng]>,
    cells: &mut Cells,
    now: TimestampMs,
    deadline: Duration,
) -> Result<(), RoutingError> {
    let limits = engine.limits();
    if cells.count_unknown() > limits.matrix {
        let most = limits.matrix.isqrt();
        let count = cells.places();
        return Err(RoutingError::TooMany { count, most });
    }
    let mut waiting: VecDeque<Tile> = cells.tiles(limits).into();
    let mut running = JoinSet::new();
    let mut halvings = 0;
    let until = Instant::now() + deadline;
    loop {
        while running.len() < limits.concurrency
            && let Some(tile) = waiting.pop_front()
        {
            running.spawn(ask(engine.clone(), places.clone(), tile));
        }
        let Ok(next) = timeout_at(until, running.join_next()).await else {
            return Err(RoutingError::Unavailable {
                engine: engine.kind().name(),
                what: "the matrix took longer than routing.deadline_s".to_owned(),
            });
        };
        let Some(done) = next else {
            return Ok(());
        };
        let (tile, answer) = done.map_err(|_| crate::store::StoreError::Cancelled)?;
        match answer {
            Ok(block) => cells.fill(&tile, &block, now),
            Err(RoutingError::Refused { .. }) => match tile.halves() {
                Some(halves) if halvings < MAX_HALVINGS => {
                    halvings += 1;
                    waiting.extend(halves);
                }
                Some(_) => {}
                None => no_way(cells, &tile, now),
            },
            Err(error) => return Err(error),
        }
    }
}

fn no_way(cells: &mut Cells, tile: &Tile, now: TimestampMs) {
    if let ([from], [to]) = (tile.sources.as_slice(), tile.targets.as_slice()) {
        cells.set(*from, *to, Cell::Known(None, now));
    }
}

async fn ask(
    engine: Arc<dyn RoutingEngine>,
    places: Arc<[LatLng]>,
    tile: Tile,
) -> (Tile, Result<Block, RoutingError>) {
    let at = |list: &[usize]| -> Vec<LatLng> {
        let known = list.iter().filter_map(|i| places.get(*i).copied());
        known.collect()
    };
    let (sources, targets) = (at(&tile.sources), at(&tile.targets));
    let answer = engine.block(&sources, &targets).await;
    (tile, answer)
}
