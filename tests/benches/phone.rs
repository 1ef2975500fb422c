//! A phone's first day: bootstrap of 10,000 and 100,000 leads over HTTP into the encrypted store, what
//! that takes on wire and disk, and how soon the first answer comes after opening.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use fieldfare_engine::{Engine, EngineConfig, KeyVault, MemoryKeyVault, NearbyQuery, SyncOptions};
use fieldfare_model::{Entity, LatLng, Lead, Row, TerritoryId};
use fieldfare_server::auth;
use fieldfare_server::config::{Config, RepConfig, TenantConfig, TerritoryConfig};
use fieldfare_server::feed;
use fieldfare_server::{RunningServer, Server};
use fieldfare_store::{Store, StoreOptions};
use fieldfare_sync::{
    Checkpoint, Epoch, FeedChange, Frame, PhoneStore, Priority, ScopeGrant, ScopeId, encode_frames,
};
use fieldfare_tests::figures::{cpu_seconds, median, print_table, thread_cpu_ms};
use fieldfare_tests::leads::{leads, lean};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

const REP: &str = "ada@example.com";
const BATCH: usize = 5_000;

fn main() {
    // `cargo bench -p fieldfare-tests --bench phone -- lock` prints the last table alone.
    if !std::env::args().any(|argument| argument == "lock") {
        first_syncs();
    }
    write_locks();
}

fn first_syncs() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let rows: Vec<Vec<String>> = [
        (10_000, true),
        (100_000, true),
        (10_000, false),
        (100_000, false),
    ]
    .into_iter()
    .map(|(n, is_lean)| runtime.block_on(measure(n, is_lean)))
    .collect();
    print_table(
        "First sync over HTTP on loopback, server and phone in this process (no full text)",
        &[
            "leads",
            "of",
            "wall s",
            "leads/s",
            "CPU us/lead",
            "wire B/lead",
            "disk B/lead",
            "plain SQLite B/lead",
            "ratio",
            "open to first nearby, ms of CPU",
            "wall ms",
            "idle sync B",
        ],
        &rows,
    );
}

fn write_locks() {
    let held = [true, false].map(|is_first| write_lock_held(100_000, is_first));
    let [ours, naive] = &held;
    print_table(
        "Longest time the cache's write lock is held while 100,000 leads come; CPU, then wall",
        &[
            "",
            "a frame, ms",
            "wall",
            "showing all, ms",
            "wall",
            "ratio of showing",
        ],
        &[
            ours.row("rows in place at once, shown by a flag", ours),
            naive.row("naive: frames kept, rows written when shown", ours),
        ],
    );
}

async fn measure(n: usize, is_lean: bool) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(config(dir.path())).await.unwrap();
    let leads = fill(&server, n, is_lean);
    let phone_dir = dir.path().join("phone");
    let vault: Arc<dyn KeyVault> = Arc::new(MemoryKeyVault::new());
    let engine = open(&server, &phone_dir, &vault);
    let code = code(&server);
    Arc::clone(&engine)
        .enrol(code, "bench".to_owned())
        .await
        .unwrap();

    let (start, cpu) = (Instant::now(), cpu_seconds());
    let report = sync(&engine).await;
    let (wall, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    assert!(report.rows as usize >= n);
    let idle = sync(&engine).await;
    engine.close().unwrap();
    drop(engine);
    let disk = std::fs::metadata(phone_dir.join("cache.db")).unwrap().len();
    let plain = plain_sqlite(&dir.path().join("plain.db"), &leads);
    let (open_cpu_ms, open_ms) = open_to_first_answer(&server, &phone_dir, &vault);
    server.shutdown().await;

    let per_lead = |total: f64| total / n as f64;
    vec![
        n.to_string(),
        (if is_lean { "300 B" } else { "570 B" }).to_owned(),
        format!("{wall:.2}"),
        format!("{:.0}", n as f64 / wall),
        format!("{:.1}", per_lead(cpu * 1e6)),
        format!(
            "{:.1}",
            per_lead((report.bytes_down + report.bytes_up) as f64)
        ),
        format!("{:.0}", per_lead(disk as f64)),
        format!("{:.0}", per_lead(plain as f64)),
        format!("{:.2}x", disk as f64 / plain as f64),
        format!("{open_cpu_ms:.1}"),
        format!("{open_ms:.1}"),
        (idle.bytes_up + idle.bytes_down).to_string(),
    ]
}

