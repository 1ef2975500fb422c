//! Planning a day on the phone, with the server's planner.

use crate::day::own::{DayData, Progress};
use crate::day::request::{traffic_of, work_of_plan};
use crate::day::{DayRecord, DaySource, PlanDay, StopWish, WorkHours};
use crate::leads::read_all;
use crate::{Engine, EngineError, EngineResult};
use fieldfare_model::{CalendarDate, Lead, LeadId};
use fieldfare_planner::workday::{Day, Sketch, Wish, WorkDay, sketch_with};
use fieldfare_planner::{Options, Problem, solve};
use fieldfare_store::{LeadFilter, LeadOrder};

const SETTING: &str = "work_hours";

/// Leads read at once.
const PAGE: usize = 1_000;

impl Engine {
    /// Notes the rep's working days, for planning on this phone.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] for hours, minutes or a time zone that cannot be; or as storage
    /// has it.
    pub fn set_work_hours(&self, work: &WorkHours) -> EngineResult<()> {
        let json = serde_json::to_vec(&work.to_work_day()?);
        let json = json.map_err(|_| EngineError::invalid("work hours cannot be written"))?;
        Ok(self.store.set_setting(SETTING, Some(&json))?)
    }

    /// The rep's working days as noted on this phone, else as the server's latest plan shows them;
    /// none if neither is there.
    ///
    /// # Errors
    /// As storage has it.
    pub fn work_hours(&self) -> EngineResult<Option<WorkHours>> {
        let rows = self.day_rows()?;
        let date = rows.last().map(|row| row.date);
        let work = self.known_work(date)?;
        Ok(work.map(|work| WorkHours::of_work_day(&work)))
    }

    /// Plans a day without a connection, in place of this phone's earlier plan of that day.
    ///
    /// The planner is the server's: the same leads, hours and travel times give the same plan.
    /// Travel times are those the server's plans brought, and estimates where they lack a place;
    /// [`DayRecord::travel`] says which. Takes milliseconds to some hundred of them.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] for a wish that cannot be, a day on which the rep does not work,
    /// or without any working hours; [`EngineError::NotFound`] for a wished lead that is not on
    /// this phone; [`EngineError::NotEnrolled`]; or as storage has it.
    pub fn plan_day(&self, request: &PlanDay) -> EngineResult<DayRecord> {
        let rep = self.session.enrolment()?.rep;
        let work = self.work_for(request)?;
        let day = day_of(request.date, &work)?;
        let changing = self.lock_days();
        let leads = self.leads_to_choose_from(request)?;
        let wishes = wishes(&request.wishes, &leads, &day)?;
        let sketch = sketch_with(rep, &work, &day, &leads, &wishes);
        let sketch = sketch.ok_or(EngineError::invalid("the rep does not work on that day"))?;
        let problem = Problem {
            objective: request.objective.into(),
            ..self.with_travel(request.date, sketch)?
        };
        let data = DayData {
            date: request.date,
            time_zone: work.time_zone,
            zero_at: day.zero_at(),
            source: DaySource::Phone,
            computed_at: self.sources.now(),
            plan: solve(&problem, &Options::default())?,
            problem,
            is_rest: false,
            progress: Progress::default(),
        };
        self.keep_day(&data)?;
        drop(changing);
        self.tell_days();
        self.day(request.date)
    }

    fn with_travel(&self, date: CalendarDate, sketch: Sketch) -> EngineResult<Problem> {
        let travel = self.travel(date, sketch.places())?;
        Ok(sketch.problem(travel))
    }

    fn work_for(&self, request: &PlanDay) -> EngineResult<WorkDay> {
        let work = match &request.work {
            Some(work) => Some(work.to_work_day()?),
            None => self.known_work(Some(request.date))?,
        };
        let mut work = work.ok_or(EngineError::invalid(
            "say the rep's working hours: the server has planned no day yet",
        ))?;
        if work.traffic.is_empty() {
            let day = self.server_day(Some(request.date))?;
            work.traffic = day.as_ref().map_or_else(Vec::new, traffic_of);
        }
        Ok(work)
    }

    /// As noted, else as in the server's plan of a date, else of its latest.
    pub(super) fn known_work(&self, date: Option<CalendarDate>) -> EngineResult<Option<WorkDay>> {
        let noted = self.store.setting(SETTING)?;
        if let Some(work) = noted.and_then(|json| serde_json::from_slice(&json).ok()) {
            return Ok(Some(work));
        }
        Ok(self.server_day(date)?.as_ref().and_then(work_of_plan))
    }

    /// The server's plan of a date, else its latest.
    pub(super) fn server_day(&self, date: Option<CalendarDate>) -> EngineResult<Option<DayData>> {
        let rows = self.day_rows()?;
        let own = |row: &&fieldfare_model::DayPlanRow| Some(row.date) == date;
        let row = rows.iter().rfind(own).or(rows.last()).cloned();
        row.map(DayData::of_row).transpose()
    }

    /// The wished leads, and all others if due ones are to be added.
    fn leads_to_choose_from(&self, request: &PlanDay) -> EngineResult<Vec<Lead>> {
        if request.adds_due_leads {
            return self.all_leads();
        }
        let ids: Vec<LeadId> = request.wishes.iter().map(|wish| wish.lead).collect();
        Ok(leads(read_all(self.store.leads(&ids)?)))
    }

    fn all_leads(&self) -> EngineResult<Vec<Lead>> {
        let (filter, mut all, mut after) = (LeadFilter::default(), Vec::new(), None);
        loop {
            let order = LeadOrder::default();
            let page = self
                .store
                .page_leads(&filter, order, after.as_ref(), PAGE)?;
            all.extend(leads(read_all(page.rows)));
            after = page.next;
            if after.is_none() {
                return Ok(all);
            }
        }
    }
}

fn leads(records: Vec<crate::LeadRecord>) -> Vec<Lead> {
    records.into_iter().map(|record| record.lead).collect()
}

pub(super) fn day_of(date: CalendarDate, work: &WorkDay) -> EngineResult<Day> {
    let day = Day::new(date, &work.time_zone);
    day.ok_or(EngineError::invalid("there is no such day or time zone"))
}

/// Every wished lead must be there, and have a place.
pub(super) fn wishes(wishes: &[StopWish], leads: &[Lead], day: &Day) -> EngineResult<Vec<Wish>> {
    let wish = |wish: &StopWish| {
        let lead = leads.iter().find(|lead| lead.id == wish.lead);
        let lead = lead.ok_or(EngineError::not_found("lead"))?;
        if lead.geocode.position.is_none() {
            return Err(EngineError::invalid(
                "a lead without a place cannot be planned",
            ));
        }
        wish.to_wish(day.zero_at())
    };
    wishes.iter().map(wish).collect()
}
