//! Whatever happens in the CRM, and however its webhooks are repeated, mixed up and cut off, the
//! server ends with the CRM's state. The oracle is the CRM itself.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod crm_support;

use crm_support::*;
use fieldfare_model::{GeocodeStatus, LeadId, Precision};
use fieldfare_sandbox::{
    CallFault, DeliveryFaults, Duplicates, LoadOptions, MergeMode, ObjectType, PortalConfig,
    PortalHandle, SandboxConfig, SandboxCrm,
};
use fieldfare_server::{RunningServer, Server};
use std::collections::BTreeMap;
use std::time::Duration;

const COMPANIES: ObjectType = ObjectType::Companies;

/// SplitMix64: the same seed, the same day in the CRM.
struct Rng(u64);

impl Rng {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}

struct Joined {
    _dir: tempfile::TempDir,
    _sandbox: fieldfare_sandbox::RunningSandbox,
    portal: PortalHandle,
    server: RunningServer,
}

async fn join(portal: PortalConfig) -> Joined {
    let sandbox = SandboxCrm::start(SandboxConfig::with_portals([portal]))
        .await
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(config(dir.path(), &sandbox.base_url(), ""))
        .await
        .unwrap();
    let portal = sandbox.portal(PORTAL).unwrap();
    portal.set_webhook(Some(hook_target(server.addr)));
    Joined {
        _dir: dir,
        _sandbox: sandbox,
        portal,
        server,
    }
}

impl Joined {
    fn names_here(&self) -> BTreeMap<String, String> {
        let store = self.server.state.tenants.all().remove(0);
        let pair =
            |l: fieldfare_model::Lead| (l.crm_id.unwrap(), format!("{} {:?}", l.name, l.phone));
        leads(&store).into_iter().map(pair).collect()
    }

    fn names_there(&self) -> BTreeMap<String, String> {
        let live = self
            .portal
            .records(COMPANIES)
            .into_iter()
            .filter(|r| r.archived_ms.is_none());
        live.map(|r| {
            let name = r
                .value("name")
                .unwrap_or_else(|| format!("companies {}", r.id));
            (r.id.to_string(), format!("{name} {:?}", r.value("phone")))
        })
        .collect()
    }

    async fn converge(&self) {
        assert!(self.portal.wait_idle(Duration::from_secs(30)).await);
        eventually("the server holds what the CRM holds", || {
            self.names_here() == self.names_there()
        })
        .await;
    }

    fn one_change(&self, rng: &mut Rng, ids: &mut Vec<u64>) {
        let pick = |rng: &mut Rng, ids: &[u64]| ids.get(rng.below(ids.len().max(1))).copied();
        let value = format!("n{}", rng.below(1000));
        match (rng.below(12), pick(rng, ids)) {
            (0..=3, _) | (_, None) => {
                let made = self
                    .portal
                    .create(COMPANIES, &[("name", &value), ("state", "MA")]);
                ids.push(made.unwrap());
            }
            (4..=6, Some(id)) => drop(self.portal.edit(COMPANIES, id, &[("name", &value)])),
            (7, Some(id)) => drop(self.portal.edit(COMPANIES, id, &[("phone", &value)])),
            (8, Some(id)) => drop(self.portal.archive(COMPANIES, id)),
            (9, Some(id)) => drop(self.portal.restore(COMPANIES, id)),
            (10, Some(id)) => drop(self.portal.erase(COMPANIES, id)),
            (_, Some(id)) => {
                let other = pick(rng, ids).unwrap();
                if let Ok(new) = self.portal.merge(COMPANIES, id, other)
                    && !ids.contains(&new)
                {
                    ids.push(new);
                }
            }
        }
    }
}

