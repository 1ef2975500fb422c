//! A revoked device is refused at its next request and keeps nothing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use fieldfare_engine::EngineError;
use fieldfare_tests::world::{Phone, TenantSpec, World, WorldSpec};

async fn world() -> World {
    let acme = TenantSpec::new("Acme", 7)
        .rep("Ada", None)
        .states("East", &["MA"], &["Ada"]);
    World::start(WorldSpec::of([acme])).await.unwrap()
}

fn file_names(phone: &Phone) -> Vec<String> {
    let entries = std::fs::read_dir(&phone.files().data).unwrap();
    entries
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_device_is_refused_and_wipes() {
    let world = world().await;
    let leads = world.plant_row("Acme", "East", 20).unwrap();
    let lost = world.phone("Acme", "Ada").await.unwrap();
    let kept = world.phone("Acme", "Ada").await.unwrap();
    lost.sync().await.unwrap();
    kept.sync().await.unwrap();
    assert_eq!(lost.leads().unwrap().len(), 20);
    assert!(!file_names(&lost).is_empty());

    world
        .revoke(lost.engine.enrolment().unwrap().device)
        .unwrap();

    assert_eq!(lost.sync().await, Err(EngineError::Revoked));
    assert_eq!(file_names(&lost), Vec::<String>::new());
    assert!(
        !lost.files().key.exists(),
        "the wrapping key is still there"
    );
    assert_eq!(lost.engine.enrolment(), None);
    assert_eq!(lost.engine.lead(leads[0].id), Err(EngineError::Closed));

    kept.sync().await.unwrap();
    assert_eq!(
        kept.leads().unwrap().len(),
        20,
        "the rep's other device lost something"
    );
}

/// The engine's policy: a revoked device wipes without asking, unsent work included, and nothing of
/// it reaches the server.
#[tokio::test(flavor = "multi_thread")]
async fn unsent_work_of_a_revoked_device_goes_with_it() {
    let world = world().await;
    let leads = world.plant_row("Acme", "East", 1).unwrap();
    let phone = world.phone("Acme", "Ada").await.unwrap();
    phone.sync().await.unwrap();
    phone.visit(leads[0].id, "never sent").unwrap();
    assert_eq!(
        phone.engine.erase(false),
        Err(EngineError::UnsentWork { operations: 1 })
    );

    world
        .revoke(phone.engine.enrolment().unwrap().device)
        .unwrap();

    assert_eq!(phone.sync().await, Err(EngineError::Revoked));
    assert!(world.server_visits("Acme").unwrap().is_empty());
    assert_eq!(file_names(&phone), Vec::<String>::new());
    let again = phone.reopen().unwrap();
    assert_eq!(again.engine.enrolment(), None);
    assert_eq!(again.sync().await, Err(EngineError::NotEnrolled));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_revoked_between_two_days_is_refused_after_a_restart_too() {
    let world = world().await;
    world.plant_row("Acme", "East", 3).unwrap();
    let phone = world.phone("Acme", "Ada").await.unwrap();
    phone.sync().await.unwrap();
    let device = phone.engine.enrolment().unwrap().device;
    let phone = phone.reopen().unwrap();
    world.revoke(device).unwrap();
    assert_eq!(phone.sync().await, Err(EngineError::Revoked));
    assert_eq!(file_names(&phone), Vec::<String>::new());
}
