use fieldfare_model::*;
use fieldfare_sync::*;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    Here,
    Gone(LeaveReason),
}

#[derive(Clone, Debug, Default)]
pub struct Tables {
    pub seq: u64,
    pub rows: BTreeMap<(Entity, RowId), Option<Row>>,
    pub scopes: BTreeMap<(Entity, RowId), BTreeSet<ScopeId>>,
    pub members: BTreeMap<(ScopeId, Entity, RowId), (u64, Place)>,
    pub results: BTreeMap<OperationId, StoredResult>,
    pub numbers: BTreeMap<(ClientId, u64), OperationId>,
    pub last_n: BTreeMap<ClientId, u64>,
    pub conflicts: Vec<Conflict>,
    pub writes: Vec<OperationId>,
    pub gaps: BTreeSet<NumberGap>,
    /// The sequence at which a row last left a scope.
    pub left: BTreeMap<ScopeId, u64>,
}

pub struct MemoryServer {
    pub epoch: Epoch,
    pub floor: u64,
    pub tables: Tables,
    pub grants: Vec<ScopeGrant>,
    pub refused_rows: BTreeSet<RowId>,
    /// How many rows a frame has.
    pub frame_rows: usize,
    /// What first fetches were answered with; none if it keeps nothing.
    pub kept: Option<Vec<SnapshotFrame>>,
    /// How often a kept frame was sent.
    pub sent_again: std::cell::Cell<usize>,
    part: Option<Tables>,
}

impl MemoryServer {
    pub fn new() -> Self {
        Self {
            epoch: Epoch(7),
            floor: 0,
            tables: Tables::default(),
            grants: Vec::new(),
            refused_rows: BTreeSet::new(),
            frame_rows: MAX_FRAME_ROWS,
            kept: None,
            sent_again: std::cell::Cell::default(),
            part: None,
        }
    }

    /// One that keeps frames for the next first fetch, of so many rows each.
    pub fn keeping(frame_rows: usize) -> Self {
        Self {
            frame_rows,
            kept: Some(Vec::new()),
            ..Self::new()
        }
    }

    pub fn keep(&mut self, frames: Vec<SnapshotFrame>) {
        let Some(kept) = &mut self.kept else { return };
        for frame in frames {
            let is_within = |other: &SnapshotFrame| {
                other.scope == frame.scope && other.from >= frame.from && other.from < frame.to
            };
            kept.retain(|other| !is_within(other));
            kept.push(frame);
        }
    }

    /// Kept frames of a scope that no row has left since.
    fn whole(&self, scope: &ScopeId) -> impl Iterator<Item = &SnapshotFrame> {
        let left = self.tables.left.get(scope).copied().unwrap_or(0);
        let kept = self.kept.iter().flatten();
        kept.filter(move |f| f.scope == *scope && f.head >= left)
    }

    pub fn grant(&mut self, scopes: &[ScopeId]) {
        self.grants = scopes
            .iter()
            .map(|s| ScopeGrant {
                scope: s.clone(),
                priority: s.priority(),
            })
            .collect();
    }

    pub fn put(&mut self, entity: Entity, id: RowId, columns: Columns, scopes: &[ScopeId]) -> u64 {
        let t = &mut self.tables;
        t.seq += 1;
        let seq = t.seq;
        let new: BTreeSet<ScopeId> = scopes.iter().cloned().collect();
        let old = t
            .scopes
            .insert((entity, id), new.clone())
            .unwrap_or_default();
        for scope in old.difference(&new) {
            let place = (seq, Place::Gone(LeaveReason::Left));
            t.left.insert(scope.clone(), seq);
            t.members.insert((scope.clone(), entity, id), place);
        }
        for scope in new {
            t.members.insert((scope, entity, id), (seq, Place::Here));
        }
        t.rows.insert(
            (entity, id),
            Some(Row {
                id,
                version: seq,
                columns,
            }),
        );
        seq
    }

