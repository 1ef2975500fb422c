//! Planned days: made each morning, in the feed of the rep they are for, the same as a phone would
//! make them.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod routing_support;
mod support;

use fieldfare_model::{
    DayPlanRow, Entity, Geocode, GeocodeStatus, LatLng, Lead, LeadId, RouteRow, RowId, TimestampMs,
};
use fieldfare_navigator::Route;
use fieldfare_planner::{Options, Plan, Problem, check, solve};
use fieldfare_server::feed;
use fieldfare_server::planning::forget_lead;
use fieldfare_server::planning::nightly::step;
use fieldfare_sync::{Outcome, RejectCode};
use routing_support::{Fake, osrm_answer};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use support::{ADMIN, Fixture, Phone, START};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// Ada works in Helsinki from Monday to Friday; Bob has no day.
fn with_day(text: String, engine: Option<(&str, &str)>) -> String {
    let day = r#"own-ada", day = { hours = "Mo-Fr 08:00-17:00", time_zone = "Europe/Helsinki", start = { lat = 60.0, lon = 24.0 }, breaks = [{ begins = "Mo-Fr 11:30-12:30", minutes = 30 }] } }"#;
    let text = text.replacen("own-ada\" }", day, 1);
    let engine = engine.map_or_else(String::new, |(kind, url)| {
        format!("[[routing.engines]]\nkind = \"{kind}\"\nurl = \"{url}\"\n")
    });
    text.replacen("[[tenants]]", &format!("{engine}[[tenants]]"), 1)
}

fn server(engine: Option<(&str, &str)>) -> Fixture {
    Fixture::changed(|text| with_day(text, engine))
}

/// A lead some thousandths of a degree north of the start, due now.
fn put_lead(server: &Fixture, n: u8, territory: &str) -> LeadId {
    let mut lead = Lead::new(LeadId::from_bytes([n; 16]), format!("Lead {n}"));
    lead.territory = Some(server.territory("Acme", territory));
    lead.next_visit_due = Some(TimestampMs(START - DAY));
    lead.tier = Some(n % 4);
    lead.geocode = Geocode {
        status: GeocodeStatus::Success,
        position: Some(
            LatLng::new(60.0 + f64::from(n) / 1e3, 24.0 + f64::from(n % 3) / 1e3).unwrap(),
        ),
        ..Geocode::default()
    };
    let now = server.now();
    server
        .tenant("Acme")
        .write(|tx| feed::put(tx, Entity::LEAD, lead.id.row(), lead.to_columns(), now))
        .unwrap();
    lead.id
}

fn day_of(phone: &Phone) -> Option<DayPlanRow> {
    let id = phone.shown(Entity::DAY_PLAN);
    assert!(id.len() <= 1, "one day at a time");
    let id = *id.first()?;
    Some(DayPlanRow::from_columns(id.into(), &phone.rows[&(Entity::DAY_PLAN, id)]).unwrap())
}

fn route_of(phone: &Phone) -> Option<RouteRow> {
    let id = *phone.shown(Entity::ROUTE).first()?;
    Some(RouteRow::from_columns(id.into(), &phone.rows[&(Entity::ROUTE, id)]).unwrap())
}

/// Pulls after a while, with a new access token.
async fn pull(server: &Fixture, phone: &mut Phone) {
    let reply = server.refresh(&phone.refresh, None).await.json();
    let token = |key: &str| reply[key].as_str().unwrap().to_owned();
    (phone.access, phone.refresh) = (token("access_token"), token("refresh_token"));
    phone.pull(server).await;
}

