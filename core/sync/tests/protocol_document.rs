//! The worked example in `docs/protocol.md` is what the code reads and writes.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use fieldfare_model::{ClientId, Columns, Entity, Row, RowId, schema};
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
        budget: 65_536,
    };
    assert_eq!(
        hex(&encode_message(&request).unwrap()),
        hex(&block("<!-- pull -->"))
    );
}

#[test]
fn the_listed_columns_are_those_of_the_model() {
    let text = DOCUMENT.split("## Columns of schema 1").nth(1).unwrap();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for entity in (1..=6).map(Entity) {
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
