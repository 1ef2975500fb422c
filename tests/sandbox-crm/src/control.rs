//! The control interface under `/sandbox`: what [`PortalHandle`] offers, over HTTP with JSON.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock;
use crate::config::{PortalConfig, RateLimits, WebhookTarget};
use crate::error::SandboxError;
use crate::fixture::{ADDRESSES, LoadOptions};
use crate::handle::PortalHandle;
use crate::object_type::ObjectType;
use crate::portal::{CallFault, Record};
use crate::registry::Registry;
use crate::schema::{Properties, ValidationRule};
use crate::webhook::{DeliveryFaults, Subscription};

const LARGEST_BODY: usize = 64 << 20;
const DEFAULT_WAIT_MS: u64 = 30_000;

type App = State<Arc<Registry>>;
type Answer = Result<Json<Value>, SandboxError>;
type RecordPath = Path<(u64, ObjectType, u64)>;

impl IntoResponse for SandboxError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::NoSuchPortal(_) | Self::NoSuchRecord => StatusCode::NOT_FOUND,
            Self::PortalExists => StatusCode::CONFLICT,
            Self::Listen { .. } | Self::Client(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Refused(_) | Self::BadAddress { .. } | Self::BadConfig(_) => {
                StatusCode::BAD_REQUEST
            }
        };
        (status, Json(json!({ "error": self.to_string() }))).into_response()
    }
}

pub(crate) fn router(registry: Arc<Registry>) -> Router {
    let portal = Router::new()
        .route("/load", post(load))
        .route("/webhook", put(set_webhook).delete(unset_webhook))
        .route("/subscriptions", put(set_subscriptions))
        .route("/delivery-faults", put(set_delivery_faults))
        .route("/pause", post(pause))
        .route("/resume", post(resume))
        .route(
            "/call-faults",
            post(add_call_fault).delete(clear_call_faults),
        )
        .route("/call-latency", put(set_call_latency))
        .route("/rate-limits", put(set_rate_limits))
        .route("/validation-rules", put(set_validation_rules))
        .route("/stats", get(stats))
        .route("/wait-idle", post(wait_idle))
        .route("/records/{object}", get(records).post(create))
        .route(
            "/records/{object}/{id}",
            get(record).patch(edit).delete(archive),
        )
        .route("/records/{object}/{id}/restore", post(restore))
        .route("/records/{object}/{id}/merge/{merged}", post(merge))
        .route("/records/{object}/{id}/erase", delete(erase))
        .route("/companies/{id}/tasks", get(tasks))
        .route("/companies/{id}/notes", get(notes));
    Router::new()
        .route("/portals", get(list_portals).post(add_portal))
        .nest("/portals/{portal}", portal)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(registry)
}

fn handle(registry: &Registry, portal: u64) -> Result<PortalHandle, SandboxError> {
    let found = registry
        .by_id(portal)
        .ok_or(SandboxError::NoSuchPortal(portal))?;
    Ok(PortalHandle::new(found))
}

fn done() -> Answer {
    Ok(Json(json!({ "done": true })))
}

fn shown(record: &Record) -> Value {
    json!({
        "object": record.object,
        "id": record.id.to_string(),
        "properties": record.properties,
        "created": clock::iso(record.created_ms),
        "updated": clock::iso(record.updated_ms),
        "archived": record.archived_ms.map(clock::iso),
    })
}

fn shown_all(records: &[Record]) -> Answer {
    let records: Vec<Value> = records.iter().map(shown).collect();
    Ok(Json(json!({ "count": records.len(), "records": records })))
}

fn pairs(properties: &Properties) -> Vec<(&str, &str)> {
    properties
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

async fn list_portals(State(app): App) -> Json<Value> {
    Json(json!({ "portals": app.ids() }))
}

async fn add_portal(State(app): App, Json(config): Json<PortalConfig>) -> Answer {
    let portal = app.add(config)?;
    Ok(Json(json!({ "portal_id": portal.config.portal_id })))
}

/// What to load: the built-in addresses, or those given.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Load {
    addresses: Option<String>,
    options: LoadOptions,
}

async fn load(State(app): App, Path(portal): Path<u64>, Json(load): Json<Load>) -> Answer {
    let addresses = load.addresses.as_deref().unwrap_or(ADDRESSES);
    let ids = handle(&app, portal)?.load_addresses(addresses, &load.options)?;
    let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
    Ok(Json(json!({ "count": ids.len(), "ids": ids })))
}

async fn set_webhook(
    State(app): App,
    Path(portal): Path<u64>,
    Json(target): Json<WebhookTarget>,
) -> Answer {
    handle(&app, portal)?.set_webhook(Some(target));
    done()
}

async fn unset_webhook(State(app): App, Path(portal): Path<u64>) -> Answer {
    handle(&app, portal)?.set_webhook(None);
    done()
}

