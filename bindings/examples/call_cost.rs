//! What the calls of the Kotlin and Swift packages cost when nothing but Rust is in between: one line for
//! each, its name and nanoseconds. The packages' own benches print it beside theirs.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

#[path = "../tests/support/mod.rs"]
mod support;

use fieldfare::{FieldfareEngine, Fix, FixContext, LatLng, LeadFilter, LeadOrder, NearbyQuery};
use fieldfare::{PlanDay, StopWish, SyncCancel, WorkHours};
use fieldfare_model::{Purpose, TimestampMs};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

const LEADS: u32 = 1_000;
const ROUNDS: u32 = 7;

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let engine = runtime.unwrap().block_on(support::enrolled(&dir));
    furnish(&engine);
    for (name, nanoseconds) in figures(&engine) {
        println!("{name}\t{nanoseconds:.0}");
    }
}

fn here() -> LatLng {
    LatLng {
        lat: 42.36,
        lon: -71.06,
    }
}

/// Leads 100 metres apart, north of here.
fn furnish(engine: &FieldfareEngine) {
    for n in 0..LEADS {
        let lat = here().lat + f64::from(n) * 0.0009;
        let lead = support::lead_at(&format!("Lead {n}"), lat, here().lon);
        engine.add_lead(lead).unwrap();
    }
    let purpose = Purpose::ProximityAlerts;
    engine
        .grant(purpose, "1".into(), "en".into(), None)
        .unwrap();
}

/// The least of several rounds: other work only ever adds.
fn nanoseconds(calls: u32, mut call: impl FnMut()) -> f64 {
    let rounds = (0..ROUNDS).map(|_| {
        let began = Instant::now();
        (0..calls).for_each(|_| call());
        began.elapsed().as_secs_f64() * 1e9 / f64::from(calls)
    });
    rounds.fold(f64::INFINITY, f64::min)
}

fn figures(engine: &Arc<FieldfareEngine>) -> Vec<(&'static str, f64)> {
    let cancel = SyncCancel::new();
    let ten = NearbyQuery {
        limit: Some(10),
        ..NearbyQuery::default()
    };
    let page = |limit| {
        let filter = LeadFilter::default();
        black_box(engine.leads_page(filter, LeadOrder::Name, None, limit)).unwrap();
    };
    let mut at = 1_900_000_000_000;
    let mut fix = || {
        at += 1_000;
        fix_at(here(), at)
    };
    vec![
        (
            "a call",
            nanoseconds(200_000, || {
                black_box(cancel.is_cancelled());
            }),
        ),
        ("a page of 100 leads", nanoseconds(50, || page(100))),
        (
            "the 10 leads nearest",
            nanoseconds(500, || {
                black_box(engine.nearby(here(), ten.clone())).unwrap();
            }),
        ),
        (
            "the 10 nearest, ids",
            nanoseconds(2_000, || {
                black_box(engine.nearby_ids(here(), ten.clone())).unwrap();
            }),
        ),
        (
            "a fix, alerts allowed",
            nanoseconds(2_000, || {
                black_box(engine.fix(fix(), FixContext::default())).unwrap();
            }),
        ),
        ("a fix on a route", drive(engine)),
    ]
}

fn fix_at(position: LatLng, ms: i64) -> Fix {
    Fix {
        position,
        at: TimestampMs(ms),
        accuracy_m: 5.0,
        speed_mps: None,
    }
}

/// Back and forth over 8 kilometres of a route, ten metres a second.
fn drive(engine: &Arc<FieldfareEngine>) -> f64 {
    let far = engine.nearby_ids(
        here(),
        NearbyQuery {
            radius_m: Some(8_000.0),
            ..NearbyQuery::default()
        },
    );
    let far = far.unwrap().last().unwrap().lead;
    let date = "2030-01-07".parse().unwrap();
    let request = PlanDay {
        date,
        work: Some(WorkHours {
            hours: "Mo-Su 08:00-18:00".into(),
            time_zone: "America/New_York".into(),
            start: here(),
            end: None,
            visit_minutes: 30,
            candidates: 40,
            breaks: Vec::new(),
        }),
        wishes: vec![StopWish {
            lead: far,
            minutes: None,
            begins: Vec::new(),
            is_mandatory: false,
            priority: None,
        }],
        adds_due_leads: false,
        objective: None,
    };
    engine.plan_day(request).unwrap();
    let session = engine.follow_day(date, None).unwrap();
    let mut second = 0;
    nanoseconds(700, || {
        second += 1;
        let north = f64::from(second % 700) * 0.00009;
        let place = LatLng {
            lat: here().lat + north,
            ..here()
        };
        let fix = fix_at(place, 1_900_000_000_000 + i64::from(second) * 1_000);
        black_box(session.update(fix, None)).unwrap();
    })
}
