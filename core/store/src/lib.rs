//! The phone's two encrypted files.
//!
//! `cache.db` holds what the server said and can be fetched again: leads and other rows, the scopes they
//! belong to, frames being staged. `outbox.db` holds what nobody else has: operations, the consent
//! ledger, unsent pings; it is written with `synchronous=FULL` and never deleted but by [`Store::wipe`].
//! Both are SQLCipher databases under a random 32-byte key, which a [`KeyVault`] seals and `keys.bin` keeps
//! together with a value that tells a wrong key from a damaged file.
//!
//! What the app reads is the server's word (base) with this phone's unanswered edits on top (overlay).
//! [`Store`] implements [`fieldfare_sync::PhoneStore`] through `&Store`.
#![forbid(unsafe_code)]

mod atomic_file;
mod cache;
mod connection;
mod database;
mod error;
mod files;
mod key;
mod key_file;
mod keys;
mod migrate;
mod outbox;
mod phone_store;
mod quarantine;
mod read;
mod salvage;
mod sql;
mod store;
mod vault;
mod wipe;
mod write;

pub use cache::list::{LeadFilter, LeadOrder, Page, PageEnd};
pub use cache::query::{LeadPosition, StoredRow};
pub use error::{StoreError, StoreFile, VaultError};
pub use files::{FileReport, OpenReport};
pub use key::{DATA_KEY_BYTES, DataKey};
pub use outbox::consent::LedgerHead;
pub use outbox::operation::{OperationState, StoredOperation};
pub use outbox::ping::Ping;
pub use outbox::record::NewOperation;
pub use read::SyncStatus;
pub use salvage::Salvage;
pub use store::{Changes, Store, StoreOptions};
pub use vault::{FileKeyVault, KeyVault, MemoryKeyVault};
