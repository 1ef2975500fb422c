//! HTTP towards services that are not trusted: no redirects, no proxies, time limits, bodies read
//! up to a size.

use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use std::time::Duration;
use url::{Host, Url};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why no client could be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The TLS library or the client refused its settings.
    #[error("HTTP client: {0}")]
    Client(String),
    /// A service's URL is not usable.
    #[error("{0} is not usable: give an https URL (http only for this machine)")]
    Url(String),
}

/// A client with rustls on ring and the web's root certificates.
///
/// # Errors
/// [`HttpError::Client`].
pub fn client(user_agent: &str, timeout: Duration) -> Result<Client, HttpError> {
    let wrong = |e: &dyn std::fmt::Display| HttpError::Client(e.to_string());
    let roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| wrong(&e))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(user_agent)
        .redirect(Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(timeout)
        .build()
        .map_err(|e| wrong(&e))
}

/// Checks the base URL of a service: https, or http to this machine.
///
/// # Errors
/// [`HttpError::Url`].
pub fn base_url(text: &str) -> Result<Url, HttpError> {
    let wrong = || HttpError::Url(text.to_owned());
    let url = Url::parse(text).map_err(|_| wrong())?;
    let usable = match url.scheme() {
        "https" => url.host().is_some(),
        "http" => is_loopback(&url),
        _ => false,
    };
    if usable && url.username().is_empty() && url.query().is_none() {
        Ok(url)
    } else {
        Err(wrong())
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyError {
    /// Longer than allowed.
    TooLong,
    /// The connection broke.
    Broken,
}

/// Reads a body of at most `limit` bytes.
pub async fn read_body(mut response: Response, limit: usize) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| BodyError::Broken)? {
        if body.len() + chunk.len() > limit {
            return Err(BodyError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_alone() {
        for good in [
            "https://api.hubapi.com",
            "http://127.0.0.1:8080/",
            "http://localhost:1",
            "http://[::1]:9",
        ] {
            assert!(base_url(good).is_ok(), "{good}");
        }
        for bad in [
            "http://api.hubapi.com",
            "http://127.0.0.1.example.com",
            "ftp://127.0.0.1",
            "https://user:pass@api.hubapi.com",
            "https://a.example/?x=1",
            "nonsense",
            "file:///etc/passwd",
        ] {
            assert!(base_url(bad).is_err(), "{bad}");
        }
    }
}
