//! What must hold, kept apart from the code that is to make it hold: sets and maps of what was
//! done, and nothing of how.

use crate::action::PAIRS;
use crate::phone::{Key, SimPhone};
use crate::server::SimServer;
use crate::world::lead_id;
use fieldfare_model::schema::lead;
use fieldfare_model::{Entity, LeadStatus, OperationId, Row, RowId, Tag, Value};
use fieldfare_sync::{Change, Operation, Outcome, ScopeId};
use std::collections::{BTreeMap, BTreeSet};

/// What is wrong.
pub type Wrong = String;

/// What a phone must show once it shows a head.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    /// The history and the head.
    pub epoch: u64,
    /// The head.
    pub head: u64,
    /// The scopes it holds there.
    pub scopes: BTreeSet<ScopeId>,
    /// The rows in them.
    pub rows: BTreeMap<Key, Row>,
}

impl Expected {
    /// What the server holds in some scopes now.
    pub fn of(server: &impl SimServer, epoch: u64, scopes: BTreeSet<ScopeId>) -> Self {
        let rows = scopes.iter().flat_map(|scope| server.rows_of(scope));
        Self {
            epoch,
            head: server.head(),
            rows: rows.collect(),
            scopes,
        }
    }
}

impl Expected {
    /// Which history, head and scopes.
    pub const fn place(&self) -> (u64, u64, &BTreeSet<ScopeId>) {
        (self.epoch, self.head, &self.scopes)
    }
}

/// Everything that was done.
#[derive(Debug, Default)]
pub struct Oracle {
    /// Every operation that a phone reported as saved, or was killed over after saving.
    recorded: BTreeMap<OperationId, Operation>,
    /// Which phones keep which.
    kept: BTreeMap<u8, BTreeSet<OperationId>>,
    /// Those of `kept` that may still lie on top of what the server said.
    open: BTreeMap<u8, BTreeSet<OperationId>>,
    /// Phones that may offer again what was closed: the server's history is another one.
    may_reopen: BTreeSet<u8>,
    /// When a phone, by its own clock, got the first answer to each.
    answered: BTreeMap<(u8, OperationId), i64>,
    /// Those whose last copy was destroyed by a disaster.
    destroyed: BTreeSet<OperationId>,
    /// What the CRM wrote, by version.
    crm: Vec<(u64, RowId, Tag, Value)>,
}

/// What of it a backup of the server has.
#[derive(Debug, Clone, Default)]
pub struct ServerCopy {
    has: BTreeSet<OperationId>,
    head: u64,
}

/// What of it a backup of a phone has.
#[derive(Debug, Clone, Default)]
pub struct PhoneCopy {
    kept: BTreeSet<OperationId>,
    open: BTreeSet<OperationId>,
    answered: BTreeMap<OperationId, i64>,
}

const RETENTION_MS: i64 = 30 * 24 * 60 * 60 * 1000;

impl Oracle {
    /// A phone reported these as saved.
    pub fn recorded(&mut self, phone: u8, operations: &[Operation]) {
        let kept = self.kept.entry(phone).or_default();
        for operation in operations {
            kept.insert(operation.id);
            self.open.entry(phone).or_default().insert(operation.id);
            self.recorded.insert(operation.id, operation.clone());
        }
    }

    /// The CRM wrote a cell.
    pub fn crm_wrote(&mut self, version: u64, lead: RowId, tag: Tag, value: Value) {
        self.crm.push((version, lead, tag, value));
    }

    /// A phone got answers, now by its clock. In the server's present history, what a shown head
    /// has or the server refused is closed, until it is offered again.
    pub fn note_answers(&mut self, phone: u8, store: &impl SimPhone, now: i64, is_present: bool) {
        if self.may_reopen.contains(&phone) {
            self.reopen(phone, store);
        }
        let head = store.head();
        let recorded = &self.recorded;
        let answered = &mut self.answered;
        let open = self.open.entry(phone).or_default();
        open.retain(|id| {
            let outcome = recorded.get(id).and_then(|o| store.outcome(o)).flatten();
            let Some(outcome) = outcome else {
                answered.remove(&(phone, *id));
                return true;
            };
            answered.entry((phone, *id)).or_insert(now);
            !is_present || outcome.version().is_some_and(|version| version > head)
        });
        if is_present {
            self.may_reopen.remove(&phone);
        }
    }

    /// What the server said, as a phone keeps it, is older than it was: what is answered since lies
    /// on top again. An empty cache shows only what waits.
    pub fn cache_fell_back(&mut self, phone: u8, store: &impl SimPhone) {
        let head = store.head();
        let kept = self.kept.get(&phone).into_iter().flatten();
        let is_missing = |id: &&OperationId| {
            let outcome = self.recorded.get(id).and_then(|o| store.outcome(o));
            let version = outcome.flatten().and_then(|outcome| outcome.version());
            head > 0 && version.is_some_and(|version| version > head)
        };
        let missing: Vec<_> = kept.filter(is_missing).copied().collect();
        self.open.entry(phone).or_default().extend(missing);
    }

