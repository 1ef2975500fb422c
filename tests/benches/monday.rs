//! Monday morning: 300 phones fetch 10,000 leads each for the first time, while one that has them asks
//! for what changed.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use fieldfare_engine::{
    HttpHeader, HttpMethod, HttpRequest, HttpResponse, HttpTransport, HttpsTransport,
};
use fieldfare_model::{ClientId, Entity, SCHEMA};
use fieldfare_server::auth;
use fieldfare_server::config::{Config, RepConfig, TenantConfig, TerritoryConfig};
use fieldfare_server::feed;
use fieldfare_server::{RunningServer, Server};
use fieldfare_sync::{
    Epoch, MAX_FRAME_ROWS, PROTOCOL, PullReply, PullRequest, ScopeCursor, ScopeId, decode_message,
    encode_message,
};
use fieldfare_tests::figures::{cpu_seconds, percentile, print_table};
use fieldfare_tests::leads::{leads, lean};
use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const PHONES: usize = 300;
const LEADS: usize = 10_000;
const REP: &str = "ada@example.com";
const BUDGET: u32 = 64 * 1024;
const PROBE_EVERY: Duration = Duration::from_millis(100);

/// When the server gave a request up, it is made again after this.
const AFTER_TIMEOUT: Duration = Duration::from_secs(1);

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let mornings = [
        ("kept frames, 2 turns", 2, true),
        ("kept frames, 1 turn", 1, true),
        ("kept frames, no turns", 4_096, true),
        ("naive: rows each time, no turns", 4_096, false),
        ("rows each time, 2 turns", 2, false),
    ];
    let rows: Vec<Vec<String>> = mornings
        .into_iter()
        .map(|(name, turns, is_kept)| runtime.block_on(morning(name, turns, is_kept)))
        .collect();
    print_table(
        "300 first fetches of 10,000 leads at once, beside pulls of one change; server and clients in this process",
        &[
            "",
            "wall s",
            "CPU s",
            "put off",
            "delta p50 ms",
            "p99 ms",
            "deltas",
        ],
        &rows,
    );
}

async fn morning(name: &str, turns: u32, is_kept: bool) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let server = Arc::new(Server::start(config(dir.path(), turns)).await.unwrap());
    fill(&server);
    if !is_kept {
        keep_nothing(&server);
    }
    let mut phones = Vec::new();
    for _ in 0..=PHONES {
        phones.push(Phone::enrol(&server).await);
    }
    let mut prober = phones.pop().unwrap();
    prober.first_fetch().await;
    forget(&server);

    let (start, cpu) = (Instant::now(), cpu_seconds());
    let is_over = Arc::new(AtomicBool::new(false));
    let probing = tokio::spawn(probe(server.clone(), prober, is_over.clone()));
    let put_off = Arc::new(AtomicU64::new(0));
    let fetches: Vec<_> = phones
        .into_iter()
        .map(|mut phone| {
            let put_off = put_off.clone();
            tokio::spawn(async move {
                put_off.fetch_add(phone.first_fetch().await, Ordering::Relaxed);
            })
        })
        .collect();
    for fetch in fetches {
        fetch.await.unwrap();
    }
    let (wall, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    is_over.store(true, Ordering::Relaxed);
    let deltas = probing.await.unwrap();
    vec![
        name.to_owned(),
        format!("{wall:.1}"),
        format!("{cpu:.1}"),
        put_off.load(Ordering::Relaxed).to_string(),
        format!("{:.0}", percentile(deltas.clone(), 0.5)),
        format!("{:.0}", percentile(deltas.clone(), 0.99)),
        deltas.len().to_string(),
    ]
}

/// Milliseconds from a change in the CRM's name until the phone has it.
async fn probe(server: Arc<RunningServer>, mut phone: Phone, is_over: Arc<AtomicBool>) -> Vec<f64> {
    let mut took = Vec::new();
    let mut n = 0;
    while !is_over.load(Ordering::Relaxed) {
        let server = server.clone();
        n += 1;
        tokio::task::spawn_blocking(move || touch(&server, n))
            .await
            .unwrap();
        let start = Instant::now();
        while phone.pull().await != Ok(true) {}
        took.push(start.elapsed().as_secs_f64() * 1e3);
        tokio::time::sleep(PROBE_EVERY).await;
    }
    took
}

struct Phone {
    http: HttpsTransport,
    address: String,
    token: String,
    client: ClientId,
    epoch: Option<Epoch>,
    /// Cursor and anchor.
    places: BTreeMap<ScopeId, (u64, u64)>,
}

impl Phone {
    async fn enrol(server: &RunningServer) -> Self {
        let tenant = &server.state.config.tenants[0];
        let rep = tenant.rep(REP).unwrap().id(tenant.id());
        let state = &server.state;
        let code = auth::issue_code(
            &state.registry,
            &state.tokens,
            tenant.id(),
            rep,
            state.now(),
        )
        .unwrap();
        let mut phone = Self {
            http: HttpsTransport::new(true).unwrap(),
            address: format!("http://{}", server.addr),
            token: String::new(),
            client: ClientId::from_bytes(fieldfare_server::random::bytes().unwrap()),
            epoch: None,
            places: BTreeMap::new(),
        };
        let body =
            serde_json::json!({"p": PROTOCOL, "s": SCHEMA, "code": code, "device_name": "bench"});
        let reply = phone.post("/v1/enrol", body.to_string().into_bytes()).await;
        let reply: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
        reply["access_token"]
            .as_str()
            .unwrap()
            .clone_into(&mut phone.token);
        phone
    }

