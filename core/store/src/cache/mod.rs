//! `cache.db`: what the server said, with this phone's own edits on top.

pub(crate) mod base;
pub(crate) mod carried;
pub(crate) mod digests;
pub(crate) mod full_text;
pub(crate) mod lead_table;
pub(crate) mod list;
pub(crate) mod members;
pub(crate) mod overlay;
pub(crate) mod publish;
pub(crate) mod query;
mod record_table;
pub(crate) mod scopes;
pub(crate) mod shadow;
pub(crate) mod stage;
pub(crate) mod state;
pub(crate) mod tables;
