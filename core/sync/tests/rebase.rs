//! Rebase and repair fetch what differs and nothing else, and disasters lose no operation.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::phone::MemoryPhone;
use common::server::{MemoryServer, Place};
use common::{Wire, client, operation_id, sync, territory};
use fieldfare_model::schema::{lead as col, visit};
use fieldfare_model::*;
use fieldfare_sync::*;
use std::sync::atomic::{AtomicU8, Ordering};

const ROWS: u32 = 5_000;

fn scope(n: u8) -> ScopeId {
    ScopeId::territory(territory(n))
}

fn row_id(n: u32) -> RowId {
    let mut id = [0x01; 16];
    id[..4].copy_from_slice(&n.to_be_bytes());
    id[14..].copy_from_slice(&(n as u16).wrapping_mul(40_503).to_be_bytes());
    RowId::from_bytes(id)
}

fn cells(text: &str) -> Columns {
    let mut c = Columns::new();
    c.set(col::NAME, text);
    c
}

/// A phone that holds five thousand leads.
fn world() -> (MemoryPhone, MemoryServer) {
    let mut server = MemoryServer::new();
    server.grant(&[scope(5), scope(6)]);
    for n in 0..ROWS {
        server.put(Entity::LEAD, row_id(n), cells("start"), &[scope(5)]);
    }
    let mut phone = MemoryPhone::new(client(1));
    good(&mut phone, &mut server);
    (phone, server)
}

fn good(phone: &mut MemoryPhone, server: &mut MemoryServer) -> SyncSummary {
    static FRESH: AtomicU8 = AtomicU8::new(100);
    let fresh = client(FRESH.fetch_add(1, Ordering::SeqCst));
    sync(phone, server, 1, fresh, |_| Wire::Good).unwrap()
}

fn visit_to(id: u64, row: u32) -> Operation {
    let mut c = Columns::new();
    c.set(visit::LEAD, row_id(row).as_bytes().to_vec());
    Operation {
        id: operation_id(id),
        n: 0,
        group: operation_id(id),
        group_size: 1,
        entity: Entity::VISIT,
        row: VisitId::v7(id, [3; 10]).row(),
        base_version: 0,
        depends_on: None,
        at: TimestampMs(5),
        change: Change::Create(c),
    }
}

#[test]
fn a_new_history_is_taken_up_without_fetching_what_is_there() {
    let (mut phone, mut server) = world();
    let backup = server.tables.clone();
    server.put(Entity::LEAD, row_id(1), cells("lost"), &[scope(5)]);
    server.put(Entity::LEAD, row_id(9_000), cells("lost"), &[scope(6)]);
    server.delete(Entity::LEAD, row_id(2));
    good(&mut phone, &mut server);
    server.tables = backup;
    server.epoch = Epoch(8);
    server.put(Entity::LEAD, row_id(3), cells("new"), &[scope(6)]);
    let summary = good(&mut phone, &mut server);
    assert_eq!(phone.rows, server.expected());
    assert_eq!(summary.rows, 3, "rows 1, 2 and 3, and none of the others");
    assert_eq!(summary.mismatches, 0);
}

#[test]
fn the_same_version_of_another_history_is_not_taken_for_the_same_row() {
    let (mut phone, mut server) = world();
    let backup = server.tables.clone();
    let old = server.put(Entity::LEAD, row_id(1), cells("before"), &[scope(5)]);
    good(&mut phone, &mut server);
    server.tables = backup;
    server.epoch = Epoch(8);
    let new = server.put(Entity::LEAD, row_id(1), cells("after"), &[scope(5)]);
    assert_eq!(old, new);
    good(&mut phone, &mut server);
    assert_eq!(phone.rows, server.expected());
}

#[test]
fn an_interrupted_rebase_goes_on_where_it_was() {
    let (mut phone, mut server) = world();
    server.epoch = Epoch(8);
    for n in 0..ROWS {
        server.put(Entity::LEAD, row_id(n), cells("all new"), &[scope(5)]);
    }
    let mut frames = 0;
    let mut left = 0;
    for round in 1.. {
        left += 1;
        let mut requests = left;
        let done = sync(&mut phone, &mut server, 1, client(200), |_| {
            requests -= 1;
            if requests == 0 {
                Wire::LosesReply
            } else {
                Wire::Good
            }
        });
        if let Ok(summary) = done {
            frames += summary.frames;
            break;
        }
        assert!(round < 100, "it never ends");
        left = 2;
    }
    assert!(
        frames <= 2,
        "what was repaired is not repaired again: {frames}"
    );
    assert_eq!(phone.rows, server.expected());
}

