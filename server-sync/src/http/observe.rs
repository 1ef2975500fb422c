//! Figures and log lines of requests: method, route and status, never a body, id or address.

use crate::http::ApiError;
use axum::extract::{MatchedPath, Request};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use fieldfare_sync::ErrorCode;
use std::any::Any;
use std::time::Instant;

/// Counts and times a request, and writes one log line for it.
pub(super) async fn request(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unknown".to_owned(), |path| path.as_str().to_owned());
    let begun = Instant::now();
    let response = next.run(request).await;
    let seconds = begun.elapsed().as_secs_f64();
    let status = response.status().as_u16();
    metrics::counter!("fieldfare_http_requests_total", "route" => route.clone(), "status" => status.to_string())
        .increment(1);
    metrics::histogram!("fieldfare_http_request_seconds", "route" => route.clone()).record(seconds);
    tracing::info!(%method, route, status, ms = (seconds * 1000.0).round(), "request");
    response
}

/// Answers a request whose handler panicked; its transaction was undone.
pub(super) fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a handler panicked");
    let message = "the server has a fault; try again later";
    ApiError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        ErrorCode::Unavailable,
        message,
    )
    .into_response()
}
