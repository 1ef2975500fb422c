//! From a CRM's webhook to a lead in the feed.
//!
//! A delivery is one row, written as it came, and then answered: the promise is kept by the
//! cheapest durable write there is, and deliveries that arrive together share one commit
//! ([`GroupWriter`]). A worker takes deliveries apart ([`split`]): each event is known or new by
//! its key, and the records of new ones are marked, once each, however many events they have. A
//! second step reads marked records from the CRM, a hundred at a time ([`fetch`]), and upserts
//! them behind a version gate ([`upsert`]). What is marked is cleared in the transaction that
//! takes the record in, so a crash repeats work and loses none.

pub mod dead;
pub mod dirty;
pub mod fetch;
mod group;
pub mod import;
pub mod merge;
pub mod receive;
pub mod split;
pub mod upsert;

pub use group::{GroupError, GroupWriter, pack, unpack};
