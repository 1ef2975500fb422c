//! A server loses its disk, comes back from an older backup, and gets back what its phones had
//! pushed since.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use fieldfare_engine::LeadEdit;
use fieldfare_model::{Lead, VisitId};
use fieldfare_server::backup;
use fieldfare_tests::world::{Phone, TenantSpec, World, WorldSpec, now};
use std::collections::{BTreeMap, BTreeSet};

/// What a phone does on a stretch of its day: visits, and an edit with each.
fn work(phone: &Phone, leads: &[Lead], name: &str, kept: &mut BTreeSet<VisitId>) {
    for (n, lead) in leads.iter().enumerate() {
        kept.insert(phone.visit(lead.id, &format!("{name} {n}")).unwrap().id);
        let edit = LeadEdit::Phone(Some(format!("{name} {n}")));
        phone.engine.edit_lead(lead.id, vec![edit]).unwrap();
    }
}

fn visits_on(world: &World) -> BTreeSet<VisitId> {
    let visits = world.server_visits("Acme").unwrap();
    visits.iter().map(|visit| visit.id).collect()
}

async fn sync_all(phones: &[Phone]) {
    // Twice: what one brings, the others see in the second round.
    for _ in 0..2 {
        for phone in phones {
            phone.sync().await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_server_gets_back_every_operation_of_its_phones_once() {
    let acme = TenantSpec::new("Acme", 7)
        .rep("Ada", None)
        .rep("Bob", None)
        .states("East", &["MA"], &["Ada", "Bob"]);
    let mut world = World::start(WorldSpec::of([acme])).await.unwrap();
    let leads = world.plant_row("Acme", "East", 60).unwrap();
    let mut phones = vec![
        world.phone("Acme", "Ada").await.unwrap(),
        world.phone("Acme", "Bob").await.unwrap(),
    ];
    let mut kept = BTreeSet::new();
    sync_all(&phones).await;
    work(&phones[0], &leads[..10], "before", &mut kept);
    sync_all(&phones).await;

    // The copy is made while a phone pushes.
    work(&phones[1], &leads[10..20], "meanwhile", &mut kept);
    let (config, to) = (world.config().clone(), world.dir().join("backup"));
    let copying = {
        let to = to.clone();
        tokio::task::spawn_blocking(move || backup::make(&config, &to, now()))
    };
    phones[1].sync().await.unwrap();
    copying.await.unwrap().unwrap();

    // A new process has no access token, so the phones hold refresh tokens that the backup lacks.
    phones = phones.into_iter().map(|p| p.reopen().unwrap()).collect();
    work(&phones[0], &leads[20..40], "after", &mut kept);
    work(&phones[1], &leads[35..50], "after too", &mut kept);
    sync_all(&phones).await;
    assert_eq!(visits_on(&world), kept);
    // This one is pushed after the disaster only.
    work(&phones[0], &leads[50..51], "unsent", &mut kept);

    world.stop_server().await;
    let restored = backup::restore(world.config(), &to, now()).unwrap();
    assert!(restored.kept_in.unwrap().join("registry.db").exists());
    world.start_server().await.unwrap();
    assert!(visits_on(&world).len() < kept.len(), "the backup is older");

    phones = phones.into_iter().map(|p| p.reopen().unwrap()).collect();
    sync_all(&phones).await;
    assert_eq!(visits_on(&world), kept);
    let visits = world.server_visits("Acme").unwrap();
    let mut by_note: BTreeMap<_, u32> = BTreeMap::new();
    for visit in &visits {
        *by_note.entry(visit.note.clone()).or_default() += 1;
    }
    assert!(by_note.values().all(|times| *times == 1), "{by_note:?}");
    for phone in &phones {
        assert!(phone.engine.pending().unwrap().is_empty());
        assert!(phone.engine.refused().unwrap().is_empty());
        assert!(phone.leads().unwrap() == world.server_leads("Acme").unwrap());
    }
    let edited = &world.server_leads("Acme").unwrap()[20..35];
    assert!(edited.iter().all(|lead| lead.phone.is_some()));
}
