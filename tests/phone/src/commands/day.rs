use super::id;
use super::location::read_fixes;
use crate::answer::Answer;
use crate::args::{DayCommand, NearDayArgs, PlanArgs, ReplanArgs};
use crate::phone::{Phone, PhoneError, position};
use crate::show;
use fieldfare_engine::{
    BreakTime, DayEvent, DayRecord, DayStep, DayStepKind, DayUpdate, Engine, FollowDay,
    NearDayQuery, NearLead, PlanDay, RouteEvent, RouteKind, StopWish, WorkHours,
};
use fieldfare_model::{CalendarDate, LeadId, TimestampMs};
use serde_json::json;
use std::path::Path;

/// Runs a command about planned days.
pub fn run(phone: &Phone, what: DayCommand) -> Result<Answer, PhoneError> {
    let engine = &phone.engine;
    match what {
        DayCommand::List => list(engine),
        DayCommand::Show { date } => Ok(shown(engine, &engine.day(date)?)),
        DayCommand::UseServers { date } => Ok(shown(engine, &engine.use_server_day(date)?)),
        DayCommand::Plan(args) => plan(engine, &args),
        DayCommand::Replan(args) => replan(phone, &args),
        DayCommand::Near(args) => near(engine, &args),
        DayCommand::Follow { date, file } => follow(phone, date, &file),
    }
}

fn list(engine: &Engine) -> Result<Answer, PhoneError> {
    let dates = engine.planned_dates()?;
    let lines = dates.iter().map(CalendarDate::to_string).collect();
    let text = show::lines(lines, "no day is planned");
    Ok(Answer::new(json!({ "dates": dates }), text))
}

fn plan(engine: &Engine, args: &PlanArgs) -> Result<Answer, PhoneError> {
    let wish = |text: &String| Ok(StopWish::new(id("lead", text)?));
    let mut wishes = args
        .with
        .iter()
        .map(wish)
        .collect::<Result<Vec<_>, PhoneError>>()?;
    for text in &args.appointment {
        wishes.push(appointment(text)?);
    }
    let request = PlanDay {
        work: work(args)?,
        wishes,
        adds_due_leads: !args.only,
        ..PlanDay::new(args.date)
    };
    Ok(shown(engine, &engine.plan_day(&request)?))
}

/// A lead and the time of its appointment, as `LEAD@MS`.
fn appointment(text: &str) -> Result<StopWish, PhoneError> {
    let wrong = || PhoneError::usage("give an appointment as LEAD@MS, epoch milliseconds");
    let (lead, at) = text.split_once('@').ok_or_else(wrong)?;
    let at = at.parse().map_err(|_| wrong())?;
    Ok(StopWish::appointment(id("lead", lead)?, TimestampMs(at)))
}

fn work(args: &PlanArgs) -> Result<Option<WorkHours>, PhoneError> {
    let (Some(hours), Some(zone), Some(start)) = (&args.hours, &args.zone, &args.start) else {
        return Ok(None);
    };
    Ok(Some(WorkHours {
        hours: hours.clone(),
        time_zone: zone.clone(),
        start: position(start)?,
        end: args.end.as_deref().map(position).transpose()?,
        visit_minutes: args.visit_minutes,
        candidates: args.candidates,
        breaks: args
            .lunch
            .iter()
            .map(|begins| BreakTime {
                begins: begins.clone(),
                minutes: 30,
            })
            .collect(),
    }))
}

fn replan(phone: &Phone, args: &ReplanArgs) -> Result<Answer, PhoneError> {
    let engine = &phone.engine;
    let mut events = Vec::new();
    let mut add = |texts: &[String], event: fn(LeadId) -> DayEvent| {
        for text in texts {
            events.push(event(id("lead", text)?));
        }
        Ok::<(), PhoneError>(())
    };
    add(&args.visited, |lead| DayEvent::Visited { lead })?;
    add(&args.cancelled, |lead| DayEvent::Cancelled { lead })?;
    add(&args.released, |lead| DayEvent::Released { lead })?;
    add(&args.committed, |lead| DayEvent::Committed { lead })?;
    add(&args.add, |lead| DayEvent::Added {
        wish: StopWish::new(lead),
    })?;
    let update = DayUpdate {
        position: args.at.as_deref().map(position).transpose()?,
        free_from: args.free_from.map(TimestampMs),
        events,
        stability_s: None,
    };
    let replanned = engine.replan_day(args.date, &update)?;
    let day = shown(engine, &replanned.day);
    let json =
        json!({ "day": replanned.day, "changes": replanned.changes, "moved": replanned.moved });
    let text = format!("{}\n{} visits have another turn", day.text, replanned.moved);
    Ok(Answer::new(json, text))
}

fn near(engine: &Engine, args: &NearDayArgs) -> Result<Answer, PhoneError> {
    let query = NearDayQuery {
        position: args.at.as_deref().map(position).transpose()?,
        within_minutes: args.within,
        least_priority: args.priority,
        limit: args.limit,
        ..NearDayQuery::default()
    };
    let near = engine.leads_near_day(args.date, &query)?;
    let json = json!({
        "leads": near.leads.iter().map(near_json).collect::<Vec<_>>(),
        "total": near.total,
        "is_complete": near.is_complete,
        "travel": near.travel,
    });
    let lines = near.leads.iter().map(near_line).collect();
    Ok(Answer::new(
        json,
        show::lines(lines, "nobody near the route"),
    ))
}

