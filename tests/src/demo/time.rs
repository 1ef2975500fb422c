//! The phone's simulated time, and how it reads on the wall.

use fieldfare_engine::Clock;
use fieldfare_model::TimestampMs;
use jiff::civil::Weekday;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan, ZonedDateTime};
use std::sync::atomic::{AtomicI64, Ordering};

/// Where the simulated day takes place.
pub const ZONE: &str = "America/New_York";

const END_OF_DAY: i8 = 20;

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct SimClock(AtomicI64);

impl SimClock {
    /// A clock that shows this moment.
    pub const fn at(moment: TimestampMs) -> Self {
        Self(AtomicI64::new(moment.0))
    }

    /// Moves it on by this many milliseconds; answers the new moment.
    pub fn advance(&self, ms: i64) -> TimestampMs {
        TimestampMs(self.0.fetch_add(ms, Ordering::SeqCst) + ms)
    }

    /// Sets it.
    pub fn set(&self, moment: TimestampMs) {
        self.0.store(moment.0, Ordering::SeqCst);
    }
}

impl Clock for SimClock {
    fn now(&self) -> TimestampMs {
        TimestampMs(self.0.load(Ordering::SeqCst))
    }
}

/// The last working day that is over, in [`ZONE`].
#[derive(Debug, Clone)]
pub struct WorkDay(ZonedDateTime);

impl WorkDay {
    /// The last one before `now`; the day itself if it is past eight in the evening there.
    pub fn before(now: TimestampMs) -> Self {
        let now = local(now);
        let mut day = now.clone();
        while is_weekend(&day) || at_hour(&day, END_OF_DAY, 0) > now {
            day = day.checked_sub(1.day()).unwrap_or(day);
        }
        Self(day)
    }

    /// A moment of that day by the clock on the wall.
    pub fn at(&self, hour: i8, minute: i8) -> TimestampMs {
        TimestampMs(at_hour(&self.0, hour, minute).timestamp().as_millisecond())
    }

    /// `Monday 23 November 2026`
    pub fn name(&self) -> String {
        self.0.strftime("%A %-d %B %Y").to_string()
    }
}

/// `14:05`, in [`ZONE`].
pub fn wall(moment: TimestampMs) -> String {
    local(moment).strftime("%H:%M").to_string()
}

/// `14:05`, in a zone.
pub fn wall_in(moment: TimestampMs, zone: &str) -> String {
    in_zone(moment, zone).strftime("%H:%M").to_string()
}

fn is_weekend(day: &ZonedDateTime) -> bool {
    matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
}

fn at_hour(day: &ZonedDateTime, hour: i8, minute: i8) -> ZonedDateTime {
    let time = day
        .with()
        .hour(hour)
        .minute(minute)
        .second(0)
        .subsec_nanosecond(0);
    time.build().unwrap_or_else(|_| day.clone())
}

fn local(moment: TimestampMs) -> ZonedDateTime {
    in_zone(moment, ZONE)
}

fn in_zone(moment: TimestampMs, zone: &str) -> ZonedDateTime {
    let zone = TimeZoneDatabase::bundled()
        .get(zone)
        .unwrap_or(TimeZone::UTC);
    Timestamp::from_millisecond(moment.0)
        .unwrap_or_default()
        .to_zoned_datetime(zone)
}
