//! What a Nominatim answer is worth.

use crate::geocode::words::{fold, street_word, town_word};
use crate::geocode::{Found, NormalAddress, ZIP_UNCERTAINTY_M};
use fieldfare_geo::distance_m;
use fieldfare_model::{LatLng, Precision};
use serde::Deserialize;

/// An answer about a street or house below this is not believed.
const MIN_CONFIDENCE: u16 = 500;

/// One place of a `jsonv2` answer. Unknown fields are left out, missing ones are blank.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Place {
    lat: String,
    lon: String,
    place_rank: u8,
    category: String,
    r#type: String,
    addresstype: String,
    boundingbox: Vec<String>,
    address: Parts,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Parts {
    house_number: String,
    road: String,
    city: String,
    town: String,
    village: String,
    hamlet: String,
    municipality: String,
    suburb: String,
    state: String,
    #[serde(rename = "ISO3166-2-lvl4")]
    iso_region: String,
    postcode: String,
    country_code: String,
}

/// The most precise answer that agrees with the address.
pub(crate) fn best(asked: &NormalAddress, places: &[Place], licence: &str) -> Option<Found> {
    let rate = |place| judge(asked, place, licence);
    places
        .iter()
        .filter_map(rate)
        .min_by_key(|f| (f.precision, u16::MAX - f.confidence))
}

fn judge(asked: &NormalAddress, place: &Place, licence: &str) -> Option<Found> {
    let agreement = Agreement::of(asked, &place.address);
    if agreement.contradicts {
        return None;
    }
    let precision = agreement.limit(precision(place));
    let confidence = agreement.confidence();
    if precision <= Precision::Street && confidence < MIN_CONFIDENCE {
        return None;
    }
    let position = LatLng::new(place.lat.parse().ok()?, place.lon.parse().ok()?).ok()?;
    let uncertainty_m = uncertainty(precision, position, &place.boundingbox);
    Some(Found {
        position,
        precision,
        uncertainty_m,
        confidence,
        licence: licence.to_owned(),
    })
}

/// Nominatim's ranks: 30 house, 26 and 27 street, 21 and below 12 to 25 towns and parts of them.
fn precision(place: &Place) -> Precision {
    if matches!(place.addresstype.as_str(), "postcode") || place.r#type == "postcode" {
        return Precision::Postal;
    }
    match place.place_rank {
        28.. if place.address.house_number.is_empty() => Precision::Street,
        28.. if place.r#type == "houses" => Precision::Interpolated,
        28.. if place.category == "building" => Precision::Rooftop,
        28.. => Precision::Parcel,
        26 | 27 => Precision::Street,
        13..=25 => Precision::Locality,
        _ => Precision::Region,
    }
}

fn uncertainty(precision: Precision, centre: LatLng, corners: &[String]) -> u32 {
    let spread = half_diagonal(centre, corners);
    match precision {
        Precision::Rooftop => 30,
        Precision::Parcel => 60,
        Precision::Interpolated | Precision::Intersection => 200,
        Precision::Street => spread.unwrap_or(1_000).clamp(200, 5_000),
        Precision::Postal => spread.unwrap_or(ZIP_UNCERTAINTY_M).max(ZIP_UNCERTAINTY_M),
        Precision::Locality => spread.unwrap_or(31_000).max(10_000),
        Precision::Region => spread.unwrap_or(300_000).max(50_000),
    }
}

fn half_diagonal(centre: LatLng, corners: &[String]) -> Option<u32> {
    let degrees: Vec<f64> = corners.iter().filter_map(|c| c.parse().ok()).collect();
    let [south, north, west, east] = degrees.try_into().ok()?;
    let far = [
        LatLng::new(south, west).ok()?,
        LatLng::new(north, east).ok()?,
    ];
    far.map(|corner| distance_m(centre, corner) as u32)
        .into_iter()
        .max()
}

/// How far an answer says what was asked, part by part.
struct Agreement {
    got: u32,
    asked: u32,
    contradicts: bool,
    house_differs: bool,
}

impl Agreement {
    fn of(asked: &NormalAddress, told: &Parts) -> Self {
        let house = fold(&told.house_number);
        let house_differs = !asked.number.is_empty() && asked.number != house;
        let mut a = Self {
            got: 0,
            asked: 0,
            contradicts: false,
            house_differs,
        };
        a.weigh(350, &asked.number, u32::from(!house_differs) * 100);
        a.weigh(
            250,
            &asked.street,
            words_shared(&asked.street, &words(&told.road, street_word)),
        );
        a.weigh(
            150,
            &asked.city,
            told.towns()
                .map(|t| words_shared(&asked.city, &t))
                .max()
                .unwrap_or(0),
        );
        a.weigh(100, &asked.region, told.region(&asked.region));
        a.weigh(
            150,
            &asked.postal_code,
            postal_shared(&asked.postal_code, &told.postcode),
        );
        a.contradicts = told.contradicts(asked);
        a
    }

    /// Adds a part that was asked for, with the percentage of it that agrees.
    fn weigh(&mut self, weight: u32, asked: &str, percent: u32) {
        if !asked.is_empty() {
            self.asked += weight;
            self.got += weight * percent / 100;
        }
    }

