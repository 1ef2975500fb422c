//! The geocoder that is compiled in: centres of US ZIP codes and towns.

use crate::geocode::centroids::{PlaceCentre, centroids};
use crate::geocode::{Found, GeocodeProvider, NormalAddress, ProviderError};
use async_trait::async_trait;
use fieldfare_geo::distance_m;
use fieldfare_model::Precision;

/// Nine of ten addresses lie within this of the centre of their ZIP code, metres. Measured over
/// 1,031,008 US addresses (median 3.0 km).
pub const ZIP_UNCERTAINTY_M: u32 = 9_100;

const ZIP_LICENCE: &str = "BSD npm:zipcodes";
const PLACE_LICENCE: &str = "CC-BY-4.0 GeoNames";

/// Below so many people, nine of ten addresses lie within so many metres of the town's centre.
/// Measured over 3,507 US addresses, rounded up.
const TOWN_REACH_M: [(u32, u32); 4] = [
    (100_000, 10_000),
    (300_000, 16_500),
    (1_000_000, 19_000),
    (u32::MAX, 31_000),
];

/// US ZIP codes (precision `postal`) and towns (precision `locality`), without any network.
#[derive(Debug, Clone, Copy, Default)]
pub struct EmbeddedProvider;

impl EmbeddedProvider {
    /// The name stored with positions.
    pub const NAME: &'static str = "embedded";

    /// Looks up the ZIP code, else the town. O(log n).
    ///
    /// A ZIP code of another state than the address names is not believed; then the town decides.
    pub fn find(address: &NormalAddress) -> Option<Found> {
        if !matches!(address.country.as_str(), "US" | "PR" | "") {
            return None;
        }
        by_zip(address).or_else(|| by_town(address))
    }
}

#[async_trait]
impl GeocodeProvider for EmbeddedProvider {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn at_once(&self, address: &NormalAddress) -> Option<Option<Found>> {
        Some(Self::find(address))
    }

    async fn geocode(&self, address: &NormalAddress) -> Result<Option<Found>, ProviderError> {
        Ok(Self::find(address))
    }
}

fn by_zip(address: &NormalAddress) -> Option<Found> {
    let centre = centroids().zip(&address.postal_code)?;
    let named = address.region.as_bytes();
    if !named.is_empty() && named != centre.state {
        return None;
    }
    Some(Found {
        position: centre.position,
        precision: Precision::Postal,
        uncertainty_m: ZIP_UNCERTAINTY_M,
        confidence: if named.is_empty() { 700 } else { 900 },
        licence: ZIP_LICENCE.to_owned(),
    })
}

fn by_town(address: &NormalAddress) -> Option<Found> {
    let towns = centroids().places(&address.region, &address.city);
    let (first, others) = towns.split_first()?;
    Some(Found {
        position: first.position,
        precision: Precision::Locality,
        uncertainty_m: others
            .iter()
            .fold(reach(first), |m, other| m.max(apart(first, other))),
        confidence: if others.is_empty() { 800 } else { 400 },
        licence: PLACE_LICENCE.to_owned(),
    })
}

fn reach(town: &PlaceCentre) -> u32 {
    let class = TOWN_REACH_M
        .iter()
        .find(|(people, _)| town.population < *people);
    class.map_or(31_000, |(_, metres)| *metres)
}

/// Two towns of one name in one state: whichever is meant must lie within the uncertainty.
fn apart(a: &PlaceCentre, b: &PlaceCentre) -> u32 {
    distance_m(a.position, b.position) as u32 + reach(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fieldfare_model::Address;

    fn find(city: &str, region: &str, zip: &str, country: &str) -> Option<Found> {
        let part = |t: &str| Some(t.to_owned()).filter(|t| !t.is_empty());
        EmbeddedProvider::find(&NormalAddress::of(&Address {
            street: None,
            unit: None,
            city: part(city),
            region: part(region),
            postal_code: part(zip),
            country: part(country),
        }))
    }

    #[test]
    fn the_zip_code_goes_before_the_town() {
        let zip = find("Boston", "MA", "02118-3520", "US").unwrap();
        assert_eq!(
            (zip.precision, zip.uncertainty_m),
            (Precision::Postal, 9_100)
        );
        let town = find("Boston", "MA", "", "US").unwrap();
        assert_eq!(
            (town.precision, town.uncertainty_m),
            (Precision::Locality, 19_000)
        );
        assert_eq!(town.licence, "CC-BY-4.0 GeoNames");
    }

    #[test]
    fn a_zip_code_of_another_state_is_not_believed() {
        let found = find("Boston", "MA", "94105", "US").unwrap();
        assert_eq!(found.precision, Precision::Locality);
        assert_eq!(find("Nowhere At All", "MA", "94105", "US"), None);
    }

    #[test]
    fn knows_nothing_of_other_countries() {
        assert_eq!(find("Boston", "", "02118", "GB"), None);
        assert_eq!(find("", "", "", "US"), None);
    }

    #[test]
    fn towns_of_one_name_widen_the_uncertainty() {
        let twice = centroids().places("PA", "WASHINGTON");
        let widest = find("Washington", "PA", "", "US").map(|f| f.uncertainty_m);
        assert!(twice.len() < 2 || widest > Some(10_000));
    }
}
