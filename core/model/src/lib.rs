//! The vocabulary of Fieldfare: ids, positions, times, leads, visits, consent, and the
//! column form in which rows travel and are digested.
//!
//! Everything here is plain data with validation. Nothing reads a clock, does I/O or makes
//! random numbers; those come in as arguments.
#![forbid(unsafe_code)]

#[doc(hidden)]
pub mod bug;
mod columns;
mod conflict;
mod consent;
mod day_plan;
mod error;
mod geocode;
mod hours;
mod id;
mod lead;
mod position;
mod rep;
mod route;
pub mod schema;
mod territory;
mod time;
mod value;
mod visit;

pub use columns::{CanonicalBytes, Columns, Row, canonical_bytes};
pub use conflict::Conflict;
pub use consent::{ConsentAction, ConsentEvent, ConsentHash, Purpose};
pub use day_plan::{CalendarDate, DayPlanRow};
pub use error::ModelError;
pub use geocode::{Geocode, GeocodeStatus, Precision};
pub use hours::{ContactHours, ContactWindow};
pub use id::{
    ClientId, ConflictId, ConsentEventId, DayPlanId, DeviceId, LeadId, OperationId, PingId, RepId,
    RouteId, RowId, TenantId, TerritoryId, VisitId,
};
pub use lead::{Address, Lead, LeadKind, LeadStatus};
pub use position::LatLng;
pub use rep::Rep;
pub use route::RouteRow;
pub use schema::{
    ColumnDef, ColumnKind, Entity, MergePolicy, OLDEST_SCHEMA, SCHEMA, Tag, columns_of,
};
pub use territory::Territory;
pub use time::TimestampMs;
pub use value::Value;
pub use visit::{Visit, VisitOutcome};

/// One location reading from the phone's positioning system.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Fix {
    /// Where.
    pub position: LatLng,
    /// When the reading was taken, epoch milliseconds UTC.
    pub at: TimestampMs,
    /// Radius of 68 % confidence, metres.
    pub accuracy_m: f64,
    /// Ground speed in metres per second, where the platform gives it.
    pub speed_mps: Option<f64>,
}
