//! A server in memory behind the transport, a clock to turn, and an engine over both.
#![allow(
    dead_code,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../../../sync/tests/common/server.rs"]
pub mod server;

use async_trait::async_trait;
use fieldfare_engine::*;
use fieldfare_model::*;
use fieldfare_sync::*;
use server::MemoryServer;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

pub const START: TimestampMs = TimestampMs(1_790_000_000_000);

pub fn rep_id() -> RepId {
    RepId::from_bytes([2; 16])
}

pub fn territory_id() -> TerritoryId {
    TerritoryId::from_bytes([5; 16])
}

pub fn territory() -> ScopeId {
    ScopeId::territory(territory_id())
}

pub fn lead_id(n: u32) -> LeadId {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    bytes[15] = 1;
    LeadId::from_bytes(bytes)
}

pub fn at(lat: f64, lon: f64) -> LatLng {
    LatLng::new(lat, lon).unwrap()
}

/// A place `north` and `east` metres from Boston's middle, roughly.
pub fn near_boston(north: f64, east: f64) -> LatLng {
    at(42.36 + north / 111_195.0, -71.06 + east / 82_170.0)
}

pub fn new_lead(n: u32, name: &str, place: LatLng) -> Lead {
    let mut lead = Lead::new(lead_id(n), name);
    lead.geocode.position = Some(place);
    lead.geocode.status = GeocodeStatus::Success;
    lead.territory = Some(territory_id());
    lead.score = Some(50);
    lead.status = LeadStatus::Open;
    lead
}

pub struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> TimestampMs {
        TimestampMs(self.0.load(Ordering::SeqCst))
    }
}

impl TestClock {
    pub fn turn(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

/// What the next requests meet instead of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    Offline,
    Hang,
    TokenRefused,
    Revoked,
    Busy { seconds: u32 },
    Broken,
    TooOld,
}

pub struct FakeServer {
    pub memory: Mutex<MemoryServer>,
    pub troubles: Mutex<VecDeque<Trouble>>,
    pub paths: Mutex<Vec<String>>,
    pub pings: Mutex<Vec<PingId>>,
    pub token: AtomicU64,
    pub token_life_s: AtomicI64,
    pub attempts: Mutex<Vec<String>>,
    pub requests: Mutex<Vec<HttpRequest>>,
    /// What `/v1/route` answers.
    pub route: Mutex<Vec<u8>>,
}

impl FakeServer {
    pub fn put_lead(&self, lead: &Lead) {
        let mut memory = self.memory.lock().unwrap();
        memory.put(
            Entity::LEAD,
            lead.id.row(),
            lead.to_columns(),
            &[territory()],
        );
    }

    pub fn trouble(&self, troubles: &[Trouble]) {
        self.troubles.lock().unwrap().extend(troubles);
    }

    pub fn asked(&self, path: &str) -> usize {
        let paths = self.paths.lock().unwrap();
        paths.iter().filter(|p| *p == path).count()
    }

    fn note_attempt(&self, request: &HttpRequest) {
        let asked = serde_json::from_slice::<serde_json::Value>(&request.body);
        let attempt = asked
            .ok()
            .and_then(|asked| Some(asked["attempt"].as_str()?.to_owned()));
        self.attempts.lock().unwrap().extend(attempt);
    }

    fn next_trouble(&self) -> Option<Trouble> {
        self.troubles.lock().unwrap().pop_front()
    }

    fn session(&self, request: &HttpRequest) -> HttpResponse {
        let asked: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
        if asked["code"]
            .as_str()
            .is_some_and(|code| code != "GOOD-CODE")
        {
            return reply(401, Vec::new());
        }
        let n = self.token.fetch_add(1, Ordering::SeqCst) + 1;
        let json = serde_json::json!({
            "p": PROTOCOL,
            "s": SCHEMA,
            "tenant": TenantId::from_bytes([9; 16]),
            "device": DeviceId::from_bytes([1; 16]),
            "rep": { "id": rep_id(), "name": "Robin Meyer" },
            "access_token": format!("access-{n}"),
            "refresh_token": format!("refresh-{n}"),
            "expires_in": self.token_life_s.load(Ordering::SeqCst),
        });
        reply(200, serde_json::to_vec(&json).unwrap())
    }

