//! What a day is planned from, as it comes from Kotlin and Swift.

use crate::error::{FfiResult, FieldfareError};
use crate::values::{LatLng, checked_position, fit, fit_all, fit_option};
use fieldfare_engine as engine;
use fieldfare_model::{CalendarDate, LeadId, LeadStatus, TimestampMs as Timestamp};
use std::time::Duration;

/// A day to be planned on this phone.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct PlanDay {
    /// Which day, in the rep's time zone.
    pub date: CalendarDate,
    /// The rep's working day; if none, the one last noted, else the shift, places and breaks of the
    /// server's plan.
    #[uniffi(default = None)]
    pub work: Option<WorkHours>,
    /// Leads to be visited, before all others.
    #[uniffi(default = [])]
    pub wishes: Vec<StopWish>,
    /// Whether leads whose visit is due, and those never visited, are chosen beside the wishes, as
    /// the server does.
    #[uniffi(default = true)]
    pub adds_due_leads: bool,
    /// What a good plan is; the most priority if not said.
    #[uniffi(default = None)]
    pub objective: Option<DayObjective>,
}

impl TryFrom<PlanDay> for engine::PlanDay {
    type Error = FieldfareError;

    fn try_from(request: PlanDay) -> FfiResult<Self> {
        let wishes = request.wishes.into_iter().map(TryInto::try_into);
        let objective = request.objective.map(TryInto::try_into).transpose()?;
        Ok(Self {
            date: request.date,
            work: request.work.map(TryInto::try_into).transpose()?,
            wishes: wishes.collect::<FfiResult<_>>()?,
            adds_due_leads: request.adds_due_leads,
            objective: objective.unwrap_or_default(),
        })
    }
}

/// What a good plan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum DayObjective {
    /// The most priority; of such plans the one with the least driving.
    MostPriority,
    /// The most priority; of such plans the one that is over first.
    FinishEarly,
    /// The least driving, where a point of priority is worth this many seconds of it.
    LeastDriving {
        /// Seconds.
        seconds_per_priority: i32,
    },
}

impl TryFrom<DayObjective> for engine::DayObjective {
    type Error = FieldfareError;

    fn try_from(objective: DayObjective) -> FfiResult<Self> {
        Ok(match objective {
            DayObjective::MostPriority => Self::MostPriority,
            DayObjective::FinishEarly => Self::FinishEarly,
            DayObjective::LeastDriving {
                seconds_per_priority: seconds,
            } => Self::LeastDriving {
                seconds_per_priority: fit("the worth of a point of priority", seconds)?,
            },
        })
    }
}

/// A rep's working days. Hours are in the form of contact hours: `Mo-Fr 08:00-17:00`.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct WorkHours {
    /// Working hours; a pause between two spans of a day is a break.
    pub hours: String,
    /// The rep's IANA time zone.
    pub time_zone: String,
    /// Where the day begins.
    pub start: LatLng,
    /// Where it ends; without one where it began.
    #[uniffi(default = None)]
    pub end: Option<LatLng>,
    /// Minutes of a visit, 1 to 480.
    #[uniffi(default = 30)]
    pub visit_minutes: i32,
    /// From how many leads a day is chosen, 1 to 100.
    #[uniffi(default = 40)]
    pub candidates: i32,
    /// Breaks, four at most.
    #[uniffi(default = [])]
    pub breaks: Vec<BreakTime>,
}

impl TryFrom<WorkHours> for engine::WorkHours {
    type Error = FieldfareError;

    fn try_from(work: WorkHours) -> FfiResult<Self> {
        let breaks = work.breaks.into_iter().map(|pause| {
            Ok(engine::BreakTime {
                begins: pause.begins,
                minutes: fit("a break", pause.minutes)?,
            })
        });
        Ok(Self {
            hours: work.hours,
            time_zone: work.time_zone,
            start: work.start.checked()?,
            end: checked_position(work.end)?,
            visit_minutes: fit("the length of a visit", work.visit_minutes)?,
            candidates: fit("the number of leads to choose from", work.candidates)?,
            breaks: breaks.collect::<FfiResult<_>>()?,
        })
    }
}

impl From<engine::WorkHours> for WorkHours {
    fn from(work: engine::WorkHours) -> Self {
        let breaks = work.breaks.into_iter().map(|pause| BreakTime {
            begins: pause.begins,
            minutes: crate::values::small(pause.minutes),
        });
        Self {
            hours: work.hours,
            time_zone: work.time_zone,
            start: work.start.into(),
            end: work.end.map(LatLng::from),
            visit_minutes: crate::values::small(work.visit_minutes),
            candidates: crate::values::small(work.candidates),
            breaks: breaks.collect(),
        }
    }
}

/// A break.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct BreakTime {
    /// When it may begin, in the form of working hours.
    pub begins: String,
    /// How long it is.
    pub minutes: i32,
}

