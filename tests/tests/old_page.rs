//! Older pages of `cache.db`, each validly sealed, put back into the file: no seal says when a page
//! was written. The next sync finds that what is stored is not what the server said, and mends it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use fieldfare_engine::{EngineError, FileKeyVault, FileReport};
use fieldfare_model::{Lead, LeadId};
use fieldfare_store::{Store, StoreOptions};
use fieldfare_tests::world::{Phone, PhoneFiles, TenantSpec, World, WorldSpec};
use std::path::PathBuf;
use std::sync::Arc;

const PAGE: usize = 4096;
const LEADS: u32 = 120;
const OLD: &str = "555 0001";
const NEW: &str = "555 0002";

/// A phone, closed, before and after the server said that a lead has another number.
struct Splice {
    world: World,
    files: PhoneFiles,
    lead: LeadId,
    older: Vec<u8>,
    newer: Vec<u8>,
}

impl Splice {
    async fn prepare() -> Self {
        let acme = TenantSpec::new("Acme", 7)
            .rep("Ada", None)
            .states("East", &["MA"], &["Ada"]);
        let world = World::start(WorldSpec::of([acme])).await.unwrap();
        let mut lead = world.plant_row("Acme", "East", LEADS).unwrap()[40].clone();
        let phone = world.phone("Acme", "Ada").await.unwrap();
        say_number(&world, &mut lead, OLD);
        let (phone, older) = synced(phone).await;
        say_number(&world, &mut lead, NEW);
        let (phone, newer) = synced(phone).await;
        assert_eq!(older.len(), newer.len(), "the file did not grow");
        Self {
            files: phone.close().unwrap(),
            world,
            lead: lead.id,
            older,
            newer,
        }
    }

    fn path(&self) -> PathBuf {
        self.files.data.join("cache.db")
    }

    /// The pages that were written in between, but the first, whose counter only goes up.
    fn written(&self) -> Vec<usize> {
        let pages = 1..self.newer.len() / PAGE;
        let differs = |page: &usize| page_of(&self.older, *page) != page_of(&self.newer, *page);
        pages.filter(differs).collect()
    }

    /// Puts the older copies of these pages in the place of the newer ones.
    fn put(&self, pages: &[usize]) {
        let mut spliced = self.newer.clone();
        for page in pages {
            let place = page * PAGE..(page + 1) * PAGE;
            spliced[place.clone()].copy_from_slice(&self.older[place]);
        }
        std::fs::write(self.path(), spliced).unwrap();
    }

    /// What the store says of its files, and which number it shows.
    fn look(&self) -> Look {
        let vault = Arc::new(FileKeyVault::new(&self.files.key));
        let options = StoreOptions::default();
        let (store, report) = Store::open(&self.files.data, vault, options).unwrap();
        let shown = store.lead(self.lead).ok().flatten();
        let look = Look {
            is_content: report.cache == FileReport::Opened && store.check_integrity().is_ok(),
            number: shown.and_then(|stored| {
                let lead = Lead::from_columns(self.lead, &stored.row.columns).unwrap();
                lead.phone
            }),
            head: store.sync_status().unwrap().head,
        };
        store.close().unwrap();
        look
    }

    /// The fewest pages whose older copies show the older number and leave every check content: the
    /// leaf that holds the lead, and those of the indexes that name its version.
    fn unseen(&self) -> Vec<usize> {
        let head = self.look_with(&[]).head;
        let written = self.written();
        let mut choices: Vec<Vec<usize>> = (1_u32..1 << written.len())
            .map(|bits| {
                let chosen = written.iter().enumerate();
                let chosen = chosen.filter(|(at, _)| bits & (1 << at) != 0);
                chosen.map(|(_, page)| *page).collect()
            })
            .collect();
        choices.sort_by_key(Vec::len);
        let found = choices.into_iter().find(|pages| {
            let look = self.look_with(pages);
            look.is_content && look.number.as_deref() == Some(OLD) && look.head == head
        });
        found.expect("some older pages pass every check")
    }

    fn look_with(&self, pages: &[usize]) -> Look {
        self.put(pages);
        self.look()
    }
}

struct Look {
    is_content: bool,
    number: Option<String>,
    head: u64,
}

fn page_of(file: &[u8], page: usize) -> &[u8] {
    &file[page * PAGE..(page + 1) * PAGE]
}

fn say_number(world: &World, lead: &mut Lead, number: &str) {
    lead.phone = Some(number.to_owned());
    world.plant("Acme", std::slice::from_ref(lead)).unwrap();
}

/// Syncs, and gives the phone again with a copy of its cache.
async fn synced(phone: Phone) -> (Phone, Vec<u8>) {
    phone.sync().await.unwrap();
    let files = phone.close().unwrap();
    let cache = std::fs::read(files.data.join("cache.db")).unwrap();
    (files.open().unwrap(), cache)
}

fn number_shown(phone: &Phone, lead: LeadId) -> Option<String> {
    let mut leads = phone.leads().unwrap().into_iter();
    leads.find(|shown| shown.id == lead).unwrap().phone
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_page_that_no_check_objects_to_is_found_and_mended_by_the_next_sync() {
    let splice = Splice::prepare().await;
    let pages = splice.unseen();
    println!(
        "{} pages written, {pages:?} put back",
        splice.written().len()
    );
    let look = splice.look_with(&pages);
    assert!(
        look.is_content,
        "cipher_integrity_check and integrity_check"
    );

    splice.put(&pages);
    let phone = splice.files.open().unwrap();
    assert_eq!(phone.report.cache, FileReport::Opened);
    assert_eq!(number_shown(&phone, splice.lead).as_deref(), Some(OLD));
    let before = phone.engine.status().unwrap().repaired_scopes;
    let report = phone.sync().await.unwrap();
    assert_eq!(report.repaired_scopes, 1, "the mismatch is counted");
    assert_eq!(phone.engine.status().unwrap().repaired_scopes, before + 1);
    assert_eq!(number_shown(&phone, splice.lead).as_deref(), Some(NEW));
    assert!(phone.leads().unwrap() == splice.world.server_leads("Acme").unwrap());
    assert_eq!(phone.sync().await.unwrap().repaired_scopes, 0);
    let files = phone.close().unwrap();
    let vault = Arc::new(FileKeyVault::new(&files.key));
    let (store, _) = Store::open(&files.data, vault, StoreOptions::default()).unwrap();
    store.check_integrity().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_written_page_is_put_back_alone_the_phone_ends_with_what_the_server_holds() {
    let splice = Splice::prepare().await;
    let truth = splice.world.server_leads("Acme").unwrap();
    let mut showed_the_old = 0;
    for page in splice.written() {
        splice.put(&[page]);
        let mut phone = splice.files.open().unwrap();
        showed_the_old += u32::from(number_shown(&phone, splice.lead).as_deref() == Some(OLD));
        // An index that does not fit its table is damage: the cache is moved aside and filled again.
        if let Err(error) = phone.sync().await {
            assert!(matches!(error, EngineError::Damaged { .. }), "{error:?}");
            phone = phone.reopen().unwrap();
            phone.sync().await.unwrap();
        }
        assert!(phone.leads().unwrap() == truth, "page {page}");
        phone.close().unwrap();
    }
    assert!(showed_the_old > 0, "the lead's own page was among them");
}
