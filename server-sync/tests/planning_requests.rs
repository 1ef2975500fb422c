//! Planning and following on request: the command line and the operators' route, in the planner's
//! form and in VROOM's.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod routing_support;
mod support;

use clap::Parser;
use fieldfare_planner::{Options, Plan, Problem, check, solve};
use fieldfare_server::ServerError;
use fieldfare_server::cli::{Cli, run};
use fieldfare_server::planning::{PlanLimits, plan};
use fieldfare_server::routing::EngineKind;
use routing_support::{Fake, NOW, table_answer};
use serde_json::{Value, json};
use std::path::Path;
use support::{ADMIN, Fixture, Reply};

/// A day of two stops and one more that does not fit beside the appointment.
fn own() -> Value {
    json!({
        "reps": [{"id": "anna", "start": 0, "end": 0, "shift": {"from": 28_800, "to": 43_200}}],
        "stops": [
            {"id": "mill", "place": 1, "service_s": 1_800, "priority": 5},
            {"id": "bank", "place": 2, "service_s": 3_600, "mandatory": true,
             "windows": [{"from": 36_000, "to": 36_000}]},
            {"id": "far", "place": 3, "service_s": 1_800, "priority": 1}
        ],
        "travel": {
            "seconds": [[0, 600, 900, 9_000], [600, 0, 400, 9_000], [900, 400, 0, 9_000], [9_000, 9_000, 9_000, 0]],
        }
    })
}

/// In VROOM's form: two vans, five jobs. Van 1 alone has the skill for job 30; job 40 is open only
/// in the evening, when nobody works; job 50 has a high priority and a narrow window.
fn vroom() -> Value {
    json!({
        "vehicles": [
            {"id": 1, "start_index": 0, "end_index": 0, "skills": [7], "capacity": [3],
             "time_window": [28_800, 43_200],
             "breaks": [{"id": 9, "service": 900, "time_windows": [[32_400, 34_200]]}]},
            {"id": 2, "start_index": 0, "end_index": 0, "capacity": [3], "time_window": [28_800, 43_200]}
        ],
        "jobs": [
            {"id": 10, "location_index": 1, "service": 600, "delivery": [1]},
            {"id": 20, "location_index": 2, "service": 600, "delivery": [1]},
            {"id": 30, "location_index": 3, "service": 600, "skills": [7]},
            {"id": 40, "location_index": 1, "time_windows": [[64_800, 68_400]]},
            {"id": 50, "location_index": 2, "service": 300, "priority": 90, "description": "first thing",
             "time_windows": [[29_000, 29_900]]}
        ],
        "matrices": {"car": {"durations": [
            [0, 300, 400, 500], [300, 0, 200, 600], [400, 200, 0, 700], [500, 600, 700, 0]
        ]}}
    })
}

/// Checks VROOM's arithmetic by hand, step by step.
fn check_vroom(answer: &Value) {
    assert_eq!(answer["code"], 0);
    let unassigned: Vec<_> = answer["unassigned"]
        .as_array()
        .unwrap()
        .iter()
        .map(|j| &j["id"])
        .collect();
    assert_eq!(unassigned, [&json!(40)]);
    let input = vroom();
    let durations = input["matrices"]["car"]["durations"].as_array().unwrap();
    let mut served = Vec::new();
    for route in answer["routes"].as_array().unwrap() {
        let (mut here, mut time, mut driven) = (0usize, None, 0);
        for step in route["steps"].as_array().unwrap() {
            let kind = step["type"].as_str().unwrap();
            let arrival = step["arrival"].as_i64().unwrap();
            let there = match kind {
                "break" => here,
                _ => step["location_index"].as_u64().unwrap() as usize,
            };
            let leg = durations[here][there].as_i64().unwrap();
            driven += leg;
            if let Some(time) = time {
                assert_eq!(arrival, time + leg, "{kind}");
            }
            let begin = arrival + step["waiting_time"].as_i64().unwrap_or(0);
            if kind == "job" {
                let id = step["id"].as_i64().unwrap();
                served.push(id);
                assert!(id != 30 || route["vehicle"] == 1);
                assert!(id != 50 || (29_000..=29_900).contains(&begin));
            } else if kind == "break" {
                assert!((32_400..=34_200).contains(&begin));
            }
            time = Some(begin + step["service"].as_i64().unwrap_or(0));
            here = there;
        }
        assert_eq!(route["duration"], driven);
    }
    served.sort_unstable();
    assert_eq!(served, [10, 20, 30, 50]);
    assert_eq!(answer["summary"]["unassigned"], 1);
    assert_eq!(answer["summary"]["priority"], 90);
}

