//! Operations take effect at most once, in whole groups, and refusals block nothing.
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
use common::{Wire, client, lead, operation_id, sync, territory};
use fieldfare_model::schema::{lead as col, visit};
use fieldfare_model::*;
use fieldfare_sync::*;
use proptest::prelude::*;

fn scope() -> ScopeId {
    ScopeId::territory(territory(5))
}

fn operation(id: u64, entity: Entity, row: RowId, change: Change) -> Operation {
    Operation {
        id: operation_id(id),
        n: 0,
        group: operation_id(id),
        group_size: 1,
        entity,
        row,
        base_version: 0,
        depends_on: None,
        at: TimestampMs(5),
        change,
    }
}

fn set_phone(id: u64, row: u8, base: &str, new: &str) -> Operation {
    let edit = FieldEdit {
        tag: col::PHONE,
        base: base.into(),
        new: new.into(),
    };
    operation(id, Entity::LEAD, lead(row), Change::Edit(vec![edit]))
}

fn visit_to(id: u64, row: u8) -> Operation {
    let mut c = Columns::new();
    c.set(visit::LEAD, lead(row).as_bytes().to_vec());
    let row = VisitId::v7(id, [3; 10]).row();
    operation(id, Entity::VISIT, row, Change::Create(c))
}

fn world() -> (MemoryPhone, MemoryServer) {
    let mut server = MemoryServer::new();
    server.grant(&[scope()]);
    for row in 0..8 {
        let mut c = Columns::new();
        c.set(col::PHONE, "start");
        server.put(Entity::LEAD, lead(row), c, &[scope()]);
    }
    (MemoryPhone::new(client(1)), server)
}

fn good(phone: &mut MemoryPhone, server: &mut MemoryServer) -> SyncSummary {
    sync(phone, server, 1000, client(9), |_| Wire::Good).unwrap()
}

fn outcome(phone: &MemoryPhone, id: u64) -> Outcome {
    let waiting = phone
        .outbox
        .iter()
        .find(|w| w.operation.id == operation_id(id))
        .unwrap();
    waiting.outcome.clone().unwrap()
}

