//! Who plays a part in the day.

use super::tour::{self, Place};
use super::{DemoError, DemoResult};
use fieldfare_model::{Lead, LeadId, LeadStatus, VisitOutcome};

/// How many places the rep calls at.
pub const STOPS: usize = 12;

/// Hours of the lead that wants visitors in the afternoon only.
pub const AFTERNOON: &str = "Mo-Fr 14:00-18:00";
/// When they begin.
pub const AFTERNOON_FROM: (i8, i8) = (14, 0);

/// What the rep says of a visit.
#[derive(Debug, Clone, Copy)]
pub struct Talk {
    /// What came of it.
    pub outcome: VisitOutcome,
    /// The rep's words.
    pub note: &'static str,
    /// The lead's new status, if it gets one.
    pub status: Option<LeadStatus>,
}

const TALKS: [Talk; 6] = [
    Talk {
        outcome: VisitOutcome::Met,
        note: "Spoke with the manager, wants the new price list.",
        status: Some(LeadStatus::Contacted),
    },
    Talk {
        outcome: VisitOutcome::NoAnswer,
        note: "Closed, nobody there.",
        status: None,
    },
    Talk {
        outcome: VisitOutcome::FollowUp,
        note: "Decides next week, come back with samples.",
        status: Some(LeadStatus::Qualified),
    },
    Talk {
        outcome: VisitOutcome::Order,
        note: "Ordered forty units, delivery on Monday.",
        status: Some(LeadStatus::Customer),
    },
    Talk {
        outcome: VisitOutcome::Met,
        note: "Met the owner, good talk, asks for a demonstration.",
        status: None,
    },
    Talk {
        outcome: VisitOutcome::NotInterested,
        note: "Has a supplier until summer.",
        status: Some(LeadStatus::Lost),
    },
];

/// The talk at a stop.
pub fn talk(stop: usize) -> Talk {
    let [first, ..] = TALKS;
    TALKS.get(stop % TALKS.len()).copied().unwrap_or(first)
}

/// The round, and the leads things happen to.
#[derive(Debug, Clone)]
pub struct Cast {
    /// Places in the order of the day; at each its first lead is visited.
    pub stops: Vec<Place>,
    /// Wants visitors in the afternoon only; it is at the first stop, where the day also ends.
    pub afternoon: LeadId,
    /// Phone and CRM change the same field.
    pub contested: LeadId,
    /// Phone and CRM change different fields.
    pub shared: LeadId,
    /// Goes to another rep.
    pub handed_over: LeadId,
}

impl Cast {
    /// Chooses from the leads of a territory.
    ///
    /// # Errors
    /// [`DemoError::Story`] if there are too few.
    pub fn choose(leads: &[Lead]) -> DemoResult<Self> {
        let places = tour::places(leads);
        let mut stops = tour::choose(&places, STOPS);
        let busiest = stops
            .iter()
            .enumerate()
            .max_by_key(|(_, stop)| stop.leads.len());
        let start = busiest.map_or(0, |(at, _)| at);
        stops.rotate_left(start);
        let lead = |stop: usize, nth: usize| stops.get(stop)?.leads.get(nth).copied();
        let found = || {
            Some(Self {
                afternoon: lead(0, 1)?,
                contested: lead(3, 0)?,
                shared: lead(5, 0)?,
                handed_over: lead(7, 0)?,
                stops: stops.clone(),
            })
        };
        found().ok_or(DemoError::Story("more leads in the territory"))
    }

    /// The leads that are visited, in order.
    pub fn visited(&self) -> impl Iterator<Item = LeadId> {
        self.stops
            .iter()
            .filter_map(|stop| stop.leads.first().copied())
    }
}
