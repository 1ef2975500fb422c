//! A day without a connection.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use fieldfare_engine::*;
use fieldfare_geo::distance_m;
use fieldfare_model::*;
use fieldfare_sync::RejectCode;
use std::sync::Arc;
use support::*;

#[tokio::test]
async fn what_was_saved_offline_survives_a_restart() {
    let mut world = World::with_leads(&[new_lead(1, "Brandt Bakery", near_boston(0.0, 0.0))]).await;
    world.server.trouble(&[Trouble::Offline; 9]);
    let engine = Arc::clone(&world.engine);
    let added = engine
        .add_lead(NewLead {
            name: " Corner Café ".into(),
            ..NewLead::default()
        })
        .unwrap();
    engine
        .edit_lead(
            lead_id(1),
            vec![LeadEdit::Phone(Some("+1 617 555 0100".into()))],
        )
        .unwrap();
    let mut visit = NewVisit::new(lead_id(1), VisitOutcome::Order);
    visit.note = Some("two dozen".into());
    visit.status = Some(LeadStatus::Customer);
    engine.record_visit(visit).unwrap();
    engine
        .record_visit(NewVisit::new(added.lead.id, VisitOutcome::NoAnswer))
        .unwrap();
    assert_eq!(world.sync().await, Err(EngineError::Offline));
    drop(engine);

    world.restart();
    let engine = &world.engine;
    let bakery = engine.lead(lead_id(1)).unwrap();
    assert_eq!(bakery.lead.phone.as_deref(), Some("+1 617 555 0100"));
    assert_eq!(bakery.lead.status, LeadStatus::Customer);
    assert!(bakery.is_pending);
    let cafe = engine.lead(added.lead.id).unwrap();
    assert_eq!((cafe.lead.name.as_str(), cafe.version), ("Corner Café", 0));
    let visits = engine.visits(lead_id(1)).unwrap();
    assert_eq!(visits[0].visit.note.as_deref(), Some("two dozen"));
    assert_eq!(engine.visits(added.lead.id).unwrap().len(), 1);
    assert_eq!(engine.pending().unwrap().len(), 5);
}

#[tokio::test]
async fn a_visit_and_its_status_are_one_group_and_new_leads_come_first() {
    let world = World::with_leads(&[new_lead(1, "Brandt Bakery", near_boston(0.0, 0.0))]).await;
    let engine = &world.engine;
    let added = engine
        .add_lead(NewLead {
            name: "Café".into(),
            ..NewLead::default()
        })
        .unwrap();
    let mut visit = NewVisit::new(added.lead.id, VisitOutcome::Met);
    visit.status = Some(LeadStatus::Contacted);
    engine.record_visit(visit).unwrap();
    world.sync().await.unwrap();
    let memory = world.server.memory.lock().unwrap();
    let applied: Vec<_> = memory.tables.writes.clone();
    assert_eq!(applied.len(), 3);
    assert!(
        memory
            .tables
            .results
            .values()
            .all(|r| r.result.outcome.version().is_some())
    );
    drop(memory);
    let status = engine.status().unwrap();
    assert_eq!((status.pending, status.refused), (0, 0));
    assert_eq!(
        engine.lead(added.lead.id).unwrap().lead.status,
        LeadStatus::Contacted
    );
    assert!(!engine.lead(added.lead.id).unwrap().is_pending);
}

#[tokio::test]
async fn what_builds_on_a_refused_lead_is_refused_with_it() {
    let world = World::enrolled().await;
    let engine = &world.engine;
    let refused = NewLead {
        name: "Nowhere".into(),
        ..NewLead::default()
    };
    let lead = engine.add_lead(refused).unwrap().lead.id;
    engine
        .edit_lead(lead, vec![LeadEdit::Tier(Some(1))])
        .unwrap();
    engine
        .record_visit(NewVisit::new(lead, VisitOutcome::Met))
        .unwrap();
    world
        .server
        .memory
        .lock()
        .unwrap()
        .refused_rows
        .insert(lead.row());
    world.sync().await.unwrap();
    let refused = engine.refused().unwrap();
    let codes: Vec<RejectCode> = refused.iter().map(|refused| refused.code).collect();
    assert_eq!(
        codes,
        [
            RejectCode::Rule,
            RejectCode::Dependency,
            RejectCode::Dependency
        ]
    );
    assert!(matches!(
        engine.lead(lead),
        Err(EngineError::NotFound { .. })
    ));
}

