//! Valhalla's HTTP API (`valhalla_service`).

use crate::routing::ask::Service;
use crate::routing::engine::{MOST_ROUTE_BYTES, MOST_STATUS_BYTES, limits_of, most_bytes, plain};
use crate::routing::route::read_routes;
use crate::routing::{
    Area, Block, BlockLimits, EngineConfig, EngineKind, RoutingEngine, RoutingError,
};
use async_trait::async_trait;
use fieldfare_model::LatLng;
use fieldfare_navigator::{Route, RouteAdapter, RouteQuery, RouteRequest, ValhallaAdapter};
use serde::Deserialize;
use serde_json::{Value, json};

/// A client of Valhalla.
pub struct Valhalla {
    service: Service,
    adapter: ValhallaAdapter,
    limits: BlockLimits,
}

const ENGINE: &str = EngineKind::Valhalla.name();
const MOST_ISOCHRONE_BYTES: usize = 4 << 20;

impl Valhalla {
    /// A client of one service.
    ///
    /// # Errors
    /// [`RoutingError::Misconfigured`].
    pub fn new(config: &EngineConfig) -> Result<Self, RoutingError> {
        Ok(Self {
            service: Service::new(config)?,
            adapter: ValhallaAdapter {
                costing: config.profile().to_owned(),
                language: config.language.clone(),
            },
            limits: limits_of(config),
        })
    }

    async fn post(&self, path: &str, body: &Value, most: usize) -> Result<Vec<u8>, RoutingError> {
        let request = RouteRequest::PostJson {
            path: path.to_owned(),
            body: body.to_string(),
        };
        self.service.ask(request, most).await
    }
}

fn locations(places: &[LatLng]) -> Value {
    let place = |p: &LatLng| json!({"lat": p.lat(), "lon": p.lon()});
    places.iter().map(place).collect()
}

#[derive(Deserialize)]
struct Status {
    version: String,
}

#[derive(Deserialize)]
struct Matrix {
    sources_to_targets: Rows,
    units: String,
}

#[derive(Deserialize)]
struct Rows {
    durations: Vec<Vec<Option<f64>>>,
    distances: Vec<Vec<Option<f64>>>,
}

fn malformed(what: String) -> RoutingError {
    RoutingError::Malformed {
        engine: ENGINE,
        what,
    }
}

#[async_trait]
impl RoutingEngine for Valhalla {
    fn kind(&self) -> EngineKind {
        EngineKind::Valhalla
    }

    fn profile(&self) -> &str {
        &self.adapter.costing
    }

    fn limits(&self) -> BlockLimits {
        self.limits
    }

    async fn check(&self) -> Result<String, RoutingError> {
        let path = "/status".to_owned();
        let asked = self
            .service
            .ask(RouteRequest::Get { path }, MOST_STATUS_BYTES);
        let status: Status = self.service.read(&asked.await?)?;
        Ok(format!("answers as Valhalla {}", plain(&status.version)))
    }

    async fn block(&self, sources: &[LatLng], targets: &[LatLng]) -> Result<Block, RoutingError> {
        let body = json!({
            "sources": locations(sources),
            "targets": locations(targets),
            "costing": self.adapter.costing,
            "units": "kilometers",
            "verbose": false,
        });
        let size = (sources.len(), targets.len());
        let most = most_bytes(size.0 + size.1, size.0 * size.1);
        let answer = self.post("/sources_to_targets", &body, most).await?;
        let matrix: Matrix = self.service.read(&answer)?;
        if matrix.units != "kilometers" {
            return Err(malformed("its units are not kilometers".to_owned()));
        }
        let rows = matrix.sources_to_targets;
        Block::from_rows(size, &rows.durations, &rows.distances, 1_000.0).map_err(malformed)
    }

    async fn routes(&self, query: &RouteQuery) -> Result<Vec<Route>, RoutingError> {
        let request = self.adapter.request(query);
        let request = request.map_err(|e| super::route::not_asked(ENGINE, &e))?;
        let body = self.service.ask(request, MOST_ROUTE_BYTES).await?;
        read_routes(ENGINE, &self.adapter, query, &body)
    }

    fn draws_isochrones(&self) -> bool {
        true
    }

    async fn isochrone(&self, from: LatLng, minutes: u32) -> Result<Area, RoutingError> {
        let body = json!({
            "locations": locations(&[from]),
            "costing": self.adapter.costing,
            "contours": [{"time": minutes}],
            "polygons": true,
            "generalize": 20,
        });
        let answer = self.post("/isochrone", &body, MOST_ISOCHRONE_BYTES).await?;
        Area::from_geojson(self.service.read(&answer)?).map_err(malformed)
    }
}
