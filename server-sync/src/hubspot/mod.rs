//! The connector for HubSpot.

pub mod client;
pub mod event;
pub mod http;
mod limits;
pub mod normalise;
mod object_type;
mod options;
mod paths;
mod places;
pub mod signature;
pub mod status;
pub mod wire;

pub use client::{CrmError, HubspotClient};
pub use object_type::ObjectType;
pub use options::HubspotOptions;
