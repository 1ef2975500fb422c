//! Planned days on the phone: what came by sync, planning without a connection, planning anew.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod day_support;
mod support;

use day_support::*;
use fieldfare_engine::*;
use fieldfare_model::*;
use fieldfare_planner::{GreatCircle, MatrixSource, Options, Problem, Travel, check, solve};
use std::sync::{Arc, Mutex};
use support::*;

fn add(n: u32) -> DayEvent {
    DayEvent::Added {
        wish: StopWish::new(lead_id(n)),
    }
}

#[tokio::test]
async fn the_day_of_the_server_is_read_offline_and_lies_encrypted() {
    let (mut world, problem) = with_day(8).await;
    world.server.trouble(&[Trouble::Offline; 9]);
    let plan = planned(&problem);
    let expected: Vec<LeadId> = plan.days[0].stops().map(|id| id.parse().unwrap()).collect();
    for _ in 0..2 {
        let day = world.engine.day(date()).unwrap();
        assert_eq!(
            (day.source, day.has_newer_server_plan),
            (DaySource::Server, false)
        );
        assert_eq!(order(&day), expected);
        assert_eq!(day.departure, moment(plan.days[0].departure));
        assert_eq!(day.totals.driving_s, plan.totals.driving_s);
        assert_eq!(day.travel.provider, "osrm/driving");
        assert!(day.travel.is_older_than_plan && day.travel.age_ms == 9 * HOUR * 1_000 - 1);
        assert!(day.route.is_none() && day.is_proven_best);
        let breaks = day
            .steps
            .iter()
            .filter(|step| step.kind == DayStepKind::Break);
        assert_eq!(breaks.count(), 1);
        assert_eq!(world.engine.planned_dates().unwrap(), [date()]);
        world.restart();
    }
    let bytes = all_bytes(world.dir.path());
    for told in ["osrm/driving", "America/New_York", &lead_id(3).to_string()] {
        let told = told.as_bytes();
        assert!(!bytes.windows(told.len()).any(|part| part == told));
    }
    let other = "2026-09-22".parse().unwrap();
    let missing = world.engine.day(other).unwrap_err();
    assert_eq!(missing.code(), "not_found");
}

#[tokio::test]
async fn a_day_is_planned_offline_and_says_where_its_travel_times_come_from() {
    let mut leads = some_leads(6);
    leads
        .iter_mut()
        .for_each(|lead| lead.next_visit_due = Some(START));
    let world = World::with_leads(&leads).await;
    let unknown = world.engine.plan_day(&PlanDay::new(date())).unwrap_err();
    assert_eq!(unknown.code(), "invalid", "no working hours are known");
    world.engine.set_work_hours(&hours()).unwrap();
    let guessed = world.engine.plan_day(&PlanDay::new(date())).unwrap();
    assert_eq!(
        (guessed.source, guessed.travel.provider.as_str()),
        (DaySource::Phone, "great_circle")
    );
    assert_eq!(guessed.travel.estimated, guessed.travel.ways);
    assert_eq!(order(&guessed).len(), 6);

    let known = problem(&leads[..5].iter().collect::<Vec<_>>());
    send_day(&world, &day_row(&known, &planned(&known), START.plus(-1)));
    world.sync().await.unwrap();
    assert!(
        !world.engine.day(date()).unwrap().has_newer_server_plan,
        "planned before ours"
    );
    let better = world.engine.plan_day(&PlanDay::new(date())).unwrap();
    assert_eq!(better.travel.provider, "osrm/driving");
    assert_eq!(
        (better.travel.ways, better.travel.estimated),
        (7 * 6, 2 * 6),
        "one lead is new"
    );
    assert_eq!(
        better.travel.computed_at,
        Some(START.plus(-9 * HOUR * 1_000))
    );

    send_day(&world, &day_row(&known, &planned(&known), START.plus(1)));
    world.sync().await.unwrap();
    let own = world.engine.day(date()).unwrap();
    assert!(own.has_newer_server_plan && own.source == DaySource::Phone);
    let theirs = world.engine.use_server_day(date()).unwrap();
    assert_eq!(
        (theirs.source, order(&theirs).len()),
        (DaySource::Server, 5)
    );
}

