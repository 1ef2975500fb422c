//! The same drive through Helsinki as OSRM and as Valhalla, in both of its forms, tell it.
#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]
mod common;
use common::at;
use common::ruler::Ruler;
use fieldfare_model::LeadId;
use fieldfare_navigator::{
    DrivingSide, Itinerary, ManoeuvreKind, OsrmAdapter, QueryPlace, Route, RouteAdapter,
    RouteError, RouteQuery, RouteRequest, RouteSource, SpeedLimit, Turn, ValhallaAdapter,
    WaypointKind, parse_routes,
};

const OSRM: &[u8] = include_bytes!("fixtures/helsinki_osrm.json");
const VALHALLA: &[u8] = include_bytes!("fixtures/helsinki_valhalla.json");
const VALHALLA_OSRM: &[u8] = include_bytes!("fixtures/helsinki_valhalla_osrm.json");

fn only(answer: &[u8]) -> Route {
    let mut routes = parse_routes(answer).unwrap();
    assert_eq!(routes.len(), 1);
    routes.remove(0)
}

/// Whatever a service says, a route hangs together.
fn check(route: &Route) {
    assert_eq!(route.steps()[0].first, 0);
    for pair in route.steps().windows(2) {
        assert_eq!(pair[0].last, pair[1].first);
    }
    assert_eq!(
        route.steps().last().unwrap().last as usize + 1,
        route.path().len()
    );
    assert!(route.path().windows(2).all(|pair| pair[0] != pair[1]));
    let stops = route.waypoints().iter();
    let stops = stops.filter(|w| w.kind == WaypointKind::Break).count();
    assert_eq!(stops, route.leg_count() + 1);
    for leg in 0..route.leg_count() {
        let last = &route.steps()[route.leg_steps(leg).end - 1];
        assert_eq!(last.manoeuvre.kind, ManoeuvreKind::Arrive);
        assert_eq!(last.first, last.last);
    }
    let steps: Vec<u32> = route.spoken().iter().map(|s| s.step).collect();
    assert!(steps.is_sorted());
    assert_eq!(Route::from_bytes(&route.to_bytes()).as_ref(), Ok(route));
}

#[test]
fn three_tellings_of_one_drive() {
    let routes = [only(OSRM), only(VALHALLA), only(VALHALLA_OSRM)];
    routes.iter().for_each(check);
    let ruler = Ruler::new(&routes[0]);
    for route in &routes {
        assert_eq!(route.leg_count(), 3);
        assert!((Ruler::new(route).length() - 4400.0).abs() < 30.0);
        // Both services name the same roads, so each point of one lies on the other.
        let farthest = route.path().iter().map(|p| ruler.nearest(*p).0);
        assert!(farthest.fold(0.0, f64::max) < 4.0);
    }
    assert_eq!(routes[0].source(), RouteSource::Osrm);
    assert_eq!(routes[1].source(), RouteSource::Valhalla);
    assert_eq!(routes[1].language(), "en-US");
}

#[test]
fn osrm_brings_no_words_so_they_are_made() {
    let route = only(OSRM);
    let texts: Vec<&str> = route.spoken().iter().map(|s| &*s.text).collect();
    assert_eq!(texts[0], "Drive off on Säästöpankinranta.");
    assert!(texts.contains(&"In 150 metres: Turn right onto Kaivokatu."));
    assert!(texts.contains(&"Your stop is on the left."));
    let banner = &route.banners()[0].primary;
    assert_eq!(
        (&*banner.text, banner.turn),
        ("Pitkänsillanranta", Some(Turn::SlightLeft))
    );
    assert!(route.limits().is_empty());
    assert_eq!(route.steps()[1].side, Some(DrivingSide::Right));
}

#[test]
fn valhalla_brings_words_and_in_osrms_form_limits() {
    let own = only(VALHALLA);
    let texts: Vec<&str> = own.spoken().iter().map(|s| &*s.text).collect();
    assert!(texts.contains(&"Turn right onto Kaivokatu."));
    assert!(own.limits().iter().all(|run| run.limit.is_none()));
    // Its own form tells where the places asked for are, beside the road.
    assert_eq!(own.waypoints()[1].position, at(60.1677, 24.9451));

    let route = only(VALHALLA_OSRM);
    let limits: Vec<_> = route.limits().iter().map(|run| run.limit).collect();
    assert!(limits.contains(&Some(SpeedLimit::Kmh(30))));
    assert!(limits.contains(&Some(SpeedLimit::Kmh(40))));
    assert!(limits.windows(2).all(|pair| pair[0] != pair[1]));
    let far = route
        .spoken()
        .iter()
        .find(|s| s.text.starts_with("In 300"))
        .unwrap();
    assert!(far.ssml.starts_with("<speak>"));
    assert_eq!(far.before_end_dm, 2746);
}

