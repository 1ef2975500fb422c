use fieldfare_model::{LeadId, TimestampMs};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What proximity remembers between fixes. Says where the rep is: keep it encrypted, and drop it
/// when consent ends.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProximityState {
    last_fix: Option<TimestampMs>,
    leads: BTreeMap<LeadId, LeadState>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct LeadState {
    inside_since: Option<TimestampMs>,
    alerted: bool,
    last_alert: Option<TimestampMs>,
}

/// What a fix did to a lead's circle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Crossing {
    Entered,
    Left,
}

impl ProximityState {
    /// Takes the next moment; answers whether it is new. A moment older than the last by more
    /// than `reset_ms` is a clock put back: then all that was timed starts anew at that moment.
    pub(super) fn advance(&mut self, at: TimestampMs, reset_ms: i64) -> bool {
        if let Some(last) = self.last_fix {
            if last.since(at) > reset_ms {
                self.put_back(at);
            } else if at <= last {
                return false;
            }
        }
        self.last_fix = Some(at);
        true
    }

    fn put_back(&mut self, at: TimestampMs) {
        for lead in self.leads.values_mut() {
            lead.inside_since = lead.inside_since.map(|since| since.min(at));
            lead.last_alert = lead.last_alert.map(|alert| alert.min(at));
        }
    }

    /// Notes how far a lead is.
    pub(super) fn locate(
        &mut self,
        id: LeadId,
        distance_m: f64,
        (radius_m, exit_m): (f64, f64),
        at: TimestampMs,
    ) -> Option<Crossing> {
        if self.is_inside(id) {
            return (distance_m > exit_m).then(|| self.leave(id));
        }
        (distance_m <= radius_m).then(|| {
            let lead = self.leads.entry(id).or_default();
            lead.inside_since = Some(at);
            Crossing::Entered
        })
    }

    pub(super) fn leave(&mut self, id: LeadId) -> Crossing {
        if let Some(lead) = self.leads.get_mut(&id) {
            lead.inside_since = None;
            lead.alerted = false;
        }
        Crossing::Left
    }

    /// Whether a lead's time has come: inside for `dwell_ms`, not told of in this stay, and no
    /// alert within `cool_down_ms`.
    pub(super) fn is_due(
        &self,
        id: LeadId,
        at: TimestampMs,
        dwell_ms: i64,
        cool_down_ms: i64,
    ) -> bool {
        self.leads.get(&id).is_some_and(|lead| {
            let stayed = lead
                .inside_since
                .is_some_and(|since| at.since(since) >= dwell_ms);
            let cool = lead
                .last_alert
                .is_none_or(|alert| at.since(alert) >= cool_down_ms);
            stayed && cool && !lead.alerted
        })
    }

    pub(super) fn note_alert(&mut self, id: LeadId, at: TimestampMs) {
        let lead = self.leads.entry(id).or_default();
        lead.alerted = true;
        lead.last_alert = Some(at);
    }

    /// Forgets leads that are left and whose cool-down is over.
    pub(super) fn prune(&mut self, at: TimestampMs, cool_down_ms: i64) {
        self.leads.retain(|_, lead| {
            let cooling = lead
                .last_alert
                .is_some_and(|alert| at.since(alert) < cool_down_ms);
            lead.inside_since.is_some() || cooling
        });
    }

    /// The leads at which the rep is, in order of id.
    pub fn inside(&self) -> impl Iterator<Item = LeadId> {
        let inside = |(id, lead): (&LeadId, &LeadState)| lead.inside_since.map(|_| *id);
        self.leads.iter().filter_map(inside)
    }

    fn is_inside(&self, id: LeadId) -> bool {
        self.leads
            .get(&id)
            .is_some_and(|lead| lead.inside_since.is_some())
    }

    /// Whether the rep is at a lead and was told so in this stay. Such a lead needs no more fixes.
    pub fn is_told(&self, id: LeadId) -> bool {
        self.leads.get(&id).is_some_and(|lead| lead.alerted)
    }

    /// How many leads are remembered.
    pub fn len(&self) -> usize {
        self.leads.len()
    }

    /// Whether no lead is remembered.
    pub fn is_empty(&self) -> bool {
        self.leads.is_empty()
    }
}
