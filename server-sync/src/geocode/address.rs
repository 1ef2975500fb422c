//! The form of an address under which its geocode is cached.

use crate::geocode::words::{fold, is_unit_word, street_word, town_word};
use fieldfare_model::Address;

/// Version of the canonical form; a change of the rules below takes the next number, and cached
/// geocodes under the old one are no longer found.
pub const ADDRESS_FORM: u8 = 1;

/// Hash under which the geocode of an address is cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AddressKey(pub [u8; 32]);

/// An address in comparable form: capitals, no punctuation, USPS short words. The unit is apart
/// and not part of the key, since all units of a building have one position.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NormalAddress {
    /// House number, for example `12-34` or `100B`; empty if the street line has none.
    pub number: String,
    /// Street without house number and unit.
    pub street: String,
    /// Apartment, suite, floor.
    pub unit: String,
    /// Town.
    pub city: String,
    /// State or region code.
    pub region: String,
    /// Postal code; of a US ZIP+4 the five digits.
    pub postal_code: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// The street line as written, without the unit, for services that read free text.
    pub street_line: String,
}

impl NormalAddress {
    /// Normalises an address. Pure; O(length).
    pub fn of(address: &Address) -> Self {
        let text = |part: &Option<String>| fold(part.as_deref().unwrap_or_default());
        let country = text(&address.country);
        let written = address.street.as_deref().unwrap_or_default();
        let (line, unit) = split_unit(&fold(written));
        let (number, street) = split_number(&line);
        Self {
            unit: if unit.is_empty() {
                text(&address.unit)
            } else {
                unit.clone()
            },
            number,
            street: map_words(&street, street_word),
            city: map_words(&text(&address.city), town_word),
            region: text(&address.region),
            postal_code: postal(&country, &text(&address.postal_code)),
            country,
            street_line: if unit.is_empty() {
                written.trim().to_owned()
            } else {
                line
            },
        }
    }

    /// Whether nothing is known that a position could be found by.
    pub const fn is_blank(&self) -> bool {
        self.street.is_empty() && self.city.is_empty() && self.postal_code.is_empty()
    }

    /// The versioned text the key is made of; parts are apart by `|`, which no part contains.
    pub fn canonical(&self) -> String {
        format!(
            "v{ADDRESS_FORM}|{}|{}|{}|{}|{}|{}",
            self.country, self.region, self.postal_code, self.city, self.street, self.number
        )
    }

    /// BLAKE3 of [`Self::canonical`].
    pub fn key(&self) -> AddressKey {
        AddressKey(*blake3::hash(self.canonical().as_bytes()).as_bytes())
    }
}

fn map_words(text: &str, form: fn(&str) -> &str) -> String {
    text.split(' ').map(form).collect::<Vec<_>>().join(" ")
}

fn postal(country: &str, code: &str) -> String {
    let first = code.split(['-', ' ']).next().unwrap_or_default();
    let zip = first
        .get(..5)
        .filter(|z| z.bytes().all(|b| b.is_ascii_digit()));
    match (country, zip) {
        ("US" | "", Some(zip)) => zip.to_owned(),
        _ => code.replace([' ', '-'], ""),
    }
}

/// Splits `12 MAIN ST APT 4B` after the street. A unit word counts only behind a number and a
/// street word, and only with a designator that looks like one: `12 OLD LOT RD` has no unit.
fn split_unit(line: &str) -> (String, String) {
    let words: Vec<&str> = line.split(' ').collect();
    let at = words.iter().enumerate().skip(2).find_map(|(n, w)| {
        let rest = words.get(n + 1..)?;
        (is_unit_word(w) && is_designator(rest)).then_some(n)
    });
    match at.and_then(|at| words.split_at_checked(at)) {
        Some((street, unit)) => (street.join(" "), unit.join(" ")),
        None => (line.to_owned(), String::new()),
    }
}

fn is_designator(words: &[&str]) -> bool {
    let like_one =
        |w: &&str| is_unit_word(w) || w.len() == 1 || w.bytes().any(|b| b.is_ascii_digit());
    (1..=4).contains(&words.len()) && words.iter().all(like_one)
}

fn split_number(line: &str) -> (String, String) {
    let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
    if first.starts_with(|c: char| c.is_ascii_digit()) && !rest.is_empty() {
        (first.to_owned(), rest.to_owned())
    } else {
        (String::new(), line.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn us(street: &str, city: &str, region: &str, zip: &str) -> NormalAddress {
        let part = |t: &str| Some(t.to_owned());
        NormalAddress::of(&Address {
            street: part(street),
            unit: None,
            city: part(city),
            region: part(region),
            postal_code: part(zip),
            country: part("US"),
        })
    }

    #[test]
    fn spelling_does_not_change_the_key() {
        let plain = us("12 North Main Street", "Saint Louis", "MO", "63101");
        for other in [
            us("12 N. MAIN ST", "St. Louis", "mo", "63101-1234"),
            us("12  n main st, Apt 4B", "st louis", "MO", "63101"),
            us("12 N Main St #200", "St Louis", "MO", "63101 1234"),
            us("12 N Main St Ste 5 Floor 2", "St Louis", "MO", "63101"),
        ] {
            assert_eq!(plain.key(), other.key(), "{}", other.canonical());
        }
        assert_eq!(plain.canonical(), "v1|US|MO|63101|ST LOUIS|N MAIN ST|12");
    }

    #[test]
    fn another_place_has_another_key() {
        let plain = us("12 Main St", "Lynn", "MA", "01901");
        for other in [
            us("13 Main St", "Lynn", "MA", "01901"),
            us("12 Main Ave", "Lynn", "MA", "01901"),
            us("12 Main St", "Lynn", "MA", "01902"),
            us("12 Main St", "Lynn", "NH", "01901"),
            us("12 Main St", "Boston", "MA", "01901"),
        ] {
            assert_ne!(plain.key(), other.key());
        }
    }

    #[test]
    fn units_come_off_and_streets_stay_whole() {
        let a = us("12 Main St Apt 4B", "Lynn", "MA", "01901");
        assert_eq!(
            (a.unit.as_str(), a.street_line.as_str()),
            ("APT 4B", "12 MAIN ST")
        );
        for whole in ["12 Old Lot Rd", "100 Unit St", "7 Suite B", "1 Floor"] {
            assert_eq!(us(whole, "", "", "").unit, "", "{whole}");
        }
    }

    #[test]
    fn foreign_postal_codes_stay_whole() {
        assert_eq!(postal("CA", "K1A 0B6"), "K1A0B6");
        assert_eq!(postal("GB", "12345-6"), "123456");
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(street in "[a-zA-Z0-9 .,#'-]{0,30}", city in "\\PC{0,12}") {
            let once = us(&street, &city, "MA", "01901");
            let again = us(&format!("{} {}", once.number, once.street), &once.city, "MA", "01901");
            if once.unit.is_empty() && again.unit.is_empty() {
                prop_assert_eq!(again.canonical(), once.canonical());
            }
        }
    }
}
