//! OSRM's HTTP API (`osrm-routed`).

use crate::routing::ask::Service;
use crate::routing::engine::{MOST_ROUTE_BYTES, MOST_STATUS_BYTES, limits_of, most_bytes};
use crate::routing::route::read_routes;
use crate::routing::{Block, BlockLimits, EngineConfig, EngineKind, RoutingEngine, RoutingError};
use async_trait::async_trait;
use fieldfare_model::LatLng;
use fieldfare_navigator::{OsrmAdapter, Route, RouteAdapter, RouteQuery, RouteRequest};
use serde::Deserialize;

/// A client of OSRM.
pub struct Osrm {
    service: Service,
    adapter: OsrmAdapter,
    limits: BlockLimits,
}

const ENGINE: &str = EngineKind::Osrm.name();

impl Osrm {
    /// A client of one service.
    ///
    /// # Errors
    /// [`RoutingError::Misconfigured`].
    pub fn new(config: &EngineConfig) -> Result<Self, RoutingError> {
        Ok(Self {
            service: Service::new(config)?,
            adapter: OsrmAdapter {
                profile: config.profile().to_owned(),
            },
            limits: limits_of(config),
        })
    }

    fn table_path(&self, sources: &[LatLng], targets: &[LatLng]) -> String {
        let profile = &self.adapter.profile;
        let fixed = "annotations=duration,distance&skip_waypoints=true&generate_hints=false";
        if sources == targets {
            return format!("/table/v1/{profile}/{}?{fixed}", coordinates(sources));
        }
        let all: Vec<LatLng> = sources.iter().chain(targets).copied().collect();
        format!(
            "/table/v1/{profile}/{}?{fixed}&sources={}&destinations={}",
            coordinates(&all),
            numbers(0..sources.len()),
            numbers(sources.len()..all.len()),
        )
    }
}

fn coordinates(places: &[LatLng]) -> String {
    let texts = places
        .iter()
        .map(|p| format!("{:.6},{:.6}", p.lon(), p.lat()));
    texts.collect::<Vec<_>>().join(";")
}

fn numbers(range: std::ops::Range<usize>) -> String {
    range.map(|n| n.to_string()).collect::<Vec<_>>().join(";")
}

#[derive(Deserialize)]
struct Status {
    #[serde(rename = "code")]
    _code: String,
}

#[derive(Deserialize)]
struct Table {
    code: String,
    #[serde(default)]
    durations: Vec<Vec<Option<f64>>>,
    #[serde(default)]
    distances: Vec<Vec<Option<f64>>>,
}

#[async_trait]
impl RoutingEngine for Osrm {
    fn kind(&self) -> EngineKind {
        EngineKind::Osrm
    }

    fn profile(&self) -> &str {
        &self.adapter.profile
    }

    fn limits(&self) -> BlockLimits {
        self.limits
    }

    async fn check(&self) -> Result<String, RoutingError> {
        let path = format!("/nearest/v1/{}/0.0,0.0", self.profile());
        let asked = self
            .service
            .ask(RouteRequest::Get { path }, MOST_STATUS_BYTES);
        match asked.await {
            // Far out at sea no road need be near.
            Err(RoutingError::Refused { code, .. }) if code == "NoSegment" => {}
            Err(error) => return Err(error),
            Ok(body) => drop(self.service.read::<Status>(&body)?),
        }
        Ok("answers as OSRM".to_owned())
    }

    async fn block(&self, sources: &[LatLng], targets: &[LatLng]) -> Result<Block, RoutingError> {
        let path = self.table_path(sources, targets);
        let size = (sources.len(), targets.len());
        let most = most_bytes(size.0 + size.1, size.0 * size.1);
        let body = self.service.ask(RouteRequest::Get { path }, most).await?;
        let table: Table = self.service.read(&body)?;
        if table.code != "Ok" {
            return Err(RoutingError::Malformed {
                engine: ENGINE,
                what: "its code is not Ok".to_owned(),
            });
        }
        Block::from_rows(size, &table.durations, &table.distances, 1.0).map_err(|what| {
            RoutingError::Malformed {
                engine: ENGINE,
                what,
            }
        })
    }

    async fn routes(&self, query: &RouteQuery) -> Result<Vec<Route>, RoutingError> {
        let request = self.adapter.request(query);
        let request = request.map_err(|e| super::route::not_asked(ENGINE, &e))?;
        let body = self.service.ask(request, MOST_ROUTE_BYTES).await?;
        read_routes(ENGINE, &self.adapter, query, &body)
    }
}
