//! Requests to HubSpot.

use crate::hubspot::ObjectType;
use crate::hubspot::http::{self, HttpError};
use crate::hubspot::limits::{RateGate, is_locked_or_moving};
use crate::hubspot::paths::Paths;
use crate::hubspot::wire::{Batch, ErrorBody, Owner, OwnerPage, Page, Record};
use reqwest::{Client, Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::Duration;
use zeroize::Zeroizing;

/// The most records of one batch request.
pub const MAX_BATCH: usize = 100;

const TIMEOUT: Duration = Duration::from_secs(30);
const MAX_BODY: usize = 32 << 20;
const MAX_ERROR_BODY: usize = 64 << 10;
const NOT_FOUND: &str = "OBJECT_NOT_FOUND";
const UNKNOWN_PROPERTY: &str = "PROPERTY_DOESNT_EXIST";
const MISSING_SCOPES: &str = "MISSING_SCOPES";
/// The group our own properties are shown in.
const GROUP: &str = "fieldfare";
const PAGE: usize = 100;
const SEARCH_PAGE: usize = 200;

/// Why HubSpot did not do what was asked. Carries no personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CrmError {
    /// Nobody answered, or not in time; the request may have been carried out.
    #[error("the CRM is not answering: {0}")]
    Unreachable(&'static str),
    /// Not now: limits, locks, maintenance. Nothing was carried out.
    #[error("the CRM asks to wait: status {status}, {reason}")]
    Busy {
        /// HTTP status.
        status: u16,
        /// Its words for it.
        reason: String,
        /// How long to wait.
        wait: Duration,
    },
    /// The token is not accepted.
    #[error("the CRM refuses the token: status {0}; renew it or its scopes in the configuration")]
    Unauthorised(u16),
    /// The token is accepted, but not for this.
    #[error("the CRM's token lacks a scope: {0}; grant it to the app")]
    MissingScope(String),
    /// Refused for good.
    #[error("the CRM refuses: {reason}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Its words for it.
        reason: String,
    },
    /// The answer is not what the API promises.
    #[error("the CRM's answer does not read: {0}")]
    Garbled(&'static str),
}

impl CrmError {
    /// Whether trying again later can help.
    pub const fn is_temporary(&self) -> bool {
        !matches!(self, Self::Refused { .. })
    }

    /// Whether the request may have taken effect although no answer came.
    pub const fn is_ambiguous(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Garbled(_) => true,
            Self::Busy { status, .. } => *status >= 500,
            _ => false,
        }
    }

    /// How long to leave the CRM alone at least.
    pub const fn wait(&self) -> Duration {
        match self {
            Self::Busy { wait, .. } => *wait,
            Self::Unauthorised(_) | Self::MissingScope(_) => Duration::from_secs(60),
            _ => Duration::ZERO,
        }
    }

    /// Whether it was refused because there is no such property.
    pub fn is_unknown_property(&self, property: &str) -> bool {
        let Self::Refused { reason, .. } = self else {
            return false;
        };
        let says = |word| reason.split(' ').any(|w| w == word);
        says(UNKNOWN_PROPERTY) && says(property)
    }
}

/// What became of one record of a batch update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Which record; none when HubSpot does not say.
    pub id: Option<String>,
    /// Its words for it.
    pub reason: String,
}

/// A new value for some properties of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// Which record.
    pub id: String,
    /// Properties with their values, empty for none.
    pub properties: Vec<(String, String)>,
}

/// One HubSpot account.
pub struct HubspotClient {
    client: Client,
    paths: Paths,
    token: Zeroizing<String>,
    gate: RateGate,
}

impl HubspotClient {
    /// A client for an account. `version` is `v3` or a date like `2026-09`.
    ///
    /// # Errors
    /// [`HttpError`] for an unusable URL.
    pub fn new(api_base: &str, version: &str, token: &str) -> Result<Self, HttpError> {
        let user_agent = concat!("fieldfare/", env!("CARGO_PKG_VERSION"));
        Ok(Self {
            client: http::client(user_agent, TIMEOUT)?,
            paths: Paths::new(http::base_url(api_base)?, version),
            token: Zeroizing::new(token.to_owned()),
            gate: RateGate::default(),
        })
    }