async fn post(server: &Fixture, body: impl ToString) -> Reply {
    let body = body.to_string();
    server
        .call(true, "POST", "/v1/plan", Some(ADMIN), body)
        .await
}

#[tokio::test]
async fn a_problem_is_answered_with_the_plan_that_a_phone_would_make() {
    let server = Fixture::new();
    let reply = post(&server, own()).await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    let plan: Plan = serde_json::from_slice(&reply.body).unwrap();
    let problem: Problem = serde_json::from_value(own()).unwrap();
    let here = solve(&problem, &Options::default()).unwrap();
    assert_eq!(plan.canonical_bytes(), here.canonical_bytes());
    assert_eq!(check(&problem, &plan), Ok(()));
    assert_eq!(plan.days[0].stops().collect::<Vec<_>>(), ["mill", "bank"]);
    assert_eq!(plan.left_out[0].stop, "far");
}

#[tokio::test]
async fn a_vroom_input_is_answered_in_vrooms_form() {
    let server = Fixture::new();
    let reply = post(&server, vroom()).await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    check_vroom(&reply.json());
}

#[tokio::test]
async fn what_cannot_be_planned_is_refused_in_the_form_of_the_question() {
    let server = Fixture::new();
    let mut shipments = vroom();
    shipments["shipments"] = json!([{}]);
    let reply = post(&server, shipments).await;
    assert_eq!(
        (reply.status.as_u16(), &reply.json()["code"]),
        (400, &json!(2))
    );
    assert!(
        reply.json()["error"]
            .as_str()
            .unwrap()
            .contains("shipments")
    );
    let mut wrong = own();
    wrong["stops"][0]["place"] = json!(77);
    for (body, says) in [
        (wrong.to_string(), "place 77"),
        ("{}".to_owned(), "neither a problem"),
        ("[[[".to_owned(), "not a problem"),
        (
            r#"{"reps": [], "stops": []}"#.to_owned(),
            "neither \"travel\" nor",
        ),
    ] {
        let reply = post(&server, &body).await;
        assert_eq!(reply.status, 400);
        let error = reply.json()["error"].as_str().unwrap().to_owned();
        assert!(error.contains(says), "{error}");
    }
    let mut many = own();
    let stop = |n: i32| json!({"id": format!("s{n}"), "place": 1});
    many["stops"] = (0..201).map(stop).collect();
    let reply = post(&server, many).await;
    assert_eq!(reply.status, 400);
    assert!(
        reply.json()["error"]
            .as_str()
            .unwrap()
            .contains("at most 200")
    );
    let reply = post(&server, " ".repeat(5 << 20)).await;
    assert_eq!(reply.status, 413);
    let reply = server
        .call(true, "POST", "/v1/plan", Some(ADMIN), vec![0xff, 0xfe])
        .await;
    assert_eq!(reply.status, 400);
}

/// Positions of [`own`]'s places, or of the VROOM input without its matrix.
fn positions() -> Value {
    json!([
        {"lat": 60.0, "lon": 24.0}, {"lat": 60.01, "lon": 24.0},
        {"lat": 60.02, "lon": 24.01}, {"lat": 60.03, "lon": 24.03}
    ])
}

