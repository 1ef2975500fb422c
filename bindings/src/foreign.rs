//! What the app brings: a key vault, perhaps its own HTTP and clock, listeners.
//!
//! Every method may fail, and an error nobody foresaw on the other side arrives as an error too.

use crate::status::SyncProgress;
use fieldfare_engine as engine;
use fieldfare_model::{LeadId, TimestampMs as Timestamp};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use uniffi::UnexpectedUniFFICallbackError;
use zeroize::Zeroizing;

/// Something the app brought failed in a way it did not foresee.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum CallbackError {
    /// The app's own code failed. What went wrong is not told, as it may quote data.
    #[error("a part the app supplied failed")]
    Failed,
}

impl From<UnexpectedUniFFICallbackError> for CallbackError {
    fn from(_: UnexpectedUniFFICallbackError) -> Self {
        Self::Failed
    }
}

/// Why a key vault failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum VaultError {
    /// The platform's key store cannot be used now, for example before first unlock.
    #[error("not available now; try again once the device is unlocked")]
    Unavailable,
    /// The wrapping key is gone for good.
    #[error("the wrapping key is gone; wipe the store and enrol again")]
    KeyLost,
    /// These bytes were not wrapped by this vault's key.
    #[error("the wrapped key belongs to another vault")]
    Rejected,
    /// Something else.
    #[error("failed with platform code {platform_code}")]
    Failed {
        /// The platform's own code, 0 if it has none.
        platform_code: i32,
    },
}

impl From<UnexpectedUniFFICallbackError> for VaultError {
    fn from(_: UnexpectedUniFFICallbackError) -> Self {
        Self::Failed { platform_code: 0 }
    }
}

impl From<VaultError> for engine::VaultError {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Unavailable => Self::Unavailable,
            VaultError::KeyLost => Self::KeyLost,
            VaultError::Rejected => Self::Rejected,
            VaultError::Failed { platform_code } => Self::Failed(platform_code),
        }
    }
}

/// Keeps the wrapping key that the phone's data key is sealed with: Android's Keystore, Apple's
/// Keychain. The wrapping key never leaves the vault. Calls may come from any thread and may
/// block.
#[uniffi::export(foreign)]
pub trait KeyVault: Send + Sync {
    /// Number of the wrapping key in use, from 1; 0 if there is none yet. A new wrapping key has a
    /// higher number than every one before it.
    fn generation(&self) -> Result<i32, VaultError>;

    /// Seals a data key with the wrapping key, which is made if there is none.
    fn wrap(&self, key: Vec<u8>) -> Result<Vec<u8>, VaultError>;

    /// Opens what `wrap` returned.
    fn unwrap(&self, wrapped: Vec<u8>) -> Result<Vec<u8>, VaultError>;

    /// Destroys the wrapping key, so that nothing sealed with it can be opened again. Destroying
    /// what is not there succeeds.
    fn destroy_key(&self) -> Result<(), VaultError>;
}

/// The app's vault as the engine knows vaults.
pub(crate) struct Vault(pub Arc<dyn KeyVault>);

impl engine::KeyVault for Vault {
    fn generation(&self) -> Result<u32, engine::VaultError> {
        let generation = self.0.generation()?;
        u32::try_from(generation).map_err(|_| engine::VaultError::Failed(generation))
    }

    fn wrap(&self, key: &engine::DataKey) -> Result<Vec<u8>, engine::VaultError> {
        Ok(self.0.wrap(key.as_bytes().to_vec())?)
    }

    fn unwrap(&self, wrapped: &[u8]) -> Result<engine::DataKey, engine::VaultError> {
        let key = Zeroizing::new(self.0.unwrap(wrapped.to_vec())?);
        engine::DataKey::from_slice(&key).ok_or(engine::VaultError::Rejected)
    }

    fn destroy(&self) -> Result<(), engine::VaultError> {
        Ok(self.0.destroy_key()?)
    }
}

/// Tells the time, for tests. The system's clock is used unless there is one.
#[uniffi::export(foreign)]
pub trait WallClock: Send + Sync {
    /// Now.
    fn now(&self) -> Result<Timestamp, CallbackError>;
}

