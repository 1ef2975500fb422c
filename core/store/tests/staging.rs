//! Frames, scopes and checkpoints, case by case.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod common;

use common::{
    complete, filled, grant, lead_id, name_of, open, put_lead, reconcile, rename, scope, stage,
};
use fieldfare_model::{Columns, Entity, Row, schema};
use fieldfare_store::{LeadFilter, LeadOrder, MemoryKeyVault, Store, StoreError, StoreOptions};
use fieldfare_sync::{
    Checkpoint, Digest, DigestKey, Epoch, FeedChange, Frame, Holdings, LeaveReason, PhoneStore,
    Priority, Repair, ScopeId, bucket_of, encode_frames,
};
use std::sync::Arc;

fn phone() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = filled(dir.path(), &Arc::new(MemoryKeyVault::new()));
    (dir, store)
}

fn leave(i: u8, seq: u64) -> FeedChange {
    FeedChange::Leave {
        entity: Entity::LEAD,
        id: lead_id(i).row(),
        seq,
        reason: LeaveReason::Left,
    }
}

fn publish(store: &Store, grants: &[&str], head: u64) {
    let grants: Vec<_> = grants.iter().map(|name| grant(name)).collect();
    (&mut &*store).publish(&grants, &complete(head)).unwrap();
}

#[test]
fn a_row_that_moves_between_held_scopes_is_never_missing() {
    let (_dir, store) = phone();
    publish(&store, &["terr:a", "terr:b"], 11);
    stage(&store, &scope("terr:a"), 11, 20, &[leave(1, 15)]);
    assert_eq!(name_of(&store, 1).as_deref(), Some("Anna"));
    stage(
        &store,
        &scope("terr:b"),
        11,
        20,
        &[put_lead(1, 15, "Moved")],
    );
    assert_eq!(name_of(&store, 1).as_deref(), Some("Anna"));
    publish(&store, &["terr:a", "terr:b"], 20);
    assert_eq!(name_of(&store, 1).as_deref(), Some("Moved"));
    publish(&store, &["terr:a"], 21);
    assert_eq!(name_of(&store, 1), None);
    assert_eq!(name_of(&store, 2).as_deref(), Some("Bert"));
}

#[test]
fn what_the_server_said_is_held_is_kept_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Arc::new(MemoryKeyVault::new());
    let store = filled(dir.path(), &vault);
    assert_eq!((&store).sync_state().unwrap().holdings, None);
    let said = |rows| Holdings {
        grants: vec![grant("terr:a")],
        digests: vec![Digest { rows, sum: 7 }],
    };
    (&store).keep_holdings(&said(1)).unwrap();
    (&store).keep_holdings(&said(2)).unwrap();
    store.close().unwrap();
    drop(store);
    let (store, _) = open(dir.path(), &vault);
    assert_eq!((&store).sync_state().unwrap().holdings, Some(said(2)));
}

/// Keeps one row as what a repair of a scope brought.
fn stage_repair(store: &Store, name: &str, row: FeedChange) {
    let compress = |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap();
    let bytes = encode_frames(&scope(name), 0, row.seq(), &[row], &compress).unwrap();
    let repair = Repair {
        scope: &scope(name),
        buckets: &[bucket_of(lead_id(1).row())],
        frames: &[(Frame::decode(&bytes[0]).unwrap(), bytes[0].as_slice())],
        gone: &[],
    };
    (&mut &*store).stage_repair(&repair).unwrap();
}

/// Scopes are compared one after the other, and a row may move meanwhile.
#[test]
fn of_two_repairs_of_a_row_the_newer_stands() {
    for (from, to) in [("terr:a", "terr:b"), ("terr:b", "terr:a")] {
        let (_dir, store) = phone();
        publish(&store, &["terr:a", "terr:b"], 11);
        (&mut &store).begin_rebase(Epoch(8)).unwrap();
        stage_repair(&store, from, put_lead(1, 5, "Before it moved"));
        stage_repair(&store, to, put_lead(1, 7, "Moved"));
        (&mut &store)
            .note_comparison(6, &[(scope(from), Vec::new()), (scope(to), Vec::new())])
            .unwrap();
        stage(&store, &scope(from), 6, 8, &[leave(1, 7)]);
        publish(&store, &["terr:a", "terr:b"], 8);
        assert_eq!(name_of(&store, 1).as_deref(), Some("Moved"), "to {to}");
    }
}

