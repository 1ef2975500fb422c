//! The worked examples and lists in `docs/protocol.md` are what the code reads and writes.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::server::MemoryServer;
use fieldfare_model::schema::lead;
use fieldfare_model::*;
use fieldfare_sync::*;

const DOCUMENT: &str = include_str!("../../../docs/protocol.md");

/// The bytes of the fenced block that follows a marker: hex, with anything after `|` as comment.
fn block(marker: &str) -> Vec<u8> {
    let start = DOCUMENT
        .find(marker)
        .unwrap_or_else(|| panic!("{marker} is not in the document"));
    let fenced = DOCUMENT[start..].split("```").nth(1).unwrap();
    fenced
        .lines()
        .skip(1)
        .flat_map(|line| line.split('|').next().unwrap().split_whitespace())
        .map(|byte| u8::from_str_radix(byte, 16).expect(byte))
        .collect()
}

/// A zstd frame that stores its content as it is, as the document shows it.
fn stored(raw: &[u8]) -> Vec<u8> {
    let mut out = vec![
        0x28,
        0xb5,
        0x2f,
        0xfd,
        0x20,
        u8::try_from(raw.len()).unwrap(),
    ];
    let header = (raw.len() as u32) << 3 | 1;
    out.extend_from_slice(&header.to_le_bytes()[..3]);
    out.extend_from_slice(raw);
    out
}

fn scope() -> ScopeId {
    ScopeId::reference()
}

fn changes() -> Vec<FeedChange> {
    let mut columns = Columns::new();
    columns.set(schema::territory::NAME, "Boston");
    let row = Row {
        id: RowId::from_bytes([0x11; 16]),
        version: 11,
        columns,
    };
    let gone = RowId::from_bytes([0x22; 16]);
    vec![
        FeedChange::Put {
            entity: Entity::TERRITORY,
            row,
        },
        FeedChange::Leave {
            entity: Entity::LEAD,
            id: gone,
            seq: 12,
            reason: LeaveReason::Left,
        },
    ]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x} ")).collect()
}

#[test]
fn the_worked_frame_is_what_the_code_writes_and_reads() {
    let written = encode_frames(&scope(), 10, 12, &changes(), &stored)
        .unwrap()
        .remove(0);
    let documented = block("<!-- frame -->");
    assert_eq!(hex(&written), hex(&documented));
    let frame = Frame {
        scope: scope(),
        from: 10,
        to: 12,
        changes: changes(),
    };
    assert_eq!(Frame::decode(&documented), Ok(frame));
}

#[test]
fn the_worked_pull_is_what_the_code_writes() {
    let request = PullRequest {
        protocol: PROTOCOL,
        schema: 1,
        epoch: Some(Epoch(7)),
        client: ClientId::from_bytes([0x33; 16]),
        cursors: vec![ScopeCursor {
            scope: scope(),
            cursor: 10,
            anchor: 0,
        }],
        budget: 4_096,
        known: Some(documented_holdings().fingerprint()),
    };
    assert_eq!(
        hex(&encode_message(&request).unwrap()),
        hex(&block("<!-- pull -->"))
    );
}

fn documented_holdings() -> Holdings {
    Holdings {
        grants: vec![ScopeGrant {
            scope: scope(),
            priority: scope().priority(),
        }],
        digests: vec![Digest {
            rows: 2,
            sum: u128::from_be_bytes([0x77; 16]),
        }],
    }
}

#[test]
fn the_worked_fingerprint_and_the_answer_to_who_has_everything_are_as_documented() {
    let hash = blake3::hash(&block("<!-- holdings -->"));
    let fingerprint = documented_holdings().fingerprint();
    assert_eq!(hash.as_bytes()[..8], *fingerprint.0);
    let reply = PullReply {
        protocol: PROTOCOL,
        schema: 1,
        epoch: Epoch(7),
        status: PullStatus::Ok,
        grants: Vec::new(),
        frames: Vec::new(),
        checkpoint: Some(Checkpoint {
            head: 12,
            priority: Priority::REFERENCE,
            complete: true,
        }),
        last_n: 2,
        head: 12,
        digests: Vec::new(),
        is_as_known: true,
    };
    assert_eq!(
        hex(&encode_message(&reply).unwrap()),
        hex(&block("<!-- pull reply -->"))
    );
}

