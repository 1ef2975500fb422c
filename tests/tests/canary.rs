//! No word of a customer, no position and no token lies readable in any file of the phone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod child;

use child::Child;
use fieldfare_engine::{
    HttpRequest, HttpResponse, HttpTransport, HttpsTransport, NewVisit, Parts, TransportError,
};
use fieldfare_model::{Fix, LatLng, Purpose, VisitOutcome};
use fieldfare_tests::leads::Random;
use fieldfare_tests::world::{
    Phone, PhoneFiles, TenantSpec, World, WorldSpec, now, plain_id, plain_lead,
};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const NAME: &str = "Canarybird Bakery";
const LEAD_NOTE: &str = "canary-lead-note-7f3a";
const VISIT_NOTE: &str = "canary-visit-note-91bc";
const TEXT_VERSION: &str = "canary-text-version-5d20";
const LAT: f64 = 42.361_234_5;
const LON: f64 = -71.098_765_4;

/// Carries requests, and keeps every token that comes.
struct Listening {
    https: HttpsTransport,
    tokens: Mutex<Vec<String>>,
}

impl Listening {
    fn new() -> Arc<Self> {
        let https = HttpsTransport::new(true).unwrap();
        Arc::new(Self {
            https,
            tokens: Mutex::default(),
        })
    }

    fn parts(self: &Arc<Self>) -> Parts {
        Parts {
            transport: Some(self.clone()),
            ..Parts::default()
        }
    }

    fn note(&self, body: &[u8]) {
        let Ok(reply) = serde_json::from_slice::<serde_json::Value>(body) else {
            return;
        };
        for name in ["refresh_token", "access_token"] {
            if let Some(token) = reply[name].as_str() {
                println!("\ntoken {token}");
                self.tokens.lock().unwrap().push(token.to_owned());
            }
        }
    }
}

#[async_trait::async_trait]
impl HttpTransport for Listening {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let response = self.https.send(request).await?;
        self.note(&response.body);
        Ok(response)
    }
}

