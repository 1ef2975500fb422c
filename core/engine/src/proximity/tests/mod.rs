mod oracle;
mod time;
mod walks;

use super::*;
use crate::consent::{ConsentGate, ConsentLedger, Decision, Denied, Grant, TenantPolicy};
use fieldfare_geo::{destination, distance_m};
use fieldfare_model::{
    ConsentAction, ConsentEventId, Fix, LatLng, Lead, LeadId, LeadStatus, Purpose, RepId,
    TimestampMs,
};
use fieldfare_sync::LedgerHead;
use std::convert::Infallible;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// Monday 2026-06-01 12:00 UTC.
const NOON: i64 = 1_780_315_200_000;

fn gate() -> ConsentGate {
    let ledger = ConsentLedger::load(RepId::from_bytes([1; 16]), Vec::new(), LedgerHead::EMPTY);
    let mut gate = ConsentGate::new(ledger, [], TenantPolicy::default());
    let decision = Decision {
        purpose: Purpose::ProximityAlerts,
        action: ConsentAction::Grant,
        text_version: "1".into(),
        language: "en".into(),
        valid_until: None,
    };
    let id = ConsentEventId::from_bytes([1; 16]);
    let event = gate
        .propose(&decision, TimestampMs(i64::MIN / 2), id)
        .unwrap();
    gate.apply(event).unwrap();
    gate
}

fn grant(gate: &ConsentGate) -> Grant {
    gate.check(Purpose::ProximityAlerts, TimestampMs(NOON))
        .unwrap()
}

fn home() -> LatLng {
    LatLng::new(48.137, 11.575).unwrap()
}

fn at_bearing(bearing: f64, metres: f64) -> LatLng {
    destination(home(), bearing, metres).unwrap()
}

fn lead_id(n: u8) -> LeadId {
    LeadId::from_bytes([n; 16])
}

fn lead(n: u8, position: LatLng) -> Lead {
    let mut lead = Lead::new(lead_id(n), format!("lead {n}"));
    lead.geocode.position = Some(position);
    lead.score = Some(50);
    lead
}

fn fix(position: LatLng, at: i64, accuracy_m: f64) -> Fix {
    Fix {
        position,
        at: TimestampMs(at),
        accuracy_m,
        speed_mps: None,
    }
}

/// Looks at every lead.
struct AllLeads<'a>(&'a [Lead]);

impl LeadsNear for AllLeads<'_> {
    type Error = Infallible;

    fn near(&self, center: LatLng, radius_m: f64) -> Result<Vec<NearLead>, Infallible> {
        let distance = |lead: &Lead| distance_m(center, lead.geocode.position.unwrap());
        Ok(self
            .0
            .iter()
            .map(|lead| NearLead::of(lead, distance(lead)))
            .filter(|near| near.distance_m <= radius_m)
            .collect())
    }
}

/// A phone that walks.
struct Walk {
    gate: ConsentGate,
    watch: Proximity,
    leads: Vec<Lead>,
}

impl Walk {
    fn new(config: ProximityConfig, leads: Vec<Lead>) -> Self {
        Self {
            gate: gate(),
            watch: Proximity::new(config, ProximityState::default()).unwrap(),
            leads,
        }
    }

    fn fix(&mut self, fix: Fix) -> Vec<ProximityEvent> {
        let grant = grant(&self.gate);
        self.watch
            .on_fix(&grant, &fix, &AllLeads(&self.leads))
            .unwrap()
    }

    /// A fix so many metres north of home.
    fn north(&mut self, metres: f64, at: i64) -> Vec<ProximityEvent> {
        self.fix(fix(at_bearing(0.0, metres), at, 5.0))
    }

    fn alerts(&mut self, metres: f64, at: i64) -> Vec<LeadId> {
        alerted(&self.north(metres, at))
    }

    fn restart(&mut self) {
        let json = serde_json::to_string(self.watch.state()).unwrap();
        let state = serde_json::from_str(&json).unwrap();
        self.watch = Proximity::new(self.watch.config().clone(), state).unwrap();
    }
}

fn alerted(events: &[ProximityEvent]) -> Vec<LeadId> {
    let lead = |event: &ProximityEvent| match event {
        ProximityEvent::Alert { lead, .. } => Some(*lead),
        _ => None,
    };
    events.iter().filter_map(lead).collect()
}

fn entered(events: &[ProximityEvent]) -> Vec<LeadId> {
    let lead = |event: &ProximityEvent| match event {
        ProximityEvent::Entered { lead, .. } => Some(*lead),
        _ => None,
    };
    events.iter().filter_map(lead).collect()
}

fn left(events: &[ProximityEvent]) -> Vec<LeadId> {
    let lead = |event: &ProximityEvent| match event {
        ProximityEvent::Left { lead } => Some(*lead),
        _ => None,
    };
    events.iter().filter_map(lead).collect()
}
