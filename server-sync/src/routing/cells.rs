//! A matrix on the way to being complete, and which parts of it to ask for.

use crate::routing::{Block, BlockLimits, Leg};
use fieldfare_model::{LatLng, TimestampMs};
use fieldfare_planner::{GreatCircle, MatrixSource, ProblemError, Provenance, Travel};

/// What is known about the way from one place to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cell {
    /// Nothing.
    #[default]
    Unknown,
    /// What an engine said, and when; without a leg it knows no way.
    Known(Option<Leg>, TimestampMs),
}

/// A part of a matrix to ask for: rows and columns by index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    /// Rows.
    pub sources: Vec<usize>,
    /// Columns.
    pub targets: Vec<usize>,
}

impl Tile {
    /// Two halves along the longer side, or nothing for a single cell.
    pub fn halves(&self) -> Option<[Self; 2]> {
        let cut = |list: &[usize]| {
            let (a, b) = list.split_at(list.len() / 2);
            [a.to_vec(), b.to_vec()]
        };
        if self.sources.len() >= self.targets.len() && self.sources.len() > 1 {
            Some(cut(&self.sources).map(|sources| Self {
                sources,
                targets: self.targets.clone(),
            }))
        } else if self.targets.len() > 1 {
            Some(cut(&self.targets).map(|targets| Self {
                sources: self.sources.clone(),
                targets,
            }))
        } else {
            None
        }
    }
}

/// The cells between places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cells {
    places: usize,
    cells: Vec<Cell>,
}

impl Cells {
    /// Nothing known between so many places.
    pub fn unknown(places: usize) -> Self {
        Self {
            places,
            cells: vec![Cell::Unknown; places * places],
        }
    }

    /// Number of places.
    pub const fn places(&self) -> usize {
        self.places
    }

    /// What is known about a way.
    pub fn get(&self, from: usize, to: usize) -> Cell {
        let cell = self.cells.get(from * self.places + to).copied();
        cell.unwrap_or_default()
    }

    /// Notes what is known about a way.
    pub fn set(&mut self, from: usize, to: usize, cell: Cell) {
        if let Some(known) = self.cells.get_mut(from * self.places + to) {
            *known = cell;
        }
    }

    /// Notes the answer to a tile.
    pub fn fill(&mut self, tile: &Tile, block: &Block, at: TimestampMs) {
        for (row, from) in tile.sources.iter().enumerate() {
            for (column, to) in tile.targets.iter().enumerate() {
                self.set(*from, *to, Cell::Known(block.cell(row, column), at));
            }
        }
    }

    fn is_unknown(&self, from: usize, to: usize) -> bool {
        from != to && self.get(from, to) == Cell::Unknown
    }

    /// How many cells between different places are unknown.
    pub fn count_unknown(&self) -> usize {
        let all = (0..self.places).flat_map(|from| (0..self.places).map(move |to| (from, to)));
        all.filter(|(from, to)| self.is_unknown(*from, *to)).count()
    }

    /// Tiles that cover every unknown cell. Rows of which most is unknown come first and whole, so
    /// that a new place among known ones costs a row and a column, not everything again.
    pub fn tiles(&self, limits: BlockLimits) -> Vec<Tile> {
        let all = 0..self.places;
        let unknown_in = |row: usize| all.clone().filter(|to| self.is_unknown(row, *to)).count();
        let (mostly, partly): (Vec<usize>, Vec<usize>) = all
            .clone()
            .filter(|row| unknown_in(*row) > 0)
            .partition(|row| unknown_in(*row) * 2 > self.places);
        let mut tiles = Vec::new();
        for rows in [mostly, partly] {
            let columns = all
                .clone()
                .filter(|to| rows.iter().any(|from| self.is_unknown(*from, *to)));
            tiles.extend(self.cut(&rows, &columns.collect::<Vec<_>>(), limits));
        }
        tiles
    }

    /// Cuts rows and columns into tiles within the limits, leaving out those that are known.
    fn cut(&self, rows: &[usize], columns: &[usize], limits: BlockLimits) -> Vec<Tile> {
        let width = limits.side.min(limits.cells).min(columns.len()).max(1);
        let height = limits.side.min(limits.cells / width).max(1);
        let mut tiles = Vec::new();
        for sources in rows.chunks(height) {
            for targets in columns.chunks(width) {
                let mut pairs = sources
                    .iter()
                    .flat_map(|from| targets.iter().map(move |to| (*from, *to)));
                if pairs.any(|(from, to)| self.is_unknown(from, to)) {
                    tiles.push(Tile {
                        sources: sources.to_vec(),
                        targets: targets.to_vec(),
                    });
                }
            }
        }
        tiles
    }

    /// The planner's matrix. A way no engine knows is taken from the way back, else estimated; the
    /// provenance counts both. `provider` is whom the known cells come from.
    ///
    /// # Errors
    /// [`ProblemError`] from the planner, which cells within the limits do not cause.
    pub fn travel(
        &self,
        places: &[LatLng],
        provider: &str,
        estimate: GreatCircle,
    ) -> Result<Travel, ProblemError> {
        let mut provenance = Provenance {
            provider: provider.to_owned(),
            cells: (self.places * self.places.saturating_sub(1)) as u32,
            estimate: estimate.unusual(),
            ..Provenance::default()
        };
        let estimated = estimate.travel(places)?;
        let travel = Travel::from_fn(self.places, |from, to| {
            let known = self.leg(from, to, &mut provenance);
            if let Some(leg) = known {
                return Some((leg.seconds, leg.metres));
            }
            provenance.estimated += 1;
            estimated.seconds(from, to).zip(estimated.metres(from, to))
        })?;
        if provenance.estimated == provenance.cells {
            provenance.provider = GREAT_CIRCLE.to_owned();
        }
        Ok(travel.with_provenance(provenance))
    }

