//! The sync protocol, both halves, without I/O.
//!
//! The server decides order: one sequence per tenant, and a changed row moves to a new place in
//! it. A phone holds scopes, pulls frames of changes in them, stages each frame together with its
//! cursor, and shows nothing before a checkpoint. What a phone changes waits as numbered
//! operations in its outbox; the server applies each at most once and stores the result with it.
//!
//! [`SyncClient`] and [`SyncServer`] are state machines: events in, effects out, with
//! storage behind [`PhoneStore`] and [`ServerStore`]. `docs/protocol.md` is the written form.
#![forbid(unsafe_code)]

mod apply;
mod backoff;
mod client;
mod consent;
mod digest;
mod error;
mod frame;
mod holdings;
mod merge;
mod message;
mod message_compare;
mod message_head;
mod operation;
mod pack;
mod packed;
mod phone;
mod scope;
mod server;
mod server_compare;
mod server_pull;

pub use backoff::Backoff;
pub use client::{
    Effect, Event, Failure, Progress, Refusal, Request, SyncClient, SyncLimits, SyncSummary,
};
pub use consent::{ChainError, LedgerHead, consent_hash, verify_chain, verify_next};
pub use digest::{
    BUCKETS, Digest, DigestKey, RowHash, RowMark, ScopeSums, bucket_of, keys_from_wire,
    keys_to_wire,
};
pub use error::ProtocolError;
pub use frame::{
    FeedChange, Frame, LeaveReason, MAX_FRAME_BYTES, MAX_FRAME_RAW_BYTES, MAX_FRAME_ROWS,
    encode_frames,
};
pub use holdings::{Fingerprint, Holdings};
pub use merge::{Merge, MergedColumn, merge, shows_on_top};
pub use message::{
    Checkpoint, DEFAULT_PULL_BUDGET, Epoch, ErrorBody, ErrorCode, MAX_PUSH_BYTES, MAX_PUSH_GAPS,
    MAX_PUSH_OPERATIONS, NumberGap, PROTOCOL, PullReply, PullRequest, PullStatus, PushReply,
    PushRequest, PushStatus, ScopeCursor, ScopeGrant, decode_message, encode_message, protocol_of,
};
pub use message_compare::{
    CompareReply, CompareRequest, ComparedScope, MAX_COMPARE_BYTES, MAX_COMPARED_SCOPES,
    MAX_REPAIR_ROWS, RepairReply, RepairRequest,
};
pub use message_head::{HeadReply, HeadRequest};
pub use operation::{
    Change, FieldEdit, MAX_GROUP_OPERATIONS, Operation, OperationResult, Outcome, RejectCode,
};
pub use packed::{pack_message, unpack_message};
pub use phone::{PhoneStore, Reoffer, Repair, RepairPlan, SyncState};
pub use scope::{Priority, ScopeId};
pub use server::{
    DeviceContext, Permit, RowState, ServerEffect, ServerEvent, ServerFailure, ServerStore,
    StoredResult, SyncServer,
};
pub use server_pull::{KeptFrame, SnapshotFrame};