    async fn post(&self, path: &str, body: Vec<u8>) -> HttpResponse {
        let bearer = HttpHeader {
            name: "authorization".to_owned(),
            value: format!("Bearer {}", self.token),
        };
        let request = HttpRequest {
            method: HttpMethod::Post,
            url: format!("{}{path}", self.address),
            headers: vec![bearer],
            body,
            timeout_ms: 600_000,
            max_response_bytes: 16 << 20,
        };
        self.http.send(request).await.unwrap()
    }

    /// Pulls until everything is there, and says how often it was told to come again.
    async fn first_fetch(&mut self) -> u64 {
        let mut put_off = 0;
        loop {
            match self.pull().await {
                Ok(true) => return put_off,
                Ok(false) => {}
                Err(wait) => {
                    put_off += 1;
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }

    /// Whether all is there; or for how long to wait.
    async fn pull(&mut self) -> Result<bool, Duration> {
        let cursors = self.places.iter();
        let request = PullRequest {
            protocol: PROTOCOL,
            schema: SCHEMA,
            epoch: self.epoch,
            client: self.client,
            cursors: cursors
                .map(|(scope, (cursor, anchor))| ScopeCursor {
                    scope: scope.clone(),
                    cursor: *cursor,
                    anchor: *anchor,
                })
                .collect(),
            budget: BUDGET,
            known: None,
        };
        let reply = self
            .post("/v1/pull", encode_message(&request).unwrap())
            .await;
        if reply.status == 429 {
            let seconds = reply.header("retry-after").unwrap();
            return Err(Duration::from_secs(seconds.parse().unwrap()));
        }
        if reply.status == 503 {
            return Err(AFTER_TIMEOUT);
        }
        assert_eq!(reply.status, 200);
        let reply: PullReply = decode_message(&reply.body).unwrap();
        self.epoch = Some(reply.epoch);
        for frame in &reply.frames {
            self.take(frame, reply.head);
        }
        let is_complete = reply.checkpoint.is_some_and(|c| c.complete);
        if is_complete {
            for grant in reply.grants {
                self.places.insert(grant.scope, (reply.head, 0));
            }
        }
        Ok(is_complete)
    }

    fn take(&mut self, frame: &[u8], head: u64) {
        type Opened = (u8, ScopeId, u64, u64, u32, u32, IgnoredAny, IgnoredAny);
        let (_, scope, from, to, ..): Opened = rmp_serde::from_slice(frame).unwrap();
        let anchor = if from == 0 { head } else { 0 };
        let place = self.places.entry(scope).or_insert((0, anchor));
        assert_eq!(place.0, from);
        place.0 = to;
    }
}

fn config(dir: &Path, turns: u32) -> Config {
    let mut config = Config::default();
    config.server.listen = ([127, 0, 0, 1], 0).into();
    config.server.admin_listen = ([127, 0, 0, 1], 0).into();
    config.server.data_dir = dir.join("server");
    config.limits.enrol_burst = 100_000;
    config.limits.bootstraps = turns;
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

fn fill(server: &RunningServer) {
    let tenant = &server.state.config.tenants[0];
    let territory = tenant.territories[0].id(tenant.id());
    let store = server.state.tenants.get(tenant.id()).unwrap();
    for batch in leads(3, LEADS, territory).chunks(MAX_FRAME_ROWS) {
        store
            .write(|tx| {
                for lead in batch.iter().map(lean) {
                    let now = server.state.now();
                    feed::put(tx, Entity::LEAD, lead.id.row(), lead.to_columns(), now)?;
                }
                Ok(())
            })
            .unwrap();
    }
}

/// Changes one lead.
fn touch(server: &RunningServer, n: i64) {
    let tenant = &server.state.config.tenants[0];
    let territory = tenant.territories[0].id(tenant.id());
    let mut lead = lean(&leads(3, 1, territory)[0]);
    lead.source_updated_at = Some(server.state.now().plus(n));
    let store = server.state.tenants.get(tenant.id()).unwrap();
    store
        .write(|tx| {
            let now = server.state.now();
            feed::put(tx, Entity::LEAD, lead.id.row(), lead.to_columns(), now)
        })
        .unwrap();
}

/// The first phones of the morning find nothing kept.
fn forget(server: &RunningServer) {
    let store = server
        .state
        .tenants
        .get(server.state.config.tenants[0].id());
    store
        .unwrap()
        .write(|tx| Ok(tx.execute("DELETE FROM snapshot", [])?))
        .unwrap();
}

/// Takes back what is about to be kept.
fn keep_nothing(server: &RunningServer) {
    let store = server
        .state
        .tenants
        .get(server.state.config.tenants[0].id());
    let sql = "CREATE TRIGGER taken_back BEFORE INSERT ON snapshot BEGIN SELECT RAISE(IGNORE); END";
    store
        .unwrap()
        .write(|tx| Ok(tx.execute_batch(sql)?))
        .unwrap();
}