async fn set_subscriptions(
    State(app): App,
    Path(portal): Path<u64>,
    Json(subscriptions): Json<Vec<Subscription>>,
) -> Answer {
    handle(&app, portal)?.set_subscriptions(subscriptions);
    done()
}

async fn set_delivery_faults(
    State(app): App,
    Path(portal): Path<u64>,
    Json(faults): Json<DeliveryFaults>,
) -> Answer {
    handle(&app, portal)?.set_delivery_faults(faults);
    done()
}

async fn pause(State(app): App, Path(portal): Path<u64>) -> Answer {
    handle(&app, portal)?.pause_deliveries();
    done()
}

async fn resume(State(app): App, Path(portal): Path<u64>) -> Answer {
    handle(&app, portal)?.resume_deliveries();
    done()
}

async fn add_call_fault(
    State(app): App,
    Path(portal): Path<u64>,
    Json(fault): Json<CallFault>,
) -> Answer {
    handle(&app, portal)?.fail_calls(fault);
    done()
}

async fn clear_call_faults(State(app): App, Path(portal): Path<u64>) -> Answer {
    handle(&app, portal)?.clear_call_faults();
    done()
}

#[derive(Debug, Deserialize)]
struct Latency {
    latency_ms: u64,
}

async fn set_call_latency(
    State(app): App,
    Path(portal): Path<u64>,
    Json(latency): Json<Latency>,
) -> Answer {
    handle(&app, portal)?.set_call_latency(Duration::from_millis(latency.latency_ms));
    done()
}

async fn set_rate_limits(
    State(app): App,
    Path(portal): Path<u64>,
    Json(limits): Json<RateLimits>,
) -> Answer {
    handle(&app, portal)?.set_rate_limits(limits);
    done()
}

async fn set_validation_rules(
    State(app): App,
    Path(portal): Path<u64>,
    Json(rules): Json<Vec<ValidationRule>>,
) -> Answer {
    handle(&app, portal)?.set_validation_rules(rules);
    done()
}

async fn stats(State(app): App, Path(portal): Path<u64>) -> Answer {
    let portal = handle(&app, portal)?;
    Ok(Json(
        json!({ "deliveries": portal.stats(), "calls": portal.calls() }),
    ))
}

#[derive(Debug, Deserialize)]
struct Wait {
    #[serde(default = "default_wait")]
    timeout_ms: u64,
}

fn default_wait() -> u64 {
    DEFAULT_WAIT_MS
}

async fn wait_idle(State(app): App, Path(portal): Path<u64>, Json(wait): Json<Wait>) -> Answer {
    let portal = handle(&app, portal)?;
    let idle = portal
        .wait_idle(Duration::from_millis(wait.timeout_ms))
        .await;
    Ok(Json(json!({ "idle": idle, "deliveries": portal.stats() })))
}

async fn records(State(app): App, Path((portal, object)): Path<(u64, ObjectType)>) -> Answer {
    shown_all(&handle(&app, portal)?.records(object))
}

async fn create(
    State(app): App,
    Path((portal, object)): Path<(u64, ObjectType)>,
    Json(properties): Json<Properties>,
) -> Answer {
    let id = handle(&app, portal)?.create(object, &pairs(&properties))?;
    Ok(Json(json!({ "id": id.to_string() })))
}

async fn record(State(app): App, Path((portal, object, id)): RecordPath) -> Answer {
    let record = handle(&app, portal)?.record(object, id);
    record
        .map(|record| Json(shown(&record)))
        .ok_or(SandboxError::NoSuchRecord)
}

async fn edit(
    State(app): App,
    Path((portal, object, id)): RecordPath,
    Json(properties): Json<Properties>,
) -> Answer {
    handle(&app, portal)?.edit(object, id, &pairs(&properties))?;
    done()
}

async fn archive(State(app): App, Path((portal, object, id)): RecordPath) -> Answer {
    handle(&app, portal)?.archive(object, id)?;
    done()
}

async fn restore(State(app): App, Path((portal, object, id)): RecordPath) -> Answer {
    handle(&app, portal)?.restore(object, id)?;
    done()
}

async fn erase(State(app): App, Path((portal, object, id)): RecordPath) -> Answer {
    handle(&app, portal)?.erase(object, id)?;
    done()
}

async fn merge(
    State(app): App,
    Path((portal, object, id, merged)): Path<(u64, ObjectType, u64, u64)>,
) -> Answer {
    let id = handle(&app, portal)?.merge(object, id, merged)?;
    Ok(Json(json!({ "id": id.to_string() })))
}

async fn tasks(State(app): App, Path((portal, id)): Path<(u64, u64)>) -> Answer {
    shown_all(&handle(&app, portal)?.tasks_of(id))
}

async fn notes(State(app): App, Path((portal, id)): Path<(u64, u64)>) -> Answer {
    shown_all(&handle(&app, portal)?.notes_of(id))
}