    fn reopen(&mut self, phone: u8, store: &impl SimPhone) {
        let kept = self.kept.get(&phone).into_iter().flatten();
        let recorded = &self.recorded;
        let waits = |id: &&OperationId| {
            let operation = recorded.get(id);
            operation.is_some_and(|o| store.outcome(o) == Some(None))
        };
        let waiting: Vec<_> = kept.filter(waits).copied().collect();
        self.open.entry(phone).or_default().extend(waiting);
    }

    /// A phone forgot what it may forget.
    pub fn purged(
        &mut self,
        phone: u8,
        store: &impl SimPhone,
        now: i64,
        server: &impl SimServer,
    ) -> Result<(), Wrong> {
        let kept = self.kept.entry(phone).or_default();
        let recorded = &self.recorded;
        let is_kept = |id: &OperationId| {
            recorded
                .get(id)
                .is_some_and(|operation| store.outcome(operation).is_some())
        };
        let forgotten: Vec<_> = kept.iter().copied().filter(|id| !is_kept(id)).collect();
        for id in forgotten {
            let answered = self.answered.get(&(phone, id));
            if answered.is_none_or(|at| now - at < RETENTION_MS) {
                return Err(format!("phone {phone} forgot {id} too early"));
            }
            kept.remove(&id);
            self.open.entry(phone).or_default().remove(&id);
        }
        let server = self.copy_of_server(server);
        self.note_destroyed(&server.has);
        Ok(())
    }

    /// What a backup of the server has.
    pub fn copy_of_server(&self, server: &impl SimServer) -> ServerCopy {
        let ids = self.recorded.keys().copied();
        ServerCopy {
            has: ids.filter(|id| server.result(*id).is_some()).collect(),
            head: server.head(),
        }
    }

    /// The server came back from a backup.
    pub fn server_restored(&mut self, copy: &ServerCopy) {
        self.crm.retain(|(version, ..)| *version <= copy.head);
        self.may_reopen.extend(self.kept.keys());
        self.note_destroyed(&copy.has);
    }

    /// What a backup of a phone has.
    pub fn copy_of_phone(&self, phone: u8) -> PhoneCopy {
        let of = |sets: &BTreeMap<u8, BTreeSet<OperationId>>| {
            sets.get(&phone).cloned().unwrap_or_default()
        };
        let answered = self.answered.iter().filter(|((p, _), _)| *p == phone);
        PhoneCopy {
            kept: of(&self.kept),
            open: of(&self.open),
            answered: answered.map(|((_, id), at)| (*id, *at)).collect(),
        }
    }

    /// A phone has another's files, or older ones.
    pub fn phone_replaced(&mut self, phone: u8, copy: PhoneCopy, server: &impl SimServer) {
        self.answered.retain(|(p, _), _| *p != phone);
        let answered = copy.answered.into_iter();
        self.answered
            .extend(answered.map(|(id, at)| ((phone, id), at)));
        self.open.insert(phone, copy.open);
        self.kept.insert(phone, copy.kept);
        self.may_reopen.insert(phone);
        let server = self.copy_of_server(server);
        self.note_destroyed(&server.has);
    }

    /// A phone forgot what the server has; when the server loses that, nobody has it.
    pub fn note_destroyed(&mut self, on_server: &BTreeSet<OperationId>) {
        let is_kept = |id: &OperationId| {
            on_server.contains(id) || self.kept.values().any(|kept| kept.contains(id))
        };
        let gone = self.recorded.keys().copied().filter(|id| !is_kept(id));
        self.destroyed.extend(gone.collect::<Vec<_>>());
    }

    /// What must hold of a phone at any time.
    pub fn check_phone(
        &self,
        phone: u8,
        store: &impl SimPhone,
        expected: Option<&Expected>,
    ) -> Result<(), Wrong> {
        let on_top = self.on_top(phone, store)?;
        check_own_writes(phone, store, &on_top)?;
        check_pairs(phone, store)?;
        let Some(expected) = expected else {
            return Ok(());
        };
        let made: BTreeSet<Key> = on_top.iter().map(|o| (o.entity, o.row)).collect();
        for key in store.keys() {
            if !expected.rows.contains_key(&key) && !made.contains(&key) {
                return Err(format!(
                    "phone {phone} shows {key:?}, which is not in its scopes"
                ));
            }
        }
        check_forbidden(phone, store, expected)
    }