pub(crate) struct ForeignClock(pub Arc<dyn WallClock>);

impl engine::Clock for ForeignClock {
    /// A clock that fails is stood in for by the system's.
    fn now(&self) -> Timestamp {
        let now = self.0.now();
        now.unwrap_or_else(|_| engine::Clock::now(&engine::SystemClock))
    }
}

/// What looks different now.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ChangeNotice {
    /// Leads that changed, came or went, in order of id.
    pub leads: Vec<LeadId>,
    /// Whether so many leads changed that they are not listed.
    pub all_leads: bool,
    /// Whether visits changed.
    pub visits: bool,
    /// Whether territories or the rep changed.
    pub reference: bool,
    /// Whether consent changed.
    pub consents: bool,
    /// Whether conflicts, pending or refused changes changed.
    pub operations: bool,
    /// Whether planned days or routes changed.
    pub days: bool,
}

impl From<engine::ChangeNotice> for ChangeNotice {
    fn from(notice: engine::ChangeNotice) -> Self {
        Self {
            leads: notice.leads,
            all_leads: notice.all_leads,
            visits: notice.visits,
            reference: notice.reference,
            consents: notice.consents,
            operations: notice.operations,
            days: notice.days,
        }
    }
}

/// Is told what changed, in batches. Called on the thread that made the change, with no lock held;
/// it should note the notice and return.
#[uniffi::export(foreign)]
pub trait ChangeListener: Send + Sync {
    /// These rows look different now.
    fn changed(&self, notice: ChangeNotice) -> Result<(), CallbackError>;
}

pub(crate) struct Listener(pub Arc<dyn ChangeListener>);

impl engine::ChangeObserver for Listener {
    fn changed(&self, notice: engine::ChangeNotice) {
        if self.0.changed(notice.into()).is_err() {
            tracing::warn!("a change listener failed");
        }
    }
}

/// Is told how far a sync is: once a step, not once a row.
#[uniffi::export(foreign)]
pub trait SyncListener: Send + Sync {
    /// So far.
    fn progress(&self, progress: SyncProgress) -> Result<(), CallbackError>;
}

pub(crate) struct Progress(pub Arc<dyn SyncListener>);

impl engine::SyncObserver for Progress {
    fn progress(&self, progress: engine::SyncProgress) {
        if self.0.progress(progress.into()).is_err() {
            tracing::warn!("a sync listener failed");
        }
    }
}

/// Why no response came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum TransportError {
    /// The server cannot be reached.
    #[error("no connection")]
    Offline,
    /// It did not answer in time.
    #[error("no answer in time")]
    Timeout,
    /// Its certificate is not trusted, or no safe connection could be agreed.
    #[error("no trusted connection")]
    Tls,
    /// The response is larger than allowed.
    #[error("response too large")]
    TooLarge,
    /// The address is not https.
    #[error("address is not https")]
    Insecure,
    /// The response broke off or is not HTTP, or the app's transport failed.
    #[error("response broke off")]
    Broken,
}

impl From<UnexpectedUniFFICallbackError> for TransportError {
    fn from(_: UnexpectedUniFFICallbackError) -> Self {
        Self::Broken
    }
}

impl From<TransportError> for engine::TransportError {
    fn from(error: TransportError) -> Self {
        match error {
            TransportError::Offline => Self::Offline,
            TransportError::Timeout => Self::Timeout,
            TransportError::Tls => Self::Tls,
            TransportError::TooLarge => Self::TooLarge,
            TransportError::Insecure => Self::Insecure,
            TransportError::Broken => Self::Broken,
        }
    }
}

/// The method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum HttpMethod {
    /// GET.
    Get,
    /// POST.
    Post,
}

/// A header of a request or response.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct HttpHeader {
    /// Name, in lower case.
    pub name: String,
    /// Value.
    pub value: String,
}

/// A request to the server. Headers carry tokens and bodies carry customers: log neither.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct HttpRequest {
    /// Method.
    pub method: HttpMethod,
    /// The whole address.
    pub url: String,
    /// Headers, names in lower case.
    pub headers: Vec<HttpHeader>,
    /// Body, empty for none.
    pub body: Vec<u8>,
    /// When to give up, from the start of the request.
    pub timeout: Duration,
    /// The most bytes the body of the response may have.
    pub max_response_bytes: i64,
}