fn scattered(n: u32) -> Vec<Lead> {
    (0..n)
        .map(|i| {
            let (north, east) = (
                f64::from(i * 7919 % 2000) - 1000.0,
                f64::from(i * 104_729 % 2000) - 1000.0,
            );
            let mut lead = new_lead(i, &format!("Lead {i}"), near_boston(north, east));
            lead.tier = Some(u8::try_from(i % 3).unwrap() + 1);
            lead.score = Some(u8::try_from(i % 100).unwrap());
            lead
        })
        .collect()
}

fn brute_force(
    engine: &Engine,
    center: LatLng,
    keep: impl Fn(&Lead) -> bool,
) -> Vec<(LeadId, f64)> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let page = engine
            .leads_page(&LeadFilter::default(), LeadOrder::Name, after.as_ref(), 50)
            .unwrap();
        all.extend(page.leads);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let mut hits: Vec<(LeadId, f64)> = all
        .iter()
        .filter(|record| keep(&record.lead))
        .filter_map(|r| Some((r.lead.id, distance_m(center, r.lead.geocode.position?))))
        .collect();
    hits.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
    hits
}

fn ids(engine: &Engine, center: LatLng, query: &NearbyQuery) -> Vec<(LeadId, f64)> {
    let hits = engine.nearby_ids(center, query).unwrap();
    hits.into_iter()
        .map(|hit| (hit.key, hit.distance_m))
        .collect()
}