    /// Operations of a phone that must show on top of what the server said, oldest first.
    fn on_top<'a>(&'a self, phone: u8, store: &impl SimPhone) -> Result<Vec<&'a Operation>, Wrong> {
        let head = store.head();
        let mut on_top = Vec::new();
        for id in self.open.get(&phone).into_iter().flatten() {
            let Some(operation) = self.recorded.get(id) else {
                continue;
            };
            match store.outcome(operation) {
                None => return Err(format!("phone {phone} lost operation {id}")),
                Some(None) => on_top.push(operation),
                Some(Some(outcome)) if outcome.version().is_some_and(|v| v > head) => {
                    on_top.push(operation);
                }
                Some(Some(_)) => {}
            }
        }
        Ok(on_top)
    }

    /// A phone shows exactly what it should, except where its own edits lie on top.
    pub fn check_shown(
        &self,
        phone: u8,
        store: &impl SimPhone,
        expected: &Expected,
    ) -> Result<(), Wrong> {
        let on_top = self.on_top(phone, store)?;
        let edited: BTreeSet<Key> = on_top.iter().map(|o| (o.entity, o.row)).collect();
        for (key, row) in &expected.rows {
            if edited.contains(key) {
                continue;
            }
            let look = store.look(*key);
            if look.as_ref() != Some(row) {
                return Err(format!("phone {phone} shows {look:?} instead of {row:?}"));
            }
        }
        for key in store.keys() {
            if !expected.rows.contains_key(&key) && !edited.contains(&key) {
                return Err(format!("phone {phone} still shows {key:?}"));
            }
        }
        Ok(())
    }

    /// Everything came to rest: nothing is lost, nothing happened twice, and the last writer of each
    /// cell is the one that stands.
    pub fn check_rest<P: SimPhone>(
        &self,
        server: &impl SimServer,
        phones: &[&P],
    ) -> Result<(), Wrong> {
        for (id, operation) in &self.recorded {
            if !self.destroyed.contains(id) {
                self.check_answered(operation, server, phones)?;
            }
            self.check_unit(operation, server)?;
            check_effect(operation, server)?;
        }
        check_once(server.effects())?;
        self.check_forbidden_stays(server)?;
        self.check_cells(server)
    }

    /// Who was marked as not to be contacted, by the CRM or a rep, stays so until the CRM makes the
    /// lead anew.
    fn check_forbidden_stays(&self, server: &impl SimServer) -> Result<(), Wrong> {
        let of_crm = self
            .crm
            .iter()
            .filter(|(_, _, tag, _)| *tag == lead::STATUS);
        let mut last: BTreeMap<RowId, (u64, bool)> = BTreeMap::new();
        for (version, row, _, value) in of_crm {
            let entry = last.entry(*row).or_default();
            *entry = (*entry).max((*version, !value.is_null()));
        }
        for operation in self.recorded.values().filter(|o| forbids(o)) {
            let version = server.result(operation.id).and_then(|o| o.version());
            let entry = last.entry(operation.row).or_default();
            *entry = (*entry).max((version.unwrap_or(0), true));
        }
        for (row, (version, is_forbidden_since)) in last {
            let now = server.row((Entity::LEAD, row));
            if is_forbidden_since && version > 0 && now.is_some_and(|row| !is_forbidden(&row)) {
                return Err(format!(
                    "{row} may be contacted again, though forbidden at {version}"
                ));
            }
        }
        Ok(())
    }

    fn check_answered<P: SimPhone>(
        &self,
        operation: &Operation,
        server: &impl SimServer,
        phones: &[&P],
    ) -> Result<(), Wrong> {
        let id = operation.id;
        let Some(result) = server.result(id) else {
            return Err(format!("operation {id} never reached the server"));
        };
        for (phone, store) in (0..).zip(phones) {
            let is_kept = self.kept.get(&phone).is_some_and(|kept| kept.contains(&id));
            if is_kept && store.outcome(operation) != Some(Some(result.clone())) {
                let outcome = store.outcome(operation);
                return Err(format!(
                    "phone {phone} has {outcome:?} for {id}, the server {result:?}"
                ));
            }
        }
        Ok(())
    }

    fn check_unit(&self, operation: &Operation, server: &impl SimServer) -> Result<(), Wrong> {
        let of_first = server.result(operation.group);
        let of_this = server.result(operation.id);
        let is_applied = |outcome: Option<Outcome>| outcome.is_some_and(|o| o.version().is_some());
        if is_applied(of_first) == is_applied(of_this) {
            Ok(())
        } else {
            Err(format!("half of the unit {} was applied", operation.group))
        }
    }

    fn check_cells(&self, server: &impl SimServer) -> Result<(), Wrong> {
        let mut last: BTreeMap<(RowId, Tag), (u64, Value)> = BTreeMap::new();
        let mut take = |version: u64, row: RowId, tag: Tag, value: &Value| {
            let entry = last.entry((row, tag)).or_default();
            if version >= entry.0 {
                *entry = (version, value.clone());
            }
        };
        let crm = self
            .crm
            .iter()
            .filter(|(_, _, tag, _)| *tag != lead::STATUS);
        for (version, row, tag, value) in crm {
            take(*version, *row, *tag, value);
        }
        for operation in self.recorded.values() {
            let version = server.result(operation.id).and_then(|o| o.version());
            let (Some(version), Change::Edit(edits)) = (version, &operation.change) else {
                continue;
            };
            for edit in edits.iter().filter(|edit| edit.tag != lead::STATUS) {
                take(version, operation.row, edit.tag, &edit.new);
            }
        }
        for ((id, tag), (version, value)) in last {
            let Some(row) = server.row((Entity::LEAD, id)) else {
                continue;
            };
            if *row.columns.get(tag) != value {
                return Err(format!(
                    "column {tag} of {id} is {:?}, but {value:?} was written last, at {version}",
                    row.columns.get(tag)
                ));
            }
        }
        Ok(())
    }
}

