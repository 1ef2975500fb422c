//! HubSpot's request signature, version 3.
//!
//! `X-HubSpot-Signature-v3` is the base64 of HMAC-SHA256 over method, URI, raw body and the
//! timestamp header as it was sent, in that order and with nothing between. Source: HubSpot,
//! "Validating requests from HubSpot".

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fieldfare_model::TimestampMs;
use ring::hmac;
use std::fmt;

/// How far the request's timestamp may lie from now, before or after, milliseconds.
pub const SIGNATURE_WINDOW_MS: i64 = 300_000;

/// Name of the header with the signature.
pub const SIGNATURE_HEADER: &str = "x-hubspot-signature-v3";

/// Name of the header with the moment of signing, epoch milliseconds.
pub const TIMESTAMP_HEADER: &str = "x-hubspot-request-timestamp";

const MAX_TIMESTAMP_DIGITS: usize = 15;

/// The escapes that are undone before signing. Everything else, `%20` too, stays as it is.
const ESCAPES: [(&str, char); 12] = [
    ("%3A", ':'),
    ("%2F", '/'),
    ("%3F", '?'),
    ("%40", '@'),
    ("%21", '!'),
    ("%24", '$'),
    ("%27", '\''),
    ("%28", '('),
    ("%29", ')'),
    ("%2A", '*'),
    ("%2C", ','),
    ("%3B", ';'),
];

/// Why a request is not believed. The name is used as a metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum SignatureError {
    /// No or more than one signature header, or it is not text.
    #[error("the signature header is missing")]
    NoSignature,
    /// No or more than one timestamp header, or it is not text.
    #[error("the timestamp header is missing")]
    NoTimestamp,
    /// The timestamp is not made of digits alone.
    #[error("the timestamp header is not epoch milliseconds")]
    Timestamp,
    /// Signed too long ago.
    #[error("the request was signed more than five minutes ago; check this server's clock")]
    Stale,
    /// Signed in the future.
    #[error("the request was signed more than five minutes ahead; check this server's clock")]
    Future,
    /// The signature is not the base64 of 32 bytes, or does not match.
    #[error("the signature does not match; check the client secret and the public URL")]
    Mismatch,
}

impl SignatureError {
    /// A short name for metrics.
    pub const fn label(self) -> &'static str {
        match self {
            Self::NoSignature => "no_signature",
            Self::NoTimestamp => "no_timestamp",
            Self::Timestamp => "timestamp",
            Self::Stale => "stale",
            Self::Future => "future",
            Self::Mismatch => "mismatch",
        }
    }
}

/// A request as it came over the wire.
#[derive(Debug, Clone, Copy)]
pub struct SignedRequest<'a> {
    /// HTTP method in capitals.
    pub method: &'a str,
    /// The full URL HubSpot called, see [`signed_uri`].
    pub uri: &'a str,
    /// The body, untouched.
    pub body: &'a [u8],
    /// The timestamp header, untouched.
    pub timestamp: &'a str,
    /// The signature header.
    pub signature: &'a str,
}

/// The client secrets a connection accepts: one, or two while a secret is being rotated.
#[derive(Clone)]
pub struct WebhookSecrets(Vec<hmac::Key>);

impl WebhookSecrets {
    /// Makes keys of the secrets; the order does not matter.
    pub fn new<S: AsRef<str>>(secrets: impl IntoIterator<Item = S>) -> Self {
        let key = |s: S| hmac::Key::new(hmac::HMAC_SHA256, s.as_ref().as_bytes());
        Self(secrets.into_iter().map(key).collect())
    }

    /// Checks a request against every secret, in constant time for each.
    ///
    /// # Errors
    /// [`SignatureError`] naming what is wrong.
    pub fn verify(
        &self,
        request: &SignedRequest<'_>,
        now: TimestampMs,
    ) -> Result<(), SignatureError> {
        check_window(parse_timestamp(request.timestamp)?, now)?;
        let tag = STANDARD
            .decode(request.signature)
            .map_err(|_| SignatureError::Mismatch)?;
        let message = message(request);
        let matches = |key: &hmac::Key| hmac::verify(key, &message, &tag).is_ok();
        // Not `any`: which of the secrets matched does not show in the time taken.
        let matched = self.0.iter().filter(|key| matches(key)).count();
        if matched > 0 {
            Ok(())
        } else {
            Err(SignatureError::Mismatch)
        }
    }

