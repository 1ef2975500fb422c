//! Random days of a phone against a plain model of what it should show.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

#[path = "../common/mod.rs"]
mod common;
mod model;
mod server;

use common::{lead_id, operation_id, scope, stage};
use fieldfare_model::{ClientId, Columns, Entity, Row, TimestampMs, Value, schema};
use fieldfare_store::{LeadFilter, LeadOrder, MemoryKeyVault, NewOperation, Store, StoreOptions};
use fieldfare_sync::{
    Change, Checkpoint, DigestKey, Epoch, FieldEdit, PhoneStore, Priority, Reoffer, ScopeGrant,
    ScopeId, ScopeSums,
};
use model::{Model, ModelOperation};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use server::{FIRST_VISIT, Key, ROWS, SCOPES, Server, columns, key};
use std::collections::BTreeSet;
use std::sync::Arc;

#[derive(Debug, Clone)]
enum Action {
    /// The server writes a row into a set of scopes; none deletes it.
    Write {
        row: u8,
        name: u16,
        scopes: u8,
    },
    Grant(u8),
    Revoke(u8),
    /// Some changes of a scope arrive.
    Pull {
        scope: u8,
        rows: usize,
    },
    Complete,
    Partial(u8),
    Restart,
    Suspend,
    Edit {
        row: u8,
        name: u16,
    },
    Create {
        row: u8,
        name: u16,
    },
    /// The server answers what is sent; `lost` answers never arrive.
    Push {
        most: usize,
        refuse: bool,
        lost: bool,
    },
    Backup,
    /// The server comes back from its backup, or asks to begin again.
    Restore,
    Rebase,
}

fn action() -> impl Strategy<Value = Action> {
    let row = 0..ROWS;
    let lead = 0..FIRST_VISIT;
    prop_oneof![
        8 => (row, 0u16..400, 0u8..16).prop_map(|(row, name, scopes)| Action::Write { row, name, scopes }),
        2 => (0u8..4).prop_map(Action::Grant),
        1 => (0u8..4).prop_map(Action::Revoke),
        6 => (0u8..4, 1usize..4).prop_map(|(scope, rows)| Action::Pull { scope, rows }),
        3 => Just(Action::Complete),
        2 => (0u8..3).prop_map(Action::Partial),
        2 => Just(Action::Restart),
        1 => Just(Action::Suspend),
        3 => (lead.clone(), 0u16..400).prop_map(|(row, name)| Action::Edit { row, name }),
        1 => (lead, 0u16..400).prop_map(|(row, name)| Action::Create { row, name }),
        3 => (1usize..4, any::<bool>(), any::<bool>())
            .prop_map(|(most, refuse, lost)| Action::Push { most, refuse, lost }),
        1 => Just(Action::Backup),
        1 => Just(Action::Restore),
        1 => Just(Action::Rebase),
    ]
}

struct Day {
    dir: tempfile::TempDir,
    vault: Arc<MemoryKeyVault>,
    store: Option<Store>,
    server: Server,
    backup: Server,
    grants: BTreeSet<&'static str>,
    model: Model,
    epoch: u64,
    operations_made: u64,
    /// How often digests were carried on over a publish.
    carried: u32,
}

/// Digests are carried on however few rows there are.
fn options() -> StoreOptions {
    StoreOptions {
        counted_at_every_sync: 0,
        ..StoreOptions::default()
    }
}

impl Day {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let vault = Arc::new(MemoryKeyVault::new());
        let (store, _) = Store::open(dir.path(), vault.clone(), options()).unwrap();
        (&store).enter_epoch(Epoch(1)).unwrap();
        Self {
            dir,
            vault,
            store: Some(store),
            server: Server::default(),
            backup: Server::default(),
            grants: BTreeSet::from([SCOPES[0], SCOPES[2]]),
            model: Model::default(),
            epoch: 1,
            operations_made: 0,
            carried: 0,
        }
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    fn cursor(&self, name: &str) -> u64 {
        let cursors = self.store().sync_state().unwrap().cursors;
        cursors
            .iter()
            .find(|c| c.scope.as_str() == name)
            .map_or(0, |c| c.cursor)
    }

    fn pull(&self, name: &'static str, rows: usize) {
        let from = self.cursor(name);
        let feed = self.server.feed(name, from);
        let some = &feed[..rows.min(feed.len())];
        let to = if some.len() == feed.len() {
            self.server.seq
        } else {
            some.last().unwrap().seq()
        };
        stage(self.store(), &scope(name), from, to, some);
    }

    fn granted(&self) -> Vec<ScopeGrant> {
        self.grants.iter().map(|name| common::grant(name)).collect()
    }