#[test]
fn the_worked_request_for_news_and_its_answer_are_what_the_code_writes() {
    let request = HeadRequest {
        schema: 1,
        ..HeadRequest::new(Epoch(7), 12)
    };
    assert_eq!(
        hex(&encode_message(&request).unwrap()),
        hex(&block("<!-- head -->"))
    );
    let reply = HeadReply {
        schema: 1,
        ..request.answer(Epoch(7), 13, [13])
    };
    assert_eq!(
        hex(&encode_message(&reply).unwrap()),
        hex(&block("<!-- head reply -->"))
    );
}

const NOW: TimestampMs = TimestampMs(1_790_000_000_000);

fn lead_id() -> LeadId {
    LeadId::from_bytes([0x22; 16])
}

fn documented_visit() -> Visit {
    Visit {
        id: VisitId::from_bytes([0x55; 16]),
        lead: lead_id(),
        rep: RepId::from_bytes([0x66; 16]),
        started_at: NOW,
        ended_at: None,
        outcome: VisitOutcome::FollowUp,
        note: Some("Back in May".into()),
        follow_up_at: None,
        position: None,
    }
}

fn documented_push() -> PushRequest {
    let operation = |n: u8, entity, row, base_version, change| Operation {
        id: OperationId::from_bytes([0x43 + n; 16]),
        n: n.into(),
        group: OperationId::from_bytes([0x44; 16]),
        group_size: 2,
        entity,
        row,
        base_version,
        depends_on: None,
        at: NOW,
        change,
    };
    let made = documented_visit();
    let edits = vec![
        FieldEdit {
            tag: lead::STATUS,
            base: LeadStatus::New.code().into(),
            new: LeadStatus::Contacted.code().into(),
        },
        FieldEdit {
            tag: lead::PHONE,
            base: "555 0100".into(),
            new: "555 0199".into(),
        },
    ];
    PushRequest {
        protocol: PROTOCOL,
        schema: 1,
        epoch: Some(Epoch(7)),
        client: ClientId::from_bytes([0x33; 16]),
        operations: vec![
            operation(
                1,
                Entity::VISIT,
                made.id.row(),
                0,
                Change::Create(made.to_columns()),
            ),
            operation(2, Entity::LEAD, lead_id().row(), 11, Change::Edit(edits)),
        ],
        lost: Vec::new(),
    }
}

/// A server that holds the lead of the documented push at version 12, with another phone number
/// than at 11.
fn documented_server() -> MemoryServer {
    let mut server = MemoryServer::new();
    let held = [ScopeId::territory(TerritoryId::from_bytes([0x11; 16]))];
    server.grant(&held);
    server.tables.seq = 10;
    for phone in ["555 0100", "555 0111"] {
        let mut lead = Lead::new(lead_id(), "Bakery");
        lead.phone = Some(phone.into());
        server.put(Entity::LEAD, lead_id().row(), lead.to_columns(), &held);
    }
    server
}

#[test]
fn the_worked_push_is_what_the_code_writes_and_the_reply_what_the_server_answers() {
    let body = block("<!-- push -->");
    assert_eq!(
        hex(&encode_message(&documented_push()).unwrap()),
        hex(&body)
    );
    let mut server = documented_server();
    let event = ServerEvent::Push(&body);
    let reply = SyncServer
        .step(&mut server, &common::device(), NOW, event, &stored)
        .unwrap();
    assert_eq!(reply.status, 200);
    assert_eq!(hex(&reply.body), hex(&block("<!-- push reply -->")));
    let conflict = &server.tables.conflicts[0];
    let cells = (conflict.kept.as_text(), conflict.lost.as_text());
    assert_eq!(cells, (Some("555 0199"), Some("555 0111")));
}

