//! The hash chain of a consent ledger, as phone and server both compute it.

use fieldfare_model::{ConsentEvent, ConsentHash, Entity, RepId, Row, canonical_bytes};
use serde::{Deserialize, Serialize};

/// The newest entry of a consent ledger, by place and hash. Two ledgers with the same head hold
/// the same entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct LedgerHead {
    /// Place of the newest entry, 0 for an empty ledger.
    pub sequence: u64,
    /// Its hash, zeros for an empty ledger.
    pub hash: ConsentHash,
}

impl LedgerHead {
    /// The head of a ledger without entries.
    pub const EMPTY: Self = Self {
        sequence: 0,
        hash: [0; 32],
    };
}

impl From<&ConsentEvent> for LedgerHead {
    fn from(event: &ConsentEvent) -> Self {
        Self {
            sequence: event.sequence,
            hash: event.hash,
        }
    }
}

/// Why a list of consent events is not an unbroken ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// An entry is missing, repeated or out of order.
    #[error("consent entry {expected} is missing or out of order: found {found} in its place")]
    Sequence {
        /// The place that should come next.
        expected: u64,
        /// The place found.
        found: u64,
    },
    /// An entry does not follow the one before it.
    #[error("consent entry {sequence} does not follow the entry before it")]
    Previous {
        /// Place of the entry.
        sequence: u64,
    },
    /// An entry was changed after it was written.
    #[error("consent entry {sequence} was changed after it was written")]
    Hash {
        /// Place of the entry.
        sequence: u64,
    },
    /// An entry belongs to another rep than the ledger.
    #[error("consent entry {sequence} belongs to another rep")]
    Rep {
        /// Place of the entry.
        sequence: u64,
    },
}

/// The hash of a consent event: BLAKE3-256 over the previous hash, then the canonical bytes of
/// [`ConsentEvent::hashed_columns`] under the event's id with version 0.
///
/// Covers every field but the hash itself. The version is 0 because the server, not the ledger,
/// numbers rows.
pub fn consent_hash(event: &ConsentEvent) -> ConsentHash {
    let row = Row {
        id: event.id.row(),
        version: 0,
        columns: event.hashed_columns(),
    };
    let mut hasher = blake3::Hasher::new();
    hasher.update(&event.previous);
    hasher.update(&canonical_bytes(Entity::CONSENT, &row));
    *hasher.finalize().as_bytes()
}

/// Checks that an event is whole and is the next entry after `head`; answers the new head.
///
/// # Errors
/// [`ChainError`] naming the first thing that is wrong.
pub fn verify_next(head: LedgerHead, event: &ConsentEvent) -> Result<LedgerHead, ChainError> {
    let (expected, sequence) = (head.sequence.saturating_add(1), event.sequence);
    if sequence != expected || i64::try_from(sequence).is_err() {
        return Err(ChainError::Sequence {
            expected,
            found: sequence,
        });
    }
    if event.previous != head.hash {
        return Err(ChainError::Previous { sequence });
    }
    if consent_hash(event) != event.hash {
        return Err(ChainError::Hash { sequence });
    }
    Ok(LedgerHead::from(event))
}

