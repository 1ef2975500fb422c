//! How long a phone takes from opening its files to the first leads near by.
//!
//! Fills a store with 100,000 leads through enrolment and sync, then opens it again and again, and
//! prints figures. `cargo run --release -p fieldfare-engine --example open_bench [leads] [rounds]`
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use async_trait::async_trait;
use fieldfare_engine::*;
use fieldfare_model::*;
use fieldfare_store::{Store, StoreOptions};
use fieldfare_sync::*;
use serde_bytes::ByteBuf;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

struct FeedServer {
    scope: ScopeId,
    head: u64,
    frames: Vec<Vec<u8>>,
}

impl FeedServer {
    fn new(leads: u32) -> Self {
        let territory = TerritoryId::from_bytes([5; 16]);
        let scope = ScopeId::territory(territory);
        let changes: Vec<FeedChange> = (0..leads)
            .map(|n| FeedChange::Put {
                entity: Entity::LEAD,
                row: Row {
                    id: lead_id(n).row(),
                    version: u64::from(n) + 1,
                    columns: lead(n, territory).to_columns(),
                },
            })
            .collect();
        let compress = |raw: &[u8]| zstd::bulk::compress(raw, 3).unwrap();
        let head = u64::from(leads);
        let frames = encode_frames(&scope, 0, head, &changes, &compress).unwrap();
        Self {
            scope,
            head,
            frames,
        }
    }

    fn pull(&self, body: &[u8]) -> Vec<u8> {
        let request: PullRequest = decode_message(body).unwrap();
        let cursor = request.cursors.first().map_or(0, |c| c.cursor);
        let rest: Vec<&Vec<u8>> = self
            .frames
            .iter()
            .filter(|frame| Frame::decode(frame).unwrap().from >= cursor)
            .collect();
        let budget = request.budget as usize;
        let mut frames: Vec<ByteBuf> = Vec::new();
        let mut spent = 0;
        for frame in &rest {
            if spent >= budget && !frames.is_empty() {
                break;
            }
            spent += frame.len();
            frames.push(ByteBuf::from((*frame).clone()));
        }
        let is_last = frames.len() == rest.len();
        let priority = self.scope.priority();
        encode_message(&PullReply {
            protocol: PROTOCOL,
            schema: SCHEMA,
            epoch: Epoch(1),
            status: PullStatus::Ok,
            grants: vec![ScopeGrant {
                scope: self.scope.clone(),
                priority,
            }],
            frames,
            checkpoint: is_last.then_some(Checkpoint {
                head: self.head,
                priority,
                complete: true,
            }),
            last_n: 0,
            head: self.head,
            digests: Vec::new(),
            is_as_known: false,
        })
        .unwrap()
    }
}

#[async_trait]
impl HttpTransport for FeedServer {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let body = if request.url.ends_with("/v1/pull") {
            self.pull(&request.body)
        } else {
            let json = serde_json::json!({
                "p": PROTOCOL, "s": SCHEMA,
                "tenant": TenantId::from_bytes([9; 16]),
                "device": DeviceId::from_bytes([1; 16]),
                "rep": { "id": RepId::from_bytes([2; 16]), "name": "Robin Meyer" },
                "access_token": "a", "refresh_token": "r", "expires_in": 900,
            });
            serde_json::to_vec(&json).unwrap()
        };
        Ok(HttpResponse {
            status: 200,
            headers: Vec::new(),
            body,
        })
    }
}

fn lead_id(n: u32) -> LeadId {
    LeadId::v7(
        1_790_000_000_000 + u64::from(n),
        mix(n).to_be_bytes()[..10].try_into().unwrap(),
    )
}

