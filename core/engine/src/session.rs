//! Enrolment and tokens.

use crate::{EngineError, EngineResult, HttpHeader, HttpMethod, HttpRequest, HttpResponse};
use fieldfare_model::{DeviceId, OperationId, RepId, SCHEMA, TenantId, TimestampMs};
use fieldfare_sync::PROTOCOL;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

const TIMEOUT_MS: u64 = 60_000;
const MAX_REPLY_BYTES: u64 = 64 * 1024;

/// Tokens are renewed this long before they end, so that none ends on the way.
const MARGIN_MS: i64 = 30_000;

/// Who the device belongs to, as the server said at enrolment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolment {
    /// The company.
    pub tenant: TenantId,
    /// This install.
    pub device: DeviceId,
    /// The rep's id.
    pub rep: RepId,
    /// The rep's name at that time.
    pub rep_name: Option<String>,
}

/// Proves to the server who asks; lives in memory only.
#[derive(Clone)]
pub(crate) struct AccessToken {
    pub text: Zeroizing<String>,
    pub expires_at: TimestampMs,
}

impl AccessToken {
    pub fn is_fresh(&self, now: TimestampMs) -> bool {
        self.expires_at.since(now) > MARGIN_MS
    }

    pub fn header(&self) -> HttpHeader {
        HttpHeader {
            name: "authorization".to_owned(),
            value: format!("Bearer {}", self.text.as_str()),
        }
    }
}

#[derive(Serialize)]
struct EnrolRequest<'a> {
    #[serde(flatten)]
    versions: Versions,
    code: &'a str,
    device_name: &'a str,
}

#[derive(Serialize)]
struct TokenRequest<'a> {
    #[serde(flatten)]
    versions: Versions,
    refresh_token: &'a str,
    attempt: OperationId,
}

/// What every message says of itself.
#[derive(Serialize)]
struct Versions {
    #[serde(rename = "p")]
    protocol: u16,
    #[serde(rename = "s")]
    schema: u16,
}

const OURS: Versions = Versions {
    protocol: PROTOCOL,
    schema: SCHEMA,
};

#[derive(Deserialize)]
struct RepReply {
    id: RepId,
    name: String,
}

#[derive(Deserialize)]
struct EnrolReply {
    tenant: TenantId,
    device: DeviceId,
    rep: RepReply,
    #[serde(flatten)]
    tokens: TokenReply,
}

#[derive(Deserialize)]
struct TokenReply {
    refresh_token: Zeroizing<String>,
    access_token: Zeroizing<String>,
    /// Seconds from now: right even if the phone's clock is not.
    expires_in: i64,
}

impl TokenReply {
    fn into_tokens(self, now: TimestampMs) -> Tokens {
        Tokens {
            refresh: self.refresh_token,
            access: AccessToken {
                text: self.access_token,
                expires_at: now.plus(self.expires_in.saturating_mul(1000)),
            },
        }
    }
}

/// What a reply about tokens brings.
pub(crate) struct Tokens {
    pub refresh: Zeroizing<String>,
    pub access: AccessToken,
}

/// The address of a path on the server.
pub(crate) fn url(server: &str, path: &str) -> String {
    format!("{}{path}", server.trim_end_matches('/'))
}

fn post_json<T: Serialize>(server: &str, path: &str, body: &T) -> EngineResult<HttpRequest> {
    Ok(HttpRequest {
        method: HttpMethod::Post,
        url: url(server, path),
        headers: vec![HttpHeader {
            name: "content-type".to_owned(),
            value: "application/json".to_owned(),
        }],
        body: serde_json::to_vec(body).map_err(|_| EngineError::invalid("text is not UTF-8"))?,
        timeout_ms: TIMEOUT_MS,
        max_response_bytes: MAX_REPLY_BYTES,
    })
}

pub(crate) fn enrol_request(
    server: &str,
    code: &str,
    device_name: &str,
) -> EngineResult<HttpRequest> {
    let request = EnrolRequest {
        versions: OURS,
        code,
        device_name,
    };
    post_json(server, "/v1/enrol", &request)
}

/// `attempt` is kept until the answer is: asking again with it gets the same tokens again.
pub(crate) fn token_request(
    server: &str,
    refresh_token: &str,
    attempt: OperationId,
) -> EngineResult<HttpRequest> {
    let request = TokenRequest {
        versions: OURS,
        refresh_token,
        attempt,
    };
    post_json(server, "/v1/token", &request)
}

