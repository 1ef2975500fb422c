//! The server of Fieldfare: takes in CRM records, keeps them for each tenant in an encrypted
//! file, and syncs each phone by deltas.
#![forbid(unsafe_code)]

pub mod auth;
pub mod backup;
pub mod cli;
pub mod config;
pub mod crm;
pub mod division;
pub mod feed;
pub mod geocode;
pub mod hooks;
pub mod http;
pub mod hubspot;
pub mod intake;
pub mod metrics;
pub mod planning;
pub mod random;
pub mod routing;
mod server;
mod setup;
mod state;
pub mod store;
pub mod workers;
pub mod writeback;

pub use server::{RunningServer, Server};
pub use state::{AppState, Clock, ServerError, SharedState, system_clock};
