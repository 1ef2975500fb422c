//! A day that several change at once: the rep taps while the day is planned anew, a sync takes a
//! lead away meanwhile. No change undoes another.
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
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::thread;
use support::*;

const LEADS: u32 = 12;

/// A phone with a day of its own that has begun.
async fn in_the_day() -> World {
    let (world, _) = with_day(LEADS).await;
    replan(&world.engine, vec![]).unwrap();
    world
}

fn replan(engine: &Engine, events: Vec<DayEvent>) -> EngineResult<ReplannedDay> {
    engine.replan_day(date(), &update(events))
}

fn named(day: &DayRecord) -> BTreeSet<LeadId> {
    let left_out = day.left_out.iter().map(|left| left.lead);
    order(day).into_iter().chain(left_out).collect()
}

#[tokio::test]
async fn what_is_told_of_a_day_at_once_all_counts() {
    let world = in_the_day().await;
    thread::scope(|threads| {
        for n in 1..=LEADS - 2 {
            let engine = &world.engine;
            threads.spawn(move || {
                let lead = lead_id(n);
                let event = match n % 2 {
                    0 => DayEvent::Cancelled { lead },
                    _ => DayEvent::Visited { lead },
                };
                replan(engine, vec![event]).unwrap();
            });
        }
    });
    let day = world.engine.day(date()).unwrap();
    let rest = BTreeSet::from([lead_id(LEADS - 1), lead_id(LEADS)]);
    assert_eq!(named(&day), rest);
    let visited: BTreeSet<LeadId> = day.visited.iter().copied().collect();
    let expected = (1..=LEADS - 2).filter(|n| n % 2 == 1).map(lead_id);
    assert_eq!(visited, expected.collect());
}

#[tokio::test]
async fn a_lead_that_leaves_while_the_day_is_planned_stays_gone() {
    let world = in_the_day().await;
    thread::scope(|threads| {
        let leaving = threads.spawn(|| {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            for n in 1..LEADS {
                let mut memory = world.server.memory.lock().unwrap();
                memory.delete(Entity::LEAD, lead_id(n).row());
                drop(memory);
                runtime.block_on(world.sync()).unwrap();
            }
        });
        while !leaving.is_finished() {
            replan(&world.engine, vec![]).unwrap();
        }
    });
    let day = world.engine.day(date()).unwrap();
    assert_eq!(named(&day), BTreeSet::from([lead_id(LEADS)]));
    for n in 1..LEADS {
        let visited = DayEvent::Visited { lead: lead_id(n) };
        let refused = replan(&world.engine, vec![visited]);
        assert!(matches!(refused, Err(EngineError::NotFound { .. })), "{n}");
    }
}

/// An observer that changes the day itself, as an app may.
struct Replanner(Mutex<Option<Arc<Engine>>>);

impl ChangeObserver for Replanner {
    fn changed(&self, notice: ChangeNotice) {
        let engine = notice.days.then(|| self.0.lock().unwrap().take()).flatten();
        if let Some(engine) = engine {
            let lead = lead_id(1);
            replan(&engine, vec![DayEvent::Cancelled { lead }]).unwrap();
        }
    }
}

#[tokio::test]
async fn a_day_may_be_changed_by_who_is_told_of_its_change() {
    let world = in_the_day().await;
    let told = Some(Arc::clone(&world.engine));
    let observer = Replanner(Mutex::new(told));
    world.engine.add_observer(Arc::new(observer));
    replan(
        &world.engine,
        vec![DayEvent::Cancelled { lead: lead_id(2) }],
    )
    .unwrap();
    let day = world.engine.day(date()).unwrap();
    assert_eq!(named(&day), (3..=LEADS).map(lead_id).collect());
}
