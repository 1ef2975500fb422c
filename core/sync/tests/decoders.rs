//! No bytes make a decoder panic, and what was encoded comes back as it was.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::zstd;
use fieldfare_model::{Columns, Entity, Row, RowId, Value};
use fieldfare_sync::*;
use proptest::prelude::*;

fn scope() -> ScopeId {
    ScopeId::reference()
}

/// An envelope with a right checksum around any payload, so that the inner decoder is reached.
fn sealed(raw_bytes: u32, payload: &[u8]) -> Vec<u8> {
    let mut hashed = vec![1u8, 3];
    hashed.extend(b"ref");
    hashed.extend(0u64.to_be_bytes());
    hashed.extend(9u64.to_be_bytes());
    hashed.extend(1u32.to_be_bytes());
    hashed.extend(raw_bytes.to_be_bytes());
    hashed.extend(payload);
    let hash = blake3::hash(&hashed);
    let parts = (
        serde_bytes::Bytes::new(hash.as_bytes()),
        serde_bytes::Bytes::new(payload),
    );
    rmp_serde::to_vec(&(1u8, "ref", 0u64, 9u64, 1u32, raw_bytes, parts.0, parts.1)).unwrap()
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(Value::Int(3)),
        any::<i64>().prop_map(Value::Int),
        ".{0,20}".prop_map(Value::Text),
        proptest::collection::vec(any::<u8>(), 0..20).prop_map(Value::Bytes),
        proptest::collection::vec(any::<u8>(), 16).prop_map(Value::Bytes),
    ]
}

fn column_values(n: usize) -> impl Strategy<Value = Vec<Value>> {
    prop_oneof![
        proptest::collection::vec(value(), n),
        proptest::collection::vec(any::<i64>().prop_map(Value::Int), n),
        proptest::collection::vec((-5i64..300).prop_map(Value::Int), n),
        proptest::collection::vec(".{0,9}".prop_map(Value::Text), n),
        proptest::collection::vec("(a|b)".prop_map(Value::Text), n),
        proptest::collection::vec("\\+1[0-9]{10}".prop_map(Value::Text), n),
        proptest::collection::vec("[0-9]{0,20}".prop_map(Value::Text), n),
        proptest::collection::vec("é[0-9]{3,4}".prop_map(Value::Text), n),
        proptest::collection::vec(
            proptest::collection::vec(any::<u8>(), 16).prop_map(Value::Bytes),
            n
        ),
    ]
}

fn changes() -> impl Strategy<Value = Vec<FeedChange>> {
    (1usize..40)
        .prop_flat_map(|n| {
            (
                proptest::collection::vec((0u8..4, 1u64..1000, 0u8..4), n),
                proptest::collection::vec(column_values(n), 0..6),
            )
        })
        .prop_map(|(heads, columns)| {
            let mut seq = 10;
            heads
                .into_iter()
                .enumerate()
                .map(|(i, (entity, step, kind))| {
                    seq += step;
                    let id = RowId::from_bytes([i as u8; 16]);
                    let entity = Entity(entity);
                    match kind {
                        0 => FeedChange::Leave {
                            entity,
                            id,
                            seq,
                            reason: LeaveReason::Left,
                        },
                        1 => FeedChange::Leave {
                            entity,
                            id,
                            seq,
                            reason: LeaveReason::Deleted,
                        },
                        _ => {
                            let cells: Columns = columns
                                .iter()
                                .enumerate()
                                .map(|(tag, values)| (tag as u16 * 7, values[i].clone()))
                                .collect();
                            FeedChange::Put {
                                entity,
                                row: Row {
                                    id,
                                    version: seq,
                                    columns: cells,
                                },
                            }
                        }
                    }
                })
                .collect()
        })
}