    /// Reads up to [`MAX_BATCH`] records. What is not in the answer is not live in the CRM; an
    /// answer that leaves records out for any other reason is an error.
    ///
    /// # Errors
    /// [`CrmError`].
    pub async fn batch_read(
        &self,
        kind: ObjectType,
        ids: &[String],
        properties: &[String],
    ) -> Result<Vec<Record>, CrmError> {
        let inputs: Vec<Value> = ids.iter().map(|id| json!({ "id": id })).collect();
        let body = json!({ "properties": properties, "inputs": inputs });
        let path = self.paths.object(kind.path(), "batch/read");
        let batch: Batch = self.post(&path, &body).await?;
        // What is missing for another reason than that it does not exist is not gone.
        match batch.errors.iter().find(|e| e.category != NOT_FOUND) {
            Some(error) => Err(CrmError::Refused {
                status: 207,
                reason: error.reason(),
            }),
            None => Ok(batch.results),
        }
    }

    /// Writes up to [`MAX_BATCH`] records; returns those that were refused.
    ///
    /// # Errors
    /// [`CrmError`]; on [`CrmError::Refused`] nothing was written.
    pub async fn batch_update(
        &self,
        kind: ObjectType,
        updates: &[Update],
    ) -> Result<Vec<Refusal>, CrmError> {
        let input = |u: &Update| json!({ "id": u.id, "properties": object(&u.properties) });
        let body = json!({ "inputs": updates.iter().map(input).collect::<Vec<_>>() });
        let path = self.paths.object(kind.path(), "batch/update");
        let batch: Batch = self.post(&path, &body).await?;
        Ok(batch.errors.iter().flat_map(refusals).collect())
    }

    /// Makes a record; `associations` as HubSpot's API wants them. Returns its id.
    ///
    /// # Errors
    /// [`CrmError`].
    pub async fn create(
        &self,
        kind: &str,
        properties: &[(String, String)],
        associations: Value,
    ) -> Result<String, CrmError> {
        let body = json!({ "properties": object(properties), "associations": associations });
        let record: Record = self.post(&self.paths.object(kind, ""), &body).await?;
        if record.id.is_empty() {
            Err(CrmError::Garbled("a record without id"))
        } else {
            Ok(record.id)
        }
    }

    /// The id of a record by the value of one property. HubSpot's index lags a few moments.
    ///
    /// # Errors
    /// [`CrmError`].
    pub async fn find(
        &self,
        kind: &str,
        property: &str,
        value: &str,
    ) -> Result<Option<String>, CrmError> {
        let filter = json!({ "propertyName": property, "operator": "EQ", "value": value });
        let body = json!({ "filterGroups": [{ "filters": [filter] }], "limit": 1 });
        let page: Page = self.post(&self.paths.object(kind, "search"), &body).await?;
        Ok(page.results.into_iter().next().map(|r| r.id))
    }

    /// Ids above `after` in ascending order, at most 200: windows that no number of records with
    /// one date of change can stall, and that stay below the 10,000 results of one query.
    ///
    /// # Errors
    /// [`CrmError`].
    pub async fn search_ids(&self, kind: ObjectType, after: u64) -> Result<Vec<u64>, CrmError> {
        let above =
            json!({ "propertyName": "hs_object_id", "operator": "GT", "value": after.to_string() });
        let body = json!({
            "filterGroups": [{ "filters": [above] }],
            "sorts": [{ "propertyName": "hs_object_id", "direction": "ASCENDING" }],
            "properties": ["hs_object_id"],
            "limit": SEARCH_PAGE,
        });
        let page: Page = self
            .post(&self.paths.object(kind.path(), "search"), &body)
            .await?;
        let mut ids: Vec<u64> = page
            .results
            .iter()
            .filter_map(|r| r.id.parse().ok())
            .collect();
        ids.retain(|id| *id > after);
        ids.sort_unstable();
        Ok(ids)
    }

