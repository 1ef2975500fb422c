//! The clients of routing engines against recorded answers, and against answers that must not be
//! believed.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod routing_support;

use fieldfare_model::{LatLng, LeadId};
use fieldfare_navigator::{
    QueryPlace, Route, RouteAdapter, RouteQuery, RouteSource, SpeedLimit, WaypointKind,
};
use fieldfare_server::routing::{
    Area, Block, EngineKind, GraphHopperAdapter, Leg, RoutingError, connect,
};
use proptest::prelude::*;
use routing_support::*;
use std::time::Duration;

const OSRM_TABLE: &[u8] = include_bytes!("data/routing/osrm_table.json");
const OSRM_GAPS: &[u8] = include_bytes!("data/routing/osrm_table_gaps.json");
const OSRM_ROUTE: &[u8] = include_bytes!("data/routing/osrm_route.json");
const VALHALLA_MATRIX: &[u8] = include_bytes!("data/routing/valhalla_matrix.json");
const VALHALLA_REFUSAL: &[u8] = include_bytes!("data/routing/valhalla_refusal.json");
const VALHALLA_ISOCHRONE: &[u8] = include_bytes!("data/routing/valhalla_isochrone.json");
const VALHALLA_ROUTE: &[u8] = include_bytes!("data/routing/valhalla_route.json");
const GRAPHHOPPER_CELL: &[u8] = include_bytes!("data/routing/graphhopper_cell.json");
const GRAPHHOPPER_ROUTE: &[u8] = include_bytes!("data/routing/graphhopper_route.json");
const GRAPHHOPPER_REFUSAL: &[u8] = include_bytes!("data/routing/graphhopper_refusal.json");

fn recorded_places() -> Vec<LatLng> {
    vec![
        at(60.1787, 24.9451),
        at(60.1677, 24.9451),
        at(60.1655, 24.9424),
    ]
}

fn recorded_query() -> RouteQuery {
    let places = recorded_places().into_iter().enumerate();
    RouteQuery {
        places: places
            .map(|(n, position)| QueryPlace {
                position,
                kind: WaypointKind::Break,
                lead: Some(LeadId::from_bytes([n as u8; 16])),
                service_s: 600,
            })
            .collect(),
        course_deg: None,
        alternatives: 0,
    }
}

async fn answering(status: u16, body: &'static [u8]) -> Fake {
    Fake::start(move |_, _| (status, body.to_vec())).await
}

async fn block_of(fake: &Fake, kind: EngineKind, n: usize) -> Result<Block, RoutingError> {
    let engine = connect(&fake.config(kind)).unwrap();
    let places = recorded_places();
    engine.block(&places[..n], &places[..n]).await
}

fn leg(seconds: u32, metres: u32) -> Option<Leg> {
    Some(Leg { seconds, metres })
}

#[tokio::test]
async fn osrm_tables_are_asked_for_and_read() {
    let fake = answering(200, OSRM_TABLE).await;
    let block = block_of(&fake, EngineKind::Osrm, 3).await.unwrap();
    assert_eq!(block.cell(0, 1), leg(262, 1784));
    assert_eq!(block.cell(1, 0), leg(398, 2552));
    assert_eq!(block.cell(3, 0), None);
    let asked = fake.asked.lock().unwrap()[0].clone();
    let expected = "/table/v1/driving/24.945100,60.178700;24.945100,60.167700;24.942400,60.165500?";
    assert!(asked.starts_with(expected), "{asked}");
    let gaps = answering(200, OSRM_GAPS).await;
    let engine = connect(&gaps.config(EngineKind::Osrm)).unwrap();
    let block = engine.block(&grid(4), &grid(4)).await.unwrap();
    assert_eq!((block.cell(0, 1), block.cell(0, 2)), (None, leg(79, 336)));
}

#[tokio::test]
async fn osrm_is_told_which_places_are_sources_and_which_are_targets() {
    let fake = Fake::start(|uri, _| table_answer(uri)).await;
    let engine = connect(&fake.config(EngineKind::Osrm)).unwrap();
    let places = grid(5);
    let block = engine.block(&places[..2], &places[2..]).await.unwrap();
    for (row, from) in places[..2].iter().enumerate() {
        for (column, to) in places[2..].iter().enumerate() {
            let seconds = seconds_between((from.lat(), from.lon()), (to.lat(), to.lon()));
            assert_eq!(block.cell(row, column).unwrap().seconds, seconds as u32);
        }
    }
}

