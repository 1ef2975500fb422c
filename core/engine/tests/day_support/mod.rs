//! Planned days and routes as the server sends them.
#![allow(
    dead_code,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use crate::support::*;
use fieldfare_engine::*;
use fieldfare_model::*;
use fieldfare_navigator::{OsrmAdapter, QueryPlace, Route, RouteAdapter, RouteQuery};
use fieldfare_planner::{
    Break, Objective, Options, Plan, Problem, RepDay, Stop, Travel, Window, solve,
};
use fieldfare_sync::ScopeId;

pub const HOUR: i64 = 3_600;

/// The day of the test clock's start: a Monday, 10:13 in Boston.
pub fn date() -> CalendarDate {
    "2026-09-21".parse().unwrap()
}

/// Midnight of that day in Boston.
pub fn zero() -> TimestampMs {
    TimestampMs(START.0 - (10 * HOUR + 13 * 60 + 20) * 1_000)
}

pub fn moment(second: i64) -> TimestampMs {
    zero().plus(second * 1_000)
}

/// Seconds and metres as roads would have them: not the same there and back.
pub fn road(a: LatLng, b: LatLng) -> (u32, u32) {
    let metres = (fieldfare_geo::distance_m(a, b) * 1.4) as u32;
    let uphill = u32::from(a.lat() < b.lat()) * 40;
    (metres / 9 + 30 + uphill, metres)
}

/// A day from Boston's middle and back through leads, with matrix times of the server's engine.
pub fn problem(leads: &[&Lead]) -> Problem {
    let home = near_boston(0.0, 0.0);
    let mut positions = vec![home];
    positions.extend(leads.iter().map(|lead| lead.geocode.position.unwrap()));
    let travel = Travel::from_fn(positions.len(), |from, to| {
        Some(road(positions[from], positions[to]))
    });
    let provenance = fieldfare_planner::Provenance {
        provider: "osrm/driving".into(),
        computed_at: Some(START.plus(-9 * HOUR * 1_000)),
        cells: (positions.len() * (positions.len() - 1)) as u32,
        ..Default::default()
    };
    let stops = leads.iter().enumerate().map(|(index, lead)| {
        let priority = u32::from(lead.score.unwrap_or(0)) + 10;
        Stop::optional(lead.id.to_string(), index + 1, 1_200, priority)
    });
    Problem {
        objective: Objective::MostPriority,
        reps: vec![RepDay {
            breaks: vec![Break {
                windows: vec![Window::new(9 * HOUR, 10 * HOUR)],
                duration_s: 1_800,
            }],
            ..RepDay::round_trip(rep_id().to_string(), 0, Window::new(8 * HOUR, 17 * HOUR))
        }],
        stops: stops.collect(),
        travel: travel.unwrap().with_provenance(provenance),
        positions,
    }
}

pub fn planned(problem: &Problem) -> Plan {
    solve(problem, &Options::default()).unwrap()
}

pub fn day_row(problem: &Problem, plan: &Plan, computed_at: TimestampMs) -> DayPlanRow {
    DayPlanRow {
        id: DayPlanId::from_bytes([40; 16]),
        rep: rep_id(),
        date: date(),
        time_zone: "America/New_York".into(),
        zero_at: zero(),
        computed_at,
        problem: serde_json::to_string(problem).unwrap(),
        plan: serde_json::to_string(plan).unwrap(),
    }
}

pub fn send_day(world: &World, row: &DayPlanRow) {
    let mut memory = world.server.memory.lock().unwrap();
    let (id, cells) = (row.id.row(), row.to_columns());
    memory.put(Entity::DAY_PLAN, id, cells, &[ScopeId::rep(rep_id())]);
}

/// A phone with a day of so many leads, synced and offline.
pub async fn with_day(count: u32) -> (World, Problem) {
    let leads = some_leads(count);
    let world = World::with_leads(&leads).await;
    let problem = problem(&leads.iter().collect::<Vec<_>>());
    send_day(
        &world,
        &day_row(&problem, &planned(&problem), START.plus(-1)),
    );
    world.sync().await.unwrap();
    (world, problem)
}

