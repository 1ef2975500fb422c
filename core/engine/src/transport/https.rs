use super::{HttpHeader, HttpMethod, HttpRequest, HttpResponse, HttpTransport, TransportError};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// HTTP over TLS with roots of trust that are built in (Mozilla's), so that it needs nothing of
/// the platform.
///
/// Plain http is allowed only to a loopback address, and only if asked for.
#[derive(Debug, Clone)]
pub struct HttpsTransport {
    client: reqwest::Client,
    allow_insecure_loopback: bool,
}

impl HttpsTransport {
    /// A transport with its own pool of connections.
    ///
    /// # Errors
    /// [`TransportError::Tls`] if TLS cannot be set up.
    pub fn new(allow_insecure_loopback: bool) -> Result<Self, TransportError> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls_config()?)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .no_proxy()
            .user_agent(concat!("fieldfare/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| TransportError::Tls)?;
        Ok(Self {
            client,
            allow_insecure_loopback,
        })
    }

    fn check(&self, url: &str) -> Result<reqwest::Url, TransportError> {
        let url = reqwest::Url::parse(url).map_err(|_| TransportError::Insecure)?;
        let is_safe = url.scheme() == "https"
            || (self.allow_insecure_loopback && url.scheme() == "http" && is_loopback(&url));
        if is_safe {
            Ok(url)
        } else {
            Err(TransportError::Insecure)
        }
    }
}

fn tls_config() -> Result<rustls::ClientConfig, TransportError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = rustls::RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| TransportError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Only addresses count: a name like `localhost` can be made to point anywhere.
fn is_loopback(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<std::net::IpAddr>()
        .is_ok_and(|address| address.is_loopback())
}

#[async_trait]
impl HttpTransport for HttpsTransport {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let url = self.check(&request.url)?;
        let method = match request.method {
            HttpMethod::Get => reqwest::Method::GET,
            HttpMethod::Post => reqwest::Method::POST,
        };
        let mut builder = self
            .client
            .request(method, url)
            .timeout(Duration::from_millis(request.timeout_ms))
            .body(request.body);
        for header in &request.headers {
            builder = builder.header(&header.name, &header.value);
        }
        let response = builder.send().await.map_err(|error| kind_of(&error))?;
        read(response, request.max_response_bytes).await
    }
}

async fn read(mut response: reqwest::Response, most: u64) -> Result<HttpResponse, TransportError> {
    let status = response.status().as_u16();
    let headers = response
        .headers()
        .iter()
        .filter_map(|(name, value)| {
            Some(HttpHeader {
                name: name.as_str().to_owned(),
                value: value.to_str().ok()?.to_owned(),
            })
        })
        .collect();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| kind_of(&error))? {
        if body.len() as u64 + chunk.len() as u64 > most {
            return Err(TransportError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(HttpResponse {
        status,
        headers,
        body,
    })
}

fn kind_of(error: &reqwest::Error) -> TransportError {
    if error.is_timeout() {
        TransportError::Timeout
    } else if has_tls_cause(error) {
        TransportError::Tls
    } else if error.is_connect() || error.is_request() {
        TransportError::Offline
    } else {
        TransportError::Broken
    }
}

fn has_tls_cause(error: &reqwest::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if is_tls(error) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The TLS error travels inside I/O errors, whose own `source` skips what they hold.
fn is_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    let held = error
        .downcast_ref::<std::io::Error>()
        .and_then(std::io::Error::get_ref);
    error.is::<rustls::Error>() || held.is_some_and(|held| is_tls(held))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_only_to_loopback_and_only_if_allowed() {
        let allowed =
            |insecure: bool, url: &str| HttpsTransport::new(insecure).unwrap().check(url).is_ok();
        assert!(allowed(false, "https://sync.example.com/v1/pull"));
        assert!(!allowed(false, "http://127.0.0.1:8080/"));
        assert!(allowed(true, "http://127.0.0.1:8080/"));
        assert!(allowed(true, "http://[::1]:8080/"));
        for url in [
            "http://localhost/",
            "http://10.0.0.1/",
            "http://127.0.0.1.example.com/",
            "ftp://127.0.0.1/",
            "nonsense",
        ] {
            assert!(!allowed(true, url), "{url}");
        }
    }

    #[tokio::test]
    async fn a_closed_port_is_offline() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let request = HttpRequest {
            method: HttpMethod::Post,
            url: format!("http://127.0.0.1:{port}/v1/pull"),
            headers: Vec::new(),
            body: Vec::new(),
            timeout_ms: 10_000,
            max_response_bytes: 10,
        };
        let sent = HttpsTransport::new(true).unwrap().send(request).await;
        assert_eq!(sent, Err(TransportError::Offline));
    }

    async fn answer_once(reply: &'static [u8], most: u64) -> Result<HttpResponse, TransportError> {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = [0u8; 4096];
            let _ = stream.read(&mut buffer).await.unwrap();
            stream.write_all(reply).await.unwrap();
            let _ = stream.shutdown().await;
        });
        let request = HttpRequest {
            method: HttpMethod::Get,
            url: format!("http://127.0.0.1:{port}/"),
            headers: Vec::new(),
            body: Vec::new(),
            timeout_ms: 10_000,
            max_response_bytes: most,
        };
        HttpsTransport::new(true).unwrap().send(request).await
    }

    #[tokio::test]
    async fn bodies_beyond_the_cap_are_refused() {
        let reply = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
        assert_eq!(answer_once(reply, 5).await.unwrap().body, b"hello");
        assert_eq!(answer_once(reply, 4).await, Err(TransportError::TooLarge));
    }

    #[tokio::test]
    async fn redirects_are_not_followed() {
        let reply = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\nretry-after: 3\r\ncontent-length: 0\r\n\r\n";
        let response = answer_once(reply, 5).await.unwrap();
        assert_eq!(response.status, 302);
        assert_eq!(response.header("Retry-After").as_deref(), Some("3"));
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_broken() {
        let reply = b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhello";
        assert_eq!(answer_once(reply, 500).await, Err(TransportError::Broken));
    }

    #[tokio::test]
    async fn what_is_not_tls_is_told_from_offline() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut hello = [0u8; 4096];
            let _ = stream.read(&mut hello).await;
            let _ = stream.write_all(b"SSH-2.0-this_is_not_tls\r\n").await;
            let _ = stream.read(&mut hello).await;
        });
        let request = HttpRequest {
            method: HttpMethod::Get,
            url: format!("https://127.0.0.1:{port}/"),
            headers: Vec::new(),
            body: Vec::new(),
            timeout_ms: 10_000,
            max_response_bytes: 10,
        };
        let sent = HttpsTransport::new(false).unwrap().send(request).await;
        assert_eq!(sent, Err(TransportError::Tls));
    }
}