fn near_json(near: &NearLead) -> serde_json::Value {
    let more = json!({
        "priority": near.priority,
        "detour_s": near.detour_s,
        "detour_m": near.detour_m,
        "later_s": near.later_s,
        "after": near.after,
    });
    show::with(show::lead_json(&near.record), more)
}

fn near_line(near: &NearLead) -> String {
    let minutes = (near.detour_s + 59) / 60;
    format!("{minutes:>4} min more  {}", show::lead_line(&near.record))
}

/// Follows the day's route by the fixes of a file.
fn follow(phone: &Phone, date: CalendarDate, file: &Path) -> Result<Answer, PhoneError> {
    let session = phone.engine.follow_day(&FollowDay::new(date))?;
    let map = session.map();
    let kind = match map.kind {
        RouteKind::Road => "road",
        RouteKind::Crow => "crow",
    };
    let (mut told, mut text, mut fixes) = (Vec::new(), Vec::new(), 0u64);
    read_fixes(file, |fix, course_deg| {
        phone.clock.follow(fix.at);
        fixes += 1;
        for event in session.update(fix, course_deg).events {
            let (name, more) = event_parts(&event);
            text.push(format!("{}  {name}  {more}", fix.at.0));
            told.push(json!({ "at": fix.at, "event": name, "more": more }));
        }
        Ok(())
    })?;
    let trip = session.trip();
    let json = json!({
        "route": { "kind": kind, "length_m": map.length_m, "stops": map.stops.len() },
        "fixes": fixes,
        "events": told,
        "driven_m": trip.driven_m,
        "deviations": trip.deviations,
    });
    text.push(format!("{fixes} fixes, {:.1} km", trip.driven_m / 1_000.0));
    Ok(Answer::new(json, text.join("\n")))
}

/// An event's name, and what else there is to say.
fn event_parts(event: &RouteEvent) -> (&'static str, String) {
    let whose = |lead: &Option<LeadId>| lead.map_or_else(String::new, |lead| lead.to_string());
    match event {
        RouteEvent::Joined { along_m, .. } => ("joined", format!("{along_m:.0} m")),
        RouteEvent::StepEntered { step } => ("step", step.to_string()),
        RouteEvent::Speak { text, .. } => ("speak", text.clone()),
        RouteEvent::NotSaid { id } => ("not_said", id.clone()),
        RouteEvent::BannerChanged => ("banner", String::new()),
        RouteEvent::Deviated { offset_m, .. } => ("deviated", format!("{offset_m:.0} m")),
        RouteEvent::ViaPassed { stop } => ("via_passed", stop.to_string()),
        RouteEvent::Arrived { lead, .. } => ("arrived", whose(lead)),
        RouteEvent::VisitProposed { stay } => ("visit_proposed", whose(&stay.lead)),
        RouteEvent::Departed { stay } => ("departed", whose(&stay.lead)),
        RouteEvent::PassedBy { lead, .. } => ("passed_by", whose(lead)),
        RouteEvent::StopMissed { lead, .. } => ("stop_missed", whose(lead)),
        RouteEvent::RouteChanged { version } => ("route_changed", version.to_string()),
        RouteEvent::Completed { trip } => ("completed", format!("{:.0} m", trip.driven_m)),
    }
}

fn shown(engine: &Engine, day: &DayRecord) -> Answer {
    let mut lines = vec![format!(
        "{}  {} visits, {} min of driving ({:.1} km), by {}{}",
        day.date,
        day.totals.visits,
        day.totals.driving_s / 60,
        day.totals.metres as f64 / 1_000.0,
        day.travel.provider,
        if day.is_proven_best {
            "; no better plan exists"
        } else {
            ""
        },
    )];
    lines.extend(day.steps.iter().map(|step| step_line(engine, day, step)));
    let left = day.left_out.iter();
    lines.extend(left.map(|left| {
        format!(
            "  left out  {}  {}",
            name(engine, left.lead),
            show::name_of(&left.reason)
        )
    }));
    Answer::new(json!(day), lines.join("\n"))
}

fn step_line(engine: &Engine, day: &DayRecord, step: &DayStep) -> String {
    let what = match (step.kind, step.lead) {
        (DayStepKind::Visit, Some(lead)) => name(engine, lead),
        _ => "break".to_owned(),
    };
    let clock = |at: TimestampMs| show::clock(at, &day.time_zone);
    let mark = if step.is_committed { "!" } else { " " };
    format!(
        "{mark} {} - {}  {what}  ({} min there, {} min to spare)",
        clock(step.start),
        clock(step.departure),
        (step.travel_s + 59) / 60,
        step.slack_s / 60,
    )
}

fn name(engine: &Engine, lead: LeadId) -> String {
    engine
        .lead(lead)
        .map_or_else(|_| lead.to_string(), |record| record.lead.name)
}
