//! Two phones and a server, each a process, killed again and again while they work over a bad
//! network. Nothing that was said to be kept is lost or done twice, and no file is damaged.
//!
//! `FIELDFARE_CRASH_CYCLES` sets how often (60), `FIELDFARE_SEED` repeats a run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod child;

use child::Child;
use fieldfare_engine::{FileKeyVault, LeadEdit, SyncOptions};
use fieldfare_model::VisitId;
use fieldfare_server::feed;
use fieldfare_store::{FileReport, Store, StoreOptions};
use fieldfare_tests::leads::Random;
use fieldfare_tests::network::{Network, is_to_blame};
use fieldfare_tests::world::{Phone, PhoneFiles, TenantSpec, World, WorldSpec, plain_id, serve};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

const LEADS: u32 = 40;
const REPS: [&str; 2] = ["Ada", "Bob"];
/// For a server in another process, which writes nothing to the CRM in this test.
const CRM: &str = "http://127.0.0.1:9";

fn spec() -> WorldSpec {
    let mut acme = TenantSpec::new("Acme", 7);
    for rep in REPS {
        acme = acme.rep(rep, None);
    }
    WorldSpec::of([acme.states("East", &["MA"], &REPS)])
}

/// Leads of which only one phone changes the telephone number, so that no edits meet.
fn lead_of(phone: usize, n: u32) -> u32 {
    n * REPS.len() as u32 % LEADS + phone as u32
}

fn number_of(lead: u32, n: u32) -> String {
    format!("555 {lead} {n}")
}

/// Visits and edits until it is killed, syncing all the while, and says what was kept.
#[test]
fn phone_that_works_until_killed() {
    let Some(files) = child::files() else { return };
    let which: usize = std::fs::read_to_string(files.data.with_file_name("which"))
        .unwrap()
        .parse()
        .unwrap();
    let phone = files.open().unwrap();
    let engine = phone.engine.clone();
    std::thread::spawn(move || sync_over_a_bad_network(&engine));
    for n in next_number(&phone, which).. {
        let lead = lead_of(which, n);
        let visit = phone
            .visit(plain_id(lead), &format!("{which} {n}"))
            .unwrap();
        println!("\nkept {}", visit.id);
        let edit = LeadEdit::Phone(Some(number_of(lead, n)));
        phone.engine.edit_lead(plain_id(lead), vec![edit]).unwrap();
        println!("\nedited {lead} {n}");
        std::thread::sleep(Duration::from_millis(3));
    }
}

fn next_number(phone: &Phone, which: usize) -> u32 {
    let visits = phone.engine.all_visits().unwrap();
    let numbers = visits.iter().filter_map(|record| {
        let (by, n) = record.visit.note.as_deref()?.split_once(' ')?;
        (by == which.to_string()).then(|| n.parse::<u32>().unwrap())
    });
    numbers.max().map_or(0, |last| last + 1)
}

fn sync_over_a_bad_network(engine: &Arc<fieldfare_engine::Engine>) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    loop {
        match runtime.block_on(engine.clone().sync(SyncOptions::default(), None)) {
            Err(error) if !is_to_blame(&error) => println!("\nbroken {error:?}"),
            _ => {}
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn server_that_serves_until_killed() {
    let Some((folder, address)) = child::place() else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let listen: SocketAddr = address.parse().unwrap();
        let _server = serve(&spec(), &folder, CRM, listen).await.unwrap();
        println!("\nserving");
        std::future::pending::<()>().await;
    });
}

/// What the phones said of themselves, over all their lives.
#[derive(Default)]
struct Said {
    kept: BTreeSet<VisitId>,
    edits: BTreeMap<u32, u32>,
}

impl Said {
    fn take(&mut self, lines: &[String]) {
        for line in lines {
            assert!(!line.starts_with("broken"), "{line}");
            if let Some(id) = line.strip_prefix("kept ") {
                self.kept.extend(id.parse::<VisitId>());
            }
            let edit = line
                .strip_prefix("edited ")
                .and_then(|edit| edit.split_once(' '));
            if let Some((lead, n)) = edit {
                self.edits.insert(lead.parse().unwrap(), n.parse().unwrap());
            }
        }
    }
}

struct Rig {
    world: World,
    files: Vec<PhoneFiles>,
    phones: Vec<Option<Child>>,
    server: Option<Child>,
    said: Said,
}

impl Rig {
    async fn build(seed: u64) -> (Self, Arc<Network>) {
        let mut world = World::start(spec()).await.unwrap();
        world.plant_row("Acme", "East", LEADS).unwrap();
        let network = Network::start(seed, world.addr()).await.unwrap();
        let mut files = Vec::new();
        for (which, rep) in REPS.iter().enumerate() {
            let phone = world.phone("Acme", rep).await.unwrap();
            phone.sync().await.unwrap();
            let mut closed = phone.close().unwrap();
            std::fs::write(closed.data.with_file_name("which"), which.to_string()).unwrap();
            network.url().clone_into(&mut closed.url);
            files.push(closed);
        }
        world.stop_server().await;
        let rig = Self {
            world,
            phones: files.iter().map(|_| None).collect(),
            files,
            server: None,
            said: Said::default(),
        };
        (rig, network)
    }

    /// Lets everybody work for a moment, starting who is not there.
    fn work(&mut self, moment: Duration) {
        self.server.get_or_insert_with(|| {
            let address = self.world.addr().to_string();
            Child::start_in(
                "server_that_serves_until_killed",
                self.world.dir(),
                &address,
            )
        });
        for (files, phone) in self.files.iter().zip(&mut self.phones) {
            phone.get_or_insert_with(|| Child::start("phone_that_works_until_killed", files));
        }
        for phone in self.phones.iter_mut().flatten() {
            phone.wait_for_another("kept ");
        }
        std::thread::sleep(moment);
    }

