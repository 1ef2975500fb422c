//! Whole trips, judged by what really happened.
#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]
mod common;
use common::judge::judge;
use common::trip::trip;

#[test]
fn noisy_trips_of_every_kind_are_followed_without_fault() {
    for seed in 0..120 {
        let trip = trip(seed);
        let verdict = judge(&trip);
        assert!(
            verdict.faults.is_empty(),
            "seed {seed}, {:?}: {:#?}\n{:?}",
            trip.shape,
            verdict.faults,
            trip.script
        );
    }
}