#[tokio::test]
async fn travel_times_that_are_not_given_come_from_the_engine_by_positions() {
    let fake = Fake::start(|uri, _| table_answer(uri)).await;
    let routing = fake.routing(EngineKind::Osrm);
    let ask = |text: String| {
        let routing = &routing;
        async move {
            plan(
                &text,
                Options::default(),
                PlanLimits::PLANNER,
                routing,
                None,
                NOW,
            )
            .await
        }
    };
    let mut own = own();
    own.as_object_mut().unwrap().remove("travel");
    own["positions"] = positions();
    let planned = ask(own.to_string()).await.unwrap();
    assert_eq!(planned.plan.travel.provider, "osrm/driving");
    assert_eq!(planned.plan.travel.computed_at, Some(NOW));
    // From the first place to the second: 100 ten-thousandths of a degree north, twice as long.
    assert_eq!(planned.problem.travel.seconds(0, 1), Some(200));
    assert_eq!(planned.plan.left_out.len(), 0);
    let mut located = vroom();
    located.as_object_mut().unwrap().remove("matrices");
    for job in located["jobs"].as_array_mut().unwrap() {
        let place = &positions()[job["location_index"].as_u64().unwrap() as usize];
        job.as_object_mut().unwrap().remove("location_index");
        job["location"] = json!([place["lon"], place["lat"]]);
    }
    for vehicle in located["vehicles"].as_array_mut().unwrap() {
        vehicle["start"] = json!([24.0, 60.0]);
        vehicle["end"] = json!([24.0, 60.0]);
        for index in ["start_index", "end_index"] {
            vehicle.as_object_mut().unwrap().remove(index);
        }
    }
    let planned = ask(located.to_string()).await.unwrap();
    assert_eq!(planned.plan.travel.provider, "osrm/driving");
    assert_eq!(planned.answer["summary"]["unassigned"], 1);
    assert!(planned.answer["summary"]["distance"].as_i64().unwrap() > 0);
    let small = PlanLimits { stops: 1, reps: 1 };
    let count = fake.count();
    let refused = plan(
        &own.to_string(),
        Options::default(),
        small,
        &routing,
        None,
        NOW,
    )
    .await;
    assert!(refused.unwrap_err().to_string().contains("positions"));
    assert_eq!(fake.count(), count, "refused before the engine is asked");
}

fn command(words: &[&str]) -> (Result<(), ServerError>, String) {
    let cli = Cli::try_parse_from([&["fieldfare-server"], words].concat()).unwrap();
    let mut out = Vec::new();
    let done = run(cli, &mut out);
    (done, String::from_utf8(out).unwrap())
}

