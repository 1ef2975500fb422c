//! What the tests share.
#![allow(dead_code)]

use fieldfare_model::{
    ClientId, Columns, ConsentAction, ConsentEvent, ConsentEventId, Entity, LatLng, Lead, LeadId,
    OperationId, Purpose, RepId, Row, RowId, TimestampMs, schema,
};
use fieldfare_store::{MemoryKeyVault, NewOperation, OpenReport, Store, StoreError, StoreOptions};
use fieldfare_sync::{
    Change, Checkpoint, DigestKey, Epoch, FeedChange, FieldEdit, Frame, OperationResult, Outcome,
    PhoneStore, Priority, Reoffer, Repair, RepairPlan, RowMark, ScopeGrant, ScopeId, ScopeSums,
    bucket_of, encode_frames,
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
        phone.stage(&Frame::decode(&bytes).unwrap(), &bytes, to)?;
    }
    Ok(())
}

/// Offers again what a server restored to `above` lost; whether the numbers go on.
pub fn reoffer(store: &Store, above: u64) -> bool {
    let before = store.sync_state().unwrap().client;
    let which = Reoffer {
        above,
        is_new_history: false,
    };
    let mut fresh = [0xcc; 16];
    fresh[..8].copy_from_slice(&above.to_be_bytes());
    (&mut &*store)
        .reoffer(which, ClientId::from_bytes(fresh))
        .unwrap();
    store.sync_state().unwrap().client == before
}

/// Compares and repairs what is to be, against what a scope should hold.
pub fn reconcile(
    store: &Store,
    epoch: Epoch,
    head: u64,
    held: &dyn Fn(&ScopeId) -> Vec<(Entity, Row)>,
) {
    let key = DigestKey::of(epoch);
    let mine = store.sums(&key).unwrap();
    let uncompared = store.sync_state().unwrap().uncompared;
    let differing = uncompared.iter().map(|name| {
        let mut theirs = ScopeSums::default();
        for (entity, row) in held(name) {
            theirs.add(row.id, key.hash(entity, &row));
        }
        let mine = mine.iter().find(|(scope, _)| scope == name).unwrap();
        (name.clone(), theirs.differing(&mine.1))
    });
    let differing: Vec<_> = differing.collect();
    (&mut &*store).note_comparison(head, &differing).unwrap();
    while let Some(plan) = store.next_repair(&key, 1).unwrap() {
        repair(store, &key, head, &plan, &held(&plan.scope));
    }
}

fn repair(store: &Store, key: &DigestKey, head: u64, plan: &RepairPlan, held: &[(Entity, Row)]) {
    let in_plan = |id: RowId| plan.buckets.contains(&bucket_of(id));
    let held: Vec<_> = held.iter().filter(|(_, row)| in_plan(row.id)).collect();
    let known = |entity: Entity, row: &Row| {
        let mark = key.hash(entity, row).mark();
        let same = |m: &RowMark| (m.entity, m.id, m.mark) == (entity, row.id, mark);
        plan.rows.iter().any(same)
    };
    let mut puts: Vec<_> = held
        .iter()
        .filter(|(entity, row)| !known(*entity, row))
        .map(|(entity, row)| FeedChange::Put {
            entity: *entity,
            row: row.clone(),
        })
        .collect();
    puts.sort_by_key(FeedChange::seq);
    let is_gone = |m: &&RowMark| !held.iter().any(|(e, row)| (*e, row.id) == (m.entity, m.id));
    let gone = plan.rows.iter().filter(is_gone).map(|m| (m.entity, m.id));
    let compress = |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap();
    let frames = encode_frames(&plan.scope, 0, head, &puts, &compress).unwrap();
    let frames: Vec<_> = frames
        .iter()
        .map(|bytes| (Frame::decode(bytes).unwrap(), bytes.as_slice()))
        .collect();
    let repair = Repair {
        scope: &plan.scope,
        buckets: &plan.buckets,
        frames: &frames,
        gone: &gone.collect::<Vec<_>>(),
    };
    (&mut &*store).stage_repair(&repair).unwrap();
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

/// The first entry of a ledger: a grant of live tracking.
pub fn first_grant(text_version: &str, language: &str) -> ConsentEvent {
    ConsentEvent {
        id: ConsentEventId::from_bytes([4; 16]),
        rep: RepId::from_bytes([1; 16]),
        sequence: 1,
        purpose: Purpose::LiveTracking,
        action: ConsentAction::Grant,
        text_version: text_version.into(),
        language: language.into(),
        at: TimestampMs(5),
        valid_until: None,
        previous: [0; 32],
        hash: [9; 32],
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

/// The server takes everything that waits, as its change `version`.
pub fn answer(store: &Store, version: u64, at: TimestampMs) -> Result<(), StoreError> {
    let mut phone = store;
    let batch = phone.next_batch(100, 200_000)?;
    let results: Vec<_> = batch
        .iter()
        .map(|operation| OperationResult {
            id: operation.id,
            n: operation.n,
            outcome: Outcome::Applied { version },
        })
        .collect();
    phone.save_results(&results, at).map(drop)
}
