//! Frames with a right checksum around any content, so that what lies behind it is reached.

use serde_bytes::Bytes;

/// What a frame is made of, but for its checksum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedBlocks<'a> {
    /// How many rows it says it has.
    pub rows: u32,
    /// Its blocks in MessagePack.
    pub blocks: &'a [u8],
}

impl<'a> SealedBlocks<'a> {
    /// The first two bytes are the number of rows (big endian), the rest are the blocks.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let (rows, blocks) = bytes.split_first_chunk::<2>()?;
        let rows = u32::from(u16::from_be_bytes(*rows));
        Some(Self { rows, blocks })
    }
}

const FORMAT: u8 = 1;
const SCOPE: &str = "ref";
const FROM: u64 = 0;
const TO: u64 = u64::MAX;

/// A frame of scope `ref` as `docs/protocol.md` prescribes it; none if it cannot be compressed.
pub fn seal(content: &SealedBlocks<'_>) -> Option<Vec<u8>> {
    let raw_bytes = u32::try_from(content.blocks.len()).ok()?;
    let payload = zstd::bulk::compress(content.blocks, 1).ok()?;
    let mut hashed = vec![FORMAT, u8::try_from(SCOPE.len()).ok()?];
    hashed.extend(SCOPE.as_bytes());
    hashed.extend(FROM.to_be_bytes());
    hashed.extend(TO.to_be_bytes());
    hashed.extend(content.rows.to_be_bytes());
    hashed.extend(raw_bytes.to_be_bytes());
    hashed.extend(&payload);
    let checksum = blake3::hash(&hashed);
    rmp_serde::to_vec(&(
        FORMAT,
        SCOPE,
        FROM,
        TO,
        content.rows,
        raw_bytes,
        Bytes::new(checksum.as_bytes()),
        Bytes::new(&payload),
    ))
    .ok()
}
