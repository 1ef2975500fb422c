//! Who may speak: one-time codes, rotating refresh tokens, short-lived access tokens.

mod authorize;
mod code;
mod session;
mod tokens;

pub use authorize::{AuthError, Authorized, authorize};
pub use code::CODE_LIFETIME_MS;
pub use session::{Grant, SessionError, enrol, issue_code, refresh};
pub use tokens::{ACCESS_LIFETIME_MS, AccessToken, REFRESH_LIFETIME_MS, TokenKeys};