    fn publish(&mut self, priority: Priority, complete: bool) {
        let granted = self.granted();
        let due: Vec<_> = self
            .grants
            .iter()
            .copied()
            .filter(|name| complete || scope(name).priority() <= priority)
            .collect();
        for name in &due {
            self.pull(name, usize::MAX);
        }
        self.check("frames taken in are not shown");
        let checkpoint = Checkpoint {
            head: self.server.seq,
            priority,
            complete,
        };
        let before = self.looks();
        let changed = (&mut self.store()).publish(&granted, &checkpoint).unwrap();
        self.check_carried();
        let any_shown = self
            .grants
            .iter()
            .any(|name| self.model.shown.contains_key(name));
        if complete || !any_shown {
            self.model.show(&self.server, &due);
        }
        if complete {
            self.model
                .shown
                .retain(|name, _| self.grants.contains(name));
            self.model.head = self.server.seq;
            self.model.settle();
        }
        self.check_told(&before, &changed);
    }

    fn push(&mut self, most: usize, refuse: bool, lost: bool) {
        let batch = (&mut self.store()).next_batch(most, 100_000).unwrap();
        for sent in &batch {
            let known = self
                .model
                .operations
                .iter_mut()
                .find(|o| o.id == sent.id)
                .unwrap();
            known.n = Some(sent.n);
        }
        let results: Vec<_> = batch.iter().map(|o| self.server.apply(o, refuse)).collect();
        if lost {
            return;
        }
        let before = self.looks();
        let changed = (&mut self.store())
            .save_results(&results, TimestampMs(5))
            .unwrap();
        for result in results {
            let known = self
                .model
                .operations
                .iter_mut()
                .find(|o| o.id == result.id)
                .unwrap();
            known.result.get_or_insert(result.outcome);
        }
        self.model.settle();
        self.check_told(&before, &changed);
    }

    fn record(&mut self, row: u8, change: Change) {
        self.operations_made += 1;
        let (entity, id) = key(row);
        let operation = NewOperation {
            id: operation_id(self.operations_made),
            entity,
            row: id,
            base_version: self.model.look(row).map_or(0, |(version, _)| version),
            depends_on: None,
            at: TimestampMs(1),
            change: change.clone(),
        };
        let before = self.looks();
        let changed = self
            .store()
            .record(std::slice::from_ref(&operation))
            .unwrap();
        self.model.operations.push(ModelOperation {
            id: operation.id,
            n: None,
            row,
            change,
            result: None,
            settled: false,
        });
        self.check_told(&before, &changed);
    }

    fn new_history(&mut self) {
        self.epoch += 1;
        let epoch = self.epoch;
        let last_n = self.server.last_n;
        let which = Reoffer {
            above: last_n,
            is_new_history: true,
        };
        let mut fresh = [0xcc; 16];
        fresh[..8].copy_from_slice(&epoch.to_be_bytes());
        let fresh = ClientId::from_bytes(fresh);
        (&mut self.store()).reoffer(which, fresh).unwrap();
        let state = self.store().sync_state().unwrap();
        assert_eq!((state.client, state.gaps), (fresh, vec![]));
        self.server.last_n = 0;
        (&mut self.store()).begin_rebase(Epoch(epoch)).unwrap();
        self.model.head = 0;
        for operation in &mut self.model.operations {
            operation.n = None;
            operation.result = None;
            operation.settled = false;
        }
        self.check("a new history shows nothing yet");
        let held = |name: &ScopeId| self.server.held(name);
        common::reconcile(self.store(), Epoch(epoch), self.server.seq, &held);
    }

    /// Digests that are carried on are those that counting gives.
    fn check_carried(&mut self) {
        let key = DigestKey::of(Epoch(self.epoch));
        let Some(mut carried) = self.store().carried_digests(&key).unwrap() else {
            return;
        };
        self.carried += 1;
        let sums = self.store().sums(&key).unwrap().into_iter();
        let mut counted: Vec<_> = sums.map(|(scope, sums)| (scope, sums.total())).collect();
        carried.sort_by(|a, b| a.0.cmp(&b.0));
        counted.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(carried, counted);
    }

    /// The digests are those of the rows the model shows, edits left aside.
    fn check_digests(&self) {
        let key = DigestKey::of(Epoch(self.epoch));
        for (name, sums) in self.store().sums(&key).unwrap() {
            let mut expected = ScopeSums::default();
            for (row, (version, columns)) in &self.model.shown[name.as_str()] {
                let (entity, id) = crate::key(*row);
                let row = Row {
                    id,
                    version: *version,
                    columns: columns.clone(),
                };
                expected.add(id, key.hash(entity, &row));
            }
            assert_eq!(sums, expected, "digest of {name}");
        }
    }

