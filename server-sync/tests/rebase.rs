//! Rebase, repair and recovery between the real server and the protocol's own phone half.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

#[path = "../../core/sync/tests/common/phone.rs"]
mod memory_phone;
mod support;

use fieldfare_model::schema::lead as col;
use fieldfare_model::{ClientId, Entity, OperationId, RowId, TimestampMs};
use fieldfare_server::feed;
use fieldfare_sync::{
    Change, Effect, Epoch, Event, Failure, FieldEdit, NumberGap, Operation, SyncClient, SyncLimits,
    SyncSummary,
};
use memory_phone::MemoryPhone;
use support::{Fixture, Phone, rand16};

/// An enrolled phone whose store is in memory.
struct Rep {
    session: Phone,
    store: MemoryPhone,
}

impl Rep {
    async fn of(server: &Fixture, name: &str) -> Self {
        let session = server.phone("Acme", name).await;
        let store = MemoryPhone::new(session.client);
        Self { session, store }
    }

    async fn sync(&mut self, server: &Fixture) -> SyncSummary {
        self.try_sync(server).await.unwrap()
    }

    async fn try_sync(&mut self, server: &Fixture) -> Result<SyncSummary, Failure> {
        let mut client = SyncClient::default();
        let mut event = Event::Start {
            fresh: ClientId::from_bytes(rand16()),
            budget: 1,
            limits: SyncLimits::default(),
        };
        loop {
            let effects = client.step(&mut self.store, event.clone()).unwrap();
            for effect in effects {
                match effect {
                    Effect::Send(request) => {
                        let token = Some(self.session.access.as_str());
                        let reply = server.post(request.path, token, request.body).await;
                        event = Event::Reply {
                            status: reply.status.as_u16(),
                            body: reply.body.to_vec(),
                            retry_after_ms: None,
                            now: server.now(),
                        };
                    }
                    Effect::Proceed => event = Event::Proceed,
                    Effect::Done(summary) => return Ok(summary),
                    Effect::Failed(failure) => return Err(failure),
                    _ => {}
                }
            }
        }
    }

    fn rename(&mut self, lead: RowId, name: &str) {
        let row = &self.store.rows[&(Entity::LEAD, lead)];
        let edit = FieldEdit {
            tag: col::NAME,
            base: row.columns.get(col::NAME).clone(),
            new: name.into(),
        };
        let operation = Operation {
            id: OperationId::from_bytes(rand16()),
            n: 0,
            group: OperationId::from_bytes([0; 16]),
            group_size: 1,
            entity: Entity::LEAD,
            row: lead,
            base_version: row.version,
            depends_on: None,
            at: TimestampMs(1),
            change: Change::Edit(vec![edit]),
        };
        self.store.record(vec![operation]);
    }

    fn name_of(&self, lead: RowId) -> &str {
        let row = &self.store.rows[&(Entity::LEAD, lead)];
        row.columns.get(col::NAME).as_text().unwrap()
    }
}

#[tokio::test]
async fn a_new_history_costs_a_phone_what_differs() {
    let server = Fixture::new();
    let leads: Vec<_> = (1..=200)
        .map(|n| server.put_lead("Acme", n, Some("North")))
        .collect();
    let mut ada = Rep::of(&server, "Ada").await;
    assert!(ada.sync(&server).await.rows > 200);
    server
        .tenant("Acme")
        .write(|tx| feed::begin_history(tx, Epoch(5)))
        .unwrap();
    server.put_lead("Acme", 7, Some("South"));
    let summary = ada.sync(&server).await;
    assert_eq!((summary.rows, summary.mismatches), (1, 0));
    assert!(summary.bytes_down < 8_000, "{}", summary.bytes_down);
    assert_eq!(ada.name_of(leads[6]), "Lead 7");
}

#[tokio::test]
async fn damage_on_a_phone_is_found_and_repaired() {
    let server = Fixture::new();
    let lead = server.put_lead("Acme", 1, Some("North"));
    server.put_lead("Acme", 2, Some("North"));
    let mut ada = Rep::of(&server, "Ada").await;
    ada.sync(&server).await;
    let row = ada.store.rows.get_mut(&(Entity::LEAD, lead)).unwrap();
    row.columns.set(col::NAME, "damaged");
    let summary = ada.sync(&server).await;
    assert_eq!((summary.rows, summary.mismatches), (1, 1));
    assert_eq!(ada.name_of(lead), "Lead 1");
}

#[tokio::test]
async fn a_phone_away_for_longer_than_tombstones_are_kept_loses_what_left() {
    const DAY: i64 = 86_400_000;
    let server = Fixture::new();
    let (stays, goes) = (
        server.put_lead("Acme", 1, Some("North")),
        server.put_lead("Acme", 2, Some("North")),
    );
    let mut ada = Rep::of(&server, "Ada").await;
    ada.sync(&server).await;
    let tenant = server.tenant("Acme");
    let now = server.now();
    tenant
        .write(|tx| feed::delete(tx, Entity::LEAD, goes, now))
        .unwrap();
    for days in [0, 91] {
        let at = now.plus(days * DAY);
        tenant.write(|tx| feed::collect(tx, at, 90 * DAY)).unwrap();
    }
    ada.rename(stays, "edited while away");
    ada.sync(&server).await;
    assert!(!ada.store.rows.contains_key(&(Entity::LEAD, goes)));
    assert_eq!(ada.name_of(stays), "edited while away");
}

#[tokio::test]
async fn gaps_are_on_record() {
    let server = Fixture::new();
    let lead = server.put_lead("Acme", 1, Some("North"));
    let mut ada = Rep::of(&server, "Ada").await;
    ada.sync(&server).await;
    let gap = NumberGap {
        client: ada.store.client,
        from: 3,
        to: 9,
    };
    ada.store.gaps.push(gap);
    ada.rename(lead, "after the gap");
    ada.sync(&server).await;
    ada.store.gaps.push(gap);
    ada.sync(&server).await;
    let on_record = server.tenant("Acme").read(feed::gaps).unwrap();
    assert_eq!(on_record.len(), 1);
    assert_eq!(on_record[0].numbers, gap);
    assert_eq!(on_record[0].device, ada.session.device);
}