#[test]
fn an_edit_waits_for_a_row_that_comes_back_by_a_new_scope() {
    let (_dir, store) = phone();
    store
        .record(&[rename(1, lead_id(1).row(), 5, "Edited")])
        .unwrap();
    stage(&store, &scope("terr:a"), 10, 20, &[leave(1, 15)]);
    publish(&store, &["terr:a"], 20);
    assert_eq!(name_of(&store, 1), None);
    stage(&store, &scope("terr:b"), 0, 20, &[put_lead(1, 15, "Moved")]);
    assert_eq!(name_of(&store, 1), None, "not shown before its scope is");
    publish(&store, &["terr:a", "terr:b"], 21);
    let stored = store.lead(lead_id(1)).unwrap().unwrap();
    assert_eq!((stored.is_pending, stored.row.version), (true, 15));
    assert_eq!(name_of(&store, 1).as_deref(), Some("Edited"));
}

#[test]
fn frames_continue_a_scope_or_are_refused() {
    let (_dir, store) = phone();
    let territory = scope("terr:a");
    let frame = |from, to| Frame {
        scope: territory.clone(),
        from,
        to,
        changes: Vec::new(),
    };
    let gap = (&mut &store).stage(&frame(11, 12), b"", 12);
    assert!(matches!(gap, Err(StoreError::FrameOrder)));
    let cursor = || (&store).sync_state().unwrap().cursors[0].cursor;
    (&mut &store).stage(&frame(3, 9), b"", 12).unwrap();
    assert_eq!(cursor(), 10, "what was taken in before changes nothing");
    stage(&store, &territory, 10, 14, &[put_lead(3, 13, "Carl")]);
    assert_eq!(cursor(), 14);
    publish(&store, &["terr:a"], 20);
    assert_eq!(cursor(), 20);
    assert_eq!(name_of(&store, 3).as_deref(), Some("Carl"));
}

#[test]
fn part_of_the_scopes_is_shown_early_only_on_the_first_day() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path(), &Arc::new(MemoryKeyVault::new()));
    (&mut &store).enter_epoch(Epoch(1)).unwrap();
    let grants = [grant("rep:me"), grant("terr:a")];
    let part = |head| Checkpoint {
        head,
        priority: Priority::OWN,
        complete: false,
    };
    stage(&store, &scope("rep:me"), 0, 10, &[put_lead(1, 5, "Own")]);
    stage(&store, &scope("terr:a"), 0, 6, &[put_lead(2, 6, "Bulk")]);
    let changed = (&mut &store).publish(&grants, &part(10)).unwrap();
    assert_eq!(changed, [(Entity::LEAD, lead_id(1).row())]);
    let status = store.sync_status().unwrap();
    assert_eq!((status.shown_scopes, status.unshown_scopes), (1, 1));
    publish(&store, &["rep:me", "terr:a"], 10);

    stage(
        &store,
        &scope("rep:me"),
        10,
        20,
        &[put_lead(1, 15, "Changed")],
    );
    assert!(
        (&mut &store)
            .publish(&grants, &part(20))
            .unwrap()
            .is_empty()
    );
    assert_eq!(name_of(&store, 1).as_deref(), Some("Own"));
}

#[test]
fn a_new_history_replaces_even_newer_looking_rows() {
    let (_dir, store) = phone();
    (&mut &store).begin_rebase(Epoch(8)).unwrap();
    assert_eq!(
        name_of(&store, 1).as_deref(),
        Some("Anna"),
        "shown until the scopes are there again"
    );
    assert_eq!((&store).sync_state().unwrap().uncompared, [scope("terr:a")]);
    let held = |_: &ScopeId| {
        let FeedChange::Put { entity, row } = put_lead(1, 2, "Restored") else {
            panic!()
        };
        vec![(entity, row)]
    };
    reconcile(&store, Epoch(8), 4, &held);
    assert_eq!((&store).sync_state().unwrap().cursors[0].cursor, 4);
    assert_eq!(name_of(&store, 1).as_deref(), Some("Anna"));
    assert_eq!(name_of(&store, 2).as_deref(), Some("Bert"));
    let changed = (&mut &store)
        .publish(&[grant("terr:a")], &complete(4))
        .unwrap();
    assert_eq!(changed.len(), 2);
    assert_eq!(name_of(&store, 1).as_deref(), Some("Restored"));
    assert_eq!(name_of(&store, 2), None);
}

