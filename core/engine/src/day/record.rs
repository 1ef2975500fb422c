//! A planned day as an app shows it.

use crate::day::own::DayData;
use fieldfare_model::{CalendarDate, LeadId, TimestampMs};
use fieldfare_planner::{
    Activity, Change, DayPlan, LeftOut, Plan, Proof, Provenance, Reason, Remedy, Step, Totals,
};
use serde::Serialize;

/// Who planned a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DaySource {
    /// The server, by night or on request.
    Server,
    /// This phone.
    Phone,
}

/// A planned day, all moments in epoch milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DayRecord {
    /// Which day, in the rep's time zone.
    pub date: CalendarDate,
    /// That time zone, an IANA name.
    pub time_zone: String,
    /// Who planned it.
    pub source: DaySource,
    /// When.
    pub computed_at: TimestampMs,
    /// Whether the server has planned this day anew since the phone did; see
    /// [`crate::Engine::use_server_day`].
    pub has_newer_server_plan: bool,
    /// Leads visited so far, in that order.
    pub visited: Vec<LeadId>,
    /// Leads that will not be visited today: cancelled, not there.
    pub cancelled: Vec<LeadId>,
    /// When to leave.
    pub departure: TimestampMs,
    /// Visits and breaks still to come, in order.
    pub steps: Vec<DayStep>,
    /// When the rep is at the end place.
    pub arrival: TimestampMs,
    /// Seconds of the last leg.
    pub last_travel_s: i64,
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

/// A visit or a break, with the leg that leads to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DayStep {
    /// What is done.
    pub kind: DayStepKind,
    /// The lead of a visit.
    pub lead: Option<LeadId>,
    /// Whether it keeps its turn whatever is planned anew.
    pub is_committed: bool,
    /// Seconds of the leg that leads here.
    pub travel_s: i64,
    /// Metres of that leg.
    pub metres: i64,
    /// When the rep is here.
    pub arrival: TimestampMs,
    /// Seconds until it starts.
    pub wait_s: i64,
    /// When it starts.
    pub start: TimestampMs,
    /// When it is over.
    pub departure: TimestampMs,
    /// How many seconds later the rep may arrive with the rest of the day still on time.
    pub slack_s: i64,
}

/// What is done in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DayStepKind {
    /// A visit to a lead.
    Visit,
    /// A break.
    Break,
}

/// Sums over a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct DayTotals {
    /// Visits.
    pub visits: i64,
    /// Sum of their priorities.
    pub priority: i64,
    /// Seconds driven.
    pub driving_s: i64,
    /// Metres driven.
    pub metres: i64,
    /// Seconds visiting.
    pub service_s: i64,
    /// Seconds waiting.
    pub waiting_s: i64,
    /// Seconds of breaks.
    pub break_s: i64,
}

impl From<&Totals> for DayTotals {
    fn from(totals: &Totals) -> Self {
        Self {
            visits: totals.visits,
            priority: totals.priority,
            driving_s: totals.driving_s,
            metres: totals.metres,
            service_s: totals.service_s,
            waiting_s: totals.waiting_s,
            break_s: totals.break_s,
        }
    }
}

/// A lead that did not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOutLead {
    /// The lead.
    pub lead: LeadId,
    /// Why.
    pub reason: LeftOutReason,
    /// The visits it would displace, if that is why.
    pub displaces: Vec<LeadId>,
    /// Seconds of driving it would add, if that is why.
    pub detour_s: Option<i64>,
    /// What would make it fit, each by itself.
    pub remedies: Vec<DayRemedy>,
}

/// Why a lead did not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
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

/// What would make a lead fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DayRemedy {
    /// A visit that may start as late as this.
    LaterUntil {
        /// Until when.
        at: TimestampMs,
    },
    /// A visit that may start as early as this.
    EarlierFrom {
        /// From when.
        at: TimestampMs,
    },
    /// A longer shift.
    LongerShift {
        /// By how many seconds.
        seconds: i64,
    },
    /// Not visiting others.
    InsteadOf {
        /// These.
        leads: Vec<LeadId>,
    },
    /// More priority.
    MorePriority {
        /// At least this.
        priority: u64,
    },
}

/// Where travel times come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TravelNote {
    /// Engine and profile, such as `valhalla/auto`, or `great_circle` for estimates.
    pub provider: String,
    /// When they were computed, the oldest of them; none for estimates.
    pub computed_at: Option<TimestampMs>,
    /// Ways between different places.
    pub ways: u32,
    /// Of those, taken from the way back.
    pub mirrored: u32,
    /// Of those, estimated as the crow flies.
    pub estimated: u32,
    /// Whether they were computed before the plan was: roads and traffic may have changed since.
    pub is_older_than_plan: bool,
    /// By how many milliseconds; 0 if not.
    pub age_ms: i64,
}

impl TravelNote {
    pub(super) fn new(provenance: &Provenance, planned_at: TimestampMs) -> Self {
        let age_ms = provenance.age_ms(planned_at).unwrap_or(0).max(0);
        Self {
            provider: provenance.provider.clone(),
            computed_at: provenance.computed_at,
            ways: provenance.cells,
            mirrored: provenance.mirrored,
            estimated: provenance.estimated,
            is_older_than_plan: age_ms > 0,
            age_ms,
        }
    }
}

