//! What a day is planned from on this phone.

use crate::day::own::DayData;
use crate::{EngineError, EngineResult};
use fieldfare_model::{CalendarDate, LatLng, LeadId, TimestampMs};
use fieldfare_planner::workday::{BreakRule, Wish, WorkDay};
use fieldfare_planner::{Objective, Window};

/// A day to be planned on this phone.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanDay {
    /// Which day, in the rep's time zone.
    pub date: CalendarDate,
    /// The rep's working day; if none, the one last given by [`crate::Engine::set_work_hours`],
    /// else the shift, places and breaks of the server's plan.
    pub work: Option<WorkHours>,
    /// Leads to be visited, before all others.
    pub wishes: Vec<StopWish>,
    /// Whether leads whose visit is due, and those never visited, are chosen beside the wishes, as
    /// the server does.
    pub adds_due_leads: bool,
    /// What a good plan is.
    pub objective: DayObjective,
}

impl PlanDay {
    /// The day as the server would plan it.
    pub const fn new(date: CalendarDate) -> Self {
        Self {
            date,
            work: None,
            wishes: Vec::new(),
            adds_due_leads: true,
            objective: DayObjective::MostPriority,
        }
    }
}

/// What a good plan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DayObjective {
    /// The most priority; of such plans the one with the least driving.
    #[default]
    MostPriority,
    /// The most priority; of such plans the one that is over first.
    FinishEarly,
    /// The least driving, where a point of priority is worth this many seconds of it.
    LeastDriving {
        /// Seconds.
        seconds_per_priority: u32,
    },
}

impl From<DayObjective> for Objective {
    fn from(objective: DayObjective) -> Self {
        match objective {
            DayObjective::MostPriority => Self::MostPriority,
            DayObjective::FinishEarly => Self::FinishEarly,
            DayObjective::LeastDriving {
                seconds_per_priority,
            } => Self::LeastDriving {
                seconds_per_priority,
            },
        }
    }
}

/// A rep's working days. Hours are in the form of contact hours: `Mo-Fr 08:00-17:00`.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkHours {
    /// Working hours; a pause between two spans of a day is a break.
    pub hours: String,
    /// The rep's IANA time zone.
    pub time_zone: String,
    /// Where the day begins.
    pub start: LatLng,
    /// Where it ends; without one where it began.
    pub end: Option<LatLng>,
    /// Minutes of a visit, 1 to 480.
    pub visit_minutes: u32,
    /// From how many leads a day is chosen, 1 to 100.
    pub candidates: u32,
    /// Breaks, four at most.
    pub breaks: Vec<BreakTime>,
}

/// A break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakTime {
    /// When it may begin, in the form of working hours.
    pub begins: String,
    /// How long it is.
    pub minutes: u32,
}

/// A lead to be visited, whether or not a visit is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopWish {
    /// The lead.
    pub lead: LeadId,
    /// Minutes of the visit, 1 to 480; the working day's if none.
    pub minutes: Option<u32>,
    /// When the visit may begin; the lead's contact hours if empty. One with equal ends is an
    /// appointment.
    pub begins: Vec<TimeWindow>,
    /// Whether it must take place.
    pub is_mandatory: bool,
    /// How much it matters, up to a million; by tier, score and days overdue if none.
    pub priority: Option<u32>,
}

impl StopWish {
    /// A visit at any time of the lead's contact hours that need not take place.
    pub const fn new(lead: LeadId) -> Self {
        Self {
            lead,
            minutes: None,
            begins: Vec::new(),
            is_mandatory: false,
            priority: None,
        }
    }

    /// An appointment that must take place.
    pub fn appointment(lead: LeadId, at: TimestampMs) -> Self {
        Self {
            begins: vec![TimeWindow { from: at, to: at }],
            is_mandatory: true,
            ..Self::new(lead)
        }
    }

    /// The wish in seconds of the day that begins at `zero_at`.
    pub(super) fn to_wish(&self, zero_at: TimestampMs) -> EngineResult<Wish> {
        if self
            .minutes
            .is_some_and(|minutes| !(1..=480).contains(&minutes))
        {
            return Err(EngineError::invalid("a visit takes 1 to 480 minutes"));
        }
        let second = |at: TimestampMs| at.since(zero_at).div_euclid(1_000);
        let windows = self.begins.iter();
        Ok(Wish {
            lead: self.lead,
            service_s: self.minutes.map(|minutes| minutes * 60),
            windows: windows
                .map(|w| Window::new(second(w.from), second(w.to)))
                .collect(),
            mandatory: self.is_mandatory,
            priority: self.priority,
        })
    }
}

/// A span of time, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeWindow {
    /// First moment.
    pub from: TimestampMs,
    /// Last moment.
    pub to: TimestampMs,
}

impl WorkHours {
    pub(super) fn to_work_day(&self) -> EngineResult<WorkDay> {
        let breaks = self.breaks.iter().map(|pause| {
            Ok(BreakRule {
                begins: pause.begins.parse()?,
                minutes: pause.minutes,
            })
        });
        let work = WorkDay {
            hours: self.hours.parse()?,
            time_zone: self.time_zone.clone(),
            start: self.start,
            end: self.end,
            visit_minutes: self.visit_minutes,
            candidates: self.candidates as usize,
            breaks: breaks.collect::<EngineResult<_>>()?,
            traffic: Vec::new(),
        };
        let checked = work.check();
        checked.map_err(|error| EngineError::invalid(error.to_string()))?;
        Ok(work)
    }

    pub(super) fn of_work_day(work: &WorkDay) -> Self {
        Self {
            hours: work.hours.to_string(),
            time_zone: work.time_zone.clone(),
            start: work.start,
            end: work.end,
            visit_minutes: work.visit_minutes,
            candidates: u32::try_from(work.candidates).unwrap_or(u32::MAX),
            breaks: work
                .breaks
                .iter()
                .map(|pause| BreakTime {
                    begins: pause.begins.to_string(),
                    minutes: pause.minutes,
                })
                .collect(),
        }
    }
}

/// The working day behind a plan of the server, as far as the plan shows it: the same shift, places
/// and breaks on every day of the week.
pub(super) fn work_of_plan(day: &DayData) -> Option<WorkDay> {
    let rep = day.problem.reps.first()?;
    let place = |place: Option<usize>| day.problem.positions.get(place?).copied();
    let service_s = day
        .problem
        .stops
        .first()
        .map_or(1_800, |stop| stop.service_s);
    let breaks = rep.breaks.iter().filter_map(|pause| {
        let window = pause.windows.first()?;
        Some(BreakRule {
            begins: daily(window.from, window.to.max(window.from + 60))?,
            minutes: (pause.duration_s / 60).max(1),
        })
    });
    Some(WorkDay {
        hours: daily(rep.shift.from, rep.shift.to)?,
        time_zone: day.time_zone.clone(),
        start: place(rep.start)?,
        end: place(rep.end),
        visit_minutes: (service_s / 60).clamp(1, 480),
        candidates: 40,
        breaks: breaks.take(4).collect(),
        traffic: traffic_of(day),
    })
}

/// The traffic behind a plan of the server.
pub(super) fn traffic_of(day: &DayData) -> Vec<u16> {
    let profile = day.problem.travel.profile();
    profile.map_or_else(Vec::new, |profile| profile.factors.clone())
}

/// Hours of every day, to the minute.
fn daily(from: i64, to: i64) -> Option<fieldfare_model::ContactHours> {
    let clock = |second: i64| format!("{:02}:{:02}", second / 3_600, second % 3_600 / 60);
    format!("Mo-Su {}-{}", clock(from), clock(to)).parse().ok()
}
