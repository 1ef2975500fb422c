use crate::LatLng;
use serde::{Deserialize, Serialize};

/// How far geocoding of an address has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GeocodeStatus {
    /// Not yet tried, or tried and to be tried again.
    #[default]
    Pending,
    /// A position is known.
    Success,
    /// No provider knows the address.
    Failed,
}

impl GeocodeStatus {
    /// The number stored and sent.
    pub const fn code(self) -> i64 {
        self as i64
    }
    /// Reads the stored number.
    pub const fn from_code(code: i64) -> Option<Self> {
        match code {
            0 => Some(Self::Pending),
            1 => Some(Self::Success),
            2 => Some(Self::Failed),
            _ => None,
        }
    }
}

/// What a geocoded position stands for, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// The roof of the building.
    Rooftop,
    /// The parcel or address point.
    Parcel,
    /// Between two known house numbers.
    Interpolated,
    /// A street corner.
    Intersection,
    /// Somewhere on the street.
    Street,
    /// The centre of a postal code.
    Postal,
    /// The centre of a town.
    Locality,
    /// The centre of a state or region.
    Region,
}

impl Precision {
    /// The number stored and sent.
    pub const fn code(self) -> i64 {
        self as i64
    }
    /// Reads the stored number.
    pub const fn from_code(code: i64) -> Option<Self> {
        Some(match code {
            0 => Self::Rooftop,
            1 => Self::Parcel,
            2 => Self::Interpolated,
            3 => Self::Intersection,
            4 => Self::Street,
            5 => Self::Postal,
            6 => Self::Locality,
            7 => Self::Region,
            _ => return None,
        })
    }
}

/// Coordinates with what is known of their worth.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Geocode {
    /// How far geocoding has come.
    pub status: GeocodeStatus,
    /// The position, present when the status is success.
    pub position: Option<LatLng>,
    /// What the position stands for.
    pub precision: Option<Precision>,
    /// Radius in metres within which nine of ten true positions lie.
    pub uncertainty_m: Option<u32>,
    /// Own confidence from component agreement, 0 to 1000.
    pub confidence: Option<u16>,
    /// Who gave it.
    pub provider: Option<String>,
    /// Under which licence it may be kept.
    pub licence: Option<String>,
}