    pub fn delete(&mut self, entity: Entity, id: RowId) {
        let t = &mut self.tables;
        if !matches!(t.rows.get(&(entity, id)), Some(Some(_))) {
            return;
        }
        t.seq += 1;
        let seq = t.seq;
        for scope in t.scopes.remove(&(entity, id)).unwrap_or_default() {
            let place = (seq, Place::Gone(LeaveReason::Deleted));
            t.left.insert(scope.clone(), seq);
            t.members.insert((scope, entity, id), place);
        }
        t.rows.insert((entity, id), None);
    }

    /// Every row a scope holds.
    pub fn held(&self, scope: &ScopeId) -> Vec<(Entity, Row)> {
        let here = self
            .tables
            .members
            .iter()
            .filter(|((s, _, _), (_, place))| s == scope && *place == Place::Here);
        here.filter_map(|((_, entity, id), _)| {
            Some((*entity, self.tables.rows.get(&(*entity, *id))?.clone()?))
        })
        .collect()
    }

    /// The rows a device with the present grants should show.
    pub fn expected(&self) -> BTreeMap<(Entity, RowId), Row> {
        let granted: BTreeSet<&ScopeId> = self.grants.iter().map(|g| &g.scope).collect();
        self.tables
            .rows
            .iter()
            .filter_map(|(key, row)| {
                let scopes = self.tables.scopes.get(key)?;
                scopes
                    .iter()
                    .any(|s| granted.contains(s))
                    .then(|| Some((*key, row.clone()?)))?
            })
            .collect()
    }
}

impl ServerStore for MemoryServer {
    type Error = Infallible;