    fn run(&mut self, action: Action) {
        match action {
            Action::Write { row, name, scopes } => {
                let scopes = (0..4).filter(|i| scopes & (1 << i) != 0).map(|i| SCOPES[i]);
                self.server.write(row, columns(row, name), scopes.collect());
            }
            Action::Grant(at) => drop(self.grants.insert(SCOPES[usize::from(at)])),
            Action::Revoke(at) => drop(self.grants.remove(SCOPES[usize::from(at)])),
            Action::Pull { scope, rows } => {
                let name = SCOPES[usize::from(scope)];
                if self.grants.contains(name) {
                    self.pull(name, rows);
                }
            }
            Action::Complete => self.publish(Priority::BULK, true),
            Action::Partial(priority) => self.publish(Priority(priority), false),
            Action::Restart => self.restart(),
            Action::Suspend => {
                self.store().suspend().unwrap();
                self.store().resume().unwrap();
            }
            Action::Edit { row, name } => {
                if self.model.look(row).is_some() {
                    let tag = schema::lead::NAME;
                    let new = Value::Text(format!("edit{name}"));
                    self.record(
                        row,
                        Change::Edit(vec![FieldEdit {
                            tag,
                            base: Value::Null,
                            new,
                        }]),
                    );
                }
            }
            Action::Create { row, name } => {
                let is_new = self.model.operations.iter().all(|o| o.row != row);
                if is_new && !self.server.rows.contains_key(&row) && self.model.look(row).is_none()
                {
                    self.record(row, Change::Create(columns(row, name)));
                }
            }
            Action::Push { most, refuse, lost } => self.push(most, refuse, lost),
            Action::Backup => self.backup = self.server.clone(),
            Action::Restore => {
                self.server = self.backup.clone();
                self.new_history();
            }
            Action::Rebase => self.new_history(),
        }
        self.check("after a step");
    }

    /// As after a kill: nothing is closed in order.
    fn restart(&mut self) {
        self.store = None;
        let (store, report) = Store::open(self.dir.path(), self.vault.clone(), options()).unwrap();
        assert_eq!(report.cache, fieldfare_store::FileReport::Opened);
        self.store = Some(store);
    }

    fn looks(&self) -> Vec<Option<(u64, Columns)>> {
        (0..ROWS).map(|row| self.model.look(row)).collect()
    }

    /// Every row that looks different must be among those that were told.
    fn check_told(&self, before: &[Option<(u64, Columns)>], told: &[Key]) {
        for (row, before) in (0..ROWS).zip(before) {
            if self.model.look(row).map(|l| l.1) != before.clone().map(|l| l.1) {
                assert!(
                    told.contains(&key(row)),
                    "row {row} changed and nobody was told"
                );
            }
        }
    }

    fn check(&self, when: &str) {
        let store = self.store();
        let mut leads = BTreeSet::new();
        for row in 0..ROWS {
            let stored = store.row(key(row).0, key(row).1).unwrap();
            let is_pending = self
                .model
                .operations
                .iter()
                .any(|o| o.row == row && Model::is_on_top(o));
            if let Some(stored) = &stored {
                assert_eq!(
                    stored.is_pending, is_pending,
                    "pending of row {row}, {when}"
                );
            }
            let seen = stored.map(|s| (s.row.version, s.row.columns));
            assert_eq!(seen, self.model.look(row), "row {row}, {when}");
            if row < FIRST_VISIT && seen.is_some() {
                leads.insert(lead_id(row));
            }
            self.check_search(row, seen.as_ref());
        }
        let positions = store.positions().unwrap();
        assert_eq!(
            positions.iter().map(|p| p.id).collect::<BTreeSet<_>>(),
            leads
        );
        assert_eq!(positions.len(), leads.len());
        for order in [LeadOrder::Name, LeadOrder::Changed] {
            let page = store
                .page_leads(&LeadFilter::default(), order, None, 100)
                .unwrap();
            assert_eq!(page.rows.len(), leads.len());
        }
        self.check_digests();
        let visits = (FIRST_VISIT..ROWS)
            .filter(|row| self.model.look(*row).is_some())
            .count();
        assert_eq!(
            store
                .records_of(Entity::VISIT, lead_id(0).row())
                .unwrap()
                .len(),
            visits
        );
    }

    fn check_search(&self, row: u8, seen: Option<&(u64, Columns)>) {
        let Some(name) = seen.and_then(|(_, c)| c.get(schema::lead::NAME).as_text()) else {
            return;
        };
        if row < FIRST_VISIT {
            let found = self.store().search_leads(name, 100).unwrap();
            assert!(
                found.iter().any(|s| s.row.id == key(row).1),
                "{name} is found"
            );
            let is_right = |s: &fieldfare_store::StoredRow| {
                s.row
                    .columns
                    .get(schema::lead::NAME)
                    .as_text()
                    .unwrap()
                    .starts_with(name)
            };
            assert!(found.iter().all(is_right), "nothing of the past is found");
        }
    }
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").map_or(48, |n| n.parse().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn a_phone_shows_what_it_should(actions in proptest::collection::vec(action(), 1..40)) {
        let mut day = Day::new();
        for action in actions {
            day.run(action);
        }
        day.publish(Priority::BULK, true);
        day.check("at the end");
    }
}

#[test]
fn in_such_days_digests_are_carried_on() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = proptest::collection::vec(action(), 40);
    let mut carried = 0;
    for _ in 0..10 {
        let mut day = Day::new();
        for action in strategy.new_tree(&mut runner).unwrap().current() {
            day.run(action);
        }
        carried += day.carried;
    }
    assert!(
        carried > 10,
        "only {carried} times: the check would be empty"
    );
}
