//! First fetches that are answered from what earlier ones were answered with.
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
use fieldfare_model::{Columns, Entity, RepId, schema};
use fieldfare_sync::*;

fn scope() -> ScopeId {
    ScopeId::territory(territory(5))
}

fn put(server: &mut MemoryServer, n: u8, score: i64) {
    let mut columns = Columns::new();
    columns.set(schema::lead::NAME, format!("lead {n}"));
    columns.set(schema::lead::SCORE, score);
    server.put(Entity::LEAD, lead(n), columns, &[scope()]);
}

/// A server with 26 leads in frames of five, kept from one phone's first fetch: five are whole.
fn warmed() -> MemoryServer {
    let mut server = MemoryServer::keeping(5);
    server.grant(&[scope()]);
    (0..26).for_each(|n| put(&mut server, n, 1));
    first_fetch(&mut server);
    server.sent_again.set(0);
    server
}

/// How many frames a new phone gets, and how many of them were kept.
fn first_fetch(server: &mut MemoryServer) -> (u64, usize) {
    server.sent_again.set(0);
    let mut phone = MemoryPhone::new(client(1));
    let summary = sync(&mut phone, server, 1, client(9), |_| Wire::Good).unwrap();
    assert_eq!(phone.rows, server.expected());
    (summary.frames, server.sent_again.get())
}

fn places(server: &MemoryServer) -> Vec<(u64, u64)> {
    let kept = server.kept.iter().flatten();
    let mut places: Vec<_> = kept.map(|frame| (frame.from, frame.to)).collect();
    places.sort_unstable();
    places
}

#[test]
fn the_next_first_fetch_gets_the_same_frames_and_the_end_of_the_feed() {
    let mut server = warmed();
    assert_eq!(
        places(&server),
        [(0, 5), (5, 10), (10, 15), (15, 20), (20, 25)]
    );
    assert_eq!(first_fetch(&mut server), (6, 5));
}

#[test]
fn what_changed_since_comes_again_behind_it() {
    let mut server = warmed();
    put(&mut server, 3, 2);
    put(&mut server, 17, 2);
    let (frames, kept) = first_fetch(&mut server);
    assert_eq!(
        (frames, kept),
        (6, 5),
        "the last frame has the end and both changes"
    );
}

#[test]
fn nothing_kept_is_sent_once_a_row_left_and_it_is_made_anew() {
    let mut server = warmed();
    server.delete(Entity::LEAD, lead(12));
    let (_, kept) = first_fetch(&mut server);
    assert_eq!(kept, 0);
    let (_, kept) = first_fetch(&mut server);
    assert_eq!(kept, 5);
}

#[test]
fn a_frame_that_is_missing_is_made_to_fit_between_its_neighbours() {
    let mut server = warmed();
    server
        .kept
        .as_mut()
        .unwrap()
        .retain(|frame| frame.from != 10);
    put(&mut server, 11, 2);
    put(&mut server, 12, 2);
    let (frames, kept) = first_fetch(&mut server);
    assert_eq!((frames, kept), (6, 4));
    assert_eq!(
        places(&server),
        [(0, 5), (5, 10), (10, 15), (15, 20), (20, 25)]
    );
    assert_eq!(first_fetch(&mut server), (6, 5));
}

#[test]
fn a_phone_that_has_everything_gets_the_feed_alone() {
    let mut server = warmed();
    let mut phone = MemoryPhone::new(client(1));
    sync(&mut phone, &mut server, 1, client(9), |_| Wire::Good).unwrap();
    server.sent_again.set(0);
    put(&mut server, 3, 2);
    let summary = sync(&mut phone, &mut server, 1, client(9), |_| Wire::Good).unwrap();
    assert_eq!((summary.frames, summary.rows), (1, 1));
    assert_eq!(server.sent_again.get(), 0);
    assert_eq!(phone.rows, server.expected());
}

/// A phone that stopped in the middle goes on in frames that another phone made meanwhile.
#[test]
fn an_interrupted_first_fetch_goes_on_where_it_was() {
    let mut server = warmed();
    let mut phone = MemoryPhone::new(client(1));
    let mut replies = 0;
    let broken = sync(&mut phone, &mut server, 1, client(9), |_| {
        replies += 1;
        if replies == 3 {
            Wire::LosesReply
        } else {
            Wire::Good
        }
    });
    assert_eq!(broken, Err(Failure::Offline));
    server.delete(Entity::LEAD, lead(2));
    server.delete(Entity::LEAD, lead(22));
    first_fetch(&mut server);
    let summary = sync(&mut phone, &mut server, 1, client(9), |_| Wire::Good).unwrap();
    assert_eq!(phone.rows, server.expected());
    assert!(
        summary.rows <= 26 - 10 + 2,
        "{} rows after the first ten",
        summary.rows
    );
}

/// The rep's own (consent, the planned day and its route) comes first and is shown at once, then what
/// all have, then territories, whatever was written last.
#[test]
fn what_is_urgent_comes_first_and_is_shown_before_the_rest_is_there() {
    let (own, common) = (
        ScopeId::rep(RepId::from_bytes([2; 16])),
        ScopeId::reference(),
    );
    let mut server = MemoryServer::keeping(5);
    server.grant(&[scope(), common.clone(), own.clone()]);
    (0..20).for_each(|n| put(&mut server, n, 1));
    for (n, scope) in [(30, common), (31, own)] {
        server.put(Entity::LEAD, lead(n), Columns::new(), &[scope]);
    }
    for kept in [false, true] {
        let mut phone = MemoryPhone::new(client(1));
        let mut replies = 0;
        let broken = sync(&mut phone, &mut server, 1, client(9), |_| {
            replies += 1;
            if replies == 5 {
                Wire::LosesReply
            } else {
                Wire::Good
            }
        });
        assert_eq!(broken, Err(Failure::Offline));
        let shown: Vec<_> = phone.rows.keys().map(|(_, id)| *id).collect();
        assert_eq!(shown, [lead(31)], "kept: {kept}");
        let state = phone.sync_state().unwrap();
        let begun: Vec<_> = state.cursors.iter().map(|c| c.scope.as_str()).collect();
        assert_eq!(begun.len(), 3, "{begun:?}");
        first_fetch(&mut server);
    }
}

#[test]
fn which_pulls_are_first_fetches() {
    let pull = |epoch: Option<u64>, cursors: &[(u64, u64)]| PullRequest {
        protocol: PROTOCOL,
        schema: 1,
        epoch: epoch.map(Epoch),
        client: client(1),
        cursors: cursors
            .iter()
            .map(|(cursor, anchor)| ScopeCursor {
                scope: scope(),
                cursor: *cursor,
                anchor: *anchor,
            })
            .collect(),
        budget: 1,
        known: None,
    };
    assert!(pull(None, &[]).is_first_fetch());
    assert!(pull(Some(1), &[(9, 0), (5, 9)]).is_first_fetch());
    assert!(pull(Some(1), &[(0, 0)]).is_first_fetch());
    assert!(!pull(Some(1), &[(9, 0)]).is_first_fetch());
    assert!(!pull(Some(1), &[]).is_first_fetch());
}
