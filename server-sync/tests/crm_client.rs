//! The client against the sandbox CRM, under both generations of paths, and against answers that
//! must not be believed.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod crm_support;

use axum::Router;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::post;
use crm_support::*;
use fieldfare_sandbox::{CallFault, ObjectType, SandboxConfig, SandboxCrm};
use fieldfare_server::hubspot::client::Update;
use fieldfare_server::hubspot::{CrmError, HubspotClient, ObjectType as Kind};
use std::time::Duration;

const COMPANIES: ObjectType = ObjectType::Companies;

#[tokio::test]
async fn both_generations_of_paths_do_the_same() {
    for version in ["v3", "2026-09"] {
        let sandbox = SandboxCrm::start(SandboxConfig::with_portals([portal_config()]))
            .await
            .unwrap();
        let portal = sandbox.portal(PORTAL).unwrap();
        let client = HubspotClient::new(&sandbox.base_url(), version, "tok").unwrap();
        let made: Vec<u64> = (0..230)
            .map(|n| {
                portal
                    .create(COMPANIES, &[("name", &format!("c{n}"))])
                    .unwrap()
            })
            .collect();
        let (mut found, mut after) = (Vec::new(), 0);
        loop {
            let ids = client.search_ids(Kind::Companies, after).await.unwrap();
            let Some(last) = ids.last() else { break };
            after = *last;
            found.extend(ids);
        }
        assert_eq!(found, made, "windows by id reach every record once");
        let (mut listed, mut next) = (0, None);
        loop {
            let (page, after) = client.list(Kind::Companies, next.as_deref()).await.unwrap();
            listed += page.len();
            next = after;
            if next.is_none() {
                break;
            }
        }
        assert_eq!(listed, made.len());
        let ids = [made[0].to_string(), "999".to_owned()];
        let read = client
            .batch_read(Kind::Companies, &ids, &["name".to_owned()])
            .await
            .unwrap();
        assert_eq!((read.len(), read[0].properties["name"].as_str()), (1, "c0"));
        let update = Update {
            id: ids[0].clone(),
            properties: vec![("phone".to_owned(), "1".to_owned())],
        };
        assert_eq!(
            client
                .batch_update(Kind::Companies, &[update])
                .await
                .unwrap(),
            []
        );
        assert_eq!(
            portal
                .record(COMPANIES, made[0])
                .unwrap()
                .value("phone")
                .as_deref(),
            Some("1")
        );
        assert_eq!(client.owners().await.unwrap().len(), portal.owners().len());
        let found = client.find("companies", "name", "c7").await.unwrap();
        assert_eq!(found, Some(made[7].to_string()));
    }
}

#[tokio::test]
async fn failures_are_told_apart() {
    let sandbox = SandboxCrm::start(SandboxConfig::with_portals([portal_config()]))
        .await
        .unwrap();
    let portal = sandbox.portal(PORTAL).unwrap();
    for (status, temporary, ambiguous) in [
        (423, true, false),
        (477, true, false),
        (500, true, true),
        (502, true, true),
        (400, false, false),
    ] {
        let client = HubspotClient::new(&sandbox.base_url(), "v3", "tok").unwrap();
        portal.fail_calls(CallFault {
            retry_after_s: Some(3),
            ..CallFault::next(1, status)
        });
        let error = client.list(Kind::Companies, None).await.unwrap_err();
        assert_eq!(
            (error.is_temporary(), error.is_ambiguous()),
            (temporary, ambiguous),
            "{status}"
        );
        assert_eq!(
            error.wait(),
            Duration::from_secs(if !temporary {
                0
            } else if status == 502 {
                2
            } else {
                3
            }),
            "{status}"
        );
    }
    let client = HubspotClient::new(&sandbox.base_url(), "v3", "tok").unwrap();
    portal.fail_calls(CallFault::next(1, 429));
    let told = client.list(Kind::Companies, None).await.unwrap_err();
    let CrmError::Busy {
        status: 429, wait, ..
    } = told
    else {
        panic!("{told}")
    };
    assert!(wait >= Duration::from_secs(1));
    let calls = || portal.calls().values().sum::<u64>();
    let before = calls();
    let held = client.list(Kind::Companies, None).await.unwrap_err();
    assert!(matches!(held, CrmError::Busy { status: 429, .. }));
    assert_eq!(calls(), before, "the limit is obeyed without asking");
    let stranger = HubspotClient::new(&sandbox.base_url(), "v3", "guess").unwrap();
    let error = stranger.list(Kind::Companies, None).await.unwrap_err();
    assert_eq!(error, CrmError::Unauthorised(401));
}

async fn answering(status: StatusCode, body: &'static str) -> HubspotClient {
    let answer = move || async move { (status, body).into_response() };
    let app = Router::new().route("/crm/v3/objects/companies/batch/read", post(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    HubspotClient::new(&base, "v3", "tok").unwrap()
}

#[tokio::test]
async fn an_answer_that_is_none_does_not_look_like_a_deletion() {
    for (status, body) in [
        (StatusCode::OK, "{}"),
        (StatusCode::OK, "<html>maintenance</html>"),
        (StatusCode::OK, r#"{"results": 7}"#),
        (
            StatusCode::MULTI_STATUS,
            r#"{"results":[],"errors":[{"category":"INTERNAL_ERROR","context":{"ids":["5"]}}]}"#,
        ),
        (StatusCode::FOUND, ""),
    ] {
        let client = answering(status, body).await;
        let read = client
            .batch_read(Kind::Companies, &["5".to_owned()], &[])
            .await;
        assert!(read.is_err(), "{status} {body}: {read:?}");
    }
    let gone =
        r#"{"results":[],"errors":[{"category":"OBJECT_NOT_FOUND","context":{"ids":["5"]}}]}"#;
    let client = answering(StatusCode::MULTI_STATUS, gone).await;
    assert_eq!(
        client
            .batch_read(Kind::Companies, &["5".to_owned()], &[])
            .await,
        Ok(vec![])
    );
}