fn code(outcome: Outcome) -> RejectCode {
    match outcome {
        Outcome::Rejected { code, .. } => code,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn each_operation_takes_effect_once_whatever_the_wire_loses(
        script in proptest::collection::vec((0u8..8, 0u8..3, 1usize..4), 1..20),
    ) {
        let (mut phone, mut server) = world();
        let mut id = 100;
        for (row, fate, group) in script {
            let ops = (0..group).map(|_| { id += 1; visit_to(id, row) }).collect();
            phone.record(ops);
            let fate = [Wire::Good, Wire::LosesReply, Wire::LosesRequest][usize::from(fate)];
            let _ = sync(&mut phone, &mut server, 1000, client(9), |_| fate);
        }
        good(&mut phone, &mut server);
        let mut applied = server.tables.writes.clone();
        let mut recorded: Vec<_> = phone.outbox.iter().map(|w| w.operation.id).collect();
        applied.sort();
        recorded.sort();
        prop_assert_eq!(applied, recorded);
        let all_applied =
            phone.outbox.iter().all(|w| w.outcome.as_ref().is_some_and(|o| o.version().is_some()));
        prop_assert!(all_applied, "a repeated operation must get its first result");
        prop_assert_eq!(&phone.rows, &server.expected());
    }
}

#[test]
fn a_group_is_refused_whole_and_blocks_nothing() {
    let (mut phone, mut server) = world();
    server.refused_rows.insert(lead(3));
    phone.record(vec![visit_to(101, 3), set_phone(102, 3, "start", "x")]);
    phone.record(vec![set_phone(103, 4, "start", "y")]);
    let summary = good(&mut phone, &mut server);
    assert_eq!((summary.pushed, summary.refused), (3, 2));
    assert_eq!(code(outcome(&phone, 101)), RejectCode::Group);
    assert_eq!(code(outcome(&phone, 102)), RejectCode::Rule);
    assert!(outcome(&phone, 103).version().is_some());
    assert_eq!(server.tables.writes, [operation_id(103)]);
}

#[test]
fn what_builds_on_a_refused_change_is_refused_too() {
    let (mut phone, mut server) = world();
    server.refused_rows.insert(lead(3));
    phone.record(vec![set_phone(101, 3, "start", "x")]);
    let mut later = set_phone(102, 4, "start", "y");
    later.depends_on = Some(operation_id(101));
    phone.record(vec![later]);
    good(&mut phone, &mut server);
    assert_eq!(code(outcome(&phone, 102)), RejectCode::Dependency);
}

#[test]
fn both_sides_changing_a_cell_leaves_a_conflict() {
    let (mut phone, mut server) = world();
    good(&mut phone, &mut server);
    let seen = server.tables.seq;
    let mut c = Columns::new();
    c.set(col::PHONE, "crm");
    server.put(Entity::LEAD, lead(2), c, &[scope()]);
    let mine = Operation {
        base_version: seen,
        ..set_phone(101, 2, "start", "mine")
    };
    phone.record(vec![mine]);
    good(&mut phone, &mut server);
    assert!(
        matches!(outcome(&phone, 101), Outcome::Merged { columns, .. } if columns == [col::PHONE])
    );
    let conflict = &server.tables.conflicts[0];
    assert_eq!(
        (&conflict.kept, &conflict.lost),
        (&"mine".into(), &"crm".into())
    );
    assert_eq!(
        phone.rows[&(Entity::LEAD, lead(2))]
            .columns
            .get(col::PHONE)
            .as_text(),
        Some("mine")
    );
}

#[test]
fn a_deletion_beats_an_edit_and_shows_what_was_lost() {
    let (mut phone, mut server) = world();
    good(&mut phone, &mut server);
    server.delete(Entity::LEAD, lead(2));
    phone.record(vec![set_phone(101, 2, "start", "late")]);
    good(&mut phone, &mut server);
    assert_eq!(code(outcome(&phone, 101)), RejectCode::Deleted);
    assert_eq!(server.tables.conflicts[0].lost, "late".into());
}

#[test]
fn rows_out_of_scope_look_as_if_they_were_not_there() {
    let (mut phone, mut server) = world();
    server.put(
        Entity::LEAD,
        lead(90),
        Columns::new(),
        &[ScopeId::territory(territory(6))],
    );
    phone.record(vec![set_phone(101, 90, "start", "x")]);
    phone.record(vec![set_phone(102, 91, "start", "x")]);
    good(&mut phone, &mut server);
    assert_eq!(outcome(&phone, 101), outcome(&phone, 102));
    assert_eq!(code(outcome(&phone, 101)), RejectCode::OutOfScope);
}

#[test]
fn a_cloned_phone_loses_neither_ones_work() {
    let (mut phone, mut server) = world();
    let mut clone = phone.clone();
    phone.record(vec![visit_to(101, 1)]);
    clone.record(vec![visit_to(201, 1)]);
    good(&mut phone, &mut server);
    good(&mut clone, &mut server);
    assert_ne!(phone.client, clone.client);
    assert_eq!(server.tables.writes, [operation_id(101), operation_id(201)]);
}

#[test]
fn a_phone_restored_from_a_backup_applies_nothing_twice() {
    let (mut phone, mut server) = world();
    phone.record(vec![visit_to(101, 1)]);
    let backup = phone.clone();
    good(&mut phone, &mut server);
    phone.record(vec![visit_to(102, 1)]);
    good(&mut phone, &mut server);
    let mut restored = backup;
    restored.record(vec![visit_to(103, 1)]);
    good(&mut restored, &mut server);
    assert_eq!(server.tables.writes, [101, 102, 103].map(operation_id));
    assert!(restored.outbox.iter().all(|w| w.outcome.is_some()));
}

#[test]
fn a_server_restored_from_a_backup_gets_its_operations_back() {
    let (mut phone, mut server) = world();
    phone.record(vec![visit_to(101, 1)]);
    good(&mut phone, &mut server);
    let backup = server.tables.clone();
    phone.record(vec![visit_to(102, 1)]);
    good(&mut phone, &mut server);
    server.tables = backup;
    server.epoch = Epoch(8);
    phone.record(vec![visit_to(103, 1)]);
    good(&mut phone, &mut server);
    assert_eq!(server.tables.writes, [101, 102, 103].map(operation_id));
    assert_eq!(phone.rows, server.expected());
}

#[test]
fn a_push_that_breaks_the_form_changes_nothing() {
    let (_, mut server) = world();
    let before = format!("{:?}", server.tables);
    let numbered = |n: u64, op: Operation| Operation { n, ..op };
    let a = operation_id(101);
    let bad = [
        vec![visit_to(101, 1)],
        vec![numbered(1, visit_to(101, 1)), numbered(3, visit_to(102, 1))],
        vec![Operation {
            group_size: 2,
            ..numbered(1, visit_to(101, 1))
        }],
        vec![Operation {
            group: a,
            group_size: 1,
            ..numbered(1, visit_to(102, 1))
        }],
    ];
    for operations in bad {
        let request = PushRequest {
            protocol: PROTOCOL,
            schema: SCHEMA,
            epoch: None,
            client: client(1),
            operations,
            lost: vec![],
        };
        let body = encode_message(&request).unwrap();
        let reply = SyncServer
            .step(
                &mut server,
                &common::device(),
                TimestampMs(1),
                ServerEvent::Push(&body),
                &common::zstd,
            )
            .unwrap();
        assert_eq!(reply.status, 400);
    }
    assert_eq!(format!("{:?}", server.tables), before);
}

#[test]
fn a_message_of_another_protocol_asks_for_an_update_whatever_its_form() {
    #[derive(serde::Serialize)]
    struct Other {
        a: Vec<u8>,
        q: (f64, Option<bool>),
        p: u64,
    }
    let (_, mut server) = world();
    let mut status = |p: u64| {
        let other = Other {
            a: vec![1; 9],
            q: (0.5, None),
            p,
        };
        let body = encode_message(&other).unwrap();
        [ServerEvent::Pull(&body), ServerEvent::Push(&body)].map(|event| {
            let device = common::device();
            let now = TimestampMs(5);
            let reply = SyncServer.step(&mut server, &device, now, event, &common::zstd);
            let reply = reply.unwrap();
            let error: ErrorBody = decode_message(&reply.body).unwrap();
            assert_eq!(error.protocol, PROTOCOL);
            (reply.status, error.code)
        })
    };
    for protocol in [0, 2, 70_000, u64::MAX] {
        assert_eq!(status(protocol), [(426, ErrorCode::Upgrade); 2]);
    }
    assert_eq!(status(1), [(400, ErrorCode::Malformed); 2]);
}

#[test]
fn the_protocol_is_read_from_any_bytes_without_a_fault() {
    let body = encode_message(&ErrorBody::upgrade()).unwrap();
    assert_eq!(protocol_of(&body), Some(1));
    for length in 0..body.len() {
        assert_eq!(protocol_of(&body[..length]), None, "cut at {length}");
    }
    for bytes in [
        &[0x81, 0xa1, 0x70, 0xff][..],
        &[0x93, 1, 1, 1],
        &[0xc1],
        &[0x90; 3_000],
    ] {
        assert!(protocol_of(bytes).is_none_or(|p| p == 1), "{bytes:?}");
    }
}
