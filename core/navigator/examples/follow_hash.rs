//! Follows some hundred generated trips and prints one hash of everything they gave:
//! `cargo run -p fieldfare-navigator --example follow_hash -- [COUNT]`.
//!
//! The hash must be the same on every platform and at every optimisation level.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "shared with the tests"
)]

#[path = "../tests/common/mod.rs"]
mod common;

use common::trip::{Trip, trip};
use fieldfare_navigator::simulate::drive;
use fieldfare_navigator::{
    FollowConfig, Recalc, RecalcConfig, RecalcPolicy, RouteSession, follow, rank_routes,
};
use std::fmt::Write;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count = std::env::args()
        .nth(1)
        .map_or(Ok(300), |text| text.parse())?;
    let mut hasher = blake3::Hasher::new();
    let mut before = trip(count);
    for seed in 0..count {
        let trip = trip(seed);
        hasher.update(told(&trip, &before)?.as_bytes());
        before = trip;
    }
    println!("{count} trips {}", hasher.finalize().to_hex());
    Ok(())
}

/// Everything a trip gives, floats to the last bit.
fn told(trip: &Trip, other: &Trip) -> Result<String, Box<dyn std::error::Error>> {
    let mut text = String::new();
    let mut session = RouteSession::new(trip.itinerary.clone(), FollowConfig::default())?;
    session.start(trip.script.start_at);
    let mut policy = RecalcPolicy::new(RecalcConfig::default());
    let fixes = drive(&trip.itinerary, &trip.script);
    for seen in &fixes {
        let update = session.update(&seen.fix);
        let recalc = policy.decide(&update, seen.fix.fix.at, true);
        writeln!(text, "{update:?} {recalc:?}")?;
        if recalc != Recalc::Nothing {
            let routes = [&*trip.itinerary, &*other.itinerary];
            let ranked = rank_routes(&seen.fix, &session.pending_stops(), &routes);
            writeln!(text, "{ranked:?}")?;
        }
    }
    writeln!(
        text,
        "{:?} {:?}",
        session.to_bytes(),
        trip.itinerary.digest()
    )?;
    let fixes: Vec<_> = fixes.iter().map(|seen| seen.fix).collect();
    let followed = follow(&trip.itinerary, &fixes, FollowConfig::default())?;
    writeln!(text, "{followed}")?;
    Ok(text)
}
