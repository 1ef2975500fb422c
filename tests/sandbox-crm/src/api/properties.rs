//! The definitions of properties, and the groups they are shown in.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Extension, Path};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::request;
use crate::error::ApiError;
use crate::portal::Portal;
use crate::schema::{NewGroup, NewProperty};

type At = Extension<Arc<Portal>>;
type Made = Result<(StatusCode, Json<Value>), ApiError>;

pub(super) fn router() -> Router {
    Router::new()
        .route("/{object}", get(list).post(create))
        .route("/{object}/groups", get(groups).post(create_group))
        .route("/{object}/groups/{name}", get(group))
        .route("/{object}/{name}", get(by_name))
}

async fn list(Extension(portal): At, Path(object): Path<String>) -> Result<Json<Value>, ApiError> {
    let object = request::object_type(&object)?;
    let results = portal.read(|state| state.schema.shown_all(object));
    Ok(Json(json!({ "results": results })))
}

async fn by_name(
    Extension(portal): At,
    Path((object, name)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let object = request::object_type(&object)?;
    let shown = portal.read(|state| state.schema.shown(object, &name));
    shown.map(Json).ok_or_else(ApiError::not_found)
}

async fn create(Extension(portal): At, Path(object): Path<String>, bytes: Bytes) -> Made {
    let object = request::object_type(&object)?;
    let new: NewProperty = request::body(&bytes)?;
    let shown = portal.write(|state| state.schema.create(object, new))?;
    Ok((StatusCode::CREATED, Json(shown)))
}

async fn groups(
    Extension(portal): At,
    Path(object): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let object = request::object_type(&object)?;
    let results = portal.read(|state| state.schema.groups(object));
    Ok(Json(json!({ "results": results })))
}

async fn group(
    Extension(portal): At,
    Path((object, name)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let object = request::object_type(&object)?;
    let groups = portal.read(|state| state.schema.groups(object));
    let found = groups
        .into_iter()
        .find(|group| group["name"] == json!(name));
    found.map(Json).ok_or_else(ApiError::not_found)
}

async fn create_group(Extension(portal): At, Path(object): Path<String>, bytes: Bytes) -> Made {
    let object = request::object_type(&object)?;
    let new: NewGroup = request::body(&bytes)?;
    let shown = portal.write(|state| state.schema.create_group(object, new))?;
    Ok((StatusCode::CREATED, Json(shown)))
}
