//! Prints what the store costs at 100,000 leads: bootstrap, publish, open, positions, disk.
//!
//! `cargo run --release -p fieldfare-store --example measure -- [leads] [text] [edited]`
//!
//! `edited` sends the leads in no order of their ids, as they come once each was changed some day.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use fieldfare_model::{
    Entity, GeocodeStatus, LatLng, Lead, LeadId, LeadKind, LeadStatus, Precision, Row, TimestampMs,
};
use fieldfare_store::{LeadFilter, LeadOrder, MemoryKeyVault, Store, StoreOptions};
use fieldfare_sync::{
    Checkpoint, DigestKey, Epoch, FeedChange, Frame, PhoneStore, Priority, ScopeGrant, ScopeId,
    encode_frames,
};
use std::sync::Arc;
use std::time::Instant;

/// A small generator (splitmix64), so that runs are alike.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

const WORDS: [&str; 12] = [
    "Acme", "Brandt", "Cedar", "Delta", "Elm", "Frost", "Grove", "Harbor", "Iron", "Juniper",
    "Kestrel", "Lumen",
];

fn lead(i: u64, random: &mut Random) -> Lead {
    let word = |r: &mut Random| WORDS[usize::try_from(r.below(12)).unwrap()];
    let mut bytes = [0; 10];
    bytes[..8].copy_from_slice(&random.next().to_be_bytes());
    let id = LeadId::v7(1_700_000_000_000 + i * 50, bytes);
    let name = format!("{} {} {}", word(random), word(random), random.below(10_000));
    let mut lead = Lead::new(id, name);
    lead.kind = LeadKind::Company;
    lead.crm_source = Some("hubspot".into());
    lead.crm_id = Some(format!("{}", 10_000_000_000 + i));
    lead.address.street = Some(format!("{} {} Street", random.below(9_999), word(random)));
    lead.address.city = Some(format!("{}ville", word(random)));
    lead.address.region = Some("MA".into());
    lead.address.postal_code = Some(format!("{:05}", random.below(99_999)));
    lead.address.country = Some("US".into());
    lead.phone = Some(format!("+1617{:07}", random.below(9_999_999)));
    lead.status = LeadStatus::ALL[usize::try_from(random.below(6)).unwrap()];
    lead.tier = Some(u8::try_from(1 + random.below(3)).unwrap());
    lead.score = Some(u8::try_from(random.below(101)).unwrap());
    lead.owner = Some(format!("{}", 500 + random.below(40)));
    lead.geocode.status = GeocodeStatus::Success;
    lead.geocode.precision = Some(Precision::Parcel);
    lead.geocode.uncertainty_m = Some(40);
    lead.geocode.position = LatLng::new(
        41.0 + random.below(20_000_000) as f64 / 1e7,
        -73.0 + random.below(30_000_000) as f64 / 1e7,
    )
    .ok();
    lead.source_updated_at = Some(TimestampMs(1_763_900_000_000 + i64::try_from(i).unwrap()));
    lead
}

