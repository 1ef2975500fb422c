//! Act five, elsewhere: a day that the server plans by night, driven along real roads without a
//! connection, with a detour and a change of plan.

mod checks;
mod drive;
mod morning;
mod people;
mod picture;
mod roads;

pub use roads::Roads;

use super::checks::Checks;
use super::narrator::Narrator;
use super::phone::Phone;
use super::stage::Stage;
use super::time::SimClock;
use super::{DemoError, DemoResult};
use fieldfare_model::{CalendarDate, TimestampMs};
use std::path::Path;
use std::sync::Arc;

/// The rep's time zone.
pub const ZONE: &str = "Europe/Helsinki";

/// What the act shows.
pub struct Act {
    /// What must hold.
    pub checks: Checks,
    /// The day in one line.
    pub summary: String,
    /// The drive as a picture.
    pub picture: String,
}

/// Plays the act with a phone of its own, whose files lie in `dir`.
///
/// # Errors
/// [`DemoError`].
pub async fn run(
    stage: &Stage,
    roads: &Roads,
    dir: &Path,
    narrator: &mut Narrator,
) -> DemoResult<Act> {
    let date = morning::date(stage)?;
    people::move_in(stage, date)?;
    let phone = Phone::new(dir, &stage.url(), Arc::new(SimClock::at(TimestampMs(0))))?;
    let planned = morning::plan(stage, roads, &phone, date, narrator).await?;
    let driven = drive::run(&phone, &planned, narrator)?;
    let reached = morning::come_back(stage, &phone, &driven, narrator).await?;
    let checks = checks::check(&phone, &planned, &driven, reached)?;
    let summary = format!(
        "{:.1} km, {} instructions, {} visits, {} of driving planned; {} left out",
        driven.trip.driven_m / 1_000.0,
        driven.spoken.len(),
        driven.visits.len(),
        minutes(planned.day.totals.driving_s),
        planned.day.left_out.len(),
    );
    let picture = picture::draw(&planned, &driven, date);
    phone.engine.close()?;
    Ok(Act {
        checks,
        summary,
        picture,
    })
}

fn minutes(seconds: i64) -> String {
    format!("{} min", (seconds + 59) / 60)
}

fn story(what: &'static str) -> DemoError {
    DemoError::Story(what)
}

/// A day of the calendar and its first moment.
#[derive(Debug, Clone, Copy)]
pub struct Today {
    /// The day.
    pub date: CalendarDate,
    /// Midnight.
    pub zero_at: TimestampMs,
}