#[tokio::test]
async fn a_day_is_planned_once_a_morning_and_reaches_its_rep_alone() {
    let fake = Fake::start(|uri, _| osrm_answer(uri)).await;
    let server = server(Some(("osrm", &fake.url)));
    let (mut ada, mut bob) = (
        server.phone("Acme", "Ada").await,
        server.phone("Acme", "Bob").await,
    );
    let leads: Vec<LeadId> = (1..=8).map(|n| put_lead(&server, n, "South")).collect();
    put_lead(&server, 9, "West"); // nobody's
    assert_eq!(step(&server.state).await.unwrap(), 1);
    assert_eq!(step(&server.state).await.unwrap(), 0, "once a day");
    ada.pull(&server).await;
    bob.pull(&server).await;
    assert!(day_of(&bob).is_none() && route_of(&bob).is_none());

    let day = day_of(&ada).unwrap();
    assert_eq!(
        (day.rep, day.date.to_string().as_str()),
        (ada.rep, "2026-09-21")
    );
    assert_eq!(day.time_zone, "Europe/Helsinki");
    assert_eq!(
        (START - day.zero_at.0) / HOUR,
        17,
        "14:13 UTC is 17:13 in Helsinki"
    );
    let problem: Problem = serde_json::from_str(&day.problem).unwrap();
    let plan: Plan = serde_json::from_str(&day.plan).unwrap();
    assert_eq!(check(&problem, &plan), Ok(()));
    let again = solve(&problem, &Options::default()).unwrap();
    assert_eq!(
        plan.canonical_bytes(),
        again.canonical_bytes(),
        "a phone plans the same"
    );
    assert_eq!(plan.travel.provider, "osrm/driving");
    assert_eq!(plan.travel.computed_at, Some(TimestampMs(START)));
    let mut visited: Vec<LeadId> = plan.days[0].stops().map(|id| id.parse().unwrap()).collect();
    let order = visited.clone();
    visited.sort();
    assert_eq!(visited, leads);

    let row = route_of(&ada).unwrap();
    assert_eq!((row.day_plan, row.computed_at), (day.id, day.computed_at));
    assert_eq!(row.provider, "osrm/driving");
    let route = Route::from_bytes(&row.route).unwrap();
    let stops: Vec<LeadId> = route.waypoints().iter().filter_map(|w| w.lead).collect();
    assert_eq!((stops, route.leg_count()), (order, 9));
    assert!(route.waypoints()[1].service_s == 1_800);
}

#[tokio::test]
async fn the_next_day_takes_the_place_of_the_last_and_a_weekend_leaves_none() {
    let server = server(None);
    let mut ada = server.phone("Acme", "Ada").await;
    put_lead(&server, 1, "South");
    step(&server.state).await.unwrap();
    pull(&server, &mut ada).await;
    assert_eq!(day_of(&ada).unwrap().date.to_string(), "2026-09-21");
    server.advance(8 * HOUR); // 01:13 on Tuesday
    assert_eq!(step(&server.state).await.unwrap(), 0, "not before three");
    pull(&server, &mut ada).await;
    assert!(day_of(&ada).is_none(), "yesterday is over");
    server.advance(2 * HOUR);
    assert_eq!(step(&server.state).await.unwrap(), 1);
    pull(&server, &mut ada).await;
    assert_eq!(day_of(&ada).unwrap().date.to_string(), "2026-09-22");
    server.advance(4 * DAY);
    assert_eq!(step(&server.state).await.unwrap(), 0, "a Saturday");
    pull(&server, &mut ada).await;
    assert!(day_of(&ada).is_none());
    server.advance(2 * DAY);
    assert_eq!(step(&server.state).await.unwrap(), 1);
    pull(&server, &mut ada).await;
    assert_eq!(day_of(&ada).unwrap().date.to_string(), "2026-09-28");
    let days = fieldfare_server::feed::counts;
    let counts = server.tenant("Acme").read(days).unwrap()[&Entity::DAY_PLAN];
    assert_eq!(
        (counts.live, counts.deleted),
        (1, 1),
        "Monday's row was used again"
    );
}