pub(crate) fn read_enrolment(
    response: &HttpResponse,
    now: TimestampMs,
) -> EngineResult<(Enrolment, Tokens)> {
    check_status(response)?;
    let reply: EnrolReply = read_json(&response.body)?;
    let enrolment = Enrolment {
        tenant: reply.tenant,
        device: reply.device,
        rep: reply.rep.id,
        rep_name: Some(reply.rep.name),
    };
    Ok((enrolment, reply.tokens.into_tokens(now)))
}

pub(crate) fn read_tokens(response: &HttpResponse, now: TimestampMs) -> EngineResult<Tokens> {
    check_status(response)?;
    let reply: TokenReply = read_json(&response.body)?;
    Ok(reply.into_tokens(now))
}

fn read_json<T: serde::de::DeserializeOwned>(body: &[u8]) -> EngineResult<T> {
    serde_json::from_slice(body).map_err(|_| EngineError::server("its reply has another form"))
}

fn check_status(response: &HttpResponse) -> EngineResult<()> {
    match response.status {
        200 => Ok(()),
        status => Err(refusal(status, &response.body, retry_after_ms(response))),
    }
}

/// What an HTTP status other than 200 means for the app.
pub(crate) fn refusal(status: u16, body: &[u8], retry_after_ms: Option<u64>) -> EngineError {
    match status {
        403 if says_revoked(body) => EngineError::Revoked,
        401 | 403 => EngineError::Unauthorized,
        426 => EngineError::UpgradeRequired,
        429 | 503 => EngineError::TryLater { retry_after_ms },
        status => EngineError::server(format!("status {status}")),
    }
}

/// Errors come as MessagePack to the sync routes and as JSON to the others.
fn says_revoked(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct JsonError {
        #[serde(alias = "c")]
        code: String,
    }
    let packed = fieldfare_sync::decode_message::<fieldfare_sync::ErrorBody>(body)
        .is_ok_and(|error| error.code == fieldfare_sync::ErrorCode::Revoked);
    packed || serde_json::from_slice::<JsonError>(body).is_ok_and(|error| error.code == "revoked")
}

/// `Retry-After` in its form as seconds; servers of Fieldfare send no other.
pub(crate) fn retry_after_ms(response: &HttpResponse) -> Option<u64> {
    let seconds: u64 = response.header("retry-after")?.trim().parse().ok()?;
    Some(seconds.saturating_mul(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, body: &str) -> HttpResponse {
        HttpResponse {
            status,
            headers: vec![HttpHeader {
                name: "retry-after".to_owned(),
                value: "7".to_owned(),
            }],
            body: body.as_bytes().to_vec(),
        }
    }

    const ENROLLED: &str = r#"{
        "p": 1, "s": 1,
        "tenant": "0190a000-0000-7000-8000-000000000001",
        "device": "0190a000-0000-7000-8000-000000000002",
        "rep": {"id": "0190a000-0000-7000-8000-000000000003", "name": "Robin"},
        "refresh_token": "r", "access_token": "a", "expires_in": 1000,
        "something_new": true
    }"#;

    #[test]
    fn reads_an_enrolment() {
        let now = TimestampMs(5_000);
        let (enrolment, tokens) = read_enrolment(&response(200, ENROLLED), now).unwrap();
        assert_eq!(enrolment.rep_name.as_deref(), Some("Robin"));
        assert_eq!(tokens.refresh.as_str(), "r");
        assert_eq!(tokens.access.expires_at, TimestampMs(1_005_000));
        assert!(tokens.access.is_fresh(now));
        assert!(!tokens.access.is_fresh(TimestampMs(1_005_000 - MARGIN_MS)));
    }

    #[test]
    fn statuses_tell_what_to_do() {
        let error = |status, body| read_tokens(&response(status, body), TimestampMs(0)).err();
        let later = EngineError::TryLater {
            retry_after_ms: Some(7_000),
        };
        assert_eq!(error(429, ""), Some(later));
        assert_eq!(error(401, ""), Some(EngineError::Unauthorized));
        assert_eq!(error(403, "{}"), Some(EngineError::Unauthorized));
        assert_eq!(error(426, ""), Some(EngineError::UpgradeRequired));
        assert_eq!(
            error(403, r#"{"code":"revoked"}"#),
            Some(EngineError::Revoked)
        );
        assert!(matches!(
            error(200, "<html>"),
            Some(EngineError::Server { .. })
        ));
    }

    #[test]
    fn paths_join_with_one_slash() {
        assert_eq!(url("https://a.example/", "/v1/x"), "https://a.example/v1/x");
        assert_eq!(url("https://a.example", "/v1/x"), "https://a.example/v1/x");
    }
}
