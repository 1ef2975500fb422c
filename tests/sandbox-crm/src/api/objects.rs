//! Single records, lists, search and merge.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Extension, Path, RawQuery};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::associations::{self, GivenAssociation};
use super::batch;
use super::request::{self, Query};
use crate::error::ApiError;
use crate::object_type::ObjectType;
use crate::portal::{LONGEST_BODY, Portal, Record, SearchRequest, Shown, State};

const LARGEST_PAGE: usize = 100;
const DEFAULT_PAGE: usize = 10;

type At = Extension<Arc<Portal>>;
type Answer = Result<Json<Value>, ApiError>;

pub(super) fn router() -> Router {
    Router::new()
        .route("/{object}", get(list).post(create))
        .route("/{object}/search", post(search))
        .route("/{object}/merge", post(merge))
        .route("/{object}/gdpr-delete", post(gdpr_delete))
        .route("/{object}/batch/{operation}", post(batch::run))
        .route("/{object}/{id}", get(by_id).patch(update).delete(archive))
        .merge(associations::record_routes())
}

#[derive(Debug, Deserialize)]
pub(super) struct Creation {
    #[serde(default)]
    pub(super) properties: Map<String, Value>,
    #[serde(default)]
    pub(super) associations: Vec<GivenAssociation>,
    #[serde(rename = "objectWriteTraceId")]
    pub(super) trace_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Update {
    properties: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Merge {
    primary_object_id: String,
    object_id_to_merge: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct GdprDelete {
    object_id: String,
    id_property: Option<String>,
}

async fn list(
    Extension(portal): At,
    Path(object): Path<String>,
    RawQuery(raw): RawQuery,
) -> Answer {
    let object = request::object_type(&object)?;
    let query = Query::parse(raw.as_deref());
    let length = query.page_length(DEFAULT_PAGE, LARGEST_PAGE)?;
    let start = query.start()?;
    portal.read(|state| {
        let mut records = state.page(object, start, query.archived);
        let page: Vec<&Record> = records.by_ref().take(length).collect();
        let results: Result<Vec<Value>, ApiError> = page
            .iter()
            .map(|record| shown_with_links(state, record, &query))
            .collect();
        let mut answer = json!({ "results": results? });
        if let Some(next) = records.next() {
            let after = next.id.to_string();
            add_paging(&mut answer, &after);
        }
        Ok(Json(answer))
    })
}

fn add_paging(answer: &mut Value, after: &str) {
    if let Some(answer) = answer.as_object_mut() {
        let next = json!({ "next": { "after": after, "link": format!("?after={after}") } });
        answer.insert("paging".to_owned(), next);
    }
}

fn shown_with_links(state: &State, record: &Record, query: &Query) -> Result<Value, ApiError> {
    let mut shown = record.to_json(&state.schema, Shown::Asked(&query.properties));
    let mut links = Map::new();
    for name in &query.associations {
        let to = request::object_type(name)?;
        let linked = state.associations.of((record.object, record.id), to);
        if linked.is_empty() {
            continue;
        }
        let kind = format!("{}_to_{}", record.object.singular(), to.singular());
        let results: Vec<Value> = linked
            .iter()
            .map(|(id, _)| json!({ "id": id.to_string(), "type": kind }))
            .collect();
        links.insert(to.plural().to_owned(), json!({ "results": results }));
    }
    if !links.is_empty() {
        shown.insert("associations".to_owned(), Value::Object(links));
    }
    Ok(Value::Object(shown))
}

async fn by_id(
    Extension(portal): At,
    Path((object, id)): Path<(String, String)>,
    RawQuery(raw): RawQuery,
) -> Answer {
    let object = request::object_type(&object)?;
    let query = Query::parse(raw.as_deref());
    portal.read(|state| {
        let found = state.find(object, &id, query.id_property.as_deref(), query.archived)?;
        let record = found.ok_or_else(ApiError::not_found)?;
        Ok(Json(shown_with_links(state, record, &query)?))
    })
}

async fn create(
    Extension(portal): At,
    Path(object): Path<String>,
    bytes: Bytes,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let object = request::object_type(&object)?;
    let creation: Creation = request::body(&bytes)?;
    let made = portal.write(|state| create_one(state, &portal, object, &creation))?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Makes a record with its associations, or nothing at all.
pub(super) fn create_one(
    state: &mut State,
    portal: &Portal,
    object: ObjectType,
    creation: &Creation,
) -> Result<Value, ApiError> {
    let links = associations::resolve(state, object, &creation.associations)?;
    let id = state.create(object, &creation.properties, portal.app())?;
    for (to, type_id) in links {
        state.associations.link((object, id), to, type_id);
    }
    written(state, object, id)
}

async fn update(
    Extension(portal): At,
    Path((object, id)): Path<(String, String)>,
    RawQuery(raw): RawQuery,
    bytes: Bytes,
) -> Answer {
    let object = request::object_type(&object)?;
    let update: Update = request::body(&bytes)?;
    let query = Query::parse(raw.as_deref());
    portal.write(|state| {
        let found = state.find(object, &id, query.id_property.as_deref(), false)?;
        let id = found.ok_or_else(ApiError::not_found)?.id;
        state.update(object, id, &update.properties, portal.app())?;
        Ok(Json(written(state, object, id)?))
    })
}

/// Archiving what is not there succeeds too.
async fn archive(
    Extension(portal): At,
    Path((object, id)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let object = request::object_type(&object)?;
    let id = request::record_id(&id)?;
    portal.write(|state| state.archive(object, id, portal.app()));
    Ok(StatusCode::NO_CONTENT)
}

async fn search(Extension(portal): At, Path(object): Path<String>, bytes: Bytes) -> Answer {
    let object = request::object_type(&object)?;
    if bytes.len() > LONGEST_BODY {
        let message = format!("The request body is longer than {LONGEST_BODY} characters");
        return Err(ApiError::validation(message));
    }
    let search: SearchRequest = request::body(&bytes)?;
    portal.read(|state| {
        let found = state.search(object, &search, portal.config.search_cap)?;
        let shown = Shown::Asked(&search.properties);
        let results: Vec<Value> = found
            .page
            .iter()
            .map(|record| Value::Object(record.to_json(&state.schema, shown)))
            .collect();
        let mut answer = json!({ "total": found.total, "results": results });
        if let Some(next) = found.next {
            add_paging(&mut answer, &next.to_string());
        }
        Ok(Json(answer))
    })
}

async fn merge(Extension(portal): At, Path(object): Path<String>, bytes: Bytes) -> Answer {
    let object = request::object_type(&object)?;
    let merge: Merge = request::body(&bytes)?;
    let primary = request::record_id(&merge.primary_object_id)?;
    let merged = request::record_id(&merge.object_id_to_merge)?;
    portal.write(|state| {
        let id = state.merge(object, primary, merged, portal.app())?;
        Ok(Json(written(state, object, id)?))
    })
}

async fn gdpr_delete(
    Extension(portal): At,
    Path(object): Path<String>,
    bytes: Bytes,
) -> Result<StatusCode, ApiError> {
    let object = request::object_type(&object)?;
    let delete: GdprDelete = request::body(&bytes)?;
    portal.write(|state| {
        let found = state.find(
            object,
            &delete.object_id,
            delete.id_property.as_deref(),
            false,
        )?;
        let id = found.ok_or_else(ApiError::not_found)?.id;
        state.erase(object, id, portal.app());
        Ok(StatusCode::NO_CONTENT)
    })
}

/// The answer to a write: all values that are set.
pub(super) fn written(state: &State, object: ObjectType, id: u64) -> Result<Value, ApiError> {
    let record = state.live(object, id).ok_or_else(ApiError::not_found)?;
    Ok(Value::Object(record.to_json(&state.schema, Shown::Written)))
}
