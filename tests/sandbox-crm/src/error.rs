//! Errors of the sandbox itself and the error answers of the CRM it plays.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// What can go wrong when the sandbox is started or controlled from outside the CRM's own API.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The listening socket could not be opened.
    #[error("the sandbox could not listen on {address}: choose a free port ({source})")]
    Listen {
        /// Where it tried to listen.
        address: String,
        /// Why the operating system refused.
        source: std::io::Error,
    },
    /// The HTTP client for webhook deliveries could not be built.
    #[error("the webhook client could not be built: {0}")]
    Client(#[from] reqwest::Error),
    /// A portal id or token is taken already.
    #[error("a portal with this id or this token exists already: choose another")]
    PortalExists,
    /// The portal is not known.
    #[error("there is no portal {0}: create it first")]
    NoSuchPortal(u64),
    /// The record is not known, archived, or merged away.
    #[error("there is no such record: check its type and id")]
    NoSuchRecord,
    /// The CRM refused the change.
    #[error("the CRM refused the change: {0}")]
    Refused(String),
    /// A line of an address file is not the expected JSON.
    #[error("line {line} of the address file is not an address: {source}")]
    BadAddress {
        /// Line number, from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A configuration value cannot be used.
    #[error("the configuration cannot be used: {0}")]
    BadConfig(String),
}

impl From<ApiError> for SandboxError {
    fn from(error: ApiError) -> Self {
        if error.status == StatusCode::NOT_FOUND {
            return Self::NoSuchRecord;
        }
        let message = error.body.get("message").and_then(Value::as_str);
        Self::Refused(message.unwrap_or("no reason given").to_owned())
    }
}

/// A fresh correlation id, different for each answer.
pub(crate) fn correlation_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("5a4db0c5-0000-4000-8000-{n:012x}")
}

/// An error answer in HubSpot's shape.
#[derive(Debug)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
    retry_after_s: Option<u64>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, category: &str, message: impl Into<String>) -> Self {
        let body = json!({
            "status": "error",
            "message": message.into(),
            "correlationId": correlation_id(),
            "category": category,
        });
        Self {
            status,
            body,
            retry_after_s: None,
        }
    }

    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "VALIDATION_ERROR", message)
    }

    pub(crate) fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "OBJECT_NOT_FOUND",
            "resource not found",
        )
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "CONFLICT", message)
    }

    pub(crate) fn no_credentials() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "INVALID_AUTHENTICATION",
            "Authentication credentials not found. This API supports OAuth 2.0 authentication",
        )
    }

    pub(crate) fn wrong_credentials() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "INVALID_AUTHENTICATION",
            "The access token is invalid or does not belong to any account",
        )
    }

    pub(crate) fn missing_scopes() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "MISSING_SCOPES",
            "This app hasn't been granted all required scopes to make this call.",
        )
    }

    pub(crate) fn ten_secondly() -> Self {
        Self::rate_limited(
            "TEN_SECONDLY_ROLLING",
            "You have reached your ten_secondly_rolling limit.",
        )
    }

    pub(crate) fn secondly() -> Self {
        Self::rate_limited("SECONDLY", "You have reached your secondly limit.")
    }

    fn rate_limited(policy: &str, message: &str) -> Self {
        let body = json!({
            "status": "error",
            "message": message,
            "errorType": "RATE_LIMIT",
            "policyName": policy,
            "correlationId": correlation_id(),
        });
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            body,
            retry_after_s: None,
        }
    }

    pub(crate) fn with_errors(mut self, errors: Value) -> Self {
        if let Some(body) = self.body.as_object_mut() {
            body.insert("errors".to_owned(), errors);
        }
        self
    }

    pub(crate) fn with_retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// The error as an entry of a multi-status answer.
    pub(crate) fn into_batch_entry(mut self, trace_id: Option<&str>, ids: &[String]) -> Value {
        let mut context = serde_json::Map::new();
        if let Some(trace_id) = trace_id {
            context.insert("objectWriteTraceId".to_owned(), json!([trace_id]));
        }
        if !ids.is_empty() {
            context.insert("ids".to_owned(), json!(ids));
        }
        if let Some(body) = self.body.as_object_mut() {
            body.remove("correlationId");
            body.insert("context".to_owned(), Value::Object(context));
        }
        self.body
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, axum::Json(self.body)).into_response();
        if let Some(seconds) = self.retry_after_s {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
