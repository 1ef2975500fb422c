//! A day of a server on a disk that forgets what was not synced, and on one whose writes fail.
//!
//! `FIELDFARE_SEED` repeats a run. `FIELDFARE_STRIDE=1` lets every single write of the day fail, instead
//! of some.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod crm_support;
mod day_on_disk;

use day_on_disk::{Companies, DAY, Day, NEW_NUMBER, Phone, Refused, Step};
use fieldfare_disk::{
    Fault, FaultKind, Progress, cuts_at_syncs, fates_of, left_after, seed, watch,
};
use fieldfare_model::Entity;
use fieldfare_server::feed;
use fieldfare_server::store::TenantHead;
use fieldfare_sync::PushReply;
use std::collections::BTreeMap;
use std::path::Path;

fn put_back(files: BTreeMap<String, Vec<u8>>, to: &Path) {
    for (name, bytes) in files {
        let path = to.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

fn head(day: &Day) -> TenantHead {
    day.bench.store.read(TenantHead::read).unwrap()
}

/// Every page, table, index, digest and place in the feed is as it must be.
fn assert_sound(day: &Day) {
    let (state, store) = (&day.bench.state, &day.bench.store);
    state.registry.database().check_integrity().unwrap();
    store.database().check_integrity().unwrap();
    assert_eq!(store.read(feed::wrong_digests).unwrap(), []);
    let beyond = "SELECT count(*) FROM member WHERE seq > (SELECT seq FROM tenant)";
    assert_eq!(day.bench.count(beyond), 0, "beyond the head");
    let half = "SELECT count(*) FROM member JOIN \"row\" ON key = member.\"row\"
        WHERE present AND deleted";
    assert_eq!(day.bench.count(half), 0, "half of a deletion");
}

/// What was answered is answered again, and nothing happens twice.
async fn assert_answers_stand(day: &Day, answered: &BTreeMap<Step, PushReply>) {
    for (step, reply) in answered {
        let before = head(day).head;
        let again = day.push_again(*step).await;
        assert_eq!(again.outcomes, reply.outcomes, "{step:?}");
        assert_eq!(head(day).head, before, "{step:?} took effect again");
    }
}

/// What the day must come to, whatever happened meanwhile.
fn assert_all_done(day: &Day) {
    assert_sound(day);
    let kept = day.lead_of(day.companies.kept).unwrap();
    assert_eq!(kept.name, "Bakery and café");
    assert_eq!(kept.phone.as_deref(), Some(NEW_NUMBER));
    assert!(kept.geocode.position.is_some());
    let deleted = day.lead_of(day.companies.deleted);
    assert_eq!(deleted, None, "what was deleted is there again");
    let names = day.bench.leads().into_iter().map(|lead| lead.name);
    assert_eq!(names.filter(|name| name == "Found on the way").count(), 1);
    let rows = |entity| day.bench.store.read(|c| feed::rows_of(c, entity)).unwrap();
    let visits = rows(Entity::VISIT);
    assert_eq!(visits.len(), 1);
    assert_eq!(day.notes_of(visits[0].id.into()), 1, "the CRM is told once");
    let portal = &day.bench.portal;
    let record = portal.record(fieldfare_sandbox::ObjectType::Companies, day.companies.kept);
    assert_eq!(record.unwrap().value("phone").as_deref(), Some(NEW_NUMBER));
    assert_eq!(day.bench.count("SELECT count(*) FROM crm_job"), 0);
    assert_eq!(day.bench.count("SELECT count(*) FROM crm_dead"), 0);
}

/// The phone as it was then.
fn phone_then(phone: &Phone, progress: &Progress) -> Option<Phone> {
    let mut then = phone.clone();
    then.sent.retain(|step, _| progress.had_begun(&DAY, step));
    then.answered
        .retain(|step, _| progress.was_done(&DAY, step));
    progress.was_done(&DAY, &Step::Enrol).then_some(then)
}

/// Starts a server over what a power cut left, and goes on with the day.
async fn go_on(
    files: BTreeMap<String, Vec<u8>>,
    key_check: &[u8],
    full: &Day,
    progress: &Progress,
) {
    let dir = tempfile::tempdir().unwrap();
    put_back(files, dir.path());
    std::fs::create_dir_all(dir.path().join("data")).unwrap();
    std::fs::write(dir.path().join("data/key.check"), key_check).unwrap();
    let companies = Companies {
        sandbox: full.companies.sandbox.clone(),
        ..full.companies
    };
    let mut day = Day::over(dir, companies).await;
    assert_sound(&day);
    day.phone = phone_then(full.phone.as_ref().unwrap(), progress);
    let answered = day.phone.as_ref().map(|phone| phone.answered.clone());
    assert_answers_stand(&day, &answered.unwrap_or_default()).await;
    for (at, step) in DAY.into_iter().enumerate() {
        // What the server does by itself, it does again after every start.
        let is_asked_for = matches!(step, Step::Enrol | Step::Hear(_) | Step::Push(_));
        if step == Step::TellCrm {
            day.take_back_later_notes();
        }
        if !(is_asked_for && progress.done.contains(&at)) {
            day.run(step).await.unwrap();
        }
    }
    assert_all_done(&day);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_at_any_sync_loses_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let watch = watch(dir.path());
    let mut day = Day::over(dir, Companies::new().await).await;
    for (at, step) in DAY.into_iter().enumerate() {
        watch.begin(at);
        day.run(step).await.unwrap();
        watch.done(at);
    }
    assert_all_done(&day);
    let entries = watch.entries();
    let key_check = std::fs::read(day.bench.dir.path().join("data/key.check")).unwrap();

    let mut fates = fates_of(seed());
    let cuts = cuts_at_syncs(&entries);
    assert!(cuts.len() > 2 * DAY.len(), "a day with hardly any sync");
    println!("{} entries, {} cuts", entries.len(), cuts.len());
    for cut in cuts {
        let progress = Progress::of(&entries[..cut]);
        println!("cut at {cut}, after {} steps", progress.done.len());
        let files = left_after(&entries[..cut], &mut fates);
        go_on(files, &key_check, &day, &progress).await;
    }
}

fn stride() -> u64 {
    let given = std::env::var("FIELDFARE_STRIDE").ok();
    let stride = given.and_then(|stride| stride.parse().ok());
    stride.filter(|stride| *stride > 0).unwrap_or(4)
}

fn assert_typed(Refused(told): &Refused, step: Step, kind: FaultKind) {
    let code = match kind {
        FaultKind::Full => "DiskFull",
        FaultKind::Io => "SystemIoFailure",
    };
    // Over HTTP the cause is the server's affair: the caller is told to come again.
    let is_known = told == "503" || told.contains(code) || told.contains("CannotOpen");
    assert!(is_known, "{step:?}: {told}");
}

/// The day with one write failing after `passing` others. Whether one did.
async fn a_day_with_a_fault(companies: Companies, passing: u64, kind: FaultKind) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let watch = watch(dir.path());
    let mut day = Day::over(dir, companies).await;
    watch.set_fault(Some(Fault {
        passing,
        failing: 1,
        kind,
    }));
    for step in DAY {
        if let Err(refused) = day.run(step).await {
            assert_typed(&refused, step, kind);
            assert!(watch.has_struck(), "{step:?}: {refused:?}");
            day.run(step).await.unwrap();
        }
    }
    let has_struck = watch.has_struck();
    watch.set_fault(None);
    let answered = day.phone.as_ref().unwrap().answered.clone();
    assert_answers_stand(&day, &answered).await;
    assert_all_done(&day);
    has_struck
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_write_fails_the_error_is_typed_and_asking_again_is_enough() {
    let companies = Companies::new().await;
    let (stride, first) = (stride(), seed() % stride());
    for kind in [FaultKind::Full, FaultKind::Io] {
        let mut passing = first;
        while a_day_with_a_fault(companies.another(), passing, kind).await {
            passing += stride;
        }
        println!("{kind:?}: {passing} writes in a day, every {stride}. failed");
        assert!(passing > 100, "only {passing} writes in a day");
    }
}
