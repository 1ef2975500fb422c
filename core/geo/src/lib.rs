//! Geometry for Fieldfare: geodesy on the sphere, a spatial index, H3 cells, polylines and the
//! choice of the regions a phone's operating system watches.
//!
//! Everything is a pure function of its arguments. Angles are degrees and lengths metres unless a
//! name says otherwise. Trigonometry goes through `libm`, so the same input gives the same bits
//! on every platform. The Earth is a sphere of radius [`EARTH_RADIUS_M`]; against the WGS 84
//! geodesic a great-circle distance is off by at most 0.6 %.
#![forbid(unsafe_code)]

mod bbox;
mod cells;
mod error;
mod fence;
mod geodesy;
mod index;
mod nearest;
mod plane;
mod polygon;
mod polyline;
mod segment;
mod window;

pub use bbox::BoundingBox;
pub use cells::{Cell, Resolution, coarsen};
pub use error::GeoError;
pub use fence::{Circle, FenceCandidate, FenceLimits, FencePlan, FenceRegion, choose_fences};
pub use geodesy::{EARTH_RADIUS_M, UnitVector, bearing_deg, destination, distance_m};
pub use index::{Hit, SpatialIndex};
pub use plane::LocalPlane;
pub use polygon::Polygon;
pub use polyline::{PolylineError, Precision, decode_polyline, encode_polyline};
pub use segment::{SegmentPoint, point_to_segment};