/// Seconds of driving from the problem's start through leads in an order and back, at a speed.
fn driving_s(start: LatLng, leads: &[&Lead], order: &[LeadId], estimate: GreatCircle) -> i64 {
    let at = |id: &LeadId| {
        let lead = leads.iter().find(|lead| lead.id == *id).unwrap();
        lead.geocode.position.unwrap()
    };
    let mut way = vec![start];
    way.extend(order.iter().map(at));
    way.push(start);
    let travel = estimate.travel(&way).unwrap();
    let legs = (1..way.len()).map(|to| travel.seconds(to - 1, to).unwrap());
    legs.map(i64::from).sum()
}

#[tokio::test]
async fn the_phone_estimates_as_the_server_does() {
    let leads = some_leads(6);
    let slow = GreatCircle {
        metres_per_hour: 20_000,
        ..GreatCircle::default()
    };
    let world = World::with_leads(&leads).await;
    let mut known = problem(&leads[..5].iter().collect::<Vec<_>>());
    known.travel = slow.travel(&known.positions).unwrap();
    send_day(&world, &day_row(&known, &planned(&known), START.plus(-1)));
    world.sync().await.unwrap();
    let start = known.positions[0];
    let all: Vec<&Lead> = leads.iter().collect();

    world.clock.turn(-3 * HOUR * 1_000); // before the shift begins
    let with_another = world.engine.replan_day(date(), &update(vec![add(6)]));
    let day = with_another.unwrap().day;
    assert_eq!(order(&day).len(), 6);
    let expected = driving_s(start, &all, &order(&day), slow);
    assert_eq!(day.totals.driving_s, expected);

    world.engine.set_work_hours(&hours()).unwrap();
    let anew = world.engine.plan_day(&PlanDay::new(date())).unwrap();
    let expected = driving_s(start, &all, &order(&anew), slow);
    assert_eq!(anew.totals.driving_s, expected);
}

fn hours() -> WorkHours {
    WorkHours {
        hours: "Mo-Fr 08:00-12:00; Mo-Fr 13:00-17:00".into(),
        time_zone: "America/New_York".into(),
        start: near_boston(0.0, 0.0),
        end: None,
        visit_minutes: 20,
        candidates: 20,
        breaks: vec![BreakTime {
            begins: "Mo-Fr 10:00-10:30".into(),
            minutes: 15,
        }],
    }
}

