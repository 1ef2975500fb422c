//! Planned days as they cross to Kotlin and Swift.

use crate::leads::Lead;
use crate::values::{milliseconds, seconds, small};
use fieldfare_engine as engine;
use fieldfare_engine::{DaySource, DayStepKind, LeftOutReason};
use fieldfare_model::{CalendarDate, LeadId, TimestampMs as Timestamp};
use std::time::Duration;

/// Who planned a day.
#[uniffi::remote(Enum)]
pub enum DaySource {
    /// The server, by night or on request.
    Server,
    /// This phone.
    Phone,
}

/// What is done in a step of a day.
#[uniffi::remote(Enum)]
pub enum DayStepKind {
    /// A visit to a lead.
    Visit,
    /// A break.
    Break,
}

/// Why a lead did not fit.
#[uniffi::remote(Enum)]
pub enum LeftOutReason {
    /// The rep may not come, or cannot carry what it takes.
    NotForRep,
    /// There is no way there.
    Unreachable,
    /// Even with nothing else to do the rep cannot be there in its hours.
    NoHoursFit,
    /// Even with nothing else to do the shift is too short for the way.
    ShiftEnds,
    /// It would displace visits that count for more.
    LowerPriority,
    /// The detour is longer than it is worth.
    DetourTooLong,
}

/// A planned day.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct DayPlan {
    /// Which day, in the rep's time zone.
    pub date: CalendarDate,
    /// That time zone, an IANA name.
    pub time_zone: String,
    /// Who planned it.
    pub source: DaySource,
    /// When.
    pub computed_at: Timestamp,
    /// Whether the server has planned this day anew since the phone did.
    pub has_newer_server_plan: bool,
    /// Leads visited so far, in that order.
    pub visited: Vec<LeadId>,
    /// Leads that will not be visited today: cancelled, not there.
    pub cancelled: Vec<LeadId>,
    /// When to leave.
    pub departure: Timestamp,
    /// Visits and breaks still to come, in order.
    pub steps: Vec<DayStep>,
    /// When the rep is at the end place.
    pub arrival: Timestamp,
    /// Driving on the last leg.
    pub last_travel: Duration,
    /// Metres of the last leg.
    pub last_metres: i64,
    /// Sums over what is still to come.
    pub totals: DayTotals,
    /// Leads that did not fit, why, and what would make them fit.
    pub left_out: Vec<LeftOutLead>,
    /// Whether no better plan exists, by the travel times it was made with.
    pub is_proven_best: bool,
    /// Where the travel times come from.
    pub travel: TravelNote,
    /// The road route for this plan, if there is one on this phone.
    pub route: Option<RouteNote>,
}

impl From<engine::DayRecord> for DayPlan {
    fn from(day: engine::DayRecord) -> Self {
        Self {
            date: day.date,
            time_zone: day.time_zone,
            source: day.source,
            computed_at: day.computed_at,
            has_newer_server_plan: day.has_newer_server_plan,
            visited: day.visited,
            cancelled: day.cancelled,
            departure: day.departure,
            steps: day.steps.into_iter().map(DayStep::from).collect(),
            arrival: day.arrival,
            last_travel: seconds(day.last_travel_s),
            last_metres: day.last_metres,
            totals: day.totals.into(),
            left_out: day.left_out.into_iter().map(LeftOutLead::from).collect(),
            is_proven_best: day.is_proven_best,
            travel: day.travel.into(),
            route: day.route.map(RouteNote::from),
        }
    }
}

/// A visit or a break, with the leg that leads to it.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct DayStep {
    /// What is done.
    pub kind: DayStepKind,
    /// The lead of a visit.
    pub lead: Option<LeadId>,
    /// Whether it keeps its turn whatever is planned anew.
    pub is_committed: bool,
    /// Driving on the leg that leads here.
    pub travel: Duration,
    /// Metres of that leg.
    pub metres: i64,
    /// When the rep is here.
    pub arrival: Timestamp,
    /// How long until it starts.
    pub wait: Duration,
    /// When it starts.
    pub start: Timestamp,
    /// When it is over.
    pub departure: Timestamp,
    /// How much later the rep may arrive with the rest of the day still on time.
    pub slack: Duration,
}

