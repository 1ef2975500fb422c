//! Writes the first inputs of every target into `tests/decoders/corpus`, in the forms that the
//! product itself writes. What a fuzzer finds is added beside them by hand and kept.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use fieldfare_decoders::signed_token;
use fieldfare_geo::{Precision, encode_polyline};
use fieldfare_model::{
    ClientId, Columns, Entity, LatLng, OperationId, Row, RowId, SCHEMA, TimestampMs, Value,
};
use fieldfare_navigator::{parse_routes, read_gpx, write_gpx};
use fieldfare_planner::generate::{DaySpec, rep_day};
use fieldfare_sync::{
    Change, Checkpoint, CompareReply, CompareRequest, ComparedScope, Digest, DigestKey, Epoch,
    ErrorBody, ErrorCode, FeedChange, FieldEdit, HeadRequest, Holdings, LeaveReason, NumberGap,
    Operation, Outcome, PROTOCOL, Priority, PullReply, PullRequest, PullStatus, PushReply,
    PushRequest, PushStatus, RejectCode, RepairReply, RepairRequest, RowMark, ScopeCursor,
    ScopeGrant, ScopeId, ScopeSums, encode_frames, encode_message, keys_to_wire,
};
use serde::Serialize;
use serde_bytes::ByteBuf;
use std::path::{Path, PathBuf};

fn main() {
    frames();
    messages();
    strangers();
    problems();
    routes();
}

fn at(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

fn keep(target: &str, name: &str, bytes: &[u8]) {
    let folder = at("corpus").join(target);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name), bytes).unwrap();
}

fn keep_message(target: &str, name: &str, message: &impl Serialize) {
    keep(target, name, &encode_message(message).unwrap());
}

fn zstd(raw: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(raw, 3).unwrap()
}

fn row(n: u8) -> Row {
    let cells = [
        (1, Value::Text(format!("Blumen {n}"))),
        (2, Value::Text(format!("+4930555{n:03}"))),
        (3, Value::Int(i64::from(n) * 1_000)),
        (4, Value::Bytes(vec![n; 16])),
        (
            5,
            Value::Text(if n.is_multiple_of(2) { "new" } else { "open" }.to_owned()),
        ),
        (
            6,
            if n.is_multiple_of(3) {
                Value::Null
            } else {
                Value::Int(-5)
            },
        ),
    ];
    Row {
        id: RowId::from_bytes([n; 16]),
        version: u64::from(n) + 1,
        columns: cells.into_iter().collect(),
    }
}

fn changes() -> Vec<FeedChange> {
    let puts = (0..12).map(|n| FeedChange::Put {
        entity: Entity::LEAD,
        row: row(n),
    });
    let gone = [LeaveReason::Left, LeaveReason::Deleted];
    let leaves = gone
        .into_iter()
        .zip(20u8..)
        .map(|(reason, n)| FeedChange::Leave {
            entity: Entity::LEAD,
            id: RowId::from_bytes([n; 16]),
            seq: u64::from(n),
            reason,
        });
    puts.chain(leaves).collect()
}

fn one_frame() -> Vec<u8> {
    let frames = encode_frames(&ScopeId::reference(), 0, 30, &changes(), &zstd).unwrap();
    frames.into_iter().next().unwrap()
}

type Envelope = (u8, String, u64, u64, u32, u32, ByteBuf, ByteBuf);

fn frames() {
    let frame = one_frame();
    keep("frame", "leads", &frame);
    let envelope: Envelope = rmp_serde::from_slice(&frame).unwrap();
    let raw = zstd::bulk::decompress(&envelope.7, envelope.5 as usize).unwrap();
    let rows = u16::try_from(envelope.4).unwrap().to_be_bytes();
    keep("frame_blocks", "leads", &[rows.as_slice(), &raw].concat());
}

fn operation(n: u64, change: Change) -> Operation {
    let id = OperationId::from_bytes([u8::try_from(n).unwrap(); 16]);
    Operation {
        id,
        n,
        group: id,
        group_size: 1,
        entity: Entity::VISIT,
        row: RowId::from_bytes([9; 16]),
        base_version: 4,
        depends_on: Some(OperationId::from_bytes([8; 16])),
        at: TimestampMs(1_800_000_000_000),
        change,
    }
}

