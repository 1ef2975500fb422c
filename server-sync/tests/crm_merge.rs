//! Leads whose records were merged or deleted in the CRM while a phone's work was on its way.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod crm_support;

use crm_support::*;
use fieldfare_model::schema::{conflict, lead};
use fieldfare_model::{
    CalendarDate, Conflict, ConflictId, DayPlanId, DayPlanRow, Entity, Lead, LeadId, OperationId,
    RepId, TimestampMs, Value, Visit, VisitId, VisitOutcome,
};
use fieldfare_sandbox::{CallFault, MergeMode, ObjectType, PortalConfig};
use fieldfare_server::feed;
use fieldfare_server::hubspot::ObjectType as Kind;
use fieldfare_server::intake::dirty::{self, Lane};
use fieldfare_server::intake::{pack, split};
use fieldfare_sync::{Change, RowState};
use serde_json::json;

const COMPANIES: ObjectType = ObjectType::Companies;
const WAITING: &str = "SELECT count(*) FROM crm_job WHERE state = 0";
const DEAD: &str = "SELECT count(*) FROM crm_job WHERE state = 2";

async fn read(bench: &Bench, object: u64) {
    let now = bench.now();
    bench
        .store
        .write(|tx| dirty::mark(tx, "hs", Kind::Companies, object, Lane::Live, now))
        .unwrap();
    while bench
        .fetcher()
        .step(Kind::Companies, bench.now())
        .await
        .unwrap()
        > 0
    {}
}

async fn send_all(bench: &Bench) {
    let mut now = bench.now();
    for _ in 0..12 {
        bench.sender().step(now).await.unwrap();
        now = now.plus(700_000);
    }
}

/// Two companies with their leads.
async fn two(portal: PortalConfig) -> (Bench, [(u64, Lead); 2]) {
    let bench = Bench::start(portal, "").await;
    let mut made = Vec::new();
    for name in ["Bakery", "Baker & Sons"] {
        let properties = [("name", name), ("state", "MA"), ("zip", "02118")];
        let id = bench.portal.create(COMPANIES, &properties).unwrap();
        read(&bench, id).await;
        let leads = bench.leads().into_iter();
        let lead = leads.into_iter().find(|l| l.name == name).unwrap();
        made.push((id, lead));
    }
    let second = made.remove(1);
    (bench, [made.remove(0), second])
}

fn visit(bench: &Bench, lead: LeadId) -> VisitId {
    let visit = Visit {
        id: VisitId::from_bytes([7; 16]),
        lead,
        rep: bench.rep(),
        started_at: TimestampMs(1_790_000_000_000),
        ended_at: None,
        outcome: VisitOutcome::Met,
        note: Some("canary".into()),
        follow_up_at: None,
        position: None,
    };
    let columns = visit.to_columns();
    let change = Change::Create(columns.clone());
    bench.push(&operation(Entity::VISIT, visit.id.row(), change), columns);
    visit.id
}

fn conflict_about(bench: &Bench, lead: LeadId) -> ConflictId {
    let conflict = Conflict {
        id: ConflictId::from_bytes([8; 16]),
        entity: Entity::LEAD,
        row: lead.row(),
        column: Some(lead::PHONE),
        kept: Value::Null,
        lost: "+1 555".into(),
        operation: OperationId::from_bytes([3; 16]),
        at: TimestampMs(1),
        phone_won: false,
    };
    let (columns, rep, now) = (conflict.to_columns(), Some(bench.rep()), bench.now());
    bench
        .store
        .write(|tx| feed::put_for(tx, Entity::CONFLICT, conflict.id.row(), columns, rep, now))
        .unwrap();
    conflict.id
}

fn cell(bench: &Bench, entity: Entity, id: fieldfare_model::RowId, tag: u16) -> Vec<u8> {
    let state = bench.store.read(|c| feed::row(c, entity, id)).unwrap();
    let RowState::Live(row) = state else {
        panic!("{state:?}")
    };
    row.columns.get(tag).as_bytes().unwrap().to_vec()
}

