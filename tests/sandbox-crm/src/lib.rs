//! A local CRM that speaks HubSpot's protocol: records, search, owners, associations, request
//! limits, and signed webhooks with retries. It keeps everything in memory and serves several
//! portals at once; the token of a call decides the portal.
//!
//! Tests start it with [`SandboxCrm::start`] and play the people in the CRM, and its moods, through
//! [`PortalHandle`]. The same levers are HTTP routes under `/sandbox`.
//!
//! `conformance/` drives it with HubSpot's official client.

#![forbid(unsafe_code)]

mod api;
mod author;
mod clock;
mod config;
mod control;
mod error;
mod fixture;
mod handle;
mod object_type;
mod portal;
mod registry;
mod rng;
mod sandbox;
mod schema;
mod signature;
mod webhook;

pub use author::Author;
pub use config::{
    DeliveryConfig, MergeMode, Owner, PortalConfig, RateLimits, SandboxConfig, WebhookTarget,
};
pub use error::SandboxError;
pub use fixture::{ADDRESSES, LoadOptions};
pub use handle::PortalHandle;
pub use object_type::ObjectType;
pub use portal::{CallFault, Record};
pub use sandbox::{RunningSandbox, SandboxCrm};
pub use schema::{CustomProperty, Properties, ValidationRule};
pub use signature::{sign_v1, sign_v3};
pub use webhook::{DeliveryFaults, DeliveryStats, Duplicates, EventKind, Subscription};