#[tokio::test]
async fn appointments_are_kept_and_bad_wishes_change_nothing() {
    let leads = some_leads(5);
    let world = World::with_leads(&leads).await;
    world.engine.set_work_hours(&hours()).unwrap();
    let noted = world.engine.work_hours().unwrap().unwrap();
    let parsed = |text: &str| text.parse::<ContactHours>().unwrap();
    assert_eq!(parsed(&noted.hours), parsed(&hours().hours));
    assert_eq!((noted.start, noted.visit_minutes), (hours().start, 20));
    let at_three = moment(15 * HOUR);
    let wish = StopWish::appointment(lead_id(2), at_three);
    let request = PlanDay {
        wishes: vec![wish.clone(), StopWish::new(lead_id(4))],
        adds_due_leads: false,
        ..PlanDay::new(date())
    };
    let day = world.engine.plan_day(&request).unwrap();
    assert_eq!(order(&day), [lead_id(4), lead_id(2)]);
    let met = day
        .steps
        .iter()
        .find(|step| step.lead == Some(lead_id(2)))
        .unwrap();
    assert_eq!(met.start, at_three);
    let bad = [
        PlanDay {
            wishes: vec![StopWish::new(lead_id(77))],
            ..request.clone()
        },
        PlanDay {
            wishes: vec![wish.clone(), wish.clone()],
            ..request.clone()
        },
        PlanDay {
            wishes: vec![StopWish {
                minutes: Some(0),
                ..wish.clone()
            }],
            ..request.clone()
        },
        PlanDay {
            wishes: vec![StopWish {
                begins: vec![TimeWindow {
                    from: at_three,
                    to: at_three.plus(-1_000),
                }],
                ..wish.clone()
            }],
            ..request.clone()
        },
        PlanDay {
            work: Some(WorkHours {
                time_zone: "Mars/Base".into(),
                ..hours()
            }),
            ..request.clone()
        },
        PlanDay {
            work: Some(WorkHours {
                hours: "Sa 08:00-12:00".into(),
                ..hours()
            }),
            ..request.clone()
        },
        PlanDay {
            work: Some(WorkHours {
                hours: "often".into(),
                ..hours()
            }),
            ..request.clone()
        },
    ];
    for request in bad {
        let refused = world.engine.plan_day(&request).unwrap_err();
        assert!(
            ["invalid", "not_found"].contains(&refused.code()),
            "{refused}"
        );
        assert_eq!(world.engine.day(date()).unwrap(), day);
    }
}

#[tokio::test]
async fn the_rest_of_a_day_is_planned_around_what_happened() {
    let (mut world, _) = with_day(9).await;
    let extra = new_lead(20, "New", near_boston(900.0, 700.0));
    world.server.put_lead(&extra);
    world.sync().await.unwrap();
    let morning = order(&world.engine.day(date()).unwrap());
    let visit = NewVisit::new(morning[0], VisitOutcome::Met);
    world.engine.record_visit(visit).unwrap();
    let (last, gone) = (morning[8], morning[3]);
    world.clock.turn(20 * 60_000);
    let here = near_boston(123.456, 654.321);
    let replanned = world
        .engine
        .replan_day(
            date(),
            &DayUpdate {
                position: Some(here),
                events: vec![
                    DayEvent::Committed { lead: last },
                    DayEvent::Cancelled { lead: gone },
                    add(20),
                ],
                ..DayUpdate::default()
            },
        )
        .unwrap();
    let day = &replanned.day;
    let now = order(day);
    assert_eq!(now[0], last, "committed comes first");
    assert!(day.steps[0].is_committed && day.steps[0].metres > 0);
    assert!(now.contains(&lead_id(20)) && !now.contains(&gone) && !now.contains(&morning[0]));
    assert_eq!(
        (day.visited.as_slice(), day.cancelled.as_slice()),
        (&[morning[0]][..], &[gone][..])
    );
    assert_eq!(now.len(), 8);
    assert!(day.departure >= world.clock.now().plus(-1_000));
    assert!(
        replanned
            .changes
            .contains(&DayChange::Added { lead: lead_id(20) })
    );
    assert_eq!(replanned.moved, 1, "{:?}", replanned.changes);
    assert_eq!((day.travel.ways, day.travel.estimated > 0), (12 * 11, true));

    world.restart();
    let again = world.engine.day(date()).unwrap();
    assert_eq!(order(&again), now);
    assert_eq!((again.steps[0].metres, again.steps[0].travel_s), (0, 0));
    world.engine.close().unwrap();
    let kept = String::from_utf8(setting(&world, "day.20260921").unwrap()).unwrap();
    for told in [here.lat(), here.lon()] {
        let digits = told.to_string();
        assert!(
            kept.contains("positions") && !kept.contains(&digits[..8]),
            "{digits}"
        );
    }
}

