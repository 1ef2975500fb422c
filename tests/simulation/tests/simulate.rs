//! Two hundred seeds, two thousand steps each.
#![allow(missing_docs, clippy::panic)]

use fieldfare_simulation::run::{Stores, play};

const STEPS: usize = 2_000;

/// Seeds that once showed something wrong, kept.
const KEPT: [u64; 21] = [
    5, 17, 18, 20, 145, 152, 188, 196, 223, 234, 245, 288, 302, 308, 403, 945, 2_313, 4_094, 9_985,
    19_645, 1_000_003,
];

fn all_right(seeds: impl Iterator<Item = u64>) {
    for seed in seeds {
        if let Err(finding) = play(seed, STEPS, Stores::Models) {
            panic!("{finding}");
        }
    }
}

// In four parts, so that they run side by side.

#[test]
fn seeds_0_to_49() {
    all_right(0..50);
}

#[test]
fn seeds_50_to_99() {
    all_right(50..100);
}

#[test]
fn seeds_100_to_149() {
    all_right(100..150);
}

#[test]
fn seeds_150_to_199() {
    all_right(150..200);
}

#[test]
fn seeds_that_once_showed_something() {
    all_right(KEPT.into_iter());
}
