//! How the engine reaches its server. An app may bring its own.

mod https;

pub use https::HttpsTransport;

use async_trait::async_trait;

/// A request to the server.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// Method.
    pub method: HttpMethod,
    /// The whole address.
    pub url: String,
    /// Headers, names in lower case.
    pub headers: Vec<HttpHeader>,
    /// Body, empty for none.
    pub body: Vec<u8>,
    /// When to give up, milliseconds from the start of the request.
    pub timeout_ms: u64,
    /// The most bytes the body of the response may have.
    pub max_response_bytes: u64,
}

/// The method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpMethod {
    /// GET.
    Get,
    /// POST.
    Post,
}

/// A header of a request or response.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpHeader {
    /// Name, in lower case.
    pub name: String,
    /// Value.
    pub value: String,
}

/// A response of the server. Any status is a response, not an error.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// Status.
    pub status: u16,
    /// Headers, names in lower case; `retry-after` and `date` are the ones the engine reads.
    pub headers: Vec<HttpHeader>,
    /// Body.
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name))
            .map(|header| header.value.clone())
    }
}

// Headers carry tokens and bodies carry customers: neither may reach a log.
impl std::fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "HttpRequest({:?}, {} bytes)",
            self.method,
            self.body.len()
        )
    }
}

impl std::fmt::Debug for HttpHeader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HttpHeader({})", self.name)
    }
}

impl std::fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "HttpResponse({}, {} bytes)",
            self.status,
            self.body.len()
        )
    }
}

/// Why no response came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
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
    /// The response broke off or is not HTTP.
    #[error("response broke off")]
    Broken,
}

/// Carries requests to the server. Redirects are not followed, cookies not kept.
#[async_trait]
pub trait HttpTransport: Send + Sync {
    /// Sends one request and waits for the response. Dropping the future gives the request up.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError>;
}
