//! Whole matrices: blocks, concurrency, places that spoil blocks, the cache, other engines.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod routing_support;

use fieldfare_model::{LatLng, TimestampMs};
use fieldfare_planner::Travel;
use fieldfare_server::routing::{EngineKind, GREAT_CIRCLE, RoutingError};
use routing_support::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const DAY_MS: i64 = 24 * 3_600_000;

fn check(travel: &Travel, places: &[LatLng]) {
    for (i, from) in places.iter().enumerate() {
        for (j, to) in places.iter().enumerate() {
            let seconds = seconds_between((from.lat(), from.lon()), (to.lat(), to.lon())) as u32;
            assert_eq!(travel.seconds(i, j), Some(seconds), "{i} {j}");
            assert_eq!(travel.metres(i, j), Some(10 * seconds), "{i} {j}");
        }
    }
}

#[tokio::test]
async fn a_large_matrix_is_asked_for_in_blocks_the_engine_accepts_a_few_at_once() {
    let fake = Fake::slow(Duration::from_millis(20), |uri, _| {
        let (_, sources, targets) = read_table(uri);
        if sources.len().max(targets.len()) > 30 || sources.len() * targets.len() > 600 {
            return (400, br#"{"code":"TooBig"}"#.to_vec());
        }
        table_answer(uri)
    })
    .await;
    let mut config = fake.config(EngineKind::Osrm);
    (config.max_side, config.max_cells, config.concurrency) = (Some(30), Some(600), 3);
    let places = grid(70);
    let travel = routing(vec![config])
        .travel(None, &places, NOW)
        .await
        .unwrap();
    check(&travel, &places);
    assert_eq!(fake.count(), 12, "4 rows of 20 by 3 columns of 30");
    assert_eq!(fake.most_at_once.load(Ordering::SeqCst), 3);
    let provenance = travel.provenance();
    assert_eq!(provenance.provider, "osrm/driving");
    assert_eq!(provenance.computed_at, Some(NOW));
    assert_eq!(
        (provenance.cells, provenance.mirrored, provenance.estimated),
        (4_830, 0, 0)
    );
}

#[tokio::test]
async fn an_engine_with_smaller_blocks_than_configured_is_met_by_halving() {
    let fake = Fake::start(|uri, _| {
        let (_, sources, targets) = read_table(uri);
        if sources.len() * targets.len() > 50 {
            return (400, br#"{"code":"TooBig"}"#.to_vec());
        }
        table_answer(uri)
    })
    .await;
    let places = grid(20);
    let travel = fake
        .routing(EngineKind::Osrm)
        .travel(None, &places, NOW)
        .await
        .unwrap();
    check(&travel, &places);
}

#[tokio::test]
async fn a_place_without_a_road_spoils_its_own_cells_alone() {
    let fake = Fake::start(|uri, _| {
        let (places, sources, targets) = read_table(uri);
        let bad = |i: &usize| places[*i].0 > 70.0;
        if sources.iter().chain(&targets).any(bad) {
            return (400, br#"{"code":"NoSegment"}"#.to_vec());
        }
        table_answer(uri)
    })
    .await;
    let mut places = grid(24);
    places[7] = at(70.5, 24.0);
    let travel = fake
        .routing(EngineKind::Osrm)
        .travel(None, &places, NOW)
        .await
        .unwrap();
    let provenance = travel.provenance();
    assert_eq!(
        (provenance.cells, provenance.estimated, provenance.mirrored),
        (552, 46, 0)
    );
    // 1,167 km as the crow flies, by a usual road at the usual speed.
    assert!((110_000..130_000).contains(&travel.seconds(0, 7).unwrap()));
    let known: Vec<LatLng> = places.iter().copied().filter(|p| p.lat() < 70.0).collect();
    for (i, from) in places.iter().enumerate().filter(|(i, _)| *i != 7) {
        let to = known[0];
        let seconds = seconds_between((from.lat(), from.lon()), (to.lat(), to.lon()));
        assert_eq!(travel.seconds(i, 0), Some(seconds as u32));
    }
    assert!(fake.count() < 250, "{}", fake.count());
}

#[tokio::test]
async fn the_cache_is_asked_first_and_a_new_place_costs_a_row_and_a_column() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, theirs) = (tenant(dir.path(), 1), tenant(dir.path(), 2));
    let fake = Fake::start(|uri, _| table_answer(uri)).await;
    let routing = fake.routing(EngineKind::Osrm);
    let places = grid(12);
    routing
        .travel(Some(&ours), &places[..11], NOW)
        .await
        .unwrap();
    assert_eq!(fake.count(), 1);
    let later = NOW.plus(DAY_MS);
    let travel = routing
        .travel(Some(&ours), &places[..11], later)
        .await
        .unwrap();
    check(&travel, &places[..11]);
    assert_eq!(fake.count(), 1, "all of it was known");
    assert_eq!(
        travel.provenance().computed_at,
        Some(NOW),
        "the age is the oldest cell's"
    );
    let travel = routing.travel(Some(&ours), &places, later).await.unwrap();
    check(&travel, &places);
    let asked = fake.asked.lock().unwrap().clone();
    let cells: usize = asked[1..]
        .iter()
        .map(|uri| read_table(uri.trim()))
        .map(|(_, sources, targets)| sources.len() * targets.len())
        .sum();
    assert_eq!(cells, 22, "{asked:?}");
    routing
        .travel(Some(&theirs), &places[..3], later)
        .await
        .unwrap();
    assert_eq!(
        fake.count(),
        asked.len() + 1,
        "another company has a cache of its own"
    );
    routing
        .travel(Some(&ours), &places[..3], NOW.plus(31 * DAY_MS))
        .await
        .unwrap();
    assert_eq!(
        fake.count(),
        asked.len() + 2,
        "what is too old is asked for again"
    );
}

#[tokio::test]
async fn no_way_is_remembered_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let tenant = tenant(dir.path(), 1);
    let gaps = include_bytes!("data/routing/osrm_table_gaps.json");
    let fake = Fake::start(|_, _| (200, gaps.to_vec())).await;
    let routing = fake.routing(EngineKind::Osrm);
    let first = routing.travel(Some(&tenant), &grid(4), NOW).await.unwrap();
    let again = routing
        .travel(Some(&tenant), &grid(4), NOW.plus(1))
        .await
        .unwrap();
    assert_eq!((fake.count(), &first), (1, &again));
    // Recorded: ways 0-2 both ways, 3-0 and 3-2 one way only, nothing to or from 1.
    let provenance = first.provenance();
    assert_eq!((provenance.mirrored, provenance.estimated), (2, 6));
    assert_eq!(first.seconds(0, 3), Some(225));
}