/// What must not be found: words, the position as digits and as the numbers a database would hold.
fn canaries() -> Vec<Vec<u8>> {
    let (lat_e7, lon_e7) = (423_612_345_i32, -710_987_654_i32);
    let words = [
        NAME,
        LEAD_NOTE,
        VISIT_NOTE,
        TEXT_VERSION,
        "423612345",
        "42.3612345",
        "71.0987654",
    ];
    let mut found: Vec<Vec<u8>> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
    found.push([lat_e7.to_be_bytes(), lon_e7.to_be_bytes()].concat());
    found.push([lat_e7.to_le_bytes(), lon_e7.to_le_bytes()].concat());
    found.extend([LAT, LON].map(|degrees| degrees.to_be_bytes().to_vec()));
    found.extend([LAT, LON].map(|degrees| degrees.to_le_bytes().to_vec()));
    found
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                files_below(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

/// The first file below `dir` with one of the canaries.
fn find(dir: &Path, canaries: &[Vec<u8>]) -> Option<String> {
    files_below(dir).into_iter().find_map(|path| {
        let bytes = std::fs::read(&path).ok()?;
        let holds = |canary: &&Vec<u8>| bytes.windows(canary.len()).any(|part| part == **canary);
        let canary = canaries.iter().find(holds)?;
        Some(format!(
            "{} in {}",
            String::from_utf8_lossy(canary),
            path.display()
        ))
    })
}

fn assert_clean(files: &PhoneFiles, canaries: &[Vec<u8>]) {
    let dir = files.data.parent().unwrap();
    let names: Vec<String> = files_below(&files.data)
        .iter()
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    for needed in ["cache.db", "outbox.db", "keys.bin"] {
        assert!(
            names.iter().any(|name| name == needed),
            "{needed} is not among {names:?}"
        );
    }
    assert_eq!(find(dir, canaries), None);
    for name in ["cache.db", "outbox.db"] {
        let bytes = std::fs::read(files.data.join(name)).unwrap();
        assert!(
            !bytes.starts_with(b"SQLite format 3"),
            "{name} is not encrypted"
        );
    }
}

fn here() -> LatLng {
    LatLng::new(LAT, LON).unwrap()
}

/// Writes every kind of canary once more.
fn work(phone: &Phone) {
    let visit = NewVisit {
        note: Some(VISIT_NOTE.to_owned()),
        position: Some(here()),
        ..NewVisit::new(plain_id(0), VisitOutcome::Met)
    };
    let visit = phone.engine.record_visit(visit).unwrap().visit;
    assert_eq!(visit.position, Some(here()));
    let fix = Fix {
        position: here(),
        at: now(),
        accuracy_m: 5.0,
        speed_mps: None,
    };
    phone.engine.fix(fix).unwrap();
    assert!(!phone.engine.search("canarybird", 10).unwrap().is_empty());
}

async fn world_with_canaries() -> World {
    let acme = TenantSpec::new("Acme", 7)
        .rep("Ada", None)
        .states("East", &["MA"], &["Ada"]);
    let world = World::start(WorldSpec::of([acme])).await.unwrap();
    let east = world.territory_id("Acme", "East").unwrap();
    let mut leads: Vec<_> = (0..200).map(|n| plain_lead(n, east)).collect();
    for lead in &mut leads {
        lead.name = NAME.to_owned();
        lead.notes = Some(LEAD_NOTE.to_owned());
        lead.geocode.position = Some(here());
    }
    world.plant("Acme", &leads).unwrap();
    world
}

/// A phone full of canaries, and what must not be found in its files, the tokens included.
async fn phone_with_canaries(world: &World) -> (PhoneFiles, Vec<Vec<u8>>) {
    let dir = world.new_phone_dir();
    std::fs::create_dir_all(&dir).unwrap();
    let files = PhoneFiles::below(&dir, &world.url());
    let listening = Listening::new();
    let phone = files.open_as(listening.parts()).unwrap();
    let code = world.enrolment_code("Acme", "Ada").unwrap();
    phone
        .engine
        .clone()
        .enrol(code, "phone".to_owned())
        .await
        .unwrap();
    phone.sync().await.unwrap();
    for purpose in [
        Purpose::VisitCheckIn,
        Purpose::LiveTracking,
        Purpose::ProximityAlerts,
    ] {
        phone
            .engine
            .grant(purpose, TEXT_VERSION, "en", None)
            .unwrap();
    }
    work(&phone);
    let mut canaries = canaries();
    canaries.extend(
        listening
            .tokens
            .lock()
            .unwrap()
            .iter()
            .map(|token| token.clone().into_bytes()),
    );
    assert!(canaries.len() >= 15, "no token was heard");
    assert_clean(&files, &canaries);
    phone.sync().await.unwrap();
    assert_clean(&files, &canaries);
    phone.engine.suspend().unwrap();
    assert_clean(&files, &canaries);
    phone.close().unwrap();
    (files, canaries)
}

#[test]
fn child_that_writes_canaries_until_killed() {
    let Some(files) = child::files() else { return };
    let phone = files.open_as(Listening::new().parts()).unwrap();
    let engine = Arc::clone(&phone.engine);
    std::thread::spawn(move || child::sync_for_ever(&engine));
    loop {
        work(&phone);
        println!("\nworked");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_canary_is_found_while_at_work_or_after_a_kill() {
    let mut random = Random::new(child::seed());
    let world = world_with_canaries().await;
    let (files, mut canaries) = phone_with_canaries(&world).await;
    for _ in 0..6 {
        let mut child = Child::start("child_that_writes_canaries_until_killed", &files);
        child.wait_for_a_line("worked");
        std::thread::sleep(Duration::from_millis(random.below(150)));
        let said = child.kill();
        let tokens = said.iter().filter_map(|line| line.strip_prefix("token "));
        canaries.extend(tokens.map(|token| token.as_bytes().to_vec()));
        assert_clean(&files, &canaries);
    }
    let phone = files.open().unwrap();
    assert!(phone.engine.all_visits().unwrap().len() > 6);
    phone.close().unwrap();
    assert_clean(&files, &canaries);
}

#[test]
fn the_search_finds_a_canary_that_is_there() {
    for canary in canaries() {
        let dir = tempfile::tempdir().unwrap();
        let below = dir.path().join("below");
        std::fs::create_dir(&below).unwrap();
        std::fs::write(
            below.join("file"),
            [b"before ", &canary[..], b" after"].concat(),
        )
        .unwrap();
        assert!(find(dir.path(), &[canary]).is_some());
    }
}
