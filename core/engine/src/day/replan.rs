//! Planning the rest of a day anew.

use crate::day::matrix::with_places;
use crate::day::own::DayData;
use crate::day::plan::wishes;
use crate::day::request::StopWish;
use crate::day::{DayChange, DayEvent, DayRecord};
use crate::{Engine, EngineError, EngineResult};
use fieldfare_model::{CalendarDate, LatLng, LeadId, TimestampMs};
use fieldfare_planner::workday::{Wish, WorkDay, guest, priority};
use fieldfare_planner::{
    DayState, Options, Plan, Problem, RepState, Replanned, Stop, Window, replan,
};

/// What is different from what was planned.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DayUpdate {
    /// Where the rep is. Used for this plan and not kept. If none, the last lead visited, or where
    /// the day begins.
    pub position: Option<LatLng>,
    /// When the rep is free to leave there, for a visit that takes longer; now if none.
    pub free_from: Option<TimestampMs>,
    /// What happened since.
    pub events: Vec<DayEvent>,
    /// How many seconds of driving must be saved for each visit that changes its turn; ten
    /// minutes if none.
    pub stability_s: Option<u32>,
}

/// The rest of a day, planned anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplannedDay {
    /// The day as it is now.
    pub day: DayRecord,
    /// What is different, in no particular order.
    pub changes: Vec<DayChange>,
    /// How many visits changed their turn.
    pub moved: u32,
}

impl Engine {
    /// Plans the rest of a day anew, without a connection: what was visited is behind, committed
    /// visits come first, and of the others no more changes its turn than pays. Changes of a day
    /// that come at once are made one after the other.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] if that day is not planned or names no such lead;
    /// [`EngineError::Invalid`] for a wish that cannot be; or as storage has it. Nothing is
    /// changed then.
    pub fn replan_day(&self, date: CalendarDate, update: &DayUpdate) -> EngineResult<ReplannedDay> {
        let changing = self.lock_days();
        let mut data = self.day_data(date)?;
        for event in &update.events {
            self.take_event(&mut data, event)?;
        }
        let now = self.sources.now();
        let state = State::new(&data, update, now);
        let replanned = state.replan(data.problem.clone(), &data.plan, &Options::default())?;
        let shown = replanned.plan.clone();
        data.plan = without_first_leg(replanned.plan, update.position.is_some());
        data.computed_at = now;
        data.source = crate::day::DaySource::Phone;
        data.is_rest = true;
        self.keep_day(&data)?;
        drop(changing);
        self.tell_days();
        Ok(ReplannedDay {
            day: self.day_record(&data, &shown)?,
            changes: replanned.changes.iter().filter_map(DayChange::of).collect(),
            moved: u32::try_from(replanned.moved).unwrap_or(u32::MAX),
        })
    }

    fn take_event(&self, data: &mut DayData, event: &DayEvent) -> EngineResult<()> {
        match event {
            DayEvent::Added { wish } => self.add_stop(data, wish)?,
            DayEvent::Visited { lead }
            | DayEvent::Committed { lead }
            | DayEvent::Cancelled { lead }
                if !data.names(*lead) =>
            {
                return Err(EngineError::not_found("lead in that day"));
            }
            _ => {}
        }
        data.progress.note(event);
        Ok(())
    }

    /// Adds a lead, or changes what is wished of one that is in the day.
    fn add_stop(&self, data: &mut DayData, wish: &StopWish) -> EngineResult<()> {
        let lead = self.lead(wish.lead)?.lead;
        let day = data.day()?;
        let asked = wishes(
            std::slice::from_ref(wish),
            std::slice::from_ref(&lead),
            &day,
        )?;
        let asked = asked.into_iter().next();
        let asked = asked.ok_or(EngineError::not_found("lead"))?;
        let position = lead.geocode.position;
        let position = position.ok_or(EngineError::invalid("a lead without a place"))?;
        let work = self.work_of(data)?;
        let usual = guest(&lead, &work, &day, whole_shift(data)).map(|(stop, _)| stop);
        let stop = Stop {
            priority: asked
                .priority
                .unwrap_or_else(|| priority(&lead, day.end_at())),
            ..wished_stop(&asked, usual, &work)
        };
        let id = stop.id.clone();
        if let Some(known) = data.problem.stops.iter_mut().find(|stop| stop.id == id) {
            *known = Stop {
                place: known.place,
                ..stop
            };
            return Ok(());
        }
        let place = data.problem.positions.len();
        data.problem = with_places(data.problem.clone(), &[position])?;
        data.problem.stops.push(Stop { place, ..stop });
        Ok(())
    }

