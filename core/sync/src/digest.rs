//! Digests: what a scope holds, in a few bytes that both sides compute from what they stored.
//!
//! A row's hash is keyed BLAKE3 over its canonical bytes, so whoever writes rows cannot aim at a
//! hash. A digest is how many rows there are and the wrapping 128-bit sum of their hashes: it does
//! not depend on order, and a change to one row changes it by one difference. A scope has 256 of
//! them, so that a difference is found without sending the scope.

use crate::{Epoch, ProtocolError};
use fieldfare_model::{Entity, Row, RowId, canonical_bytes};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;

/// How many sub-buckets a scope has.
pub const BUCKETS: usize = 256;

const CONTEXT: &str = "fieldfare 2026-11 digest of a scope";

/// The key of the hashes of one history.
#[derive(Clone, PartialEq, Eq)]
pub struct DigestKey([u8; 32]);

impl DigestKey {
    /// The key both sides use in this history. Only devices of the tenant know the epoch.
    pub fn of(epoch: Epoch) -> Self {
        Self(blake3::derive_key(CONTEXT, &epoch.0.to_be_bytes()))
    }

    /// The hash of a row: entity, id, version and every cell, known to this build or not.
    pub fn hash(&self, entity: Entity, row: &Row) -> RowHash {
        self.hash_canonical(&canonical_bytes(entity, row))
    }

    /// The hash of a row of which these are the canonical bytes.
    pub fn hash_canonical(&self, bytes: &[u8]) -> RowHash {
        let hash = blake3::keyed_hash(&self.0, bytes);
        let (first, _) = hash.as_bytes().split_at(16);
        RowHash(first.iter().fold(0, |n, byte| n << 8 | u128::from(*byte)))
    }
}

/// A row's hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowHash(pub u128);

impl RowHash {
    /// Enough of it to tell whether two copies of one row are the same.
    pub const fn mark(self) -> u64 {
        (self.0 >> 64) as u64
    }
}

/// How many rows, and the wrapping sum of their hashes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Digest {
    /// Rows.
    pub rows: u64,
    /// Sum of their hashes.
    pub sum: u128,
}

impl Digest {
    /// Counts a row in.
    pub const fn add(&mut self, hash: RowHash) {
        self.rows = self.rows.wrapping_add(1);
        self.sum = self.sum.wrapping_add(hash.0);
    }

    /// Counts a row out.
    pub const fn remove(&mut self, hash: RowHash) {
        self.rows = self.rows.wrapping_sub(1);
        self.sum = self.sum.wrapping_sub(hash.0);
    }

    /// Counts in all of another digest, of other rows.
    pub const fn merge(&mut self, other: Self) {
        self.rows = self.rows.wrapping_add(other.rows);
        self.sum = self.sum.wrapping_add(other.sum);
    }
}

/// On the wire: `{n: rows, d: sum as 16 bytes, big endian}`.
#[derive(Serialize, Deserialize)]
struct WireDigest {
    n: u64,
    d: ByteArray<16>,
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let d = ByteArray::new(self.sum.to_be_bytes());
        WireDigest { n: self.rows, d }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let WireDigest { n, d } = WireDigest::deserialize(deserializer)?;
        Ok(Self {
            rows: n,
            sum: u128::from_be_bytes(d.into_array()),
        })
    }
}

/// The sub-bucket of a row: the last byte of its id. (The first bytes of a UUIDv7 are a time, so
/// all rows of some years share the first one.)
pub const fn bucket_of(id: RowId) -> u8 {
    let [.., last] = *id.as_bytes();
    last
}

/// A scope's digests, one for each sub-bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeSums(Vec<Digest>);

impl Default for ScopeSums {
    fn default() -> Self {
        Self(vec![Digest::default(); BUCKETS])
    }
}

const SUM_BYTES: usize = 17;

impl ScopeSums {
    /// Counts a row in.
    pub fn add(&mut self, id: RowId, hash: RowHash) {
        if let Some(digest) = self.0.get_mut(usize::from(bucket_of(id))) {
            digest.add(hash);
        }
    }

    /// Puts a sub-bucket's digest.
    pub fn set(&mut self, bucket: u8, digest: Digest) {
        if let Some(place) = self.0.get_mut(usize::from(bucket)) {
            *place = digest;
        }
    }