/// A road route on this phone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouteNote {
    /// Engine and profile.
    pub provider: String,
    /// When it was computed.
    pub computed_at: TimestampMs,
    /// Whether it leads through the visits still to come, in their order. If not, following goes
    /// by the crow until there is another.
    pub is_current: bool,
}

/// A difference from the plan before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
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
        /// By how many seconds.
        seconds: i64,
    },
    /// Committed visits take longer than the shift.
    Overtime {
        /// By how many seconds.
        seconds: i64,
    },
    /// Committed visits leave no time for a break.
    BreakDropped,
}

impl DayChange {
    /// None for what concerns other reps.
    pub(super) fn of(change: &Change) -> Option<Self> {
        let lead = |stop: &str| stop.parse().ok();
        Some(match change {
            Change::Added { stop, .. } => Self::Added { lead: lead(stop)? },
            Change::Dropped { stop } => Self::Dropped { lead: lead(stop)? },
            Change::Reordered { stop } => Self::Reordered { lead: lead(stop)? },
            Change::Late { stop, seconds } => Self::Late {
                lead: lead(stop)?,
                seconds: *seconds,
            },
            Change::Overtime { seconds, .. } => Self::Overtime { seconds: *seconds },
            Change::BreakDropped { .. } => Self::BreakDropped,
            Change::Reassigned { .. } => return None,
        })
    }
}

/// The record of a day whose plan is `plan`.
pub(super) fn record(data: &DayData, plan: &Plan, notes: Notes) -> Option<DayRecord> {
    let day = plan.days.first()?;
    let at = |second: i64| data.moment(second);
    Some(DayRecord {
        date: data.date,
        time_zone: data.time_zone.clone(),
        source: data.source,
        computed_at: data.computed_at,
        has_newer_server_plan: notes.has_newer_server_plan,
        visited: data.progress.visited.clone(),
        cancelled: data.progress.cancelled.clone(),
        departure: at(day.departure),
        steps: steps(data, day),
        arrival: at(day.arrival),
        last_travel_s: day.travel_s,
        last_metres: day.metres,
        totals: (&day.totals).into(),
        left_out: plan
            .left_out
            .iter()
            .filter_map(|l| left_out(l, &at))
            .collect(),
        is_proven_best: plan.proof == Proof::Optimal,
        travel: TravelNote::new(&plan.travel, data.computed_at),
        route: notes.route,
    })
}

/// What the day itself does not say.
pub(super) struct Notes {
    pub has_newer_server_plan: bool,
    pub route: Option<RouteNote>,
}

fn steps(data: &DayData, day: &DayPlan) -> Vec<DayStep> {
    day.steps
        .iter()
        .map(|step| step_record(data, step))
        .collect()
}

fn step_record(data: &DayData, step: &Step) -> DayStep {
    let at = |second: i64| data.moment(second);
    let (kind, lead) = match &step.what {
        Activity::Visit { stop } => (DayStepKind::Visit, stop.parse().ok()),
        Activity::Break { .. } => (DayStepKind::Break, None),
    };
    DayStep {
        kind,
        lead,
        is_committed: lead.is_some_and(|lead| data.progress.committed.contains(&lead)),
        travel_s: step.travel_s,
        metres: step.metres,
        arrival: at(step.arrival),
        wait_s: step.wait_s,
        start: at(step.start),
        departure: at(step.departure),
        slack_s: step.slack_s,
    }
}

fn left_out(left: &LeftOut, at: &impl Fn(i64) -> TimestampMs) -> Option<LeftOutLead> {
    let (mut displaces, mut detour) = (Vec::new(), None);
    let reason = match &left.reason {
        Reason::Skills | Reason::Capacity => LeftOutReason::NotForRep,
        Reason::Unreachable => LeftOutReason::Unreachable,
        Reason::NoWindowFits => LeftOutReason::NoHoursFit,
        Reason::ShiftEnds => LeftOutReason::ShiftEnds,
        Reason::LowerPriority { displaces: others } => {
            displaces = leads(others);
            LeftOutReason::LowerPriority
        }
        Reason::DetourTooLong { detour_s } => {
            detour = Some(*detour_s);
            LeftOutReason::DetourTooLong
        }
    };
    Some(LeftOutLead {
        lead: left.stop.parse().ok()?,
        reason,
        displaces,
        detour_s: detour,
        remedies: left.remedies.iter().filter_map(|r| remedy(r, at)).collect(),
    })
}

fn leads(stops: &[String]) -> Vec<LeadId> {
    stops.iter().filter_map(|stop| stop.parse().ok()).collect()
}

/// None for remedies a single rep cannot be given.
fn remedy(remedy: &Remedy, at: &impl Fn(i64) -> TimestampMs) -> Option<DayRemedy> {
    Some(match remedy {
        Remedy::WindowUntil { to, .. } => DayRemedy::LaterUntil { at: at(*to) },
        Remedy::WindowFrom { from, .. } => DayRemedy::EarlierFrom { at: at(*from) },
        Remedy::LongerShift { seconds, .. } => DayRemedy::LongerShift { seconds: *seconds },
        Remedy::InsteadOf { stops, .. } => DayRemedy::InsteadOf {
            leads: leads(stops),
        },
        Remedy::MorePriority { priority } => DayRemedy::MorePriority {
            priority: *priority,
        },
        Remedy::Skills { .. } | Remedy::MoreCapacity { .. } => return None,
    })
}
