//! A phone that is killed loses nothing it said it had kept.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod child;

use child::Child;
use fieldfare_model::VisitId;
use fieldfare_tests::leads::Random;
use fieldfare_tests::world::{PhoneFiles, TenantSpec, World, WorldSpec, now, plain_id};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

const ROUNDS: u64 = 24;
const LEADS: u32 = 30;

/// Records visits until it is killed, and says each id only after it was kept. Syncs all the while.
#[test]
fn child_that_works_until_killed() {
    let Some(files) = child::files() else { return };
    let phone = files.open().unwrap();
    let engine = Arc::clone(&phone.engine);
    std::thread::spawn(move || child::sync_for_ever(&engine));
    for n in 0_u32.. {
        let note = format!("{} {n}", std::process::id());
        let visit = phone.visit(plain_id(n % LEADS), &note).unwrap();
        println!("\nkept {}", visit.id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_visit_said_to_be_kept_survives_a_kill_and_reaches_the_server_once() {
    let seed = child::seed();
    let mut random = Random::new(seed);
    let acme = TenantSpec::new("Acme", 7)
        .rep("Ada", None)
        .states("East", &["MA"], &["Ada"]);
    let world = World::start(WorldSpec::of([acme])).await.unwrap();
    world.plant_row("Acme", "East", LEADS).unwrap();
    let phone = world.phone("Acme", "Ada").await.unwrap();
    phone.sync().await.unwrap();
    let files = phone.close().unwrap();

    let mut kept: BTreeSet<VisitId> = BTreeSet::new();
    for round in 0..ROUNDS {
        let mut child = Child::start("child_that_works_until_killed", &files);
        child.wait_for_a_line("kept ");
        std::thread::sleep(Duration::from_millis(random.below(120)));
        let said = child.kill();
        let said = said
            .iter()
            .filter_map(|line| line.strip_prefix("kept ")?.parse::<VisitId>().ok());
        kept.extend(said);
        assert_all_there(&files, &kept, round);
    }
    println!("{} visits kept over {ROUNDS} kills", kept.len());
    assert!(kept.len() as u64 >= ROUNDS);

    let phone = files.open().unwrap();
    phone.sync().await.unwrap();
    assert!(phone.engine.pending().unwrap().is_empty());
    assert!(phone.engine.refused().unwrap().is_empty());
    let visits = world.server_visits("Acme").unwrap();
    let on_server: BTreeSet<VisitId> = visits.iter().map(|visit| visit.id).collect();
    assert!(
        kept.is_subset(&on_server),
        "{:?} is missing",
        kept.difference(&on_server).next()
    );
    let mut by_note: BTreeMap<_, u32> = BTreeMap::new();
    visits
        .iter()
        .for_each(|visit| *by_note.entry(visit.note.clone()).or_default() += 1);
    assert!(
        by_note.values().all(|times| *times == 1),
        "a visit was doubled under another id"
    );
    let shown: BTreeSet<VisitId> = phone
        .engine
        .all_visits()
        .unwrap()
        .iter()
        .map(|record| record.visit.id)
        .collect();
    assert_eq!(shown, on_server);
    assert!(visits.iter().all(|visit| visit.started_at <= now()));
}

fn assert_all_there(files: &PhoneFiles, kept: &BTreeSet<VisitId>, round: u64) {
    let phone = files.open().unwrap();
    let visits = phone.engine.all_visits().unwrap();
    let there: BTreeSet<VisitId> = visits.iter().map(|record| record.visit.id).collect();
    let missing: Vec<_> = kept.difference(&there).collect();
    assert!(missing.is_empty(), "lost in round {round}: {missing:?}");
    phone.close().unwrap();
}
