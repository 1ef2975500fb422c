//! A server's store in memory: the promises of [`ServerStore`] and the rules of territories.

mod protocol;

use crate::disk::{Disk, StoreFault};
use crate::phone::Key;
use crate::server::SimServer;
use fieldfare_model::schema::{lead, visit};
use fieldfare_model::{
    ClientId, Columns, Conflict, DeviceId, Entity, OperationId, RepId, Row, RowId, TerritoryId,
    TimestampMs, Value, seeded_bug,
};
use fieldfare_sync::{
    DeviceContext, Digest, DigestKey, Epoch, FeedChange, KeptFrame, LeaveReason, NumberGap,
    Operation, OperationResult, Outcome, Permit, RejectCode, RowState, ScopeGrant, ScopeId,
    ScopeSums, ServerEffect, ServerEvent, ServerStore, SnapshotFrame, StoredResult, SyncServer,
    bucket_of,
};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// A row, or what is left of it, and where it stands in each scope.
#[derive(Debug, Clone, Default)]
struct Entry {
    row: Option<Rc<Row>>,
    version: u64,
    maker: Option<RepId>,
    members: BTreeMap<ScopeId, (u64, Option<LeaveReason>)>,
}

impl Entry {
    fn scopes(&self) -> BTreeSet<ScopeId> {
        let here = self.members.iter().filter(|(_, (_, gone))| gone.is_none());
        here.map(|(scope, _)| scope.clone()).collect()
    }
}

#[derive(Debug, Clone)]
struct Files {
    epoch: Epoch,
    seq: u64,
    floor: u64,
    rows: BTreeMap<Key, Entry>,
    sums: BTreeMap<ScopeId, ScopeSums>,
    assigned: BTreeMap<RepId, BTreeSet<TerritoryId>>,
    results: BTreeMap<OperationId, StoredResult>,
    numbers: BTreeMap<(ClientId, u64), OperationId>,
    last_n: BTreeMap<ClientId, u64>,
    owners: BTreeMap<ClientId, DeviceId>,
    effects: Vec<OperationId>,
    gaps: BTreeSet<NumberGap>,
    marks: Vec<(TimestampMs, u64)>,
    snapshot: Vec<SnapshotFrame>,
    /// The sequence at which a row last left a scope.
    left: BTreeMap<ScopeId, u64>,
}

/// How to undo a part.
#[derive(Debug)]
struct Part {
    seq: u64,
    effects: usize,
    entries: Vec<(Key, Option<Entry>)>,
}

/// A server in memory.
#[derive(Debug)]
pub struct ModelServer {
    disk: Disk,
    files: Files,
    part: Option<Part>,
    unsaved: Vec<(ClientId, OperationResult)>,
}

impl ModelServer {
    /// An empty server.
    pub fn new(epoch: Epoch) -> Self {
        let files = Files {
            epoch,
            seq: 0,
            floor: 0,
            rows: BTreeMap::new(),
            sums: BTreeMap::new(),
            assigned: BTreeMap::new(),
            results: BTreeMap::new(),
            numbers: BTreeMap::new(),
            last_n: BTreeMap::new(),
            owners: BTreeMap::new(),
            effects: Vec::new(),
            gaps: BTreeSet::new(),
            marks: Vec::new(),
            snapshot: Vec::new(),
            left: BTreeMap::new(),
        };
        Self {
            disk: Disk::default(),
            files,
            part: None,
            unsaved: Vec::new(),
        }
    }

    fn live(&self, key: Key) -> Option<&Rc<Row>> {
        self.files.rows.get(&key)?.row.as_ref()
    }

    fn set_entry(&mut self, key: Key, entry: Option<Entry>) {
        for (scope, (seq, gone)) in entry.iter().flat_map(|entry| &entry.members) {
            if gone.is_some() {
                let left = self.files.left.entry(scope.clone()).or_default();
                *left = (*left).max(*seq);
            }
        }
        let before = match entry.clone() {
            Some(entry) => self.files.rows.insert(key, entry),
            None => self.files.rows.remove(&key),
        };
        self.count(key, before.as_ref(), false);
        self.count(key, entry.as_ref(), true);
        if let Some(part) = &mut self.part {
            part.entries.push((key, before));
        }
    }

    fn count(&mut self, key: Key, entry: Option<&Entry>, is_in: bool) {
        let Some((entry, row)) = entry.and_then(|entry| Some((entry, entry.row.as_ref()?))) else {
            return;
        };
        let hash = DigestKey::of(self.files.epoch).hash(key.0, row);
        for scope in entry.scopes() {
            let sums = self.files.sums.entry(scope).or_default();
            let mut digest = sums.get(bucket_of(key.1));
            if is_in {
                digest.add(hash);
            } else {
                digest.remove(hash);
            }
            sums.set(bucket_of(key.1), digest);
        }
    }

