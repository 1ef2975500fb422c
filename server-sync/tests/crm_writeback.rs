//! Telling the CRM, against the sandbox: nothing twice, nothing lost, refusals kept.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod crm_support;

use crm_support::*;
use fieldfare_model::schema::lead;
use fieldfare_model::{
    Entity, GeocodeStatus, Lead, LeadId, LeadStatus, TimestampMs, Visit, VisitId, VisitOutcome,
};
use fieldfare_sandbox::{CallFault, ObjectType, ValidationRule};
use fieldfare_server::hubspot::ObjectType as Kind;
use fieldfare_server::intake::dirty::{self, Lane};
use fieldfare_server::intake::split;
use fieldfare_sync::Change;
use serde_json::json;

const COMPANIES: ObjectType = ObjectType::Companies;
const JOBS: &str = "SELECT count(*) FROM crm_job";
const REFUSED: &str = "SELECT count(*) FROM crm_job WHERE state = 2";

async fn with_company() -> (Bench, u64, Lead) {
    let bench = Bench::start(portal_config(), "").await;
    let id = bench
        .portal
        .create(
            COMPANIES,
            &[("name", "Bakery"), ("state", "MA"), ("zip", "02118")],
        )
        .unwrap();
    fetch(&bench, id).await;
    let lead = bench.leads().remove(0);
    (bench, id, lead)
}

async fn fetch(bench: &Bench, object: u64) {
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

/// Sends until nothing is due, an hour and more later if need be.
async fn send_all(bench: &Bench) {
    let mut now = bench.now();
    for _ in 0..12 {
        bench.sender().step(now).await.unwrap();
        now = now.plus(700_000);
    }
}

fn there(bench: &Bench, object: u64, property: &str) -> Option<String> {
    bench
        .portal
        .record(COMPANIES, object)
        .unwrap()
        .value(property)
}

fn visit(bench: &Bench, lead: LeadId, follow_up: Option<i64>) {
    let visit = Visit {
        id: VisitId::from_bytes([7; 16]),
        lead,
        rep: bench.rep(),
        started_at: TimestampMs(1_790_000_000_000),
        ended_at: None,
        outcome: VisitOutcome::Met,
        note: Some("wants <samples>".into()),
        follow_up_at: follow_up.map(TimestampMs),
        position: None,
    };
    let columns = visit.to_columns();
    bench.push(
        &operation(
            Entity::VISIT,
            visit.id.row(),
            Change::Create(columns.clone()),
        ),
        columns,
    );
}

#[tokio::test]
async fn edits_of_a_lead_reach_its_record_in_one_batch() {
    let (bench, id, lead) = with_company().await;
    bench.edit(&lead, lead::PHONE, "+1 555 0100");
    let lead = bench.leads().remove(0);
    bench.edit(&lead, lead::PHONE, "+1 555 0199");
    let lead = bench.leads().remove(0);
    bench.edit(&lead, lead::STATUS, LeadStatus::Qualified.code());
    send_all(&bench).await;
    assert_eq!(there(&bench, id, "phone").as_deref(), Some("+1 555 0199"));
    assert_eq!(
        there(&bench, id, "hs_lead_status").as_deref(),
        Some("OPEN_DEAL")
    );
    assert_eq!(bench.count(JOBS), 0);
    let updates = bench
        .portal
        .calls()
        .into_iter()
        .filter(|(path, _)| path.contains("batch/update"));
    assert_eq!(updates.map(|(_, n)| n).sum::<u64>(), 1);
}

#[tokio::test]
async fn a_visit_becomes_a_task_or_a_note_once_though_answers_get_lost() {
    for follow_up in [None, Some(1_790_500_000_000)] {
        let (bench, id, lead) = with_company().await;
        visit(&bench, lead.id, follow_up);
        let path = if follow_up.is_some() {
            "objects/tasks"
        } else {
            "objects/notes"
        };
        bench.portal.fail_calls(CallFault {
            after_commit: true,
            path_contains: Some(path.into()),
            ..CallFault::next(1, 500)
        });
        send_all(&bench).await;
        let (tasks, notes) = (bench.portal.tasks_of(id), bench.portal.notes_of(id));
        let made = if follow_up.is_some() { &tasks } else { &notes };
        assert_eq!((made.len(), tasks.len() + notes.len()), (1, 1));
        assert_eq!(
            made[0].value("hubspot_owner_id").as_deref(),
            Some("70000001")
        );
        assert_eq!(bench.count(JOBS), 0);
    }
}

#[tokio::test]
async fn a_crash_between_sending_and_noting_doubles_nothing() {
    let (bench, id, lead) = with_company().await;
    visit(&bench, lead.id, Some(1_790_500_000_000));
    bench.sender().step(bench.now()).await.unwrap();
    assert_eq!(bench.portal.tasks_of(id).len(), 1);
    // As after a stop just before the job was noted as done.
    let idem = bench.portal.tasks_of(id)[0].value("fieldfare_id").unwrap();
    bench
        .store
        .write(|tx| {
            let sql = "INSERT INTO crm_job (idem, connection, kind, lead, payload, state, attempts,
                maybe_sent, due_at) VALUES (?1, 'hs', 'task', ?2, '{\"properties\":[]}', 1, 0, 0, 0)";
            tx.execute(sql, rusqlite::params![idem, lead.id.as_bytes()])?;
            fieldfare_server::writeback::jobs::recover(tx, "hs", TimestampMs(0))
        })
        .unwrap();
    send_all(&bench).await;
    assert_eq!((bench.portal.tasks_of(id).len(), bench.count(JOBS)), (1, 0));
}

