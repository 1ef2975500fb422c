//! Frames: self-contained, checksummed, columnar chunks of a scope's feed.

use crate::{ProtocolError, ScopeId, pack, packed};
use fieldfare_model::{Entity, Row, RowId};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// The most rows, gone rows included, in one frame.
pub const MAX_FRAME_ROWS: usize = 2_000;

/// The most bytes of one encoded frame.
pub const MAX_FRAME_BYTES: usize = 256 * 1024;

/// The most bytes of a frame's payload before compression.
pub const MAX_FRAME_RAW_BYTES: usize = 4 * 1024 * 1024;

const FORMAT: u8 = 1;

/// One change in a scope's feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedChange {
    /// The row is in the scope and looks like this. Its version is its place in the feed.
    Put {
        /// Which kind of row.
        entity: Entity,
        /// The row.
        row: Row,
    },
    /// The row is no longer in the scope.
    Leave {
        /// Which kind of row.
        entity: Entity,
        /// Which row.
        id: RowId,
        /// Its place in the feed.
        seq: u64,
        /// Why.
        reason: LeaveReason,
    },
}

impl FeedChange {
    /// The change's place in the feed.
    pub const fn seq(&self) -> u64 {
        match self {
            Self::Put { row, .. } => row.version,
            Self::Leave { seq, .. } => *seq,
        }
    }

    /// Which row it is about.
    pub const fn key(&self) -> (Entity, RowId) {
        match self {
            Self::Put { entity, row } => (*entity, row.id),
            Self::Leave { entity, id, .. } => (*entity, *id),
        }
    }
}

/// Why a row is no longer in a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeaveReason {
    /// It moved elsewhere.
    Left,
    /// It was deleted for everybody.
    Deleted,
}

/// A chunk of a scope's feed: everything that changed after `from` and up to `to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Which scope.
    pub scope: ScopeId,
    /// The cursor before it.
    pub from: u64,
    /// The cursor after it.
    pub to: u64,
    /// What changed, in order; no row twice.
    pub changes: Vec<FeedChange>,
}

/// The outer form: `[format, scope, from, to, rows, raw_bytes, blake3, payload]`.
#[derive(Serialize, Deserialize)]
struct Envelope(u8, ScopeId, u64, u64, u32, u32, ByteBuf, ByteBuf);

impl Envelope {
    /// BLAKE3-256 over everything but itself: format, scope length and text, the four numbers
    /// (big endian), payload.
    fn checksum(&self) -> blake3::Hash {
        let Self(format, scope, from, to, rows, raw_bytes, _, payload) = self;
        let mut hasher = blake3::Hasher::new();
        let scope = scope.as_str().as_bytes();
        hasher.update(&[*format, u8::try_from(scope.len()).unwrap_or(u8::MAX)]);
        hasher.update(scope);
        hasher.update(&from.to_be_bytes()).update(&to.to_be_bytes());
        hasher
            .update(&rows.to_be_bytes())
            .update(&raw_bytes.to_be_bytes());
        hasher.update(payload);
        hasher.finalize()
    }
}

/// Rows of one entity and kind: `[entity, kind, rows, sequences, ids, columns]`.
#[derive(Serialize, Deserialize)]
struct Block(u8, u8, u32, ByteBuf, ByteBuf, Vec<pack::PackedColumn>);

const PUT: u8 = 0;
const LEFT: u8 = 1;
const DELETED: u8 = 2;

const BAD: ProtocolError = ProtocolError::Malformed("frame");

/// Encodes changes of a scope as frames within the limits, splitting where needed.
///
/// `changes` are in order and lie after `from` and up to `to`; the last frame ends at `to`.
/// `compress` makes a zstd frame (RFC 8878) of its argument. No changes give no frames.
///
/// # Errors
/// [`ProtocolError::TooLarge`] if a single row is larger than a frame may be.
pub fn encode_frames(
    scope: &ScopeId,
    from: u64,
    to: u64,
    changes: &[FeedChange],
    compress: &dyn Fn(&[u8]) -> Vec<u8>,
) -> Result<Vec<Vec<u8>>, ProtocolError> {
    let frames = encode_ranges(scope, from, to, changes, compress)?;
    Ok(frames.into_iter().map(|frame| frame.bytes).collect())
}

/// An encoded frame, and what it holds.
pub(crate) struct EncodedFrame {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) rows: usize,
    pub(crate) bytes: Vec<u8>,
}

