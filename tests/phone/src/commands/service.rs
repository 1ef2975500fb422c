use crate::answer::Answer;
use crate::phone::{Phone, PhoneError};
use crate::show;
use fieldfare_engine::{Engine, EngineStatus, FileReport, SyncOptions};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

pub async fn enrol(engine: &Arc<Engine>, code: String, name: String) -> Result<Answer, PhoneError> {
    let enrolment = Arc::clone(engine).enrol(code, name).await?;
    let who = enrolment
        .rep_name
        .clone()
        .unwrap_or_else(|| enrolment.rep.to_string());
    Ok(Answer::new(
        json!(enrolment),
        format!("enrolled as a device of {who}; sync next"),
    ))
}

pub async fn sync(engine: &Arc<Engine>, background: bool) -> Result<Answer, PhoneError> {
    let options = SyncOptions {
        is_background: background,
        ..SyncOptions::default()
    };
    let report = Arc::clone(engine).sync(options, None).await?;
    let json = json!({
        "pushed": report.pushed,
        "refused": report.refused,
        "rows": report.rows,
        "frames": report.frames,
        "pings": report.pings,
        "bytes_up": report.bytes_up,
        "bytes_down": report.bytes_down,
        "head": report.head,
    });
    let text = format!(
        "{} changes and {} positions sent ({} refused), {} rows received, {} B up, {} B down",
        report.pushed,
        report.pings,
        report.refused,
        report.rows,
        report.bytes_up,
        report.bytes_down
    );
    Ok(Answer::new(json, text))
}

pub fn status(phone: &Phone) -> Result<Answer, PhoneError> {
    let status = phone.engine.status()?;
    let files = json!({
        "files": {
            "cache": file_json(&phone.report.cache),
            "outbox": file_json(&phone.report.outbox),
        }
    });
    Ok(Answer::new(
        show::with(json!(status), files),
        status_text(&phone.engine, &status),
    ))
}

fn file_json(report: &FileReport) -> serde_json::Value {
    match report {
        FileReport::Opened => json!("opened"),
        FileReport::Created => json!("created"),
        FileReport::Replaced { kept_as } => json!({ "replaced": kept_as }),
    }
}

fn status_text(engine: &Engine, status: &EngineStatus) -> String {
    let who = match engine.rep() {
        Ok(rep) if rep.name.is_empty() => rep.id.to_string(),
        Ok(rep) => rep.name,
        Err(_) => "not enrolled".to_owned(),
    };
    let synced = match (status.last_sync_at, &status.last_error) {
        (None, None) => "never".to_owned(),
        (None, Some(error)) => format!("never; last try: {error}"),
        (Some(at), None) => format!("{}", at.0),
        (Some(at), Some(error)) => format!("{}; last try: {error}", at.0),
    };
    let counts = &status.counts;
    let lines = [
        format!("rep        {who}"),
        format!("synced     {synced}, head {}", status.head),
        format!(
            "leads      {} ({} on the map)",
            counts.leads, counts.located_leads
        ),
        format!("visits     {}", counts.visits),
        format!(
            "waiting    {} to send, {} refused",
            status.pending, status.refused
        ),
        format!("conflicts  {}", counts.conflicts),
        format!("repaired   {} scopes", status.repaired_scopes),
        format!(
            "consent    ledger {}",
            show::name_of(&status.consent.ledger)
        ),
    ];
    lines.join("\n")
}

pub fn export(engine: &Engine, out: Option<&Path>) -> Result<Answer, PhoneError> {
    let text = engine.export_my_data()?;
    match out {
        Some(path) => {
            std::fs::write(path, &text).map_err(|error| PhoneError::file(path, error))?;
            Ok(Answer::done(format!("written to {}", path.display())))
        }
        None => {
            let json = serde_json::from_str(&text).unwrap_or_default();
            Ok(Answer::new(json, text))
        }
    }
}

pub fn rotate_key(engine: &Engine) -> Result<Answer, PhoneError> {
    engine.rotate_key()?;
    Ok(Answer::done("the files have a new key"))
}

pub fn erase(engine: &Engine, force: bool) -> Result<Answer, PhoneError> {
    engine.erase(force)?;
    Ok(Answer::done("everything on this phone is gone"))
}
