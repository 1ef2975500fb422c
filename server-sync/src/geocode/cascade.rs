//! Asking providers in order.

use crate::geocode::cache::{self, Cached};
use crate::geocode::{
    AddressKey, EmbeddedProvider, Found, GeocodeProvider, NominatimConfig, NominatimProvider,
    NormalAddress, ProviderError, centroids,
};
use crate::store::{StoreError, Tenant};
use fieldfare_geo::distance_m;
use fieldfare_model::{Precision, TenantId, TimestampMs};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::time::Instant;

/// A house further than this from the centre of its ZIP code is not believed, metres.
pub const FARTHEST_FROM_ZIP_M: f64 = 50_000.0;

const PAUSE: Duration = Duration::from_secs(30);
const MAKESHIFT_MS: i64 = 3_600_000;
const FLIGHTS_BEFORE_CLEANING: usize = 1_024;

/// What is known of an address.
#[derive(Debug, Clone, PartialEq)]
pub enum Resolution {
    /// A position.
    Found {
        /// The position.
        found: Found,
        /// Who gave it.
        provider: String,
        /// When to look for a better one: a provider that goes before did not answer, or the
        /// licence ends.
        again_at: Option<TimestampMs>,
    },
    /// Nobody knows it.
    Unknown {
        /// When to ask again.
        again_at: TimestampMs,
    },
    /// Nobody could be asked.
    Later {
        /// When to try again.
        again_at: TimestampMs,
    },
}

/// An ordered list of providers, one cache per tenant, and one request at a time per address.
#[derive(Default)]
pub struct Geocoder {
    providers: Vec<Slot>,
    flights: Mutex<BTreeMap<(TenantId, AddressKey), Weak<Flight>>>,
}

/// Held while an address is asked for.
type Flight = tokio::sync::Mutex<()>;

struct Slot {
    provider: Arc<dyn GeocodeProvider>,
    paused_until: Mutex<Option<Instant>>,
}

impl Geocoder {
    /// Providers in the order in which they are asked.
    pub fn new(providers: Vec<Arc<dyn GeocodeProvider>>) -> Self {
        let slot = |provider| Slot {
            provider,
            paused_until: Mutex::default(),
        };
        Self {
            providers: providers.into_iter().map(slot).collect(),
            flights: Mutex::default(),
        }
    }

    /// Reads tables with `kind = "embedded"` or `kind = "nominatim"`. Without any, the embedded
    /// provider alone.
    ///
    /// # Errors
    /// [`ProviderError::Misconfigured`].
    pub fn from_config(tables: &[toml::Table]) -> Result<Self, ProviderError> {
        if tables.is_empty() {
            return Ok(Self::new(vec![Arc::new(EmbeddedProvider)]));
        }
        Ok(Self::new(
            tables.iter().map(provider).collect::<Result<_, _>>()?,
        ))
    }

    /// The answer of the first provider, if that one needs nobody.
    pub fn at_once(&self, address: &NormalAddress) -> Option<Resolution> {
        let first = self.providers.first()?;
        let found = first.provider.at_once(address)??;
        let provider = first.provider.name().to_owned();
        credible(&found, address).then_some(Resolution::Found {
            found,
            provider,
            again_at: None,
        })
    }

    /// Finds an address: in the cache, else with the providers, in order. Who asks for an address
    /// that is being asked for waits for that answer.
    ///
    /// A position of street precision or better ends the search; else the most precise one wins.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn resolve(
        &self,
        tenant: &Arc<Tenant>,
        address: &NormalAddress,
        now: TimestampMs,
    ) -> Result<Resolution, StoreError> {
        let key = address.key();
        let flight = self.flight((tenant.id(), key));
        let _turn = flight.lock().await;
        if let Some(cached) = tenant.read_async(move |c| cache::get(c, key, now)).await? {
            return Ok(from_cache(cached, now));
        }
        let asked = self.ask(address, now).await;
        keep(tenant, key, &asked, now).await?;
        Ok(asked)
    }

    async fn ask(&self, address: &NormalAddress, now: TimestampMs) -> Resolution {
        let mut best: Option<(Found, &Slot)> = None;
        let mut silent = false;
        for slot in &self.providers {
            match slot.ask(address).await {
                Err(_) => silent = true,
                Ok(Some(found)) if credible(&found, address) => {
                    let enough = found.precision <= Precision::Street;
                    if best
                        .as_ref()
                        .is_none_or(|(b, _)| found.precision < b.precision)
                    {
                        best = Some((found, slot));
                    }
                    if enough {
                        break;
                    }
                }
                Ok(_) => {}
            }
        }
        conclude(best, silent, now)
    }

    fn flight(&self, key: (TenantId, AddressKey)) -> Arc<Flight> {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(&key).and_then(Weak::upgrade) {
            return flight;
        }
        if flights.len() >= FLIGHTS_BEFORE_CLEANING {
            flights.retain(|_, flight| flight.strong_count() > 0);
        }
        let flight = Arc::default();
        flights.insert(key, Arc::downgrade(&flight));
        flight
    }
}