#[test]
fn the_worked_canonical_bytes_are_those_of_the_pushed_row() {
    let row = Row {
        id: documented_visit().id.row(),
        version: 13,
        columns: documented_visit().to_columns(),
    };
    let bytes = canonical_bytes(Entity::VISIT, &row);
    assert_eq!(hex(&bytes), hex(&block("<!-- canonical -->")));
}

#[test]
fn the_worked_consent_event_hashes_to_what_the_document_says() {
    let mut event = ConsentEvent {
        id: ConsentEventId::from_bytes([0x77; 16]),
        rep: RepId::from_bytes([0x66; 16]),
        sequence: 1,
        purpose: Purpose::LiveTracking,
        action: ConsentAction::Grant,
        text_version: "2026-11".into(),
        language: "en".into(),
        at: NOW,
        valid_until: None,
        previous: LedgerHead::EMPTY.hash,
        hash: [0; 32],
    };
    let documented = block("<!-- consent hash -->");
    assert_eq!(
        hex(blake3::hash(&block("<!-- consent -->")).as_bytes()),
        hex(&documented)
    );
    event.hash = consent_hash(&event);
    assert_eq!(hex(&event.hash), hex(&documented));
    assert!(verify_next(LedgerHead::EMPTY, &event).is_ok());
}

/// The name an enum value has in messages and JSON.
fn name<T: serde::Serialize>(value: &T) -> String {
    rmp_serde::from_slice(&rmp_serde::to_vec(value).unwrap()).unwrap()
}

/// `0 company · 1 contact`, for as long as there are codes.
fn listed<T: serde::Serialize>(from_code: impl Fn(i64) -> Option<T>) -> String {
    let named = |code| Some(format!("{code} {}", name(&from_code(code)?)));
    let all: Vec<String> = (0..100).filter_map(named).collect();
    all.join(" · ")
}

fn assert_says(line: &str) {
    assert!(DOCUMENT.contains(line), "missing: {line}");
}

#[test]
fn the_listed_codes_are_those_of_the_model() {
    let says = |column: &str, codes: String| assert_says(&format!("| {column} | {codes} |\n"));
    says("lead `kind`", listed(LeadKind::from_code));
    says("lead `status`", listed(LeadStatus::from_code));
    says("lead `geocode_status`", listed(GeocodeStatus::from_code));
    says("lead `precision`", listed(Precision::from_code));
    says("visit `outcome`", listed(VisitOutcome::from_code));
    says("consent `purpose`", listed(Purpose::from_code));
    says("consent `action`", listed(ConsentAction::from_code));
}

#[test]
fn the_listed_transitions_are_those_of_the_model() {
    for from in LeadStatus::ALL {
        assert!(from.may_become(*from));
        let others = LeadStatus::ALL.iter().filter(|to| *to != from);
        let allowed = others.filter(|to| from.may_become(**to)).map(name);
        let allowed: Vec<String> = allowed.collect();
        let line = format!("\n| {} | {} |\n", name(from), allowed.join(", "));
        assert_says(&line.replace("|  |", "| |"));
    }
}

#[test]
fn contact_hours_and_conflict_cells_are_written_as_shown() {
    let shown = "Mo-Fr 09:00-17:00; Sa,Su 10:00-24:00";
    assert_says(&format!("`{shown}`"));
    let hours: ContactHours = shown.parse().unwrap();
    assert!(hours.allows(4, 16 * 60 + 59) && hours.allows(6, 23 * 60 + 59));
    assert!(!hours.allows(4, 17 * 60) && !hours.allows(5, 9 * 60));

    let conflict = Conflict {
        id: ConflictId::from_bytes([1; 16]),
        entity: Entity::LEAD,
        row: lead_id().row(),
        column: Some(lead::NAME),
        kept: "Bob".into(),
        lost: 2.into(),
        operation: OperationId::from_bytes([1; 16]),
        at: NOW,
        phone_won: true,
    };
    let cells = conflict.to_columns();
    let cell = |tag| format!("is `{}`", hex(cells.get(tag).as_bytes().unwrap()).trim());
    assert_says(&cell(schema::conflict::KEPT));
    assert_says(&cell(schema::conflict::LOST));
}

