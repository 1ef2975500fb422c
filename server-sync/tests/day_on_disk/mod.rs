//! A day of a server on a disk that is watched. Each step can be asked for again.

use crate::crm_support::{
    Bench, HOOK, PORTAL, PUBLIC, SECRET, config_text, operation, portal_config,
};
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use fieldfare_model::schema::lead;
use fieldfare_model::{
    ClientId, Entity, Lead, LeadId, OperationId, SCHEMA, TimestampMs, Visit, VisitId, VisitOutcome,
};
use fieldfare_sandbox::{ObjectType, RunningSandbox, SandboxConfig, SandboxCrm};
use fieldfare_server::geocode::tasks;
use fieldfare_server::http::app;
use fieldfare_server::hubspot::ObjectType as Kind;
use fieldfare_server::hubspot::signature::{SIGNATURE_HEADER, TIMESTAMP_HEADER, WebhookSecrets};
use fieldfare_server::intake::split;
use fieldfare_server::{auth, backup, feed};
use fieldfare_sync::{
    Change, FieldEdit, Operation, PROTOCOL, PushReply, PushRequest, PushStatus, decode_message,
    encode_message,
};
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use tower::ServiceExt;

/// What happens, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A phone enrols.
    Enrol,
    /// The CRM tells of what changed, in its n-th delivery.
    Hear(u8),
    /// Deliveries are taken apart.
    TakeApart,
    /// Marked records are read.
    Fetch,
    /// Leads get a position.
    Locate,
    /// The phone pushes its n-th batch.
    Push(u8),
    /// The CRM is told of what phones did.
    TellCrm,
    /// Tombstones are collected.
    Collect,
    /// Everything is copied.
    BackUp,
}

pub const DAY: [Step; 17] = [
    Step::Enrol,
    Step::Hear(0),
    Step::TakeApart,
    Step::Fetch,
    Step::Locate,
    Step::Push(0),
    Step::TellCrm,
    Step::Hear(1),
    Step::TakeApart,
    Step::Fetch,
    Step::Collect,
    Step::BackUp,
    Step::Push(1),
    Step::Hear(2),
    Step::TakeApart,
    Step::Fetch,
    Step::TellCrm,
];

pub const NEW_NUMBER: &str = "+1 555 0177";

/// Why a step was not done: what the caller was told.
#[derive(Debug)]
pub struct Refused(pub String);

fn because(error: impl Debug) -> Refused {
    Refused(format!("{error:?}"))
}

/// Two companies of a CRM: the first is visited, the second is deleted.
pub struct Companies {
    pub sandbox: Arc<RunningSandbox>,
    pub kept: u64,
    pub deleted: u64,
}

impl Companies {
    pub async fn new() -> Self {
        // Many days are played in the time of one.
        let mut portal = portal_config();
        portal.limits.burst = usize::MAX;
        let sandbox = SandboxCrm::start(SandboxConfig::with_portals([portal])).await;
        let sandbox = Arc::new(sandbox.unwrap());
        let (kept, deleted) = Self::make(&sandbox);
        Self {
            sandbox,
            kept,
            deleted,
        }
    }

    /// Two more in the same CRM.
    pub fn another(&self) -> Self {
        let (kept, deleted) = Self::make(&self.sandbox);
        Self {
            sandbox: self.sandbox.clone(),
            kept,
            deleted,
        }
    }

    fn make(sandbox: &RunningSandbox) -> (u64, u64) {
        let portal = sandbox.portal(PORTAL).unwrap();
        let make = |name| {
            let properties = [("name", name), ("state", "MA"), ("zip", "02118")];
            portal.create(ObjectType::Companies, &properties).unwrap()
        };
        (make("Bakery"), make("Florist"))
    }
}

/// A phone that remembers what it sent and what it was answered.
#[derive(Clone)]
pub struct Phone {
    access: String,
    client: ClientId,
    pub sent: BTreeMap<Step, Vec<u8>>,
    pub answered: BTreeMap<Step, PushReply>,
}

/// A server, its CRM and a phone.
pub struct Day {
    pub bench: Bench,
    pub companies: Companies,
    pub phone: Option<Phone>,
}

impl Day {
    /// A server over a folder that may hold data already.
    pub async fn over(dir: tempfile::TempDir, companies: Companies) -> Self {
        let text = |dir: &std::path::Path, api: &str| config_text(dir, api, "");
        Self {
            bench: Bench::over(dir, companies.sandbox.clone(), text).await,
            companies,
            phone: None,
        }
    }

    /// Does a step, or does it again.
    pub async fn run(&mut self, step: Step) -> Result<(), Refused> {
        match step {
            Step::Enrol => self.enrol().await,
            Step::Hear(n) => self.hear(n).await,
            Step::TakeApart => self.take_apart(),
            Step::Fetch => self.fetch().await,
            Step::Locate => self.locate().await,
            Step::Push(_) => self.push(step).await,
            Step::TellCrm => self.tell_crm().await,
            Step::Collect => self.collect(),
            Step::BackUp => self.back_up(),
        }
    }

