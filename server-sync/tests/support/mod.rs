//! A server without a network: its two routers, a clock that is set by hand, and a phone that
//! speaks the protocol just well enough.
#![allow(dead_code)]

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use fieldfare_model::schema::lead;
use fieldfare_model::{
    ClientId, Columns, ConsentAction, ConsentEvent, ConsentEventId, DeviceId, Entity, Lead, LeadId,
    OperationId, Purpose, RepId, RowId, SCHEMA, TenantId, TerritoryId, TimestampMs, Visit, VisitId,
    VisitOutcome,
};
use fieldfare_server::config::Config;
use fieldfare_server::hooks::Hooks;
use fieldfare_server::http::{admin_app, app};
use fieldfare_server::store::Tenant;
use fieldfare_server::{AppState, SharedState, auth, feed};
use fieldfare_sync::{
    Change, Epoch, ErrorBody, FeedChange, Frame, LedgerHead, Operation, Outcome, PROTOCOL,
    PullReply, PullRequest, PushReply, PushRequest, ScopeCursor, ScopeId, consent_hash,
    decode_message, encode_message,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tower::ServiceExt;

pub const START: i64 = 1_790_000_000_000;
pub const ADMIN: &str = "admin-token";

pub struct Fixture {
    pub dir: tempfile::TempDir,
    pub state: SharedState,
    pub clock: Arc<AtomicI64>,
    app: Router,
    admin: Router,
}

pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Reply {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
    pub fn error(&self) -> ErrorBody {
        decode_message(&self.body).unwrap()
    }
}

/// Two companies; Acme has two reps, of whom Ada serves North and South and Bob serves South.
pub fn config_text(dir: &std::path::Path, limits: &str) -> String {
    format!(
        r#"
        [server]
        listen = "127.0.0.1:0"
        admin_listen = "127.0.0.1:0"
        data_dir = {:?}
        admin_token = "{ADMIN}"
        [key]
        hex = "{}"
        [limits]
        {limits}
        [[tenants]]
        name = "Acme"
        reps = [
            {{ name = "Ada", email = "ada@acme.example", crm_owner = "own-ada" }},
            {{ name = "Bob", email = "bob@acme.example", crm_owner = "own-bob" }},
        ]
        territories = [
            {{ name = "North", reps = ["ada@acme.example"] }},
            {{ name = "South", reps = ["ada@acme.example", "bob@acme.example"] }},
            {{ name = "West" }},
        ]
        [[tenants]]
        name = "Globex"
        reps = [{{ name = "Gil", email = "gil@globex.example" }}]
        territories = [{{ name = "North", reps = ["gil@globex.example"] }}]
        "#,
        dir.join("data"),
        "ab".repeat(32),
    )
}

pub const GENEROUS: &str = "device_per_second = 10000\ndevice_burst = 10000\nenrol_per_minute = 10000\nenrol_burst = 10000";

impl Fixture {
    pub fn new() -> Self {
        Self::with_limits(GENEROUS)
    }

    pub fn with_limits(limits: &str) -> Self {
        Self::with(limits, Hooks::default())
    }

    /// With the configuration's text changed.
    pub fn changed(change: impl Fn(String) -> String) -> Self {
        Self::made(|dir| change(config_text(dir, GENEROUS)), Hooks::default())
    }

    pub fn with(limits: &str, hooks: Hooks) -> Self {
        Self::made(|dir| config_text(dir, limits), hooks)
    }

    fn made(text: impl Fn(&std::path::Path) -> String, hooks: Hooks) -> Self {
        Self::over_made(tempfile::tempdir().unwrap(), text, hooks)
    }

    /// A server over a folder that may hold data already.
    pub fn over(dir: tempfile::TempDir) -> Self {
        Self::over_made(dir, |dir| config_text(dir, GENEROUS), Hooks::default())
    }

    fn over_made(
        dir: tempfile::TempDir,
        text: impl Fn(&std::path::Path) -> String,
        hooks: Hooks,
    ) -> Self {
        let config = Config::parse(&text(dir.path()), &|_| None).unwrap();
        let clock = Arc::new(AtomicI64::new(START));
        let ticking = clock.clone();
        let clock_fn = Arc::new(move || TimestampMs(ticking.load(Ordering::SeqCst)));
        let state = AppState::open(config, hooks, clock_fn).unwrap();
        let (app, admin) = (app(state.clone()), admin_app(state.clone()));
        Self {
            dir,
            state,
            clock,
            app,
            admin,
        }
    }

    pub fn advance(&self, ms: i64) {
        self.clock.fetch_add(ms, Ordering::SeqCst);
    }

    pub fn now(&self) -> TimestampMs {
        self.state.now()
    }

    pub fn tenant_id(&self, name: &str) -> TenantId {
        self.state
            .config
            .tenants
            .iter()
            .find(|t| t.name == name)
            .unwrap()
            .id()
    }

    pub fn tenant(&self, name: &str) -> Arc<Tenant> {
        self.state.tenants.get(self.tenant_id(name)).unwrap()
    }

    pub fn rep(&self, tenant: &str, name: &str) -> RepId {
        let config = self
            .state
            .config
            .tenants
            .iter()
            .find(|t| t.name == tenant)
            .unwrap();
        config.rep(name).unwrap().id(config.id())
    }

    pub fn territory(&self, tenant: &str, name: &str) -> TerritoryId {
        let config = self
            .state
            .config
            .tenants
            .iter()
            .find(|t| t.name == tenant)
            .unwrap();
        config
            .territories
            .iter()
            .find(|t| t.name == name)
            .unwrap()
            .id(config.id())
    }

    pub fn code(&self, tenant: &str, rep: &str) -> String {
        let (id, rep) = (self.tenant_id(tenant), self.rep(tenant, rep));
        auth::issue_code(
            &self.state.registry,
            &self.state.tokens,
            id,
            rep,
            self.now(),
        )
        .unwrap()
    }

    /// Puts a lead as the CRM side would.
    pub fn put_lead(&self, tenant: &str, n: u8, territory: Option<&str>) -> RowId {
        let mut lead = Lead::new(LeadId::from_bytes([n; 16]), format!("Lead {n}"));
        lead.territory = territory.map(|t| self.territory(tenant, t));
        let (id, now) = (lead.id.row(), self.now());
        self.tenant(tenant)
            .write(|tx| feed::put(tx, Entity::LEAD, id, lead.to_columns(), now))
            .unwrap();
        id
    }

    pub async fn call(
        &self,
        admin: bool,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: impl Into<Body>,
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        request = request.header(header::CONTENT_TYPE, "application/json");
        let router = if admin { &self.admin } else { &self.app };
        let response = router
            .clone()
            .oneshot(request.body(body.into()).unwrap())
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Reply {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    pub async fn post(&self, path: &str, token: Option<&str>, body: impl Into<Body>) -> Reply {
        self.call(false, "POST", path, token, body).await
    }

    pub async fn enrol_with(&self, code: &str) -> Reply {
        let body = serde_json::json!({"p": PROTOCOL, "s": SCHEMA, "code": code, "device_name": "test phone"});
        self.post("/v1/enrol", None, body.to_string()).await
    }

    pub async fn refresh(&self, token: &str, attempt: Option<OperationId>) -> Reply {
        let body = serde_json::json!({
            "p": PROTOCOL, "s": SCHEMA, "refresh_token": token, "attempt": attempt,
        });
        self.post("/v1/token", None, body.to_string()).await
    }

    pub async fn phone(&self, tenant: &str, rep: &str) -> Phone {
        let reply = self.enrol_with(&self.code(tenant, rep)).await;
        assert_eq!(reply.status, StatusCode::OK, "{:?}", reply.body);
        let json = reply.json();
        let text = |key: &str| json[key].as_str().unwrap().to_owned();
        Phone {
            device: text("device").parse().unwrap(),
            rep: json["rep"]["id"].as_str().unwrap().parse().unwrap(),
            access: text("access_token"),
            refresh: text("refresh_token"),
            client: ClientId::from_bytes(rand16()),
            epoch: None,
            cursors: BTreeMap::new(),
            rows: BTreeMap::new(),
            held: BTreeMap::new(),
            ledger: LedgerHead::EMPTY,
            next_n: 1,
        }
    }
}

pub fn rand16() -> [u8; 16] {
    fieldfare_server::random::bytes().unwrap()
}

/// A phone that keeps what it pulled by scope.
pub struct Phone {
    pub device: DeviceId,
    pub rep: RepId,
    pub access: String,
    pub refresh: String,
    pub client: ClientId,
    pub epoch: Option<Epoch>,
    pub cursors: BTreeMap<ScopeId, u64>,
    pub rows: BTreeMap<(Entity, RowId), Columns>,
    pub held: BTreeMap<ScopeId, BTreeMap<(Entity, RowId), u64>>,
    pub ledger: LedgerHead,
    pub next_n: u64,
}

impl Phone {
    pub fn pull_request(&self, budget: u32) -> Vec<u8> {
        let cursors = self.cursors.iter();
        let request = PullRequest {
            protocol: PROTOCOL,
            schema: SCHEMA,
            epoch: self.epoch,
            client: self.client,
            cursors: cursors
                .map(|(scope, cursor)| ScopeCursor {
                    scope: scope.clone(),
                    cursor: *cursor,
                    anchor: 0,
                })
                .collect(),
            budget,
            known: None,
        };
        encode_message(&request).unwrap()
    }

    /// One pull; true when complete.
    pub async fn pull_once(&mut self, server: &Fixture, budget: u32) -> bool {
        let reply = server
            .post("/v1/pull", Some(&self.access), self.pull_request(budget))
            .await;
        assert_eq!(reply.status, StatusCode::OK, "{:?}", reply.error());
        let reply: PullReply = decode_message(&reply.body).unwrap();
        self.epoch = Some(reply.epoch);
        for bytes in &reply.frames {
            let frame = Frame::decode(bytes).unwrap();
            self.take(frame);
        }
        let complete = reply.checkpoint.as_ref().is_some_and(|c| c.complete);
        if complete {
            let head = reply.checkpoint.unwrap().head;
            let granted: Vec<_> = reply.grants.iter().map(|g| g.scope.clone()).collect();
            self.held.retain(|scope, _| granted.contains(scope));
            self.cursors = granted.into_iter().map(|scope| (scope, head)).collect();
        }
        complete
    }

    pub async fn pull(&mut self, server: &Fixture) {
        for _ in 0..1_000 {
            if self.pull_once(server, 256 * 1024).await {
                return;
            }
        }
        panic!("the pull never completes");
    }

    fn take(&mut self, frame: Frame) {
        assert_eq!(
            frame.from,
            self.cursors.get(&frame.scope).copied().unwrap_or(0)
        );
        let held = self.held.entry(frame.scope.clone()).or_default();
        let mut last = frame.from;
        for change in frame.changes {
            assert!(change.seq() > last, "out of order");
            last = change.seq();
            match change {
                FeedChange::Put { entity, row } => {
                    held.insert((entity, row.id), row.version);
                    self.rows.insert((entity, row.id), row.columns);
                }
                FeedChange::Leave { entity, id, .. } => {
                    held.remove(&(entity, id));
                }
            }
        }
        self.cursors.insert(frame.scope, frame.to);
    }

    /// What the phone shows of an entity.
    pub fn shown(&self, entity: Entity) -> Vec<RowId> {
        let mut ids: Vec<_> = self
            .held
            .values()
            .flat_map(|rows| rows.keys())
            .filter(|(e, _)| *e == entity)
            .map(|(_, id)| *id)
            .collect();
        ids.sort();
        ids.dedup();
        ids
    }

    pub fn create(&mut self, entity: Entity, row: RowId, columns: Columns) -> Operation {
        let id = OperationId::from_bytes(rand16());
        self.next_n += 1;
        Operation {
            id,
            n: self.next_n - 1,
            group: id,
            group_size: 1,
            entity,
            row,
            base_version: 0,
            depends_on: None,
            at: TimestampMs(START),
            change: Change::Create(columns),
        }
    }

    pub fn new_lead(&mut self, name: &str) -> Operation {
        let lead = Lead::new(LeadId::from_bytes(rand16()), name);
        self.create(Entity::LEAD, lead.id.row(), lead.to_columns())
    }

    pub fn visit_to(&mut self, lead: RowId) -> Operation {
        self.visit_by(self.rep, lead)
    }

    pub fn visit_by(&mut self, rep: RepId, lead: RowId) -> Operation {
        let visit = Visit {
            id: VisitId::from_bytes(rand16()),
            lead: lead.into(),
            rep,
            started_at: TimestampMs(START),
            ended_at: None,
            outcome: VisitOutcome::Met,
            note: None,
            follow_up_at: None,
            position: Some(fieldfare_model::LatLng::from_e7(423_000_000, -710_000_000).unwrap()),
        };
        self.create(Entity::VISIT, visit.id.row(), visit.to_columns())
    }

    pub fn decide(&mut self, purpose: Purpose, action: ConsentAction, at: i64) -> Operation {
        let mut event = ConsentEvent {
            id: ConsentEventId::from_bytes(rand16()),
            rep: self.rep,
            sequence: self.ledger.sequence + 1,
            purpose,
            action,
            text_version: "1".into(),
            language: "en".into(),
            at: TimestampMs(at),
            valid_until: None,
            previous: self.ledger.hash,
            hash: [0; 32],
        };
        event.hash = consent_hash(&event);
        self.ledger = LedgerHead::from(&event);
        self.create(Entity::CONSENT, event.id.row(), event.to_columns())
    }

    pub fn push_request(&self, operations: Vec<Operation>) -> Vec<u8> {
        let request = PushRequest {
            protocol: PROTOCOL,
            schema: SCHEMA,
            epoch: self.epoch,
            client: self.client,
            operations,
            lost: Vec::new(),
        };
        encode_message(&request).unwrap()
    }

    pub async fn push(&self, server: &Fixture, operations: Vec<Operation>) -> PushReply {
        let body = self.push_request(operations);
        let reply = server.post("/v1/push", Some(&self.access), body).await;
        assert_eq!(reply.status, StatusCode::OK, "{:?}", reply.error());
        decode_message(&reply.body).unwrap()
    }

    pub async fn push_one(&self, server: &Fixture, operation: Operation) -> Outcome {
        self.push(server, vec![operation])
            .await
            .outcomes
            .pop()
            .unwrap()
    }
}

pub fn grouped(mut operations: Vec<Operation>) -> Vec<Operation> {
    let group = operations[0].id;
    let size = u16::try_from(operations.len()).unwrap();
    for operation in &mut operations {
        operation.group = group;
        operation.group_size = size;
    }
    operations
}

pub fn owner_of(columns: &Columns) -> Option<&str> {
    columns.get(lead::OWNER).as_text()
}
