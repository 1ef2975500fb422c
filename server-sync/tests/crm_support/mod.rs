//! A server and the sandbox CRM, joined on loopback.
#![allow(dead_code)]

use fieldfare_model::schema::lead;
use fieldfare_model::{
    ClientId, Columns, DeviceId, Entity, Lead, LeadId, OperationId, RepId, RowId, Tag, TimestampMs,
    Value,
};
use fieldfare_sandbox::{
    CustomProperty, DeliveryConfig, ObjectType, PortalConfig, PortalHandle, RateLimits,
    RunningSandbox, SandboxConfig, SandboxCrm, WebhookTarget,
};
use fieldfare_server::config::Config;
use fieldfare_server::crm::Connection;
use fieldfare_server::feed::{self, LeadFilter};
use fieldfare_server::intake::fetch::Fetcher;
use fieldfare_server::store::Tenant;
use fieldfare_server::writeback::Sender;
use fieldfare_server::{AppState, SharedState, system_clock, workers};
use fieldfare_sync::{Change, DeviceContext, FieldEdit, Operation, RowState};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub const PORTAL: u64 = 77;
pub const SECRET: &str = "client-secret";
pub const PUBLIC: &str = "https://sync.example.com";
pub const HOOK: &str = "/v1/webhooks/hubspot/hs";

pub fn config_text(dir: &std::path::Path, api_base: &str, more: &str) -> String {
    format!(
        r#"
        [server]
        listen = "127.0.0.1:0"
        admin_listen = "127.0.0.1:0"
        data_dir = {:?}
        public_url = "{PUBLIC}"
        [key]
        hex = "{}"
        {more}
        [[tenants]]
        name = "Acme"
        reps = [{{ name = "Ada", email = "ada@acme.example", crm_owner = "70000001" }}]
        territories = [
            {{ name = "Massachusetts", rule = {{ region = ["MA"] }}, reps = ["ada@acme.example"] }},
            {{ name = "Rest", precedence = 9, rule = {{ all = [] }} }},
        ]
        [[tenants.connections]]
        name = "hs"
        kind = "hubspot"
        portal_id = {PORTAL}
        api_base = "{api_base}"
        token = "tok"
        webhook_secrets = ["older", "{SECRET}"]
        [tenants.connections.hubspot]
        tier_property = "tier"
        "#,
        dir.join("data"),
        "cd".repeat(32),
    )
}

pub fn config(dir: &std::path::Path, api_base: &str, more: &str) -> Config {
    Config::parse(&config_text(dir, api_base, more), &|_| None).unwrap()
}

pub fn portal_config() -> PortalConfig {
    let mark = |object| CustomProperty {
        object,
        name: "fieldfare_id".into(),
        unique: false,
    };
    let tier = CustomProperty {
        object: ObjectType::Companies,
        name: "tier".into(),
        unique: false,
    };
    PortalConfig {
        client_secret: SECRET.into(),
        limits: RateLimits::off(),
        delivery: DeliveryConfig {
            batch_window_ms: 5,
            backoff_ms: 20,
            ..DeliveryConfig::default()
        },
        custom_properties: vec![
            tier,
            mark(ObjectType::Companies),
            mark(ObjectType::Contacts),
            mark(ObjectType::Tasks),
            mark(ObjectType::Notes),
        ],
        ..PortalConfig::new(PORTAL, "tok")
    }
}

/// A state without listeners and workers, steps driven by hand.
pub struct Bench {
    pub dir: tempfile::TempDir,
    pub sandbox: Arc<RunningSandbox>,
    pub portal: PortalHandle,
    pub state: SharedState,
    pub store: Arc<Tenant>,
}

impl Bench {
    pub async fn start(portal: PortalConfig, more: &str) -> Self {
        Self::start_with(portal, more, |text| text).await
    }

    /// [`Self::start`] with another configuration.
    pub async fn start_with(
        portal: PortalConfig,
        more: &str,
        change: impl Fn(String) -> String,
    ) -> Self {
        let sandbox = SandboxCrm::start(SandboxConfig::with_portals([portal]))
            .await
            .unwrap();
        let dir = tempfile::tempdir().unwrap();
        Self::over(dir, Arc::new(sandbox), |dir, api_base| {
            change(config_text(dir, api_base, more))
        })
        .await
    }

