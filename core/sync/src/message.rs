use crate::{Digest, Fingerprint, Operation, Outcome, Priority, ProtocolError, ScopeId};
use fieldfare_model::{ClientId, SCHEMA};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_bytes::ByteBuf;

/// The protocol version this build speaks.
pub const PROTOCOL: u16 = 1;

/// The most operations in one push.
pub const MAX_PUSH_OPERATIONS: usize = 500;

/// The most bytes in one push body.
pub const MAX_PUSH_BYTES: usize = 256 * 1024;

/// Identity of one history of the server: random, made anew at creation and at every restore
/// from a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

/// Where a phone stands in a scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeCursor {
    /// Which scope.
    #[serde(rename = "s")]
    pub scope: ScopeId,
    /// The sequence up to which the phone has everything, 0 for nothing.
    #[serde(rename = "c")]
    pub cursor: u64,
    /// The head that was read when the scope's first frame was: what left before that never came,
    /// so a first fetch may go on however far collection got, as long as it is below this.
    #[serde(rename = "a", default, skip_serializing_if = "is_zero")]
    pub anchor: u64,
}

impl ScopeCursor {
    /// A cursor whose scope is complete up to it.
    pub const fn complete(scope: ScopeId, cursor: u64) -> Self {
        Self {
            scope,
            cursor,
            anchor: 0,
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// Asks for what changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    /// Protocol version.
    #[serde(rename = "p")]
    pub protocol: u16,
    /// Schema the phone stores.
    #[serde(rename = "s")]
    pub schema: u16,
    /// The history the cursors belong to; none before the first pull.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Epoch>,
    /// Which numbering of operations this phone uses.
    #[serde(rename = "k")]
    pub client: ClientId,
    /// Where the phone stands; a granted scope that is missing here starts at 0.
    #[serde(rename = "c")]
    pub cursors: Vec<ScopeCursor>,
    /// How many bytes of frames the reply should have at most. At least one frame always comes.
    #[serde(
        rename = "b",
        default = "default_budget",
        skip_serializing_if = "is_default_budget"
    )]
    pub budget: u32,
    /// Of what the server last said that the device holds, if the phone has kept that: then it need
    /// not be said again as long as it is the same.
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub known: Option<Fingerprint>,
}

/// How many bytes of frames one pull asks for, unless the caller says otherwise: about one full
/// frame, so that an interruption costs no more than that.
pub const DEFAULT_PULL_BUDGET: u32 = 64 * 1024;

const fn default_budget() -> u32 {
    DEFAULT_PULL_BUDGET
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_default_budget(budget: &u32) -> bool {
    *budget == DEFAULT_PULL_BUDGET
}

/// A scope the device holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeGrant {
    /// Which scope.
    #[serde(rename = "s")]
    pub scope: ScopeId,
    /// How urgent it is.
    #[serde(rename = "p")]
    pub priority: Priority,
}

/// A place up to which what was staged may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The tenant's sequence that was read; the same for all scopes.
    #[serde(rename = "h")]
    pub head: u64,
    /// Scopes up to this priority are complete at `head`.
    #[serde(rename = "p")]
    pub priority: Priority,
    /// Whether every scope the device holds is complete.
    #[serde(rename = "d")]
    pub complete: bool,
}

/// Answers a pull.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullReply {
    /// Protocol version.
    #[serde(rename = "p")]
    pub protocol: u16,
    /// Schema of the rows in the frames.
    #[serde(rename = "s")]
    pub schema: u16,
    /// The server's history.
    #[serde(rename = "e")]
    pub epoch: Epoch,
    /// How it went.
    #[serde(rename = "x")]
    pub status: PullStatus,
    /// Every scope the device holds now. Scopes not listed are to be dropped at the checkpoint.
    #[serde(rename = "g", default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<ScopeGrant>,
    /// Frames, most urgent scope first, in order within a scope.
    #[serde(rename = "f")]
    pub frames: Vec<ByteBuf>,
    /// Present when something may be shown.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Checkpoint>,
    /// The last operation number the server has from this client.
    #[serde(rename = "n")]
    pub last_n: u64,
    /// The tenant's sequence at which this reply was read.
    #[serde(rename = "h", default)]
    pub head: u64,
    /// With a complete checkpoint: what each granted scope holds at its head, in order of the
    /// grants.
    #[serde(rename = "d", default, skip_serializing_if = "Vec::is_empty")]
    pub digests: Vec<Digest>,
    /// Whether grants and digests are left out, as they are those of the request's fingerprint.
    #[serde(rename = "u", default, skip_serializing_if = "std::ops::Not::not")]
    pub is_as_known: bool,
}

/// How a pull went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PullStatus {
    /// Frames follow.
    #[serde(rename = "ok")]
    Ok,
    /// The cursors belong to another history, or lie below what the server still knows. The
    /// phone starts its scopes again; its outbox is not touched.
    #[serde(rename = "rebase")]
    Rebase,
}

