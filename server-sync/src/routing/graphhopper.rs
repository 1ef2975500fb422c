//! GraphHopper's HTTP API. The open server has no matrix (that is a product of its maker), so each
//! cell is the length of a route that is asked for without its geometry.

use crate::routing::ask::Service;
use crate::routing::engine::{
    MOST_ROUTE_BYTES, MOST_STATUS_BYTES, leg, limits_of, most_bytes, plain,
};
use crate::routing::graphhopper_route::GraphHopperAdapter;
use crate::routing::route::{not_asked, read_routes};
use crate::routing::{Block, BlockLimits, EngineConfig, EngineKind, RoutingEngine, RoutingError};
use async_trait::async_trait;
use fieldfare_model::LatLng;
use fieldfare_navigator::{Route, RouteAdapter, RouteQuery, RouteRequest};
use serde::Deserialize;
use serde_json::json;

/// A client of GraphHopper.
pub struct GraphHopper {
    service: Service,
    adapter: GraphHopperAdapter,
    limits: BlockLimits,
}

const ENGINE: &str = EngineKind::GraphHopper.name();

impl GraphHopper {
    /// A client of one service.
    ///
    /// # Errors
    /// [`RoutingError::Misconfigured`].
    pub fn new(config: &EngineConfig) -> Result<Self, RoutingError> {
        Ok(Self {
            service: Service::new(config)?,
            adapter: GraphHopperAdapter {
                profile: config.profile().to_owned(),
                language: config.language.clone(),
                speed_limits: true,
            },
            limits: limits_of(config),
        })
    }
}

#[derive(Deserialize)]
struct Status {
    version: String,
    profiles: Vec<ProfileName>,
}

#[derive(Deserialize)]
struct ProfileName {
    name: String,
}

#[derive(Deserialize)]
struct Answer {
    paths: Vec<Path>,
}

#[derive(Deserialize)]
struct Path {
    /// Metres.
    distance: f64,
    /// Milliseconds.
    time: f64,
}

fn malformed(what: &str) -> RoutingError {
    RoutingError::Malformed {
        engine: ENGINE,
        what: what.to_owned(),
    }
}

#[async_trait]
impl RoutingEngine for GraphHopper {
    fn kind(&self) -> EngineKind {
        EngineKind::GraphHopper
    }

    fn profile(&self) -> &str {
        &self.adapter.profile
    }

    fn limits(&self) -> BlockLimits {
        self.limits
    }

    async fn check(&self) -> Result<String, RoutingError> {
        let path = "/info".to_owned();
        let asked = self
            .service
            .ask(RouteRequest::Get { path }, MOST_STATUS_BYTES);
        let status: Status = self.service.read(&asked.await?)?;
        let has = |profile: &ProfileName| profile.name == self.adapter.profile;
        if !status.profiles.iter().any(has) {
            return Err(RoutingError::Misconfigured {
                engine: ENGINE,
                what: "it has no such profile: set profile to one of those it serves".to_owned(),
            });
        }
        Ok(format!("answers as GraphHopper {}", plain(&status.version)))
    }

    async fn block(&self, sources: &[LatLng], targets: &[LatLng]) -> Result<Block, RoutingError> {
        let ([from], [to]) = (sources, targets) else {
            return Err(malformed("it is asked for one cell at a time"));
        };
        let body = json!({
            "profile": self.adapter.profile,
            "points": [[from.lon(), from.lat()], [to.lon(), to.lat()]],
            "calc_points": false,
            "instructions": false,
        });
        let request = RouteRequest::PostJson {
            path: "/route".to_owned(),
            body: body.to_string(),
        };
        let answer = self.service.ask(request, most_bytes(2, 1)).await?;
        let answer: Answer = self.service.read(&answer)?;
        let path = answer.paths.first().ok_or_else(|| malformed("no path"))?;
        let cell = leg(Some(path.time / 1_000.0), Some(path.distance), 1.0);
        Ok(Block::single(cell.map_err(|what| malformed(&what))?))
    }

    async fn routes(&self, query: &RouteQuery) -> Result<Vec<Route>, RoutingError> {
        let answered = self.ask_route(&self.adapter, query).await;
        // A server that keeps no speed limits refuses to be asked for them.
        let Err(RoutingError::Refused { .. }) = answered else {
            return answered;
        };
        let without = GraphHopperAdapter {
            speed_limits: false,
            ..self.adapter.clone()
        };
        self.ask_route(&without, query).await
    }
}

impl GraphHopper {
    async fn ask_route(
        &self,
        adapter: &GraphHopperAdapter,
        query: &RouteQuery,
    ) -> Result<Vec<Route>, RoutingError> {
        let request = adapter.request(query);
        let request = request.map_err(|e| not_asked(ENGINE, &e))?;
        let body = self.service.ask(request, MOST_ROUTE_BYTES).await?;
        read_routes(ENGINE, adapter, query, &body)
    }
}