impl From<engine::DayStep> for DayStep {
    fn from(step: engine::DayStep) -> Self {
        Self {
            kind: step.kind,
            lead: step.lead,
            is_committed: step.is_committed,
            travel: seconds(step.travel_s),
            metres: step.metres,
            arrival: step.arrival,
            wait: seconds(step.wait_s),
            start: step.start,
            departure: step.departure,
            slack: seconds(step.slack_s),
        }
    }
}

/// Sums over a day.
#[derive(Debug, Clone, Copy, PartialEq, uniffi::Record)]
pub struct DayTotals {
    /// Visits.
    pub visits: i64,
    /// Sum of their priorities.
    pub priority: i64,
    /// Driving.
    pub driving: Duration,
    /// Metres driven.
    pub metres: i64,
    /// Visiting.
    pub service: Duration,
    /// Waiting.
    pub waiting: Duration,
    /// Breaks.
    pub breaks: Duration,
}

impl From<engine::DayTotals> for DayTotals {
    fn from(totals: engine::DayTotals) -> Self {
        Self {
            visits: totals.visits,
            priority: totals.priority,
            driving: seconds(totals.driving_s),
            metres: totals.metres,
            service: seconds(totals.service_s),
            waiting: seconds(totals.waiting_s),
            breaks: seconds(totals.break_s),
        }
    }
}

/// A lead that did not fit.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct LeftOutLead {
    /// The lead.
    pub lead: LeadId,
    /// Why.
    pub reason: LeftOutReason,
    /// The visits it would displace, if that is why.
    pub displaces: Vec<LeadId>,
    /// The driving it would add, if that is why.
    pub detour: Option<Duration>,
    /// What would make it fit, each by itself.
    pub remedies: Vec<DayRemedy>,
}

impl From<engine::LeftOutLead> for LeftOutLead {
    fn from(left: engine::LeftOutLead) -> Self {
        Self {
            lead: left.lead,
            reason: left.reason,
            displaces: left.displaces,
            detour: left.detour_s.map(seconds),
            remedies: left.remedies.into_iter().map(DayRemedy::from).collect(),
        }
    }
}

/// What would make a lead fit.
#[derive(Debug, Clone, PartialEq, uniffi::Enum)]
pub enum DayRemedy {
    /// A visit that may start as late as this.
    LaterUntil {
        /// Until when.
        at: Timestamp,
    },
    /// A visit that may start as early as this.
    EarlierFrom {
        /// From when.
        at: Timestamp,
    },
    /// A longer shift.
    LongerShift {
        /// By how much.
        by: Duration,
    },
    /// Not visiting others.
    InsteadOf {
        /// These.
        leads: Vec<LeadId>,
    },
    /// More priority.
    MorePriority {
        /// At least this.
        priority: i64,
    },
}

impl From<engine::DayRemedy> for DayRemedy {
    fn from(remedy: engine::DayRemedy) -> Self {
        match remedy {
            engine::DayRemedy::LaterUntil { at } => Self::LaterUntil { at },
            engine::DayRemedy::EarlierFrom { at } => Self::EarlierFrom { at },
            engine::DayRemedy::LongerShift { seconds: by } => Self::LongerShift { by: seconds(by) },
            engine::DayRemedy::InsteadOf { leads } => Self::InsteadOf { leads },
            engine::DayRemedy::MorePriority { priority } => Self::MorePriority {
                priority: crate::error::count(priority),
            },
        }
    }
}

/// Where travel times come from.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct TravelNote {
    /// Engine and profile, such as `valhalla/auto`, or `great_circle` for estimates.
    pub provider: String,
    /// When they were computed, the oldest of them; none for estimates.
    pub computed_at: Option<Timestamp>,
    /// Ways between different places.
    pub ways: i32,
    /// Of those, taken from the way back.
    pub mirrored: i32,
    /// Of those, estimated as the crow flies.
    pub estimated: i32,
    /// Whether they were computed before the plan was: roads and traffic may have changed since.
    pub is_older_than_plan: bool,
    /// How long before it; nothing if not.
    pub age: Duration,
}

