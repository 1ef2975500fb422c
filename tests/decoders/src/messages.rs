//! What phone and server say to each other.

use crate::sealed::{SealedBlocks, seal};
use fieldfare_sync::{
    CompareReply, CompareRequest, ErrorBody, FeedChange, Frame, HeadReply, HeadRequest,
    MAX_FRAME_BYTES, MAX_FRAME_ROWS, MAX_PUSH_BYTES, PullReply, PullRequest, PushReply,
    PushRequest, RepairReply, RepairRequest, RowMark, ScopeSums, decode_message, encode_frames,
    encode_message, keys_from_wire, keys_to_wire, pack_message, protocol_of, unpack_message,
};
use serde::{Serialize, de::DeserializeOwned, de::IgnoredAny};
use std::collections::BTreeMap;
use std::fmt::Debug;

/// A frame as it comes over the network.
pub fn frame(bytes: &[u8]) {
    if let Ok(frame) = Frame::decode(bytes) {
        assert!(bytes.len() <= MAX_FRAME_BYTES, "a frame above its limit");
        comes_back(&frame);
    }
}

/// A frame whose checksum is right around blocks that may be anything.
pub fn frame_blocks(bytes: &[u8]) {
    let sealed = SealedBlocks::read(bytes).and_then(|content| seal(&content));
    if let Some(Ok(frame)) = sealed.map(|sealed| Frame::decode(&sealed)) {
        comes_back(&frame);
    }
}

/// What was read is in order, within the limits, and the same after another way out and in.
fn comes_back(frame: &Frame) {
    assert!(frame.changes.len() <= MAX_FRAME_ROWS, "too many rows");
    let places: Vec<u64> = frame.changes.iter().map(FeedChange::seq).collect();
    assert!(places.is_sorted_by(|a, b| a < b), "changes out of order");
    let compress = |raw: &[u8]| zstd::bulk::compress(raw, 1).expect("compresses");
    let frames = encode_frames(
        &frame.scope,
        frame.from,
        frame.to,
        &frame.changes,
        &compress,
    );
    // Another writer may have packed the same rows tighter, below a limit that ours then passes.
    let Ok(frames) = frames else { return };
    let again = frames
        .iter()
        .flat_map(|bytes| Frame::decode(bytes).expect("reads its own").changes);
    assert!(
        again.eq(frame.changes.iter().cloned()),
        "changed on the way"
    );
}

/// Both sides of a pull.
pub fn pull(bytes: &[u8]) {
    message::<PullRequest>(bytes);
    message::<PullReply>(bytes);
}

/// Both sides of waiting for news.
pub fn head(bytes: &[u8]) {
    message::<HeadRequest>(bytes);
    message::<HeadReply>(bytes);
    let read = HeadRequest::read(bytes);
    assert!(
        read.is_ok_and(|request| decode_message(bytes) == Ok(request))
            || HeadRequest::read(bytes).is_err_and(|refused| refused.status >= 400),
        "neither read nor refused"
    );
}

/// Both sides of a push.
pub fn push(bytes: &[u8]) {
    message::<PushRequest>(bytes);
    message::<PushReply>(bytes);
}

/// A message that may be compressed.
pub fn packed(bytes: &[u8]) {
    let Ok(message) = unpack_message(bytes, MAX_PUSH_BYTES) else {
        return;
    };
    assert!(message.len() <= MAX_PUSH_BYTES, "a message above its limit");
    push(&message);
    // A map never begins like a zstd frame.
    if decode_message::<BTreeMap<String, IgnoredAny>>(&message).is_ok() {
        let compress = |raw: &[u8]| zstd::bulk::compress(raw, 1).expect("compresses");
        let again = pack_message(message.to_vec(), compress);
        let back = unpack_message(&again, MAX_PUSH_BYTES).expect("reads what it wrote");
        assert!(back == message, "changed on the way");
    }
}

/// Both sides of a comparison.
pub fn compare(bytes: &[u8]) {
    message::<CompareRequest>(bytes);
    message::<CompareReply>(bytes);
}

/// Both sides of a repair.
pub fn repair(bytes: &[u8]) {
    message::<RepairRequest>(bytes);
    message::<RepairReply>(bytes);
}

/// What comparisons and repairs carry as packed bytes: sums, marks of rows, keys of rows.
pub fn digests(bytes: &[u8]) {
    if let Ok(sums) = ScopeSums::from_wire(bytes) {
        assert_eq!(sums.to_wire(), bytes, "sums in another form than their own");
    }
    if let Ok(marks) = RowMark::from_wire(bytes) {
        assert_eq!(RowMark::to_wire(&marks), bytes);
    }
    if let Ok(keys) = keys_from_wire(bytes) {
        assert_eq!(keys_to_wire(&keys), bytes);
    }
}

/// The body of an error, and the protocol number any message says.
pub fn error_body(bytes: &[u8]) {
    message::<ErrorBody>(bytes);
    let _ = protocol_of(bytes);
}

fn message<T: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &[u8]) {
    let Ok(message) = decode_message::<T>(bytes) else {
        return;
    };
    let written = encode_message(&message).expect("writes what it read");
    let again = decode_message::<T>(&written).expect("reads what it wrote");
    assert_eq!(again, message);
}
