//! Travel times, road routes and isochrones from routing engines.
//!
//! An engine is asked in blocks it accepts and never trusted: its answers are read up to a size,
//! checked, kept in the tenant's file with their age, and whatever is missing is taken from the way
//! back or estimated, counted in the provenance that every plan carries.

mod area;
mod ask;
pub mod cache;
mod cells;
mod config;
mod engine;
mod error;
mod graphhopper;
mod graphhopper_route;
mod matrix;
mod osrm;
mod route;
mod service;
mod valhalla;

pub use area::Area;
pub use cells::{Cell, Cells, GREAT_CIRCLE, Tile};
pub use config::{EngineConfig, EngineKind, RoutingConfig};
pub use engine::{Block, BlockLimits, Leg, RoutingEngine, connect, provider};
pub use error::RoutingError;
pub use graphhopper::GraphHopper;
pub use graphhopper_route::GraphHopperAdapter;
pub use osrm::Osrm;
pub use service::{FoundRoute, Isochrone, MAX_MINUTES, MAX_PLACES, Routing};
pub use valhalla::Valhalla;