    /// Over a folder that may hold data already, with a CRM that others may use, too.
    pub async fn over(
        dir: tempfile::TempDir,
        sandbox: Arc<RunningSandbox>,
        text: impl Fn(&std::path::Path, &str) -> String,
    ) -> Self {
        let text = text(dir.path(), &sandbox.base_url());
        let config = Config::parse(&text, &|_| None).unwrap();
        let state = tokio::task::spawn_blocking(move || {
            let hooks = workers::hooks(&config).unwrap();
            AppState::open(config, hooks, system_clock()).unwrap()
        })
        .await
        .unwrap();
        let portal = sandbox.portal(PORTAL).unwrap();
        let store = state.tenants.all().remove(0);
        Self {
            dir,
            sandbox,
            portal,
            state,
            store,
        }
    }

    pub fn connection(&self) -> Arc<Connection> {
        self.state.crm.named("hs").next().unwrap().clone()
    }

    pub fn sender(&self) -> Sender {
        Sender {
            store: self.store.clone(),
            connection: self.connection(),
        }
    }

    pub fn fetcher(&self) -> Fetcher {
        Fetcher {
            store: self.store.clone(),
            tenant: self.state.crm.tenants().next().unwrap().clone(),
            connection: self.connection(),
            geocoder: self.state.crm.geocoder.clone(),
        }
    }

    pub fn now(&self) -> TimestampMs {
        self.state.now()
    }

    pub fn leads(&self) -> Vec<Lead> {
        leads(&self.store)
    }

    pub fn rep(&self) -> RepId {
        let tenant = &self.state.config.tenants[0];
        tenant.reps[0].id(tenant.id())
    }

    /// Writes a row as a push does, with what follows from it.
    pub fn push(&self, operation: &Operation, after: Columns) {
        let device = DeviceContext {
            device: DeviceId::from_bytes([1; 16]),
            rep: self.rep(),
        };
        let now = self.now();
        self.store
            .write(|tx| {
                let before = feed::row(tx, operation.entity, operation.row)?;
                feed::put(tx, operation.entity, operation.row, after.clone(), now)?;
                self.state
                    .effects
                    .after_write(tx, &device, operation, &before, &after)
            })
            .unwrap();
    }

    pub fn edit(&self, lead: &Lead, tag: Tag, new: impl Into<Value>) {
        let mut columns = lead.to_columns();
        let edit = FieldEdit {
            tag,
            base: columns.get(tag).clone(),
            new: new.into(),
        };
        columns.set(tag, edit.new.clone());
        self.push(
            &operation(Entity::LEAD, lead.id.row(), Change::Edit(vec![edit])),
            columns,
        );
    }

    pub fn count(&self, sql: &str) -> i64 {
        self.store
            .read(|c| Ok(c.query_row(sql, [], |r| r.get(0))?))
            .unwrap()
    }
}

pub fn operation(entity: Entity, row: RowId, change: Change) -> Operation {
    static NEXT: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(1);
    let n = NEXT.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    let id = OperationId::v7(1_700_000_000_000, [n; 10]);
    Operation {
        id,
        n: 1,
        group: id,
        group_size: 1,
        entity,
        row,
        base_version: 0,
        depends_on: None,
        at: TimestampMs(1),
        change,
    }
}

pub fn client() -> ClientId {
    ClientId::from_bytes([9; 16])
}

pub fn leads(store: &Tenant) -> Vec<Lead> {
    let rows = store
        .read(|c| feed::leads(c, LeadFilter::All, None, 100_000))
        .unwrap();
    rows.iter()
        .map(|r| Lead::from_columns(r.id.into(), &r.columns).unwrap())
        .collect()
}

pub fn lead_of(store: &Tenant, object: u64) -> Option<(LeadId, RowState)> {
    store
        .read(|c| feed::lead_by_crm(c, "hs", &object.to_string()))
        .unwrap()
}

pub fn hook_target(addr: std::net::SocketAddr) -> WebhookTarget {
    WebhookTarget {
        url: format!("http://{addr}{HOOK}"),
        public_url: format!("{PUBLIC}{HOOK}"),
    }
}

/// Asks until it is so. Panics after half a minute, which only a broken program needs.
pub async fn eventually(what: &str, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !so() {
        assert!(Instant::now() < end, "never so: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub fn text(columns: &Columns, tag: Tag) -> Option<&str> {
    columns.get(tag).as_text()
}

pub fn name_of(lead: &Lead) -> &str {
    &lead.name
}

pub const NAME: Tag = lead::NAME;
