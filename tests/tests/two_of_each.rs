//! Two companies, two reps, two phones: who sees what, and what happens when they meet.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use fieldfare_engine::LeadEdit;
use fieldfare_model::{Lead, LeadId, Value};
use fieldfare_sandbox::ObjectType::Companies;
use fieldfare_sandbox::PortalHandle;
use fieldfare_sync::RejectCode;
use fieldfare_tests::world::{PATIENCE, Phone, TenantSpec, World, WorldSpec, wait_until};
use serde_json::json;
use std::collections::BTreeSet;

fn by_state() -> TenantSpec {
    TenantSpec::new("Acme", 7)
        .rep("Ada", None)
        .rep("Bob", None)
        .states("Vermont", &["VT"], &["Ada"])
        .states("Bay", &["MA"], &["Bob"])
}

fn by_owner() -> TenantSpec {
    TenantSpec::new("Acme", 7)
        .rep("Ada", Some(70_000_001))
        .rep("Bob", Some(70_000_002))
        .territory("Ada's", json!({ "owner": ["70000001"] }), &["Ada"])
        .territory("Bob's", json!({ "owner": ["70000002"] }), &["Bob"])
}

struct Two {
    world: World,
    portal: PortalHandle,
    ada: Phone,
    bob: Phone,
}

impl Two {
    /// Twenty companies in Vermont and twenty in Massachusetts; both phones in sync.
    async fn start(spec: TenantSpec) -> Self {
        let world = World::start(WorldSpec::of([spec])).await.unwrap();
        for state in ["VT", "MA"] {
            world.load("Acme", &[state], Some(20)).unwrap();
        }
        let portal = world.portal("Acme").unwrap();
        let records = portal.records(Companies);
        for (n, record) in records.iter().enumerate() {
            let owner = if n % 2 == 0 { "70000001" } else { "70000002" };
            portal
                .edit(Companies, record.id, &[("hubspot_owner_id", owner)])
                .unwrap();
        }
        world.catch_up("Acme").await.unwrap();
        let ada = world.phone("Acme", "Ada").await.unwrap();
        let bob = world.phone("Acme", "Bob").await.unwrap();
        let two = Self {
            world,
            portal,
            ada,
            bob,
        };
        two.sync().await;
        assert_eq!(
            (
                two.ada.leads().unwrap().len(),
                two.bob.leads().unwrap().len()
            ),
            (20, 20)
        );
        two
    }

    async fn sync(&self) {
        self.ada.sync().await.unwrap();
        self.bob.sync().await.unwrap();
    }

    fn on_server(&self, id: LeadId) -> Option<Lead> {
        self.world
            .server_leads("Acme")
            .unwrap()
            .into_iter()
            .find(|lead| lead.id == id)
    }

    /// A lead of Ada's and its id in the CRM.
    fn of_ada(&self, n: usize) -> (LeadId, u64) {
        let lead = &self.ada.leads().unwrap()[n];
        (lead.id, lead.crm_id.as_ref().unwrap().parse().unwrap())
    }