#[tokio::test]
async fn who_is_late_drops_what_no_longer_fits_and_keeps_the_order() {
    let (world, _) = with_day(10).await;
    let before = order(&world.engine.day(date()).unwrap());
    let late = DayUpdate {
        free_from: Some(moment(15 * HOUR)),
        ..DayUpdate::default()
    };
    let replanned = world.engine.replan_day(date(), &late).unwrap();
    let day = replanned.day;
    let now = order(&day);
    assert!(!now.is_empty() && now.len() < before.len());
    assert!(day.departure >= moment(15 * HOUR) && day.arrival <= moment(17 * HOUR));
    assert_eq!(day.left_out.len() + now.len(), before.len());
    let refused = world.engine.replan_day(
        date(),
        &update(vec![DayEvent::Visited { lead: lead_id(99) }]),
    );
    assert_eq!(refused.unwrap_err().code(), "not_found");
    assert_eq!(
        order(&world.engine.day(date()).unwrap()),
        now,
        "nothing has changed"
    );
}

#[tokio::test]
async fn leads_that_leave_the_phone_leave_its_days_with_their_places() {
    let (world, _) = with_day(5).await;
    world.engine.replan_day(date(), &update(vec![])).unwrap();
    let told = Arc::new(Mutex::new(0));
    struct Listener(Arc<Mutex<u32>>);
    impl ChangeObserver for Listener {
        fn changed(&self, notice: ChangeNotice) {
            *self.0.lock().unwrap() += u32::from(notice.days);
        }
    }
    world
        .engine
        .add_observer(Arc::new(Listener(Arc::clone(&told))));
    let gone = order(&world.engine.day(date()).unwrap())[1];
    world
        .server
        .memory
        .lock()
        .unwrap()
        .delete(Entity::LEAD, gone.row());
    world.sync().await.unwrap();
    assert_eq!(*told.lock().unwrap(), 1);
    let left = order(&world.engine.day(date()).unwrap());
    assert!(left.len() == 4 && !left.contains(&gone));
    let replanned = world.engine.replan_day(date(), &update(vec![])).unwrap();
    assert_eq!(order(&replanned.day).len(), 4);
    world.engine.close().unwrap();
    let kept = String::from_utf8(setting(&world, "day.20260921").unwrap()).unwrap();
    assert!(!kept.contains(&gone.to_string()));
    let lead = some_leads(5)
        .into_iter()
        .find(|lead| lead.id == gone)
        .unwrap();
    let lat = lead.geocode.position.unwrap().lat().to_string();
    assert!(!kept.contains(&lat[..7]), "{lat}");
}

/// Every way to put a lead into the order, each planned whole: what the engine may be no better and
/// no worse than.
fn by_trying(
    problem: &Problem,
    order: &[String],
    lead: &Lead,
    place: LatLng,
) -> Option<(i64, usize)> {
    let mut wide = problem.clone();
    wide.positions.push(place);
    let (old, new) = (&problem.travel, wide.positions.len() - 1);
    let guess = fieldfare_planner::MatrixSource::travel(
        &fieldfare_planner::GreatCircle::default(),
        &wide.positions,
    )
    .unwrap();
    wide.travel = Travel::from_fn(wide.positions.len(), |from, to| {
        let source = if from == new || to == new {
            &guess
        } else {
            old
        };
        source.seconds(from, to).zip(source.metres(from, to))
    })
    .unwrap();
    wide.stops.retain(|stop| order.contains(&stop.id));
    let mut stop = wide.stops[0].clone();
    (stop.id, stop.place, stop.priority) = (lead.id.to_string(), new, 1);
    let driving = |order: Vec<String>, stops: Vec<fieldfare_planner::Stop>| {
        let mut pinned = wide.clone();
        pinned.stops = stops;
        pinned.reps[0].first = order;
        let plan = solve(&pinned, &Options::default()).ok()?;
        assert_eq!(check(&pinned, &plan), Ok(()));
        Some(plan.totals.driving_s)
    };
    let without = driving(order.to_vec(), wide.stops.clone()).unwrap();
    let mut with = wide.stops.clone();
    with.push(stop);
    let ways = (0..=order.len()).filter_map(|at| {
        let mut order = order.to_vec();
        order.insert(at, lead.id.to_string());
        Some((driving(order, with.clone())? - without, at))
    });
    ways.min()
}