    fn scopes_for(&self, key: Key, columns: &Columns, maker: Option<RepId>) -> BTreeSet<ScopeId> {
        let territory = |columns: &Columns| {
            let bytes = columns.get(lead::TERRITORY).as_bytes()?;
            let id = RowId::from_slice(bytes).ok()?;
            Some(ScopeId::territory(id.into()))
        };
        let of_maker = maker.map(ScopeId::rep);
        match key.0 {
            Entity::LEAD => territory(columns).or(of_maker).into_iter().collect(),
            Entity::VISIT => {
                let lead = columns.get(visit::LEAD).as_bytes();
                let lead = lead.and_then(|bytes| RowId::from_slice(bytes).ok());
                let lead = lead.and_then(|id| self.live((Entity::LEAD, id)));
                let of_lead = lead.and_then(|row| territory(&row.columns));
                of_maker.into_iter().chain(of_lead).collect()
            }
            _ => of_maker.into_iter().collect(),
        }
    }

    fn put(&mut self, key: Key, columns: Columns, maker: Option<RepId>) -> u64 {
        let before = self.files.rows.get(&key).cloned().unwrap_or_default();
        let maker = before.maker.or(maker);
        let now = self.scopes_for(key, &columns, maker);
        let was = before.scopes();
        if let Some(row) = &before.row
            && row.columns == columns
            && was == now
        {
            return before.version;
        }
        self.files.seq += 1;
        let seq = self.files.seq;
        let mut entry = Entry {
            row: Some(Rc::new(Row {
                id: key.1,
                version: seq,
                columns,
            })),
            version: seq,
            maker,
            members: before.members,
        };
        for scope in &now {
            entry.members.insert(scope.clone(), (seq, None));
        }
        for scope in was.difference(&now) {
            let left = (seq, Some(LeaveReason::Left));
            entry.members.insert(scope.clone(), left);
        }
        self.set_entry(key, Some(entry));
        if key.0 == Entity::LEAD && was != now {
            self.move_visits(key.1);
        }
        seq
    }

    /// A lead that moves takes its visits along.
    fn move_visits(&mut self, lead: RowId) {
        let visits = self.files.rows.iter().filter_map(|(key, entry)| {
            let row = entry.row.as_ref().filter(|_| key.0 == Entity::VISIT)?;
            let of_lead =
                row.columns.get(visit::LEAD).as_bytes() == Some(lead.as_bytes().as_slice());
            of_lead.then(|| (*key, row.columns.clone()))
        });
        let visits: Vec<_> = visits.collect();
        for (key, columns) in visits {
            self.put(key, columns, None);
        }
    }

    fn delete(&mut self, key: Key) {
        let Some(before) = self.files.rows.get(&key).cloned() else {
            return;
        };
        if before.row.is_none() {
            return;
        }
        self.files.seq += 1;
        let seq = self.files.seq;
        let mut entry = Entry {
            row: None,
            version: seq,
            ..before.clone()
        };
        for scope in before.scopes() {
            let gone = (seq, Some(LeaveReason::Deleted));
            entry.members.insert(scope, gone);
        }
        self.set_entry(key, Some(entry));
        self.move_visits(key.1);
    }

    fn recount(&mut self) {
        self.files.sums.clear();
        let entries: Vec<_> = self.files.rows.clone().into_iter().collect();
        for (key, entry) in entries {
            self.count(key, Some(&entry), true);
        }
    }

    fn keep_result(&mut self, client: ClientId, result: &OperationResult) {
        let files = &mut self.files;
        let stored = || StoredResult {
            client,
            result: result.clone(),
        };
        files.results.entry(result.id).or_insert_with(stored);
        files.numbers.insert((client, result.n), result.id);
        let last = files.last_n.entry(client).or_default();
        *last = (*last).max(result.n);
    }

    fn step(
        &mut self,
        device: &DeviceContext,
        path: &str,
        body: &[u8],
        now: TimestampMs,
    ) -> Result<ServerEffect, StoreFault> {
        let event = match path {
            "/v1/pull" => ServerEvent::Pull(body),
            "/v1/push" => ServerEvent::Push(body),
            "/v1/compare" => ServerEvent::Compare(body),
            _ => ServerEvent::Repair(body),
        };
        let compress = |raw: &[u8]| zstd::bulk::compress(raw, 1).unwrap_or_default();
        let effect = SyncServer.step(self, device, now, event, &compress)?;
        for frame in &effect.to_keep {
            self.keep_frame(frame);
        }
        Ok(effect)
    }

