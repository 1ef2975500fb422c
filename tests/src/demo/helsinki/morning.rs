//! The server plans, the phone syncs; and the way back at the end.

use super::drive::Driven;
use super::{Roads, Today, ZONE, minutes, story};
use crate::demo::DemoResult;
use crate::demo::narrator::{Narrator, Step};
use crate::demo::phone::Phone;
use crate::demo::stage::{ELINA, Stage};
use crate::demo::time::wall_in;
use fieldfare_engine::{DayRecord, DayStep, DayStepKind, LeftOutReason};
use fieldfare_model::{DayPlanRow, LeadId, RouteRow, TimestampMs};
use fieldfare_navigator::Route;
use fieldfare_planner::workday::{Day, local};
use std::collections::BTreeMap;
use std::sync::Arc;

const DAY_MS: i64 = 24 * 3_600_000;

/// A planned day took effect on the phone after at most so many tries: the server forgets days gone
/// by once a minute, and the demo's day is one.
const TRIES: usize = 3;

/// The day as the server planned it and the phone has it.
pub struct Planned {
    /// The day.
    pub today: Today,
    /// As the phone shows it.
    pub day: DayRecord,
    /// The row it came in.
    pub row: DayPlanRow,
    /// The road route the server sent.
    pub route: Route,
    /// Names of the leads.
    pub names: BTreeMap<LeadId, String>,
}

impl Planned {
    /// A lead's name.
    pub fn name(&self, lead: LeadId) -> &str {
        self.names.get(&lead).map_or("?", String::as_str)
    }

    /// The moment by the clock on the rep's wall.
    pub fn wall(&self, at: TimestampMs) -> String {
        wall_in(at, ZONE)
    }
}

/// Yesterday in Helsinki: a day that is over, as the phone's clock must not run before the server's.
///
/// # Errors
/// [`crate::demo::DemoError::Story`].
pub fn date(stage: &Stage) -> DemoResult<Today> {
    let yesterday = stage.server.state.now().plus(-DAY_MS);
    let (date, _) = local(yesterday, ZONE).ok_or(story("a calendar"))?;
    let day = Day::new(date, ZONE).ok_or(story("a calendar"))?;
    Ok(Today {
        date,
        zero_at: day.zero_at(),
    })
}

/// Plans the day on the server as each morning, and brings it to the phone.
///
/// # Errors
/// [`crate::demo::DemoError`].
pub async fn plan(
    stage: &Stage,
    roads: &Roads,
    phone: &Phone,
    today: Today,
    narrator: &mut Narrator,
) -> DemoResult<Planned> {
    let step = narrator.begin(
        "A planned day",
        "In Helsinki the server plans another rep's day by night, with the roads' travel times.",
        0,
    );
    step.tell(roads.told());
    phone.clock.set(today.zero_at.plus(7 * 3_600_000));
    let code = stage.code_of(ELINA)?;
    Arc::clone(&phone.engine)
        .enrol(code, "Elina's phone".to_owned())
        .await?;
    let mut tries = 0;
    let day = loop {
        tries += 1;
        stage.plan_day(ELINA, today.date).await?;
        phone.sync(|_| ()).await?;
        match phone.engine.day(today.date) {
            Ok(day) => break day,
            Err(error) if tries == TRIES => return Err(error.into()),
            Err(_) => {}
        }
    };
    let (row, route) = stage.planned_rows(ELINA)?;
    let route = route.ok_or(story("a road route"))?;
    let planned = Planned {
        today,
        names: names(phone)?,
        row,
        route: read(&route)?,
        day,
    };
    tell(&step, &planned);
    step.done(&format!(
        "{} visits, {} of driving, {:.1} km by {}",
        planned.day.totals.visits,
        minutes(planned.day.totals.driving_s),
        planned.day.totals.metres as f64 / 1_000.0,
        planned.day.travel.provider
    ));
    Ok(planned)
}

fn read(row: &RouteRow) -> DemoResult<Route> {
    Route::from_bytes(&row.route).map_err(|_| story("a route that can be read"))
}

fn names(phone: &Phone) -> DemoResult<BTreeMap<LeadId, String>> {
    let filter = fieldfare_engine::LeadFilter::default();
    let order = fieldfare_engine::LeadOrder::default();
    let page = phone.engine.leads_page(&filter, order, None, 100)?;
    let leads = page.leads.into_iter().map(|record| record.lead);
    Ok(leads.map(|lead| (lead.id, lead.name)).collect())
}

fn tell(step: &Step, planned: &Planned) {
    let day = &planned.day;
    step.tell(&format!("{}  leave", planned.wall(day.departure)));
    for stop in &day.steps {
        step.tell(&line(planned, stop));
    }
    step.tell(&format!("{}  back", planned.wall(day.arrival)));
    for left in &day.left_out {
        let why = match left.reason {
            LeftOutReason::LowerPriority => "counts for less than what it would displace",
            LeftOutReason::NoHoursFit => "cannot be met in its hours",
            LeftOutReason::ShiftEnds => "the day is too short for it",
            LeftOutReason::DetourTooLong => "the detour is too long",
            LeftOutReason::NotForRep | LeftOutReason::Unreachable => "nobody can come there",
        };
        step.tell(&format!("  not today: {} - {why}", planned.name(left.lead)));
    }
}

/// A line of the timetable.
pub fn line(planned: &Planned, stop: &DayStep) -> String {
    let what = match (stop.kind, stop.lead) {
        (DayStepKind::Visit, Some(lead)) => planned.name(lead),
        _ => "lunch",
    };
    let there = (stop.travel_s > 0).then(|| format!("{} there", minutes(stop.travel_s)));
    let early = (stop.wait_s > 60).then(|| format!("{} early", minutes(stop.wait_s)));
    let slack = format!("{} to spare", minutes(stop.slack_s));
    let more: Vec<String> = there.into_iter().chain(early).chain([slack]).collect();
    format!(
        "{} - {}  {what:<26}  {}",
        planned.wall(stop.start),
        planned.wall(stop.departure),
        more.join(", ")
    )
}

/// Sends the day's visits; answers how many of them the server holds.
///
/// # Errors
/// [`crate::demo::DemoError`].
pub async fn come_back(
    stage: &Stage,
    phone: &Phone,
    driven: &Driven,
    narrator: &mut Narrator,
) -> DemoResult<usize> {
    let step = narrator.begin("Home", "The connection is back, and the visits go up.", 0);
    phone.radio.switch(true);
    let report = phone.sync(|_| ()).await?;
    let held = stage.visits_of(&driven.visits)?;
    step.done(&format!(
        "{} changes sent, the server holds {held} visits",
        report.pushed
    ));
    Ok(held)
}