    async fn call(&self, request: Request<Body>) -> (StatusCode, Vec<u8>) {
        let reply = app(self.bench.state.clone()).oneshot(request).await;
        let (parts, body) = reply.unwrap().into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        (parts.status, body.to_vec())
    }

    async fn enrol(&mut self) -> Result<(), Refused> {
        let state = &self.bench.state;
        let tenant = state.config.tenants[0].id();
        let (rep, now) = (self.bench.rep(), state.now());
        let code = auth::issue_code(&state.registry, &state.tokens, tenant, rep, now);
        let code = code.map_err(because)?;
        let body = json!({"p": PROTOCOL, "s": SCHEMA, "code": code, "device_name": "phone"});
        let request = Request::post("/v1/enrol").header(header::CONTENT_TYPE, "application/json");
        let (status, body) = self
            .call(request.body(body.to_string().into()).unwrap())
            .await;
        if status != StatusCode::OK {
            return Err(because(status));
        }
        let reply: serde_json::Value = serde_json::from_slice(&body).unwrap();
        self.phone = Some(Phone {
            access: reply["access_token"].as_str().unwrap().to_owned(),
            client: ClientId::from_bytes([9; 16]),
            sent: BTreeMap::new(),
            answered: BTreeMap::new(),
        });
        Ok(())
    }

    /// The first delivery tells of both companies, the second that one was deleted, the third that
    /// the other has another name.
    async fn hear(&self, n: u8) -> Result<(), Refused> {
        let Companies { kept, deleted, .. } = self.companies;
        let portal = &self.bench.portal;
        let event = |id: u64, object: u64, what: &str| {
            json!({"eventId": id, "objectId": object, "portalId": PORTAL, "occurredAt": 10,
                "subscriptionType": format!("company.{what}"), "attemptNumber": 0})
        };
        let events = match n {
            0 => json!([event(1, kept, "creation"), event(2, deleted, "creation")]),
            1 => {
                // Again is fine.
                let _ = portal.archive(ObjectType::Companies, deleted);
                json!([event(3, deleted, "deletion")])
            }
            _ => {
                let new = [("name", "Bakery and café")];
                portal.edit(ObjectType::Companies, kept, &new).unwrap();
                let mut event = event(4, kept, "propertyChange");
                event["propertyName"] = json!("name");
                event["propertyValue"] = json!("Bakery and café");
                json!([event])
            }
        };
        let body = serde_json::to_vec(&events).unwrap();
        let timestamp = self.bench.now().0.to_string();
        let uri = format!("{PUBLIC}{HOOK}");
        let signature = WebhookSecrets::new([SECRET]).sign("POST", &uri, &body, &timestamp);
        let request = Request::post(HOOK)
            .header(SIGNATURE_HEADER, signature)
            .header(TIMESTAMP_HEADER, timestamp);
        match self.call(request.body(body.into()).unwrap()).await.0 {
            StatusCode::OK => Ok(()),
            status => Err(because(status)),
        }
    }

