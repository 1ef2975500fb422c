//! A phone syncs through a network that cuts connections and swallows answers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use fieldfare_engine::{LeadEdit, SyncOptions};
use fieldfare_tests::network::{Network, is_to_blame};
use fieldfare_tests::world::{Phone, TenantSpec, World, WorldSpec};
use std::collections::BTreeSet;

/// Syncs in small bites until a sync gets through with nothing left to send.
async fn sync_until_done(mut phone: Phone) -> (Phone, u32) {
    for attempt in 1..=400 {
        let options = SyncOptions {
            pull_budget: Some(4 * 1024),
            ..SyncOptions::default()
        };
        match phone.engine.clone().sync(options, None).await {
            Ok(_) if phone.engine.pending().unwrap().is_empty() => return (phone, attempt),
            Ok(_) => {}
            Err(error) => assert!(is_to_blame(&error), "{error:?}"),
        }
        if attempt % 7 == 0 {
            // A new process has no access token and must renew it over the same network.
            phone = phone.reopen().unwrap();
        }
    }
    panic!("400 attempts were not enough");
}

async fn a_day_over_a_bad_network(seed: u64) {
    println!("seed {seed}");
    let acme = TenantSpec::new("Acme", 7)
        .rep("Ada", None)
        .states("East", &["MA"], &["Ada"]);
    let world = World::start(WorldSpec::of([acme])).await.unwrap();
    let leads = world.plant_row("Acme", "East", 400).unwrap();
    let phone = world.phone("Acme", "Ada").await.unwrap();
    let dir = phone.close().unwrap().data.parent().unwrap().to_owned();
    let network = Network::start(seed, world.addr()).await.unwrap();
    let phone = Phone::open(&dir, network.url()).unwrap();

    let (phone, first) = sync_until_done(phone).await;
    assert_eq!(phone.leads().unwrap().len(), 400);

    let (mut phone, mut attempts) = (phone, first);
    let mut recorded = BTreeSet::new();
    for (n, lead) in leads.iter().take(40).enumerate() {
        recorded.insert(phone.visit(lead.id, &format!("visit {n}")).unwrap().id);
        let edit = LeadEdit::Phone(Some(format!("555-{n:04}")));
        phone.engine.edit_lead(lead.id, vec![edit]).unwrap();
        if n % 4 == 3 {
            let more;
            (phone, more) = sync_until_done(phone).await;
            attempts += more;
        }
    }
    println!("{attempts} attempts, {} chunks spoiled", network.spoiled());

    let visits = world.server_visits("Acme").unwrap();
    let on_server: BTreeSet<_> = visits.iter().map(|visit| visit.id).collect();
    assert_eq!(on_server, recorded);
    let notes: BTreeSet<_> = visits.iter().map(|visit| visit.note.clone()).collect();
    assert_eq!(notes.len(), 40, "a visit was doubled under another id");
    assert!(
        phone.leads().unwrap() == world.server_leads("Acme").unwrap(),
        "they differ"
    );
    assert!(phone.engine.refused().unwrap().is_empty());
    assert!(phone.engine.conflicts().unwrap().is_empty());
    assert!(network.spoiled() >= 10, "the network was too kind");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_over_a_bad_network() {
    let seed = std::env::var("FIELDFARE_SEED")
        .ok()
        .and_then(|s| s.parse().ok());
    for seed in seed.map_or_else(|| vec![11, 12, 13], |seed| vec![seed]) {
        a_day_over_a_bad_network(seed).await;
    }
}
