//! What a visit becomes in the CRM.

use crate::hubspot::ObjectType;
use crate::writeback::jobs::{JobKind, Payload};
use fieldfare_model::{Visit, VisitOutcome};
use serde_json::{Value, json};

/// Numbers HubSpot gives to associations of tasks and notes.
const TASK_TO_COMPANY: u32 = 192;
const TASK_TO_CONTACT: u32 = 204;
const NOTE_TO_COMPANY: u32 = 190;
const NOTE_TO_CONTACT: u32 = 202;

/// A visit that asks for another one becomes a task, due then; any other a note.
pub(super) fn plan(visit: &Visit, lead_name: &str, owner: Option<&str>) -> (JobKind, Payload) {
    let mut properties = match visit.follow_up_at {
        Some(due) => task(visit, lead_name, due.0),
        None if visit.outcome == VisitOutcome::FollowUp => {
            task(visit, lead_name, visit.started_at.0)
        }
        None => note(visit),
    };
    properties.extend(owner.map(|o| ("hubspot_owner_id", o.to_owned())));
    let is_task = properties
        .iter()
        .any(|(name, _)| *name == "hs_task_subject");
    let kind = if is_task {
        JobKind::Task
    } else {
        JobKind::Note
    };
    let properties = properties
        .into_iter()
        .map(|(k, v)| (k.to_owned(), v))
        .collect();
    (
        kind,
        Payload {
            properties,
            columns: Vec::new(),
        },
    )
}

fn task(visit: &Visit, lead_name: &str, due: i64) -> Vec<(&'static str, String)> {
    vec![
        ("hs_timestamp", due.to_string()),
        ("hs_task_subject", format!("Visit {lead_name} again")),
        ("hs_task_body", body(visit)),
        ("hs_task_status", "NOT_STARTED".to_owned()),
        ("hs_task_priority", "MEDIUM".to_owned()),
        ("hs_task_type", "TODO".to_owned()),
    ]
}

fn note(visit: &Visit) -> Vec<(&'static str, String)> {
    vec![
        ("hs_timestamp", visit.started_at.0.to_string()),
        ("hs_note_body", body(visit)),
    ]
}

fn body(visit: &Visit) -> String {
    let outcome = match visit.outcome {
        VisitOutcome::Met => "Visit: spoke to somebody who decides.",
        VisitOutcome::NoAnswer => "Visit: nobody there.",
        VisitOutcome::FollowUp => "Visit: to be continued.",
        VisitOutcome::Order => "Visit: ordered.",
        VisitOutcome::NotInterested => "Visit: not interested.",
        VisitOutcome::Closed => "Visit: the place is gone or wrong.",
    };
    match &visit.note {
        Some(note) => format!("{outcome}<br>{}", escape(note)),
        None => outcome.to_owned(),
    }
}

/// HubSpot shows bodies as HTML.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("<br>"),
            c => out.push(c),
        }
    }
    out
}

/// The associations of a task or note with the record of a lead.
pub(super) fn associations(kind: JobKind, record: ObjectType, object: &str) -> Value {
    let number = match (kind, record) {
        (JobKind::Task, ObjectType::Companies) => TASK_TO_COMPANY,
        (JobKind::Task, ObjectType::Contacts) => TASK_TO_CONTACT,
        (_, ObjectType::Companies) => NOTE_TO_COMPANY,
        (_, ObjectType::Contacts) => NOTE_TO_CONTACT,
    };
    json!([{
        "to": { "id": object },
        "types": [{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": number }],
    }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use fieldfare_model::{LeadId, RepId, TimestampMs, VisitId};

    fn visit(outcome: VisitOutcome, follow_up: Option<i64>) -> Visit {
        Visit {
            id: VisitId::from_bytes([1; 16]),
            lead: LeadId::from_bytes([2; 16]),
            rep: RepId::from_bytes([3; 16]),
            started_at: TimestampMs(5),
            ended_at: None,
            outcome,
            note: Some("<script> & more\nsecond".into()),
            follow_up_at: follow_up.map(TimestampMs),
            position: None,
        }
    }

    #[test]
    fn a_follow_up_is_a_task_and_anything_else_a_note() {
        let (kind, payload) = plan(
            &visit(VisitOutcome::NoAnswer, Some(99)),
            "Bakery",
            Some("7"),
        );
        assert_eq!(kind, JobKind::Task);
        assert!(
            payload
                .properties
                .contains(&("hs_timestamp".into(), "99".into()))
        );
        assert!(
            payload
                .properties
                .contains(&("hubspot_owner_id".into(), "7".into()))
        );
        assert_eq!(
            plan(&visit(VisitOutcome::FollowUp, None), "B", None).0,
            JobKind::Task
        );
        assert_eq!(
            plan(&visit(VisitOutcome::Order, None), "B", None).0,
            JobKind::Note
        );
    }

    #[test]
    fn what_the_rep_wrote_is_text() {
        let text = body(&visit(VisitOutcome::Met, None));
        assert!(text.ends_with("&lt;script&gt; &amp; more<br>second"));
    }
}
