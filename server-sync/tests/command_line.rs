//! The command line, as an operator uses it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use clap::Parser;
use fieldfare_server::cli::{Cli, run};
use fieldfare_server::config::Config;
use fieldfare_server::hooks::Hooks;
use fieldfare_server::{AppState, ServerError, auth, system_clock};
use std::path::Path;

struct Operator {
    dir: tempfile::TempDir,
}

impl Operator {
    fn new(change: impl Fn(String) -> String) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let text = change(support::config_text(dir.path(), ""));
        std::fs::write(dir.path().join("server.toml"), text).unwrap();
        Self { dir }
    }

    fn run(&self, words: &str) -> Result<String, ServerError> {
        let config = self.dir.path().join("server.toml");
        let program = ["fieldfare-server", "--config", config.to_str().unwrap()];
        let cli = Cli::try_parse_from(program.into_iter().chain(words.split(' '))).unwrap();
        let mut out = Vec::new();
        run(cli, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }
}

fn files(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = entries
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn the_configuration_is_printed_without_its_secrets_and_reads_back() {
    let operator = Operator::new(|text| text);
    let printed = operator.run("config").unwrap();
    assert!(printed.contains("admin_token = \"***\"") && printed.contains("hex = \"***\""));
    assert!(!printed.contains(support::ADMIN) && !printed.contains("abab"));
    let reread = printed.replace("hex = \"***\"", &format!("hex = \"{}\"", "ab".repeat(32)));
    assert!(fieldfare_server::config::Config::parse(&reread, &|_| None).is_ok());
    assert!(operator.run("config --check").unwrap().contains("usable"));
}

#[test]
fn migrating_twice_changes_nothing() {
    let operator = Operator::new(|text| text);
    operator.run("migrate").unwrap();
    let tenants = operator.run("tenant list").unwrap();
    operator.run("migrate").unwrap();
    assert_eq!(operator.run("tenant list").unwrap(), tenants);
    assert!(tenants.contains("Acme: 0 leads, 0 visits, 3 territories, 2 reps, sequence 5"));
    assert_eq!(
        files(&operator.dir.path().join("data/tenants"))
            .iter()
            .filter(|f| f.ends_with(".db"))
            .count(),
        2
    );
}

#[test]
fn devices_are_added_listed_and_revoked() {
    let operator = Operator::new(|text| text);
    let early = operator.run("device add --tenant Acme --rep ada@acme.example");
    assert!(early.unwrap_err().to_string().contains("migrate"));
    operator.run("migrate").unwrap();
    let code = operator
        .run("device add --tenant Acme --rep ada@acme.example")
        .unwrap();
    assert_eq!(code.trim().len(), 11);
    assert!(
        operator
            .run("device add --tenant Acme --rep eve@acme.example")
            .is_err()
    );
    assert!(operator.run("device add --rep ada@acme.example").is_err());
    assert_eq!(operator.run("device list").unwrap(), "");
    assert!(
        operator
            .run("device revoke 00000000-0000-7000-8000-000000000001")
            .is_err()
    );
}

#[test]
fn the_doctor_finds_a_sound_folder_and_a_wrong_key() {
    let operator = Operator::new(|text| text);
    operator.run("migrate").unwrap();
    let report = operator.run("doctor").unwrap();
    assert!(
        report.contains("database of Globex: every page and index is sound"),
        "{report}"
    );
    assert!(!report.contains("FAIL"));
    let path = operator.dir.path().join("server.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace(&"ab".repeat(32), &"cd".repeat(32))).unwrap();
    assert!(operator.run("doctor").is_err());
    let refused = operator.run("migrate").unwrap_err().to_string();
    assert!(refused.contains("configure the key"), "{refused}");
}

const ENGINE: &str = "[[routing.engines]]\nkind = \"osrm\"\nurl = \"http://127.0.0.1:9\"\n";

fn with_engine(text: &str) -> String {
    text.replacen("[[tenants]]", &format!("{ENGINE}[[tenants]]"), 1)
}

#[test]
fn routing_engines_are_printed_checked_and_knocked_at() {
    let operator = Operator::new(|text| with_engine(&text));
    let printed = operator.run("config").unwrap();
    assert!(
        printed.contains("url = \"http://127.0.0.1:9\"") && printed.contains("cache_days = 30")
    );
    operator.run("migrate").unwrap();
    assert!(
        operator
            .run("doctor")
            .unwrap_err()
            .to_string()
            .contains("1 checks failed")
    );
    for (good, bad, named) in [
        (
            "http://127.0.0.1:9",
            "http://engine.example",
            "url of routing engine osrm",
        ),
        (
            "url =",
            "profile = \"a/b\"\nurl =",
            "profile of routing engine osrm",
        ),
        (
            "url =",
            "timeout_s = 0\nurl =",
            "timeout_s of routing engine osrm",
        ),
        (
            "[[routing",
            "[routing]\nestimate_kmh = 0\n[[routing",
            "routing.estimate_kmh",
        ),
    ] {
        let text = with_engine(&support::config_text(operator.dir.path(), ""));
        let refused = Config::parse(&text.replacen(good, bad, 1), &|_| None).unwrap_err();
        assert!(refused.to_string().contains(named), "{refused}");
    }
    let text = with_engine(&support::config_text(operator.dir.path(), ""));
    let within = text.replacen(
        "http://127.0.0.1:9",
        "http://engine:5000\"\nplain_http = true #",
        1,
    );
    assert!(Config::parse(&within, &|_| None).is_ok());
}

#[test]
fn a_flipped_bit_is_found() {
    let operator = Operator::new(|text| text);
    operator.run("migrate").unwrap();
    let path = operator.dir.path().join("data/registry.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert!(operator.run("doctor").is_err());
}

#[test]
fn a_key_is_made_for_its_owner_alone_when_none_is_configured() {
    let operator =
        Operator::new(|text| text.replace(&format!("hex = \"{}\"", "ab".repeat(32)), ""));
    operator.run("migrate").unwrap();
    let key = operator.dir.path().join("data/master.key");
    assert_eq!(std::fs::read_to_string(&key).unwrap().len(), 64);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    operator.run("tenant list").unwrap();
}

#[test]
fn a_lost_key_is_not_replaced_by_a_new_one() {
    let configured = format!("hex = \"{}\"", "ab".repeat(32));
    let operator = Operator::new(|text| text.replace(&configured, ""));
    operator.run("migrate").unwrap();
    let key = operator.dir.path().join("data/master.key");
    std::fs::rename(&key, key.with_extension("away")).unwrap();
    assert!(operator.run("migrate").is_err());
    assert!(!key.exists());
    std::fs::rename(key.with_extension("away"), &key).unwrap();
    operator.run("migrate").unwrap();
}

/// Another address is another rep: a slip in the file must not cut off, let alone wipe, the phones.
#[test]
fn a_configuration_without_an_enrolled_rep_is_refused_and_changes_nothing() {
    let operator = Operator::new(|text| text);
    operator.run("migrate").unwrap();
    let before = operator.run("tenant list").unwrap();
    enrol_ada(&operator);
    let path = operator.dir.path().join("server.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("ada@acme.example", "adah@acme.example")).unwrap();
    let refused = operator.run("migrate").unwrap_err().to_string();
    assert!(refused.contains("1 enrolled devices"), "{refused}");
    assert!(operator.run("doctor").is_err());
    for command in [
        "tenant list",
        "device list",
        "dead-letters list --tenant Acme",
    ] {
        operator.run(command).unwrap();
    }
    assert_eq!(operator.run("tenant list").unwrap(), before);
    let device = operator.run("device list").unwrap();
    let device = device.split_whitespace().next().unwrap();
    operator.run(&format!("device revoke {device}")).unwrap();
    operator.run("migrate").unwrap();
    assert!(
        operator
            .run("device add --tenant Acme --rep adah@acme.example")
            .is_ok()
    );
}

fn enrol_ada(operator: &Operator) {
    let code = operator
        .run("device add --tenant Acme --rep ada@acme.example")
        .unwrap();
    let text = std::fs::read_to_string(operator.dir.path().join("server.toml")).unwrap();
    let config = Config::parse(&text, &|_| None).unwrap();
    let state = AppState::open(config, Hooks::default(), system_clock()).unwrap();
    let (keys, registry) = (&state.tokens, &state.registry);
    auth::enrol(registry, keys, code.trim(), "phone", state.now()).unwrap();
}