/// What the store says its digests are is taken for it, but only if it is right; and a store that says
/// nothing is looked into.
#[test]
fn rows_are_counted_when_the_store_says_so_or_is_wrong() {
    let (mut phone, mut server) = world();
    let key = DigestKey::of(server.epoch);
    let sums = phone.sums(&key).unwrap().into_iter();
    let right: Vec<_> = sums.map(|(scope, sums)| (scope, sums.total())).collect();
    let row = phone.rows.get_mut(&(Entity::LEAD, row_id(7))).unwrap();
    row.columns.set(col::NAME, "damaged");
    phone.carried = Some(right);
    assert_eq!(
        good(&mut phone, &mut server).mismatches,
        0,
        "not looked into"
    );
    phone.carried = Some(Vec::new());
    assert_eq!(good(&mut phone, &mut server).mismatches, 1);
    assert_eq!(phone.rows, server.expected());
    phone.carried = None;
    assert_eq!(good(&mut phone, &mut server).mismatches, 0);
}

#[test]
fn a_damaged_row_is_repaired_alone_and_counted() {
    let (mut phone, mut server) = world();
    for n in [7, 11] {
        let row = phone.rows.get_mut(&(Entity::LEAD, row_id(n))).unwrap();
        row.columns.set(col::NAME, "damaged");
    }
    phone.rows.remove(&(Entity::LEAD, row_id(12)));
    let summary = good(&mut phone, &mut server);
    assert_eq!(phone.rows, server.expected());
    assert_eq!((summary.mismatches, summary.rows), (1, 3));
    assert_eq!((phone.mismatches, summary.unrepaired), (1, 0));
    assert_eq!(good(&mut phone, &mut server).mismatches, 0);
}

#[test]
fn a_cursor_below_the_floor_costs_what_differs() {
    let (mut phone, mut server) = world();
    for n in 0..10 {
        server.delete(Entity::LEAD, row_id(n));
    }
    server.put(Entity::LEAD, row_id(20), cells("new"), &[scope(5)]);
    let gone = |(_, place): &(u64, Place)| matches!(place, Place::Gone(_));
    server.tables.members.retain(|_, place| !gone(place));
    server.floor = server.tables.seq;
    let summary = good(&mut phone, &mut server);
    assert_eq!(phone.rows, server.expected());
    assert_eq!(summary.rows, 1);
}

#[test]
fn a_first_fetch_goes_on_though_its_cursor_lies_below_the_floor() {
    let (_, mut server) = world();
    server.floor = server.tables.seq;
    let mut phone = MemoryPhone::new(client(2));
    let summary = good(&mut phone, &mut server);
    assert_eq!(summary.rows, u64::from(ROWS));
    assert_eq!(phone.rows, server.expected());
}

#[test]
fn a_first_fetch_overtaken_by_the_floor_begins_again() {
    let (_, mut server) = world();
    let mut phone = MemoryPhone::new(client(2));
    let mut replies = 0;
    sync(&mut phone, &mut server, 1, client(200), |server| {
        replies += 1;
        if replies == 2 {
            server.delete(Entity::LEAD, row_id(0));
            server
                .tables
                .members
                .retain(|_, (_, place)| *place == Place::Here);
            server.floor = server.tables.seq;
        }
        Wire::Good
    })
    .unwrap();
    assert_eq!(phone.rows, server.expected());
}

#[test]
fn a_restored_server_gets_back_what_nobody_pushes_any_more() {
    let (mut phone, mut server) = world();
    let backup = server.tables.clone();
    phone.record(vec![visit_to(101, 1), visit_to(102, 2)]);
    good(&mut phone, &mut server);
    server.tables = backup;
    server.epoch = Epoch(8);
    let summary = good(&mut phone, &mut server);
    assert_eq!(summary.pushed, 2);
    assert_eq!(server.tables.writes, [101, 102].map(operation_id));
    assert_eq!(phone.rows, server.expected());
    good(&mut phone, &mut server);
    assert_eq!(server.tables.writes.len(), 2, "once");
}

/// What tells the history apart is lost with the cache, and the numbers agree by chance: the answers
/// themselves say of which history they are.
#[test]
fn answers_of_another_history_are_noticed_without_a_cache() {
    let (mut phone, mut server) = world();
    let backup = server.tables.clone();
    phone.record(vec![visit_to(101, 1)]);
    good(&mut phone, &mut server);
    let mut copy = MemoryPhone::new(phone.client);
    copy.next_n = phone.next_n;
    copy.answered = phone.answered;
    copy.outbox.clone_from(&phone.outbox);
    server.tables = backup;
    server.epoch = Epoch(8);
    server.put(Entity::LEAD, row_id(2), cells("since"), &[scope(5)]);
    good(&mut phone, &mut server);
    server.tables.last_n.insert(copy.client, 1);
    good(&mut copy, &mut server);
    let stored = &server.tables.results[&operation_id(101)].result;
    assert_eq!(copy.outbox[0].outcome.as_ref(), Some(&stored.outcome));
    assert_eq!(server.tables.writes, [operation_id(101)], "once");
    assert_eq!(copy.rows, server.expected());
}