#[tokio::test]
async fn an_engine_that_is_down_costs_exactness_and_the_route_but_not_the_plan() {
    let up = Arc::new(AtomicBool::new(true));
    let switch = up.clone();
    let fake = Fake::start(move |uri, _| match switch.load(Ordering::SeqCst) {
        true => osrm_answer(uri),
        false => (503, Vec::new()),
    })
    .await;
    let server = server(Some(("osrm", &fake.url)));
    let mut ada = server.phone("Acme", "Ada").await;
    put_lead(&server, 1, "South");
    step(&server.state).await.unwrap();
    ada.pull(&server).await;
    assert!(route_of(&ada).is_some());
    up.store(false, Ordering::SeqCst);
    put_lead(&server, 2, "South");
    let reply = server.post("/v1/day-plan", Some(&ada.access), "{}").await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    assert_eq!(
        (&reply.json()["visits"], &reply.json()["route"]),
        (&json!(2), &json!(null))
    );
    ada.pull(&server).await;
    let plan: Plan = serde_json::from_str(&day_of(&ada).unwrap().plan).unwrap();
    assert_eq!(
        plan.travel.provider, "osrm/driving",
        "what the cache knew is used"
    );
    assert_eq!((plan.travel.cells, plan.travel.estimated), (6, 4));
    assert!(
        route_of(&ada).is_none(),
        "the route of the older plan is gone"
    );
}