#[test]
fn a_rebase_leaves_what_is_the_same_alone() {
    let (_dir, store) = phone();
    (&mut &store).begin_rebase(Epoch(8)).unwrap();
    let held = |_: &ScopeId| {
        [put_lead(1, 5, "Anna"), put_lead(2, 6, "Bert")]
            .into_iter()
            .filter_map(|change| match change {
                FeedChange::Put { entity, row } => Some((entity, row)),
                FeedChange::Leave { .. } => None,
            })
            .collect()
    };
    reconcile(&store, Epoch(8), 10, &held);
    let changed = (&mut &store)
        .publish(&[grant("terr:a")], &complete(10))
        .unwrap();
    assert_eq!(changed, []);
    stage(&store, &scope("terr:a"), 10, 12, &[put_lead(1, 11, "Next")]);
    publish(&store, &["terr:a"], 12);
    assert_eq!(name_of(&store, 1).as_deref(), Some("Next"));
}

#[test]
fn unknown_entities_and_columns_are_carried() {
    let (_dir, store) = phone();
    let FeedChange::Put { mut row, .. } = put_lead(1, 15, "Anna") else {
        panic!()
    };
    row.columns.set(900, "of the future");
    row.columns.set(901, vec![1_u8, 2]);
    row.columns.set(schema::lead::TIER, "not a number");
    let lead = FeedChange::Put {
        entity: Entity::LEAD,
        row: row.clone(),
    };
    let unknown = FeedChange::Put {
        entity: Entity(200),
        row: Row {
            version: 16,
            ..row.clone()
        },
    };
    stage(&store, &scope("terr:b"), 0, 20, &[lead, unknown]);
    publish(&store, &["terr:a", "terr:b"], 20);
    for entity in [Entity::LEAD, Entity(200)] {
        assert_eq!(
            store.row(entity, row.id).unwrap().unwrap().row.columns,
            row.columns
        );
    }
    assert_eq!(store.positions().unwrap().len(), 2);
}

#[test]
fn pages_give_every_lead_once_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path(), &Arc::new(MemoryKeyVault::new()));
    (&mut &store).enter_epoch(Epoch(1)).unwrap();
    let names = [
        "delta", "Alpha", "alpha", "ÉTÉ", "", "bravo", "Charlie", "alpha",
    ];
    let leads: Vec<_> = (1u8..)
        .zip(names)
        .map(|(i, n)| put_lead(i, u64::from(i), n))
        .collect();
    stage(&store, &scope("terr:a"), 0, 20, &leads);
    publish(&store, &["terr:a"], 20);
    for order in [LeadOrder::Name, LeadOrder::Changed] {
        for filter in [
            LeadFilter::default(),
            LeadFilter {
                statuses: vec![fieldfare_model::LeadStatus::New],
                ..LeadFilter::default()
            },
        ] {
            let whole = store.page_leads(&filter, order, None, 100).unwrap();
            assert!(whole.next.is_none() && whole.rows.len() == names.len());
            for limit in 1..4 {
                let mut rows = Vec::new();
                let mut end = None;
                loop {
                    let page = store
                        .page_leads(&filter, order, end.as_ref(), limit)
                        .unwrap();
                    rows.extend(page.rows);
                    end = page.next;
                    if end.is_none() {
                        break;
                    }
                }
                assert_eq!(rows, whole.rows);
            }
        }
    }
    let changed = store
        .page_leads(&LeadFilter::default(), LeadOrder::Changed, None, 3)
        .unwrap();
    assert_eq!(
        changed
            .rows
            .iter()
            .map(|r| r.row.version)
            .collect::<Vec<_>>(),
        [8, 7, 6]
    );
    let none = LeadFilter {
        min_score: Some(1),
        ..LeadFilter::default()
    };
    assert!(
        store
            .page_leads(&none, LeadOrder::Name, None, 3)
            .unwrap()
            .rows
            .is_empty()
    );
}

