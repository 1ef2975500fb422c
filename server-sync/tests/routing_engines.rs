//! The clients against the real engines, on an extract of Helsinki.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod engine_support;
mod routing_support;

use engine_support::{Engine, start};
use fieldfare_geo::distance_m;
use fieldfare_model::{LatLng, LeadId};
use fieldfare_navigator::{QueryPlace, RouteQuery, WaypointKind};
use fieldfare_planner::{Options, Problem, Proof, RepDay, Stop, Travel, Window, check, solve};
use fieldfare_server::routing::{EngineConfig, EngineKind, Routing, connect};
use routing_support::{NOW, at, routing, tenant};

const KINDS: [EngineKind; 3] = [
    EngineKind::Osrm,
    EngineKind::Valhalla,
    EngineKind::GraphHopper,
];

/// Places on roads that are connected in the extract.
fn places() -> Vec<LatLng> {
    vec![
        at(60.1787, 24.9451),
        at(60.1677, 24.9451),
        at(60.1655, 24.9424),
        at(60.1765, 24.9451),
        at(60.1672, 24.9385),
        at(60.1702, 24.9520),
    ]
}

/// A place far from every road of the extract.
fn nowhere() -> LatLng {
    at(61.0, 26.0)
}

fn over(engine: &Engine, change: impl Fn(&mut EngineConfig)) -> Routing {
    let mut config = EngineConfig::new(engine.kind, &engine.url);
    change(&mut config);
    routing(vec![config])
}

#[tokio::test(flavor = "multi_thread")]
async fn real_engines_give_matrices_routes_and_isochrones() {
    let work = tempfile::tempdir().unwrap();
    let mut engines: Vec<Engine> = KINDS
        .into_iter()
        .filter_map(|kind| start(kind, work.path()))
        .collect();
    for engine in &mut engines {
        engine.ready().await;
        let client = connect(&EngineConfig::new(engine.kind, &engine.url)).unwrap();
        let said = client.check().await.unwrap().to_lowercase();
        assert!(said.contains(engine.kind.name()), "{said}");
    }
    let mut matrices = Vec::new();
    for engine in &engines {
        matrices.push(matrix(engine).await);
        one_bad_place(engine).await;
        route(engine, matrices.last().unwrap()).await;
    }
    engines_agree(&matrices);
    for engine in &engines {
        match engine.kind {
            EngineKind::Osrm => blocks(engine).await,
            EngineKind::Valhalla => {
                blocks(engine).await;
                isochrone(engine, work.path()).await;
            }
            EngineKind::GraphHopper => {}
        }
    }
    println!("tested against {} engines", engines.len());
}

async fn matrix(engine: &Engine) -> Travel {
    let places = places();
    let travel = over(engine, |_| {})
        .travel(None, &places, NOW)
        .await
        .unwrap();
    let provenance = travel.provenance();
    assert_eq!(
        (provenance.mirrored, provenance.estimated),
        (0, 0),
        "{provenance:?}"
    );
    assert!(provenance.provider.starts_with(engine.kind.name()));
    for (i, from) in places.iter().enumerate() {
        for (j, to) in places.iter().enumerate().filter(|(j, _)| *j != i) {
            let (seconds, metres) = (travel.seconds(i, j).unwrap(), travel.metres(i, j).unwrap());
            let straight = distance_m(*from, *to);
            // Places are moved to the next road, some tens of metres away.
            assert!(
                f64::from(metres) > straight - 100.0,
                "{i} {j} {metres} {straight}"
            );
            assert!(
                f64::from(metres) < 4.0 * straight + 1_000.0,
                "{i} {j} {metres} {straight}"
            );
            let kmh = 3.6 * f64::from(metres) / f64::from(seconds);
            assert!((8.0..60.0).contains(&kmh), "{i} {j} {kmh}");
        }
    }
    plan(&travel);
    travel
}

/// The matrix is what a day is planned with, and the plan says so.
fn plan(travel: &Travel) {
    let stop = |n: usize| Stop::optional(format!("s{n}"), n, 600, 1);
    let problem = Problem {
        objective: fieldfare_planner::Objective::default(),
        reps: vec![RepDay::round_trip("ada", 0, Window::new(0, 4 * 3_600))],
        stops: (1..travel.places()).map(stop).collect(),
        travel: travel.clone(),
        positions: places(),
    };
    let plan = solve(&problem, &Options::default()).unwrap();
    assert_eq!((plan.totals.visits, plan.proof), (5, Proof::Optimal));
    assert_eq!(plan.travel, *travel.provenance());
    assert_eq!(check(&problem, &plan), Ok(()));
}

async fn one_bad_place(engine: &Engine) {
    let mut places = places();
    places.push(nowhere());
    let routing = over(engine, |_| {});
    let travel = routing.travel(None, &places, NOW).await.unwrap();
    let known = routing.travel(None, &places[..6], NOW).await.unwrap();
    for i in 0..6 {
        for j in 0..6 {
            assert_eq!(travel.seconds(i, j), known.seconds(i, j));
        }
    }
    let name = engine.kind.name();
    assert_eq!(travel.provenance().estimated, 12, "{name}");
}

