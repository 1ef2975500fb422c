//! The whole way: from the CRM to the phone, a day offline, and back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use fieldfare_engine::{EngineError, LeadEdit, NearbyQuery, NewVisit};
use fieldfare_model::{GeocodeStatus, LatLng, Lead, LeadId, VisitOutcome};
use fieldfare_sandbox::ObjectType::Companies;
use fieldfare_tests::world::{
    PATIENCE, Phone, TenantSpec, World, WorldResult, WorldSpec, now, wait_until,
};
use std::collections::BTreeSet;

const DAY_MS: i64 = 86_400_000;

fn acme() -> TenantSpec {
    TenantSpec::new("Acme", 4711)
        .rep("Ada", Some(70_000_001))
        .rep("Bob", Some(70_000_002))
        .states("Vermont", &["VT"], &["Ada"])
        .states("Bay", &["MA"], &["Bob"])
}

async fn loaded_world() -> World {
    let world = World::start(WorldSpec::of([acme()])).await.unwrap();
    world.load("Acme", &["VT"], Some(120)).unwrap();
    world.load("Acme", &["MA"], Some(60)).unwrap();
    world.catch_up("Acme").await.unwrap();
    world
}

async fn geocoded(world: &World) -> WorldResult<bool> {
    let leads = world.server_leads("Acme")?;
    Ok(leads
        .iter()
        .all(|lead| lead.geocode.status != GeocodeStatus::Pending))
}

fn crm_ids(leads: &[Lead]) -> BTreeSet<u64> {
    leads
        .iter()
        .map(|lead| lead.crm_id.as_ref().unwrap().parse().unwrap())
        .collect()
}

