//! What a phone should show.

use crate::server::{ROWS, Server};
use fieldfare_model::{Columns, OperationId};
use fieldfare_sync::{Change, Outcome};
use std::collections::BTreeMap;

#[derive(Debug, Clone)]
pub struct ModelOperation {
    pub id: OperationId,
    pub n: Option<u64>,
    pub row: u8,
    pub change: Change,
    pub result: Option<Outcome>,
    /// Whether a shown head has it.
    pub settled: bool,
}

/// What the phone should show: for each shown scope a copy of its rows, and edits on top.
#[derive(Debug, Clone, Default)]
pub struct Model {
    pub shown: BTreeMap<&'static str, BTreeMap<u8, (u64, Columns)>>,
    pub head: u64,
    pub operations: Vec<ModelOperation>,
}

impl Model {
    pub fn show(&mut self, server: &Server, due: &[&'static str]) {
        for name in due {
            let rows = server.rows.iter().filter(|(_, r)| r.scopes.contains(name));
            let copy = rows.map(|(row, r)| (*row, (r.version, r.columns.clone())));
            self.shown.insert(name, copy.collect());
        }
        for row in 0..ROWS {
            let fresh = due
                .iter()
                .find_map(|name| self.shown[name].get(&row).cloned());
            if let Some(fresh) = fresh {
                for copy in self.shown.values_mut() {
                    copy.entry(row).and_modify(|old| *old = fresh.clone());
                }
            }
        }
    }

    pub fn settle(&mut self) {
        for operation in &mut self.operations {
            let version = operation.result.as_ref().and_then(Outcome::version);
            operation.settled |= version.is_some_and(|v| v <= self.head);
        }
    }

    pub fn base(&self, row: u8) -> Option<(u64, Columns)> {
        self.shown.values().find_map(|copy| copy.get(&row).cloned())
    }

    pub fn is_on_top(operation: &ModelOperation) -> bool {
        let is_refused = matches!(operation.result, Some(Outcome::Rejected { .. }));
        !operation.settled && !is_refused
    }

    pub fn look(&self, row: u8) -> Option<(u64, Columns)> {
        let mut look = self.base(row);
        for operation in self
            .operations
            .iter()
            .filter(|o| o.row == row && Self::is_on_top(o))
        {
            match &operation.change {
                Change::Create(columns) if look.is_none() => look = Some((0, columns.clone())),
                Change::Edit(edits) => {
                    if let Some((_, columns)) = &mut look {
                        for edit in edits {
                            columns.set(edit.tag, edit.new.clone());
                        }
                    }
                }
                Change::Create(_) => {}
            }
        }
        look
    }
}
