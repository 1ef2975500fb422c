//! A tenant's rows and the feed over them.
//!
//! A changed row takes the next sequence of its tenant and moves to that place in the feed of
//! every scope that holds it; a scope that no longer does gets a LEAVE at the same place. All of it
//! happens in the caller's transaction, so commit order is sequence order.

pub mod assignments;
mod collect;
mod compress;
pub mod consent;
pub(crate) mod digests;
mod gaps;
mod index;
mod lookup;
mod operations;
pub mod pings;
mod rows;
mod rules;
mod scopes;
mod server_store;
pub mod snapshot;

pub use collect::{Collected, collect};
pub use compress::compress;
pub use digests::{begin_history, wrong as wrong_digests};
pub use gaps::{Gap, gaps};
pub use index::{changes, is_present_in_any};
pub use lookup::{Counts, LeadFilter, counts, lead_by_crm, leads, leads_in, visits_of};
pub use rows::{delete, put, put_for, row, rows_of};
pub use scopes::of as scopes_of;
pub use server_store::{Effects, NoEffects, TenantStore};
