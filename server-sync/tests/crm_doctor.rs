//! What `doctor` says about a CRM connection.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod crm_support;

use clap::Parser;
use crm_support::{config_text, portal_config};
use fieldfare_sandbox::{PortalConfig, SandboxConfig, SandboxCrm};
use fieldfare_server::cli::{Cli, run};

/// What doctor prints about a portal, and whether it is content.
fn examine(portal: PortalConfig, change: impl Fn(String) -> String) -> (String, bool) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let started = SandboxCrm::start(SandboxConfig::with_portals([portal]));
    let sandbox = runtime.block_on(started).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("server.toml");
    let text = change(config_text(dir.path(), &sandbox.base_url(), ""));
    std::fs::write(&file, text).unwrap();
    let command = |word| {
        let words = ["fieldfare-server", "--config", file.to_str().unwrap(), word];
        let mut out = Vec::new();
        let content = run(Cli::try_parse_from(words).unwrap(), &mut out).is_ok();
        (String::from_utf8(out).unwrap(), content)
    };
    assert!(command("migrate").1);
    command("doctor")
}

#[track_caller]
fn says(report: &str, wanted: &str) {
    assert!(report.contains(wanted), "no {wanted:?} in:\n{report}");
}

#[test]
fn a_good_token_is_taken() {
    let (report, content) = examine(portal_config(), |text| text);
    says(
        &report,
        "ok    connection hs of Acme: the CRM answers and takes the token",
    );
    says(
        &report,
        "ok    connection hs of Acme, property fieldfare_id of notes: is there",
    );
    assert!(content && !report.contains("warn"), "{report}");
}

#[test]
fn a_wrong_token_is_told_from_a_crm_that_does_not_answer() {
    let wrong = |text: String| text.replace("token = \"tok\"", "token = \"old-secret\"");
    let (report, content) = examine(portal_config(), wrong);
    says(
        &report,
        "FAIL  connection hs of Acme: the CRM refuses the token: status 401",
    );
    assert!(!content && !report.contains("old-secret"));
    let gone = |text: String| {
        let begin = text.find("api_base").unwrap();
        let end = begin + text[begin..].find('\n').unwrap();
        format!(
            "{}api_base = \"http://127.0.0.1:1\"{}",
            &text[..begin],
            &text[end..]
        )
    };
    let (report, content) = examine(portal_config(), gone);
    says(
        &report,
        "FAIL  connection hs of Acme: the CRM is not answering: no connection",
    );
    assert!(!content && !report.contains("refuses"));
}

#[test]
fn a_missing_scope_is_named() {
    let portal = PortalConfig {
        withheld_scopes: vec!["crm.objects.tasks.read".into()],
        ..portal_config()
    };
    let (report, content) = examine(portal, |text| text);
    says(&report, "FAIL  connection hs of Acme, tasks: ");
    says(&report, "lacks a scope: crm.objects.tasks.read");
    says(&report, "ok    connection hs of Acme: the CRM answers");
    assert!(!content);
}

#[test]
fn a_missing_property_is_a_warning_that_says_what_to_do() {
    let mut portal = portal_config();
    portal.custom_properties.retain(|p| p.name == "tier");
    let (report, content) = examine(portal, |text| text);
    says(
        &report,
        "warn  connection hs of Acme, property fieldfare_id of tasks: is missing",
    );
    says(&report, "crm.schemas.tasks.write");
    assert!(content, "{report}");
}
