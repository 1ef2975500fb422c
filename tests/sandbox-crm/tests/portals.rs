//! Portals: isolation, faults of calls, caps, and the two ways to control them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![allow(missing_docs)]

#[allow(dead_code)]
mod support;

use fieldfare_sandbox::{
    ADDRESSES, CallFault, LoadOptions, MergeMode, ObjectType, PortalConfig, RateLimits,
    SandboxConfig, SandboxCrm, SandboxError, ValidationRule,
};
use serde_json::{Value, json};
use support::{PATIENCE, Receiver, portal_config, start};

const COMPANIES: ObjectType = ObjectType::Companies;

struct Api {
    base: String,
    token: String,
    client: reqwest::Client,
}

impl Api {
    fn new(base: &str, token: &str) -> Self {
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .build()
            .unwrap();
        Self {
            base: base.to_owned(),
            token: token.to_owned(),
            client,
        }
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let method = method.parse().unwrap();
        let request = self.client.request(method, format!("{}{path}", self.base));
        let request = request.bearer_auth(&self.token);
        let request = if body.is_null() {
            request
        } else {
            request.json(&body)
        };
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or_default())
    }
}

fn unlimited(id: u64, token: &str) -> PortalConfig {
    PortalConfig {
        limits: RateLimits::off(),
        ..PortalConfig::new(id, token)
    }
}

#[tokio::test]
async fn portals_share_neither_records_nor_webhooks() {
    let (one, two) = (Receiver::content().await, Receiver::content().await);
    let second = PortalConfig {
        portal_id: 8,
        access_token: "pat-eight".into(),
        ..portal_config(&two)
    };
    let config = SandboxConfig::with_portals([portal_config(&one), second]);
    let sandbox = SandboxCrm::start(config).await.unwrap();
    let seven = Api::new(&sandbox.base_url(), "pat-seven");
    let eight = Api::new(&sandbox.base_url(), "pat-eight");
    let new = json!({ "properties": { "name": "Only seven's" } });
    let (status, made) = seven.call("POST", "/crm/v3/objects/companies", new).await;
    assert_eq!(status, 201);
    let path = format!("/crm/v3/objects/companies/{}", made["id"].as_str().unwrap());
    assert_eq!(seven.call("GET", &path, Value::Null).await.0, 200);
    assert_eq!(eight.call("GET", &path, Value::Null).await.0, 404);
    let everything = json!({ "limit": 10 });
    let found = eight
        .call("POST", "/crm/v3/objects/companies/search", everything)
        .await;
    assert_eq!(found.1["total"], 0);
    for portal in [7, 8] {
        assert!(sandbox.portal(portal).unwrap().wait_idle(PATIENCE).await);
    }
    assert!(one.events().iter().all(|event| event["portalId"] == 7));
    assert!(!one.events().is_empty());
    assert!(two.events().is_empty());
    let taken = sandbox.add_portal(PortalConfig::new(9, "pat-seven"));
    assert!(matches!(taken, Err(SandboxError::PortalExists)));
    let (status, refused) = Api::new(&sandbox.base_url(), "pat")
        .call("GET", &path, Value::Null)
        .await;
    assert_eq!(
        (status, &refused["category"]),
        (401, &json!("INVALID_AUTHENTICATION"))
    );
    sandbox.shutdown().await;
}