fn file(dir: &Path, name: &str, text: impl AsRef<[u8]>) -> String {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn the_command_plans_explains_and_draws() {
    let dir = tempfile::tempdir().unwrap();
    let mut problem = own();
    problem["positions"] = positions();
    let problem = file(dir.path(), "problem.json", problem.to_string());
    let (done, printed) = command(&["plan", &problem]);
    done.unwrap();
    let plan: Plan = serde_json::from_str(&printed).unwrap();
    assert_eq!(plan.totals.visits, 2);
    let drawing = dir.path().join("day.svg");
    let (done, printed) = command(&[
        "plan",
        &problem,
        "--explain",
        "--svg",
        drawing.to_str().unwrap(),
    ]);
    done.unwrap();
    for words in [
        "anna",
        "10:00 - 11:00  bank",
        "far:",
        "No better plan exists.",
    ] {
        assert!(printed.contains(words), "{words} in {printed}");
    }
    let drawn = std::fs::read_to_string(drawing).unwrap();
    assert!(drawn.starts_with("<svg") && drawn.contains("bank"));
    let vans = file(dir.path(), "vans.json", vroom().to_string());
    let (done, printed) = command(&["plan", &vans]);
    done.unwrap();
    check_vroom(&serde_json::from_str(&printed).unwrap());
    let (done, again) = command(&["plan", &vans, "--seed", "1"]);
    done.unwrap();
    assert_eq!(printed, again);
}

#[test]
fn the_command_plans_anew_when_a_rep_is_ill() {
    let dir = tempfile::tempdir().unwrap();
    let mut team = own();
    let ben = json!({"id": "ben", "start": 0, "end": 0, "shift": {"from": 28_800, "to": 43_200}});
    team["reps"].as_array_mut().unwrap().push(ben);
    team["stops"][0]["rep"] = json!("ben");
    team["stops"][1]["rep"] = json!("anna");
    let problem = file(dir.path(), "team.json", team.to_string());
    let (done, planned) = command(&["plan", &problem]);
    done.unwrap();
    let plan: Plan = serde_json::from_str(&planned).unwrap();
    assert_eq!(plan.days[1].stops().collect::<Vec<_>>(), ["mill"]);
    let earlier = file(dir.path(), "plan.json", &planned);
    let ill = json!({"now": 28_800, "reps": [{"rep": "ben", "absent": true}]});
    let state = file(dir.path(), "state.json", ill.to_string());
    let (done, printed) = command(&["plan", &problem, "--earlier", &earlier, "--state", &state]);
    done.unwrap();
    let replanned: fieldfare_planner::Replanned = serde_json::from_str(&printed).unwrap();
    let days = &replanned.plan.days;
    assert_eq!((days.len(), days[0].rep.as_str()), (1, "anna"));
    assert!(
        days[0].stops().any(|stop| stop == "mill"),
        "anna takes over"
    );
    assert_eq!(check(&replanned.problem, &replanned.plan), Ok(()));
    let moved = json!({"kind": "reassigned", "stop": "mill", "from": "ben", "to": "anna"});
    let answer: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(answer["changes"], json!([moved]));
    let unknown = json!({"now": 28_800, "reps": [{"rep": "eve", "absent": true}]});
    let state = file(dir.path(), "unknown.json", unknown.to_string());
    let (done, _) = command(&["plan", &problem, "--earlier", &earlier, "--state", &state]);
    assert!(done.unwrap_err().to_string().contains("rep state 0"));
}

#[test]
fn the_command_names_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let mut broken = vroom();
    broken["jobs"][1]["id"] = json!(10);
    let broken = file(dir.path(), "broken.json", broken.to_string());
    let (done, printed) = command(&["plan", &broken]);
    assert!(done.unwrap_err().to_string().contains("job 1 has the id"));
    let answer: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(answer["code"], 2);
    let (done, _) = command(&["plan", dir.path().join("nothing.json").to_str().unwrap()]);
    assert!(done.unwrap_err().to_string().contains("nothing.json"));
}

fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/navigator/tests/fixtures");
    folder.join(name).to_str().unwrap().to_owned()
}

#[test]
fn a_recorded_drive_is_followed_along_a_route() {
    let (route, track) = (fixture("helsinki_osrm.json"), fixture("helsinki_drive.gpx"));
    let (done, printed) = command(&["follow", &route, &track]);
    done.unwrap();
    for words in ["on the route", "say ", "step 1"] {
        assert!(printed.contains(words), "{words} in {printed}");
    }
    let dir = tempfile::tempdir().unwrap();
    let answer = std::fs::read(&route).unwrap();
    let kept = fieldfare_navigator::parse_routes(&answer).unwrap()[0].to_bytes();
    let kept = file(dir.path(), "kept.route", kept);
    let (done, again) = command(&["follow", &kept, &track]);
    done.unwrap();
    assert_eq!(again, printed);
    let (done, _) = command(&["follow", &track, &track]);
    assert!(done.unwrap_err().to_string().contains("helsinki_drive.gpx"));
    let (done, _) = command(&["follow", &route, &route]);
    assert!(done.unwrap_err().to_string().contains("helsinki_osrm.json"));
}
