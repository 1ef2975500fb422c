//! From an address to a position, and what the position is worth.

mod address;
mod centroids;
mod embedded;
mod nominatim;
mod nominatim_reply;
mod provider;
mod time_zone;
mod words;

pub use address::{ADDRESS_FORM, AddressKey, NormalAddress};
pub use centroids::{Centroids, PlaceCentre, ZipCentre, centroids};
pub use embedded::{EmbeddedProvider, ZIP_UNCERTAINTY_M};
pub use nominatim::{NominatimConfig, NominatimProvider};
pub use provider::{Found, GeocodeProvider, ProviderError};
pub use time_zone::time_zone;