fn make_lead(bench: &Bench) -> LeadId {
    let mut made = Lead::new(LeadId::from_bytes([5; 16]), "Corner Shop");
    made.address.region = Some("MA".into());
    made.address.country = Some("US".into());
    made.address.city = Some("Lynn".into());
    let columns = made.to_columns();
    let create = Change::Create(columns.clone());
    bench.push(&operation(Entity::LEAD, made.id.row(), create), columns);
    made.id
}

fn shops(bench: &Bench) -> Vec<u64> {
    let live = bench.portal.records(COMPANIES).into_iter();
    live.filter(|r| r.value("name").as_deref() == Some("Corner Shop"))
        .map(|r| r.id)
        .collect()
}

#[tokio::test]
async fn a_lead_made_on_a_phone_becomes_one_company_and_what_follows_waits_for_it() {
    let bench = Bench::start(portal_config(), "").await;
    let id = make_lead(&bench);
    let placed = bench.leads().remove(0);
    assert_eq!(placed.geocode.status, GeocodeStatus::Success);
    assert!(placed.territory.is_some());
    bench.edit(&placed, lead::PHONE, "+1 555 0111");
    visit(&bench, id, None);
    bench.portal.fail_calls(CallFault {
        after_commit: true,
        path_contains: Some("objects/companies".into()),
        ..CallFault::next(1, 502)
    });
    send_all(&bench).await;
    let made = shops(&bench);
    assert_eq!(made.len(), 1);
    assert_eq!(
        there(&bench, made[0], "phone").as_deref(),
        Some("+1 555 0111")
    );
    assert_eq!(bench.portal.notes_of(made[0]).len(), 1);
    assert_eq!(bench.leads()[0].crm_id, Some(made[0].to_string()));
    assert_eq!(bench.count(JOBS), 0);
}

#[tokio::test]
async fn a_webhook_quicker_than_the_answer_finds_the_phones_lead() {
    let bench = Bench::start(portal_config(), "").await;
    let id = make_lead(&bench);
    bench.portal.fail_calls(CallFault {
        after_commit: true,
        path_contains: Some("objects/companies".into()),
        ..CallFault::next(1, 502)
    });
    bench.sender().step(bench.now()).await.unwrap();
    let made = shops(&bench)[0];
    fetch(&bench, made).await;
    let leads = bench.leads();
    assert_eq!((leads.len(), leads[0].id), (1, id));
    assert_eq!(leads[0].crm_id, Some(made.to_string()));
    send_all(&bench).await;
    assert_eq!(shops(&bench).len(), 1);
}

