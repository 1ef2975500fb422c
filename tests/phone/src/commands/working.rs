use super::id;
use crate::answer::Answer;
use crate::args::{RefusedCommand, VisitArgs};
use crate::phone::{PhoneError, position};
use crate::{fields, show};
use fieldfare_engine::{Engine, NewVisit};
use fieldfare_model::{LeadId, OperationId, TimestampMs};
use serde_json::json;

pub fn visit(engine: &Engine, args: VisitArgs) -> Result<Answer, PhoneError> {
    let record = engine.record_visit(NewVisit {
        lead: id("lead", &args.lead)?,
        outcome: args.outcome,
        note: args.note,
        started_at: args.started.map(TimestampMs),
        ended_at: args.ended.map(TimestampMs),
        follow_up_at: args.follow_up.map(TimestampMs),
        position: args.at.as_deref().map(position).transpose()?,
        status: args.status,
    })?;
    let text = format!("saved\n{}", show::visit_line(&record));
    Ok(Answer::new(show::visit_json(&record), text))
}

pub fn visits(engine: &Engine, lead: Option<&str>) -> Result<Answer, PhoneError> {
    let visits = match lead {
        Some(lead) => engine.visits(id("lead", lead)?)?,
        None => engine.all_visits()?,
    };
    let json: Vec<_> = visits.iter().map(show::visit_json).collect();
    let lines = visits.iter().map(show::visit_line).collect();
    Ok(Answer::new(
        json!({ "visits": json }),
        show::lines(lines, "no visits"),
    ))
}

pub fn edit(engine: &Engine, lead: &str, edits: &[String]) -> Result<Answer, PhoneError> {
    let lead: LeadId = id("lead", lead)?;
    let edits = edits
        .iter()
        .map(|text| fields::edit(text))
        .collect::<Result<_, _>>()?;
    let record = engine.edit_lead(lead, edits)?;
    let text = format!("saved\n{}", show::lead_text(&record));
    Ok(Answer::new(show::lead_json(&record), text))
}

pub fn add(
    engine: &Engine,
    name: String,
    values: &[String],
    at: Option<&str>,
) -> Result<Answer, PhoneError> {
    let mut lead = fields::new_lead(name, values)?;
    lead.position = at.map(position).transpose()?;
    let record = engine.add_lead(lead)?;
    let text = format!("saved\n{}", show::lead_text(&record));
    Ok(Answer::new(show::lead_json(&record), text))
}

pub fn pending(engine: &Engine) -> Result<Answer, PhoneError> {
    let pending = engine.pending()?;
    let json: Vec<_> = pending.iter().map(show::operation_json).collect();
    let lines = pending.iter().map(show::operation_line).collect();
    Ok(Answer::new(
        json!({ "pending": json }),
        show::lines(lines, "nothing waits"),
    ))
}

pub fn refused(engine: &Engine, what: Option<RefusedCommand>) -> Result<Answer, PhoneError> {
    match what {
        None => list_refused(engine),
        Some(RefusedCommand::Retry { id: text }) => {
            engine.retry_refused(id::<OperationId>("change", &text)?)?;
            Ok(Answer::done("it waits for the next sync again"))
        }
        Some(RefusedCommand::Discard { id: text }) => {
            engine.discard_refused(id::<OperationId>("change", &text)?)?;
            Ok(Answer::done("put away"))
        }
    }
}

fn list_refused(engine: &Engine) -> Result<Answer, PhoneError> {
    let refused = engine.refused()?;
    let json: Vec<_> = refused.iter().map(show::refused_json).collect();
    let line = |r: &fieldfare_engine::RefusedRecord| {
        format!("{}\n    {}", show::operation_line(&r.operation), r.reason)
    };
    let lines = refused.iter().map(line).collect();
    Ok(Answer::new(
        json!({ "refused": json }),
        show::lines(lines, "nothing was refused"),
    ))
}

pub fn conflicts(engine: &Engine) -> Result<Answer, PhoneError> {
    let conflicts = engine.conflicts()?;
    let json: Vec<_> = conflicts.iter().map(show::conflict_json).collect();
    let lines = conflicts.iter().map(show::conflict_line).collect();
    Ok(Answer::new(
        json!({ "conflicts": json }),
        show::lines(lines, "no conflicts"),
    ))
}
