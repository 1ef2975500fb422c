//! Our mark on what we make in the CRM: the property it needs is made, or done without.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod crm_support;

use crm_support::*;
use fieldfare_model::{Entity, Lead, LeadId, TimestampMs, Visit, VisitId, VisitOutcome};
use fieldfare_sandbox::{CallFault, ObjectType, PortalConfig};
use fieldfare_sync::Change;

const MARK: &str = "fieldfare_id";

/// A portal in which nobody made the property.
fn bare(withheld: &[&str]) -> PortalConfig {
    let mut portal = portal_config();
    portal.custom_properties.retain(|p| p.name != MARK);
    portal.withheld_scopes = withheld.iter().map(|s| (*s).to_owned()).collect();
    portal
}

fn make_lead(bench: &Bench) -> LeadId {
    let mut made = Lead::new(LeadId::from_bytes([5; 16]), "Corner Shop");
    made.address.postal_code = Some("02118".into());
    made.address.country = Some("US".into());
    let columns = made.to_columns();
    let create = Change::Create(columns.clone());
    bench.push(&operation(Entity::LEAD, made.id.row(), create), columns);
    made.id
}

fn visit(bench: &Bench, lead: LeadId, n: u8, follow_up: Option<i64>) {
    let visit = Visit {
        id: VisitId::from_bytes([n; 16]),
        lead,
        rep: bench.rep(),
        started_at: TimestampMs(1_790_000_000_000),
        ended_at: None,
        outcome: VisitOutcome::Met,
        note: None,
        follow_up_at: follow_up.map(TimestampMs),
        position: None,
    };
    let columns = visit.to_columns();
    let change = Change::Create(columns.clone());
    bench.push(&operation(Entity::VISIT, visit.id.row(), change), columns);
}

async fn send_all(bench: &Bench) {
    let mut now = bench.now();
    for _ in 0..12 {
        bench.sender().step(now).await.unwrap();
        now = now.plus(700_000);
    }
}

/// A new lead, a task and a note, and with what marks they came.
async fn all_kinds(bench: &Bench) -> [Option<String>; 3] {
    let lead = make_lead(bench);
    visit(bench, lead, 1, None);
    visit(bench, lead, 2, Some(1_790_500_000_000));
    send_all(bench).await;
    assert_eq!(bench.count("SELECT count(*) FROM crm_job"), 0);
    let kinds = [ObjectType::Companies, ObjectType::Tasks, ObjectType::Notes];
    kinds.map(|kind| {
        let records = bench.portal.records(kind);
        assert_eq!(records.len(), 1, "{kind:?}");
        records[0].value(MARK)
    })
}

#[tokio::test]
async fn the_property_is_made_where_it_is_missing() {
    for version in ["v3", "2026-09"] {
        let more = "";
        let bench = Bench::start_with(bare(&[]), more, |text| {
            text.replace(
                "token = \"tok\"",
                &format!("token = \"tok\"\napi_version = \"{version}\""),
            )
        })
        .await;
        let marks = all_kinds(&bench).await;
        assert!(marks.iter().all(Option::is_some), "{marks:?}");
        let calls = bench.portal.calls();
        let looked = calls
            .iter()
            .filter(|(call, _)| call.contains("/properties/"));
        assert!(looked.clone().all(|(_, n)| *n == 1), "{calls:?}");
        assert_eq!(looked.count(), 9, "look, group and property for each kind");
    }
}

#[tokio::test]
async fn without_leave_to_make_it_everything_is_told_unmarked() {
    let withheld = [
        "crm.schemas.companies.write",
        "crm.schemas.tasks.write",
        "crm.schemas.notes.write",
    ];
    let bench = Bench::start(bare(&withheld), "").await;
    assert_eq!(all_kinds(&bench).await, [None, None, None]);
}

#[tokio::test]
async fn without_leave_to_look_everything_is_told_unmarked() {
    let mut withheld = Vec::new();
    for kind in ["companies", "tasks", "notes"] {
        withheld.push(format!("crm.schemas.{kind}.read"));
        withheld.push(format!("crm.schemas.{kind}.write"));
    }
    let mut portal = bare(&[]);
    portal.withheld_scopes = withheld;
    portal.withheld_scopes.push("crm.objects.notes.read".into());
    let bench = Bench::start(portal, "").await;
    assert_eq!(all_kinds(&bench).await, [None, None, None]);
}

#[tokio::test]
async fn a_property_taken_away_meanwhile_loses_no_note() {
    let bench = Bench::start(bare(&[]), "").await;
    let lead = make_lead(&bench);
    visit(&bench, lead, 1, None);
    send_all(&bench).await;
    bench.portal.remove_property(ObjectType::Notes, MARK);
    visit(&bench, lead, 2, None);
    send_all(&bench).await;
    let notes = bench.portal.records(ObjectType::Notes);
    let marks: Vec<bool> = notes.iter().map(|n| n.value(MARK).is_some()).collect();
    assert_eq!(marks.len(), 2);
    assert_eq!(bench.count("SELECT count(*) FROM crm_job"), 0);
}

#[tokio::test]
async fn a_crm_that_does_not_answer_is_asked_for_the_property_again() {
    let bench = Bench::start(bare(&[]), "").await;
    bench.portal.fail_calls(CallFault {
        path_contains: Some("/properties/".into()),
        ..CallFault::next(2, 503)
    });
    let marks = all_kinds(&bench).await;
    assert!(marks.iter().all(Option::is_some), "{marks:?}");
}
