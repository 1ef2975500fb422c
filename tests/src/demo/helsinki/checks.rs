//! What must hold after the drive.

use super::drive::{BEFORE_REPLAN, Driven, NEAR_MINUTES, NEAR_PRIORITY};
use super::morning::Planned;
use super::people::APPOINTMENT;
use crate::demo::DemoResult;
use crate::demo::checks::Checks;
use crate::demo::phone::Phone;
use fieldfare_engine::{DayChange, RouteKind};
use fieldfare_model::LeadId;
use fieldfare_planner::{Options, Plan, Problem, check as violations, solve};

/// Checks it all. `reached` is how many of the visits the server holds.
///
/// # Errors
/// [`crate::demo::DemoError`] if something cannot be looked at.
pub fn check(
    phone: &Phone,
    planned: &Planned,
    driven: &Driven,
    reached: usize,
) -> DemoResult<Checks> {
    let mut checks = Checks::default();
    of_the_plan(planned, &mut checks);
    of_the_drive(planned, driven, &mut checks);
    of_the_change(planned, driven, &mut checks);
    checks.same(
        "each visit of the drive reached the server",
        reached,
        driven.visits.len(),
    );
    checks.holds(
        "no place of the drive was kept, as nobody consented to that",
        !driven.kept && !phone.files_show("Kruununhaka")?,
    );
    Ok(checks)
}

fn of_the_plan(planned: &Planned, checks: &mut Checks) {
    let problem: Option<Problem> = serde_json::from_str(&planned.row.problem).ok();
    let plan: Option<Plan> = serde_json::from_str(&planned.row.plan).ok();
    let sound = problem.as_ref().zip(plan.as_ref());
    let sound = sound.is_some_and(|(problem, plan)| violations(problem, plan).is_ok());
    checks.holds(
        "an independent checker finds no fault in the planned day",
        sound,
    );
    let again = problem.and_then(|problem| solve(&problem, &Options::default()).ok());
    let bytes = |plan: &Option<Plan>| plan.as_ref().map(Plan::canonical_bytes);
    checks.holds(
        "the phone plans the same day as the server, byte for byte",
        plan.is_some() && bytes(&again) == bytes(&plan),
    );
    let travel = &planned.day.travel;
    checks.same(
        "each travel time of the plan is the road's",
        (travel.provider.as_str(), travel.estimated),
        ("valhalla/auto", 0),
    );
}

fn of_the_drive(planned: &Planned, driven: &Driven, checks: &mut Checks) {
    let once = driven.spoken.values().all(|times| *times == 1);
    let route = &planned.route;
    let steps = (0..BEFORE_REPLAN).map(|leg| route.leg_steps(leg).end).max();
    let due = route
        .spoken()
        .iter()
        .filter(|spoken| Some(spoken.step as usize) < steps);
    checks.same(
        "each instruction was said once, or told to be too late after the detour; none was lost",
        (once, driven.spoken.len() + driven.unsaid),
        (true, due.count()),
    );
    checks.same(
        "the detour was noticed once, the way back shown, and the route found again",
        (driven.deviations, driven.led_back > 0, driven.rejoined),
        (1, true, 1),
    );
    let order = planned.day.steps.iter().filter_map(|step| step.lead);
    let order: Vec<LeadId> = order.take(BEFORE_REPLAN).collect();
    let visited: Vec<LeadId> = driven.visits.iter().map(|(lead, _)| *lead).collect();
    checks.same(
        "a visit was proposed at each stop of the road route, in the planned order",
        visited.get(..BEFORE_REPLAN).unwrap_or_default(),
        order.as_slice(),
    );
}

fn of_the_change(planned: &Planned, driven: &Driven, checks: &mut Checks) {
    let fits = driven.near.iter().all(|near| {
        near.detour_s <= i64::from(NEAR_MINUTES) * 60 && near.priority >= NEAR_PRIORITY
    });
    let has_added = driven
        .near
        .iter()
        .any(|near| near.record.lead.id == driven.added);
    checks.holds(
        "the lead on the way was found near the route, and nobody beyond the playbook's rule",
        fits && has_added,
    );
    let day = &driven.replanned.day;
    let order: Vec<LeadId> = day.steps.iter().filter_map(|step| step.lead).collect();
    let change = DayChange::Added { lead: driven.added };
    checks.holds(
        "the change of plan took the new lead in, left the closed one out and repeated no visit",
        order.contains(&driven.added)
            && !order.contains(&driven.cancelled)
            && driven.replanned.changes.contains(&change)
            && driven
                .visits
                .iter()
                .take(BEFORE_REPLAN)
                .all(|(lead, _)| !order.contains(lead)),
    );
    let visited: Vec<LeadId> = driven
        .visits
        .iter()
        .skip(BEFORE_REPLAN)
        .map(|(lead, _)| *lead)
        .collect();
    checks.same(
        "without a road route for the new order the rest was led as the crow flies, to each stop",
        (driven.rest_kind == RouteKind::Crow, visited),
        (true, order),
    );
    let kept = driven
        .visits
        .iter()
        .find(|(lead, _)| planned.name(*lead) == APPOINTMENT);
    checks.same(
        "the appointment at eleven was kept",
        kept.map(|(_, began)| planned.wall(*began))
            .unwrap_or_default()
            .as_str(),
        "11:00",
    );
}
