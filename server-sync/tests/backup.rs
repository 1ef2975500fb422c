//! Copying a data folder in use, and coming back from a copy.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use fieldfare_model::Entity;
use fieldfare_server::config::Config;
use fieldfare_server::hooks::Hooks;
use fieldfare_server::{AppState, ServerError, backup, feed};
use std::path::{Path, PathBuf};
use support::Fixture;

/// A folder in which a server ran and was backed up.
struct Disaster {
    dir: tempfile::TempDir,
    config: Config,
}

impl Disaster {
    /// The server is stopped; its folder stays.
    fn of(server: Fixture) -> Self {
        let Fixture { dir, state, .. } = server;
        let config = state.config.clone();
        drop(state);
        Self { dir, config }
    }

    fn backup(&self) -> PathBuf {
        self.dir.path().join("backup")
    }

    fn restore(&self) -> Result<backup::Restored, ServerError> {
        backup::restore(&self.config, &self.backup(), support_now())
    }

    fn data(&self) -> &Path {
        &self.config.server.data_dir
    }

    fn start(self) -> Fixture {
        Fixture::over(self.dir)
    }

    /// Every database of the folder, byte for byte.
    fn bytes(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        for folder in [self.data().to_owned(), self.data().join("tenants")] {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|e| e == "db") {
                    files.push((path.clone(), std::fs::read(path).unwrap()));
                }
            }
        }
        files.sort();
        files
    }
}

fn support_now() -> fieldfare_model::TimestampMs {
    fieldfare_model::TimestampMs(support::START)
}

fn back_up(server: &Fixture) {
    let to = server.dir.path().join("backup");
    backup::make(&server.state.config, &to, server.now()).unwrap();
}

fn message<T: std::fmt::Debug>(result: Result<T, ServerError>) -> String {
    result.unwrap_err().to_string()
}

#[tokio::test]
async fn a_copy_is_encrypted_whole_and_another_history_when_it_comes_back() {
    let server = Fixture::new();
    let lead = server.put_lead("Acme", 1, Some("North"));
    let head = |server: &Fixture| {
        let tenant = server.tenant("Acme");
        tenant
            .read(fieldfare_server::store::TenantHead::read)
            .unwrap()
    };
    back_up(&server);
    let before = head(&server);
    server.put_lead("Acme", 2, Some("North"));
    let again = backup::make(
        &server.state.config,
        &server.dir.path().join("backup"),
        server.now(),
    );
    assert!(message(again).contains("there already"));

    let disaster = Disaster::of(server);
    for entry in std::fs::read_dir(disaster.backup().join("tenants")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(6).any(|w| w == b"SQLite" || w == b"Lead 1"));
    }
    assert!(!disaster.backup().join("master.key").exists());
    disaster.restore().unwrap();
    let server = disaster.start();
    let after = head(&server);
    assert_eq!(after.head, before.head);
    assert_ne!(after.epoch, before.epoch);
    let tenant = server.tenant("Acme");
    let leads = tenant.read(|c| feed::rows_of(c, Entity::LEAD)).unwrap();
    assert_eq!(leads.iter().map(|row| row.id).collect::<Vec<_>>(), [lead]);
    assert!(tenant.read(feed::wrong_digests).unwrap().is_empty());
}