    fn epoch(&self) -> Result<Epoch, Infallible> {
        Ok(self.epoch)
    }
    fn head(&self) -> Result<u64, Infallible> {
        Ok(self.tables.seq)
    }
    fn floor(&self) -> Result<u64, Infallible> {
        Ok(self.floor)
    }
    fn grants(&self, _: &DeviceContext) -> Result<Vec<ScopeGrant>, Infallible> {
        Ok(self.grants.clone())
    }
    fn feed(
        &self,
        scope: &ScopeId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<FeedChange>, Infallible> {
        let mut found: Vec<FeedChange> = self
            .tables
            .members
            .iter()
            .filter(|((s, _, _), (seq, _))| s == scope && *seq > after)
            .map(|((_, entity, id), (seq, place))| match place {
                Place::Here => FeedChange::Put {
                    entity: *entity,
                    row: self.tables.rows[&(*entity, *id)].clone().unwrap(),
                },
                Place::Gone(reason) => FeedChange::Leave {
                    entity: *entity,
                    id: *id,
                    seq: *seq,
                    reason: *reason,
                },
            })
            .collect();
        found.sort_by_key(FeedChange::seq);
        found.truncate(limit);
        Ok(found)
    }
    fn frame_rows(&self) -> usize {
        self.frame_rows
    }
    fn snapshot_frame(&self, scope: &ScopeId, from: u64) -> Result<Option<KeptFrame>, Infallible> {
        let found = self.whole(scope).find(|frame| frame.from == from);
        let kept = found.map(|frame| KeptFrame {
            to: frame.to,
            bytes: frame.bytes.clone(),
        });
        let sent = self.sent_again.get() + usize::from(kept.is_some());
        self.sent_again.set(sent);
        Ok(kept)
    }
    fn next_snapshot_frame(&self, scope: &ScopeId, after: u64) -> Result<Option<u64>, Infallible> {
        let places = self.whole(scope).map(|frame| frame.from);
        Ok(places.filter(|from| *from > after).min())
    }
    fn digest(&self, scope: &ScopeId) -> Result<Digest, Infallible> {
        Ok(self.sums(scope)?.total())
    }
    fn sums(&self, scope: &ScopeId) -> Result<ScopeSums, Infallible> {
        let key = DigestKey::of(self.epoch);
        let mut sums = ScopeSums::default();
        for (entity, row) in self.held(scope) {
            sums.add(row.id, key.hash(entity, &row));
        }
        Ok(sums)
    }
    fn bucket(&self, scope: &ScopeId, bucket: u8) -> Result<Vec<(Entity, Row)>, Infallible> {
        let rows = self.held(scope).into_iter();
        Ok(rows
            .filter(|(_, row)| bucket_of(row.id) == bucket)
            .collect())
    }
    fn last_n(&self, client: ClientId) -> Result<u64, Infallible> {
        Ok(self.tables.last_n.get(&client).copied().unwrap_or(0))
    }
    fn owner(&self, _: ClientId) -> Result<Option<DeviceId>, Infallible> {
        Ok(None)
    }
    fn operation_at(&self, client: ClientId, n: u64) -> Result<Option<OperationId>, Infallible> {
        Ok(self.tables.numbers.get(&(client, n)).copied())
    }
    fn result(&self, operation: OperationId) -> Result<Option<StoredResult>, Infallible> {
        Ok(self.tables.results.get(&operation).cloned())
    }
    fn row(&self, entity: Entity, id: RowId) -> Result<RowState, Infallible> {
        Ok(match self.tables.rows.get(&(entity, id)) {
            None => RowState::Absent,
            Some(None) => RowState::Deleted,
            Some(Some(row)) => RowState::Live(row.clone()),
        })
    }
    fn is_visible(&self, _: &DeviceContext, entity: Entity, id: RowId) -> Result<bool, Infallible> {
        Ok(self.expected().contains_key(&(entity, id)))
    }
    fn permit(
        &self,
        _: &DeviceContext,
        operation: &Operation,
        _: &RowState,
    ) -> Result<Permit, Infallible> {
        Ok(if self.refused_rows.contains(&operation.row) {
            Permit::No {
                code: RejectCode::Rule,
                reason: "the test says no".into(),
            }
        } else {
            Permit::Yes
        })
    }
    fn begin_part(&mut self) -> Result<(), Infallible> {
        assert!(self.part.is_none(), "parts do not nest");
        self.part = Some(self.tables.clone());
        Ok(())
    }
    fn keep_part(&mut self) -> Result<(), Infallible> {
        self.part = None;
        Ok(())
    }
    fn undo_part(&mut self) -> Result<(), Infallible> {
        self.tables = self.part.take().unwrap();
        Ok(())
    }
    fn write(
        &mut self,
        _: &DeviceContext,
        operation: &Operation,
        columns: Columns,
    ) -> Result<u64, Infallible> {
        self.tables.writes.push(operation.id);
        let held = self
            .tables
            .scopes
            .get(&(operation.entity, operation.row))
            .cloned();
        let scopes: Vec<ScopeId> = held.map_or_else(
            || {
                self.grants
                    .first()
                    .map(|g| g.scope.clone())
                    .into_iter()
                    .collect()
            },
            |held| held.into_iter().collect(),
        );
        Ok(self.put(operation.entity, operation.row, columns, &scopes))
    }
    fn write_conflict(&mut self, _: &DeviceContext, conflict: &Conflict) -> Result<(), Infallible> {
        self.tables.conflicts.push(conflict.clone());
        Ok(())
    }
    fn save_result(
        &mut self,
        _: &DeviceContext,
        client: ClientId,
        result: &OperationResult,
    ) -> Result<(), Infallible> {
        let t = &mut self.tables;
        t.results.entry(result.id).or_insert_with(|| StoredResult {
            client,
            result: result.clone(),
        });
        t.numbers.insert((client, result.n), result.id);
        t.last_n.insert(client, result.n);
        Ok(())
    }
    fn save_gap(&mut self, _: &DeviceContext, gap: &NumberGap) -> Result<(), Infallible> {
        self.tables.gaps.insert(*gap);
        Ok(())
    }
}
