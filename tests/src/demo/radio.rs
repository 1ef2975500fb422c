//! The phone's connection: real HTTP that can be switched off, loses an answer on demand, and
//! counts bytes.

use async_trait::async_trait;
use fieldfare_engine::{
    EngineResult, HttpRequest, HttpResponse, HttpTransport, HttpsTransport, TransportError,
};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What went over the air, bodies only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests that reached the server.
    pub requests: u64,
    /// Bytes to the server.
    pub up: u64,
    /// Bytes from the server.
    pub down: u64,
    /// Requests that failed because the radio was off.
    pub without_signal: u64,
}

/// The phone's radio.
pub struct Radio {
    wire: HttpsTransport,
    is_on: AtomicBool,
    loses_next_push: AtomicBool,
    requests: AtomicU64,
    up: AtomicU64,
    down: AtomicU64,
    without_signal: AtomicU64,
}

impl Radio {
    /// A radio that is on.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn new() -> EngineResult<Self> {
        Ok(Self {
            wire: HttpsTransport::new(true)?,
            is_on: AtomicBool::new(true),
            loses_next_push: AtomicBool::new(false),
            requests: AtomicU64::new(0),
            up: AtomicU64::new(0),
            down: AtomicU64::new(0),
            without_signal: AtomicU64::new(0),
        })
    }

    /// Switches it on or off.
    pub fn switch(&self, on: bool) {
        self.is_on.store(on, Ordering::SeqCst);
    }

    /// The server will receive the next push, the phone not its answer.
    pub fn lose_next_push_answer(&self) {
        self.loses_next_push.store(true, Ordering::SeqCst);
    }

    /// Counts since the start.
    pub fn traffic(&self) -> Traffic {
        Traffic {
            requests: self.requests.load(Ordering::SeqCst),
            up: self.up.load(Ordering::SeqCst),
            down: self.down.load(Ordering::SeqCst),
            without_signal: self.without_signal.load(Ordering::SeqCst),
        }
    }
}

#[async_trait]
impl HttpTransport for Radio {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        if !self.is_on.load(Ordering::SeqCst) {
            self.without_signal.fetch_add(1, Ordering::SeqCst);
            return Err(TransportError::Offline);
        }
        let is_push = request.url.ends_with("/push");
        self.requests.fetch_add(1, Ordering::SeqCst);
        self.up
            .fetch_add(request.body.len() as u64, Ordering::SeqCst);
        let response = self.wire.send(request).await?;
        self.down
            .fetch_add(response.body.len() as u64, Ordering::SeqCst);
        if is_push && self.loses_next_push.swap(false, Ordering::SeqCst) {
            return Err(TransportError::Broken);
        }
        Ok(response)
    }
}
