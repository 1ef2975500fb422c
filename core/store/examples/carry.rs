//! Writes a store in which there is something of everything, or reads one and compares all of it, so that
//! files can be carried from one kind of processor to another.
//!
//! `carry write FOLDER KEY` and `carry read FOLDER KEY`; the key is 64 hexadecimal digits, for tests. The log
//! of the last writes is left unmerged beside the files, as an app that was killed leaves it.

use fieldfare_model::{
    Columns, ConsentAction, ConsentEvent, ConsentEventId, Entity, Fix, GeocodeStatus, LatLng, Lead,
    LeadId, OperationId, PingId, Purpose, RepId, Row, RowId, TimestampMs, Visit, VisitId,
    VisitOutcome, schema,
};
use fieldfare_store::{
    DataKey, FileReport, KeyVault, LeadFilter, LeadOrder, NewOperation, Ping, Store, StoreOptions,
    StoredRow, VaultError,
};
use fieldfare_sync::{
    Change, Checkpoint, Epoch, FeedChange, FieldEdit, Frame, LedgerHead, PhoneStore, Priority,
    ScopeGrant, ScopeId, consent_hash, encode_frames, verify_chain,
};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const LEADS: u64 = 400;
const VISITS: u64 = 40;
const HEAD: u64 = LEADS + VISITS;
const EPOCH: Epoch = Epoch(7);
const START: i64 = 1_763_900_000_000;
const NEW_NAME: &str = "Äpfel & Söhne, 東京";
const SETTING: (&str, &[u8]) = ("carried", b"\x00\xff a setting");

/// Wraps by a mask: enough for a key that everybody may know. A wrong mask gives a wrong data key.
struct MaskVault(DataKey);

impl MaskVault {
    fn mask(&self, bytes: &[u8]) -> Vec<u8> {
        let masked = bytes.iter().zip(self.0.as_bytes()).map(|(a, b)| a ^ b);
        masked.collect()
    }
}

impl KeyVault for MaskVault {
    fn generation(&self) -> Result<u32, VaultError> {
        Ok(1)
    }

    fn wrap(&self, key: &DataKey) -> Result<Vec<u8>, VaultError> {
        Ok(self.mask(key.as_bytes()))
    }

    fn unwrap(&self, wrapped: &[u8]) -> Result<DataKey, VaultError> {
        DataKey::from_slice(&self.mask(wrapped)).ok_or(VaultError::Rejected)
    }

    fn destroy(&self) -> Result<(), VaultError> {
        Ok(())
    }
}

fn id(kind: u8, n: u64) -> [u8; 16] {
    let mut bytes = [kind; 16];
    let (_, end) = bytes.split_at_mut(8);
    end.copy_from_slice(&n.to_be_bytes());
    bytes
}

fn moment(n: u64) -> TimestampMs {
    TimestampMs(START + i64::try_from(n).unwrap_or(0) * 1_000)
}

fn rep() -> RepId {
    RepId::from_bytes(id(1, 0))
}

fn lead_id(n: u64) -> LeadId {
    LeadId::from_bytes(id(2, n))
}

/// A fifth of a degree to each side of the antimeridian and the equator, so that every sign occurs.
fn position(n: u64) -> Outcome<LatLng> {
    let step = i64::try_from(n)? * 10_000;
    let east = 1_798_000_000 + step;
    let lon = if east > 1_800_000_000 {
        east - 3_600_000_000
    } else {
        east
    };
    Ok(LatLng::from_e7(step - 2_000_000, lon)?)
}

fn lead(n: u64) -> Outcome<Lead> {
    let mut lead = Lead::new(lead_id(n), format!("Lead {n}"));
    lead.notes = Some(format!(
        "Größe {n}\n{}",
        "long ".repeat(usize::try_from(n)?)
    ));
    lead.address.street = Some(format!("{n} Main Street"));
    lead.geocode.status = GeocodeStatus::Success;
    lead.geocode.position = Some(position(n)?);
    lead.score = Some(u8::try_from(n % 101)?);
    lead.next_visit_due = Some(moment(n));
    lead.extra.set(900, i64::MIN);
    lead.extra.set(901, i64::MAX);
    Ok(lead)
}

fn visit(n: u64) -> Outcome<Visit> {
    Ok(Visit {
        id: VisitId::from_bytes(id(3, n)),
        lead: lead_id(n),
        rep: rep(),
        started_at: moment(n),
        ended_at: Some(moment(n + 60)),
        outcome: VisitOutcome::Met,
        note: Some(format!("Visit {n}")),
        follow_up_at: None,
        position: Some(position(n)?),
    })
}

