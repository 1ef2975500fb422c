//! A phone that speaks the protocol and keeps nothing but its cursors.

use fieldfare_engine::{HttpHeader, HttpMethod, HttpRequest, HttpResponse, HttpTransport};
use fieldfare_model::schema::lead;
use fieldfare_model::{ClientId, Entity, OperationId, RowId, SCHEMA, TimestampMs, Value};
use fieldfare_sync::{
    Change, DEFAULT_PULL_BUDGET, Epoch, FeedChange, FieldEdit, Frame, Operation, PROTOCOL,
    PullReply, PullRequest, PushReply, PushRequest, ScopeCursor, decode_message, encode_message,
};
use fieldfare_tests::leads::Random;
use serde_json::{Value as Json, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

const JSON: &str = "application/json";
const MSGPACK: &str = "application/vnd.msgpack";
const TIMEOUT_MS: u64 = 120_000;
const MAX_REPLY: u64 = 16 << 20;

/// The phones' own way to send requests.
pub type Http = Arc<dyn HttpTransport>;

/// Posts a body; a reply of some kind must come.
async fn post(http: &Http, url: String, kind: &str, bearer: &str, body: Vec<u8>) -> HttpResponse {
    let header = |name: &str, value: String| HttpHeader {
        name: name.to_owned(),
        value,
    };
    let request = HttpRequest {
        method: HttpMethod::Post,
        url,
        headers: vec![
            header("content-type", kind.to_owned()),
            header("authorization", format!("Bearer {bearer}")),
        ],
        body,
        timeout_ms: TIMEOUT_MS,
        max_response_bytes: MAX_REPLY,
    };
    http.send(request).await.unwrap()
}

pub async fn post_json(http: &Http, url: String, bearer: &str, body: &Json) -> Json {
    let body = body.to_string().into_bytes();
    let response = post(http, url, JSON, bearer, body).await;
    assert_eq!(response.status, 200);
    serde_json::from_slice(&response.body).unwrap()
}

/// What a reply was about.
pub struct Pulled {
    pub rows: u64,
    pub bytes: u64,
    pub is_complete: bool,
    pub frames: Vec<Vec<u8>>,
}

pub struct LightPhone {
    http: Http,
    server: String,
    token: String,
    client: ClientId,
    epoch: Option<Epoch>,
    cursors: Vec<ScopeCursor>,
    random: Random,
    pushed: u64,
    /// How often it was told to come later.
    pub waits: u32,
}

impl LightPhone {
    pub async fn enrol(http: &Http, server: SocketAddr, code: &str, seed: u64) -> Self {
        let body = json!({"p": PROTOCOL, "s": SCHEMA, "code": code, "device_name": "bench"});
        let url = format!("http://{server}/v1/enrol");
        let reply = post_json(http, url, "none", &body).await;
        let mut random = Random::new(seed);
        Self {
            http: http.clone(),
            server: format!("http://{server}"),
            token: reply["access_token"].as_str().unwrap().to_owned(),
            client: ClientId::v7(seed, random_bytes(&mut random)),
            epoch: None,
            cursors: Vec::new(),
            random,
            pushed: 0,
            waits: 0,
        }
    }

    /// Fetches everything; answers how many rows and bytes came.
    pub async fn fetch_all(&mut self) -> (u64, u64) {
        let (mut rows, mut bytes) = (0, 0);
        loop {
            let pulled = self.pull().await;
            rows += pulled.rows;
            bytes += pulled.bytes;
            if pulled.is_complete {
                return (rows, bytes);
            }
        }
    }

    /// One pull, repeated if the server asks to come later.
    pub async fn pull(&mut self) -> Pulled {
        let request = PullRequest {
            protocol: PROTOCOL,
            schema: SCHEMA,
            epoch: self.epoch,
            client: self.client,
            cursors: self.cursors.clone(),
            budget: DEFAULT_PULL_BUDGET,
            known: None,
        };
        let body = self
            .post("/v1/pull", encode_message(&request).unwrap())
            .await;
        let reply: PullReply = decode_message(&body).unwrap();
        self.epoch = Some(reply.epoch);
        let mut pulled = Pulled {
            rows: 0,
            bytes: body.len() as u64,
            is_complete: reply.checkpoint.is_some_and(|c| c.complete),
            frames: Vec::new(),
        };
        for frame in reply.frames {
            pulled.rows += self.follow(&frame, reply.head);
            pulled.frames.push(frame.into_vec());
        }
        pulled
    }

    /// Reads the outer form of a frame and moves its scope's cursor; answers how many rows it has.
    fn follow(&mut self, frame: &[u8], head: u64) -> u64 {
        let (_, scope, from, to, rows, _, _, _): (u8, String, u64, u64, u32, u32, &[u8], &[u8]) =
            rmp_serde::from_slice(frame).unwrap();
        match self.cursors.iter_mut().find(|c| c.scope.as_str() == scope) {
            Some(cursor) => {
                assert_eq!(cursor.cursor, from, "frames out of order");
                cursor.cursor = to;
            }
            None => {
                assert_eq!(from, 0, "frames out of order");
                self.cursors.push(ScopeCursor {
                    scope: scope.try_into().unwrap(),
                    cursor: to,
                    anchor: head,
                });
            }
        }
        rows.into()
    }

    /// Changes the telephone number of a lead; answers the row's new version.
    pub async fn edit(&mut self, row: RowId, base_version: u64, base: Value) -> u64 {
        self.pushed += 1;
        let id = OperationId::v7(self.pushed, random_bytes(&mut self.random));
        let edit = FieldEdit {
            tag: lead::PHONE,
            base,
            new: Value::Text(number(self.pushed)),
        };
        let operation = Operation {
            id,
            n: self.pushed,
            group: id,
            group_size: 1,
            entity: Entity::LEAD,
            row,
            base_version,
            depends_on: None,
            at: TimestampMs(1_790_000_000_000),
            change: Change::Edit(vec![edit]),
        };
        let request = PushRequest {
            protocol: PROTOCOL,
            schema: SCHEMA,
            epoch: self.epoch,
            client: self.client,
            operations: vec![operation],
            lost: Vec::new(),
        };
        let body = self
            .post("/v1/push", encode_message(&request).unwrap())
            .await;
        let reply: PushReply = decode_message(&body).unwrap();
        reply.outcomes[0].version().unwrap()
    }

    async fn post(&mut self, path: &str, body: Vec<u8>) -> Vec<u8> {
        loop {
            let url = format!("{}{path}", self.server);
            let response = post(&self.http, url, MSGPACK, &self.token, body.clone()).await;
            let wait = response.header("retry-after");
            match (response.status, wait.and_then(|w| w.parse().ok())) {
                (200, _) => return response.body,
                (_, Some(seconds)) => self.wait(seconds).await,
                (status, None) => panic!("{path}: {status}"),
            }
        }
    }

    /// As long as it is told, and up to as long again, so that not all come back at once.
    async fn wait(&mut self, seconds: u64) {
        self.waits += 1;
        let jitter = self.random.unit() * seconds as f64;
        tokio::time::sleep(Duration::from_secs_f64(seconds as f64 + jitter)).await;
    }
}

/// The number that a phone's `n`th edit writes.
pub fn number(n: u64) -> String {
    format!("+1 617 555 {n}")
}

fn random_bytes<const N: usize>(random: &mut Random) -> [u8; N] {
    std::array::from_fn(|_| random.next() as u8)
}

/// Two phones that have everything: one changes a lead again and again, the other fetches it.
pub struct Pair {
    pub writer: LightPhone,
    pub reader: LightPhone,
    row: RowId,
    version: u64,
    phone: Value,
}

/// How long a change took to be accepted, and to be fetched after that.
#[derive(Clone, Copy)]
pub struct Delta {
    pub push_s: f64,
    pub pull_s: f64,
}

impl Pair {
    /// Both fetch everything; the last lead that came is the one that will change.
    pub async fn prepare(mut writer: LightPhone, mut reader: LightPhone) -> Self {
        reader.fetch_all().await;
        let mut last = None;
        loop {
            let pulled = writer.pull().await;
            last = pulled.frames.last().cloned().or(last);
            if pulled.is_complete {
                break;
            }
        }
        let frame = Frame::decode(&last.unwrap()).unwrap();
        let put = frame
            .changes
            .into_iter()
            .rev()
            .find_map(|change| match change {
                FeedChange::Put { entity, row } if entity == Entity::LEAD => Some(row),
                _ => None,
            });
        let row = put.unwrap();
        Self {
            writer,
            reader,
            row: row.id,
            version: row.version,
            phone: row.columns.get(lead::PHONE).clone(),
        }
    }

    pub async fn change(&mut self) -> Delta {
        let start = Instant::now();
        self.version = self
            .writer
            .edit(self.row, self.version, self.phone.clone())
            .await;
        self.phone = Value::Text(number(self.writer.pushed));
        let pushed = Instant::now();
        let pulled = self.reader.pull().await;
        let pull_s = pushed.elapsed().as_secs_f64();
        assert!(
            pulled.is_complete && pulled.rows >= 1,
            "the change did not come"
        );
        Delta {
            push_s: (pushed - start).as_secs_f64(),
            pull_s,
        }
    }
}