impl Slot {
    /// Asks, unless the provider failed a moment ago.
    async fn ask(&self, address: &NormalAddress) -> Result<Option<Found>, ProviderError> {
        let name = self.provider.name().to_owned();
        if self.paused().is_some_and(|until| until > Instant::now()) {
            let what = "resting after a failure".to_owned();
            return Err(ProviderError::Unavailable {
                provider: name,
                what,
                retry_after: None,
            });
        }
        let answer = self.provider.geocode(address).await;
        let outcome = match &answer {
            Ok(Some(_)) => "found",
            Ok(None) => "unknown",
            Err(error) => {
                tracing::warn!(%error, "geocoding");
                self.rest(error);
                "failed"
            }
        };
        metrics::counter!("fieldfare_geocode_requests_total", "provider" => name, "outcome" => outcome)
            .increment(1);
        answer
    }

    fn rest(&self, error: &ProviderError) {
        let wait = match error {
            ProviderError::Unavailable { retry_after, .. } => retry_after.unwrap_or(PAUSE),
            ProviderError::Misconfigured { .. } => PAUSE * 20,
        };
        *self
            .paused_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + wait);
    }

    fn paused(&self) -> Option<Instant> {
        *self
            .paused_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn conclude(best: Option<(Found, &Slot)>, silent: bool, now: TimestampMs) -> Resolution {
    let again_at = now.plus(MAKESHIFT_MS);
    match best {
        Some((found, slot)) => {
            let makeshift = silent && found.precision > Precision::Street;
            let kept = slot
                .provider
                .keep_for()
                .map(|d| now.plus(d.as_millis() as i64));
            let again_at = if makeshift { Some(again_at) } else { kept };
            Resolution::Found {
                found,
                provider: slot.provider.name().to_owned(),
                again_at,
            }
        }
        None if silent => Resolution::Later {
            again_at: now.plus(PAUSE.as_millis() as i64),
        },
        // The cache knows how often, and says when.
        None => Resolution::Unknown { again_at },
    }
}

fn from_cache(cached: Cached, now: TimestampMs) -> Resolution {
    match (cached.answer, cached.expires_at) {
        (Some((found, provider)), again_at) => Resolution::Found {
            found,
            provider,
            again_at,
        },
        (None, again_at) => Resolution::Unknown {
            again_at: again_at.unwrap_or(now),
        },
    }
}

async fn keep(
    tenant: &Arc<Tenant>,
    key: AddressKey,
    asked: &Resolution,
    now: TimestampMs,
) -> Result<(), StoreError> {
    let asked = asked.clone();
    tenant
        .write_async(move |tx| match asked {
            Resolution::Found {
                found,
                provider,
                again_at,
            } => cache::put_found(tx, key, &found, &provider, again_at, now),
            Resolution::Unknown { .. } => cache::put_unknown(tx, key, now).map(drop),
            Resolution::Later { .. } => Ok(()),
        })
        .await
}

/// A house or street far from the centre of its ZIP code is some other place of that name.
fn credible(found: &Found, address: &NormalAddress) -> bool {
    let centre = centroids().zip(&address.postal_code);
    let centre = centre.filter(|_| matches!(address.country.as_str(), "US" | ""));
    let near = |c: &crate::geocode::ZipCentre| {
        distance_m(c.position, found.position) <= FARTHEST_FROM_ZIP_M
    };
    found.precision > Precision::Street || centre.is_none_or(near)
}

fn provider(table: &toml::Table) -> Result<Arc<dyn GeocodeProvider>, ProviderError> {
    let kind = table
        .get("kind")
        .and_then(toml::Value::as_str)
        .unwrap_or_default();
    let wrong = |what: String| ProviderError::Misconfigured {
        provider: kind.to_owned(),
        what,
    };
    match kind {
        EmbeddedProvider::NAME => Ok(Arc::new(EmbeddedProvider)),
        NominatimProvider::NAME => {
            let mut settings = table.clone();
            settings.remove("kind");
            let config: NominatimConfig = settings
                .try_into()
                .map_err(|e: toml::de::Error| wrong(e.message().to_owned()))?;
            Ok(Arc::new(NominatimProvider::new(&config)?))
        }
        _ => Err(wrong(
            "kind must be \"embedded\" or \"nominatim\"".to_owned(),
        )),
    }
}
