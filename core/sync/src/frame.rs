//! Frames: self-contained, checksummed, columnar chunks of a scope's feed.

use crate::{ProtocolError, ScopeId, pack};
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