    fn leg(&self, from: usize, to: usize, provenance: &mut Provenance) -> Option<Leg> {
        if from == to {
            return Some(Leg {
                seconds: 0,
                metres: 0,
            });
        }
        let (there, back) = (self.get(from, to), self.get(to, from));
        let (leg, at) = match (there, back) {
            (Cell::Known(Some(leg), at), _) => (leg, at),
            (_, Cell::Known(Some(leg), at)) => {
                provenance.mirrored += 1;
                (leg, at)
            }
            _ => return None,
        };
        let oldest = provenance.computed_at.map_or(at, |known| known.min(at));
        provenance.computed_at = Some(oldest);
        Some(leg)
    }
}

/// The provider of matrices that are estimated throughout.
pub const GREAT_CIRCLE: &str = "great_circle";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const AT: TimestampMs = TimestampMs(5);

    fn limits(side: usize, cells: usize) -> BlockLimits {
        BlockLimits {
            side,
            cells,
            matrix: usize::MAX,
            concurrency: 1,
        }
    }

    fn known(seconds: u32) -> Cell {
        let metres = seconds * 10;
        Cell::Known(Some(Leg { seconds, metres }), AT)
    }

    #[test]
    fn a_new_place_costs_a_row_and_a_column() {
        let mut cells = Cells::unknown(30);
        for from in 0..29 {
            (0..29).for_each(|to| cells.set(from, to, known(1)));
        }
        let tiles = cells.tiles(limits(100, 10_000));
        let asked: usize = tiles
            .iter()
            .map(|t| t.sources.len() * t.targets.len())
            .sum();
        assert_eq!((tiles.len(), asked), (2, 58));
    }

    #[test]
    fn the_way_back_stands_in_and_then_the_estimate_and_both_are_counted() {
        let mut cells = Cells::unknown(3);
        cells.set(0, 1, known(100));
        cells.set(1, 0, Cell::Known(None, AT));
        cells.set(0, 2, Cell::Known(None, TimestampMs(3)));
        let at = |lat| LatLng::new(lat, 10.0).unwrap();
        let estimate = crate::routing::RoutingConfig::default().estimate();
        let travel = cells
            .travel(&[at(50.0), at(50.1), at(50.2)], "osrm/driving", estimate)
            .unwrap();
        let provenance = travel.provenance();
        assert_eq!(
            (travel.seconds(0, 1), travel.seconds(1, 0)),
            (Some(100), Some(100))
        );
        assert_eq!(
            (provenance.cells, provenance.mirrored, provenance.estimated),
            (6, 1, 4)
        );
        assert_eq!(provenance.provider, "osrm/driving");
        assert_eq!(provenance.computed_at, Some(AT));
        // 22.24 km as the crow flies, 28.9 km by road, at 45 km/h, and a minute.
        assert!((2_360..2_390).contains(&travel.seconds(0, 2).unwrap()));
    }

    #[test]
    fn without_any_engine_the_matrix_says_so() {
        let at = |lat| LatLng::new(lat, 10.0).unwrap();
        let estimate = crate::routing::RoutingConfig::default().estimate();
        let travel = Cells::unknown(2)
            .travel(&[at(50.0), at(50.1)], "osrm/driving", estimate)
            .unwrap();
        assert_eq!(travel.provenance().provider, GREAT_CIRCLE);
        assert_eq!(travel.provenance().computed_at, None);
        assert_eq!(travel.provenance().estimate, None);
    }

    #[test]
    fn an_estimate_other_than_the_usual_is_told_so_that_phones_estimate_alike() {
        let at = |lat| LatLng::new(lat, 10.0).unwrap();
        let slow = GreatCircle {
            metres_per_hour: 30_000,
            ..GreatCircle::default()
        };
        let travel = Cells::unknown(2)
            .travel(&[at(50.0), at(50.1)], "osrm/driving", slow)
            .unwrap();
        assert_eq!(travel.provenance().estimate, Some(slow));
    }

    proptest! {
        #[test]
        fn tiles_cover_what_is_unknown_and_keep_the_limits(
            places in 1usize..40, side in 1usize..20, most in 1usize..200,
            gaps in proptest::collection::vec(any::<bool>(), 1_600),
        ) {
            let mut cells = Cells::unknown(places);
            for from in 0..places {
                for to in 0..places {
                    if gaps[from * 40 + to] {
                        cells.set(from, to, known(1));
                    }
                }
            }
            let mut covered = vec![false; places * places];
            for tile in cells.tiles(limits(side, most)) {
                prop_assert!(tile.sources.len() <= side && tile.targets.len() <= side);
                prop_assert!(tile.sources.len() * tile.targets.len() <= most);
                for from in &tile.sources {
                    tile.targets.iter().for_each(|to| covered[from * places + to] = true);
                }
            }
            for from in 0..places {
                for to in 0..places {
                    prop_assert!(!cells.is_unknown(from, to) || covered[from * places + to]);
                }
            }
        }

        #[test]
        fn halves_hold_every_cell_once(rows in 1usize..9, columns in 1usize..9) {
            let tile = Tile { sources: (0..rows).collect(), targets: (0..columns).collect() };
            let cells = |t: &Tile| t.sources.len() * t.targets.len();
            match tile.halves() {
                None => prop_assert_eq!(cells(&tile), 1),
                Some(halves) => {
                    prop_assert_eq!(halves.iter().map(cells).sum::<usize>(), rows * columns);
                }
            }
        }
    }
}