/// Offers operations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushRequest {
    /// Protocol version.
    #[serde(rename = "p")]
    pub protocol: u16,
    /// Schema the operations are written in.
    #[serde(rename = "s")]
    pub schema: u16,
    /// The history the phone last saw.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Epoch>,
    /// Which numbering the operations use.
    #[serde(rename = "k")]
    pub client: ClientId,
    /// Operations in order of number, groups whole.
    #[serde(rename = "o")]
    pub operations: Vec<Operation>,
    /// Operations that the server lost and the phone does not keep any more, to be put on record
    /// before anything else of this push.
    #[serde(rename = "l", default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<NumberGap>,
}

/// Numbers whose operations neither side has any more: the server lost them with its disk, the
/// phone after its retention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NumberGap {
    /// In which numbering.
    #[serde(rename = "k")]
    pub client: ClientId,
    /// The first number.
    #[serde(rename = "f")]
    pub from: u64,
    /// The last number.
    #[serde(rename = "t")]
    pub to: u64,
}

/// The most gaps in one push.
pub const MAX_PUSH_GAPS: usize = 64;

/// Answers a push.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushReply {
    /// Protocol version.
    #[serde(rename = "p")]
    pub protocol: u16,
    /// Schema the server writes.
    #[serde(rename = "s")]
    pub schema: u16,
    /// The server's history.
    #[serde(rename = "e")]
    pub epoch: Epoch,
    /// How it went.
    #[serde(rename = "x")]
    pub status: PushStatus,
    /// The last operation number the server has from this client.
    #[serde(rename = "n")]
    pub last_n: u64,
    /// The number of the first operation offered, 0 if none was.
    #[serde(rename = "f")]
    pub first_n: u64,
    /// What became of each operation offered, in order; empty unless the status is ok.
    #[serde(rename = "r")]
    pub outcomes: Vec<Outcome>,
}

/// How a push went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PushStatus {
    /// Results follow.
    #[serde(rename = "ok")]
    Ok,
    /// The first number is too high: operations after `last_n` are missing.
    #[serde(rename = "gap")]
    Gap,
    /// A number was used before for another operation: this phone is a copy, or was restored.
    /// It takes a new client id and numbers what was not applied again.
    #[serde(rename = "forked")]
    Forked,
    /// The push belongs to another history, so nothing of it was applied: a late copy must not
    /// take effect behind the phone's back. The phone takes this history up and pushes again.
    #[serde(rename = "rebase")]
    Rebase,
}

/// The body of an HTTP error reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// Protocol version.
    #[serde(rename = "p")]
    pub protocol: u16,
    /// Schema the server writes.
    #[serde(rename = "s")]
    pub schema: u16,
    /// What is wrong, for programs.
    #[serde(rename = "c")]
    pub code: ErrorCode,
    /// What is wrong and what to do, for people.
    #[serde(rename = "m")]
    pub message: String,
}

impl ErrorBody {
    /// Refuses a message of another protocol, or of a schema no longer served.
    pub fn upgrade() -> Self {
        let message = "this app is too old or too new for the server: update it; nothing is lost";
        Self::new(ErrorCode::Upgrade, message)
    }

    /// An error in this build's protocol and schema.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            protocol: PROTOCOL,
            schema: SCHEMA,
            code,
            message: message.into(),
        }
    }
}

/// What is wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// Not the form the protocol prescribes (400).
    Malformed,
    /// The token is missing, wrong or too old: get a new one and repeat (401).
    Unauthorized,
    /// The device was revoked: wipe (403).
    Revoked,
    /// The body is too large (413).
    TooLarge,
    /// The app is too old; update it. The outbox is kept (426).
    Upgrade,
    /// Too many requests; wait for `Retry-After` (429).
    Busy,
    /// The server has a fault; try again later (500, 503).
    Unavailable,
    /// A code this build does not know.
    #[serde(other)]
    Other,
}

/// Writes a message as MessagePack maps with short keys.
///
/// # Errors
/// [`ProtocolError::Malformed`] if the message cannot be written, which no message of this
/// crate causes.
pub fn encode_message<T: Serialize>(message: &T) -> Result<Vec<u8>, ProtocolError> {
    rmp_serde::to_vec_named(message).map_err(|_| ProtocolError::Malformed("message"))
}

/// The protocol a message says it is written in, whatever else is in it; none if it does not say.
///
/// To be asked before [`decode_message`]: messages of another protocol may have any other form,
/// and are to be answered with [`ErrorBody::upgrade`] all the same. Never panics.
pub fn protocol_of(bytes: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Protocol {
        #[serde(rename = "p")]
        protocol: u64,
    }
    let read = rmp_serde::from_slice::<Protocol>(bytes);
    read.ok().map(|message| message.protocol)
}

/// Reads a message. Unknown keys are ignored. Never panics, whatever the bytes.
///
/// # Errors
/// [`ProtocolError::Malformed`] if the bytes are not such a message.
pub fn decode_message<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ProtocolError> {
    rmp_serde::from_slice(bytes).map_err(|_| ProtocolError::Malformed("message"))
}
