//! Days this phone planned or that have begun, kept beside the outbox: no server could bring them
//! back.

use crate::day::own::DayData;
use crate::{Engine, EngineError, EngineResult};
use fieldfare_model::{CalendarDate, LeadId};
use fieldfare_planner::{Problem, Travel};
use std::collections::BTreeSet;

const INDEX: &str = "days";

/// Days kept at most; the earliest go first.
const MOST: usize = 8;

fn name(date: CalendarDate) -> String {
    format!("day.{}", date.number())
}

impl Engine {
    /// The dates of the days kept, in order.
    pub(super) fn kept_dates(&self) -> EngineResult<BTreeSet<CalendarDate>> {
        let stored = self.store.setting(INDEX)?;
        let dates = stored.and_then(|json| serde_json::from_slice(&json).ok());
        Ok(dates.unwrap_or_default())
    }

    pub(super) fn kept_day(&self, date: CalendarDate) -> EngineResult<Option<DayData>> {
        let bytes = self.store.setting(&name(date))?;
        Ok(bytes.and_then(|bytes| DayData::from_bytes(&bytes)))
    }

    /// Keeps a day, and lets go of the earliest if there are too many.
    pub(super) fn keep_day(&self, day: &DayData) -> EngineResult<()> {
        let mut dates = self.kept_dates()?;
        dates.insert(day.date);
        let mut changes = vec![(day.date, Some(day.to_bytes()?))];
        while dates.len() > MOST
            && let Some(earliest) = dates.pop_first()
        {
            changes.push((earliest, None));
        }
        self.write_days(&dates, &changes)
    }

    pub(super) fn forget_day(&self, date: CalendarDate) -> EngineResult<()> {
        let mut dates = self.kept_dates()?;
        dates.remove(&date);
        self.write_days(&dates, &[(date, None)])
    }

    /// The index with what it lists, all at once: a day it does not list would be found by nobody
    /// whom its leads leave.
    fn write_days(
        &self,
        dates: &BTreeSet<CalendarDate>,
        changes: &[(CalendarDate, Option<Vec<u8>>)],
    ) -> EngineResult<()> {
        let index = serde_json::to_vec(dates).map_err(|_| EngineError::Storage {
            detail: "the days cannot be written".to_owned(),
        })?;
        let names = changes.iter().map(|(date, _)| name(*date));
        let names: Vec<String> = names.collect();
        let days = names.iter().zip(changes);
        let days = days.map(|(name, (_, bytes))| (name.as_str(), bytes.as_deref()));
        let values: Vec<_> = days.chain([(INDEX, Some(index.as_slice()))]).collect();
        Ok(self.store.set_settings(&values)?)
    }

    /// Takes leads that left this phone out of the days kept here, with where they are. Answers
    /// whether any day named one. Waits until a day that is being planned is kept: it may name one.
    pub(crate) fn follow_leads_in_days(&self, changed: &[LeadId]) -> EngineResult<bool> {
        if changed.is_empty() {
            return Ok(false);
        }
        let _changing = self.lock_days();
        let mut has_changed = false;
        for date in self.kept_dates()? {
            let Some(mut day) = self.kept_day(date)? else {
                continue;
            };
            let named = changed.iter().copied().filter(|lead| day.names(*lead));
            let gone = self.not_here(&named.collect::<Vec<_>>())?;
            if !gone.is_empty() {
                gone.iter().for_each(|lead| forget_lead(&mut day, *lead));
                self.keep_day(&day)?;
                has_changed = true;
            }
        }
        Ok(has_changed)
    }

    fn not_here(&self, leads: &[LeadId]) -> EngineResult<Vec<LeadId>> {
        let here = self.store.leads(leads)?;
        let is_here = |lead: &LeadId| here.iter().any(|stored| stored.row.id == lead.row());
        Ok(leads
            .iter()
            .copied()
            .filter(|lead| !is_here(lead))
            .collect())
    }
}

/// The rest of the plan keeps its times: the rep drives on as planned, past a stop that is gone.
fn forget_lead(day: &mut DayData, lead: LeadId) {
    let id = lead.to_string();
    let Some(index) = day.problem.stops.iter().position(|stop| stop.id == id) else {
        return;
    };
    let place = day.problem.stops.remove(index).place;
    forget_place(&mut day.problem, place);
    day.is_rest = true;
    for planned in &mut day.plan.days {
        planned.steps.retain(|step| match &step.what {
            fieldfare_planner::Activity::Visit { stop } => *stop != id,
            fieldfare_planner::Activity::Break { .. } => true,
        });
    }
    day.plan.left_out.retain(|left| left.stop != id);
    let progress = &mut day.progress;
    for list in [
        &mut progress.visited,
        &mut progress.committed,
        &mut progress.cancelled,
    ] {
        list.retain(|known| *known != lead);
    }
}

/// Empties a place nobody else is at: its position, and the ways from and to it.
fn forget_place(problem: &mut Problem, place: usize) {
    let is_used = problem.stops.iter().any(|stop| stop.place == place)
        || (problem.reps.iter()).any(|rep| rep.start == Some(place) || rep.end == Some(place));
    if is_used {
        return;
    }
    let elsewhere = problem.positions.first().copied();
    if let (Some(at), Some(elsewhere)) = (problem.positions.get_mut(place), elsewhere) {
        *at = elsewhere;
    }
    let travel = &problem.travel;
    let emptied = Travel::from_fn(travel.places(), |from, to| {
        let is_gone = from == place || to == place;
        let way = travel.seconds(from, to).zip(travel.metres(from, to));
        way.filter(|_| !is_gone)
    });
    if let Ok(emptied) = emptied {
        problem.travel = emptied
            .with_profile(travel.profile().cloned())
            .with_provenance(travel.provenance().clone());
    }
}
