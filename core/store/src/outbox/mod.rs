//! `outbox.db`: what was made on this phone and nobody else has yet.

pub(crate) mod batch;
pub(crate) mod client;
pub(crate) mod consent;
pub(crate) mod gap;
pub(crate) mod operation;
pub(crate) mod pending;
pub(crate) mod ping;
pub(crate) mod record;
pub(crate) mod refused;
pub(crate) mod results;
pub(crate) mod setting;