#[test]
fn search_takes_whatever_is_typed() {
    let (_dir, store) = phone();
    stage(
        &store,
        &scope("terr:a"),
        10,
        20,
        &[put_lead(3, 15, "Crêperie Éléonore OR Söhne")],
    );
    publish(&store, &["terr:a"], 20);
    for typed in [
        "creperie",
        "CRÊPERIE ele",
        "sohne",
        "\"Creperie\"",
        "or cre",
        "e\u{301}le\u{301}o",
    ] {
        assert_eq!(store.search_leads(typed, 10).unwrap().len(), 1, "{typed}");
    }
    for typed in [
        "", "  ", "*", "\"", "AND", "NEAR(", "name:", "a\0b", "(((", "-", "^x", "😀", "'; DROP",
    ] {
        let _ = store.search_leads(typed, 10).unwrap();
        let filter = LeadFilter {
            text: Some(typed.into()),
            ..LeadFilter::default()
        };
        store
            .page_leads(&filter, LeadOrder::Name, None, 10)
            .unwrap();
    }
    assert!(
        store
            .search_leads("eleonore creperie nothing", 10)
            .unwrap()
            .is_empty()
    );
}

/// A write leaves full text alone where it can; it must not where it cannot.
#[test]
fn a_change_of_any_text_is_found_and_the_old_one_is_not() {
    let (_dir, store) = phone();
    let texts = [
        schema::lead::NAME,
        schema::lead::STREET,
        schema::lead::UNIT,
        schema::lead::CITY,
        schema::lead::REGION,
        schema::lead::POSTAL_CODE,
        schema::lead::NOTES,
    ];
    let mut columns = common::lead_columns(1, "Anna");
    let mut head = 11;
    let mut write = |columns: &Columns| {
        let row = Row {
            id: lead_id(1).row(),
            version: head + 1,
            columns: columns.clone(),
        };
        let put = FeedChange::Put {
            entity: Entity::LEAD,
            row,
        };
        stage(&store, &scope("terr:a"), head, head + 1, &[put]);
        head += 1;
        publish(&store, &["terr:a", "terr:b"], head);
    };
    publish(&store, &["terr:a", "terr:b"], 11);
    for tag in texts {
        for word in ["quitte", "mirabelle"] {
            columns.set(tag, word);
            write(&columns);
            let found = |word| store.search_leads(word, 10).unwrap().len();
            let other = if word == "quitte" {
                "mirabelle"
            } else {
                "quitte"
            };
            assert_eq!((found(word), found(other)), (1, 0), "{tag}");
            columns.set(schema::lead::PHONE, format!("555 {tag} {word}"));
            write(&columns);
            assert_eq!((found(word), found(other)), (1, 0), "{tag}");
        }
        columns.set(tag, "x");
    }
}

#[test]
fn full_text_can_be_taken_away_and_given_back() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Arc::new(MemoryKeyVault::new());
    filled(dir.path(), &vault).close().unwrap();
    let without = StoreOptions {
        full_text: false,
        ..StoreOptions::default()
    };
    let (store, _) = Store::open(dir.path(), vault.clone(), without).unwrap();
    assert!(matches!(
        store.search_leads("anna", 9),
        Err(StoreError::SearchOff)
    ));
    stage(
        &store,
        &scope("terr:a"),
        10,
        20,
        &[put_lead(1, 15, "Renamed")],
    );
    publish(&store, &["terr:a"], 20);
    store.close().unwrap();
    let (store, _) = open(dir.path(), &vault);
    assert!(store.search_leads("anna", 9).unwrap().is_empty());
    assert_eq!(store.search_leads("renamed", 9).unwrap().len(), 1);
}

#[test]
fn digests_are_carried_on_where_there_are_many_rows() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Arc::new(MemoryKeyVault::new());
    let key = DigestKey::of(Epoch(7));
    let counted = (&filled(dir.path(), &vault)).sums(&key).unwrap();
    let rows: u64 = counted.iter().map(|(_, sums)| sums.total().rows).sum();
    for (counted_at_every_sync, is_carried) in [(rows, false), (rows - 1, true)] {
        let options = StoreOptions {
            counted_at_every_sync,
            ..StoreOptions::default()
        };
        let (store, _) = Store::open(dir.path(), vault.clone(), options).unwrap();
        assert_eq!(
            (&store).carried_digests(&key).unwrap(),
            None,
            "never counted"
        );
        (&store).sums(&key).unwrap();
        let carried = (&store).carried_digests(&key).unwrap();
        assert_eq!(carried.is_some(), is_carried, "{counted_at_every_sync}");
    }
}