impl From<engine::TravelNote> for TravelNote {
    fn from(note: engine::TravelNote) -> Self {
        Self {
            provider: note.provider,
            computed_at: note.computed_at,
            ways: small(note.ways),
            mirrored: small(note.mirrored),
            estimated: small(note.estimated),
            is_older_than_plan: note.is_older_than_plan,
            age: milliseconds(note.age_ms),
        }
    }
}

/// A road route on this phone.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct RouteNote {
    /// Engine and profile.
    pub provider: String,
    /// When it was computed.
    pub computed_at: Timestamp,
    /// Whether it leads through the visits still to come, in their order. If not, following goes
    /// by the crow until there is another.
    pub is_current: bool,
}

impl From<engine::RouteNote> for RouteNote {
    fn from(note: engine::RouteNote) -> Self {
        Self {
            provider: note.provider,
            computed_at: note.computed_at,
            is_current: note.is_current,
        }
    }
}

/// A difference from the plan before.
#[derive(Debug, Clone, PartialEq, uniffi::Enum)]
pub enum DayChange {
    /// A lead that was not in the day is in it.
    Added {
        /// The lead.
        lead: LeadId,
    },
    /// A lead is no longer in the day.
    Dropped {
        /// The lead.
        lead: LeadId,
    },
    /// The lead has another turn.
    Reordered {
        /// The lead.
        lead: LeadId,
    },
    /// A committed visit begins after its hours.
    Late {
        /// The lead.
        lead: LeadId,
        /// By how much.
        by: Duration,
    },
    /// Committed visits take longer than the shift.
    Overtime {
        /// By how much.
        by: Duration,
    },
    /// Committed visits leave no time for a break.
    BreakDropped,
}

impl From<engine::DayChange> for DayChange {
    fn from(change: engine::DayChange) -> Self {
        match change {
            engine::DayChange::Added { lead } => Self::Added { lead },
            engine::DayChange::Dropped { lead } => Self::Dropped { lead },
            engine::DayChange::Reordered { lead } => Self::Reordered { lead },
            engine::DayChange::Late { lead, seconds: by } => Self::Late {
                lead,
                by: seconds(by),
            },
            engine::DayChange::Overtime { seconds: by } => Self::Overtime { by: seconds(by) },
            engine::DayChange::BreakDropped => Self::BreakDropped,
        }
    }
}

/// The rest of a day, planned anew.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct ReplannedDay {
    /// The day as it is now.
    pub day: DayPlan,
    /// What is different, in no particular order.
    pub changes: Vec<DayChange>,
    /// How many visits changed their turn.
    pub moved: i32,
}

impl From<engine::ReplannedDay> for ReplannedDay {
    fn from(replanned: engine::ReplannedDay) -> Self {
        let changes = replanned.changes.into_iter().map(DayChange::from);
        Self {
            day: replanned.day.into(),
            changes: changes.collect(),
            moved: small(replanned.moved),
        }
    }
}

/// A lead near the day's route and what a visit to it costs today.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct NearDayLead {
    /// The lead.
    pub lead: Lead,
    /// How much a visit matters.
    pub priority: i32,
    /// More driving: exact by the day's travel times.
    pub detour: Duration,
    /// More driving, metres.
    pub detour_m: i64,
    /// How much later the day is over.
    pub later: Duration,
    /// After which lead it would be visited; none for first.
    pub after: Option<LeadId>,
}

impl From<engine::NearLead> for NearDayLead {
    fn from(near: engine::NearLead) -> Self {
        Self {
            lead: near.record.into(),
            priority: small(near.priority),
            detour: seconds(near.detour_s),
            detour_m: near.detour_m,
            later: seconds(near.later_s),
            after: near.after,
        }
    }
}

/// Leads near the day's route.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct NearDay {
    /// The most important first, then the shortest detour.
    pub leads: Vec<NearDayLead>,
    /// How many there are in all among those looked at.
    pub total: i32,
    /// Whether every lead that passes the filter was looked at.
    pub is_complete: bool,
    /// Where the travel times come from.
    pub travel: TravelNote,
}

impl From<engine::NearDay> for NearDay {
    fn from(near: engine::NearDay) -> Self {
        Self {
            leads: near.leads.into_iter().map(NearDayLead::from).collect(),
            total: small(near.total),
            is_complete: near.is_complete,
            travel: near.travel.into(),
        }
    }
}
