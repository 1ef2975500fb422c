//! Wall-clock time as the CRM writes it: epoch milliseconds and ISO 8601 in UTC.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Milliseconds since 1970-01-01 UTC.
pub(crate) fn now_ms() -> i64 {
    let elapsed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
}

/// `2026-11-24T08:15:30.123Z`.
pub(crate) fn iso(ms: i64) -> String {
    let at = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// Reads epoch milliseconds, an ISO 8601 instant, or a plain date (midnight UTC).
pub(crate) fn parse_instant(text: &str) -> Option<i64> {
    if let Ok(ms) = text.parse::<i64>() {
        return Some(ms);
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_millisecond());
    }
    let midnight = text
        .parse::<Date>()
        .ok()?
        .to_zoned_datetime(TimeZone::UTC)
        .ok()?;
    Some(midnight.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_and_read_alike() {
        assert_eq!(iso(1_700_000_300_007), "2023-11-14T22:18:20.007Z");
        assert_eq!(
            parse_instant("2023-11-14T22:18:20.007Z"),
            Some(1_700_000_300_007)
        );
        assert_eq!(parse_instant("1700000300007"), Some(1_700_000_300_007));
        assert_eq!(parse_instant("1970-01-02"), Some(86_400_000));
        assert_eq!(parse_instant("tomorrow"), None);
    }
}
