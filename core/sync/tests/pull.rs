//! Pulls in any chopping, with the server changing in between, end where one pull ends.
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
use common::{Wire, client, lead, sync, territory};
use fieldfare_model::schema;
use fieldfare_model::{Columns, Entity, OLDEST_SCHEMA, RepId, SCHEMA};
use fieldfare_sync::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Act {
    Put {
        row: u8,
        text: u8,
        scopes: u8,
    },
    Delete(u8),
    Grant(u8),
    Restore,
    Newcomer,
    Pull {
        budget: u32,
        breaks_after: Option<u8>,
    },
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => (0u8..24, any::<u8>(), 0u8..16).prop_map(|(row, text, scopes)| Act::Put { row, text, scopes }),
        2 => (0u8..24).prop_map(Act::Delete),
        1 => (0u8..16).prop_map(Act::Grant),
        1 => Just(Act::Restore),
        2 => Just(Act::Newcomer),
        3 => (1u32..600, proptest::option::of(0u8..4))
            .prop_map(|(budget, breaks_after)| Act::Pull { budget, breaks_after }),
    ]
}

fn scopes(bits: u8) -> Vec<ScopeId> {
    let all = [
        ScopeId::rep(RepId::from_bytes([2; 16])),
        ScopeId::reference(),
        ScopeId::territory(territory(5)),
        ScopeId::territory(territory(7)),
    ];
    all.into_iter()
        .enumerate()
        .filter(|(i, _)| bits >> i & 1 == 1)
        .map(|(_, s)| s)
        .collect()
}

fn cells(text: u8) -> Columns {
    let mut c = Columns::new();
    c.set(schema::lead::NAME, format!("lead {text}"));
    c.set(
        schema::lead::SCORE,
        (!text.is_multiple_of(3)).then_some(i64::from(text)),
    );
    c
}

fn play(acts: &[Act], mut server: MemoryServer) -> (MemoryPhone, MemoryServer) {
    let mut phone = MemoryPhone::new(client(1));
    server.grant(&scopes(15));
    for act in acts {
        match act {
            Act::Put {
                row,
                text,
                scopes: bits,
            } => {
                server.put(Entity::LEAD, lead(*row), cells(*text), &scopes(*bits));
            }
            Act::Delete(row) => server.delete(Entity::LEAD, lead(*row)),
            Act::Grant(bits) => server.grant(&scopes(*bits)),
            Act::Restore => {
                server.epoch = Epoch(server.epoch.0 + 1);
                server.kept.iter_mut().for_each(Vec::clear);
            }
            Act::Newcomer => {
                let mut newcomer = MemoryPhone::new(client(3));
                sync(&mut newcomer, &mut server, 1, client(9), |_| Wire::Good).unwrap();
                assert_eq!(newcomer.rows, server.expected());
            }
            Act::Pull {
                budget,
                breaks_after,
            } => {
                let mut left = breaks_after.map(u32::from);
                let before = phone.rows.clone();
                let done = sync(
                    &mut phone,
                    &mut server,
                    *budget,
                    client(9),
                    |_| match &mut left {
                        Some(0) => Wire::LosesReply,
                        Some(n) => {
                            *n -= 1;
                            Wire::Good
                        }
                        None => Wire::Good,
                    },
                );
                match done {
                    Ok(_) => assert_eq!(phone.rows, server.expected()),
                    Err(failure) => {
                        assert_eq!(failure, Failure::Offline);
                        assert_nothing_new_of_shown_scopes(&before, &phone);
                    }
                }
            }
        }
    }
    (phone, server)
}

