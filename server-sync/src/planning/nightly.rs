//! Plans every rep's day in the early morning, and forgets days gone by.

use crate::config::TenantConfig;
use crate::planning::{DayError, DayJob, forget, is_planned};
use crate::state::SharedState;
use crate::store::{StoreError, Tenant};
use fieldfare_model::{CalendarDate, RepId};
use fieldfare_planner::workday::{WorkDay, local};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Plans what is to be planned, now and every minute, until told to stop.
pub(crate) async fn run(state: SharedState, mut stopped: watch::Receiver<bool>) {
    loop {
        // Giving a step up loses nothing: what it began in the store ends by itself.
        tokio::select! {
            planned = step(&state) => if let Err(error) = planned {
                tracing::error!(%error, "planning days");
            },
            _ = stopped.wait_for(|stop| *stop) => return,
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
    }
}

/// Plans today for each rep who has no plan for today yet, from the configured hour of their
/// morning. Returns how many days were planned.
///
/// # Errors
/// [`StoreError`]. What goes wrong with one rep's day stops no other.
pub async fn step(state: &SharedState) -> Result<usize, StoreError> {
    let mut planned = 0;
    for config in &state.config.tenants {
        let Ok(tenant) = state.tenants.get(config.id()) else {
            continue;
        };
        let today = today_of(state, config);
        forget_old(state, &tenant, &today).await?;
        for (rep, (date, hour, day)) in today {
            if hour < state.config.planning.from_hour {
                continue;
            }
            let known = tenant.read_async(move |c| is_planned(c, rep, date));
            if known.await? {
                continue;
            }
            let job = DayJob {
                routing: &state.routing,
                tenant: &tenant,
                rep,
                config: day,
            };
            match job.run(date, state.now()).await {
                Ok(_) => planned += 1,
                Err(DayError::NotWorking) => {}
                Err(error) => tracing::error!(%rep, %error, "planning a day"),
            }
        }
    }
    Ok(planned)
}

type Today<'a> = BTreeMap<RepId, (CalendarDate, i8, &'a WorkDay)>;

/// Date and hour of each rep who has a day.
fn today_of<'a>(state: &SharedState, config: &'a TenantConfig) -> Today<'a> {
    let now = state.now();
    let reps = config.reps.iter().filter_map(|rep| {
        let day = rep.day.as_ref()?;
        let (date, hour) = local(now, &day.time_zone)?;
        Some((rep.id(config.id()), (date, hour, day)))
    });
    reps.collect()
}

async fn forget_old(
    state: &SharedState,
    tenant: &Arc<Tenant>,
    today: &Today<'_>,
) -> Result<(), StoreError> {
    let dates: BTreeMap<RepId, CalendarDate> = today
        .iter()
        .map(|(rep, (date, ..))| (*rep, *date))
        .collect();
    let now = state.now();
    let write = tenant.write_async(move |tx| {
        forget(tx, now, |rep, date| {
            dates.get(&rep).is_none_or(|today| date < *today)
        })
    });
    write.await.map(drop)
}