    /// The working day behind a day, for the length of visits.
    pub(super) fn work_of(&self, data: &DayData) -> EngineResult<WorkDay> {
        let known = super::request::work_of_plan(data);
        known.ok_or_else(|| super::unreadable("the planned day"))
    }
}

/// The shift as it was planned in the morning.
pub(super) fn whole_shift(data: &DayData) -> Window {
    let rep = data.problem.reps.first();
    rep.map_or(Window::new(0, 86_400), |rep| rep.shift)
}

fn wished_stop(wish: &Wish, usual: Option<Stop>, work: &WorkDay) -> Stop {
    let service_s = wish.service_s.unwrap_or(work.visit_minutes * 60);
    let usual = usual.unwrap_or_else(|| Stop::optional(wish.lead.to_string(), 0, service_s, 0));
    Stop {
        service_s,
        mandatory: wish.mandatory,
        windows: match wish.windows.is_empty() {
            true => usual.windows.clone(),
            false => wish.windows.clone(),
        },
        ..usual
    }
}

/// Where a day stands, for the planner.
pub(super) struct State {
    state: DayState,
    here: Option<LatLng>,
}

impl State {
    pub fn new(data: &DayData, update: &DayUpdate, now: TimestampMs) -> Self {
        let progress = &data.progress;
        let second = |at: TimestampMs| data.second(at);
        let rep = data.problem.reps.first();
        let free_from = update.free_from.unwrap_or(now);
        Self {
            state: DayState {
                now: second(now),
                reps: vec![RepState {
                    rep: rep.map_or_else(String::new, |rep| rep.id.clone()),
                    place: last_place(data),
                    free_from: second(free_from),
                    visited: ids(&progress.visited),
                    committed: ids(&progress.committed),
                    breaks_taken: progress.breaks_taken.clone(),
                    absent: false,
                }],
                cancelled: ids(&progress.cancelled),
                stability_s: update
                    .stability_s
                    .unwrap_or(DayState::default_stability_s()),
            },
            here: update.position,
        }
    }

    /// Never changes the order if that can be helped.
    pub fn keeping_order(mut self) -> Self {
        self.state.stability_s = 86_400;
        self
    }

    pub fn replan(
        mut self,
        problem: Problem,
        earlier: &Plan,
        options: &Options,
    ) -> EngineResult<Replanned> {
        let here = problem.positions.len();
        let more: Vec<LatLng> = self.here.into_iter().collect();
        let problem = with_places(problem, &more)?;
        if let (Some(rep), false) = (self.state.reps.first_mut(), more.is_empty()) {
            rep.place = Some(here);
        }
        Ok(replan(&problem, earlier, &self.state, options)?)
    }
}

/// Where the lead visited last is.
fn last_place(data: &DayData) -> Option<usize> {
    let last = data.progress.visited.last()?.to_string();
    let stop = data.problem.stops.iter().find(|stop| stop.id == last);
    stop.map(|stop| stop.place)
}

fn ids(leads: &[LeadId]) -> Vec<String> {
    leads.iter().map(LeadId::to_string).collect()
}

/// The plan without the leg from where the rep was, which would tell where that is.
fn without_first_leg(mut plan: Plan, began_here: bool) -> Plan {
    for day in plan.days.iter_mut().filter(|_| began_here) {
        let (mut seconds, mut metres) = (0, 0);
        if let Some(first) = day
            .steps
            .iter_mut()
            .find(|step| step.metres != 0 || step.travel_s != 0)
        {
            std::mem::swap(&mut seconds, &mut first.travel_s);
            std::mem::swap(&mut metres, &mut first.metres);
            first.place = None;
            day.departure = first.arrival;
        } else {
            std::mem::swap(&mut seconds, &mut day.travel_s);
            std::mem::swap(&mut metres, &mut day.metres);
            day.departure = day.arrival;
        }
        for totals in [&mut day.totals, &mut plan.totals] {
            totals.driving_s -= seconds;
            totals.metres -= metres;
        }
    }
    plan
}
