//! Drives from GPX files, and recordings.
#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]
mod common;
use common::ruler::Ruler;
use fieldfare_model::TimestampMs;
use fieldfare_navigator::{
    DeviationKind, Entry, Event, FollowConfig, GpxError, GpxOptions, Itinerary, Phase, Recording,
    Route, follow, parse_routes, read_gpx, write_gpx,
};
use std::sync::Arc;

const ROUTE: &[u8] = include_bytes!("fixtures/helsinki_valhalla_osrm.json");
const DRIVE: &[u8] = include_bytes!("fixtures/helsinki_drive.gpx");
const RECORDING: &[u8] = include_bytes!("fixtures/helsinki_drive.ffrr");

fn itinerary() -> Arc<Itinerary> {
    Arc::new(Itinerary::new(parse_routes(ROUTE).unwrap().remove(0)))
}

#[test]
fn the_recorded_drive_is_told() {
    let fixes = read_gpx(DRIVE, &GpxOptions::default()).unwrap();
    let told = follow(&itinerary(), &fixes, FollowConfig::default()).unwrap();
    assert_eq!(told.phase, Phase::Complete);
    let lines: Vec<&str> = told.lines.iter().map(|line| &*line.text).collect();
    let story = [
        "step 0: Säästöpankinranta",
        "say    \"Turn left onto Unioninkatu.\"",
        "step 4: Unioninkatu",
        "arrived at stop 1",
        "visit? stop 1 after 60 s",
        "arrived at stop 2",
        "step 13: Kaivokatu",
        "OFF THE ROUTE by 48 m",
        "say    \"Turn right onto Kaisaniemen puistokuja.\"",
        "arrived at stop 3",
        "trip completed",
    ];
    let mut rest = lines.iter();
    for expected in story {
        assert!(rest.any(|line| *line == expected), "{expected} in\n{told}");
    }
    assert_eq!(told.summary.deviations, 1);
}

/// A drive and a route from outside: `FIELDFARE_GPX` names a GPX file and `FIELDFARE_GPX_ROUTE` an
/// answer of OSRM or Valhalla for it. Without the first the committed drive is used; without the
/// second the track itself is the route.
#[test]
fn a_real_drive_stays_on_its_route() {
    let track = std::env::var_os("FIELDFARE_GPX");
    if track.is_none() {
        eprintln!("FIELDFARE_GPX is not set: the committed drive is followed");
    }
    let file = track.map_or(DRIVE.to_vec(), |path| std::fs::read(path).unwrap());
    let fixes = read_gpx(&file, &GpxOptions::default()).unwrap();
    let route = match std::env::var_os("FIELDFARE_GPX_ROUTE") {
        Some(path) => parse_routes(&std::fs::read(path).unwrap())
            .unwrap()
            .remove(0),
        None => own_route(&fixes),
    };
    let itinerary = Arc::new(Itinerary::new(route));
    let told = follow(&itinerary, &fixes, FollowConfig::default()).unwrap();
    eprintln!("{told}");
    assert_eq!(told.phase, Phase::Complete, "{told}");
    let off = |line: &fieldfare_navigator::FollowedEvent| {
        matches!(
            line.event,
            Event::Deviated {
                kind: DeviationKind::OffRoute,
                ..
            }
        )
    };
    assert!(!told.lines.iter().any(off), "{told}");
}

fn own_route(fixes: &[fieldfare_navigator::CourseFix]) -> Route {
    let path: Vec<_> = fixes.iter().map(|fix| fix.fix.position).collect();
    let sparse: Vec<_> = path
        .chunks(5)
        .map(|five| five[0])
        .chain(path.last().copied())
        .collect();
    Route::along(&sparse, 8.0).unwrap()
}

#[test]
fn fixes_come_back_from_gpx() {
    let fixes = read_gpx(DRIVE, &GpxOptions::default()).unwrap();
    assert_eq!(write_gpx(&fixes).as_bytes(), DRIVE);
    let moving = &fixes[20];
    assert!(moving.fix.speed_mps.unwrap() > 2.0 && moving.course_deg.is_some());
    assert!((moving.fix.accuracy_m - 5.0).abs() < 0.01);
}

