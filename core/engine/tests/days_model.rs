//! Whatever happens in the course of a day, in whatever order: what was visited stays behind, what
//! was promised comes first, what was cancelled is gone, nothing is lost, and the app may be killed
//! at any moment.
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
use fieldfare_navigator::simulate::SimRng;
use std::collections::BTreeSet;
use support::*;

/// What should be known of the day, by the simplest bookkeeping.
#[derive(Default, Debug)]
struct Model {
    known: BTreeSet<LeadId>,
    visited: Vec<LeadId>,
    committed: Vec<LeadId>,
    cancelled: BTreeSet<LeadId>,
    gone: BTreeSet<LeadId>,
}

impl Model {
    fn open(&self) -> BTreeSet<LeadId> {
        let over = |lead: &LeadId| self.visited.contains(lead) || self.cancelled.contains(lead);
        self.known
            .iter()
            .copied()
            .filter(|lead| !over(lead))
            .collect()
    }

    fn check(&self, day: &DayRecord, seed: u64) {
        let steps = order(day);
        let left: Vec<LeadId> = day.left_out.iter().map(|left| left.lead).collect();
        let mut told: Vec<LeadId> = steps.iter().chain(&left).copied().collect();
        let count = told.len();
        told.sort();
        told.dedup();
        assert_eq!(told.len(), count, "seed {seed}: a lead is told twice");
        assert_eq!(
            told,
            self.open().into_iter().collect::<Vec<_>>(),
            "seed {seed}"
        );
        assert_eq!(day.visited, self.visited, "seed {seed}");
        let committed: Vec<LeadId> = steps.iter().copied().take(self.committed.len()).collect();
        assert_eq!(committed, self.committed, "seed {seed}: promised first");
        let times = day
            .steps
            .iter()
            .flat_map(|s| [s.arrival, s.start, s.departure]);
        let times: Vec<TimestampMs> = times.chain([day.arrival]).collect();
        assert!(times.is_sorted(), "seed {seed}: time runs backwards");
        for step in &day.steps {
            assert!(step.slack_s >= 0 && step.wait_s >= 0, "seed {seed}");
            assert_eq!(
                step.start.since(step.arrival),
                step.wait_s * 1_000,
                "seed {seed}"
            );
        }
    }
}

fn pick(rng: &mut SimRng, from: &BTreeSet<LeadId>) -> Option<LeadId> {
    let all: Vec<LeadId> = from.iter().copied().collect();
    (!all.is_empty()).then(|| all[rng.below(all.len())])
}

/// Something that happens, in the engine's words and in the model's books.
fn happens(world: &World, model: &mut Model, rng: &mut SimRng) -> Option<DayEvent> {
    let lead = pick(rng, &model.open())?;
    match rng.below(6) {
        0 => {
            model.visited.push(lead);
            model.committed.retain(|known| *known != lead);
            if rng.chance(0.5) {
                world
                    .engine
                    .record_visit(NewVisit::new(lead, VisitOutcome::Met))
                    .unwrap();
                return None;
            }
            Some(DayEvent::Visited { lead })
        }
        1 => {
            model.cancelled.insert(lead);
            model.committed.retain(|known| *known != lead);
            Some(DayEvent::Cancelled { lead })
        }
        2 if model.committed.len() < 2 => {
            if !model.committed.contains(&lead) {
                model.committed.push(lead);
            }
            Some(DayEvent::Committed { lead })
        }
        3 => {
            model.committed.retain(|known| *known != lead);
            Some(DayEvent::Released { lead })
        }
        _ => {
            let here: BTreeSet<LeadId> = (1..=14).map(lead_id).collect();
            let fresh = here.difference(&model.known).copied();
            let fresh: BTreeSet<LeadId> = fresh.filter(|lead| !model.gone.contains(lead)).collect();
            let lead = pick(rng, &fresh.union(&model.cancelled).copied().collect())?;
            model.known.insert(lead);
            model.cancelled.remove(&lead);
            let wish = StopWish::new(lead);
            Some(DayEvent::Added { wish })
        }
    }
}

async fn a_day(seed: u64) {
    let mut rng = SimRng::new(seed);
    let leads = some_leads(14);
    let mut world = World::with_leads(&leads).await;
    let planned_leads: Vec<&Lead> = leads.iter().take(8).collect();
    let problem = problem(&planned_leads);
    world.clock.turn(-HOUR * 1_000);
    send_day(
        &world,
        &day_row(&problem, &planned(&problem), world.clock.now()),
    );
    world.sync().await.unwrap();
    let mut model = Model {
        known: planned_leads.iter().map(|lead| lead.id).collect(),
        ..Model::default()
    };
    model.check(&world.engine.day(date()).unwrap(), seed);
    for _ in 0..10 {
        world.clock.turn((rng.within(0.0, 40.0) * 60_000.0) as i64);
        let count = rng.below(3);
        let events = (0..count).filter_map(|_| happens(&world, &mut model, &mut rng));
        let events: Vec<DayEvent> = events.collect();
        if rng.chance(0.1) {
            let candidates = model.open();
            if let Some(lead) = pick(&mut rng, &candidates)
                .filter(|_| !events.iter().any(|e| matches!(e, DayEvent::Added { .. })))
            {
                world
                    .server
                    .memory
                    .lock()
                    .unwrap()
                    .delete(Entity::LEAD, lead.row());
                // A day that is still the server's own is the server's to change.
                world
                    .engine
                    .replan_day(
                        date(),
                        &DayUpdate {
                            events: events.clone(),
                            ..DayUpdate::default()
                        },
                    )
                    .unwrap();
                world.sync().await.unwrap();
                model.known.remove(&lead);
                model.gone.insert(lead);
                model.committed.retain(|known| *known != lead);
            }
        }
        let events = events.into_iter().filter(|event| match event {
            DayEvent::Visited { lead }
            | DayEvent::Committed { lead }
            | DayEvent::Cancelled { lead } => !model.gone.contains(lead),
            _ => true,
        });
        let here = rng
            .chance(0.5)
            .then(|| near_boston(rng.within(-4e3, 4e3), rng.within(-4e3, 4e3)));
        let update = DayUpdate {
            position: here,
            events: events.collect(),
            free_from: rng.chance(0.3).then(|| world.clock.now().plus(15 * 60_000)),
            stability_s: None,
        };
        let replanned = world.engine.replan_day(date(), &update).unwrap().day;
        model.check(&replanned, seed);
        if rng.chance(0.4) {
            world.restart();
        }
        let kept = world.engine.day(date()).unwrap();
        model.check(&kept, seed);
        assert_eq!(order(&kept), order(&replanned), "seed {seed}");
        let near = world.engine.leads_near_day(
            date(),
            &NearDayQuery {
                position: here,
                ..NearDayQuery::default()
            },
        );
        let near = near.unwrap();
        let free = |near: &NearLead| {
            !model.open().contains(&near.record.lead.id)
                || !order(&kept).contains(&near.record.lead.id)
        };
        assert!(near.leads.iter().all(free), "seed {seed}");
        assert!(
            near.leads.iter().all(|near| near.detour_s <= 1_800),
            "seed {seed}"
        );
    }
}

#[tokio::test]
async fn days_of_every_kind() {
    for seed in 0..15 {
        a_day(seed).await;
    }
}