/// A response of the server. Any status is a response, not an error.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct HttpResponse {
    /// Status.
    pub status: i32,
    /// Headers; `retry-after` and `date` are the ones the engine reads.
    pub headers: Vec<HttpHeader>,
    /// Body.
    pub body: Vec<u8>,
}

/// Carries requests to the server in place of the library's own HTTPS: for an app that needs its
/// platform's proxies, certificates or pinning.
#[uniffi::export(foreign)]
pub trait HttpTransport: Send + Sync {
    /// Starts a request and returns at once; the answer goes to `exchange`, from any thread. Do
    /// not follow redirects and keep no cookies.
    fn start(
        &self,
        request: HttpRequest,
        exchange: Arc<HttpExchange>,
    ) -> Result<(), TransportError>;
}

type Answer = Result<HttpResponse, TransportError>;

/// Where the answer to a request goes. The first answer counts.
#[derive(uniffi::Object)]
pub struct HttpExchange(Mutex<Option<oneshot::Sender<Answer>>>);

#[uniffi::export]
impl HttpExchange {
    /// The server answered.
    pub fn respond(&self, response: HttpResponse) {
        self.answer(Ok(response));
    }

    /// No answer came.
    pub fn fail(&self, error: TransportError) {
        self.answer(Err(error));
    }

    /// Whether nobody waits any more: the request may be given up.
    pub fn is_abandoned(&self) -> bool {
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sender.as_ref().is_none_or(oneshot::Sender::is_closed)
    }
}

impl HttpExchange {
    fn answer(&self, answer: Answer) {
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(sender) = sender {
            // Nobody waits any more after a cancel.
            let _ = sender.send(answer);
        }
    }
}

pub(crate) struct Transport(pub Arc<dyn HttpTransport>);

#[async_trait::async_trait]
impl engine::HttpTransport for Transport {
    async fn send(
        &self,
        request: engine::HttpRequest,
    ) -> Result<engine::HttpResponse, engine::TransportError> {
        let timeout = Duration::from_millis(request.timeout_ms);
        let limit = request.max_response_bytes;
        let (sender, receiver) = oneshot::channel();
        let exchange = Arc::new(HttpExchange(Mutex::new(Some(sender))));
        let transport = Arc::clone(&self.0);
        let request = request_out(request);
        let start = move || transport.start(request, exchange);
        let started = tokio::task::spawn_blocking(start).await;
        started.map_err(|_| engine::TransportError::Broken)??;
        let answer = tokio::time::timeout(timeout, receiver).await;
        let answer = answer.map_err(|_| engine::TransportError::Timeout)?;
        // An exchange dropped without an answer never will give one.
        let response = answer.map_err(|_| engine::TransportError::Broken)??;
        response_in(response, limit)
    }
}

fn request_out(request: engine::HttpRequest) -> HttpRequest {
    let header = |header: engine::HttpHeader| HttpHeader {
        name: header.name,
        value: header.value,
    };
    HttpRequest {
        method: match request.method {
            engine::HttpMethod::Get => HttpMethod::Get,
            engine::HttpMethod::Post => HttpMethod::Post,
        },
        url: request.url,
        headers: request.headers.into_iter().map(header).collect(),
        body: request.body,
        timeout: Duration::from_millis(request.timeout_ms),
        max_response_bytes: crate::error::count(request.max_response_bytes),
    }
}

fn response_in(
    response: HttpResponse,
    limit: u64,
) -> Result<engine::HttpResponse, engine::TransportError> {
    if response.body.len() as u64 > limit {
        return Err(engine::TransportError::TooLarge);
    }
    let header = |header: HttpHeader| engine::HttpHeader {
        name: header.name.to_ascii_lowercase(),
        value: header.value,
    };
    Ok(engine::HttpResponse {
        status: u16::try_from(response.status).map_err(|_| engine::TransportError::Broken)?,
        headers: response.headers.into_iter().map(header).collect(),
        body: response.body,
    })
}
