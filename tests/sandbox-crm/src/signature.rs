//! HubSpot's request signatures, as its official client computes them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::{digest, hmac};

/// Version 1, for `X-HubSpot-Signature`: hex of SHA-256 over the secret followed by the body.
pub fn sign_v1(secret: &str, body: &[u8]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(secret.as_bytes());
    context.update(body);
    hex(context.finish().as_ref())
}

/// Version 3, for `X-HubSpot-Signature-v3`: base64 of HMAC-SHA-256 under the secret over method,
/// address, body and timestamp with nothing between them. `uri` is the whole public address;
/// the percent codes HubSpot decodes before it signs are decoded here. `timestamp_ms` is the exact
/// text of `X-HubSpot-Request-Timestamp`.
pub fn sign_v3(secret: &str, method: &str, uri: &str, body: &[u8], timestamp_ms: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let mut context = hmac::Context::with_key(&key);
    context.update(method.as_bytes());
    context.update(decode_uri(uri).as_bytes());
    context.update(body);
    context.update(timestamp_ms.as_bytes());
    STANDARD.encode(context.sign().as_ref())
}

/// The only percent codes HubSpot decodes; all others stay as they are.
const DECODED: [(&str, &str); 12] = [
    ("%3A", ":"),
    ("%2F", "/"),
    ("%3F", "?"),
    ("%40", "@"),
    ("%21", "!"),
    ("%24", "$"),
    ("%27", "'"),
    ("%28", "("),
    ("%29", ")"),
    ("%2A", "*"),
    ("%2C", ","),
    ("%3B", ";"),
];

fn decode_uri(uri: &str) -> String {
    let mut decoded = String::with_capacity(uri.len());
    let mut rest = uri;
    while let Some(at) = rest.find('%') {
        let (before, code_onwards) = rest.split_at(at);
        decoded.push_str(before);
        let code = code_onwards.get(..3).unwrap_or_default();
        let known = DECODED
            .iter()
            .find(|(from, _)| from.eq_ignore_ascii_case(code));
        let (text, length) = known.map_or(("%", 1), |(_, to)| (*to, 3));
        decoded.push_str(text);
        rest = code_onwards.get(length..).unwrap_or_default();
    }
    decoded.push_str(rest);
    decoded
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy";
    const URI: &str = "https://www.example.com/webhook_uri";
    const BODY: &[u8] = b"{'example_field':'example_value'}";

    #[test]
    fn version_3_agrees_with_the_known_answers() {
        assert_eq!(
            sign_v3(SECRET, "POST", URI, BODY, "1693657560000"),
            "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y="
        );
        assert_eq!(
            sign_v3(SECRET, "POST", URI, BODY, "1700000300000"),
            "RnbPH7+UMKVkbV32P8bz450N4M56aPmcru1+D3kSDtw="
        );
    }

    #[test]
    fn version_1_agrees_with_the_known_answer() {
        let body = concat!(
            r#"[{"eventId":1,"subscriptionId":12345,"portalId":62515,"#,
            r#""occurredAt":1564113600000,"subscriptionType":"contact.creation","#,
            r#""attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","#,
            r#""appId":54321}]"#,
        );
        assert_eq!(
            sign_v1(SECRET, body.as_bytes()),
            "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de"
        );
    }

    #[test]
    fn only_the_listed_percent_codes_are_decoded() {
        assert_eq!(
            decode_uri("https://x.example/a%3Ab%2fc%20d?e=%40%2C%3D%25"),
            "https://x.example/a:b/c%20d?e=@,%3D%25"
        );
        assert_eq!(decode_uri("https://x.example/%"), "https://x.example/%");
        assert_eq!(
            decode_uri("https://x.example/%aé%3A%3"),
            "https://x.example/%aé:%3"
        );
    }
}
