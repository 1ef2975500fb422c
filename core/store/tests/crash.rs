//! Processes killed in the middle of their work.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod common;

use common::{
    complete, create, first_grant, grant, lead_columns, lead_id, operation_id, put_lead, rename,
    scope, stage,
};
use fieldfare_model::{ConsentEvent, Entity, Fix, LatLng, PingId, Purpose, Row, TimestampMs};
use fieldfare_store::{FileKeyVault, NewOperation, Ping, Store, StoreOptions};
use fieldfare_sync::{Change, Epoch, FeedChange, PhoneStore};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

const DIR: &str = "FIELDFARE_CRASH_DIR";
const CANARY: &str = "kanarienvogel";

fn open(dir: &Path) -> Store {
    let vault = Arc::new(FileKeyVault::new(dir.join("vault")));
    Store::open(dir.join("store"), vault, StoreOptions::default())
        .unwrap()
        .0
}

/// This test program, under the emulator that runs it if it is for another processor.
fn program() -> Command {
    let itself = std::env::current_exe().unwrap();
    let emulator = std::env::var("FIELDFARE_EMULATOR").unwrap_or_default();
    let mut words = emulator.split_whitespace();
    let Some(first) = words.next() else {
        return Command::new(itself);
    };
    let mut command = Command::new(first);
    command.args(words).arg(itself);
    command
}

/// This test program again, running one of the `child_` tests below in `dir`.
fn child(name: &str, dir: &Path) -> Command {
    let mut command = program();
    command
        .args([
            "--exact",
            name,
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

fn child_dir() -> PathBuf {
    PathBuf::from(std::env::var(DIR).unwrap())
}

#[test]
#[ignore = "run by the test below"]
fn child_records() {
    let store = open(&child_dir());
    let first = store.waiting_operations().unwrap().len() as u64 + 1;
    for i in first..first + 10_000 {
        let pair = [
            rename(2 * i, lead_id(1).row(), 0, &format!("name{i}")),
            rename(2 * i + 1, lead_id(1).row(), 0, &format!("name{i}")),
        ];
        store.record(&pair).unwrap();
        println!("\nsaved {}", 2 * i);
    }
}

#[test]
fn what_was_reported_saved_survives_a_kill_and_groups_stay_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut saved = Vec::new();
    for round in 0..8_usize {
        let mut running = child("child_records", dir.path()).spawn().unwrap();
        let lines = BufReader::new(running.stdout.take().unwrap()).lines();
        for line in lines.map_while(Result::ok) {
            if let Some(id) = line.strip_prefix("saved ") {
                saved.push(id.parse::<u64>().unwrap());
                if saved.len() % 7 == round % 7 {
                    break;
                }
            }
        }
        running.kill().unwrap();
        running.wait().unwrap();
        let waiting = open(dir.path()).waiting_operations().unwrap();
        let ids: Vec<_> = waiting.iter().map(|o| o.operation.id).collect();
        for id in &saved {
            assert!(ids.contains(&operation_id(*id)) && ids.contains(&operation_id(id + 1)));
        }
        assert!(
            waiting
                .chunks(2)
                .all(|g| g.len() == 2 && g[0].operation.group == g[1].operation.group)
        );
    }
    assert!(saved.len() >= 8);
}

#[test]
#[ignore = "run by the test below"]
fn child_rotates() {
    let store = open(&child_dir());
    println!("\nready");
    loop {
        store.rotate_key().unwrap();
    }
}

#[test]
fn a_kill_during_key_rotation_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    (&mut &store).enter_epoch(Epoch(1)).unwrap();
    let leads: Vec<_> = (1..=80)
        .map(|i| put_lead(i, u64::from(i), &"x".repeat(4_000)))
        .collect();
    stage(&store, &scope("terr:a"), 0, 200, &leads);
    (&mut &store)
        .publish(&[grant("terr:a")], &complete(200))
        .unwrap();
    store
        .record(&[rename(1, lead_id(1).row(), 5, "Edited")])
        .unwrap();
    store.close().unwrap();
    let key_file = dir.path().join("store/keys.bin");
    let mut keys_seen = std::collections::BTreeSet::from([std::fs::read(&key_file).unwrap()]);
    for round in 0..16 {
        let mut running = child("child_rotates", dir.path()).spawn().unwrap();
        let mut lines = BufReader::new(running.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap() == "ready"));
        std::thread::sleep(Duration::from_millis(7 * round));
        running.kill().unwrap();
        running.wait().unwrap();
        let store = open(dir.path());
        assert_eq!(store.count(Entity::LEAD).unwrap(), 80);
        assert_eq!(store.waiting_operations().unwrap().len(), 1);
        assert_eq!(common::name_of(&store, 1).as_deref(), Some("Edited"));
        keys_seen.insert(std::fs::read(&key_file).unwrap());
    }
    assert!(keys_seen.len() > 3, "keys were changed meanwhile");
}