    fn kill_server(&mut self) {
        if let Some(server) = self.server.take() {
            server.kill();
        }
    }

    fn kill_phone(&mut self, which: usize) {
        if let Some(phone) = self.phones[which].take() {
            self.said.take(&phone.kill());
            assert_sound(&self.files[which]);
        }
    }

    fn kill_some(&mut self, random: &mut Random) {
        match random.below(4) {
            0 => self.kill_server(),
            1 => self.kill_phone(0),
            2 => self.kill_phone(1),
            _ => {
                self.kill_server();
                self.kill_phone(0);
                self.kill_phone(1);
            }
        }
    }
}

fn assert_sound(files: &PhoneFiles) {
    let vault = Arc::new(FileKeyVault::new(&files.key));
    let (store, report) = Store::open(&files.data, vault, StoreOptions::default()).unwrap();
    assert_eq!(
        [report.cache, report.outbox],
        [FileReport::Opened, FileReport::Opened]
    );
    store.check_integrity().unwrap();
    store.close().unwrap();
}

/// Every page of the server's files has its seal, every index fits its table, every digest its rows.
fn assert_server_sound(world: &World) {
    let tenant = world.tenant("Acme").unwrap();
    tenant.database().check_integrity().unwrap();
    assert_eq!(tenant.read(feed::wrong_digests).unwrap(), []);
    let registry = &world.server().unwrap().state.registry;
    registry.database().check_integrity().unwrap();
}

/// The phone shows what the server holds, row for row. Both reps serve the territory, so each sees
/// the other's visits, too.
fn assert_same(world: &World, phone: &Phone) {
    let leads = world.server_leads("Acme").unwrap();
    assert!(phone.leads().unwrap() == leads, "leads differ");
    let shown = phone.engine.all_visits().unwrap();
    let shown: BTreeMap<_, _> = shown.into_iter().map(|r| (r.visit.id, r.visit)).collect();
    let visits = world.server_visits("Acme").unwrap();
    let held: BTreeMap<_, _> = visits.into_iter().map(|v| (v.id, v)).collect();
    assert!(shown == held, "visits differ");
}

/// Syncs over a good network until nothing waits.
async fn settle(files: &PhoneFiles, url: &str) -> Phone {
    let files = PhoneFiles {
        url: url.to_owned(),
        ..files.clone()
    };
    let phone = files.open().unwrap();
    for _ in 0..10 {
        phone
            .engine
            .clone()
            .sync(SyncOptions::default(), None)
            .await
            .unwrap();
        if phone.engine.pending().unwrap().is_empty() {
            return phone;
        }
    }
    panic!("ten syncs were not enough");
}

fn cycles() -> u64 {
    let given = std::env::var("FIELDFARE_CRASH_CYCLES").ok();
    given.and_then(|cycles| cycles.parse().ok()).unwrap_or(60)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_kept_is_lost_or_doubled_whoever_is_killed() {
    let seed = child::seed();
    let mut random = Random::new(seed);
    let (mut rig, network) = Rig::build(seed).await;
    let cycles = cycles();
    for _ in 0..cycles {
        rig.work(Duration::from_millis(random.below(120)));
        rig.kill_some(&mut random);
    }
    rig.kill_server();
    (0..REPS.len()).for_each(|which| rig.kill_phone(which));

    let Rig {
        mut world,
        files,
        said,
        ..
    } = rig;
    world.start_server().await.unwrap();
    let arrived = world.server_visits("Acme").unwrap().len();
    println!(
        "{cycles} cycles, {} visits said to be kept, {arrived} sent meanwhile, {} chunks spoiled",
        said.kept.len(),
        network.spoiled()
    );
    assert!(arrived > 0, "nothing was sent between kills");
    assert_server_sound(&world);
    let mut phones = Vec::new();
    for files in &files {
        phones.push(settle(files, &world.url()).await);
    }
    assert_nothing_lost(&world, &said);
    for phone in &phones {
        // What the other phone had to send came after the first one's sync.
        phone.sync().await.unwrap();
        let repaired = phone.engine.status().unwrap().repaired_scopes;
        assert_eq!(repaired, 0, "a phone stored something wrong");
        assert!(phone.engine.refused().unwrap().is_empty());
        assert!(phone.engine.conflicts().unwrap().is_empty());
        assert_same(&world, phone);
    }
    for files in phones.into_iter().map(|phone| phone.close().unwrap()) {
        assert_sound(&files);
    }
    assert_server_sound(&world);
    assert!(
        network.spoiled() as u64 >= cycles / 2,
        "the network was too kind"
    );
}

fn assert_nothing_lost(world: &World, said: &Said) {
    let visits = world.server_visits("Acme").unwrap();
    let on_server: BTreeSet<VisitId> = visits.iter().map(|visit| visit.id).collect();
    let lost: Vec<_> = said.kept.difference(&on_server).collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
    let notes: BTreeSet<_> = visits.iter().map(|visit| visit.note.clone()).collect();
    assert_eq!(
        notes.len(),
        visits.len(),
        "a visit was doubled under another id"
    );

    let numbers: BTreeMap<_, _> = world
        .server_leads("Acme")
        .unwrap()
        .into_iter()
        .map(|lead| (lead.id, lead.phone))
        .collect();
    for (&lead, &n) in &said.edits {
        let number = numbers[&plain_id(lead)].clone().unwrap();
        let last: u32 = number.rsplit(' ').next().unwrap().parse().unwrap();
        assert_eq!(number, number_of(lead, last));
        assert!(
            last >= n,
            "lead {lead} has edit {last}, edit {n} was kept after it"
        );
    }
    assert!(
        said.edits.len() > LEADS as usize / 2,
        "hardly anything was done"
    );
}