    /// Answers when a lead changed after the head the phone shows.
    async fn head(&self, request: &HttpRequest) -> HttpResponse {
        if !self.is_known(request) {
            return error(401, ErrorCode::Unauthorized);
        }
        let asked = HeadRequest::read(&request.body).unwrap();
        loop {
            let (epoch, head) = {
                let memory = self.memory.lock().unwrap();
                (memory.epoch, memory.tables.seq)
            };
            let answer = asked.answer(epoch, head, [head]);
            if answer.is_news {
                return reply(200, answer.into_effect().unwrap().body);
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    fn is_known(&self, request: &HttpRequest) -> bool {
        let token = format!("Bearer access-{}", self.token.load(Ordering::SeqCst));
        let mut headers = request.headers.iter();
        headers.any(|h| h.name == "authorization" && h.value == token)
    }

    fn sync(&self, request: &HttpRequest, path: &str) -> HttpResponse {
        if !self.is_known(request) {
            return error(401, ErrorCode::Unauthorized);
        }
        let device = DeviceContext {
            device: DeviceId::from_bytes([1; 16]),
            rep: rep_id(),
        };
        let event = match path {
            "/v1/pull" => ServerEvent::Pull(&request.body),
            "/v1/compare" => ServerEvent::Compare(&request.body),
            "/v1/repair" => ServerEvent::Repair(&request.body),
            _ => ServerEvent::Push(&request.body),
        };
        let mut memory = self.memory.lock().unwrap();
        let effect = SyncServer
            .step(&mut *memory, &device, START, event, &zstd)
            .unwrap();
        reply(effect.status, effect.body)
    }

    fn take_pings(&self, request: &HttpRequest) -> HttpResponse {
        #[derive(serde::Deserialize)]
        struct Batch {
            g: Vec<WirePing>,
        }
        #[derive(serde::Deserialize)]
        struct WirePing {
            i: PingId,
        }
        #[derive(serde::Serialize)]
        struct Reply {
            p: u16,
            s: u16,
            r: Vec<Answer>,
        }
        #[derive(serde::Serialize)]
        struct Answer {
            i: PingId,
            o: &'static str,
        }
        let batch: Batch = decode_message(&request.body).unwrap();
        let ids: Vec<PingId> = batch.g.iter().map(|ping| ping.i).collect();
        self.pings.lock().unwrap().extend(&ids);
        let r = ids.into_iter().map(|i| Answer { i, o: "k" }).collect();
        reply(200, encode_message(&Reply { p: 1, s: 1, r }).unwrap())
    }
}

pub fn zstd(raw: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(raw, 3).unwrap()
}

fn reply(status: u16, body: Vec<u8>) -> HttpResponse {
    HttpResponse {
        status,
        headers: Vec::new(),
        body,
    }
}

fn error(status: u16, code: ErrorCode) -> HttpResponse {
    reply(status, encode_message(&ErrorBody::new(code, "no")).unwrap())
}

#[async_trait]
impl HttpTransport for FakeServer {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let path = request
            .url
            .strip_prefix("https://fieldfare.test")
            .unwrap()
            .to_owned();
        self.paths.lock().unwrap().push(path.clone());
        self.note_attempt(&request);
        self.requests.lock().unwrap().push(request.clone());
        match self.next_trouble() {
            Some(Trouble::Offline) => return Err(TransportError::Offline),
            Some(Trouble::Hang) => std::future::pending::<()>().await,
            Some(Trouble::TokenRefused) => return Ok(error(401, ErrorCode::Unauthorized)),
            Some(Trouble::Revoked) => return Ok(error(403, ErrorCode::Revoked)),
            Some(Trouble::TooOld) => return Ok(error(426, ErrorCode::Upgrade)),
            Some(Trouble::Broken) => return Ok(reply(200, vec![0xc1])),
            Some(Trouble::Busy { seconds }) => {
                let mut response = error(429, ErrorCode::Busy);
                response.headers.push(HttpHeader {
                    name: "retry-after".into(),
                    value: seconds.to_string(),
                });
                return Ok(response);
            }
            None => {}
        }
        Ok(match path.as_str() {
            "/v1/enrol" | "/v1/token" => self.session(&request),
            "/v1/pings" => self.take_pings(&request),
            "/v1/head" => self.head(&request).await,
            "/v1/route" => reply(200, self.route.lock().unwrap().clone()),
            _ => self.sync(&request, &path),
        })
    }
}

/// A phone and its server.
pub struct World {
    pub dir: tempfile::TempDir,
    pub vault: Arc<MemoryKeyVault>,
    pub clock: Arc<TestClock>,
    pub server: Arc<FakeServer>,
    pub engine: Arc<Engine>,
}

impl World {
    /// Opened, not enrolled.
    pub fn new() -> Self {
        let mut memory = MemoryServer::new();
        memory.grant(&[ScopeId::rep(rep_id()), ScopeId::reference(), territory()]);
        let area = Territory {
            id: territory_id(),
            name: "Boston North".into(),
        };
        memory.put(
            Entity::TERRITORY,
            area.id.row(),
            area.to_columns(),
            &[ScopeId::reference()],
        );
        let server = Arc::new(FakeServer {
            memory: Mutex::new(memory),
            troubles: Mutex::default(),
            paths: Mutex::default(),
            pings: Mutex::default(),
            token: AtomicU64::new(0),
            token_life_s: AtomicI64::new(900),
            attempts: Mutex::default(),
            requests: Mutex::default(),
            route: Mutex::default(),
        });
        let dir = tempfile::tempdir().unwrap();
        let vault = Arc::new(MemoryKeyVault::new());
        let clock = Arc::new(TestClock(AtomicI64::new(START.0)));
        let engine = open(&dir, &vault, &clock, &server);
        Self {
            dir,
            vault,
            clock,
            server,
            engine,
        }
    }

    /// Opened, enrolled and synced once.
    pub async fn enrolled() -> Self {
        let world = Self::new();
        world.enrol().await;
        world.sync().await.unwrap();
        world
    }

    /// Enrolled and synced, with leads on the server.
    pub async fn with_leads(leads: &[Lead]) -> Self {
        let world = Self::new();
        leads.iter().for_each(|lead| world.server.put_lead(lead));
        world.enrol().await;
        world.sync().await.unwrap();
        world
    }

    pub async fn enrol(&self) -> Enrolment {
        let engine = Arc::clone(&self.engine);
        engine
            .enrol("GOOD-CODE".into(), "Test phone".into())
            .await
            .unwrap()
    }

    pub async fn sync(&self) -> EngineResult<SyncReport> {
        Arc::clone(&self.engine)
            .sync(SyncOptions::default(), None)
            .await
    }

    /// Ends the app and starts it again.
    pub fn restart(&mut self) {
        self.engine.close().unwrap();
        self.engine = open(&self.dir, &self.vault, &self.clock, &self.server);
    }

    pub fn fix(&self, place: LatLng) -> FixOutcome {
        self.clock.turn(20_000);
        self.engine.fix(self.fix_at(place)).unwrap()
    }

    pub fn fix_at(&self, place: LatLng) -> Fix {
        Fix {
            position: place,
            at: self.clock.now(),
            accuracy_m: 10.0,
            speed_mps: Some(1.5),
        }
    }

    pub fn grant(&self, purpose: Purpose) {
        self.clock.turn(1);
        self.engine.grant(purpose, "2026-11", "en", None).unwrap();
        self.clock.turn(1);
    }
}

pub fn config(dir: &tempfile::TempDir) -> EngineConfig {
    EngineConfig::new(dir.path().to_str().unwrap(), "https://fieldfare.test/")
}

pub fn open(
    dir: &tempfile::TempDir,
    vault: &Arc<MemoryKeyVault>,
    clock: &Arc<TestClock>,
    server: &Arc<FakeServer>,
) -> Arc<Engine> {
    let parts = Parts {
        transport: Some(Arc::clone(server) as Arc<dyn HttpTransport>),
        clock: Arc::clone(clock) as Arc<dyn Clock>,
    };
    Engine::open_with(config(dir), Arc::clone(vault) as Arc<dyn KeyVault>, parts)
        .unwrap()
        .0
}

/// Every file under the phone's folder, joined.
pub fn all_bytes(dir: &std::path::Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            bytes.extend(std::fs::read(path).unwrap());
        }
    }
    bytes
}
