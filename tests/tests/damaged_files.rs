//! Wrong key, damaged and restored files: each ends in the state the store's documents name, and
//! never in a wrong answer.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use fieldfare_engine::{EngineError, FileReport, LedgerState, MemoryKeyVault, Parts};
use fieldfare_model::{Lead, Purpose, VisitId};
use fieldfare_tests::world::{Phone, PhoneFiles, TenantSpec, World, WorldSpec};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const LEADS: u32 = 300;

/// A world with a phone that is in sync but for one visit, and closed.
async fn phone_with_unsent_work() -> (World, PhoneFiles, VisitId) {
    let acme = TenantSpec::new("Acme", 7)
        .rep("Ada", None)
        .states("East", &["MA"], &["Ada"]);
    let world = World::start(WorldSpec::of([acme])).await.unwrap();
    let leads = world.plant_row("Acme", "East", LEADS).unwrap();
    let phone = world.phone("Acme", "Ada").await.unwrap();
    phone.sync().await.unwrap();
    let visit = phone.visit(leads[0].id, "not sent yet").unwrap().id;
    (world, phone.close().unwrap(), visit)
}

fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect()
}

fn visits_on_server(world: &World) -> Vec<VisitId> {
    world
        .server_visits("Acme")
        .unwrap()
        .iter()
        .map(|visit| visit.id)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_touches_nothing() {
    let (_world, files, visit) = phone_with_unsent_work().await;
    let before = contents(&files.data);

    let other = Arc::new(MemoryKeyVault::new());
    let refused = files.open_with(other.clone(), Parts::default()).err();
    assert!(
        matches!(refused, Some(EngineError::Key { .. })),
        "{refused:?}"
    );
    // A vault that has a key, but not the one.
    let elsewhere = tempfile::tempdir().unwrap();
    let foreign = PhoneFiles::below(elsewhere.path(), &files.url);
    foreign
        .open_with(other.clone(), Parts::default())
        .unwrap()
        .0
        .close()
        .unwrap();
    let refused = files.open_with(other, Parts::default()).err();
    assert!(
        matches!(refused, Some(EngineError::Key { .. })),
        "{refused:?}"
    );

    assert!(contents(&files.data) == before, "a file changed");
    let phone = files.open().unwrap();
    assert_eq!(phone.engine.all_visits().unwrap()[0].visit.id, visit);
    assert_eq!(phone.leads().unwrap().len(), LEADS as usize);
}

/// Opens a phone with a damaged cache. Either it is seen at once, or when what is damaged is read:
/// then the engine says so and the next start moves the file aside.
fn open_damaged(files: &PhoneFiles, truth: &[Lead]) -> Phone {
    for _ in 0..3 {
        let phone = match files.open() {
            Ok(phone) => phone,
            Err(EngineError::Damaged { .. }) => continue,
            Err(error) => panic!("{error:?}"),
        };
        match phone.leads() {
            Ok(leads) if phone.report.cache == FileReport::Opened => {
                assert!(leads == truth, "a damaged file gave a wrong answer");
                return phone;
            }
            Ok(_) => return phone,
            Err(EngineError::Damaged { .. }) => phone.close().map(drop).unwrap_or_default(),
            Err(error) => panic!("{error:?}"),
        }
    }
    panic!("the damaged file is never moved aside");
}

async fn a_damaged_cache_is_replaced(damage: impl Fn(&mut Vec<u8>)) {
    let (world, files, visit) = phone_with_unsent_work().await;
    let truth = world.server_leads("Acme").unwrap();
    let cache = files.data.join("cache.db");
    let mut bytes = std::fs::read(&cache).unwrap();
    damage(&mut bytes);
    std::fs::write(&cache, &bytes).unwrap();

    let phone = open_damaged(&files, &truth);
    if let FileReport::Replaced { kept_as } = &phone.report.cache {
        assert_eq!(
            std::fs::read(files.data.join(kept_as)).unwrap().len(),
            bytes.len()
        );
    }
    assert_eq!(phone.report.outbox, FileReport::Opened);
    assert_eq!(
        phone.engine.pending().unwrap().len(),
        1,
        "unsent work was lost"
    );
    // A page that showing leads does not need is met when the sync checks what is stored.
    let phone = match phone.sync().await {
        Err(EngineError::Damaged { .. }) => phone.reopen().unwrap(),
        synced => synced.map(|_| phone).unwrap(),
    };
    phone.sync().await.unwrap();
    let truth = world.server_leads("Acme").unwrap();
    let shown = phone.leads().unwrap();
    assert_eq!(shown.len(), truth.len(), "the cache did not fill again");
    let other = shown
        .iter()
        .zip(&truth)
        .find(|(shown, truth)| shown != truth);
    assert_eq!(other, None);
    assert_eq!(visits_on_server(&world), [visit]);
    assert_eq!(phone.engine.pending().unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bit_flip_in_the_first_page_of_the_cache_is_seen() {
    a_damaged_cache_is_replaced(|bytes| bytes[100] ^= 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bit_flip_anywhere_in_the_cache_never_gives_a_wrong_answer() {
    for part in [3, 5, 8] {
        a_damaged_cache_is_replaced(|bytes| {
            let at = bytes.len() * part / 10;
            bytes[at] ^= 1;
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_truncated_cache_is_replaced() {
    a_damaged_cache_is_replaced(|bytes| bytes.truncate(bytes.len() / 2)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emptied_cache_is_filled_again() {
    a_damaged_cache_is_replaced(Vec::clear).await;
}

/// Replaces the outbox of a phone that let go of its files.
fn put_back(files: &PhoneFiles, backup: &[u8]) {
    for name in ["outbox.db-wal", "outbox.db-shm"] {
        std::fs::remove_file(files.data.join(name)).unwrap_or_default();
    }
    std::fs::write(files.data.join("outbox.db"), backup).unwrap();
}

/// The server sees that the phone's numbers were used before and lets it go on as a new client:
/// what the backup lacked comes back from the server, what is new arrives, nothing twice.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_outbox_put_back_doubles_nothing_and_loses_nothing_new() {
    let (world, files, first) = phone_with_unsent_work().await;
    let backup = std::fs::read(files.data.join("outbox.db")).unwrap();
    let phone = files.open().unwrap();
    phone.sync().await.unwrap();
    let lead = phone.leads().unwrap()[1].id;
    let second = phone.visit(lead, "after the backup").unwrap().id;
    phone.sync().await.unwrap();

    // The process goes on, so the device still has its newest tokens.
    phone.engine.suspend().unwrap();
    put_back(&files, &backup);
    phone.engine.resume().unwrap();
    let third = phone.visit(lead, "after it was put back").unwrap().id;
    phone.sync().await.unwrap();
    phone.sync().await.unwrap();

    let expected: BTreeSet<VisitId> = [first, second, third].into();
    let on_server = visits_on_server(&world);
    assert_eq!(on_server.len(), 3);
    assert_eq!(on_server.into_iter().collect::<BTreeSet<_>>(), expected);
    let shown = phone.engine.all_visits().unwrap();
    let shown: BTreeSet<VisitId> = shown.iter().map(|record| record.visit.id).collect();
    assert_eq!(shown, expected);
    assert!(phone.engine.pending().unwrap().is_empty());
    assert!(phone.engine.refused().unwrap().is_empty());
}

/// Tokens are renewed at every start, and one that comes twice locks the device: a phone that was
/// set back to an older copy cannot pass for the newer one. What it holds stays readable, nothing
/// is sent, and consent that was rolled back counts as none.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_copy_of_the_outbox_is_locked_out_and_grants_nothing() {
    let (world, files, first) = phone_with_unsent_work().await;
    let phone = files.open().unwrap();
    phone.sync().await.unwrap();
    phone
        .engine
        .grant(Purpose::LiveTracking, "1", "en", None)
        .unwrap();
    phone.sync().await.unwrap();
    phone.close().unwrap();
    let backup = std::fs::read(files.data.join("outbox.db")).unwrap();
    let phone = files.open().unwrap();
    phone.engine.withdraw(Purpose::LiveTracking).unwrap();
    phone.sync().await.unwrap();
    phone.close().unwrap();
    put_back(&files, &backup);

    let phone = files.open().unwrap();
    let consent = phone.engine.consent_state();
    assert_eq!(consent.ledger, LedgerState::RolledBack);
    assert!(consent.purposes.iter().all(|purpose| !purpose.is_granted));
    let lead = phone.leads().unwrap()[1].id;
    let second = phone.visit(lead, "kept here").unwrap().id;
    assert_eq!(phone.sync().await, Err(EngineError::Unauthorized));
    assert_eq!(phone.sync().await, Err(EngineError::Unauthorized));

    assert_eq!(visits_on_server(&world), [first]);
    let phone = phone.reopen().unwrap();
    let shown = phone.engine.all_visits().unwrap();
    let shown: BTreeSet<VisitId> = shown.iter().map(|record| record.visit.id).collect();
    assert_eq!(shown, [first, second].into());
    assert_eq!(phone.engine.pending().unwrap().len(), 1);
}