/// What the server said, in the order of its feed.
fn rows() -> Outcome<Vec<(Entity, Row)>> {
    let row = |id: RowId, version, columns| Row {
        id,
        version,
        columns,
    };
    let mut rows = Vec::new();
    for n in 1..=LEADS {
        rows.push((
            Entity::LEAD,
            row(lead_id(n).row(), n, lead(n)?.to_columns()),
        ));
    }
    for n in 1..=VISITS {
        let visit = visit(n)?;
        let version = LEADS + n;
        rows.push((
            Entity::VISIT,
            row(visit.id.row(), version, visit.to_columns()),
        ));
    }
    Ok(rows)
}

fn operation(n: u64, entity: Entity, row: RowId, change: Change) -> NewOperation {
    NewOperation {
        id: OperationId::from_bytes(id(4, n)),
        entity,
        row,
        base_version: if entity == Entity::LEAD { 1 } else { 0 },
        depends_on: None,
        at: moment(n),
        change,
    }
}

/// What the rep did: a lead renamed, and a visit.
fn edits() -> Outcome<Vec<NewOperation>> {
    let renamed = Change::Edit(vec![FieldEdit {
        tag: schema::lead::NAME,
        base: lead(1)?.name.into(),
        new: NEW_NAME.into(),
    }]);
    let visit = visit(VISITS + 1)?;
    Ok(vec![
        operation(1, Entity::LEAD, lead_id(1).row(), renamed),
        operation(
            2,
            Entity::VISIT,
            visit.id.row(),
            Change::Create(visit.to_columns()),
        ),
    ])
}

/// A grant, one that is taken back, and the taking back.
fn ledger() -> Vec<ConsentEvent> {
    let decisions = [
        (Purpose::LiveTracking, ConsentAction::Grant),
        (Purpose::VisitCheckIn, ConsentAction::Grant),
        (Purpose::VisitCheckIn, ConsentAction::Withdraw),
    ];
    let mut head = LedgerHead::EMPTY;
    let mut events = Vec::new();
    for (n, (purpose, action)) in (1..).zip(decisions) {
        let mut event = ConsentEvent {
            id: ConsentEventId::from_bytes(id(5, n)),
            rep: rep(),
            sequence: n,
            purpose,
            action,
            text_version: "2026-11".into(),
            language: "de-AT".into(),
            at: moment(n),
            valid_until: None,
            previous: head.hash,
            hash: [0; 32],
        };
        event.hash = consent_hash(&event);
        head = LedgerHead::from(&event);
        events.push(event);
    }
    events
}

fn ping() -> Outcome<Ping> {
    let granted = ledger().first().map(|event| event.id);
    Ok(Ping {
        id: PingId::from_bytes(id(6, 1)),
        purpose: Purpose::LiveTracking,
        consent: granted.ok_or("the ledger is empty")?,
        fix: Fix {
            at: moment(100),
            position: position(7)?,
            accuracy_m: 12.5,
            speed_mps: Some(1.1),
        },
    })
}

fn fetch(mut store: &Store) -> Outcome<()> {
    let scope = ScopeId::try_from("terr:carried".to_owned())?;
    let changes: Vec<_> = rows()?
        .into_iter()
        .map(|(entity, row)| FeedChange::Put { entity, row })
        .collect();
    let compress = |bytes: &[u8]| zstd::encode_all(bytes, 3).unwrap_or_default();
    store.enter_epoch(EPOCH)?;
    for bytes in encode_frames(&scope, 0, HEAD, &changes, &compress)? {
        store.stage(&Frame::decode(&bytes)?, &bytes, 0)?;
    }
    let priority = scope.priority();
    let checkpoint = Checkpoint {
        head: HEAD,
        priority: Priority::BULK,
        complete: true,
    };
    store.publish(&[ScopeGrant { scope, priority }], &checkpoint)?;
    Ok(())
}

fn write(folder: &Path, vault: Arc<dyn KeyVault>) -> Outcome<()> {
    let (store, _) = Store::open(folder, vault, StoreOptions::default())?;
    fetch(&store)?;
    // Half in the files, half in their logs.
    store.suspend()?;
    store.resume()?;
    store.record(&edits()?)?;
    for (n, event) in (10..).zip(ledger()) {
        let change = Change::Create(event.to_columns());
        store.append_consent(
            &event,
            &operation(n, Entity::CONSENT, event.id.row(), change),
        )?;
    }
    store.add_ping(&ping()?)?;
    let (name, value) = SETTING;
    store.set_setting(name, Some(value))?;
    std::mem::forget(store);
    Ok(())
}

