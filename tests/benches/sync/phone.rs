//! A phone in a process of its own: the engine, told what to do line by line.

use crate::process::Process;
use fieldfare_engine::{
    ChangeNotice, ChangeObserver, Engine, EngineConfig, FileKeyVault, KeyVault, LeadEdit,
    LeadFilter, LeadOrder, MAX_PAGE, SyncObserver, SyncOptions, SyncProgress,
};
use fieldfare_model::{LatLng, LeadId};
use serde_json::{Value, json};
use std::io::BufRead as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Instant;

pub const ROLE: &str = "phone";

/// Starts a phone on this folder.
pub fn start(dir: &Path, server: SocketAddr) -> Process {
    let url = format!("http://{server}");
    let mut process = Process::of_this_program(&[ROLE, dir.to_str().unwrap(), &url]);
    assert_eq!(process.line(), "open");
    process
}

/// Obeys `enrol CODE`, `sync`, `edit N ROUND`, `count` and `quit`.
pub fn run(dir: &Path, url: &str) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let engine = open(dir, url);
    println!("open");
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let answer = match words.as_slice() {
            ["enrol", code] => runtime.block_on(enrol(&engine, code)),
            ["sync"] => runtime.block_on(sync(&engine)),
            ["edit", n, round] => edit(&engine, n.parse().unwrap(), round),
            ["count"] => json!(on_the_map(&engine)),
            _ => break,
        };
        println!("{answer}");
    }
    engine.close().unwrap();
}

/// Without full text, which the peers have not.
fn open(dir: &Path, url: &str) -> Arc<Engine> {
    std::fs::create_dir_all(dir).unwrap();
    let files = dir.join("data");
    let mut config = EngineConfig::new(files.to_str().unwrap(), url);
    config.allow_insecure_loopback = true;
    config.full_text = false;
    let vault: Arc<dyn KeyVault> = Arc::new(FileKeyVault::new(dir.join("key")));
    Engine::open(config, vault, None).unwrap().0
}

async fn enrol(engine: &Arc<Engine>, code: &str) -> Value {
    let enrolled = engine.clone().enrol(code.to_owned(), "bench".to_owned());
    enrolled.await.unwrap();
    json!(true)
}

async fn sync(engine: &Arc<Engine>) -> Value {
    let shown = Arc::new(Shown::default());
    let observer = engine.add_observer(shown.clone());
    let answered = Arc::new(Answered::default());
    let start = Instant::now();
    let syncing = engine
        .clone()
        .sync(SyncOptions::default(), Some(answered.clone()));
    let report = syncing.await.unwrap();
    let seconds = start.elapsed().as_secs_f64();
    engine.remove_observer(observer);
    assert!(report.is_complete && report.repaired_scopes == 0);
    let told = *shown.0.lock().unwrap();
    let last_answer = *answered.0.lock().unwrap();
    json!({
        "seconds": seconds,
        "shown": told.map(|at| (at - start).as_secs_f64()),
        "answered": last_answer.map(|(_, at)| (at - start).as_secs_f64()),
        "rows": report.rows,
        "bodies": report.bytes_up + report.bytes_down,
        "frames": report.frames,
        "pushed": report.pushed,
        "refused": report.refused,
    })
}

/// How many operations had an answer, and when that became so.
#[derive(Default)]
struct Answered(Mutex<Option<(u64, Instant)>>);

impl SyncObserver for Answered {
    fn progress(&self, progress: SyncProgress) {
        let mut last = self.0.lock().unwrap();
        if progress.pushed > last.map_or(0, |(pushed, _)| pushed) {
            *last = Some((progress.pushed, Instant::now()));
        }
    }
}

/// When the app was last told that leads look different.
#[derive(Default)]
struct Shown(Mutex<Option<Instant>>);

impl ChangeObserver for Shown {
    fn changed(&self, notice: ChangeNotice) {
        if notice.all_leads || !notice.leads.is_empty() {
            *self.0.lock().unwrap() = Some(Instant::now());
        }
    }
}

fn edit(engine: &Arc<Engine>, n: usize, round: &str) -> Value {
    for id in some_leads(engine, n) {
        let edit = LeadEdit::Phone(Some(format!("+1 617 555 01{round}")));
        engine.edit_lead(id, vec![edit]).unwrap();
    }
    json!(true)
}

/// How many leads the rep sees.
fn on_the_map(engine: &Engine) -> u32 {
    let corner = |lat, lon| LatLng::new(lat, lon).unwrap();
    let everywhere = engine.viewport(corner(-90.0, -180.0), corner(90.0, 180.0), 1);
    everywhere.unwrap().total
}

/// The first so many leads by name.
fn some_leads(engine: &Engine, most: usize) -> Vec<LeadId> {
    let mut ids = Vec::new();
    let mut after = None;
    while ids.len() < most {
        let filter = LeadFilter::default();
        let page = engine.leads_page(&filter, LeadOrder::Name, after.as_ref(), MAX_PAGE);
        let page = page.unwrap();
        ids.extend(page.leads.iter().map(|record| record.lead.id));
        after = page.next;
    }
    ids.truncate(most);
    ids
}