fn check_own_writes(phone: u8, store: &impl SimPhone, on_top: &[&Operation]) -> Result<(), Wrong> {
    let mut wanted: BTreeMap<(RowId, Tag), &Value> = BTreeMap::new();
    for operation in on_top {
        match &operation.change {
            Change::Create(_) if store.look((operation.entity, operation.row)).is_none() => {
                return Err(format!(
                    "phone {phone} does not show what {} made",
                    operation.id
                ));
            }
            Change::Create(_) => {}
            Change::Edit(edits) => {
                for edit in edits.iter().filter(|edit| edit.tag != lead::STATUS) {
                    wanted.insert((operation.row, edit.tag), &edit.new);
                }
            }
        }
    }
    for ((row, tag), value) in wanted {
        let Some(look) = store.look((Entity::LEAD, row)) else {
            continue;
        };
        if look.columns.get(tag) != value {
            return Err(format!(
                "phone {phone} shows {:?} in column {tag} of {row}, its own edit is {value:?}",
                look.columns.get(tag)
            ));
        }
    }
    Ok(())
}

/// What the CRM writes together shows together.
fn check_pairs(phone: u8, store: &impl SimPhone) -> Result<(), Wrong> {
    for pair in 0..PAIRS {
        let score = |lead| {
            let look = store.look((Entity::LEAD, lead_id(lead)))?;
            look.columns.get(lead::SCORE).as_int()
        };
        if let (Some(a), Some(b)) = (score(2 * pair), score(2 * pair + 1))
            && a != b
        {
            return Err(format!(
                "phone {phone} shows half of pair {pair}: {a} and {b}"
            ));
        }
    }
    Ok(())
}

fn forbids(operation: &Operation) -> bool {
    let forbidden = Value::Int(LeadStatus::DoNotContact.code());
    let Change::Edit(edits) = &operation.change else {
        return false;
    };
    edits
        .iter()
        .any(|edit| edit.tag == lead::STATUS && edit.new == forbidden)
}

fn is_forbidden(row: &Row) -> bool {
    let status = row.columns.get(lead::STATUS).as_int();
    status == Some(LeadStatus::DoNotContact.code())
}

/// Whoever is known not to want contact is not shown as if they did.
fn check_forbidden(phone: u8, store: &impl SimPhone, expected: &Expected) -> Result<(), Wrong> {
    let forbidden = expected.rows.iter().filter(|(_, row)| is_forbidden(row));
    for (key, _) in forbidden {
        if store.look(*key).is_some_and(|look| !is_forbidden(&look)) {
            return Err(format!(
                "phone {phone} shows {key:?} as if it might be contacted"
            ));
        }
    }
    Ok(())
}

/// A visit is there if it was taken, and only then.
fn check_effect(operation: &Operation, server: &impl SimServer) -> Result<(), Wrong> {
    let (Entity::VISIT, Some(outcome)) = (operation.entity, server.result(operation.id)) else {
        return Ok(());
    };
    let is_there = server.row((Entity::VISIT, operation.row)).is_some();
    if is_there == outcome.version().is_some() {
        Ok(())
    } else {
        Err(format!(
            "visit {} was answered {outcome:?}, and is it there: {is_there}",
            operation.row
        ))
    }
}

fn check_once(effects: &[OperationId]) -> Result<(), Wrong> {
    let mut seen = BTreeSet::new();
    match effects.iter().find(|id| !seen.insert(**id)) {
        None => Ok(()),
        Some(id) => Err(format!("operation {id} took effect twice")),
    }
}
