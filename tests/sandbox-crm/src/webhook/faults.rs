//! What goes wrong with deliveries on purpose.

use serde::{Deserialize, Serialize};

use super::event::WebhookEvent;
use crate::rng::SplitMix;

/// How often an event is sent again although nothing failed.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Duplicates {
    /// Each event once.
    #[default]
    None,
    /// Each event this many times more.
    Every(u32),
    /// Each event once more with this probability, 0 to 1.
    Chance(f64),
}

/// What goes wrong with deliveries on purpose. Default: nothing.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeliveryFaults {
    /// Events sent more than once, with the same event id.
    pub duplicates: Duplicates,
    /// Whether waiting events, duplicates with them, are shuffled before they are put into batches.
    pub reorder: bool,
    /// Each batch waits this many milliseconds; with `reorder` a random share of it, so that later
    /// batches overtake earlier ones.
    pub delay_ms: u64,
    /// Events that are never sent, with this probability, 0 to 1.
    pub drop_chance: f64,
    /// Answers of 2xx that get lost on the way back, so that the batch is sent again, with this
    /// probability, 0 to 1.
    pub lost_answer_chance: f64,
}

/// What [`DeliveryFaults::spoil`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Spoiled {
    pub(super) dropped: usize,
    pub(super) duplicated: usize,
}

impl DeliveryFaults {
    /// Drops, repeats and shuffles waiting events.
    pub(super) fn spoil(&self, events: &mut Vec<WebhookEvent>, rng: &mut SplitMix) -> Spoiled {
        let offered = events.len();
        if self.drop_chance > 0.0 {
            events.retain(|_| !rng.chance(self.drop_chance));
        }
        let kept = events.len();
        self.duplicate(events, rng);
        if self.reorder {
            rng.shuffle(events);
        }
        Spoiled {
            dropped: offered - kept,
            duplicated: events.len() - kept,
        }
    }

    fn duplicate(&self, events: &mut Vec<WebhookEvent>, rng: &mut SplitMix) {
        let originals = events.clone();
        match self.duplicates {
            Duplicates::None => {}
            Duplicates::Every(copies) => {
                for _ in 0..copies {
                    events.extend_from_slice(&originals);
                }
            }
            Duplicates::Chance(chance) => {
                events.extend(originals.into_iter().filter(|_| rng.chance(chance)));
            }
        }
    }

    /// How long one batch waits before it is sent.
    pub(super) fn delay_of_a_batch(&self, rng: &mut SplitMix) -> u64 {
        if self.reorder {
            rng.below(self.delay_ms.saturating_add(1))
        } else {
            self.delay_ms
        }
    }
}