#[tokio::test]
async fn a_refusal_is_kept_and_the_lead_shows_what_the_crm_holds() {
    let (bench, id, lead) = with_company().await;
    let other = bench.portal.create(COMPANIES, &[("name", "Mill")]).unwrap();
    fetch(&bench, other).await;
    bench.portal.set_validation_rules(vec![ValidationRule {
        object: COMPANIES,
        property: "phone".into(),
        message: "ask marketing".into(),
    }]);
    bench.edit(&lead, lead::PHONE, "+1 555 0100");
    let mill = bench
        .leads()
        .into_iter()
        .find(|l| l.name == "Mill")
        .unwrap();
    bench.edit(&mill, lead::NAME, "Windmill");
    send_all(&bench).await;
    assert_eq!(
        there(&bench, other, "name").as_deref(),
        Some("Windmill"),
        "the rest is told"
    );
    assert_eq!(
        (there(&bench, id, "phone"), bench.count(REFUSED)),
        (None, 1)
    );
    while bench
        .fetcher()
        .step(Kind::Companies, bench.now())
        .await
        .unwrap()
        > 0
    {}
    let now = bench.leads().into_iter().find(|l| l.id == lead.id).unwrap();
    assert_eq!(now.phone, None);
    let dead = bench.state.dead_letters.clone();
    let letters = bench.store.read(|c| dead.list(c, 10)).unwrap();
    assert!(
        letters[0].reason.contains("VALIDATION"),
        "{}",
        letters[0].reason
    );
    assert!(!letters[0].reason.contains("555"));
    bench.portal.set_validation_rules(Vec::new());
    assert_eq!(
        bench
            .store
            .write(|tx| dead.replay(tx, Some(letters[0].id)))
            .unwrap(),
        1
    );
    send_all(&bench).await;
    assert_eq!(there(&bench, id, "phone").as_deref(), Some("+1 555 0100"));
}

#[tokio::test]
async fn what_waits_to_be_told_is_not_overwritten_by_what_the_crm_held() {
    let (bench, id, lead) = with_company().await;
    bench.edit(&lead, lead::PHONE, "+1 555 0100");
    bench
        .portal
        .edit(
            COMPANIES,
            id,
            &[("name", "Big Bakery"), ("phone", "+1 999")],
        )
        .unwrap();
    fetch(&bench, id).await;
    let held = bench.leads().remove(0);
    assert_eq!(
        (held.name.as_str(), held.phone.as_deref()),
        ("Big Bakery", Some("+1 555 0100"))
    );
    send_all(&bench).await;
    fetch(&bench, id).await;
    assert_eq!(bench.leads()[0].phone.as_deref(), Some("+1 555 0100"));
    assert_eq!(there(&bench, id, "phone").as_deref(), Some("+1 555 0100"));
}

#[tokio::test]
async fn an_older_record_never_overwrites_a_newer_one() {
    let (bench, id, lead) = with_company().await;
    let newer = lead.source_updated_at.unwrap().plus(60_000);
    let mut columns = lead.to_columns();
    columns.set(lead::SOURCE_UPDATED_AT, newer.0);
    columns.set(lead::NAME, "From the future");
    let now = bench.now();
    bench
        .store
        .write(|tx| fieldfare_server::feed::put(tx, Entity::LEAD, lead.id.row(), columns, now))
        .unwrap();
    fetch(&bench, id).await;
    assert_eq!(bench.leads()[0].name, "From the future");
    assert_eq!(bench.count("SELECT count(*) FROM crm_dirty"), 0);
}

fn told(bench: &Bench, object: u64, value: &str, source: &str, at: i64) -> i64 {
    let body = json!([{"eventId": at, "objectId": object, "portalId": PORTAL, "occurredAt": at,
        "subscriptionType": "company.propertyChange", "propertyName": "phone",
        "propertyValue": value, "changeSource": source}]);
    let tenant = bench.state.crm.tenants().next().unwrap().clone();
    let now = bench.now();
    bench
        .store
        .write(|tx| {
            let sql =
                "INSERT INTO crm_delivery (connection, received_at, body) VALUES ('hs', 0, ?1)";
            tx.execute(
                sql,
                [fieldfare_server::intake::pack(&serde_json::to_vec(&body).unwrap()).unwrap()],
            )?;
            let list = split::oldest(tx, 1)?;
            split::split(tx, &tenant, &list[0], now)?;
            Ok(tx.execute("DELETE FROM crm_dirty", [])? as i64)
        })
        .unwrap()
}

