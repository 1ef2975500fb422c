//! Messages with which a phone finds out where it differs, and gets that right.

use crate::{Epoch, PullStatus, ScopeId};
use fieldfare_model::ClientId;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// The most scopes in one comparison.
pub const MAX_COMPARED_SCOPES: usize = 32;

/// The most rows one repair names, unless a single sub-bucket has more.
pub const MAX_REPAIR_ROWS: usize = 10_000;

/// The most bytes of a comparison or a repair.
pub const MAX_COMPARE_BYTES: usize = 1024 * 1024;

/// Asks which sub-buckets of some scopes differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompareRequest {
    /// Protocol version.
    #[serde(rename = "p")]
    pub protocol: u16,
    /// Schema the phone stores.
    #[serde(rename = "s")]
    pub schema: u16,
    /// The history the phone took up.
    #[serde(rename = "e")]
    pub epoch: Epoch,
    /// Which numbering of operations this phone uses.
    #[serde(rename = "k")]
    pub client: ClientId,
    /// Of these scopes, how many are compared because what the phone stored was not what the
    /// server said it holds, and not for a new history.
    #[serde(rename = "m", default)]
    pub mismatches: u32,
    /// What the phone stored.
    #[serde(rename = "t")]
    pub scopes: Vec<ComparedScope>,
}

/// A scope with bytes about its sub-buckets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComparedScope {
    /// Which scope.
    #[serde(rename = "s")]
    pub scope: ScopeId,
    /// Asked: [`ScopeSums::to_wire`](crate::ScopeSums::to_wire). Answered: the sub-buckets that
    /// differ, a byte each, ascending.
    #[serde(rename = "b")]
    pub bytes: ByteBuf,
}

/// Says which sub-buckets differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompareReply {
    /// Protocol version.
    #[serde(rename = "p")]
    pub protocol: u16,
    /// Schema of the server.
    #[serde(rename = "s")]
    pub schema: u16,
    /// The server's history.
    #[serde(rename = "e")]
    pub epoch: Epoch,
    /// `rebase` if the history is another one by now; then nothing was compared.
    #[serde(rename = "x")]
    pub status: PullStatus,
    /// The tenant's sequence at which it was compared.
    #[serde(rename = "h")]
    pub head: u64,
    /// Each scope asked for that the device holds.
    #[serde(rename = "t")]
    pub scopes: Vec<ComparedScope>,
    /// The last operation number the server has from this client.
    #[serde(rename = "n")]
    pub last_n: u64,
}

/// Names the rows of some sub-buckets and asks for what is different.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepairRequest {
    /// Protocol version.
    #[serde(rename = "p")]
    pub protocol: u16,
    /// Schema the phone stores.
    #[serde(rename = "s")]
    pub schema: u16,
    /// The history the phone took up.
    #[serde(rename = "e")]
    pub epoch: Epoch,
    /// Which numbering of operations this phone uses.
    #[serde(rename = "k")]
    pub client: ClientId,
    /// Which scope.
    #[serde(rename = "t")]
    pub scope: ScopeId,
    /// Which sub-buckets, ascending.
    #[serde(rename = "b")]
    pub buckets: ByteBuf,
    /// Every row the phone has in them: [`RowMark::to_wire`](crate::RowMark::to_wire).
    #[serde(rename = "l")]
    pub rows: ByteBuf,
}

/// Says what is different.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepairReply {
    /// Protocol version.
    #[serde(rename = "p")]
    pub protocol: u16,
    /// Schema of the rows in the frames.
    #[serde(rename = "s")]
    pub schema: u16,
    /// The server's history.
    #[serde(rename = "e")]
    pub epoch: Epoch,
    /// `rebase` if the history is another one by now; then nothing follows.
    #[serde(rename = "x")]
    pub status: PullStatus,
    /// The tenant's sequence at which it was read.
    #[serde(rename = "h")]
    pub head: u64,
    /// The first sub-buckets of those asked for, as far as this reply goes: at least one, unless
    /// the device does not hold the scope.
    #[serde(rename = "b")]
    pub buckets: ByteBuf,
    /// Rows of them that the phone lacks or has otherwise, as frames from 0 to the head.
    #[serde(rename = "f")]
    pub frames: Vec<ByteBuf>,
    /// Rows of them that the phone has and the scope does not:
    /// [`keys_to_wire`](crate::keys_to_wire).
    #[serde(rename = "g")]
    pub gone: ByteBuf,
    /// The last operation number the server has from this client.
    #[serde(rename = "n")]
    pub last_n: u64,
}