    fn confidence(&self) -> u16 {
        let share = (self.got * 1000).checked_div(self.asked).unwrap_or(0);
        u16::try_from(share).unwrap_or(1000)
    }

    /// A house of another number shows the street at best.
    fn limit(&self, precision: Precision) -> Precision {
        if self.house_differs {
            precision.max(Precision::Street)
        } else {
            precision
        }
    }
}

impl Parts {
    fn towns(&self) -> impl Iterator<Item = String> {
        [
            &self.city,
            &self.town,
            &self.village,
            &self.hamlet,
            &self.municipality,
            &self.suburb,
        ]
        .into_iter()
        .filter(|t| !t.is_empty())
        .map(|t| words(t, town_word))
    }

    fn region(&self, asked: &str) -> u32 {
        let same = self.region_code() == Some(asked) || fold(&self.state) == asked;
        u32::from(same) * 100
    }

    /// The part after the country in `US-MA`.
    fn region_code(&self) -> Option<&str> {
        self.iso_region.split_once('-').map(|(_, region)| region)
    }

    fn contradicts(&self, asked: &NormalAddress) -> bool {
        let country = self.country_code.to_uppercase();
        let other_country =
            !country.is_empty() && !asked.country.is_empty() && country != asked.country;
        let code = self.region_code().filter(|_| asked.region.len() == 2);
        other_country || code.is_some_and(|region| region != asked.region)
    }
}

fn words(text: &str, form: fn(&str) -> &str) -> String {
    fold(text)
        .split(' ')
        .map(form)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Percentage of the words of both that they share.
fn words_shared(a: &str, b: &str) -> u32 {
    let (a, b): (Vec<_>, Vec<_>) = (a.split(' ').collect(), b.split(' ').collect());
    let shared = a.iter().filter(|w| b.contains(w)).count();
    let percent = 200 * shared / (a.len() + b.len());
    u32::try_from(percent).unwrap_or(0).min(100)
}

fn postal_shared(asked: &str, told: &str) -> u32 {
    let told = fold(told).replace([' ', '-'], "");
    match asked {
        _ if told.starts_with(asked) => 100,
        _ if asked.get(..3).is_some_and(|p| told.starts_with(p)) => 50,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fieldfare_model::Address;
    use serde_json::json;

    fn asked() -> NormalAddress {
        let part = |t: &str| Some(t.to_owned());
        NormalAddress::of(&Address {
            street: part("12 N Main St Apt 4"),
            unit: None,
            city: part("Lynn"),
            region: part("MA"),
            postal_code: part("01901"),
            country: part("US"),
        })
    }

    fn house(number: &str, road: &str, city: &str, region: &str, zip: &str) -> Place {
        serde_json::from_value(json!({
            "lat": "42.46", "lon": "-70.95", "place_rank": 30, "category": "place", "type": "house",
            "addresstype": "place", "boundingbox": ["42.45", "42.47", "-70.96", "-70.94"],
            "address": {"house_number": number, "road": road, "city": city,
                "ISO3166-2-lvl4": format!("US-{region}"), "postcode": zip, "country_code": "us"}
        }))
        .unwrap()
    }

    #[test]
    fn full_agreement_is_a_house() {
        let places = [house("12", "North Main Street", "Lynn", "MA", "01901")];
        let found = best(&asked(), &places, "L").unwrap();
        assert_eq!(
            (found.precision, found.confidence),
            (Precision::Parcel, 1000)
        );
    }

    #[test]
    fn another_house_number_is_only_the_street() {
        let places = [house("4013", "North Main Street", "Lynn", "MA", "01901")];
        let found = best(&asked(), &places, "L").unwrap();
        assert_eq!(
            (found.precision, found.confidence),
            (Precision::Street, 650)
        );
        assert!(found.uncertainty_m >= 200);
    }

    #[test]
    fn another_state_and_another_street_are_not_believed() {
        for wrong in [
            house("12", "North Main Street", "Lynn", "TX", "01901"),
            house("9", "Elm Avenue", "Lynn", "MA", "01901"),
            house("7", "N Main St", "Salem", "MA", "97301"),
        ] {
            assert_eq!(best(&asked(), &[wrong], "L"), None);
        }
    }

    #[test]
    fn ranks_become_precisions() {
        let at = |rank: u8, kind: &str| Place {
            place_rank: rank,
            addresstype: kind.into(),
            ..Place::default()
        };
        assert_eq!(precision(&at(26, "road")), Precision::Street);
        assert_eq!(precision(&at(21, "postcode")), Precision::Postal);
        assert_eq!(precision(&at(16, "city")), Precision::Locality);
        assert_eq!(precision(&at(8, "state")), Precision::Region);
    }

    #[test]
    fn hostile_answers_give_nothing() {
        for text in [
            r#"[{"lat":"nan","lon":"0"}]"#,
            r#"[{}]"#,
            r#"[{"lat":"91","lon":"1"}]"#,
        ] {
            let places: Vec<Place> = serde_json::from_str(text).unwrap();
            assert_eq!(best(&asked(), &places, "L"), None);
        }
    }
}