    /// A sub-bucket's digest.
    pub fn get(&self, bucket: u8) -> Digest {
        self.0.get(usize::from(bucket)).copied().unwrap_or_default()
    }

    /// The digest of the whole scope.
    pub fn total(&self) -> Digest {
        let mut total = Digest::default();
        self.0.iter().for_each(|digest| total.merge(*digest));
        total
    }

    /// The sub-buckets whose sums are not those of `other`, ascending.
    pub fn differing(&self, other: &Self) -> Vec<u8> {
        (0..=u8::MAX)
            .filter(|bucket| self.get(*bucket).sum != other.get(*bucket).sum)
            .collect()
    }

    /// On the wire: for each sub-bucket that has rows, ascending, its byte and its sum, 16 bytes
    /// big endian.
    pub fn to_wire(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for bucket in 0..=u8::MAX {
            let digest = self.get(bucket);
            if digest.rows > 0 {
                out.push(bucket);
                out.extend_from_slice(&digest.sum.to_be_bytes());
            }
        }
        out
    }

    /// Reads the wire form; how many rows there are is not in it.
    ///
    /// # Errors
    /// [`ProtocolError::Malformed`] if it is not that.
    pub fn from_wire(bytes: &[u8]) -> Result<Self, ProtocolError> {
        let bad = ProtocolError::Malformed("sums");
        let mut sums = Self::default();
        let mut last = None;
        let (entries, rest) = bytes.as_chunks::<SUM_BYTES>();
        for [bucket, sum @ ..] in entries {
            if last >= Some(*bucket) {
                return Err(bad);
            }
            last = Some(*bucket);
            let sum = u128::from_be_bytes(*sum);
            sums.set(*bucket, Digest { rows: 1, sum });
        }
        if rest.is_empty() { Ok(sums) } else { Err(bad) }
    }
}

/// A row as one side names it to the other, with enough of its hash to tell copies apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowMark {
    /// Which kind of row.
    pub entity: Entity,
    /// Which row.
    pub id: RowId,
    /// See [`RowHash::mark`].
    pub mark: u64,
}

const MARK_BYTES: usize = 25;

impl RowMark {
    /// Names a row.
    pub const fn new(entity: Entity, id: RowId, hash: RowHash) -> Self {
        Self {
            entity,
            id,
            mark: hash.mark(),
        }
    }

    /// On the wire: for each row entity (1 byte), id (16), mark (8, big endian).
    pub fn to_wire(marks: &[Self]) -> Vec<u8> {
        let mut out = Vec::with_capacity(marks.len() * MARK_BYTES);
        for mark in marks {
            out.push(mark.entity.0);
            out.extend_from_slice(mark.id.as_bytes());
            out.extend_from_slice(&mark.mark.to_be_bytes());
        }
        out
    }

    /// Reads the wire form.
    ///
    /// # Errors
    /// [`ProtocolError::Malformed`] if it is not that.
    pub fn from_wire(bytes: &[u8]) -> Result<Vec<Self>, ProtocolError> {
        let (entries, rest) = bytes.as_chunks::<MARK_BYTES>();
        if !rest.is_empty() {
            return Err(ProtocolError::Malformed("rows"));
        }
        let read = |[entity, entry @ ..]: &[u8; MARK_BYTES]| {
            let (id, mark) = entry.split_at(16);
            let id = RowId::from_slice(id).map_err(|_| ProtocolError::Malformed("rows"))?;
            let mark = mark.iter().fold(0, |n, byte| n << 8 | u64::from(*byte));
            Ok(Self {
                entity: Entity(*entity),
                id,
                mark,
            })
        };
        entries.iter().map(read).collect()
    }
}

const KEY_BYTES: usize = 17;

