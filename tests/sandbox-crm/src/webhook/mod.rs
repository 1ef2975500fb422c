//! Webhooks: which changes are told, in which words, and how they travel.

mod delivery;
mod event;
mod faults;
mod sender;
mod stats;
mod subscription;

pub(crate) use delivery::Delivery;
pub(crate) use event::{Audience, Change, ChangeKind, events_for};
pub use faults::{DeliveryFaults, Duplicates};
pub(crate) use sender::client;
pub use stats::DeliveryStats;
pub use subscription::{EventKind, Subscription};