#[tokio::test]
async fn when_an_engine_is_down_the_next_one_answers_and_then_the_estimate() {
    let up = Arc::new(AtomicBool::new(true));
    let switch = up.clone();
    let broken = Fake::start(|_, _| (503, Vec::new())).await;
    let good = Fake::start(move |uri, _| {
        if switch.load(Ordering::SeqCst) {
            table_answer(uri)
        } else {
            (500, Vec::new())
        }
    })
    .await;
    let mut second = good.config(EngineKind::Osrm);
    second.profile = Some("van".to_owned());
    let routing = routing(vec![broken.config(EngineKind::Valhalla), second]);
    let travel = routing.travel(None, &grid(5), NOW).await.unwrap();
    check(&travel, &grid(5));
    assert_eq!(travel.provenance().provider, "osrm/van");
    up.store(false, Ordering::SeqCst);
    let travel = routing.travel(None, &grid(5), NOW).await.unwrap();
    assert_eq!(travel.provenance().provider, GREAT_CIRCLE);
    assert_eq!(travel.provenance().estimated, 20);
    assert_eq!(travel.provenance().computed_at, None);
}

#[tokio::test]
async fn what_came_before_an_engine_failed_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let tenant = tenant(dir.path(), 1);
    let fake = Fake::start(|uri, _| {
        let (places, sources, _) = read_table(uri);
        let is_last = sources.iter().any(|i| places[*i].1 > 24.0035);
        if is_last {
            (500, Vec::new())
        } else {
            table_answer(uri)
        }
    })
    .await;
    let mut config = fake.config(EngineKind::Osrm);
    (config.max_side, config.concurrency) = (Some(2), 1);
    let routing = routing(vec![config]);
    let travel = routing.travel(Some(&tenant), &grid(6), NOW).await.unwrap();
    let provenance = travel.provenance().clone();
    assert_eq!(provenance.provider, "osrm/driving");
    // The first four rows are known; of the last two, all but the ways between them come from the way back.
    assert_eq!((provenance.mirrored, provenance.estimated), (8, 2));
    let count = fake.count();
    routing.travel(Some(&tenant), &grid(4), NOW).await.unwrap();
    assert_eq!(fake.count(), count);
}

