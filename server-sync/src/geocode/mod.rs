//! From an address to a position, and what the position is worth.

mod address;
pub mod cache;
mod cascade;
mod centroids;
mod counties;
mod embedded;
mod nominatim;
mod nominatim_reply;
pub mod place;
mod provider;
pub mod tasks;
mod time_zone;
mod words;

pub use address::{ADDRESS_FORM, AddressKey, NormalAddress};
pub use cascade::{FARTHEST_FROM_ZIP_M, Geocoder, Resolution};
pub use centroids::{Centroids, PlaceCentre, ZipCentre, centroids};
pub use counties::county_of;
pub use embedded::{EmbeddedProvider, ZIP_UNCERTAINTY_M};
pub use nominatim::{NominatimConfig, NominatimProvider};
pub use provider::{Found, GeocodeProvider, ProviderError};
pub use time_zone::time_zone;
