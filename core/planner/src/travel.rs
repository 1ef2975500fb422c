use crate::{GreatCircle, Problem, ProblemError, Profile};
use fieldfare_model::TimestampMs;
use serde::{Deserialize, Serialize};

/// Cell of a way that does not exist.
pub(crate) const NO_WAY: u32 = u32::MAX;

/// Seconds and metres from each place to each other, in both directions apart, and where they
/// come from.
///
/// In JSON the matrices are lists of rows; `null` marks a way that does not exist; `metres` may
/// be left out (all zero then). From a place to itself is always 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Rows", into = "Rows")]
pub struct Travel {
    places: usize,
    seconds: Vec<u32>,
    metres: Vec<u32>,
    profile: Option<Profile>,
    provenance: Provenance,
}

/// Which engine or formula the cells of a matrix come from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Provenance {
    /// The provider: `osrm`, `valhalla`, `graphhopper`, `great_circle`, `caller`.
    pub provider: String,
    /// When it was computed; none for a formula.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub computed_at: Option<TimestampMs>,
    /// Cells between different places.
    pub cells: u32,
    /// Cells taken from the way back, because the provider had none for the way there.
    pub mirrored: u32,
    /// Cells estimated by great circle, because the provider had none in either direction.
    pub estimated: u32,
    /// How estimates are made, where not as usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<GreatCircle>,
}

impl Provenance {
    /// Age in milliseconds at `now`, if it was computed at a known moment.
    pub fn age_ms(&self, now: TimestampMs) -> Option<i64> {
        self.computed_at.map(|at| now.since(at))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rows {
    seconds: Vec<Vec<Option<u32>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metres: Option<Vec<Vec<Option<u32>>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    profile: Option<Profile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provenance: Option<Provenance>,
}

impl Travel {
    /// Builds the matrices from rows; `None` marks a way that does not exist. Without metres all
    /// distances are 0.
    ///
    /// # Errors
    /// [`ProblemError::Matrix`] if a matrix is not square or the two differ in size,
    /// [`ProblemError::Cell`] for a cell above [`Problem::MAX_DURATION_S`] seconds or 2^30 metres.
    pub fn from_rows(
        seconds: &[Vec<Option<u32>>],
        metres: Option<&[Vec<Option<u32>>]>,
    ) -> Result<Self, ProblemError> {
        let places = seconds.len();
        let flat_seconds = flatten("seconds", seconds, places, Problem::MAX_DURATION_S)?;
        let flat_metres = match metres {
            Some(rows) => flatten("metres", rows, places, MAX_METRES)?,
            None => vec![0; places * places],
        };
        Ok(Self {
            places,
            seconds: flat_seconds,
            metres: flat_metres,
            profile: None,
            provenance: Provenance {
                provider: "caller".to_owned(),
                cells: (places * places.saturating_sub(1)) as u32,
                ..Provenance::default()
            },
        })
    }

    /// Builds the matrices from a function of two places that gives seconds and metres.
    ///
    /// # Errors
    /// As [`Travel::from_rows`].
    pub fn from_fn(
        places: usize,
        mut leg: impl FnMut(usize, usize) -> Option<(u32, u32)>,
    ) -> Result<Self, ProblemError> {
        let mut seconds = vec![Vec::with_capacity(places); places];
        let mut metres = vec![Vec::with_capacity(places); places];
        for (from, (seconds, metres)) in seconds.iter_mut().zip(&mut metres).enumerate() {
            for to in 0..places {
                let (s, m) = leg(from, to).unzip();
                seconds.push(s);
                metres.push(m);
            }
        }
        Self::from_rows(&seconds, Some(&metres))
    }

    /// The same matrix with another traffic profile.
    #[must_use]
    pub fn with_profile(mut self, profile: Option<Profile>) -> Self {
        self.profile = profile;
        self
    }

    /// The same matrix with a note of where it comes from.
    #[must_use]
    pub fn with_provenance(mut self, provenance: Provenance) -> Self {
        self.provenance = provenance;
        self
    }

    /// Number of places.
    pub const fn places(&self) -> usize {
        self.places
    }

    /// Seconds from one place to another, without traffic. `None` if there is no way.
    pub fn seconds(&self, from: usize, to: usize) -> Option<u32> {
        cell(&self.seconds, self.places, from, to)
    }

    /// Metres from one place to another. `None` if there is no way.
    pub fn metres(&self, from: usize, to: usize) -> Option<u32> {
        cell(&self.metres, self.places, from, to)
    }

    /// The traffic profile.
    pub const fn profile(&self) -> Option<&Profile> {
        self.profile.as_ref()
    }

    /// Where the matrix comes from.
    pub const fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    fn rows(&self, flat: &[u32]) -> Vec<Vec<Option<u32>>> {
        let known = |&cell: &u32| (cell != NO_WAY).then_some(cell);
        if self.places == 0 {
            return Vec::new();
        }
        flat.chunks(self.places)
            .map(|row| row.iter().map(known).collect())
            .collect()
    }
}

const MAX_METRES: u32 = 1 << 30;

fn cell(flat: &[u32], places: usize, from: usize, to: usize) -> Option<u32> {
    if to >= places {
        return None;
    }
    flat.get(from * places + to)
        .copied()
        .filter(|&cell| cell != NO_WAY)
}

fn flatten(
    what: &'static str,
    rows: &[Vec<Option<u32>>],
    places: usize,
    most: u32,
) -> Result<Vec<u32>, ProblemError> {
    if rows.len() != places {
        return Err(ProblemError::Matrix {
            what,
            row: rows.len().min(places),
            found: 0,
            expected: places,
        });
    }
    let mut flat = Vec::with_capacity(places * places);
    for (row, cells) in rows.iter().enumerate() {
        if cells.len() != places {
            return Err(ProblemError::Matrix {
                what,
                row,
                found: cells.len(),
                expected: places,
            });
        }
        if let Some(column) = cells.iter().position(|c| c.is_some_and(|c| c > most)) {
            return Err(ProblemError::Cell {
                what,
                row,
                column,
                most,
            });
        }
        let own = |column: usize| row == column;
        let cells = cells.iter().enumerate();
        flat.extend(cells.map(|(column, cell)| match cell {
            _ if own(column) => 0,
            Some(cell) => *cell,
            None => NO_WAY,
        }));
    }
    Ok(flat)
}

impl TryFrom<Rows> for Travel {
    type Error = ProblemError;
    fn try_from(rows: Rows) -> Result<Self, ProblemError> {
        let travel = Self::from_rows(&rows.seconds, rows.metres.as_deref())?;
        let provenance = rows.provenance.unwrap_or_else(|| travel.provenance.clone());
        Ok(travel
            .with_profile(rows.profile)
            .with_provenance(provenance))
    }
}

impl From<Travel> for Rows {
    fn from(travel: Travel) -> Self {
        Self {
            seconds: travel.rows(&travel.seconds),
            metres: Some(travel.rows(&travel.metres)),
            profile: travel.profile,
            provenance: Some(travel.provenance),
        }
    }
}