/// [`encode_frames`], with what each frame holds.
pub(crate) fn encode_ranges(
    scope: &ScopeId,
    from: u64,
    to: u64,
    changes: &[FeedChange],
    compress: &dyn Fn(&[u8]) -> Vec<u8>,
) -> Result<Vec<EncodedFrame>, ProtocolError> {
    let mut frames = Vec::new();
    let mut from = from;
    for (i, chunk) in changes.chunks(MAX_FRAME_ROWS).enumerate() {
        let is_last = (i + 1) * MAX_FRAME_ROWS >= changes.len();
        let end = if is_last {
            to
        } else {
            chunk.last().map_or(to, FeedChange::seq)
        };
        encode_chunk(scope, from, end, chunk, compress, &mut frames)?;
        from = end;
    }
    Ok(frames)
}

/// Encodes one frame, or two halves if it would be too large.
fn encode_chunk(
    scope: &ScopeId,
    from: u64,
    to: u64,
    changes: &[FeedChange],
    compress: &dyn Fn(&[u8]) -> Vec<u8>,
    frames: &mut Vec<EncodedFrame>,
) -> Result<(), ProtocolError> {
    let raw = encode_payload(from, changes)?;
    if raw.len() <= MAX_FRAME_RAW_BYTES {
        let bytes = seal(scope, from, to, changes.len(), &raw, compress)?;
        if bytes.len() <= MAX_FRAME_BYTES {
            frames.push(EncodedFrame {
                from,
                to,
                rows: changes.len(),
                bytes,
            });
            return Ok(());
        }
    }
    if changes.len() < 2 {
        return Err(ProtocolError::TooLarge("row"));
    }
    let (first, second) = changes.split_at(changes.len() / 2);
    let middle = first.last().map_or(from, FeedChange::seq);
    encode_chunk(scope, from, middle, first, compress, frames)?;
    encode_chunk(scope, middle, to, second, compress, frames)
}

fn seal(
    scope: &ScopeId,
    from: u64,
    to: u64,
    rows: usize,
    raw: &[u8],
    compress: &dyn Fn(&[u8]) -> Vec<u8>,
) -> Result<Vec<u8>, ProtocolError> {
    let mut envelope = Envelope(
        FORMAT,
        scope.clone(),
        from,
        to,
        u32::try_from(rows).map_err(|_| ProtocolError::TooLarge("frame"))?,
        u32::try_from(raw.len()).map_err(|_| ProtocolError::TooLarge("frame"))?,
        ByteBuf::new(),
        ByteBuf::from(compress(raw)),
    );
    envelope.6 = ByteBuf::from(envelope.checksum().as_bytes().to_vec());
    rmp_serde::to_vec(&envelope).map_err(|_| BAD)
}

fn encode_payload(from: u64, changes: &[FeedChange]) -> Result<Vec<u8>, ProtocolError> {
    let mut keys: Vec<(u8, Entity)> = changes.iter().map(block_key).collect();
    keys.sort_unstable();
    keys.dedup();
    let blocks: Vec<Block> = keys
        .into_iter()
        .map(|key| {
            let members: Vec<&FeedChange> = changes
                .iter()
                .filter(|change| block_key(change) == key)
                .collect();
            encode_block(key, from, &members)
        })
        .collect();
    rmp_serde::to_vec(&blocks).map_err(|_| BAD)
}

fn block_key(change: &FeedChange) -> (u8, Entity) {
    match change {
        FeedChange::Put { entity, .. } => (PUT, *entity),
        FeedChange::Leave {
            entity,
            reason: LeaveReason::Left,
            ..
        } => (LEFT, *entity),
        FeedChange::Leave {
            entity,
            reason: LeaveReason::Deleted,
            ..
        } => (DELETED, *entity),
    }
}

fn encode_block((kind, entity): (u8, Entity), from: u64, changes: &[&FeedChange]) -> Block {
    let mut sequences = Vec::new();
    let mut before = from;
    for change in changes {
        pack::push_number(&mut sequences, change.seq().wrapping_sub(before));
        before = change.seq();
    }
    let ids: Vec<RowId> = changes.iter().map(|change| change.key().1).collect();
    let ids: Vec<&[u8]> = ids.iter().map(|id| id.as_bytes().as_slice()).collect();
    let columns: Vec<_> = changes
        .iter()
        .filter_map(|change| match change {
            FeedChange::Put { row, .. } => Some(&row.columns),
            FeedChange::Leave { .. } => None,
        })
        .collect();
    Block(
        entity.0,
        kind,
        u32::try_from(changes.len()).unwrap_or(u32::MAX),
        ByteBuf::from(sequences),
        ByteBuf::from(pack::to_planes(&ids, ID_BYTES)),
        pack::pack_columns(&columns),
    )
}

const ID_BYTES: usize = 16;