#[tokio::test]
async fn search_ends_at_its_cap_and_a_window_by_id_reaches_the_rest() {
    let config = PortalConfig {
        search_cap: 50,
        ..unlimited(7, "pat-seven")
    };
    let (sandbox, portal) = start(config).await;
    let options = LoadOptions {
        limit: Some(120),
        ..LoadOptions::default()
    };
    let ids = portal.load_addresses(ADDRESSES, &options).unwrap();
    let api = Api::new(&sandbox.base_url(), "pat-seven");
    let path = "/crm/objects/2026-09/companies/search";
    let sorts = json!([{ "propertyName": "hs_object_id", "direction": "ASCENDING" }]);
    let past = json!({ "sorts": sorts, "limit": 10, "after": "50" });
    let (status, refused) = api.call("POST", path, past).await;
    assert_eq!(
        (status, &refused["category"]),
        (400, &json!("VALIDATION_ERROR"))
    );
    let (mut last, mut seen) = (0, Vec::new());
    loop {
        let filter = json!({ "propertyName": "hs_object_id", "operator": "GT", "value": last });
        let groups = json!([{ "filters": [filter] }]);
        let body = json!({ "filterGroups": groups, "sorts": sorts, "limit": 50 });
        let (_, found) = api.call("POST", path, body).await;
        let page: Vec<u64> = found["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|record| record["id"].as_str().unwrap().parse().unwrap())
            .collect();
        assert_eq!(
            found["paging"].is_null(),
            found["total"].as_u64().unwrap() <= 50
        );
        let Some(end) = page.last() else { break };
        last = *end;
        seen.extend(page);
    }
    assert_eq!(seen, ids);
}

#[tokio::test]
async fn a_call_can_take_effect_although_its_answer_is_an_error() {
    let (sandbox, portal) = start(unlimited(7, "pat-seven")).await;
    let api = Api::new(&sandbox.base_url(), "pat-seven");
    let new = json!({ "properties": { "name": "Twice?" } });
    for (after_commit, made) in [(false, 0), (true, 1)] {
        portal.fail_calls(CallFault {
            after_commit,
            ..CallFault::next(1, 500)
        });
        let (status, _) = api
            .call("POST", "/crm/v3/objects/companies", new.clone())
            .await;
        assert_eq!(status, 500);
        assert_eq!(portal.records(COMPANIES).len(), made);
    }
    for status in [423, 429, 477, 502] {
        portal.fail_calls(CallFault::next(2, status));
        for _ in 0..2 {
            let (given, _) = api
                .call("GET", "/crm/v3/objects/companies", Value::Null)
                .await;
            assert_eq!(given, status);
        }
    }
    assert_eq!(
        api.call("GET", "/crm/v3/objects/companies", Value::Null)
            .await
            .0,
        200
    );
    assert_eq!(portal.calls()["POST /crm/v3/objects/companies"], 2);
}

#[tokio::test]
async fn a_validation_rule_binds_the_app_and_not_the_person() {
    let (sandbox, portal) = start(unlimited(7, "pat-seven")).await;
    let id = portal.create(COMPANIES, &[("name", "Guarded")]).unwrap();
    portal.set_validation_rules(vec![ValidationRule {
        object: COMPANIES,
        property: "hubspot_owner_id".into(),
        message: "Only managers give companies away".into(),
    }]);
    let owner = portal.owners()[0].id.to_string();
    let api = Api::new(&sandbox.base_url(), "pat-seven");
    let input = json!({ "id": id.to_string(), "properties": { "hubspot_owner_id": owner } });
    let body = json!({ "inputs": [input] });
    let (status, refused) = api
        .call("POST", "/crm/objects/2026-09/companies/batch/update", body)
        .await;
    assert_eq!(
        (status, &refused["category"]),
        (400, &json!("VALIDATION_ERROR"))
    );
    assert_eq!(
        portal
            .record(COMPANIES, id)
            .unwrap()
            .value("hubspot_owner_id"),
        None
    );
    portal
        .edit(COMPANIES, id, &[("hubspot_owner_id", &owner)])
        .unwrap();
    assert_eq!(
        portal
            .record(COMPANIES, id)
            .unwrap()
            .value("hubspot_owner_id"),
        Some(owner)
    );
}

#[tokio::test]
async fn a_failed_batch_leaves_no_trace_and_no_event() {
    let receiver = Receiver::content().await;
    let (sandbox, portal) = start(portal_config(&receiver)).await;
    let id = portal.create(COMPANIES, &[("name", "Before")]).unwrap();
    assert!(portal.wait_idle(PATIENCE).await);
    let before = receiver.events().len();
    let other = portal
        .create(ObjectType::Contacts, &[("email", "x@y.example")])
        .unwrap();
    let api = Api::new(&sandbox.base_url(), "pat-seven");
    let inputs = json!([
        { "id": id.to_string(), "properties": { "name": "After" } },
        { "id": other.to_string(), "properties": { "name": "Not a company" } },
    ]);
    let body = json!({ "inputs": inputs });
    let (status, partly) = api
        .call("POST", "/crm/v3/objects/companies/batch/update", body)
        .await;
    assert_eq!(
        (status, partly["results"].as_array().unwrap().len()),
        (207, 1)
    );
    let third = portal.create(COMPANIES, &[("name", "Third")]).unwrap();
    assert!(portal.wait_idle(PATIENCE).await);
    let told = receiver.events().len() - before;
    let inputs = json!([
        { "id": id.to_string(), "properties": { "name": "Undone" } },
        { "id": third.to_string(), "properties": { "lifecyclestage": "asleep" } },
    ]);
    let body = json!({ "inputs": inputs });
    let (status, _) = api
        .call("POST", "/crm/v3/objects/companies/batch/update", body)
        .await;
    assert_eq!(status, 400);
    assert!(portal.wait_idle(PATIENCE).await);
    assert_eq!(
        portal.record(COMPANIES, id).unwrap().value("name").unwrap(),
        "After"
    );
    assert_eq!(receiver.events().len() - before, told);
}

#[tokio::test]
async fn a_merge_can_keep_the_primary_id_and_takes_tasks_along() {
    let config = PortalConfig {
        merge: MergeMode::KeepPrimary,
        ..unlimited(7, "pat-seven")
    };
    let (sandbox, portal) = start(config).await;
    let kept = portal.create(COMPANIES, &[("name", "Kept")]).unwrap();
    let lost = portal
        .create(COMPANIES, &[("name", "Lost"), ("city", "Tulsa")])
        .unwrap();
    let api = Api::new(&sandbox.base_url(), "pat-seven");
    let kind = json!({ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 192 });
    let task = json!({
        "properties": { "hs_timestamp": "2026-11-24T09:00:00Z", "hs_task_subject": "Visit" },
        "associations": [{ "to": { "id": lost.to_string() }, "types": [kind] }],
    });
    assert_eq!(
        api.call("POST", "/crm/objects/2026-09/tasks", task).await.0,
        201
    );
    assert_eq!(portal.merge(COMPANIES, kept, lost).unwrap(), kept);
    assert_eq!(portal.tasks_of(kept).len(), 1);
    assert_eq!(
        portal
            .record(COMPANIES, kept)
            .unwrap()
            .value("city")
            .unwrap(),
        "Tulsa"
    );
    assert!(portal.record(COMPANIES, lost).is_none());
}

#[tokio::test]
async fn the_control_routes_do_what_the_handle_does() {
    let receiver = Receiver::content().await;
    let (sandbox, _) = start(unlimited(7, "pat-seven")).await;
    let api = Api::new(&sandbox.base_url(), "unused");
    let portal = json!({ "portal_id": 21, "access_token": "pat-21" });
    assert_eq!(
        api.call("POST", "/sandbox/portals", portal.clone()).await.0,
        200
    );
    assert_eq!(api.call("POST", "/sandbox/portals", portal).await.0, 409);
    let at = |path: &str| format!("/sandbox/portals/21{path}");
    let target = json!({ "url": receiver.url, "public_url": receiver.url });
    assert_eq!(api.call("PUT", &at("/webhook"), target).await.0, 200);
    let faults = json!({ "duplicates": { "every": 1 }, "reorder": true });
    assert_eq!(
        api.call("PUT", &at("/delivery-faults"), faults).await.0,
        200
    );
    let load = json!({ "options": { "states": ["VT"], "limit": 5 } });
    let (_, loaded) = api.call("POST", &at("/load"), load).await;
    assert_eq!(loaded["count"], 5);
    let company = loaded["ids"][0].as_str().unwrap();
    let record = at(&format!("/records/companies/{company}"));
    assert_eq!(
        api.call(
            "PATCH",
            &record,
            json!({ "hs_ideal_customer_profile": "tier_1" })
        )
        .await
        .0,
        200
    );
    assert_eq!(
        api.call("PATCH", &record, json!({ "nope": "1" })).await.0,
        400
    );
    assert_eq!(
        api.call("GET", &record, Value::Null).await.1["properties"]["hs_ideal_customer_profile"],
        "tier_1"
    );
    let (_, waited) = api
        .call("POST", &at("/wait-idle"), json!({ "timeout_ms": 60_000 }))
        .await;
    assert_eq!(waited["idle"], true);
    let (_, stats) = api.call("GET", &at("/stats"), Value::Null).await;
    assert_eq!(
        stats["deliveries"]["events"],
        stats["deliveries"]["duplicated"]
    );
    assert_eq!(
        receiver.events().len() as u64,
        2 * stats["deliveries"]["events"].as_u64().unwrap()
    );
    let imported = receiver
        .events()
        .iter()
        .filter(|e| e["changeSource"] == "IMPORT")
        .count();
    assert_eq!(receiver.events().len() - imported, 2);
    let unknown = "/sandbox/portals/99/stats";
    assert_eq!(api.call("GET", unknown, Value::Null).await.0, 404);
}

#[tokio::test]
async fn the_whole_fixture_loads_and_lists() {
    let (sandbox, portal) = start(unlimited(7, "pat-seven")).await;
    let ids = portal
        .load_addresses(ADDRESSES, &LoadOptions::default())
        .unwrap();
    assert_eq!(ids.len(), 3_850);
    let api = Api::new(&sandbox.base_url(), "pat-seven");
    let (mut after, mut listed) = (String::new(), 0);
    loop {
        let path = format!("/crm/objects/2026-09/companies?limit=100&properties=zip{after}");
        let (_, page) = api.call("GET", &path, Value::Null).await;
        listed += page["results"].as_array().unwrap().len();
        let Some(next) = page["paging"]["next"]["after"].as_str() else {
            break;
        };
        after = format!("&after={next}");
    }
    assert_eq!(listed, 3_850);
}

#[tokio::test]
async fn a_property_needs_its_group_and_a_free_name_and_then_takes_values() {
    let (sandbox, _) = start(unlimited(7, "pat-seven")).await;
    let api = Api::new(&sandbox.base_url(), "pat-seven");
    let property = json!({"name": "our_id", "label": "Ours", "groupName": "ours",
        "type": "string", "fieldType": "text"});
    for base in ["/crm/v3/properties/tasks", "/crm/properties/2026-09/notes"] {
        let one = format!("{base}/our_id");
        assert_eq!(api.call("GET", &one, Value::Null).await.0, 404);
        let (status, refused) = api.call("POST", base, property.clone()).await;
        assert_eq!(
            (status, &refused["category"]),
            (400, &json!("VALIDATION_ERROR"))
        );
        let group = json!({"name": "ours", "label": "Ours"});
        let groups = format!("{base}/groups");
        assert_eq!(api.call("POST", &groups, group.clone()).await.0, 201);
        assert_eq!(api.call("POST", &groups, group).await.0, 409);
        let (status, made) = api.call("POST", base, property.clone()).await;
        assert_eq!((status, &made["hubspotDefined"]), (201, &json!(false)));
        assert_eq!(api.call("POST", base, property.clone()).await.0, 409);
        assert_eq!(
            api.call("GET", &one, Value::Null).await.1["groupName"],
            "ours"
        );
        let (_, all) = api.call("GET", base, Value::Null).await;
        let names = all["results"].as_array().unwrap().iter();
        assert!(names.clone().any(|p| p["name"] == "our_id"));
        assert!(names.clone().any(|p| p["name"] == "hs_timestamp"));
        let mut bad = property.clone();
        bad["name"] = json!("Our Id");
        assert_eq!(api.call("POST", base, bad).await.0, 400);
    }
    let note = json!({"properties": {"hs_timestamp": "1", "our_id": "x"}});
    let (status, _) = api.call("POST", "/crm/v3/objects/notes", note).await;
    assert_eq!(status, 201);
}

#[tokio::test]
async fn a_withheld_scope_is_missing_and_named() {
    let config = PortalConfig {
        withheld_scopes: vec!["crm.schemas.tasks.write".into()],
        ..unlimited(7, "pat-seven")
    };
    let (sandbox, _) = start(config).await;
    let api = Api::new(&sandbox.base_url(), "pat-seven");
    let group = json!({"name": "ours", "label": "Ours"});
    let path = "/crm/v3/properties/tasks/groups";
    let (status, refused) = api.call("POST", path, group.clone()).await;
    assert_eq!(
        (status, &refused["category"]),
        (403, &json!("MISSING_SCOPES"))
    );
    let named = &refused["errors"][0]["context"]["requiredGranularScopes"][0];
    assert_eq!(named, "crm.schemas.tasks.write");
    let path = "/crm/v3/properties/notes/groups";
    assert_eq!(api.call("POST", path, group).await.0, 201);
    assert_eq!(
        api.call("GET", "/crm/v3/objects/tasks", Value::Null)
            .await
            .0,
        200
    );
}