/// Spreads small numbers over many bits (the finisher of MurmurHash3, twice).
fn mix(n: u32) -> u128 {
    let half = |mut h: u64| {
        h = (h ^ (h >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        h = (h ^ (h >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        h ^ (h >> 33)
    };
    u128::from(half(u64::from(n) + 1)) << 64 | u128::from(half(u64::from(n) ^ 0xabcd_ef01))
}

fn lead(n: u32, territory: TerritoryId) -> Lead {
    let (a, b) = ((mix(n) >> 100) as u32, (mix(n) >> 60) as u32);
    let mut lead = Lead::new(lead_id(n), format!("Company {n} {}", a % 997));
    let north = f64::from(a % 100_000) / 100_000.0;
    let east = f64::from(b % 100_000) / 100_000.0;
    lead.geocode.position = Some(LatLng::new(42.0 + north, -71.5 + east).unwrap());
    lead.geocode.status = GeocodeStatus::Success;
    lead.address.street = Some(format!("{} Main Street", a % 900));
    lead.address.city = Some(format!("Town {}", b % 300));
    lead.address.region = Some("MA".into());
    lead.address.postal_code = Some(format!("{:05}", 1000 + b % 2000));
    lead.address.country = Some("US".into());
    lead.phone = Some(format!("+1617{:07}", a % 10_000_000));
    lead.score = Some((b % 100) as u8);
    lead.territory = Some(territory);
    lead
}

fn open(dir: &Path, server: &Arc<FeedServer>) -> Arc<Engine> {
    let mut config = EngineConfig::new(dir.join("phone").to_str().unwrap(), "https://bench.test");
    config.full_text = false;
    let vault = Arc::new(FileKeyVault::new(dir.join("vault.key")));
    let transport: Arc<dyn HttpTransport> = server.clone();
    Engine::open(config, vault, Some(transport)).unwrap().0
}

struct Round {
    store: Duration,
    positions: Duration,
    open: Duration,
    first: Duration,
    tree: Duration,
    second: Duration,
}

fn round(dir: &Path, server: &Arc<FeedServer>, center: LatLng) -> Round {
    let (store, positions) = store_alone(dir);
    let start = Instant::now();
    let engine = open(dir, server);
    let opened = start.elapsed();
    let query = NearbyQuery::nearest(20);
    let first_answer = engine.nearby(center, &query).unwrap();
    let first = start.elapsed();
    while !engine.is_map_indexed() {
        std::thread::yield_now();
    }
    let tree = start.elapsed();
    let again = Instant::now();
    assert_eq!(engine.nearby(center, &query).unwrap(), first_answer);
    let second = again.elapsed();
    engine.close().unwrap();
    Round {
        store,
        positions,
        open: opened,
        first,
        tree,
        second,
    }
}

/// What the store alone takes to open, and to read all positions.
fn store_alone(dir: &Path) -> (Duration, Duration) {
    let vault = Arc::new(FileKeyVault::new(dir.join("vault.key")));
    let options = StoreOptions {
        full_text: false,
        ..StoreOptions::default()
    };
    let start = Instant::now();
    let (store, _) = Store::open(dir.join("phone"), vault, options).unwrap();
    let opened = start.elapsed();
    store.positions().unwrap();
    let read = start.elapsed() - opened;
    store.close().unwrap();
    (opened, read)
}

fn median(rounds: &[Round], of: impl Fn(&Round) -> Duration) -> f64 {
    let mut all: Vec<Duration> = rounds.iter().map(of).collect();
    all.sort();
    all[all.len() / 2].as_secs_f64() * 1000.0
}

#[tokio::main]
async fn main() {
    let mut args = std::env::args()
        .skip(1)
        .map(|arg| arg.parse::<u32>().unwrap());
    let leads = args.next().unwrap_or(100_000);
    let rounds = args.next().unwrap_or(15);
    let dir = std::env::temp_dir().join(format!("fieldfare-open-bench-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let server = Arc::new(FeedServer::new(leads));
    let wire: usize = server.frames.iter().map(Vec::len).sum();

    let engine = open(&dir, &server);
    engine
        .clone()
        .enrol("code".into(), "bench".into())
        .await
        .unwrap();
    let start = Instant::now();
    engine
        .clone()
        .sync(SyncOptions::default(), None)
        .await
        .unwrap();
    let bootstrap = start.elapsed();
    assert_eq!(engine.status().unwrap().counts.leads, u64::from(leads));
    engine.close().unwrap();
    drop(engine);
    let disk = std::fs::metadata(dir.join("phone/cache.db")).unwrap().len();

    let center = LatLng::new(42.36, -71.06).unwrap();
    let rounds: Vec<Round> = (0..rounds).map(|_| round(&dir, &server, center)).collect();
    let per_row = |bytes: f64| bytes / f64::from(leads);
    println!("leads                               {leads}");
    println!(
        "bootstrap                           {:.2} s",
        bootstrap.as_secs_f64()
    );
    println!(
        "on the wire                         {:.1} B a row",
        per_row(wire as f64)
    );
    println!(
        "on disk, without full text          {:.1} B a row",
        per_row(disk as f64)
    );
    println!("median of {} rounds:", rounds.len());
    let (store, positions) = (
        median(&rounds, |r| r.store),
        median(&rounds, |r| r.positions),
    );
    println!("store alone: open                   {store:.1} ms");
    println!("store alone: all positions          {positions:.1} ms");
    println!(
        "open                                {:.1} ms",
        median(&rounds, |r| r.open)
    );
    println!(
        "open to first nearby answer (k 20)  {:.1} ms",
        median(&rounds, |r| r.first)
    );
    println!(
        "open to tree built                  {:.1} ms",
        median(&rounds, |r| r.tree)
    );
    println!(
        "nearby with the tree (k 20)         {:.3} ms",
        median(&rounds, |r| r.second)
    );
    std::fs::remove_dir_all(&dir).unwrap();
}