/// The longest time, on the processor and by the clock, that staging a frame took, and that
/// publishing took. Both hold the write lock from beginning to end.
struct Held {
    staging_ms: (f64, f64),
    publish_ms: (f64, f64),
}

impl Held {
    fn row(&self, name: &str, ours: &Self) -> Vec<String> {
        vec![
            name.to_owned(),
            format!("{:.1}", self.staging_ms.0),
            format!("{:.1}", self.staging_ms.1),
            format!("{:.1}", self.publish_ms.0),
            format!("{:.1}", self.publish_ms.1),
            format!("{:.1}x", self.publish_ms.0 / ours.publish_ms.0),
        ]
    }
}

/// Medians of three. A scope that was shown before, if empty, has its rows written when they are
/// shown: the naive way.
fn write_lock_held(n: usize, is_first_fetch: bool) -> Held {
    let rounds: Vec<Held> = (0..3).map(|_| hold_once(n, is_first_fetch)).collect();
    let middle = |value: fn(&Held) -> f64| median(rounds.iter().map(value).collect());
    Held {
        staging_ms: (middle(|h| h.staging_ms.0), middle(|h| h.staging_ms.1)),
        publish_ms: (middle(|h| h.publish_ms.0), middle(|h| h.publish_ms.1)),
    }
}

fn hold_once(n: usize, is_first_fetch: bool) -> Held {
    let dir = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        full_text: false,
        ..StoreOptions::default()
    };
    let vault = Arc::new(MemoryKeyVault::new());
    let (store, _) = Store::open(dir.path(), vault, options).unwrap();
    let mut phone = &store;
    phone.enter_epoch(Epoch(1)).unwrap();
    let territory = TerritoryId::from_bytes([5; 16]);
    let scope = ScopeId::territory(territory);
    let grants = [ScopeGrant {
        priority: scope.priority(),
        scope: scope.clone(),
    }];
    let show = |phone: &mut &Store, head| {
        let checkpoint = Checkpoint {
            head,
            priority: Priority::BULK,
            complete: true,
        };
        phone.publish(&grants, &checkpoint).unwrap()
    };
    if !is_first_fetch {
        show(&mut phone, 1);
    }
    let puts: Vec<FeedChange> = leads(3, n, territory)
        .iter()
        .zip(2..)
        .map(|(lead, version)| put(&lean(lead), version))
        .collect();
    let head = n as u64 + 1;
    let frames = encode_frames(
        &scope,
        u64::from(!is_first_fetch),
        head,
        &puts,
        &feed::compress,
    );
    let mut staging_ms = (0.0_f64, 0.0_f64);
    for bytes in frames.unwrap() {
        let frame = Frame::decode(&bytes).unwrap();
        let took = time(|| phone.stage(&frame, &bytes, head).unwrap());
        staging_ms = (staging_ms.0.max(took.0), staging_ms.1.max(took.1));
    }
    let publish_ms = time(|| {
        assert_eq!(show(&mut phone, head).len(), n);
    });
    Held {
        staging_ms,
        publish_ms,
    }
}

fn put(lead: &Lead, version: u64) -> FeedChange {
    FeedChange::Put {
        entity: Entity::LEAD,
        row: Row {
            id: lead.id.row(),
            version,
            columns: lead.to_columns(),
        },
    }
}

/// Milliseconds on this thread's processor, and by the clock.
fn time(work: impl FnOnce()) -> (f64, f64) {
    let (start, cpu) = (Instant::now(), thread_cpu_ms());
    work();
    (thread_cpu_ms() - cpu, start.elapsed().as_secs_f64() * 1e3)
}

fn config(dir: &Path) -> Config {
    let mut config = Config::default();
    config.server.listen = ([127, 0, 0, 1], 0).into();
    config.server.admin_listen = ([127, 0, 0, 1], 0).into();
    config.server.data_dir = dir.join("server");
    config.tenants = vec![TenantConfig {
        id: None,
        name: "acme".to_owned(),
        reps: vec![RepConfig {
            id: None,
            name: "Ada".to_owned(),
            email: REP.to_owned(),
            crm_owner: None,
            day: None,
        }],
        territories: vec![TerritoryConfig {
            id: None,
            name: "Boston".to_owned(),
            precedence: 0,
            rule: None,
            reps: vec![REP.to_owned()],
        }],
        connections: Vec::new(),
    }];
    config
}