fn portals() -> Vec<PortalConfig> {
    let mut all = Vec::new();
    for merge in [MergeMode::NewRecord, MergeMode::KeepPrimary] {
        for merged_ids_redirect in [true, false] {
            all.push(PortalConfig {
                merge,
                merged_ids_redirect,
                ..portal_config()
            });
        }
    }
    all
}

#[tokio::test]
async fn what_hangs_on_a_lead_follows_it_through_a_merge_however_its_news_arrives() {
    for portal in portals() {
        for order in 0..3 {
            let what = format!("{:?} {} {order}", portal.merge, portal.merged_ids_redirect);
            let (bench, [(primary, kept), (merged, lost)]) = two(portal.clone()).await;
            let visited = visit(&bench, lost.id);
            let conflict_id = conflict_about(&bench, lost.id);
            bench.edit(&lost, lead::PHONE, "+1 555 0100");
            let into = bench.portal.merge(COMPANIES, primary, merged).unwrap();
            let news = match order {
                0 => [merged, primary, into],
                1 => [into, merged, primary],
                _ => [primary, into, merged],
            };
            for object in news {
                read(&bench, object).await;
            }
            let leads = bench.leads();
            assert_eq!((leads.len(), leads[0].id), (1, kept.id), "{what}");
            let row = kept.id.as_bytes().to_vec();
            let lead_of_visit = fieldfare_model::schema::visit::LEAD;
            assert_eq!(
                cell(&bench, Entity::VISIT, visited.row(), lead_of_visit),
                row,
                "{what}"
            );
            let about = cell(&bench, Entity::CONFLICT, conflict_id.row(), conflict::ROW);
            assert_eq!(about, row, "{what}");
            send_all(&bench).await;
            assert_eq!(bench.portal.notes_of(into).len(), 1, "{what}");
            let record = bench.portal.record(COMPANIES, into).unwrap();
            assert_eq!(
                record.value("phone").as_deref(),
                Some("+1 555 0100"),
                "{what}"
            );
            assert_eq!((bench.count(WAITING), bench.count(DEAD)), (0, 0), "{what}");
        }
    }
}

#[tokio::test]
async fn what_was_sent_to_the_record_that_went_is_sent_again_to_the_one_that_stands() {
    let portal = PortalConfig {
        merged_ids_redirect: false,
        ..portal_config()
    };
    let (bench, [(primary, _), (merged, lost)]) = two(portal).await;
    visit(&bench, lost.id);
    let into = bench.portal.merge(COMPANIES, primary, merged).unwrap();
    // The server does not know yet.
    send_all(&bench).await;
    assert_eq!(bench.count(DEAD), 1);
    read(&bench, merged).await;
    read(&bench, into).await;
    send_all(&bench).await;
    assert_eq!(bench.portal.notes_of(into).len(), 1);
    assert_eq!((bench.count(WAITING), bench.count(DEAD)), (0, 0));
}

#[tokio::test]
async fn what_a_phone_told_of_a_deleted_lead_is_kept_and_sent_when_the_record_is_restored() {
    let (bench, [(id, lead), _]) = two(portal_config()).await;
    visit(&bench, lead.id);
    bench.portal.archive(COMPANIES, id).unwrap();
    read(&bench, id).await;
    send_all(&bench).await;
    let dead = bench.state.dead_letters.clone();
    let letters = bench.store.read(|c| dead.list(c, 10)).unwrap();
    assert_eq!(
        (letters.len(), letters[0].kind.as_str()),
        (1, "write-back note")
    );
    // Replaying without the lead keeps it.
    bench
        .store
        .write(|tx| dead.replay(tx, Some(letters[0].id)))
        .unwrap();
    assert_eq!(bench.count(WAITING), 1);
    send_all(&bench).await;
    assert_eq!((bench.count(WAITING), bench.count(DEAD)), (0, 1));
    bench.portal.restore(COMPANIES, id).unwrap();
    read(&bench, id).await;
    send_all(&bench).await;
    assert_eq!(bench.portal.notes_of(id).len(), 1);
    assert_eq!((bench.count(WAITING), bench.count(DEAD)), (0, 0));
}

