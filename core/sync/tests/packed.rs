//! Compressed messages come back whole, take no more memory than they may, and reach the server.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::phone::MemoryPhone;
use common::server::MemoryServer;
use common::{Wire, client, device, lead, sync, territory, zstd};
use fieldfare_model::schema;
use fieldfare_model::{Columns, Entity, OperationId, TimestampMs};
use fieldfare_sync::*;
use proptest::prelude::*;
use std::io::Write as _;

const MOST: usize = MAX_PUSH_BYTES;
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Like a message: some of it again and again, some of it never.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..60),
        Just(b"+1 617 555 0100".to_vec()),
        (any::<u8>(), 0usize..3000).prop_map(|(byte, n)| vec![byte; n]),
    ];
    proptest::collection::vec(part, 0..400).prop_map(|parts| {
        let mut message = parts.concat();
        message.insert(0, 0x85);
        message.truncate(MOST);
        message
    })
}

/// As a server writes it, which does not know beforehand how long it will be.
fn in_a_stream(raw: &[u8], level: i32) -> Vec<u8> {
    let mut encoder = zstd::stream::Encoder::new(Vec::new(), level).unwrap();
    encoder.write_all(raw).unwrap();
    encoder.finish().unwrap()
}

fn on_a_phone(raw: &[u8]) -> Vec<u8> {
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};
    compress_to_vec(raw, CompressionLevel::Fastest)
}

proptest! {
    #[test]
    fn what_a_phone_packs_any_zstd_reads(message in message()) {
        let packed = pack_message(message.clone(), on_a_phone);
        prop_assert!(packed.len() <= message.len());
        if packed != message {
            prop_assert_eq!(&zstd::bulk::decompress(&packed, MOST).unwrap(), &message);
        }
        prop_assert_eq!(&*unpack_message(&packed, MOST).unwrap(), &message[..]);
    }

    #[test]
    fn what_a_server_packs_a_phone_reads(message in message(), level in 1..10i32) {
        for packed in [zstd::bulk::compress(&message, level).unwrap(), in_a_stream(&message, level)] {
            prop_assert_eq!(&*unpack_message(&packed, 16 << 20).unwrap(), &message[..]);
        }
    }

    #[test]
    fn no_bytes_after_the_magic_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let body = [&MAGIC[..], &bytes].concat();
        if let Ok(message) = unpack_message(&body, MOST) {
            prop_assert!(message.len() <= MOST);
        }
    }
}

#[test]
fn a_bomb_does_not_go_off() {
    let nothing = vec![0; 200 << 20];
    let small_window = {
        let mut encoder = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(12).unwrap();
        encoder.write_all(&nothing).unwrap();
        encoder.finish().unwrap()
    };
    assert!(
        small_window.len() < MAX_PUSH_BYTES,
        "it comes through the door"
    );
    let too_large = ProtocolError::TooLarge("message");
    assert_eq!(unpack_message(&small_window, MOST), Err(too_large));
    // A window says how much is to be kept before anything can be read.
    let large_window = in_a_stream(&nothing, 19);
    let refused = unpack_message(&large_window, MOST);
    assert!(
        matches!(refused, Err(ProtocolError::Malformed(_))),
        "{refused:?}"
    );
    let plain = vec![0; MOST + 1];
    assert_eq!(unpack_message(&plain, MOST), Err(too_large));
}

#[test]
fn what_breaks_off_is_malformed() {
    let whole = on_a_phone(&b"Back in May. ".repeat(300));
    for length in 4..whole.len() {
        let refused = unpack_message(&whole[..length], MOST);
        assert!(
            matches!(refused, Err(ProtocolError::Malformed(_))),
            "{length}"
        );
    }
}

fn edit(n: u8) -> Operation {
    let id = OperationId::v7(u64::from(n), [n; 10]);
    let mut columns = Columns::new();
    columns.set(schema::lead::NAME, format!("lead {n}"));
    Operation {
        id,
        n: 0,
        group: id,
        group_size: 1,
        entity: Entity::LEAD,
        row: lead(n),
        base_version: 0,
        depends_on: None,
        at: TimestampMs(5),
        change: Change::Create(columns),
    }
}

#[test]
fn a_large_push_and_its_reply_go_compressed() {
    let (mut phone, mut server) = (MemoryPhone::new(client(1)), MemoryServer::new());
    server.grant(&[ScopeId::territory(territory(5))]);
    sync(&mut phone, &mut server, 100, client(9), |_| Wire::Good).unwrap();
    for n in 0..200 {
        phone.record(vec![edit(n)]);
    }
    let summary = sync(&mut phone, &mut server, 100, client(9), |_| Wire::Good).unwrap();
    assert_eq!((summary.pushed, summary.refused), (200, 0));
    assert_eq!(server.tables.writes.len(), 200);
    // Plain, an operation has more than 100 bytes and its outcome more than 10.
    assert!(summary.bytes_up < 200 * 60, "{}", summary.bytes_up);
}

#[test]
fn who_sends_plain_messages_gets_plain_ones() {
    let mut server = MemoryServer::new();
    server.grant(&[ScopeId::territory(territory(5))]);
    let operations = (0..100).map(|n| Operation {
        n: u64::from(n) + 1,
        ..edit(n)
    });
    let request = PushRequest {
        protocol: PROTOCOL,
        schema: 1,
        epoch: None,
        client: client(1),
        operations: operations.collect(),
        lost: Vec::new(),
    };
    let plain = encode_message(&request).unwrap();
    let mut push = |body: &[u8]| {
        let event = ServerEvent::Push(body);
        let reply = SyncServer.step(&mut server, &device(), TimestampMs(7), event, &zstd);
        reply.unwrap().body
    };
    let told: PushReply = decode_message(&push(&plain)).unwrap();
    assert_eq!(told.outcomes.len(), 100);
    let packed = push(&on_a_phone(&plain));
    assert!(packed.starts_with(&MAGIC));
    let again = decode_message(&unpack_message(&packed, MOST).unwrap());
    assert_eq!(again, Ok(told));
}
