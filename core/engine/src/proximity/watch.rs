use crate::consent::{Denied, Grant};
use crate::proximity::hours::Clocks;
use crate::proximity::state::Crossing;
use crate::proximity::{ConfigError, LeadsNear, NearLead, ProximityConfig, ProximityState};
use fieldfare_model::{Fix, LeadId, LeadStatus, Purpose, TimestampMs};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// What a fix led to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProximityEvent {
    /// The rep left a lead, or the lead is gone.
    Left {
        /// Which lead.
        lead: LeadId,
    },
    /// The rep came within a lead's radius. Says nothing of score, hours or status.
    Entered {
        /// Which lead.
        lead: LeadId,
        /// How far, metres.
        distance_m: f64,
    },
    /// The rep should be told of a lead.
    Alert {
        /// Which lead.
        lead: LeadId,
        /// How far, metres. Between the radius and the exit distance if the rep moved outwards
        /// while dwelling.
        distance_m: f64,
    },
}

/// Why a fix was not followed. Nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProximityError<E> {
    /// Consent does not cover the fix.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The leads around the fix could not be read.
    #[error("the leads around could not be read")]
    Leads(#[source] E),
}

/// Follows fixes and says when to tell the rep of a lead.
///
/// A lead alerts once per stay, while the rep is inside, when all of this holds: dwell time
/// over, cool-down over, score high enough, position known well enough, within contact hours in the
/// lead's zone, not visited on this local day, and not marked "do not contact". What holds too late in the stay alerts
/// then. Without a fix for long, the rep is taken to have stayed where the fixes before and
/// after agree.
#[derive(Debug, Clone)]
pub struct Proximity {
    config: ProximityConfig,
    clocks: Clocks,
    state: ProximityState,
}

impl Proximity {
    /// Starts with what an earlier run remembered, or with [`ProximityState::default`].
    ///
    /// # Errors
    /// [`ConfigError`] naming a setting that makes no sense.
    pub fn new(config: ProximityConfig, state: ProximityState) -> Result<Self, ConfigError> {
        config.validate()?;
        Ok(Self {
            clocks: Clocks::new(config.fallback_zone.as_deref()),
            config,
            state,
        })
    }

    /// The settings.
    pub const fn config(&self) -> &ProximityConfig {
        &self.config
    }

    /// What to keep over a restart.
    pub const fn state(&self) -> &ProximityState {
        &self.state
    }

    /// Forgets everything, as withdrawn consent demands.
    pub fn forget(&mut self) {
        self.state = ProximityState::default();
    }

    /// Follows one fix. Answers leads left and entered in order of id, then alerts, the highest
    /// score first, of equal score the nearest. O(k log k) for k leads around, and one search.
    ///
    /// Inaccurate, late and repeated fixes lead to nothing.
    ///
    /// # Errors
    /// [`ProximityError`]; nothing is changed then.
    pub fn on_fix<L: LeadsNear>(
        &mut self,
        grant: &Grant,
        fix: &Fix,
        leads: &L,
    ) -> Result<Vec<ProximityEvent>, ProximityError<L::Error>> {
        grant.permits(Purpose::ProximityAlerts, fix.at)?;
        if !(0.0..=self.config.max_accuracy_m).contains(&fix.accuracy_m) {
            return Ok(Vec::new());
        }
        let near = leads
            .near(fix.position, self.config.search_radius_m())
            .map_err(ProximityError::Leads)?;
        if !self.state.advance(fix.at, self.config.clock_reset_ms) {
            return Ok(Vec::new());
        }
        let near: BTreeMap<LeadId, NearLead> =
            near.into_iter().map(|lead| (lead.id, lead)).collect();
        let mut events = self.cross(&near, fix);
        events.extend(self.alert(&near, fix.at));
        self.state.prune(fix.at, self.config.cool_down_ms);
        Ok(events)
    }

    fn cross(&mut self, near: &BTreeMap<LeadId, NearLead>, fix: &Fix) -> Vec<ProximityEvent> {
        let gone: Vec<_> = self
            .state
            .inside()
            .filter(|id| !near.contains_key(id))
            .collect();
        let mut left = Vec::new();
        let mut entered = Vec::new();
        for lead in gone {
            self.state.leave(lead);
            left.push(lead);
        }
        for lead in near.values() {
            let radius_m = self.config.radius_m(lead.alert_radius_m);
            let limits = (radius_m, self.config.exit_m(radius_m, fix.accuracy_m));
            match self.state.locate(lead.id, lead.distance_m, limits, fix.at) {
                Some(Crossing::Left) => left.push(lead.id),
                Some(Crossing::Entered) => entered.push(ProximityEvent::Entered {
                    lead: lead.id,
                    distance_m: lead.distance_m,
                }),
                None => {}
            }
        }
        left.sort_unstable();
        let left = left.into_iter().map(|lead| ProximityEvent::Left { lead });
        left.chain(entered).collect()
    }

    fn alert(&mut self, near: &BTreeMap<LeadId, NearLead>, at: TimestampMs) -> Vec<ProximityEvent> {
        let mut due: Vec<_> = near.values().filter(|lead| self.is_due(lead, at)).collect();
        due.sort_by(|a, b| {
            let by_score = Reverse(a.score).cmp(&Reverse(b.score));
            by_score.then(a.distance_m.total_cmp(&b.distance_m))
        });
        due.truncate(self.config.max_alerts_per_fix);
        due.into_iter()
            .map(|lead| {
                self.state.note_alert(lead.id, at);
                ProximityEvent::Alert {
                    lead: lead.id,
                    distance_m: lead.distance_m,
                }
            })
            .collect()
    }

    fn is_due(&self, lead: &NearLead, at: TimestampMs) -> bool {
        let (dwell, cool_down) = (self.config.dwell_ms, self.config.cool_down_ms);
        self.state.is_due(lead.id, at, dwell, cool_down)
            && lead.status != LeadStatus::DoNotContact
            && lead.score.unwrap_or(0) >= self.config.min_score
            && self.config.knows_place(lead.uncertainty_m)
            && !self.is_visited_today(lead, at)
            && self
                .clocks
                .allow(&lead.contact_hours, lead.time_zone.as_deref(), at)
    }

    fn is_visited_today(&self, lead: &NearLead, at: TimestampMs) -> bool {
        let zone = lead.time_zone.as_deref();
        lead.last_visit_at
            .is_some_and(|visit| self.clocks.is_same_day_or_later(visit, at, zone))
    }
}
