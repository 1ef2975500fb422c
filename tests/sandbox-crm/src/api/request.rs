//! Reading calls: kinds in paths, repeated query parameters, JSON bodies.

use axum::body::Bytes;
use serde::de::DeserializeOwned;

use crate::error::ApiError;
use crate::object_type::ObjectType;

/// The kind named in a path.
pub(super) fn object_type(name: &str) -> Result<ObjectType, ApiError> {
    ObjectType::parse(name)
        .ok_or_else(|| ApiError::validation(format!("Unable to infer object type from: {name}")))
}

/// An id as number; one that is none belongs to no record.
pub(super) fn record_id(text: &str) -> Result<u64, ApiError> {
    text.parse().map_err(|_| ApiError::not_found())
}

/// A JSON body.
pub(super) fn body<T: DeserializeOwned>(bytes: &Bytes) -> Result<T, ApiError> {
    serde_json::from_slice(bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        ApiError::validation(format!(
            "Invalid input JSON on line {line}, column {column}"
        ))
    })
}

/// The parameters of reads. Lists may be repeated or separated by commas.
#[derive(Debug, Default)]
pub(super) struct Query {
    pub(super) limit: Option<String>,
    pub(super) after: Option<String>,
    pub(super) archived: bool,
    pub(super) properties: Vec<String>,
    pub(super) associations: Vec<String>,
    pub(super) id_property: Option<String>,
    pub(super) email: Option<String>,
}

impl Query {
    pub(super) fn parse(raw: Option<&str>) -> Self {
        let mut query = Self::default();
        for (name, value) in url::form_urlencoded::parse(raw.unwrap_or_default().as_bytes()) {
            let list = || {
                value
                    .split(',')
                    .filter(|part| !part.is_empty())
                    .map(str::to_owned)
            };
            match name.as_ref() {
                "limit" => query.limit = Some(value.into_owned()),
                "after" => query.after = Some(value.into_owned()),
                "archived" => query.archived = value == "true",
                "properties" => query.properties.extend(list()),
                "associations" => query.associations.extend(list()),
                "idProperty" => query.id_property = Some(value.into_owned()),
                "email" => query.email = Some(value.into_owned()),
                _ => {}
            }
        }
        query
    }

    /// The page length, at most `most`.
    pub(super) fn page_length(&self, default: usize, most: usize) -> Result<usize, ApiError> {
        let Some(limit) = &self.limit else {
            return Ok(default);
        };
        limit
            .parse()
            .ok()
            .filter(|n| (1..=most).contains(n))
            .ok_or_else(|| {
                ApiError::validation(format!(
                    "limit must be between 1 and {most}, but was {limit}"
                ))
            })
    }

    /// The id a list goes on from.
    pub(super) fn start(&self) -> Result<u64, ApiError> {
        let Some(after) = &self.after else {
            return Ok(0);
        };
        after
            .parse()
            .map_err(|_| ApiError::validation("after is not a valid paging cursor"))
    }
}