impl Frame {
    /// Reads a frame and checks it against its checksum, its limits and itself. Never panics,
    /// whatever the bytes; memory is bounded by the limits.
    ///
    /// # Errors
    /// [`ProtocolError`] saying what is wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProtocolError> {
        if bytes.len() > MAX_FRAME_BYTES {
            return Err(ProtocolError::TooLarge("frame"));
        }
        let envelope: Envelope = rmp_serde::from_slice(bytes).map_err(|_| BAD)?;
        let expected = envelope.checksum();
        let Envelope(format, scope, from, to, rows, raw_bytes, checksum, payload) = envelope;
        if format != FORMAT {
            return Err(ProtocolError::Version("frame"));
        }
        if rows as usize > MAX_FRAME_ROWS || raw_bytes as usize > MAX_FRAME_RAW_BYTES {
            return Err(ProtocolError::TooLarge("frame"));
        }
        if expected.as_bytes().as_slice() != checksum.as_slice() {
            return Err(ProtocolError::Checksum);
        }
        let raw = decompress(&payload, raw_bytes as usize)?;
        let blocks: Vec<Block> = rmp_serde::from_slice(&raw).map_err(|_| BAD)?;
        let changes = decode_blocks(blocks, from, rows as usize)?;
        let frame = Self {
            scope,
            from,
            to,
            changes,
        };
        frame.check()?;
        Ok(frame)
    }

    fn check(&self) -> Result<(), ProtocolError> {
        let ordered = self
            .changes
            .iter()
            .try_fold(self.from, |before, change| {
                (change.seq() > before).then_some(change.seq())
            })
            .is_some_and(|last| last <= self.to);
        let mut keys: Vec<_> = self.changes.iter().map(FeedChange::key).collect();
        keys.sort_unstable();
        let unique = keys.windows(2).all(|pair| pair.first() != pair.last());
        if ordered && unique { Ok(()) } else { Err(BAD) }
    }
}

fn decompress(payload: &[u8], raw_bytes: usize) -> Result<Vec<u8>, ProtocolError> {
    let raw = packed::decompress(payload, raw_bytes, MAX_FRAME_RAW_BYTES).map_err(|_| BAD)?;
    if raw.len() == raw_bytes {
        Ok(raw)
    } else {
        Err(BAD)
    }
}

fn decode_blocks(
    blocks: Vec<Block>,
    from: u64,
    rows: usize,
) -> Result<Vec<FeedChange>, ProtocolError> {
    let mut changes = Vec::with_capacity(rows);
    for block in blocks {
        if changes.len() + block.2 as usize > rows {
            return Err(BAD);
        }
        decode_block(block, from, &mut changes)?;
    }
    if changes.len() != rows {
        return Err(BAD);
    }
    changes.sort_by_key(FeedChange::seq);
    Ok(changes)
}

fn decode_block(
    block: Block,
    from: u64,
    changes: &mut Vec<FeedChange>,
) -> Result<(), ProtocolError> {
    let Block(entity, kind, n, sequences, ids, columns) = block;
    let (entity, n) = (Entity(entity), n as usize);
    let sequences = decode_sequences(&sequences, from, n)?;
    let ids: Vec<RowId> = pack::from_planes(&ids, ID_BYTES, n)?
        .iter()
        .map(|id| RowId::from_slice(id).map_err(|_| BAD))
        .collect::<Result<_, _>>()?;
    match kind {
        PUT => {
            let cells = pack::unpack_columns(columns, n)?;
            changes.extend(ids.into_iter().zip(sequences).zip(cells).map(
                |((id, version), columns)| FeedChange::Put {
                    entity,
                    row: Row {
                        id,
                        version,
                        columns,
                    },
                },
            ));
        }
        LEFT | DELETED => {
            let reason = if kind == LEFT {
                LeaveReason::Left
            } else {
                LeaveReason::Deleted
            };
            changes.extend(
                ids.into_iter()
                    .zip(sequences)
                    .map(|(id, seq)| FeedChange::Leave {
                        entity,
                        id,
                        seq,
                        reason,
                    }),
            );
        }
        _ => return Err(ProtocolError::Version("frame block")),
    }
    Ok(())
}

fn decode_sequences(bytes: &[u8], from: u64, n: usize) -> Result<Vec<u64>, ProtocolError> {
    let mut rest = bytes;
    let mut before = from;
    let mut sequences = Vec::with_capacity(n);
    for _ in 0..n {
        before = before
            .checked_add(pack::take_number(&mut rest)?)
            .ok_or(BAD)?;
        sequences.push(before);
    }
    if rest.is_empty() {
        Ok(sequences)
    } else {
        Err(BAD)
    }
}
