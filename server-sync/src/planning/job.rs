//! Planning a rep's day and putting it into the feed.

use crate::config::derived_id;
use crate::feed::{self, assignments};
use crate::routing::{FoundRoute, Routing, RoutingError};
use crate::store::{StoreError, Tenant};
use fieldfare_model::schema::day_plan;
use fieldfare_model::{
    CalendarDate, DayPlanId, DayPlanRow, Entity, Lead, LeadId, RepId, RouteId, RouteRow,
    TimestampMs,
};
use fieldfare_navigator::{QueryPlace, RouteQuery, WaypointKind};
use fieldfare_planner::workday::{Day, WorkDay, sketch};
use fieldfare_planner::{Activity, Options, Plan, Problem, ProblemError, Step, solve};
use fieldfare_sync::RowState;
use rusqlite::{Connection, Transaction};
use std::sync::Arc;

/// A row must fit into one frame of the feed with room to spare.
const MAX_ROW_BYTES: usize = 160 * 1024;

/// Why a day was not planned.
#[derive(Debug, thiserror::Error)]
pub enum DayError {
    /// The rep has no working hours on that day.
    #[error("the rep does not work on that day")]
    NotWorking,
    /// No such day, or the time zone is unknown.
    #[error("no such day")]
    Date,
    /// The planner refuses the problem, which the configuration made.
    #[error("the rep's day in the configuration cannot be planned: {0}")]
    Problem(#[from] ProblemError),
    /// Travel times could not be had.
    #[error(transparent)]
    Routing(#[from] RoutingError),
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whose day is planned, and with what.
pub struct DayJob<'a> {
    /// Travel times and routes.
    pub routing: &'a Routing,
    /// The rep's company.
    pub tenant: &'a Arc<Tenant>,
    /// The rep.
    pub rep: RepId,
    /// Their working day.
    pub config: &'a WorkDay,
}

/// A day that was planned and stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDay {
    /// The plan's row.
    pub day_plan: DayPlanRow,
    /// The route's row, if an engine gave one.
    pub route: Option<RouteId>,
    /// The version of the plan's row in the feed.
    pub version: u64,
    /// Visits planned.
    pub visits: usize,
    /// Leads that would have been due but do not fit.
    pub left_out: usize,
}

/// The row of a rep's day. There is one for each weekday, used again every week, so that days gone
/// by leave nothing behind.
pub fn day_plan_id(rep: RepId, date: CalendarDate) -> DayPlanId {
    DayPlanId::from_bytes(derived_id(&[b"day_plan", rep.as_bytes(), &[slot(date)]]))
}

/// The row of the route of a rep's day.
pub fn route_id(rep: RepId, date: CalendarDate) -> RouteId {
    RouteId::from_bytes(derived_id(&[b"route", rep.as_bytes(), &[slot(date)]]))
}

/// The weekday by Sakamoto's method; Sunday is 0.
fn slot(date: CalendarDate) -> u8 {
    const MONTHS: [i64; 12] = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
    let (year, month, day) = date.parts();
    let year = if month < 3 { year - 1 } else { year };
    let offset = MONTHS.get((month - 1) as usize).copied().unwrap_or(0);
    ((year + year / 4 - year / 100 + year / 400 + offset + day) % 7) as u8
}

/// Whether that day is planned already.
///
/// # Errors
/// [`StoreError`].
pub fn is_planned(
    connection: &Connection,
    rep: RepId,
    date: CalendarDate,
) -> Result<bool, StoreError> {
    let row = feed::row(connection, Entity::DAY_PLAN, day_plan_id(rep, date).row())?;
    let is_of = |columns: &fieldfare_model::Columns| {
        columns.get(day_plan::DATE).as_int() == Some(date.number())
    };
    Ok(matches!(row, RowState::Live(row) if is_of(&row.columns)))
}

/// Every lead a rep's devices hold.
///
/// # Errors
/// [`StoreError`].
pub fn leads_of(connection: &Connection, rep: RepId) -> Result<Vec<Lead>, StoreError> {
    let grants = assignments::grants_of(connection, rep)?;
    let scopes: Vec<_> = grants.into_iter().map(|grant| grant.scope).collect();
    let rows = feed::leads_in(connection, &scopes)?;
    let leads = rows
        .iter()
        .map(|row| Lead::from_columns(LeadId::from(row.id), &row.columns));
    Ok(leads.collect::<Result<_, _>>()?)
}

impl DayJob<'_> {
    /// Plans a day, asks for its road route, and puts both into the rep's scope. An engine that
    /// does not answer costs exactness (the plan says so) or the route, never the plan.
    ///
    /// # Errors
    /// [`DayError`].
    pub async fn run(&self, date: CalendarDate, now: TimestampMs) -> Result<StoredDay, DayError> {
        let day = Day::new(date, &self.config.time_zone).ok_or(DayError::Date)?;
        let rep = self.rep;
        let leads = self.tenant.read_async(move |c| leads_of(c, rep)).await?;
        let sketch = sketch(rep, self.config, &day, &leads).ok_or(DayError::NotWorking)?;
        let places = sketch.places().to_vec();
        let travel = self.routing.travel(Some(self.tenant), &places, now);
        let problem = sketch.problem(travel.await?);
        let (problem, plan) = solve_aside(problem).await?;
        let found = self.route(&problem, &plan).await;
        let row = self.day_row(date, &day, &problem, &plan, now)?;
        self.store(row, found, &plan, now).await
    }

