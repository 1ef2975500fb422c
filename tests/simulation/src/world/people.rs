//! What reps and the CRM do.

use super::*;

impl<S: SimServer, P: SimPhone> World<S, P> {
    pub(super) fn record(
        &mut self,
        phone: u8,
        mut operations: Vec<Operation>,
    ) -> Result<(), Wrong> {
        let group = operations[0].id;
        let size = u16::try_from(operations.len()).unwrap_or(1);
        for operation in &mut operations {
            operation.group = group;
            operation.group_size = size;
        }
        let saved = self.phone(phone).store.record(&operations);
        self.tell(|| {
            let ids: Vec<_> = operations.iter().map(|o| short(o.id)).collect();
            format!("phone {phone}: records {} ({saved:?})", ids.join(" and "))
        });
        let store = &self.phones[usize::from(phone)].store;
        let kept = operations.iter().filter(|o| store.outcome(o).is_some());
        let kept = kept.count();
        let right = match saved {
            Ok(()) => kept == operations.len(),
            Err(_) => kept == 0 || kept == operations.len(),
        };
        if !right {
            return Err(format!(
                "phone {phone} kept {kept} of a unit of {}",
                operations.len()
            ));
        }
        if kept > 0 {
            self.oracle.recorded(phone, &operations);
        }
        match saved {
            Err(StoreFault::Killed) => self.kill(phone),
            Err(StoreFault::Broken) => Err(format!("phone {phone}: its store is broken")),
            _ => self.check_phone(phone),
        }
    }

    pub(super) fn operation(
        &mut self,
        phone: u8,
        entity: Entity,
        row: RowId,
        change: Change,
    ) -> Operation {
        let n = self.next();
        let seen = self.phone(phone).store.look((entity, row));
        Operation {
            id: OperationId::v7(n, [0x0f; 10]),
            n: 0,
            group: OperationId::v7(n, [0x0f; 10]),
            group_size: 1,
            entity,
            row,
            base_version: seen.map_or(0, |row| row.version),
            depends_on: None,
            at: self.phone_now(phone),
            change,
        }
    }

    pub(super) fn edit_cell(
        &mut self,
        phone: u8,
        lead: u8,
        tag: Tag,
        new: Value,
    ) -> Option<Operation> {
        let row = lead_id(lead);
        let seen = self.phone(phone).store.look((Entity::LEAD, row))?;
        let base = seen.columns.get(tag).clone();
        let edit = Change::Edit(vec![FieldEdit { tag, base, new }]);
        Some(self.operation(phone, Entity::LEAD, row, edit))
    }

    pub(super) fn edit(&mut self, phone: u8, lead: u8, second: bool) -> Result<(), Wrong> {
        let value = format!("phone {phone} {}", self.made);
        match self.edit_cell(phone, lead, cell(second), value.into()) {
            Some(operation) => self.record(phone, vec![operation]),
            None => Ok(()),
        }
    }

    pub(super) fn set_status(
        &mut self,
        phone: u8,
        lead: u8,
        status: LeadStatus,
    ) -> Result<(), Wrong> {
        let status = Value::Int(status.code());
        match self.edit_cell(phone, lead, lead::STATUS, status) {
            Some(operation) => self.record(phone, vec![operation]),
            None => Ok(()),
        }
    }

    pub(super) fn add_lead(&mut self, phone: u8) -> Result<(), Wrong> {
        let row = id(2, self.next());
        let mut columns = Columns::new();
        columns.set(lead::NAME, format!("found by {phone}"));
        columns.set(lead::COUNTRY, "US");
        let operation = self.operation(phone, Entity::LEAD, row, Change::Create(columns));
        self.record(phone, vec![operation])
    }