/// On the wire: for each row entity (1 byte) and id (16).
pub fn keys_to_wire(keys: &[(Entity, RowId)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(keys.len() * KEY_BYTES);
    for (entity, id) in keys {
        out.push(entity.0);
        out.extend_from_slice(id.as_bytes());
    }
    out
}

/// Reads the wire form of [`keys_to_wire`].
///
/// # Errors
/// [`ProtocolError::Malformed`] if it is not that.
pub fn keys_from_wire(bytes: &[u8]) -> Result<Vec<(Entity, RowId)>, ProtocolError> {
    let (entries, rest) = bytes.as_chunks::<KEY_BYTES>();
    if rest.is_empty() {
        let read = |[entity, id @ ..]: &[u8; KEY_BYTES]| (Entity(*entity), RowId::from_bytes(*id));
        Ok(entries.iter().map(read).collect())
    } else {
        Err(ProtocolError::Malformed("rows"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fieldfare_model::{Columns, schema::lead};
    use proptest::prelude::*;

    fn row(n: u8, version: u64, name: &str) -> Row {
        let mut columns = Columns::new();
        columns.set(lead::NAME, name);
        Row {
            id: RowId::from_bytes([n; 16]),
            version,
            columns,
        }
    }

    fn sums(key: &DigestKey, rows: &[Row]) -> ScopeSums {
        let mut sums = ScopeSums::default();
        for row in rows {
            sums.add(row.id, key.hash(Entity::LEAD, row));
        }
        sums
    }

    #[test]
    fn one_cell_of_one_row_shows_in_its_sub_bucket() {
        let key = DigestKey::of(Epoch(7));
        let before: Vec<Row> = (0..200).map(|n| row(n, 1, "a")).collect();
        let mut after = before.clone();
        after[77] = row(77, 1, "b");
        let (before, after) = (sums(&key, &before), sums(&key, &after));
        assert_eq!(before.differing(&after), [77]);
        assert_ne!(before.total(), after.total());
        assert_eq!(before.total().rows, 200);
    }

    #[test]
    fn histories_have_keys_of_their_own() {
        let hash = |epoch| DigestKey::of(Epoch(epoch)).hash(Entity::LEAD, &row(1, 1, "a"));
        assert_eq!(hash(1), hash(1));
        assert_ne!(hash(1), hash(2));
    }

    #[test]
    fn the_hash_is_the_documented_one() {
        let row = row(0x11, 5, "Boston");
        let key = blake3::derive_key("fieldfare 2026-11 digest of a scope", &7_u64.to_be_bytes());
        let mut bytes = vec![1];
        bytes.extend([0x11; 16]);
        bytes.extend(5_u64.to_be_bytes());
        bytes.extend([0, 1, 2, 0, 0, 0, 6]);
        bytes.extend(b"Boston");
        let hash = blake3::keyed_hash(&key, &bytes);
        let expected = u128::from_be_bytes(hash.as_bytes()[..16].try_into().unwrap());
        assert_eq!(DigestKey::of(Epoch(7)).hash(Entity::LEAD, &row).0, expected);
    }

    proptest! {
        #[test]
        fn adding_and_removing_is_the_same_as_never(ops in proptest::collection::vec((any::<u128>(), any::<bool>()), 0..40)) {
            let (mut kept, mut all) = (Digest::default(), Digest::default());
            for (hash, stays) in &ops {
                all.add(RowHash(*hash));
                if *stays {
                    kept.add(RowHash(*hash));
                }
            }
            for (hash, stays) in &ops {
                if !stays {
                    all.remove(RowHash(*hash));
                }
            }
            prop_assert_eq!(kept, all);
        }

        #[test]
        fn wire_forms_come_back(entries in proptest::collection::btree_map(any::<u8>(), any::<u128>(), 0..40)) {
            let mut sums = ScopeSums::default();
            for (bucket, sum) in &entries {
                sums.set(*bucket, Digest { rows: 1, sum: *sum });
            }
            let read = ScopeSums::from_wire(&sums.to_wire()).unwrap();
            prop_assert!(read.differing(&sums).is_empty());
            let marks: Vec<RowMark> = entries
                .iter()
                .map(|(b, s)| RowMark::new(Entity(*b), RowId::from_bytes([*b; 16]), RowHash(*s)))
                .collect();
            prop_assert_eq!(RowMark::from_wire(&RowMark::to_wire(&marks)).unwrap(), marks.clone());
            let keys: Vec<_> = marks.iter().map(|m| (m.entity, m.id)).collect();
            prop_assert_eq!(keys_from_wire(&keys_to_wire(&keys)).unwrap(), keys);
        }

        #[test]
        fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = ScopeSums::from_wire(&bytes);
            let _ = RowMark::from_wire(&bytes);
            let _ = keys_from_wire(&bytes);
        }
    }
}
