//! Webhooks that come twice, out of order, late, and while the server is away.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use fieldfare_model::Lead;
use fieldfare_sandbox::ObjectType::Companies;
use fieldfare_sandbox::{DeliveryConfig, DeliveryFaults, Duplicates, PortalHandle};
use fieldfare_tests::leads::Random;
use fieldfare_tests::world::{TenantSpec, World, WorldSpec, now};
use std::collections::BTreeSet;

fn seed() -> u64 {
    let given = std::env::var("FIELDFARE_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| now().unix_ms());
    println!("seed {seed}; repeat with FIELDFARE_SEED={seed}");
    seed
}

/// People at the CRM's screens: they edit, archive and restore.
fn busy(portal: &PortalHandle, ids: &[u64], random: &mut Random, changes: u32) {
    for n in 0..changes {
        let id = ids[random.below(ids.len() as u64) as usize];
        // Archived records cannot be edited, live ones not restored; both are refused, which is fine.
        let _ = match random.below(8) {
            0 => portal.archive(Companies, id),
            1 | 2 => portal.restore(Companies, id),
            3 => portal.edit(Companies, id, &[("state", "MA"), ("zip", "02110")]),
            4 => portal.edit(Companies, id, &[("state", "VT"), ("zip", "05401")]),
            _ => portal.edit(
                Companies,
                id,
                &[("name", &format!("Name {n}")), ("phone", "")],
            ),
        };
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_ends_with_the_crms_records_whatever_becomes_of_the_webhooks() {
    let seed = seed();
    let mut random = Random::new(seed);
    let acme = TenantSpec::new("Acme", 7)
        .rep("Ada", None)
        .rep("Bob", None)
        .states("Vermont", &["VT"], &["Ada"])
        .states("Bay", &["MA"], &["Bob"]);
    let delivery = DeliveryConfig {
        batch_size: 10,
        max_retries: 50,
        backoff_ms: 20,
        max_backoff_ms: 200,
        seed,
        ..DeliveryConfig::default()
    };
    let spec = WorldSpec {
        delivery,
        ..WorldSpec::of([acme])
    };
    let mut world = World::start(spec).await.unwrap();
    let portal = world.portal("Acme").unwrap();
    portal.set_delivery_faults(DeliveryFaults {
        duplicates: Duplicates::Chance(0.5),
        reorder: true,
        delay_ms: 30,
        lost_answer_chance: 0.3,
        ..DeliveryFaults::default()
    });

    let ids = world.load("Acme", &["VT"], Some(80)).unwrap();
    busy(&portal, &ids, &mut random, 150);
    tokio::time::sleep(std::time::Duration::from_millis(random.below(200))).await;
    world.stop_server().await;
    busy(&portal, &ids, &mut random, 150);
    world.start_server().await.unwrap();
    busy(&portal, &ids, &mut random, 150);
    tokio::time::sleep(std::time::Duration::from_millis(random.below(200))).await;
    world.restart_server().await.unwrap();
    world.catch_up("Acme").await.unwrap();

    // One event for each record and none after it: a lost one would show.
    for id in &ids {
        let _ = portal.edit(Companies, *id, &[("phone", "+1 802 555 0150")]);
    }
    world.catch_up("Acme").await.unwrap();
    let stats = portal.stats();
    println!(
        "{} events, {} twice, {} failures",
        stats.events, stats.duplicated, stats.failures
    );
    assert!(stats.duplicated > 0 && stats.failures > 0, "{stats:?}");
    assert_eq!((stats.dead_events, stats.dropped), (0, 0), "{stats:?}");
    let leads = world.server_leads("Acme").unwrap();
    let territory = |name| Some(world.territory_id("Acme", name).unwrap());
    for lead in &leads {
        let expected = match lead.address.region.as_deref() {
            Some("VT") => territory("Vermont"),
            Some("MA") => territory("Bay"),
            _ => None,
        };
        assert_eq!(lead.territory, expected);
    }
    let crm_ids: BTreeSet<_> = leads
        .iter()
        .map(|lead: &Lead| lead.crm_id.clone())
        .collect();
    assert_eq!(crm_ids.len(), leads.len(), "a company has two leads");

    let ada = world.phone("Acme", "Ada").await.unwrap();
    let bob = world.phone("Acme", "Bob").await.unwrap();
    ada.sync().await.unwrap();
    bob.sync().await.unwrap();
    assert_eq!(
        ada.leads().unwrap().len() + bob.leads().unwrap().len(),
        leads.len()
    );
}