fn canary_consent() -> ConsentEvent {
    first_grant(CANARY, CANARY)
}

/// Sixteen bytes that can be looked for.
fn canary_bytes() -> [u8; 16] {
    *b"kanarienvogelbyt"
}

fn put_canary(entity: Entity, i: u8, version: u64) -> FeedChange {
    let mut columns = lead_columns(i, CANARY);
    columns.set(fieldfare_model::schema::lead::NOTES, CANARY);
    columns.set(999, CANARY);
    FeedChange::Put {
        entity,
        row: Row {
            id: lead_id(i).row(),
            version,
            columns,
        },
    }
}

/// Plants the canary in every table and dies without closing anything.
#[test]
#[ignore = "run by the test below"]
fn child_plants_canaries() {
    let store = open(&child_dir());
    let mut phone = &store;
    let shown = scope(&format!("terr:{CANARY}"));
    phone.enter_epoch(Epoch(1)).unwrap();
    let rows: Vec<_> = (1..40)
        .map(|i| put_canary(Entity::LEAD, i, u64::from(i)))
        .collect();
    stage(&store, &shown, 0, 50, &rows);
    stage(&store, &shown, 50, 60, &[put_canary(Entity::VISIT, 50, 55)]);
    phone
        .publish(&[grant(shown.as_str())], &complete(60))
        .unwrap();
    store.suspend().unwrap();
    store.resume().unwrap();
    store
        .record(&[
            create(1, 60, CANARY),
            rename(2, lead_id(1).row(), 1, CANARY),
        ])
        .unwrap();
    stage(&store, &shown, 60, 70, &[put_canary(Entity::LEAD, 1, 65)]);
    stage(
        &store,
        &scope("terr:b"),
        0,
        70,
        &[
            put_canary(Entity::LEAD, 1, 65),
            put_canary(Entity::LEAD, 70, 66),
        ],
    );
    let event = canary_consent();
    let operation = NewOperation {
        id: operation_id(9),
        entity: Entity::CONSENT,
        row: event.id.row(),
        base_version: 0,
        depends_on: None,
        at: TimestampMs(5),
        change: Change::Create(event.to_columns()),
    };
    store.append_consent(&event, &operation).unwrap();
    let fix = Fix {
        position: LatLng::new(1.0, 2.0).unwrap(),
        at: TimestampMs(6),
        accuracy_m: 1.0,
        speed_mps: None,
    };
    let id = PingId::from_bytes(canary_bytes());
    store
        .add_ping(&Ping {
            id,
            purpose: Purpose::LiveTracking,
            consent: event.id,
            fix,
        })
        .unwrap();
    store.set_setting(CANARY, Some(CANARY.as_bytes())).unwrap();
    phone.next_batch(9, 100_000).unwrap();
    store.search_leads(CANARY, 100).unwrap();
    std::process::abort();
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

/// Bits of entropy per byte, 8 for random bytes.
fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    let n = bytes.len() as f64;
    counts
        .iter()
        .filter(|c| **c > 0)
        .map(|c| f64::from(*c) / n)
        .map(|p| -p * p.log2())
        .sum()
}

#[test]
fn no_file_says_anything_even_after_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let output = child("child_plants_canaries", dir.path()).output().unwrap();
    assert!(!output.status.success(), "the child aborts");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir.path().join("store")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        for text in [
            CANARY.as_bytes(),
            &canary_bytes(),
            b"SQLite format 3",
            b"CREATE TABLE",
            b"terr:b",
        ] {
            assert!(!contains(&bytes, text), "{name} says something");
        }
        if name.ends_with(".db") {
            assert!(entropy(&bytes) > 7.9, "{name} looks like random bytes");
            assert!(entropy(&bytes[..4096]) > 7.9, "so does its first page");
        }
        names.push(name);
    }
    for name in [
        "cache.db",
        "cache.db-wal",
        "outbox.db",
        "outbox.db-wal",
        "keys.bin",
    ] {
        assert!(names.iter().any(|n| n == name), "{name} was looked at");
    }
    let store = open(dir.path());
    assert_eq!(
        store.setting(CANARY).unwrap().as_deref(),
        Some(CANARY.as_bytes())
    );
    assert_eq!(store.unsent_pings(9).unwrap().len(), 1);
    assert_eq!(store.search_leads(CANARY, 100).unwrap().len(), 40);
    assert_eq!(store.waiting_operations().unwrap().len(), 3);
}
