//! Monday morning: a fleet of new phones fetches its leads at once, while others go on working. What the
//! new phones get is checked for order and number, but not decoded, so that the server has the processors.

use crate::light::{Delta, Http, LightPhone, Pair, post_json};
use crate::server::{ADMIN_TOKEN, Company, Office, Serving};
use crate::table;
use fieldfare_engine::HttpsTransport;
use fieldfare_tests::figures::{cpu_seconds, percentile};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How many pairs of phones that have everything work meanwhile.
const PAIRS: usize = 4;
const PAUSE: Duration = Duration::from_millis(40);
const CALM: Duration = Duration::from_secs(3);

struct Fleet {
    calm: Vec<Delta>,
    storm: Vec<Delta>,
    /// Seconds each new phone took.
    firsts: Vec<f64>,
    waits: u32,
    seconds: f64,
    server_cpu_s: f64,
    load_cpu_s: f64,
    server_mb: f64,
    bytes: u64,
}

/// Lets so many phones fetch so many leads each, from so many territories.
pub fn measure(phones: usize, leads: usize, territories: usize) {
    let dir = tempfile::tempdir().unwrap();
    let fleet = (0..phones).map(|n| (format!("new{n}@example.com"), n % territories));
    let workers = (0..2 * PAIRS).map(|n| (format!("old{n}@example.com"), n / 2 % territories));
    let company = Company {
        territories,
        leads_each: leads,
        reps: fleet.chain(workers).collect(),
    };
    let office = Office::filled(dir.path(), &company);
    let serving = office.serve();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let fleet = runtime.block_on(storm(&office, &serving, &company));
    print(&fleet, &company);
}

async fn storm(office: &Office, serving: &Serving, company: &Company) -> Fleet {
    let mut phones = enrol_all(office, serving, company).await;
    let workers = phones.split_off(phones.len() - 2 * PAIRS);
    let (pairs, calm) = calm(prepare(workers).await).await;

    let over = Arc::new(AtomicBool::new(false));
    let (start, load, server) = (Instant::now(), cpu_seconds(), serving.process.cpu_s());
    let is_over = over.clone();
    let working = tokio::spawn(async move { work(pairs, &is_over).await });
    let leads = company.leads_each as u64;
    let fetching: Vec<_> = phones
        .into_iter()
        .map(|phone| tokio::spawn(first_sync(phone, leads, start)))
        .collect();
    let mut fleet = Fleet {
        calm,
        storm: Vec::new(),
        firsts: Vec::new(),
        waits: 0,
        seconds: 0.0,
        server_cpu_s: 0.0,
        load_cpu_s: 0.0,
        server_mb: 0.0,
        bytes: 0,
    };
    for phone in fetching {
        let (seconds, bytes, waits) = phone.await.unwrap();
        fleet.firsts.push(seconds);
        fleet.bytes += bytes;
        fleet.waits += waits;
    }
    over.store(true, Ordering::SeqCst);
    fleet.seconds = start.elapsed().as_secs_f64();
    fleet.storm = working.await.unwrap().1;
    fleet.server_cpu_s = serving.process.cpu_s() - server;
    fleet.load_cpu_s = cpu_seconds() - load;
    fleet.server_mb = serving.process.peak_mb();
    fleet
}

async fn enrol_all(office: &Office, serving: &Serving, company: &Company) -> Vec<LightPhone> {
    let http: Http = Arc::new(HttpsTransport::new(true).unwrap());
    let tenant = office.tenant();
    let mut phones = Vec::new();
    for (n, (rep, _)) in company.reps.iter().enumerate() {
        let url = format!("http://{}/admin/codes", serving.admin);
        let asked = json!({"tenant": tenant, "rep": rep});
        let reply = post_json(&http, url, ADMIN_TOKEN, &asked).await;
        let code = reply["code"].as_str().unwrap();
        phones.push(LightPhone::enrol(&http, serving.addr, code, n as u64 + 1).await);
    }
    phones
}

async fn prepare(workers: Vec<LightPhone>) -> Vec<Pair> {
    let mut workers = workers.into_iter();
    let mut pairs = Vec::new();
    while let (Some(writer), Some(reader)) = (workers.next(), workers.next()) {
        pairs.push(Pair::prepare(writer, reader).await);
    }
    pairs
}

/// All pairs at work until it is over; gives them back, and how long each change took.
async fn work(pairs: Vec<Pair>, over: &Arc<AtomicBool>) -> (Vec<Pair>, Vec<Delta>) {
    let working: Vec<_> = pairs
        .into_iter()
        .map(|pair| tokio::spawn(work_alone(pair, over.clone())))
        .collect();
    let (mut pairs, mut deltas) = (Vec::new(), Vec::new());
    for one in working {
        let (pair, of_pair) = one.await.unwrap();
        pairs.push(pair);
        deltas.extend(of_pair);
    }
    (pairs, deltas)
}

async fn work_alone(mut pair: Pair, over: Arc<AtomicBool>) -> (Pair, Vec<Delta>) {
    let mut deltas = Vec::new();
    while !over.load(Ordering::SeqCst) {
        deltas.push(pair.change().await);
        tokio::time::sleep(PAUSE).await;
    }
    (pair, deltas)
}

/// What it says when nothing else is going on.
async fn calm(pairs: Vec<Pair>) -> (Vec<Pair>, Vec<Delta>) {
    let over = Arc::new(AtomicBool::new(false));
    let is_over = over.clone();
    tokio::spawn(async move {
        tokio::time::sleep(CALM).await;
        is_over.store(true, Ordering::SeqCst);
    });
    work(pairs, &over).await
}

/// A new phone's seconds since the start of all, its bytes, and how often it waited.
async fn first_sync(mut phone: LightPhone, leads: u64, start: Instant) -> (f64, u64, u32) {
    let (rows, bytes) = phone.fetch_all().await;
    assert!(rows >= leads, "{rows} rows came");
    (start.elapsed().as_secs_f64(), bytes, phone.waits)
}

fn print(fleet: &Fleet, company: &Company) {
    let ms = |deltas: &[Delta], of: fn(&Delta) -> f64, share| {
        let all: Vec<f64> = deltas.iter().map(of).collect();
        format!("{:.0}", percentile(all, share) * 1e3)
    };
    let row = |name: &str, deltas: &[Delta]| {
        let mut row = vec![name.to_owned(), deltas.len().to_string()];
        for of in [|d: &Delta| d.pull_s, |d: &Delta| d.push_s] {
            row.extend([0.5, 0.99, 1.0].map(|share| ms(deltas, of, share)));
        }
        row
    };
    let phones = fleet.firsts.len();
    println!(
        "{phones} phones fetch {} leads each, of {} territories, at once; {} work meanwhile.\n\n{}",
        company.leads_each,
        company.territories,
        2 * PAIRS,
        table::of_rows(
            &[
                "",
                "changes",
                "fetched, ms: p50",
                "p99",
                "most",
                "pushed, ms: p50",
                "p99",
                "most"
            ],
            &[row("before", &fleet.calm), row("meanwhile", &fleet.storm)],
        )
    );
    let rows = (phones * company.leads_each) as f64;
    println!(
        "All had their leads after {:.1} s, half of them after {:.1} s; {:.0} MB, {} waits. \
         Server {:.1} us of CPU a row, most memory {:.0} MB; the load generator {:.1} us.",
        fleet.seconds,
        percentile(fleet.firsts.clone(), 0.5),
        fleet.bytes as f64 / 1e6,
        fleet.waits,
        fleet.server_cpu_s * 1e6 / rows,
        fleet.server_mb,
        fleet.load_cpu_s * 1e6 / rows,
    );
}