#[tokio::test]
async fn valhalla_matrices_are_kilometres_read_as_metres() {
    let fake = answering(200, VALHALLA_MATRIX).await;
    let block = block_of(&fake, EngineKind::Valhalla, 3).await.unwrap();
    assert_eq!(block.cell(0, 1), leg(227, 1786));
    assert_eq!(block.cell(2, 0), leg(278, 2303));
    let asked = fake.asked.lock().unwrap()[0].clone();
    assert!(asked.starts_with("/sources_to_targets {") && asked.contains("60.1787"));
}

#[tokio::test]
async fn a_graphhopper_cell_is_a_route_without_geometry() {
    let fake = answering(200, GRAPHHOPPER_CELL).await;
    let engine = connect(&fake.config(EngineKind::GraphHopper)).unwrap();
    let places = recorded_places();
    let block = engine.block(&places[..1], &places[1..2]).await.unwrap();
    assert_eq!(block.cell(0, 0), leg(207, 1780));
    let asked = fake.asked.lock().unwrap()[0].clone();
    assert!(asked.contains(r#""calc_points":false"#), "{asked}");
}

fn check_route(route: &Route, source: RouteSource, metres: std::ops::Range<f64>) {
    assert_eq!((route.source(), route.leg_count()), (source, 2));
    let waypoints = route.waypoints();
    let leads: Vec<_> = waypoints
        .iter()
        .map(|w| w.lead.unwrap().as_bytes()[0])
        .collect();
    assert_eq!(leads, [0, 1, 2]);
    assert!(waypoints.iter().all(|w| w.service_s == 600));
    let length: f64 = route
        .path()
        .windows(2)
        .map(|pair| fieldfare_geo::distance_m(pair[0], pair[1]))
        .sum();
    assert!(metres.contains(&length), "{length}");
    assert!(!route.spoken().is_empty() && !route.banners().is_empty());
    assert_eq!(Route::from_bytes(&route.to_bytes()).unwrap(), *route);
}

#[tokio::test]
async fn routes_of_all_engines_become_routes_with_their_leads() {
    for (kind, body, source, metres) in [
        (
            EngineKind::Osrm,
            OSRM_ROUTE,
            RouteSource::Osrm,
            2_260.0..2_290.0,
        ),
        (
            EngineKind::Valhalla,
            VALHALLA_ROUTE,
            RouteSource::Osrm,
            2_260.0..2_300.0,
        ),
        (
            EngineKind::GraphHopper,
            GRAPHHOPPER_ROUTE,
            RouteSource::GraphHopper,
            2_150.0..2_350.0,
        ),
    ] {
        let fake = answering(200, body).await;
        let found = fake.routing(kind).route(&recorded_query()).await.unwrap();
        check_route(&found.route, source, metres);
        assert!(found.provider.starts_with(kind.name()));
    }
}

#[test]
fn graphhopper_instructions_become_steps_limits_and_legs() {
    let adapter = GraphHopperAdapter {
        profile: "car".to_owned(),
        language: "en-US".to_owned(),
        speed_limits: true,
    };
    let route = &adapter.parse(&recorded_query(), GRAPHHOPPER_ROUTE).unwrap()[0];
    assert_eq!(route.leg_steps(0), 0..8);
    assert_eq!(route.leg_steps(1), 8..11);
    assert_eq!(&*route.steps()[1].road, "Siltasaarenkatu");
    let file: serde_json::Value = serde_json::from_slice(GRAPHHOPPER_ROUTE).unwrap();
    assert_eq!(Some(route.duration_ms()), file["paths"][0]["time"].as_u64());
    let limits: Vec<_> = route
        .limits()
        .iter()
        .map(|run| (run.point, run.limit))
        .collect();
    assert_eq!(limits[0], (0, Some(SpeedLimit::Kmh(30))));
    assert_eq!(limits[1], (9, Some(SpeedLimit::Kmh(40))));
    let words: Vec<_> = route.spoken().iter().map(|s| s.text.to_string()).collect();
    assert!(words.contains(&"Turn right onto Siltasaarenkatu".to_owned()));
    assert!(words.contains(&"Waypoint 1".to_owned()));
    let mut via = recorded_query();
    via.places[1].kind = WaypointKind::Via;
    let route = &adapter.parse(&via, GRAPHHOPPER_ROUTE).unwrap()[0];
    assert_eq!((route.leg_count(), route.waypoints().len()), (1, 3));
    let point = route.waypoints()[1].point as usize;
    assert!(fieldfare_geo::distance_m(route.path()[point], at(60.167_712, 24.945_099)) < 1.0);
}

#[tokio::test]
async fn graphhopper_without_speed_limits_is_asked_again_without_them() {
    let fake = Fake::start(|_, body| {
        if body.contains("details") {
            (
                400,
                br#"{"message":"Cannot find the path details: [max_speed]"}"#.to_vec(),
            )
        } else {
            (200, GRAPHHOPPER_ROUTE.to_vec())
        }
    })
    .await;
    let routing = fake.routing(EngineKind::GraphHopper);
    assert_eq!(
        routing
            .route(&recorded_query())
            .await
            .unwrap()
            .route
            .leg_count(),
        2
    );
    assert_eq!(fake.count(), 2);
}

#[tokio::test]
async fn refusals_are_told_apart_from_failures() {
    for (status, body, kind) in [
        (400, VALHALLA_REFUSAL, EngineKind::Valhalla),
        (400, GRAPHHOPPER_REFUSAL, EngineKind::GraphHopper),
        (400, br#"{"code":"TooBig"}"#.as_slice(), EngineKind::Osrm),
        (404, b"nonsense".as_slice(), EngineKind::Osrm),
    ] {
        let fake = answering(status, body).await;
        let refused = block_of(&fake, kind, 1).await.unwrap_err();
        let RoutingError::Refused { code, .. } = refused else {
            panic!("{refused}");
        };
        let expected = ["170", "PointOutOfBoundsException", "TooBig", "404"];
        assert!(expected.contains(&code.as_str()), "{code}");
    }
    for status in [429, 500, 503, 302] {
        let fake = answering(status, b"{}").await;
        let error = block_of(&fake, EngineKind::Osrm, 1).await.unwrap_err();
        assert!(
            matches!(error, RoutingError::Unavailable { .. }),
            "{status} {error}"
        );
    }
    let fake = answering(403, b"{}").await;
    let error = block_of(&fake, EngineKind::Osrm, 1).await.unwrap_err();
    assert!(
        matches!(error, RoutingError::Misconfigured { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn answers_that_make_no_sense_are_refused() {
    let deep = "[".repeat(100_000);
    for body in [
        "".to_owned(),
        "null".to_owned(),
        deep,
        r#"{"code":"Ok"}"#.to_owned(),
        r#"{"code":"NoTable","durations":[[0]],"distances":[[0]]}"#.to_owned(),
        r#"{"code":"Ok","durations":[[0,1]],"distances":[[0,1]]}"#.to_owned(),
        r#"{"code":"Ok","durations":[[-1]],"distances":[[0]]}"#.to_owned(),
        r#"{"code":"Ok","durations":[[0]],"distances":[[]]}"#.to_owned(),
        r#"{"code":"Ok","durations":[["x"]],"distances":[[0]]}"#.to_owned(),
    ] {
        let answer = body.clone();
        let fake = Fake::start(move |_, _| (200, answer.clone().into_bytes())).await;
        let error = block_of(&fake, EngineKind::Osrm, 1).await.unwrap_err();
        let head: String = body.chars().take(60).collect();
        assert!(
            matches!(error, RoutingError::Malformed { .. }),
            "{head}: {error}"
        );
    }
}

#[tokio::test]
async fn an_answer_longer_than_it_can_be_is_not_read_to_its_end() {
    let fake = Fake::start(|_, _| (200, vec![b' '; 40 << 20])).await;
    let error = block_of(&fake, EngineKind::Osrm, 2).await.unwrap_err();
    assert!(
        error.to_string().contains("longer than it can be"),
        "{error}"
    );
    let error = fake
        .routing(EngineKind::Osrm)
        .route(&recorded_query())
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("longer than it can be"),
        "{error}"
    );
}

#[tokio::test]
async fn a_slow_engine_is_given_up() {
    let fake = Fake::slow(Duration::from_secs(30), |uri, _| table_answer(uri)).await;
    let mut config = fake.config(EngineKind::Osrm);
    config.timeout_s = 1;
    let engine = connect(&config).unwrap();
    let error = engine.block(&grid(1), &grid(1)).await.unwrap_err();
    assert!(error.to_string().contains("timed out"), "{error}");
}

#[tokio::test]
async fn a_route_with_other_legs_than_asked_for_is_refused() {
    let fake = answering(200, OSRM_ROUTE).await;
    let mut query = recorded_query();
    query.places.pop();
    let error = fake
        .routing(EngineKind::Osrm)
        .route(&query)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("legs"), "{error}");
}

#[test]
fn durations_the_planner_cannot_take_count_as_no_way() {
    let rows = [vec![Some(1e12), Some(5.4), None]];
    let lengths = [vec![Some(1.0), Some(9e15), Some(2.0)]];
    let block = Block::from_rows((1, 3), &rows, &lengths, 1.0).unwrap();
    assert!((0..3).all(|column| block.cell(0, column).is_none()));
    let wrong = Block::from_rows((1, 1), &[vec![Some(f64::NAN)]], &[vec![Some(0.0)]], 1.0);
    assert!(wrong.is_err());
}

#[test]
fn an_isochrone_is_an_area_with_an_inside() {
    let area = Area::from_geojson(serde_json::from_slice(VALHALLA_ISOCHRONE).unwrap()).unwrap();
    let polygons = area.polygons().unwrap();
    let inside = |at: LatLng| polygons.iter().any(|p| p.contains(at));
    assert!(inside(at(60.1677, 24.9440)) && !inside(at(60.1787, 24.9451)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// What arrives may be anything near an answer.
    #[test]
    fn damaged_answers_never_panic(
        which in 0usize..4, cut in any::<proptest::sample::Index>(),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..6),
        truncate in any::<bool>(),
    ) {
        let mut bytes = [GRAPHHOPPER_ROUTE, VALHALLA_ISOCHRONE, OSRM_ROUTE, VALHALLA_ROUTE][which].to_vec();
        for (index, byte) in changes {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        if truncate {
            bytes.truncate(cut.index(bytes.len()));
        }
        let adapter = GraphHopperAdapter {
            profile: "car".to_owned(), language: "en".to_owned(), speed_limits: true,
        };
        let _ = adapter.parse(&recorded_query(), &bytes);
        let _ = serde_json::from_slice(&bytes).map(Area::from_geojson);
        let _ = fieldfare_navigator::parse_routes(&bytes);
    }

    #[test]
    fn damaged_numbers_in_graphhopper_answers_never_panic(
        from in 0usize..60, to in 0usize..60, sign in -10i32..12, limit_from in 0usize..99, limit_to in 0usize..99,
    ) {
        let mut file: serde_json::Value = serde_json::from_slice(GRAPHHOPPER_ROUTE).unwrap();
        let path = &mut file["paths"][0];
        path["instructions"][3]["interval"] = serde_json::json!([from, to]);
        path["instructions"][4]["sign"] = sign.into();
        path["details"]["max_speed"][1] = serde_json::json!([limit_from, limit_to, 50.0]);
        let adapter = GraphHopperAdapter {
            profile: "car".to_owned(), language: "en".to_owned(), speed_limits: true,
        };
        let _ = adapter.parse(&recorded_query(), file.to_string().as_bytes());
    }
}

#[tokio::test]
async fn a_service_is_asked_whether_it_is_the_one_expected() {
    for (kind, status, body, found) in [
        (EngineKind::Osrm, 400, r#"{"code":"NoSegment"}"#, Ok("OSRM")),
        (EngineKind::Osrm, 200, r#"{"code":"Ok"}"#, Ok("OSRM")),
        (EngineKind::Osrm, 404, "nothing here", Err("refuses")),
        (EngineKind::Osrm, 200, "<html>", Err("not understood")),
        (
            EngineKind::Valhalla,
            200,
            r#"{"version":"3.9.1"}"#,
            Ok("Valhalla 3.9.1"),
        ),
        (
            EngineKind::Valhalla,
            200,
            r#"{"version":"1\u001b[2J"}"#,
            Ok("Valhalla 12J"),
        ),
        (
            EngineKind::GraphHopper,
            200,
            r#"{"version":"11.0","profiles":[{"name":"car"}]}"#,
            Ok("GraphHopper 11.0"),
        ),
        (
            EngineKind::GraphHopper,
            200,
            r#"{"version":"11.0","profiles":[{"name":"bike"}]}"#,
            Err("profile"),
        ),
        (EngineKind::GraphHopper, 503, "", Err("does not answer")),
    ] {
        let fake = answering(status, body.as_bytes()).await;
        let checked = connect(&fake.config(kind)).unwrap().check().await;
        match (checked, found) {
            (Ok(said), Ok(found)) => assert!(said.contains(found), "{said}"),
            (Err(error), Err(found)) => assert!(error.to_string().contains(found), "{error}"),
            (checked, _) => panic!("{body}: {checked:?}"),
        }
    }
}