/// After an interrupted sync everything shown before is still shown as it was, unless a whole
/// checkpoint came through.
fn assert_nothing_new_of_shown_scopes(
    before: &std::collections::BTreeMap<(Entity, fieldfare_model::RowId), fieldfare_model::Row>,
    phone: &MemoryPhone,
) {
    if phone.rows == *before {
        return;
    }
    assert!(
        phone.rows.len() >= before.len(),
        "rows vanished in an interrupted sync"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn any_chopping_of_pulls_equals_one_pull(acts in proptest::collection::vec(act(), 1..60)) {
        for server in [MemoryServer::new(), MemoryServer::keeping(3)] {
            let (mut phone, mut server) = play(&acts, server);
            sync(&mut phone, &mut server, 50, client(9), |_| Wire::Good).unwrap();
            let mut whole = MemoryPhone::new(client(2));
            sync(&mut whole, &mut server, u32::MAX, client(9), |_| Wire::Good).unwrap();
            prop_assert_eq!(&phone.rows, &whole.rows);
            prop_assert_eq!(&phone.rows, &server.expected());
        }
    }
}

#[test]
fn a_server_that_changes_between_replies_is_shown_at_one_head() {
    let (mut phone, mut server) = (MemoryPhone::new(client(1)), MemoryServer::new());
    server.grant(&scopes(15));
    for row in 0..200 {
        server.put(Entity::LEAD, lead(row), cells(row), &scopes(4));
    }
    let mut moves = 0u8;
    sync(&mut phone, &mut server, 1, client(9), |server| {
        if moves < 40 {
            server.put(Entity::LEAD, lead(moves), cells(moves), &scopes(8));
            moves += 1;
        }
        Wire::Good
    })
    .unwrap();
    assert_eq!(phone.rows, server.expected());
}

#[test]
fn cursors_below_the_floor_start_again() {
    let (mut phone, mut server) = (MemoryPhone::new(client(1)), MemoryServer::new());
    server.grant(&scopes(4));
    server.put(Entity::LEAD, lead(1), cells(1), &scopes(4));
    sync(&mut phone, &mut server, 100, client(9), |_| Wire::Good).unwrap();
    server.delete(Entity::LEAD, lead(1));
    server.tables.members.clear();
    server.put(Entity::LEAD, lead(2), cells(2), &scopes(4));
    server.floor = server.tables.seq;
    sync(&mut phone, &mut server, 100, client(9), |_| Wire::Good).unwrap();
    assert_eq!(phone.rows, server.expected());
}

#[test]
fn an_app_or_server_of_another_protocol_keeps_its_outbox() {
    let mut server = MemoryServer::new();
    let request = PullRequest {
        protocol: PROTOCOL + 1,
        schema: 1,
        epoch: None,
        client: client(1),
        cursors: vec![],
        budget: 1,
        known: None,
    };
    let body = encode_message(&request).unwrap();
    let reply = SyncServer
        .step(
            &mut server,
            &common::device(),
            Default::default(),
            ServerEvent::Pull(&body),
            &common::zstd,
        )
        .unwrap();
    assert_eq!(reply.status, 426);
    let error: ErrorBody = decode_message(&reply.body).unwrap();
    assert_eq!(error.code, ErrorCode::Upgrade);
}

#[test]
fn apps_of_a_newer_schema_are_served_and_too_old_ones_told_to_update() {
    let mut server = MemoryServer::new();
    server.grant(&scopes(1));
    let mut ask = |schema| {
        let request = PullRequest {
            protocol: PROTOCOL,
            schema,
            epoch: None,
            client: client(1),
            cursors: vec![],
            budget: 1,
            known: None,
        };
        let body = encode_message(&request).unwrap();
        let event = ServerEvent::Pull(&body);
        let reply = SyncServer
            .step(
                &mut server,
                &common::device(),
                Default::default(),
                event,
                &common::zstd,
            )
            .unwrap();
        let refused = decode_message::<ErrorBody>(&reply.body).ok();
        (reply.status, refused.map(|error| error.code))
    };
    for schema in OLDEST_SCHEMA..=SCHEMA + 1 {
        assert_eq!(ask(schema), (200, None));
    }
    assert_eq!(ask(OLDEST_SCHEMA - 1), (426, Some(ErrorCode::Upgrade)));
}

#[test]
fn a_scope_of_many_frames_arrives_whole() {
    let (mut phone, mut server) = (MemoryPhone::new(client(1)), MemoryServer::new());
    server.grant(&scopes(4));
    for n in 0..2 * MAX_FRAME_ROWS as u32 + 5 {
        let mut id = [0u8; 16];
        id[..4].copy_from_slice(&n.to_be_bytes());
        server.put(
            Entity::LEAD,
            fieldfare_model::RowId::from_bytes(id),
            cells(1),
            &scopes(4),
        );
    }
    let summary = sync(&mut phone, &mut server, 100, client(9), |_| Wire::Good).unwrap();
    assert_eq!(summary.frames, 3);
    assert_eq!(phone.rows, server.expected());
}

#[test]
fn frames_that_skip_or_are_not_granted_are_refused() {
    let feed = |from: u64, scope: &ScopeId| {
        let row = fieldfare_model::Row {
            id: lead(1),
            version: from + 1,
            columns: cells(1),
        };
        let change = FeedChange::Put {
            entity: Entity::LEAD,
            row,
        };
        encode_frames(scope, from, from + 1, &[change], &common::zstd).unwrap()
    };
    let (held, other) = (scopes(4).remove(0), scopes(8).remove(0));
    let skips = [feed(0, &held), feed(5, &held)].concat();
    for frames in [feed(5, &held), feed(0, &other), skips] {
        let reply = PullReply {
            protocol: PROTOCOL,
            schema: 1,
            epoch: Epoch(7),
            status: PullStatus::Ok,
            grants: vec![ScopeGrant {
                scope: held.clone(),
                priority: held.priority(),
            }],
            frames: frames.into_iter().map(serde_bytes::ByteBuf::from).collect(),
            checkpoint: Some(Checkpoint {
                head: 9,
                priority: Priority::BULK,
                complete: true,
            }),
            last_n: 0,
            head: 9,
            digests: vec![],
            is_as_known: false,
        };
        let mut phone = MemoryPhone::new(client(1));
        let mut sync = SyncClient::default();
        sync.step(
            &mut phone,
            Event::Start {
                fresh: client(9),
                budget: 1,
                limits: SyncLimits::default(),
            },
        )
        .unwrap();
        let body = encode_message(&reply).unwrap();
        let event = Event::Reply {
            status: 200,
            body,
            retry_after_ms: None,
            now: Default::default(),
        };
        let effects = sync.step(&mut phone, event).unwrap();
        assert!(matches!(
            effects.last(),
            Some(Effect::Failed(Failure::Protocol(_)))
        ));
        assert!(phone.rows.is_empty());
    }
}

/// The rep's own lead goes to a territory she is given at the same moment, and the connection breaks
/// before the territory has come.
#[test]
fn a_lead_that_moves_to_a_scope_still_missing_stays_in_sight() {
    let (mut phone, mut server) = (MemoryPhone::new(client(1)), MemoryServer::new());
    server.grant(&scopes(3));
    server.put(Entity::LEAD, lead(1), cells(1), &scopes(1));
    sync(&mut phone, &mut server, 100, client(9), |_| Wire::Good).unwrap();
    server.grant(&scopes(7));
    server.put(Entity::LEAD, lead(1), cells(2), &scopes(4));
    for row in 2..60 {
        server.put(Entity::LEAD, lead(row), cells(row), &scopes(4));
    }
    for good in 0..4 {
        let mut left = good;
        let broken = sync(&mut phone, &mut server, 1, client(9), |_| {
            left -= 1;
            if left < 0 {
                Wire::LosesReply
            } else {
                Wire::Good
            }
        });
        if broken.is_err() {
            assert!(
                phone.rows.contains_key(&(Entity::LEAD, lead(1))),
                "after {good} replies"
            );
        }
    }
    sync(&mut phone, &mut server, 1, client(9), |_| Wire::Good).unwrap();
    assert_eq!(phone.rows, server.expected());
}
