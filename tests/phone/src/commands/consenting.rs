use crate::answer::Answer;
use crate::args::ConsentCommand;
use crate::phone::PhoneError;
use crate::show;
use fieldfare_engine::{ConsentRecord, Engine, PurposeState};
use fieldfare_model::TimestampMs;
use serde_json::json;

pub fn run(engine: &Engine, what: ConsentCommand) -> Result<Answer, PhoneError> {
    match what {
        ConsentCommand::Grant {
            purpose,
            text_version,
            language,
            valid_until,
        } => {
            let until = valid_until.map(TimestampMs);
            engine.grant(purpose, &text_version, &language, until)?;
        }
        ConsentCommand::Withdraw { purpose } => {
            engine.withdraw(purpose)?;
        }
        ConsentCommand::List => {}
    }
    list(engine)
}

fn list(engine: &Engine) -> Result<Answer, PhoneError> {
    let state = engine.consent_state();
    let entries = engine.consents()?;
    let ledger: Vec<_> = entries.iter().map(entry_json).collect();
    let json = json!({ "state": state, "entries": ledger });
    let purposes = state.purposes.iter().map(purpose_line);
    let ledger = entries.iter().map(entry_line);
    let lines: Vec<String> = purposes
        .chain([format!("ledger: {}", show::name_of(&state.ledger))])
        .chain(ledger)
        .collect();
    Ok(Answer::new(json, lines.join("\n")))
}

fn purpose_line(state: &PurposeState) -> String {
    let name = show::name_of(&state.purpose);
    let verdict = state.reason.as_deref().unwrap_or("granted");
    format!("{name:<17} {verdict}")
}

fn entry_json(record: &ConsentRecord) -> serde_json::Value {
    let event = &record.event;
    json!({
        "id": event.id,
        "sequence": event.sequence,
        "purpose": event.purpose,
        "action": event.action,
        "text_version": event.text_version,
        "language": event.language,
        "at": event.at,
        "valid_until": event.valid_until,
        "is_acknowledged": record.is_acknowledged,
    })
}

fn entry_line(record: &ConsentRecord) -> String {
    let event = &record.event;
    let mark = if record.is_acknowledged { " " } else { "*" };
    let (action, purpose) = (show::name_of(&event.action), show::name_of(&event.purpose));
    format!(
        "{mark} {:>3} {} {action:<8} {purpose}",
        event.sequence, event.at.0
    )
}