fn same<T: PartialEq>(what: &str, found: &T, expected: &T) -> Outcome<()> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{what}: not what was written").into())
}

fn read(folder: &Path, vault: Arc<dyn KeyVault>) -> Outcome<()> {
    let (store, report) = Store::open(folder, vault, StoreOptions::default())?;
    for (file, found) in [("cache.db", &report.cache), ("outbox.db", &report.outbox)] {
        if *found != FileReport::Opened {
            return Err(format!("{file}: damaged or missing").into());
        }
    }
    store.check_integrity()?;
    compare_rows(&store)?;
    compare_leads(&store)?;
    compare_work(&store)?;
    compare_consent(&store)
}

/// The row as the app sees it, with the rep's edits on top.
fn shown((entity, mut row): (Entity, Row)) -> StoredRow {
    let is_pending = row.id == lead_id(1).row();
    if is_pending {
        row.columns.set(schema::lead::NAME, NEW_NAME);
    }
    StoredRow {
        entity,
        row,
        is_pending,
    }
}

fn compare_rows(store: &Store) -> Outcome<()> {
    for expected in rows()?.into_iter().map(shown) {
        let found = store.row(expected.entity, expected.row.id)?;
        same("a row", &found, &Some(expected))?;
    }
    same("leads", &store.count(Entity::LEAD)?, &LEADS)?;
    same("visits", &store.count(Entity::VISIT)?, &(VISITS + 1))?;
    let state = store.sync_state()?;
    same("the epoch", &state.epoch, &Some(EPOCH))?;
    same("the head", &store.sync_status()?.head, &HEAD)
}

fn compare_leads(store: &Store) -> Outcome<()> {
    let positions = store.positions()?.into_iter().map(|p| (p.id, p.position));
    let expected: Outcome<Vec<_>> = (1..=LEADS)
        .map(|n| Ok((lead_id(n), position(n)?)))
        .collect();
    same("positions", &positions.collect(), &expected?)?;
    let filter = LeadFilter::default();
    let page = store.page_leads(&filter, LeadOrder::Name, None, usize::try_from(LEADS)?)?;
    same("a page", &page.rows.len(), &usize::try_from(LEADS)?)?;
    let found = store.search_leads("apfel sohn", 5)?;
    let found: Vec<_> = found.iter().map(|stored| stored.row.id).collect();
    same("a search", &found, &vec![lead_id(1).row()])
}

fn compare_work(store: &Store) -> Outcome<()> {
    let waiting = store.waiting_operations()?;
    let changes = waiting.iter().map(|stored| {
        let operation = &stored.operation;
        (operation.id, operation.row, operation.change.clone())
    });
    let mut expected: Vec<_> = edits()?
        .into_iter()
        .map(|operation| (operation.id, operation.row, operation.change))
        .collect();
    for (n, event) in (10..).zip(ledger()) {
        let columns: Columns = event.to_columns();
        let operation = OperationId::from_bytes(id(4, n));
        expected.push((operation, event.id.row(), Change::Create(columns)));
    }
    let mut changes: Vec<_> = changes.collect();
    changes.sort_by_key(|(id, ..)| *id);
    same("operations", &changes, &expected)?;
    let (name, value) = SETTING;
    same("a setting", &store.setting(name)?.as_deref(), &Some(value))
}

fn compare_consent(store: &Store) -> Outcome<()> {
    let events = store.consent_events()?;
    verify_chain(rep(), &events)?;
    same("the consent ledger", &events, &ledger())?;
    same("pings", &store.unsent_pings(9)?, &vec![ping()?])
}

fn run() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [command, folder, key] = arguments.as_slice() else {
        return Err("usage: carry write|read FOLDER KEY".into());
    };
    let key = DataKey::from_slice(&hex::decode(key)?).ok_or("the key has 64 digits")?;
    let (folder, vault) = (Path::new(folder), Arc::new(MaskVault(key)));
    match command.as_str() {
        "write" => write(folder, vault),
        "read" => read(folder, vault),
        _ => Err("usage: carry write|read FOLDER KEY".into()),
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("carry: {error}");
            ExitCode::FAILURE
        }
    }
}