    pub(super) fn visit(&mut self, phone: u8, lead: u8, with_edit: bool) -> Result<(), Wrong> {
        let to = lead_id(lead);
        if self.phone(phone).store.look((Entity::LEAD, to)).is_none() {
            return Ok(());
        }
        let row = id(3, self.next());
        let mut columns = Columns::new();
        columns.set(visit::LEAD, to.as_bytes().to_vec());
        columns.set(visit::REP, rep_id(rep_of(phone)).as_bytes().to_vec());
        columns.set(visit::STARTED_AT, self.phone_now(phone).0);
        columns.set(visit::OUTCOME, 1);
        let made = self.operation(phone, Entity::VISIT, row, Change::Create(columns));
        let mut unit = vec![made];
        if with_edit {
            let value = format!("visited {}", self.made);
            unit.extend(self.edit_cell(phone, lead, cell(true), value.into()));
        }
        self.record(phone, unit)
    }

    pub(super) fn crm_set(&mut self, n: u8, cells: &[(Tag, Value)]) {
        let Some(row) = self.server.row((Entity::LEAD, lead_id(n))) else {
            return;
        };
        self.old_rows.insert((Entity::LEAD, row.id), row.clone());
        let mut columns = row.columns;
        for (tag, value) in cells {
            columns.set(*tag, value.clone());
        }
        let now = TimestampMs(self.now);
        let versions = self.server.put_leads(&[(row.id, columns)], now);
        self.note_crm(row.id, versions[0], cells);
        self.tell(|| format!("CRM sets lead {n} to {cells:?} at {}", versions[0]));
    }

    pub(super) fn note_crm(&mut self, row: RowId, version: u64, cells: &[(Tag, Value)]) {
        for (tag, value) in cells {
            if [lead::NAME, lead::PHONE, lead::STATUS].contains(tag) {
                self.oracle.crm_wrote(version, row, *tag, value.clone());
            }
        }
    }

    pub(super) fn crm(&mut self, n: u8, second: bool) {
        let value = Value::from(format!("crm {}", self.next()));
        if self.server.row((Entity::LEAD, lead_id(n))).is_some() {
            return self.crm_set(n, &[(cell(second), value)]);
        }
        let territory = territory_id(n % TERRITORIES).as_bytes().to_vec();
        let mut columns = Columns::new();
        columns.set(lead::NAME, value.clone());
        columns.set(lead::PHONE, value.clone());
        columns.set(lead::COUNTRY, "US");
        columns.set(lead::TERRITORY, territory);
        let now = TimestampMs(self.now);
        let versions = self.server.put_leads(&[(lead_id(n), columns)], now);
        let cells = [
            (lead::NAME, value.clone()),
            (lead::PHONE, value),
            (lead::STATUS, Value::Null),
        ];
        self.note_crm(lead_id(n), versions[0], &cells);
        self.tell(|| format!("CRM makes lead {n} at {}", versions[0]));
    }

    pub(super) fn crm_pair(&mut self, pair: u8) {
        let score = self.next() as i64;
        let pair = pair % PAIRS;
        let ids = [lead_id(2 * pair), lead_id(2 * pair + 1)];
        let rows = ids.map(|id| self.server.row((Entity::LEAD, id)));
        let [Some(a), Some(b)] = rows else {
            return;
        };
        let with_score = |row: Row| {
            let mut columns = row.columns;
            columns.set(lead::SCORE, score);
            (row.id, columns)
        };
        let now = TimestampMs(self.now);
        self.server.put_leads(&[with_score(a), with_score(b)], now);
        self.tell(|| format!("CRM sets pair {pair} to {score}"));
    }

    pub(super) fn assign(&mut self, rep: u8, territory: u8, is_given: bool) -> Result<(), Wrong> {
        let held = self.assigned.entry(rep % REPS).or_default();
        if is_given {
            held.insert(territory);
        } else {
            held.remove(&territory);
        }
        let territories: Vec<_> = held.iter().map(|t| territory_id(*t)).collect();
        self.server.assign(rep_id(rep), &territories);
        for phone in 0..PHONES {
            if rep_of(phone) == rep {
                self.phone(phone).interruptions += 1;
                self.phone(phone).seen_frames.clear();
            }
        }
        self.tell(|| format!("rep {rep} serves {} territories", territories.len()));
        Ok(())
    }
}
