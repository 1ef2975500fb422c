//! A server, as far as a phone can tell.

use crate::common::{lead_columns, lead_id};
use fieldfare_model::{Columns, Entity, OperationId, Row, RowId, schema};
use fieldfare_sync::{
    Change, FeedChange, LeaveReason, OperationResult, Outcome, RejectCode, ScopeId,
};
use std::collections::{BTreeMap, BTreeSet};

pub const SCOPES: [&str; 4] = ["rep:me", "ref", "terr:a", "terr:b"];
pub const ROWS: u8 = 4;
pub const FIRST_VISIT: u8 = 3;
pub type Key = (Entity, RowId);

pub fn key(row: u8) -> Key {
    let entity = if row < FIRST_VISIT {
        Entity::LEAD
    } else {
        Entity::VISIT
    };
    (entity, lead_id(row).row())
}

pub fn columns(row: u8, name: u16) -> Columns {
    if row < FIRST_VISIT {
        return lead_columns(row, &format!("name{name}"));
    }
    let mut columns = Columns::new();
    columns.set(schema::visit::LEAD, lead_id(0).as_bytes().to_vec());
    columns.set(schema::visit::NOTE, format!("note{name}").as_str());
    columns
}

#[derive(Debug, Clone)]
pub struct ServerRow {
    pub version: u64,
    pub columns: Columns,
    pub scopes: BTreeSet<&'static str>,
}

/// The server, as far as a phone can tell.
#[derive(Debug, Clone, Default)]
pub struct Server {
    pub seq: u64,
    pub rows: BTreeMap<u8, ServerRow>,
    pub left: BTreeMap<(&'static str, u8), u64>,
    pub last_n: u64,
    pub results: BTreeMap<OperationId, OperationResult>,
}

impl Server {
    pub fn write(&mut self, row: u8, columns: Columns, scopes: BTreeSet<&'static str>) -> u64 {
        self.seq += 1;
        let before = self.rows.remove(&row).map(|r| r.scopes).unwrap_or_default();
        for name in before.difference(&scopes) {
            self.left.insert((name, row), self.seq);
        }
        for name in &scopes {
            self.left.remove(&(*name, row));
        }
        if !scopes.is_empty() {
            self.rows.insert(
                row,
                ServerRow {
                    version: self.seq,
                    columns,
                    scopes,
                },
            );
        }
        self.seq
    }

    pub fn feed(&self, name: &'static str, after: u64) -> Vec<FeedChange> {
        let puts = self
            .rows
            .iter()
            .filter(|(_, r)| r.scopes.contains(name))
            .map(|(row, r)| {
                let (entity, id) = key(*row);
                let row = Row {
                    id,
                    version: r.version,
                    columns: r.columns.clone(),
                };
                FeedChange::Put { entity, row }
            });
        let leaves = self
            .left
            .iter()
            .filter(|((s, _), _)| *s == name)
            .map(|((_, row), seq)| {
                let (entity, id) = key(*row);
                FeedChange::Leave {
                    entity,
                    id,
                    seq: *seq,
                    reason: LeaveReason::Left,
                }
            });
        let mut feed: Vec<_> = puts.chain(leaves).filter(|c| c.seq() > after).collect();
        feed.sort_by_key(FeedChange::seq);
        feed
    }

    pub fn held(&self, name: &ScopeId) -> Vec<(Entity, Row)> {
        let here = self
            .rows
            .iter()
            .filter(|(_, r)| r.scopes.contains(name.as_str()));
        here.map(|(row, r)| {
            let (entity, id) = key(*row);
            let row = Row {
                id,
                version: r.version,
                columns: r.columns.clone(),
            };
            (entity, row)
        })
        .collect()
    }

    pub fn apply(
        &mut self,
        operation: &fieldfare_sync::Operation,
        refuse: bool,
    ) -> OperationResult {
        if let Some(result) = self.results.get(&operation.id) {
            self.last_n = self.last_n.max(operation.n);
            return OperationResult {
                n: operation.n,
                ..result.clone()
            };
        }
        assert_eq!(operation.n, self.last_n + 1, "numbers have no gaps");
        self.last_n = operation.n;
        let row = (0..ROWS)
            .find(|r| key(*r) == (operation.entity, operation.row))
            .unwrap();
        let outcome = match (&operation.change, self.rows.get(&row).cloned()) {
            (Change::Create(columns), None) if !refuse => {
                let version = self.write(row, columns.clone(), BTreeSet::from([SCOPES[2]]));
                Outcome::Applied { version }
            }
            (Change::Edit(edits), Some(mut before)) if !refuse => {
                for edit in edits {
                    before.columns.set(edit.tag, edit.new.clone());
                }
                Outcome::Applied {
                    version: self.write(row, before.columns, before.scopes),
                }
            }
            _ => Outcome::Rejected {
                code: RejectCode::Rule,
                reason: String::new(),
            },
        };
        let result = OperationResult {
            id: operation.id,
            n: operation.n,
            outcome,
        };
        self.results.insert(operation.id, result.clone());
        result
    }
}
