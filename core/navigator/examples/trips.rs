//! Follows simulated noisy trips and judges each by what really happened:
//! `cargo run --release -p fieldfare-navigator --example trips -- [COUNT] [FIRST SEED]`.
//!
//! Leaves with an error if any trip was followed with a fault.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "shared with the tests"
)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let count: u64 = arguments.next().map_or(Ok(1_000), |text| text.parse())?;
    let first: u64 = arguments.next().map_or(Ok(0), |text| text.parse())?;
    let mut total = common::judge::Verdict::default();
    let mut faulty = 0;
    for seed in first..first + count {
        let trip = common::trip::trip(seed);
        let verdict = common::judge::judge(&trip);
        if !verdict.faults.is_empty() {
            faulty += 1;
            println!("seed {seed} {:?}", trip.shape);
            for fault in &verdict.faults {
                println!("    {fault}");
            }
        }
        total.fixes += verdict.fixes;
        total.off_runs += verdict.off_runs;
        total.off_alarms += verdict.off_alarms;
        total.wrong_way_alarms += verdict.wrong_way_alarms;
        total.texts_due += verdict.texts_due;
        total.spoken += verdict.spoken;
        total.skipped += verdict.skipped;
        total.again += verdict.again;
        total.worst_found_after = total.worst_found_after.max(verdict.worst_found_after);
        total.worst_along_m = total.worst_along_m.max(verdict.worst_along_m);
    }
    println!("{count} trips, {} fixes, {faulty} with faults", total.fixes);
    println!(
        "off the route {} times, found after at most {} fixes; {} alarms, {} of wrong way, {} returns",
        total.off_runs,
        total.worst_found_after.max(1),
        total.off_alarms,
        total.wrong_way_alarms,
        total.again
    );
    println!(
        "{} texts surely due, {} said, {} told as skipped; place off by {:.0} m at most",
        total.texts_due, total.spoken, total.skipped, total.worst_along_m
    );
    if faulty > 0 {
        return Err(format!("{faulty} trips were followed with faults").into());
    }
    Ok(())
}