proptest! {
    #[test]
    fn frames_come_back_as_they_were(changes in changes()) {
        let to = changes.last().unwrap().seq() + 5;
        let frames = encode_frames(&scope(), 10, to, &changes, &zstd).unwrap();
        prop_assert_eq!(frames.len(), 1);
        let frame = Frame::decode(&frames[0]).unwrap();
        prop_assert_eq!(frame, Frame { scope: scope(), from: 10, to, changes });
    }

    #[test]
    fn a_damaged_frame_is_refused(changes in changes(), at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let frames = encode_frames(&scope(), 10, 99_999, &changes, &zstd).unwrap();
        let mut bytes = frames[0].clone();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(Frame::decode(&bytes).is_err());
    }

    #[test]
    fn a_frame_cut_short_is_refused(changes in changes(), at in any::<prop::sample::Index>()) {
        let frames = encode_frames(&scope(), 10, 99_999, &changes, &zstd).unwrap();
        prop_assert!(Frame::decode(&frames[0][..at.index(frames[0].len())]).is_err());
    }

    #[test]
    fn no_payload_panics(raw in proptest::collection::vec(any::<u8>(), 0..400)) {
        // A well-formed envelope around any payload, so that the inner decoder is reached.
        let _ = Frame::decode(&sealed(raw.len() as u32, &zstd(&raw)));
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Frame::decode(&bytes);
        let _ = decode_message::<PullRequest>(&bytes);
        let _ = decode_message::<PullReply>(&bytes);
        let _ = decode_message::<PushRequest>(&bytes);
        let _ = decode_message::<PushReply>(&bytes);
        let _ = decode_message::<ErrorBody>(&bytes);
    }
}

#[test]
fn frames_keep_their_limits() {
    let wide = |i: usize, text: usize| {
        let mut columns = Columns::new();
        // Bytes that do not compress, so that the size limit is met.
        let noise: Vec<u8> = (0..text)
            .scan(i as u64 + 1, |s, _| {
                *s = s
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                Some((*s >> 56) as u8)
            })
            .collect();
        columns.set(1, noise);
        let mut id = [0u8; 16];
        id[..8].copy_from_slice(&(i as u64).to_be_bytes());
        let row = Row {
            id: RowId::from_bytes(id),
            version: i as u64 + 1,
            columns,
        };
        FeedChange::Put {
            entity: Entity::LEAD,
            row,
        }
    };
    for (n, text) in [(4_500, 8), (300, 4_000)] {
        let changes: Vec<_> = (0..n).map(|i| wide(i, text)).collect();
        let frames = encode_frames(&scope(), 0, n as u64, &changes, &zstd).unwrap();
        let decoded: Vec<_> = frames.iter().map(|f| Frame::decode(f).unwrap()).collect();
        assert!(frames.iter().all(|f| f.len() <= MAX_FRAME_BYTES));
        assert!(decoded.iter().all(|f| f.changes.len() <= MAX_FRAME_ROWS));
        assert!(decoded.windows(2).all(|w| w[0].to == w[1].from));
        let all: Vec<_> = decoded.into_iter().flat_map(|f| f.changes).collect();
        assert_eq!(all, changes);
    }
    let huge = wide(0, MAX_FRAME_BYTES + 1);
    assert_eq!(
        encode_frames(&scope(), 0, 1, &[huge], &zstd),
        Err(ProtocolError::TooLarge("row"))
    );
}

#[test]
fn a_payload_that_swells_is_refused() {
    let raw = vec![0u8; MAX_FRAME_RAW_BYTES * 4];
    let payload = zstd(&raw);
    for declared in [9u32, raw.len() as u32] {
        let refused = Frame::decode(&sealed(declared, &payload)).unwrap_err();
        assert_ne!(refused, ProtocolError::Checksum);
    }
}

#[test]
fn unknown_keys_of_a_message_are_ignored() {
    let mut request = std::collections::BTreeMap::new();
    request.insert("zz", 5u8);
    let mut bytes = rmp_serde::to_vec(&request).unwrap();
    assert!(decode_message::<PullRequest>(&bytes).is_err());
    let known = PullRequest {
        protocol: 1,
        schema: 1,
        epoch: None,
        client: common::client(1),
        cursors: vec![],
        budget: 5,
        known: None,
    };
    let mut with_more = encode_message(&known).unwrap();
    with_more[0] += 1;
    with_more.extend(bytes.drain(1..));
    assert_eq!(decode_message::<PullRequest>(&with_more), Ok(known));
}
