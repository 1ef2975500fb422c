//! Civil time: which moments the spans of a day are.

use crate::Window;
use fieldfare_model::{CalendarDate, ContactHours, TimestampMs};
use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan};
use std::sync::LazyLock;

/// The time zones built into the program, so that phones and servers agree on them.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

fn zone_of(name: &str) -> Option<TimeZone> {
    ZONES.get(name).ok()
}

/// Whether there is a time zone of this IANA name, such as `Europe/Helsinki`.
pub fn is_time_zone(name: &str) -> bool {
    zone_of(name).is_some()
}

/// A day in a time zone.
#[derive(Debug, Clone)]
pub struct Day {
    date: Date,
    zone: TimeZone,
    zero: i64,
}

impl Day {
    /// The day in the zone of this IANA name; none if there is no such day or zone.
    pub fn new(date: CalendarDate, zone: &str) -> Option<Self> {
        let zone = zone_of(zone)?;
        let (year, month, day) = date.parts();
        let date = Date::new(
            i16::try_from(year).ok()?,
            i8::try_from(month).ok()?,
            i8::try_from(day).ok()?,
        );
        let date = date.ok()?;
        let zero = zone.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
        Some(Self {
            date,
            zone,
            zero: zero.as_second(),
        })
    }

    /// Its first moment.
    pub const fn zero_at(&self) -> TimestampMs {
        TimestampMs(self.zero * 1_000)
    }

    /// The first moment of the next day.
    pub fn end_at(&self) -> TimestampMs {
        TimestampMs(
            self.moment(24 * 60, &self.zone)
                .unwrap_or(self.zero + 86_400)
                * 1_000,
        )
    }

    /// The spans of these hours on this date, in order, as seconds from the day's zero. Those that
    /// touch are one. The hours hold in the lead's own zone if it is given and known.
    pub fn spans(&self, hours: &ContactHours, zone: Option<&str>) -> Vec<Window> {
        let own = zone.and_then(zone_of);
        let zone = own.as_ref().unwrap_or(&self.zone);
        let weekday = self.date.weekday().to_monday_zero_offset();
        let today = hours
            .windows()
            .iter()
            .filter(|w| w.days >> weekday & 1 == 1);
        let mut spans: Vec<Window> = today
            .filter_map(|w| {
                let second = |minute: u16| Some(self.moment(minute.into(), zone)? - self.zero);
                Some(Window::new(second(w.from_minute)?, second(w.to_minute)?))
            })
            .filter(|span| span.from < span.to)
            .collect();
        spans.sort_unstable();
        let mut merged: Vec<Window> = Vec::new();
        for span in spans {
            match merged.last_mut() {
                Some(last) if span.from <= last.to => last.to = last.to.max(span.to),
                _ => merged.push(span),
            }
        }
        merged
    }

    /// Epoch seconds of a minute of this date in a zone.
    fn moment(&self, minute: i64, zone: &TimeZone) -> Option<i64> {
        let civil = self
            .date
            .at(0, 0, 0, 0)
            .checked_add(minute.minutes())
            .ok()?;
        Some(zone.to_timestamp(civil).ok()?.as_second())
    }
}

/// The date and the hour in the zone of this IANA name.
pub fn local(now: TimestampMs, zone: &str) -> Option<(CalendarDate, i8)> {
    let zone = zone_of(zone)?;
    let now = Timestamp::from_millisecond(now.0).ok()?;
    let there = zone.to_datetime(now);
    let date = there.date();
    let date = CalendarDate::new(date.year().into(), date.month().into(), date.day().into());
    Some((date.ok()?, there.hour()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(date: &str, zone: &str) -> Day {
        Day::new(date.parse().unwrap(), zone).unwrap()
    }

    fn hours(text: &str) -> ContactHours {
        text.parse().unwrap()
    }

    #[test]
    fn spans_count_from_midnight_and_those_that_touch_are_one() {
        let day = day("2026-11-25", "Europe/Helsinki"); // a Wednesday
        let spans = day.spans(
            &hours("Mo-Fr 12:00-15:00; We 09:00-12:00; Th 08:00-09:00"),
            None,
        );
        assert_eq!(spans, [Window::new(9 * 3_600, 15 * 3_600)]);
        assert_eq!(day.spans(&hours("Sa 09:00-12:00"), None), []);
        assert_eq!(
            day.spans(&hours("We 20:00-24:00"), None),
            [Window::new(72_000, 86_400)]
        );
    }

    #[test]
    fn hours_of_a_lead_elsewhere_are_its_own() {
        let day = day("2026-11-25", "Europe/Helsinki");
        let spans = day.spans(&hours("We 09:00-10:00"), Some("Europe/Stockholm"));
        assert_eq!(spans, [Window::new(10 * 3_600, 11 * 3_600)]);
    }

    #[test]
    fn days_of_23_and_25_hours_are_as_long_as_they_are() {
        for (date, hours_of_day) in [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-25", 24)] {
            let day = day(date, "Europe/Helsinki");
            assert_eq!(
                day.end_at().since(day.zero_at()),
                hours_of_day * 3_600_000,
                "{date}"
            );
            let evening = day.spans(&hours("Mo-Su 12:00-13:00"), None);
            assert_eq!(evening[0].from, (hours_of_day - 12) * 3_600, "{date}");
        }
    }

    #[test]
    fn there_is_no_thirtieth_of_february() {
        assert!(Day::new("2026-02-30".parse().unwrap(), "UTC").is_none());
    }

    #[test]
    fn the_date_is_the_reps() {
        // 2026-11-24 22:30 UTC.
        let (date, hour) = local(TimestampMs(1_795_559_400_000), "Europe/Helsinki").unwrap();
        assert_eq!((date.to_string().as_str(), hour), ("2026-11-25", 0));
    }
}