/// A lead to be visited, whether or not a visit is due.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct StopWish {
    /// The lead.
    pub lead: LeadId,
    /// Minutes of the visit, 1 to 480; the working day's if none.
    #[uniffi(default = None)]
    pub minutes: Option<i32>,
    /// When the visit may begin; the lead's contact hours if empty. One with equal ends is an
    /// appointment.
    #[uniffi(default = [])]
    pub begins: Vec<TimeWindow>,
    /// Whether it must take place.
    #[uniffi(default = false)]
    pub is_mandatory: bool,
    /// How much it matters, up to a million; by tier, score and days overdue if none.
    #[uniffi(default = None)]
    pub priority: Option<i32>,
}

impl TryFrom<StopWish> for engine::StopWish {
    type Error = FieldfareError;

    fn try_from(wish: StopWish) -> FfiResult<Self> {
        let begins = wish.begins.into_iter().map(|window| engine::TimeWindow {
            from: window.from,
            to: window.to,
        });
        Ok(Self {
            lead: wish.lead,
            minutes: fit_option("the length of a visit", wish.minutes)?,
            begins: begins.collect(),
            is_mandatory: wish.is_mandatory,
            priority: fit_option("a priority", wish.priority)?,
        })
    }
}

/// A span of time, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct TimeWindow {
    /// First moment.
    pub from: Timestamp,
    /// Last moment.
    pub to: Timestamp,
}

/// What is different from what was planned.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct DayUpdate {
    /// Where the rep is. Used for this plan and not kept. If none, the last lead visited, or where
    /// the day begins.
    #[uniffi(default = None)]
    pub position: Option<LatLng>,
    /// When the rep is free to leave there, for a visit that takes longer; now if none.
    #[uniffi(default = None)]
    pub free_from: Option<Timestamp>,
    /// What happened since.
    #[uniffi(default = [])]
    pub events: Vec<DayEvent>,
    /// How much driving must be saved for each visit that changes its turn; ten minutes if none.
    #[uniffi(default = None)]
    pub stability: Option<Duration>,
}

impl TryFrom<DayUpdate> for engine::DayUpdate {
    type Error = FieldfareError;

    fn try_from(update: DayUpdate) -> FfiResult<Self> {
        let events = update.events.into_iter().map(TryInto::try_into);
        let stability = update.stability.map(|span| {
            let seconds = u32::try_from(span.as_secs());
            seconds.map_err(|_| FieldfareError::invalid("the driving to be saved is out of range"))
        });
        Ok(Self {
            position: checked_position(update.position)?,
            free_from: update.free_from,
            events: events.collect::<FfiResult<_>>()?,
            stability_s: stability.transpose()?,
        })
    }
}

/// Something that happened to a planned day.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
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
        index: i32,
    },
}

impl TryFrom<DayEvent> for engine::DayEvent {
    type Error = FieldfareError;

    fn try_from(event: DayEvent) -> FfiResult<Self> {
        Ok(match event {
            DayEvent::Visited { lead } => Self::Visited { lead },
            DayEvent::Committed { lead } => Self::Committed { lead },
            DayEvent::Released { lead } => Self::Released { lead },
            DayEvent::Cancelled { lead } => Self::Cancelled { lead },
            DayEvent::Added { wish } => Self::Added {
                wish: wish.try_into()?,
            },
            DayEvent::BreakTaken { index } => Self::BreakTaken {
                index: fit("the number of a break", index)?,
            },
        })
    }
}

/// Which leads near the day's route to give.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct NearDayQuery {
    /// Where the rep is; used and not kept.
    #[uniffi(default = None)]
    pub position: Option<LatLng>,
    /// Longest detour in minutes of driving.
    #[uniffi(default = 30)]
    pub within_minutes: i32,
    /// Least priority: 10 for any lead, more by tier, score and days overdue.
    #[uniffi(default = 0)]
    pub least_priority: i32,
    /// Any of these, or any at all if empty.
    #[uniffi(default = [])]
    pub statuses: Vec<LeadStatus>,
    /// Any of these importance classes, or any at all if empty.
    #[uniffi(default = [])]
    pub tiers: Vec<i32>,
    /// Of at least this score, 0 to 100; leads without a score are left out.
    #[uniffi(default = None)]
    pub min_score: Option<i32>,
    /// How many leads are looked at, those nearest to the day's stops; at most 500.
    #[uniffi(default = 200)]
    pub candidates: i32,
    /// How many are given, at most 200.
    #[uniffi(default = 50)]
    pub limit: i32,
}

impl TryFrom<NearDayQuery> for engine::NearDayQuery {
    type Error = FieldfareError;

    fn try_from(query: NearDayQuery) -> FfiResult<Self> {
        Ok(Self {
            position: checked_position(query.position)?,
            within_minutes: fit("the longest detour", query.within_minutes)?,
            least_priority: fit("the least priority", query.least_priority)?,
            filter: engine::NearbyFilter {
                statuses: query.statuses,
                tiers: fit_all("a tier", query.tiers)?,
                min_score: fit_option("the score", query.min_score)?,
            },
            candidates: fit("the number of leads to look at", query.candidates)?,
            limit: fit("the number of leads", query.limit)?,
        })
    }
}
