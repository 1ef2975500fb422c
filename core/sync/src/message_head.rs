//! Asking whether there is news.

use crate::server::{Served, check_versions, read, refused};
use crate::{Epoch, PROTOCOL, ProtocolError, ServerEffect, encode_message};
use fieldfare_model::SCHEMA;
use serde::{Deserialize, Serialize};
use std::convert::Infallible;

/// Asks to be answered when something changed in the device's scopes, or after a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadRequest {
    /// Protocol version.
    #[serde(rename = "p")]
    pub protocol: u16,
    /// Schema the phone stores.
    #[serde(rename = "s")]
    pub schema: u16,
    /// The history of what the phone shows.
    #[serde(rename = "e")]
    pub epoch: Epoch,
    /// The head it shows.
    #[serde(rename = "h")]
    pub head: u64,
}

impl HeadRequest {
    /// In this build's protocol and schema.
    pub const fn new(epoch: Epoch, head: u64) -> Self {
        Self {
            protocol: PROTOCOL,
            schema: SCHEMA,
            epoch,
            head,
        }
    }

    /// Reads a request.
    ///
    /// # Errors
    /// The reply that refuses it.
    pub fn read(body: &[u8]) -> Result<Self, ServerEffect> {
        Self::checked(body).map_err(|failure| match failure {
            crate::ServerFailure::Refused(status, error) => refused(status, &error),
            crate::ServerFailure::Store(never) => match never {},
        })
    }

    fn checked(body: &[u8]) -> Served<Self, Infallible> {
        let request: Self = read(body)?;
        check_versions(request.protocol, request.schema)?;
        Ok(request)
    }

    /// Whether there is news for the phone, where the server is in history `epoch` at `head`, and
    /// the device's scopes last changed at the sequences `scopes`.
    pub fn answer(
        &self,
        epoch: Epoch,
        head: u64,
        scopes: impl IntoIterator<Item = u64>,
    ) -> HeadReply {
        let is_other = epoch != self.epoch || self.head > head;
        HeadReply {
            protocol: PROTOCOL,
            schema: SCHEMA,
            epoch,
            head,
            is_news: is_other || scopes.into_iter().any(|last| last > self.head),
        }
    }
}

/// Says whether there is news, and nothing about what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadReply {
    /// Protocol version.
    #[serde(rename = "p")]
    pub protocol: u16,
    /// Schema of the server.
    #[serde(rename = "s")]
    pub schema: u16,
    /// The server's history.
    #[serde(rename = "e")]
    pub epoch: Epoch,
    /// The tenant's sequence.
    #[serde(rename = "h")]
    pub head: u64,
    /// Whether a sync would bring something.
    #[serde(rename = "d")]
    pub is_news: bool,
}

impl HeadReply {
    /// As it is sent.
    ///
    /// # Errors
    /// [`ProtocolError`], which no such reply causes.
    pub fn into_effect(self) -> Result<ServerEffect, ProtocolError> {
        Ok(ServerEffect::ok(encode_message(&self)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorBody, ErrorCode, decode_message};

    #[test]
    fn news_are_later_changes_and_other_histories() {
        let at = HeadRequest::new(Epoch(1), 10);
        let is_news = |epoch, head, scopes: &[u64]| {
            let reply = at.answer(Epoch(epoch), head, scopes.iter().copied());
            assert_eq!((reply.epoch, reply.head), (Epoch(epoch), head));
            reply.is_news
        };
        assert!(!is_news(1, 10, &[3, 10]));
        assert!(!is_news(1, 12, &[3, 10]), "somebody else's");
        assert!(is_news(1, 12, &[3, 11]));
        assert!(is_news(2, 10, &[3]));
        assert!(is_news(1, 9, &[3]), "a restored server");
    }

    #[test]
    fn what_is_not_such_a_request_is_refused() {
        let read = |body: &[u8]| {
            let effect = HeadRequest::read(body).unwrap_err();
            let error: ErrorBody = decode_message(&effect.body).unwrap();
            (effect.status, error.code)
        };
        assert_eq!(read(b""), (400, ErrorCode::Malformed));
        let mut request = HeadRequest::new(Epoch(1), 10);
        request.schema = 0;
        let body = encode_message(&request).unwrap();
        assert_eq!(read(&body), (426, ErrorCode::Upgrade));
        request.protocol = 9;
        let body = encode_message(&request).unwrap();
        assert_eq!(read(&body), (426, ErrorCode::Upgrade));
        let body = encode_message(&HeadRequest::new(Epoch(1), 10)).unwrap();
        assert!(HeadRequest::read(&body).is_ok());
    }
}