#[test]
fn a_server_restored_without_a_new_epoch_is_noticed_too() {
    let (mut phone, mut server) = world();
    let backup = server.tables.clone();
    phone.record(vec![visit_to(101, 1)]);
    good(&mut phone, &mut server);
    server.tables = backup;
    good(&mut phone, &mut server);
    assert_eq!(server.tables.writes, [operation_id(101)]);
    assert_eq!(phone.rows, server.expected());
}

#[test]
fn operations_of_before_a_fork_come_back_too() {
    let (mut phone, mut server) = world();
    let backup = server.tables.clone();
    let mut clone = phone.clone();
    phone.record(vec![visit_to(101, 1)]);
    good(&mut phone, &mut server);
    clone.record(vec![visit_to(201, 1)]);
    good(&mut clone, &mut server);
    assert_ne!(phone.client, clone.client);
    phone.next_n = 1;
    good(&mut phone, &mut server);
    server.tables = backup;
    server.epoch = Epoch(8);
    good(&mut phone, &mut server);
    assert_eq!(server.tables.writes, [operation_id(101)]);
}

#[test]
fn what_the_phone_no_longer_keeps_is_put_on_record() {
    let (mut phone, mut server) = world();
    let backup = server.tables.clone();
    for id in 101..=104 {
        phone.record(vec![visit_to(id, 1)]);
        good(&mut phone, &mut server);
    }
    phone.outbox.retain(|w| w.operation.id != operation_id(102));
    server.tables = backup;
    server.epoch = Epoch(8);
    let old = phone.client;
    let summary = good(&mut phone, &mut server);
    let gap = NumberGap {
        client: old,
        from: 2,
        to: 2,
    };
    assert_eq!(
        server.tables.gaps.iter().copied().collect::<Vec<_>>(),
        [gap]
    );
    assert_eq!(server.tables.writes, [101, 103, 104].map(operation_id));
    assert_eq!((summary.lost, phone.gaps.len()), (1, 0));
}

#[test]
fn a_clone_that_only_pulls_notices_that_it_is_one() {
    let (mut phone, mut server) = world();
    let mut clone = phone.clone();
    phone.record(vec![visit_to(101, 1)]);
    good(&mut phone, &mut server);
    good(&mut clone, &mut server);
    assert_ne!(phone.client, clone.client);
    assert_eq!(clone.rows, server.expected());
}

#[test]
fn an_edit_of_another_history_meets_who_wrote_since() {
    let (mut phone, mut server) = world();
    let backup = server.tables.clone();
    for _ in 0..5 {
        server.put(Entity::LEAD, row_id(1), cells("seen"), &[scope(5)]);
    }
    good(&mut phone, &mut server);
    let seen = phone.rows[&(Entity::LEAD, row_id(1))].version;
    let edit = FieldEdit {
        tag: col::NAME,
        base: "seen".into(),
        new: "mine".into(),
    };
    let operation = Operation {
        entity: Entity::LEAD,
        row: row_id(1),
        base_version: seen,
        change: Change::Edit(vec![edit]),
        ..visit_to(101, 1)
    };
    phone.record(vec![operation]);
    server.tables = backup;
    server.epoch = Epoch(8);
    server.put(Entity::LEAD, row_id(1), cells("theirs"), &[scope(5)]);
    good(&mut phone, &mut server);
    assert_eq!(server.tables.conflicts.len(), 1);
}

#[test]
fn limits_stop_a_sync_between_frames_and_it_goes_on_from_there() {
    let (_, mut server) = world();
    let mut phone = MemoryPhone::new(client(2));
    let (mut frames, mut rounds) = (0, 0);
    loop {
        rounds += 1;
        let summary = paused(&mut phone, &mut server);
        frames += summary.frames;
        if summary.head > 0 {
            break;
        }
        assert!(rounds < 20);
    }
    assert_eq!(frames, 3, "no frame came twice");
    assert!(rounds > 1);
    assert_eq!(phone.rows, server.expected());
}

fn paused(phone: &mut MemoryPhone, server: &mut MemoryServer) -> SyncSummary {
    let mut client_half = SyncClient::default();
    let limits = SyncLimits {
        bytes: Some(1_000),
        until: None,
    };
    let mut event = Event::Start {
        fresh: client(200),
        budget: u32::MAX,
        limits,
    };
    loop {
        let effects = client_half.step(phone, event.clone()).unwrap();
        for effect in effects {
            match effect {
                Effect::Send(request) => event = common::carry(server, &request, Wire::Good),
                Effect::Proceed => event = Event::Proceed,
                Effect::Done(summary) | Effect::Paused(summary) => return summary,
                other => assert!(!matches!(other, Effect::Failed(_)), "{other:?}"),
            }
        }
    }
}
