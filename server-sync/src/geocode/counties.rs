//! Which county a US ZIP code's centre lies in, compiled in. `data/ORIGIN.md` says where it comes from,
//! `data/build_counties.py` how it is packed.

use crate::geocode::centroids;
use std::sync::LazyLock;

const PACKED: &[u8] = include_bytes!("../../data/us-counties.zst");
const UNPACKED_LIMIT: usize = 1 << 20;

struct County {
    state: [u8; 2],
    name: String,
}

#[derive(Default)]
struct Counties {
    counties: Vec<County>,
    /// For each ZIP code in order its county's number from 1; 0 for none.
    of_zip: Vec<u16>,
}

static TABLES: LazyLock<Counties> = LazyLock::new(|| {
    let raw = zstd::bulk::decompress(PACKED, UNPACKED_LIMIT).unwrap_or_default();
    read(&raw).unwrap_or_default()
});

/// The county of an address, by its ZIP code: the one in which the code's centre lies. None outside the
/// US, and if the code belongs to another state. An address near a county line may lie beyond it.
/// O(log n).
pub fn county_of(
    country: Option<&str>,
    region: Option<&str>,
    postal_code: Option<&str>,
) -> Option<&'static str> {
    if !country.is_none_or(|country| country.eq_ignore_ascii_case("US")) {
        return None;
    }
    let place = centroids().zip_place(postal_code?.trim().get(..5)?)?;
    let number = TABLES.of_zip.get(place)?.checked_sub(1)?;
    let county = TABLES.counties.get(usize::from(number))?;
    let is_here = region?
        .trim()
        .as_bytes()
        .eq_ignore_ascii_case(&county.state);
    is_here.then_some(county.name.as_str())
}

fn read(raw: &[u8]) -> Option<Counties> {
    let (count, mut rest) = raw.split_first_chunk::<2>()?;
    let mut counties = Vec::new();
    for _ in 0..u16::from_le_bytes(*count) {
        let ([a, b, length], tail) = rest.split_first_chunk::<3>()?;
        let (name, tail) = tail.split_at_checked(usize::from(*length))?;
        counties.push(County {
            state: [*a, *b],
            name: std::str::from_utf8(name).ok()?.to_owned(),
        });
        rest = tail;
    }
    let (count, rest) = rest.split_first_chunk::<4>()?;
    let of_zip: Vec<u16> = rest
        .chunks_exact(2)
        .filter_map(|pair| Some(u16::from_le_bytes(pair.try_into().ok()?)))
        .collect();
    let is_whole = u32::from_le_bytes(*count) as usize == of_zip.len();
    is_whole.then_some(Counties { counties, of_zip })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_codes_are_in_their_counties() {
        let of = |region, code| county_of(Some("US"), Some(region), Some(code));
        assert_eq!(of("MA", "02118"), Some("Suffolk"));
        assert_eq!(of("ma", "02139-4301"), Some("Middlesex"));
        assert_eq!(of("CA", "94110"), Some("San Francisco"));
        assert_eq!(of("NM", "87501"), Some("Santa Fe"));
        assert_eq!(of("IL", "60601"), Some("Cook"));
    }

    #[test]
    fn what_cannot_be_known_is_not_guessed() {
        assert_eq!(county_of(Some("DE"), Some("MA"), Some("02118")), None);
        assert_eq!(county_of(Some("US"), Some("NH"), Some("02118")), None);
        assert_eq!(county_of(Some("US"), None, Some("02118")), None);
        assert_eq!(county_of(Some("US"), Some("MA"), Some("0211")), None);
        assert_eq!(county_of(Some("US"), Some("MA"), Some("é2118")), None);
        assert_eq!(county_of(None, None, None), None);
    }

    #[test]
    fn nearly_every_code_has_a_county() {
        assert_eq!(TABLES.of_zip.len(), centroids().len().0);
        let without = TABLES.of_zip.iter().filter(|n| **n == 0).count();
        assert!(without < 100, "{without}");
    }
}