    fn keep_frame(&mut self, frame: &SnapshotFrame) {
        let is_within = |other: &SnapshotFrame| {
            other.scope == frame.scope && (frame.from..frame.to).contains(&other.from)
        };
        self.files.snapshot.retain(|other| !is_within(other));
        self.files.snapshot.push(frame.clone());
    }

    /// Kept frames of a scope that no row has left since.
    fn snapshot_of(&self, scope: &ScopeId) -> impl Iterator<Item = &SnapshotFrame> {
        let mut left = self.files.left.get(scope).copied().unwrap_or(0);
        if seeded_bug!("snapshot outlives what left") {
            left = 0;
        }
        let kept = self.files.snapshot.iter();
        kept.filter(move |frame| frame.scope == *scope && frame.head >= left)
    }
}

impl SimServer for ModelServer {
    type Backup = Box<dyn std::any::Any>;

    fn disk(&mut self) -> &mut Disk {
        &mut self.disk
    }

    fn answer(
        &mut self,
        device: &DeviceContext,
        path: &str,
        body: &[u8],
        now: TimestampMs,
    ) -> Result<ServerEffect, StoreFault> {
        if path != "/v1/push" {
            return self.step(device, path, body, now);
        }
        // A kill or a full disk undoes the transaction, so it comes before anything happens.
        let mut disk = std::mem::take(&mut self.disk);
        let answered = disk.write(|| self.step(device, path, body, now));
        let results = std::mem::take(&mut self.unsaved);
        let saved = match (&answered, results.is_empty()) {
            (Ok(_), false) => disk.write(|| {
                for (client, result) in &results {
                    self.keep_result(*client, result);
                }
                Ok(())
            }),
            _ => Ok(()),
        };
        self.disk = disk;
        saved.and(answered)
    }

    fn put_leads(&mut self, leads: &[(RowId, Columns)], _: TimestampMs) -> Vec<u64> {
        let put =
            |(id, columns): &(RowId, Columns)| self.put((Entity::LEAD, *id), columns.clone(), None);
        leads.iter().map(put).collect()
    }

    fn delete_lead(&mut self, lead: RowId, _: TimestampMs) {
        self.delete((Entity::LEAD, lead));
    }

    fn assign(&mut self, rep: RepId, territories: &[TerritoryId]) {
        let territories = territories.iter().copied().collect();
        self.files.assigned.insert(rep, territories);
    }

    fn collect(&mut self, now: TimestampMs, retention_ms: i64) {
        let seq = self.files.seq;
        self.files.marks.push((now, seq));
        let old = self.files.marks.iter();
        let old = old.filter(|(at, _)| at.0 <= now.0 - retention_ms).max();
        let Some((_, seq)) = old.copied() else {
            return;
        };
        let floor = self.files.floor.max(seq.min(self.files.seq));
        let is_old = |(seq, gone): &(u64, Option<LeaveReason>)| gone.is_some() && *seq <= floor;
        for entry in self.files.rows.values_mut() {
            entry.members.retain(|_, place| !is_old(place));
        }
        self.files
            .rows
            .retain(|_, entry| entry.row.is_some() || !entry.members.is_empty());
        if !seeded_bug!("tombstone collected early") {
            self.files.floor = floor;
        }
    }

    fn backup(&mut self) -> Self::Backup {
        Box::new(self.files.clone())
    }

    fn restore(&mut self, backup: &Self::Backup, epoch: Epoch) {
        if let Some(files) = backup.downcast_ref::<Files>() {
            self.files = files.clone();
            self.files.epoch = epoch;
            self.files.snapshot.clear();
            self.recount();
        }
    }

    fn scopes(&self, rep: RepId) -> Vec<ScopeId> {
        let assigned = self.files.assigned.get(&rep).into_iter().flatten();
        let territories = assigned.map(|territory| ScopeId::territory(*territory));
        [ScopeId::rep(rep), ScopeId::reference()]
            .into_iter()
            .chain(territories)
            .collect()
    }

    fn rows_of(&self, scope: &ScopeId) -> Vec<(Key, Row)> {
        let rows = self.files.rows.iter().filter_map(|(key, entry)| {
            let (_, gone) = entry.members.get(scope)?;
            let row = entry.row.as_ref()?;
            gone.is_none().then(|| (*key, row.as_ref().clone()))
        });
        rows.collect()
    }

    fn row(&self, key: Key) -> Option<Row> {
        self.live(key).map(|row| row.as_ref().clone())
    }

    fn result(&self, operation: OperationId) -> Option<Outcome> {
        let stored = self.files.results.get(&operation)?;
        Some(stored.result.outcome.clone())
    }

    fn head(&self) -> u64 {
        self.files.seq
    }

    fn effects(&self) -> &[OperationId] {
        &self.files.effects
    }
}