/// Every code the code knows: a new one does not compile until it is listed here, and so there.
const fn status_of(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::Malformed => "400",
        ErrorCode::Unauthorized => "401",
        ErrorCode::Revoked => "403",
        ErrorCode::TooLarge => "413",
        ErrorCode::Upgrade => "426",
        ErrorCode::Busy => "429",
        ErrorCode::Unavailable => "500, 503",
        ErrorCode::Other => "",
    }
}

#[test]
fn the_listed_errors_and_refusals_are_those_of_the_code() {
    use ErrorCode::*;
    for code in [
        Malformed,
        Unauthorized,
        Revoked,
        TooLarge,
        Upgrade,
        Busy,
        Unavailable,
    ] {
        assert_says(&format!("\n| {} | `{}` |", status_of(code), name(&code)));
    }
    use RejectCode as R;
    for code in [
        R::OutOfScope,
        R::Deleted,
        R::Exists,
        R::ReadOnly,
        R::Invalid,
        R::Transition,
        R::Dependency,
        R::Group,
        R::Rule,
    ] {
        assert_says(&format!("\n| `{}` | ", name(&code)));
    }
}

#[test]
fn the_listed_limits_are_those_of_the_code() {
    assert_says(&format!("`/v1/push` {}; ", grouped(MAX_PUSH_BYTES)));
    let operations = format!("| {MAX_PUSH_OPERATIONS}, {MAX_GROUP_OPERATIONS} |");
    assert_says(&operations);
    assert_says(&format!("| gaps in a push | {MAX_PUSH_GAPS} |"));
    let compared = format!("{MAX_COMPARED_SCOPES}, {}", grouped(MAX_REPAIR_ROWS));
    assert_says(&format!(
        "| scopes in a comparison, rows named in a repair | {compared} |"
    ));
    assert_eq!(MAX_COMPARE_BYTES, 1 << 20);
    let frame = format!(
        "at most {} rows and {} bytes, and at most 4 MiB",
        grouped(MAX_FRAME_ROWS),
        grouped(MAX_FRAME_BYTES)
    );
    assert_says(&frame);
    assert_eq!(MAX_FRAME_RAW_BYTES, 4 << 20);
}

/// `262144` as `262,144`.
fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let head = digits.len() % 3;
    let (first, rest) = digits.split_at(if head == 0 { 3 } else { head });
    let rest = rest.as_bytes().chunks(3);
    rest.fold(first.to_owned(), |all, part| {
        format!("{all},{}", std::str::from_utf8(part).unwrap())
    })
}

#[test]
fn the_listed_columns_are_those_of_the_model() {
    let text = DOCUMENT.split("## Columns of schema 1").nth(1).unwrap();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for entity in (1..=8).map(Entity) {
        let list: Vec<String> = fieldfare_model::columns_of(entity)
            .iter()
            .map(|c| {
                let kind = format!("{:?}", c.kind).to_lowercase();
                let policy = match c.policy {
                    fieldfare_model::MergePolicy::ServerOrder => "o",
                    fieldfare_model::MergePolicy::ServerWins => "w",
                    fieldfare_model::MergePolicy::Transition => "t",
                    fieldfare_model::MergePolicy::ServerOnly => "s",
                    fieldfare_model::MergePolicy::AppendOnly => "a",
                };
                format!("[{}] {} {kind} {policy}", c.tag, c.name)
            })
            .collect();
        let line = format!("**{} {}**: {}", entity.0, entity.name(), list.join(" · "));
        assert!(text.contains(&line), "missing: {line}");
    }
}