/// Milliseconds this thread was on a processor, where the system says.
fn cpu_ms() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = text.split_whitespace().next().unwrap_or("0");
    first.parse::<f64>().unwrap_or(0.0) / 1e6
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let (start, cpu) = (Instant::now(), cpu_ms());
    let result = work();
    let (wall, cpu) = (start.elapsed().as_secs_f64() * 1e3, cpu_ms() - cpu);
    println!("{what:<34} {cpu:>10.2} ms CPU {wall:>10.2} ms");
    result
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let count: u64 = arguments.next().map_or(100_000, |n| n.parse().unwrap());
    let words: Vec<String> = arguments.collect();
    let full_text = words.iter().any(|word| word == "text");
    let is_edited = words.iter().any(|word| word == "edited");
    let options = StoreOptions {
        full_text,
        ..StoreOptions::default()
    };
    let dir = tempfile::tempdir().unwrap();
    let vault = Arc::new(MemoryKeyVault::new());

    let mut random = Random(7);
    let mut leads: Vec<Lead> = (0..count).map(|i| lead(i, &mut random)).collect();
    if is_edited {
        for last in (1..leads.len()).rev() {
            let other = random.below(last as u64 + 1);
            leads.swap(last, usize::try_from(other).unwrap());
        }
    }
    let json: usize = leads
        .iter()
        .map(|l| serde_json::to_vec(l).unwrap().len())
        .sum();
    let shown: usize = leads
        .iter()
        .map(|l| {
            let mut value = serde_json::to_value(l).unwrap();
            value.as_object_mut().unwrap().retain(|_, v| !v.is_null());
            value.to_string().len()
        })
        .sum();
    println!(
        "{count} leads, {} B JSON each ({} B without nulls), full text {full_text}",
        json as u64 / count,
        shown as u64 / count
    );
    let changes: Vec<FeedChange> = leads
        .iter()
        .zip(1..)
        .map(|(l, version)| FeedChange::Put {
            entity: Entity::LEAD,
            row: Row {
                id: l.id.row(),
                version,
                columns: l.to_columns(),
            },
        })
        .collect();
    let scope = ScopeId::try_from("terr:a".to_owned()).unwrap();
    let frames = encode_frames(&scope, 0, count, &changes, &|b| {
        zstd::encode_all(b, 3).unwrap()
    })
    .unwrap();
    let wire: usize = frames.iter().map(Vec::len).sum();
    println!(
        "{} frames, {} B per row on the wire",
        frames.len(),
        wire as u64 / count
    );

    let (store, _) = Store::open(dir.path(), vault.clone(), options).unwrap();
    let mut phone = &store;
    phone.enter_epoch(Epoch(1)).unwrap();
    let decoded: Vec<Frame> = timed("decode all frames", || {
        frames.iter().map(|f| Frame::decode(f).unwrap()).collect()
    });
    let mut longest_ms = 0.0_f64;
    timed("stage all frames", || {
        for (frame, bytes) in decoded.iter().zip(&frames) {
            let cpu = cpu_ms();
            phone.stage(frame, bytes, 0).unwrap();
            longest_ms = longest_ms.max(cpu_ms() - cpu);
        }
    });
    println!("{:<34} {longest_ms:>10.2} ms CPU", "the longest of them");
    let grants = [ScopeGrant {
        scope,
        priority: Priority::BULK,
    }];
    let checkpoint = Checkpoint {
        head: count,
        priority: Priority::BULK,
        complete: true,
    };
    timed("publish", || phone.publish(&grants, &checkpoint).unwrap());
    timed("digests of what is stored", || {
        phone.sums(&DigestKey::of(Epoch(1))).unwrap()
    });
    timed("suspend", || store.suspend().unwrap());
    let disk: u64 = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|e| e.unwrap())
        .filter(|e| e.file_name().to_string_lossy().starts_with("cache.db"))
        .map(|e| e.metadata().unwrap().len())
        .sum();
    println!("cache.db: {} B per lead", disk / count);
    drop(store);

    for _ in 0..3 {
        let (store, _) = timed("open", || {
            Store::open(dir.path(), vault.clone(), options).unwrap()
        });
        let positions = timed("positions", || store.positions().unwrap());
        assert_eq!(positions.len() as u64, count);
        timed("positions, again", || store.positions().unwrap());
        timed("first page of 50 by name", || {
            store
                .page_leads(&LeadFilter::default(), LeadOrder::Name, None, 50)
                .unwrap()
        });
        timed("last changed 50", || {
            store
                .page_leads(&LeadFilter::default(), LeadOrder::Changed, None, 50)
                .unwrap()
        });
        let rare = LeadFilter {
            owner: Some("nobody".into()),
            ..LeadFilter::default()
        };
        timed("page of an owner nobody has", || {
            store.page_leads(&rare, LeadOrder::Name, None, 50).unwrap()
        });
        if full_text {
            timed("search", || store.search_leads("brandt har", 20).unwrap());
        }
        store.close().unwrap();
    }
}