#[tokio::test]
async fn an_erased_record_leaves_no_job_and_no_planned_day_behind() {
    let (bench, [(id, lead), _]) = two(portal_config()).await;
    visit(&bench, lead.id);
    let day = planned_day(&lead);
    let now = bench.now();
    bench
        .store
        .write(|tx| feed::put(tx, Entity::DAY_PLAN, day.id.row(), day.to_columns(), now))
        .unwrap();
    let kept = || {
        let sql = "SELECT count(*) FROM snapshot WHERE frame = x'07'";
        let count = bench
            .store
            .read(|c| Ok(c.query_row(sql, [], |r| r.get::<_, i64>(0))?));
        count.unwrap()
    };
    let keep = "INSERT INTO snapshot
        SELECT s.key, 0, 1, (SELECT seq FROM tenant), 1, 1, 0, x'07' FROM scope s";
    bench.store.write(|tx| Ok(tx.execute(keep, [])?)).unwrap();
    let kept_before = kept();
    bench.portal.erase(COMPANIES, id).unwrap();
    let body = json!([{"eventId": 1, "objectId": id, "portalId": PORTAL, "occurredAt": 1,
        "subscriptionType": "company.privacyDeletion", "changeSource": "CRM_UI"}]);
    let tenant = bench.state.crm.tenants().next().unwrap().clone();
    let now = bench.now();
    bench
        .store
        .write(|tx| {
            let sql =
                "INSERT INTO crm_delivery (connection, received_at, body) VALUES ('hs', 0, ?1)";
            tx.execute(sql, [pack(&serde_json::to_vec(&body).unwrap()).unwrap()])?;
            let list = split::oldest(tx, 1)?;
            split::split(tx, &tenant, &list[0], now)
        })
        .unwrap();
    read(&bench, id).await;
    let row = bench
        .store
        .read(|c| feed::row(c, Entity::LEAD, lead.id.row()));
    assert!(matches!(row.unwrap(), RowState::Deleted));
    assert!(kept() < kept_before, "frames that had the lead");
    assert_eq!((bench.count(WAITING), bench.count(DEAD)), (0, 0));
    let days = bench.store.read(|c| feed::rows_of(c, Entity::DAY_PLAN));
    assert!(days.unwrap().is_empty());
}

fn planned_day(lead: &Lead) -> DayPlanRow {
    DayPlanRow {
        id: DayPlanId::from_bytes([8; 16]),
        rep: RepId::from_bytes([9; 16]),
        date: CalendarDate::new(2026, 9, 21).unwrap(),
        time_zone: "America/New_York".into(),
        zero_at: TimestampMs(0),
        computed_at: TimestampMs(0),
        problem: json!({"stops": [{"id": lead.id.to_string()}]}).to_string(),
        plan: "{}".into(),
    }
}

#[tokio::test]
async fn a_phones_lead_merged_before_its_id_was_known_becomes_part_of_the_other() {
    for merge in [MergeMode::NewRecord, MergeMode::KeepPrimary] {
        let portal = PortalConfig {
            merge,
            ..portal_config()
        };
        let (bench, [(primary, _), _]) = two(portal).await;
        let mut made = Lead::new(LeadId::from_bytes([5; 16]), "Corner Shop");
        made.address.postal_code = Some("02118".into());
        made.address.country = Some("US".into());
        let columns = made.to_columns();
        let create = Change::Create(columns.clone());
        bench.push(&operation(Entity::LEAD, made.id.row(), create), columns);
        visit(&bench, made.id);
        bench.portal.fail_calls(CallFault {
            after_commit: true,
            path_contains: Some("objects/companies".into()),
            ..CallFault::next(1, 502)
        });
        bench.sender().step(bench.now()).await.unwrap();
        let records = bench.portal.records(COMPANIES).into_iter();
        let shop = records
            .filter(|r| r.value("name").as_deref() == Some("Corner Shop"))
            .map(|r| r.id)
            .next_back()
            .unwrap();
        let into = bench.portal.merge(COMPANIES, primary, shop).unwrap();
        read(&bench, into).await;
        send_all(&bench).await;
        assert_eq!(bench.leads().len(), 2, "the merged one and the bystander");
        assert_eq!(bench.portal.notes_of(into).len(), 1);
        assert_eq!(
            (bench.count(WAITING), bench.count(DEAD)),
            (0, 0),
            "{merge:?}"
        );
    }
}
