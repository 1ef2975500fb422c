//! Forms of records for people and programs.

use fieldfare_engine::{
    ConflictRecord, FieldChange, LeadRecord, OperationRecord, RefusedRecord, VisitRecord,
};
use fieldfare_model::{Address, Lead, LeadStatus, TimestampMs, Value};
use serde::Serialize;
use serde_json::json;

/// The name the JSON forms use for a value of an enum.
pub fn name_of<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

/// Puts further keys into a JSON object.
pub fn with(mut object: serde_json::Value, more: serde_json::Value) -> serde_json::Value {
    if let (Some(map), serde_json::Value::Object(more)) = (object.as_object_mut(), more) {
        map.extend(more);
    }
    object
}

/// A lead for programs.
pub fn lead_json(record: &LeadRecord) -> serde_json::Value {
    let more = json!({ "version": record.version, "is_pending": record.is_pending });
    with(json!(record.lead), more)
}

/// A lead on one line.
pub fn lead_line(record: &LeadRecord) -> String {
    let lead = &record.lead;
    let mark = if record.is_pending { "*" } else { " " };
    let (status, address) = (name_of(&lead.status), address(&lead.address));
    format!(
        "{mark} {}  {:<11} {}  {address}",
        lead.id, status, lead.name
    )
}

/// A lead on many lines.
pub fn lead_text(record: &LeadRecord) -> String {
    let lead = &record.lead;
    let pairs = [
        ("id", Some(lead.id.to_string())),
        ("status", Some(name_of(&lead.status))),
        ("address", Some(address(&lead.address))),
        ("position", position(lead)),
        ("phone", lead.phone.clone()),
        ("e-mail", lead.email.clone()),
        ("website", lead.website.clone()),
        ("tier", lead.tier.map(|tier| tier.to_string())),
        ("score", lead.score.map(|score| score.to_string())),
        ("owner", lead.owner.clone()),
        ("hours", Some(lead.contact_hours.to_string())),
        ("notes", lead.notes.clone()),
        (
            "waits",
            record
                .is_pending
                .then(|| "changes not on the server yet".to_owned()),
        ),
    ];
    let lines = pairs
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)))
        .map(|(name, value)| format!("  {name:<9} {value}"));
    let lines: Vec<String> = std::iter::once(lead.name.clone()).chain(lines).collect();
    lines.join("\n")
}

fn position(lead: &Lead) -> Option<String> {
    let at = lead.geocode.position?;
    let precision = lead
        .geocode
        .precision
        .map_or_else(String::new, |precision| {
            format!(" ({})", name_of(&precision))
        });
    Some(format!("{:.6}, {:.6}{precision}", at.lat(), at.lon()))
}

fn address(address: &Address) -> String {
    let parts = [
        &address.street,
        &address.unit,
        &address.city,
        &address.region,
        &address.postal_code,
        &address.country,
    ];
    let parts: Vec<&str> = parts.into_iter().filter_map(Option::as_deref).collect();
    parts.join(", ")
}

/// A visit for programs.
pub fn visit_json(record: &VisitRecord) -> serde_json::Value {
    with(
        json!(record.visit),
        json!({ "is_pending": record.is_pending }),
    )
}

/// A visit on one line.
pub fn visit_line(record: &VisitRecord) -> String {
    let visit = &record.visit;
    let mark = if record.is_pending { "*" } else { " " };
    let note = visit.note.as_deref().unwrap_or_default();
    let outcome = name_of(&visit.outcome);
    format!(
        "{mark} {}  {outcome:<14} lead {}  {note}",
        visit.started_at.0, visit.lead
    )
}

/// A change for programs.
pub fn operation_json(operation: &OperationRecord) -> serde_json::Value {
    let fields: Vec<_> = operation
        .fields
        .iter()
        .map(|field| {
            json!({
                "column": field.column,
                "before": value_json(&field.before),
                "after": value_json(&field.after),
            })
        })
        .collect();
    json!({
        "id": operation.id,
        "entity": operation.entity,
        "row": operation.row,
        "is_new_row": operation.is_new_row,
        "at": operation.at,
        "fields": fields,
    })
}

/// A change on one line.
pub fn operation_line(operation: &OperationRecord) -> String {
    let verb = if operation.is_new_row { "new" } else { "edit" };
    let fields: Vec<String> = if operation.is_new_row {
        Vec::new()
    } else {
        operation.fields.iter().map(field_text).collect()
    };
    let (id, entity, row) = (operation.id, &operation.entity, operation.row);
    format!("{id}  {verb} {entity} {row}  {}", fields.join(", "))
}

fn field_text(field: &FieldChange) -> String {
    let [before, after] =
        [&field.before, &field.after].map(|value| value_text(&field.column, value));
    format!("{}: {before} -> {after}", field.column)
}

/// A value for people: statuses by name.
fn value_text(column: &str, value: &Value) -> String {
    let status = (column == "status").then(|| value.as_int()).flatten();
    match status.and_then(LeadStatus::from_code) {
        Some(status) => name_of(&status),
        None => value_json(value).to_string(),
    }
}

/// A refused change for programs.
pub fn refused_json(refused: &RefusedRecord) -> serde_json::Value {
    let more = json!({
        "code": refused.code,
        "reason": refused.reason,
        "refused_at": refused.refused_at,
    });
    with(operation_json(&refused.operation), more)
}

/// A conflict for programs.
pub fn conflict_json(record: &ConflictRecord) -> serde_json::Value {
    let conflict = &record.conflict;
    json!({
        "id": conflict.id,
        "entity": record.entity,
        "row": conflict.row,
        "column": record.column,
        "kept": value_json(&conflict.kept),
        "lost": value_json(&conflict.lost),
        "operation": conflict.operation,
        "at": conflict.at,
        "phone_won": conflict.phone_won,
    })
}

/// A conflict on one line.
pub fn conflict_line(record: &ConflictRecord) -> String {
    let conflict = &record.conflict;
    let column = record.column.as_deref().unwrap_or("the whole row");
    let (kept, lost) = (value_json(&conflict.kept), value_json(&conflict.lost));
    format!(
        "{} {}  {column}: {kept} stands, {lost} does not",
        record.entity, conflict.row
    )
}

fn value_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Int(n) => json!(n),
        Value::Text(text) => json!(text),
        Value::Bytes(bytes) => {
            let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
            json!(digits.collect::<String>())
        }
    }
}

/// The time of day in a zone.
pub fn clock(at: TimestampMs, zone: &str) -> String {
    let moment = jiff::Timestamp::from_millisecond(at.0).and_then(|at| at.in_tz(zone));
    moment.map_or_else(|_| at.0.to_string(), |at| at.strftime("%H:%M").to_string())
}

/// Lines, or a word for none.
pub fn lines(lines: Vec<String>, none: &str) -> String {
    if lines.is_empty() {
        none.to_owned()
    } else {
        lines.join("\n")
    }
}
