//! Associations: given at creation, put by default, read and written in batches.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Extension, Path};
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::batch::{self, Inputs};
use super::request;
use crate::clock;
use crate::error::ApiError;
use crate::object_type::{ObjectType, association_target, default_association};
use crate::portal::{Portal, State};

type At = Extension<Arc<Portal>>;
type Ends = Path<(String, String, String, String)>;
type Key = (ObjectType, u64);

/// Routes below one record.
pub(super) fn record_routes() -> Router {
    Router::new()
        .route(
            "/{object}/{id}/associations/default/{to}/{to_id}",
            put(put_default),
        )
        .route("/{object}/{id}/associations/{to}", get(list))
        .route(
            "/{object}/{id}/associations/{to}/{to_id}",
            axum::routing::delete(remove),
        )
}

/// Routes for many records at once.
pub(super) fn batch_routes() -> Router {
    Router::new()
        .route("/{from}/{to}/batch/associate/default", post(batch_default))
        .route("/{from}/{to}/batch/read", post(batch_read))
}

#[derive(Debug, Deserialize)]
pub(super) struct GivenAssociation {
    to: Id,
    types: Vec<GivenType>,
}

#[derive(Debug, Deserialize)]
struct GivenType {
    #[serde(rename = "associationTypeId")]
    type_id: u32,
}

#[derive(Debug, Deserialize)]
struct Id {
    id: Value,
}

#[derive(Debug, Deserialize)]
struct Pair {
    from: Id,
    to: Id,
}

impl Id {
    fn number(&self) -> Option<u64> {
        match &self.id {
            Value::String(text) => text.parse().ok(),
            other => other.as_u64(),
        }
    }
}

/// The ends of associations given at creation. The type decides the kind of the other end; one
/// that does not start at this kind, or leads to no live record, is refused.
pub(super) fn resolve(
    state: &State,
    from: ObjectType,
    given: &[GivenAssociation],
) -> Result<Vec<(Key, u32)>, ApiError> {
    let mut links = Vec::new();
    for association in given {
        for kind in &association.types {
            let target = association_target(kind.type_id, from).zip(association.to.number());
            let record = target.and_then(|(to, id)| state.live(to, id));
            let record = record
                .ok_or_else(|| ApiError::validation("One or more associations are not valid"))?;
            links.push(((record.object, record.id), kind.type_id));
        }
    }
    Ok(links)
}

async fn put_default(Extension(portal): At, Path(ends): Ends) -> Result<Json<Value>, ApiError> {
    let (from, to) = parse_ends(&ends)?;
    portal.write(|state| {
        let shown = link_by_default(state, from, to)?;
        Ok(batch::complete(vec![shown]))
    })
}

async fn remove(Extension(portal): At, Path(ends): Ends) -> Result<StatusCode, ApiError> {
    let (from, to) = parse_ends(&ends)?;
    portal.write(|state| state.associations.unlink(from, to));
    Ok(StatusCode::NO_CONTENT)
}

async fn list(
    Extension(portal): At,
    Path((object, id, to)): Path<(String, String, String)>,
) -> Result<Json<Value>, ApiError> {
    let from = (request::object_type(&object)?, request::record_id(&id)?);
    let to = request::object_type(&to)?;
    portal.read(|state| {
        let record = state.live(from.0, from.1).ok_or_else(ApiError::not_found)?;
        Ok(Json(
            json!({ "results": links_of(state, (record.object, record.id), to) }),
        ))
    })
}

async fn batch_default(
    Extension(portal): At,
    Path((from, to)): Path<(String, String)>,
    bytes: Bytes,
) -> Result<Json<Value>, ApiError> {
    let (from, to) = (request::object_type(&from)?, request::object_type(&to)?);
    let pairs = Inputs::<Pair>::read(&bytes)?;
    portal.write(|state| {
        let linked: Result<Vec<Value>, ApiError> = pairs
            .iter()
            .map(|pair| {
                let ends = pair.from.number().zip(pair.to.number());
                let (from_id, to_id) = ends.ok_or_else(ApiError::not_found)?;
                link_by_default(state, (from, from_id), (to, to_id))
            })
            .collect();
        Ok(batch::complete(linked?))
    })
}

async fn batch_read(
    Extension(portal): At,
    Path((from, to)): Path<(String, String)>,
    bytes: Bytes,
) -> Result<Json<Value>, ApiError> {
    let (from, to) = (request::object_type(&from)?, request::object_type(&to)?);
    let ids = Inputs::<Id>::read(&bytes)?;
    portal.read(|state| {
        let ids = ids.iter().filter_map(Id::number);
        let records = ids.filter_map(|id| state.live(from, id));
        let results: Vec<Value> = records
            .map(|record| {
                let links = links_of(state, (from, record.id), to);
                json!({ "from": { "id": record.id.to_string() }, "to": links })
            })
            .collect();
        Ok(batch::complete(results))
    })
}

fn links_of(state: &State, from: Key, to: ObjectType) -> Vec<Value> {
    let linked = state.associations.of(from, to).into_iter();
    linked
        .map(|(id, type_id)| {
            let kind = json!({ "category": "HUBSPOT_DEFINED", "typeId": type_id, "label": null });
            json!({ "toObjectId": id.to_string(), "associationTypes": [kind] })
        })
        .collect()
}

fn link_by_default(state: &mut State, from: Key, to: Key) -> Result<Value, ApiError> {
    let type_id = default_association(from.0, to.0)
        .ok_or_else(|| ApiError::validation("These object types cannot be associated"))?;
    let ends = state.live(from.0, from.1).zip(state.live(to.0, to.1));
    let (from_id, to_id) = ends
        .map(|(a, b)| (a.id, b.id))
        .ok_or_else(ApiError::not_found)?;
    state
        .associations
        .link((from.0, from_id), (to.0, to_id), type_id);
    Ok(json!({
        "from": { "id": from_id.to_string() },
        "to": { "id": to_id.to_string() },
        "associationSpec": {
            "associationCategory": "HUBSPOT_DEFINED",
            "associationTypeId": type_id,
        },
        "createdAt": clock::iso(clock::now_ms()),
    }))
}

fn parse_ends(ends: &(String, String, String, String)) -> Result<(Key, Key), ApiError> {
    let (object, id, to, to_id) = ends;
    let from = (request::object_type(object)?, request::record_id(id)?);
    Ok((
        from,
        (request::object_type(to)?, request::record_id(to_id)?),
    ))
}
