//! The phone as a program: exit status, both forms of answers, the shell.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use serde_json::Value;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const SOME_LEAD: &str = "0190a000-0000-7000-8000-000000000001";

fn phone(dir: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fieldfare-phone"))
        .arg("--dir")
        .arg(dir.join("phone"))
        .args(words)
        .output()
        .unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_new_phone_says_where_it_stands() {
    let dir = tempfile::tempdir().unwrap();
    let first = phone(dir.path(), &["status", "--json"]);
    assert!(first.status.success());
    assert_eq!(json(&first)["enrolment"], Value::Null);
    assert_eq!(json(&first)["files"]["outbox"], "created");
    let second = json(&phone(dir.path(), &["status", "--json"]));
    assert_eq!(second["files"]["outbox"], "opened");
    assert_eq!(second["counts"]["leads"], 0);
    let text = phone(dir.path(), &["status"]);
    assert!(String::from_utf8_lossy(&text.stdout).contains("not enrolled"));
}

#[test]
fn refusals_and_misunderstandings_have_their_own_status() {
    let dir = tempfile::tempdir().unwrap();
    let refused = phone(dir.path(), &["--json", "add", "Corner Café"]);
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(json(&refused)["error"]["code"], "not_enrolled");
    let refused = phone(dir.path(), &["lead", SOME_LEAD]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(!refused.stderr.is_empty() && refused.stdout.is_empty());
    for wrong in [
        &["fly"][..],
        &["lead", "first"],
        &["edit", SOME_LEAD, "colour=red"],
        &["visit", SOME_LEAD, "great"],
        &["nearby", "91", "0"],
    ] {
        assert_eq!(phone(dir.path(), wrong).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn places_south_and_west_are_understood() {
    let dir = tempfile::tempdir().unwrap();
    let near = phone(
        dir.path(),
        &["nearby", "-33.86", "-71.06", "--radius", "500", "--json"],
    );
    assert_eq!(json(&near)["total"], 0);
    let view = phone(
        dir.path(),
        &["viewport", "-34", "-72", "-33", "-71", "--json"],
    );
    assert_eq!(json(&view)["total"], 0);
}

#[test]
fn tracking_needs_consent() {
    let dir = tempfile::tempdir().unwrap();
    let words = [
        "nearby",
        "42.36",
        "-71.06",
        "--purpose",
        "live-tracking",
        "--json",
    ];
    let refused = phone(dir.path(), &words);
    assert_eq!(json(&refused)["error"]["code"], "consent_required");
    let fix = json(&phone(dir.path(), &["fix", "42.36", "-71.06", "--json"]));
    assert_eq!(
        (&fix["next"], &fix["is_ping_stored"]),
        (&"stop".into(), &false.into())
    );
}

#[test]
fn plain_http_is_refused_but_for_loopback() {
    let dir = tempfile::tempdir().unwrap();
    let words = ["--server", "http://10.0.0.1:1", "--json", "enrol", "CODE"];
    let refused = phone(dir.path(), &words);
    assert_eq!(json(&refused)["error"]["code"], "invalid");
    let words = [
        "--server",
        "http://127.0.0.1:9",
        "--allow-loopback",
        "--json",
        "enrol",
        "CODE",
    ];
    let refused = phone(dir.path(), &words);
    assert_eq!(json(&refused)["error"]["code"], "offline");
    let again = phone(dir.path(), &["--json", "enrol", "CODE"]);
    assert_eq!(json(&again)["error"]["code"], "offline");
}

#[test]
fn the_shell_answers_each_line_with_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_fieldfare-phone"))
        .args(["--dir", dir.path().join("phone").to_str().unwrap(), "shell"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = "status\n\n[\"search\", \"two words\"]\nadd \"Corner Café\"\nfly\nshell\nleads '\n";
    child
        .stdin
        .take()
        .unwrap()
        .write_all(lines.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<Value> = text
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    let oks: Vec<bool> = answers.iter().map(|a| a["ok"].as_bool().unwrap()).collect();
    assert_eq!(oks, [true, true, false, false, false, false]);
    assert_eq!(answers[1]["result"]["leads"], Value::Array(Vec::new()));
    let codes: Vec<&str> = answers[2..]
        .iter()
        .map(|a| a["error"]["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["not_enrolled", "usage", "usage", "usage"]);
}

#[test]
fn erasing_leaves_only_where_the_server_is() {
    let dir = tempfile::tempdir().unwrap();
    phone(
        dir.path(),
        &["--server", "https://sync.example.com", "status"],
    );
    assert!(phone(dir.path(), &["erase"]).status.success());
    let left: Vec<_> = std::fs::read_dir(dir.path().join("phone"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["phone.json"]);
}
