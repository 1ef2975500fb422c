use crate::auth::{AuthError, SessionError};
use crate::store::StoreError;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use fieldfare_model::SCHEMA;
use fieldfare_sync::{ErrorBody, ErrorCode, PROTOCOL, encode_message};
use serde::Serialize;

/// The content type of the sync protocol.
pub(super) const MSGPACK: HeaderValue = HeaderValue::from_static("application/vnd.msgpack");

/// A refusal, answered in MessagePack.
#[derive(Debug)]
pub struct ApiError {
    /// HTTP status.
    pub status: StatusCode,
    /// For programs.
    pub code: ErrorCode,
    /// For people; no personal data.
    pub message: String,
    /// Seconds to wait.
    pub retry_after: Option<u64>,
}

impl ApiError {
    /// A refusal.
    pub fn new(status: StatusCode, code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            retry_after: None,
        }
    }

    pub(super) fn malformed(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorCode::Malformed, message)
    }

    pub(super) fn unauthorized() -> Self {
        AuthError::Unauthorized.into()
    }

    pub(super) fn busy(retry_after: u64) -> Self {
        let message = "too many requests: wait as long as Retry-After says";
        Self {
            retry_after: Some(retry_after),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::Busy, message)
        }
    }

    pub(super) fn upgrade() -> Self {
        let error = ErrorBody::upgrade();
        Self::new(StatusCode::UPGRADE_REQUIRED, error.code, error.message)
    }

    pub(super) fn too_large() -> Self {
        let message = "the request body is larger than allowed";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::TooLarge, message)
    }

    pub(super) fn not_found(message: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, ErrorCode::Other, message)
    }

    pub(super) fn unavailable(message: &str) -> Self {
        let (status, code) = (StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Unavailable);
        Self::new(status, code, message)
    }

    fn with_retry_after(&self, mut response: Response) -> Response {
        if let Some(seconds) = self.retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<StoreError> for ApiError {
    /// The cause goes to the log, not to the client.
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "storage failed");
        Self::unavailable("the server has a fault; try again later")
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        let (status, code) = match error {
            AuthError::Unauthorized => (StatusCode::UNAUTHORIZED, ErrorCode::Unauthorized),
            AuthError::Revoked => (StatusCode::FORBIDDEN, ErrorCode::Revoked),
            AuthError::NotServed => (StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Unavailable),
            AuthError::Store(error) => return error.into(),
        };
        Self::new(status, code, error.to_string())
    }
}

impl From<SessionError> for ApiError {
    fn from(error: SessionError) -> Self {
        let (status, code) = match error {
            SessionError::Name => (StatusCode::BAD_REQUEST, ErrorCode::Malformed),
            SessionError::Code | SessionError::Token => {
                (StatusCode::UNAUTHORIZED, ErrorCode::Unauthorized)
            }
            SessionError::Revoked => (StatusCode::FORBIDDEN, ErrorCode::Revoked),
            SessionError::NotServed => (StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Unavailable),
            SessionError::Store(error) => return error.into(),
        };
        Self::new(status, code, error.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = encode_message(&ErrorBody::new(self.code, self.message.clone()));
        let headers = [(header::CONTENT_TYPE, MSGPACK)];
        let response = (self.status, headers, body.unwrap_or_default()).into_response();
        self.with_retry_after(response)
    }
}

/// An [`ApiError`], answered in JSON.
#[derive(Debug)]
pub struct JsonError(pub ApiError);

/// The body of an error in JSON.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct JsonErrorBody {
    /// Protocol version the server speaks.
    #[serde(rename = "p")]
    pub protocol: u16,
    /// Schema version of the server.
    #[serde(rename = "s")]
    pub schema: u16,
    /// For programs: `malformed`, `unauthorized`, `revoked`, `too_large`, `upgrade`, `busy`,
    /// `unavailable`.
    #[schema(value_type = String)]
    pub code: ErrorCode,
    /// For people.
    pub message: String,
}

impl<E: Into<ApiError>> From<E> for JsonError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for JsonError {
    fn into_response(self) -> Response {
        let body = JsonErrorBody {
            protocol: PROTOCOL,
            schema: SCHEMA,
            code: self.0.code,
            message: self.0.message.clone(),
        };
        let response = (self.0.status, Json(body)).into_response();
        self.0.with_retry_after(response)
    }
}