#[tokio::test]
async fn leads_near_the_route_are_those_that_trying_every_place_finds() {
    let leads = some_leads(6);
    let planned_leads: Vec<&Lead> = leads.iter().collect();
    let mut problem = problem(&planned_leads);
    problem.stops[2].windows = vec![fieldfare_planner::Window::new(14 * HOUR, 14 * HOUR)];
    problem.reps[0].shift.to = 14 * HOUR + 45 * 60;
    let mut others: Vec<Lead> = (30..60)
        .map(|n| {
            let (north, east) = (
                f64::from(n * 37 % 60) * 400.0 - 12_000.0,
                f64::from(n * 53 % 60) * 400.0 - 12_000.0,
            );
            let mut lead = new_lead(n, &format!("Near {n}"), near_boston(north, east));
            lead.tier = Some((n % 4) as u8);
            lead
        })
        .collect();
    others[0].status = LeadStatus::DoNotContact;
    others[1].contact_hours = "Tu 08:00-12:00".parse().unwrap();
    let all: Vec<Lead> = leads.iter().chain(&others).cloned().collect();
    let world = World::with_leads(&all).await;
    world.clock.turn(-3 * HOUR * 1_000); // before the shift begins
    let plan = planned(&problem);
    send_day(&world, &day_row(&problem, &plan, world.clock.now()));
    world.sync().await.unwrap();
    let query = NearDayQuery {
        within_minutes: 20,
        least_priority: 25,
        ..NearDayQuery::default()
    };
    let near = world.engine.leads_near_day(date(), &query).unwrap();
    let order: Vec<String> = plan.days[0].stops().map(str::to_owned).collect();
    let mut expected: Vec<(LeadId, i64, Option<LeadId>)> = Vec::new();
    for lead in &others[2..] {
        let priority = fieldfare_planner::workday::priority(lead, zero().plus(24 * HOUR * 1_000));
        let found = by_trying(&problem, &order, lead, lead.geocode.position.unwrap());
        if let Some((detour, at)) = found.filter(|(d, _)| *d <= 1_200 && priority >= 25) {
            let after = at.checked_sub(1).map(|at| order[at].parse().unwrap());
            expected.push((lead.id, detour, after));
        }
    }
    let mut found: Vec<(LeadId, i64, Option<LeadId>)> = near
        .leads
        .iter()
        .map(|near| (near.record.lead.id, near.detour_s, near.after))
        .collect();
    found.sort();
    assert!(
        (3..others.len() - 4).contains(&found.len()),
        "{}",
        found.len()
    );
    assert_eq!(found, expected);
    assert!(near.is_complete && near.total as usize == found.len());
    assert!(
        near.leads
            .is_sorted_by_key(|near| (std::cmp::Reverse(near.priority), near.detour_s))
    );

    let chosen = near.leads[0].record.lead.id;
    let added = update(vec![DayEvent::Added {
        wish: StopWish::new(chosen),
    }]);
    let replanned = world.engine.replan_day(date(), &added).unwrap();
    assert!(day_support::order(&replanned.day).contains(&chosen));
    let rest = world.engine.leads_near_day(date(), &query).unwrap();
    assert!(rest.leads.iter().all(|near| near.record.lead.id != chosen));
}

#[tokio::test]
async fn another_reps_day_is_not_shown() {
    let (world, problem) = with_day(3).await;
    let mut row = day_row(&problem, &planned(&problem), START);
    (row.rep, row.id) = (RepId::from_bytes([77; 16]), DayPlanId::from_bytes([42; 16]));
    row.date = "2026-09-22".parse().unwrap();
    send_day(&world, &row);
    world.sync().await.unwrap();
    assert_eq!(world.engine.planned_dates().unwrap(), [date()]);
}