    fn take_apart(&self) -> Result<(), Refused> {
        let tenant = self.bench.state.crm.tenants().next().unwrap();
        let (store, now) = (&self.bench.store, self.bench.now());
        let list = store.read(|c| split::oldest(c, 9)).map_err(because)?;
        let split_all = |tx: &rusqlite::Transaction<'_>| {
            list.iter()
                .try_for_each(|d| split::split(tx, tenant, d, now))
        };
        store.write(split_all).map_err(because)
    }

    async fn fetch(&self) -> Result<(), Refused> {
        let (fetcher, now) = (self.bench.fetcher(), self.bench.now());
        while fetcher.step(Kind::Companies, now).await.map_err(because)? > 0 {}
        Ok(())
    }

    async fn locate(&self) -> Result<(), Refused> {
        let (store, now) = (&self.bench.store, self.bench.now());
        let tenant = self.bench.state.crm.tenants().next().unwrap();
        let due = store.read(|c| tasks::due(c, now, 9)).map_err(because)?;
        for lead in due {
            let geocoder = &self.bench.state.crm.geocoder;
            let done = tasks::run(store, tenant, geocoder, lead, now).await;
            done.map_err(because)?;
        }
        Ok(())
    }

    async fn tell_crm(&self) -> Result<(), Refused> {
        let mut now = self.bench.now();
        for _ in 0..4 {
            let sent = self.bench.sender().step(now).await;
            sent.map_err(because)?;
            now = now.plus(700_000);
        }
        Ok(())
    }

    /// Takes from the CRM the notes of which this server did not begin to tell it. They are from a
    /// later hour of the day whose disk this server has.
    pub fn take_back_later_notes(&self) {
        let sql = "SELECT idem FROM crm_job WHERE state = 0 AND maybe_sent = 0";
        let later: Vec<String> = self
            .bench
            .store
            .read(|c| {
                Ok(c.prepare(sql)?
                    .query_map([], |r| r.get(0))?
                    .collect::<Result<_, _>>()?)
            })
            .unwrap();
        let portal = &self.bench.portal;
        for note in portal.notes_of(self.companies.kept) {
            if note
                .value("fieldfare_id")
                .is_some_and(|id| later.contains(&id))
            {
                portal.archive(ObjectType::Notes, note.id).unwrap();
            }
        }
    }

    /// How many notes the CRM has of a visit.
    pub fn notes_of(&self, visit: VisitId) -> usize {
        let notes = self.bench.portal.notes_of(self.companies.kept);
        let bodies = notes.iter().filter_map(|note| note.value("hs_note_body"));
        let of_visit = bodies.filter(|body| body.contains(&visit.to_string()));
        of_visit.count()
    }

    fn collect(&self) -> Result<(), Refused> {
        let now = self.bench.now();
        let collected = self.bench.store.write(|tx| feed::collect(tx, now, 0));
        collected.map(drop).map_err(because)
    }

    fn back_up(&self) -> Result<(), Refused> {
        let elsewhere = tempfile::tempdir().unwrap();
        let to = elsewhere.path().join("backup");
        let made = backup::make(&self.bench.state.config, &to, self.bench.now());
        made.map(drop).map_err(because)
    }

    /// Sends what it sent before, if it did.
    async fn push(&mut self, step: Step) -> Result<(), Refused> {
        let mut phone = self.phone.clone().unwrap();
        let body = match phone.sent.get(&step) {
            Some(body) => body.clone(),
            None => self.batch(phone.client, step),
        };
        phone.sent.insert(step, body.clone());
        self.phone = Some(phone);
        let reply = self.send(body).await?;
        if let Some(phone) = &mut self.phone {
            phone.answered.insert(step, reply);
        }
        Ok(())
    }

    async fn send(&self, body: Vec<u8>) -> Result<PushReply, Refused> {
        let access = &self.phone.as_ref().unwrap().access;
        let request = Request::post("/v1/push")
            .header(header::AUTHORIZATION, format!("Bearer {access}"))
            .body(body.into());
        let (status, body) = self.call(request.unwrap()).await;
        if status != StatusCode::OK {
            return Err(because(status));
        }
        let reply: PushReply = decode_message(&body).unwrap();
        assert_eq!(reply.status, PushStatus::Ok);
        Ok(reply)
    }

    /// What is answered to a push that comes once more.
    pub async fn push_again(&self, step: Step) -> PushReply {
        let body = self.phone.as_ref().unwrap().sent[&step].clone();
        self.send(body).await.unwrap()
    }

    /// A visit with its edit as one unit, or a lead found on the way.
    fn batch(&self, client: ClientId, step: Step) -> Vec<u8> {
        let operations = match step {
            Step::Push(0) => self.visit_with_edit(),
            _ => vec![numbered(3, made_on_the_way())],
        };
        let request = PushRequest {
            protocol: PROTOCOL,
            schema: SCHEMA,
            epoch: None,
            client,
            operations,
            lost: Vec::new(),
        };
        encode_message(&request).unwrap()
    }

    fn visit_with_edit(&self) -> Vec<Operation> {
        let visited = self.lead_of(self.companies.kept).unwrap();
        let id = VisitId::from_bytes(fieldfare_server::random::bytes().unwrap());
        let visit = Visit {
            id,
            lead: visited.id,
            rep: self.bench.rep(),
            started_at: TimestampMs(1_790_000_000_000),
            ended_at: None,
            outcome: VisitOutcome::Met,
            note: Some(format!("wants samples {id}")),
            follow_up_at: None,
            position: None,
        };
        let made = Change::Create(visit.to_columns());
        let edited = Change::Edit(vec![FieldEdit {
            tag: lead::PHONE,
            base: fieldfare_model::Value::Null,
            new: NEW_NUMBER.into(),
        }]);
        let mut unit = [
            numbered(1, operation(Entity::VISIT, visit.id.row(), made)),
            numbered(2, operation(Entity::LEAD, visited.id.row(), edited)),
        ];
        let group = unit[0].id;
        for operation in &mut unit {
            (operation.group, operation.group_size) = (group, 2);
        }
        unit.into()
    }

    pub fn lead_of(&self, company: u64) -> Option<Lead> {
        let id = Some(company.to_string());
        let mut leads = self.bench.leads().into_iter();
        leads.find(|lead| lead.crm_id == id)
    }
}

fn made_on_the_way() -> Operation {
    let id = LeadId::from_bytes(fieldfare_server::random::bytes().unwrap());
    let found = Lead::new(id, "Found on the way");
    operation(Entity::LEAD, id.row(), Change::Create(found.to_columns()))
}

fn numbered(n: u64, operation: Operation) -> Operation {
    let id = OperationId::from_bytes(fieldfare_server::random::bytes().unwrap());
    Operation {
        n,
        id,
        group: id,
        ..operation
    }
}
