//! Storage of the server: encrypted SQLite files, one for the registry and one for each tenant.
//!
//! Tenants are apart by construction: a query runs inside one tenant's file, whose key is derived
//! from the master key and the tenant's id.

mod database;
mod error;
mod heads;
mod key;
mod migrate;
mod registry;
mod registry_tokens;
mod tenants;

pub use database::Database;
pub use error::StoreError;
pub use heads::Heads;
pub use key::{KEY_BYTES, MasterKey, SubKey};
pub use migrate::{Migration, REGISTRY_MIGRATIONS, TENANT_MIGRATIONS, migrate};
pub use registry::{DeviceRecord, NewDevice, Registry};
pub use registry_tokens::{Refresh, Refreshed, TokenHash};
pub(crate) use tenants::blocking;
pub use tenants::{Tenant, TenantHead, Tenants};

use fieldfare_model::TimestampMs;

/// Sequences, versions and counts are stored as SQLite's signed integers.
pub(crate) fn to_sql(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Reads back what [`to_sql`] stored.
pub(crate) fn from_sql(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// The moment by the machine's clock.
pub fn clock_now() -> TimestampMs {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    TimestampMs(since_epoch.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX)))
}