pub fn update(events: Vec<DayEvent>) -> DayUpdate {
    DayUpdate {
        events,
        ..DayUpdate::default()
    }
}

pub fn send_route(world: &World, route: &Route) {
    let row = RouteRow {
        id: RouteId::from_bytes([41; 16]),
        rep: rep_id(),
        date: date(),
        day_plan: DayPlanId::from_bytes([40; 16]),
        computed_at: START,
        provider: "osrm/driving".into(),
        route: route.to_bytes(),
    };
    let mut memory = world.server.memory.lock().unwrap();
    let (id, cells) = (row.id.row(), row.to_columns());
    memory.put(Entity::ROUTE, id, cells, &[ScopeId::rep(rep_id())]);
}

/// Leads around Boston, none where another is.
pub fn some_leads(count: u32) -> Vec<Lead> {
    (1..=count)
        .map(|n| {
            let north = f64::from(n * 7 % 13) * 700.0 - 4_000.0;
            let east = f64::from(n * 5 % 11) * 800.0 - 3_500.0;
            let mut lead = new_lead(n, &format!("Lead {n}"), near_boston(north, east));
            lead.score = Some((n * 17 % 90) as u8);
            lead
        })
        .collect()
}

pub fn order(day: &DayRecord) -> Vec<LeadId> {
    day.steps.iter().filter_map(|step| step.lead).collect()
}

/// What the phone keeps under a name, read by itself from the closed files.
pub fn setting(world: &World, name: &str) -> Option<Vec<u8>> {
    let vault = std::sync::Arc::clone(&world.vault) as std::sync::Arc<dyn KeyVault>;
    let options = fieldfare_store::StoreOptions::default();
    let (store, _) = fieldfare_store::Store::open(world.dir.path(), vault, options).unwrap();
    let bytes = store.setting(name).unwrap();
    store.close().unwrap();
    bytes
}

const HELSINKI: &[u8] = include_bytes!("../../../navigator/tests/fixtures/helsinki_osrm.json");

/// Where the drive through Helsinki begins, its two stops, and its end.
pub fn helsinki() -> [LatLng; 4] {
    [
        at(60.178566, 24.945248),
        at(60.167712, 24.945099),
        at(60.165474, 24.942325),
        at(60.176248, 24.944988),
    ]
}

/// The two leads of that drive.
pub fn helsinki_leads() -> [Lead; 2] {
    let [_, first, second, _] = helsinki();
    [new_lead(1, "First", first), new_lead(2, "Second", second)]
}

/// A road route that a real OSRM gave, with the leads at its stops.
pub fn helsinki_route() -> Route {
    let places = helsinki().into_iter().enumerate();
    let query = RouteQuery {
        places: places
            .map(|(index, position)| QueryPlace {
                position,
                kind: WaypointKind::Break,
                lead: (1..=2).contains(&index).then(|| lead_id(index as u32)),
                service_s: 600,
            })
            .collect(),
        course_deg: None,
        alternatives: 0,
    };
    let adapter = OsrmAdapter {
        profile: "driving".into(),
    };
    adapter.parse(&query, HELSINKI).unwrap().remove(0)
}

/// A day from the drive's start through its stops, in that order, to its end.
pub fn helsinki_day() -> (Problem, Plan) {
    let leads = helsinki_leads();
    let mut problem = problem(&[&leads[0], &leads[1]]);
    let [start, first, second, end] = helsinki();
    problem.positions = vec![start, first, second, end];
    let travel = Travel::from_fn(4, |from, to| {
        Some(road(problem.positions[from], problem.positions[to]))
    });
    let provenance = problem.travel.provenance().clone();
    problem.travel = travel.unwrap().with_provenance(provenance);
    problem.reps[0].end = Some(3);
    problem.reps[0].first = vec![lead_id(1).to_string()];
    let plan = planned(&problem);
    problem.reps[0].first.clear();
    (problem, plan)
}
