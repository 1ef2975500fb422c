//! The server of Fieldfare: takes in CRM records, keeps them for each tenant in an encrypted
//! file, and syncs each phone by deltas.
#![forbid(unsafe_code)]

pub mod feed;
pub mod random;
pub mod store;
