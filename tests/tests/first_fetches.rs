//! Phones that fetch a territory for the first time, one after the other, while it changes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use fieldfare_engine::{SyncOptions, SyncReport};
use fieldfare_model::{Entity, Lead};
use fieldfare_server::feed;
use fieldfare_sync::MAX_FRAME_ROWS;
use fieldfare_tests::world::{Phone, TenantSpec, World, WorldSpec, now};

const LEADS: u32 = 4_500;

async fn sync(phone: &Phone) -> SyncReport {
    sync_with(phone, SyncOptions::default()).await
}

/// One reply with one frame.
async fn sync_a_bit(phone: &Phone) -> SyncReport {
    let options = SyncOptions {
        pull_budget: Some(1),
        max_bytes: Some(1),
        ..SyncOptions::default()
    };
    sync_with(phone, options).await
}

async fn sync_with(phone: &Phone, options: SyncOptions) -> SyncReport {
    let report = phone.engine.clone().sync(options, None).await.unwrap();
    assert_eq!(report.repaired_scopes, 0);
    report
}

/// Frames that are kept for the next first fetch.
fn kept(world: &World) -> i64 {
    let tenant = world.tenant("Acme").unwrap();
    let sql = "SELECT count(*) FROM snapshot n JOIN scope s ON s.key = n.scope
               WHERE n.head >= s.left_seq";
    tenant
        .read(|db| Ok(db.query_row(sql, [], |r| r.get(0))?))
        .unwrap()
}

fn change(world: &World, leads: &[Lead], which: impl IntoIterator<Item = usize>, name: &str) {
    let changed = which.into_iter().map(|n| Lead {
        name: format!("{name} {n}"),
        ..leads[n].clone()
    });
    let changed: Vec<Lead> = changed.collect();
    world.plant("Acme", &changed).unwrap();
}

fn delete(world: &World, lead: &Lead) {
    let tenant = world.tenant("Acme").unwrap();
    tenant
        .write(|tx| feed::delete(tx, Entity::LEAD, lead.id.row(), now()))
        .unwrap();
}

fn assert_alike(world: &World, phone: &Phone) {
    let mut leads = world.server_leads("Acme").unwrap();
    leads.sort_by_key(|lead| lead.id);
    assert_eq!(phone.leads().unwrap(), leads);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_phone_ends_with_what_the_server_has() {
    let reps = ["Ada", "Bob"];
    let acme = TenantSpec::new("Acme", 7)
        .rep("Ada", None)
        .rep("Bob", None)
        .states("East", &["MA"], &reps)
        .states("West", &["CA"], &reps);
    let world = World::start(WorldSpec::of([acme])).await.unwrap();
    let leads = world.plant_row("Acme", "East", LEADS).unwrap();

    let first = world.phone("Acme", "Ada").await.unwrap();
    assert!(sync(&first).await.is_complete);
    assert_eq!(kept(&world), 2);

    // The second goes on from kept frames in which some rows are old, and stops in the middle.
    change(&world, &leads, (0..40).map(|n| n * 100), "Changed");
    let second = world.phone("Acme", "Bob").await.unwrap();
    let mut rows = 0;
    while rows < MAX_FRAME_ROWS as u64 {
        let part = sync_a_bit(&second).await;
        assert!(!part.is_complete);
        rows += part.rows;
    }
    assert_eq!(kept(&world), 2);

    // Rows it has, and rows it still lacks, change, move to its other territory, or go.
    change(&world, &leads, [5, 4_405], "Changed again");
    let mut moved = [leads[7].clone(), leads[4_407].clone()];
    for lead in &mut moved {
        lead.territory = Some(world.territory_id("Acme", "West").unwrap());
    }
    world.plant("Acme", &moved).unwrap();
    delete(&world, &leads[9]);
    delete(&world, &leads[4_409]);
    assert_eq!(kept(&world), 0);
    while !sync_a_bit(&second).await.is_complete {}
    assert_alike(&world, &second);

    let third = world.phone("Acme", "Ada").await.unwrap();
    assert!(sync(&third).await.is_complete);
    assert_alike(&world, &third);
    sync(&first).await;
    assert_alike(&world, &first);
}