    /// Signs like HubSpot does, with the first secret; for tests and fakes. Empty without secrets.
    pub fn sign(&self, method: &str, uri: &str, body: &[u8], timestamp: &str) -> String {
        let request = SignedRequest {
            method,
            uri,
            body,
            timestamp,
            signature: "",
        };
        let tag = self
            .0
            .first()
            .map(|key| hmac::sign(key, &message(&request)));
        tag.map(|tag| STANDARD.encode(tag)).unwrap_or_default()
    }
}

impl fmt::Debug for WebhookSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookSecrets({} hidden)", self.0.len())
    }
}

/// The URI that was signed: the configured public URL of this server, then path and query as they
/// came, with only the escapes HubSpot lists undone, once, from left to right.
///
/// `Host` and `X-Forwarded-*` are never looked at: whoever calls could choose them.
pub fn signed_uri(public_url: &str, path_and_query: &str) -> String {
    decode_listed(&format!(
        "{}{path_and_query}",
        public_url.trim_end_matches('/')
    ))
}

/// Undoes the escapes HubSpot lists, once, from left to right; for a URL that is registered whole.
pub fn decode_listed(uri: &str) -> String {
    let mut out = String::with_capacity(uri.len());
    let mut rest = uri;
    while let Some((before, at)) = rest.find('%').and_then(|at| rest.split_at_checked(at)) {
        out.push_str(before);
        let escape = ESCAPES
            .iter()
            .find_map(|(e, c)| Some((c, at.strip_prefix(e)?)));
        match escape {
            Some((c, after)) => {
                out.push(*c);
                rest = after;
            }
            None => {
                out.push('%');
                rest = at.strip_prefix('%').unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}

fn parse_timestamp(text: &str) -> Result<TimestampMs, SignatureError> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    if !digits || text.is_empty() || text.len() > MAX_TIMESTAMP_DIGITS {
        return Err(SignatureError::Timestamp);
    }
    text.parse()
        .map(TimestampMs)
        .map_err(|_| SignatureError::Timestamp)
}

const fn check_window(signed: TimestampMs, now: TimestampMs) -> Result<(), SignatureError> {
    let age = now.since(signed);
    if age > SIGNATURE_WINDOW_MS {
        Err(SignatureError::Stale)
    } else if age < -SIGNATURE_WINDOW_MS {
        Err(SignatureError::Future)
    } else {
        Ok(())
    }
}

fn message(r: &SignedRequest<'_>) -> Vec<u8> {
    [
        r.method.as_bytes(),
        r.uri.as_bytes(),
        r.body,
        r.timestamp.as_bytes(),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECRET: &str = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy";
    const URI: &str = "https://www.example.com/webhook_uri";
    const BODY: &[u8] = b"{'example_field':'example_value'}";
    const VECTORS: [(&str, &str); 2] = [
        (
            "1693657560000",
            "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=",
        ),
        (
            "1700000300000",
            "RnbPH7+UMKVkbV32P8bz450N4M56aPmcru1+D3kSDtw=",
        ),
    ];

    fn request(timestamp: &'static str, signature: &'static str) -> SignedRequest<'static> {
        SignedRequest {
            method: "POST",
            uri: URI,
            body: BODY,
            timestamp,
            signature,
        }
    }

    fn check(secrets: &[&str], r: &SignedRequest<'_>, now: i64) -> Result<(), SignatureError> {
        WebhookSecrets::new(secrets).verify(r, TimestampMs(now))
    }

    #[test]
    fn known_answers_hold() {
        for (timestamp, signature) in VECTORS {
            let now = timestamp.parse().unwrap();
            assert_eq!(
                check(&[SECRET], &request(timestamp, signature), now),
                Ok(())
            );
        }
    }

    #[test]
    fn any_of_several_secrets_is_enough_and_none_is_not() {
        let (t, s) = VECTORS[0];
        let now = t.parse().unwrap();
        assert_eq!(check(&["new", SECRET], &request(t, s), now), Ok(()));
        assert_eq!(
            check(&["new", "newer"], &request(t, s), now),
            Err(SignatureError::Mismatch)
        );
        assert_eq!(
            check(&[], &request(t, s), now),
            Err(SignatureError::Mismatch)
        );
    }

    #[test]
    fn the_window_is_five_minutes_both_ways() {
        let (t, s) = VECTORS[0];
        let at: i64 = t.parse().unwrap();
        let r = request(t, s);
        assert_eq!(check(&[SECRET], &r, at + 300_000), Ok(()));
        assert_eq!(
            check(&[SECRET], &r, at + 300_001),
            Err(SignatureError::Stale)
        );
        assert_eq!(check(&[SECRET], &r, at - 300_000), Ok(()));
        assert_eq!(
            check(&[SECRET], &r, at - 300_001),
            Err(SignatureError::Future)
        );
    }

    #[test]
    fn the_timestamp_is_digits_and_is_signed_as_written() {
        let secrets = WebhookSecrets::new([SECRET]);
        for odd in [
            "",
            "1693657560000.0",
            "+1693657560000",
            " 1693657560000",
            "1e12",
            "١٢٣",
        ] {
            let signature = secrets.sign("POST", URI, BODY, odd);
            let r = SignedRequest {
                timestamp: odd,
                signature: &signature,
                ..request("", "")
            };
            let verdict = secrets.verify(&r, TimestampMs(1_693_657_560_000));
            assert_eq!(verdict, Err(SignatureError::Timestamp), "{odd:?}");
        }
        let (t, s) = VECTORS[0];
        let padded = SignedRequest {
            timestamp: "01693657560000",
            ..request(t, s)
        };
        let verdict = secrets.verify(&padded, TimestampMs(1_693_657_560_000));
        assert_eq!(
            verdict,
            Err(SignatureError::Mismatch),
            "same number, other text"
        );
    }

    #[test]
    fn only_the_listed_escapes_are_undone() {
        let all = "/w?u=%3A%2F%3F%40%21%24%27%28%29%2A%2C%3B";
        assert_eq!(
            signed_uri("https://a.example/", all),
            "https://a.example/w?u=:/?@!$'()*,;"
        );
        for kept in [
            "/%20",
            "/%3a",
            "/%3D%26%25",
            "/%253A",
            "/%",
            "/%3",
            "/%é",
            "/%%",
        ] {
            assert_eq!(
                signed_uri("https://a.example", kept),
                format!("https://a.example{kept}")
            );
        }
        assert_eq!(signed_uri("", "/%%3A"), "/%:");
    }

    #[test]
    fn secrets_do_not_show() {
        assert!(!format!("{:?}", WebhookSecrets::new([SECRET])).contains("yyyy"));
    }

    #[derive(Debug, Clone)]
    struct Parts([Vec<u8>; 5]);

    fn verify_parts(secrets: &WebhookSecrets, Parts(p): &Parts, now: i64) -> bool {
        let text = |i: usize| std::str::from_utf8(&p[i]);
        let (Ok(method), Ok(uri), Ok(timestamp), Ok(signature)) =
            (text(0), text(1), text(3), text(4))
        else {
            return false;
        };
        let r = SignedRequest {
            method,
            uri,
            body: &p[2],
            timestamp,
            signature,
        };
        secrets.verify(&r, TimestampMs(now)).is_ok()
    }

    proptest! {
        #[test]
        fn no_byte_may_change(
            path in "/[a-zA-Z0-9%?=&]{0,20}",
            body in proptest::collection::vec(any::<u8>(), 0..200),
            now in 1_000_000_000_000i64..2_000_000_000_000,
            part in 0usize..5, at in any::<proptest::sample::Index>(), flip in 1u8..=255,
        ) {
            let secrets = WebhookSecrets::new([SECRET]);
            let uri = signed_uri("https://sync.example.com", &path);
            let timestamp = now.to_string();
            let signature = secrets.sign("POST", &uri, &body, &timestamp);
            let good = Parts(
                ["POST".into(), uri.into(), body, timestamp.into(), signature.into()],
            );
            prop_assert!(verify_parts(&secrets, &good, now));
            let mut bad = good;
            if !bad.0[part].is_empty() {
                let at = at.index(bad.0[part].len());
                bad.0[part][at] ^= flip;
                prop_assert!(!verify_parts(&secrets, &bad, now));
            }
        }
    }
}