/// Checks a whole ledger of one rep from its first entry on; answers its head. O(n).
///
/// A ledger cut short at its end is whole in itself: compare the head with the one the server
/// acknowledged.
///
/// # Errors
/// [`ChainError`] naming the first entry that is wrong.
pub fn verify_chain(rep: RepId, events: &[ConsentEvent]) -> Result<LedgerHead, ChainError> {
    events.iter().try_fold(LedgerHead::EMPTY, |head, event| {
        if event.rep == rep {
            verify_next(head, event)
        } else {
            Err(ChainError::Rep {
                sequence: event.sequence,
            })
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use fieldfare_model::{ConsentAction, ConsentEventId, Purpose, TimestampMs};
    use proptest::prelude::*;

    fn rep() -> RepId {
        RepId::from_bytes([7; 16])
    }

    fn chain(length: u64) -> Vec<ConsentEvent> {
        let mut head = LedgerHead::EMPTY;
        (1..=length)
            .map(|sequence| {
                let mut event = ConsentEvent {
                    id: ConsentEventId::v7(sequence, [sequence as u8; 10]),
                    rep: rep(),
                    sequence,
                    purpose: Purpose::LiveTracking,
                    action: ConsentAction::Grant,
                    text_version: "2026-11".into(),
                    language: "de".into(),
                    at: TimestampMs(sequence as i64 * 1000),
                    valid_until: Some(TimestampMs(1_000_000)),
                    previous: head.hash,
                    hash: [0; 32],
                };
                event.hash = consent_hash(&event);
                head = LedgerHead::from(&event);
                event
            })
            .collect()
    }

    type Change = (&'static str, fn(&mut ConsentEvent, u8));

    const CHANGES: &[Change] = &[
        ("id", |e, b| e.id = ConsentEventId::from_bytes([b; 16])),
        ("rep", |e, b| {
            let mut bytes = *e.rep.as_bytes();
            bytes[0] ^= b | 1;
            e.rep = RepId::from_bytes(bytes);
        }),
        ("sequence", |e, b| e.sequence += u64::from(b) + 1),
        ("purpose", |e, _| e.purpose = Purpose::VisitCheckIn),
        ("action", |e, _| e.action = ConsentAction::Withdraw),
        ("text_version", |e, b| {
            e.text_version.push(char::from(b % 26 + 97))
        }),
        ("language", |e, _| e.language.clear()),
        ("at", |e, b| e.at.0 -= i64::from(b) + 1),
        ("valid_until", |e, b| {
            e.valid_until.as_mut().unwrap().0 += i64::from(b) + 1
        }),
        ("no end", |e, _| e.valid_until = None),
        ("previous", |e, b| {
            e.previous[usize::from(b) % 32] ^= 1 << (b % 8)
        }),
        ("hash", |e, b| e.hash[usize::from(b) % 32] ^= 1 << (b % 8)),
    ];

    proptest! {
        #[test]
        fn an_untouched_chain_is_whole(length in 0u64..12) {
            let events = chain(length);
            let head = events.last().map_or(LedgerHead::EMPTY, LedgerHead::from);
            prop_assert_eq!(verify_chain(rep(), &events), Ok(head));
        }

        #[test]
        fn a_changed_field_is_found(
            length in 1u64..10, at in any::<prop::sample::Index>(), byte in any::<u8>(),
            change in 0..CHANGES.len(),
        ) {
            let mut events = chain(length);
            let event = at.get(&events).sequence as usize - 1;
            CHANGES[change].1(&mut events[event], byte);
            prop_assert!(verify_chain(rep(), &events).is_err(), "{} unseen", CHANGES[change].0);
        }

        #[test]
        fn a_changed_field_is_found_by_the_next_entry_even_when_hashed_again(
            length in 2u64..10, at in any::<prop::sample::Index>(), byte in any::<u8>(),
            change in 0..CHANGES.len(),
        ) {
            let mut events = chain(length);
            let event = at.index(events.len() - 1);
            CHANGES[change].1(&mut events[event], byte);
            events[event].hash = consent_hash(&events[event]);
            let untouched = events == chain(length);
            prop_assert_eq!(verify_chain(rep(), &events).is_ok(), untouched);
        }

        #[test]
        fn drop_swap_and_repeat_are_found(
            length in 2u64..10, a in any::<prop::sample::Index>(), b in any::<prop::sample::Index>(),
        ) {
            let whole = chain(length);
            let (a, b) = (a.index(whole.len() - 1), b.index(whole.len()));
            let mut dropped = whole.clone();
            dropped.remove(a);
            prop_assert!(verify_chain(rep(), &dropped).is_err());
            let mut repeated = whole.clone();
            repeated.insert(b, whole[a].clone());
            prop_assert!(verify_chain(rep(), &repeated).is_err());
            let mut swapped = whole;
            swapped.swap(a, b);
            prop_assert_eq!(verify_chain(rep(), &swapped).is_err(), a != b);
        }
    }

    #[test]
    fn a_wrong_place_is_found_even_when_well_hashed() {
        for place in [0, 1, 3, u64::MAX] {
            let mut events = chain(2);
            events[1].sequence = place;
            events[1].hash = consent_hash(&events[1]);
            let wrong = ChainError::Sequence {
                expected: 2,
                found: place,
            };
            assert_eq!(verify_chain(rep(), &events), Err(wrong));
        }
    }

    #[test]
    fn another_reps_ledger_is_refused() {
        let other = RepId::from_bytes([8; 16]);
        assert_eq!(
            verify_chain(other, &chain(1)),
            Err(ChainError::Rep { sequence: 1 })
        );
    }

    #[test]
    fn the_hash_is_what_the_protocol_says() {
        let event = &chain(1)[0];
        let mut bytes = vec![0; 32];
        let row = Row {
            id: event.id.row(),
            version: 0,
            columns: event.hashed_columns(),
        };
        bytes.extend(canonical_bytes(Entity::CONSENT, &row));
        assert_eq!(event.hash, *blake3::hash(&bytes).as_bytes());
    }
}
