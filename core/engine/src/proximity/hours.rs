use fieldfare_model::{ContactHours, TimestampMs};
use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ZonedDateTime};

/// Local time at leads, by the time zones built into the program: the same on every phone.
#[derive(Debug, Clone)]
pub struct Clocks {
    zones: TimeZoneDatabase,
    fallback: Option<TimeZone>,
}

impl Clocks {
    pub fn new(fallback: Option<&str>) -> Self {
        let zones = TimeZoneDatabase::bundled();
        let fallback = fallback.and_then(|name| zones.get(name).ok());
        Self { zones, fallback }
    }

    /// Whether contact is allowed at a moment. Not, if the local time cannot be known.
    pub fn allow(&self, hours: &ContactHours, zone: Option<&str>, at: TimestampMs) -> bool {
        if hours.windows().is_empty() {
            return true;
        }
        self.local(zone, at).is_some_and(|local| {
            let day = local.weekday().to_monday_zero_offset();
            let minute = i16::from(local.hour()) * 60 + i16::from(local.minute());
            hours.allows(day.unsigned_abs(), minute.unsigned_abs())
        })
    }

    /// Whether `earlier` is on the same local day as `at` or on a later one.
    pub fn is_same_day_or_later(
        &self,
        earlier: TimestampMs,
        at: TimestampMs,
        zone: Option<&str>,
    ) -> bool {
        match (self.day(zone, earlier), self.day(zone, at)) {
            (Some(earlier), Some(day)) => earlier >= day,
            _ => earlier >= at,
        }
    }

    fn day(&self, zone: Option<&str>, at: TimestampMs) -> Option<Date> {
        match self.local(zone, at) {
            Some(local) => Some(local.date()),
            None => in_zone(TimeZone::UTC, at).map(|utc| utc.date()),
        }
    }

    fn local(&self, zone: Option<&str>, at: TimestampMs) -> Option<ZonedDateTime> {
        let named = zone.and_then(|name| self.zones.get(name).ok());
        in_zone(named.or_else(|| self.fallback.clone())?, at)
    }
}

fn in_zone(zone: TimeZone, at: TimestampMs) -> Option<ZonedDateTime> {
    let instant = Timestamp::from_millisecond(at.0).ok()?;
    Some(instant.to_zoned_datetime(zone))
}