#[tokio::test]
async fn nearby_is_what_brute_force_gives_with_changes_on_top() {
    let world = World::with_leads(&scattered(300)).await;
    let engine = &world.engine;
    let center = near_boston(50.0, -80.0);
    let placed = |name: &str, north| NewLead {
        name: name.into(),
        position: Some(near_boston(north, 0.0)),
        ..NewLead::default()
    };
    engine
        .edit_lead(lead_id(7), vec![LeadEdit::Tier(Some(1))])
        .unwrap();
    let mut moved = new_lead(11, "Moved", center);
    moved.tier = Some(1);
    world.server.put_lead(&moved);
    world.sync().await.unwrap();
    engine.add_lead(placed("Here", 40.0)).unwrap();
    engine.add_lead(placed("There", 2_000.0)).unwrap();
    engine
        .edit_lead(lead_id(12), vec![LeadEdit::Status(LeadStatus::Lost)])
        .unwrap();

    let mut expected = brute_force(engine, center, |_| true);
    assert_eq!(expected.len(), 302);
    expected.retain(|(_, distance)| *distance <= 600.0);
    assert!(expected.len() > 20);
    assert_eq!(ids(engine, center, &NearbyQuery::within(600.0)), expected);

    let filter = NearbyFilter {
        tiers: vec![1],
        statuses: vec![LeadStatus::Open],
        min_score: Some(20),
    };
    let keep = |l: &Lead| {
        l.tier == Some(1) && l.status == LeadStatus::Open && l.score.is_some_and(|s| s >= 20)
    };
    let mut expected = brute_force(engine, center, keep);
    expected.truncate(9);
    let query = NearbyQuery {
        filter,
        ..NearbyQuery::nearest(9)
    };
    assert_eq!(ids(engine, center, &query), expected);

    let nearby = engine.nearby(center, &query).unwrap();
    assert_eq!(nearby.total, 9);
    let shown: Vec<_> = nearby
        .leads
        .iter()
        .map(|n| (n.record.lead.id, n.distance_m))
        .collect();
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn the_map_shows_the_best_of_a_box() {
    let world = World::with_leads(&scattered(300)).await;
    let (south_west, north_east) = (near_boston(-500.0, -500.0), near_boston(500.0, 500.0));
    let view = world.engine.viewport(south_west, north_east, 5).unwrap();
    let all = world
        .engine
        .viewport(south_west, north_east, 1_000)
        .unwrap();
    assert_eq!(view.total as usize, all.pins.len());
    let best = all.pins.iter().map(|pin| pin.score).max().unwrap();
    assert_eq!((view.pins.len(), view.pins[0].score), (5, best));
    assert!(matches!(
        world.engine.viewport(north_east, south_west, 5),
        Err(EngineError::Invalid { .. })
    ));
}

#[tokio::test]
async fn search_finds_beginnings_and_ignores_accents() {
    let world = World::with_leads(&[
        new_lead(1, "Crêperie Ångström", near_boston(0.0, 0.0)),
        new_lead(2, "Brandt Bakery", near_boston(9.0, 0.0)),
    ])
    .await;
    let engine = &world.engine;
    engine
        .edit_lead(
            lead_id(2),
            vec![LeadEdit::Notes(Some("asks for Señor Ruiz".into()))],
        )
        .unwrap();
    let found = |text: &str| -> Vec<String> {
        let found = engine.search(text, 10).unwrap();
        found.into_iter().map(|record| record.lead.name).collect()
    };
    assert_eq!(found("crepe"), ["Crêperie Ångström"]);
    assert_eq!(found("ANGSTROM"), ["Crêperie Ångström"]);
    assert_eq!(found("senor ru"), ["Brandt Bakery"]);
    assert_eq!(found("\"' OR *"), Vec::<String>::new());
    assert_eq!(found("nothing"), Vec::<String>::new());
}

#[tokio::test]
async fn pages_hold_every_lead_once() {
    let world = World::with_leads(&scattered(120)).await;
    let center = near_boston(0.0, 0.0);
    let mut seen: Vec<LeadId> = brute_force(&world.engine, center, |_| true)
        .into_iter()
        .map(|(id, _)| id)
        .collect();
    seen.sort();
    assert_eq!(seen, (0..120).map(lead_id).collect::<Vec<_>>());
    let filter = LeadFilter {
        tiers: vec![2],
        min_score: Some(90),
        ..LeadFilter::default()
    };
    let page = world
        .engine
        .leads_page(&filter, LeadOrder::Changed, None, 200)
        .unwrap();
    assert!(!page.leads.is_empty());
    assert!(
        page.leads
            .iter()
            .all(|r| r.lead.tier == Some(2) && r.lead.score >= Some(90))
    );
    for limit in [0, 201] {
        let page = world
            .engine
            .leads_page(&filter, LeadOrder::Name, None, limit);
        assert!(matches!(page, Err(EngineError::Invalid { .. })));
    }
}

#[tokio::test]
async fn edits_that_cannot_be_are_refused_at_once() {
    let mut lead = new_lead(1, "Brandt Bakery", near_boston(0.0, 0.0));
    lead.status = LeadStatus::DoNotContact;
    let world = World::with_leads(&[lead]).await;
    let engine = &world.engine;
    let refused = [
        vec![],
        vec![LeadEdit::Name("  ".into())],
        vec![LeadEdit::Status(LeadStatus::Open)],
        vec![LeadEdit::ContactHours("every day".into())],
        vec![LeadEdit::Tier(Some(1)), LeadEdit::Tier(None)],
    ];
    for edits in refused {
        let error = engine.edit_lead(lead_id(1), edits.clone());
        assert!(
            matches!(error, Err(EngineError::Invalid { .. })),
            "{edits:?}"
        );
    }
    assert!(matches!(
        engine.edit_lead(lead_id(2), vec![LeadEdit::Tier(None)]),
        Err(EngineError::NotFound { .. })
    ));
    assert!(matches!(
        engine.record_visit(NewVisit::new(lead_id(2), VisitOutcome::Met)),
        Err(EngineError::NotFound { .. })
    ));
    let mut backwards = NewVisit::new(lead_id(1), VisitOutcome::Met);
    backwards.ended_at = Some(TimestampMs(5));
    assert!(matches!(
        engine.record_visit(backwards),
        Err(EngineError::Invalid { .. })
    ));
    assert_eq!(engine.pending().unwrap(), []);
}

#[test]
fn nothing_is_written_before_enrolment() {
    let world = World::new();
    let engine = &world.engine;
    let added = engine.add_lead(NewLead {
        name: "Café".into(),
        ..NewLead::default()
    });
    assert_eq!(added.err(), Some(EngineError::NotEnrolled));
    let granted = engine.grant(Purpose::LiveTracking, "1", "en", None);
    assert_eq!(granted.err(), Some(EngineError::NotEnrolled));
    assert_eq!(engine.rep().err(), Some(EngineError::NotEnrolled));
    assert_eq!(engine.status().unwrap().counts, RowCounts::default());
}
