//! The same day planned on the phone and on the server gives the same bytes: the leads chosen, the
//! travel times, and the plan.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use fieldfare_engine::{BreakTime, DaySource, KeyVault, PlanDay, WorkHours};
use fieldfare_model::{
    DayPlanRow, Entity, Geocode, GeocodeStatus, LatLng, Lead, LeadStatus, TimestampMs,
};
use fieldfare_planner::{Plan, Problem, check};
use fieldfare_server::feed;
use fieldfare_server::planning::DayJob;
use fieldfare_server::routing::{EngineConfig, EngineKind, RoutingConfig};
use fieldfare_store::{FileKeyVault, Store, StoreOptions};
use fieldfare_tests::leads::Random;
use fieldfare_tests::world::{Phone, TenantSpec, World, WorldSpec, plain_lead};
use routing_support::{Fake, osrm_answer};
use serde_json::json;
use std::sync::Arc;

const DAY_MS: i64 = 24 * 3_600_000;
const ROUNDS: u64 = 3;
/// Speed in thousandths for each hour; the phone learns it from the server's plan.
const TRAFFIC: [u16; 24] = [
    1_000, 1_000, 1_000, 1_000, 1_000, 1_000, 900, 650, 600, 800, 900, 950, 900, 950, 900, 800,
    600, 550, 700, 900, 1_000, 1_000, 1_000, 1_000,
];

#[path = "../../server-sync/tests/routing_support/mod.rs"]
mod routing_support;

fn spec(engine: Option<EngineConfig>) -> WorldSpec {
    let day = json!({
        "hours": "Mo-Su 08:00-12:00; Mo-Su 12:45-17:00",
        "time_zone": "America/New_York",
        "start": { "lat": 42.36, "lon": -71.06 },
        "end": { "lat": 42.40, "lon": -71.10 },
        "visit_minutes": 35,
        "candidates": 11,
        "traffic": TRAFFIC,
        "breaks": [{ "begins": "Mo-Su 10:00-10:30", "minutes": 15 }],
    });
    let acme = TenantSpec::new("Acme", 4711).rep_with_day("Ada", day);
    WorldSpec {
        routing: RoutingConfig {
            engines: engine.into_iter().collect(),
            ..RoutingConfig::default()
        },
        ..WorldSpec::of([acme.states("Bay", &["MA"], &["Ada"])])
    }
}

/// The same as in the server's configuration, as the app on the phone would say it.
fn hours() -> WorkHours {
    WorkHours {
        hours: "Mo-Su 08:00-12:00; Mo-Su 12:45-17:00".into(),
        time_zone: "America/New_York".into(),
        start: LatLng::new(42.36, -71.06).unwrap(),
        end: Some(LatLng::new(42.40, -71.10).unwrap()),
        visit_minutes: 35,
        candidates: 11,
        breaks: vec![BreakTime {
            begins: "Mo-Su 10:00-10:30".into(),
            minutes: 15,
        }],
    }
}

/// Leads of every kind: due and not, with and without hours, scores, places.
fn leads(world: &World, random: &mut Random, now: TimestampMs) -> Vec<Lead> {
    let territory = world.territory_id("Acme", "Bay").unwrap();
    let lead = |n: u32, random: &mut Random| {
        let mut lead = plain_lead(n, territory);
        let place = LatLng::new(42.2 + 0.3 * random.unit(), -71.25 + 0.3 * random.unit());
        lead.geocode = Geocode {
            status: GeocodeStatus::Success,
            position: place.ok().filter(|_| random.unit() < 0.95),
            ..Geocode::default()
        };
        lead.tier = Some((random.unit() * 4.0) as u8);
        lead.score = (random.unit() < 0.8).then(|| (random.unit() * 100.0) as u8);
        let due = ((random.unit() - 0.7) * 40.0) as i64;
        lead.next_visit_due = (random.unit() < 0.8).then(|| now.plus(due * DAY_MS));
        lead.status = match (random.unit() * 10.0) as u8 {
            0 => LeadStatus::DoNotContact,
            1 => LeadStatus::Lost,
            _ => LeadStatus::Open,
        };
        let hours = [
            "",
            "",
            "Mo-Su 09:00-11:00",
            "Mo-Su 13:00-16:00",
            "Mo-Fr 08:00-09:30; Sa-Su 15:00-17:00",
        ];
        lead.contact_hours = hours[(random.unit() * 5.0) as usize].parse().unwrap();
        lead.time_zone = (random.unit() < 0.2).then(|| "America/Chicago".into());
        lead
    };
    (0..40).map(|n| lead(n, random)).collect()
}