fn told() -> Holdings {
    Holdings {
        grants: vec![ScopeGrant {
            scope: ScopeId::reference(),
            priority: Priority(2),
        }],
        digests: vec![Digest { rows: 2, sum: 5 }],
    }
}

fn messages() {
    let client = ClientId::from_bytes([3; 16]);
    let epoch = Epoch(77);
    keep_message(
        "pull",
        "request",
        &PullRequest {
            protocol: PROTOCOL,
            schema: SCHEMA,
            epoch: Some(epoch),
            client,
            cursors: vec![ScopeCursor {
                scope: ScopeId::reference(),
                cursor: 12,
                anchor: 14,
            }],
            budget: 4_096,
            known: Some(told().fingerprint()),
        },
    );
    keep_message(
        "pull",
        "reply",
        &PullReply {
            protocol: PROTOCOL,
            schema: SCHEMA,
            epoch,
            status: PullStatus::Ok,
            grants: told().grants,
            frames: vec![ByteBuf::from(one_frame())],
            checkpoint: Some(Checkpoint {
                head: 30,
                priority: Priority(2),
                complete: true,
            }),
            last_n: 6,
            head: 30,
            digests: told().digests,
            is_as_known: false,
        },
    );
    let asked = HeadRequest::new(epoch, 12);
    keep_message("head", "request", &asked);
    keep_message("head", "reply", &asked.answer(epoch, 13, [13]));
    let cells: Columns = row(1).columns;
    let edit = FieldEdit {
        tag: 5,
        base: Value::Null,
        new: Value::Text("won".to_owned()),
    };
    let request = PushRequest {
        protocol: PROTOCOL,
        schema: SCHEMA,
        epoch: Some(epoch),
        client,
        operations: vec![
            operation(1, Change::Create(cells)),
            operation(2, Change::Edit(vec![edit])),
        ],
        lost: vec![NumberGap {
            client,
            from: 1,
            to: 2,
        }],
    };
    keep_message("push", "request", &request);
    keep(
        "packed",
        "request",
        &zstd(&encode_message(&request).unwrap()),
    );
    keep_message(
        "push",
        "reply",
        &PushReply {
            protocol: PROTOCOL,
            schema: SCHEMA,
            epoch,
            status: PushStatus::Ok,
            last_n: 3,
            first_n: 1,
            outcomes: vec![
                Outcome::Applied { version: 31 },
                Outcome::Merged {
                    version: 32,
                    columns: vec![5],
                },
                Outcome::Rejected {
                    code: RejectCode::Transition,
                    reason: "a won lead stays won".to_owned(),
                },
            ],
        },
    );
    comparisons(epoch, client);
    let busy = ErrorBody::new(ErrorCode::Busy, "wait a little");
    keep_message("error_body", "busy", &busy);
}

fn comparisons(epoch: Epoch, client: ClientId) {
    let key = DigestKey::of(epoch);
    let rows: Vec<Row> = (0..4).map(row).collect();
    let mut sums = ScopeSums::default();
    let mut marks = Vec::new();
    for row in &rows {
        let hash = key.hash(Entity::LEAD, row);
        sums.add(row.id, hash);
        marks.push(RowMark {
            entity: Entity::LEAD,
            id: row.id,
            mark: hash.mark(),
        });
    }
    let keys: Vec<_> = marks.iter().map(|mark| (mark.entity, mark.id)).collect();
    let (sums, marks) = (sums.to_wire(), RowMark::to_wire(&marks));
    keep("digests", "sums", &sums);
    keep("digests", "marks", &marks);
    keep("digests", "keys", &keys_to_wire(&keys));
    let scopes = |bytes: &[u8]| {
        vec![ComparedScope {
            scope: ScopeId::reference(),
            bytes: ByteBuf::from(bytes),
        }]
    };
    let request = CompareRequest {
        protocol: PROTOCOL,
        schema: SCHEMA,
        epoch,
        client,
        mismatches: 1,
        scopes: scopes(&sums),
    };
    keep_message("compare", "request", &request);
    let reply = CompareReply {
        protocol: PROTOCOL,
        schema: SCHEMA,
        epoch,
        status: PullStatus::Ok,
        head: 30,
        scopes: scopes(&[1, 2]),
        last_n: 6,
    };
    keep_message("compare", "reply", &reply);
    let request = RepairRequest {
        protocol: PROTOCOL,
        schema: SCHEMA,
        epoch,
        client,
        scope: ScopeId::reference(),
        buckets: ByteBuf::from([1, 2]),
        rows: ByteBuf::from(marks),
    };
    keep_message("repair", "request", &request);
    let reply = RepairReply {
        protocol: PROTOCOL,
        schema: SCHEMA,
        epoch,
        status: PullStatus::Ok,
        head: 30,
        buckets: ByteBuf::from([1]),
        frames: vec![ByteBuf::from(one_frame())],
        gone: ByteBuf::from(keys_to_wire(&keys)),
        last_n: 6,
    };
    keep_message("repair", "reply", &reply);
}