fn fill(server: &RunningServer, n: usize, is_lean: bool) -> Vec<Lead> {
    let tenant = &server.state.config.tenants[0];
    let territory = tenant.territories[0].id(tenant.id());
    let mut leads = leads(3, n, territory);
    if is_lean {
        leads.iter_mut().for_each(|lead| *lead = lean(lead));
    }
    let store = server.state.tenants.get(tenant.id()).unwrap();
    for batch in leads.chunks(BATCH) {
        store
            .write(|tx| {
                for lead in batch {
                    feed::put(
                        tx,
                        Entity::LEAD,
                        lead.id.row(),
                        lead.to_columns(),
                        server.state.now(),
                    )?;
                }
                Ok(())
            })
            .unwrap();
    }
    leads
}

fn code(server: &RunningServer) -> String {
    let tenant = &server.state.config.tenants[0];
    let rep = tenant.rep(REP).unwrap().id(tenant.id());
    let state = &server.state;
    auth::issue_code(
        &state.registry,
        &state.tokens,
        tenant.id(),
        rep,
        state.now(),
    )
    .unwrap()
}

fn open(server: &RunningServer, dir: &Path, vault: &Arc<dyn KeyVault>) -> Arc<Engine> {
    let url = format!("http://{}", server.addr);
    let mut config = EngineConfig::new(dir.to_str().unwrap(), url);
    config.allow_insecure_loopback = true;
    config.full_text = false;
    Engine::open(config, Arc::clone(vault), None).unwrap().0
}

async fn sync(engine: &Arc<Engine>) -> fieldfare_engine::SyncReport {
    Arc::clone(engine)
        .sync(SyncOptions::default(), None)
        .await
        .unwrap()
}

/// The same leads in a plain SQLite table with a unique id, an R*Tree and two indexes.
fn plain_sqlite(path: &Path, leads: &[Lead]) -> u64 {
    let mut db = rusqlite::Connection::open(path).unwrap();
    db.execute_batch(
        "CREATE TABLE lead(id BLOB UNIQUE, name, crm_id, street, city, region, zip, phone, status, tier,
             score, owner, territory BLOB, zone, lat, lon, updated);
         CREATE INDEX by_status ON lead(status);
         CREATE INDEX by_name ON lead(name);
         CREATE VIRTUAL TABLE place USING rtree(id, lat0, lat1, lon0, lon1);",
    )
    .unwrap();
    let tx = db.transaction().unwrap();
    for lead in leads {
        let at = lead.geocode.position.unwrap();
        tx.prepare_cached("INSERT INTO lead VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")
            .unwrap()
            .execute(rusqlite::params![
                lead.id.as_bytes(),
                lead.name,
                lead.crm_id,
                lead.address.street,
                lead.address.city,
                lead.address.region,
                lead.address.postal_code,
                lead.phone,
                lead.status.code(),
                lead.tier,
                lead.score,
                lead.owner,
                lead.territory.unwrap().as_bytes(),
                lead.time_zone,
                at.lat_e7(),
                at.lon_e7(),
                lead.source_updated_at.map(|t| t.0),
            ])
            .unwrap();
        let id = tx.last_insert_rowid();
        tx.prepare_cached("INSERT INTO place VALUES (?1, ?2, ?2, ?3, ?3)")
            .unwrap()
            .execute((id, at.lat(), at.lon()))
            .unwrap();
    }
    tx.commit().unwrap();
    drop(db);
    std::fs::metadata(path).unwrap().len()
}

/// Milliseconds from the start until the engine has said what is near: on this thread's processor, and
/// by the clock.
fn open_to_first_answer(
    server: &RunningServer,
    dir: &Path,
    vault: &Arc<dyn KeyVault>,
) -> (f64, f64) {
    let here = LatLng::new(42.36, -71.06).unwrap();
    let rounds: Vec<(f64, f64)> = (0..9)
        .map(|_| {
            let (start, cpu) = (Instant::now(), thread_cpu_ms());
            let engine = open(server, dir, vault);
            let near = engine.nearby(here, &NearbyQuery::within(2_000.0)).unwrap();
            std::hint::black_box(near);
            let took = (thread_cpu_ms() - cpu, start.elapsed().as_secs_f64() * 1e3);
            engine.close().unwrap();
            took
        })
        .collect();
    let cpu = rounds.iter().map(|r| r.0).collect();
    (median(cpu), median(rounds.iter().map(|r| r.1).collect()))
}
