//! First fetches: what is kept of them for the next, and their turns.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use axum::http::header;
use fieldfare_model::{Entity, Lead, LeadId, RowId};
use fieldfare_server::feed::{self, snapshot};
use fieldfare_sync::{
    Epoch, ErrorCode, Frame, MAX_FRAME_ROWS, PullReply, ScopeId, SnapshotFrame, decode_message,
};
use support::{Fixture, GENEROUS};

const LEADS: usize = MAX_FRAME_ROWS + 50;
const ALL: u32 = 100_000_000;

fn id(n: usize) -> RowId {
    let mut bytes = [7; 16];
    bytes[..8].copy_from_slice(&(n as u64).to_be_bytes());
    LeadId::from_bytes(bytes).row()
}

fn put_leads(server: &Fixture, which: std::ops::Range<usize>, city: &str) {
    let territory = server.territory("Acme", "South");
    let now = server.now();
    let put = |tx: &rusqlite::Transaction<'_>, n: usize| {
        let mut lead = Lead::new(id(n).into(), format!("Lead {n}"));
        lead.territory = Some(territory);
        lead.address.city = Some(city.to_owned());
        feed::put(tx, Entity::LEAD, id(n), lead.to_columns(), now)
    };
    server
        .tenant("Acme")
        .write(|tx| which.clone().try_for_each(|n| put(tx, n).map(drop)))
        .unwrap();
}

fn delete_lead(server: &Fixture, n: usize) {
    let now = server.now();
    let delete = |tx: &rusqlite::Transaction<'_>| feed::delete(tx, Entity::LEAD, id(n), now);
    server.tenant("Acme").write(delete).unwrap();
}

/// A server whose South has a frame of leads and some more, kept from Bob's first fetch.
async fn warmed() -> Fixture {
    let server = Fixture::new();
    put_leads(&server, 0..LEADS, "Boston");
    first_fetch(&server).await;
    assert_eq!(kept(&server).len(), 1);
    server
}

/// The frames of South that a new phone gets.
async fn first_fetch(server: &Fixture) -> Vec<Vec<u8>> {
    let phone = server.phone("Acme", "Bob").await;
    let reply = server
        .post("/v1/pull", Some(&phone.access), phone.pull_request(ALL))
        .await;
    assert_eq!(reply.status, 200);
    let reply: PullReply = decode_message(&reply.body).unwrap();
    assert!(reply.checkpoint.unwrap().complete);
    let south = ScopeId::territory(server.territory("Acme", "South"));
    let frames = reply.frames.into_iter().map(|frame| frame.into_vec());
    let mut frames: Vec<_> = frames.collect();
    frames.retain(|bytes| Frame::decode(bytes).unwrap().scope == south);
    frames
}

/// Frames that are kept, by the sequence after which they begin.
fn kept(server: &Fixture) -> Vec<(i64, Vec<u8>)> {
    let read = |db: &rusqlite::Connection| {
        let mut statement = db.prepare("SELECT from_seq, frame FROM snapshot ORDER BY from_seq")?;
        let rows = statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    };
    server.tenant("Acme").read(read).unwrap()
}

/// Puts another frame, of the same rows, in the place of the kept one: whoever gets it got what was
/// kept.
fn mark(server: &Fixture) -> Vec<u8> {
    let frame = Frame::decode(&kept(server)[0].1).unwrap();
    let plain = |raw: &[u8]| zstd::bulk::compress(raw, 1).unwrap();
    let bytes =
        fieldfare_sync::encode_frames(&frame.scope, frame.from, frame.to, &frame.changes, &plain)
            .unwrap()
            .remove(0);
    let set = |tx: &rusqlite::Transaction<'_>| {
        Ok(tx.execute("UPDATE snapshot SET frame = ?1", [&bytes])?)
    };
    server.tenant("Acme").write(set).unwrap();
    bytes
}

#[tokio::test]
async fn the_next_first_fetch_gets_what_was_kept_and_what_changed_since() {
    let server = warmed().await;
    let marked = mark(&server);
    put_leads(&server, 3..13, "Salem");
    let frames = first_fetch(&server).await;
    assert_eq!(frames[0], marked);
    let rest: Vec<_> = frames[1..]
        .iter()
        .flat_map(|bytes| Frame::decode(bytes).unwrap().changes)
        .map(|change| change.key().1)
        .collect();
    // The territory itself is in the first frame.
    assert_eq!(rest.len(), 1 + LEADS - MAX_FRAME_ROWS + 10);
    assert!((3..13).all(|n| rest.contains(&id(n))));
}