#[tokio::test]
async fn a_matrix_that_takes_too_long_is_finished_by_estimates() {
    let fake = Fake::slow(Duration::from_millis(400), |uri, _| table_answer(uri)).await;
    let mut config = fake.config(EngineKind::Osrm);
    (config.max_side, config.concurrency) = (Some(1), 1);
    let routing =
        fieldfare_server::routing::Routing::new(&fieldfare_server::routing::RoutingConfig {
            engines: vec![config],
            deadline_s: 1,
            ..Default::default()
        })
        .unwrap();
    let travel = routing.travel(None, &grid(4), NOW).await.unwrap();
    let provenance = travel.provenance();
    assert!(
        provenance.estimated > 0 && provenance.estimated < 12,
        "{provenance:?}"
    );
}

#[tokio::test]
async fn too_many_places_are_refused_and_a_matrix_by_routes_has_a_limit() {
    let fake = Fake::start(|_, _| {
        (
            200,
            include_bytes!("data/routing/graphhopper_cell.json").to_vec(),
        )
    })
    .await;
    let routing = fake.routing(EngineKind::GraphHopper);
    let error = routing.travel(None, &grid(1_001), NOW).await.unwrap_err();
    assert!(
        matches!(error, RoutingError::TooMany { most: 1_000, .. }),
        "{error}"
    );
    let travel = routing.travel(None, &grid(150), NOW).await.unwrap();
    assert_eq!(
        (fake.count(), travel.provenance().provider.as_str()),
        (0, GREAT_CIRCLE)
    );
    let travel = routing.travel(None, &grid(5), NOW).await.unwrap();
    assert_eq!((fake.count(), travel.seconds(0, 4)), (20, Some(207)));
    assert_eq!(travel.provenance().provider, "graphhopper/car");
}

#[tokio::test]
async fn an_isochrone_is_drawn_once_for_a_place() {
    let dir = tempfile::tempdir().unwrap();
    let tenant = tenant(dir.path(), 1);
    let fake = Fake::start(|_, _| {
        (
            200,
            include_bytes!("data/routing/valhalla_isochrone.json").to_vec(),
        )
    })
    .await;
    let osrm = Fake::start(|_, _| (500, Vec::new())).await;
    let routing = routing(vec![
        osrm.config(EngineKind::Osrm),
        fake.config(EngineKind::Valhalla),
    ]);
    let from = at(60.1677, 24.9451);
    let first = routing.isochrone(&tenant, from, 2, NOW).await.unwrap();
    let again = routing
        .isochrone(&tenant, from, 2, NOW.plus(DAY_MS))
        .await
        .unwrap();
    assert_eq!((fake.count(), osrm.count(), &first), (1, 0, &again));
    assert_eq!(
        (first.provider.as_str(), first.computed_at),
        ("valhalla/auto", NOW)
    );
    routing.isochrone(&tenant, from, 3, NOW).await.unwrap();
    routing
        .isochrone(&tenant, from, 2, NOW.plus(31 * DAY_MS))
        .await
        .unwrap();
    assert_eq!(fake.count(), 3);
    let none = osrm
        .routing(EngineKind::Osrm)
        .isochrone(&tenant, from, 9, NOW)
        .await;
    assert!(matches!(none, Err(RoutingError::NoEngine("isochrones"))));
    tenant
        .write(|tx| fieldfare_server::routing::cache::purge(tx, TimestampMs(i64::MAX)))
        .unwrap();
    routing.isochrone(&tenant, from, 2, NOW).await.unwrap();
    assert_eq!(fake.count(), 4);
}
