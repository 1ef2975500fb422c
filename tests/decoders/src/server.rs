//! What comes to the server from strangers: tokens and webhooks.

use fieldfare_model::{DeviceId, TimestampMs};
use fieldfare_server::auth::{AccessToken, TokenKeys};
use fieldfare_server::hubspot::{event, signature};
use fieldfare_server::intake::{pack, receive::MAX_DELIVERY_BYTES, unpack};
use fieldfare_server::store::MasterKey;

/// When the token of [`signed_token`] is looked at; it ends an hour later.
const SIGNED_AT: TimestampMs = TimestampMs(1_800_000_000_000);
const PORTAL: u64 = 4_711;

fn keys() -> TokenKeys {
    TokenKeys::new(&MasterKey::new([7; 32])).expect("keys")
}

/// A token that the key of the target signed, for the corpus.
pub fn signed_token() -> String {
    keys().sign(&AccessToken {
        device: DeviceId::from_bytes([2; 16]),
        expires_at: TimestampMs(SIGNED_AT.0 + 3_600_000),
    })
}

/// An access token: what is taken is exactly what was signed.
pub fn token(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let keys = keys();
    if let Some(token) = keys.verify(text, SIGNED_AT) {
        assert_eq!(keys.sign(&token), text, "a token that was not signed so");
    }
    let _ = keys.hash(text);
}

/// A webhook's body, and its text as the URL that was signed.
pub fn webhook(bytes: &[u8]) {
    let to = event::addressees(bytes);
    match event::parse(bytes, PORTAL) {
        Ok(events) => {
            let ours = to
                .portals
                .iter()
                .filter(|portal| **portal == PORTAL)
                .count();
            let read = events.iter().flatten().count();
            assert!(read <= ours, "an event of another account");
        }
        Err(_) => assert!(to.portals.is_empty() && to.some_unread),
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert!(signature::decode_listed(text).len() <= text.len());
    }
}

/// A delivery as it is kept: what was packed comes back, what was not does no harm.
pub fn delivery(bytes: &[u8]) {
    if let Some(body) = unpack(bytes) {
        assert!(body.len() <= MAX_DELIVERY_BYTES);
    }
    if bytes.len() <= MAX_DELIVERY_BYTES {
        let packed = pack(bytes).expect("packs");
        assert_eq!(unpack(&packed).as_deref(), Some(bytes));
    }
}
