//! A routing engine that knows one drive: what a real OSRM answered for it, and no way for anything else.

use super::WorldResult;
use axum::Router;
use axum::http::{StatusCode, Uri, header};
use axum::response::IntoResponse;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const ANSWER: &str = include_str!("../../../core/navigator/tests/fixtures/helsinki_osrm.json");

/// The places of the drive as OSRM is asked for them: two stops in the middle of Helsinki.
const PLACES: &str =
    "24.945248,60.178566;24.945099,60.167712;24.942325,60.165474;24.944988,60.176248";

/// A running engine; it stops when dropped.
pub struct OneDrive {
    /// Its address.
    pub url: String,
    task: JoinHandle<()>,
}

impl OneDrive {
    /// Starts it on loopback.
    ///
    /// # Errors
    /// If no port is free.
    pub async fn start() -> WorldResult<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let app = Router::new().fallback(answer);
        let task = tokio::spawn(async move {
            axum::serve(listener, app).await.unwrap_or_default();
        });
        Ok(Self { url, task })
    }
}

impl Drop for OneDrive {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(asked: Uri) -> impl IntoResponse {
    let is_known = asked.path().starts_with("/route/v1/") && asked.path().ends_with(PLACES);
    let (status, body) = if is_known {
        (StatusCode::OK, ANSWER)
    } else {
        let none = r#"{"code":"NoRoute","message":"only one drive is known"}"#;
        (StatusCode::BAD_REQUEST, none)
    };
    (status, [(header::CONTENT_TYPE, "application/json")], body)
}