async fn route(engine: &Engine, travel: &Travel) {
    // Two leads in one house.
    let order = [0, 3, 3, 1, 2];
    let places = places();
    let query = RouteQuery {
        places: order
            .iter()
            .map(|n| QueryPlace {
                position: places[*n],
                kind: WaypointKind::Break,
                lead: Some(LeadId::from_bytes([*n as u8; 16])),
                service_s: 900,
            })
            .collect(),
        course_deg: None,
        alternatives: 0,
    };
    let found = over(engine, |_| {}).route(&query).await.unwrap();
    assert!(found.provider.starts_with(engine.kind.name()));
    let route = found.route;
    assert_eq!(route.leg_count(), 4);
    for (waypoint, n) in route.waypoints().iter().zip(order) {
        assert_eq!(waypoint.lead, Some(LeadId::from_bytes([n as u8; 16])));
        let on_road = route.path()[waypoint.point as usize];
        assert!(distance_m(on_road, places[n]) < 150.0);
    }
    // The route takes about as long as its legs in the matrix.
    let legs: u32 = order
        .windows(2)
        .map(|pair| travel.seconds(pair[0], pair[1]).unwrap())
        .sum();
    let seconds = route.duration_ms() as f64 / 1_000.0;
    let ratio = seconds / f64::from(legs);
    assert!(
        (0.8..1.25).contains(&ratio),
        "{} {seconds} {legs}",
        engine.kind.name()
    );
    assert!(!route.spoken().is_empty());
}

/// Other maps and speeds, the same town.
fn engines_agree(matrices: &[Travel]) {
    for pair in matrices.windows(2) {
        let mut ratios: Vec<f64> = Vec::new();
        for i in 0..pair[0].places() {
            for j in (0..pair[0].places()).filter(|j| *j != i) {
                let metres = |t: &Travel| f64::from(t.metres(i, j).unwrap());
                ratios.push(metres(&pair[0]) / metres(&pair[1]));
            }
        }
        ratios.sort_by(f64::total_cmp);
        let median = ratios[ratios.len() / 2];
        assert!((0.8..1.25).contains(&median), "{ratios:?}");
    }
}

/// Small blocks give what large ones give; more places than the engine takes at once are no matter.
async fn blocks(engine: &Engine) {
    let grid: Vec<LatLng> = (0..120)
        .map(|n| {
            at(
                60.1660 + f64::from(n / 10) * 0.001,
                24.9380 + f64::from(n % 10) * 0.0014,
            )
        })
        .collect();
    let whole = over(engine, |_| {}).travel(None, &grid, NOW).await.unwrap();
    let small = over(engine, |c| c.max_side = Some(23))
        .travel(None, &grid, NOW)
        .await
        .unwrap();
    let too_large = over(engine, |c| {
        (c.max_side, c.max_cells) = (Some(120), Some(14_400))
    });
    let halved = too_large.travel(None, &grid, NOW).await.unwrap();
    let (mut same, mut all) = (0, 0);
    for i in 0..grid.len() {
        for j in 0..grid.len() {
            all += 1;
            same += usize::from(
                whole.seconds(i, j) == small.seconds(i, j)
                    && whole.seconds(i, j) == halved.seconds(i, j),
            );
        }
    }
    // OSRM and Valhalla may choose another of equally near roads for a place when others are asked with it.
    assert!(
        same * 100 >= all * 95,
        "{}: {same} of {all}",
        engine.kind.name()
    );
    let provenance = whole.provenance();
    assert!(
        provenance.estimated < provenance.cells / 2,
        "{provenance:?}"
    );
}

async fn isochrone(engine: &Engine, work: &std::path::Path) {
    let tenant = tenant(&work.join("tenants"), 1);
    let routing = over(engine, |_| {});
    let grid: Vec<LatLng> = (0..100)
        .map(|n| {
            at(
                60.1655 + f64::from(n / 10) * 0.0013,
                24.9370 + f64::from(n % 10) * 0.0016,
            )
        })
        .collect();
    let from = places()[1];
    let drawn = routing.isochrone(&tenant, from, 2, NOW).await.unwrap();
    let polygons = drawn.area.polygons().unwrap();
    let mut all = vec![from];
    all.extend(&grid);
    let travel = routing.travel(Some(&tenant), &all, NOW).await.unwrap();
    let (mut right, mut judged) = (0, 0);
    for (n, at) in grid.iter().enumerate() {
        // Near the edge the polygon's generalisation decides.
        let seconds = travel.seconds(0, n + 1).unwrap();
        if (90..150).contains(&seconds) || !(20..600).contains(&seconds) {
            continue;
        }
        judged += 1;
        let inside = polygons.iter().any(|polygon| polygon.contains(*at));
        right += usize::from(inside == (seconds < 120));
    }
    assert!(
        judged > 20 && right * 100 >= judged * 85,
        "{right} of {judged}"
    );
}