#[tokio::test]
async fn our_own_writes_are_known_when_they_come_back_and_no_real_change_is_dropped() {
    let (bench, id, lead) = with_company().await;
    bench.edit(&lead, lead::PHONE, "+1 555 0100");
    send_all(&bench).await;
    let at = bench.now().0;
    assert_eq!(
        told(&bench, id, "+1 555 0100", "INTEGRATION", at),
        0,
        "the echo"
    );
    assert_eq!(
        told(&bench, id, "+1 555 0100", "CRM_UI", at + 1),
        1,
        "a person"
    );
    assert_eq!(
        told(&bench, id, "+1 777", "INTEGRATION", at + 2),
        1,
        "another value"
    );
    assert_eq!(
        told(&bench, id, "+1 555 0100", "INTEGRATION", at + 3_600_000),
        1,
        "much later"
    );
    assert_eq!(
        told(&bench, id, "+1 555 0100", "INTEGRATION", at - 3_600_000),
        1,
        "before"
    );
    // A person changed it, and another program set it back: that is news.
    bench
        .portal
        .edit(COMPANIES, id, &[("phone", "+1 888")])
        .unwrap();
    fetch(&bench, id).await;
    assert_eq!(
        told(&bench, id, "+1 555 0100", "INTEGRATION", at + 4),
        1,
        "set back"
    );
}

async fn fetch_contact(bench: &Bench, object: u64) {
    let now = bench.now();
    bench
        .store
        .write(|tx| dirty::mark(tx, "hs", Kind::Contacts, object, Lane::Live, now))
        .unwrap();
    while bench
        .fetcher()
        .step(Kind::Contacts, bench.now())
        .await
        .unwrap()
        > 0
    {}
}

const BEING_SENT: &str = "SELECT count(*) FROM crm_job WHERE state = 1";

#[tokio::test]
async fn contacts_are_told_although_the_companies_have_to_wait() {
    let (bench, _, _) = with_company().await;
    let person = [
        ("firstname", "Bo"),
        ("lastname", "Li"),
        ("state", "MA"),
        ("zip", "02118"),
    ];
    let contact = bench.portal.create(ObjectType::Contacts, &person).unwrap();
    fetch_contact(&bench, contact).await;
    for lead in bench.leads() {
        bench.edit(&lead, lead::PHONE, "+1 555 0100");
    }
    bench.portal.fail_calls(CallFault {
        path_contains: Some("companies/batch/update".into()),
        ..CallFault::next(1, 503)
    });
    let (_, wait) = bench.sender().step(bench.now()).await.unwrap();
    assert!(!wait.is_zero());
    assert_eq!(bench.count(BEING_SENT), 0, "nobody is sending any more");
    send_all(&bench).await;
    let told = bench.portal.record(ObjectType::Contacts, contact).unwrap();
    assert_eq!(told.value("phone").as_deref(), Some("+1 555 0100"));
    assert_eq!(bench.count(JOBS), 0);
}

#[tokio::test]
async fn a_job_whose_outcome_could_not_be_noted_is_taken_up_by_the_next_step() {
    let (bench, id, lead) = with_company().await;
    visit(&bench, lead.id, None);
    bench.edit(&lead, lead::PHONE, "+1 555 0100");
    let noting_fails = "CREATE TRIGGER full BEFORE DELETE ON crm_job
                        BEGIN SELECT RAISE(ABORT, 'disk full'); END";
    let run = |sql: &'static str| {
        bench.store.write(|tx| Ok(tx.execute_batch(sql)?)).unwrap();
    };
    run(noting_fails);
    assert!(bench.sender().step(bench.now()).await.is_err());
    assert_eq!(bench.count(BEING_SENT), 1);
    run("DROP TRIGGER full");
    send_all(&bench).await;
    assert_eq!(bench.portal.notes_of(id).len(), 1, "told once");
    assert_eq!(there(&bench, id, "phone").as_deref(), Some("+1 555 0100"));
    assert_eq!(bench.count(JOBS), 0);
}

#[tokio::test]
async fn an_edit_put_off_does_not_overtake_a_later_one() {
    let (bench, id, lead) = with_company().await;
    bench.edit(&lead, lead::PHONE, "+1 555 0100");
    bench.portal.fail_calls(CallFault {
        path_contains: Some("companies/batch/update".into()),
        ..CallFault::next(1, 503)
    });
    bench.sender().step(bench.now()).await.unwrap();
    let lead = bench.leads().remove(0);
    bench.edit(&lead, lead::PHONE, "+1 555 0199");
    send_all(&bench).await;
    assert_eq!(there(&bench, id, "phone").as_deref(), Some("+1 555 0199"));
    assert_eq!(bench.count(JOBS), 0);
}
