//! Planning days and beginning to follow them.

use crate::day_plan::{DayPlan, NearDay, ReplannedDay};
use crate::day_request::{DayUpdate, NearDayQuery, PlanDay, WorkHours};
use crate::engine::FieldfareEngine;
use crate::error::{FfiResult, guard, guard_async};
use crate::route::RouteSession;
use crate::values::{LatLng, checked_position, fit};
use fieldfare_engine as engine;
use fieldfare_model::CalendarDate;
use std::sync::Arc;
use std::time::Duration;

#[uniffi::export]
impl FieldfareEngine {
    /// The dates for which a planned day is on this phone, in order.
    pub fn planned_dates(&self) -> FfiResult<Vec<CalendarDate>> {
        guard(|| Ok(self.engine.planned_dates()?))
    }

    /// A planned day: this phone's own if there is one, else the server's. Visits recorded
    /// meanwhile count as made; the times stay until the day is planned anew.
    pub fn day(&self, date: CalendarDate) -> FfiResult<DayPlan> {
        guard(|| Ok(self.engine.day(date)?.into()))
    }

    /// Shows the server's plan of a day in place of this phone's own. What was visited and
    /// cancelled is forgotten with it, visits recorded are not.
    pub fn use_server_day(&self, date: CalendarDate) -> FfiResult<DayPlan> {
        guard(|| Ok(self.engine.use_server_day(date)?.into()))
    }

    /// Notes the rep's working days, for planning on this phone.
    pub fn set_work_hours(&self, work: WorkHours) -> FfiResult<()> {
        guard(|| Ok(self.engine.set_work_hours(&work.try_into()?)?))
    }

    /// The rep's working days as noted on this phone, else as the server's latest plan shows them;
    /// none if neither is there.
    pub fn work_hours(&self) -> FfiResult<Option<WorkHours>> {
        guard(|| Ok(self.engine.work_hours()?.map(WorkHours::from)))
    }

    /// Plans a day without a connection, in place of this phone's earlier plan of that day. Takes
    /// milliseconds to some hundred of them.
    pub fn plan_day(&self, request: PlanDay) -> FfiResult<DayPlan> {
        guard(|| Ok(self.engine.plan_day(&request.try_into()?)?.into()))
    }

    /// Plans the rest of a day anew, without a connection: what was visited is behind, committed
    /// visits come first, and of the others no more changes its turn than pays.
    pub fn replan_day(&self, date: CalendarDate, update: DayUpdate) -> FfiResult<ReplannedDay> {
        guard(|| Ok(self.engine.replan_day(date, &update.try_into()?)?.into()))
    }

    /// Leads that can be visited beside what is still planned, with everything planned still on
    /// time and in its order, and the exact minutes that takes.
    pub fn leads_near_day(&self, date: CalendarDate, query: NearDayQuery) -> FfiResult<NearDay> {
        guard(|| Ok(self.engine.leads_near_day(date, &query.try_into()?)?.into()))
    }

    /// Begins to follow the route of a day: the road route that came by sync if it leads through
    /// the visits still to come in their order, else straight lines from stop to stop, from
    /// `position` if it is given. Needs no consent: the fixes stay in memory. With consent for
    /// navigation the session outlives the process.
    #[uniffi::method(default(position = None))]
    pub fn follow_day(
        &self,
        date: CalendarDate,
        position: Option<LatLng>,
    ) -> FfiResult<Arc<RouteSession>> {
        guard(|| {
            let request = engine::FollowDay {
                position: checked_position(position)?,
                ..engine::FollowDay::new(date)
            };
            Ok(RouteSession::over(self.engine.follow_day(&request)?))
        })
    }

    /// Takes up following where the process ended, if consent for navigation was and is given and
    /// the last fix is not older than `max_age`. None if there is nothing to take up.
    pub fn resume_following(&self, max_age: Duration) -> FfiResult<Option<Arc<RouteSession>>> {
        guard(|| {
            let max_age_ms = i64::try_from(max_age.as_millis()).unwrap_or(i64::MAX);
            let session = self.engine.resume_following(max_age_ms)?;
            Ok(session.map(RouteSession::over))
        })
    }
}

#[uniffi::export(async_runtime = "tokio")]
impl FieldfareEngine {
    /// Asks the server for another road route as `RouteAdvice.AskForRoute` advises, and follows it.
    /// The server learns where the rep is for this one answer and does not keep it, so consent for
    /// navigation is needed. Answers whether the route is followed: not if the driver is back on
    /// the old one, or the request is not the last.
    pub async fn fetch_route(&self, session: Arc<RouteSession>, request: i32) -> FfiResult<bool> {
        let engine = Arc::clone(&self.engine);
        guard_async(async {
            let request = fit("the number of the request", request)?;
            Ok(engine.fetch_route(session.inner(), request).await?)
        })
        .await
    }
}
