//! Up to 100 records at once, with an answer for each where some fail.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Path};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::objects::{self, Creation};
use super::request;
use crate::clock;
use crate::error::ApiError;
use crate::object_type::ObjectType;
use crate::portal::{Portal, Shown, State};

const MOST_INPUTS: usize = 100;

/// The inputs of a batch.
#[derive(Debug, Deserialize)]
pub(super) struct Inputs<T> {
    inputs: Vec<T>,
}

impl<T: DeserializeOwned> Inputs<T> {
    /// Reads a body and refuses more than 100 inputs.
    pub(super) fn read(bytes: &Bytes) -> Result<Vec<T>, ApiError> {
        let batch: Self = request::body(bytes)?;
        check_size(batch.inputs.len())?;
        Ok(batch.inputs)
    }
}

fn check_size(inputs: usize) -> Result<(), ApiError> {
    if inputs <= MOST_INPUTS {
        return Ok(());
    }
    Err(ApiError::validation(format!(
        "The maximum batch size is {MOST_INPUTS}, but {inputs} inputs were given"
    )))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reading {
    inputs: Vec<Identified>,
    #[serde(default)]
    properties: Vec<String>,
    id_property: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Identified {
    id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Writing {
    id: String,
    id_property: Option<String>,
    properties: Map<String, Value>,
    #[serde(rename = "objectWriteTraceId")]
    trace_id: Option<String>,
}

/// An error beside what names its input.
struct Failure {
    error: ApiError,
    trace_id: Option<String>,
    id: Option<String>,
}

/// What became of the inputs of one batch.
#[derive(Default)]
struct Outcome {
    results: Vec<Value>,
    missing: Vec<String>,
    failures: Vec<Failure>,
}

pub(super) async fn run(
    Extension(portal): Extension<Arc<Portal>>,
    Path((object, operation)): Path<(String, String)>,
    bytes: Bytes,
) -> Result<Response, ApiError> {
    let object = request::object_type(&object)?;
    match operation.as_str() {
        "read" => read(&portal, object, &bytes),
        "create" => create(&portal, object, &bytes),
        "update" => update(&portal, object, &bytes),
        "upsert" => upsert(&portal, object, &bytes),
        "archive" => archive(&portal, object, &bytes),
        _ => Err(ApiError::not_found()),
    }
}

fn read(portal: &Portal, object: ObjectType, bytes: &Bytes) -> Result<Response, ApiError> {
    let reading: Reading = request::body(bytes)?;
    check_size(reading.inputs.len())?;
    portal.read(|state| {
        let mut outcome = Outcome::default();
        let mut read = BTreeSet::new();
        for input in reading.inputs {
            match state.find(object, &input.id, reading.id_property.as_deref(), false)? {
                Some(record) if !read.insert(record.id) => {}
                Some(record) => {
                    let shown = record.to_json(&state.schema, Shown::Asked(&reading.properties));
                    outcome.results.push(Value::Object(shown));
                }
                None => outcome.missing.push(input.id),
            }
        }
        Ok(outcome.answer(object, StatusCode::OK))
    })
}

/// Without trace ids one bad input refuses the whole batch; with them it fails alone.
fn create(portal: &Portal, object: ObjectType, bytes: &Bytes) -> Result<Response, ApiError> {
    let inputs = Inputs::<Creation>::read(bytes)?;
    let alone = inputs.iter().all(|input| input.trace_id.is_some());
    portal.write(|state| {
        let outcome = attempt(state, alone, |state| {
            create_all(state, portal, object, &inputs)
        })?;
        Ok(outcome.answer(object, StatusCode::CREATED))
    })
}

fn create_all(
    state: &mut State,
    portal: &Portal,
    object: ObjectType,
    inputs: &[Creation],
) -> Outcome {
    let mut outcome = Outcome::default();
    for input in inputs {
        let made = objects::create_one(state, portal, object, input);
        outcome.add(made, input.trace_id.as_deref(), None);
    }
    outcome
}

/// Updates records that exist; ids of others are listed as missing.
fn update(portal: &Portal, object: ObjectType, bytes: &Bytes) -> Result<Response, ApiError> {
    let inputs = Inputs::<Writing>::read(bytes)?;
    refuse_repeated(&inputs)?;
    let alone = inputs.iter().all(|input| input.trace_id.is_some());
    portal.write(|state| {
        refuse_non_unique(state, object, &inputs)?;
        let outcome = attempt(state, alone, |state| {
            update_all(state, portal, object, &inputs)
        })?;
        Ok(outcome.answer(object, StatusCode::OK))
    })
}

fn update_all(
    state: &mut State,
    portal: &Portal,
    object: ObjectType,
    inputs: &[Writing],
) -> Outcome {
    let mut outcome = Outcome::default();
    for input in inputs {
        match state.find(object, &input.id, input.id_property.as_deref(), false) {
            Ok(Some(record)) => {
                let id = record.id;
                let updated = state
                    .update(object, id, &input.properties, portal.app())
                    .and_then(|()| objects::written(state, object, id));
                outcome.add(updated, input.trace_id.as_deref(), Some(&input.id));
            }
            Ok(None) => outcome.missing.push(input.id.clone()),
            Err(error) => outcome.add(Err(error), input.trace_id.as_deref(), Some(&input.id)),
        }
    }
    outcome
}

/// Needs a unique property as `idProperty` in each input.
fn upsert(portal: &Portal, object: ObjectType, bytes: &Bytes) -> Result<Response, ApiError> {
    let inputs = Inputs::<Writing>::read(bytes)?;
    refuse_repeated(&inputs)?;
    if inputs.iter().any(|input| input.id_property.is_none()) {
        return Err(ApiError::validation("idProperty is required for upserts"));
    }
    let alone = inputs.iter().all(|input| input.trace_id.is_some());
    portal.write(|state| {
        refuse_non_unique(state, object, &inputs)?;
        let outcome = attempt(state, alone, |state| {
            upsert_all(state, portal, object, &inputs)
        })?;
        Ok(outcome.answer(object, StatusCode::OK))
    })
}

fn upsert_all(
    state: &mut State,
    portal: &Portal,
    object: ObjectType,
    inputs: &[Writing],
) -> Outcome {
    let mut outcome = Outcome::default();
    for input in inputs {
        let upserted = upsert_one(state, portal, object, input);
        outcome.add(upserted, input.trace_id.as_deref(), Some(&input.id));
    }
    outcome
}

fn upsert_one(
    state: &mut State,
    portal: &Portal,
    object: ObjectType,
    input: &Writing,
) -> Result<Value, ApiError> {
    let property = input.id_property.as_deref().unwrap_or_default();
    let held = state
        .holder(object, property, &input.id)
        .map(|record| record.id);
    let id = match held {
        Some(id) => {
            state.update(object, id, &input.properties, portal.app())?;
            id
        }
        None => {
            let mut properties = input.properties.clone();
            properties
                .entry(property)
                .or_insert_with(|| json!(input.id));
            state.create(object, &properties, portal.app())?
        }
    };
    let mut shown = objects::written(state, object, id)?;
    if let Some(shown) = shown.as_object_mut() {
        shown.insert("new".to_owned(), json!(held.is_none()));
    }
    Ok(shown)
}

/// Archives what is there; what is not there is no error.
fn archive(portal: &Portal, object: ObjectType, bytes: &Bytes) -> Result<Response, ApiError> {
    let inputs = Inputs::<Identified>::read(bytes)?;
    portal.write(|state| {
        for id in inputs.iter().filter_map(|input| input.id.parse().ok()) {
            state.archive(object, id, portal.app());
        }
    });
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn refuse_repeated(inputs: &[Writing]) -> Result<(), ApiError> {
    let mut seen = BTreeSet::new();
    match inputs.iter().find(|input| !seen.insert(input.id.as_str())) {
        None => Ok(()),
        Some(input) => Err(ApiError::validation(format!(
            "Duplicate IDs found in batch input: [{}]. IDs must be unique",
            input.id
        ))),
    }
}

/// `hs_object_id` is no unique property either: it is the record's id.
fn refuse_non_unique(
    state: &State,
    object: ObjectType,
    inputs: &[Writing],
) -> Result<(), ApiError> {
    let named = inputs
        .iter()
        .filter_map(|input| input.id_property.as_deref());
    named
        .collect::<BTreeSet<_>>()
        .into_iter()
        .try_for_each(|name| state.need_unique(object, name))
}

/// Runs a batch. Unless its inputs may fail alone, the first failure undoes it all.
fn attempt(
    state: &mut State,
    alone: bool,
    run: impl FnOnce(&mut State) -> Outcome,
) -> Result<Outcome, ApiError> {
    let saved = (!alone).then(|| state.save());
    let mut outcome = run(state);
    match saved {
        Some(saved) if !outcome.failures.is_empty() => {
            state.roll_back(saved);
            Err(outcome.failures.swap_remove(0).error)
        }
        _ => Ok(outcome),
    }
}

/// The answer to a batch in which nothing failed.
pub(super) fn complete(results: Vec<Value>) -> Json<Value> {
    let now = clock::iso(clock::now_ms());
    Json(json!({
        "status": "COMPLETE",
        "results": results,
        "startedAt": now,
        "completedAt": now,
    }))
}

impl Outcome {
    fn add(&mut self, result: Result<Value, ApiError>, trace_id: Option<&str>, id: Option<&str>) {
        match result {
            Ok(mut shown) => {
                if let (Some(trace_id), Some(shown)) = (trace_id, shown.as_object_mut()) {
                    shown.insert("objectWriteTraceId".to_owned(), json!(trace_id));
                }
                self.results.push(shown);
            }
            Err(error) => {
                let (trace_id, id) = (trace_id.map(str::to_owned), id.map(str::to_owned));
                self.failures.push(Failure {
                    error,
                    trace_id,
                    id,
                });
            }
        }
    }

    /// 207 with a list of errors as soon as one input failed.
    fn answer(self, object: ObjectType, success: StatusCode) -> Response {
        let mut errors: Vec<Value> = Vec::new();
        if !self.missing.is_empty() {
            let message = format!(
                "Could not get some {} objects, they may be deleted or not exist. \
                 Check that ids are valid.",
                object.singular().to_uppercase()
            );
            let error = ApiError::new(StatusCode::NOT_FOUND, "OBJECT_NOT_FOUND", message);
            errors.push(error.into_batch_entry(None, &self.missing));
        }
        for failure in self.failures {
            let ids: Vec<String> = failure.id.into_iter().collect();
            errors.push(
                failure
                    .error
                    .into_batch_entry(failure.trace_id.as_deref(), &ids),
            );
        }
        let Json(mut body) = complete(self.results);
        if errors.is_empty() {
            return (success, Json(body)).into_response();
        }
        if let Some(body) = body.as_object_mut() {
            body.insert("numErrors".to_owned(), json!(errors.len()));
            body.insert("errors".to_owned(), Value::Array(errors));
        }
        (StatusCode::MULTI_STATUS, Json(body)).into_response()
    }
}
