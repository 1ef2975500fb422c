use super::*;

fn utc(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

fn with_hours(hours: &str, zone: Option<&str>, fallback: Option<&str>) -> Walk {
    let mut lead = lead(1, home());
    lead.contact_hours = hours.parse().unwrap();
    lead.time_zone = zone.map(Into::into);
    let config = ProximityConfig {
        fallback_zone: fallback.map(Into::into),
        ..Default::default()
    };
    Walk::new(config, vec![lead])
}

/// The first of the moments at which a rep who stands at the lead is told.
fn first_alert(mut walk: Walk, moments: &[&str]) -> Option<String> {
    let told = |moment: &&&str| !walk.alerts(10.0, utc(moment)).is_empty();
    moments.iter().find(told).map(ToString::to_string)
}

fn opens(hours: &str, zone: &str, moments: &[&str]) -> Option<String> {
    first_alert(with_hours(hours, Some(zone), None), moments)
}

#[test]
fn whoever_waits_is_told_when_hours_begin() {
    let zone = "America/New_York";
    let before = ["2026-03-07T13:59:59Z", "2026-03-07T14:00:00Z"];
    assert_eq!(opens("Sa 09:00-10:00", zone, &before).unwrap(), before[1]);
    let after = ["2026-03-07T15:00:00Z", "2026-03-08T14:30:00Z"];
    assert_eq!(
        opens("Sa 09:00-10:00", zone, &after),
        None,
        "the end is not within"
    );
}

#[test]
fn hours_follow_the_clocks_on_the_days_they_change() {
    for (hours, zone, closed, open) in [
        // Clocks go forward from 02:00 to 03:00.
        (
            "Su 09:00-10:00",
            "America/New_York",
            "2026-03-08T12:59:59Z",
            "2026-03-08T13:00:00Z",
        ),
        (
            "Su 09:00-10:00",
            "Europe/Berlin",
            "2026-03-29T06:59:59Z",
            "2026-03-29T07:00:00Z",
        ),
        // And back.
        (
            "Su 09:00-10:00",
            "America/New_York",
            "2026-11-01T13:59:59Z",
            "2026-11-01T14:00:00Z",
        ),
        (
            "Su 09:00-10:00",
            "Europe/Berlin",
            "2026-10-25T07:59:59Z",
            "2026-10-25T08:00:00Z",
        ),
        // By half an hour, on a Saturday in UTC.
        (
            "Su 09:00-10:00",
            "Australia/Lord_Howe",
            "2026-04-04T22:29:59Z",
            "2026-04-04T22:30:00Z",
        ),
        (
            "Su 09:00-10:00",
            "Australia/Lord_Howe",
            "2026-10-03T21:59:59Z",
            "2026-10-03T22:00:00Z",
        ),
        // Never.
        (
            "Mo 09:00-10:00",
            "Asia/Kolkata",
            "2026-06-01T03:29:59Z",
            "2026-06-01T03:30:00Z",
        ),
    ] {
        let told = opens(hours, zone, &[closed, open]);
        assert_eq!(told.as_deref(), Some(open), "{zone} {open}");
    }
}

#[test]
fn the_repeated_hour_counts_twice_and_the_skipped_hour_never() {
    let zone = "America/New_York";
    for moment in ["2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z"] {
        assert!(
            opens("Su 01:00-02:00", zone, &[moment]).is_some(),
            "{moment}"
        );
    }
    let night = [
        "2026-03-08T06:59:59Z",
        "2026-03-08T07:00:00Z",
        "2026-03-08T07:30:00Z",
    ];
    assert_eq!(opens("Su 02:00-03:00", zone, &night), None);
}

#[test]
fn without_a_zone_the_phones_own_counts_and_without_both_the_lead_is_silent() {
    let moment = ["2026-06-01T07:30:00Z"];
    for zone in [None, Some("Nowhere/At_All")] {
        let told = |fallback| first_alert(with_hours("Mo 09:00-10:00", zone, fallback), &moment);
        assert!(told(Some("Europe/Berlin")).is_some());
        assert!(told(Some("America/New_York")).is_none());
        assert!(told(None).is_none());
        assert!(told(Some("Neither/Here")).is_none());
    }
    assert!(
        first_alert(with_hours("", None, None), &moment).is_some(),
        "always open"
    );
}

#[test]
fn a_visit_today_keeps_the_lead_silent_until_tomorrow_at_the_lead() {
    let mut walk = with_hours("", Some("America/New_York"), None);
    walk.leads[0].last_visit_at = Some(TimestampMs(utc("2026-06-01T13:00:00Z")));
    assert_eq!(walk.alerts(10.0, utc("2026-06-01T20:00:00Z")), []);
    assert_eq!(
        walk.alerts(10.0, utc("2026-06-02T03:59:59Z")),
        [],
        "still the first there"
    );
    assert_eq!(walk.alerts(10.0, utc("2026-06-02T04:00:00Z")), [lead_id(1)]);
}

#[test]
fn a_visit_dated_in_the_future_keeps_silent_too() {
    let mut walk = with_hours("", Some("Europe/Berlin"), None);
    walk.leads[0].last_visit_at = Some(TimestampMs(NOON + 48 * HOUR));
    assert_eq!(walk.alerts(10.0, NOON), []);
}

#[test]
fn moments_beyond_the_calendar_do_not_alert_and_do_not_panic() {
    for at in [i64::MAX, i64::MIN / 2] {
        let mut walk = with_hours("Mo-Su 00:00-24:00", Some("Europe/Berlin"), None);
        assert_eq!(walk.alerts(10.0, at), []);
        walk.leads[0].last_visit_at = Some(TimestampMs(i64::MIN));
        walk.alerts(10.0, at);
    }
}
