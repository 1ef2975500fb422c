//! Sending a question to an engine and reading its answer up to a size.

use crate::hubspot::http::{self, BodyError};
use crate::routing::{EngineConfig, RoutingError};
use fieldfare_navigator::RouteRequest;
use reqwest::{Client, RequestBuilder, StatusCode, header};
use serde::Deserialize;
use std::time::Duration;
use tokio::sync::Semaphore;
use url::Url;

const USER_AGENT: &str = concat!("fieldfare-server/", env!("CARGO_PKG_VERSION"));
/// Longest answer to a question that is refused.
const MAX_REFUSAL: usize = 64 * 1024;

/// An engine's HTTP service.
pub(super) struct Service {
    engine: &'static str,
    client: Client,
    base: String,
    permits: Semaphore,
}

impl Service {
    pub(super) fn new(config: &EngineConfig) -> Result<Self, RoutingError> {
        let engine = config.kind.name();
        let timeout = Duration::from_secs(config.timeout_s);
        let client =
            http::client(USER_AGENT, timeout).map_err(|e| RoutingError::Misconfigured {
                engine,
                what: e.to_string(),
            })?;
        Ok(Self {
            engine,
            client,
            base: base_url(config)?,
            permits: Semaphore::new(config.concurrency.max(1)),
        })
    }

    pub(super) async fn ask(
        &self,
        request: RouteRequest,
        most: usize,
    ) -> Result<Vec<u8>, RoutingError> {
        match request {
            RouteRequest::Get { path } => self.send(self.client.get(self.url(&path)), most).await,
            RouteRequest::PostJson { path, body } => {
                let request = self
                    .client
                    .post(self.url(&path))
                    .header(header::CONTENT_TYPE, "application/json")
                    .body(body);
                self.send(request, most).await
            }
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    async fn send(&self, request: RequestBuilder, most: usize) -> Result<Vec<u8>, RoutingError> {
        let _permit = self
            .permits
            .acquire()
            .await
            .map_err(|_| self.unavailable("shutting down"))?;
        let sent = request.send().await;
        let reply = sent.map_err(|e| self.unavailable(describe(&e)))?;
        let status = reply.status();
        let most = if status.is_success() {
            most
        } else {
            MAX_REFUSAL
        };
        let body = http::read_body(reply, most).await;
        if !status.is_success() {
            return Err(self.refused(status, &body.unwrap_or_default()));
        }
        body.map_err(|error| match error {
            BodyError::TooLong => self.malformed("it is longer than it can be"),
            BodyError::Broken => self.unavailable("the connection broke"),
        })
    }

    fn refused(&self, status: StatusCode, body: &[u8]) -> RoutingError {
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => RoutingError::Misconfigured {
                engine: self.engine,
                what: format!("it answers {status}: check url and access"),
            },
            _ if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS => {
                RoutingError::Refused {
                    engine: self.engine,
                    code: code_of(body).unwrap_or_else(|| status.as_u16().to_string()),
                }
            }
            _ => self.unavailable(&format!("status {status}")),
        }
    }

    fn unavailable(&self, what: &str) -> RoutingError {
        RoutingError::Unavailable {
            engine: self.engine,
            what: what.to_owned(),
        }
    }

    fn malformed(&self, what: &str) -> RoutingError {
        RoutingError::Malformed {
            engine: self.engine,
            what: what.to_owned(),
        }
    }

    /// Reads a JSON answer. The parser's own message may quote an address, so it stays out.
    pub(super) fn read<'a, T: Deserialize<'a>>(&self, body: &'a [u8]) -> Result<T, RoutingError> {
        serde_json::from_slice(body).map_err(|e| {
            self.malformed(&format!(
                "not the JSON expected (line {}, column {})",
                e.line(),
                e.column()
            ))
        })
    }
}

/// The address without a slash at its end.
pub(super) fn base_url(config: &EngineConfig) -> Result<String, RoutingError> {
    let misconfigured = |what: String| RoutingError::Misconfigured {
        engine: config.kind.name(),
        what,
    };
    let text = config.url.trim_end_matches('/');
    let checked = if config.plain_http {
        Url::parse(text).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.query().is_none()
                && url.fragment().is_none()
        })
    } else {
        http::base_url(text).ok()
    };
    checked.map(|_| text.to_owned()).ok_or_else(|| {
        misconfigured(
            "give an https URL, or http to this machine; plain_http = true allows http within \
             your own network"
                .to_owned(),
        )
    })
}

/// The code of a refusal in any of the engines' forms, cut to letters and digits.
fn code_of(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Refusal {
        code: Option<String>,
        error_code: Option<i64>,
        hints: Option<Vec<Hint>>,
    }
    #[derive(Deserialize)]
    struct Hint {
        details: Option<String>,
    }
    let refusal: Refusal = serde_json::from_slice(body).ok()?;
    let hint = || refusal.hints?.into_iter().next()?.details;
    let code = refusal
        .code
        .or(refusal.error_code.map(|code| code.to_string()))
        .or_else(hint)?;
    let last = code.rsplit('.').next().unwrap_or_default();
    let kept: String = last
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(40)
        .collect();
    (!kept.is_empty()).then_some(kept)
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