async fn a_day(seed: u64, merge: MergeMode, redirect: bool) {
    let joined = join(PortalConfig {
        merge,
        merged_ids_redirect: redirect,
        ..portal_config()
    })
    .await;
    joined.portal.set_delivery_faults(DeliveryFaults {
        duplicates: Duplicates::Chance(0.5),
        reorder: true,
        delay_ms: 30,
        lost_answer_chance: 0.3,
        ..DeliveryFaults::default()
    });
    let (mut rng, mut ids) = (Rng(seed), Vec::new());
    for n in 0..80 {
        joined.one_change(&mut rng, &mut ids);
        if n % 20 == 7 {
            joined.portal.fail_calls(CallFault {
                retry_after_s: Some(0),
                ..CallFault::next(1, [429, 500, 502][rng.below(3)])
            });
        }
        if n % 10 == 0 {
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
    }
    joined.portal.clear_call_faults();
    joined.converge().await;
    let store = joined.server.state.tenants.all().remove(0);
    assert_eq!(
        store
            .read(|c| Ok(c.query_row("SELECT count(*) FROM crm_dead", [], |r| r.get::<_, i64>(0))?))
            .unwrap(),
        0
    );
    joined.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mixed_up_days_converge() {
    let modes = [MergeMode::NewRecord, MergeMode::KeepPrimary];
    for seed in 0..4u64 {
        a_day(seed, modes[seed as usize % 2], seed < 2).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merge_keeps_the_lead_and_a_restored_record_finds_its_own() {
    let joined = join(portal_config()).await;
    let first = joined
        .portal
        .create(COMPANIES, &[("name", "First")])
        .unwrap();
    let second = joined
        .portal
        .create(COMPANIES, &[("name", "Second")])
        .unwrap();
    joined.converge().await;
    let store = joined.server.state.tenants.all().remove(0);
    let id_of = |object| -> Option<LeadId> { lead_of(&store, object).map(|(id, _)| id) };
    let kept = id_of(first).unwrap();
    let merged = joined.portal.merge(COMPANIES, first, second).unwrap();
    assert_ne!(merged, first);
    joined.converge().await;
    assert_eq!(
        id_of(merged),
        Some(kept),
        "the lead of the primary record lives on"
    );
    joined.portal.archive(COMPANIES, merged).unwrap();
    joined.converge().await;
    assert!(leads(&store).is_empty());
    joined.portal.restore(COMPANIES, merged).unwrap();
    joined.converge().await;
    assert_eq!(id_of(merged), Some(kept));
    joined.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_existing_account_is_loaded_placed_and_divided_in_one_change_each() {
    let sandbox = SandboxCrm::start(SandboxConfig::with_portals([portal_config()]))
        .await
        .unwrap();
    let portal = sandbox.portal(PORTAL).unwrap();
    let lines: Vec<&str> = fieldfare_sandbox::ADDRESSES.lines().step_by(11).collect();
    let ids = portal
        .load_addresses(&lines.join("\n"), &LoadOptions::default())
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(config(dir.path(), &sandbox.base_url(), ""))
        .await
        .unwrap();
    let store = server.state.tenants.all().remove(0);
    eventually("all are here", || leads(&store).len() == ids.len()).await;
    let head = |sql: &str| {
        store
            .read(|c| Ok(c.query_row(sql, [], |r| r.get::<_, i64>(0))?))
            .unwrap()
    };
    let others = head("SELECT count(*) FROM \"row\" WHERE entity <> 1");
    assert_eq!(
        head("SELECT seq FROM tenant"),
        ids.len() as i64 + others,
        "one change for each"
    );
    for lead in leads(&store) {
        assert_eq!(lead.geocode.status, GeocodeStatus::Success);
        assert!(lead.geocode.precision >= Some(Precision::Postal));
        assert!(lead.time_zone.is_some() && lead.territory.is_some());
    }
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_in_between_loses_nothing() {
    let sandbox = SandboxCrm::start(SandboxConfig::with_portals([portal_config()]))
        .await
        .unwrap();
    let portal = sandbox.portal(PORTAL).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut expected = 0;
    for round in 0..4 {
        let server = Server::start(config(dir.path(), &sandbox.base_url(), ""))
            .await
            .unwrap();
        portal.set_webhook(Some(hook_target(server.addr)));
        for n in 0..30 {
            portal
                .create(COMPANIES, &[("name", &format!("c{round}-{n}"))])
                .unwrap();
        }
        expected += 30;
        assert!(portal.wait_idle(Duration::from_secs(30)).await);
        // Acknowledged, and not yet taken in: dropped without a word of farewell.
        if round < 3 {
            drop(server);
            tokio::time::sleep(Duration::from_millis(200)).await;
        } else {
            let store = server.state.tenants.all().remove(0);
            eventually("all rounds are here", || leads(&store).len() == expected).await;
            server.shutdown().await;
        }
    }
}
