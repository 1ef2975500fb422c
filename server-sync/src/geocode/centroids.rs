//! Centres of US ZIP codes and places, compiled in. `data/ORIGIN.md` says where they come from,
//! `data/build.py` how they are packed.

use crate::geocode::words::{fold, town_word};
use fieldfare_model::LatLng;
use std::sync::LazyLock;

const PACKED: &[u8] = include_bytes!("../../data/us-centroids.zst");
const UNPACKED_LIMIT: usize = 4 << 20;

/// The centre of a ZIP code.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ZipCentre {
    /// The five digits as a number.
    pub zip: u32,
    /// Two letters.
    pub state: [u8; 2],
    /// Where.
    pub position: LatLng,
}

/// The centre of a town.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaceCentre {
    /// Name in the comparable form of addresses.
    pub name: String,
    /// Two letters.
    pub state: [u8; 2],
    /// People.
    pub population: u32,
    /// Where.
    pub position: LatLng,
}

/// Both tables, in order of key.
#[derive(Debug, Default)]
pub struct Centroids {
    zips: Vec<ZipCentre>,
    places: Vec<PlaceCentre>,
}

/// The tables, unpacked when first asked for (about 20 ms). Empty if the data were damaged, which
/// a test rules out.
pub fn centroids() -> &'static Centroids {
    static TABLES: LazyLock<Centroids> = LazyLock::new(|| {
        let raw = zstd::bulk::decompress(PACKED, UNPACKED_LIMIT).unwrap_or_default();
        Reader(&raw).tables().unwrap_or_default()
    });
    &TABLES
}

impl Centroids {
    /// The centre of a ZIP code of five digits. O(log n).
    pub fn zip(&self, code: &str) -> Option<&ZipCentre> {
        self.zips.get(self.zip_place(code)?)
    }

    /// Where a ZIP code of five digits stands in their order. O(log n).
    pub(super) fn zip_place(&self, code: &str) -> Option<usize> {
        let digits = code.len() == 5 && code.bytes().all(|b| b.is_ascii_digit());
        let zip: u32 = digits.then(|| code.parse().ok())??;
        self.zips.binary_search_by_key(&zip, |z| z.zip).ok()
    }

    /// The towns of a name in a state, the most populous first. The name is in the comparable
    /// form of [`crate::geocode::NormalAddress::city`]. O(log n).
    pub fn places(&self, state: &str, name: &str) -> &[PlaceCentre] {
        let key =
            |p: &PlaceCentre| (p.state.as_slice(), p.name.as_str()).cmp(&(state.as_bytes(), name));
        let from = self.places.partition_point(|p| key(p).is_lt());
        let to = self.places.partition_point(|p| key(p).is_le());
        self.places.get(from..to).unwrap_or_default()
    }

    /// How many ZIP codes and places there are.
    pub fn len(&self) -> (usize, usize) {
        (self.zips.len(), self.places.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == (0, 0)
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn tables(mut self) -> Option<Centroids> {
        let count = usize::from(self.byte()?);
        let states: Vec<[u8; 2]> = (0..count)
            .map(|_| Some([self.byte()?, self.byte()?]))
            .collect::<Option<_>>()?;
        let zips = self.zips(&states)?;
        let mut places = self.places(&states)?;
        places.sort_by(|a, b| {
            (a.state, &a.name, b.population).cmp(&(b.state, &b.name, a.population))
        });
        Some(Centroids { zips, places })
    }

    fn zips(&mut self, states: &[[u8; 2]]) -> Option<Vec<ZipCentre>> {
        let n = self.count()?;
        let mut last = 0;
        let codes = self.column(n, |r| {
            last += r.varint()?;
            Some(last)
        })?;
        let (state, positions) = (self.states(n, states)?, self.positions(n)?);
        let rows = codes.into_iter().zip(state).zip(positions);
        Some(
            rows.map(|((zip, state), position)| ZipCentre {
                zip,
                state,
                position,
            })
            .collect(),
        )
    }

    fn places(&mut self, states: &[[u8; 2]]) -> Option<Vec<PlaceCentre>> {
        let n = self.count()?;
        let state = self.states(n, states)?;
        let names = self.names(n)?;
        let population = self.column(n, Self::varint)?;
        let positions = self.positions(n)?;
        let rows = names.into_iter().zip(state).zip(population).zip(positions);
        Some(
            rows.map(|(((name, state), population), position)| PlaceCentre {
                name,
                state,
                population,
                position,
            })
            .collect(),
        )
    }

    fn names(&mut self, n: usize) -> Option<Vec<String>> {
        let mut last: Vec<u8> = Vec::new();
        self.column(n, |r| {
            let shared = usize::from(r.byte()?);
            let rest = usize::from(r.byte()?);
            last.truncate(shared);
            last.extend_from_slice(r.take(rest)?);
            let name = fold(std::str::from_utf8(&last).ok()?);
            Some(name.split(' ').map(town_word).collect::<Vec<_>>().join(" "))
        })
    }

    fn states(&mut self, n: usize, states: &[[u8; 2]]) -> Option<Vec<[u8; 2]>> {
        self.column(n, |r| states.get(usize::from(r.byte()?)).copied())
    }

    fn positions(&mut self, n: usize) -> Option<Vec<LatLng>> {
        let (lat, lon) = (self.differences(n)?, self.differences(n)?);
        let position = |(lat, lon)| LatLng::from_e7(lat, lon).ok();
        lat.into_iter().zip(lon).map(position).collect()
    }

    /// Degrees times 10^7 of a column of differences in 10^-4 degrees.
    fn differences(&mut self, n: usize) -> Option<Vec<i64>> {
        let mut last = 0i64;
        self.column(n, |r| {
            let z = i64::from(r.varint()?);
            last += (z >> 1) ^ -(z & 1);
            Some(last * 1000)
        })
    }

    fn column<T>(
        &mut self,
        n: usize,
        mut cell: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        (0..n).map(|_| cell(self)).collect()
    }

    fn count(&mut self) -> Option<usize> {
        let bytes = self.take(4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    }

    fn varint(&mut self) -> Option<u32> {
        let mut out = 0u32;
        for shift in (0..32).step_by(7) {
            let byte = self.byte()?;
            out |= u32::from(byte & 127).checked_shl(shift)?;
            if byte < 128 {
                return Some(out);
            }
        }
        None
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(n)?;
        self.0 = tail;
        Some(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_whole() {
        assert_eq!(centroids().len(), (41_906, 16_677));
        assert!(centroids().zips.is_sorted_by(|a, b| a.zip < b.zip));
    }

    #[test]
    fn known_places_are_where_they_are() {
        let boston = centroids().zip("02118").unwrap();
        assert_eq!(&boston.state, b"MA");
        assert!((boston.position.lat() - 42.34).abs() < 0.05);
        let louis = centroids().places("MO", "ST LOUIS").first().unwrap();
        assert!((louis.position.lon() + 90.2).abs() < 0.1);
        assert_eq!(centroids().places("CO", "CANON CITY").len(), 1);
        assert!(centroids().places("MO", "NOWHERE").is_empty());
        assert!(centroids().zip("0211").is_none() && centroids().zip("+2118").is_none());
    }
}