    fn assert_moved_to_bob(&self, id: LeadId) {
        let ids = |phone: &Phone| -> BTreeSet<LeadId> {
            phone.leads().unwrap().iter().map(|lead| lead.id).collect()
        };
        let (ada, bob) = (ids(&self.ada), ids(&self.bob));
        assert!(!ada.contains(&id) && bob.contains(&id), "it did not move");
        assert_eq!((ada.len(), bob.len()), (19, 21));
        assert!(ada.is_disjoint(&bob));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_moves_in_the_crm_moves_from_phone_to_phone() {
    let two = Two::start(by_state()).await;
    let (id, crm) = two.of_ada(0);
    let address = [("state", "MA"), ("zip", "02110"), ("city", "Boston")];
    two.portal.edit(Companies, crm, &address).unwrap();
    two.world.catch_up("Acme").await.unwrap();
    two.sync().await;
    two.assert_moved_to_bob(id);
    let moved = two.bob.engine.lead(id).unwrap().lead;
    assert_eq!(moved.address.city.as_deref(), Some("Boston"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_owner_in_the_crm_takes_the_lead_along() {
    let two = Two::start(by_owner()).await;
    let (id, crm) = two.of_ada(0);
    two.portal
        .edit(Companies, crm, &[("hubspot_owner_id", "70000002")])
        .unwrap();
    two.world.catch_up("Acme").await.unwrap();
    two.sync().await;
    two.assert_moved_to_bob(id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_handed_over_on_the_phone_moves_and_the_crm_shows_the_new_owner() {
    let two = Two::start(by_owner()).await;
    let (id, crm) = two.of_ada(0);
    two.ada
        .engine
        .edit_lead(id, vec![LeadEdit::Owner(Some("70000002".to_owned()))])
        .unwrap();
    two.sync().await;
    two.assert_moved_to_bob(id);
    assert!(two.ada.engine.refused().unwrap().is_empty());
    let shows = || async {
        let record = two.portal.record(Companies, crm).ok_or("no such company")?;
        Ok(record.properties["hubspot_owner_id"] == "70000002")
    };
    wait_until("the CRM shows the new owner", PATIENCE, shows)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_one_company_reaches_the_phone_of_another() {
    let globex = TenantSpec::new("Globex", 8)
        .rep("Gil", None)
        .states("Vermont", &["VT"], &["Gil"]);
    let world = World::start(WorldSpec::of([by_state(), globex]))
        .await
        .unwrap();
    // The same companies under the same ids in both CRMs, so that a mix-up would show.
    let theirs = world.load("Globex", &["VT"], Some(30)).unwrap();
    assert_eq!(world.load("Acme", &["VT"], Some(30)).unwrap(), theirs);
    let portal = world.portal("Globex").unwrap();
    for id in &theirs {
        portal
            .edit(Companies, *id, &[("name", &format!("Globex only {id}"))])
            .unwrap();
    }
    world.catch_up("Acme").await.unwrap();
    world.catch_up("Globex").await.unwrap();
    let ada = world.phone("Acme", "Ada").await.unwrap();
    let gil = world.phone("Globex", "Gil").await.unwrap();
    for _ in 0..2 {
        ada.sync().await.unwrap();
        gil.sync().await.unwrap();
    }
    let note = "for Acme alone";
    ada.visit(ada.leads().unwrap()[0].id, note).unwrap();
    ada.sync().await.unwrap();
    gil.sync().await.unwrap();

    let ids = |leads: Vec<Lead>| -> BTreeSet<LeadId> { leads.iter().map(|l| l.id).collect() };
    assert!(ada.leads().unwrap() == world.server_leads("Acme").unwrap());
    assert!(gil.leads().unwrap() == world.server_leads("Globex").unwrap());
    assert!(ids(ada.leads().unwrap()).is_disjoint(&ids(gil.leads().unwrap())));
    assert!(
        ada.leads()
            .unwrap()
            .iter()
            .all(|lead| !lead.name.contains("Globex only"))
    );
    assert!(
        gil.leads()
            .unwrap()
            .iter()
            .all(|lead| lead.name.contains("Globex only"))
    );
    assert!(gil.engine.all_visits().unwrap().is_empty());
    assert!(world.server_visits("Globex").unwrap().is_empty());
    let there = ada.engine.territories().unwrap()[0].id;
    assert!(
        gil.engine
            .territories()
            .unwrap()
            .iter()
            .all(|territory| territory.id != there)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_changed_on_both_sides_is_merged_and_shown_as_a_conflict() {
    let two = Two::start(by_state()).await;
    let (id, crm) = two.of_ada(0);
    let (in_crm, on_phone) = ("+1 802 555 0111", "+1 802 555 0122");
    two.portal
        .edit(Companies, crm, &[("phone", in_crm), ("name", "New name")])
        .unwrap();
    two.world.catch_up("Acme").await.unwrap();
    two.ada
        .engine
        .edit_lead(id, vec![LeadEdit::Phone(Some(on_phone.to_owned()))])
        .unwrap();
    two.ada.sync().await.unwrap();

    let conflicts = two.ada.engine.conflicts().unwrap();
    assert_eq!(conflicts.len(), 1);
    assert_eq!(conflicts[0].column.as_deref(), Some("phone"));
    let conflict = &conflicts[0].conflict;
    assert_eq!(conflict.row, id.row());
    assert_eq!(conflict.kept, Value::from(on_phone));
    assert_eq!(conflict.lost, Value::from(in_crm));
    let shows = || async {
        let record = two.portal.record(Companies, crm).ok_or("no such company")?;
        Ok(record.properties["phone"] == on_phone && record.properties["name"] == "New name")
    };
    wait_until("the CRM holds the merged values", PATIENCE, shows)
        .await
        .unwrap();
    two.world.catch_up("Acme").await.unwrap();
    two.ada.sync().await.unwrap();
    let merged = (Some(on_phone.to_owned()), "New name".to_owned());
    let server = two.on_server(id).unwrap();
    assert_eq!((server.phone, server.name), merged);
    let phone = two.ada.engine.lead(id).unwrap();
    assert!(!phone.is_pending);
    assert_eq!((phone.lead.phone, phone.lead.name), merged);
    assert!(two.bob.engine.conflicts().unwrap().is_empty());
}

/// What is refused stays with the phone, is shown, and holds nothing up.
async fn refusal(two: Two, refused: LeadId, expected: RejectCode) {
    let (other, other_crm) = two.of_ada(1);
    assert_ne!(refused, other);
    let edit = LeadEdit::Notes(Some("Side entrance".to_owned()));
    let id = {
        two.ada.engine.edit_lead(refused, vec![edit]).unwrap();
        two.ada.engine.pending().unwrap()[0].id
    };
    two.ada.visit(other, "goes through").unwrap();
    two.ada.sync().await.unwrap();

    let kept = two.ada.engine.refused().unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].operation.id, kept[0].code), (id, expected));
    assert!(!kept[0].reason.is_empty());
    assert!(two.ada.engine.pending().unwrap().is_empty());
    assert!(
        two.ada.engine.lead(refused).is_err(),
        "a lead that is gone is still shown"
    );
    let noted = || async { Ok(two.portal.notes_of(other_crm).len() == 1) };
    wait_until("the CRM shows the other visit", PATIENCE, noted)
        .await
        .unwrap();

    let ada = two.ada.reopen().unwrap();
    assert_eq!(ada.engine.refused().unwrap().len(), 1);
    ada.engine.discard_refused(id).unwrap();
    assert!(ada.engine.refused().unwrap().is_empty());
    ada.sync().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_of_a_lead_that_moved_away_is_refused_and_kept() {
    let two = Two::start(by_state()).await;
    let (id, crm) = two.of_ada(0);
    two.portal
        .edit(Companies, crm, &[("state", "MA"), ("zip", "02110")])
        .unwrap();
    two.world.catch_up("Acme").await.unwrap();
    refusal(two, id, RejectCode::OutOfScope).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_of_a_lead_that_was_deleted_is_refused_and_kept() {
    let two = Two::start(by_state()).await;
    let (id, crm) = two.of_ada(0);
    two.portal.archive(Companies, crm).unwrap();
    two.world.catch_up("Acme").await.unwrap();
    refusal(two, id, RejectCode::Deleted).await;
}