/// Precision five, six and GeoJSON say the same.
#[test]
fn geometries_of_any_kind() {
    let answer = |geometry: &str, end: &str| {
        format!(
            r#"{{"code":"Ok","routes":[{{"legs":[{{"steps":[
                {{"geometry":{geometry},"duration":60,"distance":300,"name":"A",
                  "maneuver":{{"type":"depart","location":[24.94,60.17]}}}},
                {{"geometry":{end},"duration":0,"distance":0,"name":"A",
                  "maneuver":{{"type":"arrive","location":[24.945,60.171]}}}}]}}]}}]}}"#
        )
    };
    let line = [at(60.17, 24.94), at(60.171, 24.945)];
    let encoded = |precision| {
        let all = fieldfare_geo::encode_polyline(&line, precision);
        let end = fieldfare_geo::encode_polyline(&line[1..], precision);
        let quoted = |text: String| serde_json::to_string(&text).unwrap();
        answer(&quoted(all), &quoted(end))
    };
    let json = answer(
        r#"{"type":"LineString","coordinates":[[24.94,60.17],[24.945,60.171]]}"#,
        r#"{"type":"LineString","coordinates":[[24.945,60.171]]}"#,
    );
    let six = encoded(fieldfare_geo::Precision::Six);
    let five = encoded(fieldfare_geo::Precision::Five);
    for text in [json, six, five] {
        let route = only(text.as_bytes());
        check(&route);
        assert_eq!(route.path(), line);
    }
}

#[test]
fn answers_that_are_none() {
    let error = |text: &str| parse_routes(text.as_bytes()).unwrap_err();
    assert!(matches!(error("{"), RouteError::Json { .. }));
    assert_eq!(error("{}"), RouteError::UnknownForm);
    assert!(
        matches!(error(r#"{"code":"NoRoute"}"#), RouteError::NoRoute { code } if code == "NoRoute")
    );
    assert!(matches!(
        error(r#"{"code":"Ok","routes":[]}"#),
        RouteError::NoRoute { .. }
    ));
    assert_eq!(
        error(r#"{"code":"Ok","routes":[{"legs":[]}]}"#),
        RouteError::NoSteps
    );
    assert_eq!(
        error(r#"{"code":"Ok","routes":[{"legs":[{"steps":[]}]}]}"#),
        RouteError::NoSteps
    );
    let field = r#"{"code":"Ok","routes":[{"legs":[{"steps":[{"geometry":5}]}]}]}"#;
    assert!(matches!(error(field), RouteError::Field { .. }));
    let trip = r#"{"trip":{"legs":[{"shape":"_izlhA","maneuvers":[]}]}}"#;
    assert!(matches!(error(trip), RouteError::Geometry(_)));
    let trip = r#"{"trip":{"status":442,"legs":[]}}"#;
    assert!(matches!(error(trip), RouteError::NoRoute { .. }));
    let index = r#"{"trip":{"legs":[{"shape":"_izlhA_c`|oB","maneuvers":[
        {"type":1,"begin_shape_index":0,"end_shape_index":9}]}]}}"#;
    assert!(matches!(error(index), RouteError::Field { .. }));
}

/// The answer cut anywhere, and with any byte changed, gives an error or a whole route.
#[test]
fn damaged_answers() {
    for answer in [OSRM, VALHALLA] {
        for end in (0..answer.len()).step_by(997) {
            assert!(parse_routes(&answer[..end]).is_err());
        }
        for place in (0..answer.len()).step_by(61) {
            let mut bytes = answer.to_vec();
            bytes[place] = bytes[place].wrapping_add(1);
            if let Ok(routes) = parse_routes(&bytes) {
                for route in &routes {
                    assert_eq!(Route::from_bytes(&route.to_bytes()).as_ref(), Ok(route));
                }
                let _ = Itinerary::new(routes[0].clone());
            }
        }
    }
}

fn query() -> RouteQuery {
    let place = |lat, lon, kind, lead| QueryPlace {
        position: at(lat, lon),
        kind,
        lead,
        service_s: 600,
    };
    let lead = LeadId::from_bytes([7; 16]);
    RouteQuery {
        places: vec![
            place(60.1787, 24.9451, WaypointKind::Break, None),
            place(60.1677, 24.9451, WaypointKind::Break, Some(lead)),
            place(60.1655, 24.9424, WaypointKind::Break, None),
            place(60.1765, 24.9451, WaypointKind::Break, None),
        ],
        course_deg: Some(241.7),
        alternatives: 0,
    }
}

#[test]
fn questions_and_what_they_know_of_the_stops() {
    let osrm = OsrmAdapter {
        profile: "driving".to_owned(),
    };
    let mut query = query();
    let RouteRequest::Get { path } = osrm.request(&query).unwrap() else {
        panic!("OSRM is asked by GET");
    };
    assert!(path.starts_with(
        "/route/v1/driving/24.945100,60.178700;24.945100,60.167700;24.942400,60.165500;24.945100,60.176500?steps=true"
    ));
    assert!(path.ends_with("&bearings=241,60;;;"));
    let route = osrm.parse(&query, OSRM).unwrap().remove(0);
    let stop = &route.waypoints()[1];
    assert_eq!(stop.position, at(60.1677, 24.9451));
    assert_eq!(stop.lead, Some(LeadId::from_bytes([7; 16])));
    assert_eq!(stop.service_s, 600);

    query.places[2].kind = WaypointKind::Via;
    let RouteRequest::Get { path } = osrm.request(&query).unwrap() else {
        panic!("OSRM is asked by GET");
    };
    assert!(path.contains("&waypoints=0;1;3"));

    let valhalla = ValhallaAdapter {
        costing: "auto".to_owned(),
        language: "de-DE".to_owned(),
    };
    let RouteRequest::PostJson { body, .. } = valhalla.request(&query).unwrap() else {
        panic!("Valhalla is asked by POST");
    };
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["locations"][2]["type"], "via");
    assert_eq!(body["locations"][0]["heading"], 241);
    assert_eq!(body["format"], "osrm");

    query.places.truncate(1);
    assert!(osrm.request(&query).is_err());
    assert!(valhalla.request(&query).is_err());
}