    /// Whether records of this kind have a property of this name.
    ///
    /// # Errors
    /// [`CrmError`].
    pub async fn has_property(&self, kind: &str, name: &str) -> Result<bool, CrmError> {
        let path = self.paths.properties(kind, name);
        match self.get::<Value>(&path, &[]).await {
            Ok(_) => Ok(true),
            Err(CrmError::Refused { status: 404, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes a property of one line of text, in a group of ours. What is there already stays.
    ///
    /// # Errors
    /// [`CrmError`]; [`CrmError::MissingScope`] without `crm.schemas.{kind}.write`.
    pub async fn create_text_property(&self, kind: &str, name: &str) -> Result<(), CrmError> {
        let group = json!({ "name": GROUP, "label": "Fieldfare" });
        let property = json!({
            "name": name,
            "label": "Fieldfare id",
            "description": "Written by Fieldfare, which knows its own records by it.",
            "groupName": GROUP,
            "type": "string",
            "fieldType": "text",
        });
        for (rest, body) in [("groups", group), ("", property)] {
            let path = self.paths.properties(kind, rest);
            match self.post::<Value>(&path, &body).await {
                Ok(_) | Err(CrmError::Refused { status: 409, .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Looks whether the token may read records of a kind.
    ///
    /// # Errors
    /// [`CrmError`].
    pub async fn probe(&self, kind: &str) -> Result<(), CrmError> {
        let path = self.paths.object(kind, "");
        self.get::<Page>(&path, &[("limit", "1")]).await.map(drop)
    }

    /// A page of all live records, and where the next one begins.
    ///
    /// # Errors
    /// [`CrmError`].
    pub async fn list(
        &self,
        kind: ObjectType,
        after: Option<&str>,
    ) -> Result<(Vec<Record>, Option<String>), CrmError> {
        let limit = PAGE.to_string();
        let mut query = vec![("limit", limit.as_str()), ("properties", "hs_object_id")];
        query.extend(after.map(|a| ("after", a)));
        let page: Page = self
            .get(&self.paths.object(kind.path(), ""), &query)
            .await?;
        let next = page.paging.and_then(|p| p.next).map(|n| n.after);
        Ok((
            page.results,
            next.filter(|n| !n.is_empty() && Some(n.as_str()) != after),
        ))
    }

    /// Everybody records can belong to.
    ///
    /// # Errors
    /// [`CrmError`].
    pub async fn owners(&self) -> Result<Vec<Owner>, CrmError> {
        let (mut all, mut after): (Vec<Owner>, Option<String>) = (Vec::new(), None);
        loop {
            let mut query = vec![("limit", "100")];
            query.extend(after.as_deref().map(|a| ("after", a)));
            let page: OwnerPage = self.get(&self.paths.owners(), &query).await?;
            all.extend(page.results);
            let next = page
                .paging
                .and_then(|p| p.next)
                .map(|n| n.after)
                .filter(|n| !n.is_empty());
            if next.is_none() || next == after {
                return Ok(all);
            }
            after = next;
        }
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, CrmError> {
        self.send(self.client.request(Method::POST, path).json(body))
            .await
    }

    async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, CrmError> {
        let url = reqwest::Url::parse_with_params(path, query)
            .map_err(|_| CrmError::Garbled("a path that is no URL"))?;
        self.send(self.client.request(Method::GET, url)).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<T, CrmError> {
        if let Some(wait) = self.gate.wait().await {
            let reason = "the request limit is used up".to_owned();
            return Err(CrmError::Busy {
                status: 429,
                reason,
                wait,
            });
        }
        let response = request
            .bearer_auth(self.token.as_str())
            .send()
            .await
            .map_err(|e| CrmError::Unreachable(describe(&e)))?;
        self.gate.observe(response.headers());
        let status = response.status();
        if status.is_success() {
            let body = http::read_body(response, MAX_BODY)
                .await
                .map_err(|_| CrmError::Unreachable("the answer is too long or was cut off"))?;
            return serde_json::from_slice(&body)
                .map_err(|_| CrmError::Garbled("not the API's JSON"));
        }
        let wait = RateGate::retry_after(response.headers());
        let body = http::read_body(response, MAX_ERROR_BODY)
            .await
            .unwrap_or_default();
        Err(self.refused(
            status,
            wait,
            &serde_json::from_slice(&body).unwrap_or_default(),
        ))
    }

    fn refused(&self, status: StatusCode, wait: Option<Duration>, body: &ErrorBody) -> CrmError {
        let (code, reason) = (status.as_u16(), body.reason());
        match code {
            403 if body.category == MISSING_SCOPES => CrmError::MissingScope(body.scopes()),
            401 | 403 => CrmError::Unauthorised(code),
            429 => {
                let wait = wait.unwrap_or_else(|| self.gate.pause_of(&body.policy_name));
                self.gate.pause(wait);
                CrmError::Busy {
                    status: code,
                    reason,
                    wait,
                }
            }
            code if is_locked_or_moving(code) || status.is_server_error() || code == 408 => {
                let wait = wait.unwrap_or(Duration::from_secs(2));
                CrmError::Busy {
                    status: code,
                    reason,
                    wait,
                }
            }
            _ => CrmError::Refused {
                status: code,
                reason,
            },
        }
    }
}

fn object(properties: &[(String, String)]) -> Value {
    properties
        .iter()
        .map(|(k, v)| (k.clone(), Value::from(v.as_str())))
        .collect()
}

fn refusals(error: &ErrorBody) -> Vec<Refusal> {
    let reason = error.reason();
    let ids = error.ids();
    if ids.is_empty() {
        return vec![Refusal { id: None, reason }];
    }
    ids.iter()
        .map(|id| Refusal {
            id: Some((*id).to_owned()),
            reason: reason.clone(),
        })
        .collect()
}

fn describe(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "timed out"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the request failed"
    }
}