    fn day_row(
        &self,
        date: CalendarDate,
        day: &Day,
        problem: &Problem,
        plan: &Plan,
        now: TimestampMs,
    ) -> Result<DayPlanRow, StoreError> {
        let damaged = |_| StoreError::Damaged("planned day");
        Ok(DayPlanRow {
            id: day_plan_id(self.rep, date),
            rep: self.rep,
            date,
            time_zone: self.config.time_zone.clone(),
            zero_at: day.zero_at(),
            computed_at: now,
            problem: serde_json::to_string(problem).map_err(damaged)?,
            plan: serde_json::to_string(plan).map_err(damaged)?,
        })
    }

    /// The road route of the day; none without visits, engines or an answer.
    async fn route(&self, problem: &Problem, plan: &Plan) -> Option<FoundRoute> {
        if !self.routing.has_engines() || plan.totals.visits == 0 {
            return None;
        }
        let found = self.routing.route(&query(problem, plan)?).await;
        let found = found.inspect_err(|error| tracing::warn!(%error, "no route for a planned day"));
        found.ok()
    }

    async fn store(
        &self,
        row: DayPlanRow,
        found: Option<FoundRoute>,
        plan: &Plan,
        now: TimestampMs,
    ) -> Result<StoredDay, DayError> {
        if row.problem.len() + row.plan.len() > MAX_ROW_BYTES {
            let what =
                "the planned day is too large for a phone: lower candidates of the rep's day";
            return Err(StoreError::Caller(what.to_owned()).into());
        }
        let route = found.and_then(|found| route_row(&row, &found));
        let (visits, left_out) = (plan.totals.visits, plan.left_out.len());
        let write = self.tenant.write_async(move |tx| {
            let version = feed::put(tx, Entity::DAY_PLAN, row.id.row(), row.to_columns(), now)?;
            put_route(tx, route_id(row.rep, row.date), route.as_ref(), now)?;
            Ok((row, route.map(|route| route.id), version))
        });
        let (day_plan, route, version) = write.await?;
        Ok(StoredDay {
            day_plan,
            route,
            version,
            visits: usize::try_from(visits).unwrap_or(0),
            left_out,
        })
    }
}

/// Off the threads that serve requests.
async fn solve_aside(problem: Problem) -> Result<(Problem, Plan), DayError> {
    let solving = tokio::task::spawn_blocking(move || {
        let plan = solve(&problem, &Options::default())?;
        Ok((problem, plan))
    });
    solving.await.map_err(|_| StoreError::Cancelled)?
}

/// Asks for a route from the start through the visits to the end.
fn query(problem: &Problem, plan: &Plan) -> Option<RouteQuery> {
    let (day, rep) = (plan.days.first()?, problem.reps.first()?);
    let place = |place: Option<usize>, lead: Option<LeadId>, service_s: u32| {
        Some(QueryPlace {
            position: *problem.positions.get(place?)?,
            kind: WaypointKind::Break,
            lead,
            service_s,
        })
    };
    let visit = |step: &Step| {
        let Activity::Visit { stop } = &step.what else {
            return None;
        };
        let service_s = u32::try_from(step.departure - step.start).ok()?;
        place(step.place, Some(stop.parse().ok()?), service_s)
    };
    let start = place(rep.start, None, 0);
    let end = place(rep.end, None, 0);
    let visits = day.steps.iter().filter_map(visit);
    Some(RouteQuery {
        places: start.into_iter().chain(visits).chain(end).collect(),
        course_deg: None,
        alternatives: 0,
    })
}

/// None for a route too large for a phone.
fn route_row(day: &DayPlanRow, found: &FoundRoute) -> Option<RouteRow> {
    let bytes = found.route.to_bytes();
    if bytes.len() > MAX_ROW_BYTES {
        tracing::warn!(bytes = bytes.len(), "a route is too large for a phone");
        return None;
    }
    Some(RouteRow {
        id: route_id(day.rep, day.date),
        rep: day.rep,
        date: day.date,
        day_plan: day.id,
        computed_at: day.computed_at,
        provider: found.provider.clone(),
        route: bytes,
    })
}

/// A route that belongs to an older plan must not stay beside the new one.
fn put_route(
    tx: &Transaction<'_>,
    id: RouteId,
    route: Option<&RouteRow>,
    now: TimestampMs,
) -> Result<(), StoreError> {
    match route {
        Some(route) => feed::put(tx, Entity::ROUTE, id.row(), route.to_columns(), now)?,
        None => feed::delete(tx, Entity::ROUTE, id.row(), now)?,
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_used_again_after_a_week_and_not_before() {
        let rep = RepId::from_bytes([1; 16]);
        let day = |text: &str| day_plan_id(rep, text.parse().unwrap());
        let week = [
            "2026-02-26",
            "2026-02-27",
            "2026-02-28",
            "2026-03-01",
            "2026-03-02",
            "2026-03-03",
            "2026-03-04",
        ];
        let ids: std::collections::BTreeSet<_> = week.iter().map(|d| day(d)).collect();
        assert_eq!(ids.len(), 7);
        assert_eq!(day("2026-02-26"), day("2026-03-05"));
        assert_ne!(
            day("2026-02-26"),
            day_plan_id(RepId::from_bytes([2; 16]), "2026-02-26".parse().unwrap())
        );
    }
}
