//! Bytes and CPU of frames, beside other encodings of the same leads.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use fieldfare_model::{Entity, Lead, Row, TerritoryId};
use fieldfare_sync::{FeedChange, Frame, MAX_FRAME_ROWS, ScopeId, encode_frames};
use fieldfare_tests::figures::{cpu_seconds, print_table};
use fieldfare_tests::leads::{leads, lean};

const ROWS: usize = 100_000;

fn main() {
    let territory = TerritoryId::from_bytes([5; 16]);
    let full = leads(1, ROWS, territory);
    compare(
        "300-byte leads",
        &full.iter().map(lean).collect::<Vec<_>>(),
        territory,
    );
    compare("whole leads", &full, territory);
}

fn compare(what: &str, leads: &[Lead], territory: TerritoryId) {
    let changes: Vec<FeedChange> = leads
        .iter()
        .zip(1..)
        .map(|(lead, seq)| put(lead, seq))
        .collect();
    let before = cpu_seconds();
    let frames = encode_frames(
        &ScopeId::territory(territory),
        0,
        ROWS as u64,
        &changes,
        &fieldfare_server::feed::compress,
    )
    .unwrap();
    let encoded = cpu_seconds();
    let rows: usize = frames
        .iter()
        .map(|f| Frame::decode(f).unwrap().changes.len())
        .sum();
    let decoded = cpu_seconds();
    assert_eq!(rows, ROWS);
    let ours = frames.iter().map(Vec::len).sum::<usize>() as f64 / ROWS as f64;
    let json = per_row(leads, |chunk| {
        chunk
            .iter()
            .flat_map(|l| serde_json::to_vec(&present(l)).unwrap())
            .collect()
    });
    let maps = per_row(leads, |chunk| {
        chunk
            .iter()
            .flat_map(|l| rmp_serde::to_vec_named(&present(l)).unwrap())
            .collect()
    });
    let row = |name: &str, (raw, packed): (f64, f64)| {
        let ratio = format!("{:.2}x", packed / ours);
        vec![
            name.to_owned(),
            format!("{raw:.1}"),
            format!("{packed:.1}"),
            ratio,
        ]
    };
    print_table(
        &format!("100,000 {what} in frames of 2,000; bytes a row"),
        &["form", "raw", "zstd-3", "to ours"],
        &[
            row("JSON lines", json),
            row("MessagePack maps", maps),
            row("Fieldfare frames", (ours, ours)),
        ],
    );
    println!(
        "  CPU a row: encode {:.2} us, decode {:.2} us",
        (encoded - before) * 1e6 / ROWS as f64,
        (decoded - encoded) * 1e6 / ROWS as f64
    );
}

fn put(lead: &Lead, seq: u64) -> FeedChange {
    let row = Row {
        id: lead.id.row(),
        version: seq,
        columns: lead.to_columns(),
    };
    FeedChange::Put {
        entity: Entity::LEAD,
        row,
    }
}

/// The lead's present cells by name.
fn present(lead: &Lead) -> serde_json::Map<String, serde_json::Value> {
    let columns = lead.to_columns();
    let mut map = serde_json::Map::new();
    map.insert("id".into(), lead.id.to_string().into());
    for column in fieldfare_model::columns_of(Entity::LEAD) {
        match columns.get(column.tag) {
            fieldfare_model::Value::Int(n) => map.insert(column.name.into(), (*n).into()),
            fieldfare_model::Value::Text(t) => map.insert(column.name.into(), t.as_str().into()),
            fieldfare_model::Value::Bytes(_) => map.insert(
                column.name.into(),
                lead.territory.unwrap().to_string().into(),
            ),
            fieldfare_model::Value::Null => None,
        };
    }
    map
}

/// Raw and compressed bytes a row.
fn per_row(leads: &[Lead], encode: impl Fn(&[Lead]) -> Vec<u8>) -> (f64, f64) {
    let (mut raw, mut packed) = (0, 0);
    for chunk in leads.chunks(MAX_FRAME_ROWS) {
        let bytes = encode(chunk);
        packed += zstd::bulk::compress(&bytes, 3).unwrap().len();
        raw += bytes.len();
    }
    (
        raw as f64 / leads.len() as f64,
        packed as f64 / leads.len() as f64,
    )
}