/// Plans on the server and gives the row.
async fn by_server(world: &World) -> DayPlanRow {
    let state = &world.server().unwrap().state;
    let tenant = world.tenant("Acme").unwrap();
    let config = state.config.tenants[0].reps[0].clone();
    let day = config.day.as_ref().unwrap();
    let (date, _) = fieldfare_planner::workday::local(state.now(), &day.time_zone).unwrap();
    let job = DayJob {
        routing: &state.routing,
        tenant: &tenant,
        rep: config.id(world.tenant_id("Acme").unwrap()),
        config: day,
    };
    let row = job.run(date, state.now()).await.unwrap().day_plan;
    let held = tenant.read(|c| feed::rows_of(c, Entity::DAY_PLAN)).unwrap();
    assert_eq!(held.len(), 1);
    row
}

/// What the phone planned, read from its closed files.
fn by_phone(phone: Phone, row: &DayPlanRow) -> (Problem, Plan, Phone) {
    let files = phone.close().unwrap();
    let vault: Arc<dyn KeyVault> = Arc::new(FileKeyVault::new(&files.key));
    let (store, _) = Store::open(&files.data, vault, StoreOptions::default()).unwrap();
    let name = format!("day.{}", row.date.number());
    let kept = store.setting(&name).unwrap().expect("the phone's own day");
    store.close().unwrap();
    let kept: serde_json::Value = serde_json::from_slice(&kept).unwrap();
    let problem = serde_json::from_value(kept["problem"].clone()).unwrap();
    let plan = serde_json::from_value(kept["plan"].clone()).unwrap();
    (problem, plan, files.open().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn phone_and_server_plan_the_same_day_byte_for_byte() {
    plan_on_both("great_circle", World::start(spec(None)).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn also_with_the_travel_times_of_an_engine_that_came_with_the_servers_plan() {
    let fake = Fake::start(|uri, _| osrm_answer(uri)).await;
    let engine = EngineConfig::new(EngineKind::Osrm, &fake.url);
    plan_on_both(
        "osrm/driving",
        World::start(spec(Some(engine))).await.unwrap(),
    )
    .await;
}

async fn plan_on_both(provider: &str, world: World) {
    let mut phone = world.phone("Acme", "Ada").await.unwrap();
    phone.engine.set_work_hours(&hours()).unwrap();
    let (mut visits, mut left_out) = (0, 0);
    for seed in 0..ROUNDS {
        let now = world.server().unwrap().state.now();
        let leads = leads(&world, &mut Random::new(seed), now);
        world.plant("Acme", &leads).unwrap();
        let row = by_server(&world).await;
        phone.sync().await.unwrap();
        let shown = phone.engine.plan_day(&PlanDay::new(row.date)).unwrap();
        assert_eq!(
            (shown.source, shown.travel.provider.as_str()),
            (DaySource::Phone, provider)
        );
        let (problem, plan);
        (problem, plan, phone) = by_phone(phone, &row);
        let theirs: Problem = serde_json::from_str(&row.problem).unwrap();
        assert!(problem == theirs, "seed {seed}: not the same problem");
        assert_eq!(check(&problem, &plan), Ok(()), "seed {seed}");
        let server: Plan = serde_json::from_str(&row.plan).unwrap();
        assert_eq!(
            plan.canonical_bytes(),
            server.canonical_bytes(),
            "seed {seed}"
        );
        assert_eq!(
            serde_json::to_string(&plan).unwrap(),
            row.plan,
            "seed {seed}"
        );
        visits += plan.totals.visits;
        left_out += plan.left_out.len();
    }
    println!("{ROUNDS} days with {visits} visits, {left_out} leads left out");
    assert!(visits > 15 && left_out > 3);
}
