//! Everything this phone knows about the rep, for the rep.

use crate::{ConflictRecord, ConsentRecord, Engine, EngineResult, OperationRecord, RefusedRecord};
use fieldfare_model::{Fix, PingId, Purpose, Value, VisitId};
use serde_json::{Map, json};

/// The form of the export; a change that removes or renames a key raises it.
const FORMAT: u32 = 1;

impl Engine {
    /// Everything this phone holds about the rep, as JSON: who the device belongs to, the rep's
    /// visits, the consent ledger with the server's receipts, positions not sent yet, leads
    /// the rep is at, a drive that is kept, and changes pending, refused or in conflict.
    ///
    /// # Errors
    /// [`crate::EngineError::NotEnrolled`], or as storage has it.
    pub fn export_my_data(&self) -> EngineResult<String> {
        let enrolment = self.session.enrolment()?;
        let rep = self.rep()?;
        let visits: Vec<serde_json::Value> = self
            .all_visits()?
            .into_iter()
            .filter(|record| record.visit.rep == enrolment.rep)
            .map(|record| {
                let mut visit = json!(record.visit);
                insert(&mut visit, "is_pending", json!(record.is_pending));
                visit
            })
            .collect();
        let consents: Vec<_> = self.consents()?.into_iter().map(consent_json).collect();
        let pings: Vec<_> = self.store.unsent_pings(usize::MAX)?;
        let pings: Vec<_> = pings
            .iter()
            .map(|p| ping_json(p.id, p.purpose, &p.fix))
            .collect();
        let pending: Vec<_> = self.pending()?.iter().map(operation_json).collect();
        let refused: Vec<_> = self.refused()?.iter().map(refused_json).collect();
        let conflicts: Vec<_> = self.conflicts()?.iter().map(conflict_json).collect();
        let export = json!({
            "format": FORMAT,
            "exported_at_ms": self.sources.now(),
            "device": { "id": enrolment.device, "tenant": enrolment.tenant },
            "rep": rep,
            "visits": visits,
            "consent_ledger": consents,
            "consent_state": self.consent_state(),
            "unsent_positions": pings,
            "at_leads": self.remembered_proximity(),
            "followed_route": self.saved_following()?,
            "pending_changes": pending,
            "refused_changes": refused,
            "conflicts": conflicts,
        });
        Ok(format!("{export:#}"))
    }
}

fn insert(object: &mut serde_json::Value, key: &str, value: serde_json::Value) {
    if let Some(map) = object.as_object_mut() {
        map.insert(key.to_owned(), value);
    }
}

fn consent_json(record: ConsentRecord) -> serde_json::Value {
    let event = record.event;
    json!({
        "id": event.id,
        "sequence": event.sequence,
        "purpose": event.purpose,
        "action": event.action,
        "text_version": event.text_version,
        "language": event.language,
        "at_ms": event.at,
        "valid_until_ms": event.valid_until,
        "previous": hex(&event.previous),
        "hash": hex(&event.hash),
        "confirmed_by_server": record.is_acknowledged,
    })
}

fn ping_json(id: PingId, purpose: Purpose, fix: &Fix) -> serde_json::Value {
    json!({ "id": id, "purpose": purpose, "fix": fix })
}

fn operation_json(operation: &OperationRecord) -> serde_json::Value {
    let fields: Map<String, serde_json::Value> = operation
        .fields
        .iter()
        .map(|field| {
            let change = json!({
                "before": value_json(&field.before),
                "after": value_json(&field.after),
            });
            (field.column.clone(), change)
        })
        .collect();
    json!({
        "id": operation.id,
        "entity": operation.entity,
        "row": operation.row,
        "new_row": operation.is_new_row,
        "at_ms": operation.at,
        "fields": fields,
    })
}

fn refused_json(refused: &RefusedRecord) -> serde_json::Value {
    let mut object = operation_json(&refused.operation);
    insert(&mut object, "code", json!(refused.code));
    insert(&mut object, "reason", json!(refused.reason));
    insert(&mut object, "refused_at_ms", json!(refused.refused_at));
    object
}

fn conflict_json(record: &ConflictRecord) -> serde_json::Value {
    json!({
        "id": record.conflict.id,
        "entity": record.entity,
        "row": record.conflict.row,
        "column": record.column,
        "kept": value_json(&record.conflict.kept),
        "lost": value_json(&record.conflict.lost),
        "at_ms": record.conflict.at,
        "phone_won": record.conflict.phone_won,
    })
}

/// Ids are stored as 16 bytes and shown as such.
fn value_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Int(n) => json!(n),
        Value::Text(text) => json!(text),
        Value::Bytes(bytes) => match VisitId::from_slice(bytes) {
            Ok(id) => json!(id),
            Err(_) => json!(hex(bytes)),
        },
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
