//! The configured engines together, with the cache before them and estimates behind.

use crate::routing::engine::{connect, provider};
use crate::routing::{
    Area, Cells, GREAT_CIRCLE, RoutingConfig, RoutingEngine, RoutingError, cache, matrix,
};
use crate::store::Tenant;
use fieldfare_model::{LatLng, TimestampMs};
use fieldfare_navigator::{Route, RouteQuery};
use fieldfare_planner::{GreatCircle, ProblemError, Travel};
use std::sync::Arc;
use std::time::Duration;

const DAY_MS: i64 = 24 * 3_600_000;
/// Most places of one matrix.
pub const MAX_PLACES: usize = 1_000;
/// Longest isochrone, minutes.
pub const MAX_MINUTES: u32 = 120;

/// Travel times, routes and isochrones from whichever engine answers.
pub struct Routing {
    engines: Vec<Arc<dyn RoutingEngine>>,
    estimate: GreatCircle,
    deadline: Duration,
    keep_ms: i64,
}

/// A road route and whom it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundRoute {
    /// The best route.
    pub route: Route,
    /// Engine and profile.
    pub provider: String,
}

/// What can be reached.
#[derive(Debug, Clone, PartialEq)]
pub struct Isochrone {
    /// Where.
    pub area: Area,
    /// Engine and profile.
    pub provider: String,
    /// When it was drawn.
    pub computed_at: TimestampMs,
}

impl Routing {
    /// Makes the clients of the configured engines. Nothing is asked yet.
    ///
    /// # Errors
    /// [`RoutingError::Misconfigured`].
    pub fn new(config: &RoutingConfig) -> Result<Self, RoutingError> {
        let engines = config.engines.iter().map(connect);
        Ok(Self::with_engines(
            config,
            engines.collect::<Result<_, _>>()?,
        ))
    }

    /// The same over other engines, for tests.
    pub fn with_engines(config: &RoutingConfig, engines: Vec<Arc<dyn RoutingEngine>>) -> Self {
        Self {
            engines,
            estimate: config.estimate(),
            deadline: Duration::from_secs(config.deadline_s),
            keep_ms: i64::from(config.cache_days) * DAY_MS,
        }
    }

    /// Whether any engine is configured.
    pub fn has_engines(&self) -> bool {
        !self.engines.is_empty()
    }

    /// What is older at `now` is asked for again.
    pub fn oldest(&self, now: TimestampMs) -> TimestampMs {
        now.plus(-self.keep_ms)
    }

    /// The matrix between places: from the tenant's cache, then from the first engine that answers,
    /// then by estimate. It never fails for want of an engine; its provenance says what it is worth.
    ///
    /// # Errors
    /// [`RoutingError::TooMany`] beyond [`MAX_PLACES`], [`RoutingError::Store`] if the cache fails.
    pub async fn travel(
        &self,
        tenant: Option<&Arc<Tenant>>,
        places: &[LatLng],
        now: TimestampMs,
    ) -> Result<Travel, RoutingError> {
        if places.len() > MAX_PLACES {
            return Err(RoutingError::TooMany {
                count: places.len(),
                most: MAX_PLACES,
            });
        }
        let exact = places;
        let places: Arc<[LatLng]> = places.iter().map(|at| cache::rounded(*at)).collect();
        let mut best = (Cells::unknown(places.len()), GREAT_CIRCLE.to_owned());
        for engine in &self.engines {
            let name = provider(&**engine);
            let (cells, failed) = self.ask(engine, tenant, &places, &name, now).await?;
            if failed.is_none() || cells.count_unknown() < best.0.count_unknown() {
                best = (cells, name);
            }
            match failed {
                None => break,
                Some(error) => tracing::warn!(%error, "travel times"),
            }
        }
        let (cells, name) = best;
        // Estimates are of the places as they are, as phones make them.
        let travel = cells.travel(exact, &name, self.estimate);
        travel.map_err(|e: ProblemError| {
            let what = crate::store::StoreError::Caller(e.to_string());
            RoutingError::Store(what)
        })
    }

    /// Cells of one engine, and why some are missing if it failed.
    async fn ask(
        &self,
        engine: &Arc<dyn RoutingEngine>,
        tenant: Option<&Arc<Tenant>>,
        places: &Arc<[LatLng]>,
        name: &str,
        now: TimestampMs,
    ) -> Result<(Cells, Option<RoutingError>), RoutingError> {
        let mut cells = match tenant {
            None => Cells::unknown(places.len()),
            Some(tenant) => {
                let (name, places, oldest) = (name.to_owned(), places.clone(), self.oldest(now));
                let read = tenant.read_async(move |c| cache::cells(c, &name, &places, oldest));
                read.await?
            }
        };
        if cells.count_unknown() == 0 {
            return Ok((cells, None));
        }
        let filled = matrix::fill(engine, places, &mut cells, now, self.deadline).await;
        let cells = match tenant {
            None => cells,
            Some(tenant) => {
                let (name, places) = (name.to_owned(), places.clone());
                let write = tenant.write_async(move |tx| {
                    cache::keep(tx, &name, &places, &cells, now)?;
                    Ok(cells)
                });
                write.await?
            }
        };
        Ok((cells, filled.err()))
    }

    /// The best road route from the first engine that gives one.
    ///
    /// # Errors
    /// [`RoutingError`] of the last engine asked, or [`RoutingError::NoEngine`].
    pub async fn route(&self, query: &RouteQuery) -> Result<FoundRoute, RoutingError> {
        let mut failed = RoutingError::NoEngine("routes");
        for engine in &self.engines {
            match engine.routes(query).await {
                Ok(routes) => {
                    let best = routes.into_iter().next();
                    if let Some(route) = best {
                        let provider = provider(&**engine);
                        return Ok(FoundRoute { route, provider });
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "route");
                    failed = error;
                }
            }
        }
        Err(failed)
    }

    /// What can be reached from a place, from the cache or the first engine that draws isochrones.
    ///
    /// # Errors
    /// [`RoutingError`] of the last engine asked, or [`RoutingError::NoEngine`].
    pub async fn isochrone(
        &self,
        tenant: &Arc<Tenant>,
        from: LatLng,
        minutes: u32,
        now: TimestampMs,
    ) -> Result<Isochrone, RoutingError> {
        let minutes = minutes.clamp(1, MAX_MINUTES);
        let from = cache::rounded(from);
        let mut failed = RoutingError::NoEngine("isochrones");
        for engine in self.engines.iter().filter(|e| e.draws_isochrones()) {
            match self.draw(engine, tenant, from, minutes, now).await {
                Ok(drawn) => return Ok(drawn),
                Err(error @ RoutingError::Store(_)) => return Err(error),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    async fn draw(
        &self,
        engine: &Arc<dyn RoutingEngine>,
        tenant: &Arc<Tenant>,
        from: LatLng,
        minutes: u32,
        now: TimestampMs,
    ) -> Result<Isochrone, RoutingError> {
        let provider = provider(&**engine);
        let (name, oldest) = (provider.clone(), self.oldest(now));
        let known = tenant
            .read_async(move |c| cache::isochrone(c, &name, from, minutes, oldest))
            .await?;
        if let Some((area, computed_at)) = known {
            return Ok(Isochrone {
                area,
                provider,
                computed_at,
            });
        }
        let area = engine.isochrone(from, minutes).await?;
        let name = provider.clone();
        let write = tenant.write_async(move |tx| {
            cache::keep_isochrone(tx, &name, from, minutes, &area, now)?;
            Ok(area)
        });
        Ok(Isochrone {
            area: write.await?,
            provider,
            computed_at: now,
        })
    }
}
