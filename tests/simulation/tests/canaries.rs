//! Each seeded bug is found by the simulation. Compiled only with `--cfg fieldfare_bugs`, as
//! `make canaries` does; the bugs are in no other build.
#![cfg(fieldfare_bugs)]
#![allow(missing_docs, clippy::panic)]

use fieldfare_model::bug::plant_bug;
use fieldfare_simulation::bugs::BUGS;
use fieldfare_simulation::run::{Finding, Stores, play};

/// In so many seeds each bug must show.
const SEEDS: u64 = 200;
const STEPS: usize = 2_000;

fn first_finding(bug: &'static str) -> Option<(u64, Box<Finding>)> {
    plant_bug(bug);
    let found = (0..SEEDS).find_map(|seed| {
        let finding = play(seed, STEPS, Stores::Models).err()?;
        Some((seed, finding))
    });
    plant_bug("");
    found
}

#[test]
fn every_seeded_bug_is_found() {
    let mut missed = Vec::new();
    for (bug, what) in BUGS {
        match first_finding(bug) {
            Some((seed, finding)) => println!(
                "caught  {bug} ({what}) by seed {seed} in {} actions: {}",
                finding.len(),
                finding.wrong
            ),
            None => {
                println!("MISSED  {bug} ({what}) in {SEEDS} seeds");
                missed.push(bug);
            }
        }
    }
    assert!(missed.is_empty(), "missed: {missed:?}");
}

#[test]
fn without_a_bug_nothing_is_found() {
    for seed in 0..5 {
        if let Err(finding) = play(seed, STEPS, Stores::Models) {
            panic!("{finding}");
        }
    }
}
