//! The feed on the real store against a model that keeps who holds what.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use fieldfare_model::schema::{lead, visit};
use fieldfare_model::{Columns, Entity, RepId, RowId, TenantId, TerritoryId, TimestampMs, Value};
use fieldfare_server::feed::{self, LeadFilter, NoEffects, TenantStore};
use fieldfare_server::store::{MasterKey, Tenant, TenantHead, Tenants};
use fieldfare_sync::{
    Digest, DigestKey, Epoch, FeedChange, LeaveReason, RowState, ScopeId, ScopeSums, ServerStore,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const NOW: TimestampMs = TimestampMs(1);

fn tenant() -> (tempfile::TempDir, Arc<Tenant>) {
    let dir = tempfile::tempdir().unwrap();
    let tenants = Tenants::new(dir.path(), MasterKey::new([1; 32])).unwrap();
    let tenant = tenants.open(TenantId::from_bytes([1; 16]), NOW).unwrap();
    (dir, tenant)
}

fn territory(n: u8) -> TerritoryId {
    TerritoryId::from_bytes([100 + n; 16])
}

fn rep(n: u8) -> RepId {
    RepId::from_bytes([200 + n; 16])
}

fn lead_id(n: u8) -> RowId {
    RowId::from_bytes([n; 16])
}

fn lead_cells(name: u8, territory_of: Option<u8>) -> Columns {
    let mut columns = Columns::new();
    columns.set(lead::NAME, i64::from(name).to_string());
    columns.set(
        lead::TERRITORY,
        territory_of.map(|t| territory(t).as_bytes().to_vec()),
    );
    columns
}

fn visit_cells(lead: u8, rep_of: u8) -> Columns {
    let mut columns = Columns::new();
    columns.set(visit::LEAD, lead_id(lead).as_bytes().to_vec());
    columns.set(visit::REP, rep(rep_of).as_bytes().to_vec());
    columns
}

#[derive(Debug, Clone)]
enum Step {
    PutLead {
        lead: u8,
        name: u8,
        territory: Option<u8>,
    },
    DeleteLead {
        lead: u8,
    },
    PutVisit {
        visit: u8,
        lead: u8,
        rep: u8,
    },
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0u8..4, 0u8..3, proptest::option::of(0u8..3))
            .prop_map(|(lead, name, territory)| Step::PutLead { lead, name, territory }),
        1 => (0u8..4).prop_map(|lead| Step::DeleteLead { lead }),
        2 => (0u8..4, 0u8..4, 0u8..2)
            .prop_map(|(visit, lead, rep)| Step::PutVisit { visit: visit + 50, lead, rep }),
    ]
}

/// What there is, and from it alone, who must hold what.
#[derive(Default)]
struct Oracle {
    leads: BTreeMap<u8, (u8, Option<u8>)>,
    visits: BTreeMap<u8, (u8, u8)>,
}

impl Oracle {
    fn take(&mut self, step: &Step) {
        match *step {
            Step::PutLead {
                lead,
                name,
                territory,
            } => {
                self.leads.insert(lead, (name, territory));
            }
            Step::DeleteLead { lead } => {
                self.leads.remove(&lead);
            }
            Step::PutVisit { visit, lead, rep } => {
                self.visits.insert(visit, (lead, rep));
            }
        }
    }

    fn holds(&self, scope: &ScopeId) -> BTreeSet<RowId> {
        let leads = self
            .leads
            .iter()
            .filter(|(_, (_, t))| t.is_some_and(|t| ScopeId::territory(territory(t)) == *scope))
            .map(|(id, _)| *id);
        let visits = self.visits.iter().filter(|(_, (lead, by))| {
            let place = self.leads.get(lead).and_then(|(_, t)| *t);
            place.is_some_and(|t| ScopeId::territory(territory(t)) == *scope)
                || ScopeId::rep(rep(*by)) == *scope
        });
        leads
            .chain(visits.map(|(id, _)| *id))
            .map(lead_id)
            .collect()
    }
}

