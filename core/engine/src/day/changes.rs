//! What happens in the course of a day.

use crate::day::StopWish;
use crate::day::own::Progress;
use fieldfare_model::LeadId;

/// Something that happened to a planned day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DayEvent {
    /// A lead was visited. Not needed for visits that are recorded.
    Visited {
        /// The lead.
        lead: LeadId,
    },
    /// A lead keeps its turn: it is being driven to, or was promised. Committed leads come first,
    /// in the order they were committed.
    Committed {
        /// The lead.
        lead: LeadId,
    },
    /// A lead no longer keeps its turn.
    Released {
        /// The lead.
        lead: LeadId,
    },
    /// A lead will not be visited today: nobody there, cancelled.
    Cancelled {
        /// The lead.
        lead: LeadId,
    },
    /// A lead is to be fitted in.
    Added {
        /// What is wished.
        wish: StopWish,
    },
    /// A break was taken; counted from 0 in the order of the day's breaks.
    BreakTaken {
        /// Which.
        index: u32,
    },
}

impl Progress {
    /// Notes what happened; additions are none of its business.
    pub(super) fn note(&mut self, event: &DayEvent) {
        match event {
            DayEvent::Visited { lead } => {
                self.committed.retain(|known| known != lead);
                add(&mut self.visited, *lead);
            }
            DayEvent::Committed { lead } => add(&mut self.committed, *lead),
            DayEvent::Released { lead } => self.committed.retain(|known| known != lead),
            DayEvent::Cancelled { lead } => {
                self.committed.retain(|known| known != lead);
                add(&mut self.cancelled, *lead);
            }
            DayEvent::Added { wish } => self.cancelled.retain(|known| *known != wish.lead),
            DayEvent::BreakTaken { index } => {
                let index = *index as usize;
                if !self.breaks_taken.contains(&index) {
                    self.breaks_taken.push(index);
                }
            }
        }
    }
}

fn add(list: &mut Vec<LeadId>, lead: LeadId) {
    if !list.contains(&lead) {
        list.push(lead);
    }
}
