//! Consent: the ledger of what a rep decided and the one gate that reads it.
//!
//! A location is used, stored or sent only with a [`Grant`], and a grant comes only from
//! [`ConsentGate::check`].

mod gate;
mod grant;
mod ledger;
mod ping;
#[cfg(test)]
mod tests;

pub use gate::{ConsentError, ConsentGate, Decision, TenantPolicy};
pub use grant::{Denied, Grant};
pub use ledger::{ConsentLedger, LedgerFault, NewConsent};
pub use ping::Ping;
