use crate::GeoError;
use fieldfare_model::LatLng;
use std::fmt;
use std::str::FromStr;

/// How fine an H3 grid is: 0 (cells of 4.4 million km^2) to 15 (0.9 m^2). 7 is about 5 km^2,
/// 9 about 0.1 km^2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resolution(h3o::Resolution);

impl Resolution {
    /// The number of the resolution, 0 to 15.
    pub fn number(self) -> u8 {
        u8::from(self.0)
    }
}

impl TryFrom<u8> for Resolution {
    type Error = GeoError;
    fn try_from(number: u8) -> Result<Self, GeoError> {
        h3o::Resolution::try_from(number)
            .map(Self)
            .map_err(|_| GeoError::Resolution)
    }
}

/// A cell of the H3 grid. Its text form is the usual hexadecimal index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell(h3o::CellIndex);

impl Cell {
    /// The cell that holds a position.
    pub fn at(position: LatLng, resolution: Resolution) -> Self {
        // Both types refuse numbers that are not finite, so this conversion has no other outcome.
        let place = h3o::LatLng::new(position.lat(), position.lon()).unwrap_or_default();
        Self(place.to_cell(resolution.0))
    }

    /// The index as a number.
    pub fn index(self) -> u64 {
        u64::from(self.0)
    }

    /// The cell's resolution.
    pub fn resolution(self) -> Resolution {
        Resolution(self.0.resolution())
    }

    /// The centre of the cell.
    ///
    /// # Errors
    /// [`GeoError::NotFinite`] if the grid library returns a position that is not on Earth.
    pub fn centre(self) -> Result<LatLng, GeoError> {
        let centre = h3o::LatLng::from(self.0);
        let lon = if centre.lng() > 180.0 {
            centre.lng() - 360.0
        } else if centre.lng() < -180.0 {
            centre.lng() + 360.0
        } else {
            centre.lng()
        };
        LatLng::new(centre.lat().clamp(-90.0, 90.0), lon).map_err(|_| GeoError::NotFinite)
    }

    /// The cell itself and all within `k` steps, in order of their index: `3k(k + 1) + 1` cells,
    /// fewer around a pentagon.
    pub fn within_steps(self, k: u8) -> Vec<Self> {
        let mut cells: Vec<_> = self.0.grid_disk_safe(u32::from(k)).map(Self).collect();
        cells.sort_unstable();
        cells
    }

    /// The cell of a coarser resolution that this one belongs to, or `None` if `resolution` is
    /// finer than the cell's own.
    pub fn parent(self, resolution: Resolution) -> Option<Self> {
        self.0.parent(resolution.0).map(Self)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Cell {
    type Err = GeoError;
    fn from_str(text: &str) -> Result<Self, GeoError> {
        h3o::CellIndex::from_str(text)
            .map(Self)
            .map_err(|_| GeoError::Cell)
    }
}

impl TryFrom<u64> for Cell {
    type Error = GeoError;
    fn try_from(index: u64) -> Result<Self, GeoError> {
        h3o::CellIndex::try_from(index)
            .map(Self)
            .map_err(|_| GeoError::Cell)
    }
}

/// Replaces a position by the centre of its cell, so that all positions of a cell become one.
///
/// # Errors
/// [`GeoError::NotFinite`] as for [`Cell::centre`].
pub fn coarsen(position: LatLng, resolution: Resolution) -> Result<LatLng, GeoError> {
    Cell::at(position, resolution).centre()
}
