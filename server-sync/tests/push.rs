//! Pushing over HTTP: at most once, groups whole, forks noticed, consent and pings.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use fieldfare_model::schema::{lead, visit};
use fieldfare_model::{
    ClientId, Columns, ConsentAction, Entity, PingId, Purpose, SCHEMA, TimestampMs, Value,
};
use fieldfare_server::feed::pings::{self, Ping, PingOutcome};
use fieldfare_server::feed::{self, Effects};
use fieldfare_server::hooks::{Hooks, NoDeadLetters};
use fieldfare_server::http::{PingBatch, PingReply};
use fieldfare_server::store::{StoreError, TenantHead};
use fieldfare_sync::{
    Change, DeviceContext, FieldEdit, Operation, Outcome, PROTOCOL, PushStatus, RejectCode,
    RowState, decode_message, encode_message,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use support::{Fixture, GENEROUS, START, grouped, owner_of, rand16};

fn head(server: &Fixture) -> u64 {
    server
        .tenant("Acme")
        .read(|c| Ok(TenantHead::read(c)?.head))
        .unwrap()
}

#[tokio::test]
async fn a_push_whose_reply_was_lost_is_answered_alike_and_applied_once() {
    let server = Fixture::new();
    let mut ada = server.phone("Acme", "Ada").await;
    let place = server.put_lead("Acme", 1, Some("North"));
    let operations = vec![ada.new_lead("New"), ada.visit_to(place)];
    let lost = ada.push(&server, operations.clone()).await;
    let after_first = head(&server);
    let again = ada.push(&server, operations.clone()).await;
    assert_eq!(lost, again);
    assert_eq!(head(&server), after_first);
    let more = ada.new_lead("More");
    let longer = ada.push(&server, [operations, vec![more]].concat()).await;
    assert_eq!(longer.outcomes[..2], lost.outcomes[..]);
    assert_eq!(longer.last_n, 3);
}

#[tokio::test]
async fn a_gap_is_named_and_nothing_is_applied() {
    let server = Fixture::new();
    let mut ada = server.phone("Acme", "Ada").await;
    let _missing = ada.new_lead("missing");
    let second = ada.new_lead("second");
    let before = head(&server);
    let reply = ada.push(&server, vec![second]).await;
    assert_eq!((reply.status, reply.last_n), (PushStatus::Gap, 0));
    assert_eq!(head(&server), before);
}

#[tokio::test]
async fn a_copied_phone_is_told_and_its_repeated_operations_stay_single() {
    let server = Fixture::new();
    let mut ada = server.phone("Acme", "Ada").await;
    let first = ada.new_lead("first");
    let applied = ada.push_one(&server, first.clone()).await;
    ada.next_n = 1;
    let other = ada.new_lead("other");
    assert_eq!(
        ada.push(&server, vec![other.clone()]).await.status,
        PushStatus::Forked
    );

    ada.client = ClientId::from_bytes(rand16());
    let again = Operation { n: 1, ..first };
    let other = Operation { n: 2, ..other };
    let before = head(&server);
    let reply = ada.push(&server, vec![again, other]).await;
    assert_eq!(reply.status, PushStatus::Ok);
    assert_eq!(reply.outcomes[0], applied);
    assert_eq!(head(&server), before + 1);
}

#[tokio::test]
async fn a_client_id_belongs_to_one_device() {
    let server = Fixture::new();
    let mut ada = server.phone("Acme", "Ada").await;
    let mut bob = server.phone("Acme", "Bob").await;
    let first = ada.new_lead("first");
    ada.push_one(&server, first).await;
    bob.client = ada.client;
    bob.next_n = 2;
    let stolen = bob.new_lead("stolen");
    assert_eq!(
        bob.push(&server, vec![stolen]).await.status,
        PushStatus::Forked
    );
    let second = ada.new_lead("second");
    assert_eq!(ada.push(&server, vec![second]).await.status, PushStatus::Ok);
}

#[tokio::test]
async fn a_group_is_refused_whole() {
    let server = Fixture::new();
    let mut ada = server.phone("Acme", "Ada").await;
    let west = server.put_lead("Acme", 3, Some("West"));
    let new = ada.new_lead("New");
    let row = new.row;
    let operations = grouped(vec![new, ada.visit_to(west)]);
    let reply = ada.push(&server, operations).await;
    let code = |n: usize| match &reply.outcomes[n] {
        Outcome::Rejected { code, .. } => *code,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        (code(0), code(1)),
        (RejectCode::Group, RejectCode::OutOfScope)
    );
    let state = server
        .tenant("Acme")
        .read(|c| feed::row(c, Entity::LEAD, row))
        .unwrap();
    assert_eq!(state, RowState::Absent);
    assert_eq!(reply.last_n, 2);
}

#[tokio::test]
async fn a_new_lead_is_its_makers_until_a_territory_takes_it() {
    let server = Fixture::new();
    let mut ada = server.phone("Acme", "Ada").await;
    let mut bob = server.phone("Acme", "Bob").await;
    let new = ada.new_lead("New");
    let id = new.row;
    ada.push_one(&server, new).await;
    ada.pull(&server).await;
    bob.pull(&server).await;
    assert_eq!(ada.shown(Entity::LEAD), [id]);
    assert_eq!(owner_of(&ada.rows[&(Entity::LEAD, id)]), Some("own-ada"));
    assert!(bob.shown(Entity::LEAD).is_empty());

    let tenant = server.tenant("Acme");
    let mut columns = ada.rows[&(Entity::LEAD, id)].clone();
    columns.set(
        lead::TERRITORY,
        server.territory("Acme", "West").as_bytes().to_vec(),
    );
    tenant
        .write(|tx| feed::put(tx, Entity::LEAD, id, columns, server.now()))
        .unwrap();
    ada.pull(&server).await;
    assert!(ada.shown(Entity::LEAD).is_empty());
}

#[tokio::test]
async fn a_visit_shows_on_the_lead_and_for_everybody_in_its_territory() {
    let server = Fixture::new();
    let mut ada = server.phone("Acme", "Ada").await;
    let mut bob = server.phone("Acme", "Bob").await;
    let south = server.put_lead("Acme", 2, Some("South"));
    let visit = ada.visit_to(south);
    let visit_id = visit.row;
    ada.push_one(&server, visit).await;
    bob.pull(&server).await;
    assert_eq!(bob.shown(Entity::VISIT), [visit_id]);
    let columns = &bob.rows[&(Entity::LEAD, south)];
    assert_eq!(columns.get(lead::LAST_VISIT_AT), &Value::Int(START));
}

#[tokio::test]
async fn a_conflict_goes_to_the_rep_who_met_it() {
    let server = Fixture::new();
    let mut ada = server.phone("Acme", "Ada").await;
    let mut bob = server.phone("Acme", "Bob").await;
    let south = server.put_lead("Acme", 2, Some("South"));
    ada.pull(&server).await;
    let base = ada.rows[&(Entity::LEAD, south)].clone();
    let base_version = ada
        .held
        .values()
        .find_map(|rows| rows.get(&(Entity::LEAD, south)))
        .copied()
        .unwrap();
    let rename = |phone: &mut support::Phone, name: &str| Operation {
        base_version,
        change: Change::Edit(vec![FieldEdit {
            tag: lead::NAME,
            base: base.get(lead::NAME).clone(),
            new: name.into(),
        }]),
        ..phone.create(Entity::LEAD, south, Columns::new())
    };
    let (first, second) = (rename(&mut bob, "Bob's"), rename(&mut ada, "Ada's"));
    assert!(matches!(
        bob.push_one(&server, first).await,
        Outcome::Applied { .. }
    ));
    assert!(matches!(
        ada.push_one(&server, second).await,
        Outcome::Merged { .. }
    ));
    ada.pull(&server).await;
    bob.pull(&server).await;
    assert_eq!(ada.shown(Entity::CONFLICT).len(), 1);
    assert!(bob.shown(Entity::CONFLICT).is_empty());
    assert_eq!(
        bob.rows[&(Entity::LEAD, south)].get(lead::NAME).as_text(),
        Some("Ada's")
    );
}

#[tokio::test]
async fn consent_must_continue_the_ledger_but_a_withdrawal_is_always_taken() {
    let server = Fixture::new();
    let mut ada = server.phone("Acme", "Ada").await;
    let grant = ada.decide(Purpose::LiveTracking, ConsentAction::Grant, START);
    assert!(ada.push_one(&server, grant).await.version().is_some());

    for action in [ConsentAction::Grant, ConsentAction::Withdraw] {
        let mut forged = ada.decide(Purpose::VisitCheckIn, action, START);
        if let Change::Create(columns) = &mut forged.change {
            columns.set(fieldfare_model::schema::consent::AT, START - 1);
        }
        let result = ada.push_one(&server, forged).await;
        assert!(result.version().is_none(), "a forged {action:?} was taken");
    }

    let skipped = ada.decide(Purpose::VisitCheckIn, ConsentAction::Grant, START);
    assert!(ada.push_one(&server, skipped).await.version().is_none());
    let withdraw = ada.decide(Purpose::LiveTracking, ConsentAction::Withdraw, START + 5);
    assert!(ada.push_one(&server, withdraw).await.version().is_some());
    let next = ada.decide(Purpose::LiveTracking, ConsentAction::Grant, START + 9);
    assert!(ada.push_one(&server, next).await.version().is_some());
    ada.pull(&server).await;
    assert_eq!(ada.shown(Entity::CONSENT).len(), 3);
}

#[tokio::test]
async fn a_visit_says_where_only_under_consent() {
    let server = Fixture::new();
    let mut ada = server.phone("Acme", "Ada").await;
    let place = server.put_lead("Acme", 1, Some("North"));
    let without = ada.visit_to(place);
    let grant = ada.decide(Purpose::VisitCheckIn, ConsentAction::Grant, START);
    let with = ada.visit_to(place);
    let ids = (without.row, with.row);
    ada.push(&server, vec![without, grant, with]).await;
    ada.pull(&server).await;
    let lat = |id| ada.rows[&(Entity::VISIT, id)].get(visit::LAT_E7).clone();
    assert_eq!(lat(ids.0), Value::Null);
    assert!(!lat(ids.1).is_null());
}

async fn ping(server: &Fixture, phone: &support::Phone, at: i64) -> PingOutcome {
    let ping = Ping {
        id: PingId::from_bytes(rand16()),
        at: TimestampMs(at),
        lat_e7: 1,
        lon_e7: 2,
        accuracy_m: Some(9),
    };
    let pings = vec![ping, ping];
    let body = encode_message(&PingBatch {
        protocol: PROTOCOL,
        schema: SCHEMA,
        pings,
    })
    .unwrap();
    let reply = server.post("/v1/pings", Some(&phone.access), body).await;
    let reply: PingReply = decode_message(&reply.body).unwrap();
    assert_eq!(reply.results[0], reply.results[1]);
    reply.results[0].outcome
}

fn pings_kept(server: &Fixture) -> i64 {
    let count = "SELECT count(*) FROM ping";
    server
        .tenant("Acme")
        .read(|c| Ok(c.query_row(count, [], |r| r.get(0))?))
        .unwrap()
}

#[tokio::test]
async fn pings_are_kept_while_consent_is_active_and_once() {
    let server = Fixture::new();
    server.advance(100_000);
    let mut ada = server.phone("Acme", "Ada").await;
    assert_eq!(ping(&server, &ada, START).await, PingOutcome::NoConsent);
    let grant = ada.decide(Purpose::LiveTracking, ConsentAction::Grant, START + 10);
    let withdraw = ada.decide(Purpose::LiveTracking, ConsentAction::Withdraw, START + 20);
    ada.push(&server, vec![grant, withdraw]).await;
    for (at, outcome) in [
        (9, PingOutcome::NoConsent),
        (10, PingOutcome::Kept),
        (19, PingOutcome::Kept),
        (20, PingOutcome::NoConsent),
        (10_000_000, PingOutcome::Invalid),
    ] {
        assert_eq!(ping(&server, &ada, START + at).await, outcome, "at {at}");
    }
    assert_eq!(pings_kept(&server), 2);
    let purged = server
        .tenant("Acme")
        .write(|tx| pings::purge(tx, TimestampMs(START + 15)));
    assert_eq!(purged.unwrap(), 1);
    assert_eq!(pings_kept(&server), 1);
}

#[tokio::test]
async fn a_withdrawal_on_one_device_stops_pings_of_the_other() {
    let server = Fixture::new();
    server.advance(100_000);
    let mut phone = server.phone("Acme", "Ada").await;
    let mut tablet = server.phone("Acme", "Ada").await;
    let grant = phone.decide(Purpose::LiveTracking, ConsentAction::Grant, START);
    phone.push_one(&server, grant).await;
    assert_eq!(ping(&server, &phone, START + 5).await, PingOutcome::Kept);
    assert_eq!(
        ping(&server, &tablet, START + 5).await,
        PingOutcome::NoConsent
    );
    let withdraw = tablet.decide(Purpose::LiveTracking, ConsentAction::Withdraw, START + 10);
    tablet.push_one(&server, withdraw).await;
    assert_eq!(
        ping(&server, &phone, START + 15).await,
        PingOutcome::NoConsent
    );
}

/// Writes a note for each call, then fails when told to.
struct Failing(AtomicU32);

impl Effects for Failing {
    fn after_write(
        &self,
        _: &rusqlite::Transaction<'_>,
        _: &DeviceContext,
        _: &Operation,
        _: &RowState,
        _: &Columns,
    ) -> Result<(), StoreError> {
        match self.0.fetch_add(1, Ordering::SeqCst) {
            1 => Err(StoreError::Caller("on purpose".into())),
            _ => Ok(()),
        }
    }
}

#[tokio::test]
async fn when_an_effect_fails_nothing_of_the_push_was_kept() {
    let hooks = Hooks {
        effects: Arc::new(Failing(AtomicU32::new(0))),
        dead_letters: Arc::new(NoDeadLetters),
        crm: Arc::default(),
    };
    let server = Fixture::with(GENEROUS, hooks);
    let mut ada = server.phone("Acme", "Ada").await;
    let operations = vec![ada.new_lead("one"), ada.new_lead("two")];
    let before = head(&server);
    let body = ada.push_request(operations.clone());
    assert_eq!(
        server
            .post("/v1/push", Some(&ada.access), body)
            .await
            .status,
        503
    );
    assert_eq!(head(&server), before);
    let reply = ada.push(&server, operations).await;
    assert_eq!(reply.last_n, 2);
    assert_eq!(head(&server), before + 2);
}

#[tokio::test]
async fn a_withdrawal_on_a_ledger_that_was_put_back_counts() {
    let server = Fixture::new();
    server.advance(100_000);
    let mut ada = server.phone("Acme", "Ada").await;
    let purpose = Purpose::LiveTracking;
    let grant = ada.decide(purpose, ConsentAction::Grant, START);
    ada.push_one(&server, grant).await;
    let old = ada.ledger;
    let withdraw = ada.decide(purpose, ConsentAction::Withdraw, START + 5);
    let again = ada.decide(purpose, ConsentAction::Grant, START + 10);
    ada.push(&server, vec![withdraw, again]).await;
    assert_eq!(ping(&server, &ada, START + 15).await, PingOutcome::Kept);
    let newest = std::mem::replace(&mut ada.ledger, old);
    let withdraw = ada.decide(purpose, ConsentAction::Withdraw, START + 20);
    let taken = ada.push_one(&server, withdraw).await;
    assert!(taken.version().is_some());
    assert_eq!(ping(&server, &ada, START + 19).await, PingOutcome::Kept);
    assert_eq!(
        ping(&server, &ada, START + 30).await,
        PingOutcome::NoConsent
    );
    let from_the_copy = ada.decide(purpose, ConsentAction::Grant, START + 40);
    let refused = ada.push_one(&server, from_the_copy).await;
    assert_eq!(refused.version(), None, "the head did not move back");
    ada.ledger = newest;
    let grant = ada.decide(purpose, ConsentAction::Grant, START + 50);
    assert!(ada.push_one(&server, grant).await.version().is_some());
    assert_eq!(ping(&server, &ada, START + 60).await, PingOutcome::Kept);
}