#[tokio::test]
async fn a_day_is_planned_anew_on_request() {
    let server = server(None);
    let mut ada = server.phone("Acme", "Ada").await;
    let bob = server.phone("Acme", "Bob").await;
    put_lead(&server, 1, "South");
    let ask = |token: String, body: &'static str| {
        let server = &server;
        async move { server.post("/v1/day-plan", Some(&token), body).await }
    };
    let reply = ask(ada.access.clone(), r#"{"date": "2026-09-24"}"#).await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    ada.pull(&server).await;
    let row: RowId = day_of(&ada).unwrap().id.row();
    let version = ada
        .held
        .values()
        .find_map(|rows| rows.get(&(Entity::DAY_PLAN, row)));
    let reply = reply.json();
    assert_eq!(reply["day_plan"], json!(row.to_string()));
    assert_eq!(
        (&reply["version"], &reply["date"]),
        (&json!(version.unwrap()), &json!("2026-09-24"))
    );
    for (body, status) in [
        (r#"{"date": "2026-09-20"}"#, 400),
        (r#"{"date": "2026-09-28"}"#, 400),
        (r#"{"date": "2026-02-30"}"#, 400),
        (r#"{"date": "2026-09-26"}"#, 404),
        (r#"{"date": "2026-09-27"}"#, 404),
    ] {
        assert_eq!(ask(ada.access.clone(), body).await.status, status, "{body}");
    }
    assert_eq!(
        ask(bob.access.clone(), "{}").await.status,
        404,
        "Bob has no day"
    );
    let tenant = server.tenant_id("Acme").to_string();
    for (rep, status) in [
        ("ada@acme.example", 200),
        ("bob@acme.example", 404),
        ("eve@acme.example", 404),
    ] {
        let body = json!({"tenant": tenant, "rep": rep}).to_string();
        let reply = server
            .call(true, "POST", "/admin/day-plans", Some(ADMIN), body)
            .await;
        assert_eq!(reply.status, status, "{rep}");
    }
}

#[tokio::test]
async fn an_erased_lead_takes_the_days_that_name_it_along() {
    let fake = Fake::start(|uri, _| osrm_answer(uri)).await;
    let server = server(Some(("osrm", &fake.url)));
    let mut ada = server.phone("Acme", "Ada").await;
    let (gone, kept) = (put_lead(&server, 1, "South"), put_lead(&server, 2, "South"));
    step(&server.state).await.unwrap();
    ada.pull(&server).await;
    assert!(day_of(&ada).unwrap().problem.contains(&gone.to_string()));
    let (tenant, now) = (server.tenant("Acme"), server.now());
    let cells = |connection: &rusqlite::Connection| {
        let count = "SELECT count(*) FROM travel_cell";
        Ok(connection.query_row(count, [], |r| r.get::<_, i64>(0))?)
    };
    assert_eq!(tenant.read(cells).unwrap(), 6);
    tenant
        .write(|tx| {
            forget_lead(tx, gone, now)?;
            feed::delete(tx, Entity::LEAD, gone.row(), now)
        })
        .unwrap();
    ada.pull(&server).await;
    assert!(day_of(&ada).is_none() && route_of(&ada).is_none());
    assert_eq!(tenant.read(cells).unwrap(), 2, "start and the other lead");
    assert_eq!(
        step(&server.state).await.unwrap(),
        1,
        "planned again without it"
    );
    ada.pull(&server).await;
    let day = day_of(&ada).unwrap();
    assert!(day.problem.contains(&kept.to_string()) && !day.problem.contains(&gone.to_string()));
}

#[tokio::test]
async fn a_rep_under_way_gets_another_route_and_where_they_are_is_not_kept() {
    let fake = Fake::start(|uri, _| osrm_answer(uri)).await;
    let server = server(Some(("osrm", &fake.url)));
    let ada = server.phone("Acme", "Ada").await;
    let lead = put_lead(&server, 1, "South");
    let body = |places: &str| format!(r#"{{"places": [{places}], "course_deg": 90.0}}"#);
    let here = r#"{"lat": 60.0123, "lon": 24.0456}"#;
    let stop = format!(r#"{{"lat": 60.01, "lon": 24.05, "lead": "{lead}", "service_s": 600}}"#);
    let asked = body(&format!("{here}, {stop}, {here}"));
    let reply = server
        .post("/v1/route", Some(&ada.access), asked.clone())
        .await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    let route = Route::from_bytes(&reply.body).unwrap();
    assert_eq!(
        (route.leg_count(), route.waypoints()[1].lead),
        (2, Some(lead))
    );
    assert_eq!(route.waypoints()[1].service_s, 600);
    let tables = "SELECT count(*) FROM travel_cell";
    let cells = server
        .tenant("Acme")
        .read(|c| Ok(c.query_row(tables, [], |r| r.get::<_, i64>(0))?));
    assert_eq!(cells.unwrap(), 0);
    let many = vec![here; 61].join(",");
    for bad in [
        here,
        "",
        r#"{"lat": 91.0, "lon": 0.0}, {"lat": 0.0, "lon": 0.0}"#,
        &many,
    ] {
        let reply = server.post("/v1/route", Some(&ada.access), body(bad)).await;
        assert_eq!(reply.status, 400, "{bad}");
    }
    assert_eq!(
        server.post("/v1/route", None, asked.clone()).await.status,
        401
    );
    let bare = without_engine();
    let phone = bare.phone("Acme", "Ada").await;
    assert_eq!(
        bare.post("/v1/route", Some(&phone.access), asked)
            .await
            .status,
        404
    );
}

fn without_engine() -> Fixture {
    server(None)
}

#[tokio::test]
async fn phones_cannot_write_planned_days() {
    let server = server(None);
    let mut ada = server.phone("Acme", "Ada").await;
    put_lead(&server, 1, "South");
    step(&server.state).await.unwrap();
    ada.pull(&server).await;
    let day = day_of(&ada).unwrap();
    let other = DayPlanRow {
        id: fieldfare_model::DayPlanId::from_bytes([5; 16]),
        ..day
    };
    let operation = ada.create(Entity::DAY_PLAN, other.id.row(), other.to_columns());
    let result = ada.push_one(&server, operation).await;
    assert!(
        matches!(
            &result,
            Outcome::Rejected {
                code: RejectCode::ReadOnly,
                ..
            }
        ),
        "{:?}",
        result
    );
}

#[tokio::test]
async fn leads_within_reach_are_the_reps_own() {
    let area = |at: [[f64; 2]; 4]| {
        let ring: Vec<[f64; 2]> = at.iter().chain(&at[..1]).copied().collect();
        json!({"features": [{"geometry": {"type": "Polygon", "coordinates": [ring]}}]}).to_string()
    };
    // From 60.0005 to 60.0045 north.
    let body = area([
        [23.9, 60.0005],
        [24.1, 60.0005],
        [24.1, 60.0045],
        [23.9, 60.0045],
    ]);
    let fake = Fake::start(move |_, _| (200, body.clone().into_bytes())).await;
    let server = server(Some(("valhalla", &fake.url)));
    let (ada, bob) = (
        server.phone("Acme", "Ada").await,
        server.phone("Acme", "Bob").await,
    );
    let south: Vec<LeadId> = [1, 3, 5].map(|n| put_lead(&server, n, "South")).to_vec();
    let north = put_lead(&server, 2, "North");
    put_lead(&server, 4, "West");
    let ask = |token: String| {
        let server = &server;
        let body = json!({"lat": 60.0, "lon": 24.0, "minutes": 10}).to_string();
        async move { server.post("/v1/reachable", Some(&token), body).await }
    };
    let reply = ask(ada.access.clone()).await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    assert_eq!(reply.json()["leads"], json!([south[0], north, south[1]]));
    assert_eq!(reply.json()["provider"], "valhalla/auto");
    assert_eq!(reply.json()["area"]["type"], "MultiPolygon");
    let reply = ask(bob.access.clone()).await;
    assert_eq!(reply.json()["leads"], json!([south[0], south[1]]));
    assert_eq!(fake.count(), 1, "the second answer came from the cache");
    for body in [
        json!({"lat": 91, "lon": 0, "minutes": 10}),
        json!({"lat": 60, "lon": 24, "minutes": 0}),
        json!({"lat": 60, "lon": 24, "minutes": 121}),
    ] {
        let reply = server
            .post("/v1/reachable", Some(&ada.access), body.to_string())
            .await;
        assert_eq!(reply.status, 400, "{body}");
    }
    let without = self::server(None);
    let phone = without.phone("Acme", "Ada").await;
    let body = json!({"lat": 60.0, "lon": 24.0, "minutes": 10}).to_string();
    let reply = without
        .post("/v1/reachable", Some(&phone.access), body)
        .await;
    assert_eq!(reply.status, 404);
}

#[test]
fn a_day_that_makes_no_sense_is_refused_with_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let text = with_day(support::config_text(dir.path(), support::GENEROUS), None);
    for (good, bad, named) in [
        (
            "Europe/Helsinki",
            "Europe/Atlantis",
            "time_zone of day of rep ada@acme.example",
        ),
        (
            "Mo-Fr 08:00-17:00",
            "",
            "hours of day of rep ada@acme.example",
        ),
        (
            "minutes = 30",
            "minutes = 0",
            "breaks of day of rep ada@acme.example",
        ),
        (
            "time_zone =",
            "candidates = 0, time_zone =",
            "candidates of day of rep ada@acme.example",
        ),
        (
            "[[tenants]]",
            "[planning]\nfrom_hour = 24\n[[tenants]]",
            "planning.from_hour",
        ),
    ] {
        let config = text.replacen(good, bad, 1);
        let refused = fieldfare_server::config::Config::parse(&config, &|_| None).unwrap_err();
        assert!(refused.to_string().contains(named), "{refused}");
    }
    let config = fieldfare_server::config::Config::parse(&text, &|_| None).unwrap();
    let printed = config.to_toml().unwrap();
    let reread = printed.replace("\"***\"", &format!("\"{}\"", "ab".repeat(32)));
    let again = fieldfare_server::config::Config::parse(&reread, &|_| None).unwrap();
    assert_eq!(config.tenants[0].reps[0].day, again.tenants[0].reps[0].day);
}