/// Ids of the CRM's live companies of a state.
fn companies_in(world: &World, state: &str) -> BTreeSet<u64> {
    let records = world.portal("Acme").unwrap().records(Companies).into_iter();
    let here = records.filter(|r| r.archived_ms.is_none() && r.properties["state"] == state);
    here.map(|record| record.id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_webhooks_become_geocoded_leads_in_the_reps_territory() {
    let world = loaded_world().await;
    let stats = world.portal("Acme").unwrap().stats();
    assert!(stats.acked_events >= 180, "{stats:?}");
    assert_eq!((stats.failures, stats.dead_events), (0, 0), "{stats:?}");
    wait_until("all are geocoded", PATIENCE, || geocoded(&world))
        .await
        .unwrap();
    for lead in world.server_leads("Acme").unwrap() {
        assert_eq!(
            lead.geocode.status,
            GeocodeStatus::Success,
            "{:?}",
            lead.address
        );
        assert!(lead.geocode.position.is_some() && lead.geocode.uncertainty_m.is_some());
        assert!(
            matches!(lead.tier, Some(1..=3)),
            "the CRM's tier came along"
        );
    }

    let phone = world.phone("Acme", "Ada").await.unwrap();
    phone.sync().await.unwrap();
    assert_eq!(crm_ids(&phone.leads().unwrap()), companies_in(&world, "VT"));
    let phone = world.phone("Acme", "Bob").await.unwrap();
    phone.sync().await.unwrap();
    assert_eq!(crm_ids(&phone.leads().unwrap()), companies_in(&world, "MA"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_with_a_wrong_signature_is_not_taken() {
    let world = World::start(WorldSpec::of([acme()])).await.unwrap();
    let portal = world.portal("Acme").unwrap();
    let id = world.load("Acme", &["VT"], Some(1)).unwrap()[0];
    world.catch_up("Acme").await.unwrap();

    portal.set_client_secret("somebody else's");
    portal.edit(Companies, id, &[("name", "Forged")]).unwrap();
    wait_until("it is refused", PATIENCE, || async {
        Ok(portal.stats().failures > 0)
    })
    .await
    .unwrap();
    assert_ne!(world.server_leads("Acme").unwrap()[0].name, "Forged");
    let told = portal.stats();
    assert!(told.last_errors[0].contains("401"), "{told:?}");

    portal.set_client_secret("secret-of-acme");
    portal.edit(Companies, id, &[("name", "Genuine")]).unwrap();
    world.catch_up("Acme").await.unwrap();
    assert_eq!(world.server_leads("Acme").unwrap()[0].name, "Genuine");
}

/// Great-circle metres by the haversine formula, apart from the engine's own.
#[allow(clippy::disallowed_methods)]
fn haversine_m(a: LatLng, b: LatLng) -> f64 {
    let (lat_a, lat_b) = (a.lat().to_radians(), b.lat().to_radians());
    let half = |degrees: f64| (degrees.to_radians() / 2.0).sin().powi(2);
    let h = half(b.lat() - a.lat()) + lat_a.cos() * lat_b.cos() * half(b.lon() - a.lon());
    2.0 * 6_371_008.8 * h.sqrt().asin()
}

#[tokio::test(flavor = "multi_thread")]
async fn nearby_gives_what_brute_force_over_the_crms_list_gives() {
    let world = loaded_world().await;
    wait_until("all are geocoded", PATIENCE, || geocoded(&world))
        .await
        .unwrap();
    let phone = world.phone("Acme", "Ada").await.unwrap();
    phone.sync().await.unwrap();
    let in_crm = companies_in(&world, "VT");
    let mut all: Vec<Lead> = world.server_leads("Acme").unwrap();
    all.retain(|lead| in_crm.contains(&lead.crm_id.as_ref().unwrap().parse().unwrap()));
    assert_eq!(all.len(), in_crm.len());
    let mut non_empty = 0;
    for center in all
        .iter()
        .step_by(7)
        .map(|lead| lead.geocode.position.unwrap())
    {
        for radius_m in [1.0, 900.0, 7_000.0, 45_000.0] {
            let query = NearbyQuery::within(radius_m);
            let hits = phone.engine.nearby_ids(center, &query).unwrap();
            let found: BTreeSet<LeadId> = hits.iter().map(|hit| hit.key).collect();
            let is_near =
                |lead: &&Lead| haversine_m(center, lead.geocode.position.unwrap()) <= radius_m;
            let expected: BTreeSet<LeadId> = all.iter().filter(is_near).map(|l| l.id).collect();
            assert_eq!(found, expected);
            non_empty += usize::from(found.len() > 1);
        }
    }
    assert!(non_empty > 10);
}

/// Syncs until there is nothing to send and nothing new.
async fn sync_until_idle(phone: &Phone) {
    wait_until("nothing moves any more", PATIENCE, || async {
        let report = phone.sync().await?;
        Ok((report.pushed, report.rows) == (0, 0))
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_offline_comes_back_to_the_crm_once() {
    let mut world = loaded_world().await;
    let phone = world.phone("Acme", "Ada").await.unwrap();
    phone.sync().await.unwrap();
    let leads = phone.leads().unwrap();
    let [follow_up, met, edited] = [&leads[3], &leads[4], &leads[5]];
    let [task_at, note_at, edit_at] =
        [follow_up, met, edited].map(|lead| lead.crm_id.as_ref().unwrap().parse::<u64>().unwrap());

    world.stop_server().await;
    assert_eq!(phone.sync().await, Err(EngineError::Offline));
    let again = NewVisit {
        follow_up_at: Some(now().plus(DAY_MS)),
        ..NewVisit::new(follow_up.id, VisitOutcome::FollowUp)
    };
    phone.engine.record_visit(again).unwrap();
    phone.visit(met.id, "They want the blue one").unwrap();
    let number = "+1 802 555 0199";
    let edit = vec![
        LeadEdit::Phone(Some(number.to_owned())),
        LeadEdit::Owner(Some("70000003".to_owned())),
    ];
    phone.engine.edit_lead(edited.id, edit).unwrap();

    let phone = phone.reopen().unwrap();
    assert_eq!(phone.engine.pending().unwrap().len(), 3);
    let shown = phone.engine.lead(edited.id).unwrap();
    assert_eq!(
        (shown.lead.phone.as_deref(), shown.is_pending),
        (Some(number), true)
    );
    assert_eq!(phone.engine.visits(met.id).unwrap().len(), 1);

    world.start_server().await.unwrap();
    assert_eq!(phone.sync().await.unwrap().pushed, 3);
    let portal = world.portal("Acme").unwrap();
    let told = || async {
        let edited = portal.record(Companies, edit_at).ok_or("no such company")?;
        let has_arrived = edited.properties["phone"] == number
            && edited.properties["hubspot_owner_id"] == "70000003";
        let tasks = portal.tasks_of(task_at).len();
        Ok(has_arrived && tasks == 1 && portal.notes_of(note_at).len() == 1)
    };
    wait_until("the CRM shows what the phone did", PATIENCE, told)
        .await
        .unwrap();
    let task = &portal.tasks_of(task_at)[0];
    assert_eq!(task.properties["hubspot_owner_id"], "70000001");
    assert!(portal.notes_of(note_at)[0].properties["hs_note_body"].contains("the blue one"));

    world.catch_up("Acme").await.unwrap();
    sync_until_idle(&phone).await;
    let second = phone.sync().await.unwrap();
    assert_eq!((second.pushed, second.rows), (0, 0));
    assert_eq!(phone.engine.pending().unwrap().len(), 0);
    assert!(phone.engine.conflicts().unwrap().is_empty());
    assert_eq!(
        portal.records(fieldfare_sandbox::ObjectType::Tasks).len(),
        1
    );
    assert_eq!(
        portal.records(fieldfare_sandbox::ObjectType::Notes).len(),
        1
    );
    let shown = phone.engine.lead(edited.id).unwrap();
    assert_eq!(
        (shown.lead.phone.as_deref(), shown.is_pending),
        (Some(number), false)
    );
}