#[test]
fn tracks_without_times_are_driven_evenly() {
    let gpx = br#"<gpx><trk><trkseg>
        <trkpt lat="60.0" lon="24.0"/><trkpt lat="60.001" lon="24.0"/>
        <trkpt lat="60.001" lon="24.002"/></trkseg></trk></gpx>"#;
    let fixes = read_gpx(gpx, &GpxOptions::default()).unwrap();
    let route = Route::along(
        &fixes.iter().map(|f| f.fix.position).collect::<Vec<_>>(),
        10.0,
    );
    let length = Ruler::new(&route.unwrap()).length();
    assert!((fixes.len() as f64 - length / 10.0).abs() < 3.0);
    assert!(
        fixes
            .windows(2)
            .all(|p| p[1].fix.at.since(p[0].fix.at) == 1000)
    );
    assert!((fixes[3].course_deg.unwrap()).abs() < 1e-6);
}

#[test]
fn files_that_are_none() {
    let error = |text: &str| read_gpx(text.as_bytes(), &GpxOptions::default()).unwrap_err();
    assert!(matches!(error("no"), GpxError::Xml { .. }));
    assert!(matches!(
        error("<gpx><trk></gpx>"),
        GpxError::Xml { line: 1 }
    ));
    assert_eq!(error("<gpx/>"), GpxError::NoPoints);
    let point = |inner: &str| format!("<gpx><rte><rtept {inner}</rtept></rte></gpx>");
    assert_eq!(
        error(&point("lat='95' lon='0'>")),
        GpxError::Position { index: 1 }
    );
    assert_eq!(error(&point("lat='5'>")), GpxError::Position { index: 1 });
    let when = point("lat='5' lon='5'><time>yesterday</time>");
    assert_eq!(error(&when), GpxError::Time { index: 1 });
    let bomb = "<!DOCTYPE x [<!ENTITY a 'aaaa'>]><gpx>&a;</gpx>";
    assert!(matches!(error(bomb), GpxError::Xml { .. }));
    let options = GpxOptions {
        speed_mps: 0.0,
        ..GpxOptions::default()
    };
    assert_eq!(read_gpx(DRIVE, &options).unwrap_err(), GpxError::Options);
}

/// The recording was written in the first form; every later program must read it.
#[test]
fn the_first_form_of_recordings_stays_readable() {
    let tape = Recording::from_bytes(RECORDING).unwrap();
    assert_eq!(tape.to_bytes(), RECORDING);
    assert_eq!(tape.route, *itinerary().route());
    let replayed = tape.replay().unwrap();
    let last = replayed.last().unwrap().update.as_ref().unwrap();
    assert_eq!(last.phase, Phase::Complete);
    let again = tape.replay().unwrap();
    assert_eq!(replayed, again);
}

#[test]
fn a_redacted_recording_tells_the_story_without_the_place() {
    let tape = Recording::from_bytes(RECORDING).unwrap();
    let bare = tape.redacted();
    let story = |tape: &Recording| -> Vec<String> {
        let replayed = tape.replay().unwrap();
        let events = replayed
            .into_iter()
            .filter_map(|r| r.update)
            .flat_map(|u| u.events);
        events
            .map(|event| match event {
                Event::Joined { again, .. } => format!("joined {again}"),
                Event::Deviated { kind, .. } => format!("{kind:?}"),
                Event::VisitProposed(s) | Event::Departed(s) => {
                    format!("{} {}", s.stop, s.dwell_ms)
                }
                Event::TripCompleted(_) => "done".to_owned(),
                other => format!("{other:?}"),
            })
            .collect()
    };
    assert_eq!(story(&bare), story(&tape));
    let first = bare.route.path()[0];
    assert!(first.lat().abs() < 1e-5 && first.lon().abs() < 1e-5);
    for at in bare.route.path() {
        assert!(at.lat().abs() < 0.1 && at.lon().abs() < 0.1);
    }
    assert!(
        bare.route
            .spoken()
            .iter()
            .all(|s| s.text.is_empty() && s.ssml.is_empty())
    );
    assert!(
        bare.route
            .steps()
            .iter()
            .all(|s| s.road.is_empty() && s.text.is_empty())
    );
    assert!(bare.route.waypoints().iter().all(|w| w.lead.is_none()));
    assert!(matches!(bare.entries[0], Entry::Start(TimestampMs(0))));
    let bytes = bare.to_bytes();
    for word in ["Kaivokatu", "Helsinki", "en-US"] {
        assert!(!bytes.windows(word.len()).any(|w| w == word.as_bytes()));
    }
}