#[tokio::test]
async fn once_a_row_left_nothing_kept_before_is_sent_and_soon_nothing_is_there() {
    let server = warmed().await;
    let marked = mark(&server);
    delete_lead(&server, 5);
    let purge = |tx: &rusqlite::Transaction<'_>| snapshot::purge(tx, server.now());
    server.tenant("Acme").write(purge).unwrap();
    assert!(kept(&server).is_empty());
    let frames = first_fetch(&server).await;
    assert_ne!(frames[0], marked);
    let first = Frame::decode(&frames[0]).unwrap();
    assert!(first.changes.iter().all(|change| change.key().1 != id(5)));

    // One that was read before the row left, and is kept only now, is not sent either.
    mark(&server);
    let late = SnapshotFrame {
        scope: first.scope.clone(),
        from: first.from,
        to: first.to,
        rows: first.changes.len(),
        head: 1,
        bytes: marked.clone(),
    };
    let keep = |tx: &rusqlite::Transaction<'_>| snapshot::keep(tx, &late, server.now());
    server.tenant("Acme").write(keep).unwrap();
    assert_ne!(first_fetch(&server).await[0], marked);
}

#[tokio::test]
async fn a_frame_of_which_much_changed_is_made_anew() {
    let server = warmed().await;
    let marked = mark(&server);
    let one_of_twenty = MAX_FRAME_ROWS / 20;
    put_leads(&server, 0..one_of_twenty, "Salem");
    assert_eq!(first_fetch(&server).await[0], marked);
    put_leads(&server, one_of_twenty..one_of_twenty + 1, "Salem");
    assert_ne!(first_fetch(&server).await[0], marked);
    assert_ne!(kept(&server)[0].1, marked);
}

#[tokio::test]
async fn what_is_kept_goes_after_a_day_and_with_its_history() {
    let server = warmed().await;
    let purge = |tx: &rusqlite::Transaction<'_>| snapshot::purge(tx, server.now());
    server.tenant("Acme").write(purge).unwrap();
    assert_eq!(kept(&server).len(), 1);
    server.advance(25 * 60 * 60 * 1000);
    server.tenant("Acme").write(purge).unwrap();
    assert!(kept(&server).is_empty());

    first_fetch(&server).await;
    assert_eq!(kept(&server).len(), 1);
    let begin = |tx: &rusqlite::Transaction<'_>| feed::begin_history(tx, Epoch(5));
    server.tenant("Acme").write(begin).unwrap();
    assert!(kept(&server).is_empty());
}

#[tokio::test]
async fn a_small_scope_keeps_nothing() {
    let server = Fixture::new();
    put_leads(&server, 0..100, "Boston");
    first_fetch(&server).await;
    assert!(kept(&server).is_empty());
}

#[tokio::test]
async fn who_asks_for_what_changed_never_waits_for_a_first_fetch() {
    let limits = format!("{GENEROUS}\nbootstraps = 1\nbootstraps_waiting = 1");
    let server = Fixture::with_limits(&limits);
    server.put_lead("Acme", 1, Some("South"));
    let mut old = server.phone("Acme", "Ada").await;
    old.pull(&server).await;
    let (new, newer) = (
        server.phone("Acme", "Bob").await,
        server.phone("Acme", "Bob").await,
    );

    let turn = server.state.bootstraps.turn().await.unwrap();
    let waits = server.post("/v1/pull", Some(&new.access), new.pull_request(ALL));
    let mut waits = std::pin::pin!(waits);
    assert!(futures_poll(waits.as_mut()).await.is_none());
    let reply = server
        .post("/v1/pull", Some(&newer.access), newer.pull_request(ALL))
        .await;
    assert_eq!(
        (reply.status.as_u16(), reply.error().code),
        (429, ErrorCode::Busy)
    );
    let seconds: u64 = reply.headers[header::RETRY_AFTER]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((3..=15).contains(&seconds));
    server.put_lead("Acme", 2, Some("South"));
    old.pull(&server).await;
    assert_eq!(old.shown(Entity::LEAD).len(), 2);

    drop(turn);
    assert_eq!(waits.await.status, 200);
}

/// Lets it go as far as it can without its turn: until others had theirs many times.
async fn futures_poll<F: std::future::Future>(
    mut future: std::pin::Pin<&mut F>,
) -> Option<F::Output> {
    tokio::select! {
        biased;
        output = &mut future => Some(output),
        () = tokio::time::sleep(std::time::Duration::from_millis(300)) => None,
    }
}
