//! A day in steps, on a watched disk: where its power can be cut, and how far it had come then.

use crate::Entry;
use std::collections::BTreeSet;

/// How far a day had come, by the numbers of its steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Steps that had begun.
    pub begun: BTreeSet<usize>,
    /// Steps that were said to be done.
    pub done: BTreeSet<usize>,
}

impl Progress {
    /// After so many entries.
    pub fn of(entries: &[Entry]) -> Self {
        let begun = entries.iter().filter_map(|entry| match entry {
            Entry::Begun(step) => Some(*step),
            _ => None,
        });
        let done = entries.iter().filter_map(|entry| match entry {
            Entry::Done(step) => Some(*step),
            _ => None,
        });
        Self {
            begun: begun.collect(),
            done: done.collect(),
        }
    }

    /// Whether this step of the day had begun.
    pub fn had_begun<S: PartialEq>(&self, day: &[S], step: &S) -> bool {
        self.begun.iter().any(|&at| day.get(at) == Some(step))
    }

    /// Whether this step of the day was said to be done.
    pub fn was_done<S: PartialEq>(&self, day: &[S], step: &S) -> bool {
        self.done.iter().any(|&at| day.get(at) == Some(step))
    }
}

/// Right before and right after every sync of a file: how many entries there are then.
pub fn cuts_at_syncs(entries: &[Entry]) -> BTreeSet<usize> {
    let places = entries.iter().enumerate();
    let syncs = places.filter(|(_, entry)| matches!(entry, Entry::Sync { .. }));
    syncs.flat_map(|(at, _)| [at, at + 1]).collect()
}

/// The seed `FIELDFARE_SEED` asks for, else 1. Prints it.
pub fn seed() -> u64 {
    let given = std::env::var("FIELDFARE_SEED").ok();
    let seed = given.and_then(|seed| seed.parse().ok()).unwrap_or(1);
    println!("seed {seed}; another with FIELDFARE_SEED");
    seed
}