#[tokio::test]
async fn nothing_changes_while_a_server_runs_or_when_the_backup_is_not_whole() {
    let server = Fixture::new();
    server.put_lead("Acme", 1, Some("North"));
    back_up(&server);
    let running = backup::restore(
        &server.state.config,
        &server.dir.path().join("backup"),
        server.now(),
    );
    assert!(message(running).contains("stop it first"));

    let disaster = Disaster::of(server);
    let before = disaster.bytes();
    let files: Vec<PathBuf> = std::fs::read_dir(disaster.backup().join("tenants"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .chain([disaster.backup().join("registry.db")])
        .collect();
    for file in files {
        let whole = std::fs::read(&file).unwrap();
        let mut damaged = whole.clone();
        damaged[whole.len() / 2] ^= 1;
        for bytes in [damaged, whole[..whole.len() - 1].to_vec(), Vec::new()] {
            std::fs::write(&file, bytes).unwrap();
            assert!(message(disaster.restore()).contains("missing or not what was copied"));
        }
        std::fs::remove_file(&file).unwrap();
        assert!(message(disaster.restore()).contains("missing or not what was copied"));
        std::fs::write(&file, whole).unwrap();
    }
    let elsewhere = backup::restore(&disaster.config, disaster.dir.path(), support_now());
    assert!(message(elsewhere).contains("is it a backup?"));
    assert_eq!(disaster.bytes(), before);
    disaster.restore().unwrap();
}

#[tokio::test]
async fn a_backup_of_another_key_is_refused_and_no_key_is_made() {
    let server = Fixture::new();
    back_up(&server);
    let mut disaster = Disaster::of(server);
    disaster.config.server.data_dir = disaster.dir.path().join("new");
    disaster.config.key.hex = None;
    assert!(message(disaster.restore()).contains("key file"));
    assert!(!disaster.data().join("master.key").exists());
    std::fs::write(disaster.data().join("master.key"), "cd".repeat(32)).unwrap();
    assert!(message(disaster.restore()).contains("key does not open"));
    std::fs::write(disaster.data().join("master.key"), "ab".repeat(32)).unwrap();
    assert_eq!(disaster.restore().unwrap().kept_in, None);
}

#[tokio::test]
async fn an_interrupted_restore_is_not_served_and_can_be_run_again() {
    let server = Fixture::new();
    server.put_lead("Acme", 1, Some("North"));
    back_up(&server);
    let disaster = Disaster::of(server);
    // As if the process had ended after it moved the old files away.
    let staging = disaster.data().join("restoring");
    std::fs::create_dir(&staging).unwrap();
    std::fs::write(staging.join("swapping"), []).unwrap();
    std::fs::remove_file(disaster.data().join("registry.db")).unwrap();
    let config = disaster.config.clone();
    let opened = AppState::open(config, Hooks::default(), std::sync::Arc::new(support_now));
    assert!(message(opened.map(|_| ())).contains("run it again"));
    disaster.restore().unwrap();
    let server = disaster.start();
    let leads = server
        .tenant("Acme")
        .read(|c| feed::rows_of(c, Entity::LEAD))
        .unwrap();
    assert_eq!(leads.len(), 1);
}

#[tokio::test]
async fn a_phone_goes_on_with_a_token_it_was_given_since_the_backup_once() {
    let server = Fixture::new();
    let phone = server.phone("Acme", "Ada").await;
    let (code, used) = (server.code("Acme", "Bob"), server.code("Acme", "Bob"));
    back_up(&server);
    assert_eq!(server.enrol_with(&used).await.status, 200);
    let token = |reply: support::Reply| reply.json()["refresh_token"].as_str().unwrap().to_owned();
    let second = token(server.refresh(&phone.refresh, None).await);
    let third = token(server.refresh(&second, None).await);
    let newcomer = server.phone("Acme", "Bob").await;

    let disaster = Disaster::of(server);
    disaster.restore().unwrap();
    let server = disaster.start();
    for code in [code, used] {
        assert_eq!(server.enrol_with(&code).await.status, 401, "codes are void");
    }
    let unknown = server.refresh(&newcomer.refresh, None).await;
    assert_eq!(unknown.status, 401, "enrolled since: must enrol again");

    let attempt = Some(fieldfare_model::OperationId::from_bytes([9; 16]));
    let fourth = token(server.refresh(&third, attempt).await);
    let again = token(server.refresh(&third, attempt).await);
    assert_eq!(fourth, again, "a lost answer is given again");
    // Whoever holds an older one is not the phone.
    for old in [&phone.refresh, &second] {
        assert_eq!(server.refresh(old, None).await.status, 401);
    }
    assert_eq!(server.refresh(&fourth, None).await.status, 200);
}

#[tokio::test]
async fn a_device_that_was_revoked_before_the_backup_stays_so() {
    let server = Fixture::new();
    let phone = server.phone("Acme", "Ada").await;
    let next = server.refresh(&phone.refresh, None).await.json();
    server
        .state
        .registry
        .revoke(phone.device, server.now())
        .unwrap();
    back_up(&server);
    let disaster = Disaster::of(server);
    disaster.restore().unwrap();
    let server = disaster.start();
    let token = next["refresh_token"].as_str().unwrap();
    assert_eq!(server.refresh(token, None).await.status, 403);
}