fn apply(tenant: &Tenant, step: &Step) {
    tenant
        .write(|tx| match *step {
            Step::PutLead {
                lead,
                name,
                territory,
            } => feed::put(
                tx,
                Entity::LEAD,
                lead_id(lead),
                lead_cells(name, territory),
                NOW,
            ),
            Step::DeleteLead { lead } => feed::delete(tx, Entity::LEAD, lead_id(lead), NOW),
            Step::PutVisit { visit, lead, rep } => feed::put(
                tx,
                Entity::VISIT,
                lead_id(visit),
                visit_cells(lead, rep),
                NOW,
            ),
        })
        .unwrap();
}

fn scopes() -> Vec<ScopeId> {
    let territories = (0..3).map(|t| ScopeId::territory(territory(t)));
    territories
        .chain((0..2).map(|r| ScopeId::rep(rep(r))))
        .collect()
}

/// A phone that follows one scope and pulls in pieces of `limit` changes.
#[derive(Default)]
struct Follower {
    cursor: u64,
    rows: BTreeMap<RowId, Columns>,
}

impl Follower {
    fn pull(&mut self, tenant: &Tenant, scope: &ScopeId, limit: usize) {
        loop {
            let changes = tenant
                .read(|c| feed::changes(c, scope, self.cursor, limit))
                .unwrap();
            if changes.is_empty() {
                return;
            }
            for change in changes {
                assert!(change.seq() > self.cursor, "one sequence order");
                self.cursor = change.seq();
                match change {
                    FeedChange::Put { row, .. } => self.rows.insert(row.id, row.columns),
                    FeedChange::Leave { id, .. } => self.rows.remove(&id),
                };
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whoever_pulls_whenever_holds_what_the_model_says(
        steps in proptest::collection::vec((any_step(), any::<bool>()), 1..24),
        limit in 1usize..5,
    ) {
        let (_dir, tenant) = tenant();
        let mut oracle = Oracle::default();
        let mut followers: BTreeMap<ScopeId, Follower> =
            scopes().into_iter().map(|scope| (scope, Follower::default())).collect();
        for (step, pull_now) in &steps {
            apply(&tenant, step);
            oracle.take(step);
            if *pull_now {
                followers.iter_mut().for_each(|(scope, f)| f.pull(&tenant, scope, limit));
            }
        }
        for (scope, follower) in &mut followers {
            follower.pull(&tenant, scope, limit);
            let mut late = Follower::default();
            late.pull(&tenant, scope, 1_000);
            let held: BTreeSet<_> = follower.rows.keys().copied().collect();
            prop_assert_eq!(&held, &oracle.holds(scope), "{}", scope);
            prop_assert_eq!(&follower.rows, &late.rows);
        }
        check_index(&tenant);
        for scope in scopes() {
            prop_assert_eq!(kept_sums(&tenant, &scope), sums_of_feed(&tenant, &scope), "{}", scope);
        }
    }
}

/// The digests as they are kept with every write.
fn kept_sums(tenant: &Tenant, scope: &ScopeId) -> (Digest, ScopeSums) {
    let read = |tx: &rusqlite::Transaction<'_>| {
        let store = TenantStore::new(tx, &NoEffects, NOW);
        Ok((store.digest(scope)?, store.sums(scope)?))
    };
    tenant.database().read(read).unwrap()
}

/// The digests as they follow from the whole feed.
fn sums_of_feed(tenant: &Tenant, scope: &ScopeId) -> (Digest, ScopeSums) {
    let key = DigestKey::of(tenant.read(TenantHead::read).unwrap().epoch);
    let feed = tenant.read(|c| feed::changes(c, scope, 0, 10_000)).unwrap();
    let mut sums = ScopeSums::default();
    for change in feed {
        if let FeedChange::Put { entity, row } = change {
            sums.add(row.id, key.hash(entity, &row));
        }
    }
    (sums.total(), sums)
}

#[test]
fn a_new_history_has_digests_of_its_own() {
    let (_dir, tenant) = tenant();
    for lead in 0..9 {
        let territory = Some(lead % 3);
        apply(
            &tenant,
            &Step::PutLead {
                lead,
                name: 1,
                territory,
            },
        );
    }
    let before = kept_sums(&tenant, &scopes()[0]);
    tenant
        .write(|tx| feed::begin_history(tx, Epoch(77)))
        .unwrap();
    assert_eq!(tenant.read(TenantHead::read).unwrap().epoch, Epoch(77));
    for scope in scopes() {
        assert_eq!(kept_sums(&tenant, &scope), sums_of_feed(&tenant, &scope));
    }
    assert_ne!(kept_sums(&tenant, &scopes()[0]), before);
    assert!(tenant.read(feed::wrong_digests).unwrap().is_empty());
    tenant
        .write(|tx| Ok(tx.execute("UPDATE digest SET rows = rows + 1 WHERE bucket = 256", [])?))
        .unwrap();
    assert!(!tenant.read(feed::wrong_digests).unwrap().is_empty());
}

#[test]
fn tombstones_go_after_the_retention_and_raise_the_floor() {
    const DAY: i64 = 86_400_000;
    let (_dir, tenant) = tenant();
    let put = |lead, territory| {
        let step = Step::PutLead {
            lead,
            name: 0,
            territory,
        };
        apply(&tenant, &step);
    };
    let collect = |day: i64| {
        tenant
            .write(|tx| feed::collect(tx, TimestampMs(day * DAY), 90 * DAY))
            .unwrap()
    };
    let north = ScopeId::territory(territory(0));
    put(1, Some(0));
    put(2, Some(0));
    put(1, Some(1));
    apply(&tenant, &Step::DeleteLead { lead: 2 });
    assert_eq!(collect(0), feed::Collected::default());
    put(3, Some(0));
    put(3, Some(1));
    assert_eq!(collect(50), feed::Collected::default());
    assert_eq!(collect(89).entries, 0);
    let before = kept_sums(&tenant, &north);
    let first = feed::Collected {
        entries: 2,
        rows: 1,
        floor: 4,
    };
    assert_eq!(collect(95), first);
    assert_eq!(tenant.read(TenantHead::read).unwrap().floor, 4);
    assert_eq!(seqs(&tenant, north.clone()), [(6, lead_id(3), "left")]);
    assert_eq!(collect(139).entries, 0);
    assert_eq!((collect(140).entries, collect(200).floor), (1, 6));
    assert_eq!(kept_sums(&tenant, &north), before);
    let lead_2 = tenant.read(|c| feed::row(c, Entity::LEAD, lead_id(2)));
    assert_eq!(lead_2.unwrap(), RowState::Absent);
}

/// What must hold of the index: a row stands once in a scope, live at its version, and no two
/// rows at one sequence.
fn check_index(tenant: &Tenant) {
    let count = |sql: &str| -> i64 {
        tenant
            .read(|c| Ok(c.query_row(sql, [], |r| r.get(0))?))
            .unwrap()
    };
    assert_eq!(
        count(
            "SELECT count(*) FROM member m JOIN \"row\" r ON r.key = m.\"row\"
               WHERE m.present = 1 AND (m.seq <> r.version OR r.deleted = 1)"
        ),
        0
    );
    assert_eq!(
        count(
            "SELECT count(*) FROM (SELECT 1 FROM member GROUP BY seq HAVING count(DISTINCT \"row\") > 1)"
        ),
        0
    );
    let head = tenant.read(TenantHead::read).unwrap().head;
    assert_eq!(
        count("SELECT coalesce(max(seq), 0) FROM member WHERE seq > (SELECT seq FROM tenant)"),
        0
    );
    assert!(count("SELECT coalesce(max(version), 0) FROM \"row\"") as u64 <= head);
}

fn seqs(tenant: &Tenant, scope: ScopeId) -> Vec<(u64, RowId, &'static str)> {
    let changes = tenant.read(|c| feed::changes(c, &scope, 0, 100)).unwrap();
    changes
        .into_iter()
        .map(|change| match change {
            FeedChange::Put { row, .. } => (row.version, row.id, "put"),
            FeedChange::Leave {
                id,
                seq,
                reason: LeaveReason::Left,
                ..
            } => (seq, id, "left"),
            FeedChange::Leave {
                id,
                seq,
                reason: LeaveReason::Deleted,
                ..
            } => (seq, id, "deleted"),
        })
        .collect()
}

#[test]
fn a_move_is_leave_and_enter_at_one_sequence_and_takes_visits_along() {
    let (_dir, tenant) = tenant();
    apply(
        &tenant,
        &Step::PutLead {
            lead: 1,
            name: 0,
            territory: Some(0),
        },
    );
    apply(
        &tenant,
        &Step::PutVisit {
            visit: 50,
            lead: 1,
            rep: 0,
        },
    );
    apply(
        &tenant,
        &Step::PutLead {
            lead: 1,
            name: 0,
            territory: Some(1),
        },
    );
    let (north, south) = (
        ScopeId::territory(territory(0)),
        ScopeId::territory(territory(1)),
    );
    assert_eq!(
        seqs(&tenant, north),
        [(3, lead_id(1), "left"), (4, lead_id(50), "left")]
    );
    assert_eq!(
        seqs(&tenant, south),
        [(3, lead_id(1), "put"), (4, lead_id(50), "put")]
    );
    assert_eq!(
        seqs(&tenant, ScopeId::rep(rep(0))),
        [(4, lead_id(50), "put")]
    );
}

#[test]
fn a_deleted_row_says_so_everywhere_and_may_come_back() {
    let (_dir, tenant) = tenant();
    let north = ScopeId::territory(territory(0));
    apply(
        &tenant,
        &Step::PutLead {
            lead: 1,
            name: 0,
            territory: Some(0),
        },
    );
    apply(&tenant, &Step::DeleteLead { lead: 1 });
    apply(&tenant, &Step::DeleteLead { lead: 1 });
    assert_eq!(seqs(&tenant, north.clone()), [(2, lead_id(1), "deleted")]);
    let state = tenant
        .read(|c| feed::row(c, Entity::LEAD, lead_id(1)))
        .unwrap();
    assert_eq!(state, RowState::Deleted);
    apply(
        &tenant,
        &Step::PutLead {
            lead: 1,
            name: 0,
            territory: Some(0),
        },
    );
    assert_eq!(seqs(&tenant, north), [(3, lead_id(1), "put")]);
}

#[test]
fn putting_the_same_again_takes_no_sequence() {
    let (_dir, tenant) = tenant();
    let step = Step::PutLead {
        lead: 1,
        name: 0,
        territory: Some(0),
    };
    apply(&tenant, &step);
    apply(&tenant, &step);
    assert_eq!(tenant.read(TenantHead::read).unwrap().head, 1);
}

#[test]
fn a_deleted_row_keeps_no_cells() {
    let (_dir, tenant) = tenant();
    apply(
        &tenant,
        &Step::PutLead {
            lead: 1,
            name: 0,
            territory: Some(0),
        },
    );
    apply(&tenant, &Step::DeleteLead { lead: 1 });
    let bytes: Vec<u8> = tenant
        .read(|c| Ok(c.query_row("SELECT columns FROM \"row\"", [], |r| r.get(0))?))
        .unwrap();
    assert_eq!(
        rmp_serde::from_slice::<Columns>(&bytes).unwrap(),
        Columns::new()
    );
}

#[test]
fn an_undone_write_takes_no_sequence() {
    let (_dir, tenant) = tenant();
    let undone: Result<(), _> = tenant.write(|tx| {
        feed::put(tx, Entity::LEAD, lead_id(1), lead_cells(0, Some(0)), NOW)?;
        Err(fieldfare_server::store::StoreError::NoTenant)
    });
    assert!(undone.is_err());
    assert_eq!(tenant.read(TenantHead::read).unwrap().head, 0);
}

#[test]
fn leads_are_found_by_crm_key_and_geocode_status() {
    let (_dir, tenant) = tenant();
    let with = |crm: &str, status: Option<i64>| {
        let mut columns = lead_cells(0, None);
        columns.set(lead::CRM_SOURCE, "hub");
        columns.set(lead::CRM_ID, crm);
        columns.set(lead::GEOCODE_STATUS, status);
        columns
    };
    tenant
        .write(|tx| {
            feed::put(tx, Entity::LEAD, lead_id(1), with("a", None), NOW)?;
            feed::put(tx, Entity::LEAD, lead_id(2), with("b", Some(1)), NOW)?;
            feed::delete(tx, Entity::LEAD, lead_id(2), NOW)?;
            feed::put(tx, Entity::LEAD, lead_id(3), with("c", Some(0)), NOW)
        })
        .unwrap();
    let find = |crm: &str| tenant.read(|c| feed::lead_by_crm(c, "hub", crm)).unwrap();
    assert!(matches!(find("a"), Some((_, RowState::Live(_)))));
    assert!(matches!(find("b"), Some((id, RowState::Deleted)) if id.row() == lead_id(2)));
    assert!(find("x").is_none());
    let pending = LeadFilter::Geocode(fieldfare_model::GeocodeStatus::Pending);
    let first = tenant.read(|c| feed::leads(c, pending, None, 1)).unwrap();
    let rest = tenant
        .read(|c| feed::leads(c, pending, Some(first[0].id.into()), 9))
        .unwrap();
    assert_eq!(
        (first[0].id, rest[0].id, rest.len()),
        (lead_id(1), lead_id(3), 1)
    );
    let twice = tenant.write(|tx| feed::put(tx, Entity::LEAD, lead_id(4), with("a", None), NOW));
    assert!(twice.is_err());
}

#[test]
fn a_reps_new_owner_id_brings_the_unassigned_leads_of_that_owner() {
    let (_dir, tenant) = tenant();
    let mut owned = lead_cells(0, None);
    owned.set(lead::OWNER, "own-7");
    let set_owner = |owner: &str| {
        let mut columns = Columns::new();
        columns.set(fieldfare_model::schema::rep::NAME, "Ada");
        columns.set(fieldfare_model::schema::rep::CRM_OWNER, Value::from(owner));
        tenant
            .write(|tx| feed::put(tx, Entity::REP, rep(0).row(), columns, NOW))
            .unwrap();
    };
    tenant
        .write(|tx| feed::put(tx, Entity::LEAD, lead_id(1), owned, NOW))
        .unwrap();
    let own = || seqs(&tenant, ScopeId::rep(rep(0)));
    assert!(own().is_empty());
    set_owner("own-7");
    assert_eq!(own()[0].2, "put");
    set_owner("own-8");
    assert_eq!(own()[0].2, "left");
}

#[test]
fn a_page_of_the_feed_is_one_range_of_its_index() {
    let (_dir, tenant) = tenant();
    let plan: Vec<String> = tenant
        .read(|c| {
            let sql = "EXPLAIN QUERY PLAN SELECT r.entity, r.id, m.seq, m.reason,
                CASE WHEN m.present THEN r.columns END
                FROM member m JOIN \"row\" r ON r.key = m.\"row\"
                WHERE m.scope = 1 AND m.seq > 2 ORDER BY m.seq LIMIT 3";
            let mut statement = c.prepare(sql)?;
            let lines = statement
                .query_map([], |r| r.get(3))?
                .collect::<Result<_, _>>()?;
            Ok(lines)
        })
        .unwrap();
    let plan = plan.join("; ");
    assert!(plan.contains("scope=? AND seq>?"), "{plan}");
    assert!(
        !plan.contains("TEMP B-TREE") && !plan.contains("SCAN"),
        "{plan}"
    );
}

#[test]
fn a_tenants_file_does_not_open_as_anothers() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (TenantId::from_bytes([1; 16]), TenantId::from_bytes([2; 16]));
    let open = |id| {
        Tenants::new(dir.path(), MasterKey::new([1; 32]))
            .unwrap()
            .open(id, NOW)
    };
    drop(open(a).unwrap());
    let file = |id: TenantId| dir.path().join(format!("tenants/{id}.db"));
    std::fs::copy(file(a), file(b)).unwrap();
    let refused = open(b).err().unwrap();
    assert!(matches!(
        refused,
        fieldfare_server::store::StoreError::WrongKey { .. }
    ));
    open(a).unwrap();
}
