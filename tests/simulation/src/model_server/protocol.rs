//! What the protocol asks of it.

use super::*;

impl ServerStore for ModelServer {
    type Error = StoreFault;

    fn epoch(&self) -> Result<Epoch, StoreFault> {
        Ok(self.files.epoch)
    }

    fn head(&self) -> Result<u64, StoreFault> {
        Ok(self.files.seq)
    }

    fn floor(&self) -> Result<u64, StoreFault> {
        Ok(self.files.floor)
    }

    fn grants(&self, device: &DeviceContext) -> Result<Vec<ScopeGrant>, StoreFault> {
        let grant = |scope: ScopeId| ScopeGrant {
            priority: scope.priority(),
            scope,
        };
        Ok(self.scopes(device.rep).into_iter().map(grant).collect())
    }

    fn feed(
        &self,
        scope: &ScopeId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<FeedChange>, StoreFault> {
        let after = after + u64::from(seeded_bug!("off-by-one sequence"));
        let changes = self.files.rows.iter().filter_map(|((entity, id), entry)| {
            let (seq, gone) = *entry.members.get(scope)?;
            let change = match (gone, &entry.row) {
                (None, Some(row)) => FeedChange::Put {
                    entity: *entity,
                    row: row.as_ref().clone(),
                },
                (Some(reason), _) => FeedChange::Leave {
                    entity: *entity,
                    id: *id,
                    seq,
                    reason,
                },
                (None, None) => return None,
            };
            (seq > after).then_some(change)
        });
        let mut changes: Vec<FeedChange> = changes.collect();
        changes.sort_by_key(FeedChange::seq);
        changes.truncate(limit);
        Ok(changes)
    }

    fn snapshot_frame(&self, scope: &ScopeId, from: u64) -> Result<Option<KeptFrame>, StoreFault> {
        let mut kept = self.snapshot_of(scope);
        Ok(kept
            .find(|frame| frame.from == from)
            .map(|frame| KeptFrame {
                to: frame.to,
                bytes: frame.bytes.clone(),
            }))
    }

    fn next_snapshot_frame(&self, scope: &ScopeId, after: u64) -> Result<Option<u64>, StoreFault> {
        let places = self.snapshot_of(scope).map(|frame| frame.from);
        Ok(places.filter(|from| *from > after).min())
    }

    fn frame_rows(&self) -> usize {
        3
    }

    fn digest(&self, scope: &ScopeId) -> Result<Digest, StoreFault> {
        Ok(ServerStore::sums(self, scope)?.total())
    }

    fn sums(&self, scope: &ScopeId) -> Result<ScopeSums, StoreFault> {
        Ok(self.files.sums.get(scope).cloned().unwrap_or_default())
    }

    fn bucket(&self, scope: &ScopeId, bucket: u8) -> Result<Vec<(Entity, Row)>, StoreFault> {
        let rows = self.rows_of(scope).into_iter();
        let rows = rows.filter(|((_, id), _)| bucket_of(*id) == bucket);
        Ok(rows.map(|((entity, _), row)| (entity, row)).collect())
    }

    fn last_n(&self, client: ClientId) -> Result<u64, StoreFault> {
        Ok(self.files.last_n.get(&client).copied().unwrap_or(0))
    }

    fn owner(&self, client: ClientId) -> Result<Option<DeviceId>, StoreFault> {
        Ok(self.files.owners.get(&client).copied())
    }

    fn operation_at(&self, client: ClientId, n: u64) -> Result<Option<OperationId>, StoreFault> {
        Ok(self.files.numbers.get(&(client, n)).copied())
    }

    fn result(&self, operation: OperationId) -> Result<Option<StoredResult>, StoreFault> {
        Ok(self.files.results.get(&operation).cloned())
    }

    fn row(&self, entity: Entity, id: RowId) -> Result<RowState, StoreFault> {
        Ok(match self.files.rows.get(&(entity, id)) {
            None => RowState::Absent,
            Some(Entry { row: None, .. }) => RowState::Deleted,
            Some(Entry { row: Some(row), .. }) => RowState::Live(row.as_ref().clone()),
        })
    }

    fn is_visible(
        &self,
        device: &DeviceContext,
        entity: Entity,
        id: RowId,
    ) -> Result<bool, StoreFault> {
        let held = self.files.rows.get(&(entity, id)).map(Entry::scopes);
        let held = held.unwrap_or_default();
        Ok(self.scopes(device.rep).iter().any(|s| held.contains(s)))
    }

    fn permit(
        &self,
        device: &DeviceContext,
        operation: &Operation,
        _: &RowState,
    ) -> Result<Permit, StoreFault> {
        if operation.entity != Entity::VISIT {
            return Ok(Permit::Yes);
        }
        let lead = match &operation.change {
            fieldfare_sync::Change::Create(columns) => columns.get(visit::LEAD).as_bytes(),
            fieldfare_sync::Change::Edit(_) => None,
        };
        let lead = lead.and_then(|bytes| RowId::from_slice(bytes).ok());
        let is_held = match lead {
            Some(lead) => self.is_visible(device, Entity::LEAD, lead)?,
            None => false,
        };
        Ok(if is_held {
            Permit::Yes
        } else {
            Permit::No {
                code: RejectCode::OutOfScope,
                reason: "the lead is not held".to_owned(),
            }
        })
    }

    fn begin_part(&mut self) -> Result<(), StoreFault> {
        self.part = Some(Part {
            seq: self.files.seq,
            effects: self.files.effects.len(),
            entries: Vec::new(),
        });
        Ok(())
    }

    fn keep_part(&mut self) -> Result<(), StoreFault> {
        self.part = None;
        Ok(())
    }

    fn undo_part(&mut self) -> Result<(), StoreFault> {
        let Some(part) = self.part.take() else {
            return Err(StoreFault::Broken);
        };
        for (key, before) in part.entries.into_iter().rev() {
            self.set_entry(key, before);
        }
        self.files.seq = part.seq;
        self.files.effects.truncate(part.effects);
        Ok(())
    }

    fn write(
        &mut self,
        device: &DeviceContext,
        operation: &Operation,
        columns: Columns,
    ) -> Result<u64, StoreFault> {
        let key = (operation.entity, operation.row);
        let seq = self.put(key, columns, Some(device.rep));
        self.files.effects.push(operation.id);
        if key.0 == Entity::VISIT {
            self.note_visit(key, operation.at);
        }
        Ok(seq)
    }

    fn write_conflict(
        &mut self,
        device: &DeviceContext,
        conflict: &Conflict,
    ) -> Result<(), StoreFault> {
        let key = (Entity::CONFLICT, conflict.id.row());
        self.put(key, conflict.to_columns(), Some(device.rep));
        Ok(())
    }

    fn save_result(
        &mut self,
        device: &DeviceContext,
        client: ClientId,
        result: &OperationResult,
    ) -> Result<(), StoreFault> {
        self.files.owners.entry(client).or_insert(device.device);
        if seeded_bug!("result stored after the commit") {
            self.unsaved.push((client, result.clone()));
            let last = self.files.last_n.entry(client).or_default();
            *last = (*last).max(result.n);
        } else {
            self.keep_result(client, result);
        }
        Ok(())
    }

    fn save_gap(&mut self, _: &DeviceContext, gap: &NumberGap) -> Result<(), StoreFault> {
        self.files.gaps.insert(*gap);
        Ok(())
    }
}

impl ModelServer {
    /// The visited lead shows when it was last visited.
    fn note_visit(&mut self, key: Key, at: TimestampMs) {
        let visit = self.live(key);
        let lead =
            visit.and_then(|row| row.columns.get(visit::LEAD).as_bytes().map(<[u8]>::to_vec));
        let lead = lead.and_then(|bytes| RowId::from_slice(&bytes).ok());
        let Some(lead) = lead.map(|id| (Entity::LEAD, id)) else {
            return;
        };
        if let Some(row) = self.live(lead) {
            let mut columns = row.columns.clone();
            if columns.get(lead::LAST_VISIT_AT).as_int() < Some(at.0) {
                columns.set(lead::LAST_VISIT_AT, Value::Int(at.0));
                self.put(lead, columns, None);
            }
        }
    }
}
