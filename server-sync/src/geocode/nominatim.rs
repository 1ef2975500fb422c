//! A geocoder that speaks Nominatim's search protocol.

use crate::geocode::nominatim_reply::{Place, best};
use crate::geocode::{Found, GeocodeProvider, NormalAddress, ProviderError};
use crate::hubspot::http;
use async_trait::async_trait;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, StatusCode};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;
use std::time::Duration;
use url::Url;

const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_BODY: usize = 1 << 20;
const MAX_RETRY_AFTER_S: u64 = 24 * 3600;

/// Settings of a Nominatim service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NominatimConfig {
    /// Base URL, for example `https://nominatim.example.com`.
    pub url: String,
    /// What to call ourselves. Public services ask for a name and a way to reach whoever runs it.
    pub user_agent: String,
    /// Requests per second; public services allow one.
    #[serde(default = "one")]
    pub per_second: NonZeroU32,
    /// Licence of the data, stored with every position.
    #[serde(default = "odbl")]
    pub licence: String,
}

const fn one() -> NonZeroU32 {
    NonZeroU32::MIN
}

fn odbl() -> String {
    "ODbL-1.0 OpenStreetMap contributors".to_owned()
}

/// A Nominatim service.
pub struct NominatimProvider {
    client: Client,
    search: Url,
    licence: String,
    limiter: DefaultDirectRateLimiter,
}

impl NominatimProvider {
    /// The name stored with positions.
    pub const NAME: &'static str = "nominatim";

    /// A provider over one service.
    ///
    /// # Errors
    /// [`ProviderError::Misconfigured`] without a User-Agent or with an unusable URL.
    pub fn new(config: &NominatimConfig) -> Result<Self, ProviderError> {
        if config.user_agent.trim().is_empty() {
            return Err(misconfigured(
                "set user_agent to a name and a contact address".to_owned(),
            ));
        }
        let base = http::base_url(&format!("{}/", config.url.trim_end_matches('/')))
            .map_err(|e| misconfigured(e.to_string()))?;
        Ok(Self {
            client: http::client(&config.user_agent, TIMEOUT)
                .map_err(|e| misconfigured(e.to_string()))?,
            search: base
                .join("search")
                .map_err(|e| misconfigured(e.to_string()))?,
            licence: config.licence.clone(),
            limiter: RateLimiter::direct(Quota::per_second(config.per_second)),
        })
    }

    /// The structured query. The unit stays out: Nominatim finds nothing with it.
    fn query(&self, address: &NormalAddress) -> Url {
        let mut url = self.search.clone();
        let country = address.country.to_lowercase();
        let fields = [
            ("street", address.street_line.as_str()),
            ("city", &address.city),
            ("state", &address.region),
            ("postalcode", &address.postal_code),
            ("countrycodes", &country),
            ("format", "jsonv2"),
            ("addressdetails", "1"),
            ("limit", "5"),
        ];
        url.query_pairs_mut()
            .extend_pairs(fields.iter().filter(|(_, value)| !value.is_empty()));
        url
    }

    async fn ask(&self, url: Url) -> Result<Vec<Place>, ProviderError> {
        let reply = self
            .client
            .get(url)
            .send()
            .await
            .map_err(|e| broken(describe(&e)))?;
        let status = reply.status();
        if !status.is_success() {
            let after = reply
                .headers()
                .get(RETRY_AFTER)
                .and_then(|v| v.to_str().ok()?.parse().ok());
            return Err(refused(status, after));
        }
        let body = http::read_body(reply, MAX_BODY)
            .await
            .map_err(|_| broken("body too long or cut off"))?;
        serde_json::from_slice(&body).map_err(|_| broken("the answer is not Nominatim's jsonv2"))
    }
}

#[async_trait]
impl GeocodeProvider for NominatimProvider {
    fn name(&self) -> &str {
        Self::NAME
    }

    async fn geocode(&self, address: &NormalAddress) -> Result<Option<Found>, ProviderError> {
        if address.is_blank() {
            return Ok(None);
        }
        self.limiter.until_ready().await;
        let places = self.ask(self.query(address)).await?;
        Ok(best(address, &places, &self.licence))
    }
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

fn refused(status: StatusCode, after_s: Option<u64>) -> ProviderError {
    if matches!(
        status,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND
    ) {
        return misconfigured(format!("it answers {status}; check url and user_agent"));
    }
    ProviderError::Unavailable {
        provider: NominatimProvider::NAME.to_owned(),
        what: format!("status {status}"),
        retry_after: after_s.map(|s| Duration::from_secs(s.min(MAX_RETRY_AFTER_S))),
    }
}

fn broken(what: &str) -> ProviderError {
    ProviderError::Unavailable {
        provider: NominatimProvider::NAME.to_owned(),
        what: what.to_owned(),
        retry_after: None,
    }
}

fn misconfigured(what: String) -> ProviderError {
    ProviderError::Misconfigured {
        provider: NominatimProvider::NAME.to_owned(),
        what,
    }
}