fn strangers() {
    keep("token", "signed", signed_token().as_bytes());
    let event = serde_json::json!({
        "objectId": 5_001, "eventId": 1, "portalId": 4_711, "occurredAt": 1_800_000_000_000_i64,
        "subscriptionType": "contact.propertyChange", "changeSource": "CRM_UI",
        "propertyName": "city", "propertyValue": "Köln",
    });
    let merge = serde_json::json!({
        "objectId": 5_002, "eventId": 2, "portalId": 4_711, "occurredAt": 1_800_000_000_001_i64,
        "subscriptionType": "contact.merge", "primaryObjectId": 5_002,
        "mergedObjectIds": [5_003], "newObjectId": 5_004,
    });
    let generic = serde_json::json!({
        "objectId": 6, "portalId": 4_712, "subscriptionType": "object.creation",
        "objectTypeId": "0-2", "eventId": "a", "occurredAt": 3,
    });
    let body = serde_json::json!([event, merge, generic]).to_string();
    keep("webhook", "events", body.as_bytes());
    keep(
        "webhook",
        "url",
        b"https://crm.example/hooks/a?x=%3A%2F%2f%25",
    );
    let packed = fieldfare_server::intake::pack(body.as_bytes()).unwrap();
    keep("delivery", "packed", &packed);
}

fn problems() {
    let spec = DaySpec {
        breaks: true,
        several_windows: true,
        traffic: true,
        team_rules: true,
        ..DaySpec::rep(5, false)
    };
    let day = rep_day(3, &spec).unwrap();
    keep(
        "problem",
        "day",
        serde_json::to_string(&day).unwrap().as_bytes(),
    );
    let vroom = serde_json::json!({
        "vehicles": [{
            "id": 1, "start_index": 0, "end_index": 0, "time_window": [0, 28_800], "skills": [1],
            "breaks": [{"id": 1, "service": 600, "time_windows": [[9_000, 12_000]]}],
            "steps": [{"type": "start"}, {"type": "job", "id": 2}, {"type": "end"}],
        }],
        "jobs": [
            {"id": 1, "location_index": 1, "service": 300, "priority": 10, "skills": [1]},
            {"id": 2, "location_index": 2, "service": 300, "time_windows": [[3_600, 7_200]]},
        ],
        "matrices": {"car": {"durations": [[0, 600, 900], [600, 0, 500], [900, 500, 0]]}},
    });
    keep("vroom", "day", vroom.to_string().as_bytes());
}

fn routes() {
    let fixtures = at("../../core/navigator/tests/fixtures");
    let read = |name: &str| std::fs::read(fixtures.join(name)).unwrap();
    for (name, file) in [
        ("osrm", "helsinki_osrm.json"),
        ("valhalla", "helsinki_valhalla.json"),
    ] {
        let answer = read(file);
        keep("route_answer", name, &answer);
        let routes = parse_routes(&answer).unwrap();
        keep("route_bytes", name, &routes.first().unwrap().to_bytes());
    }
    keep("recording", "drive", &read("helsinki_drive.ffrr"));
    let fixes = read_gpx(&read("helsinki_drive.gpx"), &Default::default()).unwrap();
    let few = fixes.get(..20).unwrap();
    keep("gpx", "drive", write_gpx(few).as_bytes());
    let path: Vec<LatLng> = few.iter().map(|fix| fix.fix.position).collect();
    keep(
        "polyline",
        "five",
        encode_polyline(&path, Precision::Five).as_bytes(),
    );
    keep(
        "polyline",
        "six",
        encode_polyline(&path, Precision::Six).as_bytes(),
    );
}
