//! What the tests share.
#![allow(dead_code)]

use fieldfare_model::{
    Columns, Entity, LatLng, Lead, LeadId, OperationId, Row, RowId, TimestampMs, schema,
};
use fieldfare_store::{MemoryKeyVault, NewOperation, OpenReport, Store, StoreError, StoreOptions};
use fieldfare_sync::{
    Change, Checkpoint, FeedChange, FieldEdit, Frame, PhoneStore, Priority, ScopeGrant, ScopeId,
    encode_frames,
};
use std::path::Path;
use std::sync::Arc;

pub fn open(dir: &Path, vault: &Arc<MemoryKeyVault>) -> (Store, OpenReport) {
    Store::open(dir, vault.clone(), StoreOptions::default()).unwrap()
}

pub fn scope(name: &str) -> ScopeId {
    ScopeId::try_from(name.to_owned()).unwrap()
}

pub fn lead_id(i: u8) -> LeadId {
    LeadId::from_bytes([i; 16])
}

pub fn operation_id(i: u64) -> OperationId {
    let mut bytes = [0xee; 16];
    bytes[8..].copy_from_slice(&i.to_be_bytes());
    OperationId::from_bytes(bytes)
}

pub fn lead_columns(i: u8, name: &str) -> Columns {
    let mut lead = Lead::new(lead_id(i), name);
    lead.geocode.position = Some(LatLng::new(f64::from(i), -71.0).unwrap());
    lead.to_columns()
}

pub fn put_lead(i: u8, version: u64, name: &str) -> FeedChange {
    FeedChange::Put {
        entity: Entity::LEAD,
        row: Row {
            id: lead_id(i).row(),
            version,
            columns: lead_columns(i, name),
        },
    }
}

pub fn stage(store: &Store, scope: &ScopeId, from: u64, to: u64, changes: &[FeedChange]) {
    try_stage(store, scope, from, to, changes).unwrap();
}

pub fn try_stage(
    store: &Store,
    scope: &ScopeId,
    from: u64,
    to: u64,
    changes: &[FeedChange],
) -> Result<(), StoreError> {
    let mut phone = store;
    let compress = |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap();
    for bytes in encode_frames(scope, from, to, changes, &compress).unwrap() {
        phone.stage(&Frame::decode(&bytes).unwrap(), &bytes)?;
    }
    Ok(())
}

pub fn grant(name: &str) -> ScopeGrant {
    let scope = scope(name);
    ScopeGrant {
        priority: scope.priority(),
        scope,
    }
}

pub fn complete(head: u64) -> Checkpoint {
    Checkpoint {
        head,
        priority: Priority::BULK,
        complete: true,
    }
}

pub fn rename(operation: u64, row: RowId, base_version: u64, name: &str) -> NewOperation {
    NewOperation {
        id: operation_id(operation),
        entity: Entity::LEAD,
        row,
        base_version,
        depends_on: None,
        at: TimestampMs(1),
        change: Change::Edit(vec![FieldEdit {
            tag: schema::lead::NAME,
            base: fieldfare_model::Value::Null,
            new: name.into(),
        }]),
    }
}

pub fn create(operation: u64, i: u8, name: &str) -> NewOperation {
    NewOperation {
        id: operation_id(operation),
        entity: Entity::LEAD,
        row: lead_id(i).row(),
        base_version: 0,
        depends_on: None,
        at: TimestampMs(1),
        change: Change::Create(lead_columns(i, name)),
    }
}

pub fn name_of(store: &Store, i: u8) -> Option<String> {
    let stored = store.lead(lead_id(i)).unwrap()?;
    stored
        .row
        .columns
        .get(schema::lead::NAME)
        .as_text()
        .map(str::to_owned)
}

/// A store with leads 1 and 2 shown at head 10.
pub fn filled(dir: &Path, vault: &Arc<MemoryKeyVault>) -> Store {
    let (store, _) = open(dir, vault);
    (&store).enter_epoch(fieldfare_sync::Epoch(7)).unwrap();
    let territory = scope("terr:a");
    stage(
        &store,
        &territory,
        0,
        10,
        &[put_lead(1, 5, "Anna"), put_lead(2, 6, "Bert")],
    );
    (&store).publish(&[grant("terr:a")], &complete(10)).unwrap();
    store
}
