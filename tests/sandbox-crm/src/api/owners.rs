//! The people records can belong to.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, Path, RawQuery};
use serde_json::{Value, json};

use super::request::{self, Query};
use crate::clock;
use crate::config::Owner;
use crate::error::ApiError;
use crate::portal::Portal;

const LARGEST_PAGE: usize = 500;
const DEFAULT_PAGE: usize = 100;

pub(super) async fn list(
    Extension(portal): Extension<Arc<Portal>>,
    RawQuery(raw): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let query = Query::parse(raw.as_deref());
    let length = query.page_length(DEFAULT_PAGE, LARGEST_PAGE)?;
    let start = query.start()?;
    portal.read(|state| {
        let mut owners = state
            .owners
            .range(start..)
            .map(|(_, owner)| owner)
            .filter(|owner| {
                let is_wanted = query.email.as_ref().is_none_or(|mail| *mail == owner.email);
                owner.archived == query.archived && is_wanted
            });
        let page: Vec<Value> = owners.by_ref().take(length).map(shown).collect();
        let mut answer = json!({ "results": page });
        if let (Some(next), Some(answer)) = (owners.next(), answer.as_object_mut()) {
            let after = next.id.to_string();
            let paging = json!({ "next": { "link": format!("?after={after}"), "after": after } });
            answer.insert("paging".to_owned(), paging);
        }
        Ok(Json(answer))
    })
}

pub(super) async fn by_id(
    Extension(portal): Extension<Arc<Portal>>,
    Path(id): Path<String>,
    RawQuery(raw): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let id = request::record_id(&id)?;
    let archived = Query::parse(raw.as_deref()).archived;
    portal.read(|state| {
        let owner = state
            .owners
            .get(&id)
            .filter(|owner| owner.archived == archived);
        owner
            .map(|owner| Json(shown(owner)))
            .ok_or_else(ApiError::not_found)
    })
}

fn shown(owner: &Owner) -> Value {
    json!({
        "id": owner.id.to_string(),
        "email": owner.email,
        "type": "PERSON",
        "firstName": owner.first_name,
        "lastName": owner.last_name,
        "userId": owner.user_id,
        "userIdIncludingInactive": owner.user_id,
        "createdAt": clock::iso(0),
        "updatedAt": clock::iso(0),
        "archived": owner.archived,
        "teams": [],
    })
}
