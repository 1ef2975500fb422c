//! What a phone has been told it holds is not told again, and whatever it keeps of that, it is right.
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
use fieldfare_model::{Columns, Entity, TimestampMs};
use fieldfare_sync::*;
use proptest::prelude::*;

fn scopes() -> Vec<ScopeId> {
    vec![
        ScopeId::reference(),
        ScopeId::territory(territory(5)),
        ScopeId::territory(territory(7)),
    ]
}

fn put(server: &mut MemoryServer, n: u8, text: &str, scopes: &[ScopeId]) {
    let mut cells = Columns::new();
    cells.set(schema::lead::NAME, text);
    server.put(Entity::LEAD, lead(n), cells, scopes);
}

/// A phone that has everything, and its server.
fn in_step() -> (MemoryPhone, MemoryServer) {
    let (mut phone, mut server) = (MemoryPhone::new(client(1)), MemoryServer::new());
    server.grant(&scopes());
    for n in 0..20 {
        put(&mut server, n, "Acme", &scopes()[usize::from(n % 3)..][..1]);
    }
    follow(&mut phone, &mut server);
    (phone, server)
}

fn follow(phone: &mut MemoryPhone, server: &mut MemoryServer) -> SyncSummary {
    let summary = sync(phone, server, 100_000, client(9), |_| Wire::Good).unwrap();
    assert_eq!(phone.rows, server.expected());
    assert_eq!((summary.mismatches, summary.unrepaired), (0, 0));
    summary
}

/// What the server answers to the phone's next pull.
fn next_reply(phone: &MemoryPhone, server: &mut MemoryServer) -> PullReply {
    let mut phone = phone.clone();
    let start = Event::Start {
        fresh: client(9),
        budget: 100_000,
        limits: SyncLimits::default(),
    };
    let effects = SyncClient::default().step(&mut phone, start).unwrap();
    let [Effect::Send(request)] = &effects[..] else {
        panic!("{effects:?}")
    };
    let event = ServerEvent::Pull(&request.body);
    let reply = SyncServer.step(server, &device(), TimestampMs(7), event, &zstd);
    decode_message(&reply.unwrap().body).unwrap()
}

#[test]
fn what_did_not_change_is_not_said_again() {
    let (mut phone, mut server) = in_step();
    let reply = next_reply(&phone, &mut server);
    assert!(reply.is_as_known && reply.checkpoint.unwrap().complete);
    assert!(reply.grants.is_empty() && reply.digests.is_empty());
    follow(&mut phone, &mut server);
    // Somebody else's row.
    put(
        &mut server,
        100,
        "Elsewhere",
        &[ScopeId::territory(territory(8))],
    );
    assert!(next_reply(&phone, &mut server).is_as_known);
}

#[test]
fn what_changed_is_said() {
    let (mut phone, mut server) = in_step();
    put(&mut server, 1, "Emca", &scopes()[..1]);
    let reply = next_reply(&phone, &mut server);
    assert!(!reply.is_as_known && reply.digests.len() == 3);
    follow(&mut phone, &mut server);
    server.grant(&scopes()[..2]);
    let reply = next_reply(&phone, &mut server);
    assert!(!reply.is_as_known && reply.grants.len() == 2);
    follow(&mut phone, &mut server);
    assert!(next_reply(&phone, &mut server).is_as_known);
}

#[test]
fn what_was_kept_of_something_else_is_set_right() {
    let (mut phone, mut server) = in_step();
    let (other, _) = in_step();
    put(&mut server, 3, "Emca", &scopes());
    follow(&mut phone, &mut server);
    phone.holdings = other.holdings;
    follow(&mut phone, &mut server);
    phone.holdings = None;
    follow(&mut phone, &mut server);
    assert!(next_reply(&phone, &mut server).is_as_known);
}

/// A row that is not there any more is found though the server says nothing of digests.
#[test]
fn damage_is_found_though_nothing_changed() {
    let (mut phone, mut server) = in_step();
    let key = *phone.rows.keys().next().unwrap();
    phone.rows.remove(&key);
    assert!(next_reply(&phone, &mut server).is_as_known);
    let summary = sync(&mut phone, &mut server, 100_000, client(9), |_| Wire::Good).unwrap();
    assert_eq!((summary.mismatches, summary.unrepaired), (1, 0));
    assert_eq!(phone.rows, server.expected());
}

#[test]
fn as_known_says_nothing_to_a_phone_that_knows_nothing() {
    let (phone, mut server) = in_step();
    let reply = next_reply(&phone, &mut server);
    let mut newcomer = MemoryPhone::new(client(2));
    let mut sync = SyncClient::default();
    let start = Event::Start {
        fresh: client(9),
        budget: 1,
        limits: SyncLimits::default(),
    };
    sync.step(&mut newcomer, start).unwrap();
    let event = Event::Reply {
        status: 200,
        body: encode_message(&reply).unwrap(),
        retry_after_ms: None,
        now: TimestampMs(7),
    };
    let effects = sync.step(&mut newcomer, event).unwrap();
    let failed = Failure::Protocol(ProtocolError::Malformed("pull reply"));
    assert_eq!(effects, [Effect::Failed(failed)]);
}

fn holdings() -> impl Strategy<Value = Holdings> {
    let scope = (0u8..3, 0u8..2, 0u64..3, 0u128..3);
    proptest::collection::vec(scope, 0..4).prop_map(|scopes| Holdings {
        grants: scopes
            .iter()
            .map(|(n, priority, ..)| ScopeGrant {
                scope: ScopeId::territory(territory(*n)),
                priority: Priority(*priority),
            })
            .collect(),
        digests: scopes
            .iter()
            .map(|(_, _, rows, sum)| Digest {
                rows: *rows,
                sum: *sum,
            })
            .collect(),
    })
}

proptest! {
    #[test]
    fn fingerprints_are_equal_where_holdings_are(a in holdings(), b in holdings()) {
        prop_assert_eq!(a.fingerprint() == b.fingerprint(), a == b);
        let kept = a.to_bytes().unwrap();
        prop_assert_eq!(Holdings::from_bytes(&kept), Some(a));
        prop_assert_eq!(Holdings::from_bytes(&kept[1..]), None);
    }
}
