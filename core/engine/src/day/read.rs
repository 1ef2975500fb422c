//! Reading planned days.

use crate::day::own::DayData;
use crate::day::record::{Notes, record};
use crate::day::{DayRecord, RouteNote, unreadable};
use crate::{Engine, EngineError, EngineResult};
use fieldfare_model::{CalendarDate, DayPlanRow, Entity, LeadId, RouteRow};
use fieldfare_navigator::{Route, WaypointKind};
use fieldfare_planner::Plan;

impl Engine {
    /// The dates for which a planned day is on this phone, in order.
    ///
    /// # Errors
    /// As storage has it.
    pub fn planned_dates(&self) -> EngineResult<Vec<CalendarDate>> {
        let mut dates = self.kept_dates()?;
        dates.extend(self.day_rows()?.iter().map(|row| row.date));
        Ok(dates.into_iter().collect())
    }

    /// A planned day: this phone's own if there is one, else the server's.
    ///
    /// Visits recorded meanwhile count as made; the times stay until the day is planned anew.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] if that day is not planned; or as storage has it.
    pub fn day(&self, date: CalendarDate) -> EngineResult<DayRecord> {
        let data = self.day_data(date)?;
        self.day_record(&data, &data.plan)
    }

    /// Shows the server's plan of a day in place of this phone's own. What was visited and
    /// cancelled is forgotten with it, visits recorded are not.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] if the server has none; or as storage has it.
    pub fn use_server_day(&self, date: CalendarDate) -> EngineResult<DayRecord> {
        if self.day_row(date)?.is_none() {
            return Err(EngineError::not_found("planned day"));
        }
        let changing = self.lock_days();
        self.forget_day(date)?;
        drop(changing);
        self.tell_days();
        self.day(date)
    }

    pub(super) fn tell_days(&self) {
        self.observers.tell(&crate::ChangeNotice {
            days: true,
            ..crate::ChangeNotice::default()
        });
    }

    pub(crate) fn day_data(&self, date: CalendarDate) -> EngineResult<DayData> {
        let mut data = match self.kept_day(date)? {
            Some(own) => own,
            None => {
                let row = self.day_row(date)?;
                DayData::of_row(row.ok_or(EngineError::not_found("planned day"))?)?
            }
        };
        self.note_visits(&mut data)?;
        Ok(data)
    }

    pub(super) fn day_record(&self, data: &DayData, plan: &Plan) -> EngineResult<DayRecord> {
        let row = self.day_row(data.date)?;
        let is_newer = |row: &DayPlanRow| row.computed_at > data.computed_at;
        let notes = Notes {
            has_newer_server_plan: row.as_ref().is_some_and(is_newer),
            route: self.route_note(data)?,
        };
        let mut shown = record(data, plan, notes).ok_or_else(|| unreadable("the planned day"))?;
        let is_over =
            |lead: &LeadId| shown.visited.contains(lead) || shown.cancelled.contains(lead);
        shown
            .steps
            .retain(|step| !step.lead.as_ref().is_some_and(is_over));
        Ok(shown)
    }

    /// Visits of this rep on that day count as made, in the order of their beginning.
    fn note_visits(&self, data: &mut DayData) -> EngineResult<()> {
        let Ok(enrolment) = self.session.enrolment() else {
            return Ok(());
        };
        let end = data.day()?.end_at();
        let mut visits = self.all_visits()?;
        visits.retain(|record| {
            let visit = &record.visit;
            visit.rep == enrolment.rep && visit.started_at >= data.zero_at && visit.started_at < end
        });
        visits.sort_by_key(|record| (record.visit.started_at, record.visit.id));
        for record in visits {
            let lead = record.visit.lead;
            if data.names(lead) && !data.progress.visited.contains(&lead) {
                data.progress.visited.push(lead);
            }
        }
        let visited = data.progress.visited.clone();
        data.progress
            .committed
            .retain(|lead| !visited.contains(lead));
        Ok(())
    }

    /// Rows a newer server wrote in a form this build cannot read are left out.
    pub(super) fn day_rows(&self) -> EngineResult<Vec<DayPlanRow>> {
        let rows = self.store.records(Entity::DAY_PLAN)?;
        let read = rows
            .iter()
            .filter_map(|r| DayPlanRow::from_columns(r.row.id.into(), &r.row.columns).ok());
        let mut rows: Vec<DayPlanRow> = read.filter(|row| self.is_own(row.rep)).collect();
        rows.sort_by_key(|row| (row.date, row.computed_at));
        Ok(rows)
    }

    fn is_own(&self, rep: fieldfare_model::RepId) -> bool {
        self.session.enrolment().is_ok_and(|own| own.rep == rep)
    }

    pub(super) fn day_row(&self, date: CalendarDate) -> EngineResult<Option<DayPlanRow>> {
        Ok(self.day_rows()?.into_iter().rfind(|row| row.date == date))
    }

    /// The routes of the rep's days, the date's own first.
    pub(crate) fn route_rows(&self, date: CalendarDate) -> EngineResult<Vec<RouteRow>> {
        let rows = self.store.records(Entity::ROUTE)?;
        let read = rows
            .iter()
            .filter_map(|r| RouteRow::from_columns(r.row.id.into(), &r.row.columns).ok());
        let mut rows: Vec<RouteRow> = read.filter(|row| self.is_own(row.rep)).collect();
        rows.sort_by_key(|row| (row.date != date, row.date, row.id));
        Ok(rows)
    }

    fn route_note(&self, data: &DayData) -> EngineResult<Option<RouteNote>> {
        let rows = self.route_rows(data.date)?;
        let row = rows.into_iter().find(|row| row.date == data.date);
        Ok(row.map(|row| RouteNote {
            is_current: Route::from_bytes(&row.route)
                .is_ok_and(|route| leads_through(&route, data)),
            provider: row.provider,
            computed_at: row.computed_at,
        }))
    }
}

/// Whether a route leads through the stops still to come in their order, and before them only
/// through such as were visited.
pub(crate) fn leads_through(route: &Route, data: &DayData) -> bool {
    let stops: Vec<LeadId> = route
        .waypoints()
        .iter()
        .filter(|place| place.kind == WaypointKind::Break)
        .filter_map(|place| place.lead)
        .collect();
    let over = |lead: &LeadId| {
        data.progress.visited.contains(lead) || data.progress.cancelled.contains(lead)
    };
    let order: Vec<LeadId> = data
        .order()
        .into_iter()
        .filter(|lead| !over(lead))
        .collect();
    let rest = stops.len().checked_sub(order.len());
    let rest = rest.and_then(|from| stops.get(from..));
    let before = stops.len() - order.len().min(stops.len());
    rest == Some(order.as_slice())
        && stops
            .iter()
            .take(before)
            .all(|lead| data.progress.visited.contains(lead))
}
