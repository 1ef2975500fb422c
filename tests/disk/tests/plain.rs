//! The disk itself: what it notes is what happened, and it drops, tears and fails.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use fieldfare_disk::{Entry, Fault, FaultKind, Progress, fates_of, left_after, watch};
use rusqlite::{Connection, ErrorCode};
use std::path::Path;

fn open(folder: &Path, synchronous: &str) -> Connection {
    let connection = Connection::open(folder.join("a.db")).unwrap();
    connection
        .execute_batch(&format!(
            "PRAGMA synchronous = {synchronous}; PRAGMA journal_mode = WAL;
             CREATE TABLE IF NOT EXISTS t (n INTEGER, filling TEXT)"
        ))
        .unwrap();
    connection
}

fn add(connection: &Connection, n: u64) -> rusqlite::Result<usize> {
    connection.execute(
        "INSERT INTO t VALUES (?1, hex(randomblob(900)))",
        [n as i64],
    )
}

fn put(files: impl IntoIterator<Item = (String, Vec<u8>)>, folder: &Path) {
    for (name, bytes) in files {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
}

fn highest(folder: &Path) -> u64 {
    let connection = open(folder, "FULL");
    let sound: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(sound, "ok");
    let (count, highest) = connection
        .query_row("SELECT count(*), max(n) FROM t", [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?))
        })
        .unwrap();
    assert_eq!(
        highest.unwrap_or(0),
        count,
        "a commit in the middle is missing"
    );
    count as u64
}

/// Writes commits 1 to 30 and gives, for each power cut and fate, how many were said to be kept and
/// how many were there.
fn cut_everywhere(synchronous: &str) -> Vec<(u64, u64)> {
    let dir = tempfile::tempdir().unwrap();
    let watch = watch(dir.path());
    let connection = open(dir.path(), synchronous);
    for n in 1..=30 {
        add(&connection, n).unwrap();
        watch.done(n as usize);
    }
    drop(connection);
    let entries = watch.entries();
    let mut fates = fates_of(7);
    let first = entries.iter().position(|e| *e == Entry::Done(1)).unwrap();
    let cuts = (first + 1..=entries.len()).step_by(3);
    cuts.map(|cut| {
        let said = Progress::of(&entries[..cut]).done.len() as u64;
        let after = tempfile::tempdir().unwrap();
        put(left_after(&entries[..cut], &mut fates), after.path());
        (said, highest(after.path()))
    })
    .collect()
}

#[test]
fn a_synced_commit_survives_and_one_that_is_not_may_not() {
    let extra = cut_everywhere("EXTRA");
    assert!(extra.iter().all(|(said, there)| there >= said), "{extra:?}");
    let normal = cut_everywhere("NORMAL");
    assert!(
        normal.iter().any(|(said, there)| there < said),
        "{normal:?}"
    );
}

#[test]
fn with_all_kept_the_files_are_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let watch = watch(dir.path());
    let connection = open(dir.path(), "FULL");
    (1..=30).for_each(|n| assert_eq!(add(&connection, n), Ok(1)));
    connection
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    let left = left_after(&watch.entries(), &mut |n| n - 1);
    for (name, bytes) in left {
        assert_eq!(
            std::fs::read(dir.path().join(&name)).unwrap(),
            bytes,
            "{name}"
        );
    }
}

#[test]
fn a_fault_fails_so_many_writes_and_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let watch = watch(dir.path());
    let connection = open(dir.path(), "FULL");
    add(&connection, 1).unwrap();
    for (kind, code) in [
        (FaultKind::Full, ErrorCode::DiskFull),
        (FaultKind::Io, ErrorCode::SystemIoFailure),
    ] {
        watch.set_fault(Some(Fault {
            passing: 1,
            failing: 1,
            kind,
        }));
        let error = add(&connection, 9).unwrap_err();
        assert_eq!(error.sqlite_error_code(), Some(code));
        assert!(watch.has_struck());
    }
    add(&connection, 2).unwrap();
    drop(connection);
    assert_eq!(highest(dir.path()), 2);
}
